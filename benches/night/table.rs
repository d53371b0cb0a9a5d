//! Findings as tables for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::arguments::Arguments;
use super::findings::{Findings, Night, ProgramNights, Size, Step};

fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(headings.iter().map(Cell::new));
    table
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn decimal(number: f64, places: usize) -> Cell {
    right(format!("{number:.places$}"))
}

/// `12,345,678`.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.15`, or a dash where there is nothing to compare with.
fn ratio(left: f64, right: f64) -> String {
    if right > 0.0 {
        format!("{:.2}", left / right)
    } else {
        "-".to_owned()
    }
}

#[expect(clippy::cast_precision_loss, reason = "tables are rounded anyway")]
fn real(number: u64) -> f64 {
    number as f64
}

const MEBIBYTE: f64 = 1_048_576.0;
const MEGABYTE: f64 = 1e6;

/// All tables of one size.
pub fn of_size(size: &Size, arguments: &Arguments) -> String {
    let mut text = format!("\n{} customers\n", grouped(real(size.customers)));
    if let Some(first) = size.programs.first() {
        let _ = writeln!(text, "\n{}", feeds(first));
    }
    for (number, program) in size.programs.iter().enumerate() {
        let name = format!("program {}: {}", number + 1, program.program);
        for (night, label) in program.nights.iter().zip(["night 1", "night 2"]) {
            let date = &night.business_date;
            let _ = writeln!(
                text,
                "\n{label} ({date}), {name}\n{}",
                steps(night, arguments)
            );
        }
        let _ = writeln!(text, "\nstages, {name}\n{}", stages(program));
    }
    if let [first, others @ ..] = size.programs.as_slice() {
        for (number, other) in others.iter().enumerate() {
            for (night, label) in ["night 1", "night 2"].into_iter().enumerate() {
                let _ = writeln!(
                    text,
                    "\n{label}: program {} against program 1\n{}",
                    number + 2,
                    comparison(&first.nights[night], &other.nights[night], arguments)
                );
            }
            let _ = writeln!(text, "{}", contents(first, other, number + 2));
        }
    }
    text
}

/// What the second night delivers against the first.
fn feeds(program: &ProgramNights) -> String {
    let mut rows: BTreeMap<&str, [f64; 4]> = BTreeMap::new();
    for (night, found) in program.nights.iter().enumerate() {
        for input in &found.inputs {
            let entry = rows.entry(&input.feed).or_default();
            entry[night] += real(input.rows);
            entry[2 + night] += real(input.bytes);
        }
    }
    let headings = ["feed", "rows 1", "rows 2", "2:1", "MB 1", "MB 2", "2:1"];
    let mut table = table(&headings);
    let mut total = [0.0; 4];
    for (feed, found) in &rows {
        for (sum, number) in total.iter_mut().zip(found) {
            *sum += number;
        }
        feed_row(&mut table, feed, found);
    }
    feed_row(&mut table, "total", &total);
    table.to_string()
}

fn feed_row(table: &mut Table, feed: &str, numbers: &[f64; 4]) {
    let [rows_1, rows_2, bytes_1, bytes_2] = *numbers;
    table.add_row([
        Cell::new(feed),
        right(grouped(rows_1)),
        right(grouped(rows_2)),
        right(ratio(rows_2, rows_1)),
        decimal(bytes_1 / MEGABYTE, 2),
        decimal(bytes_2 / MEGABYTE, 2),
        right(ratio(bytes_2, bytes_1)),
    ]);
}

/// The steps to show, and the rest as one.
fn shown(night: &Night, arguments: &Arguments) -> Vec<Step> {
    let all = night.steps();
    let mut slowest = all.clone();
    slowest.sort_by(|left, right| right.seconds.total_cmp(&left.seconds));
    let top = usize::try_from(arguments.top.get()).unwrap_or(usize::MAX);
    let rest = slowest.split_off(top.min(slowest.len()));
    let mut steps = if arguments.in_order {
        let is_shown = |step: &Step| !rest.contains(step);
        all.into_iter().filter(is_shown).collect()
    } else {
        slowest
    };
    if !rest.is_empty() {
        let mut sum = Step {
            name: format!("({} more)", rest.len()),
            ..Step::default()
        };
        for step in &rest {
            sum.add(step);
        }
        steps.push(sum);
    }
    steps
}

fn steps(night: &Night, arguments: &Arguments) -> String {
    let headings = [
        "stage",
        "step",
        "wall s",
        "share",
        "CPU s",
        "MB read",
        "MB written",
        "rows",
        "peak MiB",
    ];
    let mut table = table(&headings);
    let total = night.total();
    let mut rows = shown(night, arguments);
    rows.push(night.other());
    rows.push(Step {
        rows: night.inputs.iter().map(|input| real(input.rows)).sum(),
        ..night.total()
    });
    for step in rows {
        let name = if step.is_reused {
            format!("{} (reused)", step.name)
        } else {
            step.name.clone()
        };
        table.add_row([
            Cell::new(&step.stage),
            Cell::new(name),
            decimal(step.seconds, 3),
            right(format!("{:.1} %", 100.0 * step.seconds / total.seconds)),
            decimal(step.cpu_seconds, 2),
            decimal(step.bytes_read / MEGABYTE, 1),
            decimal(step.bytes_written / MEGABYTE, 1),
            right(grouped(step.rows)),
            decimal(step.peak_memory_bytes / MEBIBYTE, 0),
        ]);
    }
    let process = night.process_seconds;
    format!(
        "{table}\nthe process took {process:.3} s; rows of the total are those delivered\n{}",
        parts(night, arguments)
    )
}

/// The slowest of the parts that ran side by side.
fn parts(night: &Night, arguments: &Arguments) -> String {
    let mut parts = night.parts();
    parts.sort_by(|left, right| right.seconds.total_cmp(&left.seconds));
    parts.truncate(usize::try_from(arguments.top.get()).unwrap_or(usize::MAX));
    let mut table = table(&["stage", "side by side", "wall s", "rows"]);
    for part in parts {
        table.add_row([
            Cell::new(&part.stage),
            Cell::new(&part.name),
            decimal(part.seconds, 3),
            right(grouped(part.rows)),
        ]);
    }
    table.to_string()
}

/// The steps of each stage summed, in the order of the night.
fn by_stage(night: &Night) -> Vec<Step> {
    let mut stages: Vec<Step> = Vec::new();
    for step in night.steps() {
        match stages.iter_mut().find(|stage| stage.name == step.stage) {
            Some(stage) => stage.add(&step),
            None => stages.push(Step {
                name: step.stage.clone(),
                ..step
            }),
        }
    }
    stages.push(night.other());
    stages.push(night.total());
    stages
}

fn stages(program: &ProgramNights) -> String {
    let headings = [
        "stage",
        "wall 1",
        "CPU 1",
        "peak MiB 1",
        "wall 2",
        "CPU 2",
        "peak MiB 2",
        "2:1",
    ];
    let mut table = table(&headings);
    let [first, second] = [0, 1].map(|night: usize| by_stage(&program.nights[night]));
    for left in first {
        let right_step = second.iter().find(|stage| stage.name == left.name);
        let other = right_step.cloned().unwrap_or_default();
        let mut cells = vec![Cell::new(&left.name)];
        for step in [&left, &other] {
            cells.extend([
                decimal(step.seconds, 3),
                decimal(step.cpu_seconds, 2),
                decimal(step.peak_memory_bytes / MEBIBYTE, 0),
            ]);
        }
        cells.push(right(ratio(other.seconds, left.seconds)));
        table.add_row(cells);
    }
    table.to_string()
}

fn comparison(first: &Night, other: &Night, arguments: &Arguments) -> String {
    let headings = [
        "step",
        "wall 1",
        "wall n",
        "n:1",
        "CPU 1",
        "CPU n",
        "n:1",
        "peak MiB 1",
        "peak MiB n",
    ];
    let mut table = table(&headings);
    let theirs = other.steps();
    let mut pairs: Vec<(Step, Step)> = shown(first, arguments)
        .into_iter()
        .filter(|step| !step.stage.is_empty())
        .map(|step| {
            let found = theirs.iter().find(|their| their.name == step.name);
            (step, found.cloned().unwrap_or_default())
        })
        .collect();
    pairs.push((first.total(), other.total()));
    for (ours, their) in pairs {
        table.add_row([
            Cell::new(&ours.name),
            decimal(ours.seconds, 3),
            decimal(their.seconds, 3),
            right(ratio(their.seconds, ours.seconds)),
            decimal(ours.cpu_seconds, 2),
            decimal(their.cpu_seconds, 2),
            right(ratio(their.cpu_seconds, ours.cpu_seconds)),
            decimal(ours.peak_memory_bytes / MEBIBYTE, 0),
            decimal(their.peak_memory_bytes / MEBIBYTE, 0),
        ]);
    }
    table.to_string()
}

/// Whether both programs built the same: times of different results say nothing.
fn contents(first: &ProgramNights, other: &ProgramNights, number: usize) -> String {
    if !other.rows_differ.is_empty() {
        return format!(
            "program {number} built OTHER ROWS than program 1 in: {}",
            other.rows_differ.join(", ")
        );
    }
    let same = first
        .tables
        .iter()
        .filter(|(name, table)| other.tables.get(*name) == Some(table))
        .count();
    format!(
        "program {number} built as many rows as program 1 in all {} tables, the same bytes in {same}",
        first.tables.len()
    )
}

/// The nights of all sizes, and how cost grows.
pub fn of_all(findings: &Findings) -> String {
    let headings = [
        "customers",
        "program",
        "night 1 s",
        "night 2 s",
        "2:1",
        "peak MiB 1",
        "peak MiB 2",
        "customers x",
        "night 1 x",
        "night 2 x",
        "to program 1",
    ];
    let mut table = table(&headings);
    for size in &findings.sizes {
        for (number, program) in size.programs.iter().enumerate() {
            let [first, second] = [0, 1].map(|night: usize| program.nights[night].total());
            let growth = program.growth.map_or_else(
                || ["", "", ""].map(str::to_owned),
                |growth| {
                    let [first, second] = growth.seconds;
                    [growth.customers, first, second].map(|times| format!("{times:.2}"))
                },
            );
            let to_first = size.programs.first().map_or_else(String::new, |base| {
                let night = |place: usize| {
                    ratio(
                        program.nights[place].seconds(),
                        base.nights[place].seconds(),
                    )
                };
                format!("{} / {}", night(0), night(1))
            });
            let mut cells = vec![
                right(grouped(real(size.customers))),
                right(number + 1),
                decimal(first.seconds, 2),
                decimal(second.seconds, 2),
                decimal(program.night_2_to_night_1, 3),
                decimal(first.peak_memory_bytes / MEBIBYTE, 0),
                decimal(second.peak_memory_bytes / MEBIBYTE, 0),
            ];
            cells.extend(growth.map(right));
            cells.push(right(to_first));
            table.add_row(cells);
        }
    }
    let machine = &findings.machine;
    let mut text = format!("\n{table}\n");
    for (number, program) in findings.programs.iter().enumerate() {
        let path = program.program.display();
        let _ = writeln!(text, "program {}: {path}", number + 1);
    }
    let _ = writeln!(
        text,
        "{} cores, {}, {:.1} GiB",
        machine.cores,
        machine.processor.as_deref().unwrap_or("unknown processor"),
        machine.memory_bytes.map_or(0.0, real) / MEBIBYTE / 1024.0
    );
    text
}
