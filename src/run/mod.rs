//! The night: which dates run, in which order their steps run, what is reused, when a release is published.
//!
//! Reads the project, the landing folder and the warehouse; writes through the stages and `store`.
//! The only layer that knows the order of stages, the clock and the process.
//! Must not: print, or know what a stage does inside.

pub mod settings;
pub mod error;
pub mod check;
pub mod types;
pub mod chain;
pub mod deliveries;
pub mod night;
mod models;
mod campaigns;
pub mod campaign_desk;
pub mod campaign_ratios;
pub mod campaign_results;
pub mod campaign_sheets;
pub mod campaign_calibration;
pub mod campaign_figures;
pub mod campaign_gains;
pub mod campaign_measures;
pub mod retention;
mod walk;
mod watch;
pub mod plan;
pub mod feeds;
pub mod reference;
pub mod source_file;
pub mod source_system;
pub mod steps;
pub mod tables;
pub mod gates;
mod gate_scope;
mod verdicts;
pub mod acceptances;
pub mod rejects;
pub mod model_test;
pub mod progress;
pub mod measure;
pub mod report;
pub mod open;
pub mod matching;
pub mod scores;
pub mod explain_profit;
pub mod explain_campaign;

pub use chain::{DateSelection, run};
pub use check::{CheckedProject, check};
pub use error::RunError;
pub use progress::{Progress, Silent};
pub use report::{RunOutcome, RunReport};
pub use settings::RunSettings;
