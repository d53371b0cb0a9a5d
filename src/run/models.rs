//! Builds the models of a night, each after those it reads, several at once; checks fill the time between them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::CheckedProject;
use super::error::RunError;
use super::gates::ModelGates;
use super::measure::{Making, Meter, SideBySide, Stage, StepMeasure};
use super::night::{Night, rows_of};
use super::progress::StepStatus;
use super::report::timed;
use super::steps::{Fingerprint, Identities, StepKind, table_identity};
use super::walk::walk;
use crate::config::model::{Materialisation, ModelSpec};
use crate::domain::TableName;
use crate::sql::dependencies::TableReferences;
use crate::stages::model::{ModelRequest, build_model};
use crate::store::TableEntry;
use crate::store::manifest::ViewEntry;
use crate::store::steps::StepOutput;

/// Stack of a thread that plans queries: unoptimised builds need several kilobytes for each operator of a plan.
const STACK_BYTES: usize = 64 << 20;

/// A model that has been built; a view has no output.
struct Made {
    fingerprint: String,
    output: Option<StepOutput>,
    /// Tonight.
    making: Making,
}

/// What models built side by side tell each other.
struct Shared {
    identities: Identities,
    tables: BTreeMap<TableName, TableEntry>,
    /// By position in the project.
    made: BTreeMap<usize, Made>,
    judged: BTreeMap<usize, ModelGates>,
    /// By place in the order of nodes.
    failed: BTreeMap<usize, RunError>,
}

impl Night<'_> {
    /// Builds every model. With one thread, one after the other.
    pub(super) fn models(&mut self) -> Result<(), RunError> {
        let pool = self.pool()?;
        pool.install(|| {
            if pool.current_num_threads() > 1 {
                self.models_side_by_side()
            } else {
                self.models_in_order()
            }
        })
    }

    fn models_in_order(&mut self) -> Result<(), RunError> {
        let graph = &self.context.checked.graph;
        for &position in &graph.order {
            let fingerprint = self.fingerprint_of(position, &self.identities)?;
            let meter = Meter::start();
            let (made, status) = self.make(position, fingerprint)?;
            if let Some(output) = &made.output {
                self.context.progress.step_measured(StepMeasure {
                    stage: Stage::Model,
                    step: output.step.clone(),
                    status,
                    rows: rows_of(output),
                    making: made.making.clone(),
                    usage: meter.stop(),
                    parts: Vec::new(),
                });
            }
            identify(position, &made, self.context.checked, &mut self.identities);
            self.keep(position, made);
        }
        Ok(())
    }

    fn models_side_by_side(&mut self) -> Result<(), RunError> {
        let graph = &self.context.checked.graph;
        let nodes = self.models_and_checks()?;
        let mut place = vec![0; nodes.order.len()];
        for (at, &node) in nodes.order.iter().enumerate() {
            place[node] = at;
        }
        let shared = Mutex::new(Shared {
            identities: self.identities.clone(),
            tables: self.tables.clone(),
            made: BTreeMap::new(),
            judged: BTreeMap::new(),
            failed: BTreeMap::new(),
        });
        let times = SideBySide::start(Stage::Model);
        let night = &*self;
        walk(&nodes.order, &nodes.inputs, |node| {
            if !lock(&shared).failed.is_empty() {
                return;
            }
            let done = match node.checked_sub(graph.order.len()) {
                None => night.make_beside_others(node, &shared, &times),
                Some(position) if nodes.wait[position] => Ok(()),
                Some(position) => night.judge_beside_others(position, &shared, &times),
            };
            if let Err(error) = done {
                lock(&shared).failed.insert(place[node], error);
            }
        });
        let mut shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, error)) = shared.failed.pop_first() {
            return Err(error);
        }
        let measure = times.stop("models and checks");
        self.context.progress.step_measured(measure);
        self.identities = shared.identities;
        self.judged = shared.judged;
        for position in &graph.order {
            if let Some(made) = shared.made.remove(position) {
                self.keep(*position, made);
            }
        }
        Ok(())
    }

    fn make_beside_others(
        &self,
        position: usize,
        shared: &Mutex<Shared>,
        times: &SideBySide,
    ) -> Result<(), RunError> {
        let started = timed();
        let fingerprint = self.fingerprint_of(position, &lock(shared).identities)?;
        let (made, status) = self.make(position, fingerprint)?;
        let mut shared = lock(shared);
        if let Some(output) = &made.output {
            let rows = rows_of(output);
            let making = made.making.clone();
            times.add_table(&output.step, status, rows, making, started.elapsed());
            shared.tables.extend(output.tables.clone());
        }
        identify(
            position,
            &made,
            self.context.checked,
            &mut shared.identities,
        );
        shared.made.insert(position, made);
        Ok(())
    }

    fn judge_beside_others(
        &self,
        position: usize,
        shared: &Mutex<Shared>,
        times: &SideBySide,
    ) -> Result<(), RunError> {
        let started = timed();
        let (identities, tables) = {
            let shared = lock(shared);
            (shared.identities.clone(), shared.tables.clone())
        };
        let found = self.judge(position, &identities, &tables)?;
        // The rows are those of the model, counted with it.
        times.add(&found.step.0, found.status, 0, started.elapsed());
        lock(shared).judged.insert(position, found);
        Ok(())
    }

    pub(super) fn pool(&self) -> Result<rayon::ThreadPool, RunError> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.context.settings.threads.get())
            .stack_size(STACK_BYTES)
            .build()
            .map_err(|error| RunError::Threads {
                problem: error.to_string(),
            })
    }

    fn fingerprint_of(&self, position: usize, identities: &Identities) -> Result<String, RunError> {
        let checked = self.context.checked;
        let model = &checked.project.models[position];
        self.model_fingerprint(model, &checked.graph.reads[position], identities)
    }

    /// Builds a model and lets queries read it.
    fn make(&self, position: usize, fingerprint: String) -> Result<(Made, StepStatus), RunError> {
        let model = &self.context.checked.project.models[position];
        if model.materialisation == Materialisation::View {
            build_model(&self.model_request(model))?;
            let made = Made {
                fingerprint,
                output: None,
                making: Making::default(),
            };
            return Ok((made, StepStatus::Ran));
        }
        let name = model.table.to_string();
        let mut making = Making::default();
        let (output, status) = self.run_or_reuse(&name, &fingerprint, || {
            let built = build_model(&self.model_request(model))?;
            let entry = built.map_or_else(TableEntry::default, |built| {
                making.queries = Some(built.queries);
                making.ran_again = built.ran_again;
                built.table
            });
            Ok(StepOutput {
                step: name.clone(),
                tables: BTreeMap::from([(model.table.clone(), entry)]),
                files: Vec::new(),
                report: serde_json::Value::Null,
            })
        })?;
        for (name, entry) in &output.tables {
            self.register(name, entry);
        }
        let made = Made {
            fingerprint,
            output: Some(output),
            making,
        };
        Ok((made, status))
    }

    /// Notes for the manifest what was made.
    fn keep(&mut self, position: usize, made: Made) {
        let model = &self.context.checked.project.models[position];
        match made.output {
            Some(output) => {
                self.fingerprints.insert(output.step, made.fingerprint);
                self.tables.extend(output.tables);
            }
            None => self.views.push(ViewEntry {
                table: model.table.clone(),
                sql: model.sql.clone(),
            }),
        }
    }

    fn model_request<'n>(&'n self, model: &'n ModelSpec) -> ModelRequest<'n> {
        ModelRequest {
            session: &self.session,
            warehouse: self.context.warehouse,
            model,
            bindings: &self.bindings,
            business_date: self.context.date,
            base: self.base_table(&model.table),
        }
    }

    pub(super) fn model_fingerprint(
        &self,
        model: &ModelSpec,
        reads: &TableReferences,
        identities: &Identities,
    ) -> Result<String, RunError> {
        let mut fingerprint = Fingerprint::new(StepKind::Model);
        fingerprint.add("sql", &model.sql);
        fingerprint.add("grain", &model.grain.join(","));
        fingerprint.add(
            "kind",
            &serde_json::to_string(&model.materialisation).map_err(RunError::Report)?,
        );
        for value in self.bindings.used_in(&model.sql) {
            fingerprint.add("value", &value);
        }
        for table in &reads.tonight {
            fingerprint.add(
                &table.to_string(),
                identities.get(table).map_or("", String::as_str),
            );
        }
        let base = |table| {
            self.base_table(table)
                .map(table_identity)
                .unwrap_or_default()
        };
        for table in &reads.base {
            fingerprint.add(&format!("base.{table}"), &base(table));
        }
        if matches!(
            model.materialisation,
            Materialisation::Month | Materialisation::Append
        ) {
            fingerprint.add("date", &self.context.date.to_string());
            fingerprint.add("own", &base(&model.table));
        }
        Ok(fingerprint.finish())
    }
}

/// What models that read this one put into their fingerprints.
fn identify(position: usize, made: &Made, checked: &CheckedProject, identities: &mut Identities) {
    match &made.output {
        Some(output) => identities.extend(
            output
                .tables
                .iter()
                .map(|(name, entry)| (name.clone(), table_identity(entry))),
        ),
        None => {
            let model = &checked.project.models[position];
            identities.insert(model.table.clone(), made.fingerprint.clone());
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // A model whose thread died has added nothing.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
