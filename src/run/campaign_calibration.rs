//! What a score foretold of a campaign's contacts, beside what they did.

use std::collections::BTreeSet;

use super::RunError;
use super::campaign_gains::{NEEDED, OUTCOMES_OF_CANDIDATES};
use crate::domain::Parameter;
use crate::sql::{Bindings, Session};
use crate::stages::score::{PartMeasures, measure_probabilities};
use crate::store::Manifest;

/// Every tenth needs somebody.
const FEWEST: usize = 10;

/// Who was contacted, had a probability that night, and has had the whole window to answer. The order decides sums.
fn foretold() -> String {
    format!(
        "
select candidate.p_response, case when outcome.is_responded then 1.0 else 0.0 end as answered
from {OUTCOMES_OF_CANDIDATES}
where outcome.campaign_code = $campaign and outcome.is_contacted and outcome.window_ends_on <= $business_date
    and candidate.p_response is not null
order by candidate.p_response, answered"
    )
}

/// None where fewer than [`FEWEST`] contacts with a probability have had their whole window, or all of them did the same.
///
/// # Errors
/// When the query cannot be run.
pub fn campaign_calibration(
    session: &Session,
    manifest: &Manifest,
    known: &BTreeSet<String>,
    code: &str,
) -> Result<Option<PartMeasures>, RunError> {
    if !NEEDED.iter().all(|table| known.contains(*table)) || !tells_probability(manifest) {
        return Ok(None);
    }
    let values = Bindings::new(manifest.parameters.clone())
        .with("campaign", Parameter::Text(code.to_owned()))
        .with("business_date", Parameter::Date(manifest.business_date));
    let result = session.query(&foretold(), &values)?;
    let foretold = result.numbers_at(0)?;
    let answered = result.numbers_at(1)?;
    let rows = foretold.into_iter().zip(answered);
    let rows: Vec<(f64, bool)> = rows.map(|(p, answered)| (p, answered > 0.5)).collect();
    let positives = rows.iter().filter(|(_, answered)| *answered).count();
    let tells = rows.len() >= FEWEST && positives > 0 && positives < rows.len();
    Ok(tells.then(|| measure_probabilities(rows)))
}

/// Releases of before the column was written have none.
fn tells_probability(manifest: &Manifest) -> bool {
    let mut tables = manifest.tables.iter();
    let candidates = tables.find(|(name, _)| name.to_string() == "campaigns.candidate");
    let mut columns = candidates.into_iter().flat_map(|(_, entry)| &entry.columns);
    columns.any(|column| column.name == "p_response")
}
