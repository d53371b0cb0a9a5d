//! The merge against an obvious one in memory: the same bytes, however rows, files, runs and batches are cut.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::stages::clean::batch::BatchBuilder;
use crate::stages::clean::value::Value;
use crate::stages::extract::survivor::Rank;
use crate::store::Warehouse;

type Row = Vec<Value<'static>>;

/// Every type a staging table has; the last column only tells rows of one key apart.
fn schema() -> Schema {
    let timestamp = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
    let columns = [
        ("text", DataType::String),
        ("integer", DataType::Int64),
        ("decimal", DataType::Decimal(18, 2)),
        ("day", DataType::Date),
        ("moment", timestamp),
        ("truth", DataType::Boolean),
        ("note", DataType::String),
        ("_line", DataType::Int64),
    ];
    columns
        .into_iter()
        .map(|(name, data_type)| (name.into(), data_type))
        .collect()
}

/// Values meet often, and nulls more often.
fn row() -> impl Strategy<Value = Row> {
    let texts = [
        "",
        "a",
        "B",
        "b",
        "ab",
        "é",
        "a long text that stands outside its view",
    ];
    let text = prop_oneof![
        Just(Value::Null),
        prop::sample::select(texts.to_vec()).prop_map(|text| Value::Text(text.into())),
    ];
    let number = |value: fn(i8) -> Value<'static>| {
        prop_oneof![Just(Value::Null), (-3_i8..4).prop_map(value)]
    };
    (
        text.clone(),
        number(|number| Value::Integer(i64::from(number))),
        number(|number| Value::Decimal(i64::from(number) << 40)),
        number(|number| Value::Date(i32::from(number))),
        number(|number| Value::Timestamp(i64::from(number))),
        number(|number| Value::Boolean(number > 0)),
        text,
        (0_i64..1000).prop_map(Value::Integer),
    )
        .prop_map(|(text, integer, decimal, day, moment, truth, note, line)| {
            vec![text, integer, decimal, day, moment, truth, note, line]
        })
}

/// Rows by key, the last of each.
fn by_key(rows: Vec<Row>, key: &[usize]) -> BTreeMap<Vec<Rank>, Row> {
    rows.into_iter()
        .map(|row| {
            (
                key.iter().map(|column| Rank::from(&row[*column])).collect(),
                row,
            )
        })
        .collect()
}

fn frame(rows: &[Row]) -> DataFrame {
    let mut builder = BatchBuilder::new(schema(), 0);
    for row in rows {
        builder.push(row);
    }
    builder.finish().expect("a batch")
}

struct Folder {
    root: tempfile::TempDir,
    warehouse: Warehouse,
}

impl Folder {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let warehouse = Warehouse::open_or_create(root.path()).expect("a warehouse");
        Self { root, warehouse }
    }

    fn put(&self, name: &str, frame: &DataFrame, group_rows: usize) -> PathBuf {
        let mut bytes = Vec::new();
        let mut writer =
            RowGroupWriter::of_temporary(&mut bytes, frame.schema(), group_rows).expect("a writer");
        writer.push(frame).expect("pushed");
        writer.finish().expect("written");
        let path = self.root.path().join(name);
        #[expect(clippy::disallowed_methods, reason = "a test's input")]
        std::fs::write(&path, bytes).expect("written");
        path
    }

    fn merge(
        &self,
        base: &[PathBuf],
        tonight: &Path,
        key: &[String],
        sizes: MergeSizes,
    ) -> Result<Vec<u8>, ExtractError> {
        let merge = Merge {
            key,
            set_aside: &|| self.warehouse.scratch_file(),
            sizes,
        };
        let mut bytes = Vec::new();
        merge.state(base, tonight, &mut bytes)?;
        let left = std::fs::read_dir(self.root.path().join("tmp")).expect("a folder");
        assert_eq!(left.count(), 0, "runs set aside are removed");
        Ok(bytes)
    }
}

/// The state as a snapshot of it would have been written.
fn written(frame: &DataFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = RowGroupWriter::try_new(&mut bytes, frame.schema()).expect("a writer");
    writer.push(frame).expect("pushed");
    writer.finish().expect("written");
    bytes
}

fn names(key: &[usize]) -> Vec<String> {
    let schema = schema();
    let name = |column: &usize| {
        schema
            .get_at_index(*column)
            .expect("a column")
            .0
            .to_string()
    };
    key.iter().map(name).collect()
}

fn sizes() -> impl Strategy<Value = MergeSizes> {
    (
        1..50_usize,
        1..50_usize,
        1..20_usize,
        1..80_usize,
        1..20_usize,
        2..5_usize,
    )
        .prop_map(|(run, batch, run_batch, block, sliced, width)| MergeSizes {
            run,
            batch,
            run_batch,
            block,
            sliced,
            width,
        })
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Sorted,
    /// As a source delivers.
    Any,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_bytes_as_a_merge_in_memory(
        (base, tonight) in (prop::collection::vec(row(), 0..60), prop::collection::vec(row(), 0..60)),
        key in prop::sample::subsequence(vec![0_usize, 1, 2, 3, 4, 5], 1..=3).prop_shuffle(),
        orders in prop::array::uniform2(prop_oneof![Just(Order::Sorted), Just(Order::Any)]),
        seed in any::<u64>(),
        n_files in 0..9_usize,
        groups in (1..60_usize, 1..60_usize),
        sizes in sizes(),
    ) {
        let base = if n_files == 0 { BTreeMap::new() } else { by_key(base, &key) };
        let tonight = by_key(tonight, &key);
        let mut expected = base.clone();
        expected.extend(tonight.clone());
        let expected: Vec<Row> = expected.into_values().collect();

        let folder = Folder::new();
        let in_order = |rows: BTreeMap<Vec<Rank>, Row>, order: Order| -> Vec<Row> {
            let mut rows: Vec<Row> = rows.into_values().collect();
            if let Order::Any = order {
                let place = |row: &Row| blake3::hash(format!("{seed}{row:?}").as_bytes()).to_hex();
                rows.sort_by_key(|row| place(row).to_string());
            }
            rows
        };
        let base = in_order(base, orders[0]);
        let files: Vec<PathBuf> = (0..n_files)
            .map(|file| {
                let part = base.len() * file / n_files..base.len() * (file + 1) / n_files;
                folder.put(&format!("base{file}"), &frame(&base[part]), groups.0)
            })
            .collect();
        let tonight = folder.put("tonight", &frame(&in_order(tonight, orders[1])), groups.1);
        let merged = folder.merge(&files, &tonight, &names(&key), sizes).expect("merges");
        prop_assert!(merged == written(&frame(&expected)));
    }

    #[test]
    fn keys_are_compared_as_polars_sorts_them(
        rows in prop::collection::vec(row(), 0..60),
        key in prop::sample::subsequence(vec![0_usize, 1, 2, 3, 4, 5], 1..=4).prop_shuffle(),
    ) {
        let key = names(&key);
        let options = SortMultipleOptions::default().with_maintain_order(true);
        let frame = frame(&rows);
        let sorted = frame.sort(key.iter().map(String::as_str), options).expect("sorts");
        prop_assert!(SortKeys::try_new(&sorted, &key).expect("keys").is_sorted(None));
        let keys = SortKeys::try_new(&frame, &key).expect("keys");
        let mut places: Vec<usize> = (0..rows.len()).collect();
        places.sort_by(|left, right| keys.compare(*left, &keys, *right));
        let places: Vec<IdxSize> = places.into_iter().map(|place| place.try_into().expect("few rows")).collect();
        let taken = frame.take(&IdxCa::from_vec("".into(), places)).expect("takes");
        prop_assert!(taken.equals_missing(&sorted));
    }

    #[test]
    fn the_first_row_that_does_not_hold(from in 0..70_usize, rows in 0..70_usize, holding in 0..70_usize) {
        let end = from + rows;
        let first = (from + holding).min(end);
        prop_assert_eq!(gallop(from, end, |row| row < first), first);
    }
}

/// A key twice in the base, which no merge writes, but a key that was changed in the configuration finds.
#[test]
fn a_key_twice_in_the_base_is_replaced_whole_or_kept_whole() {
    let folder = Folder::new();
    let row = |key: &'static str, line: i64| {
        let mut row = vec![Value::Null; 8];
        row[0] = Value::Text(key.into());
        row[7] = Value::Integer(line);
        row
    };
    let base = ["a", "b", "b", "b", "c", "c", "d"].map(|key| row(key, 1));
    let base = folder.put("base", &frame(&base), 100);
    let tonight = folder.put("tonight", &frame(&[row("d", 2), row("b", 2)]), 100);
    let expected = written(&frame(&[
        row("a", 1),
        row("b", 2),
        row("c", 1),
        row("c", 1),
        row("d", 2),
    ]));
    for batch in 1..8 {
        let sizes = MergeSizes {
            batch: 2 * batch,
            run_batch: 1,
            block: 2,
            ..SIZES
        };
        let merged = folder.merge(std::slice::from_ref(&base), &tonight, &names(&[0]), sizes);
        assert!(merged.expect("merges") == expected, "batches of {batch}");
    }
}

#[test]
fn a_base_of_other_columns_is_refused() {
    let folder = Folder::new();
    let tonight = frame(&[]);
    let mut base = tonight.clone();
    base.rename("note", "remark".into()).expect("renamed");
    let tonight = folder.put("tonight", &tonight, 10);
    let base = folder.put("base", &base, 10);
    let refused = folder
        .merge(&[base], &tonight, &names(&[0]), SIZES)
        .unwrap_err();
    let ExtractError::UnmergeableState { file, source } = refused else {
        panic!("{refused}");
    };
    assert!(file.ends_with("/base"), "{file}");
    assert!(source.to_string().contains("remark"), "{source}");
}

#[test]
fn a_first_night_in_many_runs_has_exact_row_groups() {
    let folder = Folder::new();
    let places = |step: i64| {
        let line = Int64Chunked::from_iter_values(
            "line".into(),
            (0..1_100_000).map(|row| row * step % 1_100_000),
        );
        let note = Int64Chunked::from_iter_values(
            "note".into(),
            line.into_no_null_iter().map(|line| line / 7),
        );
        DataFrame::new_infer_height(vec![line.into_column(), note.into_column()]).expect("a frame")
    };
    let tonight = folder.put("tonight", &places(7_001), 500_000);
    let merged = folder
        .merge(&[], &tonight, &["line".to_owned()], SIZES)
        .expect("merges");
    assert!(merged == written(&places(1)));
    let mut reader = ParquetReader::new(std::io::Cursor::new(merged));
    let groups = &reader.get_metadata().expect("metadata").row_groups;
    let mut heights = Vec::new();
    for group in groups {
        heights.push(group.num_rows());
    }
    // An eighth of the rows before it, and no less than the first.
    assert_eq!(heights, [[131_072; 8].as_slice(), &[51_424]].concat());
}
