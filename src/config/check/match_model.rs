//! The trained model beside `matching.yml`: read where it is, and refused where it was trained for something else.

use crate::config::folder::Folder;
use crate::config::match_model::{KindModel, MatchModel};
use crate::config::matching::{KindSpec, SimilaritySpec};
use crate::diagnostic::Diagnostic;

/// What the program writes and reads.
pub const FORMAT: u32 = 1;

/// Reads the model, if it has been trained. A model that does not fit is a problem, unless it fits nothing any more:
/// then it counts as not trained.
pub fn load(folder: &mut Folder<'_>, similarity: &mut SimilaritySpec) {
    let path = folder.path(&similarity.model_file);
    similarity.model_path.clone_from(&path);
    if !path.exists() {
        return;
    }
    let Some(text) = folder.read(&similarity.model_file) else {
        return;
    };
    let model = match serde_json::from_str::<MatchModel>(text.text()) {
        Ok(model) if model.format == FORMAT => model,
        Ok(model) => {
            let message = format!("the model has format {}, expected {FORMAT}", model.format);
            folder
                .problems
                .push(retrain(Diagnostic::in_file(&path, message)));
            return;
        }
        Err(error) => {
            let message = format!("this is no trained model: {error}");
            folder
                .problems
                .push(retrain(Diagnostic::in_file(&path, message)));
            return;
        }
    };
    let fits = |spec: &Option<KindSpec>, model: &Option<KindModel>| match (spec, model) {
        (Some(spec), Some(model)) => {
            let trained = model.comparisons.iter().map(|each| each.comparison);
            trained.eq(spec.comparisons.iter().copied())
        }
        (None, _) => true,
        (Some(_), None) => false,
    };
    if fits(&similarity.person, &model.person)
        && fits(&similarity.organisation, &model.organisation)
    {
        similarity.model = Some(model);
    }
}

fn retrain(problem: Diagnostic) -> Diagnostic {
    problem.hint("remove it and run `salenet match train`")
}
