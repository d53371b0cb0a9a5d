//! Raw types -> checked types: names, references, types, dates, paths; every problem at its place.
//!
//! A part with a problem is still built as far as possible, so that what refers to it is checked
//! too and one mistake gives one message. The result is dropped when anything was reported.

mod acceptance;
mod bank;
mod campaign;
mod campaign_terms;
mod cells;
mod column;
mod contact_policy;
mod suppression;
mod date_format;
mod feed;
mod frame;
mod layout;
mod limit;
mod list_export;
mod matching;
mod match_model;
mod model;
mod model_test;
mod path;
mod reference;
mod score;
mod score_bins;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::bank::BankSpec;
use super::campaign_terms::ResponseRules;
use super::document::{self, Document};
use super::folder::Folder;
use super::locations::Locations;
use super::project::Project;
use super::raw::{
    RawAcceptances, RawBank, RawCampaign, RawMatching, RawModel, RawModelTests, RawReference,
    RawScore, RawSource,
};
use super::schema::Kind;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::TableName;
use crate::domain::table::is_identifier;

/// Reads and checks a whole project.
///
/// # Errors
/// All problems of all files; nothing is half loaded.
pub fn load(project_dir: &Path) -> Result<Project, Diagnostics> {
    let mut folder = Folder::open(project_dir)?;
    let mut locations = Locations::default();
    let bank = load_bank(&mut folder, &mut locations);
    let scope_bank = bank.clone().unwrap_or_else(bank::stand_in);
    let context = BankContext {
        bank: &scope_bank,
        is_sound: bank.is_some(),
    };
    let (sources, sources_complete) = load_sources(&mut folder, &mut locations, &context);
    let (references, references_complete) = load_references(&mut folder, &mut locations, &context);
    let matching = load_matching(&mut folder, &mut locations, &sources, sources_complete);
    let (models, models_complete) = load_models(&mut folder, &mut locations);
    let tables = tables(&sources, &references, &models);
    let known = KnownTables {
        tables: &tables,
        models: &models,
        is_complete: sources_complete && references_complete && models_complete,
    };
    for spec in &models {
        if let Some(document) = locations.models.get(&spec.table) {
            model::check_references(spec, document, &known, &mut folder.problems);
        }
    }
    let (scores, scores_complete) = load_scores(&mut folder, &mut locations, &known);
    let known_scores = KnownScores {
        specs: &scores,
        is_complete: scores_complete,
    };
    let campaigns = load_campaigns(&mut folder, &mut locations, &known, &known_scores);
    let acceptances = load_acceptances(&mut folder, &models, models_complete);
    let model_tests = load_model_tests(&mut folder, &mut locations, &known, &context);
    match bank {
        Some(bank) if !folder.problems.has_errors() => Ok(Project {
            root: project_dir.to_owned(),
            name: project_name(project_dir),
            bank,
            sources,
            references,
            matching,
            models,
            scores,
            campaigns,
            acceptances,
            model_tests,
            locations,
            hash: folder.hash(),
        }),
        _ => Err(folder.problems),
    }
}

/// What checks of columns need to know of the bank.
struct BankContext<'a> {
    bank: &'a BankSpec,
    /// False when `bank.yml` itself is broken, so that nothing else is blamed for it.
    is_sound: bool,
}

/// What campaigns may rank by.
struct KnownScores<'a> {
    specs: &'a [super::score::ScoreSpec],
    /// False when a score's file is broken.
    is_complete: bool,
}

/// Every table whose columns the configuration declares.
struct KnownTables<'a> {
    tables: &'a BTreeMap<TableName, BTreeSet<String>>,
    /// Sorted by table.
    models: &'a [super::model::ModelSpec],
    /// False when a file that declares tables is broken.
    is_complete: bool,
}

fn project_name(root: &Path) -> String {
    let named = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    // `.` has no name of its own.
    named(root)
        .or_else(|| named(&root.canonicalize().ok()?))
        .unwrap_or_else(|| "project".to_owned())
}

/// The relative paths among (stem, relative path).
fn paths(files: &[(String, String)]) -> impl Iterator<Item = &str> {
    files.iter().map(|(_, relative)| relative.as_str())
}

fn load_bank(folder: &mut Folder<'_>, locations: &mut Locations) -> Option<BankSpec> {
    let (document, raw) = document::read::<RawBank>(folder, "bank.yml", Kind::Bank)?;
    let root = folder.path("");
    let bank = bank::check(raw, &root, &document, &mut folder.problems);
    locations.bank = Some(document);
    Some(bank)
}

fn load_sources(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
    context: &BankContext<'_>,
) -> (Vec<super::feed::SourceSpec>, bool) {
    let mut sources = Vec::new();
    let mut complete = true;
    let files = folder.yml_files("sources");
    let read = document::read_all::<RawSource>(folder, paths(&files), Kind::Source);
    for ((stem, _), read) in files.into_iter().zip(read) {
        let Some((document, raw)) = read else {
            complete = false;
            continue;
        };
        let spec = feed::check_source(raw, &stem, context, &document, &mut folder.problems);
        // Whatever refers to a misnamed source may well be right.
        complete &= spec.name == stem;
        locations.sources.insert(spec.name.clone(), document);
        sources.push(spec);
    }
    feed::check_table_names(&sources, locations, &mut folder.problems);
    (sources, complete)
}

fn load_references(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
    context: &BankContext<'_>,
) -> (Vec<super::reference::ReferenceSpec>, bool) {
    let mut references = Vec::new();
    let mut complete = true;
    let csv_files: BTreeMap<_, _> = folder.files("reference", "csv").into_iter().collect();
    let yml_files: BTreeMap<_, _> = folder.yml_files("reference").into_iter().collect();
    for (stem, relative) in &csv_files {
        if !yml_files.contains_key(stem) {
            let path = folder.path(relative);
            folder.problems.push(
                Diagnostic::in_file(&path, "the reference table has no description beside it")
                    .hint(format!(
                        "add reference/{stem}.yml with description and columns"
                    )),
            );
            complete = false;
        }
    }
    let paths = yml_files.values().map(String::as_str);
    let all = document::read_all::<RawReference>(folder, paths, Kind::Reference);
    for ((stem, relative), read) in yml_files.iter().zip(all) {
        let Some(csv) = csv_files.get(stem) else {
            let path = folder.path(relative);
            folder.problems.push(
                Diagnostic::in_file(&path, format!("there is no {stem}.csv beside this file"))
                    .hint(format!("add reference/{stem}.csv, or remove {stem}.yml")),
            );
            complete = false;
            continue;
        };
        let (Some(csv), Some((document, raw))) = (folder.read(csv), read) else {
            complete = false;
            continue;
        };
        let spec = reference::check(raw, stem, context, &document, &csv, &mut folder.problems);
        locations.references.insert(stem.clone(), document);
        references.extend(spec);
    }
    (references, complete)
}

fn load_acceptances(
    folder: &mut Folder<'_>,
    models: &[super::model::ModelSpec],
    models_complete: bool,
) -> Vec<super::acceptance::Acceptance> {
    if !folder.path("acceptances.yml").exists() {
        return Vec::new();
    }
    document::read::<RawAcceptances>(folder, "acceptances.yml", Kind::Acceptances)
        .map(|(document, raw)| {
            acceptance::check(
                raw,
                models,
                models_complete,
                &document,
                &mut folder.problems,
            )
        })
        .unwrap_or_default()
}

fn load_matching(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
    sources: &[super::feed::SourceSpec],
    sources_complete: bool,
) -> Option<super::matching::MatchingSpec> {
    if !folder.path("matching.yml").exists() {
        return None;
    }
    let (document, raw) = document::read::<RawMatching>(folder, "matching.yml", Kind::Matching)?;
    let mut spec = matching::check(
        &raw,
        sources,
        sources_complete,
        &document,
        &mut folder.problems,
    );
    if let Some(similarity) = &mut spec.similarity {
        match_model::load(folder, similarity);
    }
    locations.matching = Some(document);
    Some(spec)
}

/// Schemas that models fill; the others belong to feeds, reference files and campaigns.
const MODEL_SCHEMAS: [&str; 2] = ["core", "marts"];

fn load_models(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
) -> (Vec<super::model::ModelSpec>, bool) {
    let mut models = Vec::new();
    let mut complete = true;
    for schema in folder.list("models") {
        let path = folder.path(&schema.relative);
        if !schema.is_folder {
            if schema.has_ending("sql") || schema.has_ending("yml") {
                folder.problems.push(
                    Diagnostic::in_file(&path, "a model stands in the folder of its schema")
                        .hint("move it to models/core or models/marts"),
                );
            }
            continue;
        }
        if !MODEL_SCHEMAS.contains(&schema.name.as_str()) {
            let message = format!("models cannot fill the schema `{}`", schema.name);
            folder
                .problems
                .push(Diagnostic::in_file(&path, message).hint("models fill `core` and `marts`"));
            continue;
        }
        let sql_files: BTreeMap<_, _> = folder.files(&schema.relative, "sql").into_iter().collect();
        let yml_files: BTreeMap<_, _> = folder.yml_files(&schema.relative).into_iter().collect();
        let stems: BTreeSet<&String> = sql_files.keys().chain(yml_files.keys()).collect();
        let pairs = yml_files
            .iter()
            .filter(|(stem, _)| sql_files.contains_key(*stem));
        let paths: Vec<&str> = pairs.map(|(_, path)| path.as_str()).collect();
        // In the order of the stems.
        let mut read = document::read_all::<RawModel>(folder, paths, Kind::Model).into_iter();
        for stem in stems {
            let files = (sql_files.get(stem), yml_files.get(stem));
            let loaded = load_model(folder, locations, &schema.name, stem, files, &mut read);
            complete &= loaded.is_some();
            models.extend(loaded);
        }
    }
    models.sort_by(|left, right| left.table.cmp(&right.table));
    (models, complete)
}

fn load_model(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
    schema: &str,
    stem: &str,
    files: (Option<&String>, Option<&String>),
    read: &mut impl Iterator<Item = Option<(Document, RawModel)>>,
) -> Option<super::model::ModelSpec> {
    let (sql, read) = match files {
        (Some(sql), Some(_)) => (sql, read.next().flatten()),
        (Some(only), None) => {
            let path = folder.path(only);
            folder.problems.push(
                Diagnostic::in_file(&path, "the model has no description beside it").hint(format!(
                    "add {stem}.yml with description, grain, materialised and columns"
                )),
            );
            return None;
        }
        (None, Some(only)) => {
            let path = folder.path(only);
            folder.problems.push(
                Diagnostic::in_file(&path, format!("there is no {stem}.sql beside this file"))
                    .hint(format!(
                        "add {stem}.sql with one query, or remove {stem}.yml"
                    )),
            );
            return None;
        }
        (None, None) => return None,
    };
    let sql_source = folder.read(sql);
    let sql_source = sql_source?;
    let Ok(table) = TableName::try_new(schema, stem) else {
        let message = format!("`{stem}` cannot name a table");
        folder.problems.push(
            sql_source
                .error_in_file(message)
                .hint("use lower-case letters, digits and _"),
        );
        return None;
    };
    let (document, raw) = read?;
    let spec = model::check(raw, table, &sql_source, &document, &mut folder.problems);
    locations.sql.insert(spec.table.clone(), sql_source);
    locations.models.insert(spec.table.clone(), document);
    Some(spec)
}

fn tables(
    sources: &[super::feed::SourceSpec],
    references: &[super::reference::ReferenceSpec],
    models: &[super::model::ModelSpec],
) -> BTreeMap<TableName, BTreeSet<String>> {
    let mut tables = BTreeMap::new();
    for feed in sources.iter().flat_map(|source| &source.feeds) {
        tables.insert(feed.table.clone(), feed::table_columns(feed));
    }
    for reference in references {
        let columns = reference.columns.iter().map(|column| column.name.clone());
        tables.insert(reference.table.clone(), columns.collect());
    }
    for model in models {
        let columns = model.columns.iter().map(|column| column.name.clone());
        tables.insert(model.table.clone(), columns.collect());
    }
    tables
}

fn load_scores(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
    known: &KnownTables<'_>,
) -> (Vec<super::score::ScoreSpec>, bool) {
    let mut scores = Vec::new();
    let mut complete = true;
    let files = folder.yml_files("scores");
    let read = document::read_all::<RawScore>(folder, paths(&files), Kind::Score);
    for ((stem, _), read) in files.iter().zip(read) {
        let Some((document, raw)) = read else {
            complete = false;
            continue;
        };
        let mut spec = score::check(raw, stem, known, &document, &mut folder.problems);
        score::load_model(folder, &mut spec);
        locations.scores.insert(spec.name.clone(), document);
        scores.push(spec);
    }
    (scores, complete)
}

type Differs = fn(&ResponseRules, &ResponseRules) -> bool;

/// What all campaigns must say alike: key, what it does, and whether two differ.
const SHARED_TERMS: [(&str, &str, Differs); 2] = [
    ("ties", "breaks ties", |one, other| one.ties != other.ties),
    ("attribution", "gives credit", |one, other| {
        one.attribution != other.attribution
    }),
];

fn load_campaigns(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
    known: &KnownTables<'_>,
    scores: &KnownScores<'_>,
) -> Vec<super::campaign::CampaignSpec> {
    let mut campaigns: Vec<super::campaign::CampaignSpec> = Vec::new();
    let files = folder.yml_files("campaigns");
    let read = document::read_all::<RawCampaign>(folder, paths(&files), Kind::Campaign);
    for (document, raw) in read.into_iter().flatten() {
        let spec = campaign::check(raw, known, scores, &document, &mut folder.problems);
        if let Some(first) = locations.campaigns.get(&spec.code) {
            let code = document.node.get("campaign").get("code");
            let message = format!("the campaign `{}` exists already", spec.code);
            folder.problems.push(
                document
                    .source
                    .error(code.range.clone(), message)
                    .hint(format!("it stands in {}", first.source.path().display())),
            );
            continue;
        }
        for (key, does, differs) in SHARED_TERMS {
            let mut others = campaigns.iter();
            let Some(other) = others.find(|other| differs(&other.response, &spec.response)) else {
                continue;
            };
            let node = document.node.get("response");
            let node = node
                .find(key)
                .unwrap_or_else(|| document.node.get("campaign").get("code"));
            let message = format!("{} {does} otherwise than {}", spec.code, other.code);
            let problem = document.source.error(node.range.clone(), message);
            folder.problems.push(problem.hint(format!(
                "campaigns compete for the same answers: give all the same `{key}`"
            )));
        }
        locations.campaigns.insert(spec.code.clone(), document);
        campaigns.push(spec);
    }
    campaigns
}

fn load_model_tests(
    folder: &mut Folder<'_>,
    locations: &mut Locations,
    known: &KnownTables<'_>,
    context: &BankContext<'_>,
) -> Vec<super::model_test::ModelTest> {
    let mut tests = Vec::new();
    let files = folder.yml_files("tests");
    let read = document::read_all::<RawModelTests>(folder, paths(&files), Kind::ModelTests);
    for (document, raw) in read.into_iter().flatten() {
        let file = document.source.path().to_owned();
        tests.extend(model_test::check(
            raw,
            known,
            context,
            &document,
            &mut folder.problems,
        ));
        locations.model_tests.insert(file, document);
    }
    tests
}

/// A hint that names the nearest candidate, or all of them when they are few.
fn suggestion<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    holder: &str,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    match crate::diagnostic::closest(written, candidates.iter().copied()) {
        Some(near) => Some(format!("{holder} has `{near}`")),
        None if candidates.is_empty() => None,
        None if candidates.len() <= 12 => Some(format!("{holder} has {}", candidates.join(", "))),
        None => None,
    }
}

/// A table as `schema.table`, both identifiers.
fn is_table_name(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(schema, table)| is_identifier(schema) && is_identifier(table))
}
