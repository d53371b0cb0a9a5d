//! A file for this run alone, read again by whoever wrote it: neither hashed nor synced, removed when it is dropped.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{StoreError, Warehouse, durable};

#[derive(Debug)]
pub struct ScratchFile {
    path: PathBuf,
    /// `None` once it is complete: many may wait to be read, and a handle and its buffer are not kept for each.
    writer: Option<BufWriter<File>>,
}

impl Warehouse {
    pub fn scratch_file(&self) -> Result<ScratchFile, StoreError> {
        let path = self.temporary_path();
        let file = durable::create_file(&path)?;
        Ok(ScratchFile {
            path,
            writer: Some(BufWriter::with_capacity(1 << 18, file)),
        })
    }
}

impl ScratchFile {
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands the last bytes to the system; nothing can be written afterwards.
    pub fn complete(&mut self) -> io::Result<()> {
        self.writer
            .take()
            .map_or(Ok(()), |mut writer| writer.flush())
    }
}

impl Write for ScratchFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(buffer),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next run's start.
        let _ = std::fs::remove_file(&self.path);
    }
}
