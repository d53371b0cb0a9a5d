//! The few file operations everything durable is made of.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::StoreError;

/// Creates a folder and its parents, each made durable in its parent.
pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        create_folder(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(source) => return Err(StoreError::io("create folder", path, source)),
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StoreError::io("sync folder", path, source))
}

pub(super) fn sync_file(file: &File, path: &Path) -> Result<(), StoreError> {
    // Never retried: after a failure the kernel may have dropped the pages and report success.
    file.sync_all()
        .map_err(|source| StoreError::io("sync", path, source))
}

#[expect(clippy::disallowed_methods, reason = "this is the place that may")]
pub(super) fn create_file(path: &Path) -> Result<File, StoreError> {
    File::create(path).map_err(|source| StoreError::io("create", path, source))
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    rename_unsynced(from, to)?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// The caller syncs the folder before anything names the file.
#[expect(clippy::disallowed_methods, reason = "this is the place that may")]
pub(super) fn rename_unsynced(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::io("rename to", to, source))
}

/// Readers see the old content or the new, whole and synced.
pub(super) fn write_atomically(
    temporary: &Path,
    path: &Path,
    content: &[u8],
) -> Result<(), StoreError> {
    let staged = temporary.join(format!(
        "{}.new",
        blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex()
    ));
    let mut file = create_file(&staged)?;
    file.write_all(content)
        .map_err(|source| StoreError::io("write", &staged, source))?;
    sync_file(&file, &staged)?;
    rename(&staged, path)
}
