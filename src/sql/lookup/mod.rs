//! Joins that look a row up: where every key stands once on the held side, rows of the other side pass as they are.
//!
//! The engine's join copies all columns of every row that goes through it, also where each row finds exactly one, as a
//! fact finds its product. Of a query with four such joins that is half the time.

mod found;
mod held;
mod keys;

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{
    JoinType, NullEquality, Result, ScalarValue, Statistics, assert_eq_or_internal_err,
    internal_err,
};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, DynamicFilterPhysicalExpr, lit};
use datafusion::physical_expr::utils::conjunction;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{
    ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, InputDistributionRequirements};
use futures::TryStreamExt;

use self::found::FoundRows;
pub(super) use self::held::HeldSides;
use self::held::held;
use super::steps::Steps;

/// Where both sides are read in one part, as in a night: the held side is then asked by nobody else.
#[derive(Debug)]
pub(super) struct LookUp;

impl PhysicalOptimizerRule for LookUp {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            if !may_look_up(join)? {
                return Ok(Transformed::no(node));
            }
            let own = LookUpJoin::new(join.builder().build()?);
            Ok(Transformed::yes(Arc::new(own)))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "look_up"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn may_look_up(join: &HashJoinExec) -> Result<bool> {
    let (left, right) = (join.left().schema(), join.right().schema());
    for (held, asked) in join.on() {
        let kind = held.data_type(&left)?;
        if kind != asked.data_type(&right)? || !is_exact(&kind) {
            return Ok(false);
        }
    }
    Ok(
        matches!(join.join_type(), JoinType::Inner | JoinType::Right)
            && join.left().output_partitioning().partition_count() == 1
            && join.right().output_partitioning().partition_count() == 1
            && *join.partition_mode() == PartitionMode::CollectLeft
            && join.filter().is_none()
            && join.null_equality() == NullEquality::NullEqualsNothing
            && !join.null_aware
            && join.fetch().is_none()
            && !join.schema().fields().is_empty(),
    )
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

/// The engine's join, done another way where its keys allow it.
#[derive(Debug)]
struct LookUpJoin {
    join: Arc<HashJoinExec>,
    metrics: ExecutionPlanMetricsSet,
}

impl LookUpJoin {
    fn new(join: HashJoinExec) -> Self {
        Self {
            join: Arc::new(join),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for LookUpJoin {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("LookUpJoin: ")?;
        self.join.fmt_as(format, f)
    }
}

impl ExecutionPlan for LookUpJoin {
    fn name(&self) -> &'static str {
        "LookUpJoin"
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
        Ok(Arc::new(Self::new(join)))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let join = self.join.builder().reset_state().build()?;
        Ok(Arc::new(Self::new(join)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        assert_eq_or_internal_err!(partition, 0, "a look-up has one part");
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = look_up(Arc::clone(&self.join), context, metrics);
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            futures::stream::once(rows).try_flatten(),
        )))
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

/// Holds the left side, then asks it for every row of the right one.
async fn look_up(
    join: Arc<HashJoinExec>,
    context: Arc<TaskContext>,
    metrics: BaselineMetrics,
) -> Result<SendableRecordBatchStream> {
    let (on_held, on_asked): (Vec<_>, Vec<_>) = join.on().iter().cloned().unzip();
    let cell = held(join.left(), &on_held, &context).await?;
    let Some(side) = cell.get() else {
        return internal_err!("the side that is held has been read");
    };
    if side.keys.is_none() {
        return with_held(&join, side.rows.clone())?.execute(0, context);
    }
    for filter in join.dynamic_expressions_produced() {
        if let Some(filter) = filter.downcast_ref::<DynamicFilterPhysicalExpr>() {
            filter.update(within(&on_asked, &side.bounds))?;
            filter.mark_complete();
        }
    }
    let asked = join.right().execute(0, Arc::clone(&context))?;
    let batch_rows = context.session_config().batch_size();
    let found = FoundRows::new(&join, cell, on_asked, batch_rows);
    Ok(found.stream(asked, join.schema(), metrics))
}

/// The engine's join, of a side that has been read: some of its keys repeat.
fn with_held(join: &HashJoinExec, held: RecordBatch) -> Result<HashJoinExec> {
    let schema = held.schema();
    let held: Arc<dyn PartitionStream> = Arc::new(Read {
        schema: Arc::clone(&schema),
        rows: Mutex::new(Some(held)),
    });
    let held = StreamingTableExec::try_new(schema, vec![held], None, [], false, None)?;
    let children = vec![Arc::new(held) as _, Arc::clone(join.right())];
    let filters = join.dynamic_expressions_produced();
    // Nothing of what it read before, if it is one step of many.
    let own = join.builder().reset_state().recompute_properties();
    let own = own.with_new_children(children)?.build()?;
    match filters.into_iter().next() {
        Some(filter) => match (filter as Arc<dyn Any + Send + Sync>).downcast() {
            Ok(filter) => own.with_dynamic_filter_expr(filter),
            Err(_) => Ok(own),
        },
        None => Ok(own),
    }
}

/// What every row that finds another has: keys between the smallest and the largest that are held.
fn within(
    on_asked: &[Arc<dyn PhysicalExpr>],
    bounds: &[(ScalarValue, ScalarValue)],
) -> Arc<dyn PhysicalExpr> {
    let compared = |key: &Arc<dyn PhysicalExpr>, operator, bound: &ScalarValue| {
        let bound = lit(bound.clone());
        Arc::new(BinaryExpr::new(Arc::clone(key), operator, bound)) as Arc<dyn PhysicalExpr>
    };
    let keys = on_asked.iter().zip(bounds);
    let bounds = keys.flat_map(|(key, (smallest, largest))| {
        [
            compared(key, Operator::GtEq, smallest),
            compared(key, Operator::LtEq, largest),
        ]
    });
    conjunction(bounds)
}

/// A side that has been read, given once.
#[derive(Debug)]
struct Read {
    schema: SchemaRef,
    rows: Mutex<Option<RecordBatch>>,
}

impl PartitionStream for Read {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = futures::stream::iter(rows.take().map(Ok));
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            rows,
        ))
    }
}
