//! What campaigns brought: the funnel of each cell, and its bookings against the controls with their interval.

use super::Shown;
use crate::domain::Money;
use crate::report::Facts;
use crate::report::facts::Found;
use crate::report::html::{Align, Table, paragraph, section};

/// Whether any campaign contacted anybody.
#[must_use]
pub fn are_there(facts: &Facts) -> bool {
    matches!(&facts.results, Found::Shown(rows) if !rows.is_empty())
}

/// Empty for a bank without contacts.
#[must_use]
pub fn render(shown: &Shown) -> String {
    let Found::Shown(rows) = &shown.facts.results else {
        return String::new();
    };
    if rows.is_empty() {
        return String::new();
    }
    let mut funnel = Table::new(
        &format!("Funnel of each cell, {}", shown.bank.currency),
        &[
            ("Campaign", Align::Text),
            ("Cell", Align::Text),
            ("Kind", Align::Text),
            ("Assigned", Align::Number),
            ("Responded", Align::Number),
            ("Applied", Align::Number),
            ("Approved", Align::Number),
            ("Booked", Align::Number),
            ("Amount", Align::Number),
            ("Cost", Align::Number),
            ("Window", Align::Text),
        ],
    );
    let mut compared = Table::new(
        "Booked of those assigned, against the controls",
        &[
            ("Campaign", Align::Text),
            ("Cell", Align::Text),
            ("Booked", Align::Number),
            ("Controls booked", Align::Number),
            ("Difference", Align::Number),
            ("95 % interval", Align::Number),
            ("Smallest rise it could show", Align::Number),
        ],
    );
    for row in rows {
        if let [
            campaign,
            cell,
            kind,
            closed,
            assigned,
            responded,
            applied,
            approved,
            booked,
            amount,
            cost,
            controls,
            controls_booked,
            rate,
            low,
            high,
            smallest,
        ] = row.as_slice()
        {
            funnel.row([
                campaign.clone(),
                cell.clone(),
                kind.clone(),
                assigned.clone(),
                responded.clone(),
                applied.clone(),
                approved.clone(),
                booked.clone(),
                shown.money(amount),
                shown.money(cost),
                if closed == "true" { "closed" } else { "open" }.to_owned(),
            ]);
            if !rate.is_empty() {
                compared.row([
                    campaign.clone(),
                    cell.clone(),
                    format!("{booked} / {assigned}"),
                    format!("{controls_booked} / {controls}"),
                    points(rate),
                    format!("{} to {}", points(low), points(high)),
                    if smallest.is_empty() {
                        "none: too few names".to_owned()
                    } else {
                        points(smallest)
                    },
                ]);
            }
        }
    }
    let words = paragraph(
        "Booked are accounts of the product opened within the response window, counted by one rule in every cell. \
         An interval that holds nought shows no effect.",
    );
    section(
        "results",
        "Results of campaigns",
        &format!("{words}{}{}", funnel.to_html(), compared.to_html()),
    )
}

/// A rate of six digits as percentage points.
fn points(rate: &str) -> String {
    Money::parse_decimal(rate, 6).map_or_else(
        || rate.to_owned(),
        |rate| {
            format!(
                "{} points",
                Money((rate.0 + 50).div_euclid(100)).to_decimal(2)
            )
        },
    )
}
