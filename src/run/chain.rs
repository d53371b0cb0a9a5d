//! Which business dates a run builds, upon which base, and the one swing that publishes them.

use std::collections::{BTreeMap, BTreeSet};

use super::deliveries::delivered_dates;
use super::error::RunError;
use super::measure::{Making, Meter, Recorder, Stage, StepMeasure};
use super::night::{NightContext, build_night};
use super::progress::{Progress, StepStatus};
use super::report::{RunOutcome, RunReport, run_id};
use super::watch::{Ending, Watch};
use super::{CheckedProject, RunSettings};
use crate::config::campaign::CampaignSpec;
use crate::config::project::Project;
use crate::domain::BusinessDate;
use crate::stages::clean::TokenKeys;
use crate::store::manifest::{CampaignEntry, FileEntry, GateResult, GateStatus};
use crate::store::{Journal, JournalEvent, Manifest, ReleaseId, Warehouse, WarehouseLock};

/// What the operator asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateSelection {
    /// Every delivered date after the newest release; the newest release's date when there is none.
    CatchUp,
    One(BusinessDate),
    /// Both ends included.
    Range(BusinessDate, BusinessDate),
}

/// Runs the nights that `selection` asks for and publishes them with one swing.
pub fn run(
    checked: &CheckedProject,
    settings: &RunSettings,
    selection: &DateSelection,
    progress: &dyn Progress,
) -> Result<RunReport, RunError> {
    let recorder = Recorder::start(progress);
    let run_id = run_id();
    let warehouse = Warehouse::open_or_create(&settings.warehouse)?;
    let lock = warehouse.lock()?;
    warehouse.clear_temporary(&lock)?;
    let watch = Watch::default();
    let result = std::thread::scope(|scope| {
        let give_up = |error: &RunError| {
            tell_failure(checked.project, &warehouse, &run_id, error, &recorder);
            progress.gave_up(error);
        };
        let watch = &watch;
        let watching = scope.spawn(move || watch.look(settings.memory, give_up));
        let _ending = Ending {
            watch,
            watching: watching.thread().clone(),
        };
        let work = Work {
            checked,
            settings,
            progress: &recorder,
            warehouse: &warehouse,
            lock: &lock,
            run_id: &run_id,
            watch,
        };
        run_locked(&work, selection)
    });
    match result {
        Ok((outcome, manifest)) => {
            let report = RunReport {
                run_id: run_id.clone(),
                outcome,
                measures: recorder.finish(),
                gates_not_passed: not_passed(&manifest),
                manifest,
            };
            let text = serde_json::to_vec_pretty(&report).map_err(RunError::Report)?;
            warehouse.write_run_file(&run_id, "report.json", &text)?;
            Ok(report)
        }
        Err(error) => {
            tell_failure(checked.project, &warehouse, &run_id, &error, &recorder);
            Err(error)
        }
    }
}

/// The report of a run that failed, and the project's own command. The error itself matters most: a full disk must not
/// hide it behind a report that cannot be written.
fn tell_failure(
    project: &Project,
    warehouse: &Warehouse,
    run_id: &str,
    error: &RunError,
    recorder: &Recorder<'_>,
) {
    let measures = recorder.finish();
    let failure = serde_json::json!({
        "run_id": run_id,
        "outcome": "failed",
        "exit_code": error.exit_code(),
        "message": error.to_string(),
        "seconds": measures.usage.seconds,
        "nights": measures.nights,
    });
    let Ok(text) = serde_json::to_vec_pretty(&failure) else {
        return;
    };
    let written = warehouse.write_run_file(run_id, "report.json", &text);
    if let Ok(path) = written
        && let Some(command) = &project.bank.on_failure
    {
        call_on_failure(command, &path);
    }
}

/// Tells the project's own command; its failure cannot make a failed night worse.
fn call_on_failure(command: &[String], report: &std::path::Path) {
    if let Some((program, arguments)) = command.split_first() {
        let _ = std::process::Command::new(program)
            .args(arguments)
            .arg(report)
            .status();
    }
}

fn not_passed(manifest: &Manifest) -> Vec<GateResult> {
    manifest
        .gates
        .iter()
        .filter(|gate| gate.status != GateStatus::Passed)
        .cloned()
        .collect()
}

fn run_locked(
    work: &Work<'_>,
    selection: &DateSelection,
) -> Result<(RunOutcome, Manifest), RunError> {
    let Work {
        checked,
        settings,
        warehouse,
        ..
    } = *work;
    let tokens = load_tokens(checked.project)?;
    let history = History::read(warehouse)?;
    let dates = history.dates_to_build(checked.project, settings, selection)?;
    // A new night is published by itself, so that a later one that fails takes nothing away.
    // Nights that exist are restated together: readers never see a chain half replaced.
    let newest = history.newest();
    let (restated, new): (Vec<_>, Vec<_>) = dates
        .into_iter()
        .partition(|date| newest.is_some_and(|newest| *date <= newest));
    let groups = std::iter::once(restated).chain(new.into_iter().map(|date| vec![date]));
    let mut groups = groups.filter(|group| !group.is_empty()).peekable();
    let mut published = Vec::new();
    let mut last = None;
    while let Some(group) = groups.next() {
        let nights = Nights {
            work,
            tokens: &tokens,
            is_last: groups.peek().is_none(),
        };
        let (ids, manifest) = build_and_publish(&nights, &group)?;
        published.extend(ids);
        last = Some(manifest);
    }
    let last = last.ok_or_else(|| nothing_delivered(checked.project, settings))?;
    let outcome = if published.is_empty() {
        RunOutcome::AlreadyPublished(last.release)
    } else {
        RunOutcome::Published(published)
    };
    Ok((outcome, last))
}

fn nothing_delivered(project: &Project, settings: &RunSettings) -> RunError {
    RunError::NothingDelivered {
        landing: settings.landing.clone(),
        example: project
            .feeds()
            .next()
            .map_or_else(String::new, |feed| feed.path.0.clone()),
    }
}

/// What all nights of a run share.
struct Work<'a> {
    checked: &'a CheckedProject<'a>,
    settings: &'a RunSettings,
    progress: &'a dyn Progress,
    warehouse: &'a Warehouse,
    lock: &'a WarehouseLock,
    run_id: &'a str,
    watch: &'a Watch,
}

/// Nights that are published together.
struct Nights<'a> {
    work: &'a Work<'a>,
    tokens: &'a TokenKeys,
    /// No night comes after these.
    is_last: bool,
}

/// Builds the nights, each upon the one before, and publishes those that changed with one swing.
///
/// Gives the releases published and the newest manifest.
fn build_and_publish(
    nights: &Nights,
    dates: &[BusinessDate],
) -> Result<(Vec<ReleaseId>, Manifest), RunError> {
    let Nights {
        work,
        tokens,
        is_last,
    } = *nights;
    let Work {
        checked,
        settings,
        progress,
        warehouse,
        lock,
        run_id,
        watch,
    } = *work;
    let history = History::read(warehouse)?;
    let mut chain: Vec<Manifest> = Vec::new();
    let mut last_unchanged = None;
    for &date in dates {
        let base = match chain.last() {
            Some(manifest) => Some(manifest.clone()),
            None => history.base_of(warehouse, date)?,
        };
        let context = NightContext {
            checked,
            settings,
            warehouse,
            lock,
            tokens,
            date,
            base: base.as_ref(),
            progress,
        };
        let candidate = build_night(&context, history.next_id(date))?;
        stop_at_failed_gates(warehouse, run_id, &candidate)?;
        let published = match history.in_force.get(&date) {
            Some(id) if chain.is_empty() => Some(warehouse.manifest(*id)?),
            _ => None,
        };
        match published {
            Some(published) if same_content(&published, &candidate) => {
                last_unchanged = Some(published);
            }
            _ if chain.is_empty() && is_closed_month(&history, date) && !settings.restate => {
                return Err(RunError::ClosedMonth {
                    date,
                    month: date.month().to_string(),
                });
            }
            _ => chain.push(candidate),
        }
    }
    if chain.is_empty() {
        let manifest =
            last_unchanged.ok_or_else(|| nothing_delivered(checked.project, settings))?;
        return Ok((Vec::new(), manifest));
    }
    let meter = Meter::start();
    let _whole = watch.publishing();
    let mut delivered = Vec::new();
    for manifest in &chain {
        delivered.extend(lists_delivered(
            warehouse,
            &checked.project.campaigns,
            manifest,
        )?);
    }
    warehouse.append_to_journal(lock, delivered)?;
    let published = warehouse.publish(chain)?;
    if is_last {
        watch.finish();
    }
    progress.step_measured(StepMeasure {
        stage: Stage::Publish,
        step: "publish".to_owned(),
        status: StepStatus::Ran,
        rows: 0,
        making: Making::default(),
        usage: meter.stop(),
        parts: Vec::new(),
    });
    let ids = published.iter().map(|manifest| manifest.release).collect();
    let last = published.into_iter().next_back();
    Ok((
        ids,
        last.ok_or_else(|| nothing_delivered(checked.project, settings))?,
    ))
}

fn is_closed_month(history: &History, date: BusinessDate) -> bool {
    history
        .newest()
        .is_some_and(|newest| date.month() < newest.month())
}

/// The token keys a project names; a project without protected columns needs none.
pub fn load_tokens(project: &Project) -> Result<TokenKeys, RunError> {
    match &project.bank.key_file {
        Some(path) => TokenKeys::load(path, &project.name).map_err(RunError::Keys),
        None => Ok(TokenKeys::none()),
    }
}

fn stop_at_failed_gates(
    warehouse: &Warehouse,
    run_id: &str,
    candidate: &Manifest,
) -> Result<(), RunError> {
    let failed: Vec<GateResult> = candidate
        .gates
        .iter()
        .filter(|gate| gate.status == GateStatus::Failed)
        .cloned()
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(candidate).map_err(RunError::Report)?;
    let name = format!("candidate-{}.json", candidate.business_date);
    let path = warehouse.write_run_file(run_id, &name, &text)?;
    Err(RunError::Gates {
        date: candidate.business_date,
        failed,
        candidate: path,
    })
}

/// Whether publishing the candidate would change nothing that a reader could see.
fn same_content(published: &Manifest, candidate: &Manifest) -> bool {
    published.base == candidate.base
        && published.inputs == candidate.inputs
        && published.tables == candidate.tables
        && published.views == candidate.views
        && published.parameters == candidate.parameters
        && published.campaigns == candidate.campaigns
        && published.gates == candidate.gates
}

/// What goes out with a release: the lists of campaigns that wait for nobody, kept beside the journal.
fn lists_delivered(
    warehouse: &Warehouse,
    campaigns: &[CampaignSpec],
    manifest: &Manifest,
) -> Result<Vec<JournalEvent>, RunError> {
    let journal = warehouse.journal()?;
    let mut events = Vec::new();
    for entry in &manifest.campaigns {
        let date = manifest.business_date;
        let spec = campaigns
            .iter()
            .find(|campaign| campaign.code == entry.code);
        let Some(spec) = spec.filter(|_| !entry.lists.is_empty() && !entry.awaits_approval) else {
            continue;
        };
        // A rerun of the night takes over what has gone out already.
        if journal.delivery(&entry.code, date).is_none() {
            events.extend(delivered(
                warehouse,
                spec,
                entry,
                entry.contacts.as_ref(),
                manifest.release,
                date,
                None,
            )?);
        }
    }
    Ok(events)
}

/// The events that say that a run's lists went out while `contacted_on` was current.
pub(super) fn delivered(
    warehouse: &Warehouse,
    campaign: &CampaignSpec,
    entry: &CampaignEntry,
    contacts: Option<&FileEntry>,
    release: ReleaseId,
    contacted_on: BusinessDate,
    by: Option<&str>,
) -> Result<Vec<JournalEvent>, RunError> {
    let specification = serde_json::to_value(campaign).map_err(RunError::Report)?;
    let run = warehouse.keep_run(specification, entry)?;
    let contacts = contacts.map(|file| {
        let path = warehouse.keep_in_journal(file)?;
        Ok::<_, RunError>(FileEntry {
            path,
            ..file.clone()
        })
    });
    let contacts = contacts.transpose()?;
    let mut events = vec![JournalEvent::CampaignDelivered {
        campaign: campaign.code.clone(),
        business_date: release.date,
        contacted_on,
        contacts,
        release,
        run,
        by: by.map(str::to_owned),
    }];
    let candidates = entry.candidates.as_ref();
    let candidates = candidates
        .map(|file| warehouse.keep_in_journal(file))
        .transpose()?;
    events.extend(entry.lists.iter().map(|list| JournalEvent::ListDelivered {
        campaign: campaign.code.clone(),
        release,
        name: list.name.clone(),
        blake3: list.file.blake3.clone(),
        rows: list.file.rows,
        candidates: candidates.clone().unwrap_or_default(),
    }));
    Ok(events)
}

/// What has been published and taken back so far.
#[derive(Debug, Default)]
pub struct History {
    /// The release that counts for each business date: its newest one not withdrawn.
    pub in_force: BTreeMap<BusinessDate, ReleaseId>,
    used: BTreeSet<ReleaseId>,
}

impl History {
    pub fn read(warehouse: &Warehouse) -> Result<Self, RunError> {
        let journal: Journal = warehouse.journal()?;
        let withdrawn: BTreeSet<ReleaseId> = journal.withdrawn().into_iter().collect();
        let published = warehouse.published()?;
        let mut history = Self {
            in_force: BTreeMap::new(),
            used: withdrawn.clone(),
        };
        for id in published {
            history.used.insert(id);
            if !withdrawn.contains(&id) {
                // Releases of later dates that stand before it were built upon what it replaced.
                history.in_force.retain(|date, _| *date < id.date);
                history.in_force.insert(id.date, id);
            }
        }
        Ok(history)
    }

    #[must_use]
    pub fn newest(&self) -> Option<BusinessDate> {
        self.in_force.keys().next_back().copied()
    }

    pub(super) fn next_id(&self, date: BusinessDate) -> ReleaseId {
        let last = self
            .used
            .iter()
            .filter(|id| id.date == date)
            .map(|id| id.attempt)
            .max();
        ReleaseId {
            date,
            attempt: last.unwrap_or(0) + 1,
        }
    }

    /// The newest release before `date` that is not withdrawn.
    pub(super) fn base_of(
        &self,
        warehouse: &Warehouse,
        date: BusinessDate,
    ) -> Result<Option<Manifest>, RunError> {
        match self.in_force.range(..date).next_back() {
            Some((_, id)) => Ok(Some(warehouse.manifest(*id)?)),
            None => Ok(None),
        }
    }

    pub(super) fn dates_to_build(
        &self,
        project: &Project,
        settings: &RunSettings,
        selection: &DateSelection,
    ) -> Result<Vec<BusinessDate>, RunError> {
        let delivered = || delivered_dates(project, &settings.landing);
        let mut dates: BTreeSet<BusinessDate> = match selection {
            DateSelection::One(date) => BTreeSet::from([*date]),
            DateSelection::Range(from, to) => delivered()?
                .into_iter()
                .filter(|date| date >= from && date <= to)
                .collect(),
            DateSelection::CatchUp => {
                let newest = self.newest();
                let new: BTreeSet<_> = delivered()?
                    .into_iter()
                    .filter(|date| newest.is_none_or(|newest| *date > newest))
                    .collect();
                if new.is_empty() {
                    newest.into_iter().collect()
                } else {
                    new
                }
            }
        };
        let Some(first) = dates.first().copied() else {
            return Err(RunError::NothingDelivered {
                landing: settings.landing.clone(),
                example: project
                    .feeds()
                    .next()
                    .map_or_else(String::new, |feed| feed.path.0.clone()),
            });
        };
        if let Some(date) = dates
            .iter()
            .find(|date| !project.bank.calendar.contains(**date))
        {
            return Err(RunError::NotInCalendar { date: *date });
        }
        // Dates published after the first are built upon it: when it changes, they are replayed.
        dates.extend(self.in_force.range(first..).map(|(date, _)| *date));
        if !settings.allow_gap {
            self.refuse_gaps(project, &dates)?;
        }
        Ok(dates.into_iter().collect())
    }

    fn refuse_gaps(
        &self,
        project: &Project,
        dates: &BTreeSet<BusinessDate>,
    ) -> Result<(), RunError> {
        let known = |date: &BusinessDate| dates.contains(date) || self.in_force.contains_key(date);
        let first_ever = self.in_force.keys().chain(dates).min().copied();
        for date in dates
            .iter()
            .filter(|date| Some(**date) != first_ever && !self.in_force.contains_key(date))
        {
            if let Some(missing) = project.bank.calendar.previous(*date)
                && !known(&missing)
            {
                return Err(RunError::Gap {
                    date: *date,
                    missing,
                });
            }
        }
        Ok(())
    }
}
