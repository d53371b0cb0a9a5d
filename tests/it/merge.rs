//! Two customers turn out to be one: what follows them, and that no money appears or is lost.

#![cfg(test)]

use super::harbor::Harbor;

/// Every line of the profit, by month, over all customers.
const CUSTOMERS: &str = "select month, line_code, sum(amount) from marts.customer_pnl_lines group by 1, 2 order by 1, 2";
const HOUSEHOLDS: &str = "select month, sum(net_income), sum(economic_profit), count(distinct month) from marts.household_pnl group by 1 order by 1";
const ACCOUNTS: &str = "select month, line_code, sum(amount), count(*) from marts.account_pnl_lines group by 1, 2 order by 1, 2";

/// Fields of the only row of a query.
fn row(harbor: &Harbor, sql: &str) -> Vec<String> {
    let rows = harbor.query(sql);
    assert_eq!(rows.lines().count(), 1, "{sql}\n{rows}");
    rows.trim_end().split(',').map(str::to_owned).collect()
}

#[test]
fn a_merge_moves_no_money_and_the_most_restrictive_consent_wins() {
    let harbor = Harbor::generated(150, 2, 11);
    harbor.salenet(&["run"]).exits(0);

    // One said yes where the other said no, and both have accounts.
    let pair = "select yes.customer_id, no.customer_id, yes.purpose, yes.channel \
        from core.customer_consent as yes \
        join core.customer_consent as no on no.purpose = yes.purpose and no.channel = yes.channel \
        join core.customer as one on one.customer_id = yes.customer_id and one.status = 'active' \
        join core.customer as other on other.customer_id = no.customer_id and other.status = 'active' \
        where yes.status = 'in' and no.status = 'out' and one.customer_type = 'person' \
        and other.customer_type = 'person' order by 1, 2, 3, 4 limit 1";
    let pair = row(&harbor, pair);
    let [yes, no, purpose, channel] = &pair[..] else {
        panic!("{pair:?}")
    };
    let record = |customer: &str| {
        let sql = format!(
            "select source_code || '.' || feed || ':' || source_key from core.customer_xref \
             where customer_id = {customer} and source_code = 'cif' and valid_to is null order by 1 limit 1"
        );
        row(&harbor, &sql)[0].clone()
    };
    let (left, right) = (record(yes), record(no));
    let profit = |customers: &str| {
        harbor.query(&format!(
            "select month, line_code, sum(amount) from marts.customer_pnl_lines \
             where customer_id in ({customers}) group by 1, 2 having sum(amount) <> 0 order by 1, 2"
        ))
    };
    let before = [CUSTOMERS, HOUSEHOLDS, ACCOUNTS].map(|sql| harbor.query(sql));
    let of_both = profit(&format!("{yes}, {no}"));
    assert!(of_both.lines().count() > 20, "{of_both}");
    let customers = harbor.query("select count(*) from core.customer");

    let decide = [
        "match",
        "review",
        "accept",
        &left,
        &right,
        "--by",
        "a test",
        "--reason",
        "one person",
    ];
    harbor.salenet(&decide).exits(0);
    harbor.salenet(&["run", "--date", "2026-10-31"]).exits(0);

    let after = [CUSTOMERS, HOUSEHOLDS, ACCOUNTS].map(|sql| harbor.query(sql));
    assert_eq!(before, after, "a merge has changed a total");
    let alias = row(
        &harbor,
        "select retired_customer_id, customer_id from core.customer_alias",
    );
    let (retired, living) = (&alias[0], &alias[1]);
    let mut both = [yes, no];
    both.sort();
    let mut named = [retired, living];
    named.sort();
    assert_eq!(both, named);
    assert_eq!(profit(living), of_both);
    assert_eq!(profit(retired), "");
    let fewer = harbor.query("select count(*) + 1 from core.customer");
    assert_eq!(fewer, customers);
    let event = row(
        &harbor,
        "select event_type, from_customer_id, to_customer_id from core.customer_id_event \
         where business_date = date '2026-10-31' and event_type = 'merge'",
    );
    assert_eq!(event, ["merge", retired, living]);

    let consent = format!(
        "select status from core.customer_consent \
         where customer_id = {living} and purpose = '{purpose}' and channel = '{channel}'"
    );
    assert_eq!(row(&harbor, &consent), ["out"]);
    let contacts = format!(
        "select count(*) - count(distinct kind) from core.contact_point where customer_id = {living}"
    );
    assert_eq!(row(&harbor, &contacts), ["0"]);
    for table in [
        "core.customer",
        "core.contact_point",
        "core.customer_account",
        "core.household_member",
    ] {
        let left_over = format!("select count(*) from {table} where customer_id = {retired}");
        assert_eq!(row(&harbor, &left_over), ["0"], "{table}");
    }
    let history =
        format!("select count(*) from core.customer_history where customer_id = {retired}");
    assert_eq!(row(&harbor, &history), ["1"]);
    let said = harbor.salenet(&["explain", "customer", retired]).exits(0);
    assert!(
        said.stderr
            .contains(&format!("customer {retired} joined customer {living}")),
        "{}",
        said.stderr
    );
    for record in [&left, &right] {
        let key = record.split(':').nth(1).expect("a key");
        assert!(said.stdout.contains(key), "{record}: {}", said.stdout);
    }
    let name = format!(
        "select value || '|' || rule from core.customer_attribute where customer_id = {living} and attribute = 'family_name'"
    );
    let name = row(&harbor, &name);
    for part in name[0].split('|') {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
}
