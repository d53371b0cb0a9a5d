//! A feed as checked: one file layout of a source, ready to be read without further questions.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::TableName;

/// A system that delivers extracts.
#[derive(Debug, Clone, Serialize)]
pub struct SourceSpec {
    pub name: String,
    pub description: String,
    /// 1 is trusted most.
    pub trust_rank: u32,
    /// `HH:MM`
    pub cutoff_time: Option<String>,
    /// ISO 4217; the bank's, unless the source says otherwise.
    pub currency: String,
    pub feeds: Vec<FeedSpec>,
}

/// Serialised, this is what a feed step's fingerprint hashes: every field that can change the output is here.
#[derive(Debug, Clone, Serialize)]
pub struct FeedSpec {
    pub source: String,
    pub name: String,
    /// `staging.<source>_<feed>`
    pub table: TableName,
    pub path: PathTemplate,
    pub delivery: Delivery,
    pub on_missing: OnMissing,
    pub may_be_empty: bool,
    /// Refuses a delivery whose row count fell by more than this share (parts per million) against the base release.
    pub max_shrink_ppm: Option<u32>,
    pub format: Format,
    pub header_record: Option<FrameRecord>,
    pub trailer_record: Option<FrameRecord>,
    pub control: Option<ControlFile>,
    pub columns: Vec<ColumnSpec>,
    /// Column names; empty for a feed without a key (no deduplication).
    pub key: Vec<String>,
    pub survivor: Survivor,
    /// For `append` feeds: how many earlier nights are searched for the same key.
    pub dedupe_days: u32,
    pub rules: Vec<RowRule>,
    pub reject_limit: RejectLimit,
}

impl FeedSpec {
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnSpec> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// `source.feed`, as messages and commands name it.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        format!("{}.{}", self.source, self.name)
    }
}

/// A path below the landing folder; `{business_date}` and `{business_date:%Y%m%d}` stand for the date.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct PathTemplate(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The whole state, every night.
    Snapshot,
    /// New events of the night.
    Append,
    /// New and changed rows of a state, by key; the staging table holds the whole state.
    Changes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    Stop,
    /// Nothing was to come.
    NoRows,
    /// The base release's state is used again, at most this many days in a row.
    CarryForward {
        max_days: u32,
    },
}

#[derive(Debug, Clone, Serialize)]
pub struct Format {
    pub layout: Layout,
    pub encoding: Encoding,
    pub compression: Compression,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    Delimited(Dialect),
    /// One record per line, columns by character position.
    Fixed,
    /// One JSON object per line.
    JsonLines,
    Parquet,
}

#[derive(Debug, Clone, Serialize)]
pub struct Dialect {
    /// One or more characters; `, ` is a delimiter of two.
    pub delimiter: String,
    pub quote: Option<char>,
    pub has_header: bool,
    pub stray_quotes: StrayQuotes,
}

/// What a quote inside an unquoted field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StrayQuotes {
    /// It belongs to the value.
    Keep,
    /// The row goes to quarantine.
    Reject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// With or without byte order mark.
    Utf8,
    /// By its byte order mark.
    Utf16,
    Utf16le,
    Utf16be,
    Gb18030,
    Latin1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// By the file's name: `.gz`, `.zst`, otherwise plain.
    Auto,
    Plain,
    Gzip,
    Zstd,
}

/// A header or trailer record of the sender: recognised by its start, never loaded, verified against what was read.
#[derive(Debug, Clone, Serialize)]
pub struct FrameRecord {
    pub starts_with: String,
    pub business_date: Option<(FramePlace, String)>,
    pub rows: Option<FramePlace>,
    /// Money column -> where its total stands; `scale` digits are implied when the text has no point.
    pub sums: BTreeMap<String, (FramePlace, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FramePlace {
    /// First character (from 1) and length.
    At { start: u32, length: u32 },
    /// Field number (from 1) of a delimited record.
    Field(u32),
}

/// A file beside the delivery with lines `name=value` (`=`, `:`, `|`, `,` or `;` between them).
#[derive(Debug, Clone, Serialize)]
pub struct ControlFile {
    pub file: PathTemplate,
    pub rows: Option<String>,
    /// Money column -> the name of its total.
    pub sums: BTreeMap<String, String>,
    /// Column of digits -> the name of its hash total (the sum of the column's digits read as a number).
    pub hash_totals: BTreeMap<String, String>,
    pub business_date: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ColumnSpec {
    pub name: String,
    /// The name in the file; equal to `name` unless the feed says otherwise.
    pub from: String,
    /// First character (from 1) and length, for fixed-width layouts.
    pub at: Option<(u32, u32)>,
    pub data_type: DataType,
    pub required: bool,
    pub nulls: Vec<String>,
    pub clean: Vec<Cleaner>,
    pub map: Option<CodeMap>,
    pub protect: Option<Protection>,
    pub classification: Classification,
    /// No score may be made of it.
    pub known_after_contact: bool,
    pub description: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    String,
    Integer,
    /// DECIMAL(18, scale)
    Decimal {
        scale: u32,
        notation: Notation,
    },
    /// DECIMAL(18, the bank's scale)
    Money {
        scale: u32,
        notation: Notation,
    },
    Date {
        format: String,
        pivot: Option<u32>,
    },
    /// TIMESTAMP(us, UTC)
    Timestamp {
        format: String,
        pivot: Option<u32>,
    },
    Boolean {
        truthy: Vec<String>,
        falsy: Vec<String>,
    },
}

/// How a number is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notation {
    pub decimal_mark: char,
    pub group_mark: Option<char>,
    pub negative: NegativeSign,
    /// Digits after the point that the text leaves out: `12345` with 2 is 123.45.
    pub implied_decimals: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeSign {
    /// `-12.00`
    Leading,
    /// `12.00-`
    Trailing,
    /// `(12.00)`
    Parentheses,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleaner {
    Trim,
    /// Runs of white space become one blank.
    Collapse,
    Upper,
    Lower,
    Nfkc,
    PersonName,
    OrganisationName,
    Address,
    /// E.164; the region is used where the number has no country code.
    Phone {
        region: String,
    },
    Email,
    /// Keeps digits only.
    Digits,
    Iban,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeMap {
    pub values: BTreeMap<String, String>,
    pub other: UnmappedCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnmappedCode {
    Reject,
    Keep,
    Null,
}

/// The kind of identifier a column holds; it is also the token's domain, so that tokens of two sources meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Must pass the Luhn check, otherwise the row is rejected.
    Card,
    /// Adds the column `<name>_valid`; an invalid id is tokenised too but identifies nobody.
    NationalId {
        scheme: NationalIdScheme,
        positions: Positions,
    },
    Iban,
    Phone,
}

/// Whether a national id leaves more than its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    None,
    /// Adds the column `<name>_positions`: one short token per position, of the id without that character. Ids that
    /// differ in one character have one of them in common.
    Kept,
}

impl Protection {
    /// What follows the column's name in the names of the columns that it adds.
    #[must_use]
    pub const fn added(&self) -> &'static [&'static str] {
        match self {
            Self::NationalId {
                positions: Positions::None,
                ..
            } => &["_valid"],
            Self::NationalId {
                positions: Positions::Kept,
                ..
            } => &["_valid", "_positions"],
            Self::Card | Self::Iban | Self::Phone => &[],
        }
    }
}

impl ColumnSpec {
    /// Names of the columns that its protection adds after it.
    pub fn added(&self) -> impl Iterator<Item = String> {
        let added = self.protect.as_ref().map_or(&[][..], Protection::added);
        added.iter().map(|ending| format!("{}{ending}", self.name))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NationalIdScheme {
    /// United States social security number.
    UsSsn,
    /// GB 11643: 18 characters with a check character.
    CnResident,
    /// Any non-empty text is valid.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    Internal,
    /// Identifies a person by itself: name, address, phone.
    Direct,
    /// Stands close to a prohibited basis, such as postcode, given name, language: reported where it decides.
    Proxy,
    /// A prohibited basis of credit decisions: sex, age, marital status and what reveals them.
    Prohibited,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Survivor {
    First,
    Last,
    /// The row with the largest value of this column; the earlier line wins a tie.
    Latest {
        column: String,
    },
}

/// A row that does not satisfy `must` goes to quarantine; null counts as satisfied, as in SQL CHECK.
#[derive(Debug, Clone, Serialize)]
pub struct RowRule {
    pub id: String,
    pub must: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct RejectLimit {
    pub rows: Option<Limit>,
    pub amount: Option<(String, Limit)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// An absolute number of rows, or of the smallest money unit.
    Count(u64),
    /// Parts per million of what was read.
    Ppm(u32),
}
