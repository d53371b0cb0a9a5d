//! A zip archive with the same bytes every time: no clock, no extra fields, one compression level.
//!
//! Written here because every crate for it switches on features that would build both engines anew.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// 1980-01-01, the first day a zip archive knows.
const DATE: u16 = 0x0021;
const VERSION: u16 = 20;
const DEFLATED: u16 = 8;

/// Collects files; `finish` gives the archive.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    n_files: u16,
}

impl Archive {
    /// Adds a file. Names are ASCII.
    pub fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        let mut crc = Crc::new();
        crc.update(content);
        let too_large = |_| io::Error::other("a list is too large for one file of this format");
        let offset = u32::try_from(self.bytes.len()).map_err(too_large)?;
        let mut head = Vec::with_capacity(26);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&0_u16.to_le_bytes());
        head.extend_from_slice(&DEFLATED.to_le_bytes());
        head.extend_from_slice(&0_u16.to_le_bytes());
        head.extend_from_slice(&DATE.to_le_bytes());
        head.extend_from_slice(&crc.sum().to_le_bytes());
        head.extend_from_slice(
            &u32::try_from(packed.len())
                .map_err(too_large)?
                .to_le_bytes(),
        );
        head.extend_from_slice(
            &u32::try_from(content.len())
                .map_err(too_large)?
                .to_le_bytes(),
        );
        head.extend_from_slice(&u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
        head.extend_from_slice(&0_u16.to_le_bytes());

        self.bytes.extend_from_slice(b"PK\x03\x04");
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(&packed);

        self.directory.extend_from_slice(b"PK\x01\x02");
        self.directory.extend_from_slice(&VERSION.to_le_bytes());
        self.directory.extend_from_slice(&head);
        // No comment, first disk, no attributes.
        self.directory.extend_from_slice(&[0; 10]);
        self.directory.extend_from_slice(&offset.to_le_bytes());
        self.directory.extend_from_slice(name.as_bytes());
        self.n_files += 1;
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        let too_large = |_| io::Error::other("a list is too large for one file of this format");
        let offset = u32::try_from(self.bytes.len()).map_err(too_large)?;
        let length = u32::try_from(self.directory.len()).map_err(too_large)?;
        self.bytes.append(&mut self.directory);
        self.bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend_from_slice(&self.n_files.to_le_bytes());
        self.bytes.extend_from_slice(&self.n_files.to_le_bytes());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&offset.to_le_bytes());
        self.bytes.extend_from_slice(&0_u16.to_le_bytes());
        Ok(self.bytes)
    }
}
