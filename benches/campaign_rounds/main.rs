//! Two rounds of a campaign on a generated bank: choose, contact, wait for the answers, learn from them, choose again.
//!
//! `cargo bench --bench campaign_rounds -- --customers 200000`; benches/README.md says what it prints.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its result is what it prints"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark writes files of its own and reads the clock"
)]

mod program;
mod project;
mod figures;
mod hold_out;

use std::path::{Path, PathBuf};

use clap::Parser;

use hold_out::{Person, Truth};
use program::{Failure, Program};
use project::CAMPAIGNS;

/// The night of the first campaign, and the nights on which the windows of the first and the second have closed.
const NIGHTS: [&str; 3] = ["2026-10-31", "2027-02-28", "2027-06-28"];
/// A campaign contacts so few that it must choose: about one in four of those it may.
const CUSTOMERS_PER_CONTACT: u64 = 25;
const SCORE: &str = "hel_response";

/// Measures two rounds of a campaign whose score learns from the first
#[derive(Debug, Clone, Parser)]
#[command(name = "campaign_rounds")]
pub struct Arguments {
    /// Customers of the bank
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    customers: u64,
    /// Seed of the bank
    #[arg(long, value_name = "S", default_value_t = 6)]
    seed: u64,
    /// The program [default: the one just built]
    #[arg(long, value_name = "PATH")]
    salenet: Option<PathBuf>,
    /// Memory that a run may use, such as 8GB [default: no limit]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Where bank, project and warehouse stand; what is found there is gone on with [default: a folder of the build]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("campaign_rounds");
    let work = arguments.work.clone().unwrap_or_else(built);
    let folder = work.join(format!("bank-{}-{}", arguments.customers, arguments.seed));
    let program = Program::new(&arguments, &folder)?;
    program.once("bank", || {
        let contacts = arguments.customers / CUSTOMERS_PER_CONTACT;
        project::prepare(&program.project(), arguments.customers, contacts)?;
        program.generate()
    })?;
    let once = |name: &str, work: &dyn Fn() -> Result<String, Failure>| program.once(name, work);
    let train = || program.say(&["score", "train", SCORE, "--format", "json"]);
    let choose = |code| program.say(&["campaign", "run", code, "--by", "bench"]);

    once("night 1", &|| program.night(NIGHTS[0]))?;
    let first_model = once("first model", &train)?;
    once("night 1 scored", &|| program.night(NIGHTS[0]))?;
    once("first campaign", &|| choose(CAMPAIGNS[0]))?;
    once("first answers", &|| program.answers(NIGHTS[0], NIGHTS[1]))?;
    once("night 2", &|| program.night(NIGHTS[1]))?;
    // The hold-out is scored by both models on the same night.
    let by_first = once("first scores", &|| scores(&program))?;
    let second_model = once("second model", &train)?;
    once("night 2 scored", &|| program.night(NIGHTS[1]))?;
    let by_second = once("second scores", &|| scores(&program))?;
    once("second campaign", &|| choose(CAMPAIGNS[1]))?;
    once("second answers", &|| program.answers(NIGHTS[1], NIGHTS[2]))?;
    once("night 3", &|| program.night(NIGHTS[2]))?;

    for code in CAMPAIGNS {
        println!("{}", program.say(&["campaign", "results", code])?);
    }
    figures::print(&program)?;
    for (name, model) in [("first", &first_model), ("second", &second_model)] {
        print_model(name, &serde_json::from_str(model)?);
    }
    let truth = Truth::read(&folder.join("truth/outcomes.csv"))?;
    hold_out::print(&truth.people(&people(&by_first)?, &people(&by_second)?));
    println!("\nprocessor seconds of each command");
    for (command, seconds) in program.costs() {
        println!("{seconds:>8.1}  {command}");
    }
    Ok(())
}

/// Customer of the bank and score of everybody whom neither campaigns nor training touch.
fn scores(program: &Program) -> Result<String, Failure> {
    let sql = format!(
        "select min(record.source_key) as cif_no, given.score
         from core.model_score as given
         join core.customer_xref as record
             on record.customer_id = given.customer_id and record.source_code = 'cif' and record.valid_to is null
             and record.feed in ('customers', 'foreign_customers')
         where given.model = '{SCORE}' and {}
         group by given.customer_id, given.score
         order by given.customer_id",
        project::HELD_OUT.replace("customer_id", "given.customer_id")
    );
    program.say(&["sql", "--format", "csv", "-c", &sql])
}

fn people(scores: &str) -> Result<Vec<Person>, Failure> {
    scores.lines().skip(1).map(Person::parse).collect()
}

fn print_model(name: &str, found: &serde_json::Value) {
    let part = &found["holdout"];
    println!(
        "\n{name} model {}: trained on {} contacts, {} answers; its own hold-out of {} contacts, {} answers: AUC {:.4} ({:.4} to {:.4})",
        found["version"].as_str().unwrap_or_default(),
        found["model"]["trained"]["rows"],
        found["model"]["trained"]["positives"],
        part["rows"],
        part["positives"],
        part["auc"].as_f64().unwrap_or(f64::NAN),
        part["auc_low"].as_f64().unwrap_or(f64::NAN),
        part["auc_high"].as_f64().unwrap_or(f64::NAN),
    );
}
