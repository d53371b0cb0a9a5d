//! The page's sections, one file each: facts in, HTML out. Pure.

pub mod head;
pub mod feeds;
pub mod gates;
pub mod customers;
pub mod profit;
pub mod movers;
pub mod ledger;
pub mod channels;
pub mod capacity;
pub mod scores;
mod calibration;
pub mod campaigns;
pub mod results;
pub mod reference;

use super::facts::Facts;
use super::html::{absent, note};
use super::{Bank, facts::Found};
use crate::store::Manifest;

/// Everything a section may show.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    pub bank: &'a Bank,
    pub manifest: &'a Manifest,
    pub facts: &'a Facts,
}

impl Shown<'_> {
    fn money(&self, text: &str) -> String {
        super::figure::money(text, self.bank.money_scale)
    }

    /// A position on a chart.
    fn position(&self, text: &str) -> f64 {
        let scale = self.bank.money_scale;
        super::figure::units(text, scale)
            .map_or(0.0, |amount| super::figure::position(amount, scale))
    }

    /// Says which reference tables call themselves assumptions; empty when none does.
    fn assumptions(&self) -> String {
        let assumed = self
            .manifest
            .tables
            .keys()
            .filter(|name| is_assumed(name.table()));
        let names: Vec<String> = assumed.map(ToString::to_string).collect();
        if names.is_empty() {
            return String::new();
        }
        note(&format!(
            "Assumed, not delivered by the bank: {}. Figures that rest on them are assumptions too.",
            names.join(", ")
        ))
    }
}

fn is_assumed(table: &str) -> bool {
    table.split('_').any(|word| word == "assumed")
}

/// The figures' HTML, or the sentence that says why there are none.
fn shown_or_absent<T>(found: &Found<T>, show: impl FnOnce(&T) -> String) -> String {
    match found {
        Found::Shown(figures) => show(figures),
        Found::Absent(reason) => absent(reason),
    }
}
