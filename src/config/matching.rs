//! `matching.yml` as checked: which staged records are persons or organisations, and which rules link them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::feed::NationalIdScheme;
use super::match_model::MatchModel;
use crate::domain::TableName;

#[derive(Debug, Clone, Serialize)]
pub struct MatchingSpec {
    pub records: Vec<RecordSource>,
    /// Applied in this order; the first that links a record names its `match_rule`.
    pub rules: Vec<ExactRule>,
    /// Applied after the rules.
    pub similarity: Option<SimilaritySpec>,
}

/// A staging table whose rows are (or name) a person or an organisation.
#[derive(Debug, Clone, Serialize)]
pub struct RecordSource {
    pub source: String,
    pub feed: String,
    pub table: TableName,
    /// Columns that together are the record's key in its source.
    pub key: Vec<String>,
    pub customer_type: CustomerTypeRule,
    pub national_id: Option<String>,
    /// Ids of different schemes do not contradict each other: one person may have both.
    pub national_id_scheme: Option<NationalIdScheme>,
    pub card: Option<String>,
    pub family_name: Option<String>,
    pub given_name: Option<String>,
    pub full_name: Option<String>,
    /// Which part of `full_name` comes first, where no comma says so.
    pub name_order: NameOrder,
    pub birth_date: Option<String>,
    /// Columns that only similarity compares.
    pub details: Vec<(Detail, String)>,
    pub trust_rank: u32,
}

/// What else a record may say of its customer, compared by similarity alone.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    NativeName,
    Phone,
    Email,
    HouseNumber,
    Street,
    AddressLine,
    City,
    State,
    Postcode,
}

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NameOrder {
    #[default]
    GivenFirst,
    FamilyFirst,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerTypeRule {
    Person,
    Organisation,
    /// The column holds `person` or `organisation`.
    Column(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExactRule {
    /// Same token of a valid national id.
    NationalId,
    /// Same card token, and names that do not contradict each other.
    Card,
    /// The record itself had an id last night.
    SameKey,
}

/// How records are compared that no rule links.
#[derive(Debug, Clone, Serialize)]
pub struct SimilaritySpec {
    /// The trained model's file, as written in `matching.yml`.
    pub model_file: String,
    #[serde(skip)]
    pub model_path: PathBuf,
    /// Absent until `salenet match train` has written it.
    pub model: Option<MatchModel>,
    /// Pairs from this probability on are one customer.
    pub match_above: f64,
    /// Pairs from this probability on, below `match_above`, are for a person to judge.
    pub review_above: f64,
    /// Blocks with more records are cut by `refine_by`; those still larger are passed over. Both are reported.
    pub block_limit: u32,
    /// No pair makes a cluster larger than this.
    pub cluster_limit: u32,
    pub pairs: Pairing,
    pub person: Option<KindSpec>,
    pub organisation: Option<KindSpec>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindSpec {
    /// Records that agree in all keys of one of these are compared.
    pub blocks: Vec<Vec<BlockKey>>,
    /// Blocks above the limit are cut by these, one after the other.
    pub refine_by: Vec<BlockKey>,
    pub comparisons: Vec<Comparison>,
    pub conflicts: Vec<Conflict>,
}

/// Which records may be one customer.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Any two records.
    #[default]
    All,
    /// A customer has at most one record in each feed.
    OnePerFeed,
}

/// What records must agree in to be compared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BlockKey {
    FamilyName,
    /// How the family name sounds (Soundex).
    FamilySound,
    GivenName,
    GivenInitial,
    /// Family and given name in either order.
    Names,
    /// An organisation's name without its legal form.
    Name,
    /// The first word of it.
    NameStart,
    BirthDate,
    BirthYear,
    /// Day and month, in either order.
    BirthDay,
    NationalId,
    /// The national id but for one digit.
    NationalIdDigits,
    Phone,
    Email,
    HouseNumber,
    Street,
    AddressLine,
    City,
    Postcode,
}

/// What is compared, each with its own graded levels.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    FamilyName,
    GivenName,
    /// An organisation's name.
    Name,
    NativeName,
    BirthDate,
    NationalId,
    Phone,
    Email,
    HouseNumber,
    Street,
    AddressLine,
    City,
    State,
    Postcode,
    /// Street with postcode, phone and e-mail as one: a household shares them all, so they count once.
    Contact,
}

impl Comparison {
    /// As written in `matching.yml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FamilyName => "family_name",
            Self::GivenName => "given_name",
            Self::Name => "name",
            Self::NativeName => "native_name",
            Self::BirthDate => "birth_date",
            Self::NationalId => "national_id",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::HouseNumber => "house_number",
            Self::Street => "street",
            Self::AddressLine => "address_line",
            Self::City => "city",
            Self::State => "state",
            Self::Postcode => "postcode",
            Self::Contact => "contact",
        }
    }
}

/// A pair that contradicts itself in this comparison needs more weight than others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The comparison whose values differ.
    pub comparison: Comparison,
    /// The weight in bits from which the pair is one customer all the same; without it never.
    pub unless_above: Option<Number>,
}

/// A number with a fraction. The YAML reader hands such numbers on as they are written, because money must not pass
/// through a float.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl serde::de::Visitor<'_> for Written {
            type Value = f64;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, such as 0.99")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
                let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                number.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
            fn visit_f64<E>(self, number: f64) -> Result<f64, E> {
                Ok(number)
            }
            #[expect(clippy::cast_precision_loss, reason = "thresholds are small")]
            fn visit_i64<E>(self, number: i64) -> Result<f64, E> {
                Ok(number as f64)
            }
            #[expect(clippy::cast_precision_loss, reason = "thresholds are small")]
            fn visit_u64<E>(self, number: u64) -> Result<f64, E> {
                Ok(number as f64)
            }
        }
        deserializer.deserialize_any(Written).map(Self)
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        f64::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        f64::json_schema(generator)
    }
}
