//! Files other people found hard: every row is accounted for, and nothing panics.

use std::path::Path;

use salenet::config::feed::{DataType, FeedSpec, Layout, Limit};
use salenet::stages::extract::{ExtractError, Origin};

use crate::feeds::{Loaded, Request, column, csv_feed, load_bytes, texts};
use crate::test_data;

fn texts_feed(delimiter: &str, names: &[&str]) -> FeedSpec {
    let columns = names
        .iter()
        .map(|name| column(name, DataType::String))
        .collect();
    let mut feed = csv_feed(delimiter, columns);
    for column in &mut feed.columns {
        column.clean.clear();
    }
    feed.reject_limit.rows = Some(Limit::Count(u64::MAX));
    feed
}

fn load(feed: &FeedSpec, path: &Path) -> Result<Loaded, ExtractError> {
    Request::new(feed).load(&[(path, Origin::Delivery)])
}

const NAMES: [&str; 9] = [
    "DATE",
    "TIME",
    "Qty",
    "PRODUCTID",
    "Price",
    "ProductType",
    "ProductDescription",
    "URL",
    "Comments",
];

#[test]
fn every_polluted_row_is_loaded_right_or_rejected_alone() {
    let Some(folder) = test_data::folder("pollock/polluted_files") else {
        return;
    };
    let source = load(&texts_feed(",", &NAMES), &folder.join("csv/source.csv")).expect("loads");
    let expected = texts(&source.staging, "URL");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.join("csv")).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        // Pollution of the header row is another test's: the file is refused.
        if !name.starts_with("row_") {
            continue;
        }
        match load(&texts_feed(",", &NAMES), &path) {
            Ok(loaded) => {
                seen += 1;
                let rows = &loaded.report.rows;
                assert_eq!(rows.read, source.report.rows.read, "{name}");
                assert!(rows.rejected <= 1, "{name}: {:?}", loaded.report.rejects);
                let urls = texts(&loaded.staging, "URL");
                let unknown = urls.iter().filter(|url| !expected.contains(url)).count();
                assert!(
                    unknown <= 1,
                    "{name}: {unknown} rows hold what nobody delivered"
                );
            }
            Err(error) => assert!(
                matches!(error, ExtractError::HeaderMismatch { .. }),
                "{name}: {error}"
            ),
        }
    }
    assert!(seen >= 100, "{seen} files were loaded");
}

#[test]
fn polluted_files_are_loaded_or_refused_but_never_lose_a_row() {
    let Some(folder) = test_data::folder("pollock") else {
        return;
    };
    for part in ["polluted_files/csv", "survey_sample/csv"] {
        for entry in std::fs::read_dir(folder.join(part)).expect("the folder") {
            let path = entry.expect("an entry").path();
            for delimiter in [",", ";", "\t", ", "] {
                let mut feed = texts_feed(delimiter, &NAMES);
                if let Layout::Delimited(dialect) = &mut feed.format.layout {
                    dialect.has_header = false;
                }
                // `load` checks conservation.
                let loaded = load(&feed, &path);
                let empty = matches!(loaded, Err(ExtractError::Empty { .. }));
                assert!(loaded.is_ok() || empty, "{}", path.display());
            }
        }
    }
}

#[test]
fn the_csv_spectrum_is_read_as_its_authors_say() {
    let Some(folder) = test_data::folder("csv_spectrum") else {
        return;
    };
    for entry in std::fs::read_dir(folder.join("csvs")).expect("the folder") {
        let path = entry.expect("an entry").path();
        let stem = path
            .file_stem()
            .expect("a stem")
            .to_string_lossy()
            .into_owned();
        let json = std::fs::read_to_string(folder.join(format!("json/{stem}.json"))).expect("json");
        let expected: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(&json).expect("json");
        let names: Vec<&str> = expected[0].keys().map(String::as_str).collect();
        let loaded = load(&texts_feed(",", &names), &path).expect("loads");
        assert_eq!(loaded.report.rows.loaded, expected.len() as u64, "{stem}");
        for name in &names {
            let wanted: Vec<String> = expected
                .iter()
                .map(|row| row[*name].as_str().expect("a text"))
                .map(|text| if text.is_empty() { "NULL" } else { text }.to_owned())
                .collect();
            assert_eq!(texts(&loaded.staging, name), wanted, "{stem}.{name}");
        }
    }
}

#[test]
fn naughty_strings_come_out_as_they_went_in() {
    let Some(folder) = test_data::folder("blns") else {
        return;
    };
    let json = std::fs::read_to_string(folder.join("blns.json")).expect("the list");
    let naughty: Vec<String> = serde_json::from_str(&json).expect("json");
    let mut content = String::from("id,text\n");
    for (index, text) in naughty.iter().enumerate() {
        content.push_str(&format!("{index},\"{}\"\n", text.replace('"', "\"\"")));
    }
    let loaded = load_bytes(
        &texts_feed(",", &["id", "text"]),
        "blns.csv",
        content.as_bytes(),
    )
    .expect("loads");
    let wanted: Vec<String> = naughty
        .iter()
        .map(|text| {
            if text.is_empty() {
                "NULL".to_owned()
            } else {
                text.clone()
            }
        })
        .collect();
    assert_eq!(texts(&loaded.staging, "text"), wanted);
}
