//! Checks of a model as queries, and their verdicts as gates.

use super::ModelError;
use crate::config::bank::Parameter;
use crate::config::model::{CheckKind, ModelCheck, ModelSpec, Severity};
use crate::domain::Money;
use crate::sql::{Bindings, Cell, QueryResult, Session, SqlError};
use crate::store::manifest::{GateResult, GateStatus};

/// Digits after the point to which two sides of a reconciliation are compared.
const COMPARED_SCALE: u32 = 10;

/// The model's own checks and the one every model has: its grain is unique.
#[must_use]
pub fn checks_of(model: &ModelSpec) -> Vec<ModelCheck> {
    let grain = ModelCheck {
        id: "grain_unique".to_owned(),
        severity: Severity::Stop,
        kind: CheckKind::Unique {
            columns: model.grain.clone(),
        },
    };
    let grain = (!model.grain.is_empty()).then_some(grain);
    grain
        .into_iter()
        .chain(model.checks.iter().cloned())
        .collect()
}

/// The queries of a check and the values bound in them. One query counts offending rows; a reconciliation has two.
#[must_use]
pub fn queries(
    model: &ModelSpec,
    check: &ModelCheck,
    bindings: &Bindings,
) -> (Vec<String>, Bindings) {
    let table = &model.table;
    let mut bindings = bindings.clone();
    let queries = match &check.kind {
        CheckKind::NotNull { column } => {
            vec![format!(
                "select count(*) from {table} where \"{column}\" is null"
            )]
        }
        CheckKind::Unique { columns } => {
            let columns: Vec<String> = columns
                .iter()
                .map(|column| format!("\"{column}\""))
                .collect();
            let columns = columns.join(", ");
            vec![format!(
                "select count(*) from (select {columns} from {table} group by {columns} having count(*) > 1) as repeated"
            )]
        }
        CheckKind::References {
            column,
            table: to,
            to_column,
        } => vec![format!(
            "select count(*) from {table} as child left anti join {to} as parent \
             on child.\"{column}\" = parent.\"{to_column}\" where child.\"{column}\" is not null"
        )],
        CheckKind::AcceptedValues { column, values } => {
            let mut names = Vec::with_capacity(values.len());
            for (number, value) in values.iter().enumerate() {
                bindings = bindings.with(
                    &format!("accepted_{number}"),
                    Parameter::Text(value.clone()),
                );
                names.push(format!("$accepted_{number}"));
            }
            let names = names.join(", ");
            vec![format!(
                "select count(*) from {table} where \"{column}\" is not null and cast(\"{column}\" as varchar) not in ({names})"
            )]
        }
        CheckKind::Expression { must } => {
            vec![format!(
                "select count(*) from {table} where ({must}) is not true"
            )]
        }
        CheckKind::Reconcile { left, right, .. } => vec![left.clone(), right.clone()],
        CheckKind::NotApplicable { .. } => Vec::new(),
    };
    (queries, bindings)
}

/// Runs one check on the tables of the session.
pub fn run_check(
    session: &Session,
    model: &ModelSpec,
    check: &ModelCheck,
    bindings: &Bindings,
) -> Result<GateResult, ModelError> {
    let id = format!("{}.{}", model.table, check.id);
    let verdict = judge(session, model, check, bindings).map_err(|source| ModelError::Check {
        gate: id.clone(),
        source,
    })?;
    let (status, detail) = match verdict {
        Verdict::Holds(detail) => (GateStatus::Passed, detail),
        Verdict::NotApplicable(reason) => (GateStatus::NotApplicable, reason),
        Verdict::Broken(detail) => match check.severity {
            Severity::Stop => (GateStatus::Failed, detail),
            Severity::Warn => (GateStatus::Warned, detail),
        },
    };
    Ok(GateResult { id, status, detail })
}

enum Verdict {
    Holds(String),
    Broken(String),
    NotApplicable(String),
}

fn judge(
    session: &Session,
    model: &ModelSpec,
    check: &ModelCheck,
    bindings: &Bindings,
) -> Result<Verdict, SqlError> {
    let (queries, bindings) = queries(model, check, bindings);
    match (&check.kind, queries.as_slice()) {
        (CheckKind::NotApplicable { reason }, _) => Ok(Verdict::NotApplicable(reason.clone())),
        (CheckKind::Reconcile { tolerance, .. }, [left, right]) => {
            let left = session.query(left, &bindings)?;
            let right = session.query(right, &bindings)?;
            compare(&left, &right, tolerance)
        }
        (kind, queries) => {
            let mut offending = 0;
            for query in queries {
                offending += session.query_count(query, &bindings)?.unwrap_or(0);
            }
            let what = describe(kind);
            Ok(if offending == 0 {
                Verdict::Holds(what)
            } else {
                Verdict::Broken(format!("{offending} rows do not hold: {what}"))
            })
        }
    }
}

fn describe(kind: &CheckKind) -> String {
    match kind {
        CheckKind::NotNull { column } => format!("{column} is not null"),
        CheckKind::Unique { columns } => format!("{} is unique", columns.join(", ")),
        CheckKind::References {
            column,
            table,
            to_column,
        } => format!("{column} stands in {table}.{to_column}"),
        CheckKind::AcceptedValues { column, values } => {
            format!("{column} is one of {}", values.join(", "))
        }
        CheckKind::Expression { must } => must.clone(),
        CheckKind::Reconcile { .. } => "both sides agree".to_owned(),
        CheckKind::NotApplicable { reason } => reason.clone(),
    }
}

/// Compares two results row by row: texts must be equal, numbers within the tolerance.
fn compare(left: &QueryResult, right: &QueryResult, tolerance: &str) -> Result<Verdict, SqlError> {
    let (left_rows, right_rows) = (left.rows()?, right.rows()?);
    if left_rows.len() != right_rows.len() {
        return Ok(Verdict::Broken(format!(
            "the left side has {} rows, the right side {}",
            left_rows.len(),
            right_rows.len()
        )));
    }
    let tolerance = Money::parse_decimal(tolerance, COMPARED_SCALE).unwrap_or(Money::ZERO);
    let mut compared = Vec::new();
    for (number, (one, other)) in left_rows.iter().zip(&right_rows).enumerate() {
        for ((a, b), column) in one.iter().zip(other).zip(&left.columns) {
            if !agree(a, b, tolerance) {
                return Ok(Verdict::Broken(format!(
                    "row {}, {}: left {}, right {}",
                    number + 1,
                    column.name,
                    shown(a),
                    shown(b)
                )));
            }
            if left_rows.len() == 1 {
                compared.push(format!("{} {}", column.name, shown(a)));
            }
        }
    }
    Ok(Verdict::Holds(if compared.is_empty() {
        format!("{} rows agree", left_rows.len())
    } else {
        compared.join(", ")
    }))
}

fn agree(left: &Cell, right: &Cell, tolerance: Money) -> bool {
    let number = |cell: &Cell| Money::parse_decimal(&cell.to_text(), COMPARED_SCALE);
    match (number(left), number(right)) {
        (Some(one), Some(other)) => (one - other).0.abs() <= tolerance.0,
        _ => left == right,
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        other => other.to_text(),
    }
}
