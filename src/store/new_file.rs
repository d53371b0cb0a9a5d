//! A file under construction: hashed while it is written, named by its content when it is committed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::manifest::FileEntry;
use super::{StoreError, Warehouse, durable};

/// Temporary names only need to differ within this process: the lock keeps other writers away.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// Files whose sync is waited for at the same time: the disk writes them in one go.
const WAITING_AT_ONCE: usize = 16;

/// Dropping it without `commit` removes the temporary file.
#[derive(Debug)]
pub struct NewFile {
    warehouse: PathBuf,
    temporary: PathBuf,
    writer: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Warehouse {
    pub fn new_file(&self) -> Result<NewFile, StoreError> {
        let temporary = self.temporary_path();
        let file = durable::create_file(&temporary)?;
        Ok(NewFile {
            warehouse: self.root().to_owned(),
            temporary,
            writer: BufWriter::with_capacity(1 << 20, file),
            hasher: blake3::Hasher::new(),
            bytes: 0,
        })
    }

    /// Commits many small files of one folder at once: their syncs wait for the disk together, and the folder is synced
    /// once. Each file comes with its ending and rows; the entries stand in the same order.
    ///
    /// # Errors
    /// The first of any file; files that were named before it stay, unnamed by anything.
    pub fn commit_together(
        &self,
        files: Vec<(NewFile, &str, u64)>,
        folder: &str,
    ) -> Result<Vec<FileEntry>, StoreError> {
        let target = self.root().join(folder);
        durable::create_folder(&target)?;
        let share = files.len().div_ceil(WAITING_AT_ONCE).max(1);
        let mut files = files;
        let mut shares = Vec::new();
        while !files.is_empty() {
            let rest = files.split_off(share.min(files.len()));
            shares.push(std::mem::replace(&mut files, rest));
        }
        let committed: Vec<Result<Vec<FileEntry>, StoreError>> = std::thread::scope(|scope| {
            let waiting: Vec<_> = shares
                .into_iter()
                .map(|share| {
                    scope.spawn(move || {
                        let entries = share.into_iter();
                        entries
                            .map(|(file, extension, rows)| file.name(folder, extension, rows, None))
                            .collect()
                    })
                })
                .collect();
            waiting
                .into_iter()
                .map(|thread| match thread.join() {
                    Ok(entries) => entries,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        });
        let mut entries = Vec::new();
        for share in committed {
            entries.extend(share?);
        }
        durable::sync_folder(&target)?;
        Ok(entries)
    }

    pub(super) fn temporary_path(&self) -> PathBuf {
        let number = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
        self.root()
            .join("tmp")
            .join(format!("{}-{number}", std::process::id()))
    }
}

impl NewFile {
    /// Where the bytes stand until the commit; a second pass may read it after `flush`.
    #[must_use]
    pub fn temporary_path(&self) -> &Path {
        &self.temporary
    }

    /// Syncs the file and gives it its name below `folder`; a file of the same content is kept as it is.
    pub fn commit(
        self,
        folder: &str,
        extension: &str,
        rows: u64,
        partition: Option<String>,
    ) -> Result<FileEntry, StoreError> {
        let root = self.warehouse.clone();
        let place = match &partition {
            Some(partition) => root.join(folder).join(partition),
            None => root.join(folder),
        };
        durable::create_folder(&place)?;
        let entry = self.name(folder, extension, rows, partition)?;
        durable::sync_folder(&place)?;
        Ok(entry)
    }

    /// As `commit`, without the folder, which stands already and is synced by the caller.
    fn name(
        mut self,
        folder: &str,
        extension: &str,
        rows: u64,
        partition: Option<String>,
    ) -> Result<FileEntry, StoreError> {
        self.writer
            .flush()
            .map_err(|source| StoreError::io("write", &self.temporary, source))?;
        durable::sync_file(self.writer.get_ref(), &self.temporary)?;
        let blake3 = self.hasher.finalize().to_hex().to_string();
        let folder = match &partition {
            Some(partition) => format!("{folder}/{partition}"),
            None => folder.to_owned(),
        };
        let path = format!("{folder}/{blake3}.{extension}");
        let target = self.warehouse.join(&path);
        // A file of this name has this content, unless it was damaged: then it is replaced.
        if !has_content(&target, &blake3) {
            durable::rename_unsynced(&self.temporary, &target)?;
        }
        Ok(FileEntry {
            path,
            rows,
            bytes: self.bytes,
            blake3,
            partition,
        })
    }
}

fn has_content(path: &Path, blake3: &str) -> bool {
    let mut hasher = blake3::Hasher::new();
    let read = File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ()));
    read.is_ok() && hasher.finalize().to_hex().as_str() == blake3
}

impl Write for NewFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Gone already after a commit; what cannot be removed now is removed at the next run's start.
        let _ = std::fs::remove_file(&self.temporary);
    }
}
