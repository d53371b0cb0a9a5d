//! The feed steps of a night: find every delivery, load what is new, carry forward what may be.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::progress::{Progress, StepStatus};
use super::report::timed;
use super::steps::{Fingerprint, StepKind};
use super::tables::{QUARANTINE_COLUMNS, quarantine_table};
use super::{RunError, RunSettings};
use crate::config::feed::{Delivery as DeliveryKind, FeedSpec, OnMissing};
use crate::config::project::Project;
use crate::domain::{BusinessDate, TableName};
use crate::sql::schema::{columns_of, staging_columns};
use crate::stages::clean::TokenKeys;
use crate::stages::extract::{
    DeliveredFile, Delivery, ExtractError, FeedReport, LoadRequest, Origin, find_delivery,
    hash_file, load_feed, merge_changes,
};
use crate::store::manifest::{FileEntry, InputEntry};
use crate::store::steps::StepOutput;
use crate::store::{Journal, Manifest, TableEntry, Warehouse};

/// What the manifest says of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEntry {
    #[serde(flatten)]
    pub report: FeedReport,
    /// Nights in a row without a delivery; 0 when tonight's came.
    pub carried_nights: u32,
}

/// A feed as it stands after its step.
#[derive(Debug)]
pub struct LoadedFeed {
    pub staging: (TableName, TableEntry),
    pub quarantine: (TableName, TableEntry),
    pub entry: FeedEntry,
    pub inputs: Vec<InputEntry>,
}

pub struct FeedContext<'a> {
    pub project: &'a Project,
    pub settings: &'a RunSettings,
    pub warehouse: &'a Warehouse,
    pub journal: &'a Journal,
    pub tokens: &'a TokenKeys,
    pub date: BusinessDate,
    pub base: Option<&'a Manifest>,
    /// What the base release was loaded from.
    pub base_inputs: &'a InputsByFeed<'a>,
    pub progress: &'a dyn Progress,
}

/// The inputs of a release, by qualified feed name.
pub type InputsByFeed<'a> = BTreeMap<&'a str, Vec<&'a InputEntry>>;

#[must_use]
pub fn inputs_by_feed(release: Option<&Manifest>) -> InputsByFeed<'_> {
    let mut by_feed = InputsByFeed::new();
    for input in release.iter().flat_map(|release| &release.inputs) {
        by_feed.entry(&input.feed).or_default().push(input);
    }
    by_feed
}

/// Stack of a loading thread: row rules are evaluated by recursion over their expressions.
const STACK_BYTES: usize = 16 << 20;

struct FoundFeed<'a> {
    feed: &'a FeedSpec,
    delivery: Delivery,
}

impl FoundFeed<'_> {
    fn bytes(&self) -> u64 {
        match &self.delivery {
            Delivery::Found { file, .. } => {
                std::fs::metadata(&file.path).map_or(0, |found| found.len())
            }
            Delivery::Missing { .. } => 0,
        }
    }
}

/// Finds all deliveries first, so that everything missing is reported at once, then loads feed by feed in parallel.
pub fn load_feeds(context: &FeedContext) -> Result<Vec<LoadedFeed>, RunError> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for feed in context.project.feeds() {
        match find_delivery(feed, &context.settings.landing, context.date) {
            Ok(delivery) => match missing(context, feed, &delivery) {
                Some(problem) => problems.push(problem),
                None => found.push(FoundFeed { feed, delivery }),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(RunError::Deliveries(problems));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(context.settings.threads.get())
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| RunError::Threads {
            problem: error.to_string(),
        })?;
    // The largest first: no thread is left alone with it at the end.
    let mut order: Vec<(usize, &FoundFeed)> = found.iter().enumerate().collect();
    order.sort_by_key(|(position, found)| (Reverse(found.bytes()), *position));
    let mut loaded: Vec<(usize, Result<LoadedFeed, RunError>)> = pool.install(|| {
        let load = |(position, found): &(usize, &FoundFeed)| {
            (*position, load(context, found.feed, &found.delivery))
        };
        order.iter().par_bridge().map(load).collect()
    });
    loaded.sort_by_key(|(position, _)| *position);
    let mut feeds = Vec::with_capacity(loaded.len());
    for (_, result) in loaded {
        match result {
            Ok(feed) => feeds.push(feed),
            Err(RunError::Deliveries(more)) => problems.extend(more),
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() {
        Ok(feeds)
    } else {
        Err(RunError::Deliveries(problems))
    }
}

/// Whether tonight's absence of a delivery stops the night.
pub(super) fn missing(
    context: &FeedContext,
    feed: &FeedSpec,
    delivery: &Delivery,
) -> Option<ExtractError> {
    let Delivery::Missing { relative_path } = delivery else {
        return None;
    };
    let carried = base_entry(context, feed).map(|entry| entry.carried_nights);
    let allowed = match (feed.on_missing, carried) {
        (OnMissing::NoRows, _) => true,
        (OnMissing::CarryForward { max_days }, Some(carried)) => carried < max_days,
        _ => false,
    };
    (!allowed).then(|| ExtractError::Missing {
        feed: feed.qualified_name(),
        path: context
            .settings
            .landing
            .join(relative_path)
            .display()
            .to_string(),
    })
}

fn base_entry(context: &FeedContext, feed: &FeedSpec) -> Option<FeedEntry> {
    let entry = context.base?.feeds.get(&feed.qualified_name())?;
    serde_json::from_value(entry.clone()).ok()
}

fn load(
    context: &FeedContext,
    feed: &FeedSpec,
    delivery: &Delivery,
) -> Result<LoadedFeed, RunError> {
    let name = feed.qualified_name();
    context.progress.step_started(&name);
    let started = timed();
    let (loaded, status) = match delivery {
        Delivery::Missing { .. } => (not_delivered(context, feed), StepStatus::Reused),
        Delivery::Found { file, control } => {
            load_or_reuse(context, feed, file, control.as_deref())?
        }
    };
    context.progress.step_finished(
        &name,
        status,
        loaded.entry.report.rows.read,
        started.elapsed(),
    );
    Ok(loaded)
}

/// A feed whose absence does not stop the night.
fn not_delivered(context: &FeedContext, feed: &FeedSpec) -> LoadedFeed {
    match feed.on_missing {
        OnMissing::NoRows => without_rows(context, feed),
        OnMissing::Stop | OnMissing::CarryForward { .. } => carry_forward(context, feed),
    }
}

fn carry_forward(context: &FeedContext, feed: &FeedSpec) -> LoadedFeed {
    let base = |table: &TableName| {
        context
            .base
            .and_then(|base| base.tables.get(table))
            .cloned()
    };
    let quarantine = quarantine_table(&feed.table);
    let entry = FeedEntry {
        report: FeedReport::empty(&feed.qualified_name()),
        carried_nights: base_entry(context, feed).map_or(0, |entry| entry.carried_nights) + 1,
    };
    let mut staging = base(&feed.table).unwrap_or_default();
    staging.columns = staging_columns(feed);
    LoadedFeed {
        quarantine: (
            quarantine.clone(),
            base(&quarantine).unwrap_or_else(empty_quarantine),
        ),
        staging: (feed.table.clone(), staging),
        entry,
        inputs: Vec::new(),
    }
}

/// What earlier nights brought, as far as it is kept; nothing of tonight.
fn without_rows(context: &FeedContext, feed: &FeedSpec) -> LoadedFeed {
    let quarantine = quarantine_table(&feed.table);
    let (kept_staging, kept_quarantine) = kept(context, feed);
    let table = |columns, files| TableEntry {
        columns,
        files,
        ..TableEntry::default()
    };
    LoadedFeed {
        staging: (
            feed.table.clone(),
            table(staging_columns(feed), kept_staging),
        ),
        quarantine: (
            quarantine,
            table(columns_of(QUARANTINE_COLUMNS), kept_quarantine),
        ),
        entry: FeedEntry {
            report: FeedReport::empty(&feed.qualified_name()),
            carried_nights: 0,
        },
        inputs: Vec::new(),
    }
}

fn empty_quarantine() -> TableEntry {
    TableEntry {
        columns: columns_of(QUARANTINE_COLUMNS),
        ..TableEntry::default()
    }
}

/// Everything that decides the output of a feed's step.
struct PreparedFeed {
    files: Vec<DeliveredFile>,
    kept_staging: Vec<FileEntry>,
    kept_quarantine: Vec<FileEntry>,
    /// Of everything but the contents of the files.
    request: Fingerprint,
}

fn prepare(
    context: &FeedContext,
    feed: &FeedSpec,
    file: &DeliveredFile,
    control: Option<&Path>,
) -> Result<PreparedFeed, RunError> {
    let mut files = vec![file.clone()];
    for replay in context
        .journal
        .replays(&feed.qualified_name(), context.date)
    {
        let path = context.warehouse.root().join(replay);
        files.push(DeliveredFile {
            relative_path: replay.to_owned(),
            path,
            origin: Origin::Replay,
        });
    }
    let (kept_staging, kept_quarantine) = kept(context, feed);
    let request = request_fingerprint(
        context,
        feed,
        &files,
        control,
        kept_staging.iter().chain(&kept_quarantine),
    )?;
    Ok(PreparedFeed {
        files,
        kept_staging,
        kept_quarantine,
        request,
    })
}

/// The feed as an earlier run left it for exactly this delivery; `None` when it would have to be loaded.
pub(super) fn known(
    context: &FeedContext,
    feed: &FeedSpec,
    delivery: &Delivery,
) -> Result<Option<LoadedFeed>, RunError> {
    let Delivery::Found { file, control } = delivery else {
        return Ok(Some(not_delivered(context, feed)));
    };
    let prepared = prepare(context, feed, file, control.as_deref())?;
    output_of(context, feed, &prepared)
}

/// What an earlier run loaded from the same contents. The files are read only if it loaded anything for this night:
/// on a first run each byte is read once.
fn output_of(
    context: &FeedContext,
    feed: &FeedSpec,
    prepared: &PreparedFeed,
) -> Result<Option<LoadedFeed>, RunError> {
    let was_loaded = context.warehouse.step_output(&prepared.request.finish())?;
    if was_loaded.is_none() {
        return Ok(None);
    }
    let mut hashes = Vec::with_capacity(prepared.files.len());
    for file in &prepared.files {
        let hash = hash_file(&file.relative_path, &file.path)
            .map_err(|error| RunError::Deliveries(vec![error]))?;
        hashes.push(hash.blake3);
    }
    let fingerprint = with_contents(&prepared.request, &hashes);
    let output = context.warehouse.step_output(&fingerprint)?;
    Ok(output.and_then(|output| from_output(feed, &quarantine_table(&feed.table), output)))
}

fn load_or_reuse(
    context: &FeedContext,
    feed: &FeedSpec,
    file: &DeliveredFile,
    control: Option<&Path>,
) -> Result<(LoadedFeed, StepStatus), RunError> {
    let quarantine = quarantine_table(&feed.table);
    let prepared = prepare(context, feed, file, control)?;
    if let Some(loaded) = output_of(context, feed, &prepared)? {
        return Ok((loaded, StepStatus::Reused));
    }
    let PreparedFeed {
        files,
        kept_staging,
        kept_quarantine,
        request,
    } = prepared;
    let (staged, rejected, report) = load_files(context, feed, &files, control, &kept_staging)?;
    let staging = TableEntry {
        columns: staging_columns(feed),
        sorted_by: Vec::new(),
        files: match feed.delivery {
            DeliveryKind::Append => kept_staging.into_iter().chain(staged).collect(),
            DeliveryKind::Snapshot | DeliveryKind::Changes => staged.into_iter().collect(),
        },
    };
    let mut quarantined = empty_quarantine();
    quarantined.files = kept_quarantine.into_iter().chain(rejected).collect();
    let entry = FeedEntry {
        report,
        carried_nights: 0,
    };
    let output = StepOutput {
        step: feed.qualified_name(),
        tables: BTreeMap::from([
            (feed.table.clone(), staging.clone()),
            (quarantine.clone(), quarantined.clone()),
        ]),
        files: Vec::new(),
        report: serde_json::to_value(&entry).map_err(RunError::Report)?,
    };
    let hashes = entry.report.files.iter().map(|file| file.blake3.clone());
    let fingerprint = with_contents(&request, &hashes.collect::<Vec<_>>());
    context.warehouse.record_step(&fingerprint, &output)?;
    let was_loaded = StepOutput {
        step: feed.qualified_name(),
        tables: BTreeMap::new(),
        files: Vec::new(),
        report: serde_json::Value::Null,
    };
    context
        .warehouse
        .record_step(&request.finish(), &was_loaded)?;
    let inputs = inputs(&entry.report);
    let loaded = LoadedFeed {
        staging: (feed.table.clone(), staging),
        quarantine: (quarantine, quarantined),
        entry,
        inputs,
    };
    Ok((loaded, StepStatus::Ran))
}

fn from_output(
    feed: &FeedSpec,
    quarantine: &TableName,
    mut output: StepOutput,
) -> Option<LoadedFeed> {
    let staging = output.tables.remove(&feed.table)?;
    let quarantined = output.tables.remove(quarantine)?;
    let entry: FeedEntry = serde_json::from_value(output.report).ok()?;
    let inputs = inputs(&entry.report);
    Some(LoadedFeed {
        staging: (feed.table.clone(), staging),
        quarantine: (quarantine.clone(), quarantined),
        entry,
        inputs,
    })
}

/// Files of the base's table that stay: those of the last `nights`, tonight counted.
/// Files of earlier nights that stay beside tonight's: staging, of append feeds, and quarantine.
fn kept(context: &FeedContext, feed: &FeedSpec) -> (Vec<FileEntry>, Vec<FileEntry>) {
    let base_table = |table: &TableName| context.base.and_then(|base| base.tables.get(table));
    let staging_days = context.project.bank.retention.staging_days;
    let staging = if feed.delivery == DeliveryKind::Append {
        // Long enough to find every duplicate that the feed looks for.
        let nights = staging_days.max(feed.dedupe_days + 1);
        kept_files(context, base_table(&feed.table), nights)
    } else {
        Vec::new()
    };
    let quarantine = base_table(&quarantine_table(&feed.table));
    (staging, kept_files(context, quarantine, staging_days))
}

fn kept_files(context: &FeedContext, table: Option<&TableEntry>, nights: u32) -> Vec<FileEntry> {
    let Some(table) = table else {
        return Vec::new();
    };
    let oldest = format!(
        "date={}",
        context.date.minus_days(u64::from(nights.saturating_sub(1)))
    );
    let recent = |file: &&FileEntry| {
        file.partition
            .as_ref()
            .is_some_and(|partition| *partition >= oldest)
    };
    table.files.iter().filter(recent).cloned().collect()
}

fn with_contents(request: &Fingerprint, hashes: &[String]) -> String {
    let mut fingerprint = request.clone();
    for hash in hashes {
        fingerprint.add("content", hash);
    }
    fingerprint.finish()
}

fn request_fingerprint<'f>(
    context: &FeedContext,
    feed: &FeedSpec,
    files: &[DeliveredFile],
    control: Option<&Path>,
    kept: impl Iterator<Item = &'f FileEntry>,
) -> Result<Fingerprint, RunError> {
    let mut fingerprint = Fingerprint::new(StepKind::Feed);
    fingerprint.add(
        "feed",
        &serde_json::to_string(feed).map_err(RunError::Report)?,
    );
    fingerprint.add("date", &context.date.to_string());
    fingerprint.add("key", context.tokens.current_id());
    for file in files {
        fingerprint.add("file", &file.relative_path);
    }
    if let Some(control) = control {
        let text = std::fs::read(control).map_err(|source| RunError::Read {
            path: control.to_owned(),
            source,
        })?;
        fingerprint.add("control", blake3::hash(&text).to_hex().as_str());
    }
    for file in kept {
        fingerprint.add("kept", &file.path);
    }
    if let Some(base) = context.base {
        for file in base
            .tables
            .get(&feed.table)
            .iter()
            .flat_map(|table| &table.files)
        {
            fingerprint.add("base", &file.path);
        }
    }
    for input in inputs_before(context, &feed.qualified_name()) {
        fingerprint.add("before", &input.blake3);
    }
    Ok(fingerprint)
}

/// What the feed was loaded from for the base release.
fn inputs_before<'a>(context: &FeedContext<'a>, feed: &str) -> &'a [&'a InputEntry] {
    let inputs = context.base_inputs.get(feed);
    inputs.map_or(&[], |inputs| inputs.as_slice())
}

type Loaded = (Option<FileEntry>, Option<FileEntry>, FeedReport);

fn load_files(
    context: &FeedContext,
    feed: &FeedSpec,
    files: &[DeliveredFile],
    control: Option<&Path>,
    kept_staging: &[FileEntry],
) -> Result<Loaded, RunError> {
    let name = feed.qualified_name();
    let base_files = |table: &TableName| -> Vec<PathBuf> {
        let table = context.base.and_then(|base| base.tables.get(table));
        table
            .iter()
            .flat_map(|table| &table.files)
            .map(|file| context.warehouse.root().join(&file.path))
            .collect()
    };
    let oldest = format!(
        "date={}",
        context.date.minus_days(u64::from(feed.dedupe_days))
    );
    let earlier = kept_staging
        .iter()
        .filter(|file| file.partition.as_ref().is_some_and(|date| *date >= oldest));
    let before = inputs_before(context, &name);
    let request = LoadRequest {
        feed,
        files,
        control: control.map(Path::to_owned),
        business_date: context.date,
        tokens: context.tokens,
        earlier_keys: &earlier
            .map(|file| context.warehouse.root().join(&file.path))
            .collect::<Vec<_>>(),
        previous_hashes: &before
            .iter()
            .map(|input| input.blake3.clone())
            .collect::<Vec<_>>(),
        previous_rows: before.first().map(|input| input.rows),
        threads: context.settings.threads,
        key_bytes: context.settings.key_bytes(),
        warehouse: context.warehouse,
    };
    let loaded = load_feed(&request).map_err(|error| RunError::Deliveries(vec![error]))?;
    let (staged, rejected, report) = (loaded.staging, loaded.quarantine, loaded.report);

    let folder = format!("data/{}/{}", feed.table.schema(), feed.table.table());
    let tonight = format!("date={}", context.date);
    let loaded = report.rows.loaded;
    let staged = match feed.delivery {
        DeliveryKind::Snapshot => Some(staged.commit(&folder, "parquet", loaded, None)?),
        DeliveryKind::Append if loaded == 0 => None,
        DeliveryKind::Append => {
            Some(staged.commit(&folder, "parquet", loaded, Some(tonight.clone()))?)
        }
        DeliveryKind::Changes => {
            let mut state = context.warehouse.new_file()?;
            let rows = merge_changes(
                &base_files(&feed.table),
                staged.temporary_path(),
                &feed.key,
                &|| context.warehouse.scratch_file(),
                &mut state,
            )
            .map_err(|error| RunError::Deliveries(vec![error]))?;
            Some(state.commit(&folder, "parquet", rows, None)?)
        }
    };
    let rejected = if report.rows.rejected == 0 {
        None
    } else {
        let quarantine = quarantine_table(&feed.table);
        let folder = format!("data/{}/{}", quarantine.schema(), quarantine.table());
        Some(rejected.commit(&folder, "parquet", report.rows.rejected, Some(tonight))?)
    };
    Ok((staged, rejected, report))
}

fn inputs(report: &FeedReport) -> Vec<InputEntry> {
    let files = report.files.iter();
    files
        .map(|file| InputEntry {
            feed: report.feed.clone(),
            path: file.relative_path.clone(),
            file_id: file.file_id,
            blake3: file.blake3.clone(),
            bytes: file.bytes,
            rows: file.rows_read,
        })
        .collect()
}
