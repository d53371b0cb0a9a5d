//! Joins of two sides that both stand in the order of their keys: they are read side by side, and neither is held.
//!
//! The engine's join holds one side whole and looks for each row of the other in it. Of millions of accounts every look
//! misses all caches of the processor, and four times the customers cost more than four times the time. Stored tables
//! stand in the order of their keys, so most large joins need no looking.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{
    JoinType, NullEquality, Result, ScalarValue, Statistics, assert_eq_or_internal_err,
};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, DynamicFilterPhysicalExpr, lit};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{
    ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, InputDistributionRequirements};

use super::IN_ORDER;
use super::rows::{Keeps, MergedRows, Output, Start};
use super::side::Side;
use crate::sql::joins::rows_of;
use crate::sql::lookup::is_exact;
use crate::sql::sides::origins;

/// Rows that are held rather than merged: what finds them fits into the processor's caches.
const HELD_ROWS: usize = 1 << 16;

type Expr = Arc<dyn PhysicalExpr>;

/// Where both sides are read in one part, as in a night, and stand in the order of the keys.
#[derive(Debug)]
pub(in crate::sql) struct MergeInOrder;

impl PhysicalOptimizerRule for MergeInOrder {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let join = node.downcast_ref::<HashJoinExec>();
            let merge = join.map(MergeJoin::of).transpose()?.flatten();
            Ok(match merge {
                Some(merge) => Transformed::yes(Arc::new(merge)),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "merge_in_order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a join can be merged, if the side whose rows it keeps stands right: that is the side that asks, and the join
/// keeps its order.
pub(in crate::sql) fn may_merge(join: &HashJoinExec) -> Result<bool> {
    let is_plain = join.left().output_partitioning().partition_count() == 1
        && join.right().output_partitioning().partition_count() == 1
        && join.filter().is_none()
        && join.null_equality() == NullEquality::NullEqualsNothing
        && !join.null_aware
        && join.fetch().is_none()
        && !join.schema().fields().is_empty();
    Ok(is_plain && common_order(join)?.is_some())
}

/// The engine's join, done another way: the rows of its right side ask, those of the left are found.
#[derive(Debug)]
struct MergeJoin {
    join: Arc<HashJoinExec>,
    keeps: Keeps,
    /// Keys of the left side and of the right, in the order in which both stand.
    on: Vec<(Expr, Expr)>,
    metrics: ExecutionPlanMetricsSet,
}

impl MergeJoin {
    fn of(join: &HashJoinExec) -> Result<Option<Self>> {
        let keeps = match join.join_type() {
            JoinType::Inner => Keeps::Found,
            JoinType::Right => Keeps::All,
            JoinType::RightSemi => Keeps::OnceFound,
            JoinType::RightAnti => Keeps::Missing,
            _ => return Ok(None),
        };
        let is_held = *join.partition_mode() == PartitionMode::CollectLeft
            && rows_of(join.left().as_ref()) > HELD_ROWS;
        if !is_held || !may_merge(join)? {
            return Ok(None);
        }
        let Some(on) = common_order(join)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            join: Arc::new(join.builder().build()?),
            keeps,
            on,
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }

    /// Lets the side that asks begin where the other does: no row before can find one.
    fn first_asked(&self) -> Option<Start> {
        let filter = self
            .join
            .dynamic_expressions_produced()
            .into_iter()
            .next()?;
        let filter = (filter as Arc<dyn Any + Send + Sync>).downcast::<DynamicFilterPhysicalExpr>();
        let (_, asked) = self.on.first()?;
        let (filter, asked) = (filter.ok()?, Arc::clone(asked));
        if !matches!(self.keeps, Keeps::Found | Keeps::OnceFound) {
            return None;
        }
        Some(Box::new(move |found| {
            let Some(keys) = found.first().filter(|keys| keys.is_valid(0)) else {
                return Ok(());
            };
            let first = lit(ScalarValue::try_from_array(keys, 0)?);
            filter.update(Arc::new(BinaryExpr::new(asked, Operator::GtEq, first)))?;
            filter.mark_complete();
            Ok(())
        }))
    }

    fn like(&self, join: HashJoinExec) -> Self {
        Self {
            join: Arc::new(join),
            keeps: self.keeps,
            on: self.on.clone(),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// The keys in an order in which both sides stand, if there is one.
fn common_order(join: &HashJoinExec) -> Result<Option<Vec<(Expr, Expr)>>> {
    let (left, right) = (join.left().schema(), join.right().schema());
    for (one, other) in join.on() {
        let kind = one.data_type(&left)?;
        if kind != other.data_type(&right)? || !is_exact(&kind) {
            return Ok(None);
        }
    }
    let mut rest = join.on().to_vec();
    let mut ordered = Vec::new();
    // A key that both orders allow next stands next in both, or is the same in all rows: none is chosen wrongly.
    while !rest.is_empty() {
        let Some(next) = next_in_order(join, &ordered, &rest)? else {
            return Ok(None);
        };
        ordered.push(rest.remove(next));
    }
    Ok(Some(ordered))
}

/// The place of a key by which both sides stand in order behind those before.
fn next_in_order(
    join: &HashJoinExec,
    before: &[(Expr, Expr)],
    rest: &[(Expr, Expr)],
) -> Result<Option<usize>> {
    for (place, key) in rest.iter().enumerate() {
        let (left, right): (Vec<_>, Vec<_>) = before.iter().chain([key]).cloned().unzip();
        if is_in_order(join.left(), &left)? && is_in_order(join.right(), &right)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn is_in_order(plan: &Arc<dyn ExecutionPlan>, keys: &[Expr]) -> Result<bool> {
    let order = keys
        .iter()
        .map(|key| PhysicalSortExpr::new(Arc::clone(key), IN_ORDER));
    plan.equivalence_properties().ordering_satisfy(order)
}

impl DisplayAs for MergeJoin {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("MergeJoin: ")?;
        self.join.fmt_as(format, f)
    }
}

impl ExecutionPlan for MergeJoin {
    fn name(&self) -> &'static str {
        "MergeJoin"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.join.input_distribution_requirements()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.join.maintains_input_order()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.join.children()
    }

    fn apply_expressions(
        &self,
        apply: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(apply)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let join = self.join.builder().recompute_properties();
        let join = join.with_new_children(children)?.build()?;
        Ok(Arc::new(self.like(join)))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let join = self.join.builder().reset_state().build()?;
        Ok(Arc::new(self.like(join)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        assert_eq_or_internal_err!(partition, 0, "a merge has one part");
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let (asked, found) = (self.join.right(), self.join.left());
        let (on_found, on_asked) = self.on.iter().cloned().unzip();
        let batch_rows = context.session_config().batch_size();
        let memory = MemoryConsumer::new("MergeJoin").register(context.memory_pool());
        let output = Output {
            keeps: self.keeps,
            origins: origins(&self.join),
            schema: self.schema(),
            start: self.first_asked(),
        };
        let asked = Side::new(asked.execute(0, Arc::clone(&context))?, on_asked);
        let found = Side::new(found.execute(0, context)?, on_found);
        Ok(MergedRows::new(asked, found, output, memory).stream(batch_rows, metrics))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.join.child_stats_requests(partition)
    }

    fn statistics_from_inputs(
        &self,
        of_inputs: &[Arc<Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        self.join.statistics_from_inputs(of_inputs, arguments)
    }
}
