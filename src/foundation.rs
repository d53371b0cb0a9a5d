//! The layers that need no engine: a package of their own, which compiles while the engines still do.
//!
//! `salenet` shows them under its own name; nobody else uses this package.

pub mod domain;
pub mod diagnostic;
pub mod config;
pub mod store;
pub mod synth;
