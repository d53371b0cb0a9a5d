//! Joins whose sides the engine has no statistics for.

#![cfg(test)]

use std::path::Path;

use super::feeds::put;
use super::look_ups::session_of;
use salenet::domain::TableName;
use salenet::sql::catalog::Catalogue;
use salenet::sql::{Bindings, Session, TableSource};

struct Tables {
    session: Session,
    folder: tempfile::TempDir,
}

impl Tables {
    /// Accounts, three times as many facts, and few months and products.
    fn new(threads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let session = session_of(threads);
        for (name, sql) in [
            (
                "month",
                "select '2026-0' || value as month from (select unnest(generate_series(1, 3)) as value) as series",
            ),
            (
                "product",
                "select 'p' || value as product, value as rate from (select unnest(generate_series(0, 4)) as value) as series",
            ),
            (
                "account",
                "select 'a' || value as account, 'p' || (value % 7) as product from (select unnest(generate_series(1, 20000)) as value) as series",
            ),
            (
                "fact",
                "select 'a' || account as account, '2026-0' || month as month, account * month as amount \
                      from (select a.value as account, b.value as month from (select unnest(generate_series(1, 20000)) as value) as a \
                            cross join (select unnest(generate_series(1, 3)) as value) as b)",
            ),
        ] {
            add(&session, folder.path(), name, sql);
        }
        Self { session, folder }
    }

    fn text(&self, sql: &str) -> String {
        let result = self.session.query(sql, &Bindings::default()).unwrap();
        let rows = result.rows().unwrap();
        let cells = rows.iter().flatten().map(salenet::sql::Cell::to_text);
        cells.collect::<Vec<_>>().join(" ")
    }
}

pub fn add(session: &Session, folder: &Path, name: &str, sql: &str) {
    let plan = session.plan(sql, &Bindings::default()).unwrap();
    let mut bytes = Vec::new();
    session.write_parquet(&plan, &mut bytes).unwrap();
    let path = folder.join(format!("{name}.parquet"));
    put(folder, &format!("{name}.parquet"), &bytes);
    let source = TableSource {
        columns: plan.columns(),
        sorted_by: Vec::new(),
        files: vec![path],
    };
    let name = TableName::try_new("core", name).unwrap();
    session.add_table(Catalogue::Tonight, &name, source);
}

const FACTS: &str = "select fact.account, fact.amount, product.rate from core.fact as fact \
     join core.month as month on month.month = fact.month and month.month <> '2026-02' \
     left join core.account as account on account.account = fact.account \
     left join core.product as product on product.product = account.product";

#[test]
fn a_fact_table_is_never_collected_to_look_up_a_dimension() {
    let plan = Tables::new(2).text(&format!("explain {FACTS}"));
    let joins = plan.lines().filter(|line| line.contains("HashJoinExec"));
    for join in joins.clone() {
        assert!(!join.contains("join_type=Left,"), "{plan}");
    }
    assert_eq!(joins.count(), 3, "{plan}");
}

#[test]
fn turned_joins_give_the_same_rows() {
    for threads in [1, 2] {
        let tables = Tables::new(threads);
        let sums =
            format!("select count(*), count(rate), sum(amount), sum(amount * rate) from ({FACTS})");
        // Months 1 and 3 of every account; products 5 and 6 are unknown.
        let rated = (1..=20_000_i64).filter(|account| account % 7 < 5);
        let weighted: i64 = rated
            .clone()
            .map(|account| 4 * account * (account % 7))
            .sum();
        let expected = format!("40000 {} 800040000 {weighted}", 2 * rated.count());
        assert_eq!(tables.text(&sums), expected);
        // Both ways to say it: accounts that neither of two lists names.
        let named = "select distinct account from (select account from core.fact where amount % 2 = 0 \
             union all select account.account from core.account as account \
             left join core.product as product on product.product = account.product where product.rate is null)";
        let left_join = format!(
            "with named as ({named}) select count(*) from core.account as account \
             left join named on named.account = account.account where named.account is null"
        );
        let not_exists = format!(
            "select count(*) from core.account as account where account.account not in ({named})"
        );
        assert_eq!(tables.text(&left_join), tables.text(&not_exists));
    }
}

/// The narrow side is held though it has more rows; the wide one streams past it.
#[test]
fn of_two_fact_tables_the_one_of_fewer_bytes_is_held() {
    let tables = Tables::new(1);
    let folder = tables.folder.path();
    let wide = "select account, month, amount, amount * 1.00 as a, amount * 2.00 as b, amount * 3.00 as c, \
                amount * 4.00 as d, amount * 5.00 as e, amount * 6.00 as f from core.fact where account <> 'a1'";
    add(&tables.session, folder, "wide", wide);
    for (left, right) in [("wide", "fact"), ("fact", "wide")] {
        let plan = tables.text(&format!(
            "explain select wide.a + wide.b + wide.c + wide.d + wide.e + wide.f, fact.account \
             from core.{left} as {left} join core.{right} as {right} on wide.account = fact.account and wide.month = fact.month"
        ));
        let below: Vec<&str> = plan
            .lines()
            .skip_while(|line| !line.contains("HashJoinExec"))
            .filter(|line| line.contains("DataSourceExec"))
            .collect();
        assert!(
            below
                .first()
                .is_some_and(|held| held.contains("fact.parquet")),
            "{plan}"
        );
        assert_eq!(below.len(), 2, "{plan}");
    }
}
