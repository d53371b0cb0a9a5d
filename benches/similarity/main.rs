//! Matching by similarity: how long it takes, from scratch and when little has changed since last night, and how good
//! its result is.
//!
//! `cargo bench --bench similarity -- 1000000` invents that many records of half as many people, learns a model of
//! them without their truth, and resolves two nights; the second one twice, with and without what the first left.
//! `… -- --project DIR --warehouse DIR` resolves again the nights that a warehouse has published.
//! Each night is a process of its own, so that its peak memory is its own.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

mod again;
mod night;
mod people;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--night", folder, night, earlier] => {
            return night::run(Path::new(folder), night.parse()?, earlier == "earlier");
        }
        ["--train", folder] => return night::train_model(Path::new(folder)),
        ["--project", project, "--warehouse", warehouse] => {
            return again::run(Path::new(project), Path::new(warehouse));
        }
        _ => {}
    }
    let keep = words.iter().position(|word| *word == "--keep");
    let kept = keep.and_then(|at| words.get(at + 1)).map(PathBuf::from);
    let mut sizes: Vec<u64> = words.iter().filter_map(|each| each.parse().ok()).collect();
    if sizes.is_empty() {
        sizes.push(1_000_000);
    }
    println!("{}", night::HEADER);
    for records in sizes {
        let own = tempfile::tempdir()?;
        let folder = kept.as_deref().unwrap_or(own.path());
        for night in [1, 2] {
            people::write(
                &folder.join(format!("night{night}.parquet")),
                records,
                night,
            )?;
        }
        let run = |arguments: &[&str]| -> Outcome<()> {
            let mut command = Command::new(std::env::current_exe()?);
            let status = command.args(arguments).status()?;
            if !status.success() {
                return Err(format!("{arguments:?} of {records} records failed").into());
            }
            Ok(())
        };
        let place = folder.to_str().ok_or("a folder with a name in UTF-8")?;
        run(&["--train", place])?;
        run(&["--night", place, "1", "all"])?;
        run(&["--night", place, "2", "earlier"])?;
        run(&["--night", place, "2", "all"])?;
    }
    Ok(())
}
