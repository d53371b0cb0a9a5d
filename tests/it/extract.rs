//! Loading whole files: counts, sums, quarantine, refusals.

#![expect(clippy::expect_used, reason = "a test may stop at once")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use polars::prelude::{ParquetReader, SerReader};

use salenet::config::feed::{
    DataType, Delivery, Encoding, Layout, Limit, NationalIdScheme, Protection, RowRule,
    StrayQuotes, Survivor,
};
use salenet::stages::clean::TokenKeys;
use salenet::stages::extract::{ExtractError, Origin, merge_changes};
use salenet::store::Warehouse;

use crate::feeds::{Request, column, csv_feed, load_bytes, money, put, rules, texts};
use crate::test_data;

fn accounts() -> salenet::config::feed::FeedSpec {
    let mut feed = csv_feed(
        ",",
        vec![
            column("account_no", DataType::String),
            column("holder", DataType::String),
            column("balance", money()),
        ],
    );
    feed.columns[0].required = true;
    feed.reject_limit.rows = Some(Limit::Count(1000));
    feed
}

#[test]
fn good_rows_are_loaded_and_bad_ones_kept_with_their_place() {
    let content = b"account_no,holder,balance\r\nA1,\"Ann, \"\"B\"\"\r\nx\",1.50\r\nA2,Bob,x\r\n,Cid,2\r\nA4,Dee\r\nA5,Eve,-3.25\r\n";
    let loaded = load_bytes(&accounts(), "rows.csv", content).expect("loads");
    assert_eq!(loaded.report.rows.read, 5);
    assert_eq!(loaded.report.rows.loaded, 2);
    assert_eq!(texts(&loaded.staging, "holder"), ["Ann, \"B\"\r\nx", "Eve"]);
    assert_eq!(texts(&loaded.staging, "balance"), ["1.50", "-3.25"]);
    assert_eq!(texts(&loaded.staging, "_line"), ["2", "7"]);
    assert_eq!(texts(&loaded.quarantine, "line"), ["4", "5", "6"]);
    assert_eq!(texts(&loaded.quarantine, "byte_offset"), ["52", "62", "70"]);
    assert_eq!(
        texts(&loaded.quarantine, "column"),
        ["balance", "account_no", ""]
    );
    assert_eq!(
        texts(&loaded.quarantine, "rule"),
        ["type", "required", "columns"]
    );
    assert_eq!(
        texts(&loaded.quarantine, "raw"),
        ["A2,Bob,x", ",Cid,2", "A4,Dee"]
    );
    let balance = &loaded.report.money["balance"];
    assert_eq!(
        (balance.read.as_str(), balance.loaded.as_str()),
        ("0.25", "-1.75")
    );
    assert_eq!((balance.rejected.as_str(), balance.unreadable), ("2.00", 2));
    assert_eq!(
        loaded.report.files[0].file_id.to_string(),
        texts(&loaded.staging, "_file_id")[0]
    );
}

#[test]
fn one_stray_quote_in_200_000_rows_touches_that_row_alone() {
    let mut content = String::from("account_no,holder,balance\n");
    for row in 0..200_000 {
        let holder = if row == 77_777 { "6\" pipe" } else { "plain" };
        let _ = writeln!(content, "A{row},{holder},1.00");
    }
    let mut feed = accounts();
    let kept = load_bytes(&feed, "rows.csv", content.as_bytes()).expect("loads");
    assert_eq!(
        (kept.report.rows.read, kept.report.rows.loaded),
        (200_000, 200_000)
    );
    assert_eq!(kept.report.money["balance"].loaded, "200000.00");
    let holders = texts(&kept.staging, "holder");
    assert_eq!(holders[77_777], "6\" pipe");
    assert!(
        holders
            .iter()
            .enumerate()
            .all(|(row, text)| row == 77_777 || text == "plain")
    );

    if let Layout::Delimited(dialect) = &mut feed.format.layout {
        dialect.stray_quotes = StrayQuotes::Reject;
    }
    let refused = load_bytes(&feed, "rows.csv", content.as_bytes()).expect("loads");
    assert_eq!(
        (refused.report.rows.read, refused.report.rows.loaded),
        (200_000, 199_999)
    );
    assert_eq!(texts(&refused.quarantine, "line"), ["77779"]);
    assert_eq!(texts(&refused.quarantine, "rule"), ["stray_quote"]);
}

#[test]
fn an_opening_quote_that_never_closes_costs_one_line() {
    let mut content = String::from("account_no,holder,balance\n");
    for row in 0..1000 {
        let quote = if row == 500 { "\"" } else { "" };
        let _ = writeln!(content, "A{row},{quote}x,1.00");
    }
    let loaded = load_bytes(&accounts(), "rows.csv", content.as_bytes()).expect("loads");
    assert_eq!(
        (loaded.report.rows.read, loaded.report.rows.loaded),
        (1000, 999)
    );
    assert_eq!(texts(&loaded.quarantine, "line"), ["502"]);
}

#[test]
fn compression_and_encoding_change_nothing_but_the_hash() {
    let text = "account_no,holder,balance\nA1,Zoé 张伟,1.00\nA2,x,bad\n";
    let plain = load_bytes(&accounts(), "rows.csv", text.as_bytes()).expect("loads");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).expect("in memory");
    let gzip = gzip.finish().expect("in memory");
    let zstd = zstd::stream::encode_all(text.as_bytes(), 3).expect("in memory");
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let gb = encoding_rs::GB18030.encode(text).0.into_owned();
    let mut marked = vec![0xEF, 0xBB, 0xBF];
    marked.extend(text.as_bytes());
    for (name, bytes, encoding, offset) in [
        ("rows.csv.gz", &gzip, Encoding::Utf8, 46),
        ("rows.csv.zst", &zstd, Encoding::Utf8, 46),
        ("rows.csv", &utf16, Encoding::Utf16, 84),
        ("rows.csv", &gb, Encoding::Gb18030, 44),
        ("rows.csv", &marked, Encoding::Utf8, 49),
    ] {
        let mut feed = accounts();
        feed.format.encoding = encoding;
        let loaded = load_bytes(&feed, name, bytes).expect("loads");
        assert_eq!(
            texts(&loaded.staging, "holder"),
            texts(&plain.staging, "holder"),
            "{name}"
        );
        assert_eq!(
            texts(&loaded.quarantine, "byte_offset"),
            [offset.to_string()],
            "{encoding:?}"
        );
    }
    let cut = load_bytes(&accounts(), "rows.csv.gz", &gzip[..gzip.len() - 6]).unwrap_err();
    assert!(
        matches!(cut, ExtractError::CompressedTruncated { .. }),
        "{cut}"
    );
    assert_eq!(cut.exit_code(), 5);
}

#[test]
fn bytes_that_cannot_be_decoded_cost_their_row() {
    let loaded = load_bytes(
        &accounts(),
        "rows.csv",
        b"account_no,holder,balance\nA1,\xFF\xFE,1\nA2,b,2\n",
    )
    .expect("loads");
    assert_eq!(texts(&loaded.quarantine, "rule"), ["encoding"]);
    assert_eq!(texts(&loaded.staging, "account_no"), ["A2"]);
}

#[test]
fn duplicates_leave_the_declared_survivor() {
    let content = b"account_no,holder,balance\nA,first,2\nB,x,1\nA,second,3\nA,third,3\n";
    let survivor = |survivor: Survivor| {
        let mut feed = accounts();
        feed.key = vec!["account_no".to_owned()];
        feed.survivor = survivor;
        let loaded = load_bytes(&feed, "rows.csv", content).expect("loads");
        assert_eq!(loaded.report.rows.duplicate, 2);
        texts(&loaded.staging, "holder")
    };
    assert_eq!(survivor(Survivor::First), ["first", "x"]);
    assert_eq!(survivor(Survivor::Last), ["x", "third"]);
    let column = "balance".to_owned();
    assert_eq!(survivor(Survivor::Latest { column }), ["x", "second"]);
}

#[test]
fn append_feeds_know_the_keys_of_earlier_nights() {
    let mut feed = accounts();
    feed.delivery = Delivery::Append;
    feed.key = vec!["account_no".to_owned()];
    let folder = tempfile::tempdir().expect("a folder");
    let monday = put(
        folder.path(),
        "mo.csv",
        b"account_no,holder,balance\nA,x,1\nB,x,1\n",
    );
    let tuesday = put(
        folder.path(),
        "tu.csv",
        b"account_no,holder,balance\nB,x,1\nC,x,1\n",
    );
    let first = Request::new(&feed)
        .load(&[(&monday, Origin::Delivery)])
        .expect("loads");
    assert_eq!(texts(&first.staging, "_business_date")[0], "2026-10-31");
    let staged = put(folder.path(), "mo.parquet", &first.staging_bytes);
    let mut request = Request::new(&feed);
    request.earlier = vec![staged];
    let second = request
        .load(&[(&tuesday, Origin::Delivery)])
        .expect("loads");
    assert_eq!(texts(&second.staging, "account_no"), ["C"]);
    assert_eq!(second.report.rows.duplicate, 1);
}

#[test]
fn rules_reject_what_they_do_not_hold_for_and_let_null_pass() {
    let mut feed = accounts();
    feed.rules = vec![RowRule {
        id: "R-1".to_owned(),
        must: "balance is null or balance >= 0".to_owned(),
    }];
    let content = b"account_no,holder,balance\nA,x,-1\nB,x,\nC,x,1\n";
    let loaded = load_bytes(&feed, "rows.csv", content).expect("loads");
    assert_eq!(texts(&loaded.staging, "account_no"), ["B", "C"]);
    assert_eq!(
        rules(&loaded.report),
        BTreeMap::from([("R-1".to_owned(), 1)])
    );
}

#[test]
fn json_lines_find_members_by_path_and_keep_their_digits() {
    let mut feed = accounts();
    feed.format.layout = Layout::JsonLines;
    feed.columns[1].from = "who.name".to_owned();
    let content = r#"{"account_no":"A","who":{"name":"Ann \"B\" \u00e9"},"balance":1234567890123456.78}
{"balance":null,"account_no":7,"other":[1,{"x":2}]}
{"account_no":"C","balance":1e3}
not json
{"account_no":"D"
"#;
    let loaded = load_bytes(&feed, "rows.jsonl", content.as_bytes()).expect("loads");
    assert_eq!(texts(&loaded.staging, "account_no"), ["A", "7"]);
    assert_eq!(texts(&loaded.staging, "holder"), ["Ann \"B\" é", "NULL"]);
    assert_eq!(
        texts(&loaded.staging, "balance"),
        ["1234567890123456.78", "NULL"]
    );
    assert_eq!(texts(&loaded.quarantine, "rule"), ["type", "json", "json"]);
    let deep = format!("{{\"account_no\":{}", "[".repeat(100_000));
    let loaded = load_bytes(&feed, "rows.jsonl", format!("{deep}\n").as_bytes()).expect("loads");
    assert!(texts(&loaded.quarantine, "reason")[0].contains("64 deep"));
}

#[test]
fn parquet_is_read_with_its_own_types() {
    use polars::prelude::*;
    let mut frame = DataFrame::new_infer_height(vec![
        Column::new("balance".into(), [1.25_f64, 2.5, 3.333]),
        Column::new("account_no".into(), [1_i64, 2, 3]),
        Column::new("holder".into(), [Some("Ann"), None, Some("Cid")]),
    ])
    .expect("a frame");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut frame)
        .expect("in memory");
    let mut feed = accounts();
    feed.format.layout = Layout::Parquet;
    let loaded = load_bytes(&feed, "rows.parquet", &bytes).expect("loads");
    assert_eq!(texts(&loaded.staging, "account_no"), ["1", "2"]);
    assert_eq!(texts(&loaded.staging, "balance"), ["1.25", "2.50"]);
    assert_eq!(texts(&loaded.quarantine, "line"), ["3"]);
    assert_eq!(texts(&loaded.quarantine, "replayable"), ["false"]);
    // One row alone is a column that polars holds in another way.
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut frame.slice(0, 1))
        .expect("in memory");
    let loaded = load_bytes(&feed, "rows.parquet", &bytes).expect("loads");
    assert_eq!(texts(&loaded.staging, "account_no"), ["1"]);
    assert_eq!(texts(&loaded.staging, "balance"), ["1.25"]);
    let error = load_bytes(&feed, "rows.parquet", b"PAR1 is not all it takes").unwrap_err();
    assert!(
        matches!(error, ExtractError::UnreadableParquet { .. }),
        "{error}"
    );
}

#[test]
fn hostile_parquet_is_refused_without_a_panic() {
    let Some(folder) = test_data::folder("parquet_testing/bad_data") else {
        return;
    };
    let mut feed = accounts();
    feed.format.layout = Layout::Parquet;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            let refused = Request::new(&feed).load(&[(&path, Origin::Delivery)]);
            assert!(refused.is_err(), "{}", path.display());
        }
    }
}

const KEY: &str = "k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

fn tokens(folder: &std::path::Path) -> TokenKeys {
    use std::os::unix::fs::PermissionsExt;
    let path = put(folder, "keys", KEY.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
    TokenKeys::load(&path, "harbor").expect("keys")
}

#[test]
fn protected_numbers_are_written_nowhere_and_rejects_replay_as_tokens() {
    let mut feed = accounts();
    feed.columns[1] = column("card", DataType::String);
    feed.columns[1].protect = Some(Protection::Card);
    feed.columns.push(column("ssn", DataType::String));
    feed.columns[3].protect = Some(Protection::NationalId {
        positions: salenet::config::feed::Positions::None,
        scheme: NationalIdScheme::UsSsn,
    });
    let folder = tempfile::tempdir().expect("a folder");
    let content = "account_no,card,balance,ssn\n\
        A,4111 1111 1111 1111,1,123-45-6789\n\
        B,4111111111111111,oops,000-45-6789\n\
        C,4111111111111112,1,\n\
        D,4111111111111111,1,123-45-6789,extra 4111111111111111\n";
    let path = put(folder.path(), "rows.csv", content.as_bytes());
    let mut request = Request::new(&feed);
    assert!(matches!(
        request.load(&[(&path, Origin::Delivery)]),
        Err(ExtractError::NoTokenKey { .. })
    ));
    request.tokens = tokens(folder.path());
    let loaded = request.load(&[(&path, Origin::Delivery)]).expect("loads");
    let card = texts(&loaded.staging, "card").remove(0);
    assert!(card.starts_with("tok:k1:") && card.len() == 39, "{card}");
    assert_eq!(texts(&loaded.staging, "ssn_valid"), ["true"]);
    assert_eq!(
        texts(&loaded.quarantine, "replayable"),
        ["true", "false", "false"]
    );
    let raw = texts(&loaded.quarantine, "raw");
    assert!(
        raw[0].starts_with(&format!("B,{card},oops,tok:k1:")) && raw[0].ends_with('!'),
        "{raw:?}"
    );
    for text in raw.iter().chain(&texts(&loaded.quarantine, "reason")) {
        assert!(!text.contains("4111") && !text.contains("6789"), "{text}");
    }
    let report = serde_json::to_string(&loaded.report).expect("json");
    assert!(!report.contains("4111"));

    let corrected = format!(
        "account_no,card,balance,ssn\n{}\n",
        raw[0].replace("oops", "7")
    );
    let replay = put(folder.path(), "replay.csv", corrected.as_bytes());
    let again = request
        .load(&[(&path, Origin::Delivery), (&replay, Origin::Replay)])
        .expect("loads");
    assert_eq!(texts(&again.staging, "card"), [card.clone(), card]);
    assert_eq!(texts(&again.staging, "ssn_valid"), ["true", "false"]);
    let delivered = request.load(&[(&replay, Origin::Delivery)]).expect("loads");
    assert_eq!(
        rules(&delivered.report),
        BTreeMap::from([("token".to_owned(), 1)])
    );
}

#[test]
fn key_files_of_others_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = |content: &str, mode| {
        use std::os::unix::fs::PermissionsExt;
        let path = put(folder.path(), "keys", content.as_bytes());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
        TokenKeys::load(&path, "harbor").map_err(|error| error.to_string())
    };
    assert!(load(KEY, 0o644).unwrap_err().contains("open to group"));
    assert!(load(&KEY.replace("k1", "demo-harbor"), 0o644).is_ok());
    assert!(
        load(&KEY.replace("k1", "demo-berka"), 0o600)
            .unwrap_err()
            .contains("another project")
    );
    assert!(
        load("k1 abc\n", 0o600)
            .unwrap_err()
            .contains("expected `<key id>")
    );
    assert!(load("# none\n", 0o600).unwrap_err().contains("no key"));
}

#[test]
fn the_same_rows_give_the_same_bytes_and_exact_row_groups() {
    let mut content = String::from("account_no,holder,balance\n");
    for row in 0..530_000 {
        let _ = writeln!(content, "{row},h{},{}.05", row % 7, row % 1000);
    }
    let first = load_bytes(&accounts(), "rows.csv", content.as_bytes()).expect("loads");
    let second = load_bytes(&accounts(), "rows.csv", content.as_bytes()).expect("loads");
    assert!(first.staging_bytes == second.staging_bytes);
    assert!(first.quarantine_bytes == second.quarantine_bytes);
    let mut reader = ParquetReader::new(std::io::Cursor::new(first.staging_bytes));
    let groups = &reader.get_metadata().expect("metadata").row_groups;
    let mut heights = Vec::new();
    for group in groups {
        heights.push(group.num_rows());
    }
    assert_eq!(heights, [131_072, 131_072, 131_072, 131_072, 5_712]);
}

/// Quoted newlines, cut rows, wrong amounts and keys seen before, so often that every border between two batches
/// stands among them.
#[test]
fn the_number_of_threads_changes_no_byte_and_no_line() {
    let mut content = String::from("account_no,holder,balance\n");
    let (mut line, mut rejected_lines) = (2_u64, Vec::new());
    for row in 0..150_000 {
        let key = if row % 11 == 10 { row - 5 } else { row };
        match row % 13 {
            3 => {
                let _ = writeln!(content, "A{key},\"two\nlines\",1.00");
                line += 1;
            }
            5 => {
                let _ = writeln!(content, "A{key},cut");
                rejected_lines.push(line.to_string());
            }
            7 => {
                let _ = writeln!(content, "A{key},plain,one");
                rejected_lines.push(line.to_string());
            }
            _ => {
                let _ = writeln!(content, "A{key},plain,{}.25", row % 100);
            }
        }
        line += 1;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = put(folder.path(), "rows.csv", content.as_bytes());
    let mut feed = accounts();
    feed.reject_limit.rows = Some(Limit::Count(100_000));
    feed.key = vec!["account_no".to_owned()];
    for survivor in [Survivor::First, Survivor::Last] {
        feed.survivor = survivor;
        let load = |threads: usize| {
            let mut request = Request::new(&feed);
            request.threads = threads;
            request.load(&[(&path, Origin::Delivery)]).expect("loads")
        };
        let alone = load(1);
        assert_eq!(texts(&alone.quarantine, "line"), rejected_lines);
        assert!(alone.report.rows.duplicate > 5_000);
        for threads in [2, 5] {
            let together = load(threads);
            assert_eq!(together.report, alone.report);
            assert!(together.staging_bytes == alone.staging_bytes);
            assert!(together.quarantine_bytes == alone.quarantine_bytes);
        }
    }
}

#[test]
fn changes_replace_and_join_the_state_by_key() {
    let mut feed = accounts();
    feed.delivery = Delivery::Changes;
    feed.key = vec!["account_no".to_owned()];
    let folder = tempfile::tempdir().expect("a folder");
    let stage = |name: &str, rows: &str| {
        let content = format!("account_no,holder,balance\n{rows}");
        let loaded = load_bytes(&feed, "rows.csv", content.as_bytes()).expect("loads");
        put(folder.path(), name, &loaded.staging_bytes)
    };
    let base = stage("base", "C,old,1\nA,old,1\n");
    let tonight = stage("tonight", "C,new,2\nB,new,3\n");
    let mut merged = Vec::new();
    let warehouse = Warehouse::open_or_create(folder.path()).expect("a warehouse");
    let set_aside = || warehouse.scratch_file();
    let rows =
        merge_changes(&[base], &tonight, &feed.key, &set_aside, &mut merged).expect("merges");
    assert_eq!(rows, 3);
    let whole = ParquetReader::new(std::io::Cursor::new(merged))
        .finish()
        .expect("readable");
    assert_eq!(texts(&whole, "account_no"), ["A", "B", "C"]);
    assert_eq!(texts(&whole, "holder"), ["old", "new", "new"]);
}
