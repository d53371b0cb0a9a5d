//! Tables made a few months at a time.

#![cfg(test)]

use std::path::Path;

use super::bank::{Bank, Said};
use super::feeds::put;
use super::order::session;
use salenet::domain::TableName;
use salenet::sql::catalog::Catalogue;
use salenet::sql::months::{AT_ONCE, Cuts, Stored};
use salenet::sql::result::Plan;
use salenet::sql::write::Partitioning;
use salenet::sql::{Bindings, Cell, Session, TableSource};
use salenet::store::{FileEntry, Warehouse};

fn bytes(bytes: u64) -> Stored {
    Stored { bytes, ..AT_ONCE }
}

fn planned(session: &Session, sql: &str) -> Plan {
    session.plan(sql, &Bindings::default()).unwrap()
}

fn add(session: &Session, folder: &Path, name: &str, sql: &str) {
    let plan = planned(session, sql);
    let mut bytes = Vec::new();
    session.write_parquet(&plan, &mut bytes).unwrap();
    put(folder, &format!("{name}.parquet"), &bytes);
    let source = TableSource {
        columns: plan.columns(),
        sorted_by: Vec::new(),
        files: vec![folder.join(format!("{name}.parquet"))],
    };
    let name = TableName::try_new("core", name).unwrap();
    session.add_table(Catalogue::Tonight, &name, source);
}

/// Facts of twelve months; `core.month` names those from April to October, and one that has no facts.
fn with_facts(folder: &Path) -> Session {
    let session = session();
    let months = "select '2026-' || lpad(cast(value as varchar), 2, '0') as month \
                  from (select unnest(generate_series(1, 12)) as value) as series";
    let named = format!(
        "select month from ({months}) as months where month between '2026-04' and '2026-10' \
         union all select '2027-06'"
    );
    add(&session, folder, "month", &named);
    let facts = format!(
        "select month, number from ({months}) as months \
         cross join (select unnest(generate_series(1, 50)) as number) as numbers"
    );
    add(&session, folder, "fact", &facts);
    session
}

fn written(session: &Session, folder: &Path, ranges: &[Vec<Plan>]) -> Vec<FileEntry> {
    let warehouse = Warehouse::open_or_create(folder).unwrap();
    let table = TableName::try_new("marts", "fact").unwrap();
    let grain = ["month".to_owned(), "number".to_owned()];
    let by_month = Partitioning::Month;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(4).build();
    let written = threads
        .unwrap()
        .install(|| session.write_ranges(ranges, &grain, &by_month, &warehouse, &table));
    written.unwrap().files
}

#[test]
fn ranges_of_months_give_the_files_of_the_whole_whatever_months_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let months = TableName::try_new("core", "month").unwrap();
    let plan = planned(
        &session,
        "select facts.month, facts.number, sum(facts.number) as total \
         from core.fact as facts left join core.month as months on months.month = facts.month \
         group by facts.month, facts.number",
    );
    let by_months = Cuts {
        months: &months,
        keys: None,
    };
    let cut = |at_once| session.cut_by_months(&plan, &by_months, at_once).unwrap();
    assert_eq!(cut(AT_ONCE).len(), 1);
    assert_eq!(cut(bytes(1)).len(), 8);
    // Six hundred facts, and eight months.
    for (rows, n_ranges) in [(1, 8), (300, 3), (608, 1)] {
        assert_eq!(cut(Stored { rows, ..AT_ONCE }).len(), n_ranges, "{rows}");
    }
    let whole = written(&session, folder.path(), &cut(AT_ONCE));
    assert_eq!(whole.len(), 12);
    let stored = std::fs::metadata(folder.path().join("fact.parquet")).unwrap();
    for at_once in [1, stored.len() / 2, stored.len()] {
        let files = written(&session, folder.path(), &cut(bytes(at_once)));
        assert_eq!(files, whole, "{at_once}");
    }
}

/// Readers are told of an order: parts that do not keep it are refused, not written.
#[test]
fn parts_out_of_the_order_of_their_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let part = |rows: &str| {
        let sql = format!("select month, number from core.fact where number {rows}");
        planned(&session, &sql)
    };
    let warehouse = Warehouse::open_or_create(folder.path()).unwrap();
    let table = TableName::try_new("marts", "fact").unwrap();
    let write = |parts: Vec<Plan>| {
        let (grain, by_month) = (["number".to_owned()], Partitioning::Month);
        session.write_ranges(&[parts], &grain, &by_month, &warehouse, &table)
    };
    assert_eq!(
        write(vec![part("< 20"), part(">= 20")])
            .unwrap()
            .files
            .len(),
        12
    );
    let told = write(vec![part(">= 20"), part("< 20")])
        .unwrap_err()
        .to_string();
    assert!(told.contains("out of the order of month, number"), "{told}");
}

#[test]
fn a_table_without_months_cuts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let none = "select cast(null as varchar) as month from core.month where month = 'none'";
    add(&session, folder.path(), "never", none);
    let months = TableName::try_new("core", "never").unwrap();
    let plan = planned(&session, "select month, number from core.fact");
    let facts = TableName::try_new("core", "fact").unwrap();
    for keys in [None, Some((&facts, "number"))] {
        let cuts = Cuts {
            months: &months,
            keys,
        };
        let ranges = session.cut_by_months(&plan, &cuts, bytes(1)).unwrap();
        assert_eq!(written(&session, folder.path(), &ranges).len(), 12);
    }
}

/// Keys from 1 to 50, of which the table that names them has 1 to 40, two of them many times, and none.
#[test]
fn a_month_made_by_ranges_of_keys_gives_the_files_of_the_whole_whatever_keys_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let keys =
        "select value as number from (select unnest(generate_series(1, 40)) as value) as series";
    let often = "select 7 as number from core.fact union all select 11 from core.fact \
                 union all select cast(null as bigint) from core.month";
    add(
        &session,
        folder.path(),
        "key",
        &format!("{keys} union all {often}"),
    );
    let (months, keys) = (
        TableName::try_new("core", "month").unwrap(),
        TableName::try_new("core", "key").unwrap(),
    );
    let plan = planned(
        &session,
        "select month, number, sum(number + n) as total from (
            select month, number, 1 as n from core.fact
            union all select month, cast(null as bigint), 2 from core.fact where number < 4
         ) as facts group by month, number",
    );
    let cuts = Cuts {
        months: &months,
        keys: Some((&keys, "number")),
    };
    let cut = |at_once| session.cut_by_months(&plan, &cuts, at_once).unwrap();
    let counts = |ranges: &[Vec<Plan>]| ranges.iter().map(Vec::len).collect::<Vec<_>>();
    let whole = cut(AT_ONCE);
    assert_eq!(counts(&whole), [1]);
    let whole = written(&session, folder.path(), &whole);
    assert_eq!(whole.len(), 12);
    // Twelve hundred rows of eight months, and four threads.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(4).build();
    let threads = threads.unwrap();
    for (rows, n_ranges, n_parts) in [(1200, 1, 1), (600, 2, 1), (75, 4, 4), (15, 4, 20)] {
        let ranges = threads.install(|| cut(Stored { rows, ..AT_ONCE }));
        let counts = counts(&ranges);
        assert_eq!(counts.len(), n_ranges, "{rows}: {counts:?}");
        // Some bounds are the key that is named often, and count once.
        let fits = counts[0] <= n_parts && (counts[0] > 1) == (n_parts > 1);
        assert!(fits, "{rows}: {counts:?}");
        assert!(counts.iter().all(|n| *n == counts[0]), "{rows}: {counts:?}");
        assert_eq!(written(&session, folder.path(), &ranges), whole, "{rows}");
    }
}

#[test]
fn a_row_without_a_month_fails_the_table_cut_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let months = TableName::try_new("core", "month").unwrap();
    let plan = planned(
        &session,
        "select nullif(month, '2026-05') as month, number from core.fact",
    );
    let warehouse = Warehouse::open_or_create(folder.path()).unwrap();
    let table = TableName::try_new("marts", "fact").unwrap();
    let facts = TableName::try_new("core", "fact").unwrap();
    for (at_once, keys) in [
        (AT_ONCE, None),
        (bytes(1), None),
        (bytes(1), Some((&facts, "number"))),
    ] {
        let cuts = Cuts {
            months: &months,
            keys,
        };
        let ranges = session.cut_by_months(&plan, &cuts, at_once).unwrap();
        let grain = ["number".to_owned()];
        let by_month = Partitioning::Month;
        let written = session.write_ranges(&ranges, &grain, &by_month, &warehouse, &table);
        let told = written.unwrap_err().to_string();
        assert!(told.contains("something else than YYYY-MM"), "{told}");
    }
}

/// What `check` says of the model of months with other keys.
fn checked(keys: &str) -> Said {
    checked_query(keys, ("$month as month", "$month as month"))
}

/// The same, of a query in which `from` is replaced.
fn checked_query(keys: &str, (from, to): (&str, &str)) -> Said {
    let bank = Bank::new();
    let project = bank.own_project();
    let change = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(project.join(file)).unwrap();
        assert!(text.contains(from), "{text}");
        put(&project, file, text.replace(from, to).as_bytes());
    };
    let month = "materialised: month\n";
    let file = "models/core/account_month";
    change(&format!("{file}.yml"), month, &format!("{month}{keys}\n"));
    change(&format!("{file}.sql"), from, to);
    bank.with_project(&project, &["check"])
}

#[test]
fn a_table_that_names_no_months_is_refused() {
    let said = checked("months_from: core.customer").exits(3);
    let unread = "the query of core.account_month does not read core.customer";
    assert!(said.stderr.contains(unread), "{}", said.stderr);
    let said = checked("months_from: core.account").exits(3);
    let no_month = "core.account has no text column `month`";
    assert!(said.stderr.contains(no_month), "{}", said.stderr);
    assert!(
        said.stderr.contains("account_month.yml:4:1"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_table_that_has_no_keys_of_the_model_is_refused() {
    let says = |keys: &str, expected: &str| {
        let said = checked(keys).exits(3);
        assert!(said.stderr.contains(expected), "{}", said.stderr);
    };
    says(
        "keys_from: core.account",
        "`core.account_month` is not made a few months at a time",
    );
    let both = |table: &str| format!("months_from: core.account_month\nkeys_from: {table}");
    says(&both("accounts"), "`accounts` is no table");
    says(
        &both("core.customer"),
        "the query of core.account_month does not read core.customer",
    );
    let says = |table: &str, change: (&str, &str), expected: &str| {
        let said = checked_query(&both(table), change).exits(3);
        assert!(said.stderr.contains(expected), "{}", said.stderr);
    };
    says(
        "core.customer",
        (
            "from core.account as account",
            "from core.account as account cross join (select max(customer_id) from core.customer) as newest",
        ),
        "core.customer has no column `account_id`",
    );
    says(
        "core.account",
        (
            "account.account_id,\n    account.balance",
            "cast(account.account_id as bigint) as account_id,\n    account.balance",
        ),
        "`account_id` of core.account has another type than that of core.account_month",
    );
}

/// A month's share of rows is found where they are stored, below groups that `union all by name` puts together.
#[test]
fn a_question_for_one_month_reads_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let facts = "with sums as (
            select facts.month, sum(facts.number) as total from core.fact as facts group by facts.month
        ),
        counts as (
            select facts.month, count(*) as n from core.fact as facts group by facts.month
        ),
        both as (select * from sums union all by name select * from counts)
        select month, sum(total) as total, sum(n) as n, max(upper(month)) as word from both group by month";
    let asked = format!("select * from ({facts}) as facts where month = '2026-05'");
    let rows = |sql: &str| {
        let found = session.query(sql, &Bindings::default()).unwrap();
        found.rows().unwrap()
    };
    let plan: String = rows(&format!("explain {asked}"))
        .iter()
        .flatten()
        .map(Cell::to_text)
        .collect();
    let scans = plan.matches("partial_filters=[core.fact.month = Utf8(\"2026-05\")]");
    assert_eq!(scans.count(), 2, "{plan}");
    let found: Vec<String> = rows(&asked)[0].iter().map(Cell::to_text).collect();
    assert_eq!(found, ["2026-05", "1275", "50", "2026-05"]);
}
