//! What can go wrong while a score is learnt, measured or applied.

use crate::sql::SqlError;

#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    #[error("compute score {score}")]
    Sql {
        score: String,
        #[source]
        source: SqlError,
    },
    #[error("score {score}: {problem}\nhint: {hint}")]
    Data {
        score: String,
        problem: String,
        hint: String,
    },
}

impl ScoreError {
    pub(super) fn data(score: &str, problem: impl Into<String>, hint: &str) -> Self {
        Self::Data {
            score: score.to_owned(),
            problem: problem.into(),
            hint: hint.to_owned(),
        }
    }

    pub(super) fn sql(score: &str) -> impl Fn(SqlError) -> Self {
        move |source| Self::Sql {
            score: score.to_owned(),
            source,
        }
    }
}
