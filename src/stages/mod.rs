//! The stages of a night. No stage calls another, but for extract and clean, which are one step per feed;
//! `run` alone knows their order.

pub mod row_groups;
pub mod extract;
pub mod clean;
pub mod resolve;
pub mod model;
pub mod score;
pub mod campaign;
