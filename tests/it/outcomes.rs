//! What campaigns brought: a night's campaign is counted from the next night on, beside the mailing it is compared with.

#![cfg(test)]

use salenet::run::campaign_results::campaign_results;

use super::harbor::Harbor;
use super::report::release_of;

const CODE: &str = "HEL-2026-11";
const BASELINE: &str = "HEL-MASS-2026-05";

#[test]
fn a_delivered_campaign_is_counted_the_next_night_beside_its_baseline() {
    let harbor = Harbor::generated(400, 2, 11);
    let campaign = "campaigns/home_equity.yml";
    harbor.edit(campaign, "schedule: monthly", "schedule: nightly");
    harbor.salenet(&["run", "--date", "2026-10-30"]).exits(0);
    // The models of a night come before its campaigns.
    let early = harbor.salenet(&["campaign", "results", CODE]).exits(2);
    let says = "error: release 2026-10-30.1 has no contact of a campaign `HEL-2026-11`\n\
                hint: there are results of HEL-MASS-2026-05; a delivered list counts from the next night on\n";
    assert_eq!(early.stderr, says);
    let contacts = "select count(*), coalesce(sum(cost), 0.00) from campaigns.contact_history where campaign_code = 'HEL-2026-11'";
    let delivered = harbor.query(contacts);
    assert!(!delivered.starts_with("0,"), "{delivered}");

    harbor.salenet(&["run", "--date", "2026-10-31"]).exits(0);
    let counted = harbor.query(
        "select sum(n_assigned), sum(cost) from marts.campaign_result where campaign_code = 'HEL-2026-11'",
    );
    assert_eq!(counted, delivered);
    let said = harbor
        .salenet(&["campaign", "results", CODE])
        .exits(0)
        .stdout;
    assert!(said.contains("beside the baseline"), "{said}");
    assert!(said.contains(BASELINE), "{said}");
    assert!(said.contains("window      open until 2027-02-27"), "{said}");

    // Every column that the dictionary names is one of the results.
    let dictionary = "select measure || ' ' || numerator || ' ' || coalesce(denominator, '') from reference.campaign_measure";
    let header = harbor
        .salenet(&["campaign", "results", BASELINE, "--format", "csv"])
        .exits(0)
        .stdout;
    let columns: Vec<&str> = header
        .lines()
        .next()
        .expect("a header")
        .split(',')
        .collect();
    let named = harbor.query(dictionary);
    assert!(named.lines().count() > 10, "{named}");
    for column in named.split_whitespace() {
        assert!(columns.contains(&column), "{column}");
    }
}

/// 600 contacts booked 30, the baseline's 1,000 booked 25: 600 x 25 / 30 = 500 would have done, half of 1,000.
#[test]
fn contacts_are_compared_at_equal_bookings() {
    let totals = "select 'NEW' as campaign_code, 'OLD' as baseline_code, 600 as n_contacted, 30 as n_booked \
        union all select 'OLD', cast(null as varchar), 1000, 25 \
        union all select 'NONE', 'OLD', 600, 0";
    let (session, manifest) = release_of(&[
        ("marts.campaign_total", totals),
        (
            "marts.campaign_result",
            "select 'NEW' as campaign_code, 'contact' as kind, 'A' as cell_code \
             union all select 'NONE', 'contact', 'A'",
        ),
        (
            "reference.campaign_measure",
            "select 1 as position, 'n_booked' as measure, 'booked' as name, 'count' as unit, \
             'n_booked' as numerator, cast(null as varchar) as denominator",
        ),
    ]);
    let (_, found) = campaign_results(&session, &manifest, None).expect("results");
    let compared = |code: &str| {
        let campaign = found.iter().find(|campaign| campaign.code == code);
        let rows = campaign
            .expect("the campaign")
            .contacts_at_equal_bookings
            .rows();
        let texts = rows.expect("rows").into_iter();
        texts
            .map(|row| {
                row.iter()
                    .map(salenet::sql::Cell::to_text)
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(compared("NEW"), [["600", "500", "1000", "-500000"]]);
    // Without a booking there is nothing to compare at.
    assert!(compared("NONE").is_empty());
}
