//! `salenet explain`: where a number or a link comes from.

use clap::{Args, Subcommand};

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use crate::domain::Parameter;
use crate::run::open::{Reading, open_release};
use crate::sql::Bindings;
use crate::sql::output::write_result;

/// Show where a customer comes from
#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(subcommand)]
    command: ExplainCommand,
}

#[derive(Debug, Subcommand)]
enum ExplainCommand {
    /// The source records (file and line) that make up a customer, and by which rule
    Customer {
        /// The customer's id; a retired id leads to the customer it joined
        id: i64,
    },
}

/// A retired id may have joined an id that was retired in its turn.
const LONGEST_ALIAS_CHAIN: usize = 64;

pub fn run(args: &ExplainArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let ExplainCommand::Customer { id } = args.command;
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, manifest, session) = open_release(&settings, &options, &Reading::Current)?;
    let mut living = id;
    for _ in 0..LONGEST_ALIAS_CHAIN {
        let bindings = Bindings::default().with("customer", Parameter::Integer(living));
        let joined = session.query_count(
            "select to_customer_id from core.customer_id_event \
             where event_type = 'merge' and from_customer_id = $customer order by event_seq desc limit 1",
            &bindings,
        )?;
        match joined {
            Some(next) if next != living => living = next,
            _ => break,
        }
    }
    if living != id {
        global.say(&format!("customer {id} joined customer {living}"));
    }
    let bindings = Bindings::default().with("customer", Parameter::Integer(living));
    let records = session.query(
        "select record.source_code, record.feed, record.source_key, record.match_rule, record.valid_from, \
         record.valid_to, file.path, record._line as line \
         from core.customer_xref as record \
         left join core.source_file as file on file.file_id = record._file_id \
         where record.customer_id = $customer order by 1, 2, 3",
        &bindings,
    )?;
    if records.n_rows() == 0 {
        return Err(Failure::usage(format!(
            "error: release {} has no customer {id}\nhint: salenet sql -c \"select customer_id from core.customer_xref\"",
            manifest.release
        )));
    }
    let events = session.query(
        "select event_seq, event_type, from_customer_id, to_customer_id, n_records, reason, business_date \
         from core.customer_id_event where from_customer_id = $customer or to_customer_id = $customer order by 1",
        &bindings,
    )?;
    let mut text = Vec::new();
    write_result(&records, global.format.as_text(), &mut text)?;
    write_result(&events, global.format.as_text(), &mut text)?;
    print(&String::from_utf8_lossy(&text))
}
