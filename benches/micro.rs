//! How fast the parts of ingest are, each alone in memory: the splitter, typing, tokens, Parquet; and what bounds them.
//!
//! `cargo bench --bench micro` prints the best of several passes; `-- --only split --only parquet` runs only what has
//! that in its name. A rate says what a part would reach if nothing else were done.

#![expect(clippy::print_stdout, reason = "its result is what it prints")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark writes files of its own and reads the clock"
)]

use std::borrow::Cow;
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use salenet::config;
use salenet::config::feed::{FeedSpec, Layout};
use salenet::stages::clean::TokenKeys;
use salenet::stages::clean::batch::{BatchBuilder, staging_schema};
use salenet::stages::clean::column::{CleanValue, ColumnPlan, TokenPolicy};
use salenet::stages::clean::value::{Cell, Value};
use salenet::stages::extract::splitter::{FieldSpan, LineEnd, Scan, SplitRules, scan_record};
use salenet::stages::row_groups::RowGroupWriter;

type Failure = Box<dyn std::error::Error>;

/// A part is repeated this long; the fastest pass counts.
const PATIENCE: Duration = Duration::from_secs(2);

const BANK: &str = "name: Bench\ncurrency: USD\ncountry: US\nlanding: landing\nkey_file: bench.key\njoint_accounts: equal\ncalendar: daily\n";

const KEY: &str = "demo-bench 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

const SOURCE: &str = "source: bench
description: One column of each kind
trust_rank: 1
feeds:
  accounts:
    path: accounts.csv
    delivery: snapshot
    format: {type: csv, delimiter: \"|\", header: true}
    columns:
      account_no: {type: string, required: true, clean: [trim]}
      holder_name: {type: string, clean: [trim, person_name], classification: direct}
      phone: {type: string, clean: [trim, phone], classification: direct}
      open_date: {type: date, format: \"%Y%m%d\"}
      changed_at: {type: timestamp, format: \"%Y-%m-%d %H:%M:%S\"}
      balance: {type: money}
      rate: {type: decimal, scale: 6}
      status: {type: string, map: {A: active, D: dormant, C: closed}}
      n_cards: {type: integer}
      is_staff: {type: boolean}
      card_no: {type: string, protect: card}
";

/// Measures the parts of ingest, each alone in memory
#[derive(Debug, Parser)]
#[command(name = "micro")]
struct Arguments {
    /// Rows of the delivered file
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    rows: usize,
    /// Only parts with this in their name; may be given several times
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let scratch = tempfile::tempdir()?;
    // A project is named by its folder, and its demo key by the project.
    let folder = scratch.path().join("bench");
    write_project(&folder)?;
    let project = config::load(&folder).map_err(|problems| problems.to_string())?;
    let feed = project
        .feed("bench.accounts")
        .ok_or("the bench feed is missing")?;
    let keys = TokenKeys::load(&folder.join("bench.key"), &project.name)?;
    let rows = arguments.rows;
    let bench = Bench {
        wanted: arguments.only,
        rows,
        feed,
        keys,
        text: accounts(rows),
    };
    bench.yardsticks(&folder)?;
    bench.splitter()?;
    bench.typing()?;
    bench.tokens();
    bench.parquet()
}

struct Bench<'a> {
    wanted: Vec<String>,
    rows: usize,
    feed: &'a FeedSpec,
    keys: TokenKeys,
    text: Vec<u8>,
}

#[expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]
fn real(number: usize) -> f64 {
    number as f64
}

impl Bench<'_> {
    /// Prints the rate of the fastest pass over that many bytes and things.
    fn part<T>(
        &self,
        name: &str,
        bytes: usize,
        (things, called): (usize, &str),
        mut pass: impl FnMut() -> Result<T, Failure>,
    ) -> Result<(), Failure> {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|part| name.contains(part.as_str())) {
            return Ok(());
        }
        let begun = Instant::now();
        let mut best = Duration::MAX;
        let mut passes = 0_u32;
        while passes < 3 || begun.elapsed() < PATIENCE {
            let started = Instant::now();
            black_box(pass()?);
            best = best.min(started.elapsed());
            passes += 1;
        }
        let seconds = best.as_secs_f64();
        println!(
            "{name:<34} {:>9.1} MB/s {:>9.2} M {called}/s {:>8.0} ns each",
            real(bytes) / 1e6 / seconds,
            real(things) / 1e6 / seconds,
            seconds * 1e9 / real(things)
        );
        Ok(())
    }

    /// What no ingest of the same bytes can beat on this machine.
    fn yardsticks(&self, folder: &Path) -> Result<(), Failure> {
        let (bytes, rows) = (self.text.len(), (self.rows, "rows"));
        self.part("copy in memory", bytes, rows, || Ok(self.text.clone()))?;
        self.part("hash blake3", bytes, rows, || Ok(blake3::hash(&self.text)))?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&self.text)?;
        let gzip = gzip.finish()?;
        self.part("inflate gzip", bytes, rows, || {
            let mut text = Vec::with_capacity(bytes);
            flate2::read::MultiGzDecoder::new(gzip.as_slice()).read_to_end(&mut text)?;
            Ok(text)
        })?;
        let zstd = zstd::encode_all(self.text.as_slice(), 3)?;
        self.part("inflate zstd", bytes, rows, || {
            Ok(zstd::decode_all(zstd.as_slice())?)
        })?;
        self.part("compress zstd level 3", bytes, rows, || {
            Ok(zstd::encode_all(self.text.as_slice(), 3)?)
        })?;
        let path = folder.join("written");
        self.part("write a file and sync it", bytes, rows, || {
            let mut file = std::fs::File::create(&path)?;
            file.write_all(&self.text)?;
            Ok(file.sync_all()?)
        })?;
        self.part("read a file from the cache", bytes, rows, || {
            Ok(std::fs::read(&path)?)
        })
    }

    fn splitter(&self) -> Result<(), Failure> {
        let rules = self.rules()?;
        self.part("split", self.text.len(), (self.rows, "rows"), || {
            let mut fields = Vec::new();
            let mut found = 0;
            for_each_record(&self.text, &rules, &mut fields, |_, fields| {
                found += fields.len();
            });
            Ok(found)
        })?;
        let quoted = quoted(&self.text);
        self.part(
            "split, every field quoted",
            quoted.len(),
            (self.rows, "rows"),
            || {
                let mut fields = Vec::new();
                let mut found = 0;
                for_each_record(&quoted, &rules, &mut fields, |_, fields| {
                    found += fields.len();
                });
                Ok(found)
            },
        )
    }

    fn typing(&self) -> Result<(), Failure> {
        for (place, column) in self.feed.columns.iter().enumerate() {
            let plan = ColumnPlan::new(column);
            let cells = self.cells(place)?;
            let bytes = cells.iter().map(|cell| cell.len()).sum();
            let name = format!("type {}", column.name);
            self.part(&name, bytes, (cells.len(), "cells"), || {
                let mut good = 0_usize;
                for cell in &cells {
                    let cell = Cell::Text(Cow::Borrowed(cell));
                    let read = plan.clean(cell, &self.keys, TokenPolicy::Refuse);
                    good += usize::from(black_box(read).is_ok());
                }
                if good == cells.len() {
                    Ok(())
                } else {
                    Err(format!("{} of {} cells are refused", cells.len() - good, good).into())
                }
            })?;
        }
        Ok(())
    }

    fn tokens(&self) {
        let numbers: Vec<String> = (0..self.rows).map(card).collect();
        let bytes = numbers.iter().map(String::len).sum();
        let part = self.part(
            "token of a card number",
            bytes,
            (self.rows, "tokens"),
            || {
                for number in &numbers {
                    black_box(self.keys.token("card", number));
                }
                Ok(())
            },
        );
        debug_assert!(part.is_ok());
    }

    fn parquet(&self) -> Result<(), Failure> {
        let schema = staging_schema(self.feed);
        let plans: Vec<ColumnPlan> = self.feed.columns.iter().map(ColumnPlan::new).collect();
        let columns: Vec<Vec<&str>> = (0..plans.len())
            .map(|place| self.cells(place))
            .collect::<Result<_, _>>()?;
        let mut typed: Vec<Vec<Value>> = Vec::with_capacity(self.rows);
        for row in 0..self.rows {
            let mut values = Vec::with_capacity(plans.len() + 2);
            for (plan, cells) in plans.iter().zip(&columns) {
                let cell = Cell::Text(Cow::Borrowed(cells[row]));
                let cleaned = plan
                    .clean(cell, &self.keys, TokenPolicy::Refuse)
                    .map_err(|flaw| format!("{flaw:?}"))?;
                values.push(match cleaned {
                    CleanValue::Value(value) => value,
                    other => return Err(format!("{other:?} is no plain value").into()),
                });
            }
            values.extend([Value::Integer(1), Value::Integer(row.cast_signed() as i64)]);
            typed.push(values);
        }
        let bytes = self.text.len();
        let batch = |builder: &mut BatchBuilder| {
            for row in &typed {
                builder.push(row);
            }
            builder.finish()
        };
        self.part("collect into columns", bytes, (self.rows, "rows"), || {
            Ok(batch(&mut BatchBuilder::new(schema.clone(), self.rows))?)
        })?;
        let frame = batch(&mut BatchBuilder::new(schema.clone(), self.rows))?;
        self.part("write as parquet", bytes, (self.rows, "rows"), || {
            let mut writer = RowGroupWriter::try_new(std::io::sink(), &schema)?;
            writer.push(&frame)?;
            Ok(writer.finish()?)
        })
    }

    fn rules(&self) -> Result<SplitRules, Failure> {
        match &self.feed.format.layout {
            Layout::Delimited(dialect) => Ok(SplitRules::delimited(dialect)),
            _ => Err("the bench feed is delimited".into()),
        }
    }

    /// The delivered cells of one column.
    fn cells(&self, place: usize) -> Result<Vec<&str>, Failure> {
        let rules = self.rules()?;
        let mut fields = Vec::new();
        let mut cells = Vec::with_capacity(self.rows);
        let mut problem = None;
        for_each_record(&self.text, &rules, &mut fields, |record, fields| {
            let field = fields[place];
            match std::str::from_utf8(&record[field.start..field.end]) {
                Ok(cell) => cells.push(cell),
                Err(error) => problem = Some(error),
            }
        });
        problem.map_or(Ok(cells), |error| Err(error.into()))
    }
}

fn for_each_record<'t>(
    text: &'t [u8],
    rules: &SplitRules,
    fields: &mut Vec<FieldSpan>,
    mut each: impl FnMut(&'t [u8], &[FieldSpan]),
) {
    let mut rest = text;
    while !rest.is_empty() {
        let Scan::Record { total, .. } =
            scan_record(rest, true, rules, Some(LineEnd::LineFeed), fields)
        else {
            return;
        };
        each(rest, fields);
        rest = &rest[total..];
    }
}

fn write_project(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join("sources"))?;
    std::fs::write(folder.join("bank.yml"), BANK)?;
    std::fs::write(folder.join("bench.key"), KEY)?;
    std::fs::write(folder.join("sources/bench.yml"), SOURCE)
}

/// Rows without a header, in the order of the columns.
fn accounts(rows: usize) -> Vec<u8> {
    const NAMES: [&str; 5] = [
        "SMITH, JOHN",
        "Garcia, Maria",
        "O'NEIL, anne",
        "LEE, KIM",
        "van Dyk, Jan",
    ];
    let mut text = Vec::new();
    for number in 0..rows {
        let line = format!(
            "D{number:010}|{} {}|(415) 555-{:04}|201703{:02}|2026-10-{:02} 08:{:02}:{:02}|{}.{:02}|0.0{}|{}|{}|{}|{}\n",
            NAMES[number % NAMES.len()],
            ["A", "B", "C"][number % 3],
            number % 10_000,
            number % 28 + 1,
            number % 28 + 1,
            number % 60,
            number % 59,
            number % 100_000,
            number % 100,
            number % 9000 + 1000,
            ["A", "D", "C"][number % 3],
            number % 3,
            ["Y", "N"][number % 2],
            card(number),
        );
        text.extend_from_slice(line.as_bytes());
    }
    text
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() * 2);
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        for (place, field) in line.split(|byte| *byte == b'|').enumerate() {
            if place > 0 {
                quoted.push(b'|');
            }
            quoted.push(b'"');
            quoted.extend_from_slice(field);
            quoted.push(b'"');
        }
        quoted.push(b'\n');
    }
    quoted
}

/// Sixteen digits with a right check digit.
fn card(number: usize) -> String {
    let digits = format!("400000{number:09}");
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
