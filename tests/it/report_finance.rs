//! The controller's tables on the page about a release.

use salenet::report::facts::Found;
use salenet::report::finance::FinanceFacts;
use salenet::report::results::{CampaignFacts, ResultFacts};
use salenet::run::campaign_gains::gains;
use salenet::run::campaign_measures::{Dictionary, Measure, Unit};
use salenet::stages::score::measure_probabilities;

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

/// A cell and its controls beside a baseline, with a goal, a figure and gains.
pub fn results() -> Found<ResultFacts> {
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    let measure = |code: &str, is_of_cells, unit, denominator: Option<&str>| Measure {
        code: code.to_owned(),
        name: format!("<{code}>"),
        is_of_cells,
        unit,
        numerator: "n_booked".to_owned(),
        denominator: denominator.map(str::to_owned),
        meaning: format!("What {code} means"),
    };
    Found::Shown(ResultFacts {
        dictionary: Dictionary {
            measures: vec![
                measure("amount", true, Unit::Money, None),
                measure("booking_rate", true, Unit::Share, Some("n_assigned")),
                measure(
                    "letters",
                    false,
                    Unit::Change,
                    Some("contacts of the baseline"),
                ),
            ],
        },
        campaigns: vec![CampaignFacts {
            code: "<HEL>".to_owned(),
            cells: vec![
                row(&["M", "contact", "false", "241600.00", "0.003546"]),
                row(&["C", "control", "true", "0.00", ""]),
            ],
            compared: vec![row(&[
                "M",
                "2",
                "564",
                "0",
                "127",
                "0.003546",
                "-0.025926",
                "0.012836",
                "0.048400",
            ])],
            totals: vec![
                row(&["<HEL>", "241600.00", "0.003546"]),
                row(&["OLD", "1000.00", "0.001000"]),
            ],
            figures: vec![
                row(&["letters", "-0.412300", "588.000000", "1000.000000"]),
                row(&["unheard_of", "1.000000", "", ""]),
            ],
            goals: vec![row(&[
                "letters",
                "-0.400000",
                "-0.412300",
                "2027-03-31",
                "lending",
                "reached",
            ])],
            gains: gains(&[[1, 282, 2, 60, 0], [2, 282, 0, 67, 0]]),
            // Ten with 0.04 of whom one answered, ten with 0.02: 3.00 % foretold, 5.00 % answered.
            calibration: Some(measure_probabilities(
                (0..20)
                    .map(|row| (if row < 10 { 0.04 } else { 0.02 }, row == 0))
                    .collect(),
            )),
        }],
    })
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
        "M contact, window open",
        "0.35 %",
        // The goal, what was reached, and of what.
        "\u{2212}40.00 %",
        "\u{2212}41.23 %",
        "588 n_booked",
        "1,000 contacts of the baseline",
        "beside its baseline",
        // Both bookings are among the better half: a lift of 2.
        "2 / 282",
        "2.00",
        "Gains of &lt;HEL&gt;",
        "What letters means",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}
