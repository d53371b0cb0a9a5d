//! The dictionary of campaigns' measures, and figures as people read them.

use crate::domain::Money;
use crate::sql::{Cell, QueryResult, SqlError};

/// Digits after the point of a rate, as the models give it.
const RATE_SCALE: u32 = 6;

/// How a measure is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As it stands.
    Count,
    Money,
    /// Of a whole: percent.
    Share,
    /// Against something: percent with its sign.
    Change,
    Days,
}

impl Unit {
    fn of(name: &str) -> Self {
        match name {
            "share" => Self::Share,
            "change" => Self::Change,
            "days" => Self::Days,
            "money" => Self::Money,
            _ => Self::Count,
        }
    }

    /// A value of the tables in this unit.
    #[must_use]
    pub fn shown(self, value: &str) -> String {
        match (self, ppm(value)) {
            (Self::Share, Some(ppm)) => percent(ppm),
            (Self::Change, Some(ppm)) => {
                let sign = if ppm > 0 { "+" } else { "" };
                format!("{sign}{}", percent(ppm))
            }
            (Self::Days, _) => format!("{} days", plain(value)),
            (Self::Count, _) => plain(value),
            _ => value.to_owned(),
        }
    }
}

/// One measure of the dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// A column of the models, or a figure of the whole campaign.
    pub code: String,
    pub name: String,
    pub is_of_cells: bool,
    pub unit: Unit,
    pub numerator: String,
    /// None for what is no quotient.
    pub denominator: Option<String>,
    pub meaning: String,
}

/// All measures of the project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dictionary {
    pub measures: Vec<Measure>,
}

impl Dictionary {
    /// From `measure`, `name`, `scope`, `unit`, `numerator`, `denominator`, `meaning`.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn of(rows: &QueryResult) -> Result<Self, SqlError> {
        let rows = Rows::of(rows)?;
        let measures = rows.rows.iter().map(|row| {
            let word = |column| rows.text(row, column).unwrap_or_default();
            Measure {
                code: word("measure"),
                name: word("name"),
                is_of_cells: word("scope") == "cell",
                unit: Unit::of(&word("unit")),
                numerator: word("numerator"),
                denominator: rows
                    .text(row, "denominator")
                    .filter(|word| !word.is_empty()),
                meaning: word("meaning"),
            }
        });
        Ok(Self {
            measures: measures.collect(),
        })
    }

    #[must_use]
    pub fn measure(&self, code: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.code == code)
    }

    /// What a numerator or denominator is called: by its own entry, or in words already.
    #[must_use]
    pub fn name<'a>(&'a self, code: &'a str) -> &'a str {
        self.measure(code).map_or(code, |measure| &measure.name)
    }

    /// Those that each cell has.
    #[must_use]
    pub fn of_cells(&self) -> Vec<&Measure> {
        let measures = self.measures.iter();
        measures.filter(|measure| measure.is_of_cells).collect()
    }
}

/// Rows with the names of their columns; null is no text.
pub struct Rows<'a> {
    result: &'a QueryResult,
    pub rows: Vec<Vec<Cell>>,
}

impl<'a> Rows<'a> {
    /// # Errors
    /// When the rows cannot be read.
    pub fn of(result: &'a QueryResult) -> Result<Self, SqlError> {
        let rows = result.rows()?;
        Ok(Self { result, rows })
    }

    #[must_use]
    pub fn text(&self, row: &[Cell], column: &str) -> Option<String> {
        let mut columns = self.result.columns.iter();
        let at = columns.position(|each| each.name == column)?;
        row.get(at)
            .filter(|cell| **cell != Cell::Null)
            .map(Cell::to_text)
    }
}

/// A rate in millionths.
#[must_use]
pub fn ppm(rate: &str) -> Option<i128> {
    Money::parse_decimal(rate, RATE_SCALE).map(|rate| rate.0)
}

/// Millionths as percent with two digits, half up.
#[must_use]
pub fn percent(ppm: i128) -> String {
    format!("{} %", Money((ppm + 50).div_euclid(100)).to_decimal(2))
}

/// A decimal without zeros at its end.
#[must_use]
pub fn plain(value: &str) -> String {
    match value.split_once('.') {
        Some(_) => value.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => value.to_owned(),
    }
}
