//! A `changes` delivery -> the whole state: tonight's rows replace or join the base release's, by key.
//!
//! A sorted file is merged as it stands. One that is not (a delivery in any order, a base that a snapshot left) is cut
//! into runs, each sorted in memory and set aside. One pass merges all; memory holds a batch of each.

mod block;
mod input;
mod key;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::io::Write;
use std::path::{Path, PathBuf};

use polars::prelude::*;

use self::block::Block;
use self::input::{Batches, Input, Rows, Run, Side};
use self::key::{SortKeys, gallop};
use super::error::ExtractError;
use crate::stages::row_groups::RowGroupWriter;
use crate::store::{ScratchFile, StoreError};

/// Gives a file in which sorted rows are set aside until they are merged.
pub type SetAside<'a> = dyn Fn() -> Result<ScratchFile, StoreError> + 'a;

/// Numbers of rows that bound memory; none changes a byte of the state.
#[derive(Debug, Clone, Copy)]
struct MergeSizes {
    /// Sorted in memory at once.
    run: usize,
    /// Read at once, of all files together that were sorted already.
    batch: usize,
    /// Read at once of one run that was set aside.
    run_batch: usize,
    /// Merged before they are written.
    block: usize,
    /// From how many rows on average slices of every column cost less than a look-up of every row.
    sliced: usize,
    /// Runs, not rows: merged in one pass. At least 2.
    width: usize,
}

const SIZES: MergeSizes = MergeSizes {
    run: 524_288,
    batch: 131_072,
    run_batch: 16_384,
    block: 131_072,
    sliced: 64,
    width: 64,
};

/// Writes the state after tonight, sorted by key; gives its rows. The same state comes out in whatever order rows and
/// files went in, because a key stands once in the base and once in tonight's staging.
///
/// Memory holds a few row groups, however large the state is.
///
/// # Errors
/// When a file cannot be read or written, or base and tonight have different columns.
pub fn merge_changes<W: Write>(
    base: &[PathBuf],
    tonight: &Path,
    key: &[String],
    set_aside: &SetAside,
    output: W,
) -> Result<u64, ExtractError> {
    let merge = Merge {
        key,
        set_aside,
        sizes: SIZES,
    };
    merge.state(base, tonight, output)
}

struct Merge<'a> {
    key: &'a [String],
    set_aside: &'a SetAside<'a>,
    sizes: MergeSizes,
}

impl Merge<'_> {
    fn state<W: Write>(
        &self,
        base: &[PathBuf],
        tonight: &Path,
        output: W,
    ) -> Result<u64, ExtractError> {
        let schema = Batches::open(tonight)
            .and_then(|rows| rows.schema())
            .map_err(failed(tonight))?;
        let mut runs = self.runs_of(tonight, Side::Tonight)?;
        for path in base {
            check_columns(path, &schema)?;
            runs.extend(self.runs_of(path, Side::Base)?);
        }
        while runs.len() > self.sizes.width {
            runs = self.fewer(runs)?;
        }
        let mut writer = RowGroupWriter::try_new(output, &schema).map_err(failed(tonight))?;
        self.merge(runs, |rows| writer.push(rows).map_err(failed(tonight)))?;
        writer.finish().map_err(failed(tonight))
    }

    /// The file itself when it is sorted, else its rows in sorted runs.
    fn runs_of(&self, path: &Path, side: Side) -> Result<Vec<Run>, ExtractError> {
        let run = |rows| Run {
            side,
            origin: path.to_owned(),
            rows,
        };
        if self.is_sorted(path).map_err(failed(path))? {
            return Ok(vec![run(Rows::File(path.to_owned()))]);
        }
        let mut batches = Batches::open(path).map_err(failed(path))?;
        let fits_in_memory = side == Side::Tonight && batches.rows() <= self.sizes.run;
        let mut runs = Vec::new();
        while let Some(batch) = batches.next(self.sizes.run, None).map_err(failed(path))? {
            let options = SortMultipleOptions::default().with_maintain_order(true);
            let names = self.key.iter().map(String::as_str);
            let mut sorted = batch.sort(names, options).map_err(failed(path))?;
            drop(batch);
            sorted.rechunk_mut();
            runs.push(run(if fits_in_memory {
                Rows::Memory(sorted)
            } else {
                let schema = sorted.schema().clone();
                self.set_aside(path, &schema, |writer| {
                    writer.push(&sorted).map_err(failed(path))
                })?
            }));
        }
        Ok(runs)
    }

    /// Reads the key columns alone, up to the first row that stands too late.
    fn is_sorted(&self, path: &Path) -> PolarsResult<bool> {
        let mut batches = Batches::open(path)?;
        let mut before = None;
        while let Some(batch) = batches.next(self.sizes.batch, Some(self.key))? {
            let keys = SortKeys::try_new(&batch, self.key)?;
            if !keys.is_sorted(before.as_ref()) {
                return Ok(false);
            }
            before = Some(keys);
        }
        Ok(true)
    }

    /// A pass that merges runs of one side with each other, `width` at a time.
    fn fewer(&self, runs: Vec<Run>) -> Result<Vec<Run>, ExtractError> {
        let (tonight, base): (Vec<_>, Vec<_>) =
            runs.into_iter().partition(|run| run.side == Side::Tonight);
        let mut fewer = Vec::new();
        for side in [tonight, base] {
            let mut waiting = side.into_iter().peekable();
            while let Some(first) = waiting.next() {
                if waiting.peek().is_none() {
                    fewer.push(first);
                    continue;
                }
                let (side, origin) = (first.side, first.origin.clone());
                let schema = first.schema().map_err(failed(&origin))?;
                let others = waiting.by_ref().take(self.sizes.width - 1);
                let group = std::iter::once(first).chain(others).collect();
                let rows = self.set_aside(&origin, &schema, |writer| {
                    self.merge(group, |rows| writer.push(rows).map_err(failed(&origin)))
                })?;
                fewer.push(Run { side, origin, rows });
            }
        }
        Ok(fewer)
    }

    fn set_aside(
        &self,
        origin: &Path,
        schema: &Schema,
        write: impl FnOnce(&mut RowGroupWriter<&mut ScratchFile>) -> Result<(), ExtractError>,
    ) -> Result<Rows, ExtractError> {
        let not_set_aside = |source| ExtractError::NotSetAside {
            file: origin.display().to_string(),
            source,
        };
        let mut file = (self.set_aside)().map_err(not_set_aside)?;
        let mut writer = RowGroupWriter::of_temporary(&mut file, schema, self.sizes.run_batch)
            .map_err(failed(origin))?;
        write(&mut writer)?;
        writer.finish().map_err(failed(origin))?;
        file.complete()
            .map_err(|source| failed(origin)(source.into()))?;
        Ok(Rows::SetAside(file))
    }

    /// Gives the rows of all runs in the order of their keys, without those of the base that tonight replaces.
    fn merge(
        &self,
        runs: Vec<Run>,
        mut emit: impl FnMut(&DataFrame) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        let mut inputs = self.open(runs)?;
        let mut block = Block::default();
        let mut parts: Vec<Option<usize>> = vec![None; inputs.len()];
        let before = |inputs: &[Input], left: usize, right: usize| {
            heads(&inputs[left], &inputs[right])
                .then(left.cmp(&right))
                .is_lt()
        };
        // The input with the smallest key is the last.
        let mut waiting: Vec<usize> = Vec::with_capacity(inputs.len());
        for index in 0..inputs.len() {
            let place = waiting.partition_point(|other| before(&inputs, index, *other));
            waiting.insert(place, index);
        }
        let mut replaced: Option<(Arc<SortKeys>, usize)> = None;
        while let Some(index) = waiting.pop() {
            let input = &inputs[index];
            let first = match &replaced {
                Some((keys, row)) if input.side == Side::Base => {
                    gallop(input.cursor, input.height(), |place| {
                        input.keys.compare(place, keys, *row).is_eq()
                    })
                }
                _ => input.cursor,
            };
            let end = match waiting.last() {
                // What was found to be replaced may have been all that came first.
                _ if first > input.cursor => first,
                None => input.height(),
                Some(next) => gallop(first + 1, input.height(), |place| {
                    let other = &inputs[*next];
                    let order = input.keys.compare(place, &other.keys, other.cursor);
                    order.then(index.cmp(next)) == Ordering::Less
                }),
            };
            if end > first {
                let part = *parts[index].get_or_insert_with(|| block.add_part(&input.batch, first));
                block.push(part, first, end);
                if input.side == Side::Tonight {
                    replaced = Some((input.keys.clone(), end - 1));
                }
            }
            let input = &mut inputs[index];
            input.cursor = end;
            if block.rows() >= self.sizes.block {
                emit(
                    &block
                        .take(self.sizes.sliced)
                        .map_err(failed(&input.origin))?,
                )?;
                parts.fill(None);
            }
            if input.cursor == input.height() {
                parts[index] = None;
                if !input.advance(self.key).map_err(failed(&input.origin))? {
                    continue;
                }
            }
            let place = waiting.partition_point(|other| before(&inputs, index, *other));
            waiting.insert(place, index);
        }
        if block.rows() > 0 {
            let origin = inputs.first().map(|input| input.origin.clone());
            emit(
                &block
                    .take(self.sizes.sliced)
                    .map_err(failed(&origin.unwrap_or_default()))?,
            )?;
        }
        Ok(())
    }

    fn open(&self, runs: Vec<Run>) -> Result<Vec<Input>, ExtractError> {
        let n_files = runs
            .iter()
            .filter(|run| matches!(run.rows, Rows::File(_)))
            .count();
        let batch = (self.sizes.batch / n_files.max(1)).max(self.sizes.run_batch);
        let mut inputs = Vec::with_capacity(runs.len());
        for run in runs {
            let origin = run.origin.clone();
            let batch_rows = match run.rows {
                Rows::File(_) => batch,
                Rows::Memory(_) | Rows::SetAside(_) => self.sizes.run_batch,
            };
            inputs.extend(Input::open(run, batch_rows, self.key).map_err(failed(&origin))?);
        }
        Ok(inputs)
    }
}

/// The next rows of two inputs, by key.
fn heads(left: &Input, right: &Input) -> Ordering {
    left.keys.compare(left.cursor, &right.keys, right.cursor)
}

fn check_columns(path: &Path, expected: &SchemaRef) -> Result<(), ExtractError> {
    let found = Batches::open(path)
        .and_then(|rows| rows.schema())
        .map_err(failed(path))?;
    if found == *expected {
        return Ok(());
    }
    let names = |schema: &Schema| {
        let columns = schema
            .iter()
            .map(|(name, data_type)| format!("{name} {data_type}"));
        columns.collect::<Vec<_>>().join(", ")
    };
    let difference = polars_err!(
        SchemaMismatch: "expected the columns {}, found {}",
        names(expected),
        names(&found)
    );
    Err(failed(path)(difference))
}

fn failed(path: &Path) -> impl Fn(PolarsError) -> ExtractError + '_ {
    move |source| ExtractError::UnmergeableState {
        file: path.display().to_string(),
        source,
    }
}
