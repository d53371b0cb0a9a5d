//! What channels' resources could do and did, and what moving work between channels saves.

use super::{Shown, shown_or_absent};
use crate::report::chart::Naming;
use crate::report::chart::bar::{Bar, bars};
use crate::report::figure::{decimal, money, rate, words};
use crate::report::finance::Rows;
use crate::report::html::{Align, Table, absent, figure, heading, note};

/// The parts of the section on channels that stand on cost pools.
#[must_use]
pub fn render(shown: &Shown) -> String {
    let finance = &shown.facts.finance;
    let pools = shown_or_absent(&finance.pools, |rows| pools(shown, rows));
    let migration = shown_or_absent(&finance.migration, |rows| migration(shown, rows));
    format!(
        "{}{pools}{}{migration}",
        heading("Capacity"),
        heading("Moving work of the counter")
    )
}

fn pools(shown: &Shown, rows: &Rows) -> String {
    let Some(latest) = rows.first().and_then(|row| row.first()) else {
        return absent("Table core.cost_pool of this release has no rows.");
    };
    let currency = &shown.bank.currency;
    let mut table = Table::new(
        &format!("Pools in {latest}, {currency}: used and idle capacity make up the cost"),
        &[
            ("Pool", Align::Text),
            ("Used minutes", Align::Number),
            ("Practical minutes", Align::Number),
            ("Cost", Align::Number),
            ("Used", Align::Number),
            ("Idle", Align::Number),
        ],
    );
    let mut drawn = Vec::new();
    for row in rows.iter().filter(|row| row.first() == Some(latest)) {
        if let [_, name, cost, minutes, practical, used, idle] = row.as_slice() {
            table.row([
                name.clone(),
                money(minutes, 0),
                decimal(practical),
                shown.money(cost),
                shown.money(used),
                shown.money(idle),
            ]);
            drawn.push(Bar {
                label: name.clone(),
                value: shown.position(idle),
                shown: shown.money(idle),
            });
        }
    }
    let naming = Naming {
        id: "capacity-chart",
        title: "Idle capacity by pool",
        description: "One bar per cost pool: what its unused minutes cost; bars left of zero are overtime.",
    };
    let caption = format!(
        "Cost of idle capacity in {latest}, {currency}; it is never charged to customers, and shrinks while the month is open."
    );
    figure(&bars(naming, &drawn), &caption, &table.to_html())
}

fn migration(shown: &Shown, rows: &Rows) -> String {
    let currency = &shown.bank.currency;
    let scale = shown.bank.money_scale;
    let mut table = Table::new(
        &format!("Saving in the latest month if events of the counter went elsewhere, {currency}"),
        &[
            ("To", Align::Text),
            ("Events moved", Align::Number),
            ("At the counter", Align::Number),
            ("There", Align::Number),
            ("Saving", Align::Number),
            ("Idle until cut", Align::Number),
        ],
    );
    for row in rows {
        if let [channel, moved, here, there, saving, idle] = row.as_slice() {
            table.row([
                words(channel),
                money(moved, 0),
                rate(here, scale),
                rate(there, scale),
                shown.money(saving),
                shown.money(idle),
            ]);
        }
    }
    let remark = note(
        "The counter is costed by time: until its pool gets smaller, what moves away stays as idle capacity.",
    );
    format!("{}{remark}", table.to_html())
}
