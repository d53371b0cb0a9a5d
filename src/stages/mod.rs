//! The stages of a night, in the order of a night.
//!
//! A stage reads and writes named tables through handles it is given; `run` alone knows the order.

pub mod extract;
pub mod clean;
