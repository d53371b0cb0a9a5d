//! What the sender says about a delivery: header and trailer records, control files.

use super::date_format;
use super::feed::{Feed, check_path};
use crate::config::document::Reporter;
use crate::config::feed::{ControlFile, FramePlace, FrameRecord, PathTemplate};
use crate::config::raw::{RawFormatType, RawFrameRecord, RawType};
use crate::config::yaml::Node;

/// A header or trailer record, under its key.
pub fn check_record(
    feed: &Feed<'_>,
    key: &str,
    raw: Option<&RawFrameRecord>,
    report: &mut Reporter<'_>,
) -> Option<FrameRecord> {
    let raw = raw?;
    let node = feed.node.get(key);
    if matches!(
        feed.raw.format.kind,
        RawFormatType::Jsonl | RawFormatType::Parquet
    ) {
        let kind = feed
            .node
            .get("format")
            .get("type")
            .text()
            .unwrap_or_default();
        report.at_key(
            feed.node,
            key,
            format!("`{key}` is for csv and fixed layouts, but the format is {kind}"),
        );
    }
    let business_date = raw.business_date.as_ref().and_then(|date| {
        let place = node.get("business_date");
        if let Err(message) = date_format::check_date(&date.format) {
            report.at_hint(
                place.get("format"),
                message,
                "write it with % signs, such as \"%Y%m%d\"",
            );
        }
        let found = check_place(feed, date.at, date.field, (node, "business_date"), report);
        found.map(|found| (found, date.format.clone()))
    });
    let rows = raw
        .rows
        .as_ref()
        .and_then(|rows| check_place(feed, rows.at, rows.field, (node, "rows"), report));
    let sums_node = node.get("sums");
    let sums = raw.sums.0.iter().filter_map(|(column, total)| {
        check_summed(feed, column, sums_node, report);
        let place = check_place(feed, total.at, total.field, (sums_node, column), report)?;
        Some((
            column.clone(),
            (place, total.scale.unwrap_or(feed.money_scale)),
        ))
    });
    Some(FrameRecord {
        starts_with: raw.starts_with.clone(),
        sums: sums.collect(),
        business_date,
        rows,
    })
}

fn check_place(
    feed: &Feed<'_>,
    at: Option<[u32; 2]>,
    field: Option<u32>,
    (parent, key): (&Node, &str),
    report: &mut Reporter<'_>,
) -> Option<FramePlace> {
    let node = parent.get(key);
    match (at, field) {
        (Some([start, length]), None) => {
            if start == 0 || length == 0 {
                report.at_hint(
                    node.get("at"),
                    format!("`{key}` starts at {start} and is {length} long"),
                    "both count from 1",
                );
            }
            Some(FramePlace::At { start, length })
        }
        (None, Some(number)) => {
            if feed.raw.format.kind == RawFormatType::Fixed {
                report.at_key_hint(
                    node,
                    "field",
                    "a fixed-width record has no fields",
                    "write `at: [start, length]`, counted from 1",
                );
            }
            Some(FramePlace::Field(number))
        }
        (None, None) => {
            report.at_key_hint(
                parent,
                key,
                format!("`{key}` does not say where it stands"),
                "add `at: [start, length]` or `field: n`, counted from 1",
            );
            None
        }
        (Some(_), Some(_)) => {
            report.at_key_hint(
                node,
                "field",
                format!("`{key}` has both `at` and `field`"),
                "keep one of them",
            );
            None
        }
    }
}

pub fn check_control(feed: &Feed<'_>, report: &mut Reporter<'_>) -> Option<ControlFile> {
    let raw = feed.raw.control.as_ref()?;
    let node = feed.node.get("control");
    check_path(&raw.file, node.get("file"), report);
    let verifies_nothing = raw.rows.is_none()
        && raw.sums.0.is_empty()
        && raw.hash_totals.0.is_empty()
        && raw.business_date.is_none();
    if verifies_nothing {
        report.at_key_hint(
            feed.node,
            "control",
            "the control file verifies nothing",
            "add `rows`, `sums`, `hash_totals` or `business_date`",
        );
    }
    for (column, _) in &raw.sums.0 {
        check_summed(feed, column, node.get("sums"), report);
    }
    for (column, _) in &raw.hash_totals.0 {
        check_hashed(feed, column, node.get("hash_totals"), report);
    }
    Some(ControlFile {
        file: PathTemplate(raw.file.clone()),
        rows: raw.rows.clone(),
        sums: raw.sums.0.iter().cloned().collect(),
        hash_totals: raw.hash_totals.0.iter().cloned().collect(),
        business_date: raw.business_date.clone(),
    })
}

/// `sums` names its columns by key.
fn check_summed(feed: &Feed<'_>, column: &str, sums: &Node, report: &mut Reporter<'_>) {
    feed.money_column(column, &key_node(sums, column), report);
}

fn check_hashed(feed: &Feed<'_>, column: &str, totals: &Node, report: &mut Reporter<'_>) {
    let place = key_node(totals, column);
    if feed.column(column, &place, report).is_none() {
        return;
    }
    let raw = feed.raw.columns.0.iter().find(|(name, _)| name == column);
    if raw.is_some_and(|(_, raw)| !matches!(raw.kind, RawType::String | RawType::Integer)) {
        let kind = feed.node.get("columns").get(column).get("type").text();
        report.at(
            &place,
            format!(
                "`{column}` is of type {}, expected a string or integer of digits",
                kind.unwrap_or_default()
            ),
        );
    }
}

/// A key seen as a value, so that a column named by a key is marked like any other.
fn key_node(parent: &Node, key: &str) -> Node {
    Node {
        range: parent.key(key),
        content: parent.content.clone(),
    }
}
