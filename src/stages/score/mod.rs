//! Scores: points by bins, or the probability of an outcome learnt from the past.
//!
//! Reads the tables that a score's queries name; writes `core.model_score`. Training and measuring read, and give back
//! figures: what becomes of them is for the caller to decide.
//! Must not: look at the clock, draw without a seed, or name a customer in an error.

mod error;
pub mod query;
pub mod history;
mod split;
mod design;
mod solve;
mod train;
mod measure;
mod drift;
mod run;

pub use drift::{Drift, DriftBin};
pub use error::ScoreError;
pub use measure::{Decile, Measures, PartMeasures, measure, measure_probabilities};
pub use run::{ScoreRequest, apply_score};
pub use train::train;
