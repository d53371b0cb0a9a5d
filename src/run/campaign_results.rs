//! What campaigns brought: the funnel of each cell, the totals of a campaign beside those of its baseline, its figures
//! and goals.
//!
//! The figures are the models'; which of them are shown, and under which name, says the dictionary of the project.

use std::collections::BTreeSet;

use super::RunError;
use super::campaign_calibration::campaign_calibration;
use super::campaign_figures::{CampaignFigures, campaign_figures};
use super::campaign_gains::{Gains, campaign_gains};
use crate::domain::Parameter;
use crate::sql::{Bindings, QueryResult, Session};
use crate::stages::score::PartMeasures;
use crate::store::Manifest;

/// Tables without which there are no results.
const NEEDED: [&str; 3] = [
    "marts.campaign_result",
    "marts.campaign_total",
    "reference.campaign_measure",
];

/// What the tables say of one campaign.
pub struct CampaignResults {
    pub code: String,
    /// One row per cell: the columns of `marts.campaign_result`.
    pub cells: QueryResult,
    /// The campaign's row of `marts.campaign_total`, then its baseline's, if that has one.
    pub totals: QueryResult,
    /// Figures of the whole campaign, and its goals.
    pub figures: CampaignFigures,
    /// None for past mailings, and before the first booking.
    pub gains: Option<Gains>,
    /// None without a probability, or before a window has closed.
    pub calibration: Option<PartMeasures>,
}

/// The dictionary (`measure`, `name`, `scope`, `unit`, `numerator`, `denominator`, `meaning`), and the results of one
/// campaign, or of all.
///
/// # Errors
/// `Usage` when the release lacks a table, or has no contact of that campaign.
pub fn campaign_results(
    session: &Session,
    manifest: &Manifest,
    code: Option<&str>,
) -> Result<(QueryResult, Vec<CampaignResults>), RunError> {
    let views = manifest.views.iter().map(|view| &view.table);
    let known: BTreeSet<String> = manifest
        .tables
        .keys()
        .chain(views)
        .map(ToString::to_string)
        .collect();
    if let Some(missing) = NEEDED.iter().find(|table| !known.contains(**table)) {
        return Err(RunError::Usage {
            message: format!("release {} has no table {missing}", manifest.release),
            hint: "results are shown for banks whose project has the models of pipelines/harbor"
                .to_owned(),
        });
    }
    let values = Bindings::new(manifest.parameters.clone());
    let measures = session.query(
        "select measure, name, scope, unit, numerator, denominator, meaning from reference.campaign_measure order by position",
        &values,
    )?;
    let found = session.query(
        "select distinct campaign_code from marts.campaign_result order by 1",
        &values,
    )?;
    let mut codes = Vec::new();
    for row in found.rows()? {
        codes.extend(row.first().map(crate::sql::Cell::to_text));
    }
    if let Some(code) = code {
        if !codes.iter().any(|known| known == code) {
            return Err(RunError::Usage {
                message: format!(
                    "release {} has no contact of a campaign `{code}`",
                    manifest.release
                ),
                hint: format!(
                    "there are results of {}; a delivered list counts from the next night on",
                    if codes.is_empty() {
                        "none".to_owned()
                    } else {
                        codes.join(", ")
                    }
                ),
            });
        }
        codes.retain(|known| known == code);
    }
    let mut results = Vec::with_capacity(codes.len());
    for code in codes {
        let values = values
            .clone()
            .with("campaign", Parameter::Text(code.clone()));
        results.push(CampaignResults {
            cells: session.query(
                "select * from marts.campaign_result where campaign_code = $campaign order by kind = 'control', cell_code",
                &values,
            )?,
            totals: session.query(
                "select * from marts.campaign_total where campaign_code = $campaign or campaign_code in \
                 (select baseline_code from marts.campaign_total where campaign_code = $campaign) \
                 order by campaign_code <> $campaign",
                &values,
            )?,
            figures: campaign_figures(session, manifest, &known, &code)?,
            gains: campaign_gains(session, manifest, &known, &code)?,
            calibration: campaign_calibration(session, manifest, &known, &code)?,
            code,
        });
    }
    Ok((measures, results))
}
