//! How fast one feed is read: split, counted, typed, cleaned, written as Parquet.
//!
//! `cargo bench --bench ingest` prints megabytes and rows per second of the delivered file, and the process's peak
//! memory; run it twice on a busy machine and compare ratios, not numbers. Sizes in gigabytes may be given instead of
//! the million rows, in ascending order: `cargo bench --bench ingest -- 1 10 30`.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use salenet::config;
use salenet::domain::BusinessDate;
use salenet::stages::clean::TokenKeys;
use salenet::stages::extract::{DeliveredFile, LoadRequest, Origin, load_feed};

/// Of a row, on average.
const ROW_BYTES: f64 = 73.0;

const BANK: &str = "name: Bench\ncurrency: USD\ncountry: US\nlanding: landing\njoint_accounts: equal\ncalendar: daily\n";

const SOURCE: &str = "source: bench
description: Ten columns as account extracts have them
trust_rank: 1
feeds:
  accounts:
    path: accounts.csv
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

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = std::env::args().skip(1);
    let sizes = arguments.filter(|argument| !argument.starts_with("--"));
    let mut sizes: Vec<f64> = sizes.map(|size| size.parse()).collect::<Result<_, _>>()?;
    if sizes.is_empty() {
        sizes.push(0.073);
    }
    for gigabytes in sizes {
        println!("{}", ingest(gigabytes)?);
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark writes its input and reads the clock"
)]
fn ingest(gigabytes: f64) -> Result<String, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    write_project(folder.path())?;
    let project = config::load(folder.path()).map_err(|problems| problems.to_string())?;
    let feed = project
        .feed("bench.accounts")
        .ok_or("the bench feed is missing")?;
    let path = folder.path().join("accounts.csv");
    write_accounts(&path, gigabytes)?;
    let bytes = std::fs::metadata(&path)?.len();
    let date: BusinessDate = "2026-10-31".parse()?;
    let request = LoadRequest {
        feed,
        files: &[DeliveredFile {
            relative_path: "accounts.csv".to_owned(),
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
    };
    let staging = std::fs::File::create(folder.path().join("staging.parquet"))?;
    let started = Instant::now();
    let report = load_feed(&request, std::io::BufWriter::new(staging), std::io::sink())?;
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
fn write_project(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder.join("sources"))?;
    std::fs::write(folder.join("bank.yml"), BANK)?;
    std::fs::write(folder.join("sources/bench.yml"), SOURCE)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes its input")]
fn write_accounts(path: &Path, gigabytes: f64) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(
        file,
        "account_no|holder_name|open_date|balance|credit_limit|rate|branch|status|n_cards|is_staff"
    )?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of rows"
    )]
    let n_rows = (gigabytes * 1e9 / ROW_BYTES) as u64;
    for number in 0..n_rows {
        let (day, cents) = (number % 28 + 1, number % 100);
        writeln!(
            file,
            "D{number:010}|SMITH, JOHN {}|201703{day:02}|{}.{cents:02}|5000.00|0.0{}|B{:03}|A|{}|N",
            number % 977,
            number % 100_000,
            number % 9000 + 1000,
            number % 300,
            number % 3
        )?;
    }
    file.flush()
}
