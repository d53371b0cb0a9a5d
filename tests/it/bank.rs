//! A tiny bank in a folder of its own, and the program run on it as a person would.
//!
//! The project is `tests/projects/tiny`; its deliveries are written here, so that a test says what is wrong with one.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::feeds::put;

pub const FIRST: &str = "2026-10-29";
pub const SECOND: &str = "2026-10-30";
pub const THIRD: &str = "2026-10-31";
pub const NIGHTS: [&str; 3] = [FIRST, SECOND, THIRD];

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_salenet");

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, after making sure of the exit code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Everything a person saw, for a snapshot.
    pub fn shown(&self) -> String {
        let code = self
            .code
            .map_or("a signal".to_owned(), |code| code.to_string());
        format!(
            "exit {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout.trim_end(),
            self.stderr.trim_end()
        )
    }
}

/// One line of the tiny bank's accounts.
#[derive(Debug, Clone)]
pub struct Account {
    pub number: u32,
    pub family_name: String,
    pub given_name: String,
    pub ssn: String,
    pub card_no: String,
    pub phone: String,
    pub open_date: String,
    /// As it stands in the file.
    pub balance: String,
    pub status: String,
}

impl Account {
    fn line(&self) -> String {
        [
            self.number.to_string().as_str(),
            &self.family_name,
            &self.given_name,
            &self.ssn,
            &self.card_no,
            &self.phone,
            &self.open_date,
            &self.balance,
            &self.status,
        ]
        .join("|")
    }

    /// Cents, when the balance can be read.
    fn cents(&self) -> i64 {
        self.balance.replace('.', "").parse().unwrap_or(0)
    }
}

const ACCOUNTS_HEADER: &str =
    "account_no|family_name|given_name|ssn|card_no|phone|open_date|balance|status";

const NAMES: [(&str, &str); 10] = [
    ("Abbott", "Anna"),
    ("Baker", "Ben"),
    ("Castro", "Clara"),
    ("Dalton", "David"),
    ("Ellis", "Emma"),
    ("Foster", "Frank"),
    ("Garcia", "Grace"),
    ("Hughes", "Henry"),
    ("Irwin", "Iris"),
    ("Jensen", "Jack"),
];

/// Twelve accounts of ten customers: 101 and 111 share a national id, 102 and 112 a card.
pub fn accounts(night: u32) -> Vec<Account> {
    (0..12)
        .map(|position: u32| {
            let person = position % 10;
            let (family_name, given_name) = NAMES[person as usize];
            Account {
                number: 101 + position,
                family_name: family_name.to_owned(),
                given_name: given_name.to_owned(),
                ssn: if person == 1 {
                    String::new()
                } else {
                    format!("21{person}-4{person}-10{person}7")
                },
                card_no: card(person),
                phone: format!("(415) 555-26{person}{person}"),
                open_date: format!("20{:02}-03-1{person}", position + 10),
                balance: format!("{}.{:02}", 400 * position + night, 7 * position + 1),
                status: if position == 4 { "D" } else { "A" }.to_owned(),
            }
        })
        .collect()
}

/// A card number with a right check digit.
pub fn card(person: u32) -> String {
    let digits = format!("99990000111122{person}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            let doubled = digit * if place % 2 == 0 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// The accounts file and what its control file says of it.
#[derive(Debug, Clone)]
pub struct Accounts {
    pub text: String,
    pub rows: usize,
    pub cents: i64,
    pub extract_date: String,
}

impl Accounts {
    pub fn of(accounts: &[Account], date: &str) -> Self {
        let mut text = format!("{ACCOUNTS_HEADER}\n");
        for account in accounts {
            let _ = writeln!(text, "{}", account.line());
        }
        Self {
            text,
            rows: accounts.len(),
            cents: accounts.iter().map(Account::cents).sum(),
            extract_date: date.to_owned(),
        }
    }

    fn control(&self) -> String {
        format!(
            "record_count={}\nbalance_total={}.{:02}\nextract_date={}\n",
            self.rows,
            self.cents / 100,
            self.cents % 100,
            self.extract_date
        )
    }
}

/// Folders of one tiny bank; gone when it is dropped.
pub struct Bank {
    folder: tempfile::TempDir,
}

impl Bank {
    /// The project with nothing delivered.
    pub fn new() -> Self {
        let bank = Self {
            folder: tempfile::tempdir().expect("a scratch folder"),
        };
        std::fs::create_dir(bank.landing()).expect("a landing folder");
        bank
    }

    /// Three nights delivered, none run.
    pub fn with_three_nights() -> Self {
        let bank = Self::new();
        for date in NIGHTS {
            bank.deliver(date);
        }
        bank
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn landing(&self) -> PathBuf {
        self.root().join("landing")
    }

    pub fn warehouse(&self) -> PathBuf {
        self.root().join("warehouse")
    }

    pub fn project() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/tiny")
    }

    /// A sound delivery of every feed.
    pub fn deliver(&self, date: &str) {
        let night = night_of(date);
        self.deliver_accounts(date, &Accounts::of(&accounts(night), date));
        put_events(self, date);
    }

    pub fn deliver_accounts(&self, date: &str, accounts: &Accounts) {
        let folder = format!("deposits/{date}");
        put(
            &self.landing(),
            &format!("{folder}/accounts.csv"),
            accounts.text.as_bytes(),
        );
        put(
            &self.landing(),
            &format!("{folder}/accounts.ctl"),
            accounts.control().as_bytes(),
        );
    }

    /// The program with this bank's folders, its arguments still open.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        self.complete(&mut command, arguments);
        command
    }

    /// What the program says of another project.
    pub fn with_project(&self, project: &Path, arguments: &[&str]) -> Said {
        let mut command = Command::new(PROGRAM);
        self.complete_with(project, &mut command, arguments);
        Said::of(&command.output().expect("the program starts"))
    }

    /// A copy of the project that a test may change.
    pub fn own_project(&self) -> PathBuf {
        let project = self.root().join("tiny");
        for file in files_below(&Self::project()) {
            let name = file.strip_prefix(Self::project()).expect("below");
            let content = std::fs::read(&file).expect("a file");
            put(&project, &name.display().to_string(), &content);
        }
        project
    }

    /// Arguments, folders and working folder for a command that ends in the program.
    pub fn complete(&self, command: &mut Command, arguments: &[&str]) {
        self.complete_with(&Self::project(), command, arguments);
    }

    fn complete_with(&self, project: &Path, command: &mut Command, arguments: &[&str]) {
        command
            .args(arguments)
            .arg("--project")
            .arg(project)
            .arg("--landing")
            .arg(self.landing())
            .arg("--warehouse")
            .arg(self.warehouse())
            .current_dir(self.root())
            .stdin(Stdio::null());
    }

    pub fn salenet(&self, arguments: &[&str]) -> Said {
        Said::of(
            &self
                .command(arguments)
                .output()
                .expect("the program starts"),
        )
    }

    /// Runs everything that is delivered.
    pub fn run(&self) -> Said {
        self.salenet(&["run"])
    }

    /// The rows of a query as CSV, without the header.
    pub fn query(&self, sql: &str) -> String {
        self.query_of(&[], sql)
    }

    /// The same, of the release or candidate that further arguments name.
    pub fn query_of(&self, which: &[&str], sql: &str) -> String {
        let mut arguments = vec!["sql", "--format", "csv", "-c", sql];
        arguments.extend(which);
        let said = self.salenet(&arguments).exits(0);
        let (_, rows) = said.stdout.split_once('\n').expect("a header");
        rows.to_owned()
    }

    pub fn current(&self) -> Option<String> {
        let target = std::fs::read_link(self.warehouse().join("current")).ok()?;
        target.file_name()?.to_str().map(str::to_owned)
    }

    /// Everything below a folder of the warehouse: hash of each file, target of each link.
    pub fn contents(&self, folder: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(
            &self.warehouse(),
            &self.warehouse().join(folder),
            &mut found,
        );
        found
    }

    /// What must be the same whenever the same deliveries have been run: data files and releases.
    pub fn published(&self) -> BTreeMap<String, String> {
        let mut found = self.contents("data");
        found.extend(self.contents("releases"));
        found
    }

    /// Words without the scratch folder, times, sizes, hashes and run ids.
    pub fn redact(&self, words: &str) -> String {
        let words = words.replace(&self.root().display().to_string(), "[bank]");
        let words = words.replace(&Self::project().display().to_string(), "[project]");
        let words: Vec<String> = words.lines().map(redact_line).collect();
        words.join("\n")
    }
}

fn redact_line(line: &str) -> String {
    if line.starts_with("took ") {
        return "took        [times]".to_owned();
    }
    let mut redacted = String::with_capacity(line.len());
    let mut word = String::new();
    for letter in line.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || letter == '-' {
            word.push(letter);
            continue;
        }
        redacted.push_str(&redact_word(&word));
        word.clear();
        if letter != '\n' {
            redacted.push(letter);
        }
    }
    redacted
}

fn redact_word(word: &str) -> String {
    let is_hash = word.len() == 64 && word.bytes().all(|letter| letter.is_ascii_hexdigit());
    // 20261031T011500-4711
    let is_run = word.as_bytes().get(8) == Some(&b'T')
        && word.as_bytes().get(15) == Some(&b'-')
        && word[..8].bytes().all(|letter| letter.is_ascii_digit());
    match (is_hash, is_run) {
        (true, _) => "[hash]".to_owned(),
        (_, true) => "[run]".to_owned(),
        _ => word.to_owned(),
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .strip_prefix(root)
            .expect("below")
            .display()
            .to_string();
        if let Ok(target) = std::fs::read_link(&path) {
            found.insert(name, format!("-> {}", target.display()));
        } else if path.is_dir() {
            collect(root, &path, found);
        } else {
            let content = std::fs::read(&path).expect("a file");
            found.insert(name, blake3::hash(&content).to_hex().to_string());
        }
    }
}

/// Files below a folder, for searches through all bytes.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            files.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

pub fn night_of(date: &str) -> u32 {
    NIGHTS
        .iter()
        .position(|night| *night == date)
        .map_or(9, |position| u32::try_from(position).expect("small") + 1)
}

/// Names the differing entries of two states of a warehouse.
pub fn assert_same(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>, when: &str) {
    let names: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let different: Vec<_> = names
        .into_iter()
        .filter(|name| left.get(*name) != right.get(*name))
        .collect();
    assert!(different.is_empty(), "{when}: these differ: {different:#?}");
}

/// A night's events.
pub fn put_events(bank: &Bank, date: &str) {
    let night = night_of(date);
    let mut events = "event_no,account_no,channel,cost\n".to_owned();
    for event in 0..6 {
        let channel = if event % 2 == 0 { "teller" } else { "phone" };
        let account = 101 + event * 2;
        let _ = writeln!(events, "E{night}{event},{account},{channel},1.{event}5");
    }
    let name = format!("channels/{date}/events.csv");
    put(&bank.landing(), &name, events.as_bytes());
}
