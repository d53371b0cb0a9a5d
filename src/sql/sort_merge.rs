//! The engine's sort-merge join, by which queries are joined that fit into memory in no other way (`room`).
//!
//! Where it has a filter, two things go wrong. The filter sees rows that found no partner, whose columns are null, under
//! a schema that says they never are, and the query fails: <https://github.com/apache/datafusion/issues/21197> tells of
//! one kind of join, and it is so with others. And a projection that is pushed below it takes away or moves the columns
//! that the filter asks for: <https://github.com/apache/datafusion/issues/24414>.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::SortMergeJoinExec;
use datafusion::physical_plan::joins::utils::JoinFilter;

/// Lets every column that a filter sees be null.
#[derive(Debug)]
pub(super) struct FiltersSeeNulls;

impl PhysicalOptimizerRule for FiltersSeeNulls {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<SortMergeJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            let Some(filter) = join.filter() else {
                return Ok(Transformed::no(node));
            };
            let join = SortMergeJoinExec::try_new(
                Arc::clone(join.left()),
                Arc::clone(join.right()),
                join.on().to_vec(),
                Some(seeing_nulls(filter)),
                join.join_type(),
                join.sort_options().to_vec(),
                join.null_equality(),
            )?;
            let join: Arc<dyn ExecutionPlan> = Arc::new(join);
            Ok(Transformed::yes(join))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "filters_see_nulls"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Leaves projections where they are in a plan with such a join.
#[derive(Debug)]
pub(super) struct ProjectionsAbove(pub Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for ProjectionsAbove {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let is_filtered = plan.exists(|node| {
            let join = node.downcast_ref::<SortMergeJoinExec>();
            Ok(join.is_some_and(|join| join.filter().is_some()))
        })?;
        if is_filtered {
            Ok(plan)
        } else {
            self.0.optimize(plan, config)
        }
    }

    fn name(&self) -> &'static str {
        "projections_above"
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn seeing_nulls(filter: &JoinFilter) -> JoinFilter {
    let fields = filter.schema().fields().iter();
    let fields = fields.map(|field| Field::clone(field).with_nullable(true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
    let columns = filter.column_indices().to_vec();
    JoinFilter::new(Arc::clone(filter.expression()), columns, schema)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::physical_plan::{collect, displayable};

    use crate::sql::{Bindings, Session, SessionOptions};

    /// Half of the rows of each side find none of the other, and of those that do some are filtered out.
    const ROWS: &str = "with one as (
        select id, row_number() over (order by id) <= 5 as is_first
        from (select unnest(generate_series(1, 10)) as id) as ids
    ),
    other as (
        select id, row_number() over (order by id) > 2 as is_last
        from (select unnest(generate_series(3, 14)) as id) as ids
    )";

    #[test]
    fn sorted_sides_are_joined_as_hashed_ones_whatever_the_filter_says_is_never_null() {
        let session = Session::try_new(&SessionOptions {
            threads: NonZeroUsize::MIN,
            parts: NonZeroUsize::MIN,
            memory: None,
            spill_folder: None,
        })
        .unwrap();
        let condition = "other.id = one.id and (other.is_last or not one.is_first)";
        let exists = format!("exists (select 1 from other where {condition})");
        let queries = [
            format!("select one.id, other.id from one left join other on {condition}"),
            format!("select one.id, other.id from one right join other on {condition}"),
            format!("select one.id, other.id from one full join other on {condition}"),
            format!("select one.id, other.id from one join other on {condition}"),
            format!("select one.id, 0 from one where {exists}"),
            format!("select one.id, 0 from one where not {exists}"),
            format!("select one.id, 0 from one where one.id = 1 or {exists}"),
        ];
        for query in queries {
            let sql =
                format!("{ROWS} select * from ({query}) as found (one, other) order by one, other");
            let plan = session.plan(&sql, &Bindings::default()).unwrap().logical;
            let found = [false, true].map(|sorts| {
                let room = session.room();
                let room = if sorts {
                    session.larger(room).unwrap()
                } else {
                    room
                };
                let state = session.state_in(&room);
                let physical = session.runtime.block_on(state.create_physical_plan(&plan));
                let physical = physical.unwrap();
                let shown = displayable(physical.as_ref()).indent(false).to_string();
                assert_eq!(shown.contains("SortMergeJoin"), sorts, "{query}\n{shown}");
                let rows = session
                    .runtime
                    .block_on(collect(physical, state.task_ctx()));
                pretty_format_batches(&rows.unwrap()).unwrap().to_string()
            });
            assert_eq!(found[0], found[1], "{query}");
        }
    }
}
