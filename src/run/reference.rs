//! Reference tables: CSV files of the project, read by the same splitter and types as any feed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::RunError;
use super::steps::{Fingerprint, StepKind};
use crate::config::feed::{
    Compression, Delivery, Dialect, Encoding, FeedSpec, Format, Layout, OnMissing, PathTemplate,
    RejectLimit, StrayQuotes, Survivor,
};
use crate::config::reference::ReferenceSpec;
use crate::domain::BusinessDate;
use crate::sql::schema::declared_columns;
use crate::stages::clean::TokenKeys;
use crate::stages::extract::{DeliveredFile, LoadRequest, Origin, load_feed};
use crate::store::steps::StepOutput;
use crate::store::{TableEntry, Warehouse};

/// Loads one reference table. A row that does not fit is a configuration error: the file is part of the project.
pub fn load_reference(
    warehouse: &Warehouse,
    reference: &ReferenceSpec,
    tokens: &TokenKeys,
) -> Result<TableEntry, RunError> {
    let table = reference.table.to_string();
    let text = std::fs::read(&reference.csv_path).map_err(|source| RunError::Read {
        path: reference.csv_path.clone(),
        source,
    })?;
    let mut fingerprint = Fingerprint::new(StepKind::Reference);
    fingerprint.add(
        "columns",
        &serde_json::to_string(reference).map_err(RunError::Report)?,
    );
    fingerprint.add("content", blake3::hash(&text).to_hex().as_str());
    let fingerprint = fingerprint.finish();
    if let Some(mut output) = warehouse.step_output(&fingerprint)?
        && let Some(entry) = output.tables.remove(&reference.table)
    {
        return Ok(entry);
    }
    let feed = as_feed(reference);
    let file = DeliveredFile {
        relative_path: format!("reference/{}.csv", reference.name),
        path: reference.csv_path.clone(),
        origin: Origin::Delivery,
    };
    let request = LoadRequest {
        feed: &feed,
        files: &[file],
        control: None,
        // Of no night: the same file gives the same bytes whenever a warehouse begins.
        business_date: BusinessDate::new(chrono::NaiveDate::default()),
        tokens,
        earlier_keys: &[],
        previous_hashes: &[],
        previous_rows: None,
        threads: NonZeroUsize::MIN,
        // It has no key.
        key_bytes: 0,
        warehouse,
    };
    let loaded = load_feed(&request).map_err(|source| RunError::Reference {
        table: table.clone(),
        source,
    })?;
    let report = loaded.report;
    if let Some(first) = report.rejects.first() {
        return Err(RunError::ReferenceRows {
            table,
            n_rejected: report.rows.rejected,
            first: format!("column `{}`: {}", first.column, first.reason),
        });
    }
    let folder = format!(
        "data/{}/{}",
        reference.table.schema(),
        reference.table.table()
    );
    let entry = TableEntry {
        columns: declared_columns(&reference.columns),
        sorted_by: Vec::new(),
        files: vec![
            loaded
                .staging
                .commit(&folder, "parquet", report.rows.loaded, None)?,
        ],
    };
    let output = StepOutput {
        step: table,
        tables: BTreeMap::from([(reference.table.clone(), entry.clone())]),
        files: Vec::new(),
        report: serde_json::Value::Null,
    };
    warehouse.record_step(&fingerprint, &output)?;
    Ok(entry)
}

fn as_feed(reference: &ReferenceSpec) -> FeedSpec {
    FeedSpec {
        source: "reference".to_owned(),
        name: reference.name.clone(),
        table: reference.table.clone(),
        path: PathTemplate(format!("{}.csv", reference.name)),
        delivery: Delivery::Snapshot,
        on_missing: OnMissing::Stop,
        may_be_empty: true,
        max_shrink_ppm: None,
        format: Format {
            layout: Layout::Delimited(Dialect {
                delimiter: ",".to_owned(),
                quote: Some('"'),
                has_header: true,
                stray_quotes: StrayQuotes::Reject,
            }),
            encoding: Encoding::Utf8,
            compression: Compression::Plain,
        },
        header_record: None,
        trailer_record: None,
        control: None,
        columns: reference.columns.clone(),
        key: Vec::new(),
        survivor: Survivor::First,
        dedupe_days: 0,
        rules: Vec::new(),
        // Everything may be rejected here, so that the caller can name the first row that does not fit.
        reject_limit: RejectLimit {
            rows: Some(crate::config::feed::Limit::Ppm(1_000_000)),
            amount: None,
        },
    }
}
