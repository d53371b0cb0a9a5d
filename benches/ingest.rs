//! How fast one feed is read: split, counted, typed, cleaned, written as Parquet.
//!
//! `cargo bench --bench ingest` prints megabytes and rows per second of the delivered file, and the process's peak
//! memory; run it twice on a busy machine and compare ratios, not numbers. Sizes in gigabytes may be given instead of
//! the million rows: `cargo bench --bench ingest -- 1 10 30`, each in a process of its own. With `--zstd` the file is
//! delivered compressed, and takes a fifth of the room; with `--key` duplicates are looked for, with `--repeats` one row
//! in a thousand is one.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use salenet::config;
use salenet::domain::BusinessDate;
use salenet::run::settings::KEY_BYTES;
use salenet::stages::clean::TokenKeys;
use salenet::stages::extract::{DeliveredFile, LoadRequest, Origin, load_feed};
use salenet::store::Warehouse;

/// The program's own.
#[global_allocator]
static ALLOCATOR: salenet_allocator::Allocator = salenet_allocator::Allocator;

/// Of a row, on average.
const ROW_BYTES: f64 = 73.0;

const BANK: &str = "name: Bench\ncurrency: USD\ncountry: US\nlanding: landing\njoint_accounts: equal\ncalendar: daily\n";

const SOURCE: &str = "source: bench
description: Ten columns as account extracts have them
trust_rank: 1
feeds:
  accounts:
    path: FILE
    delivery: snapshot
    format: {type: csv, delimiter: \"|\"}
    columns:
      account_no: {type: string, required: true, clean: [trim]}
      holder_name: {type: string, clean: [trim, person_name], classification: direct}
      open_date: {type: date, format: \"%Y%m%d\"}
      balance: {type: money}
      credit_limit: {type: money}
      rate: {type: decimal, scale: 6}
      branch: {type: string}
      status: {type: string, map: {A: active, D: dormant, C: closed}}
      n_cards: {type: integer}
      is_staff: {type: boolean}
";

#[derive(Clone, Copy)]
struct Options {
    is_packed: bool,
    has_key: bool,
    has_repeats: bool,
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = std::env::args().skip(1);
    let (flags, sizes): (Vec<String>, Vec<String>) =
        arguments.partition(|argument| argument.starts_with("--"));
    let is_given = |flag: &str| flags.iter().any(|given| given == flag);
    let options = Options {
        is_packed: is_given("--zstd"),
        has_key: is_given("--key") || is_given("--repeats"),
        has_repeats: is_given("--repeats"),
    };
    let sizes = sizes.iter().map(|size| size.parse());
    match sizes.collect::<Result<Vec<f64>, _>>()?.as_slice() {
        [] => println!("{}", ingest(0.073, options)?),
        [size] => println!("{}", ingest(*size, options)?),
        several => {
            // What one size leaves behind is not the next one's memory.
            for size in several {
                let mut alone = std::process::Command::new(std::env::current_exe()?);
                alone.arg(size.to_string()).args(&flags);
                if !alone.status()?.success() {
                    return Err(format!("{size} GB failed").into());
                }
            }
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark writes its input and reads the clock"
)]
fn ingest(gigabytes: f64, options: Options) -> Result<String, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = if options.is_packed {
        "accounts.csv.zst"
    } else {
        "accounts.csv"
    };
    write_project(folder.path(), file, options.has_key)?;
    let project = config::load(folder.path()).map_err(|problems| problems.to_string())?;
    let feed = project
        .feed("bench.accounts")
        .ok_or("the bench feed is missing")?;
    let path = folder.path().join(file);
    let target = std::fs::File::create(&path)?;
    let bytes = if options.is_packed {
        let packed = zstd::Encoder::new(target, 1)?.auto_finish();
        write_accounts(packed, gigabytes, options.has_repeats)?
    } else {
        write_accounts(target, gigabytes, options.has_repeats)?
    };
    let date: BusinessDate = "2026-10-31".parse()?;
    let request = LoadRequest {
        feed,
        files: &[DeliveredFile {
            relative_path: file.to_owned(),
            path,
            origin: Origin::Delivery,
        }],
        control: None,
        business_date: date,
        tokens: &TokenKeys::none(),
        earlier_keys: &[],
        previous_hashes: &[],
        previous_rows: None,
        threads: std::thread::available_parallelism()?,
        key_bytes: KEY_BYTES,
        warehouse: &Warehouse::open_or_create(&folder.path().join("warehouse"))?,
    };
    // As in a run.
    salenet_allocator::keep_freed_memory();
    let started = Instant::now();
    let report = load_feed(&request)?.report;
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]
    let (megabytes, rows) = (bytes as f64 / 1e6, report.rows.loaded as f64);
    Ok(format!(
        "{megabytes:.0} MB, {rows:.0} rows in {seconds:.2} s: {:.1} MB/s, {:.0} rows/s, peak memory {}",
        megabytes / seconds,
        rows / seconds,
        peak_memory()?
    ))
}

/// What the process has held at most since it started, as the kernel spells it.
fn peak_memory() -> std::io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(peak.map_or("unknown", str::trim).to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes its input")]
fn write_project(folder: &Path, file: &str, has_key: bool) -> std::io::Result<()> {
    std::fs::create_dir(folder.join("sources"))?;
    std::fs::write(folder.join("bank.yml"), BANK)?;
    let mut source = SOURCE.replace("FILE", file);
    if has_key {
        source.push_str("    key: [account_no]\n");
    }
    std::fs::write(folder.join("sources/bench.yml"), source)
}

/// Gives the bytes that were written, before anything packs them.
fn write_accounts(target: impl Write, gigabytes: f64, has_repeats: bool) -> std::io::Result<u64> {
    let mut file = std::io::BufWriter::with_capacity(1 << 20, target);
    let head = "account_no|holder_name|open_date|balance|credit_limit|rate|branch|status|n_cards|is_staff\n";
    file.write_all(head.as_bytes())?;
    let mut bytes = head.len() as u64;
    let mut row = String::with_capacity(128);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of rows"
    )]
    let n_rows = (gigabytes * 1e9 / ROW_BYTES) as u64;
    for number in 0..n_rows {
        let (day, cents) = (number % 28 + 1, number % 100);
        let account = if has_repeats && number % 1000 == 999 {
            number / 2
        } else {
            number
        };
        row.clear();
        let _always_fits = writeln!(
            row,
            "D{account:010}|SMITH, JOHN {}|201703{day:02}|{}.{cents:02}|5000.00|0.0{}|B{:03}|A|{}|N",
            number % 977,
            number % 100_000,
            number % 9000 + 1000,
            number % 300,
            number % 3
        );
        bytes += row.len() as u64;
        file.write_all(row.as_bytes())?;
    }
    file.flush()?;
    Ok(bytes)
}
