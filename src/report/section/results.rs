//! What campaigns brought: goals, figures beside the baseline, the funnel of each cell, intervals against the controls,
//! gains of the rank, and the dictionary of all figures.

use super::{Shown, calibration};
use crate::domain::Money;
use crate::report::Facts;
use crate::report::chart::Naming;
use crate::report::chart::line::{LineChart, Series, lines};
use crate::report::facts::Found;
use crate::report::figure::{count, decimal};
use crate::report::html::{Align, Table, figure, folded, heading, paragraph, section};
use crate::report::results::{CampaignFacts, ResultFacts};
use crate::run::campaign_gains::Gains;
use crate::run::campaign_measures::{Dictionary, Measure, Unit, plain};

/// Whether any campaign contacted anybody.
#[must_use]
pub fn are_there(facts: &Facts) -> bool {
    matches!(&facts.results, Found::Shown(found) if !found.campaigns.is_empty())
}

/// Empty for a bank without contacts.
#[must_use]
pub fn render(shown: &Shown) -> String {
    let Found::Shown(found) = &shown.facts.results else {
        return String::new();
    };
    if found.campaigns.is_empty() {
        return String::new();
    }
    let mut body = paragraph(
        "Booked are accounts of the product opened within the response window, counted by one rule in every cell. \
         An interval that holds nought shows no effect.",
    );
    for (number, campaign) in found.campaigns.iter().enumerate() {
        body.push_str(&heading(&campaign.code));
        body.push_str(&goals(shown, campaign, &found.dictionary));
        body.push_str(&figures(shown, campaign, &found.dictionary));
        body.push_str(&funnel(shown, campaign, &found.dictionary));
        body.push_str(&compared(campaign));
        if let Some(gains) = &campaign.gains {
            body.push_str(&gains_chart(campaign, gains, number));
        }
        body.push_str(&calibration::render(campaign));
        body.push_str(&beside_baseline(shown, campaign, &found.dictionary));
    }
    body.push_str(&dictionary(found));
    section("results", "Results of campaigns", &body)
}

fn goals(page: &Shown, campaign: &CampaignFacts, dictionary: &Dictionary) -> String {
    if campaign.goals.is_empty() {
        return String::new();
    }
    let mut table = Table::new(
        &format!("Goals of {}", campaign.code),
        &[
            ("Figure", Align::Text),
            ("Goal", Align::Number),
            ("So far", Align::Number),
            ("State", Align::Text),
            ("By", Align::Text),
            ("Who answers for it", Align::Text),
        ],
    );
    for goal in &campaign.goals {
        if let [measure, target, value, due, owner, state] = goal.as_slice() {
            let known = dictionary.measure(measure);
            let shown = |value: &str| match (known, value) {
                (_, "") => "no figure yet".to_owned(),
                (Some(known), value) => worth(page, known, value),
                (None, value) => plain(value),
            };
            table.row([
                known.map_or_else(|| measure.clone(), |known| known.name.clone()),
                shown(target),
                shown(value),
                state.clone(),
                due.clone(),
                owner.clone(),
            ]);
        }
    }
    table.to_html()
}

/// Figures of the whole campaign; what has none yet is left out.
fn figures(page: &Shown, campaign: &CampaignFacts, dictionary: &Dictionary) -> String {
    let mut table = Table::new(
        &format!("Figures of {}", campaign.code),
        &[
            ("Figure", Align::Text),
            ("Value", Align::Number),
            ("Numerator", Align::Text),
            ("Denominator", Align::Text),
        ],
    );
    let mut any = false;
    for row in &campaign.figures {
        let [code, value, numerator, denominator] = row.as_slice() else {
            continue;
        };
        let Some(measure) = dictionary.measure(code).filter(|_| !value.is_empty()) else {
            continue;
        };
        any = true;
        let named = |value: &str, name: Option<&str>| match (value, name) {
            ("", _) | (_, None) => String::new(),
            (value, Some(name)) => format!("{} {name}", decimal(&plain(value))),
        };
        table.row([
            measure.name.clone(),
            worth(page, measure, value),
            named(numerator, Some(&measure.numerator)),
            named(denominator, measure.denominator.as_deref()),
        ]);
    }
    if any { table.to_html() } else { String::new() }
}

/// A value of the tables as this page shows it; empty for none.
fn worth(shown: &Shown, measure: &Measure, value: &str) -> String {
    match (value, measure.unit) {
        ("", _) => String::new(),
        (value, Unit::Money) => shown.money(value),
        (value, Unit::Count) => decimal(&plain(value)),
        (value, unit) => match unit.shown(value).split_once(' ') {
            Some((number, of)) => format!("{} {of}", decimal(number)),
            None => value.to_owned(),
        },
    }
}

/// One line per measure, one column per cell.
fn funnel(page: &Shown, campaign: &CampaignFacts, dictionary: &Dictionary) -> String {
    let heads: Vec<String> = campaign
        .cells
        .iter()
        .map(|cell| match cell.as_slice() {
            [code, kind, closed, ..] => {
                let window = if closed == "true" {
                    ""
                } else {
                    ", window open"
                };
                format!("{code} {kind}{window}")
            }
            _ => String::new(),
        })
        .collect();
    let title = format!("Funnel of {} by cell", campaign.code);
    by_column(page, &title, &heads, &campaign.cells, 3, dictionary)
}

/// The campaign and its baseline over all cells but the controls; empty without a baseline.
fn beside_baseline(page: &Shown, campaign: &CampaignFacts, dictionary: &Dictionary) -> String {
    if campaign.totals.len() < 2 {
        return String::new();
    }
    let heads: Vec<String> = campaign
        .totals
        .iter()
        .filter_map(|row| row.first().cloned())
        .collect();
    let title = format!(
        "{} beside its baseline, all cells but controls",
        campaign.code
    );
    by_column(page, &title, &heads, &campaign.totals, 1, dictionary)
}

fn by_column(
    page: &Shown,
    title: &str,
    heads: &[String],
    rows: &[Vec<String>],
    skipped: usize,
    dictionary: &Dictionary,
) -> String {
    let measures = dictionary.of_cells();
    let mut columns = vec![("Measure", Align::Text)];
    columns.extend(heads.iter().map(|head| (head.as_str(), Align::Number)));
    columns.push(("Of", Align::Text));
    let mut table = Table::new(title, &columns);
    for (at, measure) in measures.iter().enumerate() {
        let mut line = vec![measure.name.clone()];
        line.extend(rows.iter().map(|row| {
            let value = row
                .get(at + skipped)
                .map(String::as_str)
                .unwrap_or_default();
            worth(page, measure, value)
        }));
        line.push(match &measure.denominator {
            Some(denominator) => format!(
                "{} / {}",
                dictionary.name(&measure.numerator),
                dictionary.name(denominator)
            ),
            None => String::new(),
        });
        table.row(line);
    }
    table.to_html()
}

fn compared(campaign: &CampaignFacts) -> String {
    if campaign.compared.is_empty() {
        return String::new();
    }
    let mut table = Table::new(
        &format!(
            "Booked of those assigned by {}, against the controls",
            campaign.code
        ),
        &[
            ("Cell", Align::Text),
            ("Booked", Align::Number),
            ("Controls booked", Align::Number),
            ("Difference", Align::Number),
            ("95 % interval", Align::Number),
            ("Smallest rise it could show", Align::Number),
        ],
    );
    for row in &campaign.compared {
        if let [
            cell,
            booked,
            assigned,
            controls_booked,
            controls,
            rate,
            low,
            high,
            smallest,
        ] = row.as_slice()
        {
            table.row([
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
    table.to_html()
}

/// Which share of the bookings the best ranks brought.
fn gains_chart(campaign: &CampaignFacts, gains: &Gains, number: usize) -> String {
    let mut table = Table::new(
        &format!(
            "Outcome of {} by tenths of its rank, best first",
            campaign.code
        ),
        &[
            ("Tenth", Align::Number),
            ("Booked / contacts", Align::Number),
            ("Booked / controls", Align::Number),
            ("Lift", Align::Number),
            ("Found so far", Align::Number),
            ("Beyond controls so far", Align::Number),
        ],
    );
    let mut points = vec![(0.0, 0.0)];
    for tenth in &gains.tenths {
        points.push((tenth.reach, tenth.gain * 100.0));
        let or_nothing =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        table.row([
            tenth.tenth.to_string(),
            format!("{} / {}", count(tenth.booked), count(tenth.contacts)),
            format!(
                "{} / {}",
                count(tenth.controls_booked),
                count(tenth.controls)
            ),
            or_nothing(tenth.lift),
            format!("{:.1} %", tenth.gain * 100.0),
            or_nothing(tenth.qini),
        ]);
    }
    let chart = LineChart {
        series: vec![
            Series {
                name: "rank".to_owned(),
                points,
            },
            Series {
                name: "by chance".to_owned(),
                points: vec![(0.0, 0.0), (1.0, 100.0)],
            },
        ],
        marks: Vec::new(),
        x_ticks: (0..=5_u8)
            .map(|fifth| (f64::from(fifth) / 5.0, format!("{} %", fifth * 20)))
            .collect(),
        x_title: "share of contacts, best rank first".to_owned(),
        y_title: "share of bookings found".to_owned(),
        y_unit: " %",
    };
    let naming = Naming {
        id: &format!("outcome-gains-{number}"),
        title: &format!("Gains of {}", campaign.code),
        description: "The higher the line stands above the straight one, the better the rank found those who booked.",
    };
    let caption = match gains.qini {
        Some(qini) => format!(
            "Qini {qini:.6} bookings per contact: above nought the rank finds those whom a contact moves."
        ),
        None => "Without controls among those ranked, nothing is said of whom a contact moved."
            .to_owned(),
    };
    figure(&lines(naming, &chart), &caption, &table.to_html())
}

/// Every figure with numerator, denominator and meaning, in one place.
fn dictionary(found: &ResultFacts) -> String {
    let mut table = Table::new(
        "Dictionary of the figures",
        &[
            ("Figure", Align::Text),
            ("Numerator", Align::Text),
            ("Denominator", Align::Text),
            ("Meaning", Align::Prose),
        ],
    );
    for measure in &found.dictionary.measures {
        table.row([
            measure.name.clone(),
            found.dictionary.name(&measure.numerator).to_owned(),
            match &measure.denominator {
                Some(denominator) => found.dictionary.name(denominator).to_owned(),
                None => String::new(),
            },
            measure.meaning.clone(),
        ]);
    }
    folded("Dictionary of the figures", &table.to_html())
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
