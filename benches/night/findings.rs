//! What was measured, as it is written to JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::arguments::{Arguments, Program};
use super::bank::Bank;

#[derive(Debug, Serialize)]
pub struct Findings {
    pub machine: Machine,
    pub arguments: Arguments,
    pub programs: Vec<Program>,
    /// Smallest first.
    pub sizes: Vec<Size>,
}

#[derive(Debug, Serialize)]
pub struct Machine {
    pub processor: Option<String>,
    pub cores: usize,
    pub memory_bytes: Option<u64>,
    pub system: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Size {
    pub customers: u64,
    pub generate_seconds: Option<f64>,
    /// Of the files as delivered, for each night.
    pub landed_bytes: [u64; 2],
    pub programs: Vec<ProgramNights>,
}

/// Both nights of a program, of its fastest round.
#[derive(Debug, Serialize)]
pub struct ProgramNights {
    pub program: String,
    pub nights: [Night; 2],
    pub night_2_to_night_1: f64,
    /// Time of both nights against the next smaller size, and how many times the customers that size has.
    pub growth: Option<Growth>,
    /// Tables whose rows differ from the first program's; empty for that one.
    pub rows_differ: Vec<String>,
    pub tables: BTreeMap<String, TableContent>,
    /// Seconds of both nights, round by round.
    pub rounds: Vec<[f64; 2]>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Growth {
    pub customers: f64,
    pub seconds: [f64; 2],
}

#[derive(Debug, Serialize)]
pub struct Night {
    pub business_date: String,
    /// Start to end of the process: the run, and reading and checking the project before it.
    pub process_seconds: f64,
    pub inputs: Vec<FeedInput>,
    /// As the run wrote it.
    pub report: Value,
}

#[derive(Debug, Serialize)]
pub struct FeedInput {
    pub feed: String,
    pub rows: u64,
    /// As delivered.
    pub bytes: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct TableContent {
    pub rows: u64,
    pub bytes: u64,
    /// Hashes.
    pub files: Vec<String>,
}

/// A step of a night as its report tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    pub stage: String,
    pub name: String,
    pub is_reused: bool,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub bytes_read: f64,
    pub bytes_written: f64,
    pub rows: f64,
    pub peak_memory_bytes: f64,
}

impl Step {
    fn of(value: &Value) -> Self {
        let number = |name: &str| value[name].as_f64().unwrap_or(0.0);
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            stage: text("stage"),
            name: text("step"),
            is_reused: value["status"] == "reused",
            seconds: number("seconds"),
            cpu_seconds: number("cpu_seconds"),
            bytes_read: number("bytes_read"),
            bytes_written: number("bytes_written"),
            rows: number("rows"),
            peak_memory_bytes: number("peak_memory_bytes"),
        }
    }

    /// Adds what another used; the higher peak counts.
    pub fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.cpu_seconds += other.cpu_seconds;
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        self.rows += other.rows;
        self.peak_memory_bytes = self.peak_memory_bytes.max(other.peak_memory_bytes);
    }
}

impl Night {
    /// In the order they ran; empty for programs that do not measure their steps.
    pub fn steps(&self) -> Vec<Step> {
        let steps = self.report["nights"][0]["steps"].as_array();
        steps.into_iter().flatten().map(Step::of).collect()
    }

    /// What ran side by side within steps: wall seconds only.
    pub fn parts(&self) -> Vec<Step> {
        let steps = self.report["nights"][0]["steps"].as_array();
        let mut parts = Vec::new();
        for step in steps.into_iter().flatten() {
            for part in step["parts"].as_array().into_iter().flatten() {
                let stage = Step::of(step).stage;
                parts.push(Step {
                    stage,
                    ..Step::of(part)
                });
            }
        }
        parts
    }

    /// The whole run.
    pub fn total(&self) -> Step {
        Step {
            name: "total".to_owned(),
            ..Step::of(&self.report)
        }
    }

    /// What the run used outside its steps.
    pub fn other(&self) -> Step {
        let (total, mut steps) = (self.total(), Step::default());
        for step in self.steps() {
            steps.add(&step);
        }
        Step {
            name: "(between steps)".to_owned(),
            seconds: (total.seconds - steps.seconds).max(0.0),
            cpu_seconds: (total.cpu_seconds - steps.cpu_seconds).max(0.0),
            bytes_read: (total.bytes_read - steps.bytes_read).max(0.0),
            bytes_written: (total.bytes_written - steps.bytes_written).max(0.0),
            ..Step::default()
        }
    }

    /// Of the run, by its own watch.
    pub fn seconds(&self) -> f64 {
        self.total().seconds
    }
}

impl ProgramNights {
    pub fn new(
        program: String,
        nights: [Night; 2],
        tables: BTreeMap<String, TableContent>,
    ) -> Self {
        let mut found = Self {
            program,
            nights,
            night_2_to_night_1: 0.0,
            growth: None,
            rows_differ: Vec::new(),
            tables,
            rounds: Vec::new(),
        };
        found.night_2_to_night_1 = found.ratio();
        found
    }

    /// Each night's fastest round counts.
    pub fn keep_faster(&mut self, nights: [Night; 2]) {
        for (best, night) in self.nights.iter_mut().zip(nights) {
            if night.seconds() < best.seconds() {
                *best = night;
            }
        }
        self.night_2_to_night_1 = self.ratio();
    }

    fn ratio(&self) -> f64 {
        self.nights[1].seconds() / self.nights[0].seconds()
    }
}

impl Size {
    pub fn new(bank: &Bank, mut programs: Vec<ProgramNights>) -> Self {
        if let Some((first, others)) = programs.split_first_mut() {
            for other in others {
                let names = first.tables.keys().chain(other.tables.keys());
                let rows =
                    |of: &ProgramNights, name: &str| of.tables.get(name).map(|table| table.rows);
                let mut differ: Vec<String> = names
                    .filter(|name| rows(first, name) != rows(other, name))
                    .cloned()
                    .collect();
                differ.sort();
                differ.dedup();
                other.rows_differ = differ;
            }
        }
        Self {
            customers: bank.customers,
            generate_seconds: bank.generate_seconds,
            landed_bytes: bank.landed_bytes(),
            programs,
        }
    }
}

impl Findings {
    pub fn new(arguments: &Arguments, programs: &[Program]) -> Self {
        Self {
            machine: Machine::this(),
            arguments: arguments.clone(),
            programs: programs.to_vec(),
            sizes: Vec::new(),
        }
    }

    /// A size larger than those before it.
    pub fn add(&mut self, mut size: Size) {
        if let Some(smaller) = self.sizes.last() {
            for (program, before) in size.programs.iter_mut().zip(&smaller.programs) {
                let times =
                    |night: usize| program.nights[night].seconds() / before.nights[night].seconds();
                #[expect(clippy::cast_precision_loss, reason = "ratios are rounded anyway")]
                let customers = size.customers as f64 / smaller.customers as f64;
                program.growth = Some(Growth {
                    customers,
                    seconds: [times(0), times(1)],
                });
            }
        }
        self.sizes.push(size);
    }
}

impl Machine {
    fn this() -> Self {
        let line = |path: &str, name: &str| {
            let text = std::fs::read_to_string(path).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
        };
        let memory = line("/proc/meminfo", "MemTotal")
            .and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
        let system = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        Self {
            processor: line("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory_bytes: memory.map(|kilobytes| kilobytes * 1024),
            system: system.map(|text| text.trim().to_owned()),
        }
    }
}
