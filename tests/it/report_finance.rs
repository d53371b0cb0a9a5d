//! The controller's tables on the page about a release.

use salenet::report::facts::Found;
use salenet::report::finance::FinanceFacts;

use super::report::page;

pub fn finance() -> FinanceFacts {
    let rows = |rows: &[&[&str]]| {
        let row = |row: &&[&str]| row.iter().map(ToString::to_string).collect();
        Found::Shown(rows.iter().map(row).collect())
    };
    FinanceFacts {
        reconciliation: rows(&[&["2026-10", "11", "1", "125.00"]]),
        exceptions: rows(&[&[
            "2026-10",
            "checking",
            "fees",
            "only_in_ledger",
            "",
            "125.00",
            "125.00",
            "<MJ-0001>",
        ]]),
        counterparties: rows(&[&["TREASURY", "104207.38", "-5.00"]]),
        themes: rows(&[&["retail", "20", "10.00", "6.00", "4.00", "144.00"]]),
        movers: rows(&[&["2", "1", "3", "17.00"], &["", "10", "1", "-1.00"]]),
        mover_lines: rows(&[&["event_cost", "0.00", "-4.00"]]),
        pools: rows(&[
            &[
                "2026-10",
                "Counters",
                "560000.00",
                "578600.000000",
                "700000",
                "462880.000000",
                "97120.000000",
            ],
            &[
                "2026-09", "Counters", "1.00", "0.000000", "1", "0.000000", "1.000000",
            ],
        ]),
        migration: rows(&[&[
            "atm",
            "150.000000",
            "3.000000",
            "0.850000",
            "322.50",
            "450.00",
        ]]),
    }
}

/// A cell and its controls, and a campaign without any.
pub fn results() -> Found<Vec<Vec<String>>> {
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    Found::Shown(vec![
        row(&[
            "<HEL>",
            "M",
            "contact",
            "true",
            "564",
            "5",
            "5",
            "3",
            "2",
            "241600.00",
            "479.40",
            "127",
            "0",
            "0.003546",
            "-0.025926",
            "0.012836",
            "0.048400",
        ]),
        row(&[
            "<HEL>", "C", "control", "true", "127", "0", "0", "0", "0", "0.00", "0.00", "", "", "",
            "", "", "",
        ]),
    ])
}

pub fn absent_finance() -> FinanceFacts {
    fn absent<T>(table: &str) -> Found<T> {
        Found::Absent(format!("This release has no table {table}."))
    }
    FinanceFacts {
        reconciliation: absent("marts.ledger_reconciliation"),
        exceptions: absent("marts.ledger_reconciliation"),
        counterparties: absent("marts.counterparty_pnl"),
        themes: absent("marts.segment_profitability"),
        movers: absent("marts.decile_mover"),
        mover_lines: absent("marts.decile_mover"),
        pools: absent("core.cost_pool"),
        migration: absent("marts.channel_migration"),
    }
}

#[test]
fn the_controllers_tables_stand_on_the_page_with_exact_sums() {
    let page = page();
    for shown in [
        "&lt;MJ-0001&gt;",
        "Only in ledger",
        "104,207.38",
        "97,120.00",
        "578,600",
        "322.50",
        // 12 x 6.00 / 144.00
        "50.0 %",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(
        !page.contains("2026-09</td><td>Counters"),
        "only the latest month's pools"
    );
}

#[test]
fn results_stand_with_their_intervals_and_only_where_a_campaign_contacted_somebody() {
    let page = page();
    for shown in [
        "&lt;HEL&gt;",
        "241,600.00",
        "2 / 564",
        "0 / 127",
        "0.35 points",
        "-2.59 points to 1.28 points",
        "4.84 points",
        "href=\"#results\"",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}
