//! `sources/<source>.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::column::RawColumn;
use super::{Identifier, Named, Written};

/// A system that delivers extracts, and the layout of each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSource {
    /// The source's name; the file is named after it.
    pub source: Identifier,
    /// What the system is.
    pub description: String,
    /// How far the source is trusted; 1 is trusted most.
    #[schemars(range(min = 1))]
    pub trust_rank: u32,
    /// When the source closes its business day, local time, such as "22:30".
    pub cutoff_time: Option<String>,
    /// The currency it keeps its books in; default the bank's.
    pub currency: Option<String>,
    /// One file layout each.
    pub feeds: Named<RawFeed>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFeed {
    /// Where the file stands below the landing folder, such as `deposits/{business_date}/accounts.csv`.
    #[schemars(length(min = 1))]
    pub path: String,
    /// What a file holds: snapshot (everything), append (tonight's events) or changes.
    pub delivery: RawDelivery,
    /// What happens when the file is missing.
    #[serde(default)]
    pub on_missing: RawOnMissing,
    /// Whether a file without rows is accepted.
    #[serde(default)]
    pub may_be_empty: bool,
    /// The largest accepted fall of the row count against the last release, such as "60%".
    pub max_shrink: Option<String>,
    /// The kind of file and how it is written.
    pub format: RawFormat,
    /// The sender's record before the data.
    pub header_record: Option<RawFrameRecord>,
    /// The sender's record behind the data.
    pub trailer_record: Option<RawFrameRecord>,
    /// The file beside the delivery with its counts and totals.
    pub control: Option<RawControl>,
    /// The columns that identify a row; a row with a key seen before is a duplicate.
    #[schemars(length(min = 1))]
    pub key: Option<Vec<String>>,
    /// Which of the rows with one key stays: first, last or {latest: column}.
    pub survivor: Option<RawSurvivor>,
    /// Earlier nights searched for the same key, of append feeds; default 7.
    pub dedupe_days: Option<u32>,
    /// The columns to load, in the order of the table.
    pub columns: Named<RawColumn>,
    /// Conditions a row must satisfy.
    #[serde(default)]
    pub rules: Vec<RawRowRule>,
    /// How much may be rejected before the night stops; default nothing.
    pub reject_limit: Option<RawRejectLimit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawDelivery {
    Snapshot,
    Append,
    Changes,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RawOnMissing {
    #[default]
    Stop,
    /// Nothing was to come: of append feeds that bring rows now and then.
    NoRows,
    /// The last release's state is used again.
    CarryForward {
        /// The most days in a row.
        #[schemars(range(min = 1))]
        max_days: u32,
    },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFormat {
    /// The kind of file: csv, fixed, jsonl or parquet.
    #[serde(rename = "type")]
    pub kind: RawFormatType,
    /// What separates fields; default ",".
    #[schemars(length(min = 1))]
    pub delimiter: Option<String>,
    /// The quote character; default '"'; `none` for files without quoting.
    #[schemars(length(min = 1))]
    pub quote: Option<String>,
    /// Whether the first line names the columns; default true.
    pub header: Option<bool>,
    /// What a quote inside an unquoted field means: keep or reject.
    pub stray_quotes: Option<RawStrayQuotes>,
    /// The character encoding; default utf-8.
    pub encoding: Option<RawEncoding>,
    /// The compression; default auto, by the file's name.
    pub compression: Option<RawCompression>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawFormatType {
    Csv,
    Fixed,
    Jsonl,
    Parquet,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawStrayQuotes {
    Keep,
    Reject,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub enum RawEncoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16")]
    Utf16,
    #[serde(rename = "utf-16le")]
    Utf16le,
    #[serde(rename = "utf-16be")]
    Utf16be,
    #[serde(rename = "gb18030")]
    Gb18030,
    #[serde(rename = "latin-1")]
    Latin1,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawCompression {
    Auto,
    Plain,
    Gzip,
    Zstd,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFrameRecord {
    /// How the record begins.
    #[schemars(length(min = 1))]
    pub starts_with: String,
    /// Where the business date stands and how it is written.
    pub business_date: Option<RawFrameDate>,
    /// Where the number of rows stands.
    pub rows: Option<RawPlace>,
    /// Where the totals of money columns stand.
    #[serde(default)]
    pub sums: Named<RawFrameTotal>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPlace {
    /// First character (from 1) and length.
    pub at: Option<[u32; 2]>,
    /// The number of the field (from 1) in a delimited record.
    #[schemars(range(min = 1))]
    pub field: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFrameDate {
    /// First character (from 1) and length.
    pub at: Option<[u32; 2]>,
    /// The number of the field (from 1) in a delimited record.
    #[schemars(range(min = 1))]
    pub field: Option<u32>,
    /// How the date is written, such as "%Y%m%d".
    pub format: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFrameTotal {
    /// First character (from 1) and length.
    pub at: Option<[u32; 2]>,
    /// The number of the field (from 1) in a delimited record.
    #[schemars(range(min = 1))]
    pub field: Option<u32>,
    /// Digits after the point when the text has no point; default the column's scale.
    #[schemars(range(min = 0, max = 18))]
    pub scale: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawControl {
    /// Where the control file stands below the landing folder.
    #[schemars(length(min = 1))]
    pub file: String,
    /// The name of the row count.
    #[schemars(length(min = 1))]
    pub rows: Option<String>,
    /// Money columns and the names of their totals.
    #[serde(default)]
    pub sums: Named<String>,
    /// Columns of digits and the names of their hash totals.
    #[serde(default)]
    pub hash_totals: Named<String>,
    /// The name of the business date.
    #[schemars(length(min = 1))]
    pub business_date: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSurvivor {
    First,
    Last,
    /// The row with the largest value of this column.
    Latest(String),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRowRule {
    /// The rule's name, as quarantine shows it.
    #[schemars(length(min = 1))]
    pub id: String,
    /// The SQL condition of a good row.
    #[schemars(length(min = 1))]
    pub must: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRejectLimit {
    /// Rejected rows: a share such as "0.1%", or a number.
    pub rows: Option<Written>,
    /// Rejected money.
    pub amount: Option<RawAmountLimit>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAmountLimit {
    /// The money column that is summed.
    pub column: String,
    /// The most that may be rejected: a share such as "0.01%", or an amount.
    pub max: Written,
}
