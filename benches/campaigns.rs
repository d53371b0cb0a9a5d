//! How long a campaign takes to plan and to run in a bank of a million customers.
//!
//! `cargo bench --bench campaigns -- 1000000` invents the tables that a home equity campaign reads (attributes, accounts,
//! consents, complaints, a past mailing to six of ten, contacts of earlier campaigns), publishes them as a release of
//! `pipelines/harbor`, and prints the seconds of each step of `salenet campaign plan` and of a run that contacts one
//! customer in ten. The rules are those of `pipelines/harbor/campaigns/home_equity.yml`.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use salenet::config;
use salenet::domain::{BusinessDate, Parameter, TableName};
use salenet::run::RunSettings;
use salenet::run::campaign_desk::plan_campaign;
use salenet::run::check::check_campaigns;
use salenet::run::open::{Reading, open_release};
use salenet::sql::catalog::Catalogue;
use salenet::sql::schema::columns_of;
use salenet::sql::write::Partitioning;
use salenet::sql::{Bindings, Session, TableSource};
use salenet::stages::campaign::lists::write_lists;
use salenet::stages::campaign::query::judge_query;
use salenet::stages::campaign::run::{choose, decided, figures, lists, write_contacts};
use salenet::stages::campaign::tables::CONTACT_COLUMNS;
use salenet::store::{Manifest, ReleaseId, TableEntry, Warehouse};

const CODE: &str = "HEL-BENCH";
const DATE: &str = "2026-10-31";

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an option of its own.
    let mut sizes: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes = vec![100_000, 1_000_000];
    }
    for customers in sizes {
        measure(customers)?;
    }
    Ok(())
}

/// Prints what each step takes, one line each.
struct Clock {
    since: Instant,
    total: f64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the time is what is measured")]
    fn start() -> Self {
        Self {
            since: Instant::now(),
            total: 0.0,
        }
    }

    fn lap(&mut self, step: &str) {
        let seconds = self.since.elapsed().as_secs_f64();
        println!("  {step:<44}{seconds:>9.3} s");
        self.total += seconds;
        let total = self.total;
        *self = Self::start();
        self.total = total;
    }

    fn total(&self, what: &str, goal: &str) {
        println!("  {what:<44}{:>9.3} s   {goal}", self.total);
    }
}

fn measure(customers: u64) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path().join("harbor");
    copy(Path::new("pipelines/harbor"), &folder)?;
    for other in ["home_equity", "personal_loan"] {
        std::fs::remove_file(folder.join(format!("campaigns/{other}.yml")))?;
    }
    put(
        &folder.join("campaigns/bench.yml"),
        &campaign(customers / 10),
    )?;
    let project = load(&folder)?;
    let threads = std::thread::available_parallelism()?;
    let warehouse = scratch.path().join("warehouse");
    let settings = RunSettings::new(&project, scratch.path(), Some(warehouse), None, threads);
    println!("{customers} customers, {threads} threads");
    let mut clock = Clock::start();
    let mut parameters = project.bank.parameters.clone();
    parameters.insert("business_date".to_owned(), Parameter::Date(DATE.parse()?));
    publish(customers, &settings, parameters)?;
    clock.lap("(inventing and publishing the tables)");

    println!("campaign plan");
    let mut clock = Clock::start();
    let project = load(&folder)?;
    clock.lap("load the project");
    // Side by side, as the command does it.
    let (checked, planned) = std::thread::scope(|scope| {
        let checked = scope.spawn(|| check_campaigns(&project).map(|_| ()));
        let planned = plan_campaign(&project, &settings, CODE);
        (checked.join(), planned)
    });
    checked
        .map_err(|_| "the check died")?
        .map_err(|problems| problems.to_string())?;
    let (_, planned) = planned?;
    clock.lap("check the project; judge, choose");
    clock.total("all", "goal: 2 s");

    let campaign = &project.campaigns[0];
    println!("campaign run");
    let options = settings.session_options();
    let mut clock = Clock::start();
    let (warehouse, manifest, session) = open_release(&settings, &options, &Reading::Current)?;
    let alias = name("campaigns.customer_alias")?;
    session.add_view(
        Catalogue::Tonight,
        &alias,
        "select retired_customer_id as customer_id, customer_id as current_id from core.customer_alias",
        &Bindings::default(),
    )?;
    let recalled = TableSource::declared(columns_of(CONTACT_COLUMNS));
    session.add_table(
        Catalogue::Tonight,
        &name("campaigns.recalled_contact")?,
        recalled,
    );
    let bindings = Bindings::new(manifest.parameters.clone());
    let date = manifest.business_date;
    clock.lap("open the release");
    let chosen = choose(&session, campaign, &bindings, date)?;
    clock.lap("judge every member and choose");
    let values = chosen
        .bindings
        .clone()
        .with("contacted_on", Parameter::Date(date));
    let (plan, values) = decided(&session, campaign, &chosen, values)?;
    let table = name("campaigns.candidate")?;
    let grain = ["campaign_code", "business_date", "customer_id"].map(str::to_owned);
    let partition = Partitioning::Named(format!("month={}", date.month()));
    let written = session.write_table(&plan, &grain, &partition, &warehouse, &table)?;
    let source = TableSource::of(&warehouse, &written);
    session.add_table(Catalogue::Tonight, &table, source);
    clock.lap("write the candidates");
    write_contacts(&session, &warehouse, campaign, &values, date)?;
    clock.lap("write the contacts");
    let entry = figures(campaign, &chosen);
    assert_eq!(
        entry.waterfall, planned.waterfall,
        "a run chooses as its plan"
    );
    let rendered = lists(&session, campaign, &entry, &values, date).map_err(failed)?;
    let rows: u64 = rendered.iter().map(|list| list.rows).sum();
    clock.lap(&format!("make {} lists", rendered.len()));
    write_lists(&warehouse, campaign, rendered).map_err(failed)?;
    clock.lap("write them");
    clock.total("all", "goal: 10 s with 100,000 contacted");
    println!(
        "  {} members, {} contacted, {rows} rows of lists",
        entry.waterfall[0].remaining,
        entry.contacted(),
    );
    // Alone once more: how much of the choice is the query.
    let mut clock = Clock::start();
    let plan = session.plan(&judge_query(campaign), &chosen.bindings)?;
    let judged = name("campaigns.judged_again")?;
    session.hold(&plan, Catalogue::Tonight, &judged)?;
    clock.lap("(the judging query alone, planned and run)");
    Ok(())
}

fn failed(error: salenet::stages::campaign::lists::ListError) -> String {
    salenet::stages::campaign::run::campaign_error(CODE, error).to_string()
}

fn load(folder: &Path) -> Result<config::Project, String> {
    config::load(folder).map_err(|problems| problems.to_string())
}

fn name(text: &str) -> Result<TableName, String> {
    text.parse().map_err(|_| format!("{text} is no table"))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench makes a project of its own"
)]
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)
}

fn campaign(contacted: u64) -> String {
    format!(
        r#"campaign: {{code: {CODE}, description: Home equity, product: home_equity_loan, level: household, seed: 19960401}}
schedule: manual
universe: "select customer_id from marts.customer_360 where customer_type = 'person' and status in ('active', 'dormant')"
eligibility:
  - {{id: E01_OWNER, where: "owner_occupied"}}
  - {{id: E02_CLTV, where: "combined_loan_to_value <= 0.80"}}
  - {{id: E03_EQUITY, where: "available_equity >= 15000"}}
  - {{id: E04_BAND, where: "internal_score_band in ('A', 'B', 'C')"}}
suppress:
  - {{id: S01, rule: deceased}}
  - {{id: S02, rule: bankrupt}}
  - {{id: S03, rule: do_not_call, channel: phone}}
  - {{id: S04, rule: no_consent, purpose: contact}}
  - {{id: S05, rule: open_complaint, days: 90, except: [credit_dispute]}}
  - {{id: S06, rule: delinquent, days_past_due: 30, months: 24}}
  - {{id: S07, rule: holds_product}}
  - {{id: S08, rule: staff}}
  - {{id: S09, rule: hardship}}
  - {{id: S10, rule: legal_hold}}
  - {{id: S11, rule: pending_application}}
  - {{id: S12, where: "is_post_undeliverable", channel: mail}}
  - {{id: S13, where: "phone is null", channel: phone}}
  - {{id: S14, rule: no_consent, purpose: contact, channel: mail}}
  - {{id: S15, rule: no_consent, purpose: contact, channel: phone}}
contact_policy:
  max: [{{n: 1, days: 90, scope: product}}, {{n: 3, days: 30, scope: any}}]
  never_after: [{{offer: "HEL-*", days: 180, if: refused}}]
constraints:
  budget: 2000000.00
  channels: {{phone: {{per_day: 4000, days: 20}}}}
  branches: {{column: home_branch_id, max: 400}}
rank_by: "available_equity"
cap: {contacted}
offers: {{HEL-0599: {{rate: 0.0599, valid_days: 90}}}}
cells:
  - {{code: A, channel: mail, share: 0.60, offer: HEL-0599, cost: 0.85}}
  - {{code: B, channel: phone, share: 0.30, offer: HEL-0599, cost: 4.10}}
  - {{code: C, kind: control, share: 0.10}}
  - {{code: X, kind: explore, channel: mail, share: 0.05, offer: HEL-0599, cost: 0.85}}
seeds: {{file: reference/seeds.csv}}
codes: {{finder: "{{campaign}}-{{cell}}-{{seq:07}}-{{check}}"}}
response: {{window_days: 120, base_rate: 0.01}}
layouts:
  mail_house: [finder_number, cell_code, offer_code, offer_rate, offer_valid_until, display_name, street, city, state, postcode]
  call_sheet: [list_place, finder_number, customer_id, display_name, phone, offer_code, offer_rate, offer_valid_until, talking_points, property_value, combined_loan_to_value, available_equity, preferred_channel, contribution_12m]
reasons:
  - {{where: "has_mortgage", say: "has the mortgage with us: one loan, one contact"}}
  - {{where: "card_balance > 2000", say: "pays card interest that a home loan would lower"}}
  - {{where: "available_equity >= 100000", say: "has room for more than the smallest loan"}}
export:
  - {{format: csv, layout: mail_house, channel: mail}}
  - {{format: xlsx, layout: call_sheet, channel: phone, split_by: home_branch_id}}
"#
    )
}

/// Tables by name, with their key and the query that invents them. `n` runs over the customers, `draw_<k>` are numbers
/// below 1 that look random and are the same every time.
#[expect(clippy::too_many_lines, reason = "one entry per table")]
fn tables(customers: u64) -> Vec<(&'static str, &'static str, String)> {
    let mut draws = String::new();
    for number in 1..=9_u64 {
        let factor = 40_503 + 7_919 * number;
        let _ = write!(
            draws,
            ", cast((n * {factor} + n / 7 * {}) % 1000003 as double) / 1000003.0 as draw_{number}",
            104_729 + number
        );
    }
    let people = format!(
        "with drawn as (select n{draws} from (select unnest(generate_series(1, {customers})) as n) as numbers)"
    );
    let of = |columns: &str, rest: &str| format!("{people} select {columns} from drawn {rest}");
    vec![
        (
            "marts.customer_360",
            "customer_id",
            of(
                "n as customer_id, case when draw_1 < 0.95 then 'person' else 'organisation' end as customer_type, \
                 concat('Customer ', n) as display_name, case when draw_2 < 0.97 then 'active' else 'closed' end as status, \
                 concat('B', lpad(cast(n % 2000 as varchar), 4, '0')) as home_branch_id, n - n % 2 as household_id, \
                 concat(n % 900, ' Main Street') as street, 'Portland' as city, 'ME' as state, \
                 lpad(cast(n % 99999 as varchar), 5, '0') as postcode, draw_3 < 0.03 as is_post_undeliverable, \
                 case when draw_4 < 0.95 then concat('+1207', lpad(cast(n as varchar), 7, '0')) end as phone, \
                 draw_5 < 0.005 as is_deceased, draw_6 < 0.01 as is_bankrupt, draw_7 < 0.01 as is_staff, \
                 draw_8 < 0.003 as is_legal_hold, draw_9 < 0.02 as is_in_hardship, draw_1 < 0.99 as of_legal_age, \
                 draw_2 < 0.15 as is_do_not_call, draw_3 < 0.9 as has_contact_consent, false as has_open_complaint, \
                 draw_4 < 0.002 as has_pending_application, draw_5 < 0.2 as has_mortgage, \
                 cast(draw_6 * 5000 as decimal(18, 2)) as card_balance, draw_7 < 0.5 as owner_occupied, \
                 cast(100000 + draw_8 * 400000 as decimal(18, 2)) as property_value, \
                 cast(draw_9 as decimal(9, 6)) as combined_loan_to_value, \
                 cast((100000 + draw_8 * 400000) * (0.8 - draw_9) as decimal(18, 2)) as available_equity, \
                 case when draw_1 < 0.3 then 'A' when draw_1 < 0.6 then 'B' when draw_1 < 0.85 then 'C' else 'D' end \
                 as internal_score_band, 0 as days_past_due, cast(draw_2 * 40 as bigint) as worst_days_past_due_24m, \
                 'mobile' as preferred_channel, cast(draw_3 * 900 - 300 as decimal(18, 2)) as contribution_12m",
                "",
            ),
        ),
        (
            "core.account",
            "account_id",
            of(
                "concat('deposits:', n) as account_id, case when draw_5 < 0.05 then 'home_equity_loan' else 'checking' end \
                 as product_code, 'active' as status",
                "",
            ),
        ),
        (
            "core.customer_account",
            "account_id",
            of("concat('deposits:', n) as account_id, n as customer_id", ""),
        ),
        (
            "core.product",
            "product_code",
            "select 'checking' as product_code, 'checking' as family union all select 'home_equity_loan', 'home_equity'".to_owned(),
        ),
        (
            "core.customer_consent",
            "customer_id",
            of(
                "n as customer_id, 'contact' as purpose, case when draw_6 < 0.9 then 'any' else 'phone' end as channel, \
                 case when draw_7 < 0.92 then 'in' else 'out' end as status",
                "",
            ),
        ),
        (
            "core.complaint",
            "complaint_id",
            of(
                "n as complaint_id, n as customer_id, 'fees' as topic, \
                 case when draw_8 < 0.2 then cast(null as date) else date '2026-06-01' end as closed_on",
                "where draw_1 < 0.05",
            ),
        ),
        (
            "core.do_not_call",
            "phone",
            of(
                "concat('+1207', lpad(cast(n as varchar), 7, '0')) as phone, 'national' as list_name, \
                 date '2026-10-01' as list_date",
                "where draw_2 < 0.15",
            ),
        ),
        (
            "core.campaign_contact",
            "contact_no",
            of(
                "concat('M', n) as contact_no, n as customer_id, 'HEL-MASS' as campaign_code, \
                 'home_equity_loan' as product_code, 'mail' as channel, 'HEL-0699' as offer_code, \
                 concat('M-', n) as finder_no, date '2026-05-11' as contacted_on, false as is_control",
                "where draw_3 < 0.6",
            ),
        ),
        (
            "core.campaign_response",
            "response_no",
            of(
                "concat('R', n) as response_no, n as customer_id, concat('M-', n) as finder_no, \
                 case when draw_5 < 0.3 then 'refused' else 'inquiry' end as response_type, date '2026-06-01' as responded_on",
                "where draw_3 < 0.6 and draw_4 < 0.02",
            ),
        ),
        (
            "core.contact_result",
            "result_no",
            of(
                "concat('CR', n) as result_no, n as customer_id, concat('M-', n) as finder_no, \
                 case when draw_5 < 0.1 then 'refused' else 'reached' end as result, date '2026-06-01' as contacted_on",
                "where draw_3 < 0.6 and draw_6 < 0.08",
            ),
        ),
        (
            "core.customer_alias",
            "retired_customer_id",
            of("n + 100000000 as retired_customer_id, n as customer_id", "where draw_7 < 0.01"),
        ),
        (
            "reference.seeds",
            "display_name",
            "select 'Seed of the bank' as display_name, '1 Main Street' as street, 'Portland' as city, 'ME' as state, \
             '04101' as postcode, '+12075550100' as phone"
                .to_owned(),
        ),
        (
            "campaigns.contact_history",
            "contact_id",
            of(
                "concat('PL:', n) as contact_id, n as customer_id, n as household_id, 'PL-2026-10' as campaign_code, \
                 date '2026-10-10' as business_date, 'PL:B' as treatment_id, 'personal_loan' as product_code, \
                 'B' as cell_code, 'phone' as channel, 'PL-0899' as offer_code, date '2026-10-10' as contacted_on, \
                 cast(4.10 as decimal(18, 2)) as cost, concat('PL-B-', n) as finder_number, n as finder_sequence, \
                 'listed' as delivery_status, draw_9 < 0.1 as is_control",
                "where draw_8 < 0.1",
            ),
        ),
    ]
}

fn publish(
    customers: u64,
    settings: &RunSettings,
    parameters: BTreeMap<String, Parameter>,
) -> Result<(), Box<dyn Error>> {
    let warehouse = Warehouse::open_or_create(&settings.warehouse)?;
    let session = Session::try_new(&settings.session_options())?;
    let mut entries: BTreeMap<TableName, TableEntry> = BTreeMap::new();
    for (table, key, sql) in tables(customers) {
        let table = name(table)?;
        let plan = session.plan(&sql, &Bindings::default())?;
        let grain = [key.to_owned()];
        let entry = session.write_table(&plan, &grain, &Partitioning::None, &warehouse, &table)?;
        entries.insert(table, entry);
    }
    let date: BusinessDate = DATE.parse()?;
    let manifest = Manifest {
        format: 1,
        release: ReleaseId { date, attempt: 1 },
        business_date: date,
        base: None,
        engine: "bench".to_owned(),
        configuration: String::new(),
        inputs: Vec::new(),
        feeds: BTreeMap::new(),
        gates: Vec::new(),
        steps: BTreeMap::new(),
        tables: entries,
        parameters,
        views: Vec::new(),
        campaigns: Vec::new(),
        history: Vec::new(),
    };
    warehouse.publish(vec![manifest])?;
    Ok(())
}
