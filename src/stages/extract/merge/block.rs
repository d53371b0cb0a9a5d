//! Stretches of batches, collected in their order -> one frame.

use polars::prelude::*;

/// A batch and the part of it that stretches point into.
struct Part {
    batch: DataFrame,
    first: usize,
    end: usize,
}

struct Stretch {
    part: usize,
    first: usize,
    rows: usize,
}

/// Holds on to the batches its stretches point into, until it is taken.
#[derive(Default)]
pub struct Block {
    parts: Vec<Part>,
    stretches: Vec<Stretch>,
    rows: usize,
}

impl Block {
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// A batch that stretches may point into from now on; valid until the block is taken.
    pub fn add_part(&mut self, batch: &DataFrame, first: usize) -> usize {
        self.parts.push(Part {
            batch: batch.clone(),
            first,
            end: first,
        });
        self.parts.len() - 1
    }

    /// Appends rows of a part, none of them before its last stretch.
    pub fn push(&mut self, part: usize, first: usize, end: usize) {
        let rows = end - first;
        self.rows += rows;
        self.parts[part].end = end;
        match self.stretches.last_mut() {
            Some(last) if last.part == part && last.first + last.rows == first => last.rows += rows,
            _ => self.stretches.push(Stretch { part, first, rows }),
        }
    }

    /// The rows collected, in the order of the stretches; the block is empty afterwards.
    ///
    /// Stretches of at least `sliced` rows on average are copied as slices, shorter ones row by row.
    pub fn take(&mut self, sliced: usize) -> PolarsResult<DataFrame> {
        let Self {
            parts,
            stretches,
            rows,
        } = std::mem::take(self);
        let copy =
            |stretch: &Stretch| slice(&parts[stretch.part].batch, stretch.first, stretch.rows);
        if rows >= stretches.len() * sliced || stretches.len() < 2 {
            return stack(stretches.iter().map(copy));
        }
        let mut offsets = Vec::with_capacity(parts.len());
        let mut offset = 0;
        for part in &parts {
            offsets.push(offset);
            offset += part.end - part.first;
        }
        let used = parts
            .iter()
            .map(|part| slice(&part.batch, part.first, part.end - part.first));
        let mut used = stack(used)?;
        used.rechunk_mut();
        let mut places = Vec::with_capacity(rows);
        for stretch in &stretches {
            let first = offsets[stretch.part] + stretch.first - parts[stretch.part].first;
            places.extend(place(first)?..place(first + stretch.rows)?);
        }
        used.take(&IdxCa::from_vec(PlSmallStr::EMPTY, places))
    }
}

fn place(row: usize) -> PolarsResult<IdxSize> {
    IdxSize::try_from(row).map_err(|_| polars_err!(ComputeError: "{} rows in one block", row))
}

fn slice(batch: &DataFrame, first: usize, rows: usize) -> DataFrame {
    batch.slice(first.cast_signed() as i64, rows)
}

fn stack(frames: impl Iterator<Item = DataFrame>) -> PolarsResult<DataFrame> {
    let mut stacked = DataFrame::default();
    for (index, frame) in frames.enumerate() {
        if index == 0 {
            stacked = frame;
        } else {
            stacked.vstack_mut(&frame)?;
        }
    }
    Ok(stacked)
}
