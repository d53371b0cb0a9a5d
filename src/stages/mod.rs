//! The stages of a night. No stage calls another; `run` alone knows their order.

pub mod resolve;
pub mod model;
pub mod campaign;
