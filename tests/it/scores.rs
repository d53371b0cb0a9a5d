//! Scores: what a project may not make one of, what training finds on real data, and what the night makes of it.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use super::bank::{PROGRAM, Said};
use super::feeds::put;
use super::test_data;

/// A copy of a project, the real data beside it, and a warehouse of its own.
struct Project {
    folder: tempfile::TempDir,
    landing: PathBuf,
}

impl Project {
    /// Without the models that the project carries; nothing where the data are not at hand.
    fn copy(name: &str) -> Option<Self> {
        let landing = std::path::absolute(test_data::folder(name)?).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("pipelines")
            .join(name);
        copy(&from, &folder.path().join("project"));
        Some(Self { folder, landing })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn say(&self, arguments: &[&str]) -> Said {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .arg("--project")
            .arg(self.path())
            .arg("--landing")
            .arg(&self.landing)
            .arg("--warehouse")
            .arg(self.folder.path().join("warehouse"))
            .output()
            .unwrap();
        Said::of(&output)
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        serde_json::from_str(&self.say(&all).exits(0).stdout).unwrap()
    }

    fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let said = self.say(&["sql", "--format", "csv", "-c", sql]).exits(0);
        let rows = said.stdout.lines().skip(1);
        rows.map(|row| row.split(',').map(str::to_owned).collect())
            .collect()
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        put(&self.path(), path, text.replacen(from, to, 1).as_bytes());
    }

    fn model(&self, score: &str) -> Vec<u8> {
        std::fs::read(self.path().join(format!("scores/{score}.model.json"))).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else if !entry.file_name().to_string_lossy().ends_with(".model.json") {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn number(value: &serde_json::Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn near(found: &serde_json::Value, expected: f64, within: f64) {
    let found = number(found);
    assert!(
        (found - expected).abs() <= within,
        "{found} is not {expected}"
    );
}

/// scikit-learn's figures (benches/peers/logistic.py) on the same rows and columns.
#[test]
fn real_calls_are_ranked_as_a_peer_ranks_them() {
    let Some(project) = Project::copy("uci_bank_marketing") else {
        return;
    };
    let first = project.say(&["run"]).exits(0);
    assert!(
        first
            .stderr
            .contains("score subscription has no trained model; nights leave it out")
    );
    assert!(
        first
            .stderr
            .contains("score subscription uses `core.call.age`, which is prohibited")
    );
    let none = project.rows("select count(*) from core.model_score");
    assert_eq!(none, [["0"]]);

    for (score, rows, positives, auc, share) in [
        ("subscription", 12_356, 3_033, 0.671_25, 0.680),
        ("subscription_random", 12_287, 1_391, 0.790_36, 0.469),
    ] {
        let found = project.json(&["score", "train", score]);
        let held = &found["holdout"];
        assert_eq!(held["rows"], rows, "{score}");
        assert_eq!(held["positives"], positives, "{score}");
        near(&held["auc"], auc, 0.001);
        near(&held["share_for_80_percent"], share, 0.005);
        near(&held["deciles"][9]["gain"], 1.0, 1e-9);
        let again = project.json(&["score", "evaluate", score]);
        assert_eq!(again["holdout"], found["holdout"], "{score}");
        // What was learnt from chance fits chance; see the README for what time does.
        if score == "subscription_random" {
            near(&held["calibration"]["slope"], 1.0, 0.05);
            near(
                &held["calibration"]["mean_probability"],
                number(&held["calibration"]["rate"]),
                0.005,
            );
        }
    }
    let written = project.model("subscription");
    project
        .say(&["score", "train", "subscription", "--threads", "1"])
        .exits(0);
    assert_eq!(
        project.model("subscription"),
        written,
        "threads change the model"
    );

    project.say(&["run", "--date", "2010-11-30"]).exits(0);
    let scored = project.rows(
        "select model, count(*), count(distinct customer_id), min(decile), max(decile),
             sum(case when score between 0 and 1 then 1 else 0 end), count(distinct version)
         from core.model_score group by model order by model",
    );
    let row = |model: &str| {
        [model, "41188", "41188", "1", "10", "41188", "1"]
            .map(str::to_owned)
            .to_vec()
    };
    assert_eq!(scored, [row("subscription"), row("subscription_random")]);
    // The night's scores are those that were measured.
    let rates = project.rows(
        "select decile, avg(case when is_subscribed then 1.0 else 0.0 end) as rate from core.model_score
         join core.call using (customer_id) where model = 'subscription_random' group by decile order by decile",
    );
    let best: f64 = rates[0][1].parse().unwrap();
    let worst: f64 = rates[9][1].parse().unwrap();
    assert!(best > 0.45 && worst < 0.04, "{rates:?}");
    let again = project.say(&["run", "--date", "2010-11-30"]).exits(0);
    assert!(
        again.stdout.contains("already published"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_feature_known_only_after_the_contact_is_refused_however_it_is_called() {
    let Some(project) = Project::copy("uci_bank_marketing") else {
        return;
    };
    project.edit(
        "models/core/call.yml",
        "{description: Seconds the call took, known_after_contact: true}",
        "{description: Seconds the call took}",
    );
    let score = "scores/subscription.yml";
    for query in ["population: |\n  select *", "  query: |\n    select *"] {
        project.edit(
            score,
            query,
            &format!("{query}, ln(duration + 1) as patience"),
        );
    }
    project.edit(
        score,
        "  - {column: n_previous,",
        "  - {column: patience, type: number}\n  - {column: n_previous,",
    );
    let said = project.say(&["check"]).exits(3);
    let wanted = "feature `patience` of score subscription is made of `staging.bank_calls.duration -> core.call.duration`, \
                  which no score may use: is known only after the contact";
    assert!(said.stderr.contains(wanted), "{}", said.stderr);
    assert!(
        said.stderr.contains("scores/subscription.yml:"),
        "{}",
        said.stderr
    );

    // An exclusion of the score's own does the same, with its reason.
    project.edit(
        "sources/bank.yml",
        "duration:       {type: integer, required: true, known_after_contact: true}",
        "duration:       {type: integer, required: true}",
    );
    project.say(&["check"]).exits(0);
    project.edit(
        score,
        "compliance:",
        "exclude: [{column: core.call.duration, reason: the call is over by then}]\ncompliance:",
    );
    let said = project.say(&["check"]).exits(3);
    assert!(
        said.stderr
            .contains("`core.call.duration`, which no score may use: the call is over by then"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_prohibited_column_fails_a_credit_score_and_is_reported_for_deposits() {
    let Some(project) = Project::copy("uci_bank_marketing") else {
        return;
    };
    let said = project.say(&["check"]).exits(0);
    assert!(
        said.stderr
            .contains("warning: score subscription uses `core.call.marital`"),
        "{}",
        said.stderr
    );
    project.edit(
        "models/core/call.yml",
        "job:           {description: Kind of work; null where unknown}",
        "job:           {description: Kind of work; null where unknown, classification: proxy}",
    );
    project.edit(
        "scores/subscription.yml",
        "regime: deposit",
        "regime: credit",
    );
    let said = project.say(&["check"]).exits(3);
    for column in ["age", "marital"] {
        let wanted =
            format!("error: score subscription uses `core.call.{column}`, which is prohibited");
        assert!(said.stderr.contains(&wanted), "{}", said.stderr);
    }
    // Without them the score stands, and what stands close to them is still told; a row they choose is a use too.
    for line in [
        "  - {column: age,           type: number}\n",
        "  - {column: marital,       type: category}\n",
    ] {
        project.edit("scores/subscription.yml", line, "");
    }
    let said = project.say(&["check"]).exits(0);
    let wanted =
        "score subscription uses `core.call.job`, which stands close to a prohibited basis";
    assert!(said.stderr.contains(wanted), "{}", said.stderr);
    project.edit(
        "scores/subscription.yml",
        "    select * from core.call",
        "    select * from core.call where age < 60",
    );
    let said = project.say(&["check"]).exits(3);
    assert!(
        said.stderr
            .contains("error: score subscription uses `core.call.age`"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_query_that_lacks_a_column_or_cannot_be_learnt_from_says_so() {
    let Some(project) = Project::copy("hmeq") else {
        return;
    };
    let score = "scores/bad_loan.yml";
    let whole = std::fs::read_to_string(project.path().join(score)).unwrap();
    for (from, to, wanted) in [
        (
            "target: is_bad",
            "target: is_bat",
            "the training query has no column `is_bat`",
        ),
        (
            "by: loan_no",
            "by: loan",
            "the training query has no column `loan`",
        ),
        (
            "{column: purpose,         type: category}",
            "{column: purpose,         type: number}",
            "`purpose` of the population query is a text, no number",
        ),
        (
            "column: n_inquiries",
            "column: n_inquiry",
            "the population query has no column `n_inquiry`",
        ),
        (
            "population: |\n  select *",
            "population: |\n  select now() as day, *",
            "gives another result on every run",
        ),
        (
            "  select * from core.loan",
            "  select * from core.model_score",
            "a score is made before `core.model_score` is",
        ),
    ] {
        put(
            &project.path(),
            score,
            whole.replacen(from, to, 1).as_bytes(),
        );
        let said = project.say(&["check"]).exits(3);
        assert!(said.stderr.contains(wanted), "{to}: {}", said.stderr);
        assert!(
            said.stderr.contains("scores/bad_loan.yml:"),
            "{to}: {}",
            said.stderr
        );
    }
    put(&project.path(), score, whole.as_bytes());
    project.say(&["run"]).exits(0);
    for (from, to, wanted) in [
        (
            "    select * from core.loan\n",
            "    select * from core.loan where is_bad\n",
            "nothing can be told from them",
        ),
        (
            "target: is_bad",
            "target: n_delinquent",
            "have a target that is neither true nor false, 1 nor 0",
        ),
        (
            "by: loan_no",
            "by: purpose",
            "rows have no `purpose`, so that they belong to no part",
        ),
    ] {
        let to = to.replace("target: n_delinquent", "target: n_credit_lines");
        let text = whole
            .replacen(from, &to, 1)
            .replace("  - {column: n_credit_lines,  type: number}\n", "");
        put(&project.path(), score, text.as_bytes());
        let said = project.say(&["score", "train", "bad_loan"]).exits(4);
        assert!(said.stderr.contains(wanted), "{to}: {}", said.stderr);
        assert!(!project.path().join("scores/bad_loan.model.json").exists());
    }
    put(&project.path(), score, whole.as_bytes());
    let said = project.say(&["score", "evaluate", "bad_loan"]).exits(4);
    assert!(
        said.stderr.contains("hint: salenet score train bad_loan"),
        "{}",
        said.stderr
    );
    let said = project.say(&["score", "train", "bad_lone"]).exits(2);
    assert!(
        said.stderr.contains("it has bad_loan, bad_loan_card"),
        "{}",
        said.stderr
    );
    let said = project.say(&["score", "train", "bad_loan_card"]).exits(2);
    assert!(
        said.stderr.contains("its points are written, not learnt"),
        "{}",
        said.stderr
    );
}

#[test]
fn bad_loans_are_found_by_points_and_by_regression() {
    let Some(project) = Project::copy("hmeq") else {
        return;
    };
    project.say(&["run"]).exits(0);
    let found = project.json(&["score", "train", "bad_loan"]);
    assert_eq!(found["holdout"]["rows"], 1_773);
    near(&found["holdout"]["auc"], 0.890_1, 0.001);
    let card = project.json(&["score", "evaluate", "bad_loan_card"]);
    near(&card["holdout"]["auc"], 0.902_6, 0.001);
    assert!(
        card["holdout"]["calibration"].is_null(),
        "points are no probabilities"
    );
    project.say(&["run", "--date", "2001-12-31"]).exits(0);
    // Points added up by hand: a loan that tells nothing but its amount.
    let text = std::fs::read_to_string(project.path().join("scores/bad_loan_card.yml")).unwrap();
    let missing: i64 = text
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("- {missing: true, points: ")?
                .strip_suffix('}')
        })
        .map(|points| points.parse::<i64>().unwrap())
        .sum();
    let nothing_told = project.rows(
        "select distinct cast(score as bigint) from core.model_score join core.loan using (customer_id)
         where model = 'bad_loan_card' and debt_to_income is null and n_delinquent is null and n_derogatory is null
             and oldest_line_months is null and n_inquiries is null and years_on_job is null and property_value is null
             and job is null",
    );
    assert_eq!(nothing_told, [[missing.to_string()]]);
    let page = project.folder.path().join("page.html");
    project
        .say(&["report", "--output", page.to_str().unwrap()])
        .exits(0);
    let page = std::fs::read_to_string(page).unwrap();
    for wanted in [
        "<a href=\"#scores\">Scores</a>",
        "Gains of bad_loan_card",
        "80 % found in 28.7 %",
        "area under the ROC curve 0.890 (95 % interval 0.868 to 0.912)",
    ] {
        assert!(page.contains(wanted), "the report does not say {wanted}");
    }
    let reasons = project.rows(
        "select count(*) from core.model_score where reason_2 is not null and (reason_1 is null or reason_1 = reason_2)",
    );
    assert_eq!(reasons, [["0"]]);
}

#[test]
fn a_customer_with_two_rows_stops_the_night() {
    let Some(project) = Project::copy("hmeq") else {
        return;
    };
    project.edit(
        "scores/bad_loan_card.yml",
        "population: |\n  select * from core.loan",
        "population: |\n  select * from core.loan\n  union all\n  select * from core.loan where loan_no <= 3",
    );
    let said = project.say(&["run"]).exits(4);
    assert!(
        said.stderr
            .contains("3 rows of the population name nobody, or somebody who has a row already"),
        "{}",
        said.stderr
    );
}
