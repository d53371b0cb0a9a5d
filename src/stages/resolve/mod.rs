//! Resolve: which staged records are the same customer.
//!
//! Reads the staging tables that `matching.yml` names, the base release's cross-reference and scores, and the issued ids
//! of the journal.
//! Writes `core.customer_xref`, `core.customer_id_event`, `core.customer_alias`, `core.match_*` and, for the journal, the
//! ids it issued.
//! Exact rules come first, then what people decided, then similarity by a trained model.
//! Must not: train, read the clock, or depend on the order of rows.

pub mod error;
pub mod run;
pub mod staging;
pub mod rows;
pub mod texts;
pub mod tokens;
pub mod records;
pub mod names;
pub mod cluster;
pub mod linking;
pub mod similarity;
pub mod identity;
pub mod history;
pub mod tables;
pub mod xref;

pub use error::ResolveError;
pub use run::{ResolveOutput, ResolveReport, ResolveRequest, resolve};
