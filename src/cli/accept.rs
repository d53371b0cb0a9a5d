//! `salenet accept`: signs for the finding of a failed gate.

use std::path::PathBuf;

use clap::Args;

use super::args::GlobalArgs;
use super::failure::Failure;
use crate::domain::BusinessDate;
use crate::run::acceptances::{Signature, accept_gate};
use crate::store::Warehouse;

/// Sign for what a failed gate found: a run may publish with exactly this finding
#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// The gate, as the stopped run named it, such as marts.ledger_reconciliation.GL-01
    #[arg(long)]
    gate: String,
    /// Why the finding may stand
    #[arg(long, value_parser = words)]
    reason: String,
    /// Who signs
    #[arg(long, value_name = "NAME", value_parser = words)]
    by: String,
    /// The day of the signature [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<BusinessDate>,
    /// The candidate that holds the finding [default: the newest that failed the gate]
    #[arg(long, value_name = "FILE")]
    candidate: Option<PathBuf>,
}

pub fn run(args: &AcceptArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let lock = warehouse.lock()?;
    let signature = Signature {
        gate: args.gate.clone(),
        reason: args.reason.clone(),
        by: args.by.clone(),
        on: args.on.unwrap_or_else(today),
    };
    let (date, finding) = accept_gate(&warehouse, &lock, signature, args.candidate.as_deref())?;
    global.say(&format!(
        "{} of {date} is accepted: {finding}\nrun the night again: salenet run --date {date}",
        args.gate
    ));
    Ok(())
}

pub fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("write it out: it is kept in the journal and shown in every report".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a signature bears the day it is made"
)]
pub fn today() -> BusinessDate {
    BusinessDate::new(chrono::Utc::now().date_naive())
}
