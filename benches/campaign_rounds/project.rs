//! The sample bank's project, changed for two rounds at any size; everything else is as it is shipped.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

#[path = "../shared/changes.rs"]
mod changes;

use changes::sending_changes;

type Failure = Box<dyn Error>;

/// The campaigns that are compared with the mass mailing of the bank's history.
pub const CAMPAIGNS: [&str; 2] = ["HEL-2026-11", "HEL-2027-03"];

/// One customer in three is neither contacted by the campaigns nor trained on: on them the two models are compared.
pub const HELD_OUT: &str = "customer_id % 3 = 0";

/// Customers of the sample bank, for which the shipped campaign's limits are made.
const SAMPLE: u64 = 2_000;
/// Months that the reference files go on for, with their last rates and costs.
const MONTHS_ON: u32 = 12;

/// Makes the project, without a trained model; `contacts` is the most that a campaign contacts.
pub fn prepare(to: &Path, customers: u64, contacts: u64) -> Result<(), Failure> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/harbor");
    copy(&from, to)?;
    let edit = |file: &str, change: &dyn Fn(String) -> Result<String, Failure>| {
        let text = std::fs::read_to_string(to.join(file))?;
        std::fs::write(to.join(file), change(text)?)?;
        Ok::<(), Failure>(())
    };
    for file in ["ftp_pool.csv", "ftp_curve.csv", "cost_pool.csv"] {
        edit(&format!("reference/{file}"), &|text| going_on(&text))?;
    }
    std::fs::remove_file(to.join("campaigns/personal_loan.yml"))?;
    let score = "signals.moment <> 'tonight' and";
    let kept = format!("{score} not (signals.{HELD_OUT}) and");
    let _ = std::fs::remove_file(to.join("scores/hel_response.model.json"));
    edit("scores/hel_response.yml", &|text| {
        replaced(&text, score, &kept)
    })?;
    let times = |number: u64| (number * customers / SAMPLE).max(1);
    edit("campaigns/home_equity.yml", &|text| {
        let text = replaced(&text, "schedule: monthly", "schedule: manual")?;
        let members = "status in ('active', 'dormant')";
        let kept = format!("{members} and not ({HELD_OUT})");
        let text = replaced(&text, members, &kept)?;
        let text = replaced(
            &text,
            "budget: 1200.00",
            &format!("budget: {}.00", times(1_200)),
        )?;
        let text = replaced(&text, "per_day: 20", &format!("per_day: {}", times(20)))?;
        let text = replaced(&text, "max: 30}", &format!("max: {}}}", times(30)))?;
        replaced(&text, "cap: 300", &format!("cap: {contacts}"))
    })?;
    let first = std::fs::read_to_string(to.join("campaigns/home_equity.yml"))?;
    let second = replaced(&first, CAMPAIGNS[0], CAMPAIGNS[1])?;
    std::fs::write(to.join("campaigns/home_equity_again.yml"), second)?;
    Ok(())
}

/// Snapshot feeds become feeds of changes: the answers' nights bring nothing else.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &target)?;
        } else if from.ends_with("sources") {
            std::fs::write(&target, sending_changes(&std::fs::read_to_string(&path)?))?;
        } else {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// The rows of a reference file's last month, repeated for the months after it.
fn going_on(text: &str) -> Result<String, Failure> {
    let mut lines = text.lines();
    let header = lines.next().ok_or("a reference file has a header")?;
    let place = header
        .split(',')
        .position(|column| column == "month")
        .ok_or("a reference file of months")?;
    let month_of = |line: &str| line.split(',').nth(place).unwrap_or_default().to_owned();
    let last = lines.clone().map(month_of).max().ok_or("a month")?;
    let (year, month) = last.split_once('-').ok_or("a month such as 2026-10")?;
    let (year, month): (u32, u32) = (year.parse()?, month.parse()?);
    let mut text = text.to_owned();
    for later in month..month + MONTHS_ON {
        let next = format!("{}-{:02}", year + later / 12, later % 12 + 1);
        for line in lines.clone().filter(|line| month_of(line) == last) {
            let mut fields: Vec<&str> = line.split(',').collect();
            fields[place] = &next;
            let _ = writeln!(text, "{}", fields.join(","));
        }
    }
    Ok(text)
}

fn replaced(text: &str, old: &str, new: &str) -> Result<String, Failure> {
    match text.matches(old).count() {
        1 => Ok(text.replacen(old, new, 1)),
        found => Err(format!("`{old}` stands {found} times in a file of the project").into()),
    }
}
