//! `plan`: what a run would do and why, without doing it.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::chain::{DateSelection, History, load_tokens};
use super::feeds::{FeedContext, inputs_by_feed, known, missing};
use super::night::{Night, NightContext};
use super::progress::Silent;
use super::steps::table_identity;
use super::tables::own_table;
use super::{CheckedProject, RunError, RunSettings};
use crate::config::feed::OnMissing;
use crate::config::model::{Materialisation, ModelSpec};
use crate::domain::{BusinessDate, TableName};
use crate::sql::dependencies::TableReferences;
use crate::stages::clean::TokenKeys;
use crate::stages::extract::{Delivery, find_delivery};
use crate::store::{Journal, Manifest, Warehouse};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedAction {
    Reuse,
    Run,
    /// The run would stop here.
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    pub step: String,
    pub action: PlannedAction,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedNight {
    pub date: BusinessDate,
    pub steps: Vec<PlannedStep>,
}

/// Plans the nights that `selection` asks for. A night after one that would change is planned as far as can be known:
/// its base does not exist yet.
pub fn plan(
    checked: &CheckedProject,
    settings: &RunSettings,
    selection: &DateSelection,
) -> Result<Vec<PlannedNight>, RunError> {
    let warehouse = Warehouse::open_or_create(&settings.warehouse)?;
    let tokens = load_tokens(checked.project)?;
    let history = History::read(&warehouse)?;
    let journal = warehouse.journal()?;
    let mut nights = Vec::new();
    let mut base_changes = false;
    for date in history.dates_to_build(checked.project, settings, selection)? {
        let base = history.base_of(&warehouse, date)?;
        let tonight = Tonight {
            checked,
            settings,
            warehouse: &warehouse,
            journal: &journal,
            tokens: &tokens,
            date,
            base: base.as_ref(),
            published_feeds: OnceCell::new(),
        };
        let steps = if base_changes {
            after_a_change(checked)
        } else {
            tonight.steps()?
        };
        base_changes |= steps.iter().any(|step| step.action != PlannedAction::Reuse);
        nights.push(PlannedNight { date, steps });
    }
    Ok(nights)
}

fn after_a_change(checked: &CheckedProject) -> Vec<PlannedStep> {
    let feeds = checked
        .project
        .feeds()
        .map(crate::config::feed::FeedSpec::qualified_name);
    let models = checked
        .graph
        .order
        .iter()
        .map(|position| checked.project.models[*position].table.to_string());
    let why = "the night before it changes";
    feeds.chain(models).map(|step| run(step, why)).collect()
}

fn run(step: impl Into<String>, why: &str) -> PlannedStep {
    PlannedStep {
        step: step.into(),
        action: PlannedAction::Run,
        why: why.to_owned(),
    }
}

fn reuse(step: impl Into<String>) -> PlannedStep {
    PlannedStep {
        step: step.into(),
        action: PlannedAction::Reuse,
        why: "nothing it reads has changed".to_owned(),
    }
}

struct Tonight<'a> {
    checked: &'a CheckedProject<'a>,
    settings: &'a RunSettings,
    warehouse: &'a Warehouse,
    journal: &'a Journal,
    tokens: &'a TokenKeys,
    date: BusinessDate,
    base: Option<&'a Manifest>,
    /// Feeds of the release of this date, once asked for; none without a release.
    published_feeds: OnceCell<Option<BTreeSet<String>>>,
}

impl Tonight<'_> {
    fn steps(&self) -> Result<Vec<PlannedStep>, RunError> {
        let lock = self.warehouse.lock()?;
        let context = NightContext {
            checked: self.checked,
            settings: self.settings,
            warehouse: self.warehouse,
            lock: &lock,
            tokens: self.tokens,
            date: self.date,
            base: self.base,
            progress: &Silent,
        };
        let mut night = Night::try_new(&context)?;
        let mut steps = Vec::new();
        // Tables whose content is not known before the run.
        let mut changed: BTreeSet<TableName> = BTreeSet::new();
        self.plan_feeds(&mut night, &mut steps, &mut changed)?;
        night.references()?;
        self.plan_resolve(&mut night, &mut steps, &mut changed)?;
        for position in &self.checked.graph.order {
            let model = &self.checked.project.models[*position];
            let reads = &self.checked.graph.reads[*position];
            self.plan_model(model, reads, &mut night, &mut steps, &mut changed)?;
        }
        Ok(steps)
    }

    fn plan_feeds(
        &self,
        night: &mut Night,
        steps: &mut Vec<PlannedStep>,
        changed: &mut BTreeSet<TableName>,
    ) -> Result<(), RunError> {
        let context = FeedContext {
            project: self.checked.project,
            settings: self.settings,
            warehouse: self.warehouse,
            journal: self.journal,
            tokens: self.tokens,
            date: self.date,
            base: self.base,
            base_inputs: &inputs_by_feed(self.base),
            progress: &Silent,
        };
        for feed in self.checked.project.feeds() {
            let name = feed.qualified_name();
            let delivery = match find_delivery(feed, &self.settings.landing, self.date) {
                Ok(delivery) => delivery,
                Err(problem) => {
                    steps.push(PlannedStep {
                        step: name,
                        action: PlannedAction::Stop,
                        why: problem.to_string(),
                    });
                    continue;
                }
            };
            if let Some(problem) = missing(&context, feed, &delivery) {
                steps.push(PlannedStep {
                    step: name,
                    action: PlannedAction::Stop,
                    why: problem.to_string(),
                });
                continue;
            }
            match known(&context, feed, &delivery)? {
                Some(loaded) => {
                    let carried = matches!(delivery, Delivery::Missing { .. });
                    let mut step = reuse(name);
                    if carried {
                        let why = match feed.on_missing {
                            OnMissing::NoRows => "no delivery: none was to come",
                            OnMissing::Stop | OnMissing::CarryForward { .. } => {
                                "no delivery: last night's is carried forward"
                            }
                        };
                        why.clone_into(&mut step.why);
                    }
                    steps.push(step);
                    night.add(loaded.staging.0, loaded.staging.1);
                    night.add(loaded.quarantine.0, loaded.quarantine.1);
                }
                None => {
                    steps.push(run(name, self.why_feed_runs(&feed.qualified_name())));
                    changed.insert(feed.table.clone());
                    changed.insert(super::tables::quarantine_table(&feed.table));
                    changed.insert(own_table("core", "source_file"));
                }
            }
        }
        Ok(())
    }

    fn why_feed_runs(&self, feed: &str) -> &'static str {
        let published = self
            .published_feeds
            .get_or_init(|| self.feeds_of_same_date());
        match published {
            None => "a new delivery",
            Some(feeds) if feeds.contains(feed) => {
                "its delivery, its replays or its definition have changed since they were published"
            }
            Some(_) => "delivered since the release of this date",
        }
    }

    fn feeds_of_same_date(&self) -> Option<BTreeSet<String>> {
        let published = self.warehouse.published().ok()?;
        let same_date = published.iter().rev().find(|id| id.date == self.date)?;
        let manifest = self.warehouse.manifest(*same_date).ok()?;
        Some(
            manifest
                .inputs
                .into_iter()
                .map(|input| input.feed)
                .collect(),
        )
    }

    fn plan_resolve(
        &self,
        night: &mut Night,
        steps: &mut Vec<PlannedStep>,
        changed: &mut BTreeSet<TableName>,
    ) -> Result<(), RunError> {
        let Some(spec) = &self.checked.project.matching else {
            return Ok(());
        };
        let dirty = spec
            .records
            .iter()
            .find(|source| changed.contains(&source.table));
        let output = match dirty {
            Some(source) => {
                steps.push(run("resolve", &format!("{} changes", source.table)));
                None
            }
            None => {
                let known = self
                    .warehouse
                    .step_output(&night.resolve_fingerprint(spec)?)?;
                steps.push(if known.is_some() {
                    reuse("resolve")
                } else {
                    run("resolve", "not computed for these records yet")
                });
                known
            }
        };
        match output {
            Some(output) => {
                for (name, entry) in output.tables {
                    night.add(name, entry);
                }
            }
            None => {
                changed.insert(own_table("core", "customer_xref"));
                changed.insert(own_table("core", "customer_id_event"));
            }
        }
        Ok(())
    }

    fn plan_model(
        &self,
        model: &ModelSpec,
        reads: &TableReferences,
        night: &mut Night,
        steps: &mut Vec<PlannedStep>,
        changed: &mut BTreeSet<TableName>,
    ) -> Result<(), RunError> {
        let name = model.table.to_string();
        let dirty = reads.tonight.iter().find(|table| changed.contains(*table));
        if let Some(table) = dirty {
            steps.push(run(name, &format!("{table} changes")));
            changed.insert(model.table.clone());
            return Ok(());
        }
        let fingerprint = night.model_fingerprint(model, reads, &night.identities)?;
        if model.materialisation == Materialisation::View {
            night.identities.insert(model.table.clone(), fingerprint);
            return Ok(());
        }
        match self.warehouse.step_output(&fingerprint)? {
            Some(output) => {
                steps.push(reuse(name));
                for (name, entry) in output.tables {
                    night
                        .identities
                        .insert(name.clone(), table_identity(&entry));
                }
            }
            None => {
                steps.push(run(name, "its SQL, its parameters or its base are new"));
                changed.insert(model.table.clone());
            }
        }
        Ok(())
    }
}
