//! Opens a release for reading: a session with its tables and views.

use std::path::Path;

use super::{RunError, RunSettings};
use crate::sql::catalog::Catalogue;
use crate::sql::{Session, SessionOptions};
use crate::store::{Manifest, ReleaseId, Warehouse};

/// Which state of the tables a reader wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    Current,
    Release(ReleaseId),
    /// What stayed of a release that `gc` removed.
    Retained(ReleaseId),
    /// The manifest of a candidate that was not published.
    Candidate(std::path::PathBuf),
}

/// Pins a release and registers everything it holds.
pub fn open_release(
    settings: &RunSettings,
    options: &SessionOptions,
    reading: &Reading,
) -> Result<(Warehouse, Manifest, Session), RunError> {
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let manifest = match reading {
        Reading::Current => warehouse.manifest(warehouse.require_current()?)?,
        Reading::Release(id) => warehouse.manifest(*id)?,
        Reading::Retained(id) => match warehouse.retained_manifest(*id)? {
            Some(manifest) => manifest,
            None => warehouse.manifest(*id)?,
        },
        Reading::Candidate(path) => read_candidate(path)?,
    };
    let session = Session::try_new(options)?;
    session.add_release(Catalogue::Tonight, &warehouse, &manifest);
    Ok((warehouse, manifest, session))
}

/// The manifest of a candidate that was not published.
pub fn read_candidate(path: &Path) -> Result<Manifest, RunError> {
    let text = std::fs::read(path).map_err(|source| RunError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|error| {
        RunError::Store(crate::store::StoreError::Damaged {
            path: path.to_owned(),
            problem: error.to_string(),
        })
    })
}
