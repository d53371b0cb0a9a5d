//! Marked customers are seeded; every byte that a night leaves behind is searched for them.

#![cfg(test)]

use std::path::Path;

use super::bank::{Account, Accounts, Bank, FIRST, Said, accounts, files_below};
use super::feeds::put;

/// National ids and card numbers, as delivered and without their marks.
const NUMBERS: [&str; 8] = [
    "531-77-9024",
    "531779024",
    "531-77-9035",
    "531779035",
    "9988776655443325",
    "9988 7766 5544 3325",
    "9988776655443317",
    "531-77-9046",
];
/// Names and a phone in rows that are loaded or rejected; `Zzyzx…` occurs in no word of the program.
const NAMES: [&str; 4] = ["Zzyzxloaded", "Zzyzxreject", "Zzyzxsplit", "4155550188"];

/// Where names may stand: staged and quarantined rows, tables of customers, and the lists made of them.
const TABLES_OF_NAMES: [&str; 5] = [
    "data/staging/deposits_accounts/",
    "data/quarantine/deposits_accounts/",
    "data/core/customer/",
    "data/marts/customer_360/",
    "data/lists/",
];

fn marked() -> Vec<Account> {
    let mut all = accounts(1);
    let mark = |account: &mut Account, name: &str, ssn: &str, card: &str| {
        name.clone_into(&mut account.family_name);
        ssn.clone_into(&mut account.ssn);
        card.clone_into(&mut account.card_no);
        "(415) 555-0188".clone_into(&mut account.phone);
    };
    mark(
        &mut all[5],
        "Zzyzxloaded",
        "531-77-9024",
        "9988776655443325",
    );
    mark(
        &mut all[6],
        "Zzyzxreject",
        "531-77-9035",
        "9988776655443317",
    );
    "2010-99-99".clone_into(&mut all[6].open_date);
    all
}

/// A delivery with a loaded, a rejected and an unsplittable row of marked customers.
fn delivery() -> Accounts {
    let mut delivery = Accounts::of(&marked(), FIRST);
    delivery
        .text
        .push_str("777|Zzyzxsplit|531-77-9046|9988 7766 5544 3325\n");
    delivery.rows += 1;
    delivery
}

fn found_in(content: &[u8], needles: &[&str]) -> Vec<String> {
    // No part of the warehouse may hold them in another case either.
    let content = content.to_ascii_lowercase();
    let needles = needles.iter().filter(|needle| {
        let needle = needle.to_ascii_lowercase();
        content
            .windows(needle.len())
            .any(|window| window == needle.as_bytes())
    });
    needles.map(|needle| (*needle).to_owned()).collect()
}

/// The bytes of a file; of a Parquet file also all its values, decompressed.
fn readable(bank: &Bank, file: &Path) -> Vec<u8> {
    use polars::prelude::{ParquetReader, SerReader};
    let mut content = std::fs::read(file).expect("a file");
    if file.extension().is_some_and(|ending| ending == "parquet") {
        let opened = std::fs::File::open(file).expect("a file");
        let frame = ParquetReader::new(opened).finish().expect("Parquet");
        for column in frame.columns() {
            for row in 0..column.len() {
                let value = column.get(row).expect("a value");
                content.extend(format!("{value}\n").into_bytes());
            }
        }
    }
    assert!(file.starts_with(bank.root()));
    content
}

/// Searches everything below the warehouse.
fn search(bank: &Bank, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files_below(&bank.warehouse()) {
        let name = file.strip_prefix(bank.warehouse()).expect("below");
        for needle in found_in(&readable(bank, &file), needles) {
            found.push(format!("{needle} in {}", name.display()));
        }
    }
    found
}

fn assert_private(bank: &Bank, said: &[&Said]) {
    let numbers = search(bank, &NUMBERS);
    assert!(numbers.is_empty(), "{numbers:#?}");
    let names = search(bank, &NAMES);
    let elsewhere: Vec<_> = names
        .iter()
        .filter(|found| !TABLES_OF_NAMES.iter().any(|table| found.contains(table)))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    for said in said {
        for words in [&said.stdout, &said.stderr] {
            let mut found = found_in(words.as_bytes(), &NUMBERS);
            found.extend(found_in(words.as_bytes(), &NAMES));
            assert!(found.is_empty(), "{found:?} in {words}");
        }
    }
}

#[test]
fn after_a_night_numbers_are_nowhere_and_names_only_where_they_belong() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.deliver_accounts(FIRST, &delivery());
    let night = bank.run().exits(0);
    assert_private(&bank, &[&night]);
    // The search finds what is there.
    let names = search(&bank, &NAMES);
    for expected in [
        "Zzyzxloaded in data/staging/",
        "Zzyzxloaded in data/core/customer/",
        "Zzyzxreject in data/quarantine/",
    ] {
        assert!(
            names.iter().any(|found| found.starts_with(expected)),
            "{expected}: {names:#?}"
        );
    }
    let shown = bank
        .salenet(&["rejects", "show", "deposits.accounts", "--reasons"])
        .exits(0);
    assert!(
        found_in(shown.stdout.as_bytes(), &NUMBERS).is_empty(),
        "{}",
        shown.stdout
    );
    let list = bank.salenet(&["rejects", "list"]).exits(0);
    let other = ["releases", "show"];
    assert_private(&bank, &[&list, &bank.salenet(&other).exits(0)]);
}

#[test]
fn a_night_that_fails_tells_nobody_who_was_in_it() {
    let mut failures = Vec::new();
    // A limit that breaks, a control that disagrees, a check that fails, a header that is a customer's row.
    let limit = {
        let mut delivery = delivery();
        let row = "778|Zzyzxsplit|531-77-9046\n";
        delivery.text.push_str(&row.repeat(3));
        delivery.rows += 3;
        (delivery, 4)
    };
    let control = {
        let mut delivery = delivery();
        delivery.rows += 1;
        (delivery, 5)
    };
    let check = {
        let mut all = marked();
        "99000000.00".clone_into(&mut all[5].balance);
        (Accounts::of(&all, FIRST), 4)
    };
    let header = {
        let mut delivery = delivery();
        let (_, rows) = delivery
            .text
            .split_once("\n106|")
            .expect("a header and rows");
        delivery.text = format!("106|{rows}");
        (delivery, 5)
    };
    for (delivery, code) in [limit, control, check, header] {
        let bank = Bank::new();
        bank.deliver(FIRST);
        bank.deliver_accounts(FIRST, &delivery);
        let night = bank.run().exits(code);
        assert_private(&bank, &[&night]);
        failures.push(night.stderr);
    }
    failures.dedup();
    assert_eq!(failures.len(), 4, "{failures:#?}");
}

#[test]
fn a_query_or_a_replay_that_fails_shows_no_value_it_stumbled_over() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.deliver_accounts(FIRST, &delivery());
    bank.run().exits(0);
    let queries = [
        "select cast(family_name as int) from core.customer",
        "select cast(phone as date) from core.customer",
        "select to_timestamp(family_name) from core.customer",
        "select arrow_cast(family_name, 'Decimal128(10, 2)') from core.customer",
    ];
    for query in queries {
        let said = bank.salenet(&["sql", "-c", query]);
        assert_ne!(said.code, Some(0), "{query}");
        assert_private(&bank, &[&said]);
    }
    put(
        bank.root(),
        "wrong.csv",
        b"106|Zzyzxreject|Z|531-77-9035|9988776655443317|(415) 555-0188|2010-99-99|1.00|A\n",
    );
    let replay = [
        "rejects",
        "replay",
        "wrong.csv",
        "--feed",
        "deposits.accounts",
        "--date",
        FIRST,
    ];
    let said = bank.salenet(&replay);
    assert_ne!(said.code, Some(0));
    assert_private(&bank, &[&said]);
}

#[test]
fn corrected_rows_with_numbers_in_them_are_not_kept_as_they_came() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.deliver_accounts(FIRST, &delivery());
    bank.run().exits(0);
    put(
        bank.root(),
        "corrected.csv",
        b"107|Zzyzxreject|Z|531-77-9035|9988776655443317|(415) 555-0188|2010-09-09|1.00|A\n",
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
    let loaded = "select count(*) from staging.deposits_accounts where family_name = 'Zzyzxreject'";
    assert_eq!(bank.query(loaded), "1\n");
    let numbers = search(&bank, &NUMBERS);
    assert!(numbers.is_empty(), "{numbers:#?}");
}
