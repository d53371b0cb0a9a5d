//! Building blocks of the raw types: ordered mappings, identifiers, values kept as written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::config::schema::IDENTIFIER_PATTERN;

/// A mapping whose keys are identifiers, in the order written.
#[derive(Debug)]
pub struct Named<T>(pub Vec<(String, T)>);

/// A mapping with any text as keys, in the order written.
#[derive(Debug)]
pub struct Words<T>(pub Vec<(String, T)>);

// Written by hand: a derive would ask for `T: Default`.
impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Words<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs(PhantomData)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Words<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs(PhantomData)).map(Self)
    }
}

struct Pairs<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
    type Value = Vec<(String, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Words::<T>::json_schema(generator);
        let names = serde_json::json!({ "pattern": IDENTIFIER_PATTERN });
        schema.insert("propertyNames".to_owned(), names);
        schema
    }
}

impl<T: JsonSchema> JsonSchema for Words<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Words{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

/// A name of lower-case letters, digits and `_`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Identifier(pub String);

impl JsonSchema for Identifier {
    fn schema_name() -> Cow<'static, str> {
        "Identifier".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": IDENTIFIER_PATTERN })
    }
}

/// Text or a number, kept as it was written: `0.10` stays `0.10`. `None` is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(pub Option<String>);

impl Written {
    pub fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Null => Ok(Self(None)),
            serde_json::Value::Bool(value) => Ok(Self(Some(value.to_string()))),
            serde_json::Value::Number(number) => Ok(Self(Some(number.to_string()))),
            serde_json::Value::String(text) => Ok(Self(Some(text))),
            _ => Err(de::Error::custom("expected text or a number")),
        }
    }
}

impl JsonSchema for Written {
    fn schema_name() -> Cow<'static, str> {
        "Written".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer", "number", "boolean"] })
    }
}
