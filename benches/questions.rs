//! Questions to a release in an open session: one customer by number, and profit by segment and state over all months.
//!
//! `cargo bench --bench questions -- WAREHOUSE` asks the release that a night left there (`--bench night --keep`).

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use salenet::run::RunSettings;
use salenet::run::open::{Reading, open_release};
use salenet::sql::{Bindings, Session};

/// Customers that are looked up, spread over all of them.
const N_LOOK_UPS: i64 = 101;
const N_ROUNDS: usize = 5;

/// The bank's own table of segments, and what is asked of every customer in every month.
const PROFIT: [(&str, &str); 2] = [
    (
        "profit by segment over all months",
        "select segment, sum(contribution), sum(net_income) from marts.segment_profitability \
         group by segment order by segment",
    ),
    (
        "profit by state over all months, of each customer's",
        "select customers.state, sum(facts.contribution), sum(facts.net_income) from marts.customer_pnl as facts \
         join marts.customer_360 as customers on customers.customer_id = facts.customer_id \
         group by customers.state order by customers.state",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let named = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let warehouse = named.ok_or("name a warehouse")?;
    let settings = RunSettings {
        warehouse: PathBuf::from(warehouse),
        landing: PathBuf::new(),
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        memory: None,
        restate: false,
        allow_gap: false,
    };
    let started = Instant::now();
    let (_, _, session) = open_release(&settings, &settings.session_options(), &Reading::Current)?;
    report("open the release", &mut [started.elapsed()]);

    let largest = ask(&session, "select max(customer_id) from marts.customer_360")?.unwrap_or(0);
    let mut times = Vec::new();
    for place in 0..N_LOOK_UPS {
        let wanted = 1 + place * (largest - 1) / (N_LOOK_UPS - 1);
        let sql = format!("select * from marts.customer_360 where customer_id = {wanted}");
        let started = Instant::now();
        session.query(&sql, &Bindings::default())?;
        times.push(started.elapsed());
    }
    let first = times.remove(0);
    report("the first look-up of a customer", &mut [first]);
    report(&format!("a look-up among {largest} customers"), &mut times);

    for (question, sql) in PROFIT {
        let mut times = Vec::new();
        for _ in 0..N_ROUNDS {
            let started = Instant::now();
            session.query(sql, &Bindings::default())?;
            times.push(started.elapsed());
        }
        report(question, &mut times);
    }
    Ok(())
}

fn ask(session: &Session, sql: &str) -> Result<Option<i64>, Box<dyn Error>> {
    Ok(session.query_count(sql, &Bindings::default())?)
}

/// The middle and the longest of times, in milliseconds.
fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
    let middle = times.get(times.len() / 2).map_or(0.0, milliseconds);
    let longest = times.last().map_or(0.0, milliseconds);
    println!(
        "{what}: {middle:.1} ms, the longest {longest:.1} ms, of {}",
        times.len()
    );
}
