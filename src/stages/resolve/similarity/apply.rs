//! A night's similarity: every candidate pair scored by the trained model, clusters joined by the strongest.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::block::{Block, Refinement};
use super::block_table::BlockCount;
use super::candidates::{Candidate, Candidates};
use super::compare::Comparer;
use super::link::{
    Decisions, KeyedDecision, LinkOutcome, Linking, RecordName, ScoredPair, Verdict, link,
    national_ids_part, thresholds,
};
use super::pairs::{Blocks, Due, Large, Levels, keys_at_once};
use super::scores::{Earlier, Scores};
use super::weights::Weights;
use crate::config::match_model::{KindModel, MatchModel};
use crate::config::matching::{KindSpec, Pairing, SimilaritySpec};
use crate::stages::resolve::cluster::Clusters;
use crate::stages::resolve::records::{Evidence, Records};
use crate::stages::resolve::rows::CustomerType;

/// Pairs that are held until they are put in order.
const PAIRS_OF_A_RUN: usize = 1 << 22;

/// What similarity did.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    pub model_version: String,
    /// Pairs compared tonight, and those whose levels an earlier night found.
    pub pairs_compared: u64,
    pub pairs_known: u64,
    /// By kind and blocking rule.
    pub blocks: Vec<BlockCount>,
    /// Pairs from the threshold of review on, strongest first, and what became of each.
    pub pairs: Vec<ScoredPair>,
    pub outcomes: Vec<LinkOutcome>,
    /// By record that a pair joined: that pair's weight.
    pub weights: HashMap<u32, f64>,
    /// What the next night need not compare again.
    pub scores: Scores,
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
    evidence: Evidence,
    decided: &[KeyedDecision],
    earlier: Option<Earlier>,
    clusters: &mut Clusters,
) -> Option<Applied> {
    let model = spec.model.as_ref()?;
    let mut applied = score(spec, model, records, &evidence, clusters, earlier);
    let comparer = Comparer::new(&evidence);
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
    applied.scores.contents = evidence.contents;
    Some(applied)
}

/// All pairs from the threshold of review on, strongest first; ties by record.
///
/// Pairs that stand in one cluster already are not scored; what the records said stays in the evidence. With `earlier`,
/// only those are compared whose levels it does not know; the result is the same.
#[must_use]
pub fn score(
    spec: &SimilaritySpec,
    model: &MatchModel,
    records: &Records,
    evidence: &Evidence,
    clusters: &mut Clusters,
    earlier: Option<Earlier>,
) -> Applied {
    let everybody = (0..).take(records.len());
    let exact: Vec<u32> = everybody.map(|record| clusters.root(record)).collect();
    let (due, mut known) = match earlier.map(|earlier| earlier.due(&evidence.contents, &exact)) {
        Some((due, known)) => (Some(due), known),
        None => (None, Candidates::default()),
    };
    let scoring = Scoring {
        spec,
        types: &records.customer_types,
        feeds: records.feed_numbers().collect(),
        evidence,
        comparer: Comparer::new(evidence),
        exact: &exact,
        due: due.as_ref(),
    };
    let mut applied = Applied {
        model_version: model.version.clone(),
        ..Applied::default()
    };
    applied.scores.levels = Levels(vec![0; records.len()]);
    for kind in kinds(spec, Some(model), &records.customer_types) {
        if let Some(trained) = kind.model {
            known = scoring.score(&kind, trained, known, &mut applied);
        }
    }
    applied.pairs.par_sort_unstable_by(|one, other| {
        let by_weight = other.weight.total_cmp(&one.weight);
        by_weight.then((one.left, one.right).cmp(&(other.left, other.right)))
    });
    applied.scores.exact = exact;
    applied
}

/// What a night's scoring stands upon.
struct Scoring<'a> {
    spec: &'a SimilaritySpec,
    types: &'a [CustomerType],
    /// By record.
    feeds: Vec<u16>,
    evidence: &'a Evidence,
    comparer: Comparer<'a>,
    /// By record: the smallest record of its exact cluster.
    exact: &'a [u32],
    due: Option<&'a Due>,
}

impl<'a> Scoring<'a> {
    /// Adds the pairs of one kind. Of the pairs whose levels an earlier night found it gives those of other kinds.
    fn score(
        &self,
        kind: &Kind<'_>,
        model: &KindModel,
        known: Candidates,
        applied: &mut Applied,
    ) -> Candidates {
        let (_, review) = thresholds(self.spec);
        let weights = Weights::new(model, &self.evidence.attributes, &kind.records);
        let mut blocks = self.blocks(kind.spec);
        let mut found = self.compare(kind, &weights, &mut blocks, applied);
        // A block may have grown too large since.
        let has_large = blocks.large.iter().any(Large::is_some);
        let mut others = Candidates::default();
        for known in known.into_batches() {
            let is_own = |pair: &Candidate| self.types[pair.left as usize] == kind.customer_type;
            let (own, of_others): (Vec<_>, Vec<_>) = known.into_iter().partition(is_own);
            for pair in of_others {
                others.push(pair);
            }
            let still = own.into_par_iter();
            let still = still.filter(|pair| !has_large || blocks.shows(pair.left, pair.right));
            // A block that has shrunk shows pairs again that another block had shown before: they come once.
            for pair in still.collect::<Vec<Candidate>>() {
                applied.pairs_known += 1;
                found.push(pair);
            }
        }
        for pairs in found.batches() {
            let scored = pairs.par_iter().map(|pair| ScoredPair {
                left: pair.left,
                right: pair.right,
                weight: weights.weight(pair.pattern, pair.left),
            });
            let scored = scored.filter(|pair| pair.weight >= review);
            applied.pairs.extend(scored.collect::<Vec<_>>());
        }
        applied.scores.pairs.append(found);
        let counted = blocks
            .blocks
            .iter()
            .zip(&blocks.large)
            .map(|(block, large)| {
                let customer_type = kind.customer_type.as_str();
                BlockCount::new(customer_type, block.name(), self.spec.block_limit, large)
            });
        applied.blocks.extend(counted);
        others
    }

    fn blocks(&self, spec: &KindSpec) -> Blocks<'a> {
        let (attributes, national_ids) = (&self.evidence.attributes, &self.evidence.national_ids);
        let block = |keys: &Vec<_>| Block::new(keys, attributes, national_ids);
        let refinement = |key: &_| Refinement::new(*key, attributes, national_ids);
        Blocks {
            blocks: spec.blocks.iter().map(block).collect(),
            large: Vec::new(),
            limit: self.spec.block_limit as usize,
            keys_at_once: keys_at_once(self.types.len()),
            refinements: spec.refine_by.iter().map(refinement).collect(),
            due: self.due,
        }
    }

    /// Compares the due pairs of all blocks; gives those that may come above the threshold of review.
    fn compare(
        &self,
        kind: &Kind<'_>,
        weights: &Weights<'_>,
        blocks: &mut Blocks<'_>,
        applied: &mut Applied,
    ) -> Candidates {
        let (_, review) = thresholds(self.spec);
        let (mut found, mut waiting) = (Candidates::default(), Vec::new());
        while blocks.next_rule(
            &kind.records,
            &mut applied.scores.levels,
            |left, right| {
                self.exact[left as usize] != self.exact[right as usize]
                    && may_pair(self.spec.pairs, &self.feeds, left, right)
                    // Whatever else they share.
                    && !national_ids_part(kind.spec, &self.comparer, left, right)
            },
            || (0_u64, Vec::new()),
            |(compared, pairs), left, right, is_new| {
                if !is_new {
                    return;
                }
                *compared += 1;
                let promising = weights.promising(&self.comparer, left, right, review);
                pairs.extend(promising.map(|pattern| Candidate {
                    left,
                    right,
                    pattern,
                }));
            },
            |(compared, pairs)| {
                applied.pairs_compared += compared;
                waiting.extend(pairs);
                if waiting.len() >= PAIRS_OF_A_RUN {
                    found.add(&mut waiting);
                }
            },
        ) {}
        found.add(&mut waiting);
        found
    }
}

/// Raised when the same records get other levels, or other pairs are compared.
const SCORING: &str = "scoring 1";

/// What decides the levels of a pair besides its records.
#[must_use]
pub fn basis(spec: &SimilaritySpec) -> u64 {
    // Specifications are numbers and names, which always have a text.
    let text = serde_json::to_string(spec).unwrap_or_default();
    let hash = blake3::hash(format!("{SCORING} {text}").as_bytes());
    let word = hash.as_bytes().first_chunk().copied();
    u64::from_le_bytes(word.unwrap_or_default())
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
