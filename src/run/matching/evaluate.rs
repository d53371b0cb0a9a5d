//! How good the clusters are beside a truth, threshold by threshold.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::{Loaded, untrained};
use crate::config::matching::{ExactRule, SimilaritySpec};
use crate::domain::BusinessDate;
use crate::run::RunError;
use crate::stages::resolve::cluster::{Clusters, cluster};
use crate::stages::resolve::records::Records;
use crate::stages::resolve::rows::CustomerType;
use crate::stages::resolve::similarity::Comparer;
use crate::stages::resolve::similarity::apply::{numbers_of, score};
use crate::stages::resolve::similarity::evaluate::{BCubed, PairCounts, b_cubed, pair_counts};
use crate::stages::resolve::similarity::link::{Decisions, Linking, RecordName, link};
use crate::stages::resolve::similarity::weights::weight_of;

/// How good the clusters of one threshold are.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    pub threshold: f64,
    #[serde(flatten)]
    pub pairs: PairCounts,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub b_cubed: BCubed,
}

/// How good they are among some records only.
#[derive(Debug, Clone, Serialize)]
pub struct GroupQuality {
    pub group: String,
    #[serde(flatten)]
    pub pairs: PairCounts,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    pub business_date: BusinessDate,
    pub model_version: String,
    /// Records that the truth knows.
    pub records: u64,
    /// Records it does not know; they are left out.
    pub unknown: u64,
    /// By threshold, ascending; the project's own is marked by `chosen`.
    pub thresholds: Vec<Quality>,
    pub chosen: Quality,
    /// At the project's threshold: persons, organisations, and for each feed the pairs with a record of it.
    pub groups: Vec<GroupQuality>,
}

/// Thresholds beside the project's own.
const THRESHOLDS: [f64; 11] = [
    0.5,
    0.8,
    0.9,
    0.95,
    0.99,
    0.999,
    0.9999,
    0.999_99,
    0.999_999,
    0.999_999_9,
    0.999_999_99,
];

/// Clusters the records at several thresholds and compares them with the truth: a CSV file with the columns source,
/// feed, `record_key` and customer, in any order. What last night and people decided is left out.
pub fn evaluate(loaded: &Loaded<'_>, truth: &Path) -> Result<Evaluation, RunError> {
    let (records, evidence, spec) = (&loaded.records, &loaded.evidence, loaded.similarity);
    let Some(model) = &spec.model else {
        return Err(untrained());
    };
    let truth = read_truth(truth, records)?;
    let n_records = records.len();
    let rules: Vec<ExactRule> = loaded.spec.rules.clone();
    let nobody = vec![None; n_records];
    let mut exact = cluster(&records.customer_types, evidence, &rules, &nobody);
    let lowest = SimilaritySpec {
        review_above: THRESHOLDS[0].min(spec.review_above),
        ..spec.clone()
    };
    let scored = score(&lowest, model, records, evidence, &mut exact, None);
    let comparer = Comparer::new(evidence);
    let feeds: Vec<u16> = records.feed_numbers().collect();
    let linking = Linking {
        spec,
        comparer: &comparer,
        types: &records.customer_types,
        feeds: &feeds,
        decisions: &Decisions::default(),
    };
    let clusters_at = |threshold: f64| -> Vec<u32> {
        let mut clusters: Clusters = exact.clone();
        link(&linking, &mut clusters, &scored.pairs, weight_of(threshold));
        clusters.numbered().0
    };
    let labels = |clusters: &[u32], keep: &dyn Fn(usize) -> bool| {
        let both = clusters.iter().zip(&truth);
        let kept = both.enumerate().filter(|(record, _)| keep(*record));
        kept.filter_map(|(_, (cluster, customer))| Some((*cluster, (*customer)?)))
            .collect::<Vec<(u32, u32)>>()
    };
    let quality = |threshold: f64, clusters: &[u32]| {
        let labels = labels(clusters, &|_| true);
        let pairs = pair_counts(labels.iter().copied());
        Quality {
            threshold,
            pairs,
            precision: pairs.precision(),
            recall: pairs.recall(),
            f1: pairs.f1(),
            b_cubed: b_cubed(labels.into_iter()),
        }
    };
    let thresholds = THRESHOLDS.map(|threshold| quality(threshold, &clusters_at(threshold)));
    let chosen = clusters_at(spec.match_above);
    let all = pair_counts(labels(&chosen, &|_| true).into_iter());
    let group = |group: String, pairs: PairCounts| GroupQuality {
        group,
        pairs,
        precision: pairs.precision(),
        recall: pairs.recall(),
        f1: pairs.f1(),
    };
    let types = &records.customer_types;
    let mut groups = Vec::new();
    for customer_type in [CustomerType::Person, CustomerType::Organisation] {
        let of_type = labels(&chosen, &|record| types[record] == customer_type);
        groups.push(group(
            customer_type.as_str().to_owned(),
            pair_counts(of_type.into_iter()),
        ));
    }
    for (number, feed) in (0_u16..).zip(&records.feeds) {
        let others = labels(&chosen, &|record| feeds[record] != number);
        let pairs = all.without(&pair_counts(others.into_iter()));
        groups.push(group(format!("{}.{}", feed.source, feed.feed), pairs));
    }
    let known = truth.iter().flatten().count() as u64;
    Ok(Evaluation {
        business_date: loaded.date,
        model_version: model.version.clone(),
        records: known,
        unknown: n_records as u64 - known,
        thresholds: thresholds.to_vec(),
        chosen: quality(spec.match_above, &chosen),
        groups,
    })
}

/// By record, the number of its true customer.
fn read_truth(path: &Path, records: &Records) -> Result<Vec<Option<u32>>, RunError> {
    let unreadable = |error: csv::Error| RunError::Usage {
        message: format!("the truth {} cannot be read: {error}", path.display()),
        hint: "a CSV file with the columns source, feed, record_key and customer".to_owned(),
    };
    let mut reader = csv::Reader::from_path(path).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let mut positions = [0; 4];
    for (position, name) in positions
        .iter_mut()
        .zip(["source", "feed", "record_key", "customer"])
    {
        let found = header.iter().position(|column| column == name);
        *position = found.ok_or_else(|| RunError::Usage {
            message: format!("{}:1: the truth has no column `{name}`", path.display()),
            hint: "expected the columns source, feed, record_key and customer".to_owned(),
        })?;
    }
    let mut customers: HashMap<String, u32> = HashMap::new();
    let mut named: Vec<(RecordName, u32)> = Vec::new();
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        let field = |position: usize| row.get(positions[position]).unwrap_or_default().to_owned();
        let next = u32::try_from(customers.len()).unwrap_or(u32::MAX);
        let customer = *customers.entry(field(3)).or_insert(next);
        named.push(((field(0), field(1), field(2)), customer));
    }
    let numbers = numbers_of(records, named.iter().map(|(name, _)| name));
    let mut truth = vec![None; records.len()];
    for (name, customer) in &named {
        if let Some(record) = numbers.get(name) {
            truth[*record as usize] = Some(*customer);
        }
    }
    Ok(truth)
}
