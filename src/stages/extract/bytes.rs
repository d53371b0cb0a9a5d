//! Delivered bytes: hashed, counted and decompressed in one pass.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use super::error::ExtractError;
use crate::config::feed::Compression;

/// Refused above this many expanded bytes if each delivered byte became more than `BOMB_RATIO`.
const BOMB_BYTES: u64 = 256 << 20;
const BOMB_RATIO: u64 = 500;

/// What the file is, by its bytes as delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentHash {
    pub blake3: String,
    pub bytes: u64,
}

/// Bytes taken from the file so far.
#[derive(Default)]
struct Progress {
    hasher: blake3::Hasher,
    bytes: u64,
}

struct HashingReader {
    file: File,
    progress: Rc<RefCell<Progress>>,
}

impl Read for HashingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let mut progress = self.progress.borrow_mut();
        progress.hasher.update(&buffer[..count]);
        progress.bytes += count as u64;
        Ok(count)
    }
}

/// The decompressed bytes of a delivered file.
pub struct DeliveredBytes {
    source: Box<dyn Read>,
    progress: Rc<RefCell<Progress>>,
    expanded: u64,
    bomb: bool,
}

/// Hashes the file as delivered, in a pass of its own: to ask whether it was loaded before.
///
/// # Errors
/// When the file cannot be read.
pub fn hash_file(file_name: &str, path: &Path) -> Result<ContentHash, ExtractError> {
    let unreadable = |source| ExtractError::Unreadable {
        file: file_name.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
    }
    Ok(ContentHash {
        blake3: hasher.finalize().to_hex().to_string(),
        bytes,
    })
}

impl DeliveredBytes {
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path, compression: Compression) -> io::Result<Self> {
        let progress = Rc::new(RefCell::new(Progress::default()));
        let raw = HashingReader {
            file: File::open(path)?,
            progress: Rc::clone(&progress),
        };
        let source: Box<dyn Read> = match resolve(path, compression) {
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(
                BufReader::with_capacity(1 << 16, raw),
            )),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?),
            Compression::Plain | Compression::Auto => Box::new(raw),
        };
        Ok(Self {
            source,
            progress,
            expanded: 0,
            bomb: false,
        })
    }

    /// Hash and length of what was read; the whole file's once `read` has given 0.
    pub fn content(&self) -> ContentHash {
        let progress = self.progress.borrow();
        ContentHash {
            blake3: progress.hasher.finalize().to_hex().to_string(),
            bytes: progress.bytes,
        }
    }

    /// Names what went wrong, after `line` lines and `byte_offset` bytes of text.
    pub fn failure(
        &self,
        file: &str,
        line: u64,
        byte_offset: u64,
        source: io::Error,
    ) -> ExtractError {
        let file = file.to_owned();
        match source.kind() {
            _ if self.bomb => ExtractError::Bomb {
                file,
                ratio: BOMB_RATIO,
            },
            io::ErrorKind::UnexpectedEof => ExtractError::CompressedTruncated {
                file,
                line,
                byte_offset,
            },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
                ExtractError::CompressedDamaged { file, line, source }
            }
            _ => ExtractError::Unreadable { file, source },
        }
    }
}

impl Read for DeliveredBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.expanded += count as u64;
        let delivered = self.progress.borrow().bytes;
        if self.expanded > BOMB_BYTES && self.expanded / delivered.max(1) > BOMB_RATIO {
            self.bomb = true;
            return Err(io::Error::other("expands too far"));
        }
        Ok(count)
    }
}

fn resolve(path: &Path, compression: Compression) -> Compression {
    if compression != Compression::Auto {
        return compression;
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => Compression::Plain,
    }
}
