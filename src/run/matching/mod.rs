//! Matching apart from the night: training, evaluation against a truth, and what links two records.

mod evaluate;
mod explain;
mod train;

pub use evaluate::{Evaluation, GroupQuality, Quality, evaluate};
pub use explain::{ComparedPart, PairExplanation, explain_pair};
pub use train::{TrainingOptions, train_model};

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::matching::{MatchingSpec, SimilaritySpec};
use crate::config::project::Project;
use crate::domain::{BusinessDate, TableName};
use crate::run::chain::{History, load_tokens};
use crate::run::deliveries::delivered_dates;
use crate::run::feeds::{FeedContext, inputs_by_feed, load_feeds};
use crate::run::progress::Progress;
use crate::run::tables::own_table;
use crate::run::{RunError, RunSettings};
use crate::sql::schema::columns_of;
use crate::stages::resolve::ResolveOutput;
use crate::stages::resolve::records::{Evidence, Records, read_records};
use crate::stages::resolve::similarity::apply::numbers_of;
use crate::stages::resolve::similarity::block_table::MATCH_BLOCK_COLUMNS;
use crate::stages::resolve::similarity::edges::{EDGE_COLUMNS, EDGE_GRAIN};
use crate::stages::resolve::similarity::link::{KeyedDecision, RecordName, Verdict};
use crate::stages::resolve::similarity::scores::{MATCH_PAIR_COLUMNS, MATCH_RECORD_COLUMNS};
use crate::stages::resolve::tables::{ALIAS_COLUMNS, EVENT_COLUMNS, XREF_COLUMNS};
use crate::store::{
    FileEntry, Journal, JournalEvent, RecordPlace, TableEntry, Warehouse, WarehouseLock,
};

/// The tables of a resolve step; events are added to those of the base.
pub(super) fn resolved_tables(
    output: ResolveOutput,
    mut events: Vec<FileEntry>,
) -> BTreeMap<TableName, TableEntry> {
    let table = |columns: &[(&str, &str)], grain: &[&str], files| TableEntry {
        columns: columns_of(columns),
        sorted_by: grain.iter().map(|name| (*name).to_owned()).collect(),
        files,
    };
    let own = |name| own_table("core", name);
    events.extend(output.events);
    let grain = ["source_code", "feed", "source_key"];
    let xref = table(XREF_COLUMNS, &grain, vec![output.xref]);
    let mut tables = BTreeMap::from([
        (own("customer_xref"), xref),
        (
            own("customer_alias"),
            table(
                ALIAS_COLUMNS,
                &["retired_customer_id"],
                vec![output.aliases],
            ),
        ),
        (
            own("customer_id_event"),
            table(EVENT_COLUMNS, &["event_seq"], events),
        ),
    ]);
    if let Some(edges) = output.edges {
        for (name, file) in [("match_edge", edges.linked), ("match_review", edges.review)] {
            tables.insert(own(name), table(EDGE_COLUMNS, &EDGE_GRAIN, vec![file]));
        }
    }
    if let Some(blocks) = output.blocks {
        let grain = ["customer_type", "block"];
        let blocks = table(MATCH_BLOCK_COLUMNS, &grain, vec![blocks]);
        tables.insert(own("match_block"), blocks);
    }
    if let Some(scores) = output.scores {
        let records = table(MATCH_RECORD_COLUMNS, &["record"], vec![scores.records]);
        tables.insert(own("match_record"), records);
        let grain = ["left_record", "right_record"];
        let pairs = table(MATCH_PAIR_COLUMNS, &grain, vec![scores.pairs]);
        tables.insert(own("match_pair"), pairs);
    }
    tables
}

/// What people decided about pairs of records, as resolve wants it.
pub(super) fn match_decisions(journal: &Journal) -> Vec<KeyedDecision> {
    let name = |place: &crate::store::RecordPlace| {
        (place.source.clone(), place.feed.clone(), place.key.clone())
    };
    let decided = journal
        .match_decisions()
        .map(|(left, right, is_same)| KeyedDecision {
            left: name(left),
            right: name(right),
            verdict: if is_same {
                Verdict::Same
            } else {
                Verdict::Different
            },
        });
    decided.collect()
}

/// The records of one business date.
pub struct Loaded<'p> {
    pub date: BusinessDate,
    spec: &'p MatchingSpec,
    similarity: &'p SimilaritySpec,
    records: Records,
    evidence: Evidence,
}

/// Loads the feeds of a date as its night does (a later run reuses them) and reads their records.
///
/// Without a date, the newest release's, else the first delivered one's: later ones stand upon it.
pub fn load<'p>(
    project: &'p Project,
    settings: &RunSettings,
    date: Option<BusinessDate>,
    progress: &dyn Progress,
) -> Result<Loaded<'p>, RunError> {
    let (spec, similarity) = specs(project)?;
    let warehouse = Warehouse::open_or_create(&settings.warehouse)?;
    let lock = warehouse.lock()?;
    warehouse.clear_temporary(&lock)?;
    let history = History::read(&warehouse)?;
    let first_delivered = || -> Result<Option<BusinessDate>, RunError> {
        Ok(delivered_dates(project, &settings.landing)?
            .first()
            .copied())
    };
    let date = match date.or_else(|| history.newest()) {
        Some(date) => date,
        None => first_delivered()?.ok_or_else(|| RunError::NothingDelivered {
            landing: settings.landing.clone(),
            example: project
                .feeds()
                .next()
                .map_or_else(String::new, |feed| feed.path.0.clone()),
        })?,
    };
    let base = history.base_of(&warehouse, date)?;
    let tokens = load_tokens(project)?;
    let journal = warehouse.journal()?;
    let feeds = load_feeds(&FeedContext {
        project,
        settings,
        warehouse: &warehouse,
        journal: &journal,
        tokens: &tokens,
        date,
        base: base.as_ref(),
        base_inputs: &inputs_by_feed(base.as_ref()),
        progress,
    })?;
    let mut staging = BTreeMap::new();
    for feed in &feeds {
        let (table, entry) = &feed.staging;
        staging.insert(table.clone(), paths_of(&warehouse, entry));
    }
    let (records, evidence) = read_records(spec, &staging)?;
    Ok(Loaded {
        date,
        spec,
        similarity,
        records,
        evidence,
    })
}

/// The records of the current release, as its night read them.
pub fn load_released<'p>(
    project: &'p Project,
    settings: &RunSettings,
) -> Result<Loaded<'p>, RunError> {
    let (spec, similarity) = specs(project)?;
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let manifest = warehouse.manifest(warehouse.require_current()?)?;
    let mut staging = BTreeMap::new();
    for (table, entry) in &manifest.tables {
        staging.insert(table.clone(), paths_of(&warehouse, entry));
    }
    let (records, evidence) = read_records(spec, &staging)?;
    Ok(Loaded {
        date: manifest.business_date,
        spec,
        similarity,
        records,
        evidence,
    })
}

fn paths_of(warehouse: &Warehouse, entry: &TableEntry) -> Vec<PathBuf> {
    let files = entry.files.iter();
    files
        .map(|file| warehouse.root().join(&file.path))
        .collect()
}

/// The parts of `matching.yml` that similarity needs.
fn specs(project: &Project) -> Result<(&MatchingSpec, &SimilaritySpec), RunError> {
    let missing = |message: &str, hint: &str| RunError::Usage {
        message: message.to_owned(),
        hint: hint.to_owned(),
    };
    let Some(spec) = &project.matching else {
        return Err(missing(
            "the project has no matching.yml",
            "matching.yml says which feeds name customers",
        ));
    };
    let Some(similarity) = &spec.similarity else {
        return Err(missing(
            "matching.yml has no `similarity`",
            "add `similarity` with blocks and comparisons",
        ));
    };
    Ok((spec, similarity))
}

fn untrained() -> RunError {
    RunError::Usage {
        message: "similarity has no trained model that fits matching.yml".to_owned(),
        hint: "salenet match train".to_owned(),
    }
}

/// Keeps in the journal what a person says about two records; the next run of a night applies it.
pub fn decide(
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    known: &Loaded<'_>,
    decision: Decision,
) -> Result<(), RunError> {
    let names = [&decision.left, &decision.right]
        .map(|place| (place.source.clone(), place.feed.clone(), place.key.clone()));
    if names[0] == names[1] {
        return Err(RunError::Usage {
            message: "both are the same record".to_owned(),
            hint: "name the two records of a pair, as `salenet match review list` shows them"
                .to_owned(),
        });
    }
    let [left, right] = both_numbers(known, &names[0], &names[1])?;
    if !decision.is_same || same_kind(known, left, right) {
        let event = JournalEvent::MatchDecided {
            left: decision.left,
            right: decision.right,
            is_same: decision.is_same,
            decided_by: decision.by,
            reason: decision.reason,
        };
        warehouse.append_to_journal(lock, vec![event])?;
        return Ok(());
    }
    Err(two_kinds())
}

/// What a person says about two records.
#[derive(Debug, Clone)]
pub struct Decision {
    pub left: RecordPlace,
    pub right: RecordPlace,
    pub is_same: bool,
    pub by: String,
    pub reason: String,
}

fn same_kind(loaded: &Loaded<'_>, left: u32, right: u32) -> bool {
    let types = &loaded.records.customer_types;
    types[left as usize] == types[right as usize]
}

fn two_kinds() -> RunError {
    RunError::Usage {
        message: "a person and an organisation are never one customer".to_owned(),
        hint: "name two records of one kind".to_owned(),
    }
}

fn both_numbers(
    loaded: &Loaded<'_>,
    left: &RecordName,
    right: &RecordName,
) -> Result<[u32; 2], RunError> {
    let numbers = numbers_of(&loaded.records, [left, right].into_iter());
    let number = |name: &RecordName| {
        numbers.get(name).copied().ok_or_else(|| RunError::Usage {
            message: format!(
                "{} has no record {}.{}:{}",
                loaded.date, name.0, name.1, name.2
            ),
            hint: "records are named source.feed:key, as `salenet match review list` shows them"
                .to_owned(),
        })
    };
    Ok([number(left)?, number(right)?])
}
