//! `salenet sql`: questions to a release.

use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use super::prompt;
use crate::config::Project;
use crate::domain::{BusinessDate, Parameter};
use crate::run::open::{Reading, open_release};
use crate::sql::output::write_result;
use crate::sql::{Bindings, Session};
use crate::store::{Manifest, ReleaseId};

/// Ask a release in SQL; without -c or --file, a prompt
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// The query
    #[arg(short, long, value_name = "SQL", conflicts_with = "file")]
    command: Option<String>,
    /// A file with the query
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A value for `$name` in the query; repeatable
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// The release to read [default: the current one]
    #[arg(long, value_name = "ID", conflicts_with = "candidate")]
    release: Option<ReleaseId>,
    /// A candidate that was not published, by its manifest
    #[arg(long, value_name = "FILE")]
    candidate: Option<PathBuf>,
    /// Write the result to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(args: &SqlArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let reading = match (&args.release, &args.candidate) {
        (Some(release), _) => Reading::Release(*release),
        (None, Some(candidate)) => Reading::Candidate(candidate.clone()),
        (None, None) => Reading::Current,
    };
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, manifest, session) = open_release(&settings, &options, &reading)?;
    let bindings = bindings(&project, &manifest, &args.parameters)?;
    let query = match (&args.command, &args.file) {
        (Some(query), _) => query.clone(),
        (None, Some(path)) => read(path)?,
        (None, None) => return prompt::run(&session, &manifest, &bindings, global),
    };
    answer(
        &session,
        &query,
        &bindings,
        args.output.as_deref(),
        global.format,
    )
}

/// Runs one query and writes its result where it was asked for.
pub fn answer(
    session: &Session,
    query: &str,
    bindings: &Bindings,
    output: Option<&Path>,
    format: Format,
) -> Result<(), Failure> {
    let plan = session.plan(query, bindings)?;
    if format == Format::Parquet {
        let path =
            output.ok_or_else(|| Failure::usage("error: --format parquet needs --output FILE"))?;
        let folder = crate::store::landing_output::OutputFolder::new(Path::new(""));
        let file = folder.create(&path.to_string_lossy())?;
        return Ok(session.write_parquet(&plan, file)?);
    }
    let result = session.collect(&plan)?;
    let mut text = Vec::new();
    write_result(&result, format.as_text(), &mut text)?;
    match output {
        Some(path) => Ok(crate::store::landing_output::write_output(path, &text)?),
        None => print(&String::from_utf8_lossy(&text)),
    }
}

fn bindings(project: &Project, manifest: &Manifest, given: &[String]) -> Result<Bindings, Failure> {
    let mut bindings = Bindings::new(manifest.parameters.clone());
    for (name, value) in &project.bank.parameters {
        bindings = bindings.with(name, value.clone());
    }
    for pair in given {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!(
                "error: `{pair}` is no parameter\nhint: write --param name=value"
            ))
        })?;
        bindings = bindings.with(name, parameter(value));
    }
    Ok(bindings)
}

/// A date, a whole number, a decimal, or a text, by how it is written.
fn parameter(value: &str) -> Parameter {
    if let Ok(date) = value.parse::<BusinessDate>() {
        return Parameter::Date(date);
    }
    if let Ok(number) = value.parse::<i64>() {
        return Parameter::Integer(number);
    }
    match crate::domain::Money::parse_decimal(value, 18) {
        Some(_) => Parameter::Decimal(value.to_owned()),
        None => Parameter::Text(value.to_owned()),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("error: cannot read {}: {error}", path.display())))
}
