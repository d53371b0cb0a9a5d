//! Campaigns between nights: approval, export, recall, replay; what a rerun may not change.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::bank::{Bank, FIRST, SECOND, Said, THIRD, assert_same};
use super::feeds::put;

pub(super) const CODE: &str = "SAV-2026-10";

/// A nightly campaign with cells of the tiny bank's ten customers; `more` are further keys.
pub(super) fn campaign(code: &str, priority: u32, more: &str) -> String {
    format!(
        "campaign: {{code: {code}, description: Savings plan, product: savings_plan, level: customer, seed: 7}}
schedule: nightly
priority: {priority}
universe: \"select customer_id from marts.customer_360\"
eligibility:
  - {{id: E01_BALANCE, where: \"total_balance >= 1000.00\"}}
suppress:
  - {{id: S01, where: \"has_left\"}}
  - {{id: S02, where: \"customer_id % 3 = 0\", channel: phone}}
rank_by: \"total_balance\"
offers: {{SAV-1: {{rate: 0.031, valid_days: 30}}}}
cells:
  - {{code: A, channel: mail, share: 0.50, offer: SAV-1, cost: 0.85}}
  - {{code: B, channel: phone, share: 0.25, offer: SAV-1, cost: 4.10}}
  - {{code: C, kind: control, share: 0.25}}
codes: {{finder: \"{{campaign}}-{{cell}}-{{seq:05}}-{{check}}\"}}
response: {{window_days: 60}}
export: [{{format: csv, columns: [finder_number, cell_code, contact_channel, offer_code, offer_rate, offer_valid_until, customer_id, display_name]}}]
{more}"
    )
}

/// A bank with its own project, whose only campaign is the one given.
pub(super) fn bank_with(text: &str) -> (Bank, PathBuf) {
    let bank = Bank::new();
    let project = bank.own_project();
    put(&project, "campaigns/savings.yml", text.as_bytes());
    (bank, project)
}

pub(super) fn salenet(bank: &Bank, project: &Path, arguments: &[&str]) -> Said {
    bank.with_project(project, arguments)
}

pub(super) fn night(bank: &Bank, project: &Path, date: &str) {
    bank.deliver(date);
    salenet(bank, project, &["run"]).exits(0);
}

pub(super) fn query(bank: &Bank, project: &Path, sql: &str) -> String {
    let said = salenet(bank, project, &["sql", "--format", "csv", "-c", sql]).exits(0);
    let (_, rows) = said.stdout.split_once('\n').expect("a header");
    rows.to_owned()
}

pub(super) fn files_of(folder: &Path) -> BTreeMap<String, String> {
    let files = super::bank::files_below(folder).into_iter();
    files
        .map(|file| {
            let name = file
                .strip_prefix(folder)
                .expect("below")
                .display()
                .to_string();
            (
                name,
                std::fs::read_to_string(&file).unwrap_or_else(|_| {
                    blake3::hash(&std::fs::read(&file).expect("a file"))
                        .to_hex()
                        .to_string()
                }),
            )
        })
        .collect()
}

#[test]
fn every_member_has_a_state_a_cell_and_all_rules_it_fails() {
    let (bank, project) = bank_with(&campaign(CODE, 20, "cap: 5\n"));
    night(&bank, &project, FIRST);
    let rows = query(
        &bank,
        &project,
        "select customer_id, state, place, first_failed_rule, failed_rules, cut_by, cell_code, channel, offer_code, \
         finder_sequence from campaigns.candidate order by customer_id",
    );
    insta::assert_snapshot!("candidates", rows);
    let cells = query(
        &bank,
        &project,
        "select * from campaigns.cell order by cell_code",
    );
    insta::assert_snapshot!("cells", cells);
    let history = query(
        &bank,
        &project,
        "select contact_id, treatment_id, cell_code, channel, contacted_on, cost, delivery_status, is_control \
         from campaigns.contact_history order by contact_id",
    );
    insta::assert_snapshot!("contacts", history);
    // Every number has its check character, and nobody has two.
    let numbers = query(
        &bank,
        &project,
        "select finder_number from campaigns.contact_history where not is_control order by 1",
    );
    let numbers: Vec<&str> = numbers.lines().collect();
    assert_eq!(numbers.len(), 5);
    for number in &numbers {
        assert!(
            salenet::domain::check_character::has_right_check(number),
            "{number}"
        );
    }
    let counts = query(
        &bank,
        &project,
        "select (select count(*) from campaigns.treatment) as a, (select count(*) from campaigns.campaign) as b, \
         (select n_selected from campaigns.campaign_run) as c, (select n_control from campaigns.campaign_run) as d",
    );
    assert_eq!(counts, "3,1,5,1\n");
}

#[test]
fn the_order_of_rows_and_threads_say_nothing() {
    let published = |threads: &str| {
        let (bank, project) = bank_with(&campaign(CODE, 20, "cap: 5\n"));
        bank.deliver(FIRST);
        salenet(&bank, &project, &["run", "--threads", threads]).exits(0);
        bank.published()
    };
    assert_same(&published("1"), &published("2"), "with two threads");
}

#[test]
fn two_persons_send_a_list_out_once() {
    let (bank, project) = bank_with(&campaign(
        CODE,
        20,
        "cap: 5\napproval: {by: second_person}\n",
    ));
    night(&bank, &project, FIRST);
    let lists = bank.root().join("out");
    let out = lists.to_str().expect("text").to_owned();
    let say = |arguments: &[&str]| salenet(&bank, &project, arguments);
    assert!(
        !bank.warehouse().join("current/lists").exists(),
        "a list without approval"
    );
    let export = ["campaign", "export", CODE, "--out", &out, "--by"];
    let refused = say(&[&export[..], &["Bea"]].concat()).exits(2);
    assert!(
        refused.stderr.contains("nobody has approved"),
        "{}",
        refused.stderr
    );
    say(&[
        "campaign",
        "approve",
        CODE,
        "--by",
        "Ann",
        "--on",
        "2026-10-29",
    ])
    .exits(0);
    let refused = say(&[&export[..], &[" ann "]].concat()).exits(2);
    assert!(
        refused.stderr.contains("cannot send it out too"),
        "{}",
        refused.stderr
    );
    assert!(!lists.exists());
    say(&[&export[..], &["Bea"]].concat()).exits(0);
    let first = files_of(&lists);
    assert_eq!(first.len(), 2, "{:?}", first.keys());

    // The next night knows the contacts and chooses nobody of them again; the same export gives the same files.
    night(&bank, &project, SECOND);
    let twice = "select count(*) from campaigns.candidate as later join campaigns.contact_history as earlier
        on earlier.customer_id = later.customer_id and not earlier.is_control
        where later.business_date = date '2026-10-30' and later.state in ('selected', 'control')";
    assert_eq!(query(&bank, &project, twice), "0\n");
    let known =
        "select count(*), min(contacted_on) from campaigns.contact_history where not is_control";
    assert_eq!(query(&bank, &project, known), "5,2026-10-29\n");
    let listed = say(&["campaign", "list", "--format", "json"]).exits(0);
    assert!(
        listed.stdout.contains("delivered on 2026-10-29 by Bea"),
        "{}",
        listed.stdout
    );
    assert!(
        listed.stdout.contains("waits for approval"),
        "{}",
        listed.stdout
    );

    // What was approved goes out, or nothing does.
    say(&[
        "campaign",
        "approve",
        CODE,
        "--by",
        "Ann",
        "--on",
        "2026-10-30",
    ])
    .exits(0);
    put(
        &project,
        "campaigns/savings.yml",
        campaign(CODE, 20, "cap: 4\napproval: {by: second_person}\n").as_bytes(),
    );
    let refused = say(&[&export[..], &["Bea"]].concat()).exits(2);
    assert!(
        refused.stderr.contains("has changed since the night"),
        "{}",
        refused.stderr
    );
    assert_eq!(files_of(&lists), first);
}

/// Accounts of which those that had most have least, so that another choice would be made.
fn reversed(date: &str) -> super::bank::Accounts {
    let mut accounts = super::bank::accounts(1);
    for (number, account) in accounts.iter_mut().enumerate() {
        account.balance = format!("{}.00", 9000 - 700 * number);
    }
    super::bank::Accounts::of(&accounts, date)
}

#[test]
fn a_rerun_never_chooses_again_what_went_out() {
    let (bank, project) = bank_with(&campaign(CODE, 20, "cap: 5\n"));
    night(&bank, &project, FIRST);
    let chosen = "select customer_id, state, cell_code, finder_number from campaigns.candidate
        where state in ('selected', 'control') order by 1";
    let (before, lists) = (
        query(&bank, &project, chosen),
        bank.warehouse().join("current/lists"),
    );
    let delivered = files_of(&linked(&lists));
    bank.deliver_accounts(FIRST, &reversed(FIRST));
    salenet(&bank, &project, &["run", "--date", FIRST]).exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-29.2"));
    assert_eq!(query(&bank, &project, chosen), before);
    assert_eq!(files_of(&linked(&lists)), delivered);
    // The contacts happened once.
    let events =
        std::fs::read_to_string(bank.warehouse().join("journal/journal.jsonl")).expect("a journal");
    assert_eq!(events.matches("campaign_delivered").count(), 1);
    salenet(&bank, &project, &["releases", "verify"]).exits(0);
}

/// A copy of what links below a folder lead to.
pub(super) fn linked(folder: &Path) -> PathBuf {
    let copy = tempfile::tempdir().expect("a scratch folder").keep();
    for link in std::fs::read_dir(folder.join(CODE)).expect("lists") {
        let link = link.expect("an entry");
        std::fs::copy(link.path(), copy.join(link.file_name())).expect("copied");
    }
    copy
}

#[test]
fn an_old_list_is_made_again_byte_for_byte_after_new_data_and_new_campaigns() {
    let (bank, project) = bank_with(&campaign(CODE, 20, "cap: 5\n"));
    night(&bank, &project, FIRST);
    let replay = ["campaign", "replay", CODE, "--date", FIRST];
    let before = salenet(&bank, &project, &replay).exits(0);
    assert!(
        before.stdout.contains("same    all.csv (5 rows)"),
        "{}",
        before.stdout
    );
    // New data, a new campaign that comes first, other rules for the old one, a recall.
    put(
        &project,
        "campaigns/other.yml",
        campaign("OTHER", 1, "cap: 2\n").as_bytes(),
    );
    put(
        &project,
        "campaigns/savings.yml",
        campaign(CODE, 20, "cap: 3\n").as_bytes(),
    );
    night(&bank, &project, SECOND);
    bank.deliver(THIRD);
    bank.deliver_accounts(THIRD, &reversed(THIRD));
    salenet(&bank, &project, &["run"]).exits(0);
    let recall = [
        "campaign",
        "recall",
        CODE,
        "--date",
        SECOND,
        "--by",
        "Ann",
        "--reason",
        "wrong rate",
    ];
    salenet(&bank, &project, &recall).exits(0);
    let out = bank.root().join("again");
    let out = out.to_str().expect("text");
    let after = salenet(&bank, &project, &[&replay[..], &["--out", out]].concat()).exits(0);
    assert_eq!(after.stdout, before.stdout);
    let first = bank
        .warehouse()
        .join("releases/2026-10-29.1/lists")
        .join(CODE)
        .join("all.csv");
    let again = std::fs::read(Path::new(out).join("all.csv")).expect("a list");
    assert_eq!(again, std::fs::read(first).expect("a list"));
    salenet(
        &bank,
        &project,
        &["campaign", "replay", "OTHER", "--date", THIRD],
    )
    .exits(0);

    // A list that cannot be made again says so: the release's attributes were exchanged.
    let table = std::fs::read_dir(
        bank.warehouse()
            .join("releases/2026-10-29.1/marts/customer_360"),
    );
    let file = table
        .expect("files")
        .next()
        .expect("one")
        .expect("an entry")
        .path();
    let other = bank
        .warehouse()
        .join("releases/2026-10-31.1/marts/customer_360");
    let other = std::fs::read_dir(other)
        .expect("files")
        .next()
        .expect("one")
        .expect("an entry")
        .path();
    std::fs::copy(
        other.canonicalize().expect("a file"),
        file.canonicalize().expect("a file"),
    )
    .expect("copied");
    let differs = salenet(&bank, &project, &replay).exits(4);
    assert!(differs.stdout.contains("DIFFERS"), "{}", differs.stdout);
}

#[test]
fn a_recalled_list_has_not_happened_for_later_nights() {
    let (bank, project) = bank_with(&campaign(CODE, 20, "cap: 5\n"));
    night(&bank, &project, FIRST);
    let twice = [
        "campaign",
        "recall",
        CODE,
        "--date",
        FIRST,
        "--by",
        "Ann",
        "--reason",
        "wrong rate",
    ];
    salenet(&bank, &project, &twice).exits(0);
    let again = salenet(&bank, &project, &twice).exits(2);
    assert!(
        again
            .stderr
            .contains("no list of SAV-2026-10 of 2026-10-29 is out"),
        "{}",
        again.stderr
    );
    let rerun = salenet(&bank, &project, &["run"]).exits(0);
    assert!(
        rerun.stdout.starts_with("already published"),
        "{}",
        rerun.stdout
    );
    night(&bank, &project, SECOND);
    let history =
        "select business_date, count(*) from campaigns.contact_history group by 1 order by 1";
    assert_eq!(query(&bank, &project, history), "2026-10-30,6\n");
    // Numbers that were printed once are not printed again.
    let first = "select min(finder_sequence) from campaigns.contact_history";
    assert_eq!(query(&bank, &project, first), "6\n");
}

#[test]
fn campaigns_of_one_night_do_not_share_customers_or_capacity() {
    let (bank, project) = bank_with(&campaign(
        CODE,
        20,
        "constraints: {channels: {phone: {max: 2}}}\n",
    ));
    let other = campaign(
        "OTHER",
        1,
        "cap: 4\nconstraints: {channels: {phone: {max: 1}}}\n",
    );
    put(&project, "campaigns/other.yml", other.as_bytes());
    night(&bank, &project, FIRST);
    let by_customer = "select count(*), count(distinct customer_id) from campaigns.contact_history where not is_control";
    let counts = query(&bank, &project, by_customer);
    let (all, distinct) = counts.trim().split_once(',').expect("two");
    assert_eq!(all, distinct);
    let phone = "select campaign_code, count(*) from campaigns.contact_history where channel = 'phone' group by 1 order by 1";
    assert_eq!(query(&bank, &project, phone), "OTHER,1\nSAV-2026-10,1\n");
    let taken = "select count(*) from campaigns.candidate where campaign_code = 'SAV-2026-10'
        and failed_rules like '%S00_CHOSEN_TONIGHT%'";
    assert_eq!(query(&bank, &project, taken), "4\n");
}

#[test]
fn a_plan_writes_nothing_and_a_manual_campaign_runs_when_asked() {
    let text = campaign(CODE, 20, "cap: 5\n").replace("schedule: nightly", "schedule: manual");
    let (bank, project) = bank_with(&text);
    night(&bank, &project, FIRST);
    assert_eq!(
        query(&bank, &project, "select count(*) from campaigns.candidate"),
        "0\n"
    );
    let before = bank.contents("");
    let plan = salenet(&bank, &project, &["campaign", "plan"]).exits(0);
    insta::assert_snapshot!("plan", plan.stdout);
    assert_same(&before, &bank.contents(""), "after a plan");
    salenet(&bank, &project, &["campaign", "run", CODE, "--by", "Ann"]).exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-29.2"));
    let chosen = "select count(*) from campaigns.candidate where state = 'selected'";
    assert_eq!(query(&bank, &project, chosen), "5\n");
    let again = salenet(&bank, &project, &["run"]).exits(0);
    assert!(
        again.stdout.starts_with("already published"),
        "{}",
        again.stdout
    );
    let unknown = salenet(&bank, &project, &["campaign", "plan", "SAV"]).exits(2);
    assert!(
        unknown.stderr.contains("there is no campaign `SAV`"),
        "{}",
        unknown.stderr
    );
}

/// The parts of a stored-or-deflated zip archive, by name.
fn unzipped(bytes: &[u8]) -> BTreeMap<String, String> {
    use std::io::Read as _;
    let number = |at: usize, n: usize| -> usize {
        bytes[at..at + n]
            .iter()
            .rev()
            .fold(0, |sum, byte| sum * 256 + usize::from(*byte))
    };
    let mut parts = BTreeMap::new();
    let mut at = 0;
    while bytes[at..].starts_with(b"PK\x03\x04") {
        let (packed, name) = (number(at + 18, 4), number(at + 26, 2));
        let start = at + 30 + name + number(at + 28, 2);
        let mut content = String::new();
        flate2::read::DeflateDecoder::new(&bytes[start..start + packed])
            .read_to_string(&mut content)
            .expect("deflated text");
        let name = String::from_utf8(bytes[at + 30..at + 30 + name].to_vec()).expect("a name");
        parts.insert(name, content);
        at = start + packed;
    }
    parts
}

#[test]
fn a_telephone_list_has_real_types_talking_points_and_a_cover() {
    let text = campaign(CODE, 20, "cap: 6\nreasons: [{where: \"total_balance > 1000\", say: \"has savings, and more\"}]\n")
        .replace(
            "export: [{format: csv, columns: [",
            "export: [{format: csv, channel: mail, columns: [customer_id, total_balance]}, {format: xlsx, layout: call_sheet}]\nlayouts: {call_sheet: [list_place, talking_points, total_balance, ",
        )
        .replace("customer_id, display_name]}]", "customer_id, display_name]}");
    let (bank, project) = bank_with(&text);
    night(&bank, &project, FIRST);
    let folder = bank.warehouse().join("current/lists").join(CODE);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("lists")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "call_sheet-all.xlsx",
            "call_sheet-all.xlsx.ctl",
            "mail-all.csv",
            "mail-all.ctl"
        ]
    );
    let workbook =
        unzipped(&std::fs::read(folder.join("call_sheet-all.xlsx")).expect("a workbook"));
    let list = &workbook["xl/worksheets/sheet2.xml"];
    assert!(
        list.contains(r#"state="frozen""#) && list.contains("<cols><col "),
        "{list}"
    );
    // Money as a number with its own digits, a date as a day, reasons as text.
    let balances = query(
        &bank,
        &project,
        "select total_balance from marts.customer_360 as known join campaigns.candidate as chosen \
         on chosen.customer_id = known.customer_id where chosen.state = 'selected' order by chosen.place",
    );
    for balance in balances.lines() {
        assert!(
            list.contains(&format!(r#"s="3"><v>{balance}</v>"#)),
            "{balance} in {list}"
        );
    }
    // 2026-10-29 and thirty days more.
    assert!(list.contains(r#"s="2"><v>46354</v>"#), "{list}");
    assert!(list.contains("has savings, and more"), "{list}");
    let cover = &workbook["xl/worksheets/sheet1.xml"];
    for word in [CODE, "E01_BALANCE", "S99_NO_CHANNEL", "control"] {
        assert!(cover.contains(word), "{word} in {cover}");
    }
    let control = std::fs::read_to_string(folder.join("mail-all.ctl")).expect("a control");
    let sum = query(
        &bank,
        &project,
        "select sum(total_balance) from marts.customer_360 as known join campaigns.candidate as chosen \
         on chosen.customer_id = known.customer_id where chosen.channel = 'mail'",
    );
    assert!(
        control.contains(&format!("sum_total_balance={}", sum.trim())),
        "{control} {sum}"
    );
    let csv = std::fs::read(folder.join("mail-all.csv")).expect("a list");
    assert!(
        control.contains(&format!("blake3={}", blake3::hash(&csv).to_hex())),
        "{control}"
    );
    salenet(&bank, &project, &["releases", "verify"]).exits(0);
    salenet(
        &bank,
        &project,
        &["campaign", "replay", CODE, "--date", FIRST],
    )
    .exits(0);
}
