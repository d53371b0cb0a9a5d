//! Tables made a few months, or one range of keys, at a time.

#![cfg(test)]

use std::path::Path;

use super::bank::{Bank, Said};
use super::feeds::put;
use super::order::session_within;
use salenet::domain::TableName;
use salenet::sql::catalog::Catalogue;
use salenet::sql::cuts::{AT_ONCE, Cuts, Stored};
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
    add_files(session, folder, name, &[sql.to_owned()]);
}

/// A table of one file for each query.
fn add_files(session: &Session, folder: &Path, name: &str, queries: &[String]) {
    let mut source = TableSource {
        columns: Vec::new(),
        sorted_by: Vec::new(),
        files: Vec::new(),
    };
    for (place, sql) in queries.iter().enumerate() {
        let plan = planned(session, sql);
        let mut bytes = Vec::new();
        session.write_parquet(&plan, &mut bytes).unwrap();
        let file = match place {
            0 => format!("{name}.parquet"),
            _ => format!("{name}-{place}.parquet"),
        };
        put(folder, &file, &bytes);
        source.columns = plan.columns();
        source.files.push(folder.join(file));
    }
    let name = TableName::try_new("core", name).unwrap();
    session.add_table(Catalogue::Tonight, &name, source);
}

/// Facts of twelve months; `core.month` names those from April to October, and one that has no facts.
fn with_facts(folder: &Path) -> Session {
    with_facts_within(None, folder)
}

fn with_facts_within(memory: Option<usize>, folder: &Path) -> Session {
    let session = session_within(memory, None);
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
    written.unwrap().table.files
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
        months: Some(&months),
        keys: None,
    };
    let cut = |at_once| session.cut(&plan, &by_months, at_once).unwrap();
    assert_eq!(cut(AT_ONCE).len(), 1);
    // Each of eight months, and rows of others.
    assert_eq!(cut(bytes(1)).len(), 9);
    // Six hundred facts, and eight months.
    for (rows, n_ranges) in [(1, 9), (300, 3), (608, 1)] {
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

#[test]
fn within_little_memory_ranges_are_such_that_every_thread_can_hold_one() {
    let folder = tempfile::tempdir().unwrap();
    let months = TableName::try_new("core", "month").unwrap();
    let by_months = Cuts {
        months: Some(&months),
        keys: None,
    };
    // Six hundred facts and eight months, of 512 bytes each.
    let all = 608 * 512;
    for (memory, n_threads, n_ranges) in [
        (None, 1, 1),
        (Some(all), 1, 1),
        (Some(all), 2, 2),
        (Some(2 * all), 2, 1),
        (Some(2 * all), 4, 2),
    ] {
        let session = with_facts_within(memory, folder.path());
        let plan = planned(
            &session,
            "select facts.month, sum(facts.number) as total from core.fact as facts \
             left join core.month as months on months.month = facts.month group by facts.month",
        );
        let threads = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
        let ranges = threads
            .build()
            .unwrap()
            .install(|| session.cut(&plan, &by_months, AT_ONCE));
        assert_eq!(ranges.unwrap().len(), n_ranges, "{memory:?} {n_threads}");
    }
}

/// The first 65,536 rows are written at once, and came with others.
#[test]
fn what_came_with_rows_does_not_change_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let series = |from: u32, to: u32| {
        format!("(select unnest(generate_series({from}, {to})) as value) as series")
    };
    let rows = format!(
        "select value as number, lpad(cast(value as varchar), 40, 'x') as word from {} \
         union all select value, cast(null as varchar) from {}",
        series(0, 65_539),
        series(65_540, 70_000),
    );
    let part = |condition: &str| {
        let sql = format!("select * from ({rows}) as rows where number {condition}");
        planned(&session, &sql)
    };
    let warehouse = Warehouse::open_or_create(folder.path()).unwrap();
    let table = TableName::try_new("marts", "fact").unwrap();
    let written = |parts: Vec<Plan>| {
        let grain = ["number".to_owned(), "word".to_owned()];
        let written =
            session.write_ranges(&[parts], &grain, &Partitioning::None, &warehouse, &table);
        written.unwrap().table.files
    };
    let whole = written(vec![part(">= 0")]);
    assert_eq!(written(vec![part("< 100"), part(">= 100")]), whole);
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
            .table
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
            months: Some(&months),
            keys,
        };
        let ranges = session.cut(&plan, &cuts, bytes(1)).unwrap();
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
        months: Some(&months),
        keys: Some((&keys, "number")),
    };
    let cut = |at_once| session.cut(&plan, &cuts, at_once).unwrap();
    let counts = |ranges: &[Vec<Plan>]| ranges.iter().map(Vec::len).collect::<Vec<_>>();
    let whole = cut(AT_ONCE);
    assert_eq!(counts(&whole), [1]);
    let whole = written(&session, folder.path(), &whole);
    assert_eq!(whole.len(), 12);
    // Ten thousand pairs of a month and a key, of which twelve hundred rows are read; and four threads.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(4).build();
    let threads = threads.unwrap();
    for (rows, n_ranges, n_parts) in [(10_000, 1, 1), (5000, 2, 1), (625, 4, 4), (125, 4, 20)] {
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

/// Each range of months keeps a file open for each of them.
#[test]
fn within_little_memory_few_months_are_made_in_parts_at_once() {
    let n_ranges = |memory: Option<usize>| {
        let folder = tempfile::tempdir().unwrap();
        let session = with_facts_within(memory, folder.path());
        let names = ["month", "fact"].map(|name| TableName::try_new("core", name).unwrap());
        let cuts = Cuts {
            months: Some(&names[0]),
            keys: Some((&names[1], "number")),
        };
        let plan = planned(&session, "select month, number from core.fact");
        let thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let at_once = Stored {
            rows: 1200,
            ..AT_ONCE
        };
        let cut = || session.cut(&plan, &cuts, at_once).unwrap();
        thread.unwrap().install(cut).len()
    };
    // Of eight months.
    assert_eq!(n_ranges(None), 1);
    assert_eq!(n_ranges(Some(8 << 30)), 1);
    assert_eq!(n_ranges(Some(1 << 30)), 2);
}

/// What is made whole is made by ranges of its keys too, where files stand in their order: then each range looks at a
/// few of them, though the query writes the name of the source before the keys. Else each would look at all.
#[test]
fn a_table_without_months_is_made_by_ranges_of_keys_if_files_are_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let numbers = "select lpad(cast(value as varchar), 3, '0') as code, value as n \
                   from (select unnest(generate_series(0, 159)) as value) as series";
    let files = |condition: &dyn Fn(u32) -> String| -> Vec<String> {
        let files = (0..16).map(|file| format!("{numbers} where {}", condition(file)));
        files.collect()
    };
    let mut in_order = files(&|file| format!("value / 10 = {file}"));
    // A key that is not known stands first.
    in_order[7] += " union all select cast(null as varchar), 160";
    let spread = files(&|file| format!("value % 16 = {file}"));
    add_files(&session, folder.path(), "in_order", &in_order);
    add_files(&session, folder.path(), "spread", &spread);
    let key = format!("select 'deposits:' || code as key from ({numbers}) as numbers");
    add(&session, folder.path(), "key", &key);
    let keys = TableName::try_new("core", "key").unwrap();
    let cuts = Cuts {
        months: None,
        keys: Some((&keys, "key")),
    };
    let warehouse = Warehouse::open_or_create(folder.path()).unwrap();
    let table = TableName::try_new("marts", "whole").unwrap();
    for (name, n_parts) in [("in_order", 9), ("spread", 1)] {
        let plan = planned(
            &session,
            &format!(
                "with numbered as (
                    select 'deposits:' || code as key, n from core.{name}
                    union all select 'cards:' || code, n from core.{name} where n < 4
                )
                select key, n, lag(n) over (partition by key order by n) as before from numbered
                union all select code, n, 0 from core.{name} where 1 = 0"
            ),
        );
        let made = |ranges: &[Vec<Plan>]| {
            let order = ["key".to_owned()];
            let made =
                session.write_ranges(ranges, &order, &Partitioning::None, &warehouse, &table);
            made.unwrap().table.files
        };
        let ranges = session.cut(
            &plan,
            &cuts,
            Stored {
                rows: 20,
                ..AT_ONCE
            },
        );
        let ranges = ranges.unwrap();
        assert_eq!(ranges.len(), 1, "{name}");
        assert_eq!(ranges[0].len(), n_parts, "{name}");
        let whole = made(&[vec![plan]]);
        let n_rows = if name == "in_order" { 165 } else { 164 };
        assert_eq!((whole.len(), whole[0].rows), (1, n_rows), "{name}");
        assert_eq!(made(&ranges), whole, "{name}");
    }
}

/// Each range looks at whole files. Those of as many rows as fit into memory would look at all rows eight times.
#[test]
fn ranges_too_small_to_pay_within_little_memory_are_made_larger() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts_within(Some(64 << 10), folder.path());
    let numbers = "select lpad(cast(value as varchar), 3, '0') as key \
                   from (select unnest(generate_series(0, 159)) as value) as series";
    let rows = format!(
        "select key, n from ({numbers}) as numbers \
         cross join (select unnest(generate_series(1, 100)) as n) as hundred"
    );
    // Sixteen files of ten keys each.
    let files = (0..16).map(|file| format!("{rows} where cast(key as int) / 10 = {file}"));
    let files: Vec<String> = files.collect();
    add_files(&session, folder.path(), "line", &files);
    add(&session, folder.path(), "key", numbers);
    let keys = TableName::try_new("core", "key").unwrap();
    let cuts = Cuts {
        months: None,
        keys: Some((&keys, "key")),
    };
    let plan = planned(&session, "select key, n from core.line");
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1);
    let threads = threads.build().unwrap();
    let ranges = threads.install(|| session.cut(&plan, &cuts, AT_ONCE));
    let n_parts = ranges.unwrap()[0].len();
    assert!((16..64).contains(&n_parts), "{n_parts}");
}

/// Rows without a key stand in the first range, which looks for them in every file: that is one range of many.
#[test]
fn a_first_range_that_looks_at_everything_does_not_keep_a_table_from_being_cut() {
    let folder = tempfile::tempdir().unwrap();
    let session = with_facts(folder.path());
    let numbers = "select lpad(cast(value as varchar), 3, '0') as code, value as n \
                   from (select unnest(generate_series(0, 159)) as value) as series";
    let with_unknown = |file: u32| {
        format!(
            "{numbers} where value / 5 = {file} union all select cast(null as varchar), {file} + 500"
        )
    };
    let files: Vec<String> = (0..32).map(with_unknown).collect();
    add_files(&session, folder.path(), "some_unknown", &files);
    let key = format!("select 'deposits:' || code as key from ({numbers}) as numbers");
    add(&session, folder.path(), "key", &key);
    let keys = TableName::try_new("core", "key").unwrap();
    let cuts = Cuts {
        months: None,
        keys: Some((&keys, "key")),
    };
    let plan = planned(
        &session,
        "select 'deposits:' || code as key, n from core.some_unknown",
    );
    let at_once = Stored { rows: 6, ..AT_ONCE };
    let ranges = session.cut(&plan, &cuts, at_once).unwrap();
    assert_eq!((ranges.len(), ranges[0].len()), (1, 32));
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
            months: Some(&months),
            keys,
        };
        let ranges = session.cut(&plan, &cuts, at_once).unwrap();
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
        &both("core.acount"),
        "no model can be cut by the keys of core.acount: nothing makes it before",
    );
    says(&both("core.acount"), "did you mean `core.account`?");
    says(&both("core.acount"), "account_month.yml:5:1");
    says(&both("core.model_score"), "nothing makes it before");
    says(
        &both("core.account_month"),
        "models wait for each other in a circle: core.account_month -> core.account_month",
    );
    says(
        &both("core.customer"),
        "core.customer has no column `account_id`",
    );
    let as_number = (
        "account.account_id,\n    account.balance",
        "cast(account.account_id as bigint) as account_id,\n    account.balance",
    );
    let said = checked_query(&both("core.account"), as_number).exits(3);
    let another = "`account_id` of core.account has another type than that of core.account_month";
    assert!(said.stderr.contains(another), "{}", said.stderr);
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
