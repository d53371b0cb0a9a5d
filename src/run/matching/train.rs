//! Learns a model of each kind from the records of one date.

use super::Loaded;
use crate::config::match_model::MatchModel;
use crate::run::RunError;
use crate::stages::resolve::rows::CustomerType;
use crate::stages::resolve::similarity::Comparer;
use crate::stages::resolve::similarity::apply::{kinds, may_pair};
use crate::stages::resolve::similarity::train::{Training, train};
use crate::store::landing_output::write_output;

/// How much a training draws by chance, and from which seed.
#[derive(Debug, Clone, Copy)]
pub struct TrainingOptions {
    pub sampled_pairs: u64,
    pub seed: u64,
}

/// Learns a model of each kind and writes it beside `matching.yml`.
pub fn train_model(loaded: &Loaded<'_>, options: TrainingOptions) -> Result<MatchModel, RunError> {
    let (records, evidence) = (&loaded.records, &loaded.evidence);
    let comparer = Comparer::new(evidence);
    let feeds: Vec<u16> = records.feed_numbers().collect();
    let pairing = loaded.similarity.pairs;
    let may_pair = |left, right| may_pair(pairing, &feeds, left, right);
    let mut model = MatchModel {
        format: 1,
        version: String::new(),
        person: None,
        organisation: None,
    };
    for kind in kinds(loaded.similarity, None, &records.customer_types) {
        let found = train(&Training {
            spec: kind.spec,
            comparer: &comparer,
            records: &kind.records,
            block_limit: loaded.similarity.block_limit as usize,
            sampled_pairs: options.sampled_pairs,
            seed: options.seed,
            may_pair: &may_pair,
        });
        let Some(found) = found else {
            return Err(RunError::Usage {
                message: format!(
                    "{} has fewer than two records of type {}: nothing can be learnt from them",
                    loaded.date,
                    kind.customer_type.as_str()
                ),
                hint: "choose another --date, or remove that kind from `similarity`".to_owned(),
            });
        };
        match kind.customer_type {
            CustomerType::Person => model.person = Some(found),
            CustomerType::Organisation => model.organisation = Some(found),
        }
    }
    let parameters = serde_json::to_string(&(&model.person, &model.organisation));
    let hash = blake3::hash(parameters.map_err(RunError::Report)?.as_bytes());
    model.version = format!("fs-{}", &hash.to_hex()[..12]);
    let mut text = serde_json::to_string_pretty(&model).map_err(RunError::Report)?;
    text.push('\n');
    write_output(&loaded.similarity.model_path, text.as_bytes())?;
    Ok(model)
}
