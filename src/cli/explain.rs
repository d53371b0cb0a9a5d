//! `salenet explain`: where a number or a link comes from.

use std::fmt::Write as _;

use clap::{Args, Subcommand};

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use super::match_review::record;
use crate::domain::Parameter;
use crate::run::matching::{explain_pair, load_released};
use crate::run::open::{Reading, open_release};
use crate::sql::Bindings;
use crate::sql::output::write_result;
use crate::store::RecordPlace;

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
    /// What makes two records one customer, or not: each comparison, its level and its weight
    Match {
        /// A record, as source.feed:key
        #[arg(value_parser = record)]
        left: RecordPlace,
        /// The other record
        #[arg(value_parser = record)]
        right: RecordPlace,
    },
}

/// A retired id may have joined an id that was retired in its turn.
const LONGEST_ALIAS_CHAIN: usize = 64;

pub fn run(args: &ExplainArgs, global: &GlobalArgs) -> Result<(), Failure> {
    match &args.command {
        ExplainCommand::Customer { id } => customer(*id, global),
        ExplainCommand::Match { left, right } => pair(left, right, global),
    }
}

/// One line for each comparison, the sum growing from the prior to the weight.
fn pair(left: &RecordPlace, right: &RecordPlace, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let loaded = load_released(&project, &settings)?;
    let name = |place: &RecordPlace| (place.source.clone(), place.feed.clone(), place.key.clone());
    let found = explain_pair(&loaded, &name(left), &name(right))?;
    if global.format == Format::Json {
        let text = serde_json::to_string_pretty(&found);
        return print(&(text.map_err(|error| Failure::unexpected(&error))? + "\n"));
    }
    let mut text = format!("model {}, weights in bits\n", found.model_version);
    let bar = |sum: f64| {
        // A quarter of a mark for a bit would be too fine: one mark for two bits, none below zero.
        let marks = (sum / 2.0).clamp(0.0, 40.0);
        "#".repeat(format!("{marks:.0}").parse().unwrap_or(0))
    };
    let _ = writeln!(
        text,
        "{:<14} {:<22} {:>8} {:>10} {:>8}",
        "", "level", "weight", "frequency", "sum"
    );
    let _ = writeln!(
        text,
        "{:<14} {:<22} {:>8.2} {:>10} {:>8.2} {}",
        "prior",
        "",
        found.prior,
        "",
        found.prior,
        bar(found.prior)
    );
    for part in &found.parts {
        let _ = writeln!(
            text,
            "{:<14} {:<22} {:>+8.2} {:>+10.2} {:>8.2} {}",
            part.comparison,
            part.level,
            part.weight,
            part.frequency,
            part.sum,
            bar(part.sum)
        );
    }
    let _ = writeln!(
        text,
        "weight {:.2}, probability {:.6}{}",
        found.weight,
        found.probability,
        if found.is_forbidden {
            "; two different valid national ids forbid it all the same"
        } else {
            ""
        }
    );
    print(&text)
}

fn customer(id: i64, global: &GlobalArgs) -> Result<(), Failure> {
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
        "select record.source_code, record.feed, record.source_key, record.match_rule, record.match_weight, record.valid_from, \
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
    let has_edges = manifest
        .tables
        .keys()
        .any(|table| table.to_string() == "core.match_edge");
    let mut text = Vec::new();
    write_result(&records, global.format.as_text(), &mut text)?;
    if has_edges {
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
