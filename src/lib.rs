//! salenet: from a bank's extracts to a customer-centric warehouse, profitability and target lists.
//!
//! ```text
//! delivered files ──extract + clean──> staging, quarantine
//!                                         │
//!                       resolve: who is the same customer
//!                                         │
//!              model: SQL of the project ──> core ──> marts
//!                                         │
//!                       campaign: candidates, lists
//!                                         │
//!                 gates ──> release ──> current (one swing)
//! ```
//!
//! `run` knows this order; each stage knows only its own inputs and outputs.
//! ARCHITECTURE.md holds the layers and what must never happen.

pub use salenet_foundation::{config, diagnostic, domain, store, synth};
pub mod sql;
pub mod stages;
pub mod run;
pub mod report;
pub mod cli;
