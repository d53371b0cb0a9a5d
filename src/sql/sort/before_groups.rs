//! Rows of which nearly each is a group of its own are sorted first, and then grouped in their order.
//!
//! The engine finds groups by a table of all of them, and what it gives is sorted behind it. Where there are as many groups
//! as rows that table fits into no cache. Where it does not fit into memory it is sorted, spilled, merged and grouped once
//! more, and sorted again behind. Whether rows repeat shows while they come; where they do, the engine goes on with them.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::InputOrderMode;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

use super::RowSort;
use super::sorter::Sorter;
use crate::sql::given::{given, given_in_order};
use crate::sql::joins::{FEW_ROWS, rows_of};

/// Of all groups one in so many is watched, with all of its rows.
const WATCHED: usize = 64;

/// Rows before anything is made of them.
const LEAST_ROWS: usize = 1 << 14;

/// One row in so many may be of a group that came before.
const REPEATED: usize = 16;

const SEED: u64 = 0x5a1e_0e7b_eef0_0d5e;

/// The order that rows are to be sorted by before `plan` groups them, so that it gives groups in this order; where all
/// that they are sorted by is what they are grouped by.
pub(super) fn order_of_rows(
    plan: &Arc<dyn ExecutionPlan>,
    order: &LexOrdering,
) -> Option<LexOrdering> {
    let groups = groups_below(plan)?;
    let expressions = groups.group_expr().expr();
    let is_plain = *groups.mode() == AggregateMode::Single
        && groups.group_expr().is_single()
        && !expressions.is_empty()
        && groups.limit_options().is_none()
        && *groups.input_order_mode() == InputOrderMode::Linear
        && groups
            .aggr_expr()
            .iter()
            .all(|aggregate| is_of_any_order(aggregate))
        && groups.input().output_partitioning().partition_count() == 1
        && rows_of(groups.input().as_ref()) >= FEW_ROWS;
    if !is_plain {
        return None;
    }
    let mut keys: Vec<PhysicalSortExpr> = Vec::new();
    let mut left: HashSet<usize> = (0..expressions.len()).collect();
    for key in order {
        match origin(plan, &key.expr)? {
            Origin::Group(group) if left.remove(&group) => {
                let expression = Arc::clone(&expressions[group].0);
                keys.push(PhysicalSortExpr::new(expression, key.options));
            }
            Origin::Group(_) | Origin::Constant => {}
        }
        // Of one group there is one row: nothing behind decides.
        if left.is_empty() {
            return LexOrdering::new(keys);
        }
    }
    None
}

/// Whether it makes the same of rows in any order. A sort that spills in several rounds gives those of one key in another
/// order than they came.
fn is_of_any_order(aggregate: &AggregateFunctionExpr) -> bool {
    let name = aggregate.fun().name();
    matches!(
        name,
        "count" | "sum" | "avg" | "min" | "max" | "bool_and" | "bool_or"
    ) && !aggregate.field().data_type().is_floating()
}

/// The groups below nothing but projections.
fn groups_below(plan: &Arc<dyn ExecutionPlan>) -> Option<&AggregateExec> {
    match plan.downcast_ref::<ProjectionExec>() {
        Some(projection) => groups_below(projection.input()),
        None => plan.downcast_ref(),
    }
}

enum Origin {
    /// By its place among what is grouped by.
    Group(usize),
    Constant,
}

/// Where a column comes from, if it stays as it is.
fn origin(plan: &Arc<dyn ExecutionPlan>, column: &Arc<dyn PhysicalExpr>) -> Option<Origin> {
    if column.downcast_ref::<Literal>().is_some() {
        return Some(Origin::Constant);
    }
    let place = column.downcast_ref::<Column>()?.index();
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return origin(projection.input(), &projection.expr().get(place)?.expr);
    }
    let groups = plan.downcast_ref::<AggregateExec>()?;
    (place < groups.group_expr().expr().len()).then_some(Origin::Group(place))
}

/// The groups that `plan` makes, in this order. Rows are sorted before, or groups behind.
pub(super) async fn sorted_groups(
    plan: Arc<dyn ExecutionPlan>,
    before: LexOrdering,
    order: LexOrdering,
    context: Arc<TaskContext>,
    metrics: ExecutionPlanMetricsSet,
) -> Result<SendableRecordBatchStream> {
    let Some(groups) = groups_below(&plan) else {
        return internal_err!("there are groups below this sort");
    };
    let mut input = groups.input().execute(0, Arc::clone(&context))?;
    let schema = input.schema();
    let mut sorter = Sorter::try_new(Arc::clone(&schema), before.clone(), &context, &metrics, 0)?;
    let mut watch = Watch::default();
    let rows = loop {
        let Some(batch) = input.next().await.transpose()? else {
            drop(input);
            break given_in_order(sorter.finish().await?, before)?;
        };
        // Once some were spilled, it costs less to go on than to begin anew.
        let may_stop = !sorter.has_spilled();
        if may_stop {
            watch.push(&batch, &before)?;
        }
        sorter.push(batch).await?;
        if may_stop && watch.rows_repeat() {
            let rows = sorter.finish().await?.chain(input);
            break given(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))?;
        }
    };
    let groups = with_rows(&plan, &rows)?;
    let properties = groups.equivalence_properties();
    if properties.ordering_satisfy(order.clone())? {
        return groups.execute(0, context);
    }
    let behind = RowSort {
        before_groups: None,
        ..RowSort::new(&SortExec::new(order, groups))
    };
    behind.execute(0, context)
}

/// The same plan of these rows in the place of those that are grouped.
fn with_rows(
    plan: &Arc<dyn ExecutionPlan>,
    rows: &Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let below = match plan.downcast_ref::<ProjectionExec>() {
        Some(projection) => with_rows(projection.input(), rows)?,
        None => Arc::clone(rows),
    };
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(plan).replace_children(vec![below], recompute)
}

/// Some of the groups, and how many rows of theirs and of all have come.
#[derive(Default)]
struct Watch {
    groups: HashSet<u64>,
    n_watched: usize,
    n_rows: usize,
}

impl Watch {
    fn push(&mut self, batch: &RecordBatch, order: &LexOrdering) -> Result<()> {
        let keys = order.iter();
        let keys = keys.map(|key| key.expr.evaluate(batch)?.into_array(batch.num_rows()));
        let keys: Vec<ArrayRef> = keys.collect::<Result<_>>()?;
        let mut hashes = vec![0; batch.num_rows()];
        create_hashes(&keys, &QualityRandomState::with_seed(SEED), &mut hashes)?;
        self.n_rows += batch.num_rows();
        let watched = hashes.into_iter().filter(|hash| hash % WATCHED as u64 == 0);
        for hash in watched {
            self.groups.insert(hash);
            self.n_watched += 1;
        }
        Ok(())
    }

    /// Whether groups have several rows: those that are watched, or others that are so large or so few that the watched
    /// ones have less than half of their share of rows.
    fn rows_repeat(&self) -> bool {
        let n_repeated = self.n_watched - self.groups.len();
        self.n_rows >= LEAST_ROWS
            && (n_repeated * REPEATED > self.n_watched
                || self.n_watched * WATCHED * 2 < self.n_rows)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::physical_plan::ExecutionPlan;

    use super::super::RowSort;
    use crate::sql::Session;
    use crate::sql::stored_for_tests::session;

    /// Of 200,000 rows each key stands once, twice, or so often that there are few keys. In no order.
    fn with_rows(memory: Option<usize>, folder: &std::path::Path) -> Session {
        let rows = "select '2026-' || lpad(cast(value % 3 as varchar), 2, '0') as month, value * 7919 % 200003 as once, \
                    value * 7919 % 200003 % 100000 as twice, value * 7919 % 200003 % 100 as often, value % 3 as mostly, \
                    case when value % 10 = 0 then null else value end as amount \
                    from (select unnest(generate_series(1, 200000)) as value) as series";
        session(memory, folder, &[("line", rows)])
    }

    /// Whether rows are sorted before they are grouped, once this plan has run.
    fn sorted(plan: &Arc<dyn ExecutionPlan>) -> Option<bool> {
        let sort = plan.downcast_ref::<RowSort>();
        if let Some(sort) = sort.filter(|sort| sort.before_groups.is_some()) {
            let n_rows = sort.metrics.clone_inner().output_rows();
            return Some(n_rows == Some(200_000));
        }
        plan.children().into_iter().find_map(sorted)
    }

    const BY: [(&str, bool); 4] = [
        ("once", true),
        ("twice", false),
        ("often", false),
        ("mostly", false),
    ];

    #[test]
    fn groups_come_as_the_engine_gives_them_and_rows_that_repeat_are_not_sorted_first() {
        let folder = tempfile::tempdir().unwrap();
        let session = with_rows(None, folder.path());
        for (key, is_sorted) in BY {
            let groups = format!(
                "select month, {key}, count(*) as n, cast(sum(amount) * 2 as bigint) as amount, max(amount) as most \
                 from core.line group by month, {key}"
            );
            let own = format!("{groups} order by month nulls first, {key} desc nulls first");
            let own = session.run_by(&session.context.state(), &own).unwrap();
            assert_eq!(sorted(&own.plan), Some(is_sorted), "{}", own.shown);
            // A first value depends on the order in which rows come, as far as its own order leaves that open.
            let first = format!(
                "select {key}, first_value(month order by amount) as first from core.line group by {key} order by {key}"
            );
            let first = session.run_by(&session.context.state(), &first).unwrap();
            assert_eq!(sorted(&first.plan), None, "{}", first.shown);
            // What is computed is not what rows are grouped by.
            let engines =
                format!("{groups} order by month nulls first, {key} + 0 desc nulls first");
            let engines = session.run_by(&session.context.state(), &engines).unwrap();
            assert_eq!(sorted(&engines.plan), None, "{}", engines.shown);
            assert!(own.rows == engines.rows, "{key}");
        }
    }

    #[test]
    fn groups_that_do_not_fit_into_memory_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let whole = with_rows(None, folder.path());
        let small = with_rows(Some(4 << 20), folder.path());
        for (key, _) in BY {
            let sql = format!(
                "select {key}, month, sum(amount) as amount from core.line group by month, {key} \
                 order by {key}, month"
            );
            let [whole, small] = [&whole, &small]
                .map(|session| session.run_by(&session.context.state(), &sql).unwrap());
            // Rows are spilled before it shows that a few repeat.
            let is_sorted = ["once", "twice"].contains(&key);
            assert_eq!(sorted(&small.plan), Some(is_sorted), "{}", small.shown);
            assert!(whole.rows == small.rows, "{key}");
        }
    }
}
