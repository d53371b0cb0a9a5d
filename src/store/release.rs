//! Release folders: what readers open. Built aside, renamed into place, then pointed to.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::manifest::{FileEntry, HistoryEntry};
use super::{Manifest, StoreError, Warehouse, durable};
use crate::domain::BusinessDate;

/// `<business date>.<attempt>`: the second publication of a date is its `.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId {
    pub date: BusinessDate,
    pub attempt: u32,
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.date, self.attempt)
    }
}

impl FromStr for ReleaseId {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = || StoreError::ReleaseName {
            text: text.to_owned(),
        };
        let (date, attempt) = text.split_once('.').ok_or_else(wrong)?;
        let attempt = attempt
            .parse()
            .ok()
            .filter(|attempt| *attempt > 0)
            .ok_or_else(wrong)?;
        Ok(Self {
            date: date.parse().map_err(|_| wrong())?,
            attempt,
        })
    }
}

impl TryFrom<String> for ReleaseId {
    type Error = StoreError;
    fn try_from(text: String) -> Result<Self, StoreError> {
        text.parse()
    }
}

impl From<ReleaseId> for String {
    fn from(id: ReleaseId) -> Self {
        id.to_string()
    }
}

const UNFINISHED: &str = ".unfinished-";

impl Warehouse {
    #[must_use]
    pub fn release_folder(&self, id: ReleaseId) -> PathBuf {
        self.root().join("releases").join(id.to_string())
    }

    /// Reads a release's manifest and checks it against the hash beside it.
    pub fn manifest(&self, id: ReleaseId) -> Result<Manifest, StoreError> {
        self.manifest_in(&self.release_folder(id), id)
    }

    /// The manifest of a release in the folder that holds it.
    pub(super) fn manifest_in(&self, folder: &Path, id: ReleaseId) -> Result<Manifest, StoreError> {
        let path = folder.join("manifest.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::UnknownRelease {
                    release: id.to_string(),
                    path: self.root().to_owned(),
                    known: self.known_releases()?,
                });
            }
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        let hash_path = folder.join("manifest.blake3");
        let expected = fs::read_to_string(&hash_path)
            .map_err(|source| StoreError::io("read", &hash_path, source))?;
        if blake3::hash(&text).to_hex().as_str() != expected.trim() {
            return Err(StoreError::Damaged {
                path,
                problem: "its content does not match manifest.blake3 beside it".to_owned(),
            });
        }
        serde_json::from_slice(&text).map_err(|error| StoreError::Damaged {
            path,
            problem: error.to_string(),
        })
    }

    fn known_releases(&self) -> Result<String, StoreError> {
        let ids: Vec<String> = self
            .release_folders()?
            .iter()
            .map(ToString::to_string)
            .collect();
        Ok(if ids.is_empty() {
            "none".to_owned()
        } else {
            ids.join(", ")
        })
    }

    /// Every release folder that stands on disk, published or withdrawn, oldest date first.
    pub fn release_folders(&self) -> Result<BTreeSet<ReleaseId>, StoreError> {
        releases_in(&self.root().join("releases"))
    }

    /// Releases published so far and still in force, oldest first: the current one's history and itself.
    pub fn published(&self) -> Result<Vec<ReleaseId>, StoreError> {
        let Some(current) = self.current()? else {
            return Ok(Vec::new());
        };
        let mut ids: Vec<ReleaseId> = self
            .manifest(current)?
            .history
            .iter()
            .map(|entry| entry.release)
            .collect();
        ids.push(current);
        Ok(ids)
    }

    /// Publishes a chain of releases, each built upon the one before, with one swing of the pointer at the end.
    ///
    /// Fills in each manifest's history. Until the swing, readers see the old release.
    pub fn publish(&self, chain: Vec<Manifest>) -> Result<Vec<Manifest>, StoreError> {
        let mut history = match self.current()? {
            Some(current) => {
                let manifest = self.manifest(current)?;
                let mut history = manifest.history;
                history.push(HistoryEntry {
                    release: current,
                    manifest_blake3: self.manifest_hash(current)?,
                });
                history
            }
            None => Vec::new(),
        };
        let mut published = Vec::with_capacity(chain.len());
        for mut manifest in chain {
            manifest.history.clone_from(&history);
            let manifest_blake3 = self.write_release(&manifest)?;
            history.push(HistoryEntry {
                release: manifest.release,
                manifest_blake3,
            });
            published.push(manifest);
        }
        if let Some(last) = published.last() {
            self.point_to(last.release)?;
        }
        Ok(published)
    }

    fn manifest_hash(&self, id: ReleaseId) -> Result<String, StoreError> {
        let path = self.release_folder(id).join("manifest.json");
        let text = fs::read(&path).map_err(|source| StoreError::io("read", &path, source))?;
        Ok(blake3::hash(&text).to_hex().to_string())
    }

    fn write_release(&self, manifest: &Manifest) -> Result<String, StoreError> {
        let releases = self.root().join("releases");
        let staged = releases.join(format!("{UNFINISHED}{}", manifest.release));
        remove_folder_if_present(&staged)?;
        // Nothing below is named before `sync_tree`, so that one sync of each folder is enough.
        create_folders(&staged)?;
        for (name, table) in &manifest.tables {
            let folder = staged.join(name.schema()).join(name.table());
            for file in &table.files {
                let folder = file
                    .partition
                    .as_ref()
                    .map_or(folder.clone(), |part| folder.join(part));
                let target = Path::new(&file.path).file_name().unwrap_or_default();
                link(&staged, &folder.join(target), file)?;
            }
        }
        for list in manifest
            .campaigns
            .iter()
            .flat_map(|campaign| &campaign.lists)
        {
            for (name, file) in list.named() {
                link(&staged, &staged.join(name), file)?;
            }
        }
        sync_tree(&staged)?;
        let text = serde_json::to_vec_pretty(manifest).map_err(|error| StoreError::Damaged {
            path: staged.clone(),
            problem: error.to_string(),
        })?;
        let hash = blake3::hash(&text).to_hex().to_string();
        let temporary = self.root().join("tmp");
        durable::write_atomically(&temporary, &staged.join("manifest.json"), &text)?;
        durable::write_atomically(&temporary, &staged.join("manifest.blake3"), hash.as_bytes())?;
        let target = releases.join(manifest.release.to_string());
        // Left by a run that died between this rename and the swing: never published, so it may go.
        remove_folder_if_present(&target)?;
        durable::rename(&staged, &target)?;
        Ok(hash)
    }
}

/// Links `at` (below `staged`, a child of `releases/`) to a data file by a relative path.
fn link(staged: &Path, at: &Path, file: &FileEntry) -> Result<(), StoreError> {
    if let Some(folder) = at.parent() {
        create_folders(folder)?;
    }
    let depth = at
        .strip_prefix(staged)
        .map_or(0, |below| below.components().count());
    let up = "../".repeat(depth + 1);
    symlink(format!("{up}{}", file.path), at).map_err(|source| StoreError::io("link", at, source))
}

fn create_folders(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|source| StoreError::io("create folder", path, source))
}

/// Makes every link below a folder durable.
fn sync_tree(folder: &Path) -> Result<(), StoreError> {
    let entries = fs::read_dir(folder).map_err(|source| StoreError::io("list", folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| StoreError::io("list", folder, source))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sync_tree(&entry.path())?;
        }
    }
    durable::sync_folder(folder)
}

/// Takes a release away whole: a crash on the way leaves an unfinished folder, never half a release.
pub(super) fn remove_release(warehouse: &Warehouse, id: ReleaseId) -> Result<(), StoreError> {
    let unfinished = warehouse
        .root()
        .join("releases")
        .join(format!("{UNFINISHED}{id}"));
    remove_folder_if_present(&unfinished)?;
    durable::rename(&warehouse.release_folder(id), &unfinished)?;
    remove_folder_if_present(&unfinished)
}

fn remove_folder_if_present(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::io("remove", path, source)),
    }
}

pub(super) fn clear_unfinished(warehouse: &Warehouse) -> Result<(), StoreError> {
    let folder = warehouse.root().join("releases");
    let entries =
        fs::read_dir(&folder).map_err(|source| StoreError::io("list", &folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| StoreError::io("list", &folder, source))?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            remove_folder_if_present(&entry.path())?;
        }
    }
    Ok(())
}

/// The releases after which the entries of a folder are named.
pub(super) fn releases_in(folder: &Path) -> Result<BTreeSet<ReleaseId>, StoreError> {
    let entries = fs::read_dir(folder).map_err(|source| StoreError::io("list", folder, source))?;
    let mut ids = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(|source| StoreError::io("list", folder, source))?;
        ids.extend(
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<ReleaseId>().ok()),
        );
    }
    Ok(ids)
}
