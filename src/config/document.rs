//! One YAML file, parsed and of the right shape.

use rayon::prelude::*;
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
pub(super) fn read<R: DeserializeOwned + Send>(
    folder: &mut Folder<'_>,
    relative: &str,
    kind: Kind,
) -> Option<(Document, R)> {
    read_all(folder, [relative], kind).pop().flatten()
}

/// `read` for many files at once; the results stand in the order of the files.
pub(super) fn read_all<'p, R: DeserializeOwned + Send>(
    folder: &mut Folder<'_>,
    files: impl IntoIterator<Item = &'p str>,
    kind: Kind,
) -> Vec<Option<(Document, R)>> {
    let sources = files.into_iter().map(|relative| folder.read(relative));
    let sources: Vec<Option<SourceText>> = sources.collect();
    let understood: Vec<_> = sources
        .into_par_iter()
        .map(|source| {
            let mut problems = Diagnostics::default();
            let document = source.and_then(|source| understand(source, kind, &mut problems));
            (document, problems)
        })
        .collect();
    let mut documents = Vec::with_capacity(understood.len());
    for (document, problems) in understood {
        folder.problems.extend(problems);
        documents.push(document);
    }
    documents
}

fn understand<R: DeserializeOwned>(
    source: SourceText,
    kind: Kind,
    problems: &mut Diagnostics,
) -> Option<(Document, R)> {
    let before = problems.len();
    let node = yaml::parse(&source, problems);
    if let Some(node) = &node {
        yaml::validate(&source, schema::schema(kind), node, problems);
    }
    let node = node.filter(|_| problems.len() == before)?;
    match serde_json::from_value(node.to_json()) {
        Ok(raw) => Some((Document { source, node }, raw)),
        Err(error) => {
            problems.push(source.error_in_file(format!("cannot be understood: {error}")));
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
