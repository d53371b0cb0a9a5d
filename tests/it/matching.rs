//! Similarity on data whose truth is known: FEBRL through extract and clean, the sample bank, people's decisions.

#![cfg(test)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::test_data;

/// A project with its deliveries and a warehouse of its own.
struct Bank {
    project: PathBuf,
    landing: PathBuf,
    folder: TempDir,
}

impl Bank {
    fn of(project: &str, landing: PathBuf) -> Self {
        Self {
            project: Path::new(env!("CARGO_MANIFEST_DIR")).join(project),
            landing,
            folder: TempDir::new().unwrap(),
        }
    }

    fn salenet(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_salenet"))
            .args(arguments)
            .args(["--quiet", "--project"])
            .arg(&self.project)
            .arg("--landing")
            .arg(&self.landing)
            .arg("--warehouse")
            .arg(self.folder.path().join("warehouse"))
            .output()
            .unwrap()
    }

    fn evaluate(&self, truth: &Path) -> Value {
        let truth = truth.to_str().unwrap();
        let page = self.folder.path().join("page.html");
        let output = self.salenet(&[
            "match",
            "evaluate",
            "--format",
            "json",
            "--truth",
            truth,
            "--html",
            page.to_str().unwrap(),
        ]);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test writes its input")]
/// Writes the truth that FEBRL's record ids hold: `rec-17-org` and `rec-17-dup-0` are one person.
fn febrl_truth(landing: &Path, files: &[(&str, &str)], into: &Path) {
    let mut truth = "source,feed,record_key,customer\n".to_owned();
    for (source, file) in files {
        let text = std::fs::read_to_string(landing.join(file)).unwrap();
        for line in text.lines().skip(1) {
            let key = line.split(',').next().unwrap();
            let person = key.split('-').nth(1).unwrap();
            let _ = writeln!(truth, "{source},persons,{key},{person}");
        }
    }
    std::fs::write(into, truth).unwrap();
}

fn febrl(project: &str, files: &[(&str, &str)]) -> Option<Value> {
    let landing = std::path::absolute(test_data::folder("febrl")?).unwrap();
    let bank = Bank::of(&format!("tests/projects/{project}"), landing);
    let truth = bank.folder.path().join("truth.csv");
    febrl_truth(&bank.landing, files, &truth);
    Some(bank.evaluate(&truth))
}

fn count(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap()
}

fn best_f1(found: &Value) -> f64 {
    let thresholds = found["thresholds"].as_array().unwrap().iter();
    let f1 = thresholds.map(|quality| quality["f1"].as_f64().unwrap());
    f1.fold(0.0, f64::max)
}

#[test]
fn febrl4_links_all_but_a_few_of_5000_pairs_and_none_wrongly() {
    let files = [
        ("original", "dataset4a.csv"),
        ("duplicate", "dataset4b.csv"),
    ];
    let Some(found) = febrl("febrl4", &files) else {
        return;
    };
    assert_eq!(
        (count(&found, "records"), count(&found, "unknown")),
        (10_000, 0)
    );
    let chosen = &found["chosen"];
    assert!(count(chosen, "true_positives") >= 4_970, "{chosen}");
    assert_eq!(count(chosen, "false_positives"), 0, "{chosen}");
    assert!(best_f1(&found) >= 0.9999, "{found}");
}

#[test]
fn febrl1_is_deduplicated() {
    let Some(found) = febrl("febrl1", &[("original", "dataset1.csv")]) else {
        return;
    };
    assert_eq!(count(&found, "records"), 1_000);
    assert!(found["chosen"]["f1"].as_f64().unwrap() >= 0.998, "{found}");
}

#[test]
fn the_customers_of_the_sample_bank_are_who_they_truly_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/harbor");
    let bank = Bank::of("pipelines/harbor", root.join("landing"));
    let found = bank.evaluate(&root.join("truth/records.csv"));
    let page = std::fs::read_to_string(bank.folder.path().join("page.html")).unwrap();
    assert!(page.contains("<title>Matching on 2026-10-29</title>"));
    assert!(page.contains("Precision, recall and F1 by threshold</title>"));
    assert!(page.matches("<tr").count() > 20, "{page}");
    let part = |name: &str, of: &Value| of[name].as_f64().unwrap();
    let chosen = &found["chosen"];
    assert_eq!(count(&found, "unknown"), 0);
    assert!(part("precision", chosen) >= 0.995, "{chosen}");
    assert!(part("recall", chosen) >= 0.97, "{chosen}");
    let groups = found["groups"].as_array().unwrap();
    let group = |name: &str| groups.iter().find(|group| group["group"] == name).unwrap();
    for name in ["person", "organisation"] {
        assert!(part("precision", group(name)) >= 0.995, "{name}");
        assert!(part("recall", group(name)) >= 0.97, "{name}");
    }
    // Chinese clients: only name and birth date lead to their records in other systems.
    for name in ["wealth.clients", "cif.foreign_customers"] {
        assert!(part("precision", group(name)) >= 0.99, "{}", group(name));
        assert!(part("recall", group(name)) >= 0.9, "{}", group(name));
    }
}

#[test]
fn what_a_person_decides_wins_over_scores_and_refused_pairs_stay_apart() {
    let Some(folder) = test_data::folder("febrl") else {
        return;
    };
    let landing = std::path::absolute(folder).unwrap();
    let bank = Bank::of("tests/projects/febrl1", landing);
    assert!(bank.salenet(&["run"]).status.success());
    let ask = |bank: &Bank, sql: &str| {
        let output = bank.salenet(&["sql", "--format", "csv", "-c", sql]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    };
    let customers = "select count(distinct customer_id) as n from core.customer_xref";
    assert_eq!(ask(&bank, customers), "500");
    let linked = "original.persons:rec-223-org";
    let partner = "original.persons:rec-223-dup-0";
    let stranger = "original.persons:rec-122-org";
    let decide = |verdict: &str, left: &str, right: &str| {
        let arguments = ["match", "review", verdict, left, right, "--by", "a tester"];
        bank.salenet(&[&arguments[..], &["--reason", "they said so"]].concat())
    };
    assert!(decide("refuse", linked, partner).status.success());
    assert!(decide("accept", linked, stranger).status.success());
    assert_eq!(decide("accept", linked, linked).status.code(), Some(2));
    assert_eq!(
        decide("accept", linked, "original.persons:nobody")
            .status
            .code(),
        Some(2)
    );
    assert!(
        bank.salenet(&["run", "--date", "2026-01-30"])
            .status
            .success()
    );
    let same = |left: &str, right: &str| {
        let key = |record: &str| record.split(':').nth(1).unwrap().to_owned();
        let sql = format!(
            "select count(distinct customer_id) as n from core.customer_xref where source_key in ('{}', '{}')",
            key(left),
            key(right)
        );
        ask(&bank, &sql) == "1"
    };
    assert!(!same(linked, partner), "refused, and still one customer");
    assert!(same(linked, stranger), "accepted, and still two customers");
    let explained = bank.salenet(&["explain", "match", linked, partner, "--format", "json"]);
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    let sum = explained["parts"].as_array().unwrap().last().unwrap()["sum"]
        .as_f64()
        .unwrap();
    assert!(
        (sum - explained["weight"].as_f64().unwrap()).abs() < 1e-9,
        "{explained}"
    );
    assert!(
        explained["probability"].as_f64().unwrap() > 0.99,
        "{explained}"
    );
}

#[test]
fn a_night_does_not_run_without_the_model_and_says_how_to_train_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut bank = Bank::of("tests/projects/febrl1", PathBuf::from("nowhere"));
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root.join("tests/projects/febrl1"))
        .arg(bank.folder.path())
        .status()
        .unwrap();
    assert!(copied.success());
    bank.project = bank.folder.path().join("febrl1");
    let words = |bank: &Bank| {
        let output = bank.salenet(&["check"]);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(words(&bank).0, Some(0));
    std::fs::remove_file(bank.project.join("matching_model.json")).unwrap();
    let (code, said) = words(&bank);
    assert_eq!(code, Some(3));
    for expected in [
        "similarity has no trained model yet",
        "matching.yml:",
        "hint: salenet match train",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}
