//! Rows of several parts are grouped in one pass.

#![cfg(test)]

use super::order::{session, texts_of};

/// A thousand names a part, of which half stand in both; of each a whole and a floating number.
const PARTS: &str = "select 'n' || value as name, value, cast(value as double) as share \
                     from (select unnest(generate_series(1, 1000)) as value) as series \
                     union all \
                     select 'n' || value, 10 * value, cast(value as double) \
                     from (select unnest(generate_series(501, 1500)) as value) as series";

fn passes(sql: &str) -> Vec<String> {
    let plan = texts_of(&session(), &format!("explain {sql}")).join("\n");
    let modes = plan.split("AggregateExec: mode=").skip(1);
    let mode = |text: &str| text.split(',').next().unwrap_or_default().to_owned();
    modes.map(mode).collect()
}

#[test]
fn groups_of_a_union_are_made_in_one_pass() {
    let groups = format!("select name, sum(value) as total from ({PARTS}) as parts group by name");
    assert_eq!(passes(&groups), ["Single"]);
    let sql = format!("select count(*), sum(total), min(total), max(total) from ({groups}) as g");
    let all: i64 = (1..=1000).sum::<i64>() + 10 * (501..=1500).sum::<i64>();
    assert_eq!(texts_of(&session(), &sql), [format!("1500 {all} 1 15000")]);
    let shared = format!("select total from ({groups}) as g where name in ('n500', 'n501')");
    let mut found = texts_of(&session(), &shared);
    found.sort();
    assert_eq!(found, ["500", "5511"]);
}

/// Of two parts there is one sum, whichever comes first; a total is one row a part.
#[test]
fn floating_sums_and_totals_are_made_part_by_part() {
    let floating = format!("select name, sum(share) from ({PARTS}) as parts group by name");
    assert_eq!(passes(&floating), ["Final", "Partial"]);
    let total = format!("select sum(value) from ({PARTS}) as parts");
    assert_eq!(passes(&total), ["Final", "Partial"]);
}
