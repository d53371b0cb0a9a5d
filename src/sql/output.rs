//! Query results as text for people and for other programs.

use std::io::Write;

use comfy_table::{Cell as TableCell, CellAlignment, Table, presets};

use super::{Cell, QueryResult, SqlError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    Table,
    Csv,
    /// An array of objects, one line per row; decimals are strings, so that no reader rounds them.
    Json,
}

/// Writes a result. Numbers stand right in tables; null is empty in CSV and tables, `null` in JSON.
pub fn write_result(
    result: &QueryResult,
    format: OutputFormat,
    out: &mut dyn Write,
) -> Result<(), SqlError> {
    let rows = result.rows()?;
    match format {
        OutputFormat::Table => write_table(result, &rows, out),
        OutputFormat::Csv => write_csv(result, &rows, out),
        OutputFormat::Json => write_json(result, &rows, out),
    }
    .map_err(SqlError::Write)
}

fn write_table(
    result: &QueryResult,
    rows: &[Vec<Cell>],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(result.columns.iter().map(|column| &column.name));
    for row in rows {
        table.add_row(row.iter().zip(&result.columns).map(|(cell, column)| {
            let shown = TableCell::new(cell.to_text());
            let text = column.data_type.starts_with("Utf8") || column.data_type.starts_with("Date");
            if text {
                shown
            } else {
                shown.set_alignment(CellAlignment::Right)
            }
        }));
    }
    writeln!(out, "{table}")
}

fn write_csv(result: &QueryResult, rows: &[Vec<Cell>], out: &mut dyn Write) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(result.columns.iter().map(|column| &column.name))?;
    for row in rows {
        writer.write_record(row.iter().map(Cell::to_text))?;
    }
    writer.flush()
}

fn write_json(
    result: &QueryResult,
    rows: &[Vec<Cell>],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    writeln!(out, "[")?;
    for (number, row) in rows.iter().enumerate() {
        let members = result
            .columns
            .iter()
            .zip(row)
            .map(|(column, cell)| (column.name.clone(), json(cell)));
        let object = serde_json::Value::Object(members.collect());
        let comma = if number + 1 == rows.len() { "" } else { "," };
        writeln!(out, "  {object}{comma}")?;
    }
    writeln!(out, "]")
}

/// A cell as JSON; decimals and dates stay text.
#[must_use]
pub fn json(cell: &Cell) -> serde_json::Value {
    match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Integer(value) => (*value).into(),
        Cell::Float(value) => (*value).into(),
        Cell::Boolean(value) => (*value).into(),
        Cell::Text(value) => value.clone().into(),
    }
}
