//! Feeds for tests, and a load into memory.

#![expect(clippy::expect_used, reason = "a test may stop at once")]

use std::collections::BTreeMap;
use std::path::Path;

use polars::prelude::*;
use salenet::config::feed::{
    Classification, Cleaner, ColumnSpec, Compression, DataType as FeedType, Delivery, Dialect,
    Encoding, FeedSpec, Format, Layout, NegativeSign, Notation, OnMissing, PathTemplate,
    RejectLimit, StrayQuotes, Survivor,
};
use salenet::domain::{BusinessDate, TableName};
use salenet::stages::clean::TokenKeys;
use salenet::stages::extract::{
    DeliveredFile, ExtractError, FeedReport, LoadRequest, Origin, load_feed,
};
use salenet::store::{NewFile, Warehouse};

pub const PLAIN: Notation = Notation {
    decimal_mark: '.',
    group_mark: None,
    negative: NegativeSign::Leading,
    implied_decimals: 0,
};

pub fn money() -> FeedType {
    FeedType::Money {
        scale: 2,
        notation: PLAIN,
    }
}

pub fn column(name: &str, data_type: FeedType) -> ColumnSpec {
    ColumnSpec {
        name: name.to_owned(),
        from: name.to_owned(),
        at: None,
        data_type,
        required: false,
        nulls: vec![String::new()],
        clean: vec![Cleaner::Trim],
        map: None,
        protect: None,
        classification: Classification::Internal,
        known_after_contact: false,
        description: String::new(),
    }
}

pub fn csv_feed(delimiter: &str, columns: Vec<ColumnSpec>) -> FeedSpec {
    FeedSpec {
        source: "bank".to_owned(),
        name: "rows".to_owned(),
        table: TableName::staging("bank", "rows").expect("a good name"),
        path: PathTemplate("bank/{business_date}/rows_{business_date:%Y%m%d}.csv".to_owned()),
        delivery: Delivery::Snapshot,
        on_missing: OnMissing::Stop,
        may_be_empty: false,
        max_shrink_ppm: None,
        format: Format {
            layout: Layout::Delimited(Dialect {
                delimiter: delimiter.to_owned(),
                quote: Some('"'),
                has_header: true,
                stray_quotes: StrayQuotes::Keep,
            }),
            encoding: Encoding::Utf8,
            compression: Compression::Auto,
        },
        header_record: None,
        trailer_record: None,
        control: None,
        columns,
        key: Vec::new(),
        survivor: Survivor::First,
        dedupe_days: 7,
        rules: Vec::new(),
        reject_limit: RejectLimit::default(),
    }
}

pub fn date() -> BusinessDate {
    "2026-10-31".parse().expect("a date")
}

/// Both outputs of a load.
#[derive(Debug)]
pub struct Loaded {
    pub report: FeedReport,
    pub staging: DataFrame,
    pub quarantine: DataFrame,
    pub staging_bytes: Vec<u8>,
    pub quarantine_bytes: Vec<u8>,
}

pub struct Request<'a> {
    pub feed: &'a FeedSpec,
    pub tokens: TokenKeys,
    pub control: Option<std::path::PathBuf>,
    pub earlier: Vec<std::path::PathBuf>,
    pub previous_hashes: Vec<String>,
    pub previous_rows: Option<u64>,
    pub threads: usize,
    pub key_bytes: usize,
}

impl<'a> Request<'a> {
    pub fn new(feed: &'a FeedSpec) -> Self {
        Self {
            feed,
            tokens: TokenKeys::default(),
            control: None,
            earlier: Vec::new(),
            previous_hashes: Vec::new(),
            previous_rows: None,
            threads: 2,
            key_bytes: 1 << 20,
        }
    }

    pub fn load(&self, files: &[(&Path, Origin)]) -> Result<Loaded, ExtractError> {
        let files: Vec<DeliveredFile> = files
            .iter()
            .map(|(path, origin)| DeliveredFile {
                relative_path: path
                    .file_name()
                    .expect("a file")
                    .to_string_lossy()
                    .into_owned(),
                path: path.to_path_buf(),
                origin: *origin,
            })
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        let warehouse = Warehouse::open_or_create(folder.path()).expect("a warehouse");
        let request = LoadRequest {
            feed: self.feed,
            files: &files,
            control: self.control.clone(),
            business_date: date(),
            tokens: &self.tokens,
            earlier_keys: &self.earlier,
            previous_hashes: &self.previous_hashes,
            previous_rows: self.previous_rows,
            threads: std::num::NonZeroUsize::new(self.threads).expect("a thread"),
            key_bytes: self.key_bytes,
            warehouse: &warehouse,
        };
        let loaded = load_feed(&request)?;
        let report = loaded.report;
        let bytes = |file: &NewFile| std::fs::read(file.temporary_path()).expect("readable");
        let (staging_bytes, quarantine_bytes) = (bytes(&loaded.staging), bytes(&loaded.quarantine));
        report
            .check_conservation()
            .expect("every row and cent is accounted for");
        let read = |bytes: &[u8]| {
            ParquetReader::new(std::io::Cursor::new(bytes.to_vec()))
                .finish()
                .expect("readable")
        };
        let (staging, quarantine) = (read(&staging_bytes), read(&quarantine_bytes));
        assert_eq!(staging.height() as u64, report.rows.loaded);
        assert_eq!(quarantine.height() as u64, report.rows.rejected);
        Ok(Loaded {
            report,
            staging,
            quarantine,
            staging_bytes,
            quarantine_bytes,
        })
    }
}

/// Loads one delivered file with this content.
pub fn load_bytes(feed: &FeedSpec, name: &str, content: &[u8]) -> Result<Loaded, ExtractError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = put(folder.path(), name, content);
    Request::new(feed).load(&[(&path, Origin::Delivery)])
}

#[expect(clippy::disallowed_methods, reason = "tests make their own deliveries")]
pub fn put(folder: &Path, name: &str, content: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, content).expect("written");
    path
}

/// A column as texts; null is `NULL`.
pub fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let series = frame.column(column).expect("the column");
    (0..frame.height())
        .map(|row| match series.get(row).expect("the row") {
            AnyValue::Null => "NULL".to_owned(),
            other => other.str_value().into_owned(),
        })
        .collect()
}

/// Reject counts by rule.
pub fn rules(report: &FeedReport) -> BTreeMap<String, u64> {
    let mut rules = BTreeMap::new();
    for reject in &report.rejects {
        *rules.entry(reject.rule.clone()).or_default() += reject.rows;
    }
    rules
}
