//! What campaigns brought: a night's campaign is counted from the next night on, beside the mailing it is compared with.

#![cfg(test)]

use salenet::domain::BusinessDate;
use salenet::run::campaign_measures::{Rows, plain};
use salenet::run::campaign_results::{CampaignResults, campaign_results};
use salenet::sql::Cell;

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
    let dictionary = "select measure || ' ' || numerator || ' ' || coalesce(denominator, '') \
                      from reference.campaign_measure where scope = 'cell'";
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

/// The figure's value, numerator and denominator, each with what stands behind the point as far as it says something.
fn figure(found: &CampaignResults, measure: &str) -> Option<[String; 3]> {
    let rows = Rows::of(&found.figures.figures).expect("rows");
    let row = rows
        .rows
        .iter()
        .find(|row| rows.text(row, "measure").as_deref() == Some(measure))?;
    let text = |column| {
        rows.text(row, column)
            .map_or_else(String::new, |text| plain(&text))
    };
    Some([text("value"), text("numerator"), text("denominator")])
}

fn goals(found: &CampaignResults) -> Vec<String> {
    let goals = found.figures.goals.as_ref().expect("goals");
    let rows = Rows::of(goals).expect("rows");
    let line = |row: &Vec<Cell>| {
        let text = |column| rows.text(row, column).unwrap_or_default();
        format!(
            "{} {} {}",
            text("measure"),
            plain(&text("value")),
            text("state")
        )
    };
    rows.rows.iter().map(line).collect()
}

/// 600 contacts booked 30, the baseline's 1,000 booked 25: 600 x 25 / 30 = 500 would have done, half of 1,000. Responded
/// 0.05 against 0.04 is a quarter more. Of four accounts of the product opened since, one is of somebody called in time.
#[test]
fn figures_stand_beside_their_numerators_and_goals_beside_what_was_reached() {
    let totals = "select 'NEW' as campaign_code, 'OLD' as baseline_code, 600 as n_contacted, 30 as n_booked, \
        cast(0.05 as decimal(9, 6)) as response_rate, cast(1000.00 as decimal(18, 2)) as cost \
        union all select 'OLD', cast(null as varchar), 1000, 25, 0.04, 850.00 \
        union all select 'NONE', 'OLD', 600, 0, 0.05, 1.00";
    let (session, manifest) = release_of(&[
        ("marts.campaign_total", totals),
        (
            "marts.campaign_result",
            "select 'NEW' as campaign_code, 'contact' as kind, 'A' as cell_code \
             union all select 'NONE', 'contact', 'A'",
        ),
        (
            "reference.campaign_measure",
            "select 1 as position, 'n_booked' as measure, 'booked' as name, 'cell' as scope, 'count' as unit, \
             'n_booked' as numerator, cast(null as varchar) as denominator, 'Booked' as meaning",
        ),
        (
            "core.campaign_assignment",
            "select 'NEW' as campaign_code, 'contact' as kind, 'loan' as product_code, 'phone' as channel, 1 as customer_id, \
             'F1' as finder_number, true as is_contacted, date '2026-05-01' as contacted_on, date '2026-06-01' as window_ends_on",
        ),
        (
            "core.account",
            "select 'a' as account_id, 'loan' as product_code, date '2026-05-20' as open_date \
             union all select 'late', 'loan', date '2026-06-01' union all select 'other', 'loan', date '2026-05-20' \
             union all select 'before', 'loan', date '2026-04-30' union all select 'kind', 'card', date '2026-05-20' \
             union all select 'mate', 'loan', date '2026-05-20'",
        ),
        (
            "core.customer_account",
            "select 'a' as account_id, 1 as customer_id, 'primary' as role union all select 'late', 1, 'primary' \
             union all select 'other', 2, 'primary' union all select 'kind', 1, 'primary' union all select 'mate', 1, 'guarantor'",
        ),
        (
            "marts.campaign_attribution",
            "select 'NEW' as campaign_code, date '2026-05-20' as responded_on",
        ),
        (
            "core.contact_result",
            "select 'F1' as finder_no, date '2026-05-25' as contacted_on",
        ),
        (
            "campaigns.goal",
            "select 'NEW' as campaign_code, 'letters' as measure, cast(-0.40 as decimal(18, 6)) as target, \
             false as is_rising, date '2099-01-01' as due_on, 'lending' as owner \
             union all select 'NEW', 'n_booked', 31, true, date '2020-01-01', 'lending' \
             union all select 'NEW', 'cost', 999, false, date '2099-01-01', 'lending' \
             union all select 'NONE', 'letters', -0.40, false, date '2099-01-01', 'lending'",
        ),
    ]);
    let (_, found) = campaign_results(&session, &manifest, None).expect("results");
    let of = |code: &str| {
        let mut found = found.iter();
        found
            .find(|campaign| campaign.code == code)
            .expect("the campaign")
    };
    let words = |words: [&str; 3]| Some(words.map(str::to_owned));
    let new = of("NEW");
    assert_eq!(figure(new, "letters"), words(["-0.5", "500", "1000"]));
    assert_eq!(
        figure(new, "response_rate_change"),
        words(["0.25", "0.05", "0.04"])
    );
    assert_eq!(figure(new, "telephone_share"), words(["0.25", "1", "4"]));
    let age = figure(new, "feedback_age").expect("an age")[0].clone();
    let since = manifest.business_date.days_since_epoch()
        - "2026-05-25"
            .parse::<BusinessDate>()
            .expect("a day")
            .days_since_epoch();
    assert_eq!(age, since.to_string());
    assert_eq!(
        goals(new),
        [
            "n_booked 30 missed",
            "cost 1000 open",
            "letters -0.5 reached"
        ]
    );
    // Without a booking there is nothing to compare at.
    assert_eq!(figure(of("NONE"), "letters"), words(["", "", "1000"]));
    assert_eq!(goals(of("NONE")), ["letters  unknown"]);
}
