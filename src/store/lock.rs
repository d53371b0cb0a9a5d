//! One writer at a time: an advisory lock that the kernel drops when its owner dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};

use super::{StoreError, Warehouse};

/// Held for as long as this value lives.
#[derive(Debug)]
pub struct WarehouseLock {
    _file: File,
}

impl Warehouse {
    /// Takes the writer's lock, or says who holds it.
    ///
    /// # Errors
    /// `Locked` when another process writes to this warehouse.
    pub fn lock(&self) -> Result<WarehouseLock, StoreError> {
        let path = self.root().join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| StoreError::io("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(StoreError::Locked {
                    path: self.root().to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::io("lock", &path, source)),
        }
        // The text only helps a person; the lock itself is the kernel's.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "process {}", std::process::id()))
            .map_err(|source| StoreError::io("write", &path, source))?;
        Ok(WarehouseLock { _file: file })
    }
}
