//! How long a project of many tables takes: to load, to check, to plan, to open and to ask.
//!
//! `cargo bench --bench many_tables` invents banks of 500, 1,000 and 5,000 tables of ten columns from 40 sources and
//! prints the seconds of each step, so that cost worse than linear shows. Other sizes are given as arguments;
//! `night` among them also runs a whole night and its rerun on files of one row.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use salenet::config::{self, Project};
use salenet::domain::{BusinessDate, TableName};
use salenet::run::feeds::FeedEntry;
use salenet::run::open::{Reading, open_release};
use salenet::run::tables::given_tables;
use salenet::run::{CheckedProject, DateSelection, RunSettings, Silent, check, plan, run};
use salenet::sql::write::Partitioning;
use salenet::sql::{Bindings, Session};
use salenet::stages::extract::FeedReport;
use salenet::store::manifest::{ColumnEntry, InputEntry, ViewEntry};
use salenet::store::{FileEntry, Manifest, ReleaseId, TableEntry, Warehouse};

const SOURCES: usize = 40;

const BANK: &str = "name: Bench\ncurrency: USD\ncountry: US\nlanding: landing\njoint_accounts: equal\ncalendar: daily\n";

const FEED_COLUMNS: &str = "      account_no: {type: string, required: true, clean: [trim]}
      holder_name: {type: string, clean: [trim, person_name], classification: direct}
      open_date: {type: date, format: \"%Y%m%d\"}
      balance: {type: money}
      credit_limit: {type: money}
      rate: {type: decimal, scale: 6}
      branch: {type: string}
      status: {type: string, map: {A: active, D: dormant, C: closed}}
      customer: {type: integer}
      is_staff: {type: boolean}
";

const DELIVERED: &str = "account_no|holder_name|open_date|balance|credit_limit|rate|branch|status|customer|is_staff\nD1|SMITH, JOHN|20170301|1200.00|5000.00|0.05|B001|A|7|N\n";

const FIRST_NIGHT: &str = "2026-10-30";
const SECOND_NIGHT: &str = "2026-10-31";

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an option of its own.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let with_night = arguments.iter().any(|argument| argument == "night");
    let mut sizes: Vec<usize> = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes = vec![500, 1_000, 5_000];
    }
    let mut rows = Vec::new();
    for tables in sizes {
        let mut clock = Clock::start();
        measure(&Size::of(tables), with_night, &mut clock)?;
        rows.push((tables, clock));
    }
    print_table(&rows);
    Ok(())
}

/// Steps with what each took, in their order.
struct Clock {
    since: Instant,
    cpu_since: f64,
    taken: Vec<Taken>,
}

struct Taken {
    step: &'static str,
    wall_seconds: f64,
    cpu_seconds: f64,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
impl Clock {
    fn start() -> Self {
        Self {
            since: Instant::now(),
            cpu_since: cpu_seconds(),
            taken: Vec::new(),
        }
    }

    /// Forgets the time since the last step.
    fn skip(&mut self) {
        self.since = Instant::now();
        self.cpu_since = cpu_seconds();
    }

    fn take(&mut self, step: &'static str) {
        self.taken.push(Taken {
            step,
            wall_seconds: self.since.elapsed().as_secs_f64(),
            cpu_seconds: cpu_seconds() - self.cpu_since,
        });
        self.skip();
    }
}

/// Processor time of this process so far, where the system tells: less disturbed by others than the clock.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold blanks: user and system time are the 12th and 13th field, in hundredths.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
fn print_table(rows: &[(usize, Clock)]) {
    let sizes = rows.iter().map(|(tables, _)| format!("{tables:>20}"));
    println!("{:<20}{}", "tables", sizes.collect::<String>());
    let steps = rows.first().map_or(0, |(_, clock)| clock.taken.len());
    for step in 0..steps {
        let name = rows.first().map_or("", |(_, clock)| clock.taken[step].step);
        let seconds = rows.iter().map(|(_, clock)| {
            let taken = &clock.taken[step];
            format!("{:>11.3} ({:>6.2})", taken.wall_seconds, taken.cpu_seconds)
        });
        println!("{name:<20}{}", seconds.collect::<String>());
    }
    println!("seconds, and in brackets seconds of processor time");
}

/// Three tables of five are feeds, the others models.
struct Size {
    feeds: usize,
    models: usize,
    campaigns: usize,
}

impl Size {
    fn of(tables: usize) -> Self {
        let feeds = tables * 3 / 5;
        Self {
            feeds,
            models: tables - feeds,
            campaigns: tables.div_ceil(250),
        }
    }
}

fn measure(size: &Size, with_night: bool, clock: &mut Clock) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("bench");
    write_project(&root, size)?;
    let first: BusinessDate = FIRST_NIGHT.parse()?;
    let second: BusinessDate = SECOND_NIGHT.parse()?;
    deliver(&root, size, first)?;
    deliver(&root, size, second)?;
    clock.skip();

    let project = config::load(&root).map_err(|problems| problems.to_string())?;
    clock.take("load");
    let checked = check(&project).map_err(|problems| problems.to_string())?;
    clock.take("check");

    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let settings = RunSettings::new(&project, folder.path(), None, None, threads);
    plan::plan(&checked, &settings, &DateSelection::One(first))?;
    clock.take("plan first night");
    publish(&checked, &settings, first)?;
    clock.take("publish");
    plan::plan(&checked, &settings, &DateSelection::One(first))?;
    clock.take("plan it again");
    plan::plan(&checked, &settings, &DateSelection::One(second))?;
    clock.take("plan second night");

    let (_, _, session) = open_release(&settings, &settings.session_options(), &Reading::Current)?;
    clock.take("open");
    ask(&session, "select count(*) from core.m00001")?;
    clock.take("ask a table");
    ask(&session, "select count(*) from core.m00000")?;
    clock.take("ask a view");
    ask(&session, "select count(*) from information_schema.tables")?;
    clock.take("list tables");

    if with_night {
        let warehouse = Some(folder.path().join("nightly"));
        let settings = RunSettings::new(&project, folder.path(), warehouse, None, threads);
        clock.skip();
        run(&checked, &settings, &DateSelection::One(first), &Silent)?;
        clock.take("night");
        run(&checked, &settings, &DateSelection::One(first), &Silent)?;
        clock.take("night again");
        run(&checked, &settings, &DateSelection::One(second), &Silent)?;
        clock.take("second night");
    }
    Ok(())
}

fn ask(session: &Session, sql: &str) -> Result<(), Box<dyn Error>> {
    session.query(sql, &Bindings::default())?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes its input")]
fn write_project(root: &Path, size: &Size) -> Result<(), Box<dyn Error>> {
    for folder in ["sources", "models/core", "models/marts", "campaigns"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    std::fs::write(root.join("bank.yml"), BANK)?;
    for source in 0..SOURCES {
        let mut text = format!(
            "source: s{source:02}\ndescription: A source of many\ntrust_rank: {}\nfeeds:\n",
            source + 1
        );
        for feed in (source..size.feeds).step_by(SOURCES) {
            write!(
                text,
                "  f{feed:05}:\n    path: \"f{feed:05}_{{business_date:%Y%m%d}}.csv\"\n    delivery: snapshot\n    format: {{type: csv, delimiter: \"|\"}}\n    key: [account_no]\n    rules:\n      - {{id: R1, must: \"balance >= 0\"}}\n    columns:\n{FEED_COLUMNS}"
            )?;
        }
        if size.feeds > source {
            std::fs::write(root.join(format!("sources/s{source:02}.yml")), text)?;
        }
    }
    for model in 0..size.models {
        let path = root.join(format!(
            "models/{}",
            model_name(model, size).replace('.', "/")
        ));
        std::fs::write(path.with_extension("sql"), model_sql(model, size))?;
        std::fs::write(path.with_extension("yml"), model_yml(model, size))?;
    }
    for campaign in 0..size.campaigns {
        let attributes = model_name(campaign, size);
        let text = format!(
            "campaign: {{code: C{campaign}, description: Many, product: loan, level: customer, seed: 1}}\nschedule: nightly\nattributes: {attributes}\nuniverse: \"select customer_id from {attributes}\"\neligibility:\n  - {{id: E1, where: \"balance > 0\"}}\nsuppress:\n  - {{id: S1, where: \"is_staff\"}}\nrank_by: balance\ncap: 10\nexport:\n  - {{format: csv, columns: [customer_id, account_id]}}\n"
        );
        std::fs::write(root.join(format!("campaigns/c{campaign}.yml")), text)?;
    }
    Ok(())
}

fn model_name(model: usize, size: &Size) -> String {
    let schema = if model < size.models.div_ceil(2) {
        "core"
    } else {
        "marts"
    };
    format!("{schema}.m{model:05}")
}

fn staging_name(feed: usize) -> String {
    format!("staging.s{:02}_f{feed:05}", feed % SOURCES)
}

/// Every twentieth is a view, and none of those reads another.
const fn is_view(model: usize) -> bool {
    model.is_multiple_of(20)
}

/// The model that this one reads beside its feed: half way to the first.
const fn parent(model: usize) -> Option<usize> {
    if model < 2 { None } else { Some(model / 2) }
}

fn model_sql(model: usize, size: &Size) -> String {
    let feed = staging_name(model % size.feeds);
    let Some(parent) = parent(model) else {
        return format!(
            "select\n    account_no as account_id,\n    holder_name,\n    open_date,\n    balance,\n    credit_limit,\n    rate,\n    branch as branch_id,\n    status,\n    customer as customer_id,\n    is_staff\nfrom {feed}\n"
        );
    };
    let parent = model_name(parent, size);
    format!(
        "with known as (\n    select account_id, customer_id, sum(balance) as balance\n    from {parent}\n    where open_date <= $business_date\n    group by account_id, customer_id\n)\nselect\n    a.account_no as account_id,\n    upper(a.holder_name) as holder_name,\n    a.open_date,\n    cast(a.balance + coalesce(b.balance, 0) as decimal(18, 2)) as balance,\n    a.credit_limit,\n    case when a.rate > 0.5 then null else a.rate end as rate,\n    a.branch as branch_id,\n    a.status,\n    coalesce(b.customer_id, a.customer) as customer_id,\n    a.is_staff\nfrom {feed} as a\nleft join known as b on b.account_id = a.account_no\n"
    )
}

fn model_yml(model: usize, size: &Size) -> String {
    let kind = if is_view(model) { "view" } else { "full" };
    let reference = parent(model).map_or_else(String::new, |parent| {
        format!(", references: {}.account_id", model_name(parent, size))
    });
    format!(
        "description: One of many\ngrain: [account_id]\nmaterialised: {kind}\ncolumns:\n  account_id: {{description: Key, type: text, not_null: true{reference}}}\n  holder_name: {{description: Name, type: text, classification: direct}}\n  open_date: {{description: First day, type: date}}\n  balance: {{description: Balance, type: \"decimal(18, 2)\"}}\n  credit_limit: {{description: Limit, type: \"decimal(18, 2)\"}}\n  rate: {{description: Rate, type: \"decimal(18, 6)\"}}\n  branch_id: {{description: Branch, type: text}}\n  status: {{description: Standing, type: text, accepted_values: [active, dormant, closed]}}\n  customer_id: {{description: Customer, type: bigint, not_null: true}}\n  is_staff: {{description: Works here, type: boolean}}\nchecks:\n  - {{id: M1, must: \"balance >= 0\"}}\n"
    )
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes its input")]
fn deliver(root: &Path, size: &Size, date: BusinessDate) -> Result<(), Box<dyn Error>> {
    let landing = root.join("landing");
    std::fs::create_dir_all(&landing)?;
    let date = date.to_string().replace('-', "");
    // The same file on a second day would be refused.
    let text = DELIVERED.replace("20170301", &date);
    for feed in 0..size.feeds {
        std::fs::write(landing.join(format!("f{feed:05}_{date}.csv")), &text)?;
    }
    Ok(())
}

/// A release with every table of the project. All of one shape share one file: opening it looks at names only.
fn publish(
    checked: &CheckedProject,
    settings: &RunSettings,
    date: BusinessDate,
) -> Result<(), Box<dyn Error>> {
    let project = checked.project;
    let warehouse = Warehouse::open_or_create(&settings.warehouse)?;
    let session = Session::try_new(&settings.session_options())?;
    let mut files: BTreeMap<Vec<String>, Vec<FileEntry>> = BTreeMap::new();
    let mut tables = BTreeMap::new();
    let is_view = |name: &TableName| {
        let models = &project.models;
        models
            .binary_search_by(|model| model.table.cmp(name))
            .is_ok_and(|at| models[at].materialisation == config::model::Materialisation::View)
    };
    for (name, columns) in given_tables(project).iter().chain(&checked.columns) {
        if is_view(name) {
            continue;
        }
        let shape = columns.iter().map(|column| column.data_type.clone());
        let shape: Vec<String> = shape
            .chain(columns.iter().map(|column| column.name.clone()))
            .collect();
        let files = match files.get(&shape) {
            Some(files) => files.clone(),
            None => {
                let written = one_row(&session, &warehouse, name, columns)?;
                files.entry(shape).or_insert(written).clone()
            }
        };
        let entry = TableEntry {
            columns: columns.clone(),
            sorted_by: Vec::new(),
            files,
        };
        tables.insert(name.clone(), entry);
    }
    warehouse.publish(vec![manifest(project, checked, date, tables)?])?;
    Ok(())
}

fn one_row(
    session: &Session,
    warehouse: &Warehouse,
    name: &TableName,
    columns: &[ColumnEntry],
) -> Result<Vec<FileEntry>, Box<dyn Error>> {
    let columns = columns.iter().map(|column| {
        let data_type = column.data_type.replace('\'', "''");
        format!("arrow_cast(null, '{data_type}') as \"{}\"", column.name)
    });
    let sql = format!("select {}", columns.collect::<Vec<_>>().join(", "));
    let plan = session.plan(&sql, &Bindings::default())?;
    let table = session.write_table(&plan, &[], &Partitioning::None, warehouse, name)?;
    Ok(table.files)
}

fn manifest(
    project: &Project,
    checked: &CheckedProject,
    date: BusinessDate,
    tables: BTreeMap<TableName, TableEntry>,
) -> Result<Manifest, Box<dyn Error>> {
    let mut inputs = Vec::new();
    let mut feeds = BTreeMap::new();
    for feed in project.feeds() {
        let name = feed.qualified_name();
        let entry = FeedEntry {
            report: FeedReport::empty(&name),
            carried_nights: 0,
        };
        feeds.insert(name.clone(), serde_json::to_value(&entry)?);
        inputs.push(InputEntry {
            path: format!("{name}.csv"),
            feed: name,
            file_id: 1,
            blake3: "0".repeat(64),
            bytes: 1,
            rows: 1,
        });
    }
    let order = checked.graph.order.iter();
    let models = order.map(|position| &project.models[*position]);
    let views =
        models.filter(|model| model.materialisation == config::model::Materialisation::View);
    Ok(Manifest {
        format: 1,
        release: ReleaseId { date, attempt: 1 },
        business_date: date,
        base: None,
        engine: "bench".to_owned(),
        configuration: project.config_hash(),
        inputs,
        feeds,
        gates: Vec::new(),
        steps: BTreeMap::new(),
        tables,
        parameters: BTreeMap::from([(
            "business_date".to_owned(),
            salenet::domain::Parameter::Date(date),
        )]),
        views: views
            .map(|model| ViewEntry {
                table: model.table.clone(),
                sql: model.sql.clone(),
            })
            .collect(),
        campaigns: Vec::new(),
        history: Vec::new(),
    })
}
