//! Reference tables: columns as in a feed, and a CSV file that agrees with them.

use super::{BankContext, column, suggestion};
use crate::config::document::{Document, Reporter};
use crate::config::feed::ColumnSpec;
use crate::config::raw::{RawFormatType, RawReference};
use crate::config::reference::ReferenceSpec;
use crate::diagnostic::{Diagnostics, SourceText};
use crate::domain::TableName;

pub fn check(
    raw: RawReference,
    stem: &str,
    context: &BankContext<'_>,
    document: &Document,
    csv: &SourceText,
    problems: &mut Diagnostics,
) -> Option<ReferenceSpec> {
    let mut report = Reporter { document, problems };
    let Ok(table) = TableName::try_new("reference", stem) else {
        report.problems.push(
            document
                .source
                .error_in_file(format!("`{stem}` cannot name a table"))
                .hint("use lower-case letters, digits and _"),
        );
        return None;
    };
    let node = document.node.get("columns");
    let columns: Vec<ColumnSpec> = raw
        .columns
        .0
        .iter()
        .map(|(name, raw)| {
            for key in ["at", "protect"] {
                if node.get(name).find(key).is_some() {
                    report.at_key(
                        node.get(name),
                        key,
                        format!("`{key}` is for feeds; a reference table is a plain CSV file"),
                    );
                }
            }
            column::check(name, raw, node, RawFormatType::Csv, context, &mut report)
        })
        .collect();
    check_csv(&columns, csv, &mut report);
    Some(ReferenceSpec {
        name: stem.to_owned(),
        table,
        description: raw.description,
        columns,
        csv_path: csv.path().to_owned(),
    })
}

fn check_csv(columns: &[ColumnSpec], csv: &SourceText, report: &mut Reporter<'_>) {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(csv.text().as_bytes());
    let Ok(header) = reader.headers().cloned() else {
        report
            .problems
            .push(csv.error_in_file("the header cannot be read"));
        return;
    };
    if header.iter().all(str::is_empty) {
        report
            .problems
            .push(csv.error_in_file("the file is empty; expected a header that names its columns"));
        return;
    }
    let first_line = csv.text().lines().next().unwrap_or_default();
    let place = |name: &str| {
        let start = if name.is_empty() {
            0
        } else {
            first_line.find(name).unwrap_or(0)
        };
        start..start + name.len()
    };
    for (index, name) in header.iter().enumerate() {
        let twice = header.iter().take(index).any(|earlier| earlier == name);
        let message = if twice {
            format!("the header names `{name}` twice")
        } else if columns.iter().all(|column| column.from != name) {
            format!(
                "the header names `{name}`, which {} does not describe",
                report.document.source.path().display()
            )
        } else {
            continue;
        };
        let names = columns.iter().map(|column| column.from.as_str());
        let hint = suggestion(name, names, "it");
        report.problems.push(
            csv.error(place(name), message)
                .hint_if(hint.filter(|_| !twice)),
        );
    }
    let node = report.document.node.get("columns");
    for column in columns {
        if header.iter().all(|name| name != column.from) {
            let hint = suggestion(&column.from, header.iter(), "the file");
            let message = format!("{} has no column `{}`", csv.path().display(), column.from);
            let key = node.key(&column.name);
            report
                .problems
                .push(report.document.source.error(key, message).hint_if(hint));
        }
    }
    check_rows(reader, header.len(), csv, report);
}

fn check_rows(
    mut reader: csv::Reader<&[u8]>,
    width: usize,
    csv: &SourceText,
    report: &mut Reporter<'_>,
) {
    for record in reader.records() {
        // The text is UTF-8 and any width is accepted, so that nothing else can go wrong.
        let Ok(record) = record else { continue };
        if record.len() != width {
            let start = record
                .position()
                .and_then(|position| usize::try_from(position.byte()).ok())
                .unwrap_or_default();
            // The reader counts from behind the record before, line break included.
            let text = csv.text();
            let breaks = text[start..].len() - text[start..].trim_start_matches(['\n', '\r']).len();
            let start = start + breaks;
            let length = text[start..]
                .find(['\n', '\r'])
                .unwrap_or(text.len() - start);
            let message = format!("the row has {} fields, the header {width}", record.len());
            report
                .problems
                .push(csv.error(start..start + length, message));
        }
    }
}
