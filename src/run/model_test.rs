//! `test`: runs a model's SQL on given rows and compares what it produces with what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::tables::bindings;
use super::types::declared_type;
use super::{CheckedProject, RunError};
use crate::config::model::{Materialisation, ModelSpec};
use crate::config::model_test::{ModelTest, TestRow};
use crate::domain::{BusinessDate, Money, Parameter, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::{Bindings, Cell, Session, SessionOptions, SqlError};
use crate::store::manifest::ColumnEntry;

/// Digits after the point to which numbers are compared.
const COMPARED_SCALE: u32 = 10;

/// How one test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestVerdict {
    Passed,
    /// What differs, row by row.
    Failed(Vec<String>),
}

/// Runs one test in a session of its own.
pub fn run_test(checked: &CheckedProject, test: &ModelTest) -> Result<TestVerdict, RunError> {
    let options = SessionOptions {
        threads: NonZeroUsize::MIN,
        parts: NonZeroUsize::MIN,
        memory: None,
        spill_folder: None,
    };
    let unknown = unknown_names(checked, test);
    if !unknown.is_empty() {
        return Ok(TestVerdict::Failed(unknown));
    }
    let session = Session::try_new(&options)?;
    let date = test
        .business_date
        .unwrap_or_else(|| BusinessDate::new(chrono::NaiveDate::default()));
    let mut bindings = bindings(checked.project, date);
    for (name, value) in &test.parameters {
        bindings = bindings.with(name, value.clone());
    }
    let bindings = Arc::new(bindings);
    let models: BTreeMap<&TableName, &ModelSpec> = checked
        .project
        .models
        .iter()
        .map(|model| (&model.table, model))
        .collect();
    for (name, columns) in &checked.columns {
        for catalogue in [Catalogue::Tonight, Catalogue::Base] {
            let given = test.given.iter().find(|given| {
                given.table == *name && given.in_base == (catalogue == Catalogue::Base)
            });
            let rows = given.map_or(&[][..], |given| given.rows.as_slice());
            let is_computed = models.get(name).is_some_and(|model| computes(test, model));
            // A view that is not given stands on the given tables like in a night, and so does what the test names.
            if catalogue == Catalogue::Tonight && is_computed && given.is_none() {
                continue;
            }
            add_rows(&session, catalogue, name, columns, rows)?;
        }
    }
    for position in &checked.graph.order {
        let model = &checked.project.models[*position];
        let given = test
            .given
            .iter()
            .any(|given| given.table == model.table && !given.in_base);
        if computes(test, model) && !given {
            session.announce_view(Catalogue::Tonight, &model.table, &model.sql, &bindings);
        }
    }
    let Some(model) = models.get(&test.model) else {
        return Ok(TestVerdict::Failed(vec![format!(
            "there is no model {}",
            test.model
        )]));
    };
    let result = session.query(&model.sql, &bindings)?;
    let mut actual = Vec::with_capacity(result.n_rows());
    for row in result.rows()? {
        let named = result
            .columns
            .iter()
            .map(|column| column.name.clone())
            .zip(row);
        actual.push(named.collect::<BTreeMap<_, _>>());
    }
    Ok(compare(&test.expect, actual))
}

/// Given tables and columns that no night makes: their rows would be given to nobody.
fn unknown_names(checked: &CheckedProject, test: &ModelTest) -> Vec<String> {
    let mut unknown = BTreeSet::new();
    for given in &test.given {
        let table = &given.table;
        let Some(columns) = checked.columns.get(table) else {
            unknown.insert(format!("there is no table `{table}` to give rows of"));
            continue;
        };
        for (name, _) in given.rows.iter().flatten() {
            if columns.iter().all(|column| column.name != *name) {
                unknown.insert(format!("the given table `{table}` has no column `{name}`"));
            }
        }
    }
    unknown.into_iter().collect()
}

fn computes(test: &ModelTest, model: &ModelSpec) -> bool {
    model.materialisation == Materialisation::View || test.through.contains(&model.table)
}

/// Registers given rows as a table; columns left out are null.
fn add_rows(
    session: &Session,
    catalogue: Catalogue,
    name: &TableName,
    columns: &[ColumnEntry],
    rows: &[TestRow],
) -> Result<(), RunError> {
    let mut bindings = Bindings::default();
    let mut selects = Vec::with_capacity(rows.len());
    for (row_number, row) in rows.iter().enumerate() {
        let mut values = Vec::with_capacity(columns.len());
        for (number, column) in columns.iter().enumerate() {
            let given = row
                .iter()
                .find(|(given, _)| *given == column.name)
                .and_then(|(_, value)| value.as_ref());
            let sql_type = sql_type(&column.data_type);
            values.push(match given {
                Some(value) => {
                    let parameter = format!("given_{row_number}_{number}");
                    bindings = bindings.with(&parameter, Parameter::Text(value.clone()));
                    format!("cast(${parameter} as {sql_type}) as \"{}\"", column.name)
                }
                None => format!("cast(null as {sql_type}) as \"{}\"", column.name),
            });
        }
        selects.push(format!("select {}", values.join(", ")));
    }
    for (given, _) in rows.iter().flatten() {
        if !columns.iter().any(|column| column.name == *given) {
            return Err(RunError::Sql(SqlError::Query {
                message: format!("the test gives `{given}`, which {name} does not have"),
                position: None,
                hint: None,
            }));
        }
    }
    if selects.is_empty() {
        let source = crate::sql::TableSource::declared(columns.to_vec());
        session.add_table(catalogue, name, source);
    } else {
        session.add_rows(
            catalogue,
            name,
            columns,
            &selects.join(" union all "),
            &bindings,
        )?;
    }
    Ok(())
}

fn sql_type(stored: &str) -> String {
    match declared_type(stored).as_str() {
        "text" => "varchar".to_owned(),
        other => other.to_owned(),
    }
}

/// Rows may come in any order; each expected row takes the first actual row that fits it.
fn compare(expected: &[TestRow], mut actual: Vec<BTreeMap<String, Cell>>) -> TestVerdict {
    let mut problems = Vec::new();
    for row in expected {
        if let Some(position) = actual.iter().position(|candidate| fits(row, candidate)) {
            actual.remove(position);
        } else {
            let nearest = actual
                .iter()
                .max_by_key(|candidate| agreeing(row, candidate));
            let found = shown_like(row, nearest);
            problems.push(format!("expected {}\n     found {found}", shown(row)));
        }
    }
    if problems.is_empty() && !actual.is_empty() {
        let template = expected.first();
        problems.extend(actual.iter().map(|row| match template {
            Some(template) => format!("not expected: {}", shown_like(template, Some(row))),
            None => format!("not expected: a row of {} columns", row.len()),
        }));
    }
    if problems.is_empty() {
        TestVerdict::Passed
    } else {
        TestVerdict::Failed(problems)
    }
}

fn agreeing(row: &TestRow, candidate: &BTreeMap<String, Cell>) -> usize {
    row.iter()
        .filter(|(name, value)| agrees(value.as_deref(), candidate.get(name)))
        .count()
}

fn fits(row: &TestRow, candidate: &BTreeMap<String, Cell>) -> bool {
    agreeing(row, candidate) == row.len()
}

fn agrees(expected: Option<&str>, actual: Option<&Cell>) -> bool {
    match (expected, actual) {
        (None, Some(Cell::Null)) => true,
        (Some(text), Some(cell)) if *cell != Cell::Null => {
            let found = cell.to_text();
            let number = |text: &str| Money::parse_decimal(text, COMPARED_SCALE);
            match (number(text), number(&found)) {
                (Some(one), Some(other)) => one == other,
                _ => *text == found,
            }
        }
        _ => false,
    }
}

fn shown(row: &TestRow) -> String {
    let cells = row
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.as_deref().unwrap_or("null")));
    format!("{{{}}}", cells.collect::<Vec<_>>().join(", "))
}

fn shown_like(row: &TestRow, found: Option<&BTreeMap<String, Cell>>) -> String {
    let Some(found) = found else {
        return "no further row".to_owned();
    };
    let cells = row.iter().map(|(name, _)| match found.get(name) {
        None => format!("{name}: no such column"),
        Some(Cell::Null) => format!("{name}: null"),
        Some(cell) => format!("{name}: {}", cell.to_text()),
    });
    format!("{{{}}}", cells.collect::<Vec<_>>().join(", "))
}
