//! `releases gc`: old releases go, then every file that nothing names any more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::release::remove_release;
use super::retained::Retained;
use super::verify::named_files;
use super::{ReleaseId, StoreError, Warehouse, WarehouseLock};

#[derive(Debug, Clone, Default)]
pub struct GcReport {
    pub releases: Vec<ReleaseId>,
    pub files: usize,
    pub bytes: u64,
}

/// How many releases stay.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Newest releases.
    pub daily: u32,
    /// Newest releases whose date ends a month.
    pub month_ends: u32,
}

impl Warehouse {
    /// Removes releases beyond `keep` (the current one and the bases of those kept always stay) and the files only they named.
    ///
    /// Of a removed release in `retained` the tables that are named there stay, and the files of those; what stayed of
    /// others before goes.
    ///
    /// `in_force` are the releases that count for their date, oldest first: superseded ones use up no place.
    pub fn collect_garbage(
        &self,
        _lock: &WarehouseLock,
        keep: Keep,
        in_force: &[ReleaseId],
        retained: &[Retained],
    ) -> Result<GcReport, StoreError> {
        let mut report = GcReport::default();
        let Some(current) = self.current()? else {
            return Ok(report);
        };
        let mut kept: BTreeSet<ReleaseId> = BTreeSet::from([current]);
        kept.extend(in_force.iter().rev().take(keep.daily as usize));
        let month_ends = in_force.iter().rev().filter(|id| id.date.is_month_end());
        kept.extend(month_ends.take(keep.month_ends as usize));
        // What a kept release was built upon: a rerun of its date builds upon it again.
        for id in kept
            .clone()
            .iter()
            .filter(|id| self.release_folder(**id).exists())
        {
            kept.extend(self.manifest(*id)?.base);
        }
        for wanted in retained
            .iter()
            .filter(|wanted| !kept.contains(&wanted.release))
            .filter(|wanted| self.release_folder(wanted.release).exists())
        {
            self.retain(wanted)?;
        }
        for id in self.release_folders()? {
            if !kept.contains(&id) {
                remove_release(self, id)?;
                report.releases.push(id);
            }
        }
        let mut named = BTreeSet::new();
        for id in kept.iter().filter(|id| self.release_folder(**id).exists()) {
            named
                .extend(named_files(&self.manifest(*id)?).map(|file| self.root().join(&file.path)));
        }
        for id in self.retained_releases()? {
            let is_wanted = retained.iter().any(|wanted| wanted.release == id);
            match self.retained_manifest(id)?.filter(|_| is_wanted) {
                Some(manifest) => {
                    named.extend(named_files(&manifest).map(|file| self.root().join(&file.path)));
                }
                None => self.forget(id)?,
            }
        }
        remove_unnamed(&self.root().join("data"), &named, &mut report)?;
        Ok(report)
    }
}

fn remove_unnamed(
    folder: &Path,
    named: &BTreeSet<std::path::PathBuf>,
    report: &mut GcReport,
) -> Result<(), StoreError> {
    let entries = fs::read_dir(folder).map_err(|source| StoreError::io("list", folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| StoreError::io("list", folder, source))?;
        let path = entry.path();
        let kind = entry
            .file_type()
            .map_err(|source| StoreError::io("look at", &path, source))?;
        if kind.is_dir() {
            remove_unnamed(&path, named, report)?;
        } else if !named.contains(&path) {
            report.bytes += entry.metadata().map_or(0, |found| found.len());
            report.files += 1;
            fs::remove_file(&path).map_err(|source| StoreError::io("remove", &path, source))?;
        }
    }
    Ok(())
}
