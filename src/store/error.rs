//! What can go wrong with the warehouse's files.

use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{action} {path}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("open the warehouse {path}: it does not exist; `salenet run` creates it")]
    NoWarehouse { path: PathBuf },
    #[error("find a release: nothing has been published in {path} yet")]
    NothingPublished { path: PathBuf },
    #[error("find release `{release}`: {path} holds {known}")]
    UnknownRelease {
        release: String,
        path: PathBuf,
        known: String,
    },
    #[error("lock the warehouse {path}: another run holds it ({holder})")]
    Locked { path: PathBuf, holder: String },
    #[error("read {path}: {problem}")]
    Damaged { path: PathBuf, problem: String },
    #[error("read `{text}` as a release; expected <date>.<number> such as 2026-10-31.1")]
    ReleaseName { text: String },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
