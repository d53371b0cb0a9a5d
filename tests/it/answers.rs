//! Who plays the bank's customers: what they answer to campaigns is what the truth says they would.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use salenet::domain::BusinessDate;
use salenet::synth::answers::{AnswerArgs, Contact, answer, read_contacts};
use salenet::synth::mailing::Way;
use salenet::synth::{GenerateArgs, generate};

use super::bank::{PROGRAM, Said};
use super::feeds::put;
use super::synth::Memory;

#[expect(
    clippy::disallowed_methods,
    reason = "the benchmark's project is written into a scratch folder"
)]
#[path = "../../benches/campaign_rounds/project.rs"]
mod project;

const CUSTOMERS: u64 = 3_000;
const NIGHT: &str = "2027-02-28";

type Files = BTreeMap<String, Vec<u8>>;

fn date(text: &str) -> BusinessDate {
    text.parse().expect("a date")
}

fn args() -> GenerateArgs {
    GenerateArgs {
        only_changes: true,
        ..GenerateArgs::new(CUSTOMERS, 1, 6)
    }
}

/// Rows of a compressed file, without the header.
fn rows(files: &Files, name: &str) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut file = flate2::read::MultiGzDecoder::new(files[name].as_slice());
    file.read_to_end(&mut bytes).expect("a compressed file");
    let text = String::from_utf8_lossy(&bytes);
    text.lines().skip(1).map(str::to_owned).collect()
}

fn delivered(contacts: &[Contact], after: &str, night: &str) -> Files {
    let mut memory = Memory::default();
    let wanted = AnswerArgs {
        bank: args(),
        contacts: contacts.to_vec(),
        night: date(night),
        after: date(after),
    };
    answer(&wanted, &mut memory).expect("answers");
    memory.files()
}

fn responses(files: &Files, night: &str) -> Vec<String> {
    rows(
        files,
        &format!("landing/campaigns/{night}/responses.csv.gz"),
    )
}

/// What the truth says of the next offer, by customer.
fn truth() -> BTreeMap<u64, [bool; 3]> {
    let mut memory = Memory::default();
    generate(&args(), &mut memory).expect("a bank");
    let files = memory.files();
    let text = String::from_utf8(files["truth/outcomes.csv"].clone()).expect("text");
    let next = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    next.filter(|fields| fields[1] == "next")
        .map(|fields| {
            let flag = |place: usize| fields[place] == "1";
            let index = fields[0].parse().expect("a number");
            (index, [flag(5), flag(6), flag(9)])
        })
        .collect()
}

fn contacts(customers: impl Iterator<Item = u64>, way: Option<Way>) -> Vec<Contact> {
    let contact = |customer| Contact {
        customer,
        campaign: "HEL-2026-11".to_owned(),
        finder: way.map_or_else(String::new, |_| format!("HEL-2026-11-A-{customer:07}-X")),
        way,
        contacted_on: date("2026-10-31").date(),
    };
    customers.map(contact).collect()
}

/// Customers behind the responses of a type.
fn who(responses: &[String], wanted: &str) -> BTreeSet<u64> {
    let fields = responses
        .iter()
        .map(|row| row.split(',').collect::<Vec<_>>());
    fields
        .filter(|fields| fields[5] == wanted)
        .map(|fields| fields[0][2..10].parse().expect("a number"))
        .collect()
}

#[test]
fn who_answers_is_who_the_truth_says_would() {
    let truth = truth();
    let all = || truth.keys().copied();
    let would = |place: usize| -> BTreeSet<u64> {
        let each = truth.iter().filter(|(_, flags)| flags[place]);
        each.map(|(index, _)| *index).collect()
    };
    let mailed = delivered(&contacts(all(), Some(Way::Mail)), "2026-10-31", NIGHT);
    let phoned = delivered(&contacts(all(), Some(Way::Phone)), "2026-10-31", NIGHT);
    let held = delivered(&contacts(all(), None), "2026-10-31", NIGHT);
    let by_mail = who(&responses(&mailed, NIGHT), "I");
    let by_phone = who(&responses(&phoned, NIGHT), "I");
    assert!(by_mail.is_subset(&would(0)), "{by_mail:?}");
    assert!(by_phone.is_subset(&would(1)), "{by_phone:?}");
    // A few letters come back, and who has a loan already answers nothing.
    assert!(by_mail.len() * 10 >= would(0).len() * 7, "{by_mail:?}");
    assert!(by_phone.len() > by_mail.len(), "{by_phone:?}");
    // Who is held back says nothing; loans that come of themselves come all the same.
    assert!(responses(&held, NIGHT).is_empty());
    let loans = |files: &Files| {
        rows(
            files,
            &format!("landing/loans/{NIGHT}/LNACCT.20270228.dat.gz"),
        )
    };
    let opened = |files: &Files| {
        loans(files)
            .iter()
            .filter(|row| row.starts_with('D'))
            .count()
    };
    assert!(opened(&held) <= would(2).len());
    assert!(opened(&phoned) > opened(&held));
    // Every loan has its lien and its drawdown.
    let liens = rows(&phoned, &format!("landing/property/{NIGHT}/liens.csv.gz"));
    let told: BTreeSet<&str> = liens.iter().map(|row| &row[..11]).collect();
    assert_eq!(told.len(), opened(&phoned));
    let drawn = rows(
        &phoned,
        &format!("landing/loans/{NIGHT}/LNTRAN.20270228.dat.gz"),
    );
    let drawn = drawn.iter().filter(|row| row.starts_with('D')).count();
    assert_eq!(drawn, opened(&phoned));
}

#[test]
fn answers_arrive_once_however_many_nights_bring_them() {
    let all = contacts(0..CUSTOMERS, Some(Way::Phone));
    let whole = delivered(&all, "2026-10-31", NIGHT);
    assert!(whole == delivered(&all, "2026-10-31", NIGHT));
    let early = delivered(&all, "2026-10-31", "2026-11-30");
    let late = delivered(&all, "2026-11-30", NIGHT);
    let set = |rows: Vec<String>| -> BTreeSet<String> { rows.into_iter().collect() };
    let (early, late) = (
        set(responses(&early, "2026-11-30")),
        set(responses(&late, NIGHT)),
    );
    assert!(early.is_disjoint(&late));
    assert!(!early.is_empty() && !late.is_empty());
    assert_eq!(&early | &late, set(responses(&whole, NIGHT)));
}

/// The sample bank's project, its shipped model, a campaign, the answers to it, and its results.
#[test]
fn a_campaign_is_answered_and_its_results_are_what_its_customers_did() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let at = folder.path().join("harbor");
    project::prepare(&at, 600, 200).expect("a project");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("pipelines/harbor/scores/hel_response.model.json");
    let model = std::fs::read(shipped).expect("a trained model");
    put(&at, "scores/hel_response.model.json", &model);
    // The first night runs the campaign; the second round is the benchmark's.
    let yml = std::fs::read_to_string(at.join("campaigns/home_equity.yml")).expect("a campaign");
    let monthly = yml.replace("schedule: manual", "schedule: monthly");
    put(&at, "campaigns/home_equity.yml", monthly.as_bytes());
    std::fs::remove_file(at.join("campaigns/home_equity_again.yml")).expect("a second campaign");
    let run = |arguments: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(folder.path())
            .output();
        Said::of(&output.expect("the program starts"))
            .exits(0)
            .stdout
    };
    let bank = |more: &[&str]| {
        let own = [
            "generate",
            "--customers",
            "600",
            "--nights",
            "1",
            "--seed",
            "7",
        ];
        run(&[&own[..], &["--changes", "--out", "."], more].concat());
    };
    let salenet = |arguments: &[&str]| {
        let places = [
            "--project",
            "harbor",
            "--landing",
            "landing",
            "--warehouse",
            "warehouse",
        ];
        run(&[arguments, &places[..]].concat())
    };
    let query = |sql: &str| salenet(&["sql", "--format", "csv", "-c", sql]);
    let code = project::CAMPAIGNS[0];

    bank(&[]);
    salenet(&["run"]);
    // Without consent to profiling nobody is scored, chosen, or learnt from.
    let scored = query(
        "select count(*) > 50, sum(case when has_profiling_consent then 0 else 1 end)
         from core.model_score as given
         join marts.customer_360 as known on known.customer_id = given.customer_id",
    );
    assert_eq!(scored.lines().nth(1), Some("true,0"));
    let contacts = query(
        "select min(record.source_key) as cif_no, campaign_code, finder_number, channel, contacted_on
         from campaigns.contact_history as contact
         join core.customer_xref as record on record.customer_id = contact.customer_id
             and record.valid_to is null and record.source_code = 'cif'
         group by contact_id, campaign_code, finder_number, channel, contacted_on order by contact_id",
    );
    put(folder.path(), "contacts.csv", contacts.as_bytes());
    bank(&["--contacts", "contacts.csv", "--answers-on", NIGHT]);
    let called = return_call_sheets(folder.path(), &query, &salenet);
    salenet(&["run", "--date", NIGHT, "--allow-gap"]);
    calls_are_counted(folder.path(), called, &query, &salenet);

    let contacted = read_contacts(&contacts).expect("contacts");
    let delivered = std::fs::read(
        folder
            .path()
            .join(format!("landing/campaigns/{NIGHT}/responses.csv.gz")),
    );
    let files = BTreeMap::from([("responses".to_owned(), delivered.expect("responses"))]);
    let answered = who(&rows(&files, "responses"), "I");
    let counted = query(&format!(
        "select sum(case when is_contacted then 1 else 0 end),
             sum(case when is_responded and n_responses > 0 then 1 else 0 end)
         from marts.campaign_outcome where campaign_code = '{code}'"
    ));
    let sent = contacted
        .iter()
        .filter(|contact| contact.way.is_some())
        .count();
    assert!(!answered.is_empty());
    let expected = format!("{sent},{}", answered.len());
    assert_eq!(counted.lines().nth(1), Some(expected.as_str()));
    let said = salenet(&["campaign", "results", code]);
    assert!(said.contains("beside the baseline"), "{said}");
    let json = salenet(&["campaign", "results", code, "--format", "json"]);
    what_was_foretold_stands_beside_what_came(code, &json, &query);
    assert!(said.contains("calibration "), "{said}");
}

/// Sends back every call sheet: the workbooks as they were, and their lines filled in as CSV. Gives the calls noted.
fn return_call_sheets(
    folder: &Path,
    query: &dyn Fn(&str) -> String,
    salenet: &dyn Fn(&[&str]) -> String,
) -> usize {
    let numbers = query(
        "select finder_number from campaigns.contact_history where channel = 'phone' and not is_control order by 1",
    );
    let numbers: Vec<&str> = numbers.lines().skip(1).collect();
    assert!(!numbers.is_empty());
    let lists = folder.join("warehouse/current/lists");
    let lists = std::fs::read_dir(lists.join(project::CAMPAIGNS[0])).expect("lists");
    let sheets = lists.map(|entry| entry.expect("a list").path());
    let sheets: Vec<String> = sheets
        .filter(|path| path.extension().is_some_and(|ending| ending == "xlsx"))
        .map(|path| path.display().to_string())
        .collect();
    let mut arguments = vec!["campaign", "collect", "--date", NIGHT];
    arguments.extend(sheets.iter().map(String::as_str));
    assert!(sheets.len() > 1, "{sheets:?}");
    // Nobody has noted anything yet.
    assert_eq!(salenet(&arguments), "");

    let mut filled = "finder_number;called_at;called_by;call_result;call_note\n".to_owned();
    for number in &numbers {
        filled.push_str(number);
        filled.push_str(";2026-11-03 14:05;S-007;Interested;wants, after all, a letter\n");
    }
    put(folder, "returned.csv", filled.as_bytes());
    let delivered = folder.join(format!("landing/campaigns/{NIGHT}"));
    let sheet = folder.join("returned.csv").display().to_string();
    // The same sheet twice is the same calls.
    salenet(&["campaign", "collect", "--date", NIGHT, &sheet, &sheet]);
    let control = std::fs::read_to_string(delivered.join("call_sheets.ctl"));
    let expected = format!("date={NIGHT}\nrows={}\n", numbers.len());
    assert_eq!(control.expect("a control file"), expected);
    let collect = |sheet: &str| {
        let again = Command::new(PROGRAM)
            .args(["campaign", "collect", "--date", NIGHT, sheet])
            .args(["--project", "harbor", "--landing", "landing"])
            .args(["--warehouse", "warehouse"])
            .current_dir(folder)
            .output();
        Said::of(&again.expect("the program starts"))
    };
    let said = collect(&sheet).exits(2);
    assert!(said.stderr.contains("is there already"), "{}", said.stderr);
    let strange = filled.replacen("-B-", "-Z-", 1);
    put(folder, "returned.csv", strange.as_bytes());
    let said = collect(&sheet).exits(4);
    let words = "line 2, finder_number: nobody has this number";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    assert!(
        said.stderr.contains("nothing was written"),
        "{}",
        said.stderr
    );
    put(folder, "returned.csv", filled.as_bytes());
    numbers.len()
}

fn calls_are_counted(
    folder: &Path,
    called: usize,
    query: &dyn Fn(&str) -> String,
    salenet: &dyn Fn(&[&str]) -> String,
) {
    let noted = query(
        "select count(*), sum(case when outcome.is_reached then 1 else 0 end)
         from core.contact_result as result
         join core.campaign_assignment as contact on contact.finder_number = result.finder_no
         join marts.campaign_outcome as outcome on outcome.contact_id = contact.contact_id
         where result.staff = 'S-007' and result.result = 'interested' and result.note = 'wants, after all, a letter'",
    );
    assert_eq!(
        noted.lines().nth(1),
        Some(format!("{called},{called}").as_str())
    );
    // What a night has read is known: sheets may come back again and again.
    let sheet = folder.join("returned.csv").display().to_string();
    let again = ["campaign", "collect", "--date", "2027-03-01", &sheet];
    assert_eq!(salenet(&again), "");
}

fn what_was_foretold_stands_beside_what_came(
    code: &str,
    json: &str,
    query: &dyn Fn(&str) -> String,
) {
    // The window closed that night: what the score foretold stands beside what came.
    let told = query(&format!(
        "select count(*), sum(case when outcome.is_responded then 1 else 0 end),
             round(avg(candidate.p_response), 9)
         from marts.campaign_outcome as outcome
         join campaigns.candidate as candidate on candidate.campaign_code = outcome.campaign_code
             and candidate.customer_id = outcome.customer_id and candidate.state = 'selected'
         where outcome.campaign_code = '{code}' and outcome.is_contacted"
    ));
    let found: serde_json::Value = serde_json::from_str(json).expect("figures");
    let found = &found[0]["calibration"];
    let mean = found["calibration"]["mean_probability"].as_f64();
    let shown = format!(
        "{},{},{:.9}",
        found["rows"],
        found["positives"],
        mean.expect("a mean")
    );
    let of_table: Vec<&str> = told.lines().nth(1).expect("a row").split(',').collect();
    let rounded: f64 = of_table[2].parse().expect("a number");
    assert_eq!(
        shown,
        format!("{},{},{rounded:.9}", of_table[0], of_table[1])
    );
}
