//! Where the rows of several parts are grouped: once, when they have come together.
//!
//! The engine groups each part of a union by itself, and then the groups of all parts once more. Parts that were grouped
//! before have every group once: then the first pass does nothing but copy wide rows of sums, most of them null. Parts
//! with few groups lose little: a night's other queries keep the cores busy meanwhile.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};

/// Parts come together before they are grouped, where a query has one thread to group them. The engine's next rule makes
/// one pass of the two.
#[derive(Debug)]
pub(super) struct PartsTogether;

impl PhysicalOptimizerRule for PartsTogether {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if config.execution.target_partitions > 1 {
            return Ok(plan);
        }
        plan.transform_up(|node| {
            let together = node.downcast_ref::<CoalescePartitionsExec>();
            let groups = together
                .and_then(|together| together.input().downcast_ref::<AggregateExec>())
                .filter(|groups| may_wait(groups));
            let Some(groups) = groups else {
                return Ok(Transformed::no(node));
            };
            let parts = CoalescePartitionsExec::new(Arc::clone(groups.input()));
            let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Arc::new(groups.clone())
                .replace_children(vec![Arc::new(parts)], recompute)
                .map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "parts_together"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A total is one row a part, so parts give it side by side. Floating sums depend on the order in which they are added
/// up: of parts there are fewer orders than of rows.
fn may_wait(groups: &AggregateExec) -> bool {
    let is_floating =
        |aggregate: &Arc<AggregateFunctionExpr>| aggregate.field().data_type().is_floating();
    *groups.mode() == AggregateMode::Partial
        && !groups.group_expr().is_empty()
        && *groups.input_order_mode() == InputOrderMode::Linear
        && groups.required_input_ordering().iter().all(Option::is_none)
        && !groups.aggr_expr().iter().any(is_floating)
}
