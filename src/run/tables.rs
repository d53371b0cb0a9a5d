//! Tables that exist without a model, and the values every query may name.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::bank::Parameter;
use crate::config::project::Project;
use crate::domain::{BusinessDate, TableName};
use crate::sql::Bindings;
use crate::sql::schema::{columns_of, declared_columns, staging_columns};
use crate::stages::campaign::tables::{ALIAS_COLUMNS as CONTACT_ALIAS_COLUMNS, TABLES};
use crate::stages::resolve::similarity::block_table::MATCH_BLOCK_COLUMNS;
use crate::stages::resolve::similarity::edges::EDGE_COLUMNS;
use crate::stages::resolve::similarity::scores::{MATCH_PAIR_COLUMNS, MATCH_RECORD_COLUMNS};
use crate::stages::resolve::tables::{ALIAS_COLUMNS, EVENT_COLUMNS, XREF_COLUMNS};
use crate::stages::score::query::MODEL_SCORE_COLUMNS;
use crate::store::manifest::ColumnEntry;

/// Columns and Arrow types of `core.source_file`; its grain is `file_id`.
pub const SOURCE_FILE_COLUMNS: &[(&str, &str)] = &[
    ("file_id", "Int64"),
    ("feed", "Utf8"),
    ("path", "Utf8"),
    ("business_date", "Date32"),
    ("blake3", "Utf8"),
    ("bytes", "Int64"),
    ("rows", "Int64"),
];

/// Columns and Arrow types of `core.source_system`; its grain is `source_code`.
pub const SOURCE_SYSTEM_COLUMNS: &[(&str, &str)] = &[
    ("source_code", "Utf8"),
    ("name", "Utf8"),
    ("trust_rank", "Int64"),
    ("cutoff_time", "Utf8"),
    ("currency", "Utf8"),
];

/// Columns and Arrow types of every `quarantine.<source>_<feed>`.
pub const QUARANTINE_COLUMNS: &[(&str, &str)] = &[
    ("source", "Utf8"),
    ("feed", "Utf8"),
    ("file", "Utf8"),
    ("line", "Int64"),
    ("byte_offset", "Int64"),
    ("column", "Utf8"),
    ("rule", "Utf8"),
    ("reason", "Utf8"),
    ("raw", "Utf8"),
    ("replayable", "Boolean"),
];

/// Names of the tables that stages write by themselves. Their spelling is checked where they are made.
#[must_use]
pub fn own_table(schema: &str, table: &str) -> TableName {
    // Every caller passes constants; a wrong one would show in the first test that runs a night.
    TableName::try_new(schema, table)
        .unwrap_or_else(|_| unreachable!("constant table names are well formed"))
}

/// Every table that exists without a model, with its columns.
#[must_use]
pub fn given_tables(project: &Project) -> BTreeMap<TableName, Vec<ColumnEntry>> {
    let mut tables = BTreeMap::new();
    for feed in project.feeds() {
        tables.insert(feed.table.clone(), staging_columns(feed));
        tables.insert(
            quarantine_table(&feed.table),
            columns_of(QUARANTINE_COLUMNS),
        );
    }
    for reference in &project.references {
        tables.insert(
            reference.table.clone(),
            declared_columns(&reference.columns),
        );
    }
    tables.insert(
        own_table("core", "source_file"),
        columns_of(SOURCE_FILE_COLUMNS),
    );
    tables.insert(
        own_table("core", "source_system"),
        columns_of(SOURCE_SYSTEM_COLUMNS),
    );
    if project.matching.is_some() {
        tables.insert(own_table("core", "customer_xref"), columns_of(XREF_COLUMNS));
        tables.insert(
            own_table("core", "customer_alias"),
            columns_of(ALIAS_COLUMNS),
        );
        tables.insert(
            own_table("core", "customer_id_event"),
            columns_of(EVENT_COLUMNS),
        );
    }
    if project
        .matching
        .as_ref()
        .is_some_and(|matching| matching.similarity.is_some())
    {
        for name in ["match_edge", "match_review"] {
            tables.insert(own_table("core", name), columns_of(EDGE_COLUMNS));
        }
        tables.insert(
            own_table("core", "match_block"),
            columns_of(MATCH_BLOCK_COLUMNS),
        );
        tables.insert(
            own_table("core", "match_record"),
            columns_of(MATCH_RECORD_COLUMNS),
        );
        tables.insert(
            own_table("core", "match_pair"),
            columns_of(MATCH_PAIR_COLUMNS),
        );
    }
    if !project.scores.is_empty() {
        tables.insert(
            own_table("core", "model_score"),
            columns_of(MODEL_SCORE_COLUMNS),
        );
    }
    if !project.campaigns.is_empty() {
        tables.insert(
            own_table("campaigns", "customer_alias"),
            columns_of(CONTACT_ALIAS_COLUMNS),
        );
        for (table, columns) in TABLES {
            tables.insert(own_table("campaigns", table), columns_of(columns));
        }
    }
    tables
}

#[must_use]
pub fn quarantine_table(staging: &TableName) -> TableName {
    own_table("quarantine", staging.table())
}

/// What `$name` stands for in every query of a night.
#[must_use]
pub fn bindings(project: &Project, date: BusinessDate) -> Bindings {
    let joint = project.bank.joint_accounts.as_str().to_owned();
    Bindings::new(project.bank.parameters.clone())
        .with("business_date", Parameter::Date(date))
        .with("month", Parameter::Text(date.month().to_string()))
        .with("joint_accounts", Parameter::Text(joint))
}

/// Schemas whose tables may be read by models.
#[must_use]
pub fn names_of(tables: &BTreeMap<TableName, Vec<ColumnEntry>>) -> BTreeSet<TableName> {
    tables.keys().cloned().collect()
}
