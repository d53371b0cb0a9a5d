//! salenet: from a bank's extracts to a customer-centric warehouse, profitability and target lists.

pub mod domain;
pub mod diagnostic;
pub mod config;
pub mod store;
pub mod sql;
pub mod stages;
pub mod run;
pub mod synth;
pub mod report;
pub mod cli;
