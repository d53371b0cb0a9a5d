//! A release's manifest: for each table its files, and everything needed to prove where they came from.
//!
//! It holds no clock time and no run id: the same inputs give the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ReleaseId;
use crate::domain::{BusinessDate, Parameter, TableName};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's own layout.
    pub format: u32,
    pub release: ReleaseId,
    pub business_date: BusinessDate,
    /// The release this one was built upon.
    pub base: Option<ReleaseId>,
    pub engine: String,
    /// blake3 over all files of the project.
    pub configuration: String,
    pub inputs: Vec<InputEntry>,
    /// What each feed's load reported: rows and cents read, loaded, rejected, duplicate.
    pub feeds: BTreeMap<String, serde_json::Value>,
    pub gates: Vec<GateResult>,
    /// Step name -> fingerprint.
    pub steps: BTreeMap<String, String>,
    pub tables: BTreeMap<TableName, TableEntry>,
    /// What `$name` in the SQL of views stands for.
    pub parameters: BTreeMap<String, Parameter>,
    /// In an order in which each may be planned.
    pub views: Vec<ViewEntry>,
    pub campaigns: Vec<CampaignEntry>,
    /// All releases published before this one, oldest first, with the hash of their manifest.
    pub history: Vec<HistoryEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputEntry {
    pub feed: String,
    /// Below the landing folder, or below `journal/` for replayed rejects.
    pub path: String,
    pub file_id: i64,
    pub blake3: String,
    pub bytes: u64,
    pub rows: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableEntry {
    pub columns: Vec<ColumnEntry>,
    /// Rows of each file are in this order.
    pub sorted_by: Vec<String>,
    pub files: Vec<FileEntry>,
}

impl TableEntry {
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    pub name: String,
    /// Arrow's own spelling, such as `Decimal128(18, 2)`.
    pub data_type: String,
}

/// One immutable data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Below the warehouse folder.
    pub path: String,
    pub rows: u64,
    pub bytes: u64,
    pub blake3: String,
    /// `month=2026-10` or `date=2026-10-31`; none for an unpartitioned table.
    pub partition: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewEntry {
    pub table: TableName,
    pub sql: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateStatus {
    Passed,
    Failed,
    /// Failed with exactly the finding that somebody signed for.
    Accepted,
    /// Failed, but its severity is `warn`.
    Warned,
    /// The bank's data cannot feed it; never counted as passed.
    NotApplicable,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    pub id: String,
    pub status: GateStatus,
    pub detail: String,
}

/// A campaign's run and the list files it wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignEntry {
    pub code: String,
    /// Nothing of it goes out before a second person has approved.
    #[serde(default)]
    pub awaits_approval: bool,
    pub waterfall: Vec<WaterfallLine>,
    /// What compliance should know: columns that stand close to a prohibited basis, and under the regime of deposits
    /// those that are one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(default)]
    pub cells: Vec<CellEntry>,
    /// How much less the chosen are worth than the best that no choice within the limits can pass, in millionths of it;
    /// none when that is not positive.
    #[serde(default)]
    pub gap_ppm: Option<u32>,
    /// Per kind of list the channel it is for; none for everybody contacted.
    #[serde(default)]
    pub exports: Vec<Option<String>>,
    /// Every member of the universe as this run judged it, part of `campaigns.candidate`; none for an empty universe.
    pub candidates: Option<FileEntry>,
    /// What the run adds to `campaigns.contact_history` once it is delivered; none when nobody was chosen.
    #[serde(default)]
    pub contacts: Option<FileEntry>,
    pub lists: Vec<ListEntry>,
}

impl CampaignEntry {
    /// Customers that are contacted, those of explore cells too.
    #[must_use]
    pub fn contacted(&self) -> u64 {
        let contacted = self.cells.iter().filter(|cell| cell.kind != "control");
        contacted.map(|cell| cell.members).sum()
    }

    /// Customers that a kind of list must show, and that its lists do show.
    #[must_use]
    pub fn shown_by(&self, export: usize) -> (u64, u64) {
        let channel = self.exports.get(export).and_then(Option::as_ref);
        let cells = self.cells.iter().filter(|cell| {
            cell.kind != "control" && (channel.is_none() || cell.channel.as_ref() == channel)
        });
        let lists = self.lists.iter().filter(|list| list.export == export);
        (
            cells.map(|cell| cell.members).sum(),
            lists.map(|list| list.file.rows - list.seeds).sum(),
        )
    }

    /// Customers on lists, each once.
    #[must_use]
    pub fn listed(&self) -> u64 {
        let exports = 0..self.exports.len();
        let whole = exports
            .clone()
            .find(|export| self.exports[*export].is_none());
        match whole {
            Some(export) => self.shown_by(export).1,
            None => {
                // One kind of list per channel: others of the same channel show the same customers.
                let mut channels: Vec<&Option<String>> = Vec::new();
                let first = exports.filter(|export| {
                    let channel = &self.exports[*export];
                    let is_first = !channels.contains(&channel);
                    channels.push(channel);
                    is_first
                });
                first.map(|export| self.shown_by(export).1).sum()
            }
        }
    }

    /// Every list and its control.
    pub fn list_files(&self) -> impl Iterator<Item = &FileEntry> {
        self.lists
            .iter()
            .flat_map(|list| [&list.file, &list.control])
    }
}

/// A part of those selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellEntry {
    pub code: String,
    /// target, control or explore
    pub kind: String,
    pub channel: Option<String>,
    pub offer: Option<String>,
    /// Asked for, in millionths.
    pub share_ppm: u32,
    pub members: u64,
    pub unit_cost_cents: Option<i64>,
    pub cost_cents: i64,
    /// The smallest rise over the base rate that the cell could show against the controls, in millionths; none without
    /// controls, or when there are too few of them for any.
    pub smallest_effect_ppm: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaterfallLine {
    pub rule: String,
    pub description: String,
    /// Members that fail this rule, whatever else they fail.
    pub failed: u64,
    /// Members that this rule removed after all rules above it.
    pub removed: u64,
    pub remaining: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// Below the release folder and without ending: `lists/<campaign>/<name>`.
    pub name: String,
    /// Which of the campaign's kinds of list it is.
    #[serde(default)]
    pub export: usize,
    /// Rows of the bank's own names among the list's.
    #[serde(default)]
    pub seeds: u64,
    /// The list, `<name>.csv`.
    pub file: FileEntry,
    /// Its row count, sums and hash, `<name>.<ending>.ctl`.
    pub control: FileEntry,
}

impl ListEntry {
    /// `csv` or `xlsx`.
    #[must_use]
    pub fn ending(&self) -> &str {
        self.file.path.rsplit('.').next().unwrap_or_default()
    }

    /// The list and its control, each with its name below the release folder.
    #[must_use]
    pub fn named(&self) -> [(String, &FileEntry); 2] {
        let ending = self.ending();
        // The control of a CSV keeps the name receivers know.
        let control = if ending == "csv" {
            String::new()
        } else {
            format!(".{ending}")
        };
        [
            (format!("{}.{ending}", self.name), &self.file),
            (format!("{}{control}.ctl", self.name), &self.control),
        ]
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub release: ReleaseId,
    pub manifest_blake3: String,
}
