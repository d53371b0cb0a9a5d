//! `salenet campaign ratios`: whom a campaign chose by protected groups, for compliance.

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use crate::config::Project;
use crate::run::RunSettings;
use crate::run::campaign_ratios::{Ratios, campaign_ratios};

/// Below it the four-fifths rule sees adverse impact.
const FOUR_FIFTHS: f64 = 0.80;

pub fn run(
    project: &Project,
    settings: &RunSettings,
    global: &GlobalArgs,
    code: &str,
) -> Result<(), Failure> {
    let found = campaign_ratios(project, settings, code)?;
    if global.format == Format::Json {
        let text =
            serde_json::to_string_pretty(&found).map_err(|error| Failure::unexpected(&error))?;
        return print(&format!("{text}\n"));
    }
    print(&words(&found))
}

fn words(found: &Ratios) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "basis",
        "group",
        "considered",
        "eligible",
        "chosen",
        "rate",
        "ratio",
        "",
    ]);
    for group in &found.groups {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let (ratio, note) = match group.ratio {
            None => ("-".to_owned(), "tells nothing"),
            Some(ratio) if ratio < FOUR_FIFTHS => (format!("{ratio:.2}"), "below four fifths"),
            Some(ratio) => (format!("{ratio:.2}"), ""),
        };
        table.add_row([
            Cell::new(&group.basis),
            Cell::new(&group.group),
            right(group.considered.to_string()),
            right(group.eligible.to_string()),
            right(group.chosen.to_string()),
            right(format!("{:.2} %", group.rate * 100.0)),
            right(ratio),
            Cell::new(note),
        ]);
    }
    format!(
        "{} of {}, for compliance: rate is chosen of considered, ratio is against the highest rate of the basis\n{table}\n",
        found.campaign, found.business_date
    )
}
