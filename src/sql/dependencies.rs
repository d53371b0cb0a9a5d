//! Which tables a query reads, from the SQL itself.

use std::collections::BTreeSet;

use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Parsed;

use super::SqlError;
use crate::domain::TableName;

/// Tables of tonight's candidate, and tables of the base release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableReferences {
    pub tonight: BTreeSet<TableName>,
    pub base: BTreeSet<TableName>,
}

/// Reads the table names of one query. Every name must be `schema.table` or `base.schema.table`.
///
/// # Errors
/// When the text is not exactly one query, or a table is not named in full.
pub fn table_references(sql: &str) -> Result<TableReferences, SqlError> {
    let statement = parse_query(sql)?;
    if matches!(statement, Statement::Explain(_)) {
        return Err(not_one("an explanation is no table"));
    }
    let (tables, _) =
        resolve_table_references(&statement, true).map_err(|error| SqlError::planning(&error))?;
    let mut references = TableReferences::default();
    for table in tables {
        let unnamed = || SqlError::Query {
            message: format!("table `{table}` is not named in full"),
            position: position_of(sql, &table.to_string()),
            hint: Some(
                "write <schema>.<table>, or base.<schema>.<table> for the base release".to_owned(),
            ),
        };
        let schema = table.schema().ok_or_else(unnamed)?;
        let name = TableName::try_new(schema, table.table()).map_err(|_| unnamed())?;
        match table.catalog() {
            None | Some("salenet") => references.tonight.insert(name),
            Some("base") => references.base.insert(name),
            Some(_) => return Err(unnamed()),
        };
    }
    Ok(references)
}

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(inner) => matches!(inner.as_ref(), Parsed::Query(_)),
        Statement::Explain(explained) => is_query(&explained.statement),
        _ => false,
    }
}

/// Refuses anything but one query, or the explanation of one: no statement that changes tables or settings reaches the
/// engine.
pub(super) fn parse_query(sql: &str) -> Result<Statement, SqlError> {
    let mut statements = DFParser::parse_sql(sql).map_err(|error| SqlError::planning(&error))?;
    let statement = statements
        .pop_front()
        .ok_or_else(|| not_one("the query is empty"))?;
    if !statements.is_empty() {
        return Err(not_one("there is more than one statement"));
    }
    if is_query(&statement) {
        Ok(statement)
    } else {
        Err(not_one("this is not a query"))
    }
}

fn not_one(message: &str) -> SqlError {
    SqlError::Query {
        message: message.to_owned(),
        position: None,
        hint: Some("write one `select`, or `with … select`".to_owned()),
    }
}

/// Where `text` first stands in the query.
#[must_use]
pub fn position_of(sql: &str, text: &str) -> Option<super::error::QueryPosition> {
    let at = sql.to_lowercase().find(&text.to_lowercase())?;
    let before = sql.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    Some(super::error::QueryPosition {
        line,
        column,
        width: text.chars().count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_table_expressions_are_no_dependencies() {
        let sql = "with mine as (select * from core.account) select * from mine join base.core.customer using (a)";
        let found = table_references(sql).unwrap();
        assert_eq!(
            found
                .tonight
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["core.account"]
        );
        assert_eq!(
            found
                .base
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["core.customer"]
        );
    }

    #[test]
    fn only_one_query_is_a_model() {
        assert!(table_references("drop table core.account").is_err());
        assert!(table_references("explain select 1").is_err());
        assert!(parse_query("explain select 1").is_ok());
        assert!(parse_query("explain insert into core.account select 1").is_err());
        assert!(table_references("select 1; select 2").is_err());
        assert!(table_references("select * from account").is_err());
    }
}
