//! Declared types as Arrow types, and their spelling in manifests.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};

use super::SqlError;
use crate::config::feed::{ColumnSpec, DataType, Delivery, FeedSpec};
use crate::store::manifest::ColumnEntry;

/// The staging table of a feed: its columns in order, a validity column after each national id, then where the row
/// came from.
#[must_use]
pub fn staging_columns(feed: &FeedSpec) -> Vec<ColumnEntry> {
    let mut columns = declared_columns(&feed.columns);
    columns.push(entry("_file_id", &ArrowType::Int64));
    columns.push(entry("_line", &ArrowType::Int64));
    if feed.delivery == Delivery::Append {
        columns.push(entry("_business_date", &ArrowType::Date32));
    }
    columns
}

/// Declared columns alone, as reference tables have them.
#[must_use]
pub fn declared_columns(declared: &[ColumnSpec]) -> Vec<ColumnEntry> {
    let mut columns = Vec::with_capacity(declared.len() + 4);
    for column in declared {
        columns.push(entry(&column.name, &arrow_type(&column.data_type)));
        for name in column.added() {
            let is_text = name.ends_with("_positions");
            let text = arrow_type(&DataType::String);
            columns.push(entry(
                &name,
                if is_text { &text } else { &ArrowType::Boolean },
            ));
        }
    }
    columns
}

/// Builds column entries from names and Arrow's spelling of their types.
#[must_use]
pub fn columns_of(list: &[(&str, &str)]) -> Vec<ColumnEntry> {
    list.iter()
        .map(|(name, data_type)| ColumnEntry {
            name: (*name).to_owned(),
            data_type: (*data_type).to_owned(),
        })
        .collect()
}

fn entry(name: &str, data_type: &ArrowType) -> ColumnEntry {
    ColumnEntry {
        name: name.to_owned(),
        data_type: data_type.to_string(),
    }
}

fn arrow_type(data_type: &DataType) -> ArrowType {
    match data_type {
        DataType::String => ArrowType::Utf8,
        DataType::Integer => ArrowType::Int64,
        DataType::Decimal { scale, .. } | DataType::Money { scale, .. } => {
            ArrowType::Decimal128(18, i8::try_from(*scale).unwrap_or(2))
        }
        DataType::Date { .. } => ArrowType::Date32,
        DataType::Timestamp { .. } => {
            ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        DataType::Boolean { .. } => ArrowType::Boolean,
    }
}

pub(super) fn arrow_schema(columns: &[ColumnEntry]) -> Result<SchemaRef, SqlError> {
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        let data_type: ArrowType = column.data_type.parse().map_err(|_| SqlError::Engine {
            message: format!(
                "column `{}` has the unknown type `{}`",
                column.name, column.data_type
            ),
        })?;
        fields.push(Field::new(&column.name, stored_type(&data_type), true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

pub(super) fn column_entries(schema: &Schema) -> Vec<ColumnEntry> {
    schema
        .fields()
        .iter()
        .map(|field| entry(field.name(), &stored_type(field.data_type())))
        .collect()
}

/// How a result column is stored: one string type, so that every reader and every plan sees the same.
///
/// No string views: pieces of them keep whole buffers of the text they were cut from, so that joins of wide tables
/// hold many times what they need, and count it against the memory limit.
pub(super) fn stored_type(data_type: &ArrowType) -> ArrowType {
    match data_type {
        ArrowType::Utf8View | ArrowType::LargeUtf8 | ArrowType::Dictionary(_, _) => ArrowType::Utf8,
        ArrowType::Timestamp(_, _) => {
            ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        other => other.clone(),
    }
}
