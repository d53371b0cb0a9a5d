//! List files: one CSV per part with a control file beside it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::config::campaign::CampaignSpec;
use crate::domain::BusinessDate;
use crate::sql::{Cell, QueryResult, SqlError};
use crate::store::manifest::ListEntry;
use crate::store::{NewFile, StoreError, Warehouse};

/// A spreadsheet would run a text that starts like this as a formula.
const FORMULA_STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\0'];

/// Makes a text harmless in a spreadsheet; the reader sees the same text.
#[must_use]
pub fn neutralised(text: &str) -> String {
    if text.starts_with(FORMULA_STARTS) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

pub enum ListError {
    Sql(SqlError),
    Io(io::Error),
    Store(StoreError),
}

impl From<SqlError> for ListError {
    fn from(source: SqlError) -> Self {
        Self::Sql(source)
    }
}

/// Writes the rows of `list_query`, already in order, one file per part; the seeds follow in each.
pub fn write_lists(
    warehouse: &Warehouse,
    campaign: &CampaignSpec,
    date: BusinessDate,
    list: &QueryResult,
    seeds: Option<&QueryResult>,
) -> Result<Vec<ListEntry>, ListError> {
    let mut parts: BTreeMap<String, Vec<Vec<Cell>>> = BTreeMap::new();
    for row in list.rows().map_err(ListError::Sql)? {
        let part = row
            .first()
            .map(Cell::to_text)
            .filter(|part| !part.is_empty());
        parts
            .entry(part.unwrap_or_else(|| "all".to_owned()))
            .or_default()
            .push(row);
    }
    let folder = format!("data/lists/{}", file_name(&campaign.code));
    let mut entries = Vec::with_capacity(parts.len());
    let seeds = seeds
        .map(QueryResult::rows)
        .transpose()?
        .unwrap_or_default();
    for (part, mut rows) in parts {
        let part = &part;
        rows.extend(seeds.iter().map(|seed| {
            let place = [Cell::Null, Cell::Null].into_iter();
            place.chain(seed.iter().cloned()).collect()
        }));
        let rows = &rows;
        let mut file = warehouse.new_file().map_err(ListError::Store)?;
        write_csv(&mut file, list, rows).map_err(ListError::Io)?;
        let file = file
            .commit(&folder, "csv", rows.len() as u64, None)
            .map_err(ListError::Store)?;
        let name = format!("lists/{}/{}", file_name(&campaign.code), file_name(part));
        let mut control = warehouse.new_file().map_err(ListError::Store)?;
        write_control(&mut control, campaign, date, part, rows.len(), &file.blake3)
            .map_err(ListError::Io)?;
        let control = control
            .commit(&folder, "ctl", 0, None)
            .map_err(ListError::Store)?;
        entries.push(ListEntry {
            name,
            seeds: seeds.len() as u64,
            file,
            control,
        });
    }
    Ok(entries)
}

fn write_csv(file: &mut NewFile, list: &QueryResult, rows: &[Vec<Cell>]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    // The first columns are the part, which is the file's name, and the place.
    writer.write_record(
        list.columns
            .iter()
            .skip(2)
            .map(|column| column.name.as_str()),
    )?;
    for row in rows {
        let fields = row
            .iter()
            .zip(&list.columns)
            .skip(2)
            .map(|(cell, column)| match cell {
                Cell::Text(text) if column.data_type.starts_with("Utf8") => neutralised(text),
                other => other.to_text(),
            });
        writer.write_record(fields)?;
    }
    writer.flush()
}

fn write_control(
    file: &mut NewFile,
    campaign: &CampaignSpec,
    date: BusinessDate,
    part: &str,
    rows: usize,
    blake3: &str,
) -> io::Result<()> {
    writeln!(file, "campaign={}", campaign.code)?;
    writeln!(file, "business_date={date}")?;
    writeln!(file, "part={part}")?;
    writeln!(file, "record_count={rows}")?;
    writeln!(file, "blake3={blake3}")
}

/// A text as a file name: what could leave the folder becomes `_`, and a hash keeps such names apart.
fn file_name(text: &str) -> String {
    let safe = |letter: char| {
        if letter.is_alphanumeric() || "-_".contains(letter) {
            letter
        } else {
            '_'
        }
    };
    let name: String = text.chars().map(safe).collect();
    if name == text {
        name
    } else {
        format!("{name}-{}", &blake3::hash(text.as_bytes()).to_hex()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_shown_and_not_run() {
        assert_eq!(neutralised("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(neutralised("-5 High Street"), "'-5 High Street");
        assert_eq!(neutralised("O'Hara"), "O'Hara");
    }

    #[test]
    fn a_part_cannot_leave_the_folder() {
        assert!(file_name("../../etc").starts_with("______etc-"));
        assert_ne!(file_name("A/B"), file_name("A B"));
        assert_eq!(file_name("BR-001"), "BR-001");
    }
}
