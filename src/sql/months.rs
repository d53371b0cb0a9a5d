//! Makes a large table by month a few months at a time, or one range of keys after another.
//!
//! Thirteen months of a large bank do not fit into memory at once, and what groups and sorts spill costs more than to
//! read the smaller tables again; what fits into the processor's caches is also grouped and sorted faster. The ranges
//! cover every row, whatever months and keys there are. Each runs the whole query, so one that chooses among the rows of
//! several months or keys must not leave the choice between equals open.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableScan};
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::prelude::{DataFrame, Expr, ident, lit};
use futures::StreamExt;
use rayon::prelude::*;

use super::result::Plan;
use super::write::Partitioning;
use super::{Bindings, Cell, Session, SqlError};
use crate::domain::TableName;
use crate::store::{TableEntry, Warehouse};

/// What one query reads at once, about: then the widest models and those of the most rows hold some hundred mebibytes.
pub const AT_ONCE: Stored = Stored {
    bytes: 24 << 20,
    rows: 4 << 20,
};

/// Months that are made in parts at once: each has a file that stays open, and some ten mebibytes of rows.
const MONTHS_IN_PARTS: usize = 4;

/// How much stands in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    pub bytes: u64,
    pub rows: u64,
}

/// What a large table by month is cut by.
#[derive(Debug, Clone, Copy)]
pub struct Cuts<'a> {
    /// The table that names the months.
    pub months: &'a TableName,
    /// A table that has all keys, or most of them, and the column of the keys: the first after the month in the order
    /// of the table that is made.
    pub keys: Option<(&'a TableName, &'a str)>,
}

impl Session {
    /// The plan once for each range of months, by the months of the table that names them; `at_once` decides how many.
    /// With keys there are few ranges of months, each of several plans, to be run one after the other.
    pub fn cut_by_months(
        &self,
        plan: &Plan,
        cuts: &Cuts<'_>,
        at_once: Stored,
    ) -> Result<Vec<Vec<Plan>>, SqlError> {
        let read = read_by(&plan.logical).map_err(|error| SqlError::planning(&error))?;
        let by_bytes = read.stored.bytes.div_ceil(at_once.bytes);
        let n_pieces = by_bytes.max(read.stored.rows.div_ceil(at_once.rows));
        if n_pieces <= 1 {
            return Ok(vec![vec![plan.clone()]]);
        }
        let n_pieces = usize::try_from(n_pieces).unwrap_or(usize::MAX);
        let months = self.months_of(cuts.months)?;
        let Some((table, column)) = cuts.keys else {
            return ranges(&plan.logical, &months, n_pieces, None)
                .map_err(|error| SqlError::planning(&error));
        };
        // A night that makes one month reads a few rows of the others, and pays for its share only.
        let n_stored = read.months.len().max(months.len()).max(1);
        let n_pieces = n_pieces.saturating_mul(months.len()).div_ceil(n_stored);
        // A range of keys is found where it is stored in most tables, a month in some: no more ranges of months than it
        // takes for all threads, and for few open files each.
        let n_ranges = rayon::current_num_threads()
            .min(n_pieces)
            .max(months.len().div_ceil(MONTHS_IN_PARTS))
            .min(months.len())
            .max(1);
        let keys = self.keys_of(table, column, n_pieces.div_ceil(n_ranges))?;
        ranges(&plan.logical, &months, n_ranges, Some((column, &keys)))
            .map_err(|error| SqlError::planning(&error))
    }

    /// Runs the plans of all ranges and writes their rows as the files of one table: ranges side by side, by the threads
    /// of the present pool that have nothing else to do.
    pub fn write_ranges(
        &self,
        ranges: &[Vec<Plan>],
        sorted_by: &[String],
        partitioning: &Partitioning,
        warehouse: &Warehouse,
        table: &TableName,
    ) -> Result<TableEntry, SqlError> {
        // A thread that takes up a range helps with it alone.
        let written = ranges
            .par_iter()
            .with_max_len(1)
            .map(|range| self.write_in_turn(range, sorted_by, partitioning, warehouse, table));
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
        if *partitioning == Partitioning::Month {
            whole
                .files
                .sort_by(|one, other| one.partition.cmp(&other.partition));
        }
        Ok(whole)
    }

    fn months_of(&self, table: &TableName) -> Result<Vec<String>, SqlError> {
        let sql =
            format!("select distinct month from {table} where month is not null order by month");
        let rows = self.query(&sql, &Bindings::default())?.rows()?;
        Ok(rows.iter().flatten().map(Cell::to_text).collect())
    }

    /// Where ranges of about as many keys each begin, but for the first.
    fn keys_of(
        &self,
        table: &TableName,
        column: &str,
        n_ranges: usize,
    ) -> Result<Vec<ScalarValue>, SqlError> {
        let column = format!("\"{column}\"");
        let some = format!("from {table} where {column} is not null");
        let none = Bindings::default();
        let n_keys = self.query_count(&format!("select count(*) {some}"), &none)?;
        let n_keys = usize::try_from(n_keys.unwrap_or(0)).unwrap_or(0);
        let mut starts = (1..n_ranges).map(|range| range * n_keys / n_ranges);
        let sql = format!("select {column} {some} order by {column}");
        let plan = self.plan(&sql, &none)?;
        let mut rows = self.stream(DataFrame::new(self.context.state(), plan.logical))?;
        let (mut keys, mut n_seen, mut next) = (Vec::new(), 0, starts.next());
        while let Some(batch) = self.runtime.block_on(rows.next()) {
            let batch = batch.map_err(|error| SqlError::execution(&error))?;
            while let Some(start) = next.filter(|start| *start < n_seen + batch.num_rows()) {
                let key = ScalarValue::try_from_array(batch.column(0), start - n_seen);
                keys.push(key.map_err(|error| SqlError::execution(&error))?);
                next = starts.next();
            }
            n_seen += batch.num_rows();
        }
        // Fewer keys than ranges, or one that many rows have.
        keys.dedup();
        Ok(keys)
    }
}

/// As many ranges of months as wanted, if there are as many months; each in parts by the keys that bound them.
fn ranges(
    plan: &LogicalPlan,
    months: &[String],
    n_wanted: usize,
    keys: Option<(&str, &[ScalarValue])>,
) -> Result<Vec<Vec<Plan>>> {
    // Without any month there is still one range.
    let n_ranges = n_wanted.min(months.len()).max(1);
    let starts: Vec<&String> = (1..n_ranges)
        .map(|range| &months[range * months.len() / n_ranges])
        .collect();
    let ranges = (0..n_ranges).map(|range| {
        let from = range.checked_sub(1).map(|before| starts[before]);
        // One without an end has the rows without a month too.
        let (month, to) = (ident("month"), starts.get(range).copied());
        let rows = match (from, to) {
            (Some(from), Some(to)) => month.clone().gt_eq(lit(from)).and(month.lt(lit(to))),
            (None, Some(to)) => month.lt(lit(to)),
            (Some(from), None) => month.clone().gt_eq(lit(from)).or(month.is_null()),
            (None, None) => Expr::is_true(lit(true)),
        };
        let (column, bounds) = keys.unwrap_or_default();
        let parts = (0..=bounds.len()).map(|part| {
            let from = part.checked_sub(1).map(|before| bounds[before].clone());
            let (key, to) = (ident(column), bounds.get(part).cloned());
            // Rows without a key stand first.
            let part = match (from, to) {
                (Some(from), Some(to)) => key.clone().gt_eq(lit(from)).and(key.lt(lit(to))),
                (None, Some(to)) => key.clone().lt(lit(to)).or(key.is_null()),
                (Some(from), None) => key.gt_eq(lit(from)),
                (None, None) => return only(plan, rows.clone()),
            };
            only(plan, rows.clone().and(part))
        });
        parts.collect()
    });
    ranges.collect()
}

fn only(plan: &LogicalPlan, rows: Expr) -> Result<Plan> {
    let logical = LogicalPlanBuilder::from(plan.clone())
        .filter(rows)?
        .build()?;
    Ok(Plan { logical })
}

/// What the files of a plan hold; a table that is read twice counts twice.
#[derive(Debug, Default)]
struct Read {
    stored: Stored,
    /// Of tables by month, as their files are named.
    months: BTreeSet<String>,
}

fn read_by(plan: &LogicalPlan) -> Result<Read> {
    let mut read = Read::default();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            read.add(scan)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(read)
}

impl Read {
    fn add(&mut self, scan: &TableScan) -> Result<()> {
        let provider = source_as_provider(&scan.source)?;
        if let Some(view) = provider.get_logical_plan() {
            let Self { stored, months } = read_by(&view)?;
            self.stored.bytes += stored.bytes;
            self.stored.rows += stored.rows;
            self.months.extend(months);
            return Ok(());
        }
        let files = provider.downcast_ref::<ListingTable>();
        for url in files.into_iter().flat_map(ListingTable::table_paths) {
            let month = url.get_url().path().split('/');
            let month = month.filter_map(|part| part.strip_prefix("month="));
            self.months.extend(month.map(str::to_owned));
            // A file that cannot be read is the reader's to report.
            if let Some((bytes, rows)) = url.get_url().to_file_path().ok().and_then(held) {
                self.stored.bytes += bytes;
                self.stored.rows += rows;
            }
        }
        Ok(())
    }
}

/// Bytes and rows of a Parquet file.
fn held(path: PathBuf) -> Option<(u64, u64)> {
    let file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let reader = SerializedFileReader::new(file).ok()?;
    let rows = reader.metadata().file_metadata().num_rows();
    Some((bytes, u64::try_from(rows).ok()?))
}
