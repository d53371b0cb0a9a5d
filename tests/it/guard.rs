//! What may decide no offer is found wherever a project hides it, and nothing else is accused.

#![cfg(test)]

use super::bank::{Bank, Said};
use super::feeds::put;
use std::fmt::Write as _;

const OPENED: &str = "select record.customer_id, staged.open_date
from staging.deposits_accounts as staged
join core.customer_xref as record on record.source_key = staged.account_no and record.valid_to is null";

/// A project whose day of opening is prohibited; nothing of the campaign reads it.
fn guarded() -> (Bank, std::path::PathBuf) {
    let bank = Bank::new();
    let project = bank.own_project();
    replace(
        &project,
        "sources/deposits.yml",
        "format: \"%Y-%m-%d\", required: true}",
        "format: \"%Y-%m-%d\", required: true, classification: prohibited}",
    );
    (bank, project)
}

fn replace(project: &std::path::Path, path: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(project.join(path)).expect("a file");
    assert!(text.contains(from), "{path} has no {from}");
    put(project, path, text.replacen(from, to, 1).as_bytes());
}

fn model(project: &std::path::Path, name: &str, columns: &[&str], kind: &str, sql: &str) {
    let mut yml =
        format!("description: A model.\ngrain: [customer_id]\nmaterialised: {kind}\ncolumns:\n");
    for column in columns {
        let _ = writeln!(yml, "  {column}: {{description: A column}}");
    }
    put(project, &format!("models/{name}.sql"), sql.as_bytes());
    put(project, &format!("models/{name}.yml"), yml.as_bytes());
}

/// Checks a project whose campaign chooses its members by `marts.hidden`.
fn check_hidden(sql: &str) -> Said {
    let (bank, project) = guarded();
    model(
        &project,
        "core/opened",
        &["customer_id", "open_date"],
        "view",
        OPENED,
    );
    let again = "select customer_id, open_date as since from core.opened";
    model(
        &project,
        "core/again",
        &["customer_id", "since"],
        "view",
        again,
    );
    choose_by_hidden(&project, sql);
    check(&bank, &project)
}

fn check(bank: &Bank, project: &std::path::Path) -> Said {
    bank.with_project(project, &["check"])
}

#[test]
fn a_prohibited_column_is_found_however_it_hides() {
    let ways = [
        ("alias", "select customer_id, open_date as hint from core.opened"),
        ("expression", "select customer_id, date_part('year', open_date) + 1 as hint from core.opened"),
        (
            "join key",
            "select opened.customer_id, 1 as hint from core.opened as opened
             join (select cast('2012-01-01' as date) as day) as days on days.day = opened.open_date",
        ),
        ("window", "select customer_id, row_number() over (order by open_date) as hint from core.opened"),
        ("filter only", "select customer_id, 1 as hint from core.opened where open_date > cast('2012-01-01' as date)"),
        ("view on view", "select customer_id, since as hint from core.again"),
        (
            "case",
            "select customer_id, case when open_date > cast('2012-01-01' as date) then 'a' else 'b' end as hint
             from core.opened",
        ),
        ("aggregate", "select customer_id, max(open_date) as hint from core.opened group by customer_id"),
        (
            "subquery",
            "select customer_id, 1 as hint from core.customer as customer where exists (
                select 1 from core.opened as opened
                where opened.customer_id = customer.customer_id and opened.open_date > cast('2012-01-01' as date)
            )",
        ),
        (
            "union",
            "select customer_id, 'none' as hint from core.customer
             union all select customer_id, cast(open_date as varchar) as hint from core.opened",
        ),
        (
            "union by name",
            "select customer_id, 'none' as hint from core.customer
             union all by name select cast(open_date as varchar) as hint, customer_id from core.opened",
        ),
        ("group", "select min(customer_id) as customer_id, 1 as hint from core.opened group by open_date"),
        ("order and limit", "select customer_id, 1 as hint from core.opened order by open_date limit 5"),
        (
            "scalar subquery",
            "select customer_id, (select max(open_date) from core.opened) as hint from core.customer",
        ),
        ("distinct on", "select distinct on (open_date) customer_id, 1 as hint from core.opened"),
    ];
    for (way, sql) in ways {
        let said = check_hidden(sql);
        assert_eq!(said.code, Some(3), "{way}: {}{}", said.stdout, said.stderr);
        let from = "campaign SAV-2026-10 uses `staging.deposits_accounts.open_date`, which is prohibited: ";
        assert!(said.stderr.contains(from), "{way}: {}", said.stderr);
        assert!(
            said.stderr.contains("marts.hidden"),
            "{way}: {}",
            said.stderr
        );
        assert!(
            said.stderr.contains("campaigns/savings.yml:3:"),
            "{way}: {}",
            said.stderr
        );
    }
}

/// There is no release yet, which a sound project would be told instead.
#[test]
fn a_campaign_is_not_planned_by_what_is_prohibited() {
    let (bank, project) = guarded();
    let opened = ["customer_id", "open_date"];
    model(&project, "core/opened", &opened, "view", OPENED);
    let sql = "select customer_id, open_date as hint from core.opened";
    choose_by_hidden(&project, sql);
    let said = bank.with_project(&project, &["campaign", "plan"]).exits(3);
    let told = "uses `staging.deposits_accounts.open_date`, which is prohibited: ";
    assert!(said.stderr.contains(told), "{}", said.stderr);
}

/// The features of a logistic score are models too: each way of hiding is told at the score, and at the campaign that
/// ranks by it.
#[test]
fn a_score_learnt_from_a_prohibited_column_decides_no_campaign() {
    let ways = [
        ("alias", "select customer_id, open_date as hint from core.opened"),
        (
            "expression",
            "select customer_id, 2026 - date_part('year', open_date) as hint from core.opened",
        ),
        (
            "case",
            "select customer_id, case when open_date > cast('2012-01-01' as date) then 1 else 0 end as hint
             from core.opened",
        ),
        (
            "aggregate over a window",
            "select customer_id, ntile(10) over (order by open_date) as hint from core.opened",
        ),
        (
            "filter only",
            "select customer_id, 1 as hint from core.opened where open_date > cast('2012-01-01' as date)",
        ),
    ];
    let from = "staging.deposits_accounts.open_date";
    for (way, sql) in ways {
        let (bank, project) = guarded();
        model(
            &project,
            "core/opened",
            &["customer_id", "open_date"],
            "view",
            OPENED,
        );
        model(
            &project,
            "marts/signal",
            &["customer_id", "hint"],
            "view",
            sql,
        );
        let score = "description: Who answers\nmethod: logistic\npopulation: select * from marts.signal\ntraining:\n  \
                     query: select customer_id, hint, customer_id % 2 as answered from marts.signal\n  target: answered\n  \
                     holdout: {rows: random, by: customer_id, share: 0.3}\nfeatures:\n  - {column: hint, type: category}\n";
        put(&project, "scores/answer.yml", score.as_bytes());
        let unused = check(&bank, &project).exits(3);
        let told = format!("score answer uses `{from}");
        assert!(unused.stderr.contains(&told), "{way}: {}", unused.stderr);
        assert!(!unused.stderr.contains("campaign SAV-2026-10 uses"));

        replace(
            &project,
            "campaigns/savings.yml",
            "rank_by: \"total_balance\"",
            "score: {model: answer, rank_by: \"p_response * 40 - 0.85\"}",
        );
        let said = check(&bank, &project).exits(3);
        let told = format!("campaign SAV-2026-10 uses `{from}`, which is prohibited: ");
        assert!(said.stderr.contains(&told), "{way}: {}", said.stderr);
        assert!(
            said.stderr.contains("core.model_score.score -> here"),
            "{way}: {}",
            said.stderr
        );
        assert!(
            said.stderr.contains("marts.signal"),
            "{way}: {}",
            said.stderr
        );
    }
}

#[test]
fn a_table_beside_a_prohibited_column_is_no_use_of_it() {
    for sql in [
        // Which customers a table knows says nothing of its other columns.
        "select customer.customer_id, 1 as hint from core.customer as customer
         join core.opened as opened on opened.customer_id = customer.customer_id",
        "select customer_id, 1 as hint from core.customer as customer
         where exists (select * from core.opened as opened where opened.customer_id = customer.customer_id)",
        "with everything as (select * from core.opened) select customer_id, count(*) as hint
         from everything group by customer_id",
    ] {
        check_hidden(sql).exits(0);
    }
}

#[test]
fn a_reason_to_call_may_not_read_a_prohibited_column_either() {
    let (bank, project) = guarded();
    let sql = "select customer_id, open_date as hint from core.opened";
    model(
        &project,
        "core/opened",
        &["customer_id", "open_date"],
        "view",
        OPENED,
    );
    model(
        &project,
        "marts/hidden",
        &["customer_id", "hint"],
        "view",
        sql,
    );
    let reason = "reasons: [{where: \"customer_id in (select customer_id from marts.hidden where hint is not null)\", \
                  say: \"with us for long\"}]\nexport: [{format: csv, columns: [customer_id, talking_points]}]\n";
    let text = std::fs::read_to_string(project.join("campaigns/savings.yml")).expect("a file");
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("export"))
        .collect();
    put(
        &project,
        "campaigns/savings.yml",
        format!("{}\n{reason}", kept.join("\n")).as_bytes(),
    );
    let said = bank.with_project(&project, &["check"]).exits(3);
    assert!(
        said.stderr.contains("which is prohibited"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("reasons: [{where:"), "{}", said.stderr);
}

/// A campaign that chooses by `marts.hidden`, with `terms` in its file and the day of opening classified as `class`.
/// The savings campaign contacts those for whom the model of this query has a hint.
fn choose_by_hidden(project: &std::path::Path, sql: &str) {
    model(
        project,
        "marts/hidden",
        &["customer_id", "hint"],
        "full",
        sql,
    );
    replace(
        project,
        "campaigns/savings.yml",
        "select customer_id from marts.customer_360",
        "select customer_id from marts.hidden where hint is not null",
    );
}

fn check_terms(class: &str, terms: &str, sql: &str) -> Said {
    let bank = Bank::new();
    let project = bank.own_project();
    let column = "format: \"%Y-%m-%d\", required: true}";
    let classified = column.replace('}', &format!(", classification: {class}}}"));
    replace(&project, "sources/deposits.yml", column, &classified);
    choose_by_hidden(&project, sql);
    replace(
        &project,
        "campaigns/savings.yml",
        "schedule:",
        &format!("{terms}schedule:"),
    );
    check(&bank, &project)
}

fn by_opening() -> String {
    OPENED.replace("staged.open_date", "staged.open_date as hint")
}

#[test]
fn under_the_regime_of_deposits_a_prohibited_column_is_reported() {
    let terms = "compliance: {regime: deposit}\n";
    let said = check_terms("prohibited", terms, &by_opening()).exits(0);
    let words = "warning: campaign SAV-2026-10 uses `staging.deposits_accounts.open_date`, which is prohibited: \
                 staging.deposits_accounts.open_date -> marts.hidden.hint -> here";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    let terms = "compliance: {regime: credit}\n";
    check_terms("prohibited", terms, &by_opening()).exits(3);
}

#[test]
fn a_list_of_deposits_may_show_what_is_prohibited_and_it_is_reported() {
    let shown = |regime: &str| {
        let bank = Bank::new();
        let project = bank.own_project();
        replace(
            &project,
            "models/marts/customer_360.yml",
            "total_balance: {description: Sum of balances",
            "total_balance: {classification: prohibited, description: Sum of balances",
        );
        let campaign = "campaigns/savings.yml";
        let text = std::fs::read_to_string(project.join(campaign)).expect("a file");
        let terms = format!("compliance: {{regime: {regime}}}\nschedule:");
        let text = text.replacen("schedule:", &terms, 1);
        let text = text.replace("total_balance", "customer_id");
        let text = text.replacen("[list_place,", "[list_place, total_balance,", 1);
        put(&project, campaign, text.as_bytes());
        check(&bank, &project)
    };
    let said = shown("deposit").exits(0);
    let words = "warning: campaign SAV-2026-10 uses `marts.customer_360.total_balance`, which is prohibited";
    assert_eq!(said.stderr.matches(words).count(), 1, "{}", said.stderr);
    assert!(
        said.stderr.contains("campaigns/savings.yml:"),
        "{}",
        said.stderr
    );
    let said = shown("credit").exits(3);
    let words = "`total_balance` is prohibited; no list may show it";
    assert!(said.stderr.contains(words), "{}", said.stderr);
}

#[test]
fn a_proxy_that_chooses_is_reported_and_never_refused() {
    let said = check_terms("proxy", "", &by_opening()).exits(0);
    let words = "warning: campaign SAV-2026-10 chooses by `staging.deposits_accounts.open_date`, which stands close to a \
                 prohibited basis";
    assert_eq!(said.stderr.matches(words).count(), 1, "{}", said.stderr);
    let nothing = "select customer_id, 1 as hint from core.customer";
    let said = check_terms("proxy", "", nothing).exits(0);
    assert!(!said.stderr.contains("warning"), "{}", said.stderr);
}

/// A campaign that asks for the `of_legal_age` of `core.customer_restricted`, which is made so.
fn check_age(of_legal_age: &str) -> Said {
    let bank = Bank::new();
    let project = bank.own_project();
    let person = OPENED.replace(
        "staged.open_date",
        "staged.open_date as birth_date, staged.given_name as gender",
    );
    let columns = ["customer_id", "birth_date", "gender"];
    model(&project, "core/person", &columns, "view", &person);
    for column in ["birth_date", "gender"] {
        let plain = format!("  {column}: {{description: A column}}");
        let marked = format!("  {column}: {{description: A column, classification: prohibited}}");
        replace(&project, "models/core/person.yml", &plain, &marked);
    }
    let sql = format!("select customer_id, {of_legal_age} as of_legal_age from core.person");
    let columns = ["customer_id", "of_legal_age"];
    model(&project, "core/customer_restricted", &columns, "full", &sql);
    let sql = "select customer.*, restricted.of_legal_age from marts.customer_360 as customer
        join core.customer_restricted as restricted on restricted.customer_id = customer.customer_id";
    let columns = [
        "customer_id",
        "display_name",
        "phone",
        "total_balance",
        "has_left",
        "of_legal_age",
    ];
    model(&project, "marts/of_age", &columns, "full", sql);
    replace(
        &project,
        "campaigns/savings.yml",
        "schedule:",
        "attributes: marts.of_age\nschedule:",
    );
    check(&bank, &project)
}

#[test]
fn legal_age_may_be_read_and_nothing_else_of_the_restricted_table() {
    let adult = "birth_date <= cast($business_date as date) - interval '18 years'";
    check_age(adult).exits(0);
    check_age("birth_date").exits(3);
    for (hidden, column) in [
        ("gender = 'f'", "gender"),
        (
            "birth_date <= cast($business_date as date) - interval '18 years' and gender = 'f'",
            "gender",
        ),
    ] {
        let said = check_age(hidden).exits(3);
        let words =
            format!("campaign SAV-2026-10 uses `core.person.{column}`, which is prohibited");
        assert!(said.stderr.contains(&words), "{hidden}: {}", said.stderr);
    }
}
