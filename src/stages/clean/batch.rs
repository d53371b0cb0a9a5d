//! Typed rows -> Polars batches with the staging table's schema.

use polars::prelude::*;

use super::value::Value;
use crate::config::feed::{self, FeedSpec};

/// Digits of every decimal column.
const PRECISION: usize = 18;

/// A column of the batch under construction.
enum Builder {
    Text(StringChunkedBuilder),
    Integer(PrimitiveChunkedBuilder<Int64Type>),
    Decimal(PrimitiveChunkedBuilder<Int128Type>, usize),
    Date(PrimitiveChunkedBuilder<Int32Type>),
    Timestamp(PrimitiveChunkedBuilder<Int64Type>),
    Boolean(BooleanChunkedBuilder),
}

/// Collects rows in file order.
pub struct BatchBuilder {
    schema: Schema,
    builders: Vec<Builder>,
    height: usize,
}

/// The declared columns in order, those that protection adds after each.
pub fn feed_schema(feed: &FeedSpec) -> Schema {
    let mut schema = Schema::default();
    for column in &feed.columns {
        schema.insert(column.name.as_str().into(), polars_type(&column.data_type));
        for name in column.added() {
            let is_text = name.ends_with("_positions");
            let data_type = if is_text {
                DataType::String
            } else {
                DataType::Boolean
            };
            schema.insert(name.into(), data_type);
        }
    }
    schema
}

/// `feed_schema` and the columns that salenet adds: `_file_id`, `_line`, and `_business_date` for append feeds.
pub fn staging_schema(feed: &FeedSpec) -> Schema {
    let mut schema = feed_schema(feed);
    schema.insert("_file_id".into(), DataType::Int64);
    schema.insert("_line".into(), DataType::Int64);
    if feed.delivery == feed::Delivery::Append {
        schema.insert("_business_date".into(), DataType::Date);
    }
    schema
}

fn polars_type(data_type: &feed::DataType) -> DataType {
    match data_type {
        feed::DataType::String => DataType::String,
        feed::DataType::Integer => DataType::Int64,
        feed::DataType::Decimal { scale, .. } | feed::DataType::Money { scale, .. } => {
            DataType::Decimal(PRECISION, *scale as usize)
        }
        feed::DataType::Date { .. } => DataType::Date,
        feed::DataType::Timestamp { .. } => {
            DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
        }
        feed::DataType::Boolean { .. } => DataType::Boolean,
    }
}

impl BatchBuilder {
    /// With room for so many rows.
    pub fn new(schema: Schema, rows: usize) -> Self {
        let builders = schema
            .iter()
            .map(|(name, data_type)| new_builder(name, data_type, rows))
            .collect();
        Self {
            schema,
            builders,
            height: 0,
        }
    }

    /// One value per column of the schema, of the column's type.
    pub fn push(&mut self, row: &[Value<'_>]) {
        for (builder, value) in self.builders.iter_mut().zip(row) {
            builder.append(value);
        }
        self.height += 1;
    }

    /// The rows so far as one batch; the builder starts anew.
    ///
    /// # Errors
    /// When the engine refuses the columns, which only a row of another shape can cause.
    pub fn finish(&mut self) -> PolarsResult<DataFrame> {
        let fresh = self
            .schema
            .iter()
            .map(|(name, data_type)| new_builder(name, data_type, 0))
            .collect();
        let builders = std::mem::replace(&mut self.builders, fresh);
        let height = std::mem::take(&mut self.height);
        let columns = builders
            .into_iter()
            .map(Builder::finish)
            .collect::<PolarsResult<Vec<_>>>()?;
        DataFrame::new(height, columns)
    }
}

fn new_builder(name: &PlSmallStr, data_type: &DataType, rows: usize) -> Builder {
    let name = name.clone();
    match data_type {
        DataType::Int64 => Builder::Integer(PrimitiveChunkedBuilder::new(name, rows)),
        DataType::Decimal(_, scale) => {
            Builder::Decimal(PrimitiveChunkedBuilder::new(name, rows), *scale)
        }
        DataType::Date => Builder::Date(PrimitiveChunkedBuilder::new(name, rows)),
        DataType::Datetime(..) => Builder::Timestamp(PrimitiveChunkedBuilder::new(name, rows)),
        DataType::Boolean => Builder::Boolean(BooleanChunkedBuilder::new(name, rows)),
        _ => Builder::Text(StringChunkedBuilder::new(name, rows)),
    }
}

impl Builder {
    fn append(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Self::Text(builder), Value::Text(text)) => builder.append_value(text),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Integer(builder), Value::Integer(number))
            | (Self::Timestamp(builder), Value::Timestamp(number)) => {
                builder.append_value(*number);
            }
            (Self::Integer(builder) | Self::Timestamp(builder), _) => builder.append_null(),
            (Self::Decimal(builder, _), Value::Decimal(units)) => {
                builder.append_value(i128::from(*units));
            }
            (Self::Decimal(builder, _), _) => builder.append_null(),
            (Self::Date(builder), Value::Date(days)) => builder.append_value(*days),
            (Self::Date(builder), _) => builder.append_null(),
            (Self::Boolean(builder), Value::Boolean(truth)) => builder.append_value(*truth),
            (Self::Boolean(builder), _) => builder.append_null(),
        }
    }

    fn finish(self) -> PolarsResult<Column> {
        Ok(match self {
            Self::Text(builder) => builder.finish().into_column(),
            Self::Integer(builder) => builder.finish().into_column(),
            Self::Decimal(builder, scale) => builder
                .finish()
                .into_decimal(PRECISION, scale)?
                .into_column(),
            Self::Date(builder) => builder.finish().into_date().into_column(),
            Self::Timestamp(builder) => builder
                .finish()
                .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
                .into_column(),
            Self::Boolean(builder) => builder.finish().into_column(),
        })
    }
}
