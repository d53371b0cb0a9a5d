//! Why a customer is on a list, or is not.

#![cfg(test)]

use super::bank::FIRST;
use super::campaigns::{CODE, bank_with, campaign, night, query, salenet};

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
