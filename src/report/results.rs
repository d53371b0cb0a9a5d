//! What the page shows of the outcomes of campaigns: cells, totals beside the baseline, figures, goals, gains.

use super::facts::{Asked, Found};
use super::finance::Rows;
use crate::run::RunError;
use crate::run::campaign_gains::Gains;
use crate::run::campaign_measures::{self as measures, Dictionary};
use crate::run::campaign_results::{CampaignResults, campaign_results};
use crate::sql::{QueryResult, SqlError};
use crate::stages::score::PartMeasures;

/// All campaigns that contacted somebody, and what their measures mean.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultFacts {
    pub dictionary: Dictionary,
    pub campaigns: Vec<CampaignFacts>,
}

/// One campaign; empty texts stand for what cannot be said.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignFacts {
    pub code: String,
    /// Cell, kind, whether the window is closed; then one text per measure of cells, in the order of the dictionary.
    pub cells: Rows,
    /// Cell, booked, assigned, controls booked, controls; difference with its interval, smallest rise.
    pub compared: Rows,
    /// Code; then one text per measure of cells. The campaign, then its baseline.
    pub totals: Rows,
    /// Measure, value, numerator, denominator.
    pub figures: Rows,
    /// Measure, target, value, due day, owner, state.
    pub goals: Rows,
    pub gains: Option<Gains>,
    /// None without a probability, or before a window has closed.
    pub calibration: Option<PartMeasures>,
}

/// The columns that say what a cell brought beyond the controls.
const COMPARED: [&str; 9] = [
    "cell_code",
    "n_booked",
    "n_assigned",
    "n_control_booked",
    "n_control",
    "incremental_rate",
    "incremental_rate_low",
    "incremental_rate_high",
    "smallest_effect",
];

impl Asked<'_> {
    pub(super) fn results(&self) -> Result<Found<ResultFacts>, SqlError> {
        let needed = [
            ("marts.campaign_result", &["n_assigned", "n_reached"][..]),
            ("marts.campaign_total", &["baseline_code"]),
            ("reference.campaign_measure", &["scope", "meaning"]),
        ];
        for (table, columns) in needed {
            if let Some(reason) = self.missing(table, columns)? {
                return Ok(Found::Absent(reason));
            }
        }
        let found = campaign_results(self.session, self.manifest, None);
        let (dictionary, found) = match found {
            Ok(found) => found,
            Err(RunError::Sql(error)) => return Err(error),
            Err(error) => return Ok(Found::Absent(error.to_string())),
        };
        let dictionary = Dictionary::of(&dictionary)?;
        let campaigns = found
            .iter()
            .map(|campaign| CampaignFacts::of(campaign, &dictionary));
        Ok(Found::Shown(ResultFacts {
            campaigns: campaigns.collect::<Result<_, _>>()?,
            dictionary,
        }))
    }
}

impl CampaignFacts {
    fn of(campaign: &CampaignResults, dictionary: &Dictionary) -> Result<Self, SqlError> {
        let measures: Vec<&str> = dictionary
            .of_cells()
            .iter()
            .map(|measure| measure.code.as_str())
            .collect();
        let with = |first: &[&'static str]| -> Vec<&str> {
            first
                .iter()
                .copied()
                .chain(measures.iter().copied())
                .collect()
        };
        let goals = campaign.figures.goals.as_ref();
        let goal = ["measure", "target", "value", "due_on", "owner", "state"];
        let mut compared = texts(&campaign.cells, &COMPARED)?;
        compared.retain(|row| row.get(5).is_some_and(|rate| !rate.is_empty()));
        Ok(Self {
            code: campaign.code.clone(),
            cells: texts(
                &campaign.cells,
                &with(&["cell_code", "kind", "is_window_closed"]),
            )?,
            compared,
            totals: texts(&campaign.totals, &with(&["campaign_code"]))?,
            figures: texts(
                &campaign.figures.figures,
                &["measure", "value", "numerator", "denominator"],
            )?,
            goals: goals.map_or_else(|| Ok(Vec::new()), |goals| texts(goals, &goal))?,
            gains: campaign.gains.clone(),
            calibration: campaign.calibration.clone(),
        })
    }
}

/// Columns by name, as texts.
fn texts(result: &QueryResult, columns: &[&str]) -> Result<Rows, SqlError> {
    let rows = measures::Rows::of(result)?;
    let line = |row: &Vec<crate::sql::Cell>| {
        let text = |column: &&str| rows.text(row, column).unwrap_or_default();
        columns.iter().map(text).collect()
    };
    Ok(rows.rows.iter().map(line).collect())
}
