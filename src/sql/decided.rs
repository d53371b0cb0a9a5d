//! Forgets which columns the engine takes for decided by others.
//!
//! Of a group the engine notes that its key is unique and decides the other columns. It goes on believing that where it is
//! no longer true: above lists that are unrolled, and above a group by more columns of rows that were joined to such a
//! group. Then it leaves columns out of orders and groups, or a `distinct` away, and the result is wrong without a word.
//! Nothing of salenet needs that knowledge, so it is taken away: from whatever a query reads (`Forgetful`), and before
//! each of the engine's rules that would use it (`rules`).

use std::cell::Cell;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, FunctionalDependencies, Result};
use datafusion::logical_expr::expr::Expr;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{Distinct, LogicalPlan, Projection};
use datafusion::optimizer::optimizer::Optimizer;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::sql::sqlparser::ast::TableFactor;

use super::prefixes::Prefixes;
use super::qualify::Qualify;

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// The engine's rules that look at what decides what.
const BELIEVERS: [&str; 4] = [
    "eliminate_duplicated_expr",
    "replace_distinct_aggregate",
    "eliminate_join",
    "optimize_projections",
];

/// The engine's own rules, none of which finds a column that is decided by others, or one whose table is not named; and
/// once conditions stand where rows are read, without the prefix of a key.
pub(super) fn rules() -> Vec<Rule> {
    let forget: Rule = Arc::new(Forget);
    let mut rules: Vec<Rule> = vec![Arc::new(Qualify)];
    for rule in Optimizer::new().rules {
        if BELIEVERS.contains(&rule.name()) {
            rules.push(Arc::clone(&forget));
        }
        let pushes_conditions = rule.name() == "push_down_filter";
        rules.push(rule);
        if pushes_conditions {
            rules.push(Arc::new(Prefixes));
        }
    }
    rules
}

#[derive(Debug)]
struct Forget;

impl OptimizerRule for Forget {
    fn name(&self) -> &'static str {
        "forget"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        // Most plans have nothing to forget by now, and to look costs less than to rebuild.
        let mut believes = false;
        plan.apply_with_subqueries(|node| {
            believes = !node.schema().functional_dependencies().is_empty();
            Ok(if believes {
                TreeNodeRecursion::Stop
            } else {
                TreeNodeRecursion::Continue
            })
        })?;
        if believes {
            plan.transform_up_with_subqueries(forget)
        } else {
            Ok(Transformed::no(plan))
        }
    }
}

fn forget(mut plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = match &mut plan {
        LogicalPlan::Projection(node) => &mut node.schema,
        LogicalPlan::Aggregate(node) => &mut node.schema,
        LogicalPlan::Window(node) => &mut node.schema,
        LogicalPlan::Join(node) => &mut node.schema,
        LogicalPlan::SubqueryAlias(node) => &mut node.schema,
        LogicalPlan::Unnest(node) => &mut node.schema,
        LogicalPlan::Union(node) => &mut node.schema,
        LogicalPlan::TableScan(node) => &mut node.projected_schema,
        LogicalPlan::Distinct(Distinct::On(node)) => &mut node.schema,
        // All others show the schema of what they read.
        _ => return Ok(Transformed::no(plan)),
    };
    let Some(without) = without_beliefs(schema)? else {
        return Ok(Transformed::no(plan));
    };
    *schema = without;
    Ok(Transformed::yes(plan))
}

fn without_beliefs(schema: &DFSchema) -> Result<Option<DFSchemaRef>> {
    if schema.functional_dependencies().is_empty() {
        return Ok(None);
    }
    let none = FunctionalDependencies::empty();
    let without = schema.clone().with_functional_dependencies(none)?;
    Ok(Some(Arc::new(without)))
}

/// Plans tables and queries in brackets as the engine does, and shows nothing of what decides what in them.
#[derive(Debug)]
pub(super) struct Forgetful;

thread_local! {
    /// Whether the engine itself is to plan the relation that comes next.
    static IS_ENGINES: Cell<bool> = const { Cell::new(false) };
}

impl RelationPlanner for Forgetful {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if IS_ENGINES.replace(false) {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        IS_ENGINES.set(true);
        let planned = context.plan(relation);
        IS_ENGINES.set(false);
        let mut plan = planned?;
        if let Some(schema) = without_beliefs(plan.schema())? {
            let columns = schema.columns().into_iter().map(Expr::Column).collect();
            let shown = Projection::try_new_with_schema(columns, Arc::new(plan), schema)?;
            plan = LogicalPlan::Projection(shown);
        }
        let planned = PlannedRelation::new(plan, None);
        Ok(RelationPlanning::Planned(Box::new(planned)))
    }
}
