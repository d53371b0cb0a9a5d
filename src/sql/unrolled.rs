//! Refuses a query that unrolls lists of which the engine would go on believing what held before.
//!
//! A group's key is unique, and decides its other columns. Above a list that is unrolled the engine keeps that belief: it
//! then leaves columns out of orders and groups, and a `distinct` away, and the result is wrong without a word.

use datafusion::common::Dependency;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{LogicalPlan, Unnest};

use super::SqlError;

/// # Errors
/// When a list is unrolled above a group by a key.
pub(super) fn require_true_keys(plan: &LogicalPlan) -> Result<(), SqlError> {
    let mut is_false = false;
    let visited = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Unnest(unnest) = node {
            is_false = is_false || believes_too_much(unnest);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.map_err(|error| SqlError::planning(&error))?;
    if is_false {
        return Err(SqlError::Query {
            message: "a list is unrolled above a group, whose key the engine would go on taking for unique"
                .to_owned(),
            position: None,
            hint: Some(
                "unroll before grouping, or `cross join (values (…), (…)) as listed (name)` in place of the list"
                    .to_owned(),
            ),
        });
    }
    Ok(())
}

/// Whether keys are still called unique, or to decide what has been unrolled.
fn believes_too_much(unnest: &Unnest) -> bool {
    let unrolled = |column: &usize| {
        let input = unnest.dependency_indices.get(*column);
        unnest
            .list_type_columns
            .iter()
            .any(|(list, _)| input == Some(list))
    };
    let mut believed = unnest.schema.functional_dependencies().iter();
    believed.any(|key| key.mode == Dependency::Single || key.target_indices.iter().any(unrolled))
}
