//! `salenet match review`: list, accept, refuse.

use clap::{Args, Subcommand};

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use crate::run::matching::{Decision, decide, load_released};
use crate::run::open::{Reading, open_release};
use crate::sql::Bindings;
use crate::sql::output::write_result;
use crate::store::{RecordPlace, Warehouse};

#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// The pairs to judge, the likeliest first
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: i64,
    },
    /// Say that two records are one customer; it wins over every score
    Accept(PairArgs),
    /// Say that two records are two customers; similarity never joins them again
    Refuse(PairArgs),
}

#[derive(Debug, Args)]
pub struct PairArgs {
    /// A record, as source.feed:key
    #[arg(value_parser = record)]
    left: RecordPlace,
    /// The other record
    #[arg(value_parser = record)]
    right: RecordPlace,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why
    #[arg(long)]
    reason: String,
}

/// Reads `source.feed:key`.
pub fn record(text: &str) -> Result<RecordPlace, String> {
    let parts = text.split_once(':').and_then(|(feed, key)| {
        let (source, feed) = feed.split_once('.')?;
        Some((source, feed, key))
    });
    match parts {
        Some((source, feed, key)) if !key.is_empty() => Ok(RecordPlace {
            source: source.to_owned(),
            feed: feed.to_owned(),
            key: key.to_owned(),
        }),
        _ => Err("write source.feed:key, such as cif.customers:F000000017".to_owned()),
    }
}

pub fn review(command: &ReviewCommand, global: &GlobalArgs) -> Result<(), Failure> {
    match command {
        ReviewCommand::List { limit } => list(global, *limit),
        ReviewCommand::Accept(pair) => decided(global, pair, true),
        ReviewCommand::Refuse(pair) => decided(global, pair, false),
    }
}

fn list(global: &GlobalArgs, limit: i64) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (warehouse, _, session) = open_release(&settings, &options, &Reading::Current)?;
    let journal = warehouse.journal()?;
    let n_decided = journal.match_decisions().count();
    let bindings = Bindings::default().with("limit", crate::domain::Parameter::Integer(limit));
    let pairs = session.query(
        "select left_source || '.' || left_feed || ':' || left_key as left_record, \
         right_source || '.' || right_feed || ':' || right_key as right_record, \
         left_customer_id, right_customer_id, match_weight, match_probability, outcome \
         from (select *, row_number() over (order by match_weight desc, left_source, left_feed, left_key, \
         right_source, right_feed, right_key) as place from core.match_review) \
         where place <= $limit order by place",
        &bindings,
    )?;
    let mut text = Vec::new();
    write_result(&pairs, global.format.as_text(), &mut text)?;
    print(&String::from_utf8_lossy(&text))?;
    global.say(&format!(
        "{n_decided} decisions stand in the journal; those made since the release count from the next run on"
    ));
    Ok(())
}

fn decided(global: &GlobalArgs, pair: &PairArgs, is_same: bool) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let loaded = load_released(&project, &settings)?;
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let lock = warehouse.lock()?;
    let decision = Decision {
        left: pair.left.clone(),
        right: pair.right.clone(),
        is_same,
        by: pair.by.clone(),
        reason: pair.reason.clone(),
    };
    decide(&warehouse, &lock, &loaded, decision)?;
    global.say(&format!(
        "kept: {}; the next run applies it",
        if is_same {
            "one customer"
        } else {
            "two customers"
        }
    ));
    Ok(())
}
