//! Text to bytes as a source system writes them: encoding, compression.

use std::io::{self, Write};

use encoding_rs::{GB18030, WINDOWS_1252};
use flate2::{Compression, GzBuilder, write::GzEncoder};

use crate::synth::Output;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    /// With a byte order mark.
    Utf8Marked,
    /// Little endian, with a byte order mark.
    Utf16,
    Latin1,
    Gb18030,
}

enum Packer {
    Plain(Box<dyn Write>),
    Gzip(GzEncoder<Box<dyn Write>>),
    Zstd(zstd::stream::write::Encoder<'static, Box<dyn Write>>),
}

/// A file being written; the compression follows from its name.
pub struct CodedFile {
    packer: Packer,
    charset: Charset,
    pending: Vec<u8>,
}

/// Bytes gathered before they reach the compressor.
const BUFFER: usize = 1 << 15;
/// A dozen files are open at once: higher levels cost tens of megabytes for each.
const ZSTD_LEVEL: i32 = 4;

impl CodedFile {
    pub fn create(output: &mut dyn Output, path: &str, charset: Charset) -> io::Result<Self> {
        let file = output.create(path)?;
        let packer = match path.rsplit('.').next() {
            // No modification time and no machine: the same text gives the same bytes.
            Some("gz") => Packer::Gzip(
                GzBuilder::new()
                    .mtime(0)
                    .operating_system(255)
                    .write(file, Compression::best()),
            ),
            Some("zst") => Packer::Zstd(zstd::stream::write::Encoder::new(file, ZSTD_LEVEL)?),
            _ => Packer::Plain(file),
        };
        let pending = match charset {
            Charset::Utf16 => vec![0xFF, 0xFE],
            Charset::Utf8Marked => vec![0xEF, 0xBB, 0xBF],
            Charset::Utf8 | Charset::Latin1 | Charset::Gb18030 => Vec::new(),
        };
        Ok(Self {
            packer,
            charset,
            pending,
        })
    }

    pub fn text(&mut self, text: &str) -> io::Result<()> {
        match self.charset {
            Charset::Utf8 | Charset::Utf8Marked => self.pending.extend_from_slice(text.as_bytes()),
            Charset::Utf16 => self
                .pending
                .extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Charset::Latin1 => self.pending.extend_from_slice(&WINDOWS_1252.encode(text).0),
            Charset::Gb18030 => self.pending.extend_from_slice(&GB18030.encode(text).0),
        }
        if self.pending.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.packer {
            Packer::Plain(file) => file.write_all(&self.pending)?,
            Packer::Gzip(file) => file.write_all(&self.pending)?,
            Packer::Zstd(file) => file.write_all(&self.pending)?,
        }
        self.pending.clear();
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self.packer {
            Packer::Plain(mut file) => file.flush(),
            Packer::Gzip(file) => file.finish()?.flush(),
            Packer::Zstd(file) => file.finish()?.flush(),
        }
    }
}
