//! What stops a night: a failed check, too many rejects, a delivery that is not as it should be.

#![cfg(test)]

use std::path::PathBuf;

use super::bank::{Accounts, Bank, FIRST, SECOND, Said, THIRD, accounts};
use super::feeds::put;

/// The first night published, the second delivered as `accounts` says.
fn second_night(change: impl Fn(&mut Accounts)) -> Bank {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.run().exits(0);
    bank.deliver(SECOND);
    let mut delivery = Accounts::of(&accounts(2), SECOND);
    change(&mut delivery);
    bank.deliver_accounts(SECOND, &delivery);
    bank
}

/// The night stops with this code, publishes nothing and leaves readers where they were.
fn stops(bank: &Bank, code: i32) -> Said {
    let before = bank.contents("releases");
    let said = bank.run().exits(code);
    assert_eq!(said.stdout, "");
    super::bank::assert_same(&before, &bank.contents("releases"), "a stopped night");
    assert_eq!(bank.current().as_deref(), Some("2026-10-29.1"));
    bank.salenet(&["releases", "verify"]).exits(0);
    said
}

/// The candidate the message names.
fn candidate(said: &Said) -> PathBuf {
    let (_, path) = said
        .stderr
        .trim_end()
        .rsplit_once("--candidate ")
        .expect("a hint");
    PathBuf::from(path)
}

#[test]
fn a_failed_check_publishes_nothing_and_the_candidate_can_be_queried() {
    let bank = second_night(|delivery| {
        delivery.text = delivery.text.replace("|402.08|", "|2000402.08|");
        delivery.cents += 200_000_000;
    });
    let said = stops(&bank, 4);
    insta::assert_snapshot!("a_failed_check", bank.redact(&said.shown()));
    let candidate = candidate(&said);
    let which = ["--candidate", candidate.to_str().expect("text")];
    let sql = "select account_id from core.account where balance >= 1000000.00";
    assert_eq!(bank.query_of(&which, sql), "102\n");
    assert_eq!(bank.query(sql), "");
    // The corrected delivery is the same release as if nothing had happened.
    bank.deliver(SECOND);
    bank.run().exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-30.1"));
}

#[test]
fn a_check_that_only_warns_publishes_and_says_so() {
    let bank = second_night(|delivery| {
        delivery.text = delivery.text.replace("|402.08|", "|-402.08|");
        delivery.cents -= 80_416;
    });
    let said = bank.run().exits(0);
    assert!(
        said.stdout.contains("  warning   core.account.ACC-02"),
        "{}",
        said.stdout
    );
    assert_eq!(bank.current().as_deref(), Some("2026-10-30.1"));
}

/// Two nights of events, the second run with another text in a file of the project.
fn second_night_with(file: &str, from: &str, to: &str, events: bool) -> (Bank, Said) {
    let bank = Bank::new();
    let project = bank.own_project();
    let run = |bank: &Bank| bank.with_project(&project, &["run"]);
    bank.deliver(FIRST);
    run(&bank).exits(0);
    bank.deliver(SECOND);
    if !events {
        put(
            &bank.landing(),
            &format!("channels/{SECOND}/events.csv"),
            NO_EVENTS,
        );
    }
    let path = project.join(file);
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.contains(from), "{text}");
    put(&project, file, text.replace(from, to).as_bytes());
    let said = run(&bank);
    (bank, said)
}

const NO_EVENTS: &[u8] = b"event_no,account_no,channel,cost\n";
const HISTORY: &str = "models/core/event_history";

#[test]
fn rows_of_an_earlier_night_are_not_appended_again() {
    // Without its condition the model takes all nights that staging keeps.
    let file = format!("{HISTORY}.sql");
    for events in [true, false] {
        let (_, said) =
            second_night_with(&file, "where _business_date = $business_date", "", events);
        let said = said.exits(4);
        assert!(
            said.stderr.contains("core.event_history.grain_unique"),
            "{}",
            said.stderr
        );
    }
}

/// Rows of earlier nights stand in the order of their own grain: nothing may rely on the new one.
#[test]
fn a_changed_grain_does_not_change_the_order_of_earlier_files() {
    let file = format!("{HISTORY}.yml");
    let (from, to) = ("grain: [event_no]", "grain: [channel, event_no]");
    let (bank, said) = second_night_with(&file, from, to, true);
    said.exits(0);
    let path = bank.warehouse().join("current/manifest.json");
    let text = std::fs::read(path).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let table = &manifest["tables"]["core.event_history"];
    assert_eq!(table["files"].as_array().map(Vec::len), Some(2));
    assert_eq!(table["sorted_by"], serde_json::json!([]));
    let in_order = "select channel, event_no from core.event_history order by channel, event_no";
    let found = bank.query_of(&["--threads", "1"], in_order);
    let mut rows: Vec<&str> = found.lines().collect();
    assert!(rows.len() > 2);
    let as_found = rows.clone();
    rows.sort_unstable();
    assert_eq!(as_found, rows);
}

#[test]
fn a_new_check_also_judges_the_rows_of_earlier_nights() {
    let checks = "checks:\n  - {id: EVT-01, must: \"business_date <> date '2026-10-29'\"}\n";
    let file = format!("{HISTORY}.yml");
    let (_, said) = second_night_with(&file, "columns:\n", &format!("{checks}columns:\n"), true);
    let said = said.exits(4);
    assert!(
        said.stderr.contains("core.event_history.EVT-01"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_key_that_repeats_within_a_month_or_in_two_stops_the_night() {
    for (kind, grain, rows, repeated) in [
        ("full", "account_id", "", None),
        (
            "full",
            "account_id",
            "union all select * from named",
            Some(12),
        ),
        ("month", "month, account_id", "", None),
        (
            "month",
            "month, account_id",
            "union all select * from named where account_id = '101'",
            Some(1),
        ),
        // Within each month the key is another one.
        (
            "month",
            "account_id",
            "union all select '2010-01', account_id from named",
            Some(12),
        ),
    ] {
        let bank = Bank::new();
        let project = bank.own_project();
        let sql = format!(
            "with named as (select month, account_id from core.account_month)\nselect * from named\n{rows}\n"
        );
        put(&project, "models/marts/named.sql", sql.as_bytes());
        let yml = format!(
            "description: Accounts.\ngrain: [{grain}]\nmaterialised: {kind}\ncolumns:\n  \
             month: {{description: YYYY-MM}}\n  account_id: {{description: Account}}\n"
        );
        put(&project, "models/marts/named.yml", yml.as_bytes());
        bank.deliver(FIRST);
        let said = bank.with_project(&project, &["run"]);
        match repeated {
            None => {
                said.exits(0);
            }
            Some(repeated) => {
                let said = said.exits(4);
                let words = format!("marts.named.grain_unique: {repeated} ");
                assert!(said.stderr.contains(&words), "{}", said.stderr);
            }
        }
    }
}

#[test]
fn a_view_by_month_is_judged_by_the_months_written_tonight() {
    let bank = Bank::new();
    let project = bank.own_project();
    let view = "models/marts/month_line";
    let sql = b"select month, account_id, balance from core.account_month\n";
    put(&project, &format!("{view}.sql"), sql);
    let yml = b"description: Balances of months.\ngrain: [month, account_id]\nmaterialised: view\nby_month: true\n\
        columns:\n  month: {description: YYYY-MM}\n  account_id: {description: Account}\n  \
        balance: {description: Balance}\nchecks:\n  - {id: ML-01, must: \"balance < 1000000\"}\n";
    put(&project, &format!("{view}.yml"), yml);
    let run = || bank.with_project(&project, &["run"]);
    bank.deliver(FIRST);
    run().exits(0);
    bank.deliver(SECOND);
    run().exits(0);
    bank.deliver(THIRD);
    let path = project.join("models/core/account_month.sql");
    let text = std::fs::read_to_string(&path).expect("a file");
    let wrong = text.replace(
        "    account.balance,",
        "    cast(account.balance + 1000000.00 as decimal(18, 2)) as balance,",
    );
    assert_ne!(text, wrong);
    put(&project, "models/core/account_month.sql", wrong.as_bytes());
    let said = run().exits(4);
    assert!(
        said.stderr.contains("marts.month_line.ML-01: 12 rows"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_broken_reject_limit_publishes_nothing_and_the_reject_report_is_whole() {
    let bank = second_night(|delivery| {
        // Four rows of three allowed: a date, a code, a rule, and a row that cannot be split.
        for (sound, broken) in [
            ("|2010-03-10|", "|2010-13-10|"),
            ("|402.08|A", "|402.08|Z"),
            ("|1202.22|A", "|1202.22|C"),
        ] {
            assert!(delivery.text.contains(sound), "{sound}");
            delivery.text = delivery.text.replace(sound, broken);
        }
        delivery.text.push_str("999|Too|Short\n");
        delivery.rows += 1;
    });
    let said = stops(&bank, 4);
    insta::assert_snapshot!("a_broken_reject_limit", bank.redact(&said.shown()));
    let candidate = candidate(&said);
    let candidate = candidate.to_str().expect("text");
    let list = bank
        .salenet(&["rejects", "list", "--candidate", candidate])
        .exits(0);
    insta::assert_snapshot!("the_reject_report", bank.redact(&list.stdout));
    let reasons = [
        "rejects",
        "show",
        "deposits.accounts",
        "--reasons",
        "--candidate",
        candidate,
    ];
    let reasons = bank.salenet(&reasons).exits(0);
    insta::assert_snapshot!("the_reasons", bank.redact(&reasons.stdout));
}

#[test]
fn every_wrong_delivery_is_refused_in_its_own_words() {
    type Change = fn(&mut Accounts);
    let cases: [(&str, Change); 10] = [
        ("one_row_too_few", |delivery| delivery.rows += 1),
        ("one_row_too_many", |delivery| delivery.rows -= 1),
        ("one_cent_too_little", |delivery| delivery.cents += 1),
        ("one_cent_too_much", |delivery| delivery.cents -= 1),
        ("yesterdays_control", |delivery| {
            FIRST.clone_into(&mut delivery.extract_date);
        }),
        ("yesterdays_file", |delivery| {
            delivery.text = Accounts::of(&accounts(1), FIRST).text;
        }),
        ("cut_in_the_middle_of_a_row", |delivery| {
            delivery.text.truncate(delivery.text.len() - 100);
        }),
        ("empty", |delivery| {
            delivery
                .text
                .truncate(delivery.text.find('\n').expect("a header") + 1);
            (delivery.rows, delivery.cents) = (0, 0);
        }),
        ("columns_in_another_order", |delivery| {
            delivery.text =
                delivery
                    .text
                    .replacen("family_name|given_name", "given_name|family_name", 1);
        }),
        ("shrunk_to_a_third", |delivery| {
            *delivery = Accounts::of(&accounts(2)[..4], SECOND);
        }),
    ];
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.run().exits(0);
    for (name, change) in cases {
        bank.deliver(SECOND);
        let mut delivery = Accounts::of(&accounts(2), SECOND);
        change(&mut delivery);
        bank.deliver_accounts(SECOND, &delivery);
        let said = stops(&bank, 5);
        insta::assert_snapshot!(name, bank.redact(&said.stderr));
    }
    for (name, file) in [
        ("a_missing_file", "accounts.csv"),
        ("a_missing_control", "accounts.ctl"),
    ] {
        bank.deliver(SECOND);
        std::fs::remove_file(bank.landing().join(format!("deposits/{SECOND}/{file}")))
            .expect("removed");
        let said = stops(&bank, 5);
        insta::assert_snapshot!(name, bank.redact(&said.stderr));
    }
    let events = format!("channels/{SECOND}/events.csv");
    for (name, content) in [
        (
            "an_event_that_is_cut",
            "event_no,account_no,channel,cost\nE1,101,teller,1.00\nE2,10",
        ),
        (
            "an_added_column",
            "event_no,account_no,channel,cost,note\nE1,101,teller,1.00,x\n",
        ),
        ("a_row_in_the_headers_place", "E1,101,teller,1.00\n"),
    ] {
        bank.deliver(SECOND);
        put(&bank.landing(), &events, content.as_bytes());
        let said = stops(&bank, 5);
        insta::assert_snapshot!(name, bank.redact(&said.stderr));
    }
    bank.deliver(SECOND);
    bank.run().exits(0);
}

#[test]
fn everything_that_is_wrong_with_the_deliveries_is_said_at_once() {
    let bank = second_night(|delivery| delivery.rows += 1);
    put(
        &bank.landing(),
        &format!("channels/{SECOND}/events.csv"),
        b"event_no,channel,account_no,cost\nE1,teller,101,1.00\n",
    );
    let said = stops(&bank, 5);
    let errors = said
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 2, "{}", said.stderr);
}

#[test]
fn a_stopped_night_writes_its_report_and_calls_the_banks_command() {
    let bank = second_night(|delivery| delivery.rows += 1);
    let project = bank.own_project();
    let called = bank.root().join("called");
    let settings = std::fs::read_to_string(project.join("bank.yml")).expect("a file");
    let command = format!(
        "on_failure: [\"cp\", \"--target-directory={}\"]\n",
        called.display()
    );
    std::fs::create_dir(&called).expect("a folder");
    put(
        &project,
        "bank.yml",
        format!("{settings}{command}").as_bytes(),
    );
    let said = bank.with_project(&project, &["run"]).exits(5);
    let report = std::fs::read_to_string(called.join("report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["exit_code"], 5);
    assert_eq!(report["outcome"], "failed");
    let message = report["message"].as_str().expect("a message");
    assert!(said.stderr.contains(message), "{message}\n{}", said.stderr);
}

#[test]
fn a_landing_folder_with_nothing_in_it_says_where_it_looked() {
    let bank = Bank::new();
    let said = bank.run().exits(5);
    insta::assert_snapshot!("nothing_delivered", bank.redact(&said.stderr));
}

#[test]
fn a_finding_that_is_signed_for_lets_the_night_publish_and_only_that_finding() {
    let too_much = |amount: &'static str, cents: i64| {
        move |delivery: &mut Accounts| {
            delivery.text = delivery.text.replace("|402.08|", &format!("|{amount}|"));
            delivery.cents += cents;
        }
    };
    let bank = second_night(too_much("2000402.08", 200_000_000));
    let sign = |gate: &str| {
        bank.salenet(&[
            "accept",
            "--gate",
            gate,
            "--reason",
            "a building was sold",
            "--by",
            "the controller",
            "--on",
            "2026-10-31",
        ])
    };
    insta::assert_snapshot!(
        "accept_without_a_finding",
        bank.redact(&sign("core.account.ACC-01").exits(2).shown())
    );
    stops(&bank, 4);
    insta::assert_snapshot!(
        "accept_of_another_gate",
        bank.redact(&sign("core.account.ACC-99").exits(2).shown())
    );
    sign("deposits.accounts.conservation").exits(2);
    insta::assert_snapshot!(
        "accept",
        bank.redact(&sign("core.account.ACC-01").exits(0).shown())
    );
    let said = bank.run().exits(0);
    assert!(
        said.stdout.contains(
            "accepted  core.account.ACC-01: 1 rows do not hold: balance < 1000000.00; \
             accepted by the controller on 2026-10-31: a building was sold"
        ),
        "{}",
        said.stdout
    );
    assert_eq!(bank.current().as_deref(), Some("2026-10-30.1"));
    // A second row too large is another finding.
    let mut delivery = Accounts::of(&accounts(2), SECOND);
    too_much("2000402.08", 200_000_000)(&mut delivery);
    delivery.text = delivery.text.replace("|802.15|", "|2000802.15|");
    delivery.cents += 200_000_000;
    bank.deliver_accounts(SECOND, &delivery);
    bank.salenet(&["run", "--date", SECOND]).exits(4);
}
