//! What a person sees: words, data and exit codes of the commands.

#![cfg(test)]

use super::bank::{Accounts, Bank, FIRST, SECOND, accounts};
use super::feeds::put;

/// The second night has a reject and a customer more than the first.
fn two_nights() -> Bank {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.deliver(SECOND);
    let mut second = accounts(2);
    let mut newcomer = second[3].clone();
    newcomer.number = 950;
    "512-33-1234".clone_into(&mut newcomer.ssn);
    newcomer.card_no.clear();
    "Larsen".clone_into(&mut newcomer.family_name);
    second.push(newcomer);
    "2013-03-99".clone_into(&mut second[7].open_date);
    bank.deliver_accounts(SECOND, &Accounts::of(&second, SECOND));
    bank.run().exits(0);
    bank
}

fn snapshot(bank: &Bank, name: &str, arguments: &[&str]) {
    let said = bank.salenet(arguments);
    insta::with_settings!({description => arguments.join(" "), omit_expression => true}, {
        insta::assert_snapshot!(name, bank.redact(&said.shown()));
    });
}

#[test]
fn every_command_explains_itself() {
    let bank = Bank::new();
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_run", &["run", "--help"]),
        ("help_plan", &["plan", "--help"]),
        ("help_report", &["report", "--help"]),
        ("help_check", &["check", "--help"]),
        ("help_test", &["test", "--help"]),
        ("help_sql", &["sql", "--help"]),
        ("help_releases", &["releases", "--help"]),
        ("help_rejects", &["rejects", "--help"]),
        ("help_rejects_replay", &["rejects", "replay", "--help"]),
        ("help_accept", &["accept", "--help"]),
        ("help_campaign", &["campaign", "--help"]),
        ("help_campaign_export", &["campaign", "export", "--help"]),
        ("help_match", &["match", "--help"]),
        ("help_match_review", &["match", "review", "--help"]),
        ("help_match_train", &["match", "train", "--help"]),
        ("help_match_evaluate", &["match", "evaluate", "--help"]),
        ("help_explain", &["explain", "--help"]),
        ("help_explain_profit", &["explain", "profit", "--help"]),
        ("help_campaign_results", &["campaign", "results", "--help"]),
        ("help_generate", &["generate", "--help"]),
        ("help_schema", &["schema", "--help"]),
        ("help_completions", &["completions", "--help"]),
    ] {
        snapshot(&bank, name, arguments);
    }
}

#[test]
fn a_campaign_that_uses_a_prohibited_column_does_not_pass() {
    let bank = Bank::new();
    let project = bank.own_project();
    let path = "models/marts/customer_360.yml";
    let model = std::fs::read_to_string(project.join(path)).expect("a file");
    let model = model.replace(
        "{description: All accounts are closed}",
        "{description: Married, classification: prohibited}",
    );
    put(&project, path, model.as_bytes());
    let said = bank.with_project(&project, &["check"]);
    insta::assert_snapshot!("check_of_a_prohibited_column", bank.redact(&said.shown()));
}

#[test]
fn a_broken_project_is_shown_with_all_its_problems() {
    let bank = Bank::new();
    let project = bank.own_project();
    let source = std::fs::read_to_string(project.join("sources/deposits.yml")).expect("a file");
    let source = source.replace(
        "{type: money, required: true}",
        "{type: mony, required: true}",
    );
    put(&project, "sources/deposits.yml", source.as_bytes());
    let model = std::fs::read_to_string(project.join("models/marts/balance_total.sql"));
    let model = model
        .expect("a file")
        .replace("core.account", "core.acount");
    put(&project, "models/marts/balance_total.sql", model.as_bytes());
    let said = bank.with_project(&project, &["check"]);
    insta::assert_snapshot!("check_of_a_broken_project", bank.redact(&said.shown()));
    // Nothing was read or written.
    assert!(!bank.warehouse().exists());
}

#[test]
fn a_sound_project_says_so() {
    let bank = Bank::new();
    snapshot(&bank, "check", &["check"]);
    snapshot(&bank, "test", &["test"]);
    snapshot(
        &bank,
        "test_of_a_model_without_tests",
        &["test", "core.account"],
    );
}

#[test]
fn rows_that_a_test_gives_to_nobody_fail_it() {
    let bank = Bank::new();
    let project = bank.own_project();
    let file = "tests/account_month.yml";
    let text = std::fs::read_to_string(project.join(file)).expect("a file");
    let given = "      core.event_history: []\n";
    assert!(text.contains(given), "{text}");
    let wrong = format!(
        "{given}      core.customer_xrf: [{{customer_id: 1}}]\n      core.customer_xref: [{{custmer_id: 1}}]\n"
    );
    put(&project, file, text.replace(given, &wrong).as_bytes());
    let said = bank.with_project(&project, &["test"]).exits(4);
    for words in [
        "there is no table `core.customer_xrf` to give rows of",
        "the given table `core.customer_xref` has no column `custmer_id`",
    ] {
        assert!(said.shown().contains(words), "{}", said.shown());
    }
}

#[test]
fn a_release_answers_in_three_formats() {
    let bank = two_nights();
    let sql = "select account_id, customer_id, status, balance, valid_from from core.account \
               where account_id in ('101', '105', '111') order by 1";
    for format in ["table", "csv", "json"] {
        snapshot(
            &bank,
            &format!("sql_{format}"),
            &["sql", "--format", format, "-c", sql],
        );
    }
    let named = "select count(*) as n from core.account where balance >= $least";
    snapshot(
        &bank,
        "sql_with_a_parameter",
        &[
            "sql",
            "--format",
            "csv",
            "--param",
            "least=1000.00",
            "-c",
            named,
        ],
    );
    snapshot(
        &bank,
        "sql_of_an_earlier_release",
        &[
            "sql",
            "--format",
            "csv",
            "--release",
            "2026-10-29.1",
            "-c",
            "select count(*) as n from core.account",
        ],
    );
}

#[test]
fn a_wrong_query_shows_where() {
    let bank = two_nights();
    for (name, sql) in [
        (
            "sql_syntax",
            "select account_id,\n  from core.account where",
        ),
        (
            "sql_syntax_in_line_two",
            "select account_id,\n  balance from from core.account",
        ),
        ("sql_unknown_table", "select 1 from core.acount"),
        ("sql_unknown_column", "select\n  balanse\nfrom core.account"),
        ("sql_that_writes", "drop table core.account"),
        ("sql_unbound", "select $nobody"),
        ("sql_division_by_zero", "select 1 / 0"),
    ] {
        snapshot(&bank, name, &["sql", "-c", sql]);
    }
    snapshot(
        &bank,
        "sql_parquet_to_nowhere",
        &["sql", "--format", "parquet", "-c", "select 1"],
    );
}

#[test]
fn a_customer_is_explained_by_files_and_lines() {
    let bank = two_nights();
    snapshot(&bank, "explain_customer", &["explain", "customer", "1"]);
    snapshot(&bank, "explain_nobody", &["explain", "customer", "4711"]);
}

#[test]
fn releases_and_rejects_are_listed_shown_and_compared() {
    let bank = two_nights();
    snapshot(&bank, "releases_list", &["releases", "list"]);
    snapshot(&bank, "releases_show", &["releases", "show"]);
    snapshot(
        &bank,
        "releases_diff",
        &["releases", "diff", "2026-10-29.1", "2026-10-30.1"],
    );
    snapshot(
        &bank,
        "releases_diff_of_one",
        &["releases", "diff", "2026-10-29.1", "2026-10-29.1"],
    );
    snapshot(
        &bank,
        "releases_rollback_to_itself",
        &["releases", "rollback", "2026-10-30.1", "--reason", "x"],
    );
    snapshot(
        &bank,
        "releases_rollback_to_nowhere",
        &["releases", "rollback", "2026-01-01.1", "--reason", "x"],
    );
    snapshot(&bank, "rejects_list", &["rejects", "list"]);
    snapshot(
        &bank,
        "rejects_of_no_feed",
        &["rejects", "show", "deposits.acounts"],
    );
    snapshot(
        &bank,
        "unknown_release",
        &["releases", "show", "2026-12-24.1"],
    );
    snapshot(&bank, "not_a_release", &["releases", "show", "yesterday"]);
}

#[test]
fn a_list_is_delivered_with_a_control_file() {
    let bank = two_nights();
    let folder = bank.warehouse().join("current/lists/SAV-2026-10");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a list");
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
    let lists: Vec<String> = names
        .iter()
        .map(|name| format!("{name}\n{}", read(name)))
        .collect();
    insta::assert_snapshot!("lists", bank.redact(&lists.join("\n")));
}

#[test]
fn without_a_warehouse_or_a_project_the_words_say_what_to_do() {
    let bank = Bank::new();
    for (name, arguments) in [
        ("no_warehouse_sql", &["sql", "-c", "select 1"][..]),
        ("no_warehouse_releases", &["releases", "list"]),
        ("no_warehouse_rejects", &["rejects", "list"]),
        ("no_warehouse_explain", &["explain", "customer", "1"]),
        ("unknown_command", &["runn"]),
        ("date_that_is_none", &["run", "--date", "2026-02-30"]),
        ("half_a_range", &["run", "--from", "2026-10-29"]),
    ] {
        snapshot(&bank, name, arguments);
    }
    let nowhere = bank.root().join("nowhere");
    let said = bank.with_project(&nowhere, &["run"]);
    insta::assert_snapshot!("no_project", bank.redact(&said.shown()));
    // A night that stopped leaves a warehouse with nothing published.
    bank.run().exits(5);
    snapshot(&bank, "nothing_published_sql", &["sql", "-c", "select 1"]);
    snapshot(&bank, "nothing_published_releases", &["releases", "list"]);
    snapshot(&bank, "nothing_published_verify", &["releases", "verify"]);
}

#[test]
fn quiet_says_nothing_but_errors() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    let said = bank.salenet(&["run", "--quiet"]).exits(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let said = bank.salenet(&["run", "--quiet", "--date", SECOND]).exits(5);
    assert!(said.stderr.starts_with("error: "), "{}", said.stderr);
}
