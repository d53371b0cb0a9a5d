//! The engine's hash join, done another way: everything but how its rows are found stays the engine's.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{NullEquality, Result, Statistics, assert_eq_or_internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{
    ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, InputDistributionRequirements};

/// How the rows of a join are found: those of its right side ask, those of the left are found.
pub(super) trait Way: Debug + Clone + Send + Sync + 'static {
    const NAME: &'static str;

    fn rows(
        &self,
        join: &Arc<HashJoinExec>,
        context: Arc<TaskContext>,
        metrics: BaselineMetrics,
    ) -> Result<SendableRecordBatchStream>;
}

#[derive(Debug)]
pub(super) struct OwnJoin<W> {
    join: Arc<HashJoinExec>,
    way: W,
    metrics: ExecutionPlanMetricsSet,
}

impl<W: Way> OwnJoin<W> {
    fn of(join: &HashJoinExec, way: W) -> Result<Self> {
        Ok(Self::new(join.builder().build()?, way))
    }

    fn new(join: HashJoinExec, way: W) -> Self {
        Self {
            join: Arc::new(join),
            way,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// A plan with those of its joins done another way for which `way` gives one.
pub(super) fn done_by<W: Way>(
    plan: Arc<dyn ExecutionPlan>,
    way: impl Fn(&HashJoinExec) -> Result<Option<W>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some(join) = node.downcast_ref::<HashJoinExec>() else {
            return Ok(Transformed::no(node));
        };
        Ok(match way(join)? {
            Some(way) => Transformed::yes(Arc::new(OwnJoin::of(join, way)?)),
            None => Transformed::no(node),
        })
    })
    .data()
}

/// The engine's join of other sides, which give the same rows. Nothing stays of what it read before.
pub(super) fn with_sides(
    join: &HashJoinExec,
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
) -> Result<HashJoinExec> {
    let filters = join.dynamic_expressions_produced();
    let own = join.builder().reset_state().recompute_properties();
    let own = own.with_new_children(vec![left, right])?.build()?;
    match filters.into_iter().next() {
        Some(filter) => match (filter as Arc<dyn Any + Send + Sync>).downcast() {
            Ok(filter) => own.with_dynamic_filter_expr(filter),
            Err(_) => Ok(own),
        },
        None => Ok(own),
    }
}

/// Whether nothing but equal keys decides what is found, and both sides are read in one part, as in a night.
pub(super) fn is_plain(join: &HashJoinExec) -> Result<bool> {
    let (left, right) = (join.left().schema(), join.right().schema());
    for (one, other) in join.on() {
        let kind = one.data_type(&left)?;
        if kind != other.data_type(&right)? || !is_exact(&kind) {
            return Ok(false);
        }
    }
    Ok(join.left().output_partitioning().partition_count() == 1
        && join.right().output_partitioning().partition_count() == 1
        && join.filter().is_none()
        && join.null_equality() == NullEquality::NullEqualsNothing
        && !join.null_aware
        && join.fetch().is_none()
        && !join.schema().fields().is_empty())
}

/// Whether two values are equal where they are compared equal by their bits.
pub(super) fn is_exact(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Utf8
                | DataType::Boolean
                | DataType::Date32
                | DataType::Timestamp(..)
                | DataType::Decimal128(..)
        )
}

impl<W: Way> DisplayAs for OwnJoin<W> {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}: ", W::NAME)?;
        self.join.fmt_as(format, f)
    }
}

impl<W: Way> ExecutionPlan for OwnJoin<W> {
    fn name(&self) -> &'static str {
        W::NAME
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
        Ok(Arc::new(Self::new(join, self.way.clone())))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let join = self.join.builder().reset_state().build()?;
        Ok(Arc::new(Self::new(join, self.way.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        assert_eq_or_internal_err!(partition, 0, "a join of our own has one part");
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        self.way.rows(&self.join, context, metrics)
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
