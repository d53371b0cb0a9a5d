//! Cleaning: idempotent for every text.

use std::borrow::Cow;

use proptest::prelude::*;
use salenet::config::feed::{Cleaner, CodeMap, DataType, RowRule, UnmappedCode};
use salenet::stages::clean::TokenKeys;
use salenet::stages::clean::column::{CleanValue, ColumnPlan, TokenPolicy};
use salenet::stages::clean::rules::check_rule;
use salenet::stages::clean::value::{Cell, Flaw, Value};

use crate::feeds::{column, csv_feed, money};

fn clean(cleaner: &Cleaner, text: &str) -> Option<String> {
    let mut spec = column("c", DataType::String);
    spec.clean = vec![cleaner.clone()];
    let plan = ColumnPlan::new(&spec);
    let cell = Cell::Text(Cow::Borrowed(text));
    match plan
        .clean(cell, &TokenKeys::default(), TokenPolicy::Refuse)
        .ok()?
    {
        CleanValue::Value(Value::Text(text)) => Some(text.into_owned()),
        _ => None,
    }
}

/// Few codes are looked through, many are searched: both find the same.
#[test]
fn a_code_becomes_its_meaning_however_many_codes_there_are() {
    for n_codes in [1, 16, 17, 400] {
        let mut spec = column("c", DataType::String);
        let meaning = |code: usize| (format!("{code}"), format!("meaning {code}"));
        spec.map = Some(CodeMap {
            values: (0..n_codes).map(meaning).collect(),
            other: UnmappedCode::Reject,
        });
        let plan = ColumnPlan::new(&spec);
        let read = |code: &str| {
            let cell = Cell::Text(Cow::Borrowed(code));
            let clean = plan.clean(cell, &TokenKeys::default(), TokenPolicy::Refuse);
            clean.map(|clean| format!("{clean:?}"))
        };
        for code in 0..n_codes {
            let (text, meaning) = meaning(code);
            let expected = CleanValue::Value(Value::Text(meaning.into()));
            assert_eq!(read(&text), Ok(format!("{expected:?}")));
        }
        for unknown in ["400", "00", "0x"] {
            assert_eq!(read(unknown), Err(Flaw::UnmappedCode), "{unknown:?}");
        }
    }
}

fn cleaners() -> Vec<Cleaner> {
    vec![
        Cleaner::Trim,
        Cleaner::Collapse,
        Cleaner::Upper,
        Cleaner::Lower,
        Cleaner::Nfkc,
        Cleaner::PersonName,
        Cleaner::OrganisationName,
        Cleaner::Address,
        Cleaner::Phone {
            region: "US".to_owned(),
        },
        Cleaner::Email,
        Cleaner::Digits,
        Cleaner::Iban,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cleaning_twice_is_cleaning_once(
        text in prop_oneof![
            "\\PC{0,12}",
            "[ a-zA-Zß'.,-]{0,20}",
            "[+0-9 ()-]{7,16}",
            "[a-z.]{1,6}@[a-zA-Z.-]{1,9}",
            "[A-Z ]{1,9}(STREET|Inc\\.|AND|Avenue)",
        ]
    ) {
        for cleaner in cleaners() {
            if let Some(once) = clean(&cleaner, &text) {
                prop_assert_eq!(clean(&cleaner, &once), Some(once.clone()), "{:?} of {:?}", cleaner, text);
            }
        }
    }
}

#[test]
fn a_rule_that_cannot_work_is_told_before_the_night() {
    let feed = csv_feed(
        ",",
        vec![
            column(
                "open_date",
                DataType::Date {
                    format: "%F".to_owned(),
                    pivot: None,
                },
            ),
            column("balance", money()),
        ],
    );
    let check = |must: &str| {
        check_rule(
            &feed,
            &RowRule {
                id: "R".to_owned(),
                must: must.to_owned(),
            },
        )
    };
    assert_eq!(
        check("open_date is null or open_date >= date '1990-01-01'"),
        Ok(())
    );
    assert_eq!(check("balance >= 0 and balance < 1000000.50"), Ok(()));
    let unknown = check("open_dt is null").unwrap_err();
    assert_eq!(unknown.message, "feed `bank.rows` has no column `open_dt`");
    assert_eq!(unknown.hint.as_deref(), Some("the feed has `open_date`"));
    assert!(
        check("balance + 1")
            .unwrap_err()
            .message
            .contains("not true or false")
    );
    for broken in [
        "balance >= ",
        "balance > 0 indeed",
        "balance > 0; true",
        "balance > 0 as x",
    ] {
        assert!(
            check(broken)
                .unwrap_err()
                .message
                .contains("not an SQL expression"),
            "{broken}"
        );
    }
    assert!(
        check("open_date <= now()")
            .unwrap_err()
            .message
            .contains("another result on every run")
    );
    assert!(
        check("exists (select 1 from other)").is_err(),
        "a rule sees its own row alone"
    );
    assert!(check("sum(balance) > 0").is_err());
}
