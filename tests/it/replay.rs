//! A rejected row: shown, corrected by hand, handed in, loaded into its own night, once.

#![cfg(test)]

use super::bank::{Accounts, Bank, FIRST, SECOND, THIRD, accounts, card};
use super::feeds::put;

/// Three nights; in the second, the account 103 came with a day that does not exist.
fn with_a_reject() -> Bank {
    let bank = Bank::with_three_nights();
    let mut delivery = Accounts::of(&accounts(2), SECOND);
    assert!(delivery.text.contains("|2012-03-12|"));
    delivery.text = delivery.text.replace("|2012-03-12|", "|2012-03-42|");
    bank.deliver_accounts(SECOND, &delivery);
    bank.run().exits(0);
    bank
}

const ROW: &str = "select account_no, family_name, card_no, ssn, open_date, balance, _line \
                   from staging.deposits_accounts where account_no = '103'";
const COUNTED: &str = "select count(*) from staging.deposits_accounts";
const SECOND_NIGHT: [&str; 2] = ["--release", "2026-10-30.2"];

#[test]
fn a_corrected_row_is_loaded_into_its_own_night_once() {
    let bank = with_a_reject();
    assert_eq!(
        bank.query_of(&["--release", "2026-10-30.1"], COUNTED),
        "11\n"
    );
    let shown = bank
        .salenet(&["rejects", "show", "deposits.accounts"])
        .exits(0)
        .stdout;
    insta::assert_snapshot!("a_rejected_row", shown);
    for number in [card(2), "212-42-1027".to_owned(), "212421027".to_owned()] {
        assert!(!shown.contains(&number), "{shown}");
    }

    put(
        bank.root(),
        "corrected.csv",
        shown.replace("2012-03-42", "2012-03-12").as_bytes(),
    );
    let replay = [
        "rejects",
        "replay",
        "corrected.csv",
        "--feed",
        "deposits.accounts",
        "--date",
        SECOND,
    ];
    let mut of_no_night = replay;
    of_no_night[6] = "2026-11-30";
    let refused = bank.salenet(&of_no_night).exits(2);
    assert!(
        refused.stderr.contains("has no delivery for 2026-11-30"),
        "{}",
        refused.stderr
    );
    let said = bank.salenet(&replay).exits(0);
    assert!(
        said.stdout
            .contains("published   2026-10-30.2, 2026-10-31.2"),
        "{}",
        said.stdout
    );

    // The row is as it would have been: its tokens are those of the sound rows of the other nights.
    let loaded = bank.query_of(&SECOND_NIGHT, ROW);
    let of_the_third = bank.query(ROW);
    let tokens = |row: &str| {
        row.split(',')
            .skip(1)
            .take(4)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(tokens(&loaded), tokens(&of_the_third));
    assert!(loaded.contains("802.15"), "{loaded}");
    assert_eq!(bank.query_of(&SECOND_NIGHT, COUNTED), "12\n");

    // Delivered rows and the replayed one are counted: 12 read of the file, 1 of the journal; 1 is still the reject.
    let report =
        std::fs::read_to_string(bank.warehouse().join("releases/2026-10-30.2/manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&report.expect("a file")).expect("JSON");
    let rows = &manifest["feeds"]["deposits.accounts"]["rows"];
    assert_eq!(
        (&rows["read"], &rows["loaded"], &rows["rejected"]),
        (&13.into(), &12.into(), &1.into()),
        "{rows}"
    );

    let published = bank.published();
    let again = bank.salenet(&replay).exits(0);
    assert_eq!(again.stderr, "these rows have been handed in before\n");
    assert!(
        again.stdout.starts_with("already published"),
        "{}",
        again.stdout
    );
    bank.salenet(&["run", "--date", SECOND]).exits(0);
    super::bank::assert_same(&published, &bank.published(), "after a second replay");
    bank.salenet(&["releases", "verify"]).exits(0);
}

#[test]
fn a_replay_of_a_night_that_was_good_already_adds_no_row() {
    let bank = with_a_reject();
    // The same correction, with the number itself in place of its token.
    let mut sound = accounts(2)[2].clone();
    sound.card_no = card(2);
    let text = Accounts::of(&[sound], SECOND).text;
    let (_, row) = text.split_once('\n').expect("a header");
    put(bank.root(), "third.csv", row.as_bytes());
    let replay = [
        "rejects",
        "replay",
        "third.csv",
        "--feed",
        "deposits.accounts",
        "--date",
        THIRD,
    ];
    bank.salenet(&replay).exits(0);
    // 103 stood in the third night's extract: the row is a duplicate of it.
    assert_eq!(bank.query(COUNTED), "12\n");
    assert_eq!(
        bank.query_of(&["--release", "2026-10-30.1"], COUNTED),
        "11\n"
    );
}

#[test]
fn a_row_that_is_wrong_again_is_refused_and_the_journal_does_not_hear_of_it() {
    let bank = with_a_reject();
    let journal = bank.contents("journal");
    let shown = bank
        .salenet(&["rejects", "show", "deposits.accounts"])
        .exits(0)
        .stdout;
    for (name, text) in [
        ("wrong_again", shown.replace("2012-03-42", "2012-02-30")),
        ("split_wrong", shown.replace('|', ";")),
    ] {
        put(bank.root(), "wrong.csv", text.as_bytes());
        let said = bank.salenet(&[
            "rejects",
            "replay",
            "wrong.csv",
            "--feed",
            "deposits.accounts",
            "--date",
            SECOND,
        ]);
        insta::assert_snapshot!(name, bank.redact(&said.shown()));
    }
    super::bank::assert_same(&journal, &bank.contents("journal"), "after refused rows");
    let again = bank.salenet(&["run", "--date", SECOND]).exits(0);
    assert!(
        again.stdout.starts_with("already published"),
        "{}",
        again.stdout
    );
}

#[test]
fn rows_beyond_the_reject_limit_publish_once_they_are_corrected() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    let mut delivery = Accounts::of(&accounts(1), FIRST);
    for day in ["-10", "-11", "-12", "-13"] {
        delivery.text = delivery.text.replacen(&format!("-03{day}|"), "-03-42|", 1);
    }
    bank.deliver_accounts(FIRST, &delivery);
    let said = bank.run().exits(4);
    let (_, candidate) = said
        .stderr
        .trim_end()
        .rsplit_once("--candidate ")
        .expect("a hint");
    let show = [
        "rejects",
        "show",
        "deposits.accounts",
        "--candidate",
        candidate,
    ];
    let shown = bank.salenet(&show).exits(0).stdout;
    assert_eq!(shown.lines().count(), 4, "{shown}");
    put(
        bank.root(),
        "corrected.csv",
        shown.replace("-03-42|", "-03-12|").as_bytes(),
    );
    let replay = [
        "rejects",
        "replay",
        "corrected.csv",
        "--feed",
        "deposits.accounts",
        "--date",
        FIRST,
    ];
    bank.salenet(&replay).exits(0);
    assert_eq!(bank.current().as_deref(), Some("2026-10-29.1"));
    assert_eq!(bank.query(COUNTED), "12\n");
}

#[test]
fn a_replay_for_no_feed_no_file_or_no_rows_is_refused() {
    let bank = with_a_reject();
    put(bank.root(), "empty.csv", b"");
    for (name, file, feed) in [
        ("no_such_feed", "empty.csv", "deposits.acounts"),
        ("no_such_file", "gone.csv", "deposits.accounts"),
        ("no_rows", "empty.csv", "deposits.accounts"),
    ] {
        let said = bank.salenet(&["rejects", "replay", file, "--feed", feed, "--date", FIRST]);
        assert_ne!(said.code, Some(0));
        insta::assert_snapshot!(name, bank.redact(&said.shown()));
    }
    assert_eq!(bank.current().as_deref(), Some("2026-10-31.1"));
}
