//! What serving customers costs, channel by channel, in the latest month and over the months.

use std::collections::{BTreeMap, BTreeSet};

use super::{Shown, capacity, shown_or_absent};
use crate::domain::{Money, Parameter};
use crate::report::chart::Naming;
use crate::report::chart::bar::{Bar, bars};
use crate::report::chart::line::{LineChart, Series, lines};
use crate::report::facts::ChannelMonth;
use crate::report::figure::{count, decimal, position, rate, units, words};
use crate::report::html::{Align, Table, absent, figure, figure_above, heading, note, section};

/// Unit costs are fractions of a cent; totals are kept as exact as they are stored until shown.
const STORED_SCALE: u32 = 6;
/// Lines one can still tell apart.
const MOST_LINES: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    events: u64,
    /// In units of `STORED_SCALE`.
    total: Money,
}

#[must_use]
pub fn render(shown: &Shown) -> String {
    let mut body = shown_or_absent(&shown.facts.channels, |rows| channels(shown, rows));
    body.push_str(&capacity::render(shown));
    section("channels", "Cost per channel", &body)
}

fn channels(shown: &Shown, rows: &[ChannelMonth]) -> String {
    let Some(latest) = rows.iter().map(|row| &row.month).max() else {
        return absent("Table marts.channel_cost of this release has no rows.");
    };
    let mut body = shown.assumptions();
    for (name, value) in &shown.manifest.parameters {
        if let (true, Parameter::Text(value)) = (name.contains("unit_cost"), value) {
            body.push_str(&note(&format!(
                "Unit costs as chosen by the bank: {name} = {value}."
            )));
        }
    }
    body.push_str(&heading(&format!("Month {latest}")));
    body.push_str(&month(shown, rows, latest));
    body.push_str(&heading("Over the months"));
    body.push_str(&trend(shown, rows));
    body
}

fn month(shown: &Shown, rows: &[ChannelMonth], latest: &str) -> String {
    let currency = &shown.bank.currency;
    let rows: Vec<&ChannelMonth> = rows.iter().filter(|row| row.month == latest).collect();
    let mut costs: BTreeMap<&str, Cost> = BTreeMap::new();
    for row in &rows {
        let cost = costs.entry(&row.channel).or_default();
        cost.events += row.events;
        cost.total += exact(&row.total);
    }
    let mut ranked: Vec<(&str, Cost)> = costs.into_iter().collect();
    ranked.sort_by(|left, right| right.1.total.cmp(&left.1.total).then(left.0.cmp(right.0)));
    let drawn = ranked.iter().map(|(channel, cost)| Bar {
        label: words(channel),
        value: position(cost.total, STORED_SCALE),
        shown: shown_total(shown, cost.total),
    });
    let naming = Naming {
        id: "channel-chart",
        title: "Cost per channel in the latest month",
        description: "One bar per channel, the dearest first.",
    };
    let total_name = format!("Cost ({currency})");
    let mean_name = format!("Per event ({currency})");
    let mut table = Table::new(
        &format!("Cost per channel in {latest}"),
        &[
            ("Channel", Align::Text),
            ("Events", Align::Number),
            (&mean_name, Align::Number),
            (&total_name, Align::Number),
        ],
    );
    let mut sum = Cost::default();
    for (channel, cost) in &ranked {
        sum.events += cost.events;
        sum.total += cost.total;
        table.row([
            words(channel),
            count(cost.events),
            mean(cost),
            shown_total(shown, cost.total),
        ]);
    }
    table.total([
        "All channels".to_owned(),
        count(sum.events),
        mean(&sum),
        shown_total(shown, sum.total),
    ]);
    let caption =
        format!("Cost per channel in {latest}, {currency}; the latest month may still be open.");
    let chart = figure(
        &bars(naming, &drawn.collect::<Vec<_>>()),
        &caption,
        &table.to_html(),
    );
    format!("{chart}{}", event_types(shown, &rows, latest))
}

fn event_types(shown: &Shown, rows: &[&ChannelMonth], latest: &str) -> String {
    let currency = &shown.bank.currency;
    let unit_name = format!("Unit cost ({currency})");
    let total_name = format!("Cost ({currency})");
    let mut table = Table::new(
        &format!("Cost per kind of event in {latest}: events x unit cost"),
        &[
            ("Channel", Align::Text),
            ("Event", Align::Text),
            ("Events", Align::Number),
            (&unit_name, Align::Number),
            (&total_name, Align::Number),
        ],
    );
    for row in rows {
        table.row([
            words(&row.channel),
            words(&row.event_type),
            count(row.events),
            rate(&row.unit_cost, shown.bank.money_scale),
            rate(&row.total, shown.bank.money_scale),
        ]);
    }
    table.to_html()
}

fn trend(shown: &Shown, rows: &[ChannelMonth]) -> String {
    let currency = &shown.bank.currency;
    let months: BTreeSet<&str> = rows.iter().map(|row| row.month.as_str()).collect();
    let mut costs: BTreeMap<&str, BTreeMap<&str, Money>> = BTreeMap::new();
    for row in rows {
        *costs
            .entry(&row.channel)
            .or_default()
            .entry(&row.month)
            .or_default() += exact(&row.total);
    }
    let mut ranked: Vec<(&str, BTreeMap<&str, Money>)> = costs.into_iter().collect();
    let whole = |by_month: &BTreeMap<&str, Money>| by_month.values().copied().sum::<Money>();
    ranked.sort_by(|left, right| {
        whole(&right.1)
            .cmp(&whole(&left.1))
            .then(left.0.cmp(right.0))
    });

    let place = |index: usize| across(index, months.len());
    let of = |by_month: &BTreeMap<&str, Money>, month: &str| {
        by_month.get(month).copied().unwrap_or_default()
    };
    let series = ranked
        .iter()
        .take(MOST_LINES)
        .map(|(channel, by_month)| Series {
            name: words(channel),
            points: months
                .iter()
                .enumerate()
                .map(|(index, month)| (place(index), position(of(by_month, month), STORED_SCALE)))
                .collect(),
        });
    let chart = LineChart {
        series: series.collect(),
        x_ticks: months
            .iter()
            .enumerate()
            .map(|(index, month)| (place(index), (*month).to_owned()))
            .collect(),
        y_title: format!("cost ({currency})"),
        ..LineChart::default()
    };
    let naming = Naming {
        id: "trend-chart",
        title: "Cost per channel over the months",
        description: "One line per channel, named at its right end.",
    };
    let names: Vec<String> = ranked.iter().map(|(channel, _)| words(channel)).collect();
    let mut columns = vec![("Month", Align::Text)];
    columns.extend(names.iter().map(|name| (name.as_str(), Align::Number)));
    columns.push(("All channels", Align::Number));
    let mut table = Table::new(&format!("Cost per channel and month, {currency}"), &columns);
    for month in &months {
        let amounts: Vec<Money> = ranked
            .iter()
            .map(|(_, by_month)| of(by_month, month))
            .collect();
        let sum: Money = amounts.iter().copied().sum();
        let mut cells = vec![(*month).to_owned()];
        cells.extend(
            amounts
                .into_iter()
                .chain([sum])
                .map(|amount| shown_total(shown, amount)),
        );
        table.row(cells);
    }
    let mut caption =
        "Cost per channel over the months; the latest month may still be open.".to_owned();
    if ranked.len() > MOST_LINES {
        caption =
            format!("{caption} The chart shows the {MOST_LINES} dearest channels, the table all.");
    }
    figure_above(&lines(naming, &chart), &caption, &table.to_html())
}

fn exact(text: &str) -> Money {
    units(text, STORED_SCALE).unwrap_or_default()
}

fn shown_total(shown: &Shown, total: Money) -> String {
    shown.money(&total.to_decimal(STORED_SCALE))
}

/// Cost of one event, over all kinds of events.
fn mean(cost: &Cost) -> String {
    if cost.events == 0 {
        return "-".to_owned();
    }
    let events = i128::from(cost.events);
    let mean = Money((cost.total.0 + events / 2) / events);
    let four = units(&mean.to_decimal(STORED_SCALE), 4).unwrap_or_default();
    decimal(&four.to_decimal(4))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a chart has fewer pixels than a double has digits"
)]
fn across(index: usize, count: usize) -> f64 {
    if count < 2 {
        0.5
    } else {
        index as f64 / (count - 1) as f64
    }
}
