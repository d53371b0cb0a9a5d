//! Models: grain, columns and checks against the columns the YAML declares.

use std::collections::BTreeSet;

use super::{KnownTables, column, suggestion};
use crate::config::document::{Document, Reporter};
use crate::config::model::{
    CheckKind, Materialisation, ModelCheck, ModelColumn, ModelSpec, Severity,
};
use crate::config::raw::{RawCheck, RawMaterialisation, RawModel, RawModelColumn, RawSeverity};
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostics, SourceText};
use crate::domain::{Money, TableName};

pub fn check(
    raw: RawModel,
    table: TableName,
    sql: &SourceText,
    document: &Document,
    problems: &mut Diagnostics,
) -> ModelSpec {
    let node = &document.node;
    let mut report = Reporter { document, problems };
    if sql.text().trim().is_empty() {
        report.problems.push(
            sql.error_in_file("the model's SQL file is empty")
                .hint("write one query, such as select ... from staging.deposits_accounts"),
        );
    }
    let columns_node = node.get("columns");
    for (index, name) in raw.grain.iter().enumerate() {
        let place = node.get("grain").item(index);
        if columns_node.find(name).is_none() {
            let names = raw.columns.0.iter().map(|(name, _)| name.as_str());
            let hint = suggestion(name, names, "the model");
            let message = format!("the grain names `{name}`, which is no column of `{table}`");
            let problem = document.source.error(place.range.clone(), message);
            report.problems.push(problem.hint_if(hint));
        }
        if raw.grain[..index].contains(name) {
            report.at(place, format!("the grain lists `{name}` twice"));
        }
    }
    if raw.by_month
        && (raw.materialised != RawMaterialisation::View || columns_node.find("month").is_none())
    {
        report.at(
            node.get("by_month"),
            format!("`{table}` is no view with a column `month`"),
        );
    }
    let months_from = months_from(&raw, &table, node.get("months_from"), &mut report);
    let keys_from = keys_from(&raw, &table, node.get("keys_from"), &mut report);
    if raw.materialised == RawMaterialisation::Month && columns_node.find("month").is_none() {
        report.at_hint(
            node.get("materialised"),
            format!("`{table}` is materialised by month but has no column `month`"),
            "add a column `month` (YYYY-MM) to the query and here",
        );
    }
    let mut checks = Vec::new();
    for (name, raw_column) in &raw.columns.0 {
        column_checks(
            name,
            raw_column,
            columns_node.get(name),
            &mut checks,
            &mut report,
        );
    }
    own_checks(&raw.checks, node.get("checks"), &mut checks, &mut report);
    ModelSpec {
        sql_path: sql.path().to_owned(),
        yml_path: document.source.path().to_owned(),
        sql: sql.text().to_owned(),
        description: raw.description,
        grain: raw.grain,
        materialisation: match raw.materialised {
            RawMaterialisation::View => Materialisation::View,
            RawMaterialisation::Full => Materialisation::Full,
            RawMaterialisation::Month => Materialisation::Month,
            RawMaterialisation::Append => Materialisation::Append,
        },
        by_month: raw.by_month,
        months_from,
        keys_from,
        columns: raw
            .columns
            .0
            .into_iter()
            .map(|(name, raw)| ModelColumn {
                name,
                description: raw.description,
                data_type: raw.data_type,
                classification: column::classification(raw.classification),
                known_after_contact: raw.known_after_contact,
            })
            .collect(),
        checks,
        table,
    }
}

fn months_from(
    raw: &RawModel,
    table: &TableName,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Option<TableName> {
    let months = raw.months_from.as_ref()?;
    if raw.materialised != RawMaterialisation::Month {
        report.at_hint(
            node,
            format!("`{table}` is not materialised by month"),
            "leave `months_from` out, or write `materialised: month`",
        );
        return None;
    }
    let hint = "name a table that the query reads, such as core.month_to_build";
    named_table(months, hint, node, report)
}

fn keys_from(
    raw: &RawModel,
    table: &TableName,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Option<TableName> {
    let keys = raw.keys_from.as_ref()?;
    if raw.materialised == RawMaterialisation::View {
        report.at_hint(
            node,
            format!("`{table}` is a view"),
            "leave `keys_from` out: what is not stored is not made in parts",
        );
        return None;
    }
    let by_month = raw.materialised == RawMaterialisation::Month;
    if by_month && raw.months_from.is_none() {
        report.at_hint(
            node,
            format!("`{table}` is not made a few months at a time"),
            "leave `keys_from` out, or write `months_from` too",
        );
        return None;
    }
    if by_month && raw.grain.iter().all(|column| column == "month") {
        report.at_hint(
            node,
            format!("the grain of `{table}` has no key beside the month"),
            "leave `keys_from` out",
        );
        return None;
    }
    let hint = "name a table that has these keys, such as core.account";
    named_table(keys, hint, node, report)
}

fn named_table(
    name: &str,
    hint: &str,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Option<TableName> {
    let table = name.parse().ok();
    if table.is_none() {
        report.at_hint(node, format!("`{name}` is no table"), hint);
    }
    table
}

/// Checks that a column declares by itself; their ids are made from the column's name.
fn column_checks(
    name: &str,
    raw: &RawModelColumn,
    node: &Node,
    checks: &mut Vec<ModelCheck>,
    report: &mut Reporter<'_>,
) {
    let mut add = |suffix: &str, kind: CheckKind| {
        checks.push(ModelCheck {
            id: format!("{name}_{suffix}"),
            severity: Severity::Stop,
            kind,
        });
    };
    let column = name.to_owned();
    if raw.not_null {
        add(
            "not_null",
            CheckKind::NotNull {
                column: column.clone(),
            },
        );
    }
    if raw.unique {
        add(
            "unique",
            CheckKind::Unique {
                columns: vec![column.clone()],
            },
        );
    }
    if let Some(values) = &raw.accepted_values {
        let values: Vec<String> = values.iter().map(|value| value.text().to_owned()).collect();
        for (index, value) in values.iter().enumerate() {
            if values[..index].contains(value) {
                let place = node.get("accepted_values").item(index);
                report.at(place, format!("`{value}` is listed twice"));
            }
        }
        add(
            "accepted_values",
            CheckKind::AcceptedValues {
                column: column.clone(),
                values,
            },
        );
    }
    if let Some(target) = &raw.references {
        let found = target.rsplit_once('.').and_then(|(table, to_column)| {
            Some((table.parse::<TableName>().ok()?, to_column.to_owned()))
        });
        match found {
            Some((table, to_column)) if !to_column.is_empty() => {
                add(
                    "references",
                    CheckKind::References {
                        column,
                        table,
                        to_column,
                    },
                );
            }
            _ => {
                report.at_hint(
                    node.get("references"),
                    format!("`{target}` names no column of a table"),
                    "write schema.table.column, such as core.product.product_code",
                );
            }
        }
    }
}

fn own_checks(
    raw: &[RawCheck],
    list: &Node,
    checks: &mut Vec<ModelCheck>,
    report: &mut Reporter<'_>,
) {
    let mut seen: BTreeSet<String> = checks.iter().map(|check| check.id.clone()).collect();
    for (index, check) in raw.iter().enumerate() {
        let node = list.item(index);
        if !seen.insert(check.id.clone()) {
            report.at(
                node.get("id"),
                format!("the model has two checks `{}`", check.id),
            );
        }
        let kind = match (&check.must, &check.reconcile, &check.not_applicable) {
            (None, None, Some(reason)) => CheckKind::NotApplicable {
                reason: reason.clone(),
            },
            (Some(must), None, None) => CheckKind::Expression { must: must.clone() },
            (None, Some(reconcile), None) => {
                let tolerance = reconcile.tolerance.as_ref().map_or("0", |text| text.text());
                if Money::parse_decimal(tolerance, 18).is_none_or(|amount| amount < Money::ZERO) {
                    report.at_hint(
                        node.get("reconcile").get("tolerance"),
                        format!("`{tolerance}` is no tolerance"),
                        "write zero or a positive number such as 0.01",
                    );
                }
                let is_read = |table: &String| {
                    reconcile.left.contains(table.as_str())
                        || reconcile.right.contains(table.as_str())
                };
                if let Some(table) = reconcile.needs_rows.as_ref().filter(|it| !is_read(it)) {
                    report.at_hint(
                        node.get("reconcile").get("needs_rows"),
                        format!("neither query reads `{table}`"),
                        "name a table as the queries do, such as base.core.account",
                    );
                }
                CheckKind::Reconcile {
                    left: reconcile.left.clone(),
                    right: reconcile.right.clone(),
                    tolerance: tolerance.to_owned(),
                    needs_rows: reconcile.needs_rows.clone(),
                }
            }
            (None, None, None) => {
                let message = format!("the check `{}` checks nothing", check.id);
                report.at_hint(
                    node.get("id"),
                    message,
                    "give it one of `must: <condition>`, `reconcile: {left, right, tolerance}` and `not_applicable: <reason>`",
                );
                continue;
            }
            _ => {
                let message = format!("the check `{}` says more than one thing", check.id);
                report.at_hint(
                    node.get("id"),
                    message,
                    "give it one of `must: <condition>`, `reconcile: {left, right, tolerance}` and `not_applicable: <reason>`",
                );
                continue;
            }
        };
        checks.push(ModelCheck {
            id: check.id.clone(),
            severity: match check.severity {
                RawSeverity::Stop => Severity::Stop,
                RawSeverity::Warn => Severity::Warn,
            },
            kind,
        });
    }
}

/// Targets of `references`, once every table is known. Tables that stages write themselves are
/// not declared here; the planning of the check finds out about those.
pub fn check_references(
    spec: &ModelSpec,
    document: &Document,
    known: &KnownTables<'_>,
    problems: &mut Diagnostics,
) {
    for check in &spec.checks {
        let CheckKind::References {
            column,
            table,
            to_column,
        } = &check.kind
        else {
            continue;
        };
        let place = document.node.get("columns").get(column).get("references");
        let Some(message_and_hint) = missing_target(table, to_column, known) else {
            continue;
        };
        let (message, hint) = message_and_hint;
        problems.push(
            document
                .source
                .error(place.range.clone(), message)
                .hint_if(hint),
        );
    }
}

fn missing_target(
    table: &TableName,
    to_column: &str,
    known: &KnownTables<'_>,
) -> Option<(String, Option<String>)> {
    match known.tables.get(table) {
        Some(columns) if columns.contains(to_column) => None,
        Some(columns) => Some((
            format!("`{table}` has no column `{to_column}`"),
            suggestion(to_column, columns.iter().map(String::as_str), "the table"),
        )),
        None => {
            let declared = ["staging", "reference", "marts"].contains(&table.schema());
            if !declared || !known.is_complete {
                return None;
            }
            Some((format!("there is no table `{table}`"), known.near(table)))
        }
    }
}

impl<'a> KnownTables<'a> {
    pub fn model(&self, table: &TableName) -> Option<&'a ModelSpec> {
        let found = self.models.binary_search_by(|model| model.table.cmp(table));
        found.ok().map(|position| &self.models[position])
    }

    /// A hint with the table that was probably meant.
    pub fn near(&self, table: &TableName) -> Option<String> {
        let names: Vec<String> = self.tables.keys().map(ToString::to_string).collect();
        crate::diagnostic::closest(&table.to_string(), names.iter().map(String::as_str))
            .map(|near| format!("did you mean `{near}`?"))
    }
}
