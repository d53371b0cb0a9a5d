//! `releases verify`: every byte that a release names is read again and compared with its hash.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::manifest::FileEntry;
use super::{Manifest, ReleaseId, StoreError, Warehouse};

/// What was read and what was found wrong; `problems` names path and reason.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    pub releases: usize,
    pub files: usize,
    pub bytes: u64,
    pub problems: Vec<String>,
}

impl Warehouse {
    /// Checks the pointer, the journal and its files, all manifests in force, all files they name and all links to these.
    ///
    /// # Errors
    /// Only when the warehouse cannot be listed; damage is reported, not returned.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        let mut report = VerifyReport::default();
        match self.journal() {
            Ok(journal) => {
                for file in journal.files() {
                    report.files += 1;
                    if let Some(problem) = damage(&self.root().join(file), hash_in_name(file)) {
                        report.problems.push(format!("{file}: {problem}"));
                    }
                }
            }
            Err(error) => report.problems.push(error.to_string()),
        }
        let current = match self.current() {
            Ok(Some(current)) => current,
            Ok(None) => return Ok(report),
            Err(error) => {
                report.problems.push(error.to_string());
                return Ok(report);
            }
        };
        let mut files: BTreeMap<String, FileEntry> = BTreeMap::new();
        if !self.release_folder(current).is_dir() {
            report.problems.push(format!(
                "{}: it points to {current}, which does not exist",
                self.root().join("current").display()
            ));
            return Ok(report);
        }
        for (id, expected) in self.releases_in_force(current) {
            match self.manifest(id) {
                Ok(manifest) => {
                    report.releases += 1;
                    if expected.is_some_and(|hash| self.manifest_hash_of(id).ok() != Some(hash)) {
                        report.problems.push(format!(
                            "{id}: its manifest is not the one that was published"
                        ));
                    }
                    self.check_links(&manifest, &mut report);
                    let named = named_files(&manifest);
                    files.extend(named.map(|file| (file.path.clone(), file.clone())));
                }
                Err(error) => report.problems.push(format!("{id}: {error}")),
            }
        }
        for id in self.retained_releases()? {
            match self.retained_manifest(id) {
                Ok(manifest) => {
                    let kept = manifest.iter().flat_map(named_files);
                    files.extend(kept.map(|file| (file.path.clone(), file.clone())));
                }
                Err(error) => report.problems.push(format!("retained {id}: {error}")),
            }
        }
        for file in files.values() {
            report.files += 1;
            report.bytes += file.bytes;
            if let Some(problem) = damage(&self.root().join(&file.path), &file.blake3) {
                report.problems.push(format!("{}: {problem}", file.path));
            }
        }
        Ok(report)
    }

    fn releases_in_force(&self, current: ReleaseId) -> Vec<(ReleaseId, Option<String>)> {
        let mut ids = vec![(current, None)];
        // A manifest that cannot be read is reported where all of them are read.
        if let Ok(manifest) = self.manifest(current) {
            // Releases that `gc` took away are known by name only.
            let kept = manifest
                .history
                .into_iter()
                .filter(|entry| self.release_folder(entry.release).exists());
            ids.extend(kept.map(|entry| (entry.release, Some(entry.manifest_blake3))));
        }
        ids
    }

    fn manifest_hash_of(&self, id: ReleaseId) -> Result<String, StoreError> {
        let path = self.release_folder(id).join("manifest.json");
        let text = std::fs::read(&path).map_err(|source| StoreError::io("read", &path, source))?;
        Ok(blake3::hash(&text).to_hex().to_string())
    }

    fn check_links(&self, manifest: &Manifest, report: &mut VerifyReport) {
        let folder = self.release_folder(manifest.release);
        for (name, table) in &manifest.tables {
            for file in &table.files {
                let base = folder.join(name.schema()).join(name.table());
                let base = file
                    .partition
                    .as_ref()
                    .map_or(base.clone(), |part| base.join(part));
                let link = base.join(Path::new(&file.path).file_name().unwrap_or_default());
                self.check_link(&link, file, report);
            }
        }
        for list in manifest
            .campaigns
            .iter()
            .flat_map(|campaign| &campaign.lists)
        {
            for (name, file) in list.named() {
                self.check_link(&folder.join(name), file, report);
            }
        }
    }

    fn check_link(&self, link: &Path, file: &FileEntry, report: &mut VerifyReport) {
        let same = std::fs::canonicalize(link)
            .and_then(|found| Ok(found == std::fs::canonicalize(self.root().join(&file.path))?))
            .unwrap_or(false);
        if !same {
            report.problems.push(format!(
                "{}: the link does not lead to its file",
                link.display()
            ));
        }
    }
}

/// Every file a manifest names, tables and lists.
pub(super) fn named_files(manifest: &Manifest) -> impl Iterator<Item = &FileEntry> {
    let lists = manifest
        .campaigns
        .iter()
        .flat_map(|entry| entry.list_files().chain(&entry.contacts));
    manifest
        .tables
        .values()
        .flat_map(|table| &table.files)
        .chain(lists)
}

/// The hash a content-named file stands under: `journal/<hash>.parquet`.
fn hash_in_name(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split('.').next().unwrap_or_default()
}

fn damage(path: &Path, blake3: &str) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    match File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ())) {
        Err(error) => Some(error.to_string()),
        Ok(()) if hasher.finalize().to_hex().as_str() != blake3 => {
            Some("its content has changed since it was written".to_owned())
        }
        Ok(()) => None,
    }
}
