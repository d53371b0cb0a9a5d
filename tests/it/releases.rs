//! Releases over nights: corrected extracts, rollbacks, verification, clean-up, gaps, one writer.

#![cfg(test)]

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::bank::{
    Accounts, Bank, FIRST, NIGHTS, SECOND, THIRD, accounts, files_below, put_events,
};
use super::feeds::put;

const IDS: &str = "select source_key, customer_id, match_rule, valid_from, valid_to \
                   from core.customer_xref order by 1";

/// Three nights, published.
fn published() -> Bank {
    let bank = Bank::with_three_nights();
    bank.run().exits(0);
    bank
}

/// The second night again: one balance is another, the rest is as it was.
fn correct_the_second_night(bank: &Bank) {
    let mut corrected = accounts(2);
    corrected[3].balance = "7777.77".to_owned();
    bank.deliver_accounts(SECOND, &Accounts::of(&corrected, SECOND));
}

#[test]
fn a_corrected_extract_replays_the_nights_after_it_and_keeps_every_customer() {
    let bank = published();
    let ids = bank.query(IDS);
    correct_the_second_night(&bank);
    let said = bank.salenet(&["run", "--date", SECOND]).exits(0);
    assert!(
        said.stdout
            .contains("published   2026-10-30.2, 2026-10-31.2"),
        "{}",
        said.stdout
    );
    assert_eq!(bank.current().as_deref(), Some("2026-10-31.2"));
    assert_eq!(bank.query(IDS), ids);
    // The third night's extract was right all along; its month remembers the second night's peak.
    let peak = "select balance, highest_balance from core.account_month where account_id = '104'";
    assert_eq!(bank.query(peak), "1203.22,7777.77\n");
    assert_eq!(
        bank.query_of(&["--release", "2026-10-31.1"], peak),
        "1203.22,1203.22\n"
    );
    insta::assert_snapshot!(
        "after_a_correction",
        bank.salenet(&["releases", "list"]).exits(0).stdout
    );
    bank.salenet(&["releases", "verify"]).exits(0);
    let again = bank.salenet(&["run", "--date", SECOND]).exits(0);
    assert!(
        again.stdout.starts_with("already published"),
        "{}",
        again.stdout
    );
}

#[test]
fn what_a_correction_does_not_touch_is_not_built_again() {
    let bank = published();
    let before = bank.contents("data");
    correct_the_second_night(&bank);
    bank.salenet(&["run", "--date", SECOND]).exits(0);
    let after = bank.contents("data");
    assert!(
        before
            .iter()
            .all(|(name, hash)| after.get(name) == Some(hash))
    );
    let new: Vec<_> = after
        .keys()
        .filter(|name| !before.contains_key(*name))
        .collect();
    assert!(!new.is_empty());
    assert!(
        new.iter().all(|name| !name.contains("event")),
        "events did not change: {new:?}"
    );
}

#[test]
fn a_rollback_withdraws_the_later_releases_and_a_rerun_gives_the_same_ids() {
    let bank = published();
    let ids = bank.query(IDS);
    let said = bank
        .salenet(&[
            "releases",
            "rollback",
            "2026-10-29.1",
            "--reason",
            "wrong rates",
        ])
        .exits(0);
    assert_eq!(
        said.stderr,
        "2026-10-29.1 is current; withdrawn: 2026-10-30.1, 2026-10-31.1\n"
    );
    assert_eq!(bank.current().as_deref(), Some("2026-10-29.1"));
    insta::assert_snapshot!(
        "after_a_rollback",
        bank.salenet(&["releases", "list"]).exits(0).stdout
    );
    bank.run().exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-31.2"));
    assert_eq!(bank.query(IDS), ids);
    bank.salenet(&["releases", "verify"]).exits(0);
}

#[test]
fn a_customer_of_a_withdrawn_night_keeps_the_id_that_was_given() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.run().exits(0);
    let newcomer = |number: u32, person: u32| {
        let mut account = accounts(2)[0].clone();
        account.number = number;
        account.ssn = format!("31{person}-55-123{person}");
        account.card_no = String::new();
        account.family_name = format!("Newcomer{}", ["X", "Y"][person as usize]);
        account
    };
    bank.deliver(SECOND);
    let mut second = accounts(2);
    second.push(newcomer(900, 0));
    bank.deliver_accounts(SECOND, &Accounts::of(&second, SECOND));
    bank.run().exits(0);
    let id = |number: u32| {
        bank.query(&format!(
            "select customer_id from core.customer_xref where source_key = '{number}'"
        ))
    };
    let first_newcomer = id(900);
    bank.salenet(&["releases", "rollback", "2026-10-29.1", "--reason", "test"])
        .exits(0);
    // Tonight somebody else comes in first; the number of the withdrawn night is not theirs.
    let mut second = accounts(2);
    second.push(newcomer(800, 1));
    second.push(newcomer(900, 0));
    bank.deliver_accounts(SECOND, &Accounts::of(&second, SECOND));
    bank.run().exits(0);
    assert_eq!(id(900), first_newcomer);
    assert_ne!(id(800), first_newcomer);
}

fn flip_a_byte(path: &Path, at: usize) {
    let mut content = std::fs::read(path).expect("a file");
    let place = at.min(content.len() - 1);
    content[place] ^= 1;
    put(
        path.parent().expect("a folder"),
        &path.file_name().expect("a name").to_string_lossy(),
        &content,
    );
}

/// What `verify` says with a file damaged at the start, in the middle and at the end; the file is whole again after.
fn verify_finds_damage(bank: &Bank, path: &Path) {
    let whole = std::fs::read(path).expect("a file");
    for at in [1, whole.len() / 2, whole.len() - 2] {
        flip_a_byte(path, at);
        let said = bank.salenet(&["releases", "verify"]).exits(4);
        assert!(said.stderr.starts_with("error: "), "{}", said.stderr);
        flip_a_byte(path, at);
    }
    assert_eq!(std::fs::read(path).expect("a file"), whole);
}

fn first_below(bank: &Bank, folder: &str) -> PathBuf {
    let files = files_below(&bank.warehouse().join(folder));
    files.into_iter().next().expect("a file")
}

#[test]
fn verify_finds_one_flipped_bit_wherever_it_is() {
    let bank = published();
    for folder in [
        "data/core/account",
        "data/staging/deposits_accounts",
        "data/lists",
    ] {
        verify_finds_damage(&bank, &first_below(&bank, folder));
    }
    for file in [
        "releases/2026-10-29.1/manifest.json",
        "releases/2026-10-31.1/manifest.json",
        "releases/2026-10-31.1/manifest.blake3",
        "journal/journal.jsonl",
    ] {
        verify_finds_damage(&bank, &bank.warehouse().join(file));
    }
    let issued = files_below(&bank.warehouse().join("journal"));
    let issued = issued
        .iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    verify_finds_damage(&bank, issued.expect("issued ids"));
    bank.salenet(&["releases", "verify"]).exits(0);
}

#[test]
fn verify_finds_a_pointer_to_nowhere_a_missing_file_and_a_link_that_leads_elsewhere() {
    let bank = published();
    let says = |what: &str| {
        let said = bank.salenet(&["releases", "verify"]).exits(4);
        insta::assert_snapshot!(what, bank.redact(&said.stderr));
    };
    let pointer = bank.warehouse().join("current");
    let point = |target: &str| {
        std::fs::remove_file(&pointer).expect("removed");
        std::os::unix::fs::symlink(target, &pointer).expect("linked");
    };
    point("releases/2026-11-30.1");
    says("a_pointer_to_nowhere");
    point("releases/nothing");
    says("a_pointer_to_no_release");
    point("releases/2026-10-31.1");

    let list = bank
        .warehouse()
        .join("releases/2026-10-31.1/lists/SAV-2026-10/all.csv");
    let target = std::fs::read_link(&list).expect("a target");
    std::fs::remove_file(&list).expect("removed");
    std::os::unix::fs::symlink("../../manifest.json", &list).expect("linked");
    says("a_list_that_leads_elsewhere");
    std::fs::remove_file(&list).expect("removed");
    std::os::unix::fs::symlink(target, &list).expect("linked");

    let file = first_below(&bank, "data/core/customer");
    std::fs::remove_file(&file).expect("removed");
    says("a_missing_file");
}

#[test]
fn a_damaged_file_is_never_served() {
    let bank = published();
    let sql = "select sum(balance) from core.account";
    for file in files_below(&bank.warehouse().join("data/core/account")) {
        let size = std::fs::metadata(&file).expect("a file").len();
        flip_a_byte(&file, usize::try_from(size).expect("small") / 3);
    }
    let said = bank.salenet(&["sql", "--format", "csv", "-c", sql]);
    assert!(
        said.code != Some(0) || said.stdout == "sum(core.account.balance)\n26440.74\n",
        "{}",
        said.shown()
    );
}

#[test]
fn clean_up_keeps_the_current_release_and_everything_it_names() {
    let bank = published();
    correct_the_second_night(&bank);
    bank.salenet(&["run", "--date", SECOND]).exits(0);
    let answer = bank.query("select * from core.account order by 1");
    let before = bank.contents("data").len();
    put(
        &bank.warehouse(),
        "data/core/account/orphan.parquet",
        b"named by nobody",
    );
    // The project keeps three releases and one month's end.
    let said = bank.salenet(&["releases", "gc"]).exits(0);
    assert!(
        said.stderr.starts_with("removed 2 releases, "),
        "{}",
        said.stderr
    );
    assert!(bank.contents("data").len() < before);
    assert!(
        !bank
            .warehouse()
            .join("data/core/account/orphan.parquet")
            .exists()
    );
    assert_eq!(bank.query("select * from core.account order by 1"), answer);
    bank.salenet(&["releases", "verify"]).exits(0);
    let list = bank.salenet(&["releases", "list"]).exits(0).stdout;
    insta::assert_snapshot!("after_clean_up", list);
    let rerun = bank.run().exits(0);
    assert!(
        rerun.stdout.starts_with("already published"),
        "{}",
        rerun.stdout
    );
}

#[test]
fn a_backfill_builds_the_dates_between_and_no_others() {
    let bank = Bank::with_three_nights();
    bank.salenet(&["run", "--from", FIRST, "--to", SECOND])
        .exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-30.1"));
    let at_once = published();
    bank.run().exits(0);
    super::bank::assert_same(&bank.published(), &at_once.published(), "after a backfill");
}

#[test]
fn a_gap_before_the_date_stops_the_night_unless_it_is_allowed() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.run().exits(0);
    bank.deliver(THIRD);
    let said = bank.run().exits(5);
    insta::assert_snapshot!("a_gap", said.shown());
    assert_eq!(bank.current().as_deref(), Some("2026-10-29.1"));
    bank.salenet(&["run", "--allow-gap"]).exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-31.1"));
    // A date before what is published has a gap behind it no more.
    bank.deliver(SECOND);
    bank.salenet(&["run", "--date", SECOND]).exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-31.2"));
}

#[test]
fn a_closed_month_changes_only_when_it_is_asked_for() {
    let bank = published();
    let november = "2026-11-01";
    bank.deliver(november);
    bank.run().exits(0);
    correct_the_second_night(&bank);
    let said = bank.salenet(&["run", "--date", SECOND]).exits(2);
    insta::assert_snapshot!("a_closed_month", said.shown());
    assert_eq!(bank.current().as_deref(), Some("2026-11-01.1"));
    bank.salenet(&["run", "--date", SECOND, "--restate"])
        .exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-11-01.2"));
}

fn open_lock(bank: &Bank) -> File {
    let options = OpenOptions::new()
        .read(true)
        .write(true)
        .open(bank.warehouse().join("lock"));
    options.expect("the lock file")
}

#[test]
fn a_second_writer_waits_for_nobody_and_a_dead_owner_holds_nothing() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.run().exits(0);
    bank.deliver(SECOND);
    let held = open_lock(&bank);
    held.try_lock().expect("nobody else holds it");
    for arguments in [
        &["run"][..],
        &["releases", "gc"],
        &["releases", "rollback", "2026-10-29.1", "--reason", "test"],
    ] {
        let said = bank.salenet(arguments).exits(6);
        assert!(
            said.stderr.contains("another run holds it"),
            "{}",
            said.stderr
        );
        assert_eq!(said.stdout, "");
    }
    // Readers need no lock.
    assert_eq!(
        bank.query("select n_accounts from marts.balance_total"),
        "12\n"
    );
    // The kernel drops the lock of a process that ends; its name in the file means nothing.
    drop(held);
    bank.run().exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-30.1"));
}

#[test]
fn a_feed_may_stand_still_as_long_as_it_may_and_no_longer() {
    let bank = Bank::new();
    for date in NIGHTS {
        bank.deliver(date);
    }
    for date in [SECOND, THIRD] {
        std::fs::remove_file(bank.landing().join(format!("channels/{date}/events.csv")))
            .expect("removed");
    }
    bank.salenet(&["run", "--date", FIRST]).exits(0);
    let said = bank.salenet(&["run", "--date", SECOND]).exits(0);
    assert!(
        said.stdout.contains("channels.events (carried forward)"),
        "{}",
        said.stdout
    );
    let said = bank.salenet(&["run", "--date", THIRD]).exits(5);
    assert!(
        said.stderr
            .contains("the delivery of channels.events is missing"),
        "{}",
        said.stderr
    );
    assert_eq!(bank.current().as_deref(), Some("2026-10-30.1"));
    put_events(&bank, THIRD);
    bank.salenet(&["run", "--date", THIRD]).exits(0);
}

#[test]
fn a_record_that_stands_alone_in_its_file_keeps_its_key_and_its_customer() {
    let bank = Bank::new();
    for (date, night) in [(FIRST, 1), (SECOND, 2)] {
        put_events(&bank, date);
        let all = accounts(night);
        bank.deliver_accounts(date, &Accounts::of(&all[..1], date));
    }
    bank.run().exits(0);
    assert_eq!(
        bank.query("select source_key, customer_id, match_rule, valid_to from core.customer_xref"),
        "101,1,same_key,\n"
    );
}

#[test]
fn whom_a_list_named_is_not_selected_again_after_a_rollback() {
    const LISTED: &str = "select customer_id from campaigns.candidate \
         where state = 'selected' and business_date = date '2026-10-30' order by 1";
    const LATER: &str = "select count(*) from campaigns.candidate as later \
         where later.state = 'selected' and later.business_date = date '2026-10-31'";
    let bank = published();
    let listed = bank.query(LISTED);
    assert!(!listed.trim().is_empty());
    bank.salenet(&[
        "releases",
        "rollback",
        "2026-10-29.1",
        "--reason",
        "wrong rates",
    ])
    .exits(0);
    bank.salenet(&["run", "--date", "2026-10-31", "--allow-gap"])
        .exits(0);
    let ids: Vec<&str> = listed.split_whitespace().collect();
    let again = format!("{LATER} and later.customer_id in ({})", ids.join(", "));
    assert_eq!(bank.query(&again).trim(), "0", "of {ids:?}");
    assert_ne!(bank.query(LATER).trim(), "0");
}

#[test]
fn a_step_whose_list_is_gone_runs_again() {
    let bank = published();
    let lists = bank.warehouse().join("current/lists/SAV-2026-10");
    let links = || {
        std::fs::read_dir(&lists)
            .unwrap()
            .map(|link| link.unwrap().path())
    };
    let files: Vec<PathBuf> = links().map(|link| link.canonicalize().unwrap()).collect();
    assert!(!files.is_empty());
    bank.salenet(&["releases", "rollback", "2026-10-30.1", "--reason", "again"])
        .exits(0);
    for file in &files {
        std::fs::remove_file(file).unwrap();
    }
    bank.salenet(&["run", "--date", THIRD]).exits(0);
    assert_eq!(links().count(), files.len());
    for link in links() {
        assert!(link.exists(), "{} leads nowhere", link.display());
    }
}
