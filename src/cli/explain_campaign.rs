//! `salenet explain campaign`: why a customer is on a list, or is not.

use std::fmt::Write;

use comfy_table::{Table, presets};

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use crate::run::explain_campaign::{CampaignVerdict, explain_campaign};

pub fn run(global: &GlobalArgs, code: &str, customer: i64, plan: bool) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let verdict = explain_campaign(&project, &settings, code, customer, plan)?;
    if global.format == Format::Json {
        let text =
            serde_json::to_string_pretty(&verdict).map_err(|error| Failure::unexpected(&error))?;
        return print(&format!("{text}\n"));
    }
    print(&told(&verdict))
}

fn told(verdict: &CampaignVerdict) -> String {
    let mut text = String::new();
    let when = if verdict.is_plan {
        format!(
            "as it would choose with the release of {}",
            verdict.business_date
        )
    } else {
        format!("as it chose on {}", verdict.business_date)
    };
    let _ = writeln!(
        text,
        "customer {} and campaign {}, {when}",
        verdict.customer_id, verdict.campaign
    );
    let _ = writeln!(text, "outcome     {}", outcome(verdict));
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:<12}{value}");
        }
    };
    line("rank", verdict.rank_value.clone());
    line(
        "place",
        verdict.place.map(|place| of_places(verdict, place)),
    );
    line("cell", verdict.cell.clone());
    line("channel", verdict.channel.clone());
    line("offer", verdict.offer.clone());
    line("finder", verdict.finder_number.clone());
    if verdict.state.is_none() {
        return text;
    }
    if verdict.failed.is_empty() {
        let _ = writeln!(text, "rules       fails none");
        return text;
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["fails", "which", ""]);
    for failed in &verdict.failed {
        let effect = match &failed.closes {
            Some(channel) => format!("closes {channel}"),
            None => "removes".to_owned(),
        };
        table.add_row([&failed.rule, &effect, &failed.description]);
    }
    let _ = writeln!(text, "{table}");
    text
}

fn outcome(verdict: &CampaignVerdict) -> String {
    let by = |name: &Option<String>| name.clone().unwrap_or_default();
    match verdict.state.as_deref() {
        None => "no member of the universe".to_owned(),
        Some("removed") => format!("removed by {}", by(&verdict.removed_by)),
        Some("lost_in_dedupe") => {
            "lost in dedupe: another member of the household ranks higher".to_owned()
        }
        Some("cut_by_capacity") => format!("cut by {}", by(&verdict.cut_by)),
        Some("control") => "chosen, and held back as control".to_owned(),
        Some(other) => other.to_owned(),
    }
}

fn of_places(verdict: &CampaignVerdict, place: i64) -> String {
    let last = verdict.last_chosen.map_or_else(String::new, |last| {
        format!(", the last one chosen was {last}")
    });
    format!("{place} of {}{last}", verdict.places)
}
