//! Checks of a model as queries, and their verdicts as gates.

use std::collections::BTreeSet;

use super::ModelError;
use crate::config::bank::Parameter;
use crate::config::model::{CheckKind, ModelCheck, ModelSpec, Severity};
use crate::domain::{Money, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::keys::Keys;
use crate::sql::{Bindings, Cell, QueryResult, Session, SqlError};
use crate::store::manifest::{GateResult, GateStatus};

/// Digits after the point to which two sides of a reconciliation are compared.
const COMPARED_SCALE: u32 = 10;
/// Differences of a reconciliation that a gate names one by one.
const SHOWN_DIFFERENCES: usize = 20;

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

/// Which rows of its table a model's checks look at. Months that are named are all that those rows have; where few rows
/// make it needless, none are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckScope {
    Whole(BTreeSet<String>),
    /// The months written tonight; the others have been checked on their nights.
    Months(BTreeSet<String>),
    /// The rows appended tonight; their keys must also stand in no earlier file.
    Night,
    /// The rows of these months of a view.
    Only(BTreeSet<String>),
}

impl CheckScope {
    fn rows(&self, table: &TableName) -> String {
        match self {
            Self::Whole(_) => table.to_string(),
            // Months are named by the partitions that salenet wrote: digits and a dash.
            Self::Only(months) => {
                let months: Vec<String> = months.iter().map(|month| format!("'{month}'")).collect();
                match months.as_slice() {
                    [] => format!("(select * from {table} where false)"),
                    months => format!(
                        "(select * from {table} where month in ({}))",
                        months.join(", ")
                    ),
                }
            }
            Self::Months(_) | Self::Night => format!("{}.{table}", Catalogue::Produced.name()),
        }
    }

    /// What says whether keys repeat.
    fn repeated_keys(&self, table: &TableName, columns: &[String]) -> CheckQuery {
        let quoted: Vec<String> = columns
            .iter()
            .map(|column| format!("\"{column}\""))
            .collect();
        let within = |rows: String| Keys {
            rows,
            columns: quoted.join(", "),
        };
        let names_month = columns.iter().any(|column| column == "month");
        let (parts, earlier) = match self {
            // Keys that name their month repeat only within it, and a month at a time needs least memory. What months
            // tonight's rows do not have were checked by themselves.
            Self::Whole(months) | Self::Months(months) | Self::Only(months)
                if names_month && !months.is_empty() =>
            {
                let rows = match self {
                    Self::Months(_) => self.rows(table),
                    _ => table.to_string(),
                };
                let of_month = |month: &String| {
                    within(format!("(select * from {rows} where month = '{month}')"))
                };
                (months.iter().map(of_month).collect(), None)
            }
            Self::Months(_) | Self::Only(_) if names_month => {
                (vec![within(self.rows(table))], None)
            }
            Self::Whole(_) | Self::Months(_) | Self::Only(_) => {
                (vec![within(table.to_string())], None)
            }
            Self::Night => {
                let pairs: Vec<String> = quoted
                    .iter()
                    .map(|column| format!("earlier.{column} = produced.{column}"))
                    .collect();
                let earlier = format!(
                    "select count(*) from {}.{table} as earlier left semi join {} as produced on {}",
                    Catalogue::Earlier.name(),
                    self.rows(table),
                    pairs.join(" and ")
                );
                (vec![within(self.rows(table))], Some(earlier))
            }
        };
        CheckQuery::Keys { parts, earlier }
    }
}

/// What a check runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckQuery {
    /// A condition that is true for an offending row; all of a model's are counted in one pass over its table.
    PerRow(String),
    /// A query that counts offending rows.
    Count(String),
    /// Keys that must not repeat within any part, and a query that counts those which stand in earlier rows.
    Keys {
        parts: Vec<Keys>,
        earlier: Option<String>,
    },
    /// Two queries that must agree.
    Both(String, String),
    /// Nothing to run.
    None,
}

/// The query of a check; values it compares with are added to `bindings`, under names that `number` makes unique.
#[must_use]
pub fn query_of(
    model: &ModelSpec,
    check: &ModelCheck,
    number: usize,
    bindings: &mut Bindings,
    scope: &CheckScope,
) -> CheckQuery {
    match &check.kind {
        CheckKind::NotNull { column } => CheckQuery::PerRow(format!("\"{column}\" is null")),
        CheckKind::Expression { must } => CheckQuery::PerRow(format!("({must}) is not true")),
        CheckKind::AcceptedValues { column, values } => {
            let mut names = Vec::with_capacity(values.len());
            for (position, value) in values.iter().enumerate() {
                let name = format!("accepted_{number}_{position}");
                bindings.insert(&name, Parameter::Text(value.clone()));
                names.push(format!("${name}"));
            }
            let names = names.join(", ");
            CheckQuery::PerRow(format!(
                "\"{column}\" is not null and cast(\"{column}\" as varchar) not in ({names})"
            ))
        }
        CheckKind::Unique { columns } => scope.repeated_keys(&model.table, columns),
        CheckKind::References {
            column,
            table: to,
            to_column,
        } => CheckQuery::Count(format!(
            "select count(*) from {} as child left anti join {to} as parent \
             on child.\"{column}\" = parent.\"{to_column}\" where child.\"{column}\" is not null",
            scope.rows(&model.table)
        )),
        CheckKind::Reconcile { left, right, .. } => CheckQuery::Both(left.clone(), right.clone()),
        CheckKind::NotApplicable { .. } => CheckQuery::None,
    }
}

/// One query that counts the offending rows of every condition, in their order; none without conditions.
#[must_use]
pub fn per_row_query(model: &ModelSpec, conditions: &[&str], scope: &CheckScope) -> Option<String> {
    let rows = scope.rows(&model.table);
    let counts: Vec<String> = conditions
        .iter()
        .map(|condition| format!("sum(case when {condition} then 1 else 0 end)"))
        .collect();
    (!counts.is_empty()).then(|| format!("select {} from {rows}", counts.join(", ")))
}

/// Runs a model's checks on the tables of the session; the verdicts stand in the order of the checks.
pub fn run_checks(
    session: &Session,
    model: &ModelSpec,
    checks: &[ModelCheck],
    bindings: &Bindings,
    scope: &CheckScope,
) -> Result<Vec<GateResult>, ModelError> {
    let gate = |check: &ModelCheck| format!("{}.{}", model.table, check.id);
    let mut bindings = bindings.clone();
    let queries: Vec<CheckQuery> = checks
        .iter()
        .enumerate()
        .map(|(number, check)| query_of(model, check, number, &mut bindings, scope))
        .collect();
    let mut offending = per_row_counts(session, model, &queries, &bindings, scope)
        .map_err(|source| ModelError::Check {
            gate: model.table.to_string(),
            source,
        })?
        .into_iter();
    let mut gates = Vec::with_capacity(checks.len());
    for (check, query) in checks.iter().zip(&queries) {
        let failed = |source| ModelError::Check {
            gate: gate(check),
            source,
        };
        let verdict = match query {
            CheckQuery::PerRow(_) => counted(check, offending.next().unwrap_or(0)),
            CheckQuery::Count(sql) => counted(
                check,
                session
                    .query_count(sql, &bindings)
                    .map_err(failed)?
                    .unwrap_or(0),
            ),
            CheckQuery::Keys { parts, earlier } => {
                let repeated = count_repeated(session, parts, earlier.as_deref(), &bindings);
                counted(check, repeated.map_err(failed)?)
            }
            CheckQuery::Both(left, right) => {
                if let Some(table) = empty_table(session, &check.kind).map_err(failed)? {
                    Verdict::NotApplicable(format!("{table} has no rows yet"))
                } else {
                    let left = session.query(left, &bindings).map_err(failed)?;
                    let right = session.query(right, &bindings).map_err(failed)?;
                    compare(&left, &right, &check.kind).map_err(failed)?
                }
            }
            CheckQuery::None => Verdict::NotApplicable(describe(&check.kind)),
        };
        let (status, detail) = match verdict {
            Verdict::Holds(detail) => (GateStatus::Passed, detail),
            Verdict::NotApplicable(reason) => (GateStatus::NotApplicable, reason),
            Verdict::Broken(detail) => match check.severity {
                Severity::Stop => (GateStatus::Failed, detail),
                Severity::Warn => (GateStatus::Warned, detail),
            },
        };
        gates.push(GateResult {
            id: gate(check),
            status,
            detail,
        });
    }
    Ok(gates)
}

fn count_repeated(
    session: &Session,
    parts: &[Keys],
    earlier: Option<&str>,
    bindings: &Bindings,
) -> Result<i64, SqlError> {
    let mut n_repeated = match earlier {
        Some(sql) => session.query_count(sql, bindings)?.unwrap_or(0),
        None => 0,
    };
    for keys in parts {
        n_repeated += session.count_repeated(keys, bindings)?;
    }
    Ok(n_repeated)
}

/// The query that counts whether the table an identity needs has rows.
#[must_use]
pub fn rows_needed(kind: &CheckKind) -> Option<String> {
    match kind {
        CheckKind::Reconcile {
            needs_rows: Some(table),
            ..
        } => Some(format!(
            "select count(*) from (select 1 from {table} limit 1) as found"
        )),
        _ => None,
    }
}

/// The table that an identity needs rows of, while it has none.
fn empty_table<'c>(session: &Session, kind: &'c CheckKind) -> Result<Option<&'c str>, SqlError> {
    let (
        CheckKind::Reconcile {
            needs_rows: Some(table),
            ..
        },
        Some(sql),
    ) = (kind, rows_needed(kind))
    else {
        return Ok(None);
    };
    let n_found = session.query_count(&sql, &Bindings::default())?;
    Ok((n_found == Some(0)).then_some(table.as_str()))
}

/// The conditions among the queries, in their order.
#[must_use]
pub fn conditions(queries: &[CheckQuery]) -> Vec<&str> {
    let conditions = queries.iter().filter_map(|query| match query {
        CheckQuery::PerRow(condition) => Some(condition.as_str()),
        _ => None,
    });
    conditions.collect()
}

fn per_row_counts(
    session: &Session,
    model: &ModelSpec,
    queries: &[CheckQuery],
    bindings: &Bindings,
    scope: &CheckScope,
) -> Result<Vec<i64>, SqlError> {
    let Some(sql) = per_row_query(model, &conditions(queries), scope) else {
        return Ok(Vec::new());
    };
    let rows = session.query(&sql, bindings)?.rows()?;
    let counts = rows.first().into_iter().flatten();
    Ok(counts
        .map(|count| count.as_integer().unwrap_or(0))
        .collect())
}

fn counted(check: &ModelCheck, offending: i64) -> Verdict {
    let what = describe(&check.kind);
    if offending == 0 {
        Verdict::Holds(what)
    } else {
        Verdict::Broken(format!("{offending} rows do not hold: {what}"))
    }
}

enum Verdict {
    Holds(String),
    Broken(String),
    NotApplicable(String),
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
fn compare(left: &QueryResult, right: &QueryResult, kind: &CheckKind) -> Result<Verdict, SqlError> {
    let (left_rows, right_rows) = (left.rows()?, right.rows()?);
    if left_rows.len() != right_rows.len() {
        return Ok(Verdict::Broken(format!(
            "the left side has {} rows, the right side {}",
            left_rows.len(),
            right_rows.len()
        )));
    }
    let tolerance = match kind {
        CheckKind::Reconcile { tolerance, .. } => Money::parse_decimal(tolerance, COMPARED_SCALE),
        _ => None,
    };
    let tolerance = tolerance.unwrap_or(Money::ZERO);
    let mut shown_values = Vec::new();
    let mut differences = Vec::new();
    for (one, other) in left_rows.iter().zip(&right_rows) {
        let mut key = Vec::new();
        for ((a, b), column) in one.iter().zip(other).zip(&left.columns) {
            if !agree(a, b, tolerance) {
                differences.push(format!(
                    "{}{}: left {}, right {}",
                    key.concat(),
                    column.name,
                    shown(a),
                    shown(b)
                ));
            } else if column.data_type.starts_with("Utf8") {
                // Texts that agree say which row this is.
                key.push(format!("{} ", shown(a)));
            }
            if left_rows.len() == 1 {
                shown_values.push(format!("{} {}", column.name, shown(a)));
            }
        }
    }
    if !differences.is_empty() {
        let n_hidden = differences.len().saturating_sub(SHOWN_DIFFERENCES);
        differences.truncate(SHOWN_DIFFERENCES);
        let more = if n_hidden > 0 {
            format!("; and {n_hidden} more")
        } else {
            String::new()
        };
        return Ok(Verdict::Broken(format!("{}{more}", differences.join("; "))));
    }
    Ok(Verdict::Holds(if shown_values.is_empty() {
        format!("{} rows agree", left_rows.len())
    } else {
        shown_values.join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(scope: &CheckScope, columns: &[&str]) -> Vec<String> {
        let table = TableName::try_new("marts", "line").unwrap();
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        match scope.repeated_keys(&table, &columns) {
            CheckQuery::Keys { parts, .. } => parts.into_iter().map(|keys| keys.rows).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_that_name_their_month_are_judged_month_by_month() {
        let months = || BTreeSet::from(["2026-09".to_owned(), "2026-10".to_owned()]);
        let key = ["month", "account_id"];
        let tonight = format!("{}.marts.line", Catalogue::Produced.name());
        for (scope, rows) in [
            (CheckScope::Whole(months()), "marts.line"),
            (CheckScope::Only(months()), "marts.line"),
            (CheckScope::Months(months()), tonight.as_str()),
        ] {
            let of = |month| format!("(select * from {rows} where month = '{month}')");
            assert_eq!(parts(&scope, &key), [of("2026-09"), of("2026-10")]);
        }
    }

    #[test]
    fn keys_without_a_month_and_those_of_few_rows_are_judged_together() {
        let months = BTreeSet::from(["2026-09".to_owned(), "2026-10".to_owned()]);
        for (scope, columns) in [
            (CheckScope::Whole(months.clone()), ["account_id"].as_slice()),
            (CheckScope::Months(months), &["account_id"]),
            (CheckScope::Whole(BTreeSet::new()), &["month", "account_id"]),
        ] {
            assert_eq!(parts(&scope, columns), ["marts.line"]);
        }
    }
}
