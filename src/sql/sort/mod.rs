//! The sort of every query: the engine's plans, with salenet's own way of doing it (`sorter`).

mod before_groups;
mod places;
mod sorter;

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{
    ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, Distribution};
use futures::{StreamExt, TryFutureExt, TryStreamExt};

use self::before_groups::{order_of_rows, sorted_groups};
use self::sorter::Sorter;

/// Whole sorts are done by `sorter`; those that keep only the first rows stay the engine's.
#[derive(Debug)]
pub(super) struct SortByPlaces;

impl PhysicalOptimizerRule for SortByPlaces {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(sort) = node.downcast_ref::<SortExec>() else {
                return Ok(Transformed::no(node));
            };
            let input = sort.input().equivalence_properties();
            if sort.fetch().is_some() || input.ordering_satisfy(sort.expr().clone())? {
                return Ok(Transformed::no(node));
            }
            let own: Arc<dyn ExecutionPlan> = Arc::new(RowSort::new(sort));
            Ok(Transformed::yes(own))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "sort_by_places"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct RowSort {
    input: Arc<dyn ExecutionPlan>,
    order: LexOrdering,
    preserve_partitioning: bool,
    /// Where groups are sorted: the order in which their rows are to come, should nearly each be a group of its own.
    before_groups: Option<LexOrdering>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RowSort {
    fn new(sort: &SortExec) -> Self {
        Self {
            input: Arc::clone(sort.input()),
            order: sort.expr().clone(),
            preserve_partitioning: sort.preserve_partitioning(),
            before_groups: order_of_rows(sort.input(), sort.expr()),
            properties: Arc::clone(sort.properties()),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for RowSort {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "RowSort: expr=[{}]", self.order)?;
        match &self.before_groups {
            Some(order) => write!(f, ", before_groups=[{order}]"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for RowSort {
    fn name(&self) -> &'static str {
        "RowSort"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![if self.preserve_partitioning {
            Distribution::UnspecifiedDistribution
        } else {
            Distribution::SinglePartition
        }]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        apply: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for key in &self.order {
            if apply(&key.expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next();
        let input = input.unwrap_or_else(|| Arc::clone(&self.input));
        let sort = SortExec::new(self.order.clone(), input)
            .with_preserve_partitioning(self.preserve_partitioning);
        Ok(Arc::new(Self::new(&sort)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if let Some(before_groups) = self.before_groups.clone() {
            let rows = sorted_groups(
                Arc::clone(&self.input),
                before_groups,
                self.order.clone(),
                context,
                self.metrics.clone(),
            );
            return Ok(Box::pin(RecordBatchStreamAdapter::new(
                self.schema(),
                rows.try_flatten_stream(),
            )));
        }
        let mut input = self.input.execute(partition, Arc::clone(&context))?;
        let schema = input.schema();
        let order = self.order.clone();
        let mut sorter = Sorter::try_new(
            Arc::clone(&schema),
            order,
            &context,
            &self.metrics,
            partition,
        )?;
        let rows = futures::stream::once(async move {
            while let Some(batch) = input.next().await {
                sorter.push(batch?).await?;
            }
            drop(input);
            sorter.finish().await
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            rows.try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(
            partition.filter(|_| self.preserve_partitioning),
        )]
    }

    fn statistics_from_inputs(
        &self,
        of_inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&of_inputs[0]))
    }
}
