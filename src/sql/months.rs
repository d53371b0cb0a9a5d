//! Makes a large table by month a few months at a time.
//!
//! Thirteen months of a large bank do not fit into memory at once, and what groups and sorts spill costs more than to
//! read the smaller tables again. The ranges of months cover every row, whatever months there are. Each runs the whole
//! query, so one that chooses among the rows of several months must not leave the choice between equals open.

use std::fs::File;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableScan};
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::prelude::{Expr, col, lit};
use rayon::prelude::*;

use super::result::Plan;
use super::write::Partitioning;
use super::{Bindings, Cell, Session, SqlError};
use crate::domain::TableName;
use crate::store::{TableEntry, Warehouse};

/// What one query reads at once, about: then the widest models and those of the most rows hold a gibibyte or two.
pub const AT_ONCE: Stored = Stored {
    bytes: 96 << 20,
    rows: 16 << 20,
};

/// How much stands in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    pub bytes: u64,
    pub rows: u64,
}

impl Session {
    /// The plan once for each range of months, by the months of the table `months`; `at_once` decides how many.
    /// A range without an end has the rows without a month too.
    pub fn cut_by_months(
        &self,
        plan: &Plan,
        months: &TableName,
        at_once: Stored,
    ) -> Result<Vec<Plan>, SqlError> {
        let read = stored(&plan.logical).map_err(|error| SqlError::planning(&error))?;
        let by_bytes = read.bytes.div_ceil(at_once.bytes);
        let n_ranges = by_bytes.max(read.rows.div_ceil(at_once.rows));
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

    /// Runs the plans of all ranges and writes their rows as the files of one table, in the order of the ranges: side by
    /// side, by the threads of the present pool that have nothing else to do.
    pub fn write_ranges(
        &self,
        ranges: &[Plan],
        sorted_by: &[String],
        partitioning: &Partitioning,
        warehouse: &Warehouse,
        table: &TableName,
    ) -> Result<TableEntry, SqlError> {
        // A thread that takes up a range helps with it alone.
        let written = ranges
            .par_iter()
            .with_max_len(1)
            .map(|range| self.write_table(range, sorted_by, partitioning, warehouse, table));
        // Collected before the first failure is looked for: it is always the same one.
        let written: Vec<Result<TableEntry, SqlError>> = written.collect();
        let mut whole = TableEntry::default();
        for written in written {
            let TableEntry {
                columns,
                sorted_by,
                files,
            } = written?;
            whole.columns = columns;
            whole.sorted_by = sorted_by;
            whole.files.extend(files);
        }
        Ok(whole)
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

/// What the files of a plan hold; a table that is read twice counts twice.
fn stored(plan: &LogicalPlan) -> Result<Stored> {
    let mut sum = Stored::default();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let scanned = scanned(scan)?;
            sum.bytes += scanned.bytes;
            sum.rows += scanned.rows;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(sum)
}

fn scanned(scan: &TableScan) -> Result<Stored> {
    let provider = source_as_provider(&scan.source)?;
    if let Some(view) = provider.get_logical_plan() {
        return stored(&view);
    }
    let files = provider.downcast_ref::<ListingTable>();
    let files = files.into_iter().flat_map(ListingTable::table_paths);
    // A file that cannot be read is the reader's to report.
    let files = files.filter_map(|url| {
        let file = File::open(url.get_url().to_file_path().ok()?).ok()?;
        let bytes = file.metadata().ok()?.len();
        let reader = SerializedFileReader::new(file).ok()?;
        let rows = reader.metadata().file_metadata().num_rows();
        Some((bytes, u64::try_from(rows).ok()?))
    });
    let mut sum = Stored::default();
    for (bytes, rows) in files {
        sum.bytes += bytes;
        sum.rows += rows;
    }
    Ok(sum)
}
