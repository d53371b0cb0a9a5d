//! A plain output folder for what is not part of the warehouse: generated banks, reports, query results.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{StoreError, durable};

/// A folder that files are written into by relative path.
#[derive(Debug)]
pub struct OutputFolder {
    root: PathBuf,
}

impl OutputFolder {
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Creates a file and the folders above it.
    pub fn create(&self, relative: &str) -> Result<BufWriter<File>, StoreError> {
        let path = self.root.join(relative);
        if let Some(parent) = path.parent() {
            durable::create_folder(parent)?;
        }
        Ok(BufWriter::with_capacity(
            1 << 18,
            durable::create_file(&path)?,
        ))
    }
}

/// Writes one file that a person asked for, such as a report, replacing what stood there.
pub fn write_output(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        durable::create_folder(parent)?;
    }
    let mut file = durable::create_file(path)?;
    file.write_all(content)
        .map_err(|source| StoreError::io("write", path, source))
}
