//! A night's similarity: every candidate pair scored by the trained model, clusters joined by the strongest.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::block::Block;
use super::compare::Comparer;
use super::link::{
    Decisions, KeyedDecision, LinkOutcome, Linking, RecordName, ScoredPair, Verdict, link,
    national_ids_part, thresholds,
};
use super::pairs::Blocks;
use super::weights::Weights;
use crate::config::match_model::{KindModel, MatchModel};
use crate::config::matching::{KindSpec, Pairing, SimilaritySpec};
use crate::stages::resolve::cluster::Clusters;
use crate::stages::resolve::records::{Evidence, Records};
use crate::stages::resolve::rows::CustomerType;

/// What similarity did.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    pub model_version: String,
    pub pairs_compared: u64,
    /// Blocking rule -> records in blocks that were too large.
    pub refused: BTreeMap<String, u64>,
    /// Pairs from the threshold of review on, strongest first, and what became of each.
    pub pairs: Vec<ScoredPair>,
    pub outcomes: Vec<LinkOutcome>,
    /// By record that a pair joined: that pair's weight.
    pub weights: HashMap<u32, f64>,
}

/// One kind of customer: its records, how they are compared, what was learnt of them.
pub struct Kind<'a> {
    pub customer_type: CustomerType,
    pub spec: &'a KindSpec,
    pub model: Option<&'a KindModel>,
    pub records: Vec<u32>,
}

/// The kinds that `spec` compares.
#[must_use]
pub fn kinds<'a>(
    spec: &'a SimilaritySpec,
    model: Option<&'a MatchModel>,
    types: &[CustomerType],
) -> Vec<Kind<'a>> {
    let of = |customer_type, spec: Option<&'a KindSpec>, model: Option<&'a KindModel>| {
        let numbered = (0..).zip(types);
        let records = numbered.filter(|(_, own)| **own == customer_type);
        Some(Kind {
            customer_type,
            spec: spec?,
            model,
            records: records.map(|(record, _)| record).collect(),
        })
    };
    let person = model.and_then(|model| model.person.as_ref());
    let organisation = model.and_then(|model| model.organisation.as_ref());
    [
        of(CustomerType::Person, spec.person.as_ref(), person),
        of(
            CustomerType::Organisation,
            spec.organisation.as_ref(),
            organisation,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Scores and joins; nothing without a trained model.
#[must_use]
pub fn apply(
    spec: &SimilaritySpec,
    records: &Records,
    evidence: &Evidence,
    decided: &[KeyedDecision],
    clusters: &mut Clusters,
) -> Option<Applied> {
    let model = spec.model.as_ref()?;
    let mut applied = score(spec, model, records, evidence, Some(clusters));
    let comparer = Comparer::new(evidence);
    let decisions = numbered(records, decided);
    let feeds: Vec<u16> = records.feed_numbers().collect();
    let linking = Linking {
        spec,
        comparer: &comparer,
        types: &records.customer_types,
        feeds: &feeds,
        decisions: &decisions,
    };
    let (match_weight, _) = thresholds(spec);
    (applied.outcomes, applied.weights) = link(&linking, clusters, &applied.pairs, match_weight);
    Some(applied)
}

/// All pairs from the threshold of review on, strongest first; ties by record.
///
/// Pairs that stand in one cluster already are not scored again.
#[must_use]
pub fn score(
    spec: &SimilaritySpec,
    model: &MatchModel,
    records: &Records,
    evidence: &Evidence,
    clusters: Option<&mut Clusters>,
) -> Applied {
    let (_, review) = thresholds(spec);
    let comparer = Comparer::new(evidence);
    let feeds: Vec<u16> = records.feed_numbers().collect();
    let roots: Vec<u32> = match clusters {
        Some(clusters) => (0..)
            .take(records.len())
            .map(|record| clusters.root(record))
            .collect(),
        None => (0..).take(records.len()).collect(),
    };
    let mut applied = Applied {
        model_version: model.version.clone(),
        ..Applied::default()
    };
    for kind in kinds(spec, Some(model), &records.customer_types) {
        let Some(trained) = kind.model else { continue };
        let weights = Weights::new(trained, &evidence.attributes, &kind.records);
        let block = |keys: &Vec<_>| Block::new(keys, &evidence.attributes, &evidence.national_ids);
        let blocks = kind.spec.blocks.iter().map(block).collect();
        let mut blocks = Blocks::new(blocks, spec.block_limit as usize);
        while let Some(gathered) = blocks.next_rule(
            &kind.records,
            || (0_u64, Vec::new()),
            |(compared, pairs), left, right, is_new| {
                let apart = roots[left as usize] != roots[right as usize];
                if !apart || !is_new || !may_pair(spec.pairs, &feeds, left, right) {
                    return;
                }
                // Whatever else they share.
                if national_ids_part(kind.spec, &comparer, left, right) {
                    return;
                }
                *compared += 1;
                let pattern = comparer.pattern(weights.comparisons(), left, right);
                let weight = weights.weight(pattern, left);
                if weight >= review {
                    pairs.push(ScoredPair {
                        left,
                        right,
                        weight,
                        pattern,
                    });
                }
            },
        ) {
            for (compared, pairs) in gathered {
                applied.pairs_compared += compared;
                applied.pairs.extend(pairs);
            }
        }
        for (block, refused) in blocks.blocks.iter().zip(&blocks.refused) {
            if refused.records > 0 {
                *applied.refused.entry(block.name()).or_default() += refused.records;
            }
        }
    }
    applied.pairs.sort_unstable_by(|one, other| {
        let by_weight = other.weight.total_cmp(&one.weight);
        by_weight.then((one.left, one.right).cmp(&(other.left, other.right)))
    });
    applied
}

/// Whether two records may be one customer at all.
#[must_use]
pub fn may_pair(pairs: Pairing, feeds: &[u16], left: u32, right: u32) -> bool {
    pairs == Pairing::All || feeds[left as usize] != feeds[right as usize]
}

/// Decisions about records that are here tonight; the last word on a pair counts.
fn numbered(records: &Records, decided: &[KeyedDecision]) -> Decisions {
    let named = decided.iter().flat_map(|each| [&each.left, &each.right]);
    let numbers = numbers_of(records, named);
    let mut last: BTreeMap<(u32, u32), Verdict> = BTreeMap::new();
    for each in decided {
        if let (Some(left), Some(right)) = (numbers.get(&each.left), numbers.get(&each.right)) {
            last.insert((*left.min(right), *left.max(right)), each.verdict);
        }
    }
    let with = |wanted: Verdict| {
        let pairs = last.iter().filter(|(_, verdict)| **verdict == wanted);
        pairs.map(|(pair, _)| *pair).collect()
    };
    Decisions {
        accepted: with(Verdict::Same),
        refused: with(Verdict::Different),
    }
}

/// The numbers of named records that are here.
#[must_use]
pub fn numbers_of<'n>(
    records: &Records,
    names: impl Iterator<Item = &'n RecordName>,
) -> HashMap<&'n RecordName, u32> {
    let mut found = HashMap::new();
    let names: HashSet<&RecordName> = names.collect();
    if names.is_empty() {
        return found;
    }
    let mut reader = records.read();
    while reader.advance() {
        let feed = reader.feed();
        let name = (
            feed.source.clone(),
            feed.feed.clone(),
            reader.key().to_owned(),
        );
        if let Some(name) = names.get(&name) {
            found.insert(*name, reader.number());
        }
    }
    found
}
