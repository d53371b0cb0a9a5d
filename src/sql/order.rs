//! Where the order of rows is not made use of.
//!
//! By groups of which it settles only the first columns. Tables by month are stored in the order of months, so a group by month and customer is half in order. The engine then
//! gives its groups out month by month, but looks each row's group up by itself instead of a batch at once: seven million
//! groups took 26 seconds instead of 5. A group that is in order by all its columns holds one group at a time, and stays.
//!
//! And by joins, which the engine takes for ordered by the rows that ask and, behind them, by those they find. Where two
//! rows ask for the same, what they find comes twice, one after the other: a sort by what was found was left out, and a
//! window or a group saw rows out of order (<https://github.com/apache/datafusion/issues/25052>).

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    ReplaceChildrenOptions,
};
use datafusion::physical_plan::filter_pushdown::{FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, InputOrderMode};

/// Groups are found as if their input had no order, unless it has the order of all their columns.
#[derive(Debug)]
pub(super) struct GroupsInWholeOrder;

impl PhysicalOptimizerRule for GroupsInWholeOrder {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let half_in_order = node.downcast_ref::<AggregateExec>().filter(|groups| {
                matches!(
                    groups.input_order_mode(),
                    InputOrderMode::PartiallySorted(_)
                )
            });
            let Some(groups) = half_in_order else {
                return Ok(Transformed::no(node));
            };
            let input: Arc<dyn ExecutionPlan> =
                Arc::new(OrderUntold::new(Arc::clone(groups.input())));
            let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            node.replace_children(vec![input], recompute)
                .map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "groups_in_whole_order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What a join finds is in no order of its own.
#[derive(Debug)]
pub(super) struct FoundInNoOrder;

impl PhysicalOptimizerRule for FoundInNoOrder {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            if join.left().output_ordering().is_none() {
                return Ok(Transformed::no(node));
            }
            let found: Arc<dyn ExecutionPlan> = Arc::new(OrderUntold::new(Arc::clone(join.left())));
            let children = vec![found, Arc::clone(join.right())];
            let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            node.replace_children(children, recompute)
                .map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "found_in_no_order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan whose order is not told, for those that know what to make of it.
pub(super) fn told(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    plan.downcast_ref::<OrderUntold>()
        .map_or(plan, |untold| &untold.input)
}

/// Gives its input's rows as they come, without saying in which order that is.
#[derive(Debug, Clone)]
pub(super) struct OrderUntold {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl OrderUntold {
    pub fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self {
            input,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for OrderUntold {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("OrderUntold")
    }
}

impl ExecutionPlan for OrderUntold {
    fn name(&self) -> &'static str {
        "OrderUntold"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next();
        let input = input.unwrap_or_else(|| Arc::clone(&self.input));
        Ok(Arc::new(Self::new(input)))
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(filters, &self.children())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        of_inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&of_inputs[0]))
    }
}
