//! Scores the night's population.

use super::ScoreError;
use super::query::population_query;
use crate::config::score::ScoreSpec;
use crate::domain::TableName;
use crate::sql::catalog::Catalogue;
use crate::sql::write::Partitioning;
use crate::sql::{Bindings, Session, TableSource};
use crate::store::{TableEntry, Warehouse};

pub struct ScoreRequest<'a> {
    pub session: &'a Session,
    pub warehouse: &'a Warehouse,
    pub score: &'a ScoreSpec,
    pub bindings: &'a Bindings,
    /// `core.model_score`.
    pub table: &'a TableName,
}

/// Writes the rows of one score; `None` where its model is not trained.
///
/// # Errors
/// A population that names a customer twice, or names nobody: then a score would stand for two rows, or for none.
pub fn apply_score(request: &ScoreRequest) -> Result<Option<TableEntry>, ScoreError> {
    let score = request.score;
    let sql_error = ScoreError::sql(&score.name);
    let Some((sql, bindings)) = population_query(score, request.bindings) else {
        return Ok(None);
    };
    let plan = request.session.plan(&sql, &bindings).map_err(&sql_error)?;
    let grain = ["model", "customer_id"].map(str::to_owned);
    let partition = Partitioning::Named(format!("model={}", score.name));
    let entry = request
        .session
        .write_table(&plan, &grain, &partition, request.warehouse, request.table)
        .map_err(&sql_error)?;
    let source = TableSource::of(request.warehouse, &entry);
    request
        .session
        .add_table(Catalogue::Produced, request.table, source);
    let sql = format!(
        "select count(*) - count(distinct customer_id) from produced.{}",
        request.table
    );
    let repeated = request
        .session
        .query_count(&sql, request.bindings)
        .map_err(&sql_error)?;
    match repeated {
        None | Some(0) => Ok(Some(entry)),
        Some(n_rows) => Err(ScoreError::data(
            &score.name,
            format!(
                "{n_rows} rows of the population name nobody, or somebody who has a row already"
            ),
            "the population needs one row per customer_id",
        )),
    }
}
