//! Where the keys of a query come from: other rows, fewer of them, that need only be looked at.
//!
//! A view that unrolls twenty columns of an account into lines has twenty rows for each of its table. An account's lines
//! have different names, so none of its keys repeats if no account does.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Unnest};

/// Rows, and the places of those of their columns that identify them.
#[derive(Debug)]
pub(super) struct Origin {
    rows: Arc<LogicalPlan>,
    columns: Vec<usize>,
}

impl Origin {
    /// The columns alone.
    pub fn keys(&self) -> Result<LogicalPlan> {
        let schema = self.rows.schema();
        let columns = self.columns.iter();
        let columns =
            columns.map(|place| Expr::Column(Column::from(schema.qualified_field(*place))));
        LogicalPlanBuilder::from(Arc::clone(&self.rows))
            .project(columns)?
            .build()
    }
}

/// Rows of which each kind must not repeat in its columns, so that these columns of the plan's rows do not; none where
/// nothing is unrolled. The plan must be an optimised one, whose joins name the columns that must be equal.
///
/// They may repeat although the plan's rows do not: a filter may have passed over those.
pub(super) fn origins(plan: &LogicalPlan, columns: &[usize]) -> Option<Vec<Origin>> {
    if columns.is_empty() {
        return None;
    }
    match plan {
        LogicalPlan::SubqueryAlias(alias) => origins(&alias.input, columns),
        LogicalPlan::Filter(filter) => origins(&filter.input, columns),
        LogicalPlan::Projection(projection) => {
            let below = columns.iter().filter_map(|place| {
                let column = named(&projection.expr[*place])?;
                projection.input.schema().maybe_index_of_column(column)
            });
            origins(&projection.input, &below.collect::<Vec<_>>())
        }
        LogicalPlan::Unnest(unnest) => unrolled(unnest, columns),
        LogicalPlan::Join(join) => joined(join, columns),
        _ => None,
    }
}

/// Every row becomes as many as its lists are long. They differ if one of the lists has the same different values in
/// every row.
fn unrolled(unnest: &Unnest, columns: &[usize]) -> Option<Vec<Origin>> {
    let LogicalPlan::Projection(lists) = unnest.input.as_ref() else {
        return None;
    };
    let is_flat = unnest
        .list_type_columns
        .iter()
        .all(|(_, list)| list.depth == 1);
    if !is_flat || !unnest.struct_type_columns.is_empty() {
        return None;
    }
    // A shorter list is filled up with nulls.
    let places = unnest.list_type_columns.iter().map(|(place, _)| *place);
    let lists = places.map(|place| Some((place, List::of(&lists.expr[place])?)));
    let lists: Vec<(usize, List)> = lists.collect::<Option<_>>()?;
    let (_, first) = lists.first()?;
    if lists.iter().any(|(_, list)| list.length != first.length) {
        return None;
    }
    let below = columns
        .iter()
        .map(|place| unnest.dependency_indices[*place]);
    let list_at = |place: usize| lists.iter().find(|(list, _)| *list == place);
    let tells_apart = |place| list_at(place).is_some_and(|(_, list)| list.has_different_values);
    if !below.clone().any(tells_apart) {
        return None;
    }
    let columns: Vec<usize> = below.filter(|place| list_at(*place).is_none()).collect();
    origins(&unnest.input, &columns).or_else(|| {
        let rows = Arc::clone(&unnest.input);
        (!columns.is_empty()).then(|| vec![Origin { rows, columns }])
    })
}

/// A row that finds one row at most stays one.
fn joined(join: &Join, columns: &[usize]) -> Option<Vec<Origin>> {
    if !matches!(join.join_type, JoinType::Inner | JoinType::Left) || join.on.is_empty() {
        return None;
    }
    let n_left = join.left.schema().fields().len();
    let mut found = Vec::with_capacity(join.on.len());
    let mut equal = Vec::with_capacity(join.on.len());
    for (left, right) in &join.on {
        let left = join.left.schema().maybe_index_of_column(named(left)?)?;
        let right = join.right.schema().maybe_index_of_column(named(right)?)?;
        found.push(right);
        equal.push((n_left + right, left));
    }
    let own = columns.iter().filter_map(|place| {
        let equals = equal.iter().find(|(right, _)| right == place);
        // Of a row that finds none the other side is null, and its own is not.
        let equals = equals.filter(|_| join.join_type == JoinType::Inner);
        equals.map_or((*place < n_left).then_some(*place), |(_, left)| Some(*left))
    });
    let mut all = origins(&join.left, &own.collect::<Vec<_>>())?;
    all.push(Origin {
        rows: Arc::clone(&join.right),
        columns: found,
    });
    Some(all)
}

/// A column, whatever it is called from here on.
fn named(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => named(&alias.expr),
        _ => None,
    }
}

/// A list that is equally long in every row.
struct List {
    length: usize,
    /// The same in every row, each once and none of them null.
    has_different_values: bool,
}

impl List {
    fn of(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Alias(alias) => Self::of(&alias.expr),
            Expr::Literal(ScalarValue::List(list), _) if list.is_valid(0) => {
                let values = list.value(0);
                let literals =
                    (0..values.len()).map(|place| ScalarValue::try_from_array(&values, place).ok());
                Some(Self::with(values.len(), literals))
            }
            Expr::ScalarFunction(function) if function.name() == "make_array" => {
                let literals = function.args.iter().map(|value| match value {
                    Expr::Literal(value, _) => Some(value.clone()),
                    _ => None,
                });
                Some(Self::with(function.args.len(), literals))
            }
            _ => None,
        }
    }

    /// Of values; none where it is not the same in every row.
    fn with(length: usize, literals: impl Iterator<Item = Option<ScalarValue>>) -> Self {
        let values = literals.map(|value| value.filter(|value| !value.is_null()));
        let values: Option<HashSet<ScalarValue>> = values.collect();
        Self {
            length,
            has_different_values: values.is_some_and(|values| values.len() == length),
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;
    use futures::executor::block_on;

    use super::*;

    /// The rows that keys come from, as the engine shows them.
    fn origins_of(sql: &str) -> Option<Vec<String>> {
        #[expect(
            clippy::disallowed_methods,
            reason = "plans alone, of no session's tables"
        )]
        let context = SessionContext::new();
        let query = block_on(context.sql(sql)).expect("a query");
        let plan = query.into_optimized_plan().expect("a plan");
        let columns: Vec<usize> = (0..plan.schema().fields().len()).collect();
        let origins = origins(&plan, &columns)?;
        let shown = origins.iter().map(|origin| {
            let keys = origin.keys().expect("keys");
            let names = keys
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone());
            names.collect::<Vec<_>>().join(", ")
        });
        Some(shown.collect())
    }

    const ACCOUNTS: &str = "(values (1, 10, 20), (2, 30, 0)) as account (id, fees, interest)";
    const LINES: &str = "(values ('fees', 1), ('interest', 2)) as line (code, sign)";

    #[test]
    fn lines_come_from_accounts_and_from_what_they_are_joined_with() {
        let unrolled = format!(
            "select id, unnest(['fees', 'interest']) as code, unnest([fees, interest]) as amount from {ACCOUNTS}"
        );
        let lines = format!("select id, code from ({unrolled}) where amount <> 0");
        assert_eq!(origins_of(&lines), Some(vec!["id".to_owned()]));
        let joined = format!(
            "select u.id, u.code from ({unrolled}) as u join {LINES} on line.code = u.code where u.amount <> 0"
        );
        let expected = vec!["id".to_owned(), "code".to_owned()];
        assert_eq!(origins_of(&joined), Some(expected.clone()));
        // The other side's name of the line is the same name.
        let renamed = joined.replace("select u.id, u.code", "select u.id, line.code");
        assert_eq!(origins_of(&renamed), Some(expected));
    }

    #[test]
    fn nothing_is_said_of_rows_that_are_not_unrolled_by_names_of_their_own() {
        for query in [
            format!("select id from {ACCOUNTS}"),
            format!("select id, unnest([fees, interest]) as amount from {ACCOUNTS}"),
            format!("select id, unnest(['a', 'a']) as code from {ACCOUNTS}"),
            format!("select id, unnest(['a', null, null]) as code from {ACCOUNTS}"),
            format!("select unnest(['a', 'b']) as code from {ACCOUNTS}"),
            format!(
                "select id, unnest(['a', 'b']) as code, unnest([fees, interest, fees]) as amount from {ACCOUNTS}"
            ),
            format!("select id, code from {ACCOUNTS} cross join {LINES}"),
        ] {
            assert_eq!(origins_of(&query), None, "{query}");
        }
    }
}
