//! `current`: the one atomic pointer, a relative symbolic link replaced by rename.

use std::fs;
use std::os::unix::fs::symlink;

use super::{ReleaseId, StoreError, Warehouse, durable};

impl Warehouse {
    /// The release that readers see; `None` before the first publication.
    pub fn current(&self) -> Result<Option<ReleaseId>, StoreError> {
        let path = self.root().join("current");
        match fs::read_link(&path) {
            Ok(target) => {
                let name = target
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                let id = name.parse().map_err(|_| StoreError::Damaged {
                    path: path.clone(),
                    problem: format!("it points to `{}`, which is no release", target.display()),
                })?;
                Ok(Some(id))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::io("read the pointer", &path, source)),
        }
    }

    /// The current release, or an error that says nothing has been published.
    pub fn require_current(&self) -> Result<ReleaseId, StoreError> {
        self.current()?.ok_or_else(|| StoreError::NothingPublished {
            path: self.root().to_owned(),
        })
    }

    pub(super) fn point_to(&self, id: ReleaseId) -> Result<(), StoreError> {
        let staged = self.root().join("tmp").join("current");
        if let Err(error) = fs::remove_file(&staged)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(StoreError::io("remove", &staged, error));
        }
        symlink(format!("releases/{id}"), &staged)
            .map_err(|source| StoreError::io("link", &staged, source))?;
        durable::rename(&staged, &self.root().join("current"))
    }

    /// Takes the releases after `to` back: readers see `to` again.
    ///
    /// The journal must already know the withdrawal: a crash between the two leaves a rollback to repeat, not a lie.
    pub fn roll_back(&self, to: ReleaseId) -> Result<(), StoreError> {
        self.manifest(to)?;
        self.point_to(to)
    }
}
