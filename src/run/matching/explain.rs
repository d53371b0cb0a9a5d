//! What links two records, comparison by comparison.

use serde::Serialize;

use super::{Loaded, both_numbers, same_kind, two_kinds, untrained};
use crate::config::match_model::KindModel;
use crate::run::RunError;
use crate::stages::resolve::similarity::Comparer;
use crate::stages::resolve::similarity::apply::kinds;
use crate::stages::resolve::similarity::levels::levels;
use crate::stages::resolve::similarity::link::{RecordName, national_ids_part};
use crate::stages::resolve::similarity::weights::{Weights, probability};

/// One comparison of two records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedPart {
    pub comparison: String,
    pub level: String,
    /// log2(m / u) of the level.
    pub weight: f64,
    /// What the value's frequency adds.
    pub frequency: f64,
    /// The sum so far, prior included.
    pub sum: f64,
}

/// Why two records are one customer, or are not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairExplanation {
    pub model_version: String,
    pub prior: f64,
    pub parts: Vec<ComparedPart>,
    pub weight: f64,
    pub probability: f64,
    /// What forbids the two to be one customer, whatever the weight.
    pub is_forbidden: bool,
}

/// Compares two records by the trained model.
pub fn explain_pair(
    loaded: &Loaded<'_>,
    left: &RecordName,
    right: &RecordName,
) -> Result<PairExplanation, RunError> {
    let (records, evidence, spec) = (&loaded.records, &loaded.evidence, loaded.similarity);
    let model = spec.model.as_ref().ok_or_else(untrained)?;
    let [left, right] = both_numbers(loaded, left, right)?;
    let types = &records.customer_types;
    if !same_kind(loaded, left, right) {
        return Err(two_kinds());
    }
    let kind = kinds(spec, Some(model), types)
        .into_iter()
        .find(|kind| kind.customer_type == types[left as usize]);
    let Some((kind, trained)) = kind.and_then(|kind| {
        let trained: &KindModel = kind.model?;
        Some((kind, trained))
    }) else {
        return Err(untrained());
    };
    let comparer = Comparer::new(evidence);
    let weights = Weights::new(trained, &evidence.attributes, &kind.records);
    let pattern = comparer.pattern(weights.comparisons(), left, right);
    let mut sum = weights.prior();
    let parts = weights.parts(pattern, left).map(|part| {
        sum += part.weight + part.frequency;
        ComparedPart {
            comparison: part.comparison.name().to_owned(),
            level: part
                .level
                .map_or("missing", |level| levels(part.comparison)[level])
                .to_owned(),
            weight: part.weight,
            frequency: part.frequency,
            sum,
        }
    });
    let parts: Vec<ComparedPart> = parts.collect();
    let weight = weights.weight(pattern, left);
    Ok(PairExplanation {
        model_version: model.version.clone(),
        prior: weights.prior(),
        parts,
        weight,
        probability: probability(weight),
        is_forbidden: national_ids_part(kind.spec, &comparer, left, right),
    })
}
