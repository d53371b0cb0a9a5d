//! The program, run as a bank would, in the folder of one generated bank.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Arguments;

pub type Failure = Box<dyn std::error::Error>;

pub struct Program {
    salenet: PathBuf,
    folder: PathBuf,
    bank: Vec<String>,
    memory: Option<String>,
    costs: RefCell<Vec<(String, f64)>>,
}

impl Program {
    pub fn new(arguments: &Arguments, folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        let salenet = match &arguments.salenet {
            Some(path) => path.canonicalize()?,
            None => PathBuf::from(env!("CARGO_BIN_EXE_salenet")),
        };
        let bank = [
            "generate",
            "--nights",
            "1",
            "--changes",
            "--customers",
            &arguments.customers.to_string(),
            "--seed",
            &arguments.seed.to_string(),
            "--last-night",
            super::NIGHTS[0],
        ];
        Ok(Self {
            salenet,
            folder: folder.canonicalize()?,
            bank: bank.map(str::to_owned).to_vec(),
            memory: arguments.memory.clone(),
            costs: RefCell::default(),
        })
    }

    /// Named as the sample bank's, so that it may use its demo key.
    pub fn project(&self) -> PathBuf {
        self.folder.join("project/harbor")
    }

    /// Does what was not done in this folder before, and keeps what it said: an interrupted run goes on.
    pub fn once(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        let kept = self.folder.join("said").join(name);
        if !kept.is_file() {
            let said = work()?;
            std::fs::create_dir_all(self.folder.join("said"))?;
            std::fs::write(&kept, said)?;
        }
        Ok(std::fs::read_to_string(kept)?)
    }

    pub fn generate(&self) -> Result<String, Failure> {
        self.generate_with("generate", &["--out", "."])
    }

    /// The night of a date: what was built before is not built again.
    pub fn night(&self, date: &str) -> Result<String, Failure> {
        self.in_project(&["run", "--date", date, "--allow-gap", "--quiet"])
    }

    /// Lets the bank's customers answer all contacts so far; what happened after one night and up to another is
    /// delivered on the latter.
    pub fn answers(&self, after: &str, on: &str) -> Result<String, Failure> {
        let sql = "select min(record.source_key) as cif_no, contact.campaign_code, contact.finder_number, \
             contact.channel, contact.contacted_on \
             from campaigns.contact_history as contact \
             join core.customer_xref as record on record.customer_id = contact.customer_id \
             and record.source_code = 'cif' and record.valid_to is null \
             and record.feed in ('customers', 'foreign_customers') \
             group by contact.contact_id, contact.campaign_code, contact.finder_number, contact.channel, \
             contact.contacted_on order by contact.contact_id";
        let contacts = self.say(&["sql", "--format", "csv", "-c", sql])?;
        std::fs::write(self.folder.join("contacts.csv"), contacts)?;
        let arrival = [
            "--contacts",
            "contacts.csv",
            "--answers-on",
            on,
            "--answers-after",
            after,
        ];
        let out = ["--out", "."];
        self.generate_with("generate --contacts", &[&arrival[..], &out[..]].concat())
    }

    pub fn say(&self, arguments: &[&str]) -> Result<String, Failure> {
        self.in_project(arguments)
    }

    /// The rows of a query, without the header.
    pub fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>, Failure> {
        let text = self.say(&["sql", "--format", "csv", "-c", sql])?;
        let rows = text.lines().skip(1);
        Ok(rows
            .map(|row| row.split(',').map(str::to_owned).collect())
            .collect())
    }

    pub fn costs(&self) -> Vec<(String, f64)> {
        self.costs.borrow().clone()
    }

    fn in_project(&self, arguments: &[&str]) -> Result<String, Failure> {
        let project = self.project();
        let mut all = arguments.to_vec();
        all.extend(["--project", project.to_str().ok_or("a readable path")?]);
        all.extend(["--landing", "landing", "--warehouse", "warehouse"]);
        if let Some(memory) = &self.memory {
            all.extend(["--memory", memory]);
        }
        self.run(&arguments[..arguments.len().min(3)].join(" "), &all)
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Result<String, Failure> {
        eprintln!("salenet {name}");
        let before = children();
        let output = Command::new(&self.salenet)
            .args(arguments)
            .current_dir(&self.folder)
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{arguments:?} ended with {}: {said}", output.status).into());
        }
        if let (Some(before), Some(after)) = (before, children()) {
            self.costs
                .borrow_mut()
                .push((name.to_owned(), after - before));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn generate_with(&self, name: &str, more: &[&str]) -> Result<String, Failure> {
        let bank = self.bank.iter().map(String::as_str);
        let all: Vec<&str> = bank.chain(more.iter().copied()).collect();
        self.run(name, &all)
    }
}

/// User and system seconds of all children that have ended; hundredths, as `/proc` counts them.
fn children() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / 100.0)
}
