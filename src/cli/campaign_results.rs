//! `salenet campaign results`: the funnel of each cell with numerators and denominators, intervals, the baseline beside it.

use std::fmt::Write;

use comfy_table::{Cell as Shown, CellAlignment, Table, presets};

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use crate::domain::Money;
use crate::run::RunSettings;
use crate::run::campaign_results::{CampaignResults, campaign_results};
use crate::run::open::{Reading, open_release};
use crate::sql::output::{OutputFormat, write_result};
use crate::sql::{Cell, QueryResult, SqlError};

/// Digits after the point of a rate, as the models give it.
const RATE_SCALE: u32 = 6;

/// One measure of the dictionary.
struct Measure {
    column: String,
    name: String,
    is_share: bool,
    numerator: String,
    /// None for what is no quotient.
    denominator: Option<String>,
}

pub fn run(settings: &RunSettings, global: &GlobalArgs, code: Option<&str>) -> Result<(), Failure> {
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, manifest, session) = open_release(settings, &options, &Reading::Current)?;
    let (dictionary, results) = campaign_results(&session, &manifest, code)?;
    match global.format {
        Format::Json => return print(&json(&results)?),
        Format::Table => {}
        _ => {
            let mut rows = Vec::new();
            for campaign in &results {
                write_result(&campaign.cells, global.format.as_text(), &mut rows)?;
            }
            return print(&String::from_utf8_lossy(&rows));
        }
    }
    let measures = measures(&dictionary)?;
    let mut text = String::new();
    for campaign in &results {
        show(&mut text, campaign, &measures)?;
    }
    let _ = writeln!(text, "with        {}", manifest.release);
    print(&text)
}

fn json(results: &[CampaignResults]) -> Result<String, Failure> {
    let rows = |result: &QueryResult| -> Result<serde_json::Value, Failure> {
        let mut text = Vec::new();
        write_result(result, OutputFormat::Json, &mut text)?;
        serde_json::from_slice(&text).map_err(|error| Failure::unexpected(&error))
    };
    let mut all = Vec::with_capacity(results.len());
    for campaign in results {
        all.push(serde_json::json!({
            "campaign": campaign.code,
            "cells": rows(&campaign.cells)?,
            "totals": rows(&campaign.totals)?,
            "contacts_at_equal_bookings": rows(&campaign.contacts_at_equal_bookings)?,
        }));
    }
    let text = serde_json::to_string_pretty(&all).map_err(|error| Failure::unexpected(&error))?;
    Ok(format!("{text}\n"))
}

fn measures(dictionary: &QueryResult) -> Result<Vec<Measure>, SqlError> {
    let mut measures = Vec::new();
    for row in dictionary.rows()? {
        let word = |at: usize| row.get(at).map(Cell::to_text).unwrap_or_default();
        measures.push(Measure {
            column: word(0),
            name: word(1),
            is_share: word(2) == "share",
            numerator: word(3),
            denominator: Some(word(4)).filter(|column| !column.is_empty()),
        });
    }
    Ok(measures)
}

/// Rows with the names of their columns; null is no text.
struct Rows<'a> {
    result: &'a QueryResult,
    rows: Vec<Vec<Cell>>,
}

impl<'a> Rows<'a> {
    fn of(result: &'a QueryResult) -> Result<Self, SqlError> {
        let rows = result.rows()?;
        Ok(Self { result, rows })
    }

    fn text(&self, row: &[Cell], column: &str) -> Option<String> {
        let mut columns = self.result.columns.iter();
        let at = columns.position(|each| each.name == column)?;
        row.get(at)
            .filter(|cell| **cell != Cell::Null)
            .map(Cell::to_text)
    }
}

fn show(
    text: &mut String,
    campaign: &CampaignResults,
    measures: &[Measure],
) -> Result<(), SqlError> {
    let cells = Rows::of(&campaign.cells)?;
    let _ = writeln!(text, "{}", campaign.code);
    let heads = cells.rows.iter().map(|row| {
        let word = |column| cells.text(row, column).unwrap_or_default();
        format!("{} {}", word("cell_code"), word("kind"))
    });
    let _ = writeln!(text, "{}", funnel(heads.collect(), &cells, measures));
    for row in &cells.rows {
        increment(text, &cells, row);
    }
    let is_open =
        |row: &&Vec<Cell>| cells.text(row, "is_window_closed").as_deref() == Some("false");
    let open = cells.rows.iter().filter(is_open);
    // Dates as texts are in the order of time.
    if let Some(last) = open
        .filter_map(|row| cells.text(row, "window_ends_on"))
        .max()
    {
        let _ = writeln!(text, "window      open until {last}: figures will grow");
    }
    let totals = Rows::of(&campaign.totals)?;
    if totals.rows.len() > 1 {
        let heads = totals
            .rows
            .iter()
            .map(|row| totals.text(row, "campaign_code").unwrap_or_default());
        let _ = writeln!(text, "All cells but controls, beside the baseline");
        let _ = writeln!(text, "{}", funnel(heads.collect(), &totals, measures));
    }
    let equal = Rows::of(&campaign.contacts_at_equal_bookings)?;
    for row in &equal.rows {
        let word = |column| equal.text(row, column).unwrap_or_default();
        let change = word("change_ppm").parse().map(percent).unwrap_or_default();
        let _ = writeln!(
            text,
            "contacts    {} for as many bookings as the baseline had with {}: {change}",
            word("n_at_equal_bookings"),
            word("n_baseline"),
        );
    }
    Ok(())
}

/// One line per measure, one column per row.
fn funnel(heads: Vec<String>, rows: &Rows, measures: &[Measure]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(std::iter::once("measure".to_owned()).chain(heads));
    for measure in measures {
        let values = rows
            .rows
            .iter()
            .map(|row| Shown::new(value(rows, row, measure)).set_alignment(CellAlignment::Right));
        table.add_row(std::iter::once(Shown::new(&measure.name)).chain(values));
    }
    table
}

fn value(rows: &Rows, row: &[Cell], measure: &Measure) -> String {
    let Some(own) = rows.text(row, &measure.column) else {
        return "-".to_owned();
    };
    let own = if measure.is_share {
        ppm(&own).map_or(own, percent)
    } else {
        own
    };
    match &measure.denominator {
        None => own,
        Some(denominator) => format!(
            "{own} ({} / {})",
            rows.text(row, &measure.numerator).unwrap_or_default(),
            rows.text(row, denominator).unwrap_or_default()
        ),
    }
}

/// What a cell brought beyond the controls, and what it could have shown.
fn increment(text: &mut String, cells: &Rows, row: &[Cell]) {
    let word = |column| cells.text(row, column).unwrap_or_default();
    if cells.text(row, "incremental_rate").is_none() {
        return;
    }
    let rate = |column| ppm(&word(column)).map(percent).unwrap_or_default();
    let _ = writeln!(
        text,
        "cell {:<7}{} bookings beyond the controls (95 % interval {} to {}): {} / {} against {} / {}, {} (95 % {} to {})",
        word("cell_code"),
        word("incremental_bookings"),
        word("incremental_bookings_low"),
        word("incremental_bookings_high"),
        word("n_booked"),
        word("n_assigned"),
        word("n_control_booked"),
        word("n_control"),
        rate("incremental_rate"),
        rate("incremental_rate_low"),
        rate("incremental_rate_high"),
    );
    let smallest = match cells.text(row, "smallest_effect") {
        Some(effect) => format!(
            "a rise of {} or more would have been found four times in five",
            ppm(&effect).map(percent).unwrap_or_default()
        ),
        None => "too few names to find any rise".to_owned(),
    };
    let _ = writeln!(text, "            {smallest}");
}

fn ppm(rate: &str) -> Option<i128> {
    Money::parse_decimal(rate, RATE_SCALE).map(|rate| rate.0)
}

fn percent(ppm: i128) -> String {
    format!("{} %", Money((ppm + 50).div_euclid(100)).to_decimal(2))
}
