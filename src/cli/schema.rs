//! `salenet schema`: JSON Schemas of the YAML files, for editors.

use clap::Args;

use super::args::print;
use super::failure::Failure;
use crate::config::schema::schemas;

/// Print the JSON Schemas of the YAML files
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// One of them, such as `source` [default: all, as one object]
    name: Option<String>,
}

pub fn run(args: &SchemaArgs) -> Result<(), Failure> {
    let all = schemas();
    let value = match &args.name {
        Some(name) => all
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, schema)| schema.clone())
            .ok_or_else(|| {
                let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
                Failure::usage(format!(
                    "error: no schema `{name}`\nhint: one of {}",
                    known.join(", ")
                ))
            })?,
        None => serde_json::Value::Object(
            all.into_iter()
                .map(|(name, schema)| (name.to_owned(), schema))
                .collect(),
        ),
    };
    let text = serde_json::to_string_pretty(&value).map_err(|error| Failure::unexpected(&error))?;
    print(&format!("{text}\n"))
}
