//! Training without labels: u from pairs drawn by chance, m by expectation-maximisation, block by block.
//!
//! Over the pairs of one blocking rule, what the rule compares is left out, so that its agreement does not count as
//! evidence; every other comparison's m is the mean over the rules, by the matches each expects (Winkler, 1988).

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::block::{Block, Refinement, mix};
use super::compare::Comparer;
use super::levels::{Pattern, levels};
use super::pairs::{Blocks, Levels, keys_at_once};
use crate::config::match_model::{
    BlockDiagnostics, ComparisonModel, Diagnostics, KindModel, LevelModel,
};
use crate::config::matching::{BlockKey, Comparison, KindSpec};

/// Patterns and how many pairs have them.
type Counts = BTreeMap<Pattern, u64>;

const MAX_ITERATIONS: u32 = 200;
const SETTLED: f64 = 1e-6;
/// How often u is learnt anew without the matches that chance drew.
const ROUNDS: u32 = 4;

pub struct Training<'a> {
    pub spec: &'a KindSpec,
    pub comparer: &'a Comparer<'a>,
    /// The records of the kind, ascending.
    pub records: &'a [u32],
    pub block_limit: usize,
    pub sampled_pairs: u64,
    pub seed: u64,
    /// Whether two records may be one customer at all.
    pub may_pair: &'a (dyn Fn(u32, u32) -> bool + Sync),
}

/// m and u by comparison and level.
#[derive(Debug, Clone, PartialEq)]
struct Parameters {
    m: Vec<Vec<f64>>,
    u: Vec<Vec<f64>>,
}

/// The pairs of one rule.
struct Rule {
    block: String,
    uses: Vec<Comparison>,
    counts: Counts,
    /// Pairs that no earlier rule has.
    new: Counts,
    refused: (u64, u64),
}

/// Learns the parameters of one kind. `None` when there are too few records to learn from.
#[must_use]
pub fn train(training: &Training<'_>) -> Option<KindModel> {
    let n_records = training.records.len() as u64;
    if n_records < 2 {
        return None;
    }
    let comparisons = &training.spec.comparisons;
    let sample = sample(training);
    let rules = rules(training);
    let mut union = Counts::new();
    for (pattern, count) in rules.iter().flat_map(|rule| &rule.new) {
        *union.entry(*pattern).or_default() += count;
    }
    let all_pairs = possible_pairs(training, &sample);
    let mut parameters = Parameters {
        m: comparisons.iter().map(|each| first_guess(*each)).collect(),
        u: shares(
            comparisons,
            sample
                .iter()
                .map(|(pattern, count)| (*pattern, real(*count))),
        ),
    };
    let mut prior = 1.0 / real(n_records);
    let mut blocks = Vec::new();
    for _ in 0..ROUNDS {
        blocks = learn_m(&mut parameters, comparisons, &rules);
        prior = learn_prior(&parameters, &union, all_pairs, prior);
        // Among pairs drawn by chance a few are matches: they must not count as differing people who agree.
        let others = sample.iter().map(|(pattern, count)| {
            let match_probability = posterior(&parameters, *pattern, prior, &[]);
            (*pattern, real(*count) * (1.0 - match_probability))
        });
        parameters.u = shares(comparisons, others);
    }
    let expected_matches = prior * all_pairs;
    let models = comparisons
        .iter()
        .enumerate()
        .map(|(position, comparison)| ComparisonModel {
            comparison: *comparison,
            levels: levels(*comparison)
                .iter()
                .zip(parameters.m[position].iter().zip(&parameters.u[position]))
                .map(|(level, (m, u))| LevelModel {
                    level: (*level).to_owned(),
                    m: rounded(*m),
                    u: rounded(*u),
                })
                .collect(),
        });
    Some(KindModel {
        prior: rounded(prior),
        comparisons: models.collect(),
        diagnostics: Diagnostics {
            records: n_records,
            sampled_pairs: sample.values().sum(),
            blocked_pairs: union.values().sum(),
            expected_matches: rounded(expected_matches),
            blocks,
        },
    })
}

/// Nine digits: no more is known, and a diff of two models stays readable.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of pairs, to fifteen digits"
)]
const fn real(count: u64) -> f64 {
    count as f64
}

/// Patterns of pairs drawn by chance; the same seed draws the same.
fn sample(training: &Training<'_>) -> Counts {
    let records = training.records;
    let n_records = records.len() as u64;
    let draw = |word: u64| {
        let place = mix(word ^ mix(training.seed)) % n_records;
        usize::try_from(place).map_or(0, |place| place)
    };
    let chunks: Vec<u64> = (0..training.sampled_pairs).step_by(4096).collect();
    let counted = chunks.par_iter().map(|start| {
        let mut counts = Counts::new();
        for number in *start..(start + 4096).min(training.sampled_pairs) {
            let (one, other) = (draw(2 * number + 1), draw((2 * number + 2) | 1 << 63));
            let (left, right) = (records[one.min(other)], records[one.max(other)]);
            if left != right && (training.may_pair)(left, right) {
                let pattern = training
                    .comparer
                    .pattern(&training.spec.comparisons, left, right);
                *counts.entry(pattern).or_default() += 1;
            }
        }
        counts
    });
    merged(counted.collect())
}

fn merged(all: Vec<Counts>) -> Counts {
    let mut counts = Counts::new();
    for (pattern, count) in all.into_iter().flatten() {
        *counts.entry(pattern).or_default() += count;
    }
    counts
}

/// Pairs that may be one customer: all, but for the share that may not, as drawn.
fn possible_pairs(training: &Training<'_>, sample: &Counts) -> f64 {
    let n_records = real(training.records.len() as u64);
    let share = real(sample.values().sum()) / real(training.sampled_pairs.max(1));
    n_records * n_records / 2.0 * share
}

fn rules(training: &Training<'_>) -> Vec<Rule> {
    let comparisons = &training.spec.comparisons;
    let comparer = training.comparer;
    let block = |keys: &Vec<BlockKey>| Block::new(keys, comparer.attributes, comparer.national_ids);
    let refinement =
        |key: &BlockKey| Refinement::new(*key, comparer.attributes, comparer.national_ids);
    let mut blocks = Blocks {
        blocks: training.spec.blocks.iter().map(block).collect(),
        large: Vec::new(),
        limit: training.block_limit,
        keys_at_once: keys_at_once(training.records.len()),
        refinements: training.spec.refine_by.iter().map(refinement).collect(),
        due: None,
    };
    let mut levels = Levels(vec![0; comparer.national_ids.len()]);
    let mut rules = Vec::new();
    loop {
        let (mut counts, mut new) = (Vec::new(), Vec::new());
        let has_rule = blocks.next_rule(
            training.records,
            &mut levels,
            training.may_pair,
            || (Counts::new(), Counts::new()),
            |(counts, new), left, right, is_new| {
                let pattern = comparer.pattern(comparisons, left, right);
                *counts.entry(pattern).or_default() += 1;
                if is_new {
                    *new.entry(pattern).or_default() += 1;
                }
            },
            |(counts_of_task, new_of_task)| {
                counts.push(counts_of_task);
                new.push(new_of_task);
            },
        );
        if !has_rule {
            return rules;
        }
        let (block, large) = (&blocks.blocks[rules.len()], &blocks.large[rules.len()]);
        rules.push(Rule {
            block: block.name(),
            uses: block
                .keys
                .iter()
                .flat_map(|key| compared_by(*key))
                .copied()
                .collect(),
            counts: merged(counts),
            new: merged(new),
            refused: (large.refused_blocks, large.refused_records),
        });
    }
}

/// The comparisons that a key decides.
const fn compared_by(key: BlockKey) -> &'static [Comparison] {
    match key {
        BlockKey::FamilyName | BlockKey::FamilySound => &[Comparison::FamilyName],
        BlockKey::GivenName | BlockKey::GivenInitial => &[Comparison::GivenName],
        BlockKey::Names => &[Comparison::FamilyName, Comparison::GivenName],
        BlockKey::Name | BlockKey::NameStart => &[Comparison::Name],
        BlockKey::BirthDate | BlockKey::BirthYear | BlockKey::BirthDay => &[Comparison::BirthDate],
        BlockKey::NationalId | BlockKey::NationalIdDigits => &[Comparison::NationalId],
        BlockKey::Phone => &[Comparison::Phone, Comparison::Contact],
        BlockKey::Email => &[Comparison::Email, Comparison::Contact],
        BlockKey::HouseNumber => &[Comparison::HouseNumber],
        BlockKey::Street => &[Comparison::Street, Comparison::Contact],
        BlockKey::AddressLine => &[Comparison::AddressLine],
        BlockKey::City => &[Comparison::City],
        BlockKey::Postcode => &[Comparison::Postcode, Comparison::Contact],
    }
}

/// Nine in ten agree fully, the others anyhow.
fn first_guess(comparison: Comparison) -> Vec<f64> {
    let n_levels = levels(comparison).len();
    let other = 0.1 / real(n_levels as u64 - 1);
    (0..n_levels)
        .map(|level| if level == 0 { 0.9 } else { other })
        .collect()
}

/// By comparison, the share of each level among the pairs that have both values.
fn shares(
    comparisons: &[Comparison],
    counts: impl Iterator<Item = (Pattern, f64)>,
) -> Vec<Vec<f64>> {
    let mut sums: Vec<Vec<f64>> = comparisons
        .iter()
        .map(|each| vec![0.0; levels(*each).len()])
        .collect();
    for (pattern, count) in counts {
        for (position, sums) in sums.iter_mut().enumerate() {
            if let Some(level) = pattern.level(position) {
                sums[level] += count;
            }
        }
    }
    for sums in &mut sums {
        normalise(sums);
    }
    sums
}

fn normalise(sums: &mut [f64]) {
    let all: f64 = sums.iter().sum();
    for sum in sums.iter_mut() {
        *sum = if all > 0.0 {
            (*sum / all).max(least(all))
        } else {
            1.0
        };
    }
    let all: f64 = sums.iter().sum();
    for sum in sums {
        *sum /= all;
    }
}

/// What was never seen counts as half a time: rare, not impossible.
fn least(all: f64) -> f64 {
    (0.5 / all).min(0.05)
}

fn posterior(parameters: &Parameters, pattern: Pattern, prior: f64, left_out: &[usize]) -> f64 {
    let mut odds = prior / (1.0 - prior);
    for (position, (m, u)) in parameters.m.iter().zip(&parameters.u).enumerate() {
        if let Some(level) = pattern.level(position)
            && !left_out.contains(&position)
        {
            odds *= m[level] / u[level];
        }
    }
    odds / (1.0 + odds)
}

/// Expectation-maximisation rule by rule; m becomes the mean over the rules.
fn learn_m(
    parameters: &mut Parameters,
    comparisons: &[Comparison],
    rules: &[Rule],
) -> Vec<BlockDiagnostics> {
    let mut sums: Vec<Vec<f64>> = parameters.m.iter().map(|m| vec![0.0; m.len()]).collect();
    let mut diagnostics = Vec::new();
    for rule in rules {
        let left_out: Vec<usize> = (0..comparisons.len())
            .filter(|position| rule.uses.contains(&comparisons[*position]))
            .collect();
        let n_pairs = real(rule.counts.values().sum());
        let mut own = parameters.clone();
        let (mut share, mut iterations, mut last_change) = (0.2, 0, 0.0);
        let mut matches: Vec<Vec<f64>> = Vec::new();
        while n_pairs > 0.0 && iterations < MAX_ITERATIONS {
            iterations += 1;
            let weighted: Vec<(Pattern, f64)> = rule
                .counts
                .iter()
                .map(|(pattern, count)| {
                    (
                        *pattern,
                        real(*count) * posterior(&own, *pattern, share, &left_out),
                    )
                })
                .collect();
            let expected: f64 = weighted.iter().map(|(_, expected)| expected).sum();
            matches = by_level(comparisons, &weighted);
            let next_share = (expected / n_pairs).clamp(1e-9, 1.0 - 1e-9);
            last_change = (next_share - share).abs();
            share = next_share;
            for (position, sums) in matches.iter().enumerate() {
                if left_out.contains(&position) || sums.iter().sum::<f64>() <= 0.0 {
                    continue;
                }
                let mut m = sums.clone();
                normalise(&mut m);
                for (new, old) in m.iter().zip(&own.m[position]) {
                    last_change = f64::max(last_change, (new - old).abs());
                }
                own.m[position] = m;
            }
            if last_change < SETTLED {
                break;
            }
        }
        for (position, found) in matches.iter().enumerate() {
            if !left_out.contains(&position) {
                for (sum, found) in sums[position].iter_mut().zip(found) {
                    *sum += found;
                }
            }
        }
        diagnostics.push(BlockDiagnostics {
            block: rule.block.clone(),
            pairs: rule.counts.values().sum(),
            refused_blocks: rule.refused.0,
            refused_records: rule.refused.1,
            match_share: rounded(share),
            iterations,
            last_change: rounded(last_change),
        });
    }
    for (m, mut sums) in parameters.m.iter_mut().zip(sums) {
        if sums.iter().sum::<f64>() > 0.0 {
            normalise(&mut sums);
            *m = sums;
        }
    }
    diagnostics
}

fn by_level(comparisons: &[Comparison], weighted: &[(Pattern, f64)]) -> Vec<Vec<f64>> {
    let mut sums: Vec<Vec<f64>> = comparisons
        .iter()
        .map(|each| vec![0.0; levels(*each).len()])
        .collect();
    for (pattern, expected) in weighted {
        for (position, sums) in sums.iter_mut().enumerate() {
            if let Some(level) = pattern.level(position) {
                sums[level] += expected;
            }
        }
    }
    sums
}

/// The share of all pairs that the blocked ones' probabilities add up to.
fn learn_prior(parameters: &Parameters, union: &Counts, all_pairs: f64, first: f64) -> f64 {
    let mut prior = first;
    for _ in 0..MAX_ITERATIONS {
        let expected: f64 = union
            .iter()
            .map(|(pattern, count)| real(*count) * posterior(parameters, *pattern, prior, &[]))
            .sum();
        let next = (expected / all_pairs.max(1.0)).clamp(1e-12, 0.5);
        let is_settled = (next - prior).abs() < SETTLED * prior;
        prior = next;
        if is_settled {
            break;
        }
    }
    prior
}
