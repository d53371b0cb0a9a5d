//! A record's text -> one cell per declared column, by the feed's layout. Pure.

use std::borrow::Cow;

use super::json;
use super::quarantine::{PlacedField, TokenRoom};
use super::splitter::{FieldForm, FieldSpan, LineEnd, Scan, SplitRules, scan_record};
use crate::config::feed::{ColumnSpec, DataType, Dialect, FeedSpec, Layout, StrayQuotes};
use crate::stages::clean::column::ColumnPlan;
use crate::stages::clean::value::Cell;

/// Why a record has no cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Empty when the whole row is at fault.
    pub column: String,
    pub rule: &'static str,
    pub reason: String,
    /// The record may be the one in which a cut file ends.
    pub incomplete: bool,
}

impl RowFault {
    pub fn of_row(rule: &'static str, reason: impl Into<String>) -> Self {
        Self {
            column: String::new(),
            rule,
            reason: reason.into(),
            incomplete: false,
        }
    }
}

/// A cell and where it lies in the record; absent JSON members and trimmed fixed fields have no place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedCell<'c> {
    pub cell: Cell<'c>,
    pub place: Option<(usize, usize)>,
    pub room: TokenRoom,
}

/// How records become cells.
pub enum RecordLayout {
    Delimited {
        rules: SplitRules,
        quote: String,
        stray_quotes: StrayQuotes,
        room: TokenRoom,
    },
    Fixed {
        /// Characters of a whole record.
        width: usize,
    },
    /// Also the spelling of Parquet rows in quarantine.
    JsonLines,
}

impl RecordLayout {
    pub fn new(feed: &FeedSpec) -> Self {
        match &feed.format.layout {
            Layout::Delimited(dialect) => Self::delimited(dialect),
            Layout::Fixed => Self::Fixed {
                width: feed
                    .columns
                    .iter()
                    .filter_map(|column| column.at)
                    .map(|(start, length)| (start + length).saturating_sub(1) as usize)
                    .max()
                    .unwrap_or(0),
            },
            Layout::JsonLines | Layout::Parquet => Self::JsonLines,
        }
    }

    fn delimited(dialect: &Dialect) -> Self {
        Self::Delimited {
            rules: SplitRules::delimited(dialect),
            quote: dialect.quote.map(String::from).unwrap_or_default(),
            stray_quotes: dialect.stray_quotes,
            // A token holds colons.
            room: if dialect.delimiter.contains(':') {
                TokenRoom::None
            } else {
                TokenRoom::Bare
            },
        }
    }

    /// Whether a line lacks characters at its end; only the file's last line is judged by it.
    pub fn is_short(&self, content: &str) -> bool {
        matches!(self, Self::Fixed { width } if content.chars().count() < *width)
    }

    pub fn split_rules(&self) -> SplitRules {
        match self {
            Self::Delimited { rules, .. } => rules.clone(),
            _ => SplitRules::lines(),
        }
    }

    /// One cell per column into the emptied `cells`, in the feed's order. `fields` are the record's, as the splitter
    /// gave them.
    ///
    /// # Errors
    /// Why the record is not a row of the feed.
    pub fn cells<'c>(
        &self,
        content: &'c str,
        fields: &[FieldSpan],
        columns: &[ColumnPlan<'_>],
        cells: &mut Vec<PlacedCell<'c>>,
    ) -> Result<(), RowFault> {
        cells.clear();
        match self {
            Self::Delimited {
                quote,
                stray_quotes,
                room,
                ..
            } => {
                if fields.len() != columns.len() {
                    return Err(RowFault {
                        incomplete: fields.len() < columns.len(),
                        ..RowFault::of_row(
                            "columns",
                            format!("{} fields, expected {}", fields.len(), columns.len()),
                        )
                    });
                }
                let is_stray = |span: &FieldSpan| span.form == FieldForm::Stray;
                if *stray_quotes == StrayQuotes::Reject
                    && let Some(index) = fields.iter().position(is_stray)
                {
                    return Err(RowFault {
                        column: columns[index].spec.name.clone(),
                        ..RowFault::of_row("stray_quote", "a quote stands inside an unquoted field")
                    });
                }
                cells.extend(fields.iter().map(|span| PlacedCell {
                    cell: Cell::Text(field_value(content, span, quote)),
                    place: Some((span.start, span.end)),
                    room: *room,
                }));
                Ok(())
            }
            Self::Fixed { width } => fixed_cells(content, *width, columns, cells),
            Self::JsonLines => json::cells(content, columns, cells),
        }
    }

    /// The fields for quarantine, found again in a record's text; `None` where it does not split.
    pub fn placed<'p>(
        &self,
        content: &'p str,
        columns: &'p [ColumnPlan<'p>],
    ) -> Option<Vec<PlacedField<'p>>> {
        let mut fields = Vec::new();
        if !content.is_empty() {
            let rules = self.split_rules();
            let bytes = content.as_bytes();
            match scan_record(bytes, true, &rules, Some(LineEnd::LineFeed), &mut fields) {
                Scan::Record { fault: None, .. } => {}
                _ => return None,
            }
        }
        let mut cells = Vec::new();
        self.cells(content, &fields, columns, &mut cells).ok()?;
        let mut placed: Vec<PlacedField<'p>> = cells
            .into_iter()
            .zip(columns)
            .filter_map(|(cell, column)| {
                let (start, end) = cell.place?;
                let value = match cell.cell {
                    Cell::Text(text) | Cell::Number(text) => text,
                    _ => Cow::Borrowed(""),
                };
                Some(PlacedField {
                    start,
                    end,
                    value,
                    column,
                    room: cell.room,
                })
            })
            .collect();
        placed.sort_by_key(|field| field.start);
        Some(placed)
    }
}

/// The value of a delimited field: doubled quotes become one.
#[inline]
pub fn field_value<'c>(content: &'c str, span: &FieldSpan, quote: &str) -> Cow<'c, str> {
    let field = &content[span.start..span.end];
    if span.form == FieldForm::Escaped {
        Cow::Owned(unescaped(field, quote))
    } else {
        Cow::Borrowed(field)
    }
}

#[cold]
fn unescaped(field: &str, quote: &str) -> String {
    field.replace(&quote.repeat(2), quote)
}

/// Columns by character position, padding removed. Blanks at a line's end may have been stripped by the sender:
/// a column wholly beyond the end is null, a text may be short, but a short number or date is refused.
fn fixed_cells<'c>(
    content: &'c str,
    width: usize,
    columns: &[ColumnPlan<'_>],
    cells: &mut Vec<PlacedCell<'c>>,
) -> Result<(), RowFault> {
    let borders = CharacterBorders::new(content);
    let length = borders.count();
    if length > width && !content[borders.byte(width)..].trim().is_empty() {
        return Err(RowFault::of_row(
            "columns",
            format!("{length} characters, expected {width}"),
        ));
    }
    for column in columns {
        let (first, count) = column.spec.at.unwrap_or((1, 0));
        let start = (first as usize).saturating_sub(1);
        let end = start + count as usize;
        if start >= length && count > 0 {
            if column.spec.required {
                return Err(short_line(column.spec, length, width));
            }
            cells.push(PlacedCell {
                cell: Cell::Null,
                place: None,
                room: TokenRoom::None,
            });
            continue;
        }
        if end > length && !matches!(column.spec.data_type, DataType::String) {
            return Err(short_line(column.spec, length, width));
        }
        let (from, to) = (borders.byte(start), borders.byte(end.min(length)));
        cells.push(PlacedCell {
            cell: Cell::Text(Cow::Borrowed(content[from..to].trim())),
            place: Some((from, to)),
            room: TokenRoom::None,
        });
    }
    Ok(())
}

fn short_line(spec: &ColumnSpec, length: usize, width: usize) -> RowFault {
    RowFault {
        column: spec.name.clone(),
        incomplete: true,
        ..RowFault::of_row(
            "columns",
            format!("the line has {length} characters, expected {width}"),
        )
    }
}

/// Where characters start; free of memory for ASCII.
struct CharacterBorders<'c> {
    content: &'c str,
    starts: Option<Vec<usize>>,
}

impl<'c> CharacterBorders<'c> {
    fn new(content: &'c str) -> Self {
        let starts =
            (!content.is_ascii()).then(|| content.char_indices().map(|(at, _)| at).collect());
        Self { content, starts }
    }

    fn count(&self) -> usize {
        self.starts.as_ref().map_or(self.content.len(), Vec::len)
    }

    fn byte(&self, character: usize) -> usize {
        let end = self.content.len();
        match &self.starts {
            None => character.min(end),
            Some(starts) => starts.get(character).copied().unwrap_or(end),
        }
    }
}

/// Characters `start` (from 1) to `start + length - 1` of a text, without padding.
pub fn characters(content: &str, start: u32, length: u32) -> &str {
    let borders = CharacterBorders::new(content);
    let first = (start as usize).saturating_sub(1);
    content[borders.byte(first)..borders.byte(first + length as usize)].trim()
}
