//! Tests of models: tables, columns and parameters they name.

use std::collections::{BTreeMap, BTreeSet};

use super::{BankContext, KnownTables, bank, is_table_name, suggestion};
use crate::config::bank::Parameter;
use crate::config::document::{Document, Reporter};
use crate::config::model_test::{GivenTable, ModelTest, TestRow};
use crate::config::raw::{RawModelTest, RawModelTests, RawParameterType, RawRow};
use crate::config::yaml::Node;
use crate::diagnostic::Diagnostics;
use crate::domain::{BusinessDate, TableName};

pub fn check(
    raw: RawModelTests,
    known: &KnownTables<'_>,
    context: &BankContext<'_>,
    document: &Document,
    problems: &mut Diagnostics,
) -> Vec<ModelTest> {
    let mut report = Reporter { document, problems };
    let place = document.node.get("model");
    let Ok(model) = raw.model.parse::<TableName>() else {
        report.at_hint(
            place,
            format!("`{}` is no model", raw.model),
            "write schema.table, such as marts.account_pnl",
        );
        return Vec::new();
    };
    let is_model = known.model(&model).is_some();
    if !is_model && known.is_complete {
        let hint = known.near(&model);
        let message = format!("there is no model `{model}`");
        let problem = document.source.error(place.range.clone(), message);
        report.problems.push(problem.hint_if(hint));
    }
    let mut names = BTreeSet::new();
    let list = document.node.get("tests");
    let mut tests = Vec::new();
    for (index, test) in raw.tests.into_iter().enumerate() {
        let node = list.item(index);
        if !names.insert(test.name.clone()) {
            report.at(
                node.get("name"),
                format!("there are two tests `{}`", test.name),
            );
        }
        tests.push(check_test(test, &model, node, known, context, &mut report));
    }
    tests
}

fn check_test(
    raw: RawModelTest,
    model: &TableName,
    node: &Node,
    known: &KnownTables<'_>,
    context: &BankContext<'_>,
    report: &mut Reporter<'_>,
) -> ModelTest {
    let (business_date, parameters) =
        check_parameters(&raw, node.get("parameters"), context, report);
    let given_node = node.get("given");
    let mut given = Vec::new();
    for (name, rows) in &raw.given.0 {
        let in_base = name.starts_with("base.");
        let bare = name.strip_prefix("base.").unwrap_or(name);
        let Some(table) = is_table_name(bare).then(|| bare.parse().ok()).flatten() else {
            report.at_key_hint(
                given_node,
                name,
                format!("`{name}` is no table"),
                "write schema.table, or base.schema.table for the last release",
            );
            continue;
        };
        check_rows(rows, &table, given_node.get(name), known, report);
        if !known.tables.contains_key(&table) && is_declared(&table) && known.is_complete {
            let problem = report
                .document
                .source
                .error(given_node.key(name), format!("there is no table `{table}`"));
            report.problems.push(problem.hint_if(known.near(&table)));
        }
        given.push(GivenTable {
            table,
            in_base,
            rows: rows.iter().map(test_row).collect(),
        });
    }
    check_rows(&raw.expect, model, node.get("expect"), known, report);
    let through = check_through(&raw.through, node.get("through"), known, report);
    ModelTest {
        name: raw.name,
        file: report.document.source.path().to_owned(),
        model: model.clone(),
        business_date,
        parameters,
        given,
        through,
        expect: raw.expect.iter().map(test_row).collect(),
    }
}

fn check_through(
    names: &[String],
    node: &Node,
    known: &KnownTables<'_>,
    report: &mut Reporter<'_>,
) -> Vec<TableName> {
    let mut through = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let model = name.parse::<TableName>().ok();
        let model = model.filter(|model| known.model(model).is_some() || !known.is_complete);
        match model {
            Some(model) => through.push(model),
            None => {
                report.at(node.item(index), format!("there is no model `{name}`"));
            }
        }
    }
    through
}

/// Stages write some `core` and `campaigns` tables themselves; the others are all declared.
fn is_declared(table: &TableName) -> bool {
    ["staging", "reference", "marts"].contains(&table.schema())
}

fn test_row(raw: &RawRow) -> TestRow {
    let cells = raw.0.iter();
    cells
        .map(|(column, cell)| (column.clone(), cell.0.0.clone()))
        .collect()
}

fn check_rows(
    rows: &[RawRow],
    table: &TableName,
    node: &Node,
    known: &KnownTables<'_>,
    report: &mut Reporter<'_>,
) {
    let Some(columns) = known.tables.get(table) else {
        return;
    };
    for (index, row) in rows.iter().enumerate() {
        for (column, _) in &row.0 {
            if !columns.contains(column) {
                let hint = suggestion(column, columns.iter().map(String::as_str), "the table");
                let message = format!("`{table}` has no column `{column}`");
                let range = node.item(index).key(column);
                let problem = report.document.source.error(range, message);
                report.problems.push(problem.hint_if(hint));
            }
        }
    }
}

fn check_parameters(
    raw: &RawModelTest,
    node: &Node,
    context: &BankContext<'_>,
    report: &mut Reporter<'_>,
) -> (Option<BusinessDate>, BTreeMap<String, Parameter>) {
    let mut business_date = None;
    let mut parameters = BTreeMap::new();
    for (name, value) in &raw.parameters.0 {
        let kind = match (name.as_str(), context.bank.parameters.get(name)) {
            ("business_date", _) | (_, Some(Parameter::Date(_))) => RawParameterType::Date,
            ("month" | "joint_accounts", _) | (_, Some(Parameter::Text(_))) => {
                RawParameterType::Text
            }
            (_, Some(Parameter::Integer(_))) => RawParameterType::Integer,
            (_, Some(Parameter::Decimal(_))) => RawParameterType::Decimal,
            (_, None) => {
                if context.is_sound {
                    let known = context.bank.parameters.keys().map(String::as_str);
                    let hint = suggestion(name, known.chain(bank::RUN_PARAMETERS), "the bank");
                    let message = format!("there is no parameter `{name}`");
                    let problem = report.document.source.error(node.key(name), message);
                    report.problems.push(problem.hint_if(hint));
                }
                continue;
            }
        };
        match bank::read_parameter(kind, value.text()) {
            Ok(Parameter::Date(date)) if name == "business_date" => business_date = Some(date),
            Ok(parameter) => {
                parameters.insert(name.clone(), parameter);
            }
            Err(message) => {
                report.at(node.get(name), message);
            }
        }
    }
    (business_date, parameters)
}
