//! Parts of a union that are grouped, of which the largest stands in the order of the groups: the others are put into it.
//!
//! A history and what tonight adds to it are one table to the groups above. In order they hold one group at a time, where
//! they would look each row's group up among all.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result, Statistics, assert_eq_or_internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, OrderingRequirements, Partitioning, PhysicalExpr,
    PhysicalSortExpr,
};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    ReplaceChildrenOptions,
};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, InputOrderMode};

use super::side::{Comparison, Piece, Side, first_not};
use super::{IN_ORDER, Merge};
use crate::sql::joins::rows_of;
use crate::sql::own_join::is_exact;

type Plan = Arc<dyn ExecutionPlan>;

/// Where a query has one part, as in a night, and the groups come in whole order by it.
#[derive(Debug)]
pub(in crate::sql) struct UnionsInOrder;

impl PhysicalOptimizerRule for UnionsInOrder {
    fn optimize(&self, plan: Plan, config: &ConfigOptions) -> Result<Plan> {
        if config.execution.target_partitions > 1 {
            return Ok(plan);
        }
        plan.transform_up(|node| {
            let groups = node.downcast_ref::<AggregateExec>();
            let groups = groups.filter(|groups| {
                *groups.input_order_mode() != InputOrderMode::Sorted
                    && !groups.group_expr().is_empty()
            });
            let merged = groups.map(|groups| with_merged_union(groups.input()));
            let Some(input) = merged.transpose()?.flatten() else {
                return Ok(Transformed::no(node));
            };
            let ordered = with_children(&node, vec![input])?;
            let is_sorted = ordered
                .downcast_ref::<AggregateExec>()
                .is_some_and(|groups| *groups.input_order_mode() == InputOrderMode::Sorted);
            Ok(if is_sorted {
                Transformed::yes(ordered)
            } else {
                Transformed::no(node)
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "unions_in_order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn with_children(node: &Plan, children: Vec<Plan>) -> Result<Plan> {
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(node).replace_children(children, recompute)
}

/// The plan with the union merged from which its rows come, in their order.
fn with_merged_union(plan: &Plan) -> Result<Option<Plan>> {
    if let Some(union) = plan.downcast_ref::<UnionExec>() {
        return Ok(MergedUnion::of(union)?.map(|merged| Arc::new(merged) as Plan));
    }
    let keeps_order = plan.downcast_ref::<ProjectionExec>().is_some()
        || plan.downcast_ref::<FilterExec>().is_some();
    let place = match plan.downcast_ref::<HashJoinExec>() {
        Some(join) => {
            let asks = matches!(join.join_type(), JoinType::Inner | JoinType::Right)
                && *join.partition_mode() == PartitionMode::CollectLeft;
            asks.then_some(1)
        }
        None => keeps_order.then_some(0),
    };
    let Some(place) = place else {
        return Ok(None);
    };
    let mut children: Vec<Plan> = plan.children().into_iter().cloned().collect();
    let Some(merged) = with_merged_union(&children[place])? else {
        return Ok(None);
    };
    children[place] = merged;
    with_children(plan, children).map(Some)
}

/// Rows of several parts, in the order in which each of them stands.
#[derive(Debug)]
struct MergedUnion {
    parts: Vec<Plan>,
    /// Places of columns.
    order: Vec<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MergedUnion {
    /// By the order of its largest part, if it has one and is larger than those that would have to be sorted.
    fn of(union: &UnionExec) -> Result<Option<Self>> {
        let parts = union.inputs();
        let are_single = parts
            .iter()
            .all(|part| part.output_partitioning().partition_count() == 1);
        let largest = parts.iter().max_by_key(|part| rows_of(part.as_ref()));
        let order = largest.and_then(|part| part.output_ordering());
        let (true, Some(order)) = (are_single, order) else {
            return Ok(None);
        };
        let schema = union.schema();
        let mut places = Vec::new();
        for key in order {
            let column = key.expr.downcast_ref::<Column>().map(Column::index);
            let column = column.filter(|column| is_exact(schema.field(*column).data_type()));
            let (Some(column), true) = (column, key.options == IN_ORDER) else {
                break;
            };
            places.push(column);
        }
        let mut n_sorted = 0;
        for part in parts {
            let Some(order) = order_by(part, &places) else {
                return Ok(None);
            };
            if !part.equivalence_properties().ordering_satisfy(order)? {
                n_sorted += rows_of(part.as_ref());
            }
        }
        if n_sorted > largest.map_or(0, |part| rows_of(part.as_ref())) {
            return Ok(None);
        }
        Ok(Some(Self::new(parts.clone(), places, &schema)))
    }

    fn new(parts: Vec<Plan>, order: Vec<usize>, schema: &SchemaRef) -> Self {
        let keys = order.iter().map(|column| {
            let key = Column::new(schema.field(*column).name(), *column);
            PhysicalSortExpr::new(Arc::new(key), IN_ORDER)
        });
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(schema), [keys]),
            Partitioning::UnknownPartitioning(1),
            parts[0].pipeline_behavior(),
            parts[0].boundedness(),
        );
        Self {
            parts,
            order,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// The order by these columns of a part.
fn order_by(part: &Plan, places: &[usize]) -> Option<LexOrdering> {
    let schema = part.schema();
    let keys = places.iter().map(|column| {
        let key = Column::new(schema.field(*column).name(), *column);
        PhysicalSortExpr::new(Arc::new(key), IN_ORDER)
    });
    LexOrdering::new(keys)
}

impl DisplayAs for MergedUnion {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let schema = self.schema();
        let columns = self.order.iter();
        let columns: Vec<&str> = columns
            .map(|column| schema.field(*column).name().as_str())
            .collect();
        write!(f, "MergedUnion: order=[{}]", columns.join(", "))
    }
}

impl ExecutionPlan for MergedUnion {
    fn name(&self) -> &'static str {
        "MergedUnion"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let order = |part| order_by(part, &self.order).map(OrderingRequirements::from);
        self.parts.iter().map(order).collect()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true; self.parts.len()]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.parts.len()]
    }

    fn children(&self) -> Vec<&Plan> {
        self.parts.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Plan>) -> Result<Plan> {
        let own = Self::new(children, self.order.clone(), &self.schema());
        Ok(Arc::new(own))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        assert_eq_or_internal_err!(partition, 0, "merged parts are one");
        let schema = self.schema();
        let mut parts = Vec::new();
        for part in &self.parts {
            let of_part = part.schema();
            let keys = self
                .order
                .iter()
                .map(|column| Arc::new(Column::new(of_part.field(*column).name(), *column)) as _);
            parts.push(Part {
                side: Side::new(part.execute(0, Arc::clone(&context))?, keys.collect()),
                piece: None,
                n_given: 0,
            });
        }
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = Parts {
            schema: Arc::clone(&schema),
            parts,
        };
        Ok(rows.stream(schema, context.session_config().batch_size(), metrics))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(None); self.parts.len()]
    }

    fn statistics_from_inputs(
        &self,
        of_inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let of_inputs = of_inputs.iter().map(AsRef::as_ref);
        Statistics::try_merge_iter(of_inputs, &self.schema()).map(Arc::new)
    }
}

struct Part {
    side: Side,
    /// Rows at hand, and how many of them have been given.
    piece: Option<Piece>,
    n_given: usize,
}

struct Parts {
    /// Columns of parts have names of their own.
    schema: SchemaRef,
    parts: Vec<Part>,
}

impl Merge for Parts {
    /// All of one part: rows that stand before the next ones of all other parts.
    async fn next(&mut self, metrics: &BaselineMetrics) -> Result<Option<RecordBatch>> {
        for part in &mut self.parts {
            if part.piece.is_none() {
                part.piece = part.side.next().await?;
                part.n_given = 0;
            }
        }
        let _timer = metrics.elapsed_compute().timer();
        let Some(first) = self.first()? else {
            return Ok(None);
        };
        let end = self.end(first)?;
        let part = &mut self.parts[first];
        let Some(piece) = part.piece.take() else {
            return Ok(None);
        };
        let rows = piece.rows.slice(part.n_given, end - part.n_given);
        part.n_given = end;
        if end < piece.len() {
            part.piece = Some(piece);
        }
        let columns = rows.columns().to_vec();
        Ok(Some(RecordBatch::try_new(
            Arc::clone(&self.schema),
            columns,
        )?))
    }
}

impl Parts {
    /// The part whose next row is the smallest; of equal ones the first.
    fn first(&self) -> Result<Option<usize>> {
        let mut first: Option<usize> = None;
        for (place, part) in self.parts.iter().enumerate() {
            let Some(piece) = &part.piece else {
                continue;
            };
            let before = first.and_then(|first| Some((first, self.parts[first].piece.as_ref()?)));
            let is_first = match before {
                Some((first, other)) => {
                    let order = Comparison::between(piece, other)?;
                    order.of(part.n_given, self.parts[first].n_given).is_lt()
                }
                None => true,
            };
            if is_first {
                first = Some(place);
            }
        }
        Ok(first)
    }

    /// Up to which row of the first part all stand before those of the others.
    fn end(&self, first: usize) -> Result<usize> {
        let part = &self.parts[first];
        let Some(piece) = &part.piece else {
            return Ok(0);
        };
        let mut end = piece.len();
        for (place, other) in self.parts.iter().enumerate() {
            let Some(next) = other.piece.as_ref().filter(|_| place != first) else {
                continue;
            };
            let order = Comparison::between(piece, next)?;
            let is_before = |row: usize| {
                let order = order.of(row, other.n_given);
                order.is_lt() || order.is_eq() && first < place
            };
            end = first_not(part.n_given + 1..end, is_before);
        }
        Ok(end)
    }
}
