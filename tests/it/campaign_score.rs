//! Campaigns that rank by a score.

#![cfg(test)]

use super::bank::{Bank, FIRST};
use super::campaigns::{CODE, campaign, files_of, linked, night, query, salenet};
use super::contact_policy::table;
use super::feeds::put;

/// The smallest balances have most points; customer 3 is not scored.
const CARD: &str = "description: Who needs the plan
method: scorecard
population: select customer_id, total_balance from marts.customer_360 where customer_id <> 3
features:
  - column: total_balance
    type: number
    reason: has little so far
    bins:
      - {below: 2000, points: 30}
      - {from: 2000, below: 4000, points: 20}
      - {from: 4000, points: 10}
      - {missing: true, points: 0}
";

/// Learns from what customers did in a way that no balance tells exactly; nobody's balance is prohibited yet.
const LEARNT: &str = "description: Who answers
method: logistic
population: select customer_id, total_balance from marts.customer_360 where customer_id <> 3
training:
  query: |
    select each.customer_id, each.total_balance, each.total_balance < 2500 or each.customer_id % 4 = 0 as answered
    from marts.customer_360 as each
    cross join (values (1), (2), (3)) as times (n)
    where each.customer_id <> 3
  target: answered
  holdout: {rows: random, by: customer_id, share: 0.40, seed: 1}
features:
  - {column: total_balance, type: number, reason: has little so far}
";

fn ranking_by(score: &str) -> String {
    let text = campaign(CODE, 20, score);
    text.replace("rank_by: \"total_balance\"\n", "").replace(
        "[finder_number,",
        "[talking_points, reason_1, finder_number,",
    )
}

#[test]
fn a_trained_probability_ranks_and_its_reason_stands_on_the_list() {
    let score = "score: {model: answer, rank_by: \"p_response * 40 - 0.85\"}\n";
    let bank = Bank::new();
    let project = bank.own_project();
    put(&project, "scores/answer.yml", LEARNT.as_bytes());
    put(
        &project,
        "campaigns/savings.yml",
        ranking_by(score).as_bytes(),
    );
    // Until it is trained, nobody has a score and the campaign chooses nobody.
    night(&bank, &project, FIRST);
    let placed = "select count(*) from campaigns.candidate where place is not null";
    assert_eq!(query(&bank, &project, placed), "0\n");
    salenet(&bank, &project, &["score", "train", "answer"]).exits(0);
    night(&bank, &project, FIRST);
    let order = |by: &str| {
        let sql = format!(
            "select candidate.customer_id from campaigns.candidate as candidate
             join core.model_score as given on given.customer_id = candidate.customer_id
             where place is not null order by {by}"
        );
        query(&bank, &project, &sql)
    };
    let by_place = order("place");
    assert!(by_place.lines().count() > 2, "{by_place}");
    assert_eq!(by_place, order("score desc, candidate.customer_id"));
    let between = "select count(*) from core.model_score where not (score > 0.0 and score < 1.0)";
    assert_eq!(query(&bank, &project, between), "0\n");
    let without = "select customer_id from campaigns.candidate
        where failed_rules like '%S00_NO_SCORE%' order by 1";
    assert_eq!(query(&bank, &project, without), "3\n");
    let lists = files_of(&linked(&bank.warehouse().join("current/lists")));
    let shown = lists
        .values()
        .filter(|text| text.contains("has little so far,has little so far"));
    assert!(shown.count() > 0, "{lists:?}");
}

#[test]
fn a_score_ranks_says_why_and_leaves_out_whom_it_does_not_know() {
    let text = ranking_by("score: {model: need, rank_by: \"score - total_balance / 1000000\"}\n");
    let bank = Bank::new();
    let project = bank.own_project();
    put(&project, "scores/need.yml", CARD.as_bytes());
    put(&project, "campaigns/savings.yml", text.as_bytes());
    night(&bank, &project, FIRST);
    let order = |by: &str| {
        let sql = format!(
            "select candidate.customer_id from campaigns.candidate as candidate
             join core.model_score as given on given.customer_id = candidate.customer_id
             join marts.customer_360 as known on known.customer_id = candidate.customer_id
             where place is not null order by {by}"
        );
        query(&bank, &project, &sql)
    };
    let by_place = order("place");
    assert!(by_place.lines().count() > 2, "{by_place}");
    assert_eq!(
        by_place,
        order("score desc, total_balance, candidate.customer_id")
    );
    assert_ne!(by_place, order("total_balance desc, candidate.customer_id"));
    let without = "select customer_id from campaigns.candidate
        where failed_rules like '%S00_NO_SCORE%' order by 1";
    assert_eq!(query(&bank, &project, without), "3\n");
    let lists = files_of(&linked(&bank.warehouse().join("current/lists")));
    let shown = lists
        .values()
        .filter(|text| text.contains("has little so far,has little so far"));
    assert!(shown.count() > 0, "{lists:?}");
    salenet(
        &bank,
        &project,
        &["campaign", "replay", CODE, "--date", FIRST],
    )
    .exits(0);
    // What the score is made of reaches the campaign: the way is told.
    let yml = "models/marts/customer_360.yml";
    let model = std::fs::read_to_string(project.join(yml)).expect("a model");
    let from = "total_balance: {description: Sum of balances";
    let marked = model.replace(from, &format!("{from}, classification: prohibited"));
    assert_ne!(model, marked);
    put(&project, yml, marked.as_bytes());
    let said = salenet(&bank, &project, &["check"]).exits(3);
    assert!(
        said.stderr
            .contains("total_balance -> core.model_score.score -> here"),
        "{}",
        said.stderr
    );
}

/// Customers 1 to 7 consent; 5 has withdrawn it for one channel, 8 refuses, of the others nothing is known.
#[test]
fn without_consent_to_profiling_nobody_is_scored_or_learnt_from() {
    let bank = Bank::new();
    let project = bank.own_project();
    put(&project, "scores/answer.yml", LEARNT.as_bytes());
    let consents = |columns: &[&str]| {
        let rows: Vec<String> = (1..=7)
            .map(|customer| format!("({customer}, {customer}, 'profiling', 'any', 'in')"))
            .chain([
                "(8, 8, 'profiling', 'any', 'out')".to_owned(),
                "(9, 5, 'profiling', 'phone', 'out')".to_owned(),
                "(10, 9, 'contact', 'any', 'in')".to_owned(),
            ])
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        table(&project, "customer_consent", columns, &rows);
    };
    consents(&["said", "customer_id", "purpose", "channel", "state"]);
    let said = salenet(&bank, &project, &["check"]).exits(3);
    let words = "`core.customer_consent` has no column `status`, which says who may be scored";
    assert!(said.stderr.contains(words), "{}", said.stderr);

    consents(&["said", "customer_id", "purpose", "channel", "status"]);
    let nameless = LEARNT.replace("select each.customer_id, each.total", "select each.total");
    let nameless = nameless.replace("by: customer_id", "by: total_balance");
    put(&project, "scores/answer.yml", nameless.as_bytes());
    let said = salenet(&bank, &project, &["check"]).exits(3);
    let words = "the training query has no column `customer_id`";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    let words = "without it nobody knows who consents to profiling";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    assert!(
        said.stderr.contains("scores/answer.yml:6:5"),
        "{}",
        said.stderr
    );

    put(&project, "scores/answer.yml", LEARNT.as_bytes());
    night(&bank, &project, FIRST);
    let arguments = ["score", "train", "answer", "--format", "json"];
    let found = salenet(&bank, &project, &arguments).exits(0);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).expect("figures");
    // Three rows of the past each: of 1, 2, 4, 6 and 7; of 5, 8, 9 and 10 nothing is learnt.
    let rows = |part: &str| found[part]["rows"].as_u64().expect("rows");
    assert_eq!(rows("training") + rows("holdout"), 15);
    assert_eq!(found["withheld"], 12);
    let said = salenet(&bank, &project, &["score", "evaluate", "answer"]).exits(0);
    let words = "12 rows of the past left out: no consent to profiling\n";
    assert!(said.stdout.contains(words), "{}", said.stdout);
    night(&bank, &project, FIRST);
    let scored = "select customer_id from core.model_score order by 1";
    assert_eq!(query(&bank, &project, scored), "1\n2\n4\n6\n7\n");
}
