//! The synthetic bank: same bytes for the same arguments, and every delivery is read as its YAML describes it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use salenet::config;
use salenet::config::feed::{Delivery as Kind, OnMissing};
use salenet::domain::BusinessDate;
use salenet::stages::clean::TokenKeys;
use salenet::stages::extract::{Delivery, FeedReport, LoadRequest, find_delivery, load_feed};
use salenet::store::{NewFile, Warehouse};
use salenet::synth::{GenerateArgs, Output, generate};

type Files = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

/// Keeps every file in memory.
#[derive(Default)]
pub struct Memory(Files);

impl Memory {
    pub fn files(self) -> BTreeMap<String, Vec<u8>> {
        self.0.take()
    }
}

struct MemoryFile {
    name: String,
    files: Files,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut files = self.files.borrow_mut();
        files.entry(self.name.clone()).or_default().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for Memory {
    fn create(&mut self, relative: &str) -> io::Result<Box<dyn Write>> {
        let fresh = self.0.borrow_mut().insert(relative.to_owned(), Vec::new());
        assert!(fresh.is_none(), "{relative} is written twice");
        Ok(Box::new(MemoryFile {
            name: relative.to_owned(),
            files: Rc::clone(&self.0),
        }))
    }
}

fn bank(customers: u64, nights: u32, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let mut memory = Memory::default();
    generate(&GenerateArgs::new(customers, nights, seed), &mut memory).unwrap();
    memory.files()
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/harbor")
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/harbor")
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_another_seed_gives_others() {
    let first = bank(60, 2, 7);
    assert_eq!(first, bank(60, 2, 7));
    let other = bank(60, 2, 8);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&first), names(&other));
    let accounts = "landing/deposits/2026-10-30/accounts_20261030.psv.gz";
    assert_ne!(first[accounts], other[accounts]);
}

/// Lines of a compressed file.
fn lines(files: &BTreeMap<String, Vec<u8>>, name: &str) -> BTreeSet<String> {
    let mut text = String::new();
    let mut file = flate2::read::MultiGzDecoder::new(files[name].as_slice());
    file.read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_bank_that_sends_changes_sends_what_is_new_since_the_night_before() {
    let whole = bank(60, 2, 7);
    let mut memory = Memory::default();
    let args = GenerateArgs {
        only_changes: true,
        ..GenerateArgs::new(60, 2, 7)
    };
    generate(&args, &mut memory).unwrap();
    let changes = memory.files();
    assert!(whole.keys().eq(changes.keys()));
    for (name, bytes) in &whole {
        let is_log = [
            "channels/",
            "transactions_",
            "balance_changes_",
            "postings_",
        ]
        .iter()
        .any(|part| name.contains(part));
        if is_log || !name.contains("2026-10-31") {
            assert!(changes[name] == *bytes, "{name}");
        }
    }
    let mut sent = 0;
    for feed in ["accounts", "holders", "account_holders"] {
        let before = format!("landing/deposits/2026-10-30/{feed}_20261030.psv.gz");
        let tonight = format!("landing/deposits/2026-10-31/{feed}_20261031.psv.gz");
        let header = &lines(&changes, &tonight) & &lines(&changes, &before);
        assert_eq!(header.len(), 1, "{feed}: {header:?}");
        let expected = &lines(&whole, &tonight) - &lines(&whole, &before);
        assert_eq!(&lines(&changes, &tonight) - &header, expected, "{feed}");
        sent += expected.len();
    }
    assert!(sent > 0);
}

#[test]
fn of_a_bank_that_stands_still_only_events_are_sent() {
    let nights = |active_percent| {
        let mut memory = Memory::default();
        let args = GenerateArgs {
            only_changes: true,
            active_percent,
            ..GenerateArgs::new(400, 2, 7)
        };
        generate(&args, &mut memory).unwrap();
        memory.files()
    };
    let (all, few, none) = (nights(100), nights(5), nights(0));
    let rows = |files: &BTreeMap<String, Vec<u8>>, feed: &str| {
        let night = format!("landing/deposits/2026-10-31/{feed}_20261031.psv.gz");
        lines(files, &night).len() - 1
    };
    // Those who came on the second night are new whoever stands still.
    for feed in ["accounts", "balance_changes", "transactions"] {
        assert!(
            rows(&all, feed) > rows(&few, feed) && rows(&few, feed) > rows(&none, feed),
            "{feed}: {} {} {}",
            rows(&all, feed),
            rows(&few, feed),
            rows(&none, feed)
        );
        assert!(rows(&none, feed) * 50 < rows(&all, feed), "{feed}");
    }
    for (name, bytes) in &all {
        if name.contains("channels/") || name.contains("2026-10-30") {
            assert!(none[name] == *bytes, "{name}");
        }
    }
}

#[test]
fn nothing_to_generate_is_refused() {
    for args in [GenerateArgs::new(0, 3, 1), GenerateArgs::new(10, 0, 1)] {
        assert!(generate(&args, &mut Memory::default()).is_err());
    }
}

#[test]
fn the_sample_bank_is_what_its_command_generates() {
    for (name, bytes) in bank(2_000, 3, 19_960_401) {
        let kept = std::fs::read(sample().join(&name)).unwrap_or_default();
        assert!(
            kept == bytes,
            "{name} differs: generate sample_data/harbor anew"
        );
    }
}

/// Loads every feed of every night; staging files of append feeds are searched for keys the next night.
fn load_all(landing: &Path, nights: &[&str]) -> Vec<(String, FeedReport)> {
    let project = config::load(&project()).unwrap();
    let tokens = TokenKeys::load(&self::project().join("demo.key"), "harbor").unwrap();
    let staging = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open_or_create(staging.path()).unwrap();
    let mut earlier: BTreeMap<String, Vec<NewFile>> = BTreeMap::new();
    let mut previous: BTreeMap<String, (Vec<String>, Option<u64>)> = BTreeMap::new();
    let mut reports = Vec::new();
    for night in nights {
        let business_date: BusinessDate = night.parse().unwrap();
        for feed in project.feeds() {
            let name = feed.qualified_name();
            let found = find_delivery(feed, landing, business_date).unwrap();
            let Delivery::Found { file, control } = found else {
                let may = matches!(feed.source.as_str(), "bureau" | "property")
                    || feed.on_missing == OnMissing::NoRows;
                assert!(may, "{name} is missing on {night}");
                continue;
            };
            let (hashes, rows) = previous.remove(&name).unwrap_or_default();
            let kept = earlier.entry(name.clone()).or_default();
            let paths = kept.iter().map(|file| file.temporary_path().to_owned());
            let loaded = load_feed(&LoadRequest {
                feed,
                files: &[file],
                control,
                business_date,
                tokens: &tokens,
                earlier_keys: &paths.collect::<Vec<_>>(),
                previous_hashes: &hashes,
                previous_rows: rows,
                threads: NonZeroUsize::MIN,
                key_bytes: 1 << 20,
                warehouse: &warehouse,
            })
            .unwrap_or_else(|error| panic!("{name} on {night}: {error}"));
            let report = loaded.report;
            if feed.delivery == Kind::Append {
                kept.push(loaded.staging);
            }
            let hashes = report
                .files
                .iter()
                .map(|file| file.blake3.clone())
                .collect();
            previous.insert(name, (hashes, Some(report.rows.read)));
            reports.push(((*night).to_owned(), report));
        }
    }
    reports
}

#[test]
fn every_feed_of_the_sample_bank_is_accounted_for() {
    let nights = ["2026-10-29", "2026-10-30", "2026-10-31"];
    let reports = load_all(&sample().join("landing"), &nights);
    let (mut rejected, mut duplicate) = (0, 0);
    for (night, report) in &reports {
        report.check_conservation().unwrap();
        assert!(report.breaches.is_empty(), "{night} {report:#?}");
        rejected += report.rows.rejected;
        duplicate += report.rows.duplicate;
    }
    assert!(rejected > 40 && duplicate > 100, "{rejected} {duplicate}");
    // Faults that the sample must show: each is found by a rule of its own.
    let rules: std::collections::BTreeSet<&str> = reports
        .iter()
        .flat_map(|(_, report)| report.rejects.iter().map(|reject| reject.rule.as_str()))
        .collect();
    assert!(rules.len() >= 4, "{rules:?}");
}

/// Sums of one column of a delivered pipe or comma file, by (month, line).
fn booked(text: &str, delimiter: char) -> BTreeMap<String, i128> {
    let mut rows: Vec<&str> = text.lines().skip(1).collect();
    rows.sort_unstable();
    rows.dedup();
    // A copy of a row whose date was spoilt is dirt, not a booking.
    rows.retain(|row| !row.contains("-13-31"));
    let mut sums = BTreeMap::new();
    for row in rows {
        let fields: Vec<&str> = row.split(delimiter).collect();
        let amount: i128 = fields[3].replace('.', "").parse().unwrap();
        *sums.entry(fields[2].to_owned()).or_insert(0) += amount;
    }
    sums
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}

#[test]
fn the_ledger_differs_from_the_accounts_by_the_planted_amounts() {
    let files = bank(400, 1, 3);
    let night = "2026-10-31";
    let deposits = booked(
        &gunzip(&files[&format!("landing/deposits/{night}/postings_20261031.psv.gz")]),
        '|',
    );
    let cards = booked(
        &gunzip(&files[&format!("landing/cards/{night}/postings.csv.gz")]),
        ',',
    );
    let ledger =
        String::from_utf8(files[&format!("landing/ledger/{night}/gl_entries.csv")].clone());
    let mut totals: BTreeMap<(String, String), i128> = BTreeMap::new();
    for row in ledger.unwrap().lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let amount: i128 = fields[6].replace('.', "").parse().unwrap();
        let product = if fields[4] == "credit_card" {
            "cards"
        } else {
            "others"
        };
        *totals
            .entry((fields[3].to_owned(), product.to_owned()))
            .or_insert(0) += amount;
    }
    let total = |line: &str, product: &str| totals[&(line.to_owned(), product.to_owned())];
    assert_eq!(
        total("interest_expense", "others") - deposits["INX"],
        -3_841
    );
    assert_eq!(total("provision", "cards") - cards["PROVISION"], 100_000);
    assert_eq!(total("interchange", "cards") - cards["INTERCHANGE"], 0);
    assert_eq!(total("waivers", "others") - deposits["WAI"], 0);
    // Wealth accounts have fees too; their file is small enough to be added here.
    let (wealth, _, _) =
        encoding_rs::GB18030.decode(&files[&format!("landing/wealth/{night}/fees.csv")]);
    let wealth = booked_wealth(&wealth);
    assert_eq!(total("fees", "others") - deposits["FEE"] - wealth, 12_500);
}

fn booked_wealth(text: &str) -> i128 {
    booked(text, ',').values().sum()
}

#[test]
fn opening_balance_and_transactions_give_the_closing_balance() {
    let files = bank(300, 3, 5);
    let balances = |night: &str, compact: &str| -> BTreeMap<String, i128> {
        let text = gunzip(&files[&format!("landing/deposits/{night}/accounts_{compact}.psv.gz")]);
        text.lines()
            .skip(1)
            .map(|row| row.split('|').collect::<Vec<_>>())
            .map(|fields| {
                (
                    fields[0].to_owned(),
                    fields[10].replace('.', "").parse().unwrap(),
                )
            })
            .collect()
    };
    for (before, after, compact) in [
        ("2026-10-29", "2026-10-30", "20261030"),
        ("2026-10-30", "2026-10-31", "20261031"),
    ] {
        let opening = balances(before, &before.replace('-', ""));
        let path = format!("landing/deposits/{after}/transactions_{compact}.psv.gz");
        let text = gunzip(&files[&path]);
        let transactions: BTreeMap<&str, (&str, i128)> = text
            .lines()
            .skip(1)
            .map(|row| row.split('|').collect::<Vec<_>>())
            .map(|fields| {
                (
                    fields[0],
                    (fields[1], fields[4].replace('.', "").parse().unwrap()),
                )
            })
            .collect();
        assert!(transactions.len() > 50, "{}", transactions.len());
        for (account, closing) in balances(after, compact) {
            let moved: i128 = transactions
                .values()
                .filter(|(moved, _)| *moved == account)
                .map(|(_, amount)| amount)
                .sum();
            let opened = opening.get(&account).copied().unwrap_or(0);
            assert_eq!(opened + moved, closing, "{account} on {after}");
        }
    }
}
