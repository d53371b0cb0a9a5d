//! YAML and SQL files of a project -> one checked project.
//!
//! Reads the project's folder, writes nothing.
//! The only place that knows the YAML crate; nothing above sees raw configuration.
//!
//! Each file passes through: text -> tree with places (`yaml`) -> shape against the JSON Schema
//! of its raw type (`yaml::validate`, `schema`) -> raw type (`raw`) -> checked type (`check`).
//! All problems of all files are collected before any is shown.

pub mod bank;
pub mod campaign;
pub mod campaign_terms;
pub mod cells;
pub mod contact_policy;
pub mod feed;
pub mod matching;
pub mod match_model;
pub mod model;
pub mod model_test;
pub mod acceptance;
pub mod reference;
pub mod score;
pub mod score_model;
pub mod project;
pub mod locations;
pub mod schema;
pub mod yaml;
mod raw;
mod folder;
mod document;
mod check;

pub use check::load;
pub use locations::{Locations, Side};
pub use project::Project;
pub use yaml::Place;
