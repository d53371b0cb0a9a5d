//! Campaign: a universe of customers -> judged candidates -> a ranked, explained target list.
//!
//! Reads `marts`, `core` and the base release's candidates through a session.
//! Writes `campaigns.candidate` (every member, with every rule it fails) and list files.
//! Must not: drop a member without a reason, or show a column the list does not name.

pub mod error;
pub mod run;
pub mod query;
pub mod waterfall;
pub mod lists;

pub use error::CampaignError;
pub use run::{CampaignOutput, CampaignRequest, run_campaign};
