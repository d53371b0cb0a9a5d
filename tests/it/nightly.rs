//! Nights that go well: they publish, a rerun changes nothing, the machine does not matter.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use polars::prelude::{ParquetReader, SerReader, SortMultipleOptions};
use serde_json::Value;

use super::bank::{Bank, PROGRAM, Said, assert_same};
use super::feeds::put;
use super::harbor::Harbor;

fn modified(bank: &Bank) -> BTreeMap<PathBuf, SystemTime> {
    ["releases", "data", "journal", "steps"]
        .iter()
        .flat_map(|part| super::bank::files_below(&bank.warehouse().join(part)))
        .map(|path| {
            let time = path.metadata().and_then(|found| found.modified());
            (path, time.expect("a time"))
        })
        .collect()
}

#[test]
fn three_nights_publish_and_a_rerun_changes_nothing() {
    let bank = Bank::with_three_nights();
    let first = bank.run().exits(0);
    insta::assert_snapshot!("three_nights", bank.redact(&first.shown()));
    assert_eq!(bank.current().as_deref(), Some("2026-10-31.1"));
    assert_eq!(
        bank.query("select n_accounts, balance from marts.balance_total"),
        "12,26440.74\n"
    );
    assert_eq!(
        bank.query("select customer_id, count(*) from core.account group by 1 having count(*) > 1 order by 1"),
        "1,2\n2,2\n"
    );

    let (before, times) = (bank.published(), modified(&bank));
    let second = bank.run().exits(0);
    assert_eq!(
        second.stdout,
        "already published: 2026-10-31.1 has these inputs; nothing to do\n"
    );
    assert_same(&before, &bank.published(), "after a rerun");
    assert_eq!(times, modified(&bank), "files written again by a rerun");
}

#[test]
fn nights_run_one_by_one_are_the_nights_run_at_once() {
    let (at_once, one_by_one) = (Bank::with_three_nights(), Bank::new());
    at_once.run().exits(0);
    for date in super::bank::NIGHTS {
        one_by_one.deliver(date);
        one_by_one.run().exits(0);
        assert_eq!(one_by_one.current(), Some(format!("{date}.1")));
    }
    assert_same(
        &at_once.published(),
        &one_by_one.published(),
        "night by night",
    );
}

/// The three nights with something of the machine set otherwise; what was published.
fn published_with(prepare: impl Fn(&Bank) -> Command) -> BTreeMap<String, String> {
    let bank = Bank::with_three_nights();
    let mut command = prepare(&bank);
    Said::of(&command.output().expect("the program starts")).exits(0);
    bank.published()
}

#[test]
fn threads_time_zone_locale_and_umask_do_not_matter() {
    let plain = published_with(|bank| bank.command(&["run", "--threads", "2"]));
    let one_thread = published_with(|bank| bank.command(&["run", "--threads", "1"]));
    assert_same(&plain, &one_thread, "with one thread");
    let elsewhere = published_with(|bank| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 077; exec \"$0\" \"$@\"", PROGRAM]);
        bank.complete(&mut shell, &["run"]);
        shell
            .env("TZ", "Pacific/Kiritimati")
            .env("LANG", "tr_TR.UTF-8")
            .env("LC_ALL", "tr_TR.UTF-8");
        shell
    });
    assert_same(&plain, &elsewhere, "elsewhere");
}

/// The engine relies on it: every file ascends by the columns that its manifest names.
fn assert_stored_in_order(warehouse: &Path, manifest: &str) {
    let manifest: Value = serde_json::from_str(manifest).expect("a manifest in JSON");
    let mut n_files = 0;
    for (name, table) in manifest["tables"].as_object().expect("tables") {
        let order = table["sorted_by"].as_array().expect("an order").iter();
        let order: Vec<_> = order.map(|it| it.as_str().expect("a column")).collect();
        if order.is_empty() {
            continue;
        }
        for file in table["files"].as_array().expect("files") {
            let path = warehouse.join(file["path"].as_str().expect("a path"));
            let rows = ParquetReader::new(std::fs::File::open(path).expect("a file"))
                .finish()
                .expect("a Parquet file");
            let keys = rows.select(order.iter().copied()).expect("its columns");
            let sorted = keys.sort(order.clone(), SortMultipleOptions::default());
            assert!(keys.equals_missing(&sorted.expect("sorted")), "{name}");
            n_files += 1;
        }
    }
    assert!(n_files > 100, "{n_files} files");
}

#[test]
fn the_sample_banks_pipeline_runs_a_generated_bank() {
    let harbor = Harbor::generated(60, 1, 7);
    let salenet = |arguments: &[&str]| harbor.salenet(arguments);
    // The generated ledger holds manual entries that no account knows; somebody must have signed for them.
    let acceptances = harbor.project().join("acceptances.yml");
    let signed = std::fs::read(&acceptances).expect("a file");
    std::fs::remove_file(&acceptances).expect("removed");
    let stopped = salenet(&["run"]).exits(4);
    let (_, finding) = stopped
        .stderr
        .split_once("marts.ledger_reconciliation.GL-01: ")
        .expect("the ledger's gate");
    let finding = finding.lines().next().unwrap_or_default();
    assert_eq!(finding.split("; ").count(), 3, "{finding}");
    // The differences are of known size, so that the sample's signatures hold for a bank of any size.
    put(&harbor.project(), "acceptances.yml", &signed);
    salenet(&["run"]).exits(0);
    // Customers sum to accounts, to the cent.
    let totals = harbor.query(
        "select (select sum(net_interest_income) from marts.customer_pnl) = \
         (select sum(net_interest_income) from marts.account_pnl) as same",
    );
    assert_eq!(totals, "true\n");
    assert!(super::slt::check(&harbor) > 10, "every query of tests/slt");
    salenet(&["releases", "verify"]).exits(0);
    let manifest = harbor.manifest("2026-10-31.1");
    assert_stored_in_order(&harbor.project().join("../warehouse"), &manifest);
    let again = salenet(&["run"]).exits(0);
    assert!(
        again.stdout.starts_with("already published"),
        "{}",
        again.stdout
    );
}
