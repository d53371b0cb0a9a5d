//! `salenet campaign collect`: call sheets that came back become a delivery.

use std::path::PathBuf;

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use crate::config::Project;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::BusinessDate;
use crate::run::RunSettings;
use crate::run::campaign_sheets::sheet_delivery;
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
                let found = read_returned(path, &bytes, &mut problems);
                calls.extend(found.calls);
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
    if problems.has_errors() {
        return Err(Failure::gate(format!(
            "{problems}\nnothing was written: correct the sheets and collect them again"
        )));
    }
    let delivery = sheet_delivery(project, &calls, date)?;
    let taken = delivery
        .files
        .iter()
        .map(|(path, _)| settings.landing.join(path))
        .find(|path| path.exists());
    if let Some(path) = taken {
        return Err(Failure::usage(format!(
            "error: {} is there already\nhint: a night has one delivery of each feed; collect the sheets for another date",
            path.display()
        )));
    }
    for (path, content) in &delivery.files {
        write_output(&settings.landing.join(path), content)?;
    }
    global.say(&format!(
        "{} calls of {} sheets, {untouched} lines untouched, {} noted twice alike",
        delivery.rows,
        sheets.len(),
        delivery.repeated
    ));
    let mut text = String::new();
    for (path, _) in &delivery.files {
        text.push_str(&format!("{}\n", settings.landing.join(path).display()));
    }
    print(&text)
}
