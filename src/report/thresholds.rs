//! A page about the quality of matching: precision, recall and F1 by threshold, beside a truth.

use super::chart::Naming;
use super::chart::line::{LineChart, Mark, Series, lines};
use super::figure::count;
use super::html::{Align, Table, figure_above, heading, section};
use super::page::page;
use crate::run::matching::{Evaluation, Quality};

/// The whole page. The same evaluation gives the same bytes.
#[must_use]
pub fn thresholds_page(found: &Evaluation) -> String {
    let mut body = chart(found);
    body.push_str(&heading("By kind and feed, at the project's threshold"));
    body.push_str(&groups(found));
    let title = format!("Matching on {}", found.business_date);
    let head = format!(
        "<header>\n<h1>{title}</h1>\n<p>Model {}. {} records that the truth knows, {} it does not.</p>\n</header>\n",
        super::html::escape(&found.model_version),
        count(found.records),
        count(found.unknown)
    );
    let main = section("thresholds", "Quality by threshold", &body);
    page(&title, &format!("{head}<main>\n{main}</main>\n"))
}

fn chart(found: &Evaluation) -> String {
    let mut table = Table::new(
        "Pairs of records by threshold of probability",
        &[
            ("Threshold", Align::Number),
            ("Found", Align::Number),
            ("Wrong", Align::Number),
            ("Missed", Align::Number),
            ("Precision", Align::Number),
            ("Recall", Align::Number),
            ("F1", Align::Number),
            ("B-cubed F1", Align::Number),
        ],
    );
    for quality in &found.thresholds {
        table.row(cells(quality));
    }
    table.total(cells(&found.chosen));
    let series = |name: &str, of: fn(&Quality) -> f64| Series {
        name: name.to_owned(),
        points: found
            .thresholds
            .iter()
            .map(|quality| (across(found, quality.threshold), of(quality) * 100.0))
            .collect(),
    };
    let ticks = found.thresholds.iter().step_by(2);
    let chart = LineChart {
        series: vec![
            series("precision", |quality| quality.precision),
            series("recall", |quality| quality.recall),
            series("F1", |quality| quality.f1),
        ],
        marks: vec![Mark {
            x: across(found, found.chosen.threshold),
            y: found.chosen.f1 * 100.0,
            text: format!("matching.yml: {}", found.chosen.threshold),
        }],
        x_ticks: ticks
            .map(|quality| {
                (
                    across(found, quality.threshold),
                    quality.threshold.to_string(),
                )
            })
            .collect(),
        x_title: "threshold of probability, in bits of odds".to_owned(),
        y_title: "share of pairs".to_owned(),
        y_unit: " %",
    };
    let naming = Naming {
        id: "threshold-chart",
        title: "Precision, recall and F1 by threshold",
        description: "A higher threshold finds fewer pairs and errs less: precision rises to the right, recall falls.",
    };
    let caption = format!(
        "The last row is the project's own threshold, {}.",
        found.chosen.threshold
    );
    figure_above(&lines(naming, &chart), &caption, &table.to_html())
}

fn cells(quality: &Quality) -> [String; 8] {
    let share = |value: f64| format!("{value:.6}");
    [
        quality.threshold.to_string(),
        count(quality.pairs.true_positives),
        count(quality.pairs.false_positives),
        count(quality.pairs.false_negatives),
        share(quality.precision),
        share(quality.recall),
        share(quality.f1),
        share(quality.b_cubed.f1),
    ]
}

/// Thresholds stand by the logarithm of their odds: those that matter lie close to one.
fn across(found: &Evaluation, threshold: f64) -> f64 {
    let bits = |probability: f64| (probability / (1.0 - probability)).log2();
    let ends = (found.thresholds.first(), found.thresholds.last());
    let (Some(first), Some(last)) = ends else {
        return 0.0;
    };
    let (first, last) = (bits(first.threshold), bits(last.threshold));
    ((bits(threshold) - first) / (last - first)).clamp(0.0, 1.0)
}

fn groups(found: &Evaluation) -> String {
    let mut table = Table::new(
        "Pairs of records at the project's threshold",
        &[
            ("Records of", Align::Text),
            ("Found", Align::Number),
            ("Wrong", Align::Number),
            ("Missed", Align::Number),
            ("Precision", Align::Number),
            ("Recall", Align::Number),
            ("F1", Align::Number),
        ],
    );
    for group in &found.groups {
        table.row([
            group.group.clone(),
            count(group.pairs.true_positives),
            count(group.pairs.false_positives),
            count(group.pairs.false_negatives),
            format!("{:.6}", group.precision),
            format!("{:.6}", group.recall),
            format!("{:.6}", group.f1),
        ]);
    }
    table.to_html()
}
