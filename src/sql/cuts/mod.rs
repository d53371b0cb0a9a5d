//! Makes a large table a few months at a time, or one range of keys after another.
//!
//! Thirteen months of a large bank do not fit into memory at once, and what groups and sorts spill costs more than to
//! read the smaller tables again; what fits into the processor's caches is also grouped and sorted faster. The ranges
//! cover every row, whatever months and keys there are. Each runs the whole query, so one that chooses among the rows of
//! several months or keys must not leave the choice between equals open.

mod reads;

use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::common::{Result, ScalarValue};
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::{DataFrame, Expr, ident, lit};
use futures::StreamExt;
use rayon::prelude::*;

use self::reads::{Read, read_by, rows_looked_at};
use super::result::Plan;
use super::write::{Partitioning, Written};
use super::{Bindings, Cell, Session, SqlError};
use crate::domain::TableName;
use crate::store::{TableEntry, Warehouse};

/// What one query reads at once, about: then the widest models and those of the most rows hold some hundred mebibytes.
pub const AT_ONCE: Stored = Stored {
    bytes: 24 << 20,
    rows: 4 << 20,
};

/// What groups, sorts and windows hold of every row that is read, as far as it fits into memory.
const BYTES_HELD: usize = 512;

/// A month that is made in parts has a file that stays open, with some ten mebibytes of rows.
const OPEN_FILE_BYTES: usize = 16 << 20;

/// Months that are made in parts at once by one thread: so many within any memory, and no more with much.
const MONTHS_IN_PARTS: RangeInclusive<usize> = 4..=16;

/// How many times the rows may be looked at that a query reads, when it runs by ranges of keys. Each looks at a row group
/// too many of every table; where files do not stand in the order of the keys, each looks at all.
const TIMES_LOOKED_AT: u64 = 4;

/// Ranges of which that is found out, about.
const RANGES_LOOKED_AT: usize = 8;

/// How much stands in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    pub bytes: u64,
    pub rows: u64,
}

impl Stored {
    /// What so many of the rows take.
    fn share(self, rows: u64) -> Self {
        let bytes = u128::from(self.bytes) * u128::from(rows) / u128::from(self.rows.max(1));
        Self {
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            rows,
        }
    }
}

fn pieces_of(read: Stored, at_once: Stored) -> u64 {
    let by_bytes = read.bytes.div_ceil(at_once.bytes.max(1));
    by_bytes.max(read.rows.div_ceil(at_once.rows))
}

/// What a large table is cut by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cuts<'a> {
    /// Of a table by month: the table that names the months.
    pub months: Option<&'a TableName>,
    /// A table that has all keys, or most of them, and the column of the keys: the first in the order of the table that
    /// is made, after the month of a table by month.
    pub keys: Option<(&'a TableName, &'a str)>,
}

impl Cuts<'_> {
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.months.is_none() && self.keys.is_none()
    }
}

impl Session {
    /// The plan once for each range of months, by the months of the table that names them; `at_once` decides how many, or
    /// the memory that one thread has, where that is less.
    /// With keys there are few ranges of months, each of several plans, to be run one after the other. A table that has
    /// more rows than its query reads counts as many as it has: one for each month and key.
    pub fn cut(
        &self,
        plan: &Plan,
        cuts: &Cuts<'_>,
        at_once: Stored,
    ) -> Result<Vec<Vec<Plan>>, SqlError> {
        let planning = |error| SqlError::planning(&error);
        let most = at_once;
        let mut at_once = self.within_share(most);
        let read = read_by(&plan.logical).map_err(planning)?;
        let n_pieces = pieces_of(read.stored, at_once);
        if n_pieces <= 1 && cuts.keys.is_none() {
            return Ok(vec![vec![plan.clone()]]);
        }
        let months = match cuts.months {
            Some(months) => self.months_of(months)?,
            None => Vec::new(),
        };
        if let Some(keys) = cuts.keys {
            loop {
                if let Some(ranges) = self.cut_by_keys(plan, &months, keys, &read, at_once)? {
                    return Ok(ranges);
                }
                if at_once.rows >= most.rows {
                    break;
                }
                // Of larger ones there are fewer, which look at fewer rows too many.
                at_once = most.share(most.rows.min(at_once.rows.saturating_mul(2)));
            }
        }
        let n_pieces = usize::try_from(n_pieces).unwrap_or(usize::MAX);
        ranges(&plan.logical, &months, n_pieces, None).map_err(planning)
    }

    /// Nothing where each range of keys would be looked for in all rows.
    fn cut_by_keys(
        &self,
        plan: &Plan,
        months: &[String],
        (table, column): (&TableName, &str),
        read: &Read,
        at_once: Stored,
    ) -> Result<Option<Vec<Vec<Plan>>>, SqlError> {
        let n_keys = format!("select count(*) from {table}");
        let n_keys = self.query_count(&n_keys, &Bindings::default())?;
        let n_keys = u64::try_from(n_keys.unwrap_or(0)).unwrap_or(0);
        let n_months = months.len().max(1) as u64;
        let n_made = n_keys.saturating_mul(n_months).div_ceil(at_once.rows);
        // The query may ask for tonight's rows of many nights.
        let looked_at = self.rows_looked_at(plan)?;
        let mut n_read = pieces_of(read.stored.share(looked_at), at_once);
        if !months.is_empty() {
            // A night that makes one month reads a few rows of the others, and pays for its share only.
            let n_stored = n_months.max(read.months.len() as u64);
            n_read = n_read.saturating_mul(n_months).div_ceil(n_stored);
        }
        let n_pieces = usize::try_from(n_read.max(n_made)).unwrap_or(usize::MAX);
        if n_pieces <= 1 {
            return Ok(Some(vec![vec![plan.clone()]]));
        }
        // A range of keys is found where it is stored in most tables, a month in some: no more ranges of months than it
        // takes for all threads, and for few open files each.
        let n_ranges = rayon::current_num_threads()
            .min(n_pieces)
            .max(months.len().div_ceil(self.months_in_parts()))
            .min(months.len())
            .max(1);
        let keys = self.keys_of(table, column, n_pieces.div_ceil(n_ranges))?;
        let ranges = ranges(&plan.logical, months, n_ranges, Some((column, &keys)))
            .map_err(|error| SqlError::planning(&error))?;
        let pays =
            self.looked_at_by_parts(&ranges[0])? <= looked_at.saturating_mul(TIMES_LOOKED_AT);
        Ok(pays.then_some(ranges))
    }

    /// Rows that all parts together look at, by the first and some of the others. The first has the rows without a key
    /// too, for which it may look through everything.
    fn looked_at_by_parts(&self, parts: &[Plan]) -> Result<u64, SqlError> {
        let Some((first, others)) = parts.split_first() else {
            return Ok(0);
        };
        let step = others.len().div_ceil(RANGES_LOOKED_AT).max(1);
        let some: Result<Vec<u64>, SqlError> = others
            .iter()
            .step_by(step)
            .map(|part| self.rows_looked_at(part))
            .collect();
        let some = some?;
        let by_others = some.iter().sum::<u64>().saturating_mul(others.len() as u64);
        Ok(self.rows_looked_at(first)? + by_others / some.len().max(1) as u64)
    }

    fn rows_looked_at(&self, plan: &Plan) -> Result<u64, SqlError> {
        let state = self.context.state();
        let physical = state.create_physical_plan(&plan.logical);
        let physical = self.runtime.block_on(physical);
        let physical = physical.map_err(|error| SqlError::planning(&error))?;
        Ok(rows_looked_at(&physical))
    }

    /// So much, if one of all threads can hold it.
    fn within_share(&self, at_once: Stored) -> Stored {
        match self.context.runtime_env().memory_pool.memory_limit() {
            MemoryLimit::Finite(bytes) => {
                let rows = bytes / rayon::current_num_threads() / BYTES_HELD;
                at_once.share((rows as u64).clamp(1, at_once.rows))
            }
            _ => at_once,
        }
    }

    /// How many months one thread makes in parts at once: so many that the files of all threads hold a thirtieth of the
    /// memory, but for the bounds.
    fn months_in_parts(&self) -> usize {
        let (fewest, most) = MONTHS_IN_PARTS.into_inner();
        let MemoryLimit::Finite(bytes) = self.context.runtime_env().memory_pool.memory_limit()
        else {
            return most;
        };
        (bytes / 32 / OPEN_FILE_BYTES / rayon::current_num_threads()).clamp(fewest, most)
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
    ) -> Result<Written, SqlError> {
        let held = Arc::default();
        // A thread that takes up a range helps with it alone.
        let written = ranges.par_iter().with_max_len(1).map(|range| {
            self.write_in_turn(range, sorted_by, partitioning, warehouse, table, &held)
        });
        // Collected before the first failure is looked for: it is always the same one.
        let written: Vec<Result<Written, SqlError>> = written.collect();
        let (mut table, mut ran_again) = (TableEntry::default(), Vec::new());
        for written in written {
            let written = written?;
            table.columns = written.table.columns;
            table.sorted_by = written.table.sorted_by;
            table.files.extend(written.table.files);
            ran_again.extend(written.ran_again);
        }
        if *partitioning == Partitioning::Month {
            table
                .files
                .sort_by(|one, other| one.partition.cmp(&other.partition));
        }
        Ok(Written { table, ran_again })
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
        let sql = format!("select {column} {some} order by {column}");
        let plan = self.plan(&sql, &none)?;
        let mut keys = self.within_memory(|state| {
            let mut rows = self.stream(DataFrame::new(state, plan.logical.clone()))?;
            let mut starts = (1..n_ranges).map(|range| range * n_keys / n_ranges);
            let (mut keys, mut n_seen, mut next) = (Vec::new(), 0, starts.next());
            while next.is_some()
                && let Some(batch) = self.runtime.block_on(rows.next())
            {
                let batch = batch.map_err(|error| SqlError::execution(&error))?;
                while let Some(start) = next.filter(|start| *start < n_seen + batch.num_rows()) {
                    let key = ScalarValue::try_from_array(batch.column(0), start - n_seen);
                    keys.push(key.map_err(|error| SqlError::execution(&error))?);
                    next = starts.next();
                }
                n_seen += batch.num_rows();
            }
            Ok(keys)
        })?;
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
    let (column, bounds) = keys.unwrap_or_default();
    let ranges = ranges_of_months(months, n_wanted).into_iter().map(|rows| {
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

/// Conditions of which one holds for every row, whatever month it has, or none.
fn ranges_of_months(months: &[String], n_wanted: usize) -> Vec<Expr> {
    // Without any month there is still one range.
    let n_ranges = n_wanted.min(months.len()).max(1);
    let month = || ident("month");
    if n_ranges > 1 && n_ranges == months.len() {
        // In one month rows stand in the order of what comes after it.
        let each = months.iter().map(|one| month().eq(lit(one)));
        let listed = months.iter().map(lit).collect();
        let others = month().in_list(listed, true).or(month().is_null());
        return each.chain([others]).collect();
    }
    let starts: Vec<&String> = (1..n_ranges)
        .map(|range| &months[range * months.len() / n_ranges])
        .collect();
    let ranges = (0..n_ranges).map(|range| {
        let from = range.checked_sub(1).map(|before| starts[before]);
        // One without an end has the rows without a month too.
        match (from, starts.get(range).copied()) {
            (Some(from), Some(to)) => month().gt_eq(lit(from)).and(month().lt(lit(to))),
            (None, Some(to)) => month().lt(lit(to)),
            (Some(from), None) => month().gt_eq(lit(from)).or(month().is_null()),
            (None, None) => Expr::is_true(lit(true)),
        }
    });
    ranges.collect()
}

fn only(plan: &LogicalPlan, rows: Expr) -> Result<Plan> {
    let logical = LogicalPlanBuilder::from(plan.clone())
        .filter(rows)?
        .build()?;
    Ok(Plan { logical })
}
