//! Fingerprints of steps: a step whose fingerprint already has an output is reused.

use std::collections::BTreeMap;

use crate::domain::TableName;
use crate::store::TableEntry;

/// Raised when a step of this kind computes something else from the same inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    Feed,
    Reference,
    SourceFile,
    Resolve,
    Model,
    Check,
    Score,
    Campaign,
}

impl StepKind {
    const fn version(self) -> &'static str {
        match self {
            Self::Feed => "feed 2",
            Self::Reference => "reference 2",
            Self::SourceFile => "source_file 2",
            Self::Resolve => "resolve 4",
            Self::Model => "model 1",
            Self::Check => "check 3",
            Self::Score => "score 1",
            Self::Campaign => "campaign 2",
        }
    }
}

/// Collects everything that decides a step's output.
#[derive(Debug, Clone)]
pub struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    #[must_use]
    pub fn new(kind: StepKind) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(kind.version().as_bytes());
        Self(hasher)
    }

    /// Adds one named part; lengths keep parts from running into each other.
    pub fn add(&mut self, name: &str, value: &str) -> &mut Self {
        for text in [name, value] {
            self.0.update(&(text.len() as u64).to_le_bytes());
            self.0.update(text.as_bytes());
        }
        self
    }

    #[must_use]
    pub fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// What a table is, by content: equal identities are equal tables.
#[must_use]
pub fn table_identity(table: &TableEntry) -> String {
    let mut fingerprint = Fingerprint(blake3::Hasher::new());
    for column in &table.columns {
        fingerprint.add(&column.name, &column.data_type);
    }
    for file in &table.files {
        fingerprint.add(file.partition.as_deref().unwrap_or_default(), &file.blake3);
    }
    fingerprint.finish()
}

/// Identities of tonight's tables and views, as far as they are built.
pub type Identities = BTreeMap<TableName, String>;
