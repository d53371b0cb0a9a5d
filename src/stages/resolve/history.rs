//! What earlier nights decided: ids of last night's records, ids of events, ids that the journal issued.
//!
//! These tables are sorted as the records are, so they are read beside them and nothing of them is kept but ids.

use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::ResolveError;
use super::identity::{ClusterTable, CustomerId, IdSet, Kept, Reissue};
use super::records::{RecordReader, Records};
use super::tables::{EVENTS, ISSUED, XREF, open};
use super::tokens::NONE;

/// Ids that were ever in use up to the base release, and the highest id anywhere.
#[derive(Debug, Default)]
pub struct KnownIds {
    pub taken: IdSet,
    highest: u32,
    /// Retired ids and those they joined, in the order of their events.
    pub merges: Vec<(CustomerId, CustomerId)>,
}

impl KnownIds {
    fn take(&mut self, id: CustomerId) {
        self.taken.insert(id);
        self.highest = self.highest.max(id.get());
    }

    /// The first of `count` ids that were never issued.
    pub fn next(&self, count: usize) -> Result<CustomerId, ResolveError> {
        let next = u64::from(self.highest) + 1;
        let last = next + count as u64;
        let id = u32::try_from(next).ok().and_then(CustomerId::new);
        id.filter(|_| last < u64::from(NONE))
            .ok_or_else(|| out_of_range(last.cast_signed()))
    }
}

fn out_of_range(found: i64) -> ResolveError {
    ResolveError::out_of_range("customer id", found, u64::from(NONE) - 1)
}

fn customer_id(number: i64) -> Result<CustomerId, ResolveError> {
    let id = u32::try_from(number).ok().filter(|id| *id < NONE);
    id.and_then(CustomerId::new)
        .ok_or_else(|| out_of_range(number))
}

fn wrong(table: &'static str) -> impl Fn(PolarsError) -> ResolveError {
    move |source| ResolveError::Read {
        table: table.to_owned(),
        source,
    }
}

/// Last night's records as tonight's know them.
#[derive(Debug, Default)]
pub struct LastNight {
    /// By record: the id it had.
    pub ids: Vec<Option<CustomerId>>,
    /// By record of last night, as they were numbered then: the same record tonight, or `NONE`.
    pub renumbered: Vec<u32>,
    /// Their ids, in the same order.
    pub delivered: Vec<CustomerId>,
}

/// The id each record had last night; all ids of last night become known.
pub fn read_last_night(
    records: &Records,
    xref: &[PathBuf],
    known: &mut KnownIds,
) -> Result<LastNight, ResolveError> {
    let mut last_night = LastNight {
        ids: vec![None; records.len()],
        renumbered: Vec::new(),
        delivered: Vec::new(),
    };
    let mut beside = Beside::new(records, XREF);
    for path in xref {
        beside.each(path, |record, id, was_delivered| {
            known.take(id);
            if let Some(record) = record {
                last_night.ids[record as usize] = Some(id);
            }
            if was_delivered {
                last_night.renumbered.push(record.unwrap_or(NONE));
                last_night.delivered.push(id);
            }
        })?;
    }
    Ok(last_night)
}

/// Ids of earlier events become known; gives the last event's number.
pub fn read_event_ids(files: &[PathBuf], known: &mut KnownIds) -> Result<i64, ResolveError> {
    let mut last = 0;
    for path in files {
        let columns = [
            "event_seq",
            "event_type",
            "from_customer_id",
            "to_customer_id",
        ];
        let columns = columns.map(str::to_owned);
        for batch in open(path, EVENTS, columns.to_vec())? {
            let batch = batch.map_err(wrong(EVENTS))?;
            let numbers = |name: &str| batch.column(name).and_then(|column| column.i64().cloned());
            for name in ["from_customer_id", "to_customer_id"] {
                for id in numbers(name).map_err(wrong(EVENTS))?.iter().flatten() {
                    known.take(customer_id(id)?);
                }
            }
            let kinds = batch
                .column("event_type")
                .and_then(|column| column.str().cloned());
            let kinds = kinds.map_err(wrong(EVENTS))?;
            let from = numbers("from_customer_id").map_err(wrong(EVENTS))?;
            let to = numbers("to_customer_id").map_err(wrong(EVENTS))?;
            for ((kind, from), to) in kinds.iter().zip(from.iter()).zip(to.iter()) {
                if let (Some("merge"), Some(from), Some(to)) = (kind, from, to) {
                    known.merges.push((customer_id(from)?, customer_id(to)?));
                }
            }
            let highest = numbers("event_seq").map_err(wrong(EVENTS))?.max();
            last = last.max(highest.unwrap_or(0));
        }
    }
    Ok(last)
}

/// All issued ids become known, so that none is issued again; gives the files with ids that no release knows.
pub fn read_issued_ids(
    files: &[PathBuf],
    known: &mut KnownIds,
) -> Result<Vec<PathBuf>, ResolveError> {
    let mut unknown = Vec::new();
    for path in files {
        let mut is_unknown = false;
        for batch in open(path, ISSUED, vec!["customer_id".to_owned()])? {
            let batch = batch.map_err(wrong(ISSUED))?;
            let ids = batch.column("customer_id").and_then(|ids| ids.i64());
            for id in ids.map_err(wrong(ISSUED))?.iter().flatten() {
                let id = customer_id(id)?;
                known.highest = known.highest.max(id.get());
                is_unknown |= !known.taken.contains(id);
            }
        }
        if is_unknown {
            unknown.push(path.clone());
        }
    }
    Ok(unknown)
}

/// Issued ids that no release knows, for records of clusters that kept no id; in the order of `files`.
pub fn read_reissues(
    records: &Records,
    clusters: &ClusterTable,
    kept: &Kept,
    files: &[PathBuf],
    known: &KnownIds,
) -> Result<Vec<Reissue>, ResolveError> {
    let mut reissues = Vec::new();
    for path in files {
        Beside::new(records, ISSUED).each(path, |record, id, _| {
            let Some(record) = record else { return };
            let cluster = clusters.cluster_of[record as usize] as usize;
            if kept.ids[cluster].is_none() && !known.taken.contains(id) {
                reissues.push(Reissue {
                    record,
                    trust_rank: records.trust_rank(record),
                    id,
                });
            }
        })?;
    }
    Ok(reissues)
}

/// Goes through a table and the records side by side.
struct Beside<'a> {
    table: &'static str,
    records: RecordReader<'a>,
    is_record: bool,
    before: (String, String, String),
    row: u64,
}

impl<'a> Beside<'a> {
    fn new(records: &'a Records, table: &'static str) -> Self {
        let mut records = records.read();
        let is_record = records.advance();
        Self {
            table,
            records,
            is_record,
            before: Default::default(),
            row: 0,
        }
    }

    /// Shows each row's id, with the record of the same key if it is there, and whether the row is not closed.
    fn each(
        &mut self,
        path: &Path,
        mut show: impl FnMut(Option<u32>, CustomerId, bool),
    ) -> Result<(), ResolveError> {
        let mut columns = vec!["source_code", "feed", "source_key", "customer_id"];
        if self.table == XREF {
            columns.push("valid_to");
        }
        let columns = columns.into_iter().map(str::to_owned).collect();
        for batch in open(path, self.table, columns)? {
            let batch = batch.map_err(wrong(self.table))?;
            let text = |name: &str| {
                let column = batch.column(name).and_then(|column| column.str());
                column.map_err(wrong(self.table))
            };
            let (sources, feeds, keys) = (text("source_code")?, text("feed")?, text("source_key")?);
            let ids = batch.column("customer_id").and_then(|ids| ids.i64());
            let ids = ids.map_err(wrong(self.table))?;
            let closed = batch
                .column("valid_to")
                .map(polars::prelude::Column::is_not_null);
            for row in 0..batch.height() {
                let source = sources.get(row).unwrap_or_default();
                let feed = feeds.get(row).unwrap_or_default();
                let key = keys.get(row).unwrap_or_default();
                let record = self.find(source, feed, key, path)?;
                let is_closed = closed
                    .as_ref()
                    .is_ok_and(|closed| closed.get(row) == Some(true));
                if let Some(id) = ids.get(row) {
                    show(record, customer_id(id)?, !is_closed);
                }
            }
        }
        Ok(())
    }

    fn find(
        &mut self,
        source: &str,
        feed: &str,
        key: &str,
        path: &Path,
    ) -> Result<Option<u32>, ResolveError> {
        let (last_source, last_feed, last_key) = &mut self.before;
        let last = (last_source.as_str(), last_feed.as_str(), last_key.as_str());
        if self.row > 0 && last >= (source, feed, key) {
            return Err(ResolveError::Unsorted {
                table: self.table,
                path: path.display().to_string(),
                row: self.row + 1,
            });
        }
        self.row += 1;
        for (last, own) in [(last_source, source), (last_feed, feed), (last_key, key)] {
            last.clear();
            last.push_str(own);
        }
        let wanted = (source, feed, key.as_bytes());
        while self.is_record && self.records.place_in_order() < wanted {
            self.is_record = self.records.advance();
        }
        let is_same = self.is_record && self.records.place_in_order() == wanted;
        Ok(is_same.then(|| self.records.number()))
    }
}
