//! List files: one CSV per part with a control file beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use rayon::prelude::*;

use super::cover::cover;
use super::records::specification_hash;
use super::xlsx::{Sheet, SheetCell, workbook};
use crate::config::campaign::{CONTACT_RESULTS, CampaignSpec, LIST_SHEET, ListExport, ListFormat};
use crate::config::cells::Channel;
use crate::domain::{BusinessDate, Money};
use crate::sql::{Cell, QueryResult, SqlError};
use crate::store::manifest::{CampaignEntry, ListEntry};
use crate::store::{StoreError, Warehouse};

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

impl From<io::Error> for ListError {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}

impl From<StoreError> for ListError {
    fn from(source: StoreError) -> Self {
        Self::Store(source)
    }
}

/// A list as it will stand in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Below the release folder and without ending: `lists/<campaign>/<name>`.
    pub name: String,
    /// Which of the campaign's kinds of list it is.
    pub export: usize,
    pub ending: &'static str,
    pub rows: u64,
    /// Rows of the bank's own names among them.
    pub seeds: u64,
    pub bytes: Vec<u8>,
    pub control: Vec<u8>,
}

/// What lists of one kind have in common.
#[derive(Debug, Clone, Copy)]
pub struct ListHead<'a> {
    pub campaign: &'a CampaignSpec,
    pub export: &'a ListExport,
    /// Its place among the campaign's kinds of list.
    pub number: usize,
    /// Waterfall and cells, for the cover.
    pub figures: &'a CampaignEntry,
    /// The night that chose.
    pub date: BusinessDate,
}

/// The rows of `list_query`, already in order, one list per part; the seeds follow in each.
pub fn render_lists(
    head: &ListHead<'_>,
    list: &QueryResult,
    seeds: Option<&QueryResult>,
) -> Result<Vec<Rendered>, ListError> {
    let ListHead {
        campaign, export, ..
    } = *head;
    let mut parts: BTreeMap<String, Vec<Vec<Cell>>> = BTreeMap::new();
    for row in list.rows()? {
        let part = row
            .first()
            .map(Cell::to_text)
            .filter(|part| !part.is_empty());
        parts
            .entry(part.unwrap_or_else(|| "all".to_owned()))
            .or_default()
            .push(row);
    }
    let seeds = seeds
        .map(QueryResult::rows)
        .transpose()?
        .unwrap_or_default();
    let kind = export.layout.iter().map(String::as_str);
    let kind = kind.chain(export.channel.map(Channel::as_str));
    let kind = kind.fold(String::new(), |kind, word| kind + &file_name(word) + "-");
    let render = |(part, mut rows): (String, Vec<Vec<Cell>>)| {
        rows.extend(seeds.iter().map(|seed| {
            let place = [Cell::Null, Cell::Null].into_iter();
            place.chain(seed.iter().cloned()).collect()
        }));
        let (bytes, ending) = match export.format {
            ListFormat::Csv => (csv_bytes(list, &rows)?, "csv"),
            ListFormat::Xlsx => (xlsx_bytes(head, &part, list, &rows, seeds.len())?, "xlsx"),
        };
        let control = control(campaign, head.date, &part, &rows, list, &bytes);
        Ok(Rendered {
            name: format!(
                "lists/{}/{kind}{}",
                file_name(&campaign.code),
                file_name(&part)
            ),
            export: head.number,
            ending,
            rows: rows.len() as u64,
            seeds: seeds.len() as u64,
            bytes,
            control,
        })
    };
    parts.into_par_iter().map(render).collect()
}

/// The cover, then the list with real types.
fn xlsx_bytes(
    head: &ListHead<'_>,
    part: &str,
    list: &QueryResult,
    rows: &[Vec<Cell>],
    n_seeds: usize,
) -> io::Result<Vec<u8>> {
    let titles = list.columns.iter().skip(2);
    let mut table = vec![
        titles
            .map(|column| SheetCell::Title(column.name.clone()))
            .collect(),
    ];
    for row in rows {
        let cells = row.iter().zip(&list.columns).skip(2);
        table.push(
            cells
                .map(|(cell, column)| sheet_cell(cell, &column.data_type))
                .collect(),
        );
    }
    let mut columns = list.columns.iter().skip(2);
    let list = Sheet {
        name: LIST_SHEET,
        rows: table,
        has_header: true,
        choices: columns
            .position(|column| column.name == "call_result")
            .map(|column| (column, CONTACT_RESULTS.as_slice())),
    };
    workbook(&[cover(head, part, rows.len(), n_seeds), list], head.date)
}

fn sheet_cell(cell: &Cell, data_type: &str) -> SheetCell {
    match cell {
        Cell::Null => SheetCell::Empty,
        Cell::Integer(value) => SheetCell::Number(value.to_string()),
        Cell::Float(value) if value.is_finite() => SheetCell::Number(value.to_string()),
        Cell::Float(value) => SheetCell::Text(value.to_string()),
        Cell::Boolean(value) => SheetCell::Boolean(*value),
        Cell::Text(text) if data_type.starts_with("Decimal128") && data_type.ends_with(" 2)") => {
            SheetCell::Money(text.clone())
        }
        Cell::Text(text) if data_type.starts_with("Decimal128") => SheetCell::Number(text.clone()),
        Cell::Text(text) if data_type == "Date32" => text
            .parse()
            .map_or_else(|_| SheetCell::Text(text.clone()), SheetCell::Date),
        Cell::Text(text) => SheetCell::Text(text.clone()),
    }
}

/// Lists open at the same time, each with its control.
const WRITTEN_AT_ONCE: usize = 48;

/// Gives rendered lists their place among the warehouse's files.
pub fn write_lists(
    warehouse: &Warehouse,
    campaign: &CampaignSpec,
    lists: Vec<Rendered>,
) -> Result<Vec<ListEntry>, ListError> {
    let folder = format!("data/lists/{}", file_name(&campaign.code));
    let mut entries = Vec::with_capacity(lists.len());
    let mut lists = lists.into_iter();
    loop {
        let some: Vec<Rendered> = lists.by_ref().take(WRITTEN_AT_ONCE).collect();
        if some.is_empty() {
            return Ok(entries);
        }
        let mut files = Vec::with_capacity(2 * some.len());
        for list in &some {
            let mut file = warehouse.new_file()?;
            file.write_all(&list.bytes)?;
            files.push((file, list.ending, list.rows));
            let mut control = warehouse.new_file()?;
            control.write_all(&list.control)?;
            files.push((control, "ctl", 0));
        }
        let mut written = warehouse.commit_together(files, &folder)?.into_iter();
        for list in some {
            if let (Some(file), Some(control)) = (written.next(), written.next()) {
                entries.push(ListEntry {
                    name: list.name,
                    export: list.export,
                    seeds: list.seeds,
                    file,
                    control,
                });
            }
        }
    }
}

fn csv_bytes(list: &QueryResult, rows: &[Vec<Cell>]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
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
    writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))
}

/// What the receiver checks: rows, the sum of every exact amount, and the hash of the list.
fn control(
    campaign: &CampaignSpec,
    date: BusinessDate,
    part: &str,
    rows: &[Vec<Cell>],
    list: &QueryResult,
    bytes: &[u8],
) -> Vec<u8> {
    let mut text = format!(
        "campaign={}\nbusiness_date={date}\npart={part}\nrecord_count={}\n",
        campaign.code,
        rows.len()
    );
    for (at, column) in list.columns.iter().enumerate().skip(2) {
        // Money adds up; rates do not.
        if !column.data_type.ends_with(", 2)") {
            continue;
        }
        let amounts = rows.iter().filter_map(|row| match row.get(at) {
            Some(Cell::Text(amount)) => Money::parse_decimal(amount, 2),
            _ => None,
        });
        let sum: Money = amounts.sum();
        let _ = writeln!(text, "sum_{}={}", column.name, sum.to_decimal(2));
    }
    let _ = writeln!(text, "specification={}", specification_hash(campaign));
    let _ = writeln!(text, "blake3={}", blake3::hash(bytes).to_hex());
    text.into_bytes()
}

/// A text as a file name: what could leave the folder becomes `_`, and a hash keeps such names apart.
#[must_use]
pub fn file_name(text: &str) -> String {
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
