//! Column lineage: which columns of which tables decide the columns of a query, and which decide what rows it has.
//!
//! Reads plans before they are optimised. A condition, join key, group or order decides the rows, and rows decide all
//! that is made of them; where a plan leaves it open, everything below counts. Views stand for themselves, as tables do.

use std::collections::BTreeSet;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, TableReference};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Join, JoinType, LogicalPlan, Subquery, Unnest,
};

use super::SqlError;
use super::result::Plan;
use crate::domain::TableName;

/// A column of a table or view, or (`column` is `None`) which rows it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    pub table: TableName,
    pub column: Option<String>,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}.{column}", self.table),
            None => write!(f, "rows of {}", self.table),
        }
    }
}

pub type Origins = BTreeSet<Origin>;

/// What decides the result of a query. Origins are those it names; those behind them are in their own lineage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Name of each column of the result, with what decides its values.
    pub columns: Vec<(String, Origins)>,
    /// What decides which rows there are.
    pub rows: Origins,
}

impl Lineage {
    /// # Errors
    /// The engine's, where its plan contradicts itself.
    pub fn of(plan: &Plan) -> Result<Self, SqlError> {
        let flow = flow(&plan.logical).map_err(|error| SqlError::planning(&error))?;
        let names = plan.logical.schema().fields().iter();
        Ok(Self {
            columns: names
                .map(|field| field.name().clone())
                .zip(flow.columns)
                .collect(),
            rows: flow.rows,
        })
    }

    /// Everything that decides the result, be it a value or a row.
    #[must_use]
    pub fn all(&self) -> Origins {
        let columns = self.columns.iter().flat_map(|(_, origins)| origins);
        columns.chain(&self.rows).cloned().collect()
    }
}

/// Lineage by position of the column.
struct Flow {
    columns: Vec<Origins>,
    rows: Origins,
}

impl Flow {
    fn all_columns(&self) -> Origins {
        self.columns.iter().flatten().cloned().collect()
    }
}

/// Inputs that an expression may name columns of.
type Scope<'a> = [(&'a DFSchema, &'a [Origins])];

fn flow(plan: &LogicalPlan) -> Result<Flow, DataFusionError> {
    Ok(match plan {
        LogicalPlan::Projection(node) => {
            let input = flow(&node.input)?;
            Flow {
                columns: each(&node.expr, &[(node.input.schema(), &input.columns)])?,
                rows: input.rows,
            }
        }
        LogicalPlan::Filter(node) => {
            let mut input = flow(&node.input)?;
            let scope = [(node.input.schema().as_ref(), input.columns.as_slice())];
            input.rows.extend(origins(&node.predicate, &scope)?);
            input
        }
        LogicalPlan::Window(node) => {
            let mut input = flow(&node.input)?;
            let found = each(&node.window_expr, &[(node.input.schema(), &input.columns)])?;
            input.columns.extend(found);
            input
        }
        LogicalPlan::Aggregate(node) => aggregate(node)?,
        LogicalPlan::Sort(node) => {
            // A limit above makes of the order a choice of rows.
            let mut input = flow(&node.input)?;
            let scope = [(node.input.schema().as_ref(), input.columns.as_slice())];
            for key in &node.expr {
                input.rows.extend(origins(&key.expr, &scope)?);
            }
            input
        }
        LogicalPlan::Join(node) => join(node)?,
        LogicalPlan::Union(node) => {
            let inputs = flows(node.inputs.iter().map(AsRef::as_ref))?;
            let mut columns = vec![Origins::new(); node.schema.fields().len()];
            for input in &inputs {
                for (column, found) in columns.iter_mut().zip(&input.columns) {
                    column.extend(found.iter().cloned());
                }
            }
            let rows = inputs.into_iter().flat_map(|input| input.rows).collect();
            Flow { columns, rows }
        }
        LogicalPlan::TableScan(node) => of_table(&node.table_name, &node.projected_schema),
        // The engine writes a view out under its full name; names given in a query have no schema.
        LogicalPlan::SubqueryAlias(node) if node.alias.schema().is_some() => {
            of_table(&node.alias, &node.schema)
        }
        LogicalPlan::SubqueryAlias(node) => flow(&node.input)?,
        LogicalPlan::Subquery(node) => flow(&node.subquery)?,
        LogicalPlan::Limit(node) => flow(&node.input)?,
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let mut input = flow(input)?;
            input.rows.extend(input.all_columns());
            input
        }
        LogicalPlan::Distinct(Distinct::On(node)) => {
            let input = flow(&node.input)?;
            let scope = [(node.input.schema().as_ref(), input.columns.as_slice())];
            let mut rows = input.rows.clone();
            for expression in &node.on_expr {
                rows.extend(origins(expression, &scope)?);
            }
            for key in node.sort_expr.iter().flatten() {
                rows.extend(origins(&key.expr, &scope)?);
            }
            Flow {
                columns: each(&node.select_expr, &scope)?,
                rows,
            }
        }
        LogicalPlan::Unnest(node) => unnest(node)?,
        other => anything(other)?,
    })
}

fn flows<'a>(plans: impl Iterator<Item = &'a LogicalPlan>) -> Result<Vec<Flow>, DataFusionError> {
    plans.map(flow).collect()
}

fn of_table(name: &TableReference, schema: &DFSchema) -> Flow {
    let table = name
        .schema()
        .and_then(|schema| TableName::try_new(schema, name.table()).ok());
    // What has no such name is made by the query itself: a series of numbers, a step of a recursion.
    let origin = |column: Option<String>| -> Origins {
        let table = table.clone();
        table
            .map(|table| Origin { table, column })
            .into_iter()
            .collect()
    };
    Flow {
        columns: schema
            .fields()
            .iter()
            .map(|field| origin(Some(field.name().clone())))
            .collect(),
        rows: origin(None),
    }
}

fn aggregate(node: &Aggregate) -> Result<Flow, DataFusionError> {
    let input = flow(&node.input)?;
    let scope = [(node.input.schema().as_ref(), input.columns.as_slice())];
    let groups = each(&node.group_expr, &scope)?;
    let mut columns = groups.clone();
    columns.extend(each(&node.aggr_expr, &scope)?);
    if columns.len() != node.schema.fields().len() {
        // Grouping sets: one expression stands for several columns.
        let all: Origins = columns.into_iter().flatten().collect();
        columns = vec![all; node.schema.fields().len()];
    }
    let mut rows = input.rows;
    rows.extend(groups.into_iter().flatten());
    Ok(Flow { columns, rows })
}

fn join(node: &Join) -> Result<Flow, DataFusionError> {
    let (left, right) = (flow(&node.left)?, flow(&node.right)?);
    let scope = [
        (node.left.schema().as_ref(), left.columns.as_slice()),
        (node.right.schema().as_ref(), right.columns.as_slice()),
    ];
    let mut rows: Origins = left.rows.union(&right.rows).cloned().collect();
    for (one, other) in &node.on {
        rows.extend(origins(one, &scope)?);
        rows.extend(origins(other, &scope)?);
    }
    if let Some(filter) = &node.filter {
        rows.extend(origins(filter, &scope)?);
    }
    if let Some(lateral) = lateral(&node.right) {
        for expression in &lateral.outer_ref_columns {
            rows.extend(outer(expression, &scope[..1]));
        }
    }
    let mut columns = match node.join_type {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left.columns,
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right.columns,
        _ => left.columns.into_iter().chain(right.columns).collect(),
    };
    // The mark says whether there is a match.
    columns.resize(node.schema.fields().len(), rows.clone());
    Ok(Flow { columns, rows })
}

fn lateral(plan: &LogicalPlan) -> Option<&Subquery> {
    match plan {
        LogicalPlan::Subquery(subquery) => Some(subquery),
        LogicalPlan::SubqueryAlias(alias) => lateral(&alias.input),
        _ => None,
    }
}

fn unnest(node: &Unnest) -> Result<Flow, DataFusionError> {
    let input = flow(&node.input)?;
    let columns = node
        .dependency_indices
        .iter()
        .map(|index| input.columns.get(*index).cloned().unwrap_or_default())
        .collect();
    let scope = [(node.input.schema().as_ref(), input.columns.as_slice())];
    let mut rows = input.rows.clone();
    for column in &node.exec_columns {
        rows.extend(origins(&Expr::Column(column.clone()), &scope)?);
    }
    Ok(Flow { columns, rows })
}

/// Every column comes from all that stands below.
fn anything(plan: &LogicalPlan) -> Result<Flow, DataFusionError> {
    let inputs = flows(plan.inputs().into_iter())?;
    let mut all: Origins = inputs.iter().flat_map(Flow::all_columns).collect();
    for expression in plan.expressions() {
        all.extend(origins(&expression, &[])?);
    }
    let mut rows: Origins = inputs.into_iter().flat_map(|input| input.rows).collect();
    rows.extend(all.iter().cloned());
    Ok(Flow {
        columns: vec![all; plan.schema().fields().len()],
        rows,
    })
}

fn each(expressions: &[Expr], scope: &Scope<'_>) -> Result<Vec<Origins>, DataFusionError> {
    let found = expressions
        .iter()
        .map(|expression| origins(expression, scope));
    found.collect()
}

/// What decides the value of an expression.
fn origins(expression: &Expr, scope: &Scope<'_>) -> Result<Origins, DataFusionError> {
    let mut found = Origins::new();
    expression.apply(|part| {
        match part {
            Expr::Column(_) => found.extend(outer(part, scope)),
            // Whether there is a row does not depend on what the row shows.
            Expr::Exists(exists) => found.extend(of_subquery(&exists.subquery, false, scope)?),
            Expr::InSubquery(within) => found.extend(of_subquery(&within.subquery, true, scope)?),
            Expr::SetComparison(set) => found.extend(of_subquery(&set.subquery, true, scope)?),
            Expr::ScalarSubquery(subquery) => found.extend(of_subquery(subquery, true, scope)?),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

fn of_subquery(
    subquery: &Subquery,
    with_columns: bool,
    scope: &Scope<'_>,
) -> Result<Origins, DataFusionError> {
    let flow = flow(&subquery.subquery)?;
    let mut found = if with_columns {
        flow.all_columns()
    } else {
        Origins::new()
    };
    found.extend(flow.rows);
    for expression in &subquery.outer_ref_columns {
        found.extend(outer(expression, scope));
    }
    Ok(found)
}

/// Origins of a column of the scope; of none when it belongs to a query further out, which asks for it too.
fn outer(column: &Expr, scope: &Scope<'_>) -> Origins {
    let (Expr::Column(name) | Expr::OuterReferenceColumn(_, name)) = column else {
        return Origins::new();
    };
    let found = scope.iter().find_map(|(schema, columns)| {
        let index = schema.maybe_index_of_column(name)?;
        columns.get(index)
    });
    found.cloned().unwrap_or_default()
}
