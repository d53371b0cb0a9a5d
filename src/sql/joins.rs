//! Which side of a hash join is held in memory: the smaller one, also where the engine has no statistics.
//!
//! After a join the engine knows no row counts, keeps the sides of the next join as they are written, and so collects a
//! fact table to look up a dimension. This rule compares what the files below each side hold instead.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::union::UnionExec;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// A side above this is spread over all threads instead of being collected by each.
const COLLECTED_ROWS: usize = 1 << 17;

/// The engine's own rules with this one behind its choice of joins.
pub(super) fn optimizer_rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for rule in PhysicalOptimizer::new().rules {
        let chooses_joins = rule.name() == "join_selection";
        rules.push(rule);
        if chooses_joins {
            rules.push(Arc::new(SmallerSideInMemory));
        }
    }
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
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            match better_sides(join, n_threads)? {
                Some(better) => Ok(Transformed::yes(better)),
                None => Ok(Transformed::no(node)),
            }
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

fn better_sides(join: &HashJoinExec, n_threads: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let may_swap = matches!(
        join.join_type(),
        JoinType::Inner
            | JoinType::Left
            | JoinType::Right
            | JoinType::LeftSemi
            | JoinType::LeftAnti
    );
    if !may_swap || join.null_aware {
        return Ok(None);
    }
    // Where the engine knows both, it has chosen already; a join that is turned twice has been seen to lose the filter
    // above it.
    if known_rows(join.left().as_ref()).is_some() && known_rows(join.right().as_ref()).is_some() {
        return Ok(None);
    }
    let (left, right) = (rows(join.left().as_ref()), rows(join.right().as_ref()));
    if right >= left {
        return Ok(None);
    }
    let mode = if right <= COLLECTED_ROWS || n_threads == 1 {
        PartitionMode::CollectLeft
    } else {
        PartitionMode::Partitioned
    };
    join.swap_inputs(mode).map(Some)
}

fn known_rows(plan: &dyn ExecutionPlan) -> Option<usize> {
    let known = StatisticsContext::new().compute(plan, &StatisticsArgs::new());
    match known.map(|known| known.num_rows) {
        Ok(Precision::Exact(rows) | Precision::Inexact(rows)) => Some(rows),
        _ => None,
    }
}

/// Rows that a plan may give, as far as its files tell: those of its largest input.
fn rows(plan: &dyn ExecutionPlan) -> usize {
    let children = plan.children();
    if children.is_empty() {
        return known_rows(plan).unwrap_or(1);
    }
    let of_children = children.iter().map(|child| rows(child.as_ref()));
    if plan.downcast_ref::<UnionExec>().is_some() {
        of_children.sum()
    } else {
        of_children.max().unwrap_or(1)
    }
}
