//! One night: builds the candidate of a business date upon its base.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::acceptances::signed;
use super::error::RunError;
use super::feeds::{FeedContext, LoadedFeed, inputs_by_feed, load_feeds};
use super::gates::{ModelGates, accept, campaign_gate, feed_gates};
use super::matching::{match_decisions, resolved_tables};
use super::measure::{FeedTimes, Making, Meter, Stage, StepMeasure};
use super::progress::{Progress, StepStatus};
use super::reference::load_reference;
use super::report::timed;
use super::source_file::source_file_table;
use super::source_system::source_system_table;
use super::steps::{Fingerprint, Identities, StepKind, table_identity};
use super::tables::{bindings, given_tables, own_table};
use super::types::stored_type;
use super::{CheckedProject, RunSettings};
use crate::config::matching::MatchingSpec;
use crate::domain::{BusinessDate, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::{Bindings, Session, TableSource};
use crate::stages::clean::TokenKeys;
use crate::stages::resolve::{ResolveRequest, resolve};
use crate::store::manifest::{CampaignEntry, ColumnEntry, FileEntry, GateResult, ViewEntry};
use crate::store::steps::StepOutput;
use crate::store::{Manifest, ReleaseId, TableEntry, Warehouse, WarehouseLock};

/// Bytes that finding customers holds of a record, with its pairs: of 4.6 million records 1.3 GB were measured, 281
/// each on the first night and 287 on the next, and an eighth more.
const RECORD_BYTES: u64 = 320;

pub struct NightContext<'a> {
    pub checked: &'a CheckedProject<'a>,
    pub settings: &'a RunSettings,
    pub warehouse: &'a Warehouse,
    pub lock: &'a WarehouseLock,
    pub tokens: &'a TokenKeys,
    pub date: BusinessDate,
    pub base: Option<&'a Manifest>,
    pub progress: &'a dyn Progress,
}

/// Builds the candidate; its release id is a proposal and its history still empty.
pub fn build_night(context: &NightContext, release: ReleaseId) -> Result<Manifest, RunError> {
    let project = context.checked.project;
    let n_steps = project.feeds().count()
        + project.models.len()
        + project.scores.len()
        + project.campaigns.len()
        + 2;
    context
        .progress
        .night_started(&context.date.to_string(), n_steps);
    let mut night = Night::try_new(context)?;
    let feeds = night.feeds()?;
    night.given(&feeds)?;
    night.resolve()?;
    night.models()?;
    night.scores()?;
    let campaigns = night.campaigns()?;
    let gates = night.gates(&feeds, &campaigns)?;

    let mut reports = BTreeMap::new();
    let mut inputs = Vec::new();
    for feed in feeds {
        let value = serde_json::to_value(&feed.entry).map_err(RunError::Report)?;
        reports.insert(feed.entry.report.feed.clone(), value);
        inputs.extend(feed.inputs);
    }
    Ok(Manifest {
        format: 1,
        release,
        business_date: context.date,
        base: context.base.map(|base| base.release),
        engine: concat!("salenet ", env!("CARGO_PKG_VERSION")).to_owned(),
        configuration: project.config_hash(),
        inputs,
        feeds: reports,
        gates,
        steps: night.fingerprints,
        tables: night.tables,
        parameters: night.bindings.values().clone(),
        views: night.views,
        campaigns,
        history: Vec::new(),
    })
}

/// What has been built so far tonight.
pub(super) struct Night<'a> {
    pub(super) context: &'a NightContext<'a>,
    pub(super) session: Session,
    pub(super) bindings: Bindings,
    pub(super) tables: BTreeMap<TableName, TableEntry>,
    pub(super) views: Vec<ViewEntry>,
    pub(super) identities: Identities,
    pub(super) fingerprints: BTreeMap<String, String>,
    /// Verdicts on models, by their position, as far as they have been given.
    pub(super) judged: BTreeMap<usize, ModelGates>,
}

/// Finding customers holds its records at once and does not spill: it stops before it starts where they cannot fit.
fn fits_into_memory(n_records: u64, limit: Option<usize>) -> Result<(), RunError> {
    let needed = n_records * RECORD_BYTES;
    match limit.and_then(|limit| u64::try_from(limit).ok()) {
        Some(limit) if needed > limit => Err(RunError::Usage {
            message: format!(
                "to find the customers of {n_records} records needs about {} MB, and --memory allows {} MB",
                needed.div_ceil(1_000_000),
                limit / 1_000_000
            ),
            hint: "give --memory that much, or leave it out".to_owned(),
        }),
        _ => Ok(()),
    }
}

impl<'a> Night<'a> {
    pub(super) fn try_new(context: &'a NightContext<'a>) -> Result<Self, RunError> {
        let project = context.checked.project;
        let session = Session::try_new(&context.settings.night_options())?;
        let given = given_tables(project);
        let mut declared = BTreeMap::new();
        for model in &project.models {
            let columns = model.columns.iter().filter_map(|column| {
                let data_type = stored_type(column.data_type.as_deref()?)?;
                Some(ColumnEntry {
                    name: column.name.clone(),
                    data_type,
                })
            });
            declared.insert(model.table.clone(), columns.collect());
        }
        let base = context.base.map(|base| &base.tables);
        let of_base = |name: &TableName| {
            let entry = base.and_then(|tables| tables.get(name))?;
            Some(TableSource::of(context.warehouse, entry))
        };
        for (name, columns) in declared {
            let source = of_base(&name).unwrap_or_else(|| TableSource::declared(columns));
            session.add_table(Catalogue::Base, &name, source);
        }
        // A column that has come since was never told: models that name it go on above an older release.
        for (name, columns) in given {
            let source = match of_base(&name) {
                Some(source) => source.or_null(columns),
                None => TableSource::declared(columns),
            };
            session.add_table(Catalogue::Base, &name, source);
        }
        Ok(Self {
            context,
            session,
            bindings: bindings(project, context.date),
            tables: BTreeMap::new(),
            views: Vec::new(),
            identities: Identities::new(),
            fingerprints: BTreeMap::new(),
            judged: BTreeMap::new(),
        })
    }

    pub(super) fn base_table(&self, name: &TableName) -> Option<&'a TableEntry> {
        self.context.base.and_then(|base| base.tables.get(name))
    }

    pub(super) fn base_files(&self, name: &TableName) -> Vec<FileEntry> {
        self.base_table(name)
            .map(|table| table.files.clone())
            .unwrap_or_default()
    }

    fn paths(&self, files: &[FileEntry]) -> Vec<PathBuf> {
        files
            .iter()
            .map(|file| self.context.warehouse.root().join(&file.path))
            .collect()
    }

    pub(super) fn add(&mut self, name: TableName, entry: TableEntry) {
        self.register(&name, &entry);
        self.identities.insert(name.clone(), table_identity(&entry));
        self.tables.insert(name, entry);
    }

    /// Lets queries read the table.
    pub(super) fn register(&self, name: &TableName, entry: &TableEntry) {
        let source = TableSource::of(self.context.warehouse, entry);
        self.session.add_table(Catalogue::Tonight, name, source);
    }

    fn feeds(&mut self) -> Result<Vec<LoadedFeed>, RunError> {
        let context = self.context;
        let journal = context.warehouse.journal()?;
        let times = FeedTimes::start(context.progress);
        let feeds = load_feeds(&FeedContext {
            project: context.checked.project,
            settings: context.settings,
            warehouse: context.warehouse,
            journal: &journal,
            tokens: context.tokens,
            date: context.date,
            base: context.base,
            base_inputs: &inputs_by_feed(context.base),
            progress: &times,
        })?;
        context.progress.step_measured(times.stop());
        for feed in &feeds {
            self.add(feed.staging.0.clone(), feed.staging.1.clone());
            self.add(feed.quarantine.0.clone(), feed.quarantine.1.clone());
        }
        Ok(feeds)
    }

    pub(super) fn references(&mut self) -> Result<(), RunError> {
        let context = self.context;
        for reference in &context.checked.project.references {
            let entry = load_reference(context.warehouse, reference, context.tokens)?;
            self.add(reference.table.clone(), entry);
        }
        let sources = source_system_table(context.warehouse, &context.checked.project.sources)?;
        self.add(own_table("core", "source_system"), sources);
        Ok(())
    }

    /// Tables that no step makes: references, and which file came from where.
    fn given(&mut self, feeds: &[LoadedFeed]) -> Result<(), RunError> {
        let meter = Meter::start();
        self.references()?;
        self.source_files(feeds)?;
        let references = self.context.checked.project.references.iter();
        let tables = references.filter_map(|reference| self.tables.get(&reference.table));
        let rows = tables.map(TableEntry::rows).sum();
        self.measured(Stage::Reference, "reference", StepStatus::Ran, rows, &meter);
        Ok(())
    }

    fn source_files(&mut self, feeds: &[LoadedFeed]) -> Result<(), RunError> {
        let name = own_table("core", "source_file");
        let inputs: Vec<_> = feeds.iter().flat_map(|feed| &feed.inputs).collect();
        let context = self.context;
        let entry = source_file_table(
            context.warehouse,
            &inputs,
            context.date,
            self.base_files(&name),
        )?;
        self.add(name, entry);
        Ok(())
    }

    fn resolve(&mut self) -> Result<(), RunError> {
        let context = self.context;
        let Some(spec) = &context.checked.project.matching else {
            return Ok(());
        };
        let (xref, events) = (
            own_table("core", "customer_xref"),
            own_table("core", "customer_id_event"),
        );
        let fingerprint = self.resolve_fingerprint(spec)?;
        let output = self.step(Stage::Resolve, "resolve", &fingerprint, |night| {
            let tables = spec.records.iter();
            let tables = tables.filter_map(|source| night.tables.get(&source.table));
            fits_into_memory(tables.map(TableEntry::rows).sum(), context.settings.memory)?;
            let staging = spec.records.iter().map(|source| {
                let files = night
                    .tables
                    .get(&source.table)
                    .map(|table| night.paths(&table.files));
                (source.table.clone(), files.unwrap_or_default())
            });
            let journal = context.warehouse.journal()?;
            let issued = journal
                .issued_id_files()
                .map(|file| context.warehouse.root().join(file))
                .collect();
            let request = ResolveRequest {
                warehouse: context.warehouse,
                spec,
                business_date: context.date,
                staging: staging.collect(),
                base_xref: night.paths(&night.base_files(&xref)),
                base_events: night.paths(&night.base_files(&events)),
                base_match_records: night
                    .paths(&night.base_files(&own_table("core", "match_record"))),
                base_match_pairs: night.paths(&night.base_files(&own_table("core", "match_pair"))),
                issued,
                decisions: match_decisions(&journal),
                threads: context.settings.threads,
            };
            let mut output = resolve(&request)?;
            // Durable before anything is built on these ids: a rerun finds them here and gives nobody else the same.
            context
                .warehouse
                .append_to_journal(context.lock, output.issued.take().into_iter().collect())?;
            let report = serde_json::to_value(&output.report).map_err(RunError::Report)?;
            Ok(StepOutput {
                step: "resolve".to_owned(),
                tables: resolved_tables(output, night.base_files(&events)),
                files: Vec::new(),
                report,
            })
        })?;
        for (name, entry) in output.tables {
            self.add(name, entry);
        }
        Ok(())
    }

    pub(super) fn resolve_fingerprint(&self, spec: &MatchingSpec) -> Result<String, RunError> {
        let mut fingerprint = Fingerprint::new(StepKind::Resolve);
        fingerprint.add(
            "matching",
            &serde_json::to_string(spec).map_err(RunError::Report)?,
        );
        fingerprint.add("date", &self.context.date.to_string());
        for decision in match_decisions(&self.context.warehouse.journal()?) {
            fingerprint.add("decision", &format!("{decision:?}"));
        }
        for source in &spec.records {
            let identity = self.identities.get(&source.table);
            fingerprint.add("records", identity.map_or("", String::as_str));
        }
        for (schema, table) in [("core", "customer_xref"), ("core", "customer_id_event")] {
            let base = self.base_table(&own_table(schema, table));
            fingerprint.add("base", &base.map(table_identity).unwrap_or_default());
        }
        Ok(fingerprint.finish())
    }

    /// Everything that must hold, sorted by id.
    fn gates(
        &mut self,
        feeds: &[LoadedFeed],
        campaigns: &[CampaignEntry],
    ) -> Result<Vec<GateResult>, RunError> {
        let of_feeds = feeds.iter().flat_map(|feed| feed_gates(&feed.entry));
        let mut gates: Vec<GateResult> = of_feeds.collect();
        gates.extend(self.model_verdicts()?);
        gates.extend(
            campaigns
                .iter()
                .filter(|entry| !entry.waterfall.is_empty())
                .map(campaign_gate),
        );
        let context = self.context;
        accept(&mut gates, &context.checked.project.acceptances);
        accept(&mut gates, &signed(&context.warehouse.journal()?));
        gates.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(gates)
    }

    pub(super) fn measured(
        &self,
        stage: Stage,
        step: &str,
        status: StepStatus,
        rows: u64,
        meter: &Meter,
    ) {
        self.context.progress.step_measured(StepMeasure {
            stage,
            step: step.to_owned(),
            status,
            rows,
            making: Making::default(),
            usage: meter.stop(),
            parts: Vec::new(),
        });
    }

    /// Runs a step that nothing runs beside.
    pub(super) fn step(
        &mut self,
        stage: Stage,
        name: &str,
        fingerprint: &str,
        compute: impl FnOnce(&Self) -> Result<StepOutput, RunError>,
    ) -> Result<StepOutput, RunError> {
        self.fingerprints
            .insert(name.to_owned(), fingerprint.to_owned());
        let meter = Meter::start();
        let (output, status) = self.run_or_reuse(name, fingerprint, || compute(self))?;
        self.measured(stage, name, status, rows_of(&output), &meter);
        Ok(output)
    }

    /// Runs a step unless its fingerprint already has an output.
    pub(super) fn run_or_reuse(
        &self,
        name: &str,
        fingerprint: &str,
        compute: impl FnOnce() -> Result<StepOutput, RunError>,
    ) -> Result<(StepOutput, StepStatus), RunError> {
        let context = self.context;
        context.progress.step_started(name);
        let started = timed();
        let known = context.warehouse.step_output(fingerprint)?;
        let (output, status) = if let Some(output) = known {
            (output, StepStatus::Reused)
        } else {
            let output = compute()?;
            context.warehouse.record_step(fingerprint, &output)?;
            (output, StepStatus::Ran)
        };
        context
            .progress
            .step_finished(name, status, rows_of(&output), started.elapsed());
        Ok((output, status))
    }
}

/// Of all tables that a step made.
pub(super) fn rows_of(output: &StepOutput) -> u64 {
    output.tables.values().map(TableEntry::rows).sum()
}
