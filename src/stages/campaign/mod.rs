//! Campaign: a universe of customers -> judged candidates -> cells -> ranked, explained target lists.
//!
//! Reads `marts`, `core` and the contact history through a session.
//! Writes `campaigns.*` (every member of the universe, with every rule it fails) and list files.
//! Must not: drop a member without a reason, show a column the list does not name, or depend on the order of rows.

pub mod error;
pub mod run;
pub mod rules;
mod contacts;
pub mod query;
pub mod judged;
pub mod select;
pub mod bound;
pub mod cells;
pub mod effect;
pub mod finder;
pub mod waterfall;
pub mod tables;
pub mod records;
pub mod lists;
pub mod returned;
mod xlsx;
mod zip;
mod cover;

pub use error::CampaignError;
pub use run::{CampaignOutput, CampaignRequest, run_campaign};
