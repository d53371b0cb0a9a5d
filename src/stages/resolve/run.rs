//! The I/O shell of resolve: reads records and last ids, clusters, assigns, writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ResolveError;
use super::cluster::{Clusters, cluster};
use super::identity::{Assignment, ClusterVotes, IdEventKind, assign};
use super::records::{Record, RecordKey, TokenNumbers, read_records};
use super::tables::{self, XrefRow};
use crate::config::matching::{ExactRule, MatchingSpec};
use crate::domain::{BusinessDate, TableName};
use crate::store::{FileEntry, JournalEvent, Warehouse};

pub struct ResolveRequest<'a> {
    pub warehouse: &'a Warehouse,
    pub spec: &'a MatchingSpec,
    pub business_date: BusinessDate,
    /// Files of each staging table that `spec` names.
    pub staging: BTreeMap<TableName, Vec<PathBuf>>,
    pub base_xref: Vec<PathBuf>,
    pub base_events: Vec<PathBuf>,
    /// Files of issued ids, as the journal lists them.
    pub issued: Vec<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveReport {
    pub records: u64,
    pub customers: u64,
    pub ids_issued: u64,
    pub merges: u64,
    pub splits: u64,
    /// Match rule -> records it linked.
    pub linked_by: BTreeMap<String, u64>,
}

#[derive(Debug)]
pub struct ResolveOutput {
    pub xref: FileEntry,
    /// Tonight's events; none when nothing was created, merged or split.
    pub events: Option<FileEntry>,
    /// To be appended to the journal before the output is used.
    pub issued: Option<JournalEvent>,
    pub report: ResolveReport,
}

/// Clusters tonight's records, gives each cluster its id and writes the cross-reference.
pub fn resolve(request: &ResolveRequest) -> Result<ResolveOutput, ResolveError> {
    let mut tokens = TokenNumbers::default();
    let mut by_key = BTreeMap::new();
    for source in &request.spec.records {
        let files = request
            .staging
            .get(&source.table)
            .map_or(&[][..], Vec::as_slice);
        read_records(source, files, &mut tokens, &mut by_key)?;
    }
    let records: Vec<Record> = by_key.into_values().collect();
    let last_night = tables::read_xref(&request.base_xref)?;
    let (event_ids, last_seq) = tables::read_event_ids(&request.base_events)?;
    let issued = tables::read_issued(&request.issued)?;

    let old_ids: Vec<Option<i64>> = records
        .iter()
        .map(|record| last_night.get(&record.key).map(|row| row.customer_id))
        .collect();
    let mut clusters = cluster(&records, &request.spec.rules, &old_ids);
    let (votes, members) = describe(&records, &old_ids, &issued, &mut clusters);
    let mut taken: BTreeSet<i64> = event_ids;
    taken.extend(last_night.values().map(|row| row.customer_id));
    let next = issued
        .values()
        .flatten()
        .copied()
        .chain(taken.iter().copied())
        .max()
        .unwrap_or(0)
        + 1;
    let assignment = assign(&votes, &taken, next);

    let rows = xref_rows(
        request.business_date,
        &records,
        &members,
        &assignment,
        &clusters,
        &last_night,
    );
    let xref = tables::write_xref(request.warehouse, &rows)?;
    let events = if assignment.events.is_empty() {
        None
    } else {
        let first = last_seq + 1;
        Some(tables::write_events(
            request.warehouse,
            &assignment.events,
            first,
            request.business_date,
        )?)
    };
    let new_ids: Vec<(&RecordKey, i64)> = assignment
        .newly_issued
        .iter()
        .map(|position| {
            (
                &records[votes[*position].founder].key,
                assignment.ids[*position],
            )
        })
        .collect();
    let issued = if new_ids.is_empty() {
        None
    } else {
        let file = tables::write_issued(request.warehouse, &new_ids)?;
        let rows = new_ids.len() as u64;
        Some(JournalEvent::IdsIssued {
            business_date: request.business_date,
            file,
            rows,
        })
    };
    let report = report(&records, &rows, &assignment);
    Ok(ResolveOutput {
        xref,
        events,
        issued,
        report,
    })
}

/// One entry per cluster, in the order of their smallest record, and the members of each.
fn describe(
    records: &[Record],
    old_ids: &[Option<i64>],
    issued: &HashMap<RecordKey, Vec<i64>>,
    clusters: &mut Clusters,
) -> (Vec<ClusterVotes>, Vec<Vec<usize>>) {
    let mut by_root: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for record in 0..records.len() {
        by_root
            .entry(clusters.root(record))
            .or_default()
            .push(record);
    }
    let mut votes = Vec::with_capacity(by_root.len());
    for members in by_root.values() {
        let trusted = |record: &usize| (records[*record].trust_rank, *record);
        let founder = members
            .iter()
            .copied()
            .min_by_key(trusted)
            .unwrap_or_default();
        let mut of_id: BTreeMap<i64, u32> = BTreeMap::new();
        for id in members.iter().filter_map(|record| old_ids[*record]) {
            *of_id.entry(id).or_default() += 1;
        }
        votes.push(ClusterVotes {
            founder,
            issued: issued_to(records, founder, members, issued),
            n_records: u32::try_from(members.len()).unwrap_or(u32::MAX),
            votes: of_id,
        });
    }
    (votes, by_root.into_values().collect())
}

/// The founding record's ids first, then those of the other members by trust and key.
fn issued_to(
    records: &[Record],
    founder: usize,
    members: &[usize],
    issued: &HashMap<RecordKey, Vec<i64>>,
) -> Vec<i64> {
    let mut order = members.to_vec();
    order.sort_by_key(|record| (*record != founder, records[*record].trust_rank, *record));
    let ids = order
        .iter()
        .filter_map(|record| issued.get(&records[*record].key));
    ids.flatten().copied().collect()
}

/// Tonight's rows and, closed, the rows of records that are no longer delivered; sorted by key.
fn xref_rows(
    date: BusinessDate,
    records: &[Record],
    members: &[Vec<usize>],
    assignment: &Assignment,
    clusters: &Clusters,
    last_night: &HashMap<RecordKey, XrefRow>,
) -> Vec<XrefRow> {
    let today = date.days_since_epoch();
    let mut rows: BTreeMap<RecordKey, XrefRow> = BTreeMap::new();
    for (position, cluster) in members.iter().enumerate() {
        for record in cluster {
            let customer_id = assignment.ids[position];
            let known = last_night.get(&records[*record].key);
            let same_customer =
                known.filter(|row| row.customer_id == customer_id && row.valid_to.is_none());
            let match_rule = match clusters.linked_by[*record] {
                Some(rule) => rule_name(rule),
                None if known.is_some_and(|row| row.customer_id == customer_id) => "same_key",
                None => "new",
            };
            let record = &records[*record];
            rows.insert(
                record.key.clone(),
                XrefRow {
                    key: record.key.clone(),
                    customer_id,
                    customer_type: record.customer_type.as_str().to_owned(),
                    match_rule: match_rule.to_owned(),
                    valid_from: same_customer.map_or(today, |row| row.valid_from),
                    valid_to: None,
                    file_id: record.file_id,
                    line: record.line,
                },
            );
        }
    }
    // A record that is no longer delivered follows its customer into a merge, so that a retired id stays retired.
    let merged: HashMap<i64, i64> = assignment
        .events
        .iter()
        .filter(|event| event.kind == IdEventKind::Merge)
        .filter_map(|event| Some((event.from?, event.to)))
        .collect();
    for (key, row) in last_night {
        if !rows.contains_key(key) {
            let closed = XrefRow {
                valid_to: row.valid_to.or(Some(today)),
                customer_id: merged
                    .get(&row.customer_id)
                    .copied()
                    .unwrap_or(row.customer_id),
                ..row.clone()
            };
            rows.insert(key.clone(), closed);
        }
    }
    rows.into_values().collect()
}

const fn rule_name(rule: ExactRule) -> &'static str {
    match rule {
        ExactRule::NationalId => "national_id",
        ExactRule::Card => "card",
        ExactRule::SameKey => "same_key",
    }
}

fn report(records: &[Record], rows: &[XrefRow], assignment: &Assignment) -> ResolveReport {
    let mut linked_by: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.valid_to.is_none()) {
        *linked_by.entry(row.match_rule.clone()).or_default() += 1;
    }
    let count = |kind: IdEventKind| {
        assignment
            .events
            .iter()
            .filter(|event| event.kind == kind)
            .count() as u64
    };
    ResolveReport {
        records: records.len() as u64,
        customers: assignment.ids.len() as u64,
        ids_issued: assignment.newly_issued.len() as u64,
        merges: count(IdEventKind::Merge),
        splits: count(IdEventKind::Split),
        linked_by,
    }
}
