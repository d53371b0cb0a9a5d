//! Names the table of every column that a projection or a condition reads.
//!
//! `union all by name` names columns alone, whatever table they come from, and so does a condition that was pushed below a
//! union of which one part has no rows. The engine then pushes a condition no further than to the next group or window
//! below, since it does not recognise the column there, and a question for one month reads them all.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

#[derive(Debug)]
pub(super) struct Qualify;

impl OptimizerRule for Qualify {
    fn name(&self) -> &'static str {
        "qualify"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        // Few plans have such a column, and to look costs less than to rebuild.
        let mut is_unnamed = false;
        plan.apply_with_subqueries(|node| {
            is_unnamed = unnamed(node);
            Ok(if is_unnamed {
                TreeNodeRecursion::Stop
            } else {
                TreeNodeRecursion::Continue
            })
        })?;
        if is_unnamed {
            plan.transform_up_with_subqueries(qualify)
        } else {
            Ok(Transformed::no(plan))
        }
    }
}

fn unnamed(node: &LogicalPlan) -> bool {
    let is_unnamed = |expression: &Expr, schema: &DFSchema| {
        let mut columns = expression.column_refs().into_iter();
        columns.any(|column| with_table(column, schema).is_some())
    };
    match node {
        LogicalPlan::Projection(projection) => {
            let schema = projection.input.schema();
            let mut expressions = projection.expr.iter();
            expressions.any(|expression| is_unnamed(expression, schema))
        }
        LogicalPlan::Filter(filter) => is_unnamed(&filter.predicate, filter.input.schema()),
        _ => false,
    }
}

fn qualify(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if !unnamed(&plan) {
        return Ok(Transformed::no(plan));
    }
    match plan {
        LogicalPlan::Projection(projection) => qualify_projection(projection).map(Transformed::yes),
        LogicalPlan::Filter(filter) => {
            let predicate = named(filter.predicate, filter.input.schema())?;
            let filter = Filter::try_new(predicate, filter.input)?;
            Ok(Transformed::yes(LogicalPlan::Filter(filter)))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn qualify_projection(projection: Projection) -> Result<LogicalPlan> {
    let schema = Arc::clone(projection.input.schema());
    let shown = projection.schema.columns();
    let expressions = projection.expr.into_iter().zip(shown);
    let expressions = expressions.map(|(expression, shown)| {
        let named = named(expression, &schema)?;
        // Whatever reads the projection knows its columns by the names they have had.
        let name = (shown.relation, shown.name);
        Ok(if named.qualified_name() == name {
            named
        } else {
            named.alias_qualified(name.0, name.1)
        })
    });
    let expressions = expressions.collect::<Result<Vec<_>>>()?;
    let named = Projection::try_new(expressions, projection.input)?;
    Ok(LogicalPlan::Projection(named))
}

/// The expression, with the tables of its columns.
fn named(expression: Expr, schema: &DFSchema) -> Result<Expr> {
    let named = expression.transform_up(|part| {
        Ok(match &part {
            Expr::Column(column) => match with_table(column, schema) {
                Some(column) => Transformed::yes(Expr::Column(column)),
                None => Transformed::no(part),
            },
            _ => Transformed::no(part),
        })
    });
    named.data()
}

/// The column with its table; `None` where it is named already, or has none.
fn with_table(column: &Column, schema: &DFSchema) -> Option<Column> {
    if column.relation.is_some() {
        return None;
    }
    let found = schema.qualified_field_with_unqualified_name(&column.name);
    let table = found.ok()?.0?;
    Some(Column::new(Some(table.clone()), column.name.clone()))
}
