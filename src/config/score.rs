//! A score as checked: points by bins, or the probability of an outcome learnt from the past.

use std::path::PathBuf;

use serde::Serialize;

use super::score_model::ScoreModel;
use crate::domain::TableName;

#[derive(Debug, Clone, Serialize)]
pub struct ScoreSpec {
    /// The file's name.
    pub name: String,
    pub description: String,
    /// A query with `customer_id` and every feature.
    pub population: String,
    pub training: Option<TrainingSpec>,
    /// As written: the order of reasons that count the same.
    pub features: Vec<FeatureSpec>,
    pub method: ScoreMethod,
    pub exclude: Vec<Exclusion>,
    pub regime: Regime,
    /// The project knows who consents to profiling: nobody else is scored, or learnt from.
    pub asks_consent: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreMethod {
    Scorecard {
        /// Points everybody starts with.
        base: i32,
        /// Of the card as it is written.
        version: String,
    },
    Logistic {
        /// Weight of half the sum of squared coefficients of standardised columns in what is minimised.
        ridge: f64,
        /// Beside the YAML file.
        #[serde(skip)]
        model_path: PathBuf,
        /// `None` until it is trained for these features.
        model: Option<ScoreModel>,
    },
}

#[derive(Debug, Clone, Serialize)]
pub struct TrainingSpec {
    pub query: String,
    pub target: String,
    pub holdout: Holdout,
}

/// Rows that are kept from training.
#[derive(Debug, Clone, Serialize)]
pub struct Holdout {
    pub rows: HoldoutRows,
    pub by: String,
    /// Between 0 and 1, neither.
    pub share: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldoutRows {
    /// The largest values; equal values stay together.
    Latest,
    /// By a keyed hash of the value; equal values stay together.
    Random { seed: u64 },
}

#[derive(Debug, Clone, Serialize)]
pub struct FeatureSpec {
    pub column: String,
    pub kind: FeatureKind,
    /// What it says about a customer whose score it raises.
    pub reason: String,
    /// Scorecards: every value falls into exactly one.
    pub bins: Vec<Bin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    Number,
    Category,
}

#[derive(Debug, Clone, Serialize)]
pub struct Bin {
    pub values: BinValues,
    pub points: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BinValues {
    /// From the first, if any, to below the second, if any.
    Range(Option<f64>, Option<f64>),
    In(Vec<String>),
    Missing,
    /// Every category that no other bin names.
    Other,
}

/// A column that no feature may be made of.
#[derive(Debug, Clone, Serialize)]
pub struct Exclusion {
    pub table: TableName,
    pub column: String,
    pub reason: String,
}

/// What happens to prohibited columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Refused.
    Credit,
    /// Reported.
    Deposit,
}

impl ScoreSpec {
    /// The version that stands in `core.model_score`; `None` until the score is trained.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        match &self.method {
            ScoreMethod::Scorecard { version, .. } => Some(version),
            ScoreMethod::Logistic { model, .. } => model.as_ref().map(|model| &*model.version),
        }
    }
}
