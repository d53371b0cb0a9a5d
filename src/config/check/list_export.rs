//! Lists: columns that the attributes have and nobody forbids, and nobody contacted who stands on no list.

use super::cells::channel;
use super::suggestion;
use crate::config::campaign::{
    FILL_IN_COLUMNS, LIST_COLUMNS, ListExport, ListFormat, SCORE_LIST_COLUMNS,
};
use crate::config::cells::{CellSpec, Channel};
use crate::config::document::Reporter;
use crate::config::feed::Classification;
use crate::config::model::ModelSpec;
use crate::config::raw::{Named, RawListExport, RawListFormat};
use crate::config::score::Regime;
use crate::config::yaml::Node;

/// What lists may show.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The attributes; `None` when they are unknown, reported or not.
    pub model: Option<&'a ModelSpec>,
    /// Then its reasons too.
    pub has_score: bool,
    pub regime: Regime,
}

pub fn check_exports(
    raw: &[RawListExport],
    layouts: &Named<Vec<String>>,
    cells: &[CellSpec],
    shown: Shown<'_>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Vec<ListExport> {
    let list = node.get("export");
    for (name, columns) in &layouts.0 {
        let place = node.get("layouts").get(name);
        check_columns(columns, place, shown, report);
        if raw
            .iter()
            .all(|export| export.layout.as_ref() != Some(name))
        {
            report.at_key(
                node.get("layouts"),
                name,
                format!("no list has the layout `{name}`"),
            );
        }
    }
    let mut exports: Vec<ListExport> = Vec::with_capacity(raw.len());
    for (index, raw) in raw.iter().enumerate() {
        let place = list.item(index);
        check_control(raw, place, report);
        let columns = match (&raw.layout, &raw.columns) {
            (None, Some(columns)) if !columns.is_empty() => {
                check_columns(columns, place.get("columns"), shown, report);
                columns.clone()
            }
            (Some(layout), None) => {
                let found = layouts.0.iter().find(|(name, _)| name == layout);
                if found.is_none() {
                    let names = layouts.0.iter().map(|(name, _)| name.as_str());
                    let hint = suggestion(layout, names, "`layouts`")
                        .or_else(|| Some("name its columns under `layouts`".to_owned()));
                    let message = format!("there is no layout `{layout}`");
                    let problem = report
                        .document
                        .source
                        .error(place.get("layout").range.clone(), message);
                    report.problems.push(problem.hint_if(hint));
                }
                found
                    .map(|(_, columns)| columns.clone())
                    .unwrap_or_default()
            }
            _ => {
                report.at_hint(
                    place.get("format"),
                    "the list does not say what it shows",
                    "give one of `layout` and `columns`",
                );
                Vec::new()
            }
        };
        let closed = raw.channel.map(channel);
        if let Some(closed) = closed
            && cells.iter().all(|cell| cell.channel != Some(closed))
        {
            let message = format!("no cell uses the channel `{}`", closed.as_str());
            report.at(place.get("channel"), message);
        }
        if let Some(column) = &raw.split_by {
            check_column(column, place.get("split_by"), shown, report);
        }
        let export = ListExport {
            format: match raw.format {
                RawListFormat::Csv => ListFormat::Csv,
                RawListFormat::Xlsx => ListFormat::Xlsx,
            },
            layout: raw.layout.clone(),
            columns,
            channel: closed,
            split_by: raw.split_by.clone(),
        };
        let same = |other: &ListExport| {
            (other.format, &other.layout, other.channel)
                == (export.format, &export.layout, export.channel)
        };
        if exports.iter().any(same) {
            report.at_hint(
                place,
                "another list has the same format, layout and channel",
                "their files would have the same names; give each a layout of its own",
            );
        }
        exports.push(export);
    }
    let on_list = |channel: Option<Channel>| {
        exports
            .iter()
            .any(|export| export.channel.is_none() || export.channel == channel)
    };
    if let Some(cell) = cells
        .iter()
        .find(|cell| cell.is_contacted() && !on_list(cell.channel))
    {
        let (message, hint) = on_no_list(cell.channel);
        report.at_hint(list, message, hint);
    }
    exports
}

/// Of those whom a cell contacts.
fn on_no_list(channel: Option<Channel>) -> (String, String) {
    match channel.map(Channel::as_str) {
        Some(channel) => (
            format!("no list shows those contacted by {channel}"),
            format!("add one with `channel: {channel}`, or without a channel"),
        ),
        None => (
            "no list shows those contacted by no particular channel".to_owned(),
            "leave out `channel`, or name the channel of every cell".to_owned(),
        ),
    }
}

fn check_columns(columns: &[String], place: &Node, shown: Shown<'_>, report: &mut Reporter<'_>) {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let fill_in = columns
        .iter()
        .position(|column| FILL_IN_COLUMNS.contains(&column.as_str()));
    let mut needed = ["finder_number", "called_at", "call_result"].into_iter();
    if let (Some(index), Some(missing)) = (fill_in, needed.find(|name| !has(name))) {
        report.at_hint(
            place.item(index),
            format!("a list to be filled in needs `{missing}` too"),
            "finder_number, called_at and call_result say of whom, when and what",
        );
    }
    for (index, name) in columns.iter().enumerate() {
        if columns[..index].contains(name) {
            report.at(place.item(index), format!("the list shows `{name}` twice"));
        }
        check_column(name, place.item(index), shown, report);
    }
}

fn check_column(name: &str, place: &Node, shown: Shown<'_>, report: &mut Reporter<'_>) {
    let Some(model) = shown.model else { return };
    match model.columns.iter().find(|column| column.name == *name) {
        None if LIST_COLUMNS.contains(&name) => {}
        None if SCORE_LIST_COLUMNS.contains(&name) => {
            if !shown.has_score {
                report.at_hint(
                    place,
                    format!("`{name}` comes from a score, and the campaign has none"),
                    "add `score` with a model; `talking_points` shows the campaign's own reasons",
                );
            }
        }
        None => {
            let names = model.columns.iter().map(|column| column.name.as_str());
            let hint = suggestion(name, names, "the table");
            let message = format!("`{}` has no column `{name}`", model.table);
            let problem = report.document.source.error(place.range.clone(), message);
            report.problems.push(problem.hint_if(hint));
        }
        // Under deposit rules the check of the whole project reports it.
        Some(column)
            if column.classification == Classification::Prohibited
                && shown.regime == Regime::Credit =>
        {
            report.at_hint(
                place,
                format!("`{name}` is prohibited; no list may show it"),
                format!("see its classification in {}", model.yml_path.display()),
            );
        }
        Some(_) => {}
    }
}

fn check_control(raw: &RawListExport, place: &Node, report: &mut Reporter<'_>) {
    if raw.control_file == Some(false) {
        report.at_hint(
            place.get("control_file"),
            "no list goes out without its control file",
            "leave `control_file` out, or write true",
        );
    }
}
