//! The journal: what has happened in the world and no rerun may forget.
//!
//! One JSON line per event, each holding the hash of the line before and, last, its own; large content stands in
//! files beside it, named by their hash.
//! A last line without its newline is an append that never finished: it is dropped, nothing was built on it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{FileEntry, NewFile, ReleaseId, StoreError, Warehouse, WarehouseLock, durable};
use crate::domain::BusinessDate;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// Customer ids and their founding source records, as Parquet.
    IdsIssued {
        business_date: BusinessDate,
        file: String,
        rows: u64,
    },
    /// Corrected rows handed in for a feed and a date.
    RejectsReplayed {
        feed: String,
        business_date: BusinessDate,
        file: String,
        blake3: String,
    },
    ListDelivered {
        campaign: String,
        release: ReleaseId,
        name: String,
        blake3: String,
        rows: u64,
        /// Every candidate of that night's campaigns, selected or not; below the warehouse folder.
        candidates: String,
    },
    /// A campaign's lists went out.
    CampaignDelivered {
        campaign: String,
        /// The night that chose.
        business_date: BusinessDate,
        /// The business date that was current when the lists went out.
        contacted_on: BusinessDate,
        /// Whom the lists name and whom they hold back, kept beside the journal; none when nobody.
        contacts: Option<FileEntry>,
        /// The release that holds the tables it chose from.
        release: ReleaseId,
        /// The campaign as it was written then and what the run brought about, kept beside the journal.
        run: String,
        /// Who sent them out; none for lists that go out with the night.
        by: Option<String>,
    },
    /// A second person approved what a night chose.
    CampaignApproved {
        campaign: String,
        business_date: BusinessDate,
        /// Hash of the candidates that were approved.
        candidates: String,
        by: String,
        reason: Option<String>,
        /// The day of the signature.
        on: BusinessDate,
    },
    /// Delivered lists were taken back: their contacts did not happen.
    CampaignRecalled {
        campaign: String,
        business_date: BusinessDate,
        /// The business date that was current then.
        recalled_on: BusinessDate,
        by: String,
        reason: String,
        on: BusinessDate,
    },
    /// Somebody wants a campaign to run with a business date, whatever its schedule.
    CampaignAsked {
        campaign: String,
        business_date: BusinessDate,
        by: String,
    },
    Withdrawn {
        releases: Vec<ReleaseId>,
        reason: String,
    },
    /// A person said whether two records are one customer.
    MatchDecided {
        left: RecordPlace,
        right: RecordPlace,
        is_same: bool,
        decided_by: String,
        reason: String,
    },
    /// Somebody signed for what a gate found, word for word.
    GateAccepted {
        gate: String,
        finding: String,
        reason: String,
        by: String,
        /// The day of the signature.
        on: BusinessDate,
        /// The night whose candidate held the finding.
        business_date: BusinessDate,
    },
}

/// A source record, by the key of its source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordPlace {
    pub source: String,
    pub feed: String,
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct JournalLine {
    sequence: u64,
    /// blake3 of the line before, without its newline; empty for the first.
    previous: String,
    #[serde(flatten)]
    event: JournalEvent,
}

/// All events so far, oldest first.
#[derive(Debug, Clone)]
pub struct Journal {
    pub events: Vec<JournalEvent>,
    last_hash: String,
}

impl Journal {
    /// Releases taken back by a rollback.
    #[must_use]
    pub fn withdrawn(&self) -> Vec<ReleaseId> {
        let lists = self.events.iter().filter_map(|event| match event {
            JournalEvent::Withdrawn { releases, .. } => Some(releases),
            _ => None,
        });
        lists.flatten().copied().collect()
    }

    /// Every file beside the journal that an event names, below the warehouse folder.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let of_campaigns = self.events.iter().filter_map(|event| match event {
            JournalEvent::CampaignDelivered { contacts, run, .. } => Some(
                contacts
                    .iter()
                    .map(|file| file.path.as_str())
                    .chain([run.as_str()]),
            ),
            _ => None,
        });
        let others = self.events.iter().filter_map(|event| match event {
            JournalEvent::IdsIssued { file, .. } | JournalEvent::RejectsReplayed { file, .. } => {
                Some(file.as_str())
            }
            JournalEvent::ListDelivered { candidates, .. } => Some(candidates.as_str()),
            JournalEvent::Withdrawn { .. }
            | JournalEvent::MatchDecided { .. }
            | JournalEvent::GateAccepted { .. }
            | JournalEvent::CampaignDelivered { .. }
            | JournalEvent::CampaignApproved { .. }
            | JournalEvent::CampaignRecalled { .. }
            | JournalEvent::CampaignAsked { .. } => None,
        });
        others.chain(of_campaigns.flatten())
    }

    /// What people decided about pairs of records, oldest first: the two, and whether they are one customer.
    pub fn match_decisions(&self) -> impl Iterator<Item = (&RecordPlace, &RecordPlace, bool)> {
        self.events.iter().filter_map(|event| match event {
            JournalEvent::MatchDecided {
                left,
                right,
                is_same,
                ..
            } => Some((left, right, *is_same)),
            _ => None,
        })
    }

    /// Files of issued ids, below the warehouse folder.
    pub fn issued_id_files(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(|event| match event {
            JournalEvent::IdsIssued { file, .. } => Some(file.as_str()),
            _ => None,
        })
    }

    /// Replayed reject files of a feed and date, in the order they were handed in.
    pub fn replays(&self, feed: &str, date: BusinessDate) -> Vec<&str> {
        let files = self.events.iter().filter_map(|event| match event {
            JournalEvent::RejectsReplayed {
                feed: of,
                business_date,
                file,
                ..
            } if of == feed && *business_date == date => Some(file.as_str()),
            _ => None,
        });
        files.collect()
    }
}

impl Warehouse {
    fn journal_path(&self) -> PathBuf {
        self.root().join("journal").join("journal.jsonl")
    }

    /// Reads the journal and checks its hash chain.
    ///
    /// # Errors
    /// `Damaged`, with the line, when a line was changed, lost or cannot be read.
    pub fn journal(&self) -> Result<Journal, StoreError> {
        let path = self.journal_path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        let complete = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut journal = Journal {
            events: Vec::new(),
            last_hash: String::new(),
        };
        for line in text[..complete].split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let number = journal.events.len() as u64 + 1;
            let damaged = |problem: &str| StoreError::Damaged {
                path: path.clone(),
                problem: format!("line {number}: {problem}"),
            };
            let parsed: JournalLine =
                serde_json::from_slice(line).map_err(|error| damaged(&error.to_string()))?;
            if parsed.sequence != number || parsed.previous != journal.last_hash {
                return Err(damaged("it does not follow from the line before it"));
            }
            if !ends_with_own_hash(line) {
                return Err(damaged("it was changed after it was written"));
            }
            journal.last_hash = blake3::hash(line).to_hex().to_string();
            journal.events.push(parsed.event);
        }
        Ok(journal)
    }

    /// Appends events durably, skipping those the journal already holds.
    pub fn append_to_journal(
        &self,
        _lock: &WarehouseLock,
        events: Vec<JournalEvent>,
    ) -> Result<(), StoreError> {
        let mut journal = self.journal()?;
        let path = self.journal_path();
        let mut text = Vec::new();
        for event in events {
            if journal.events.contains(&event) {
                continue;
            }
            let line = JournalLine {
                sequence: journal.events.len() as u64 + 1,
                previous: journal.last_hash.clone(),
                event: event.clone(),
            };
            let line = serde_json::to_vec(&line).map_err(|error| StoreError::Damaged {
                path: path.clone(),
                problem: error.to_string(),
            })?;
            let line = with_own_hash(line);
            journal.last_hash = blake3::hash(&line).to_hex().to_string();
            journal.events.push(event);
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        if text.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| StoreError::io("open", &path, source))?;
        let complete = complete_length(&path)?;
        file.set_len(complete)
            .and_then(|()| std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)))
            .and_then(|_| file.write_all(&text))
            .map_err(|source| StoreError::io("append to", &path, source))?;
        durable::sync_file(&file, &path)?;
        durable::sync_folder(&self.root().join("journal"))
    }

    /// Keeps a data file's content in the journal too, where no retention reaches it; returns its path there.
    pub fn keep_in_journal(&self, file: &FileEntry) -> Result<String, StoreError> {
        let ending = file.path.rsplit('.').next().unwrap_or_default();
        let path = self.root().join(&file.path);
        let mut source =
            fs::File::open(&path).map_err(|source| StoreError::io("open", &path, source))?;
        let mut copy = self.new_file()?;
        std::io::copy(&mut source, &mut copy)
            .map_err(|source| StoreError::io("copy", &path, source))?;
        self.commit_journal_file(copy, ending, file.rows)
    }

    /// Puts a file of the warehouse, named by its content, back where it was: from the journal's copy.
    pub fn restore_from_journal(&self, file: &FileEntry) -> Result<(), StoreError> {
        if self.root().join(&file.path).is_file() {
            return Ok(());
        }
        let (folder, name) = file.path.rsplit_once('/').unwrap_or_default();
        let folder = file.partition.as_ref().map_or(folder, |partition| {
            folder
                .strip_suffix(partition.as_str())
                .unwrap_or(folder)
                .trim_end_matches('/')
        });
        let ending = name.rsplit('.').next().unwrap_or_default();
        let kept = self.root().join("journal").join(name);
        let mut source =
            fs::File::open(&kept).map_err(|source| StoreError::io("open", &kept, source))?;
        let mut copy = self.new_file()?;
        std::io::copy(&mut source, &mut copy)
            .map_err(|source| StoreError::io("copy", &kept, source))?;
        copy.commit(folder, ending, file.rows, file.partition.clone())?;
        Ok(())
    }

    /// Gives content that belongs to the journal its place; the returned path goes into an event.
    pub fn commit_journal_file(
        &self,
        file: NewFile,
        extension: &str,
        rows: u64,
    ) -> Result<String, StoreError> {
        Ok(file.commit("journal", extension, rows, None)?.path)
    }
}

const OWN_HASH: &[u8] = b",\"hash\":\"";

/// Adds a last member to a JSON object: the hash of all text before it.
fn with_own_hash(mut line: Vec<u8>) -> Vec<u8> {
    line.pop();
    let hash = blake3::hash(&line).to_hex();
    line.extend_from_slice(OWN_HASH);
    line.extend_from_slice(hash.as_bytes());
    line.extend_from_slice(b"\"}");
    line
}

/// The line after it only proves a line's hash once there is one; the last line proves itself.
fn ends_with_own_hash(line: &[u8]) -> bool {
    let hash_length = 2 * blake3::OUT_LEN;
    let Some(at) = line.len().checked_sub(OWN_HASH.len() + hash_length + 2) else {
        return false;
    };
    let mut object = line[..at].to_vec();
    object.push(b'}');
    with_own_hash(object) == line
}

fn complete_length(path: &std::path::Path) -> Result<u64, StoreError> {
    let text = fs::read(path).map_err(|source| StoreError::io("read", path, source))?;
    Ok(text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at as u64 + 1))
}
