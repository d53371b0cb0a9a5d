//! Makes a large table by month a few months at a time.
//!
//! Thirteen months of a large bank do not fit into memory at once, and what groups and sorts spill costs more than to
//! read the smaller tables again. The ranges of months cover every row, whatever months there are. Each runs the whole
//! query, so one that chooses among the rows of several months must not leave the choice between equals open.

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableScan};
use datafusion::prelude::{Expr, col, lit};

use super::result::Plan;
use super::{Bindings, Cell, Session, SqlError};
use crate::domain::TableName;

/// Stored bytes that one query reads, about; a gibibyte and a half of memory for the widest models.
pub const BYTES_AT_ONCE: u64 = 96 << 20;

impl Session {
    /// The plan once for each range of months, by the months of the table `months`; `bytes_at_once` decides how many.
    /// A range without an end has the rows without a month too.
    pub fn cut_by_months(
        &self,
        plan: &Plan,
        months: &TableName,
        bytes_at_once: u64,
    ) -> Result<Vec<Plan>, SqlError> {
        let n_ranges = stored_bytes(&plan.logical)
            .map_err(|error| SqlError::planning(&error))?
            .div_ceil(bytes_at_once);
        if n_ranges <= 1 {
            return Ok(vec![plan.clone()]);
        }
        let months = self.months_of(months)?;
        let n_ranges = usize::try_from(n_ranges).unwrap_or(usize::MAX);
        // Without any month there is still one range.
        let n_ranges = n_ranges.min(months.len()).max(1);
        let starts: Vec<&String> = (1..n_ranges)
            .map(|range| &months[range * months.len() / n_ranges])
            .collect();
        let ranges = (0..n_ranges).map(|range| {
            let from = range.checked_sub(1).map(|before| starts[before]);
            within(&plan.logical, from, starts.get(range).copied())
        });
        ranges
            .collect::<Result<_>>()
            .map_err(|error| SqlError::planning(&error))
    }

    fn months_of(&self, table: &TableName) -> Result<Vec<String>, SqlError> {
        let sql =
            format!("select distinct month from {table} where month is not null order by month");
        let rows = self.query(&sql, &Bindings::default())?.rows()?;
        Ok(rows.iter().flatten().map(Cell::to_text).collect())
    }
}

/// The rows from one month up to another, which is not among them.
fn within(plan: &LogicalPlan, from: Option<&String>, to: Option<&String>) -> Result<Plan> {
    let starts = from.map(|month| col("month").gt_eq(lit(month)));
    let ends = to.map(|month| col("month").lt(lit(month)));
    let range = match (starts, ends) {
        (Some(starts), Some(ends)) => starts.and(ends),
        (None, Some(ends)) => ends,
        (Some(starts), None) => starts.or(col("month").is_null()),
        (None, None) => Expr::is_true(lit(true)),
    };
    let logical = LogicalPlanBuilder::from(plan.clone())
        .filter(range)?
        .build()?;
    Ok(Plan { logical })
}

/// Size of the files that the plan reads; a table that is read twice counts twice.
fn stored_bytes(plan: &LogicalPlan) -> Result<u64> {
    let mut bytes = 0;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            bytes += bytes_of(scan)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(bytes)
}

fn bytes_of(scan: &TableScan) -> Result<u64> {
    let provider = source_as_provider(&scan.source)?;
    if let Some(view) = provider.get_logical_plan() {
        return stored_bytes(&view);
    }
    let files = provider.downcast_ref::<ListingTable>();
    let files = files.into_iter().flat_map(ListingTable::table_paths);
    let sizes = files.map(|url| {
        let path = url.get_url().to_file_path().ok()?;
        Some(std::fs::metadata(path).ok()?.len())
    });
    // A file that is not there is the reader's to report.
    Ok(sizes.flatten().sum())
}
