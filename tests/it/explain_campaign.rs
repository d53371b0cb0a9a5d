//! Why a customer is on a list, or is not.

#![cfg(test)]

use super::bank::FIRST;
use super::campaigns::{CODE, bank_with, campaign, night, query, salenet};
use super::feeds::put;

#[test]
fn every_state_is_explained_by_what_the_campaign_made_of_it() {
    let (bank, project) = bank_with(&campaign(CODE, 20, "cap: 5\n"));
    night(&bank, &project, FIRST);
    let rows = query(
        &bank,
        &project,
        "select customer_id, state, coalesce(first_failed_rule, ''), coalesce(cut_by, ''), coalesce(cell_code, ''), \
         coalesce(replace(failed_rules, ',', ' '), '') from campaigns.candidate order by customer_id",
    );
    let mut states = std::collections::BTreeSet::new();
    for row in rows.lines() {
        let cells: Vec<&str> = row.split(',').collect();
        let [customer, state, first, cut, cell, failed] = cells.as_slice() else {
            panic!("six columns: {row}");
        };
        states.insert((*state).to_owned());
        let said = salenet(&bank, &project, &["explain", "campaign", CODE, customer]).exits(0);
        let outcome = match *state {
            "removed" => format!("outcome     removed by {first}"),
            "cut_by_capacity" => format!("outcome     cut by {cut}"),
            "control" => "outcome     chosen, and held back as control".to_owned(),
            _ => "outcome     selected".to_owned(),
        };
        assert!(said.stdout.contains(&outcome), "{row}: {}", said.stdout);
        for rule in failed.split_whitespace() {
            assert!(said.stdout.contains(rule), "{row}: {}", said.stdout);
        }
        if !cell.is_empty() {
            let words = format!("cell        {cell}");
            assert!(said.stdout.contains(&words), "{row}: {}", said.stdout);
        }
        // A plan stands where the night stood, and judges the same.
        let plan = [
            "explain", "campaign", CODE, customer, "--plan", "--format", "json",
        ];
        let said = salenet(&bank, &project, &plan).exits(0);
        let told: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        assert_eq!(told["is_plan"], true);
        assert_eq!(told["state"], *state, "{row}: {told}");
    }
    assert!(states.len() >= 4, "{states:?}");
    let said = salenet(&bank, &project, &["explain", "campaign", CODE, "4711"]).exits(0);
    assert!(
        said.stdout.contains("no member of the universe"),
        "{}",
        said.stdout
    );
    salenet(&bank, &project, &["explain", "campaign", "NOPE", "1"]).exits(2);
}

/// Ten customers are too few to tell anything, and each is counted once in each basis.
#[test]
fn compliance_sees_whom_a_campaign_chose_by_protected_groups() {
    let (bank, project) = bank_with(&campaign(CODE, 20, "cap: 5\n"));
    let ask = ["campaign", "ratios", CODE, "--format", "json"];
    let said = salenet(&bank, &project, &ask).exits(2);
    assert!(!said.stderr.is_empty());
    put(
        &project,
        "models/core/customer_restricted.sql",
        b"select customer_id, case when customer_id % 2 = 0 then 'F' when customer_id < 9 then 'M' end as gender,
              case when customer_id = 1 then date '1986-10-29' else date '1986-10-30' end as birth_date
          from (values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) as rows(customer_id)",
    );
    put(
        &project,
        "models/core/customer_restricted.yml",
        b"description: Rows of a test.
grain: [customer_id]
materialised: full
columns:
  customer_id: {description: A column}
  gender: {description: A column, classification: prohibited}
  birth_date: {description: A column, classification: prohibited}
",
    );
    night(&bank, &project, FIRST);
    let said = salenet(&bank, &project, &ask).exits(0);
    let found: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let chosen = query(
        &bank,
        &project,
        "select case when customer_id % 2 = 0 then 'F' when customer_id < 9 then 'M' else 'not known' end,
             count(*), sum(case when state <> 'removed' then 1 else 0 end),
             sum(case when state in ('selected', 'control') then 1 else 0 end)
         from campaigns.candidate group by 1 order by 2 desc, 1",
    );
    let groups = found["groups"].as_array().expect("groups");
    let of = |basis: &str| {
        let rows = groups.iter().filter(|group| group["basis"] == basis);
        let row = |group: &serde_json::Value| {
            let group =
                ["group", "considered", "eligible", "chosen"].map(|key| match &group[key] {
                    serde_json::Value::String(word) => word.clone(),
                    number => number.to_string(),
                });
            group.join(",") + "\n"
        };
        rows.map(row).collect::<String>()
    };
    assert_eq!(of("gender"), chosen);
    // The night of 2026-10-29 finds customer 1 forty years old, and nobody else.
    assert!(
        of("birth_date").contains("40 to 61,1,"),
        "{}",
        of("birth_date")
    );
    assert!(groups.iter().all(|group| group["ratio"].is_null()));
    let said = salenet(&bank, &project, &["campaign", "ratios", CODE]).exits(0);
    assert!(said.stdout.contains("tells nothing"), "{}", said.stdout);
}
