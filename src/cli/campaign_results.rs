//! `salenet campaign results`: the funnel of each cell with numerators and denominators, intervals, the baseline beside it.

use std::fmt::Write;

use comfy_table::{Cell as Shown, CellAlignment, Table, presets};

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use crate::run::RunSettings;
use crate::run::campaign_figures::CampaignFigures;
use crate::run::campaign_gains::Gains;
use crate::run::campaign_measures::{Dictionary, Measure, Rows, percent, plain, ppm};
use crate::run::campaign_results::{CampaignResults, campaign_results};
use crate::run::open::{Reading, open_release};
use crate::sql::output::{OutputFormat, write_result};
use crate::sql::{Cell, QueryResult, SqlError};
use crate::stages::score::PartMeasures;

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
    let dictionary = Dictionary::of(&dictionary)?;
    let mut text = String::new();
    for campaign in &results {
        show(&mut text, campaign, &dictionary)?;
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
            "figures": rows(&campaign.figures.figures)?,
            "gains": campaign.gains.as_ref().map(gains_json),
            "calibration": &campaign.calibration,
            "goals": campaign.figures.goals.as_ref().map(rows).transpose()?,
        }));
    }
    let text = serde_json::to_string_pretty(&all).map_err(|error| Failure::unexpected(&error))?;
    Ok(format!("{text}\n"))
}

fn show(
    text: &mut String,
    campaign: &CampaignResults,
    dictionary: &Dictionary,
) -> Result<(), SqlError> {
    let measures = dictionary.of_cells();
    let cells = Rows::of(&campaign.cells)?;
    let _ = writeln!(text, "{}", campaign.code);
    let heads = cells.rows.iter().map(|row| {
        let word = |column| cells.text(row, column).unwrap_or_default();
        format!("{} {}", word("cell_code"), word("kind"))
    });
    let _ = writeln!(text, "{}", funnel(heads.collect(), &cells, &measures));
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
        let _ = writeln!(text, "{}", funnel(heads.collect(), &totals, &measures));
    }
    if let Some(found) = &campaign.gains {
        gains(text, found);
    }
    if let Some(found) = &campaign.calibration {
        calibration(text, found);
    }
    figures(text, &campaign.figures, dictionary)?;
    Ok(())
}

/// One line per measure, one column per row.
fn funnel(heads: Vec<String>, rows: &Rows, measures: &[&Measure]) -> Table {
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
    let Some(own) = rows.text(row, &measure.code) else {
        return "-".to_owned();
    };
    let own = measure.unit.shown(&own);
    match &measure.denominator {
        None => own,
        Some(denominator) => format!(
            "{own} ({} / {})",
            rows.text(row, &measure.numerator).unwrap_or_default(),
            rows.text(row, denominator).unwrap_or_default()
        ),
    }
}

fn gains_json(found: &Gains) -> serde_json::Value {
    let tenths = found.tenths.iter().map(|tenth| {
        serde_json::json!({
            "tenth": tenth.tenth,
            "n_contacts": tenth.contacts,
            "n_booked": tenth.booked,
            "n_controls": tenth.controls,
            "n_control_booked": tenth.controls_booked,
            "lift": tenth.lift,
            "gain": tenth.gain,
            "qini": tenth.qini,
        })
    });
    serde_json::json!({"qini": found.qini, "tenths": tenths.collect::<Vec<_>>()})
}

/// Tenths of the rank with what they brought.
fn gains(text: &mut String, found: &Gains) {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "tenth of the rank",
        "booked / contacts",
        "booked / controls",
        "lift",
        "found so far",
        "beyond controls so far",
    ]);
    for tenth in &found.tenths {
        let or_nothing = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
        };
        let cells = [
            tenth.tenth.to_string(),
            format!("{} / {}", tenth.booked, tenth.contacts),
            format!("{} / {}", tenth.controls_booked, tenth.controls),
            or_nothing(tenth.lift),
            format!("{:.1} %", tenth.gain * 100.0),
            or_nothing(tenth.qini),
        ];
        table.add_row(cells.map(|cell| Shown::new(cell).set_alignment(CellAlignment::Right)));
    }
    let _ = writeln!(text, "{table}");
    if let Some(qini) = found.qini {
        let _ = writeln!(
            text,
            "Qini        {qini:.6} bookings per contact above a random order"
        );
    }
}

/// What the score foretold of contacts whose window has closed, beside what they did.
fn calibration(text: &mut String, found: &PartMeasures) {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["tenth of the score", "contacts", "foretold", "answered"]);
    for tenth in &found.deciles {
        let cells = [
            tenth.decile.to_string(),
            tenth.rows.to_string(),
            format!("{:.2} %", tenth.mean_score * 100.0),
            format!("{:.2} %", tenth.rate * 100.0),
        ];
        table.add_row(cells.map(|cell| Shown::new(cell).set_alignment(CellAlignment::Right)));
    }
    let _ = writeln!(text, "{table}");
    if let Some(fit) = found.calibration {
        let line = match (fit.intercept, fit.slope) {
            (Some(intercept), Some(slope)) => {
                format!("intercept {intercept:+.3}, slope {slope:.3}")
            }
            _ => "no line fits".to_owned(),
        };
        let _ = writeln!(
            text,
            "calibration {:.2} % foretold, {:.2} % answered ({} / {}); {line}; AUC {:.3} (95 % {:.3} to {:.3}), Brier {:.5}",
            fit.mean_probability * 100.0,
            fit.rate * 100.0,
            found.positives,
            found.rows,
            found.auc,
            found.auc_low,
            found.auc_high,
            fit.brier,
        );
    }
}

/// Figures of the whole campaign with numerator and denominator, then its goals.
fn figures(
    text: &mut String,
    campaign: &CampaignFigures,
    dictionary: &Dictionary,
) -> Result<(), SqlError> {
    let found = Rows::of(&campaign.figures)?;
    for row in &found.rows {
        let word = |column| found.text(row, column);
        let (Some(code), Some(value)) = (word("measure"), word("value")) else {
            continue;
        };
        let Some(measure) = dictionary.measure(&code) else {
            continue;
        };
        let of = match (word("numerator"), word("denominator")) {
            (Some(numerator), Some(denominator)) => format!(
                " ({} {} / {} {})",
                plain(&numerator),
                measure.numerator,
                plain(&denominator),
                measure.denominator.as_deref().unwrap_or_default()
            ),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{:<24}{}{of}",
            measure.name,
            measure.unit.shown(&value)
        );
    }
    let Some(goals) = &campaign.goals else {
        return Ok(());
    };
    let goals = Rows::of(goals)?;
    for row in &goals.rows {
        let word = |column| goals.text(row, column).unwrap_or_default();
        let measure = dictionary.measure(&word("measure"));
        let name = measure.map_or_else(|| word("measure"), |measure| measure.name.clone());
        let shown =
            |value: String| measure.map_or(value.clone(), |measure| measure.unit.shown(&value));
        let actual = goals
            .text(row, "value")
            .map_or_else(|| "no figure yet".to_owned(), shown);
        let _ = writeln!(
            text,
            "goal        {name} {} by {} ({}): {}, {actual}",
            shown(word("target")),
            word("due_on"),
            word("owner"),
            word("state"),
        );
    }
    Ok(())
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
