//! What campaigns brought: the funnel of each cell, and the totals of a campaign beside those of its baseline.
//!
//! The figures are the models'; which of them are shown, and under which name, says the dictionary of the project.

use super::RunError;
use crate::domain::Parameter;
use crate::sql::{Bindings, QueryResult, Session};
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
    /// None without bookings or a baseline: contacts, those it would have taken to book as many as the baseline, the
    /// baseline's contacts, and the change in millionths.
    pub contacts_at_equal_bookings: QueryResult,
}

/// The dictionary (`measure`, `name`, `unit`, `numerator`, `denominator`), and the results of one campaign, or of all.
///
/// # Errors
/// `Usage` when the release lacks a table, or has no contact of that campaign.
pub fn campaign_results(
    session: &Session,
    manifest: &Manifest,
    code: Option<&str>,
) -> Result<(QueryResult, Vec<CampaignResults>), RunError> {
    let views = manifest.views.iter().map(|view| &view.table);
    let known: Vec<String> = manifest
        .tables
        .keys()
        .chain(views)
        .map(ToString::to_string)
        .collect();
    if let Some(missing) = NEEDED
        .iter()
        .find(|table| !known.iter().any(|name| name == *table))
    {
        return Err(RunError::Usage {
            message: format!("release {} has no table {missing}", manifest.release),
            hint: "results are shown for banks whose project has the models of pipelines/harbor"
                .to_owned(),
        });
    }
    let values = Bindings::new(manifest.parameters.clone());
    let measures = session.query(
        "select measure, name, unit, numerator, denominator from reference.campaign_measure order by position",
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
            contacts_at_equal_bookings: session.query(
                "select own.n_contacted, \
                 cast(round(cast(own.n_contacted as double) * base.n_booked / own.n_booked) as bigint) as n_at_equal_bookings, \
                 base.n_contacted as n_baseline, \
                 cast(round(1000000 * (cast(own.n_contacted as double) * base.n_booked / own.n_booked / base.n_contacted - 1)) \
                 as bigint) as change_ppm \
                 from marts.campaign_total as own \
                 join marts.campaign_total as base on base.campaign_code = own.baseline_code \
                 where own.campaign_code = $campaign and own.n_booked > 0 and base.n_contacted > 0",
                &values,
            )?,
            code,
        });
    }
    Ok((measures, results))
}
