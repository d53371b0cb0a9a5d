//! The I/O shell of resolve: reads records and last ids, clusters, assigns, writes.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ResolveError;
use super::cluster::{LinkRule, cluster};
use super::history::{KnownIds, read_event_ids, read_issued_ids, read_last_night, read_reissues};
use super::identity::{Assignment, ClusterTable, CustomerId, IdEventKind, complete, keep_old_ids};
use super::records::{Records, read_records};
use super::similarity::apply::{Applied, apply};
use super::similarity::block_table::{BlockCount, write_blocks};
use super::similarity::edges::{EdgeTables, write_edges};
use super::similarity::link::KeyedDecision;
use super::similarity::scores::{Earlier, ScoreTables, read_scores, write_scores};
use super::tables;
use super::xref::{XrefInput, write_xref};
use crate::config::matching::MatchingSpec;
use crate::domain::{BusinessDate, TableName};
use crate::store::{FileEntry, JournalEvent, Warehouse};

/// Model version of a night without similarity.
const EXACT: &str = "exact-1";

/// Stack of a sorting thread: tables are also opened on it.
const STACK_BYTES: usize = 16 << 20;

pub struct ResolveRequest<'a> {
    pub warehouse: &'a Warehouse,
    pub spec: &'a MatchingSpec,
    pub business_date: BusinessDate,
    /// Files of each staging table that `spec` names.
    pub staging: BTreeMap<TableName, Vec<PathBuf>>,
    pub base_xref: Vec<PathBuf>,
    pub base_events: Vec<PathBuf>,
    /// `core.match_record` and `core.match_pair`; without them every pair is compared.
    pub base_match_records: Vec<PathBuf>,
    pub base_match_pairs: Vec<PathBuf>,
    /// Files of issued ids, as the journal lists them.
    pub issued: Vec<PathBuf>,
    /// What people decided about pairs, oldest first.
    pub decisions: Vec<KeyedDecision>,
    pub threads: NonZeroUsize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveReport {
    pub records: u64,
    pub customers: u64,
    pub ids_issued: u64,
    pub merges: u64,
    pub splits: u64,
    /// Customers none of whose records is delivered any longer.
    #[serde(default)]
    pub retirements: u64,
    /// Match rule -> records it linked.
    pub linked_by: BTreeMap<String, u64>,
    /// Pairs that similarity compared tonight, and those that an earlier night had compared.
    #[serde(default)]
    pub pairs_compared: u64,
    #[serde(default)]
    pub pairs_known: u64,
    /// Pairs for a person to judge.
    #[serde(default)]
    pub pairs_to_review: u64,
    /// Blocking rules that have blocks above the limit.
    #[serde(default)]
    pub large_blocks: Vec<BlockCount>,
}

#[derive(Debug)]
pub struct ResolveOutput {
    pub xref: FileEntry,
    /// Tonight's events; none when nothing was created, merged or split.
    pub events: Option<FileEntry>,
    /// `core.customer_alias`
    pub aliases: FileEntry,
    /// Pairs that similarity linked, and those it did not dare to.
    pub edges: Option<EdgeTables>,
    /// What similarity need not compare again next night.
    pub scores: Option<ScoreTables>,
    /// `core.match_block`
    pub blocks: Option<FileEntry>,
    /// To be appended to the journal before the output is used.
    pub issued: Option<JournalEvent>,
    pub report: ResolveReport,
}

/// Clusters tonight's records, gives each cluster its id and writes the cross-reference.
///
/// Memory: three hundred bytes a record where similarity compares them, and a row group of each table that is read or
/// written.
pub fn resolve(request: &ResolveRequest<'_>) -> Result<ResolveOutput, ResolveError> {
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(request.threads.get())
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| ResolveError::Threads {
            problem: error.to_string(),
        })?;
    threads.install(|| {
        let found = identify(request)?;
        write(request, &found)
    })
}

/// Who is whom tonight.
struct Identified {
    records: Records,
    /// By record.
    cluster_of: Vec<u32>,
    linked_by: Vec<Option<LinkRule>>,
    applied: Option<Applied>,
    assignment: Assignment,
    /// Number of the last event of earlier nights.
    last_event: i64,
    /// Of all nights: ids that joined others.
    merges: Vec<(CustomerId, CustomerId)>,
}

fn identify(request: &ResolveRequest<'_>) -> Result<Identified, ResolveError> {
    let (records, evidence) = read_records(request.spec, &request.staging)?;
    let mut known = KnownIds::default();
    let read_earlier = || match &request.spec.similarity {
        Some(_) => read_scores(&request.base_match_records, &request.base_match_pairs),
        None => Ok(None),
    };
    let (last_night, earlier) = rayon::join(
        || read_last_night(&records, &request.base_xref, &mut known),
        read_earlier,
    );
    let (last_night, earlier) = (last_night?, earlier?);
    let (old_ids, renumbered) = (last_night.ids, last_night.renumbered);
    let delivered = last_night.delivered;
    let rules = &request.spec.rules;
    let mut clusters = cluster(&records.customer_types, &evidence, rules, &old_ids);
    let applied = match &request.spec.similarity {
        Some(spec) => {
            // Of the records of that night's cross-reference, or of no use.
            let scores = earlier.filter(|scores| scores.contents.len() == renumbered.len());
            let earlier = scores.map(|scores| Earlier { scores, renumbered });
            let decided = &request.decisions;
            apply(spec, &records, evidence, decided, earlier, &mut clusters)
        }
        None => None,
    };
    let (cluster_of, linked_by) = clusters.numbered();
    let clusters = ClusterTable::new(cluster_of, records.trust_ranks());
    let kept = keep_old_ids(&clusters, &old_ids);
    drop(old_ids);

    let last_event = read_event_ids(&request.base_events, &mut known)?;
    let unknown = read_issued_ids(&request.issued, &mut known)?;
    let reissues = read_reissues(&records, &clusters, &kept, &unknown, &known)?;
    let n_without = kept.ids.iter().filter(|id| id.is_none()).count();
    let next = known.next(n_without)?;
    let mut assignment = complete(&clusters, kept, reissues, next);
    assignment.retire(&delivered);
    let mut merges = known.merges;
    let tonight = assignment.events.iter();
    let tonight = tonight.filter(|event| event.kind == IdEventKind::Merge);
    merges.extend(tonight.filter_map(|event| Some((event.from?, event.to))));
    Ok(Identified {
        records,
        cluster_of: clusters.cluster_of,
        linked_by,
        applied,
        assignment,
        last_event,
        merges,
    })
}

fn write(request: &ResolveRequest<'_>, found: &Identified) -> Result<ResolveOutput, ResolveError> {
    let (warehouse, date) = (request.warehouse, request.business_date);
    let assignment = &found.assignment;
    let no_weights = HashMap::new();
    let input = XrefInput {
        records: &found.records,
        cluster_of: &found.cluster_of,
        linked_by: &found.linked_by,
        weights: found
            .applied
            .as_ref()
            .map_or(&no_weights, |applied| &applied.weights),
        model_version: found
            .applied
            .as_ref()
            .map_or(EXACT, |applied| &applied.model_version),
        ids: &assignment.ids,
        merged: &assignment.merged(),
        business_date: date,
        last_night: &request.base_xref,
    };
    let (xref, similar) = rayon::join(
        || write_xref(warehouse, &input),
        || {
            let applied = found.applied.as_ref();
            let written = applied.map(|applied| write_similar(warehouse, found, applied));
            written.transpose()
        },
    );
    let ((xref, linked_by), similar) = (xref?, similar?);
    let (edges, scores, blocks) = match similar {
        Some((edges, scores, blocks)) => (Some(edges), Some(scores), Some(blocks)),
        None => (None, None, None),
    };
    let events = if assignment.events.is_empty() {
        None
    } else {
        let first = found.last_event + 1;
        Some(tables::write_events(
            warehouse,
            &assignment.events,
            first,
            date,
        )?)
    };
    let aliases = tables::write_aliases(warehouse, &found.merges)?;
    let issued = if assignment.newly_issued.is_empty() {
        None
    } else {
        let new = &assignment.newly_issued;
        Some(JournalEvent::IdsIssued {
            business_date: date,
            file: tables::write_issued(warehouse, &found.records, new)?,
            rows: new.len() as u64,
        })
    };
    let count = |kind: IdEventKind| {
        let events = assignment.events.iter();
        events.filter(|event| event.kind == kind).count() as u64
    };
    let report = ResolveReport {
        records: found.records.len() as u64,
        customers: assignment.ids.len() as u64,
        ids_issued: assignment.newly_issued.len() as u64,
        merges: count(IdEventKind::Merge),
        splits: count(IdEventKind::Split),
        retirements: count(IdEventKind::Retire),
        linked_by,
        pairs_compared: found
            .applied
            .as_ref()
            .map_or(0, |applied| applied.pairs_compared),
        pairs_known: found
            .applied
            .as_ref()
            .map_or(0, |applied| applied.pairs_known),
        pairs_to_review: edges.as_ref().map_or(0, |edges| edges.review.rows),
        large_blocks: found.applied.iter().flat_map(large_blocks).collect(),
    };
    Ok(ResolveOutput {
        xref,
        events,
        aliases,
        edges,
        scores,
        blocks,
        issued,
        report,
    })
}

fn write_similar(
    warehouse: &Warehouse,
    found: &Identified,
    applied: &Applied,
) -> Result<(EdgeTables, ScoreTables, FileEntry), ResolveError> {
    let customer = |record: u32| found.assignment.ids[found.cluster_of[record as usize] as usize];
    let (edges, scores) = rayon::join(
        || write_edges(warehouse, &found.records, applied, &customer),
        || write_scores(warehouse, &applied.scores),
    );
    Ok((edges?, scores?, write_blocks(warehouse, &applied.blocks)?))
}

fn large_blocks(applied: &Applied) -> impl Iterator<Item = BlockCount> + '_ {
    let blocks = applied.blocks.iter();
    let large = blocks.filter(|each| each.refined_blocks + each.refused_blocks > 0);
    large.cloned()
}
