//! How good each score is on rows it was not trained on: gains, and the figures behind them.

use super::{Shown, shown_or_absent};
use crate::report::chart::Naming;
use crate::report::chart::line::{LineChart, Mark, Series, lines};
use crate::report::facts::ScoreFacts;
use crate::report::figure::count;
use crate::report::html::{Align, Table, figure, heading, paragraph, section};
use crate::stages::score::PartMeasures;

/// Empty for a bank without scores.
#[must_use]
pub fn render(shown: &Shown) -> String {
    let scores = &shown.facts.scores;
    if scores.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for (number, score) in scores.iter().enumerate() {
        body.push_str(&heading(&score.name));
        body.push_str(&paragraph(&score.description));
        body.push_str(&shown_or_absent(&score.measures, |measures| {
            gains(score, &measures.holdout, number)
        }));
    }
    section("scores", "Scores", &body)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn gains(score: &ScoreFacts, held: &PartMeasures, number: usize) -> String {
    let mut table = Table::new(
        &format!("Hold-out of {} by tenths, best first", score.name),
        &[
            ("Tenth", Align::Number),
            ("Rows", Align::Number),
            ("Positives", Align::Number),
            ("Rate", Align::Number),
            ("Lift", Align::Number),
            ("Found so far", Align::Number),
        ],
    );
    let mut points = vec![(0.0, 0.0)];
    let mut rows = 0.0;
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    for decile in &held.deciles {
        rows += decile.rows as f64;
        points.push((rows / held.rows as f64, decile.gain * 100.0));
        table.row([
            decile.decile.to_string(),
            count(decile.rows),
            format!("{:.1}", decile.positives),
            percent(decile.rate),
            format!("{:.2}", decile.lift),
            percent(decile.gain),
        ]);
    }
    let share = held.share_for_80_percent;
    let chart = LineChart {
        series: vec![
            Series {
                name: "score".to_owned(),
                points,
            },
            Series {
                name: "by chance".to_owned(),
                points: vec![(0.0, 0.0), (1.0, 100.0)],
            },
        ],
        marks: vec![Mark {
            x: share,
            y: 80.0,
            text: format!("80 % found in {}", percent(share)),
        }],
        x_ticks: (0..=5_u8)
            .map(|fifth| (f64::from(fifth) / 5.0, format!("{} %", fifth * 20)))
            .collect(),
        x_title: "share of contacts, best score first".to_owned(),
        y_title: "share of positives found".to_owned(),
        y_unit: " %",
    };
    let naming = Naming {
        id: &format!("gains-{number}"),
        title: &format!("Gains of {}", score.name),
        description: "The higher the line stands above the straight one, the fewer contacts find the same positives.",
    };
    let caption = format!(
        "Version {}, measured on {} rows that were held out, {} of them positive: area under the ROC curve {:.3} (95 % interval {:.3} to {:.3}).",
        score.version,
        count(held.rows),
        count(held.positives),
        held.auc,
        held.auc_low,
        held.auc_high
    );
    figure(&lines(naming, &chart), &caption, &table.to_html())
}
