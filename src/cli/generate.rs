//! `salenet generate`: a synthetic bank of any size.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::GlobalArgs;
use super::failure::Failure;
use crate::domain::BusinessDate;
use crate::store::landing_output::OutputFolder;
use crate::synth::answers::{AnswerArgs, read_contacts};
use crate::synth::{self, Output};

/// Generate a synthetic bank: the same arguments give the same bytes
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Customers
    #[arg(long, default_value_t = 2000, value_name = "N")]
    customers: u64,
    /// Nights delivered
    #[arg(long, default_value_t = 3, value_name = "K")]
    nights: u32,
    /// Seed of every random draw
    #[arg(long, default_value_t = 19_960_401, value_name = "S")]
    seed: u64,
    /// Business date of the last night
    #[arg(long, default_value = "2026-10-31", value_name = "YYYY-MM-DD")]
    last_night: BusinessDate,
    /// After the first night send only master data that changed, for feeds with `delivery: changes`
    #[arg(long)]
    changes: bool,
    /// Customers whose records and accounts change after the first night, in a hundred; all go on using channels
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    active_percent: u8,
    /// Instead of the bank, deliver what its customers answered to these contacts: a CSV file with `cif_no`,
    /// `campaign_code`, `finder_number`, `channel` and `contacted_on` of every home equity offer so far; the other
    /// arguments as when the bank was generated
    #[arg(long, value_name = "FILE", requires = "answers_on")]
    contacts: Option<PathBuf>,
    /// Business date that delivers the answers
    #[arg(long, value_name = "YYYY-MM-DD", requires = "contacts")]
    answers_on: Option<BusinessDate>,
    /// Answers up to this date have been delivered [default: the last night]
    #[arg(long, value_name = "YYYY-MM-DD", requires = "contacts")]
    answers_after: Option<BusinessDate>,
    /// Folder for landing/ and truth/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

struct Folder(OutputFolder);

impl Output for Folder {
    fn create(&mut self, relative: &str) -> io::Result<Box<dyn Write>> {
        match self.0.create(relative) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

pub fn run(args: &GenerateArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let wanted = synth::GenerateArgs {
        customers: args.customers,
        nights: args.nights,
        seed: args.seed,
        last_night: args.last_night,
        only_changes: args.changes,
        active_percent: args.active_percent,
    };
    let mut folder = Folder(OutputFolder::new(&args.out));
    if let (Some(contacts), Some(night)) = (&args.contacts, args.answers_on) {
        return answer(args, wanted, contacts, night, &mut folder, global);
    }
    let report =
        synth::generate(&wanted, &mut folder).map_err(|error| Failure::unexpected(&error))?;
    global.say(&format!(
        "{} customers, {} accounts, {} nights, {} rows in {}",
        report.customers,
        report.accounts,
        args.nights,
        report.rows,
        args.out.display()
    ));
    global.say(&format!(
        "the general ledger holds what no account knows; the gate marts.ledger_reconciliation.GL-01 stops a night for it \
         until somebody signs, in acceptances.yml or with `salenet accept`:\n  {}",
        report.planted.join("\n  ")
    ));
    Ok(())
}

fn answer(
    args: &GenerateArgs,
    bank: synth::GenerateArgs,
    contacts: &Path,
    night: BusinessDate,
    folder: &mut Folder,
    global: &GlobalArgs,
) -> Result<(), Failure> {
    let text = std::fs::read_to_string(contacts).map_err(|error| {
        Failure::usage(format!("`{}` cannot be read: {error}", contacts.display()))
    })?;
    let wanted = AnswerArgs {
        bank,
        contacts: read_contacts(&text).map_err(|error| Failure::usage(error.to_string()))?,
        night,
        after: args.answers_after.unwrap_or(bank.last_night),
    };
    let report =
        synth::answers::answer(&wanted, folder).map_err(|error| Failure::unexpected(&error))?;
    global.say(&format!(
        "{} contacts, {} responses and {} loans opened after {} and up to {night}, {} rows in {}",
        wanted.contacts.len(),
        report.responses,
        report.loans,
        wanted.after,
        report.rows,
        args.out.display()
    ));
    Ok(())
}
