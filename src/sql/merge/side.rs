//! One of the streams that are merged: rows that come in the order of their keys.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, DynComparator, RecordBatch, make_comparator};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::common::{Result, exec_err};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::PhysicalExpr;
use futures::StreamExt;
use futures::stream::Fuse;

use super::IN_ORDER;

/// Rows and their keys.
pub(super) struct Piece {
    pub rows: RecordBatch,
    pub keys: Vec<ArrayRef>,
}

impl Piece {
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Rows of which a part of the key is null.
    pub fn nulls(&self) -> Option<NullBuffer> {
        let mut nulls = None;
        for key in &self.keys {
            nulls = NullBuffer::union(nulls.as_ref(), key.logical_nulls().as_ref());
        }
        nulls
    }
}

/// Compares a row of one piece with one of another, or of the same.
pub(super) struct Comparison(Vec<DynComparator>);

impl Comparison {
    pub fn between(left: &Piece, right: &Piece) -> Result<Self> {
        let columns = left.keys.iter().zip(&right.keys);
        let compared = columns.map(|(left, right)| make_comparator(left, right, IN_ORDER));
        Ok(Self(compared.collect::<Result<_, _>>()?))
    }

    pub fn of(&self, left: usize, right: usize) -> Ordering {
        let mut columns = self.0.iter().map(|compare| compare(left, right));
        columns
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// A side whose rows come in the order of its keys; that they do is seen to.
pub(super) struct Side {
    input: Fuse<SendableRecordBatchStream>,
    on: Vec<Arc<dyn PhysicalExpr>>,
    /// The last row that came.
    last: Option<Piece>,
}

impl Side {
    pub fn new(input: SendableRecordBatchStream, on: Vec<Arc<dyn PhysicalExpr>>) -> Self {
        Self {
            input: input.fuse(),
            on,
            last: None,
        }
    }

    /// The next rows; nothing when all have come, however often it is asked.
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        while let Some(rows) = self.input.next().await.transpose()? {
            if rows.num_rows() > 0 {
                return self.in_order(rows).map(Some);
            }
        }
        Ok(None)
    }

    fn in_order(&mut self, rows: RecordBatch) -> Result<Piece> {
        let piece = self.piece(rows)?;
        let among = Comparison::between(&piece, &piece)?;
        let mut ascends = (1..piece.len()).all(|row| among.of(row - 1, row).is_le());
        if let Some(last) = &self.last {
            ascends &= Comparison::between(last, &piece)?.of(0, 0).is_le();
        }
        if !ascends {
            let keys: Vec<String> = self.on.iter().map(ToString::to_string).collect();
            return exec_err!(
                "rows do not stand in the order of their keys ({}), as the files they come from say: \
                 `salenet releases verify` tells whether one has changed",
                keys.join(", ")
            );
        }
        self.last = Some(self.piece(piece.rows.slice(piece.len() - 1, 1))?);
        Ok(piece)
    }

    pub fn piece(&self, rows: RecordBatch) -> Result<Piece> {
        let keys = self.on.iter();
        let keys = keys.map(|key| key.evaluate(&rows)?.into_array(rows.num_rows()));
        let keys = keys.collect::<Result<_>>()?;
        Ok(Piece { rows, keys })
    }
}

/// The first of these rows of which this does not hold; it holds of those before.
pub(super) fn first_not(rows: Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut end) = (rows.start, rows.end.max(rows.start));
    while start < end {
        let middle = usize::midpoint(start, end);
        if holds(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}
