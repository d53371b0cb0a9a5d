//! Exact counts and sums of a feed while it is read.

use std::collections::BTreeMap;
use std::ops::Range;

use fixedbitset::FixedBitSet;
use polars::prelude::{DataFrame, PolarsResult};

use super::report::{LimitBreach, MoneyCounts, RejectCount, RowCounts};
use crate::config::feed::{DataType, FeedSpec, Limit};
use crate::domain::Money;

/// A money column by its place among the feed's columns.
pub struct MoneyColumn {
    pub name: String,
    pub index: usize,
    pub scale: u32,
}

/// Sums in units of the column's scale.
#[derive(Debug, Clone, Default)]
pub struct MoneyTotals {
    pub read: i128,
    pub loaded: i128,
    pub rejected: i128,
    pub duplicate: i128,
    /// Amounts without their sign, for the limit: rejected debits must not hide rejected credits.
    pub read_absolute: i128,
    pub rejected_absolute: i128,
    pub unreadable: u64,
}

/// What one file held, for its controls.
#[derive(Debug, Clone, Default)]
pub struct FileTotals {
    pub rows: u64,
    pub blank_lines: u64,
    /// In the order of the money columns.
    pub sums: Vec<i128>,
    pub unreadable: Vec<u64>,
    /// By column: sum of the digits read as a number, and rows in which the column could not be found.
    pub hash_totals: BTreeMap<String, (u128, u64)>,
}

/// A file of corrected rows.
struct Replayed {
    read: u64,
    loaded: u64,
    /// Where its rows were written, of all those written.
    written: Range<usize>,
    /// In the order of the money columns.
    read_absolute: Vec<i128>,
}

pub struct Totals {
    pub columns: Vec<MoneyColumn>,
    pub rows: RowCounts,
    pub money: Vec<MoneyTotals>,
    pub file: FileTotals,
    /// What was handed in again: the limits judge what still stands rejected.
    replayed: Vec<Replayed>,
    rejects: BTreeMap<(String, String, String), u64>,
    pub dropped: BTreeMap<String, u64>,
}

impl Totals {
    pub fn new(feed: &FeedSpec) -> Self {
        let columns: Vec<MoneyColumn> = feed
            .columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| match column.data_type {
                DataType::Money { scale, .. } => Some(MoneyColumn {
                    name: column.name.clone(),
                    index,
                    scale,
                }),
                _ => None,
            })
            .collect();
        let mut totals = Self {
            rows: RowCounts::default(),
            money: vec![MoneyTotals::default(); columns.len()],
            file: FileTotals::default(),
            replayed: Vec::new(),
            rejects: BTreeMap::new(),
            dropped: BTreeMap::new(),
            columns,
        };
        totals.enter_file(feed);
        totals
    }

    pub fn enter_file(&mut self, feed: &FeedSpec) {
        let hashed = feed.control.iter().flat_map(|c| c.hash_totals.keys());
        self.file = FileTotals {
            sums: vec![0; self.columns.len()],
            unreadable: vec![0; self.columns.len()],
            hash_totals: hashed.map(|column| (column.clone(), (0, 0))).collect(),
            ..FileTotals::default()
        };
    }

    /// A row was read; `amounts` in the order of the money columns, `None` where an amount cannot be read.
    pub fn read_row(&mut self, amounts: &[Option<i128>]) {
        self.rows.read += 1;
        self.file.rows += 1;
        for (index, amount) in amounts.iter().enumerate() {
            if let Some(units) = amount {
                self.money[index].read += units;
                self.money[index].read_absolute += units.abs();
                self.file.sums[index] += units;
            } else {
                self.money[index].unreadable += 1;
                self.file.unreadable[index] += 1;
            }
        }
    }

    pub fn reject_row(&mut self, amounts: &[Option<i128>], column: &str, rule: &str, reason: &str) {
        self.rows.rejected += 1;
        for (totals, amount) in self.money.iter_mut().zip(amounts) {
            totals.rejected += amount.unwrap_or(0);
            totals.rejected_absolute += amount.unwrap_or(0).abs();
        }
        let kind = (column.to_owned(), rule.to_owned(), reason.to_owned());
        *self.rejects.entry(kind).or_default() += 1;
    }

    /// What a batch of the same feed counted by itself.
    pub fn add(&mut self, batch: &Self) {
        self.rows.read += batch.rows.read;
        self.rows.rejected += batch.rows.rejected;
        for (money, more) in self.money.iter_mut().zip(&batch.money) {
            money.read += more.read;
            money.rejected += more.rejected;
            money.read_absolute += more.read_absolute;
            money.rejected_absolute += more.rejected_absolute;
            money.unreadable += more.unreadable;
        }
        self.file.rows += batch.file.rows;
        for (sum, more) in self.file.sums.iter_mut().zip(&batch.file.sums) {
            *sum += more;
        }
        for (count, more) in self.file.unreadable.iter_mut().zip(&batch.file.unreadable) {
            *count += more;
        }
        for (column, more) in &batch.file.hash_totals {
            let total = self.file.hash_totals.entry(column.clone()).or_default();
            total.0 = total.0.wrapping_add(more.0);
            total.1 += more.1;
        }
        for (kind, rows) in &batch.rejects {
            *self.rejects.entry(kind.clone()).or_default() += rows;
        }
        for (column, values) in &batch.dropped {
            *self.dropped.entry(column.clone()).or_default() += values;
        }
    }

    /// What was read between `before` and now came from a replayed file.
    pub fn correct(&mut self, before: &RowCounts, read_absolute_before: &[i128]) {
        let money = self.money.iter().zip(read_absolute_before);
        self.replayed.push(Replayed {
            read: self.rows.read - before.read,
            loaded: self.rows.loaded - before.loaded,
            written: place(before.loaded)..place(self.rows.loaded),
            read_absolute: money
                .map(|(money, before)| money.read_absolute - before)
                .collect(),
        });
    }

    /// Rows were written.
    ///
    /// # Errors
    /// When they lack a money column.
    pub fn load(&mut self, rows: &DataFrame) -> PolarsResult<()> {
        self.rows.loaded += rows.height() as u64;
        for (index, units) in self.sums(rows)?.into_iter().enumerate() {
            self.money[index].loaded += units;
        }
        Ok(())
    }

    /// Rows were left out: others of their keys stand.
    ///
    /// # Errors
    /// When they lack a money column.
    pub fn leave_out(&mut self, rows: &DataFrame) -> PolarsResult<()> {
        self.rows.duplicate += rows.height() as u64;
        for (index, units) in self.sums(rows)?.into_iter().enumerate() {
            self.money[index].duplicate += units;
        }
        Ok(())
    }

    /// Everything that was written is written once more, without these rows.
    pub fn load_again_without(&mut self, repeated: &FixedBitSet) {
        self.rows.loaded = 0;
        for money in &mut self.money {
            money.loaded = 0;
        }
        for file in &mut self.replayed {
            let end = file.written.end.min(repeated.len());
            let start = file.written.start.min(end);
            file.loaded -= repeated.count_ones(start..end) as u64;
        }
    }

    /// Of each money column, in units of its scale.
    fn sums(&self, rows: &DataFrame) -> PolarsResult<Vec<i128>> {
        let columns = self.columns.iter();
        columns
            .map(|column| {
                let units = rows.column(&column.name)?.decimal()?.physical();
                Ok(units.iter().flatten().sum())
            })
            .collect()
    }

    pub fn reject_counts(&self) -> Vec<RejectCount> {
        self.rejects
            .iter()
            .map(|((column, rule, reason), rows)| RejectCount {
                column: column.clone(),
                rule: rule.clone(),
                reason: reason.clone(),
                rows: *rows,
            })
            .collect()
    }

    pub fn money_counts(&self) -> BTreeMap<String, MoneyCounts> {
        self.columns
            .iter()
            .zip(&self.money)
            .map(|(column, totals)| {
                let decimal = |units| Money(units).to_decimal(column.scale);
                let counts = MoneyCounts {
                    read: decimal(totals.read),
                    loaded: decimal(totals.loaded),
                    rejected: decimal(totals.rejected),
                    duplicate: decimal(totals.duplicate),
                    unreadable: totals.unreadable,
                };
                (column.name.clone(), counts)
            })
            .collect()
    }

    /// The reject limits that do not hold. Without any limit no row may be rejected; a limit by amount alone does not
    /// limit the rows.
    pub fn breaches(&self, feed: &FeedSpec) -> Vec<LimitBreach> {
        let mut breaches = Vec::new();
        let rows_limit = match (feed.reject_limit.rows, &feed.reject_limit.amount) {
            (Some(limit), _) => Some(limit),
            (None, Some(_)) => None,
            (None, None) => Some(Limit::Count(0)),
        };
        let corrected = self.replayed.iter().map(|file| file.loaded).sum();
        let outstanding = self.rows.rejected.saturating_sub(corrected);
        let rows = (i128::from(outstanding), i128::from(self.rows.read));
        if let Some(limit) = rows_limit.filter(|limit| exceeds(*limit, rows.0, rows.1)) {
            breaches.push(LimitBreach {
                of: "rows".to_owned(),
                limit: describe(limit, 0),
                rejected: outstanding.to_string(),
                read: self.rows.read.to_string(),
            });
        }
        if let Some((name, limit)) = &feed.reject_limit.amount {
            let totals = self.columns.iter().zip(&self.money).enumerate();
            for (index, (column, money)) in totals.filter(|(_, (column, _))| column.name == *name) {
                let whole = self.replayed.iter().filter(|file| file.loaded == file.read);
                let corrected: i128 = whole.map(|file| file.read_absolute[index]).sum();
                let outstanding = (money.rejected_absolute - corrected).max(0);
                if exceeds(*limit, outstanding, money.read_absolute) {
                    let decimal = |units| Money(units).to_decimal(column.scale);
                    breaches.push(LimitBreach {
                        of: name.clone(),
                        limit: describe(*limit, column.scale),
                        rejected: decimal(outstanding),
                        read: decimal(money.read_absolute),
                    });
                }
            }
        }
        breaches
    }
}

/// Of a row in a file: what has been counted was written.
fn place(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

fn exceeds(limit: Limit, part: i128, whole: i128) -> bool {
    match limit {
        Limit::Count(count) => part > i128::from(count),
        Limit::Ppm(ppm) => part * 1_000_000 > whole * i128::from(ppm),
    }
}

/// As a person wrote it: `0.1%` or an absolute number.
pub fn describe(limit: Limit, scale: u32) -> String {
    match limit {
        Limit::Count(count) => Money(i128::from(count)).to_decimal(scale),
        Limit::Ppm(ppm) => {
            let percent = Money(i128::from(ppm)).to_decimal(4);
            let short = percent.trim_end_matches('0').trim_end_matches('.');
            format!("{short}%")
        }
    }
}
