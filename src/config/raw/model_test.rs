//! `tests/<name>.yml` as written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{Named, Words, Written};

/// Given rows and expected rows of one model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawModelTests {
    /// The model, as schema.table.
    pub model: String,
    /// The tests.
    #[schemars(length(min = 1))]
    pub tests: Vec<RawModelTest>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawModelTest {
    /// What holds, as a sentence.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Values of `$name` in the SQL.
    #[serde(default)]
    pub parameters: Named<Written>,
    /// Rows of the tables that the model reads; columns left out are null.
    #[serde(default)]
    pub given: Words<Vec<RawRow>>,
    /// Models on the way that are computed from the given rows instead of being given.
    #[serde(default)]
    pub through: Vec<String>,
    /// The rows the model must produce, in any order; only the named columns are compared.
    pub expect: Vec<RawRow>,
}

/// Columns and their values.
pub type RawRow = Named<RawCell>;

/// A value of a given or expected row, null included.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct RawCell(pub Written);

impl JsonSchema for RawCell {
    fn schema_name() -> Cow<'static, str> {
        "Cell".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // First, because a last `null` is the mark of an optional key and taken out.
        json_schema!({ "type": ["null", "string", "integer", "number", "boolean"] })
    }
}
