//! A column of a feed or a reference table as written.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::{Words, Written};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawColumn {
    /// The type: string, integer, decimal, money, date, timestamp or boolean.
    #[serde(rename = "type")]
    pub kind: RawType,
    /// What the column means.
    pub description: Option<String>,
    /// The column's name in the file, where it differs; in JSON lines dots descend.
    #[schemars(length(min = 1))]
    pub from: Option<String>,
    /// First character (from 1) and length, in fixed-width layouts.
    pub at: Option<[u32; 2]>,
    /// Whether a row without a value is rejected.
    #[serde(default)]
    pub required: bool,
    /// Texts that mean no value; default the empty text.
    pub nulls: Option<Vec<String>>,
    /// Cleaners, applied in this order.
    #[serde(default)]
    pub clean: Vec<RawCleaner>,
    /// Codes of the sender and what they mean.
    pub map: Option<Words<Written>>,
    /// What becomes of a code that `map` does not list: reject, keep or null.
    #[serde(default, deserialize_with = "null_is_a_word")]
    pub map_other: Option<RawMapOther>,
    /// The kind of protected number; only its token is stored.
    pub protect: Option<RawProtection>,
    /// Who may see the column: internal, direct, proxy (reported where it decides) or prohibited.
    #[serde(default)]
    pub classification: RawClassification,
    /// Whether the column is known only after the contact it speaks of, so that no score may be made of it.
    #[serde(default)]
    pub known_after_contact: bool,
    /// How dates and timestamps are written, such as "%Y%m%d".
    #[schemars(length(min = 1))]
    pub format: Option<String>,
    /// Two-digit years below this are 20yy, others 19yy.
    #[schemars(range(min = 0, max = 99))]
    pub pivot: Option<u32>,
    /// Digits after the point of a decimal.
    #[schemars(range(min = 0, max = 18))]
    pub scale: Option<u32>,
    /// The character before the fraction; default ".".
    pub decimal_mark: Option<String>,
    /// The character between thousands.
    pub group_mark: Option<String>,
    /// How negative numbers are written: leading, trailing or parentheses.
    pub negative: Option<RawNegative>,
    /// Digits after the point that the file leaves out.
    #[schemars(range(min = 0, max = 18))]
    pub implied_decimals: Option<u32>,
    /// Texts that mean true.
    #[serde(rename = "true")]
    #[schemars(length(min = 1))]
    pub truthy: Option<Vec<String>>,
    /// Texts that mean false.
    #[serde(rename = "false")]
    #[schemars(length(min = 1))]
    pub falsy: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawType {
    String,
    Integer,
    Decimal,
    Money,
    Date,
    Timestamp,
    Boolean,
}

/// Untagged because `phone` may stand alone or with a region; the schema gives the messages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawCleaner {
    Simple(RawSimpleCleaner),
    Phone(RawPhoneRegion),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSimpleCleaner {
    Trim,
    Collapse,
    Upper,
    Lower,
    Nfkc,
    PersonName,
    OrganisationName,
    Address,
    Phone,
    Email,
    Digits,
    Iban,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPhoneRegion {
    /// ISO 3166 code of the region of numbers without a country code.
    pub phone: String,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMapOther {
    Reject,
    Keep,
    Null,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawProtection {
    Card,
    Iban,
    Phone,
    NationalId(RawScheme),
    /// A national id that matching may compare but for one wrong digit.
    NationalIdPositions(RawScheme),
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawScheme {
    UsSsn,
    CnResident,
    Any,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawClassification {
    #[default]
    Internal,
    Direct,
    Proxy,
    Prohibited,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawNegative {
    Leading,
    Trailing,
    Parentheses,
}

/// `map_other: null` reads as YAML's null, and means the word.
fn null_is_a_word<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RawMapOther>, D::Error> {
    let written = Option::<RawMapOther>::deserialize(deserializer)?;
    Ok(Some(written.unwrap_or(RawMapOther::Null)))
}
