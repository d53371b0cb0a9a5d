//! Joins that look a row up: where every key stands once on the held side, rows of the other side pass as they are.
//!
//! The engine's join copies all columns of every row that goes through it, also where each row finds exactly one, as a
//! fact finds its product. Of a query with four such joins that is half the time.

mod found;
mod held;
mod keys;

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::{JoinType, Result, ScalarValue, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, DynamicFilterPhysicalExpr, lit};
use datafusion::physical_expr::utils::conjunction;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;

use self::found::FoundRows;
pub(super) use self::held::HeldSides;
use self::held::held;
use super::given::given;
use super::own_join::{Way, done_by, is_plain, with_sides};
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
        done_by(plan, |join| Ok(may_look_up(join)?.then_some(ByLookUp)))
    }

    fn name(&self) -> &'static str {
        "look_up"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn may_look_up(join: &HashJoinExec) -> Result<bool> {
    let is_held = matches!(join.join_type(), JoinType::Inner | JoinType::Right)
        && *join.partition_mode() == PartitionMode::CollectLeft;
    Ok(is_held && is_plain(join)?)
}

/// The left side is held; where its keys repeat, the engine's join goes on with it.
#[derive(Debug, Clone)]
struct ByLookUp;

impl Way for ByLookUp {
    const NAME: &'static str = "LookUpJoin";

    fn rows(
        &self,
        join: &Arc<HashJoinExec>,
        context: Arc<TaskContext>,
        metrics: BaselineMetrics,
    ) -> Result<SendableRecordBatchStream> {
        let rows = look_up(Arc::clone(join), context, metrics);
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            join.schema(),
            futures::stream::once(rows).try_flatten(),
        )))
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
        // The engine's join goes on with what has been read.
        let read = futures::stream::iter([Ok(side.rows.clone())]);
        let read = RecordBatchStreamAdapter::new(side.rows.schema(), read);
        let held = given(Box::pin(read))?;
        return with_sides(&join, held, Arc::clone(join.right()))?.execute(0, context);
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
