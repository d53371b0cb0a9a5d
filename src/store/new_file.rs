//! A file under construction: hashed while it is written, named by its content when it is committed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::manifest::FileEntry;
use super::{StoreError, Warehouse, durable};

/// Temporary names only need to differ within this process: the lock keeps other writers away.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

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
        durable::create_folder(&self.warehouse.join(&folder))?;
        let target = self.warehouse.join(&path);
        // A file of this name has this content, unless it was damaged: then it is replaced.
        if has_content(&target, &blake3) {
            target.parent().map_or(Ok(()), durable::sync_folder)?;
        } else {
            durable::rename(&self.temporary, &target)?;
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
