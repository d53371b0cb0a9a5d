//! Loading of projects: valid ones as checked, broken ones with their messages.
//!
//! Each folder of `tests/config/invalid` holds only the files that differ from
//! `tests/config/valid/minimal`; they are laid over a copy of it. A file that ends in `.absent`
//! takes the file of that name away. The folder's name says what is wrong.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use salenet::config::{self, Side};
use salenet::diagnostic::Diagnostics;
use salenet::domain::TableName;

const BASE: &str = "tests/config/valid/minimal";
const INVALID: &str = "tests/config/invalid";

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn lay_over(from: &Path, onto: &Path) {
    for file in files_below(from) {
        let relative = file.strip_prefix(from).expect("below");
        let target = onto.join(relative);
        if relative
            .extension()
            .is_some_and(|ending| ending == "absent")
        {
            std::fs::remove_file(target.with_extension("")).expect("a file to take away");
            continue;
        }
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("created");
        std::fs::copy(&file, &target).expect("copied");
    }
}

/// The messages of the base project with some files laid over it, without the scratch folder.
fn messages(overlay: &Path) -> String {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let project = scratch.path().join("minimal");
    lay_over(Path::new(BASE), &project);
    lay_over(overlay, &project);
    match config::load(&project) {
        Ok(_) => panic!("{} loads without a message", overlay.display()),
        Err(problems) => without_scratch(&problems, scratch.path()),
    }
}

fn without_scratch(problems: &Diagnostics, scratch: &Path) -> String {
    problems
        .to_string()
        .replace(&format!("{}/", scratch.display()), "")
}

#[test]
fn every_broken_project_says_what_is_wrong() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(INVALID)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots/config");
    settings.bind(|| {
        for case in cases {
            let name = case
                .file_name()
                .and_then(|name| name.to_str())
                .expect("a name");
            insta::assert_snapshot!(name, messages(&case));
        }
    });
}

#[test]
fn valid_projects_load() {
    for entry in std::fs::read_dir("tests/config/valid").expect("the corpus") {
        let path = entry.expect("an entry").path();
        if let Err(problems) = config::load(&path) {
            panic!("{}:\n{problems}", path.display());
        }
    }
}

#[test]
fn a_small_project_loads_in_milliseconds() {
    config::load(Path::new(BASE)).expect("valid");
    #[expect(clippy::disallowed_methods, reason = "the time is what is tested")]
    let started = Instant::now();
    config::load(Path::new(BASE)).expect("valid");
    assert!(started.elapsed() < Duration::from_millis(150));
}

#[test]
fn a_folder_that_is_no_project_is_refused() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let message = |path: &Path| {
        let problems = config::load(path).expect_err("no project");
        without_scratch(&problems, scratch.path())
    };
    insta::assert_snapshot!(
        "a_folder_that_is_absent",
        message(&scratch.path().join("gone"))
    );
    std::fs::create_dir(scratch.path().join("empty")).expect("created");
    insta::assert_snapshot!(
        "a_folder_without_bank_yml",
        message(&scratch.path().join("empty"))
    );
}

#[test]
fn a_changed_file_changes_the_configuration_hash() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let project = scratch.path().join("minimal");
    lay_over(Path::new(BASE), &project);
    let hash = || config::load(&project).expect("valid").config_hash();
    let before = hash();
    let same_elsewhere = config::load(Path::new(BASE)).expect("valid").config_hash();
    assert_eq!(before, same_elsewhere);
    let csv = project.join("reference/product.csv");
    std::fs::copy(csv.with_extension("yml"), project.join("notes.txt")).expect("copied");
    assert_eq!(before, hash(), "a file that is not read does not count");
    append(&csv, "savings,0.002\n");
    assert_ne!(before, hash());
}

fn append(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(path)
        .expect("opened");
    file.write_all(text.as_bytes()).expect("written");
}

#[test]
fn offsets_inside_values_lead_back_to_the_file() {
    let project = config::load(Path::new(BASE)).expect("valid");
    let account: TableName = "core.account".parse().expect("a table");
    let rule = project
        .locations
        .row_rule("deposits.accounts", "DEP-01")
        .expect("a rule");
    let block = project
        .locations
        .reconcile(&account, "ACC-02", Side::Right)
        .expect("a query");
    let plain = project
        .locations
        .reconcile(&account, "ACC-02", Side::Left)
        .expect("a query");
    let sql = project.locations.model_sql(&account).expect("a file");
    let shown = [
        rule.error_at_word("open_date", "in a quoted value"),
        block.error_at(2, 6, "in a block"),
        plain.error_at(1, 12, "in a plain value"),
        sql.error_at(2, 6, "in a SQL file"),
    ];
    let shown: String = shown.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn what_the_schemas_name_is_what_is_accepted() {
    let schemas = config::schema::schemas();
    let names: Vec<_> = schemas.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "bank",
            "source",
            "matching",
            "model",
            "reference",
            "score",
            "campaign",
            "acceptances",
            "test"
        ]
    );
    let mut written = String::new();
    for file in files_below(Path::new("tests/config/valid/everything")) {
        written.push_str(&std::fs::read_to_string(file).expect("text"));
    }
    for (name, schema) in &schemas {
        assert_eq!(
            schema["additionalProperties"], false,
            "{name} refuses unknown keys"
        );
        let mut keys = Vec::new();
        property_names(schema, &mut keys);
        for key in keys {
            // A whole word: `at:` must not be found in `format:`.
            assert!(
                written
                    .split(|c: char| c.is_whitespace() || "{[,".contains(c))
                    .any(|word| word == format!("{key}:")),
                "the key `{key}` of {name} stands nowhere in valid/everything"
            );
        }
    }
}

fn property_names(schema: &serde_json::Value, names: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(keys) => {
            let properties = keys.get("properties").and_then(|each| each.as_object());
            names.extend(properties.into_iter().flat_map(|each| each.keys().cloned()));
            for value in keys.values() {
                property_names(value, names);
            }
        }
        serde_json::Value::Array(items) => {
            for value in items {
                property_names(value, names);
            }
        }
        _ => {}
    }
}

/// A file cut short, as by a full disk: most cuts are problems, none is a panic.
#[test]
fn a_file_cut_anywhere_gives_messages() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let project = scratch.path().join("everything");
    lay_over(Path::new("tests/config/valid/everything"), &project);
    let mut broken = 0;
    for relative in [
        "bank.yml",
        "sources/deposits.yml",
        "campaigns/home_equity.yml",
    ] {
        let file = project.join(relative);
        let whole = std::fs::read(&file).expect("a file");
        for length in (0..whole.len()).step_by(37) {
            overwrite(&file, &whole[..length]);
            if let Err(problems) = config::load(&project) {
                assert!(!problems.to_string().is_empty());
                broken += 1;
            }
        }
        overwrite(&file, &whole);
    }
    assert!(broken > 50, "{broken} cuts were noticed");
    config::load(&project).expect("whole again");
}

#[test]
fn line_ends_and_a_byte_order_mark_of_windows_change_nothing() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let project = scratch.path().join("minimal");
    lay_over(Path::new(BASE), &project);
    for file in files_below(&project) {
        let text = std::fs::read_to_string(&file).expect("text");
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        overwrite(&file, windows.as_bytes());
    }
    let windows = config::load(&project).unwrap_or_else(|problems| panic!("{problems}"));
    let unix = config::load(Path::new(BASE)).expect("valid");
    assert_eq!(
        format!("{:?}", windows.sources),
        format!("{:?}", unix.sources)
    );
}

fn overwrite(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .truncate(true)
        .open(path)
        .expect("opened");
    file.write_all(bytes).expect("written");
}
