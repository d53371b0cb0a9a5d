//! How good clusters are, measured against the truth: pairs, and B-cubed (Bagga and Baldwin, 1998).

use std::collections::HashMap;

use serde::Serialize;

/// Pairs of records, as clustered and as they truly are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PairCounts {
    /// Pairs that are one customer and were found.
    pub true_positives: u64,
    /// Pairs that were joined and are two customers.
    pub false_positives: u64,
    /// Pairs that are one customer and were not joined.
    pub false_negatives: u64,
}

impl PairCounts {
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    #[must_use]
    pub fn recall(&self) -> f64 {
        share(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    #[must_use]
    pub fn f1(&self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        share(2 * self.true_positives, 2 * self.true_positives + wrong)
    }

    /// The pairs of these counts that are not among the others.
    #[must_use]
    pub const fn without(&self, others: &Self) -> Self {
        Self {
            true_positives: self.true_positives - others.true_positives,
            false_positives: self.false_positives - others.false_positives,
            false_negatives: self.false_negatives - others.false_negatives,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of pairs, to fifteen digits"
)]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

/// Precision, recall and F1 averaged over records.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BCubed {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

/// How many records stand in each cluster, each true customer, and both.
struct Cells {
    clusters: HashMap<u32, u64>,
    customers: HashMap<u32, u64>,
    both: HashMap<(u32, u32), u64>,
    n_records: u64,
}

impl Cells {
    fn of(labels: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut cells = Self {
            clusters: HashMap::new(),
            customers: HashMap::new(),
            both: HashMap::new(),
            n_records: 0,
        };
        for (cluster, customer) in labels {
            *cells.clusters.entry(cluster).or_default() += 1;
            *cells.customers.entry(customer).or_default() += 1;
            *cells.both.entry((cluster, customer)).or_default() += 1;
            cells.n_records += 1;
        }
        cells
    }
}

/// Counts pairs; each label is a record's cluster and its true customer.
#[must_use]
pub fn pair_counts(labels: impl Iterator<Item = (u32, u32)>) -> PairCounts {
    let cells = Cells::of(labels);
    let pairs =
        |counts: &mut dyn Iterator<Item = u64>| counts.map(|n| n * (n - 1) / 2).sum::<u64>();
    let found = pairs(&mut cells.both.values().copied());
    PairCounts {
        true_positives: found,
        false_positives: pairs(&mut cells.clusters.values().copied()) - found,
        false_negatives: pairs(&mut cells.customers.values().copied()) - found,
    }
}

/// B-cubed; labels as for `pair_counts`.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of records, to fifteen digits"
)]
pub fn b_cubed(labels: impl Iterator<Item = (u32, u32)>) -> BCubed {
    let cells = Cells::of(labels);
    let (mut precision, mut recall) = (0.0, 0.0);
    // In the order of the cells, so that the sums do not depend on a hash.
    let mut both: Vec<_> = cells.both.iter().collect();
    both.sort_unstable();
    for ((cluster, customer), n) in both {
        let square = (n * n) as f64;
        precision += square / cells.clusters[cluster] as f64;
        recall += square / cells.customers[customer] as f64;
    }
    let n_records = cells.n_records.max(1) as f64;
    let (precision, recall) = (precision / n_records, recall / n_records);
    BCubed {
        precision,
        recall,
        f1: if precision + recall > 0.0 {
            2.0 * precision * recall / (precision + recall)
        } else {
            0.0
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_b_cubed_of_a_small_example() {
        // Customers {a, b, c} and {d, e}; clusters {a, b}, {c, d, e}.
        let labels = [(0, 0), (0, 0), (1, 0), (1, 1), (1, 1)];
        let counts = pair_counts(labels.into_iter());
        assert_eq!(
            counts,
            PairCounts {
                true_positives: 2,
                false_positives: 2,
                false_negatives: 2
            }
        );
        assert!((counts.f1() - 0.5).abs() < 1e-12);
        let found = b_cubed(labels.into_iter());
        assert!((found.precision - (2.0 + 1.0 / 3.0 + 4.0 / 3.0) / 5.0).abs() < 1e-12);
        assert!((found.recall - (4.0 / 3.0 + 1.0 / 3.0 + 2.0) / 5.0).abs() < 1e-12);
    }
}
