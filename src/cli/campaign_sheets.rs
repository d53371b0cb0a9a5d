//! `salenet campaign collect`: call sheets that came back become a delivery.

use std::fmt::Write;
use std::path::PathBuf;

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use crate::config::Project;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::BusinessDate;
use crate::run::RunSettings;
use crate::run::campaign_sheets::{PlacedCall, delivery_files, new_calls};
use crate::stages::campaign::returned::read_returned;
use crate::store::landing_output::write_output;

pub fn run(
    project: &Project,
    settings: &RunSettings,
    global: &GlobalArgs,
    sheets: &[PathBuf],
    date: BusinessDate,
) -> Result<(), Failure> {
    let mut problems = Diagnostics::default();
    let (mut calls, mut untouched) = (Vec::new(), 0);
    for path in sheets {
        match std::fs::read(path) {
            Ok(bytes) => {
                let found = read_returned(path, &bytes, date, &mut problems);
                let placed = found.calls.into_iter();
                calls.extend(placed.map(|(line, call)| PlacedCall { path, line, call }));
                untouched += found.untouched;
            }
            Err(error) => {
                problems.push(Diagnostic::in_file(
                    path,
                    format!("cannot be read: {error}"),
                ));
            }
        }
    }
    let new = new_calls(settings, &calls, &mut problems)?;
    if problems.has_errors() {
        return Err(Failure::gate(format!(
            "{problems}\nnothing was written: correct the sheets and collect them again"
        )));
    }
    if !problems.is_empty() {
        global.say(problems.to_string().trim_end());
    }
    let told = format!(
        "{} calls of {} sheets are new, {} known, {untouched} lines untouched",
        new.by_number.len(),
        sheets.len(),
        new.known
    );
    if new.by_number.is_empty() {
        global.say(&format!("{told}; nothing was written"));
        return Ok(());
    }
    let files = delivery_files(project, &new, date)?;
    let places = files.iter().map(|(path, _)| settings.landing.join(path));
    let places: Vec<PathBuf> = places.collect();
    if let Some(path) = places.iter().find(|path| path.exists()) {
        return Err(Failure::usage(format!(
            "error: {} is there already\nhint: a night has one delivery of each feed; collect the sheets for another date",
            path.display()
        )));
    }
    let mut text = String::new();
    for (path, (_, content)) in places.iter().zip(&files) {
        write_output(path, content)?;
        let _ = writeln!(text, "{}", path.display());
    }
    global.say(&told);
    print(&text)
}
