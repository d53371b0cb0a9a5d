//! Where each part of a project stands, so that later checks can point at it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::yaml::{Node, Place};
use crate::diagnostic::SourceText;
use crate::domain::TableName;

/// Every lookup answers `None` for a name the project does not have.
#[derive(Debug, Default)]
pub struct Locations {
    pub(super) bank: Option<Document>,
    /// By source name.
    pub(super) sources: BTreeMap<String, Document>,
    pub(super) matching: Option<Document>,
    pub(super) models: BTreeMap<TableName, Document>,
    pub(super) sql: BTreeMap<TableName, SourceText>,
    /// By reference name.
    pub(super) references: BTreeMap<String, Document>,
    /// By score name.
    pub(super) scores: BTreeMap<String, Document>,
    /// By campaign code.
    pub(super) campaigns: BTreeMap<String, Document>,
    /// By file.
    pub(super) model_tests: BTreeMap<PathBuf, Document>,
}

/// Which query of a reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

impl Locations {
    /// The name of a feed, given as `source.feed`.
    #[must_use]
    pub fn feed(&self, qualified: &str) -> Option<Place> {
        let (source, feed) = qualified.split_once('.')?;
        let document = self.sources.get(source)?;
        key_place(document, document.node.find("feeds")?, feed)
    }

    /// The condition of a row rule.
    #[must_use]
    pub fn row_rule(&self, qualified: &str, id: &str) -> Option<Place> {
        let (document, feed) = self.feed_node(qualified)?;
        let rule = with_id(feed.find("rules")?, id)?;
        Some(document.place(rule.find("must")?))
    }

    /// A key of `bank.yml`, such as `landing` or `key_file`.
    #[must_use]
    pub fn bank(&self, key: &str) -> Option<Place> {
        let document = self.bank.as_ref()?;
        Some(document.place(document.node.find(key)?))
    }

    /// The value of a bank's parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Place> {
        let document = self.bank.as_ref()?;
        key_place(document, document.node.find("parameters")?, name)
    }

    /// The name of the trained model in `matching.yml`.
    #[must_use]
    pub fn matching_model(&self) -> Option<Place> {
        let document = self.matching.as_ref()?;
        let similarity = document.node.find("similarity")?;
        Some(document.place(similarity.find("model")?))
    }

    /// The whole SQL file of a model.
    #[must_use]
    pub fn model_sql(&self, table: &TableName) -> Option<Place> {
        self.sql.get(table).map(Place::of_file)
    }

    /// A top-level key of a model's YAML, such as `grain` or `materialised`.
    #[must_use]
    pub fn model(&self, table: &TableName, key: &str) -> Option<Place> {
        let document = self.models.get(table)?;
        key_place(document, &document.node, key)
    }

    /// The name of a column in a model's YAML.
    #[must_use]
    pub fn model_column(&self, table: &TableName, column: &str) -> Option<Place> {
        let document = self.models.get(table)?;
        key_place(document, document.node.find("columns")?, column)
    }

    /// What a check with its own id says: the condition, or the id of a reconciliation.
    /// Checks made from `columns` are found at their column's key.
    #[must_use]
    pub fn model_check(&self, table: &TableName, id: &str) -> Option<Place> {
        let document = self.models.get(table)?;
        let listed = document
            .node
            .find("checks")
            .and_then(|checks| with_id(checks, id));
        if let Some(check) = listed {
            return Some(document.place(check.find("must").or_else(|| check.find("id"))?));
        }
        ["not_null", "unique", "references", "accepted_values"]
            .iter()
            .find_map(|kind| {
                let column = id.strip_suffix(kind)?.strip_suffix('_')?;
                let column = document.node.find("columns")?.find(column)?;
                key_place(document, column, kind)
            })
    }

    /// A query of a reconciliation.
    #[must_use]
    pub fn reconcile(&self, table: &TableName, id: &str, side: Side) -> Option<Place> {
        let document = self.models.get(table)?;
        let check = with_id(document.node.find("checks")?, id)?;
        let key = match side {
            Side::Left => "left",
            Side::Right => "right",
        };
        Some(document.place(check.find("reconcile")?.find(key)?))
    }

    /// A key of a campaign: `universe`, `attributes`, `rank_by`, `schedule`; its name when the
    /// key is left out.
    #[must_use]
    pub fn campaign(&self, code: &str, key: &str) -> Option<Place> {
        let document = self.campaigns.get(code)?;
        let node = document
            .node
            .find(key)
            .filter(|node| node.text().is_some())
            .unwrap_or_else(|| document.node.get("campaign").get("code"));
        Some(document.place(node))
    }

    /// A key of a campaign's `score`; its model when the key is left out.
    #[must_use]
    pub fn campaign_score(&self, code: &str, key: &str) -> Option<Place> {
        let document = self.campaigns.get(code)?;
        let score = document.node.find("score")?;
        Some(document.place(score.find(key).or_else(|| score.find("model"))?))
    }

    /// The condition of an eligibility rule.
    #[must_use]
    pub fn eligibility(&self, code: &str, id: &str) -> Option<Place> {
        let document = self.campaigns.get(code)?;
        let rule = with_id(document.node.find("eligibility")?, id)?;
        Some(document.place(rule.find("where")?))
    }

    /// The condition, or the name, of a suppression rule.
    #[must_use]
    pub fn suppress(&self, code: &str, id: &str) -> Option<Place> {
        let document = self.campaigns.get(code)?;
        let rule = with_id(document.node.find("suppress")?, id)?;
        Some(document.place(rule.find("where").or_else(|| rule.find("rule"))?))
    }

    /// The condition of the reason at `index`.
    #[must_use]
    pub fn campaign_reason(&self, code: &str, index: usize) -> Option<Place> {
        let document = self.campaigns.get(code)?;
        let reason = document.node.find("reasons")?.items().get(index)?;
        Some(document.place(reason.find("where")?))
    }

    /// A column of a campaign's list, or the column it is split by.
    #[must_use]
    pub fn export_column(&self, code: &str, column: &str) -> Option<Place> {
        let document = self.campaigns.get(code)?;
        let layouts = document.node.find("layouts").map(Node::entries);
        let layouts = layouts
            .into_iter()
            .flatten()
            .flat_map(|layout| layout.value.items());
        let exports = document.node.find("export")?.items().iter();
        let listed = exports.flat_map(|export| {
            export
                .get("columns")
                .items()
                .iter()
                .chain(export.find("split_by"))
        });
        let named = listed
            .chain(layouts)
            .find(|node| node.text() == Some(column))?;
        Some(document.place(named))
    }

    /// A key of a score: `population`, `method`; with `within`, of its `training` or `holdout`.
    #[must_use]
    pub fn score(&self, name: &str, within: &[&str], key: &str) -> Option<Place> {
        let document = self.scores.get(name)?;
        let mut node = &document.node;
        for part in within {
            node = node.find(part)?;
        }
        Some(document.place(node.find(key)?))
    }

    /// The column of a feature of a score.
    #[must_use]
    pub fn score_feature(&self, name: &str, column: &str) -> Option<Place> {
        let document = self.scores.get(name)?;
        let features = document.node.find("features")?.items().iter();
        let named = features
            .filter_map(|feature| feature.find("column"))
            .find(|node| node.text() == Some(column))?;
        Some(document.place(named))
    }

    /// The name of a model test.
    #[must_use]
    pub fn model_test(&self, file: &Path, name: &str) -> Option<Place> {
        let document = self.model_tests.get(file)?;
        let tests = document.node.find("tests")?.items();
        let name = tests
            .iter()
            .filter_map(|test| test.find("name"))
            .find(|node| node.text() == Some(name))?;
        Some(document.place(name))
    }

    fn feed_node(&self, qualified: &str) -> Option<(&Document, &Node)> {
        let (source, feed) = qualified.split_once('.')?;
        let document = self.sources.get(source)?;
        Some((document, document.node.find("feeds")?.find(feed)?))
    }
}

fn key_place(document: &Document, node: &Node, key: &str) -> Option<Place> {
    let entry = node.entry(key)?;
    Some(Place::of_range(&document.source, entry.key_range.clone()))
}

fn with_id<'a>(list: &'a Node, id: &str) -> Option<&'a Node> {
    list.items()
        .iter()
        .find(|item| item.find("id").and_then(Node::text) == Some(id))
}
