//! Names the table of every column that a projection reads.
//!
//! `union all by name` names columns alone, whatever table they come from. The engine then pushes a condition no further
//! than to the next group below, since it does not recognise the column there, and a question for one month reads them all.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
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
    let LogicalPlan::Projection(projection) = node else {
        return false;
    };
    let schema = projection.input.schema();
    let mut columns = projection.expr.iter().flat_map(Expr::column_refs);
    columns.any(|column| with_table(column, schema).is_some())
}

fn qualify(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if !unnamed(&plan) {
        return Ok(Transformed::no(plan));
    }
    let LogicalPlan::Projection(projection) = plan else {
        return Ok(Transformed::no(plan));
    };
    let schema = Arc::clone(projection.input.schema());
    let shown = projection.schema.columns();
    let expressions = projection.expr.into_iter().zip(shown);
    let expressions = expressions.map(|(expression, shown)| {
        let named = expression.transform_up(|part| {
            Ok(match &part {
                Expr::Column(column) => match with_table(column, &schema) {
                    Some(column) => Transformed::yes(Expr::Column(column)),
                    None => Transformed::no(part),
                },
                _ => Transformed::no(part),
            })
        });
        let named = named.data()?;
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
    Ok(Transformed::yes(LogicalPlan::Projection(named)))
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
