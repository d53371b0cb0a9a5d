//! Similarity: which records are one customer although no rule links them (Fellegi and Sunter, 1969).
//!
//! Reads what the records say of their customers, a trained model and what last night's scoring left; gives weighted
//! pairs, and joins clusters by them.
//! Records that share a blocking key are compared, level by level; the weight of a pair is the sum of log2(m / u) of
//! its levels over the prior odds. Training needs no labels: u comes from pairs drawn by chance, m from
//! expectation-maximisation over the pairs of each blocking rule.
//! Must not: read a delivered record, know the clock, or depend on the order in which values were met.

pub mod attributes;
pub mod staged;
pub mod strings;
pub mod nicknames;
pub mod chinese;
pub mod digits;
pub mod levels;
pub mod compare;
pub mod block;
pub mod weights;
pub mod pairs;
pub mod block_table;
pub mod candidates;
pub mod scores;
pub mod train;
pub mod link;
pub mod apply;
pub mod edges;
pub mod evaluate;

pub use attributes::{Attributes, Slot};
pub use compare::Comparer;
pub use link::{LinkOutcome, ScoredPair};
