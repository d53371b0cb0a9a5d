//! One self-contained HTML page about a release: what came in, what held, what it earned, who was selected.
//!
//! Reads a release's manifest and, through `sql`, its tables; returns text.
//! Must not: write files, print, read the clock, show a personal value, refer to anything outside the page,
//! or pass a sum that is shown through floating point (the geometry of charts may).

pub mod facts;
pub mod finance;
pub mod results;
pub mod figure;
pub mod html;
pub mod chart;
pub mod section;
pub mod page;
pub mod thresholds;

pub use facts::{Facts, read_facts};
pub use page::render;
pub use thresholds::thresholds_page;

/// What the page says of the bank itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    pub name: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Digits after the point.
    pub money_scale: u32,
}
