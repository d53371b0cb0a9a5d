//! What each step takes of the machine, by the kernel's own books; collected for the run's report.
//!
//! The books are kept for the process, so only what runs alone can be measured: what runs side by side (feeds, and
//! models and their checks on several threads) shares its figures, as a stage.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::progress::{Progress, StepStatus};
use super::report::{seconds, timed};

/// Ticks of the processor times in `/proc/self/stat`; fixed for programs, whatever the kernel counts in.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process took between two moments; null where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Usage {
    pub seconds: f64,
    /// User and system time of all threads, to the hundredth of a second.
    pub cpu_seconds: Option<f64>,
    /// Asked of the system, whether a disk or its cache answered.
    pub bytes_read: Option<u64>,
    pub bytes_written: Option<u64>,
    /// Fetched from a disk, and sent or yet to be sent to one.
    pub disk_bytes_read: Option<u64>,
    pub disk_bytes_written: Option<u64>,
    /// Highest resident size since the step before ended.
    pub peak_memory_bytes: Option<u64>,
}

/// Where a step stands in the night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Extract,
    Reference,
    Resolve,
    Model,
    Score,
    Campaign,
    Gates,
    Publish,
}

/// A step that ran alone, or a stage whose steps ran side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepMeasure {
    pub stage: Stage,
    pub step: String,
    pub status: StepStatus,
    /// Read by a feed, held by the tables of any other step.
    pub rows: u64,
    #[serde(flatten)]
    pub making: Making,
    #[serde(flatten)]
    pub usage: Usage,
    /// What ran side by side, by name: feeds, models, checks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartMeasure>,
}

/// A step whose seconds overlap with those of others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartMeasure {
    pub step: String,
    pub status: StepStatus,
    /// Read by a feed, held by the tables of any other step.
    pub rows: u64,
    #[serde(flatten)]
    pub making: Making,
    pub seconds: f64,
}

/// How a model's table was made; nothing of any other step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Making {
    /// By how many queries, one for each range of months and keys that it was cut into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<usize>,
    /// What lacked memory, once for each time that one of them ran again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ran_again: Vec<String>,
}

/// In the order they ran; `publish` belongs to the newest of the nights that one swing published.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NightMeasures {
    pub business_date: String,
    pub steps: Vec<StepMeasure>,
}

/// Sums of the process since it started.
#[derive(Debug, Clone, Copy, Default)]
struct Books {
    cpu_ticks: Option<u64>,
    bytes_read: Option<u64>,
    bytes_written: Option<u64>,
    disk_bytes_read: Option<u64>,
    disk_bytes_written: Option<u64>,
}

impl Books {
    fn read() -> Self {
        let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        Self {
            cpu_ticks: cpu_ticks(&stat),
            bytes_read: entry(&io, "rchar"),
            bytes_written: entry(&io, "wchar"),
            disk_bytes_read: entry(&io, "read_bytes"),
            disk_bytes_written: entry(&io, "write_bytes"),
        }
    }
}

/// A number of a file of lines `name: number`, with or without a unit.
fn entry(text: &str, name: &str) -> Option<u64> {
    let rest = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// User and system time; the program's name, which stands before them, may hold blanks and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, numbers) = stat.rsplit_once(')')?;
    let mut numbers = numbers.split_whitespace().skip(11);
    let user: u64 = numbers.next()?.parse().ok()?;
    let system: u64 = numbers.next()?.parse().ok()?;
    Some(user + system)
}

/// What the process holds now, without the files that it looks into: their pages the system takes back when it wants.
pub(super) fn unshared_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some((entry(&status, "RssAnon")? + entry(&status, "RssShmem")?) * 1024)
}

/// What the machine could still give, or the container (control groups of the second version).
pub(super) fn available_bytes() -> Option<u64> {
    let memory = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = entry(&memory, "MemAvailable")? * 1024;
    let of_group = |name: &str| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?;
        // `max` where there is no limit.
        text.trim().parse().ok()
    };
    let group = of_group("max").map(|most| most.saturating_sub(of_group("current").unwrap_or(0)));
    Some(group.map_or(machine, |group| group.min(machine)))
}

/// Highest resident size since the last reset, and a reset; the present size where the system refuses the reset.
fn take_peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let reset = std::fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/clear_refs")
        .and_then(|mut file| file.write_all(b"5"));
    let name = if reset.is_ok() { "VmHWM" } else { "VmRSS" };
    Some(entry(&status, name)? * 1024)
}

/// Runs from its start until it is read.
#[derive(Debug)]
pub struct Meter {
    started: Instant,
    books: Books,
}

impl Meter {
    #[must_use]
    pub fn start() -> Self {
        Self {
            books: Books::read(),
            started: timed(),
        }
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What was used since the start. The next step's peak begins here.
    #[must_use]
    pub fn stop(&self) -> Usage {
        Usage {
            peak_memory_bytes: take_peak(),
            ..self.read()
        }
    }

    /// As `stop`, without the peak.
    fn read(&self) -> Usage {
        let (took, now, then) = (self.started.elapsed(), Books::read(), self.books);
        let since = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        #[expect(clippy::cast_precision_loss, reason = "a run of years has fewer ticks")]
        let cpu_seconds =
            since(now.cpu_ticks, then.cpu_ticks).map(|ticks| ticks as f64 / TICKS_PER_SECOND);
        Usage {
            seconds: seconds(took),
            cpu_seconds,
            bytes_read: since(now.bytes_read, then.bytes_read),
            bytes_written: since(now.bytes_written, then.bytes_written),
            disk_bytes_read: since(now.disk_bytes_read, then.disk_bytes_read),
            disk_bytes_written: since(now.disk_bytes_written, then.disk_bytes_written),
            peak_memory_bytes: None,
        }
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // A number that a panicking thread left behind is still that number.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps how long each of the steps of a stage took that run side by side.
pub struct SideBySide {
    stage: Stage,
    meter: Meter,
    parts: Mutex<Vec<PartMeasure>>,
}

impl SideBySide {
    #[must_use]
    pub fn start(stage: Stage) -> Self {
        Self {
            stage,
            meter: Meter::start(),
            parts: Mutex::default(),
        }
    }

    pub fn add(&self, step: &str, status: StepStatus, rows: u64, took: Duration) {
        self.add_table(step, status, rows, Making::default(), took);
    }

    /// A table that a model makes.
    pub fn add_table(
        &self,
        step: &str,
        status: StepStatus,
        rows: u64,
        making: Making,
        took: Duration,
    ) {
        locked(&self.parts).push(PartMeasure {
            step: step.to_owned(),
            status,
            rows,
            making,
            seconds: seconds(took),
        });
    }

    /// The stage as one step of this name.
    #[must_use]
    pub fn stop(self, step: &str) -> StepMeasure {
        let usage = self.meter.stop();
        let mut parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        parts.sort_by(|left, right| left.step.cmp(&right.step));
        let any_ran = parts.iter().any(|part| part.status == StepStatus::Ran);
        StepMeasure {
            stage: self.stage,
            step: step.to_owned(),
            status: if any_ran {
                StepStatus::Ran
            } else {
                StepStatus::Reused
            },
            rows: parts.iter().map(|part| part.rows).sum(),
            making: Making::default(),
            usage,
            parts,
        }
    }
}

/// Measures feeds on the way to whoever shows them.
pub struct FeedTimes<'a> {
    inner: &'a dyn Progress,
    feeds: SideBySide,
}

impl<'a> FeedTimes<'a> {
    #[must_use]
    pub fn start(inner: &'a dyn Progress) -> Self {
        Self {
            inner,
            feeds: SideBySide::start(Stage::Extract),
        }
    }

    #[must_use]
    pub fn stop(self) -> StepMeasure {
        self.feeds.stop("extract")
    }
}

impl Progress for FeedTimes<'_> {
    fn night_started(&self, date: &str, n_steps: usize) {
        self.inner.night_started(date, n_steps);
    }

    fn step_started(&self, step: &str) {
        self.inner.step_started(step);
    }

    fn step_finished(&self, step: &str, status: StepStatus, rows: u64, took: Duration) {
        self.feeds.add(step, status, rows, took);
        self.inner.step_finished(step, status, rows, took);
    }
}

/// What a run's report says of its steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunMeasures {
    pub steps_run: usize,
    pub steps_reused: usize,
    /// Of the whole run.
    #[serde(flatten)]
    pub usage: Usage,
    pub nights: Vec<NightMeasures>,
}

impl RunMeasures {
    /// Tables of which queries ran again, and what lacked memory each time.
    pub fn ran_again(&self) -> impl Iterator<Item = (&str, &[String])> {
        let steps = self.nights.iter().flat_map(|night| &night.steps);
        let tables = steps.flat_map(|step| {
            let parts = step.parts.iter().map(|part| (&part.step, &part.making));
            parts.chain([(&step.step, &step.making)])
        });
        tables
            .filter(|(_, making)| !making.ran_again.is_empty())
            .map(|(table, making)| (table.as_str(), making.ran_again.as_slice()))
    }
}

/// Counts and keeps the steps of a run on their way to whoever shows them.
pub struct Recorder<'a> {
    inner: &'a dyn Progress,
    meter: Meter,
    measures: Mutex<RunMeasures>,
}

impl<'a> Recorder<'a> {
    #[must_use]
    pub fn start(inner: &'a dyn Progress) -> Self {
        Self {
            inner,
            meter: Meter::start(),
            measures: Mutex::default(),
        }
    }

    /// The steps so far, and the whole run.
    #[must_use]
    pub fn finish(&self) -> RunMeasures {
        let mut measures = locked(&self.measures).clone();
        measures.usage = self.meter.stop();
        let steps = measures.nights.iter().flat_map(|night| &night.steps);
        let peaks = steps.filter_map(|step| step.usage.peak_memory_bytes);
        measures.usage.peak_memory_bytes = peaks.chain(measures.usage.peak_memory_bytes).max();
        measures
    }
}

impl Progress for Recorder<'_> {
    fn night_started(&self, date: &str, n_steps: usize) {
        locked(&self.measures).nights.push(NightMeasures {
            business_date: date.to_owned(),
            steps: Vec::new(),
        });
        self.inner.night_started(date, n_steps);
    }

    fn step_started(&self, step: &str) {
        self.inner.step_started(step);
    }

    fn step_finished(&self, step: &str, status: StepStatus, rows: u64, took: Duration) {
        {
            let mut measures = locked(&self.measures);
            match status {
                StepStatus::Ran => measures.steps_run += 1,
                StepStatus::Reused => measures.steps_reused += 1,
            }
        }
        self.inner.step_finished(step, status, rows, took);
    }

    fn step_measured(&self, measure: StepMeasure) {
        if let Some(night) = locked(&self.measures).nights.last_mut() {
            night.steps.push(measure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_blanks_and_parentheses_does_not_shift_the_times() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn an_entry_is_found_by_its_whole_name() {
        let io = "rchar: 12\nread_bytes: 3\nVmHWM:\t  44 kB\n";
        assert_eq!(entry(io, "read_bytes"), Some(3));
        assert_eq!(entry(io, "VmHWM"), Some(44));
        assert_eq!(entry(io, "read"), None);
    }

    #[test]
    fn a_peak_belongs_to_its_step_and_to_the_run() {
        let recorder = Recorder::start(&crate::run::Silent);
        recorder.night_started("2026-10-31", 1);
        let measure = |step: &str, peak| StepMeasure {
            stage: Stage::Model,
            step: step.to_owned(),
            status: StepStatus::Ran,
            rows: 0,
            making: Making::default(),
            usage: Usage {
                peak_memory_bytes: Some(peak),
                ..Usage::default()
            },
            parts: Vec::new(),
        };
        // More than a test ever holds.
        recorder.step_measured(measure("core.large", 1 << 50));
        recorder.step_measured(measure("core.small", 1));
        let measures = recorder.finish();
        assert_eq!(measures.usage.peak_memory_bytes, Some(1 << 50));
        assert_eq!(measures.nights[0].steps.len(), 2);
    }

    #[test]
    fn a_table_that_ran_again_is_found_beside_others_and_by_itself() {
        let recorder = Recorder::start(&crate::run::Silent);
        recorder.night_started("2026-10-31", 1);
        let lacked = |what: &str| Making {
            queries: Some(2),
            ran_again: vec![what.to_owned()],
        };
        let took = Duration::from_secs(1);
        let beside = SideBySide::start(Stage::Model);
        beside.add_table("core.one", StepStatus::Ran, 1, lacked("Sort"), took);
        beside.add("core.other", StepStatus::Ran, 1, took);
        let mut alone = SideBySide::start(Stage::Model).stop("core.alone");
        alone.making = lacked("Join");
        recorder.step_measured(beside.stop("models"));
        recorder.step_measured(alone);
        let measures = recorder.finish();
        let found: Vec<_> = measures.ran_again().collect();
        let (sort, join) = (["Sort".to_owned()], ["Join".to_owned()]);
        assert_eq!(found, [("core.one", &sort[..]), ("core.alone", &join[..])]);
        let told = serde_json::to_value(&measures.nights[0].steps[0].parts).unwrap();
        assert_eq!(told[0]["ran_again"], serde_json::json!(["Sort"]));
        assert!(told[1].get("ran_again").is_none(), "{told}");
    }
}
