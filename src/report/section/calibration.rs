//! What a score foretold of a campaign's contacts, beside what they did.

use crate::report::figure::count;
use crate::report::html::{Align, Table, paragraph};
use crate::report::results::CampaignFacts;
use crate::stages::score::PartMeasures;

/// Empty without a probability, or before a window has closed.
pub(super) fn render(campaign: &CampaignFacts) -> String {
    let Some(found) = &campaign.calibration else {
        return String::new();
    };
    let mut table = Table::new(
        &format!(
            "Foretold and answered by tenths of the score of {}, best first",
            campaign.code
        ),
        &[
            ("Tenth", Align::Number),
            ("Contacts", Align::Number),
            ("Foretold", Align::Number),
            ("Answered", Align::Number),
        ],
    );
    for tenth in &found.deciles {
        table.row([
            tenth.decile.to_string(),
            count(tenth.rows),
            percent(tenth.mean_score),
            percent(tenth.rate),
        ]);
    }
    format!("{}{}", table.to_html(), paragraph(&words(found)))
}

fn words(found: &PartMeasures) -> String {
    let all = format!(
        "{} of {} contacts whose window has closed answered",
        count(found.positives),
        count(found.rows)
    );
    let Some(fit) = found.calibration else {
        return format!("{all}.");
    };
    let line = match (fit.intercept, fit.slope) {
        (Some(intercept), Some(slope)) => format!(
            "A line through the log-odds has intercept {intercept:+.3} and slope {slope:.3}; 0 and 1 would be right."
        ),
        _ => "Too few answered to fit a line.".to_owned(),
    };
    format!(
        "{all}, {}; {} were foretold. {line} AUC {:.3} (95 % {:.3} to {:.3}), Brier {:.5}.",
        percent(fit.rate),
        percent(fit.mean_probability),
        found.auc,
        found.auc_low,
        found.auc_high,
        fit.brier
    )
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}
