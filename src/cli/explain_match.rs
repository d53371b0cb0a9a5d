//! `salenet explain match`: the waterfall of two records' weight.

use std::fmt::Write as _;

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use crate::run::matching::{explain_pair, load_released};
use crate::store::RecordPlace;

/// One line for each comparison, the sum growing from the prior to the weight.
pub fn run(left: &RecordPlace, right: &RecordPlace, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let loaded = load_released(&project, &settings)?;
    let name = |place: &RecordPlace| (place.source.clone(), place.feed.clone(), place.key.clone());
    let found = explain_pair(&loaded, &name(left), &name(right))?;
    if global.format == Format::Json {
        let text = serde_json::to_string_pretty(&found);
        return print(&(text.map_err(|error| Failure::unexpected(&error))? + "\n"));
    }
    let mut text = format!("model {}, weights in bits\n", found.model_version);
    let bar = |sum: f64| {
        // One mark for two bits, none below zero.
        let marks = (sum / 2.0).clamp(0.0, 40.0);
        "#".repeat(format!("{marks:.0}").parse().unwrap_or(0))
    };
    let _ = writeln!(
        text,
        "{:<14} {:<22} {:>8} {:>10} {:>8}",
        "", "level", "weight", "frequency", "sum"
    );
    let _ = writeln!(
        text,
        "{:<14} {:<22} {:>8.2} {:>10} {:>8.2} {}",
        "prior",
        "",
        found.prior,
        "",
        found.prior,
        bar(found.prior)
    );
    for part in &found.parts {
        let _ = writeln!(
            text,
            "{:<14} {:<22} {:>+8.2} {:>+10.2} {:>8.2} {}",
            part.comparison,
            part.level,
            part.weight,
            part.frequency,
            part.sum,
            bar(part.sum)
        );
    }
    let _ = writeln!(
        text,
        "weight {:.2}, probability {:.6}{}",
        found.weight,
        found.probability,
        if found.is_forbidden {
            "; two different valid national ids forbid it all the same"
        } else {
            ""
        }
    );
    print(&text)
}
