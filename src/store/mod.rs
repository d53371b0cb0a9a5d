//! The warehouse on disk: immutable files named by content, manifests, one pointer, the journal, the lock.
//!
//! The only place that creates, renames or removes files.
//! It knows bytes and names, no engine: what stands inside a Parquet file is the writer's business.
//! Durable means: file synced, then renamed, then its folder synced, and only then named by anything else.

pub mod campaign_events;
pub mod durable;
pub mod error;
pub mod gc;
pub mod journal;
pub mod landing_output;
pub mod lock;
pub mod manifest;
pub mod new_file;
pub mod pointer;
pub mod release;
pub mod retained;
pub mod scratch;
pub mod steps;
pub mod verify;

use std::path::{Path, PathBuf};

pub use error::StoreError;
pub use journal::{Journal, JournalEvent, RecordPlace};
pub use lock::WarehouseLock;
pub use manifest::{FileEntry, Manifest, TableEntry};
pub use new_file::NewFile;
pub use release::ReleaseId;
pub use scratch::ScratchFile;

/// A bank's warehouse folder.
#[derive(Debug, Clone)]
pub struct Warehouse {
    root: PathBuf,
}

impl Warehouse {
    /// Opens the folder, creating it and its fixed parts when they are missing.
    pub fn open_or_create(root: &Path) -> Result<Self, StoreError> {
        for part in ["", "data", "journal", "releases", "runs", "steps", "tmp"] {
            durable::create_folder(&root.join(part))?;
        }
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Opens an existing warehouse.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        if root.join("releases").is_dir() {
            Ok(Self {
                root: root.to_owned(),
            })
        } else {
            Err(StoreError::NoWarehouse {
                path: root.to_owned(),
            })
        }
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Removes what a dead run left half written. Call it with the lock held.
    pub fn clear_temporary(&self, _lock: &WarehouseLock) -> Result<(), StoreError> {
        let folder = self.root.join("tmp");
        for entry in
            std::fs::read_dir(&folder).map_err(|source| StoreError::io("list", &folder, source))?
        {
            let entry = entry.map_err(|source| StoreError::io("list", &folder, source))?;
            let path = entry.path();
            // Spill folders of a dead engine are folders; a link is removed, never followed.
            let removed = match entry.file_type() {
                Ok(kind) if kind.is_dir() => std::fs::remove_dir_all(&path),
                _ => std::fs::remove_file(&path),
            };
            removed.map_err(|source| StoreError::io("remove", &path, source))?;
        }
        release::clear_unfinished(self)
    }

    /// Writes a small file of a run, such as its report, below `runs/<run_id>/`; returns its path.
    pub fn write_run_file(
        &self,
        run_id: &str,
        name: &str,
        content: &[u8],
    ) -> Result<PathBuf, StoreError> {
        let folder = self.root.join("runs").join(run_id);
        durable::create_folder(&folder)?;
        let path = folder.join(name);
        durable::write_atomically(&self.root.join("tmp"), &path, content)?;
        Ok(path)
    }

    /// Manifests of candidates that stopped runs left, those of the newest run first.
    pub fn candidates(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut found = Vec::new();
        for run in listed(&self.root.join("runs"))? {
            let files = if run.is_dir() {
                listed(&run)?
            } else {
                Vec::new()
            };
            found.extend(files.into_iter().filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("candidate-")
            }));
        }
        // Runs are named by their time, candidates by their date.
        found.sort();
        found.reverse();
        Ok(found)
    }
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| StoreError::io("list", folder, source);
    std::fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
        .collect()
}
