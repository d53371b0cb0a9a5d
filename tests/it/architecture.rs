//! The source tree keeps to ARCHITECTURE.md: layers, lengths, words about duties, the shape of stages.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::bank::files_below;

fn source() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files_below(&root);
    let files = files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"));
    let texts = files.map(|file| {
        let text = std::fs::read_to_string(&file).expect("a source file");
        (file.strip_prefix(&root).expect("below").to_owned(), text)
    });
    texts.collect()
}

/// The table under `## Layers`: layer -> layers it may use. A first cell may name several layers.
fn layers(document: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (_, section) = document
        .split_once("## Layers")
        .expect("a heading `## Layers`");
    let section = section.split("\n## ").next().unwrap_or_default();
    let names = |cell: &str| -> Vec<String> {
        cell.split([',', ' '])
            .map(|name| name.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()))
            .filter(|name| !name.is_empty() && *name != "nothing")
            .map(str::to_owned)
            .collect()
    };
    let mut table = BTreeMap::new();
    for line in section
        .lines()
        .filter(|line| line.trim_start().starts_with('|'))
    {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').collect();
        let (Some(layer), Some(may_use)) = (cells.first(), cells.get(1)) else {
            continue;
        };
        if layer.trim() == "layer" || layer.contains("---") {
            continue;
        }
        for layer in names(layer) {
            table.insert(layer, names(may_use).into_iter().collect());
        }
    }
    table
}

/// `crate::<layer>` wherever it stands outside comments: imports and full paths alike.
fn uses(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let members = group.trim_end_matches(['}', ';']).split(',');
                found.extend(members.map(|member| first_name(member.trim())));
            } else {
                found.insert(first_name(rest));
            }
        }
    }
    found
}

fn first_name(path: &str) -> String {
    path.chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .collect()
}

fn layer_of(file: &Path) -> String {
    let first = file.components().next().expect("a name");
    Path::new(first.as_os_str())
        .file_stem()
        .expect("a stem")
        .to_string_lossy()
        .into_owned()
}

/// Sentences about every forbidden use.
fn violations(
    table: &BTreeMap<String, BTreeSet<String>>,
    files: &[(PathBuf, String)],
) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in files {
        let layer = layer_of(file);
        if matches!(layer.as_str(), "lib" | "main" | "foundation") {
            continue;
        }
        let Some(may_use) = table.get(&layer) else {
            found.push(format!(
                "{}: ARCHITECTURE.md knows no layer `{layer}`",
                file.display()
            ));
            continue;
        };
        for used in uses(text) {
            if used != layer && !may_use.contains(&used) {
                found.push(format!("{}: {layer} may not use {used}", file.display()));
            }
        }
    }
    found
}

#[test]
fn layers_use_only_what_the_architecture_allows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let document = std::fs::read_to_string(path).expect("ARCHITECTURE.md");
    let table = layers(&document);
    assert!(table.len() >= 8, "{table:?}");
    let found = violations(&table, &source());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_reading_of_layers_sees_what_it_should() {
    let document = "# A\n\n## Layers\n\n| layer | may use |\n|---|---|\n| `domain` | nothing |\n\
                    | `config`, store | `domain` |\n| sql | domain, store |\n\n## Else\n| x | y |\n";
    let table = layers(document);
    assert_eq!(
        table.keys().collect::<Vec<_>>(),
        ["config", "domain", "sql", "store"]
    );
    let files = [
        (
            "store/lock.rs",
            "use crate::domain::Date;\n// crate::sql is not here\n",
        ),
        ("config/mod.rs", "fn f() { crate::sql::run() }\n"),
        (
            "sql/mod.rs",
            "use crate::{domain, run::chain};\npub(in crate::sql) fn f() {}\n",
        ),
        ("report/mod.rs", ""),
    ];
    let files = files.map(|(file, text)| (PathBuf::from(file), text.to_owned()));
    assert_eq!(
        violations(&table, &files),
        [
            "config/mod.rs: config may not use sql",
            "sql/mod.rs: sql may not use run",
            "report/mod.rs: ARCHITECTURE.md knows no layer `report`",
        ]
    );
}

#[test]
fn no_file_is_longer_than_600_lines_and_every_module_says_its_duty() {
    for (file, text) in source() {
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines", file.display());
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first
                .strip_prefix("//!")
                .is_some_and(|duty| duty.trim().len() > 10),
            "{} does not start with `//!` and its duty",
            file.display()
        );
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for file in files_below(&tests) {
        if file.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&file).expect("a test file");
            assert!(text.lines().count() <= 600, "{}", file.display());
        }
    }
}

#[test]
fn every_stage_has_the_same_shape() {
    let stages = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stages");
    let mut n_stages = 0;
    for entry in std::fs::read_dir(stages).expect("stages") {
        let stage = entry.expect("an entry").path();
        if !stage.is_dir() {
            continue;
        }
        n_stages += 1;
        // Cleaning is done within the loading of a feed: it has no files of its own to read or write.
        let is_pure = stage.ends_with("clean");
        let wanted: &[&str] = if is_pure {
            &["mod.rs"]
        } else {
            &["mod.rs", "run.rs", "error.rs"]
        };
        for name in wanted {
            assert!(
                stage.join(name).is_file(),
                "{} has no {name}",
                stage.display()
            );
        }
    }
    assert!(n_stages >= 5);
}

#[test]
fn no_module_is_named_after_nothing() {
    for (file, _) in source() {
        let stem = file
            .file_stem()
            .expect("a stem")
            .to_string_lossy()
            .into_owned();
        assert!(
            !["utils", "util", "helpers", "helper", "common", "misc"].contains(&stem.as_str()),
            "{}",
            file.display()
        );
    }
}
