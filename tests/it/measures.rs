//! What a run's report says of the time, the bytes and the memory of its steps.

#![cfg(test)]

use std::sync::LazyLock;

use serde_json::Value;

use super::bank::{Accounts, Bank, FIRST, NIGHTS, SECOND, accounts, files_below, night_of};
use super::feeds::put;

/// The report of the newest run.
fn report(bank: &Bank) -> Value {
    let mut reports = files_below(&bank.warehouse().join("runs"));
    reports.retain(|file| file.ends_with("report.json"));
    let newest = reports
        .iter()
        .max_by_key(|file| file.metadata().and_then(|found| found.modified()).ok())
        .expect("a report");
    serde_json::from_slice(&std::fs::read(newest).expect("a file")).expect("JSON")
}

/// Of one run of three nights on two threads, for everybody who only reads it.
static THREE_NIGHTS: LazyLock<Value> = LazyLock::new(|| three_nights(&["--threads", "2"]));

fn three_nights(options: &[&str]) -> Value {
    let bank = Bank::with_three_nights();
    let arguments: Vec<&str> = ["run"].iter().chain(options).copied().collect();
    bank.salenet(&arguments).exits(0);
    report(&bank)
}

fn entries<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name]
        .as_array()
        .unwrap_or_else(|| panic!("no list `{name}` in {of}"))
}

/// `stage step` of every step of the night.
fn steps(night: &Value) -> Vec<String> {
    let steps = entries(night, "steps").iter();
    steps
        .map(|step| {
            let text = |name: &str| step[name].as_str().expect("text").to_owned();
            format!("{} {}", text("stage"), text("step"))
        })
        .collect()
}

#[test]
fn every_night_of_a_run_is_measured_step_by_step() {
    let report = &*THREE_NIGHTS;
    let nights = entries(report, "nights");
    let dates: Vec<_> = nights.iter().map(|night| &night["business_date"]).collect();
    assert_eq!(dates, NIGHTS);
    insta::assert_snapshot!("steps_of_a_night", steps(&nights[2]).join("\n"));
    for night in nights {
        let order = [
            "extract",
            "reference",
            "resolve",
            "model",
            "campaign",
            "gates",
            "publish",
        ];
        let place = |step: &Value| order.iter().position(|stage| step["stage"] == *stage);
        assert!(entries(night, "steps").is_sorted_by_key(|step| place(step).expect("a stage")));
    }
}

#[test]
fn a_step_has_the_same_figures_whatever_it_does() {
    let report = &*THREE_NIGHTS;
    let names = |of: &Value| -> Vec<String> {
        of.as_object().expect("an object").keys().cloned().collect()
    };
    let nights = entries(report, "nights");
    let extract = &nights[0]["steps"][0];
    let shape = format!(
        "run: {}\nnight: {}\nextract: {}\nfeed: {}",
        names(report).join(", "),
        names(&nights[0]).join(", "),
        names(extract).join(", "),
        names(&extract["parts"][0]).join(", "),
    );
    insta::assert_snapshot!("shape_of_a_report", shape);
    let others = nights.iter().flat_map(|night| entries(night, "steps"));
    for step in others {
        let mut expected = names(extract);
        if !["extract", "model", "gates"].contains(&step["stage"].as_str().expect("a stage")) {
            expected.retain(|name| name != "parts");
        }
        assert_eq!(names(step), expected);
        assert!(step["rows"].is_u64() && step["seconds"].is_f64(), "{step}");
    }
}

#[test]
fn rows_of_parts_are_the_rows_of_their_stage() {
    let report = &*THREE_NIGHTS;
    let night = &entries(report, "nights")[0];
    let rows = |of: &Value| of["rows"].as_u64().expect("rows");
    for (stage, part, n_rows) in [
        ("extract", "deposits.accounts", 12),
        ("model", "core.account", 12),
        // Counted with their model.
        ("model", "checks of core.account", 0),
    ] {
        let step = entries(night, "steps")
            .iter()
            .find(|step| step["stage"] == stage);
        let step = step.expect("the stage");
        let parts = entries(step, "parts");
        assert_eq!(rows(step), parts.iter().map(rows).sum::<u64>(), "{step}");
        let part = parts.iter().find(|found| found["step"] == part);
        assert_eq!(rows(part.expect("the part")), n_rows, "{step}");
    }
}

/// All others are judged beside the models.
#[test]
fn a_check_that_reads_what_a_campaign_made_is_judged_after_it() {
    let bank = Bank::new();
    let project = bank.own_project();
    let model = "models/core/account.yml";
    let text = std::fs::read_to_string(project.join(model)).expect("a model");
    let check = "checks:\n  - id: ACC-05\n    reconcile:\n      \
                 left: select count(*) as members from campaigns.candidate\n      \
                 right: select 0 as members\n      tolerance: 0.00\n";
    let text = text.replace("checks:\n", check);
    put(&project, model, text.as_bytes());
    bank.deliver(FIRST);
    let said = bank
        .with_project(&project, &["run", "--threads", "2"])
        .exits(4);
    assert!(
        said.stderr.contains("core.account.ACC-05"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains("left 0,"), "{}", said.stderr);

    let report = report(&bank);
    let night = &entries(&report, "nights")[0];
    let steps = steps(night);
    assert!(steps.ends_with(&["campaign campaign SAV-2026-10", "gates checks"].map(str::to_owned)));
    let checks = entries(night, "steps").last().expect("a step");
    let parts = entries(checks, "parts").iter().map(|part| &part["step"]);
    assert_eq!(parts.collect::<Vec<_>>(), ["checks of core.account"]);
}

#[test]
fn on_one_thread_models_run_alone_and_are_measured_one_by_one() {
    let report = three_nights(&["--threads", "1"]);
    let night = &entries(&report, "nights")[2];
    let expected = ["model core.account", "gates checks of core.account"];
    let steps = steps(night);
    for step in expected {
        assert!(steps.contains(&step.to_owned()), "{steps:?}");
    }
}

#[test]
fn finding_customers_says_how_much_memory_it_needs() {
    let bank = Bank::with_three_nights();
    let said = bank.salenet(&["run", "--memory", "1KB"]).exits(2);
    let needs = "records needs about 1 MB, and --memory allows 0 MB";
    assert!(said.stderr.contains(needs), "{}", said.stderr);
    bank.salenet(&["run", "--memory", "1GB"]).exits(0);
}

/// A text of half a gigabyte is nothing that an operator asks leave for.
#[test]
#[cfg(target_os = "linux")]
fn a_run_that_cannot_keep_to_its_memory_ends_cleanly_and_goes_on_later() {
    let bank = Bank::with_three_nights();
    let project = bank.own_project();
    let bank_yml = std::fs::read_to_string(project.join("bank.yml")).expect("a bank");
    let told = project.join("told");
    std::fs::create_dir(&told).expect("a folder");
    let command = format!(
        "{bank_yml}on_failure: [\"cp\", \"--target-directory={}\"]\n",
        told.display()
    );
    put(&project, "bank.yml", command.as_bytes());
    put(
        &project,
        "models/core/wide.sql",
        b"select 1 as id, repeat('x', 500000000) as note",
    );
    put(
        &project,
        "models/core/wide.yml",
        b"description: A test.\ngrain: [id]\nmaterialised: full\ncolumns:\n  id: {description: A column}\n  note: {description: A column}\n",
    );
    let run = |more: &[&str]| {
        let arguments = [&["run"], more].concat();
        bank.with_project(&project, &arguments)
    };
    let said = run(&["--memory", "256MB"]).exits(1);
    for words in [
        "failed to keep within the memory limit: the process holds",
        "over the 256 MB of --memory; the night at work was not published",
        "hint: give more --memory",
    ] {
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    let report = std::fs::read_to_string(told.join("report.json")).expect("the command was called");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(
        (&report["outcome"], &report["exit_code"]),
        (&"failed".into(), &1.into())
    );
    assert!(!bank.warehouse().join("current").exists());
    put(
        &project,
        "models/core/wide.sql",
        b"select 1 as id, 'x' as note",
    );
    let said = run(&["--memory", "256MB"]).exits(0);
    assert!(said.stdout.contains("published"), "{}", said.stdout);
}

#[test]
#[cfg(target_os = "linux")]
fn the_run_holds_at_least_what_its_steps_took() {
    let report = &*THREE_NIGHTS;
    let nights = entries(report, "nights");
    let steps: Vec<&Value> = nights
        .iter()
        .flat_map(|night| entries(night, "steps"))
        .collect();
    let number = |of: &Value, name: &str| {
        of[name]
            .as_f64()
            .unwrap_or_else(|| panic!("no `{name}` in {of}"))
    };
    for name in ["seconds", "cpu_seconds", "bytes_read", "bytes_written"] {
        let sum: f64 = steps.iter().map(|step| number(step, name)).sum();
        // Each step rounds its milliseconds for itself.
        let rounding = 0.001 * f64::from(u32::try_from(steps.len()).expect("few steps"));
        assert!(
            sum > 0.0 && sum <= number(report, name) + rounding,
            "{name}: {sum} in steps, {} in all",
            report[name]
        );
    }
    for step in &steps {
        let peak = number(step, "peak_memory_bytes");
        assert!(peak > 0.0 && peak <= number(report, "peak_memory_bytes"));
    }
}

#[test]
fn a_run_that_fails_still_says_what_its_steps_took() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    let mut delivery = Accounts::of(&accounts(night_of(SECOND)), SECOND);
    delivery.rows += 1;
    bank.deliver_accounts(SECOND, &delivery);
    bank.run().exits(5);
    let report = report(&bank);
    assert_eq!(report["outcome"], "failed");
    let nights = entries(&report, "nights");
    assert_eq!(nights.len(), 2);
    assert!(steps(&nights[0]).contains(&"publish publish".to_owned()));
    assert_eq!(steps(&nights[1]), Vec::<String>::new());
}

#[test]
fn a_rerun_says_that_its_steps_were_reused() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    bank.run().exits(0);
    bank.run().exits(0);
    let report = report(&bank);
    let night = &entries(&report, "nights")[0];
    for step in entries(night, "steps") {
        let expected = if step["stage"] == "reference" {
            "ran"
        } else {
            "reused"
        };
        assert_eq!(step["status"], expected, "{step}");
    }
    assert!(!steps(night).contains(&"publish publish".to_owned()));
}

/// 800,000 keys and twelve months are more than one query makes, if the table that is made says where to cut it.
#[test]
fn a_large_table_tells_by_how_many_queries_it_was_made() {
    let bank = Bank::new();
    bank.deliver(FIRST);
    let project = bank.own_project();
    let model = |name: &str, keys: &str, column: &str, sql: &str| {
        let (month, grain) = match column {
            "" => ("  month: {description: Month}\n", "[month]"),
            "account_id" => ("", "[account_id]"),
            _ => ("  month: {description: Month}\n", "[month, account_id]"),
        };
        let account = match column {
            "" => "",
            _ => "  account_id: {description: Account}\n",
        };
        let yml = format!("description: {name}\ngrain: {grain}\n{keys}columns:\n{month}{account}");
        put(&project, &format!("models/core/{name}.yml"), yml.as_bytes());
        put(&project, &format!("models/core/{name}.sql"), sql.as_bytes());
    };
    let series =
        |last: u32| format!("(select unnest(generate_series(1, {last})) as value) as series");
    let key = "'deposits:' || lpad(cast(value as varchar), 6, '0') as account_id";
    let full = "materialised: full\n";
    let keys = format!("select {key} from {}", series(800_000));
    model("key", full, "account_id", &keys);
    let month = "'2026-' || lpad(cast(value as varchar), 2, '0') as month";
    let months = format!("select {month} from {}", series(12));
    model("some_month", full, "", &months);
    let few = "select months.month, keys.account_id from core.some_month as months \
               cross join core.key as keys where keys.account_id < 'deposits:000100'";
    let by_month = "materialised: month\n";
    let cut = format!("{by_month}months_from: core.some_month\nkeys_from: core.key\n");
    model("cut", &cut, "both", few);
    model("whole", by_month, "both", few);
    bank.with_project(&project, &["run", "--threads", "2"])
        .exits(0);

    let found = report(&bank);
    let queries = |name: &str| {
        let steps = entries(&found["nights"][0], "steps").iter();
        let mut parts = steps.filter_map(|step| step["parts"].as_array()).flatten();
        let part = parts.find(|part| part["step"] == name);
        let part = part.unwrap_or_else(|| panic!("{found}"));
        (part["rows"].as_u64(), part["queries"].as_u64())
    };
    // Two ranges of months, each in two of keys.
    assert_eq!(queries("core.cut"), (Some(12 * 99), Some(4)));
    assert_eq!(queries("core.whole"), (Some(12 * 99), Some(1)));
}
