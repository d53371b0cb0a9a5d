//! Contact policy and constraints: tables and columns they read, channels that cells use, amounts that can be held.

use super::cells::money;
use super::{KnownTables, suggestion};
use crate::config::cells::{CellSpec, Channel};
use crate::config::contact_policy::{
    AverageConstraint, BranchCapacity, Constraints, ContactPolicy, MaxContacts, NeverAfter,
};
use crate::config::document::Reporter;
use crate::config::model::ModelSpec;
use crate::config::raw::{
    RawBranchCapacity, RawCapacity, RawConstraints, RawContactPolicy, RawScope,
};
use crate::config::yaml::Node;
use crate::domain::TableName;

const HISTORY: &str = "core.campaign_contact";
const HISTORY_COLUMNS: [&str; 8] = [
    "customer_id",
    "campaign_code",
    "product_code",
    "channel",
    "offer_code",
    "finder_no",
    "contacted_on",
    "is_control",
];
const RESPONSES: &str = "core.campaign_response";
const RESPONSE_COLUMNS: [&str; 4] = ["customer_id", "finder_no", "response_type", "responded_on"];

const RESULTS: &str = "core.contact_result";
const RESULT_COLUMNS: [&str; 4] = ["customer_id", "finder_no", "result", "contacted_on"];

/// The policy; a project that has tables of earlier contacts counts them, whether the campaign says so or not.
pub fn check_policy(
    raw: Option<&RawContactPolicy>,
    known: &KnownTables<'_>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> ContactPolicy {
    let place = node.get("contact_policy");
    let history = raw.and_then(|raw| raw.history.as_deref());
    let history = table(
        history,
        HISTORY,
        &HISTORY_COLUMNS,
        known,
        place.get("history"),
        report,
    );
    let responses = raw.and_then(|raw| raw.responses.as_deref());
    let responses = table(
        responses,
        RESPONSES,
        &RESPONSE_COLUMNS,
        known,
        place.get("responses"),
        report,
    );
    let results = raw.and_then(|raw| raw.results.as_deref());
    let results = table(
        results,
        RESULTS,
        &RESULT_COLUMNS,
        known,
        place.get("results"),
        report,
    );
    let Some(raw) = raw else {
        return ContactPolicy {
            history,
            responses,
            results,
            ..ContactPolicy::default()
        };
    };
    let max = raw.max.iter().map(|max| MaxContacts {
        n: max.n,
        days: max.days,
        of_product_only: matches!(max.scope, RawScope::Product),
    });
    let mut never_after = Vec::with_capacity(raw.never_after.len());
    for (index, never) in raw.never_after.iter().enumerate() {
        let node = place.get("never_after").item(index);
        let offer = never.offer.strip_suffix('*');
        let code = offer.unwrap_or(&never.offer);
        if code.contains('*') {
            let message = format!("`{}` has a * that is not at its end", never.offer);
            report.at_hint(
                node.get("offer"),
                message,
                "write a code, or how codes begin: HEL-*",
            );
        }
        let if_refused = never.condition.is_some();
        if if_refused && responses.is_none() && known.is_complete {
            report.at_hint(
                node.get("if"),
                "nothing tells who refused: the project has no table of answers",
                format!("name it with `responses`, or add the model {RESPONSES}"),
            );
        }
        never_after.push(NeverAfter {
            offer: code.to_owned(),
            is_prefix: offer.is_some(),
            days: never.days,
            if_refused,
        });
    }
    ContactPolicy {
        history,
        responses,
        results,
        max: max.collect(),
        never_after,
    }
}

/// A table that must have some columns; the default counts only where the project has it.
fn table(
    named: Option<&str>,
    default: &str,
    needed: &[&str],
    known: &KnownTables<'_>,
    place: &Node,
    report: &mut Reporter<'_>,
) -> Option<TableName> {
    let Ok(table) = named.unwrap_or(default).parse::<TableName>() else {
        let message = format!("`{}` is no table", named.unwrap_or_default());
        report.at_hint(
            place,
            message,
            format!("write schema.table, such as {default}"),
        );
        return None;
    };
    let Some(columns) = known.tables.get(&table) else {
        if named.is_some() && known.is_complete {
            let message = format!("there is no table `{table}`");
            let problem = report.document.source.error(place.range.clone(), message);
            report.problems.push(problem.hint_if(known.near(&table)));
        }
        return None;
    };
    let missing: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|column| !columns.contains(*column))
        .collect();
    if missing.is_empty() {
        return Some(table);
    }
    if named.is_some() || known.is_complete {
        report.at_hint(
            place,
            format!(
                "`{table}` has no column `{}`, which the contact policy reads",
                missing.join("`, `")
            ),
            "add it to the model",
        );
    }
    None
}

pub fn check_constraints(
    raw: Option<&RawConstraints>,
    cells: &[CellSpec],
    model: Option<&ModelSpec>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Constraints {
    let Some(raw) = raw else {
        return Constraints::default();
    };
    let place = node.get("constraints");
    let budget = raw
        .budget
        .as_ref()
        .map(|budget| money(budget, place.get("budget"), report));
    if budget.is_some()
        && let Some(cell) = cells
            .iter()
            .find(|cell| cell.is_contacted() && cell.cost.is_none())
    {
        report.at_hint(
            place.get("budget"),
            format!(
                "the cell `{}` says no cost, so the budget cannot be held",
                cell.code
            ),
            "add `cost` to every cell that is contacted",
        );
    }
    let mut channels = Vec::new();
    for (name, capacity) in &raw.channels.0 {
        let node = place.get("channels");
        let Some(channel) = Channel::ALL
            .into_iter()
            .find(|channel| channel.as_str() == name)
        else {
            let names = Channel::ALL.map(Channel::as_str);
            report.at_key_hint(
                node,
                name,
                format!("there is no channel `{name}`"),
                format!("channels are {}", names.join(", ")),
            );
            continue;
        };
        if cells.iter().all(|cell| cell.channel != Some(channel)) {
            report.at_key(node, name, format!("no cell uses the channel `{name}`"));
        }
        let RawCapacity { max, per_day, days } = *capacity;
        channels.push((channel, most(max, per_day, days, node.get(name), report)));
    }
    let branches = raw.branches.as_ref().map(|branches| {
        let RawBranchCapacity {
            column,
            max,
            per_day,
            days,
        } = branches;
        let place = place.get("branches");
        let column = column
            .clone()
            .unwrap_or_else(|| "home_branch_id".to_owned());
        check_column(&column, model, place.get("column"), report);
        BranchCapacity {
            column,
            most: most(*max, *per_day, *days, place, report),
        }
    });
    let mut averages = Vec::with_capacity(raw.average.len());
    for (index, average) in raw.average.iter().enumerate() {
        let node = place.get("average").item(index);
        check_column(&average.column, model, node.get("column"), report);
        let most: Option<f64> = average
            .max
            .text()
            .parse()
            .ok()
            .filter(|most: &f64| most.is_finite());
        if most.is_none() {
            let message = format!("`{}` is no number", average.max.text());
            report.at(node.get("max"), message);
        }
        averages.push(AverageConstraint {
            column: average.column.clone(),
            most: most.unwrap_or_default(),
        });
    }
    Constraints {
        budget,
        channels,
        branches,
        averages,
    }
}

/// One of `max`, and `per_day` with `days`.
fn most(
    max: Option<u64>,
    per_day: Option<u64>,
    days: Option<u64>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> u64 {
    match (max, per_day, days) {
        (Some(max), None, None) => max,
        (None, Some(per_day), Some(days)) => per_day.saturating_mul(days),
        _ => {
            report.at_hint(
                node,
                "the capacity must be one number",
                "give `max`, or `per_day` together with `days`",
            );
            0
        }
    }
}

fn check_column(column: &str, model: Option<&ModelSpec>, place: &Node, report: &mut Reporter<'_>) {
    let Some(model) = model else { return };
    if model.columns.iter().all(|each| each.name != column) {
        let names = model.columns.iter().map(|column| column.name.as_str());
        let hint = suggestion(column, names, "the table");
        let message = format!("`{}` has no column `{column}`", model.table);
        let problem = report.document.source.error(place.range.clone(), message);
        report.problems.push(problem.hint_if(hint));
    }
}
