//! Who earns the bank its money: deciles, the whale curve, and the lines that make up the profit.

use super::{Shown, movers, shown_or_absent};
use crate::domain::Money;
use crate::report::chart::Naming;
use crate::report::chart::bar::{Bar, bars};
use crate::report::chart::line::{LineChart, Mark, Series, lines};
use crate::report::facts::{Decile, ProfitLines, WhaleCurve, WhalePoint};
use crate::report::figure::{count, percent, position, units};
use crate::report::html::{Align, RowKind, Table, figure, heading, note, paragraph, section};

#[must_use]
pub fn render(shown: &Shown) -> String {
    let facts = shown.facts;
    let mut body = shown.assumptions();
    body.push_str(&shown_or_absent(&facts.profitability, |found| {
        let currency = &shown.bank.currency;
        paragraph(&format!(
            "Deciles and whale curve rank customers by their contribution from {} to {}: together {} {currency}, of it UNASSIGNED {} {currency}.",
            found.first_month,
            found.last_month,
            shown.money(&found.total),
            shown.money(&found.unassigned)
        ))
    }));
    body.push_str(&heading("By decile"));
    body.push_str(&shown_or_absent(&facts.deciles, |found| {
        deciles(shown, found)
    }));
    body.push_str(&heading("Whale curve"));
    body.push_str(&shown_or_absent(&facts.whale, |curve| whale(shown, curve)));
    body.push_str(&heading("Profit lines"));
    body.push_str(&shown_or_absent(&facts.profit_lines, |found| {
        profit_lines(shown, found)
    }));
    body.push_str(&movers::render(shown));
    section("profit", "Profit", &body)
}

fn deciles(shown: &Shown, deciles: &[Decile]) -> String {
    let currency = &shown.bank.currency;
    let contribution = format!("Contribution ({currency})");
    let cumulative = format!("Cumulative ({currency})");
    let mut table = Table::new(
        "Contribution by decile of customers",
        &[
            ("Decile", Align::Number),
            ("Customers", Align::Number),
            (&contribution, Align::Number),
            (&cumulative, Align::Number),
        ],
    );
    for decile in deciles {
        table.row([
            decile.decile.to_string(),
            count(decile.customers),
            shown.money(&decile.contribution),
            shown.money(&decile.cumulative),
        ]);
    }
    let drawn: Vec<Bar> = deciles
        .iter()
        .map(|decile| Bar {
            label: decile.decile.to_string(),
            value: shown.position(&decile.contribution),
            shown: shown.money(&decile.contribution),
        })
        .collect();
    let naming = Naming {
        id: "decile-chart",
        title: "Contribution by decile of customers",
        description: "One bar per tenth of the customers, the most profitable tenth first; bars left of zero are losses.",
    };
    let caption = format!("Contribution per decile in {currency}; decile 1 earns most.");
    figure(&bars(naming, &drawn), &caption, &table.to_html())
}

fn whale(shown: &Shown, curve: &WhaleCurve) -> String {
    let scale = shown.bank.money_scale;
    let currency = &shown.bank.currency;
    let amount = |text: &str| units(text, scale).unwrap_or(Money::ZERO);
    let total = amount(&curve.total);
    // A share of a total that is not a gain says nothing: the amounts are drawn instead.
    let shares = total > Money::ZERO;
    let height = |point: &WhalePoint| {
        let reached = position(amount(&point.cumulative), scale);
        if shares {
            reached / position(total, scale) * 100.0
        } else {
            reached
        }
    };
    let across = |place: u64| across(place, curve.customers);
    let mut points = vec![(0.0, 0.0)];
    points.extend(
        curve
            .points
            .iter()
            .map(|point| (across(point.place), height(point))),
    );
    let peak_share = percent(amount(&curve.peak.cumulative), total).filter(|_| shares);
    let peak_text = peak_share.unwrap_or_else(|| shown.money(&curve.peak.cumulative));
    let chart = LineChart {
        series: vec![Series {
            name: String::new(),
            points,
        }],
        marks: vec![Mark {
            x: across(curve.peak.place),
            y: height(&curve.peak),
            text: format!("peak {peak_text} at customer {}", count(curve.peak.place)),
        }],
        x_ticks: (0..=5_u8)
            .map(|fifth| (f64::from(fifth) / 5.0, format!("{} %", fifth * 20)))
            .collect(),
        x_title: "share of customers, most profitable first".to_owned(),
        y_title: if shares {
            "cumulative share of contribution".to_owned()
        } else {
            format!("cumulative contribution ({currency})")
        },
        y_unit: if shares { " %" } else { "" },
    };
    let naming = Naming {
        id: "whale-chart",
        title: "Whale curve: cumulative contribution by ranked customers",
        description: "The line rises while customers earn money and falls where they cost more than they bring.",
    };
    let losing = curve.customers.saturating_sub(curve.peak.place);
    let caption = format!(
        "The first {} of {} customers earn {} {currency}; the {} after them take it to {} {currency}.",
        count(curve.peak.place),
        count(curve.customers),
        shown.money(&curve.peak.cumulative),
        count(losing),
        shown.money(&curve.total)
    );
    figure(
        &lines(naming, &chart),
        &caption,
        &curve_table(shown, curve, total, shares),
    )
}

/// The curve in tenths of the customers, and its peak.
fn curve_table(shown: &Shown, curve: &WhaleCurve, total: Money, shares: bool) -> String {
    let cumulative = format!("Cumulative ({})", shown.bank.currency);
    let mut table = Table::new(
        "Points of the whale curve",
        &[
            ("Customers", Align::Number),
            ("Of all", Align::Number),
            (&cumulative, Align::Number),
            ("Share of total", Align::Number),
        ],
    );
    let mut chosen: Vec<&WhalePoint> = Vec::new();
    for tenth in 1..=10_u64 {
        let wanted = (curve.customers * tenth).div_ceil(10);
        if let Some(point) = curve.points.iter().find(|point| point.place >= wanted) {
            chosen.push(point);
        }
    }
    chosen.push(&curve.peak);
    chosen.sort_by_key(|point| point.place);
    chosen.dedup_by_key(|point| point.place);
    let all = Money(i128::from(curve.customers));
    for point in chosen {
        let is_peak = point.place == curve.peak.place;
        let reached = units(&point.cumulative, shown.bank.money_scale);
        let share = reached
            .and_then(|reached| percent(reached, total))
            .filter(|_| shares);
        let customers = if is_peak {
            format!("peak: {}", count(point.place))
        } else {
            count(point.place)
        };
        table.add(
            if is_peak {
                RowKind::Total
            } else {
                RowKind::Plain
            },
            [
                customers,
                percent(Money(i128::from(point.place)), all).unwrap_or_default(),
                shown.money(&point.cumulative),
                share.unwrap_or_else(|| "-".to_owned()),
            ],
        );
    }
    table.to_html()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a chart has fewer pixels than a double has digits"
)]
fn across(place: u64, customers: u64) -> f64 {
    place as f64 / customers.max(1) as f64
}

fn profit_lines(shown: &Shown, found: &ProfitLines) -> String {
    let currency = &shown.bank.currency;
    let all = if found.months == 1 {
        format!("1 month ({currency})")
    } else {
        format!("All {} months ({currency})", found.months)
    };
    let latest = format!("{} ({currency})", found.last_month);
    let unassigned = format!("Of it UNASSIGNED ({currency})");
    let caption = format!(
        "Lines of customer profit from {} to {}; bold lines add up others",
        found.first_month, found.last_month
    );
    let mut table = Table::new(
        &caption,
        &[
            ("Line", Align::Text),
            (&all, Align::Number),
            (&unassigned, Align::Number),
            (&latest, Align::Number),
        ],
    );
    for line in &found.lines {
        let kind = if line.subtotal {
            RowKind::Total
        } else {
            RowKind::Plain
        };
        table.add(
            kind,
            [
                line.name.clone(),
                shown.money(&line.all_months),
                shown.money(&line.unassigned),
                shown.money(&line.latest_month),
            ],
        );
    }
    let remark = format!(
        "UNASSIGNED belongs to no known customer or to an account without an eligible owner; it is part of every total. \
         Each line is positive in its own direction: expenses and costs are taken off, income is added. \
         The latest month, {}, may still be open.",
        found.last_month
    );
    format!("{}{}", table.to_html(), note(&remark))
}
