//! The stages of a night, in the order in which `run` runs them. No stage calls another, except that extract drives
//! clean: a feed is read and cleaned in one step.

pub mod extract;
pub mod clean;
pub mod resolve;
pub mod model;
pub mod campaign;
