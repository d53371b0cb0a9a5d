//! Which part of the bank earns what, and who changed deciles since last month and by which line.

use super::{Shown, shown_or_absent};
use crate::domain::Money;
use crate::report::figure::{percent, units, words};
use crate::report::finance::Rows;
use crate::report::html::{Align, Table, heading, note, paragraph};

/// The parts of the section on profit about themes and movers.
#[must_use]
pub fn render(shown: &Shown) -> String {
    let finance = &shown.facts.finance;
    let themes = shown_or_absent(&finance.themes, |rows| themes(shown, rows));
    let movers = shown_or_absent(&finance.movers, |rows| movers(shown, rows));
    let lines = shown_or_absent(&finance.mover_lines, |rows| lines(shown, rows));
    format!(
        "{}{themes}{}{movers}{lines}",
        heading("Retail and wholesale"),
        heading("Who changed deciles")
    )
}

fn themes(shown: &Shown, rows: &Rows) -> String {
    let mut table = Table::new(
        &format!(
            "Profit by theme in the latest month, {}",
            shown.bank.currency
        ),
        &[
            ("Theme", Align::Text),
            ("Customers", Align::Number),
            ("Contribution", Align::Number),
            ("Net income", Align::Number),
            ("Economic profit", Align::Number),
            ("Capital", Align::Number),
            ("RAROC", Align::Number),
        ],
    );
    let scale = shown.bank.money_scale;
    for row in rows {
        if let [
            theme,
            customers,
            contribution,
            net_income,
            economic,
            capital,
        ] = row.as_slice()
        {
            // Twelve months of this month's net income over the capital; none without capital.
            let year = units(net_income, scale).map(|month| Money(month.0 * 12));
            let capital_units = units(capital, scale).filter(|capital| *capital > Money::ZERO);
            let raroc = year
                .zip(capital_units)
                .and_then(|(year, capital)| percent(year, capital));
            table.row([
                words(theme),
                customers.clone(),
                shown.money(contribution),
                shown.money(net_income),
                shown.money(economic),
                shown.money(capital),
                raroc.unwrap_or_else(|| "-".to_owned()),
            ]);
        }
    }
    table.to_html()
}

fn movers(shown: &Shown, rows: &Rows) -> String {
    if rows.is_empty() {
        return paragraph("Nobody changed deciles since last month.");
    }
    let change = format!("Change of profit ({})", shown.bank.currency);
    let mut table = Table::new(
        "Customers by the decile they left and the one they came to; 1 earns most",
        &[
            ("Before", Align::Number),
            ("Now", Align::Number),
            ("Customers", Align::Number),
            (&change, Align::Number),
        ],
    );
    let decile = |text: &String| {
        if text.is_empty() {
            "none".to_owned()
        } else {
            text.clone()
        }
    };
    for row in rows {
        if let [before, now, customers, change] = row.as_slice() {
            table.row([
                decile(before),
                decile(now),
                customers.clone(),
                shown.money(change),
            ]);
        }
    }
    table.to_html()
}

fn lines(shown: &Shown, rows: &Rows) -> String {
    let currency = &shown.bank.currency;
    let risen = format!("Those who rose ({currency})");
    let fallen = format!("Those who fell ({currency})");
    let mut table = Table::new(
        "What moved them, line by line, as it enters profit",
        &[
            ("Line", Align::Text),
            (&risen, Align::Number),
            (&fallen, Align::Number),
        ],
    );
    for row in rows {
        if let [line, risen, fallen] = row.as_slice() {
            table.row([words(line), shown.money(risen), shown.money(fallen)]);
        }
    }
    let remark =
        note("Both windows are twelve months: the month that came, less the month that went.");
    format!("{}{remark}", table.to_html())
}
