//! Contact policy and suppressions that read tables of their own, customer by customer.

#![cfg(test)]

use std::fmt::Write as _;
use std::path::Path;

use super::bank::{Accounts, Bank, FIRST, SECOND, Said};
use super::feeds::put;

/// A table of the project whose rows stand in its SQL.
pub fn table(project: &Path, name: &str, columns: &[&str], rows: &[&str]) {
    let sql = format!(
        "select * from (values {}) as rows({})",
        rows.join(", "),
        columns.join(", ")
    );
    let mut yml = format!(
        "description: Rows of a test.\ngrain: [{}]\nmaterialised: full\ncolumns:\n",
        columns[0]
    );
    for column in columns {
        let _ = writeln!(yml, "  {column}: {{description: A column}}");
    }
    put(project, &format!("models/core/{name}.sql"), sql.as_bytes());
    put(project, &format!("models/core/{name}.yml"), yml.as_bytes());
}

const CONTACT: [&str; 9] = [
    "contact_no",
    "customer_id",
    "campaign_code",
    "product_code",
    "channel",
    "offer_code",
    "finder_no",
    "contacted_on",
    "is_control",
];

const RESPONSE: [&str; 5] = [
    "response_no",
    "customer_id",
    "finder_no",
    "response_type",
    "responded_on",
];

fn contact(
    number: &str,
    customer: u32,
    product: &str,
    offer: &str,
    on: &str,
    is_control: bool,
) -> String {
    format!(
        "('{number}', {customer}, 'OLD', '{product}', 'mail', '{offer}', 'F{number}', date '{on}', {is_control})"
    )
}

/// The project's only campaign, with these keys.
fn put_campaign(project: &Path, keys: &str) {
    let campaign = format!(
        "campaign: {{code: SAV, description: Savings plan, product: savings_plan, level: customer, seed: 7}}
schedule: nightly
universe: \"select customer_id from marts.customer_360\"
rank_by: \"total_balance\"
cells:
  - {{code: A, channel: mail, share: 0.50}}
  - {{code: B, channel: phone, share: 0.50}}
export: [{{format: csv, columns: [customer_id]}}]
{keys}"
    );
    put(project, "campaigns/savings.yml", campaign.as_bytes());
}

fn say(bank: &Bank, project: &Path, arguments: &[&str]) -> Said {
    bank.with_project(project, arguments).exits(0)
}

/// Customer -> the rules it fails, of a campaign with these keys.
fn failed(prepare: impl Fn(&Path), keys: &str) -> Vec<String> {
    let bank = Bank::new();
    let project = bank.own_project();
    prepare(&project);
    put_campaign(&project, keys);
    bank.deliver(FIRST);
    say(&bank, &project, &["run"]);
    told(&bank, &project)
}

fn told(bank: &Bank, project: &Path) -> Vec<String> {
    let sql = "select concat(customer_id, ' ', failed_rules, ' ', state, ' ', coalesce(first_failed_rule, '')) as told
        from campaigns.candidate where campaign_code = 'SAV' order by customer_id";
    let said = say(bank, project, &["sql", "--format", "csv", "-c", sql]);
    said.stdout
        .lines()
        .skip(1)
        .map(|line| line.trim().trim_matches('"').to_owned())
        .collect()
}

#[test]
fn windows_slide_over_contacts_refusals_and_controls() {
    // The night is 2026-10-29.
    let contacts = [
        contact("1", 1, "savings_plan", "SAV-1", "2026-10-01", false),
        // Ninety days back is the first day outside a window of ninety.
        contact("2", 2, "savings_plan", "SAV-1", "2026-07-31", false),
        contact("3", 3, "savings_plan", "SAV-1", "2026-08-01", false),
        contact("4a", 4, "other", "OTH-1", "2026-10-01", false),
        contact("4b", 4, "other", "OTH-1", "2026-10-10", false),
        contact("4c", 4, "other", "OTH-1", "2026-10-28", false),
        contact("5a", 5, "other", "OTH-1", "2026-10-01", false),
        contact("5b", 5, "other", "OTH-1", "2026-10-10", false),
        contact("6", 6, "savings_plan", "SAV-1", "2026-10-01", true),
        contact("7", 7, "savings_plan", "SAV-1", "2026-05-10", false),
        contact("8", 8, "savings_plan", "SAV-1", "2026-05-10", false),
        contact("9", 9, "savings_plan", "SAV-2", "2026-05-10", false),
        contact("10", 10, "savings_plan", "SAV-1", "2026-01-01", false),
    ];
    let responses = [
        "('R7', cast(null as bigint), 'F7', 'refused', date '2026-05-20')",
        "('R8', cast(null as bigint), 'F8', 'declined', date '2026-05-20')",
        "('R9', 9, cast(null as varchar), 'refused', date '2026-05-20')",
        "('R10', cast(null as bigint), 'F10', 'refused', date '2026-01-20')",
    ];
    let failed = failed(
        |project| {
            let rows: Vec<&str> = contacts.iter().map(String::as_str).collect();
            table(project, "campaign_contact", &CONTACT, &rows);
            table(project, "campaign_response", &RESPONSE, &responses);
        },
        "contact_policy:
  max: [{n: 1, days: 90, scope: product}, {n: 3, days: 30, scope: any}]
  never_after: [{offer: \"SAV-*\", days: 180, if: refused}]
response: {window_days: 60}
",
    );
    assert_eq!(
        failed,
        [
            "1 P01 removed P01",
            "2  selected",
            "3 P01 removed P01",
            "4 P02 removed P02",
            "5  selected",
            "6 S00_HELD_BACK removed S00_HELD_BACK",
            "7 P03 removed P03",
            "8  selected",
            "9 P03 removed P03",
            "10  selected",
        ]
    );
}

#[test]
fn a_refusal_follows_its_customer_through_a_merge() {
    let bank = Bank::new();
    let project = bank.own_project();
    let mailed = contact("1", 8, "savings_plan", "SAV-1", "2026-05-10", false);
    table(&project, "campaign_contact", &CONTACT, &[&mailed]);
    // Customer 8 refused without quoting a number.
    let refused = "('R1', 8, cast(null as varchar), 'refused', date '2026-05-20')";
    table(&project, "campaign_response", &RESPONSE, &[refused]);
    bank.deliver(FIRST);
    say(&bank, &project, &["run"]);

    // The account of customer 8 turns out to be customer 1's.
    let mut accounts = super::bank::accounts(2);
    accounts[7].ssn = accounts[0].ssn.clone();
    bank.deliver(SECOND);
    bank.deliver_accounts(SECOND, &Accounts::of(&accounts, SECOND));
    put_campaign(
        &project,
        "contact_policy:
  never_after: [{offer: \"SAV-*\", days: 180, if: refused}]
",
    );
    say(&bank, &project, &["run"]);
    let told = told(&bank, &project);
    assert_eq!(told[0], "1 P01 removed P01");
    assert!(told.iter().all(|line| !line.starts_with("8 ")), "{told:?}");
}

#[test]
fn complaints_and_consents_of_a_channel_are_read_where_they_stand() {
    let failed = failed(
        |project| {
            table(
                project,
                "complaint",
                &["complaint_id", "customer_id", "topic", "closed_on"],
                &[
                    "('C1', 1, 'fees', cast(null as date))",
                    "('C2', 2, 'credit_dispute', cast(null as date))",
                    "('C3', 3, 'fees', date '2026-08-01')",
                    "('C4', 4, 'fees', date '2026-07-31')",
                ],
            );
            table(
                project,
                "customer_consent",
                &["said", "customer_id", "purpose", "channel", "status"],
                &[
                    "(1, 1, 'contact', 'any', 'in')",
                    "(2, 2, 'contact', 'any', 'in')",
                    "(3, 3, 'contact', 'any', 'in')",
                    "(4, 4, 'contact', 'phone', 'in')",
                    "(5, 5, 'contact', 'mail', 'in')",
                    "(6, 6, 'contact', 'any', 'in')",
                    "(7, 6, 'contact', 'phone', 'out')",
                    "(8, 7, 'contact', 'any', 'out')",
                    "(9, 8, 'profiling', 'any', 'in')",
                ],
            );
        },
        "suppress:
  - {id: S05, rule: open_complaint, days: 90, except: [credit_dispute]}
  - {id: S14, rule: no_consent, channel: mail}
  - {id: S15, rule: no_consent, channel: phone}
",
    );
    assert_eq!(
        failed,
        [
            "1 S05 removed S05",
            "2  selected",
            "3 S05 removed S05",
            "4 S14 selected",
            "5 S15 selected",
            "6 S15 selected",
            "7 S14,S15 removed S99_NO_CHANNEL",
            "8 S14,S15 removed S99_NO_CHANNEL",
            "9 S14,S15 removed S99_NO_CHANNEL",
            "10 S14,S15 removed S99_NO_CHANNEL",
        ]
    );
}

/// 2026-10-29 is 31 days after 2026-09-28.
#[test]
fn an_old_national_list_stops_the_telephone_and_nothing_else() {
    let told = |date: &str| {
        failed(
            |project| {
                let row = format!("('+12075550101', 'national', {date})");
                table(
                    project,
                    "do_not_call",
                    &["phone", "list_name", "list_date"],
                    &[&row, "('+12075550102', 'bank', date '2026-10-29')"],
                );
                attributes(project, &["false as is_do_not_call"]);
            },
            "attributes: marts.callable\nsuppress:\n  - {id: S03, rule: do_not_call, channel: phone}\n",
        )
    };
    let young = told("date '2026-09-28'");
    assert!(young.iter().all(|line| !line.contains("S00_LIST_TOO_OLD")));
    for old in ["date '2026-09-27'", "cast(null as date)"] {
        let told = told(old);
        let closed = told
            .iter()
            .filter(|line| line.contains("S00_LIST_TOO_OLD selected"));
        assert_eq!(closed.count(), 10, "{told:?}");
    }
}

#[test]
fn a_relationship_opens_the_telephone_but_not_against_the_customers_wish() {
    // Customers 2, 5 and 6 are on a list; 3, 4 and 5 asked the bank not to call; 1, 2, 4 and 5 are customers of late.
    let told = failed(
        |project| {
            attributes(
                project,
                &[
                    "customer_id in (2, 5, 6) as is_do_not_call",
                    "case when customer_id in (3, 4, 5) then true when customer_id <> 9 then false end as refuses_calls",
                    "case when customer_id in (1, 2, 4, 5) then true when customer_id <> 6 then false end \
                     as has_existing_relationship",
                ],
            );
        },
        "attributes: marts.callable\nsuppress:\n  \
         - {id: S03, rule: do_not_call, channel: phone, except: [existing_relationship]}\n",
    );
    let closed = told.iter().filter(|line| line.contains(" S03 "));
    let closed: Vec<&str> = closed.filter_map(|line| line.split(' ').next()).collect();
    // What nobody knows counts against a call.
    assert_eq!(closed, ["3", "4", "5", "6", "9"]);
}

#[test]
fn who_is_not_known_to_be_of_age_is_never_contacted() {
    let told = failed(
        |project| {
            attributes(
                project,
                &[
                    "case customer_id when 1 then false when 2 then cast(null as boolean) else true end as of_legal_age",
                ],
            );
        },
        "attributes: marts.callable\n",
    );
    let removed: Vec<&str> = told
        .iter()
        .filter(|line| line.contains("E00_OF_LEGAL_AGE"))
        .map(String::as_str)
        .collect();
    assert_eq!(
        removed,
        [
            "1 E00_OF_LEGAL_AGE removed E00_OF_LEGAL_AGE",
            "2 E00_OF_LEGAL_AGE removed E00_OF_LEGAL_AGE"
        ]
    );
    assert_eq!(told.len(), 10);
}

/// `marts.callable`: the attributes and some columns more.
fn attributes(project: &Path, columns: &[&str]) {
    let sql = format!("select *, {} from marts.customer_360", columns.join(", "));
    let names = columns
        .iter()
        .filter_map(|column| column.rsplit(' ').next());
    let mut yml =
        "description: Attributes.\ngrain: [customer_id]\nmaterialised: full\ncolumns:\n".to_owned();
    for column in [
        "customer_id",
        "display_name",
        "phone",
        "total_balance",
        "has_left",
    ]
    .into_iter()
    .chain(names)
    {
        let _ = writeln!(yml, "  {column}: {{description: A column}}");
    }
    put(project, "models/marts/callable.sql", sql.as_bytes());
    put(project, "models/marts/callable.yml", yml.as_bytes());
}
