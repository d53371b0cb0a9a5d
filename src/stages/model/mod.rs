//! Model: SQL files -> tables and views of the candidate.
//!
//! Reads staging, reference and resolved tables through a session, and the base release's tables as `base.*`.
//! Writes one table per model through `sql`.
//! Must not: know any table by name, or change SQL text (values are bound).

pub mod error;
pub mod run;
pub mod graph;
pub mod checks;

pub use error::ModelError;
pub use graph::{GraphProblem, ModelGraph};
pub use run::{ModelRequest, build_model};
