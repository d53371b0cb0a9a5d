//! Joins of two sides that both stand in the order of their keys: they are read side by side, and neither is held.
//!
//! The engine's join holds one side whole and looks for each row of the other in it. Of millions of accounts every look
//! misses all caches of the processor, and four times the customers cost more than four times the time. Stored tables
//! stand in the order of their keys, so most large joins need no looking.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::{JoinType, Result, ScalarValue};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, DynamicFilterPhysicalExpr, lit};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::rows::{Keeps, MergedRows, Output, Start};
use super::side::Side;
use super::{IN_ORDER, Merge};
use crate::sql::joins::rows_of;
use crate::sql::order::told;
use crate::sql::own_join::{Way, done_by, is_plain};
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
        done_by(plan, ByMerge::of)
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
    Ok(is_plain(join)? && common_order(join)?.is_some())
}

/// Both sides are read side by side.
#[derive(Debug, Clone)]
struct ByMerge {
    keeps: Keeps,
    /// Keys of the left side and of the right, in the order in which both stand.
    on: Vec<(Expr, Expr)>,
}

impl ByMerge {
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
        if !is_held || !is_plain(join)? {
            return Ok(None);
        }
        let on = common_order(join)?;
        Ok(on.map(|on| Self { keeps, on }))
    }

    /// Lets the side that asks begin where the other does: no row before can find one.
    fn first_asked(&self, join: &HashJoinExec) -> Option<Start> {
        let filter = join.dynamic_expressions_produced().into_iter().next()?;
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
}

impl Way for ByMerge {
    const NAME: &'static str = "MergeJoin";

    fn rows(
        &self,
        join: &Arc<HashJoinExec>,
        context: Arc<TaskContext>,
        metrics: BaselineMetrics,
    ) -> Result<SendableRecordBatchStream> {
        let (on_found, on_asked) = self.on.iter().cloned().unzip();
        let batch_rows = context.session_config().batch_size();
        let memory = MemoryConsumer::new(Self::NAME).register(context.memory_pool());
        let output = Output {
            keeps: self.keeps,
            origins: origins(join),
            schema: join.schema(),
            start: self.first_asked(join),
        };
        let asked = join.right().execute(0, Arc::clone(&context))?;
        let asked = Side::new(asked, on_asked);
        let found = Side::new(join.left().execute(0, context)?, on_found);
        let rows = MergedRows::new(asked, found, output, memory);
        Ok(rows.stream(join.schema(), batch_rows, metrics))
    }
}

/// The keys in an order in which both sides stand, if there is one.
fn common_order(join: &HashJoinExec) -> Result<Option<Vec<(Expr, Expr)>>> {
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
        if is_in_order(told(join.left()), &left)? && is_in_order(join.right(), &right)? {
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
