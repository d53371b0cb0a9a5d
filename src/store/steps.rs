//! What each step produced, by fingerprint: resume, cheap reruns and `plan` all read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::manifest::{FileEntry, TableEntry};
use super::{StoreError, Warehouse, durable};
use crate::domain::TableName;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepOutput {
    pub step: String,
    /// The whole state of each table after the step.
    pub tables: BTreeMap<TableName, TableEntry>,
    /// Files of the output that belong to no table, such as target lists.
    #[serde(default)]
    pub files: Vec<FileEntry>,
    /// What the step wants to say about itself; its shape is the step's own.
    pub report: serde_json::Value,
}

impl Warehouse {
    /// The output recorded for this fingerprint, if every file of it is still there.
    pub fn step_output(&self, fingerprint: &str) -> Result<Option<StepOutput>, StoreError> {
        let path = self
            .root()
            .join("steps")
            .join(format!("{fingerprint}.json"));
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        // A record that cannot be read is as good as none: the step runs again.
        let Ok(output) = serde_json::from_slice::<StepOutput>(&text) else {
            return Ok(None);
        };
        let of_tables = output.tables.values().flat_map(|table| &table.files);
        let complete = of_tables.chain(&output.files).all(|file| {
            std::fs::metadata(self.root().join(&file.path))
                .is_ok_and(|found| found.len() == file.bytes)
        });
        Ok(complete.then_some(output))
    }

    pub fn record_step(&self, fingerprint: &str, output: &StepOutput) -> Result<(), StoreError> {
        let path = self
            .root()
            .join("steps")
            .join(format!("{fingerprint}.json"));
        let text = serde_json::to_vec(output).map_err(|error| StoreError::Damaged {
            path: path.clone(),
            problem: error.to_string(),
        })?;
        durable::write_atomically(&self.root().join("tmp"), &path, &text)
    }
}
