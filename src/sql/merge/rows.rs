//! Two streams read side by side: for each row of the one, those of the other that have its keys.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array, new_null_array};
use datafusion::arrow::compute::{concat_batches, take};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::metrics::BaselineMetrics;

use super::Merge;
use super::side::{Comparison, Piece, Side, first_not};
use crate::sql::sides::Origin;

/// Rows after which a batch is given, though more may be ready.
const PAIRS: usize = 1 << 16;

/// Which rows of the side that asks are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Once for each row they find.
    Found,
    /// The same, and those that find nothing.
    All,
    /// Once if they find any.
    OnceFound,
    /// Those that find nothing.
    Missing,
}

pub(super) struct MergedRows {
    asking: Side,
    finding: Side,
    output: Output,
    /// Rows at hand of the side that asks, and how many of them have been given.
    asked: Option<Piece>,
    n_given: usize,
    /// Rows at hand of the side that is found, and how many of them no row to come can find.
    found: Option<Piece>,
    n_passed: usize,
    /// The piece behind `found`: it tells whether the last key goes on.
    behind: Option<Piece>,
    /// Of a key that goes on for several pieces.
    memory: MemoryReservation,
}

/// What to do with the keys of the first piece that can be found.
pub(super) type Start = Box<dyn FnOnce(&[ArrayRef]) -> Result<()> + Send>;

/// What is given of rows that ask.
pub(super) struct Output {
    pub keeps: Keeps,
    pub origins: Vec<Origin>,
    pub schema: SchemaRef,
    /// Told the first keys that can be found, before any row asks.
    pub start: Option<Start>,
}

impl Merge for MergedRows {
    async fn next(&mut self, metrics: &BaselineMetrics) -> Result<Option<RecordBatch>> {
        if self.found.is_none() {
            self.found = self.finding.next().await?;
        }
        if self.behind.is_none() {
            self.behind = self.finding.next().await?;
        }
        if let (Some(start), Some(found)) = (self.output.start.take(), &self.found) {
            start(found.keys.as_slice())?;
        }
        let asked = match self.asked.take() {
            Some(asked) => Some(asked),
            None if self.finds_no_more() => None,
            None => self.asking.next().await?,
        };
        let Some(asked) = asked else {
            return Ok(None);
        };
        let timer = metrics.elapsed_compute().timer();
        let known = self.end_of_known(&asked)?;
        let given = self.given(&asked, known)?;
        timer.done();
        if self.n_given == asked.len() {
            self.n_given = 0;
        } else {
            if self.n_given == known {
                self.go_on(&asked).await?;
            }
            self.asked = Some(asked);
        }
        Ok(Some(given))
    }
}

impl MergedRows {
    pub fn new(asking: Side, finding: Side, output: Output, memory: MemoryReservation) -> Self {
        Self {
            asking,
            finding,
            output,
            asked: None,
            n_given: 0,
            found: None,
            n_passed: 0,
            behind: None,
            memory,
        }
    }

    /// Whether rows to come would not be given, since all that they could find has been passed.
    fn finds_no_more(&self) -> bool {
        let n_found = self.found.as_ref().map_or(0, Piece::len);
        matches!(self.output.keeps, Keeps::Found | Keeps::OnceFound)
            && self.behind.is_none()
            && self.n_passed == n_found
    }

    /// Up to which row of those that ask all that it may find is at hand.
    fn end_of_known(&self, asked: &Piece) -> Result<usize> {
        let (Some(found), Some(behind)) = (&self.found, &self.behind) else {
            return Ok(asked.len());
        };
        let last = found.len() - 1;
        let goes_on = Comparison::between(found, behind)?.of(last, 0).is_eq();
        let compared = Comparison::between(found, asked)?;
        let is_known = |row: usize| match compared.of(last, row) {
            Ordering::Less => false,
            Ordering::Equal => !goes_on,
            Ordering::Greater => true,
        };
        Ok(first_not(self.n_given..asked.len(), is_known))
    }

    /// The next row that asks is not before the last at hand: goes on with those behind it, and with all of its key.
    async fn go_on(&mut self, asked: &Piece) -> Result<()> {
        let (Some(found), Some(behind)) = (self.found.take(), self.behind.take()) else {
            return Ok(());
        };
        let last = found.len() - 1;
        self.n_passed = 0;
        self.memory.free();
        if Comparison::between(&found, asked)?
            .of(last, self.n_given)
            .is_lt()
            || Comparison::between(&found, &behind)?.of(last, 0).is_ne()
        {
            self.found = Some(behind);
            return Ok(());
        }
        let among = Comparison::between(&found, &found)?;
        let n_before = (0..last)
            .rev()
            .take_while(|row| among.of(*row, last).is_eq());
        let start = last - n_before.count();
        let mut run = vec![found.rows.slice(start, found.len() - start)];
        let mut next = Some(behind);
        while let Some(piece) = next.take() {
            if Comparison::between(&found, &piece)?.of(last, 0).is_ne() {
                next = Some(piece);
                break;
            }
            // As they are, and put together.
            self.memory
                .try_grow(2 * get_record_batch_memory_size(&piece.rows))?;
            run.push(piece.rows);
            next = self.finding.next().await?;
        }
        self.behind = next;
        let rows = concat_batches(&found.rows.schema(), &run)?;
        self.memory
            .try_resize(get_record_batch_memory_size(&rows))?;
        self.found = Some(self.finding.piece(rows)?);
        Ok(())
    }

    /// What is given of the rows that ask, up to this one or as many as make a few batches.
    fn given(&mut self, asked: &Piece, end: usize) -> Result<RecordBatch> {
        let mut pairs = Pairs::with_capacity(end - self.n_given);
        let nulls = asked.nulls();
        let keeps = self.output.keeps;
        let compared = match &self.found {
            Some(found) => Some((found.len(), Comparison::between(found, asked)?)),
            None => None,
        };
        while self.n_given < end && pairs.asked.len() < PAIRS {
            let row = self.n_given;
            self.n_given += 1;
            let may_find = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            let Some((n_found, compared)) = compared.as_ref().filter(|_| may_find) else {
                pairs.push_missing(keeps, row);
                continue;
            };
            let mut order = Ordering::Less;
            while self.n_passed < *n_found {
                order = compared.of(self.n_passed, row);
                if order.is_ge() {
                    break;
                }
                self.n_passed += 1;
            }
            if order.is_ne() {
                pairs.push_missing(keeps, row);
                continue;
            }
            let mut place = self.n_passed;
            while order.is_eq() {
                pairs.push_found(keeps, row, place);
                place += 1;
                if !matches!(keeps, Keeps::Found | Keeps::All) {
                    break;
                }
                order = if place < *n_found {
                    compared.of(place, row)
                } else {
                    Ordering::Greater
                };
            }
        }
        self.output.rows(asked, self.found.as_ref(), pairs)
    }
}

/// Rows that ask, each with a row it finds, or with none.
struct Pairs {
    asked: Vec<u64>,
    found: Vec<Option<u64>>,
}

impl Pairs {
    fn with_capacity(n_rows: usize) -> Self {
        Self {
            asked: Vec::with_capacity(n_rows),
            found: Vec::with_capacity(n_rows),
        }
    }

    fn push_found(&mut self, keeps: Keeps, asked: usize, found: usize) {
        if keeps != Keeps::Missing {
            self.asked.push(asked as u64);
            self.found.push(Some(found as u64));
        }
    }

    fn push_missing(&mut self, keeps: Keeps, asked: usize) {
        if matches!(keeps, Keeps::All | Keeps::Missing) {
            self.asked.push(asked as u64);
            self.found.push(None);
        }
    }
}

impl Output {
    fn rows(&self, asked: &Piece, found: Option<&Piece>, pairs: Pairs) -> Result<RecordBatch> {
        if pairs.asked.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let asks = Places::of(UInt64Array::from(pairs.asked));
        let finds = Places::of(UInt64Array::from(pairs.found));
        let columns = self.origins.iter().zip(self.schema.fields());
        let columns = columns.map(|(origin, field)| match (*origin, found) {
            (Origin::Asked(column), _) => asks.of_column(asked.rows.column(column)),
            (Origin::Found(column), Some(found)) => finds.of_column(found.rows.column(column)),
            (Origin::Found(_), None) => Ok(new_null_array(field.data_type(), finds.len())),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// Places of rows. Those that follow one another need not be copied.
enum Places {
    Run(Range<usize>),
    Nowhere(usize),
    Some(UInt64Array),
}

impl Places {
    fn of(places: UInt64Array) -> Self {
        if places.null_count() == places.len() {
            return Self::Nowhere(places.len());
        }
        let follow = places.null_count() == 0
            && places
                .values()
                .array_windows()
                .all(|[one, next]| one + 1 == *next);
        if follow {
            // A place among rows at hand.
            let start = usize::try_from(places.value(0)).unwrap_or(usize::MAX);
            return Self::Run(start..start + places.len());
        }
        Self::Some(places)
    }

    fn len(&self) -> usize {
        match self {
            Self::Run(rows) => rows.len(),
            Self::Nowhere(n_rows) => *n_rows,
            Self::Some(places) => places.len(),
        }
    }

    fn of_column(&self, values: &ArrayRef) -> Result<ArrayRef> {
        Ok(match self {
            Self::Run(rows) => values.slice(rows.start, rows.len()),
            Self::Nowhere(n_rows) => new_null_array(values.data_type(), *n_rows),
            Self::Some(places) => take(values, places, None)?,
        })
    }
}
