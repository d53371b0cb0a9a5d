//! Clean: delivered cells -> typed, standardised, protected values.
//!
//! Reads the cells and batches that `extract` pipes in; gives back typed batches and reasons for rejection.
//! Extract and clean are one step per feed, so `extract::run` drives the functions of this folder.
//! It must not read or write files (the token keys apart), infer a type, or put a value into a reason.

pub mod value;
mod text;
pub mod number;
pub mod calendar;
pub mod names;
pub mod contact;
pub mod protect;
pub mod column;
pub mod batch;
pub mod rules;

pub use protect::{TokenKeyError, TokenKeys};
