//! What stays of a removed release so that a delivered list can be made again: the tables that the campaign read.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::durable::write_atomically;
use super::release::releases_in;
use super::{Manifest, ReleaseId, StoreError, Warehouse, durable};
use crate::domain::TableName;

/// A release that a delivered list was chosen from, and the tables that it takes to choose again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retained {
    pub release: ReleaseId,
    /// Without effect once the release is gone: what stays of it was decided then.
    pub tables: BTreeSet<TableName>,
}

impl Warehouse {
    fn retained_folder(&self) -> PathBuf {
        self.root().join("retained")
    }

    /// What stayed of a removed release; `None` when nothing did.
    pub fn retained_manifest(&self, id: ReleaseId) -> Result<Option<Manifest>, StoreError> {
        let folder = self.retained_folder().join(id.to_string());
        if folder.join("manifest.blake3").exists() {
            self.manifest_in(&folder, id).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Removed releases of which something stayed.
    pub fn retained_releases(&self) -> Result<BTreeSet<ReleaseId>, StoreError> {
        let folder = self.retained_folder();
        if folder.is_dir() {
            releases_in(&folder)
        } else {
            Ok(BTreeSet::new())
        }
    }

    /// Writes down what shall stay of a release that still stands: its manifest with these tables only.
    ///
    /// Lists are kept beside the journal; contacts of the night stay, for campaigns that chose before others.
    pub(super) fn retain(&self, retained: &Retained) -> Result<(), StoreError> {
        let mut manifest = self.manifest(retained.release)?;
        manifest
            .tables
            .retain(|name, _| retained.tables.contains(name));
        for campaign in &mut manifest.campaigns {
            campaign.lists.clear();
        }
        let folder = self.retained_folder().join(retained.release.to_string());
        durable::create_folder(&folder)?;
        let text = serde_json::to_vec_pretty(&manifest).map_err(|error| StoreError::Damaged {
            path: folder.clone(),
            problem: error.to_string(),
        })?;
        let hash = blake3::hash(&text).to_hex().to_string();
        let temporary = self.root().join("tmp");
        write_atomically(&temporary, &folder.join("manifest.json"), &text)?;
        // Last: without it nothing has stayed.
        write_atomically(&temporary, &folder.join("manifest.blake3"), hash.as_bytes())?;
        durable::sync_folder(&folder)
    }

    /// Its time is over.
    pub(super) fn forget(&self, id: ReleaseId) -> Result<(), StoreError> {
        let folder = self.retained_folder().join(id.to_string());
        fs::remove_dir_all(&folder).map_err(|source| StoreError::io("remove", &folder, source))
    }
}
