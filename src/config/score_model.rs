//! The trained model of a logistic score: `scores/<name>.model.json`.
//!
//! Written by `salenet score train`, read by every night. It holds figures of groups and names of categories, and no
//! value of any single customer.

use serde::{Deserialize, Serialize};

use super::score::FeatureKind;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreModel {
    pub format: u32,
    /// Hash of the parameters below.
    pub version: String,
    pub score: String,
    /// Log-odds of somebody who is average in everything.
    pub intercept: f64,
    pub intercept_error: f64,
    /// As in the YAML file.
    pub features: Vec<FeatureModel>,
    pub trained: Trained,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureModel {
    pub column: String,
    pub kind: FeatureKind,
    /// Of a number: its mean and standard deviation among the rows of the training that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Of a number: per standard deviation. Of a category: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slope: Option<Coefficient>,
    /// The categories, and rows without a value, against the average row; a number has at most the latter.
    pub levels: Vec<LevelModel>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    pub mean: f64,
    pub deviation: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficient {
    /// Log-odds.
    pub value: f64,
    pub standard_error: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelModel {
    /// `None` for rows without a value.
    pub level: Option<String>,
    /// Of the rows of the training.
    pub share: f64,
    pub coefficient: Coefficient,
}

/// What the training saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    pub release: String,
    pub rows: u64,
    pub positives: u64,
    pub holdout_rows: u64,
    pub holdout_positives: u64,
    pub ridge: f64,
    pub iterations: u32,
    /// Largest change of a coefficient in the last iteration.
    pub last_change: f64,
}

impl FeatureModel {
    /// What a number gains by being there, where rows without it lose as much on average, or the other way round.
    #[must_use]
    pub fn known(&self) -> f64 {
        let missing = self.levels.iter();
        let gains =
            missing.map(|level| level.coefficient.value * level.share / (1.0 - level.share));
        -gains.sum::<f64>()
    }
}
