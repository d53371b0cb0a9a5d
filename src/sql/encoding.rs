//! How the columns of a file are encoded: by what its first rows hold, so that the same rows give the same bytes.
//!
//! A dictionary of values that hardly repeat is built, found too large, and thrown away, in every row group anew. Such
//! columns hold differences instead, of numbers to the one before, of texts in the length they share with it.

use std::collections::HashSet;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::parquet::basic::Encoding;
use datafusion::parquet::file::properties::WriterPropertiesBuilder;
use datafusion::parquet::schema::types::ColumnPath;

/// Rows that are looked at; what repeats among the first of them is not looked at further.
const SEEN_ROWS: [usize; 2] = [512, 8192];

/// Decimals of at most so many digits are stored as whole numbers.
const WHOLE_NUMBER_DIGITS: u8 = 18;

/// The properties of a file whose first rows are these, sorted by `order`.
pub(super) fn encoded(
    mut properties: WriterPropertiesBuilder,
    first_rows: &RecordBatch,
    order: &[String],
) -> Result<WriterPropertiesBuilder, ArrowError> {
    let schema = first_rows.schema();
    for (field, column) in schema.fields().iter().zip(first_rows.columns()) {
        let Some(encoding) = differences(field.data_type(), order.contains(field.name())) else {
            continue;
        };
        let mut hardly = true;
        for rows in SEEN_ROWS {
            hardly = hardly && hardly_repeats(&column.slice(0, column.len().min(rows)))?;
        }
        if hardly {
            let path = ColumnPath::from(field.name().as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, encoding);
        }
    }
    Ok(properties)
}

fn differences(kind: &ArrowType, is_sorted: bool) -> Option<Encoding> {
    match kind {
        ArrowType::Int32 | ArrowType::Int64 | ArrowType::Date32 | ArrowType::Timestamp(_, _) => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        ArrowType::Decimal128(digits, _) if *digits <= WHOLE_NUMBER_DIGITS => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        // The beginning of a text is that of the one before where rows are in their order.
        ArrowType::Utf8 if is_sorted => Some(Encoding::DELTA_BYTE_ARRAY),
        ArrowType::Utf8 => Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        _ => None,
    }
}

/// Whether more than half of the values are different ones.
fn hardly_repeats(column: &ArrayRef) -> Result<bool, ArrowError> {
    let n_values = column.len() - column.null_count();
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())])?;
    let values = converter.convert_columns(std::slice::from_ref(column))?;
    let different: HashSet<&[u8]> = (0..column.len())
        .filter(|row| column.is_valid(*row))
        .map(|row| values.row(row).data())
        .collect();
    Ok(different.len() * 2 > n_values)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        Date32Array, Decimal128Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use datafusion::arrow::datatypes::{Field, Schema};
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use datafusion::parquet::file::properties::WriterProperties;

    use super::*;

    #[test]
    fn what_hardly_repeats_holds_differences_and_the_rest_a_dictionary() {
        let number: Int64Array = (0..100_i64).map(Some).collect();
        let code: StringArray = (0..100).map(|row| Some(["a", "b"][row % 2])).collect();
        // Nulls are no values.
        let note: StringArray = (0..100)
            .map(|row| (row % 50 == 0).then(|| row.to_string()))
            .collect();
        let empty: StringArray = (0..100).map(|_| None::<&str>).collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("number", Arc::new(number)),
            ("code", Arc::new(code)),
            ("note", Arc::new(note)),
            ("empty", Arc::new(empty)),
        ];
        let fields = columns
            .iter()
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let arrays = columns.iter().map(|(_, column)| Arc::clone(column));
        let rows = RecordBatch::try_new(schema, arrays.collect()).unwrap();
        let encodings = |order: &[&str]| {
            let order: Vec<String> = order.iter().map(|name| (*name).to_owned()).collect();
            let properties = encoded(WriterProperties::builder(), &rows, &order).unwrap();
            let properties = properties.build();
            columns.each_ref().map(|(name, _)| {
                let path = ColumnPath::from(*name);
                assert_eq!(
                    properties.dictionary_enabled(&path),
                    properties.encoding(&path).is_none()
                );
                properties.encoding(&path)
            })
        };
        let (packed, lengths) = (
            Encoding::DELTA_BINARY_PACKED,
            Encoding::DELTA_LENGTH_BYTE_ARRAY,
        );
        let expected = [Some(packed), None, Some(lengths), None];
        assert_eq!(encodings(&["number"]), expected);
        let prefixes = Some(Encoding::DELTA_BYTE_ARRAY);
        assert_eq!(encodings(&["note"]), [Some(packed), None, prefixes, None]);
    }

    #[test]
    fn what_is_written_so_reads_back_the_same() {
        let n_rows = i32::try_from(SEEN_ROWS[1]).unwrap() + 100;
        // Decimals of nineteen digits are no whole numbers in the file.
        let decimals = |digits: u8| -> ArrayRef {
            let values = (0..n_rows).map(|row| i128::from(row) * 7_919 - 5_000_000);
            let values: Decimal128Array = values.map(Some).collect();
            Arc::new(values.with_precision_and_scale(digits, 2).unwrap())
        };
        // Repeats only behind the rows that are looked at.
        let late: Date32Array = (0..n_rows).map(|row| Some(row.min(8200))).collect();
        let half: Int64Array = (0..n_rows).map(|row| Some(i64::from(row / 2))).collect();
        let time: TimestampMicrosecondArray = (0..n_rows)
            .map(|row| Some(i64::from(row) * -3_600))
            .collect();
        let text: StringArray = (0..n_rows)
            .map(|row| (row % 3 > 0).then(|| format!("deposits:{row:07}")))
            .collect();
        let columns: [(&str, ArrayRef, bool); 6] = [
            ("amount", decimals(18), true),
            ("wide", decimals(19), false),
            ("late", Arc::new(late), true),
            ("half", Arc::new(half), false),
            ("time", Arc::new(time), true),
            ("text", Arc::new(text), true),
        ];
        let named = columns
            .iter()
            .map(|(name, array, _)| (*name, Arc::clone(array)));
        let rows = RecordBatch::try_from_iter(named).unwrap();
        for order in [vec![], vec!["text".to_owned()]] {
            let properties = encoded(WriterProperties::builder(), &rows, &order).unwrap();
            let file = tempfile::tempfile().unwrap();
            let copy = file.try_clone().unwrap();
            let mut writer =
                ArrowWriter::try_new(copy, rows.schema(), Some(properties.build())).unwrap();
            writer.write(&rows).unwrap();
            let written = writer.close().unwrap();
            for (place, (name, _, has_differences)) in columns.iter().enumerate() {
                let column = written.row_group(0).column(place);
                let mut encodings = column.encodings();
                let found = encodings.any(|encoding| {
                    matches!(
                        encoding,
                        Encoding::DELTA_BINARY_PACKED
                            | Encoding::DELTA_LENGTH_BYTE_ARRAY
                            | Encoding::DELTA_BYTE_ARRAY
                    )
                });
                assert_eq!(found, *has_differences, "{name}");
                assert!(
                    !found || column.dictionary_page_offset().is_none(),
                    "{name}"
                );
            }
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            let read: Vec<RecordBatch> = reader
                .with_batch_size(rows.num_rows())
                .build()
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert_eq!(read, std::slice::from_ref(&rows));
        }
    }
}
