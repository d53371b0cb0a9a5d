//! Rows of which nearly each is a group of its own are sorted first, and then grouped in their order.
//!
//! The engine finds groups by a table of all of them, and what it gives is sorted behind it. Where there are as many groups
//! as rows that table fits into no cache. Where it does not fit into memory it is sorted, spilled, merged and grouped once
//! more, and sorted again behind. Whether rows repeat shows while they come; where they do, the engine goes on with them.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, InputOrderMode};
use futures::{StreamExt, TryFutureExt};

use super::RowSort;
use super::sorter::Sorter;
use crate::sql::given::{given, given_in_order};
use crate::sql::joins::rows_of;

/// Groups of fewer rows, as far as their files tell, stay the engine's.
const FEW_ROWS: usize = 1 << 17;

/// Of all groups one in so many is watched, with all of its rows.
const WATCHED: usize = 64;

/// Rows before anything is made of them.
const LEAST_ROWS: usize = 1 << 14;

/// One row in so many may be of a group that came before.
const REPEATED: usize = 16;

const SEED: u64 = 0x5a1e_0e7b_eef0_0d5e;

/// Sorts of groups, where all that they are sorted by is what they are grouped by.
#[derive(Debug)]
pub(in crate::sql) struct SortBeforeGroups;

impl PhysicalOptimizerRule for SortBeforeGroups {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(order) = order_of_rows(&node) else {
                return Ok(Transformed::no(node));
            };
            let own: Arc<dyn ExecutionPlan> = Arc::new(SortedGroups::new(node, order));
            Ok(Transformed::yes(own))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "sort_before_groups"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The order that rows are to be sorted by before they are grouped, so that groups come out as `sort` gives them.
fn order_of_rows(sort: &Arc<dyn ExecutionPlan>) -> Option<LexOrdering> {
    let sort = sort.downcast_ref::<RowSort>()?;
    let groups = groups_below(&sort.input)?;
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
    for key in &sort.order {
        match origin(&sort.input, &key.expr)? {
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

#[derive(Debug)]
struct SortedGroups {
    /// As the engine would do it.
    plan: Arc<dyn ExecutionPlan>,
    /// Of the rows that are grouped.
    order: LexOrdering,
    metrics: ExecutionPlanMetricsSet,
}

impl SortedGroups {
    fn new(plan: Arc<dyn ExecutionPlan>, order: LexOrdering) -> Self {
        Self {
            plan,
            order,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for SortedGroups {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "SortedGroups: rows=[{}]", self.order)
    }
}

impl ExecutionPlan for SortedGroups {
    fn name(&self) -> &'static str {
        "SortedGroups"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.plan]
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

    /// Another plan may have other groups, whose sort is looked at anew.
    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = children.into_iter().next();
        let plan = plan.unwrap_or_else(|| Arc::clone(&self.plan));
        Ok(match order_of_rows(&plan) {
            Some(order) => Arc::new(Self::new(plan, order)),
            None => plan,
        })
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let plan = Arc::clone(&self.plan);
        let schema = plan.schema();
        let order = self.order.clone();
        let metrics = self.metrics.clone();
        let rows = sorted_groups(plan, order, partition, context, metrics).try_flatten_stream();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

async fn sorted_groups(
    plan: Arc<dyn ExecutionPlan>,
    order: LexOrdering,
    partition: usize,
    context: Arc<TaskContext>,
    metrics: ExecutionPlanMetricsSet,
) -> Result<SendableRecordBatchStream> {
    let Some(groups) = plan
        .children()
        .first()
        .and_then(|below| groups_below(below))
    else {
        return plan.execute(partition, context);
    };
    let mut input = groups.input().execute(partition, Arc::clone(&context))?;
    let schema = input.schema();
    let mut sorter = Sorter::try_new(
        Arc::clone(&schema),
        order.clone(),
        &context,
        &metrics,
        partition,
    )?;
    let mut watch = Watch::default();
    while let Some(batch) = input.next().await.transpose()? {
        // Once some were spilled, it costs less to go on than to begin anew.
        let may_stop = !sorter.has_spilled();
        if may_stop {
            watch.push(&batch, &order)?;
        }
        sorter.push(batch).await?;
        if may_stop && watch.rows_repeat() {
            let rows = sorter.finish().await?.chain(input);
            let rows = RecordBatchStreamAdapter::new(schema, rows);
            return grouping(&plan, &given(Box::pin(rows))?)?.execute(partition, context);
        }
    }
    drop(input);
    let rows = sorter.finish().await?;
    grouping(&plan, &given_in_order(rows, order)?)?.execute(partition, context)
}

/// The same plan of other rows; what is in order already is not sorted.
fn grouping(
    plan: &Arc<dyn ExecutionPlan>,
    rows: &Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let below: Vec<Arc<dyn ExecutionPlan>> = match plan.downcast_ref::<AggregateExec>() {
        Some(_) => vec![Arc::clone(rows)],
        None => {
            let below = plan.children().into_iter();
            below
                .map(|below| grouping(below, rows))
                .collect::<Result<_>>()?
        }
    };
    if let (Some(sort), [groups]) = (plan.downcast_ref::<RowSort>(), &below[..])
        && groups
            .equivalence_properties()
            .ordering_satisfy(sort.order.clone())?
    {
        return Ok(Arc::clone(groups));
    }
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(plan).replace_children(below, recompute)
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

    use super::SortedGroups;
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
        let own = plan.downcast_ref::<SortedGroups>();
        if let Some(own) = own {
            let n_rows = own.metrics.clone_inner().output_rows();
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
