//! How a run was asked for, after the command line has been read.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::config::project::Project;
use crate::sql::SessionOptions;

/// Memory for the keys of one feed; more keys are set aside in a file, which costs little.
pub const KEY_BYTES: usize = 64 << 20;

#[derive(Debug, Clone)]
pub struct RunSettings {
    pub warehouse: PathBuf,
    pub landing: PathBuf,
    pub threads: NonZeroUsize,
    /// Bytes that the process may hold while queries run. Finding customers refuses to start where they cannot be enough;
    /// what loading holds is flat, but for the keys of the feeds, which get a part of it.
    pub memory: Option<usize>,
    /// Allows closed months to change.
    pub restate: bool,
    /// Allows a business date of the calendar to be left out.
    pub allow_gap: bool,
}

impl RunSettings {
    /// Folders as the project's `bank.yml` names them, unless the command line did.
    #[must_use]
    pub fn new(
        project: &Project,
        working_folder: &std::path::Path,
        warehouse: Option<PathBuf>,
        landing: Option<PathBuf>,
        threads: NonZeroUsize,
    ) -> Self {
        let default = || working_folder.join("warehouse").join(&project.name);
        Self {
            warehouse: warehouse
                .or_else(|| project.bank.warehouse.clone())
                .unwrap_or_else(default),
            landing: landing.unwrap_or_else(|| project.bank.landing.clone()),
            threads,
            memory: None,
            restate: false,
            allow_gap: false,
        }
    }

    /// For the keys of one feed, of as many as are loaded at once: all together an eighth of the limit. A feed with more
    /// keys holds about 20 MB besides while it sets them aside.
    #[must_use]
    pub fn key_bytes(&self) -> usize {
        self.memory
            .map_or(KEY_BYTES, |memory| KEY_BYTES.min(memory / 8 / self.threads))
    }

    /// For a night, in which models run side by side: that keeps the threads busy, and one query then needs no more than
    /// one part.
    #[must_use]
    pub fn night_options(&self) -> SessionOptions {
        SessionOptions {
            parts: NonZeroUsize::MIN,
            ..self.session_options()
        }
    }

    /// For one query after the other.
    #[must_use]
    pub fn session_options(&self) -> SessionOptions {
        SessionOptions {
            threads: self.threads,
            parts: self.threads,
            // What the engine's operators admit to is about five eighths of what the process then holds.
            memory: self.memory.map(|bytes| bytes / 8 * 5),
            spill_folder: Some(self.warehouse.join("tmp")),
        }
    }
}
