//! Two nights of a generated bank, step by step: the first loads everything, the second is a night like any other.
//!
//! `cargo bench --bench night -- --customers 10000 --customers 100000`; benches/README.md says what it prints.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its result is what it prints"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark writes files of its own and reads the clock"
)]

#[path = "../shared/changes.rs"]
mod changes;
mod arguments;
mod bank;
mod trial;
mod findings;
mod table;

use clap::Parser;

use arguments::Arguments;
use bank::Bank;
use findings::{Findings, Night, ProgramNights, Size};
use trial::{Failure, Warehouse, run_night};

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let programs = arguments.programs()?;
    let mut findings = Findings::new(&arguments, &programs);
    for customers in arguments.sizes() {
        let bank = Bank::prepare(&arguments, &programs, customers)?;
        let size = measure(&arguments, &bank)?;
        println!("{}", table::of_size(&size, &arguments));
        findings.add(size);
        // After every size: the next may take hours.
        if let Some(path) = &arguments.json {
            std::fs::write(path, serde_json::to_vec_pretty(&findings)?)?;
        }
        bank.clear(&arguments)?;
    }
    println!("{}", table::of_all(&findings));
    Ok(())
}

/// Every program's first night, then every program's second, as often as there are rounds; the fastest round counts.
fn measure(arguments: &Arguments, bank: &Bank) -> Result<Size, Failure> {
    let mut best: Vec<Option<ProgramNights>> = bank.programs.iter().map(|_| None).collect();
    let mut rounds: Vec<Vec<[f64; 2]>> = vec![Vec::new(); bank.programs.len()];
    for round in 0..arguments.rounds.max(1) {
        let warehouses: Vec<Warehouse> = (0..bank.programs.len())
            .map(|place| Warehouse::new(&bank.folder, place))
            .collect::<Result<_, _>>()?;
        let mut order: Vec<usize> = (0..bank.programs.len()).collect();
        // Whoever comes second finds warmer caches: the turn changes.
        if round % 2 == 1 {
            order.reverse();
        }
        let mut first: Vec<Option<Night>> = order.iter().map(|_| None).collect();
        for place in &order {
            let night = run_night(arguments, bank, *place, &warehouses[*place], 0)?;
            first[*place] = Some(night);
        }
        for place in &order {
            let second = run_night(arguments, bank, *place, &warehouses[*place], 1)?;
            let Some(first) = first[*place].take() else {
                continue;
            };
            rounds[*place].push([first.seconds(), second.seconds()]);
            let nights = [first, second];
            let best = &mut best[*place];
            match best {
                Some(best) => best.keep_faster(nights),
                None => {
                    let program = bank.programs[*place].program.display().to_string();
                    let tables = warehouses[*place].tables()?;
                    *best = Some(ProgramNights::new(program, nights, tables));
                }
            }
        }
        let is_last = round + 1 == arguments.rounds.max(1);
        for warehouse in &warehouses {
            if !(arguments.keep && is_last) {
                warehouse.remove()?;
            }
        }
    }
    let mut programs: Vec<ProgramNights> = best.into_iter().flatten().collect();
    for (program, rounds) in programs.iter_mut().zip(rounds) {
        program.rounds = rounds;
    }
    Ok(Size::new(bank, programs))
}
