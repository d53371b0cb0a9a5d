//! `salenet explain`: where a number or a link comes from.

use clap::{Args, Subcommand};

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use super::match_review::record;
use super::{explain_campaign, explain_match};
use crate::domain::Parameter;
use crate::run::explain_profit::explain_profit;
use crate::run::open::{Reading, open_release};
use crate::sql::output::{OutputFormat, write_result};
use crate::sql::{Bindings, Session};
use crate::store::{Manifest, RecordPlace};

/// Show where a customer, a match or a profit comes from
#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(subcommand)]
    command: ExplainCommand,
}

#[derive(Debug, Subcommand)]
enum ExplainCommand {
    /// The source records (file and line) that make up a customer, by which rule, and which of them each value is from
    Customer {
        /// The customer's id; a retired id leads to the customer it joined
        id: i64,
    },
    /// What makes two records one customer, or not: each comparison, its level and its weight
    Match {
        /// A record, as source.feed:key
        #[arg(value_parser = record)]
        left: RecordPlace,
        /// The other record
        #[arg(value_parser = record)]
        right: RecordPlace,
    },
    /// Why a customer is on a campaign's list, or is not: every rule that fails, rank, place, limit, cell, channel
    Campaign {
        /// The campaign's code
        code: String,
        /// The customer's id; a retired id leads to the customer it joined
        customer: i64,
        /// Judge now, with the current release, even if the campaign has run
        #[arg(long)]
        plan: bool,
    },
    /// Every line of a customer's profit in a month: how it was computed, and the file and line it comes from
    Profit {
        /// The customer's id; a retired id leads to the customer it joined, 0 is UNASSIGNED
        id: i64,
        /// The month [default: that of the release]
        #[arg(long, value_name = "YYYY-MM")]
        month: Option<String>,
    },
}

/// A retired id may have joined an id that was retired in its turn.
const LONGEST_ALIAS_CHAIN: usize = 64;

pub fn run(args: &ExplainArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, manifest, session) = open_release(&settings, &options, &Reading::Current)?;
    match &args.command {
        ExplainCommand::Customer { id } => customer(*id, &manifest, &session, global),
        ExplainCommand::Profit { id, month } => {
            profit(*id, month.as_deref(), &manifest, &session, global)
        }
        ExplainCommand::Campaign {
            code,
            customer,
            plan,
        } => {
            // Without matching nobody merges.
            let living = if project.matching.is_some() {
                living(*customer, &session, global)?
            } else {
                *customer
            };
            explain_campaign::run(global, code, living, *plan)
        }
        ExplainCommand::Match { left, right } => explain_match::run(left, right, global),
    }
}

/// The customer that an id, retired or not, stands for today.
fn living(id: i64, session: &Session, global: &GlobalArgs) -> Result<i64, Failure> {
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
    Ok(living)
}

fn profit(
    id: i64,
    month: Option<&str>,
    manifest: &Manifest,
    session: &Session,
    global: &GlobalArgs,
) -> Result<(), Failure> {
    let living = living(id, session, global)?;
    let month = month.map_or_else(|| manifest.business_date.month().to_string(), str::to_owned);
    let sections = explain_profit(session, manifest, living, &month)?;
    let mut text = Vec::new();
    if global.format == Format::Json {
        let mut object = serde_json::Map::new();
        for section in &sections {
            let mut rows = Vec::new();
            write_result(&section.rows, OutputFormat::Json, &mut rows)?;
            let rows =
                serde_json::from_slice(&rows).map_err(|error| Failure::unexpected(&error))?;
            object.insert(section.name.to_owned(), rows);
        }
        let object = serde_json::to_string_pretty(&object);
        return print(&format!(
            "{}\n",
            object.map_err(|error| Failure::unexpected(&error))?
        ));
    }
    for section in sections.iter().filter(|section| section.rows.n_rows() > 0) {
        if global.format == Format::Table {
            text.extend_from_slice(format!("{}\n", section.heading).as_bytes());
        }
        write_result(&section.rows, global.format.as_text(), &mut text)?;
        text.push(b'\n');
    }
    print(&String::from_utf8_lossy(&text))
}

fn customer(
    id: i64,
    manifest: &Manifest,
    session: &Session,
    global: &GlobalArgs,
) -> Result<(), Failure> {
    let living = living(id, session, global)?;
    let bindings = Bindings::default().with("customer", Parameter::Integer(living));
    let records = session.query(
        "select record.source_code, record.feed, record.source_key, record.match_rule, record.match_weight, \
         record.valid_from, record.valid_to, file.path, record._line as line \
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
    let has = |table: &str| {
        let mut tables = manifest.tables.keys();
        tables.any(|name| name.to_string() == table)
    };
    if has("core.customer_attribute") {
        let attributes = session.query(
            "select attribute, value, source_code, feed, source_key, rule, n_records, losers \
             from core.customer_attribute where customer_id = $customer order by 1",
            &bindings,
        )?;
        write_result(&attributes, global.format.as_text(), &mut text)?;
    }
    if has("core.match_edge") {
        let edges = session.query(
            "select left_source || '.' || left_feed || ':' || left_key as left_record, \
             right_source || '.' || right_feed || ':' || right_key as right_record, \
             match_weight, match_probability, outcome \
             from (select * from core.match_edge union all select * from core.match_review) \
             where left_customer_id = $customer or right_customer_id = $customer order by 3 desc, 1, 2",
            &bindings,
        )?;
        write_result(&edges, global.format.as_text(), &mut text)?;
    }
    write_result(&events, global.format.as_text(), &mut text)?;
    print(&String::from_utf8_lossy(&text))
}
