//! One YAML file, parsed and of the right shape.

use serde::de::DeserializeOwned;

use super::folder::Folder;
use super::schema::{self, Kind};
use super::yaml::{self, Node, Place};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceText};

/// A file's text and its tree; later checks find their places in it.
#[derive(Debug, Clone)]
pub struct Document {
    pub source: SourceText,
    pub node: Node,
}

impl Document {
    pub fn place(&self, node: &Node) -> Place {
        Place::of_node(&self.source, node)
    }
}

/// Reads, parses and validates a file; `None` when any of it failed and was reported.
pub(super) fn read<R: DeserializeOwned>(
    folder: &mut Folder<'_>,
    relative: &str,
    kind: Kind,
) -> Option<(Document, R)> {
    let source = folder.read(relative)?;
    let mut problems = Diagnostics::default();
    let node = yaml::parse(&source, &mut problems);
    if let Some(node) = &node {
        yaml::validate(&source, schema::schema(kind), node, &mut problems);
    }
    let clean = problems.is_empty();
    folder.problems.extend(problems);
    let node = node.filter(|_| clean)?;
    match serde_json::from_value(node.to_json()) {
        Ok(raw) => Some((Document { source, node }, raw)),
        Err(error) => {
            folder
                .problems
                .push(source.error_in_file(format!("cannot be understood: {error}")));
            None
        }
    }
}

/// Collects problems of one document.
pub(super) struct Reporter<'a> {
    pub document: &'a Document,
    pub problems: &'a mut Diagnostics,
}

impl Reporter<'_> {
    /// At a value.
    pub fn at(&mut self, node: &Node, message: impl Into<String>) -> &mut Self {
        let problem = self.document.source.error(node.range.clone(), message);
        self.problems.push(problem);
        self
    }

    /// At a value, with advice.
    pub fn at_hint(&mut self, node: &Node, message: impl Into<String>, hint: impl Into<String>) {
        let problem = self.document.source.error(node.range.clone(), message);
        self.problems.push(problem.hint(hint));
    }

    /// At a key of a mapping.
    pub fn at_key(&mut self, node: &Node, key: &str, message: impl Into<String>) {
        self.push_at_key(node, key, message, None);
    }

    pub fn at_key_hint(
        &mut self,
        node: &Node,
        key: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push_at_key(node, key, message, Some(hint.into()));
    }

    fn push_at_key(
        &mut self,
        node: &Node,
        key: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let problem: Diagnostic = self.document.source.error(node.key(key), message);
        self.problems.push(problem.hint_if(hint));
    }
}
