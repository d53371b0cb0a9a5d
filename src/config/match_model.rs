//! The trained model of `matching.yml`: how likely each level of agreement is among matches and among others.
//!
//! Written by `salenet match train`, read by every night. It holds no value of any record.

use serde::{Deserialize, Serialize};

use super::matching::Comparison;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchModel {
    pub format: u32,
    /// Hash of the parameters below.
    pub version: String,
    pub person: Option<KindModel>,
    pub organisation: Option<KindModel>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindModel {
    /// Share of all pairs that are matches.
    pub prior: f64,
    pub comparisons: Vec<ComparisonModel>,
    pub diagnostics: Diagnostics,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonModel {
    pub comparison: Comparison,
    /// From full agreement to difference.
    pub levels: Vec<LevelModel>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelModel {
    pub level: String,
    /// Probability of the level among matches that have both values.
    pub m: f64,
    /// The same among pairs that are no match.
    pub u: f64,
}

impl LevelModel {
    /// log2(m / u): bits of evidence.
    #[must_use]
    pub fn weight(&self) -> f64 {
        (self.m / self.u).log2()
    }
}

/// What the training saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostics {
    pub records: u64,
    /// Pairs drawn by chance, for u.
    pub sampled_pairs: u64,
    /// Distinct pairs of all blocks.
    pub blocked_pairs: u64,
    /// Of these, how many the model expects to be matches.
    pub expected_matches: f64,
    pub blocks: Vec<BlockDiagnostics>,
}

/// Expectation-maximisation over the pairs of one blocking rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockDiagnostics {
    pub block: String,
    pub pairs: u64,
    /// Blocks above the limit, and the records in them.
    pub refused_blocks: u64,
    pub refused_records: u64,
    /// Share of the rule's pairs that the model takes for matches.
    pub match_share: f64,
    pub iterations: u32,
    /// Largest change of a probability in the last iteration.
    pub last_change: f64,
}
