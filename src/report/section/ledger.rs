//! Whether the accounts agree with the general ledger, and what the other sides of internal lines hold.

use super::{Shown, shown_or_absent};
use crate::report::chart::Naming;
use crate::report::chart::bar::{Bar, bars};
use crate::report::figure::words;
use crate::report::finance::Rows;
use crate::report::html::{Align, Table, figure, heading, note, paragraph, section};

#[must_use]
pub fn render(shown: &Shown) -> String {
    let finance = &shown.facts.finance;
    let mut body = shown_or_absent(&finance.reconciliation, |rows| reconciliation(shown, rows));
    body.push_str(&heading("Exceptions"));
    body.push_str(&shown_or_absent(&finance.exceptions, |rows| {
        exceptions(shown, rows)
    }));
    body.push_str(&heading("Counterparties"));
    body.push_str(&shown_or_absent(&finance.counterparties, |rows| {
        counterparties(shown, rows)
    }));
    section("ledger", "General ledger", &body)
}

fn reconciliation(shown: &Shown, rows: &Rows) -> String {
    let difference = format!("Ledger has more ({})", shown.bank.currency);
    let mut table = Table::new(
        "Lines per product, our bookings beside the general ledger",
        &[
            ("Month", Align::Text),
            ("Matched", Align::Number),
            ("Exceptions", Align::Number),
            (&difference, Align::Number),
        ],
    );
    for row in rows {
        if let [month, matched, exceptions, difference] = row.as_slice() {
            table.row([
                month.clone(),
                matched.clone(),
                exceptions.clone(),
                shown.money(difference),
            ]);
        }
    }
    table.to_html()
}

fn exceptions(shown: &Shown, rows: &Rows) -> String {
    if rows.is_empty() {
        return paragraph("Every line of every month matches the general ledger.");
    }
    let mut table = Table::new(
        "What only one side has, or each has otherwise",
        &[
            ("Month", Align::Text),
            ("Product", Align::Text),
            ("Line", Align::Text),
            ("Status", Align::Text),
            ("Ours", Align::Number),
            ("Ledger", Align::Number),
            ("Difference", Align::Number),
            ("Manual entries", Align::Text),
        ],
    );
    let amount = |text: &String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            shown.money(text)
        }
    };
    for row in rows {
        if let [
            month,
            product,
            line,
            status,
            ours,
            ledger,
            difference,
            manual,
        ] = row.as_slice()
        {
            table.row([
                month.clone(),
                words(product),
                words(line),
                words(status),
                amount(ours),
                amount(ledger),
                amount(difference),
                manual.clone(),
            ]);
        }
    }
    let signed = note(
        "An exception lets a night publish only where somebody signed for it, word for word; the gates above say who and why.",
    );
    format!("{}{signed}", table.to_html())
}

fn counterparties(shown: &Shown, rows: &Rows) -> String {
    let currency = &shown.bank.currency;
    let latest = format!("Latest month ({currency})");
    let all = format!("All months ({currency})");
    let mut table = Table::new(
        "What the other side of internal lines earned",
        &[
            ("Counterparty", Align::Text),
            (&latest, Align::Number),
            (&all, Align::Number),
        ],
    );
    let mut drawn = Vec::new();
    for row in rows {
        if let [counterparty, latest, all] = row.as_slice() {
            table.row([counterparty.clone(), shown.money(latest), shown.money(all)]);
            drawn.push(Bar {
                label: counterparty.clone(),
                value: shown.position(latest),
                shown: shown.money(latest),
            });
        }
    }
    let naming = Naming {
        id: "counterparty-chart",
        title: "What counterparties earned in the latest month",
        description: "One bar per counterparty; bars left of zero are what it paid.",
    };
    let caption = format!(
        "Transfer prices and equity with TREASURY, standard cost and tax with COST_CENTRE, expected loss less provisions with RISK; {currency}."
    );
    figure(&bars(naming, &drawn), &caption, &table.to_html())
}
