//! The engine's sort-merge join, by which queries are joined that fit into memory in no other way (`room`).
//!
//! Four things go wrong with it. It tells of an order that its rows do not have: behind that of one side the order of the
//! other (see `order`), and where it has a filter, rows of one batch may come before those of the batch before
//! (<https://github.com/apache/datafusion/pull/24573>). A projection that is pushed below it takes away or moves columns
//! that its filter asks for (<https://github.com/apache/datafusion/issues/24414>). And the filter sees rows that found no
//! partner, whose columns are null, under a schema that says they never are, and the query fails
//! (<https://github.com/apache/datafusion/issues/21197> tells of one kind of join, and it is so with others).

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::SortMergeJoinExec;
use datafusion::physical_plan::joins::utils::JoinFilter;

use super::order::OrderUntold;

/// Lets every column that a filter sees be null. What is made of the rows does not rely on their order, and asks for all of
/// their columns.
#[derive(Debug)]
pub(super) struct SortedJoinsUntold;

impl PhysicalOptimizerRule for SortedJoinsUntold {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<SortMergeJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            let join = SortMergeJoinExec::try_new(
                Arc::clone(join.left()),
                Arc::clone(join.right()),
                join.on().to_vec(),
                join.filter().as_ref().map(seeing_nulls),
                join.join_type(),
                join.sort_options().to_vec(),
                join.null_equality(),
            )?;
            let untold: Arc<dyn ExecutionPlan> = Arc::new(OrderUntold::new(Arc::new(join)));
            Ok(Transformed::yes(untold))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "sorted_joins_untold"
    }

    fn schema_check(&self) -> bool {
        true
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
    use crate::sql::stored_for_tests::session;

    /// Half of the rows of each side find none of the other, and of those that do some are filtered out.
    const ROWS: &str = "with one as (
        select id, row_number() over (order by id) <= 5 as is_first
        from (select unnest(generate_series(1, 10)) as id) as ids
    ),
    other as (
        select id, row_number() over (order by id) > 2 as is_last
        from (select unnest(generate_series(3, 14)) as id) as ids
    )";

    /// The rows of a query, by the joins that hold a side and by those that sort both.
    fn found(sql: &str) -> [String; 2] {
        let folder = tempfile::tempdir().unwrap();
        let session = session(None, folder.path(), &[]);
        [false, true].map(|sorts| {
            let mut room = session.room();
            if sorts {
                room = session.larger(room).unwrap();
            }
            let ran = session.run_by(&session.state_in(&room), sql).unwrap();
            assert_eq!(
                ran.shown.contains("SortMergeJoin"),
                sorts,
                "{sql}\n{}",
                ran.shown
            );
            ran.rows
        })
    }

    #[test]
    fn sorted_sides_are_joined_as_hashed_ones_whatever_the_filter_says_is_never_null() {
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
            let [hashed, sorted] = found(&sql);
            assert_eq!(hashed, sorted, "{query}");
        }
    }

    /// Many rows, of which the filter keeps few at first and then all.
    #[test]
    fn what_reads_a_sorted_join_with_a_filter_finds_its_rows_in_order() {
        let rows = "with one as (select unnest(generate_series(1, 40000)) as id),
            other as (
                select id, unnest(case when id <= 9000 then make_array(1, 2, 3, 4, 5) else make_array(1) end) as place
                from one
            ),
            joined as (
                select one.id, other.place
                from one
                left join other on other.id = one.id and other.place <= 1 + one.id % 2
            )";
        for query in [
            "select count(*), sum(joined.id), sum(joined.place) from joined \
             join one on one.id = joined.id",
            "select count(*), sum(n) from (select id, count(*) as n from joined group by id) as counted",
            "select sum(id * rank) from (select id, row_number() over (order by id, place) as rank \
             from joined) as ranked",
        ] {
            let [hashed, sorted] = found(&format!("{rows} {query}"));
            assert_eq!(hashed, sorted, "{query}");
        }
    }
}
