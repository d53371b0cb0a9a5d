//! Writes a query's result as the files of a table: sorted by its grain, cut at exact row counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_array};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef};
use datafusion::arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::SortExpr;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use datafusion::prelude::{DataFrame, col};
use futures::StreamExt;

use super::encoding::encoded;
use super::lookup::HeldSides;
use super::result::Plan;
use super::room::Room;
use super::schema::{column_entries, stored_type};
use super::{Session, SqlError};
use crate::domain::TableName;
use crate::store::{FileEntry, NewFile, TableEntry, Warehouse};

/// Rows of a row group, exactly; only a file's last group is smaller.
const ROW_GROUP_ROWS: usize = 524_288;
/// Rows handed to the Parquet writer at once. Page cuts depend on it, so it is fixed: the same rows give the same bytes
/// however the engine happened to batch them.
const CHUNK_ROWS: usize = 65_536;

/// Rows of a page of a table that is looked up; a look-up reads a page of every column.
const LOOK_UP_PAGE_ROWS: usize = 2048;
const LOOK_UP_DICTIONARY_BYTES: usize = 32 << 10;

/// Plans of a table that ran alone, one after the other, after each of which the next was tried beside others: those that
/// are left are likely to need the same.
const PLANS_ALONE: usize = 2;

/// How rows are spread over files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partitioning {
    /// One file.
    None,
    /// One file, in the partition of this name.
    Named(String),
    /// One file per value of the column `month`.
    Month,
}

/// A table that was written.
#[derive(Debug)]
pub struct Written {
    pub table: TableEntry,
    /// What lacked memory, once for each time that a query ran again.
    pub ran_again: Vec<String>,
}

impl Session {
    /// Runs the plan and writes its rows, sorted by `sorted_by`. No rows give no file.
    pub fn write_table(
        &self,
        plan: &Plan,
        sorted_by: &[String],
        partitioning: &Partitioning,
        warehouse: &Warehouse,
        table: &TableName,
    ) -> Result<TableEntry, SqlError> {
        let whole = std::slice::from_ref(plan);
        let held = Arc::default();
        let written =
            self.write_in_turn(whole, sorted_by, partitioning, warehouse, table, &held)?;
        Ok(written.table)
    }

    /// Runs one plan after the other and writes their rows as if they came from one: in the order of `sorted_by` but for
    /// the month, all rows of a plan stand before those of the next. What they look up is held once, by these and by
    /// others of the same table.
    pub(super) fn write_in_turn(
        &self,
        plans: &[Plan],
        sorted_by: &[String],
        partitioning: &Partitioning,
        warehouse: &Warehouse,
        table: &TableName,
        held: &Arc<HeldSides>,
    ) -> Result<Written, SqlError> {
        let mut order: Vec<String> = sorted_by.to_vec();
        if *partitioning == Partitioning::Month {
            order.retain(|column| column != "month");
            order.insert(0, "month".to_owned());
        }
        let schema = plans.first().map_or_else(
            || Arc::new(Schema::empty()),
            |plan| stored_schema(plan.logical.schema().as_arrow()),
        );
        let mut ran_again = Vec::new();
        let mut room = None;
        let files = loop {
            let pool = &self.context.runtime_env().memory_pool;
            let mut output = TableOutput {
                warehouse,
                table,
                partitioning,
                schema: Arc::clone(&schema),
                order: &order,
                in_order: InOrder::new(&schema, &order)?,
                open: BTreeMap::new(),
                files: Vec::new(),
                n_rows: 0,
                held: MemoryConsumer::new("files").register(pool),
                is_in_parts: plans.len() > 1,
            };
            if self.write_plans(plans, held, &mut output, &mut room, &mut ran_again)? {
                break output.finish()?;
            }
        };
        let table = TableEntry {
            columns: column_entries(&schema),
            sorted_by: order,
            files,
        };
        Ok(Written { table, ran_again })
    }

    /// Each plan in the first room that it fits into. False when one did not fit and some of its rows had been written:
    /// then everything is to be written again, and `room_of_all` is the room for it.
    fn write_plans<'s>(
        &'s self,
        plans: &[Plan],
        held: &Arc<HeldSides>,
        output: &mut TableOutput<'_>,
        room_of_all: &mut Option<Room<'s>>,
        ran_again: &mut Vec<String>,
    ) -> Result<bool, SqlError> {
        let is_of_all = room_of_all.is_some();
        // Held from plan to plan: what this table has open would take the room of a query that runs alone.
        let mut room = room_of_all.take().unwrap_or_else(|| self.room());
        let mut n_alone = 0;
        for plan in plans {
            loop {
                let n_rows = output.n_rows;
                held.begin();
                let mut state = self.state_in(&room);
                state.config_mut().set_extension(Arc::clone(held));
                let frame = DataFrame::new(state, plan.logical.clone());
                let message = match self.write_rows(frame, output) {
                    Err(SqlError::Memory { message }) => message,
                    done => break done?,
                };
                held.forget();
                let is_half_written = output.n_rows > n_rows;
                if is_half_written {
                    output.forget();
                }
                let Some(larger) = self.larger(room) else {
                    return Err(SqlError::Memory { message });
                };
                ran_again.push(message);
                if is_half_written {
                    *room_of_all = Some(larger);
                    return Ok(false);
                }
                room = larger;
            }
            if room.is_beside_others() {
                n_alone = 0;
            } else if !is_of_all && n_alone < PLANS_ALONE {
                n_alone += 1;
                held.forget();
                drop(room);
                room = self.room();
            }
        }
        Ok(true)
    }

    fn write_rows(
        &self,
        mut frame: DataFrame,
        output: &mut TableOutput<'_>,
    ) -> Result<(), SqlError> {
        output.in_order.last = None;
        if !output.order.is_empty() {
            let keys = output.order.iter().map(|column| ascending(column));
            frame = frame
                .sort(keys.collect())
                .map_err(|error| SqlError::planning(&error))?;
        }
        let mut stream = self.stream(frame)?;
        while let Some(batch) = self.runtime.block_on(stream.next()) {
            let batch = batch.map_err(|error| SqlError::execution(&error))?;
            let batch = to_stored(&batch, &output.schema)?;
            output.in_order.require(&batch)?;
            match output.partitioning {
                Partitioning::None => output.push(None, &batch)?,
                Partitioning::Named(partition) => output.push(Some(partition.clone()), &batch)?,
                Partitioning::Month => {
                    for (month, rows) in runs_of_months(&batch)? {
                        output.push(Some(format!("month={month}")), &rows)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs the plan and writes its rows, in its own order, as one Parquet file.
    pub fn write_parquet(
        &self,
        plan: &Plan,
        out: impl std::io::Write + Send,
    ) -> Result<(), SqlError> {
        let frame = DataFrame::new(self.context.state(), plan.logical.clone());
        let schema = stored_schema(frame.schema().as_arrow());
        let mut writer =
            ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties(&[])?.build()))
                .map_err(|error| SqlError::execution(&error.into()))?;
        let mut stream = self.stream(frame)?;
        while let Some(batch) = self.runtime.block_on(stream.next()) {
            let batch = batch.map_err(|error| SqlError::execution(&error))?;
            writer
                .write(&to_stored(&batch, &schema)?)
                .map_err(|error| SqlError::execution(&error.into()))?;
        }
        writer
            .close()
            .map(|_| ())
            .map_err(|error| SqlError::execution(&error.into()))
    }
}

/// Sees that rows come in the order that readers will be told of. The engine leaves out of a sort what it takes for
/// decided by other columns, and is not always right.
struct InOrder {
    converter: RowConverter,
    places: Vec<usize>,
    /// Names of the columns, for the message.
    order: String,
    /// Of the plan at hand.
    last: Option<OwnedRow>,
}

impl InOrder {
    fn new(schema: &Schema, order: &[String]) -> Result<Self, SqlError> {
        let places: Result<Vec<usize>, _> =
            order.iter().map(|column| schema.index_of(column)).collect();
        let places = places.map_err(|error| SqlError::execution(&error.into()))?;
        let fields = places
            .iter()
            .map(|place| SortField::new(schema.field(*place).data_type().clone()));
        let converter = RowConverter::new(fields.collect())
            .map_err(|error| SqlError::execution(&error.into()))?;
        Ok(Self {
            converter,
            places,
            order: order.join(", "),
            last: None,
        })
    }

    fn require(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        if self.places.is_empty() || batch.num_rows() == 0 {
            return Ok(());
        }
        let rows = self.keys(batch)?;
        let after_last = self
            .last
            .as_ref()
            .is_none_or(|last| last.row() <= rows.row(0));
        let among = (1..rows.num_rows()).all(|row| rows.row(row - 1) <= rows.row(row));
        if !after_last || !among {
            return Err(self.broken());
        }
        self.last = Some(rows.row(rows.num_rows() - 1).owned());
        Ok(())
    }

    /// Sees that rows stand behind those that another plan wrote into their file; gives the last of them.
    fn require_behind(
        &self,
        last: Option<&OwnedRow>,
        batch: &RecordBatch,
    ) -> Result<OwnedRow, SqlError> {
        let first = self.keys(&batch.slice(0, 1))?;
        if last.is_some_and(|last| last.row() > first.row(0)) {
            return Err(self.broken());
        }
        let end = self.keys(&batch.slice(batch.num_rows() - 1, 1))?;
        Ok(end.row(0).owned())
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Rows, SqlError> {
        let places = self.places.iter();
        let keys: Vec<ArrayRef> = places
            .map(|place| Arc::clone(batch.column(*place)))
            .collect();
        self.converter
            .convert_columns(&keys)
            .map_err(|error| SqlError::execution(&error.into()))
    }

    fn broken(&self) -> SqlError {
        SqlError::Execution {
            message: format!(
                "rows came out of the order of {}, by which they were to be sorted; nothing was written. This is an \
                 error of the engine, not of the data: a query that says the same in another way avoids it",
                self.order
            ),
        }
    }
}

/// The order that tables are stored in: nulls first.
pub(super) fn ascending(column: &str) -> SortExpr {
    col(format!("\"{column}\"")).sort(true, true)
}

fn stored_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields: Vec<Field> = fields
        .map(|field| Field::new(field.name(), stored_type(field.data_type()), true))
        .collect();
    Arc::new(Schema::new(fields))
}

pub(super) fn to_stored(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, SqlError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Result<Vec<_>, _> = columns
        .map(|(column, field)| cast(column, field.data_type()))
        .collect();
    columns
        .and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns))
        .map_err(arrow_error)
}

/// The same rows; a column of which none is null does not note which are. The writer cuts pages in another way where it
/// does, and whether it does depends on the rows that came with these.
fn without_idle_nulls(rows: &RecordBatch) -> Result<RecordBatch, SqlError> {
    let columns = rows.columns().iter().map(|column| {
        if column.nulls().is_none() || column.null_count() > 0 {
            return Ok(Arc::clone(column));
        }
        let data = column.to_data().into_builder().nulls(None).build();
        data.map(make_array)
    });
    let columns: Result<Vec<ArrayRef>, _> = columns.collect();
    columns
        .and_then(|columns| RecordBatch::try_new(rows.schema(), columns))
        .map_err(arrow_error)
}

fn arrow_error(error: datafusion::arrow::error::ArrowError) -> SqlError {
    SqlError::execution(&error.into())
}

/// Cuts a batch sorted by month into one piece per month.
fn runs_of_months(batch: &RecordBatch) -> Result<Vec<(String, RecordBatch)>, SqlError> {
    let months = batch
        .column_by_name("month")
        .filter(|column| *column.data_type() == ArrowType::Utf8);
    let months = months.ok_or_else(|| SqlError::Execution {
        message: "a model materialised by month needs a text column `month`".to_owned(),
    })?;
    let months = months.as_string::<i32>();
    // What stands in the place of a null may look like a month.
    let month_of = |row: usize| months.is_valid(row).then(|| months.value(row));
    let mut runs = Vec::new();
    let mut start = 0;
    for row in 0..batch.num_rows() {
        let ends = row + 1 == batch.num_rows() || month_of(row + 1) != month_of(row);
        if ends {
            let month = month_of(row).unwrap_or_default();
            let well_formed = month.len() == 7
                && month
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'-');
            if !well_formed {
                return Err(SqlError::Execution {
                    message: "the column `month` holds null or something else than YYYY-MM"
                        .to_owned(),
                });
            }
            runs.push((month.to_owned(), batch.slice(start, row + 1 - start)));
            start = row + 1;
        }
    }
    Ok(runs)
}

struct OpenFile {
    partition: Option<String>,
    /// Opened with the first rows, which decide how columns are encoded.
    writer: Option<ArrowWriter<NewFile>>,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    rows: u64,
    /// Where several plans write into it.
    last: Option<OwnedRow>,
}

struct TableOutput<'a> {
    warehouse: &'a Warehouse,
    table: &'a TableName,
    partitioning: &'a Partitioning,
    schema: SchemaRef,
    order: &'a [String],
    in_order: InOrder,
    /// By partition.
    open: BTreeMap<Option<String>, OpenFile>,
    files: Vec<FileEntry>,
    n_rows: u64,
    /// Of all open files of a table in parts: what they hold counts.
    held: MemoryReservation,
    /// Several plans write, each into any file: all stay open until the end.
    is_in_parts: bool,
}

impl TableOutput<'_> {
    fn push(&mut self, partition: Option<String>, batch: &RecordBatch) -> Result<(), SqlError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if !self.is_in_parts && !self.open.contains_key(&partition) {
            self.close_all()?;
        }
        let open = self.open.remove(&partition);
        let mut open = open.unwrap_or_else(|| OpenFile::new(partition.clone()));
        if self.is_in_parts {
            open.last = Some(self.in_order.require_behind(open.last.as_ref(), batch)?);
        }
        open.waiting.push(batch.clone());
        open.waiting_rows += batch.num_rows();
        open.rows += batch.num_rows() as u64;
        self.n_rows += batch.num_rows() as u64;
        let is_chunk = open.waiting_rows >= CHUNK_ROWS;
        if is_chunk {
            self.write_chunks(&mut open, CHUNK_ROWS)?;
        }
        self.open.insert(partition, open);
        if is_chunk && self.is_in_parts {
            self.held
                .resize(self.open.values().map(OpenFile::bytes_held).sum());
        }
        Ok(())
    }

    /// All will be written again.
    fn forget(&mut self) {
        self.open.clear();
        self.held.free();
    }

    fn close_all(&mut self) -> Result<(), SqlError> {
        while let Some((_, open)) = self.open.pop_first() {
            self.close(open)?;
        }
        Ok(())
    }

    fn close(&mut self, mut open: OpenFile) -> Result<(), SqlError> {
        self.write_chunks(&mut open, 1)?;
        let Some(writer) = open.writer else {
            return Ok(());
        };
        let file = writer
            .into_inner()
            .map_err(|error| SqlError::execution(&error.into()))?;
        let folder = format!("data/{}/{}", self.table.schema(), self.table.table());
        self.files
            .push(file.commit(&folder, "parquet", open.rows, open.partition)?);
        Ok(())
    }

    /// Writes what waits in pieces of exactly `CHUNK_ROWS`, and the rest too once it has `at_least` rows.
    fn write_chunks(&self, open: &mut OpenFile, at_least: usize) -> Result<(), SqlError> {
        let waiting = concat_batches(&self.schema, &open.waiting).map_err(arrow_error)?;
        let mut start = 0;
        while waiting.num_rows() - start >= CHUNK_ROWS.min(at_least).max(1) {
            let length = CHUNK_ROWS.min(waiting.num_rows() - start);
            if length < at_least {
                break;
            }
            let chunk = without_idle_nulls(&waiting.slice(start, length))?;
            let writer = match &mut open.writer {
                Some(writer) => writer,
                None => open.writer.insert(self.start_file(&chunk)?),
            };
            writer
                .write(&chunk)
                .map_err(|error| SqlError::execution(&error.into()))?;
            start += length;
        }
        let rest = waiting.slice(start, waiting.num_rows() - start);
        open.waiting_rows = rest.num_rows();
        open.waiting = if rest.num_rows() == 0 {
            Vec::new()
        } else {
            vec![rest]
        };
        Ok(())
    }

    fn start_file(&self, first_rows: &RecordBatch) -> Result<ArrowWriter<NewFile>, SqlError> {
        let properties =
            encoded(properties(self.order)?, first_rows, self.order).map_err(arrow_error)?;
        ArrowWriter::try_new(
            self.warehouse.new_file()?,
            Arc::clone(&self.schema),
            Some(properties.build()),
        )
        .map_err(|error| SqlError::execution(&error.into()))
    }

    fn finish(mut self) -> Result<Vec<FileEntry>, SqlError> {
        self.close_all()?;
        Ok(self.files)
    }
}

impl OpenFile {
    fn new(partition: Option<String>) -> Self {
        Self {
            partition,
            writer: None,
            waiting: Vec::new(),
            waiting_rows: 0,
            rows: 0,
            last: None,
        }
    }

    /// What its writer holds, and rows of about the size that those have once they are read.
    fn bytes_held(&self) -> usize {
        let waiting = self.waiting.iter();
        let waiting: usize = waiting.map(RecordBatch::get_array_memory_size).sum();
        waiting + self.writer.as_ref().map_or(0, ArrowWriter::memory_size)
    }
}

/// Tables sorted by one column are looked up by it, such as a customer by number: they get small pages, and small
/// dictionaries, which a look-up has to read whole.
fn properties(sorted_by: &[String]) -> Result<WriterPropertiesBuilder, SqlError> {
    let level = ZstdLevel::try_new(3).map_err(|error| SqlError::execution(&error.into()))?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by("salenet".to_owned());
    if sorted_by.len() == 1 {
        properties = properties
            .set_data_page_row_count_limit(LOOK_UP_PAGE_ROWS)
            .set_dictionary_page_size_limit(LOOK_UP_DICTIONARY_BYTES);
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Int64Array, StringArray};

    use super::*;

    fn batch(rows: &[(i64, Option<&str>)]) -> RecordBatch {
        let numbers: Int64Array = rows.iter().map(|(number, _)| Some(*number)).collect();
        let names: StringArray = rows.iter().map(|(_, name)| *name).collect();
        let fields = vec![
            Field::new("number", ArrowType::Int64, true),
            Field::new("name", ArrowType::Utf8, true),
        ];
        let columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(names)];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    fn comes_in_order(batches: &[&[(i64, Option<&str>)]]) -> bool {
        let order = ["number".to_owned(), "name".to_owned()];
        let mut in_order = InOrder::new(&batch(&[]).schema(), &order).unwrap();
        let mut seen = batches.iter().map(|rows| in_order.require(&batch(rows)));
        seen.all(|found| found.is_ok())
    }

    #[test]
    fn rows_out_of_order_are_seen_within_a_batch_and_between_two() {
        let (a, b) = (Some("a"), Some("b"));
        assert!(comes_in_order(&[
            &[(1, None), (1, a), (1, a)],
            &[],
            &[(1, b), (2, None)]
        ]));
        assert!(!comes_in_order(&[&[(1, b), (1, a)]]));
        assert!(!comes_in_order(&[&[(1, a), (1, None)]]));
        assert!(!comes_in_order(&[&[(1, a), (2, b)], &[(2, a)]]));
    }
}
