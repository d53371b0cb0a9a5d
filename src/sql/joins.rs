//! Which side of a join is held in memory: the one of fewer bytes, as the files below it and its columns tell.
//!
//! The engine estimates rows join upon join; where it knows too little it keeps the sides as they are written, or takes
//! a fact table for small, and collects it to look up a dimension. Its own reordering is off: a join that was turned
//! twice lost the filter above it.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode,
};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::union::UnionExec;

use super::groups::PartsTogether;
use super::lookup::LookUp;
use super::merge::{MergeInOrder, UnionsInOrder, may_merge};
use super::order::{FoundInNoOrder, GroupsInWholeOrder};
use super::shorter::ShorterSideHeld;
use super::sort::SortByPlaces;
use super::sort_merge::SortedJoinsUntold;
use super::windows::WindowsInOrder;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// A side above this is spread over all threads instead of being collected by each.
const COLLECTED_ROWS: usize = 1 << 17;

/// What reads fewer rows, as far as its files tell, is left as the engine does it.
pub(super) const FEW_ROWS: usize = 1 << 17;

/// Of every row held: its hash, its place, and the room that a hash table leaves free.
const FOUND_BYTES: usize = 32;

/// The engine's own rules with those of salenet: which side is held, before all that rely on it; where parts are grouped,
/// before two passes are made one; how the joins, windows and sorts that are left are done, after all that could spare
/// one.
pub(super) fn optimizer_rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = PhysicalOptimizer::new().rules;
    let mut before = |name: &str, own: Vec<Rule>| {
        let place = rules.iter().position(|rule| rule.name() == name);
        let place = place.unwrap_or(0);
        rules.splice(place..place, own);
    };
    before(
        "CombinePartialFinalAggregate",
        vec![Arc::new(PartsTogether)],
    );
    before(
        "join_selection",
        vec![
            Arc::new(SmallerSideInMemory),
            Arc::new(FoundInNoOrder),
            Arc::new(SortedJoinsUntold),
            Arc::new(UnionsInOrder),
            Arc::new(GroupsInWholeOrder),
        ],
    );
    rules.push(Arc::new(MergeInOrder));
    rules.push(Arc::new(LookUp));
    rules.push(Arc::new(ShorterSideHeld));
    rules.push(Arc::new(WindowsInOrder));
    rules.push(Arc::new(SortByPlaces));
    rules
}

#[derive(Debug)]
struct SmallerSideInMemory;

impl PhysicalOptimizerRule for SmallerSideInMemory {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let n_threads = config.execution.target_partitions;
        plan.transform_up(|node| {
            let better = if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                hash_join(join, n_threads)?
            } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
                let turns =
                    join.join_type().supports_swap() && is_larger(join.left(), join.right());
                turns.then(|| join.swap_inputs()).transpose()?
            } else if let Some(join) = node.downcast_ref::<CrossJoinExec>() {
                let turns = is_estimated_larger(join.left(), join.right());
                turns.then(|| join.swap_inputs()).transpose()?
            } else {
                None
            };
            Ok(better.map_or(Transformed::no(node), Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "smaller_side_in_memory"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn hash_join(join: &HashJoinExec, n_threads: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    // A null-aware join depends on its sides.
    if join.null_aware {
        return Ok(None);
    }
    let turns = match join.join_type() {
        // In the order of both nothing is held, and what keeps the order of its rows needs no sort behind it.
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti if may_merge(join)? => true,
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti if may_merge(join)? => false,
        kind => kind.supports_swap() && is_larger(join.left(), join.right()),
    };
    let held = if turns { join.right() } else { join.left() };
    let mode = if rows_of(held.as_ref()) <= COLLECTED_ROWS || n_threads == 1 {
        PartitionMode::CollectLeft
    } else {
        PartitionMode::Partitioned
    };
    if turns {
        return join.swap_inputs(mode).map(Some);
    }
    let join = join.builder().with_partition_mode(mode).build()?;
    Ok(Some(Arc::new(join)))
}

fn is_larger(left: &Arc<dyn ExecutionPlan>, right: &Arc<dyn ExecutionPlan>) -> bool {
    held_bytes(left.as_ref()) > held_bytes(right.as_ref())
}

/// Bytes that a side takes in memory: its rows, and their places in the table that finds them.
fn held_bytes(plan: &dyn ExecutionPlan) -> usize {
    let schema = plan.schema();
    let widths = schema.fields().iter().map(|field| width(field.data_type()));
    rows_of(plan).saturating_mul(widths.sum::<usize>() + FOUND_BYTES)
}

/// Bytes of a value, of texts and lists as they usually are here: keys and codes.
fn width(data_type: &ArrowType) -> usize {
    let fixed = data_type.primitive_width();
    fixed.unwrap_or(match data_type {
        ArrowType::Boolean | ArrowType::Null => 1,
        _ => 16,
    })
}

/// For joins that compare all with all, whose inputs are often aggregates much smaller than their files: the engine's
/// own estimate, where it has one for both.
fn is_estimated_larger(left: &Arc<dyn ExecutionPlan>, right: &Arc<dyn ExecutionPlan>) -> bool {
    let estimate = |plan: &Arc<dyn ExecutionPlan>| {
        let known = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
        let known = known.ok()?;
        let bytes = known.total_byte_size.get_value().copied();
        Some((bytes, known.num_rows.get_value().copied()))
    };
    match (estimate(left), estimate(right)) {
        (Some((Some(left), _)), Some((Some(right), _)))
        | (Some((None, Some(left))), Some((_, Some(right))))
        | (Some((_, Some(left))), Some((None, Some(right)))) => left > right,
        _ => is_larger(left, right),
    }
}

/// Rows that a plan may give, as far as its files tell: those of its largest input, or of the one that is kept whole,
/// whose rows look something up.
pub(super) fn rows_of(plan: &dyn ExecutionPlan) -> usize {
    let children = plan.children();
    if children.is_empty() {
        let known = StatisticsContext::new().compute(plan, &StatisticsArgs::new());
        return match known.map(|known| known.num_rows) {
            Ok(Precision::Exact(rows) | Precision::Inexact(rows)) => rows,
            _ => 1,
        };
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        match join.join_type() {
            JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti => {
                return rows_of(join.left().as_ref());
            }
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti => {
                return rows_of(join.right().as_ref());
            }
            _ => {}
        }
    }
    let of_children = children.iter().map(|child| rows_of(child.as_ref()));
    if plan.downcast_ref::<UnionExec>().is_some() {
        of_children.sum()
    } else {
        of_children.max().unwrap_or(1)
    }
}
