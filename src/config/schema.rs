//! JSON Schemas of every YAML file, made from the raw types.
//!
//! The same schemas drive the check of a file's shape, so that what editors are told and what is
//! accepted cannot part.

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw;

/// Names of sources, feeds, columns, schemas and tables.
pub const IDENTIFIER_PATTERN: &str = "^[a-z_][a-z0-9_]{0,62}$";

/// The kinds of YAML file, each with the path it stands at and its schema.
static SCHEMAS: LazyLock<[(Kind, Value); 9]> = LazyLock::new(|| {
    [
        (Kind::Bank, schema_of::<raw::RawBank>("bank.yml")),
        (Kind::Source, schema_of::<raw::RawSource>("sources/*.yml")),
        (
            Kind::Matching,
            schema_of::<raw::RawMatching>("matching.yml"),
        ),
        (Kind::Model, schema_of::<raw::RawModel>("models/*/*.yml")),
        (
            Kind::Reference,
            schema_of::<raw::RawReference>("reference/*.yml"),
        ),
        (Kind::Score, schema_of::<raw::RawScore>("scores/*.yml")),
        (
            Kind::Campaign,
            schema_of::<raw::RawCampaign>("campaigns/*.yml"),
        ),
        (
            Kind::Acceptances,
            schema_of::<raw::RawAcceptances>("acceptances.yml"),
        ),
        (
            Kind::ModelTests,
            schema_of::<raw::RawModelTests>("tests/*.yml"),
        ),
    ]
});

/// A kind of YAML file of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bank,
    Source,
    Matching,
    Model,
    Reference,
    Score,
    Campaign,
    Acceptances,
    ModelTests,
}

impl Kind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Source => "source",
            Self::Matching => "matching",
            Self::Acceptances => "acceptances",
            Self::Model => "model",
            Self::Reference => "reference",
            Self::Score => "score",
            Self::Campaign => "campaign",
            Self::ModelTests => "test",
        }
    }
}

/// The JSON Schema of each kind of file, as `salenet schema` prints them.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    SCHEMAS
        .iter()
        .map(|(kind, schema)| (kind.name(), schema.clone()))
        .collect()
}

pub(super) fn schema(kind: Kind) -> &'static Value {
    let found = SCHEMAS.iter().find(|(each, _)| *each == kind);
    found.map_or(&Value::Null, |(_, schema)| schema)
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema: Value = generator.into_root_schema_for::<T>().into();
    refuse_null(&mut schema);
    if let Some(keys) = schema.as_object_mut() {
        keys.insert("title".to_owned(), title.into());
    }
    schema
}

/// An optional key may be left out, but not given without a value: `key_file:` alone is a mistake.
fn refuse_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(refuse_null),
        Value::Object(keys) => {
            if let Some(Value::Array(types)) = keys.get_mut("type")
                && types.last() == Some(&Value::from("null"))
            {
                types.pop();
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    keys.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = keys.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
            }
            for key in ["enum", "default"] {
                let nothing = match keys.get_mut(key) {
                    Some(Value::Array(words)) => {
                        words.retain(|word| !word.is_null());
                        false
                    }
                    Some(Value::Null) => true,
                    _ => false,
                };
                if nothing {
                    keys.remove(key);
                }
            }
            keys.values_mut().for_each(refuse_null);
        }
        _ => {}
    }
}
