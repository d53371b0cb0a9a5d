//! YAML and SQL files of a project -> one checked project.
//!
//! Reads the project's folder, writes nothing.
//! The only place that knows the YAML crate; nothing above sees raw configuration.

pub mod bank;
pub mod campaign;
pub mod feed;
pub mod matching;
pub mod model;
