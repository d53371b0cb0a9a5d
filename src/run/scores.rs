//! Scores in the night, and apart from it: training and measuring on a release.

use std::collections::BTreeMap;

use super::measure::Stage;
use super::night::Night;
use super::open::{Reading, open_release};
use super::steps::{Fingerprint, StepKind, table_identity};
use super::tables::own_table;
use super::{RunError, RunSettings};
use crate::config::project::Project;
use crate::config::score::{ScoreMethod, ScoreSpec};
use crate::config::score_model::ScoreModel;
use crate::sql::dependencies::table_references;
use crate::sql::schema::columns_of;
use crate::sql::{Bindings, Session};
use crate::stages::score::history::read_past;
use crate::stages::score::query::{MODEL_SCORE_COLUMNS, population_query};
use crate::stages::score::{Measures, ScoreRequest, apply_score, measure, train};
use crate::store::landing_output::write_output;
use crate::store::steps::StepOutput;
use crate::store::{Manifest, TableEntry};

impl Night<'_> {
    /// `core.model_score`: the rows of every score that is trained.
    pub(super) fn scores(&mut self) -> Result<(), RunError> {
        let project = self.context.checked.project;
        if project.scores.is_empty() {
            return Ok(());
        }
        let table = own_table("core", "model_score");
        let mut all = TableEntry {
            columns: columns_of(MODEL_SCORE_COLUMNS),
            sorted_by: ["model", "customer_id"].map(str::to_owned).to_vec(),
            files: Vec::new(),
        };
        for score in &project.scores {
            let Some(fingerprint) = self.score_fingerprint(score)? else {
                continue;
            };
            let name = format!("score {}", score.name);
            let output = self.step(Stage::Score, &name, &fingerprint, |night| {
                let entry = apply_score(&ScoreRequest {
                    session: &night.session,
                    warehouse: night.context.warehouse,
                    score,
                    bindings: &night.bindings,
                    table: &table,
                })?;
                Ok(StepOutput {
                    step: name.clone(),
                    tables: entry
                        .map(|entry| (table.clone(), entry))
                        .into_iter()
                        .collect(),
                    files: Vec::new(),
                    report: serde_json::Value::Null,
                })
            })?;
            all.files
                .extend(output.tables.into_values().flat_map(|entry| entry.files));
        }
        self.add(table, all);
        Ok(())
    }

    /// `None` for a score that is not trained.
    fn score_fingerprint(&self, score: &ScoreSpec) -> Result<Option<String>, RunError> {
        let Some((sql, bindings)) = population_query(score, &self.bindings) else {
            return Ok(None);
        };
        let mut fingerprint = Fingerprint::new(StepKind::Score);
        fingerprint.add("sql", &sql);
        for (name, value) in bindings.values() {
            fingerprint.add(name, &format!("{value:?}"));
        }
        for table in &table_references(&sql)?.base {
            let identity = self
                .base_table(table)
                .map(table_identity)
                .unwrap_or_default();
            fingerprint.add(&format!("base.{table}"), &identity);
        }
        for (name, identity) in &self.identities {
            fingerprint.add(&name.to_string(), identity);
        }
        Ok(Some(fingerprint.finish()))
    }
}

/// A release with what every query of it may name.
pub struct Opened {
    pub manifest: Manifest,
    pub session: Session,
    pub bindings: Bindings,
}

/// Opens the current release for training and measuring.
pub fn open(project: &Project, settings: &RunSettings) -> Result<Opened, RunError> {
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, manifest, session) = open_release(settings, &options, &Reading::Current)?;
    Ok(Opened {
        bindings: bindings_on(project, &manifest),
        manifest,
        session,
    })
}

/// What the queries of a project may name on a release.
#[must_use]
pub fn bindings_on(project: &Project, manifest: &Manifest) -> Bindings {
    let mut parameters: BTreeMap<_, _> = manifest.parameters.clone();
    parameters.extend(project.bank.parameters.clone());
    Bindings::new(parameters)
}

/// The score of a project by its name.
pub fn named<'p>(project: &'p Project, name: &str) -> Result<&'p ScoreSpec, RunError> {
    let found = project.scores.iter().find(|score| score.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = project.scores.iter().map(|score| &*score.name).collect();
        RunError::Usage {
            message: format!("the project has no score `{name}`"),
            hint: if names.is_empty() {
                "a score is a file such as scores/response.yml".to_owned()
            } else {
                format!("it has {}", names.join(", "))
            },
        }
    })
}

/// Learns a logistic score from the past that the release knows, and writes its model file; gives the score with its
/// new model.
pub fn train_score(score: &ScoreSpec, opened: &Opened) -> Result<ScoreSpec, RunError> {
    let ScoreMethod::Logistic {
        ridge, model_path, ..
    } = &score.method
    else {
        return Err(RunError::Usage {
            message: format!(
                "`{}` is a scorecard; its points are written, not learnt",
                score.name
            ),
            hint: format!("salenet score evaluate {} measures it", score.name),
        });
    };
    let past = read_past(&opened.session, score, &opened.bindings)?;
    let release = opened.manifest.release.to_string();
    let mut model: ScoreModel = train(score, &past, *ridge, &release)?;
    let parameters = serde_json::to_string(&(model.intercept, &model.features));
    let hash = blake3::hash(parameters.map_err(RunError::Report)?.as_bytes());
    model.version = format!("lr-{}", &hash.to_hex()[..12]);
    let mut text = serde_json::to_string_pretty(&model).map_err(RunError::Report)?;
    text.push('\n');
    write_output(model_path, text.as_bytes())?;
    // As the night will read it: the text of a number may be read as its neighbour.
    let model = serde_json::from_str(&text).map_err(RunError::Report)?;
    let mut trained = score.clone();
    trained.method = ScoreMethod::Logistic {
        ridge: *ridge,
        model_path: model_path.clone(),
        model: Some(model),
    };
    Ok(trained)
}

/// Measures a score on the past that the release knows.
pub fn measure_score(
    score: &ScoreSpec,
    session: &Session,
    bindings: &Bindings,
) -> Result<Measures, RunError> {
    Ok(measure(session, score, bindings)?)
}
