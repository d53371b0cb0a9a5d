//! The project's folder: which files it holds, and their text. Everything read is hashed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, SourceText, closest};

/// Folders with a meaning; a name near one of them is taken for a misspelling.
const FOLDERS: [&str; 6] = [
    "sources",
    "models",
    "scores",
    "campaigns",
    "reference",
    "tests",
];
const TOP_FILES: [&str; 3] = ["bank.yml", "matching.yml", "acceptances.yml"];

pub(super) struct Folder<'a> {
    root: &'a Path,
    pub problems: Diagnostics,
    hashes: BTreeMap<String, blake3::Hash>,
}

impl<'a> Folder<'a> {
    /// Refuses a root that is no readable folder or holds no `bank.yml`.
    pub fn open(root: &'a Path) -> Result<Self, Diagnostics> {
        let bank = root.join("bank.yml");
        if !root.is_dir() {
            let message = if root.exists() {
                "the project must be a folder, found a file"
            } else {
                "the project's folder does not exist"
            };
            return Err(Diagnostic::in_file(root, message)
                .hint("name a folder that holds a bank.yml, such as pipelines/harbor")
                .into());
        }
        if !bank.is_file() {
            return Err(
                Diagnostic::in_file(root, "the project's folder holds no bank.yml")
                    .hint("add bank.yml with at least name, currency, country and landing")
                    .into(),
            );
        }
        let mut folder = Self {
            root,
            problems: Diagnostics::default(),
            hashes: BTreeMap::new(),
        };
        folder.look_for_strays();
        Ok(folder)
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The text of a file, which must exist and be UTF-8.
    pub fn read(&mut self, relative: &str) -> Option<SourceText> {
        let path = self.path(relative);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problems.push(Diagnostic::in_file(
                    &path,
                    format!("cannot be read: {error}"),
                ));
                return None;
            }
        };
        self.hashes
            .insert(relative.to_owned(), blake3::hash(&bytes));
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let valid = String::from_utf8_lossy(&bytes).into_owned();
                let message = format!("not UTF-8: byte {at} is 0x{:02x}", bytes[at]);
                self.problems.push(
                    SourceText::new(path, valid)
                        .error(at..at, message)
                        .hint("save the file as UTF-8"),
                );
                return None;
            }
        };
        // A byte order mark would shift every column of the first line.
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Some(SourceText::new(path, text))
    }

    /// Relative paths of the files and folders in `relative`, sorted; none when it does not exist.
    pub fn list(&mut self, relative: &str) -> Vec<Listed> {
        let path = self.path(relative);
        if !path.exists() {
            return Vec::new();
        }
        let entries = std::fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("the folder cannot be read: {error}");
                self.problems.push(Diagnostic::in_file(&path, message));
                return Vec::new();
            }
        };
        let mut listed: Vec<Listed> = entries
            .iter()
            .filter_map(|entry| {
                let name = entry.file_name().to_str()?.to_owned();
                let hidden = name.starts_with('.') || name.ends_with('~');
                (!hidden).then(|| Listed {
                    relative: if relative.is_empty() {
                        name.clone()
                    } else {
                        format!("{relative}/{name}")
                    },
                    name,
                    is_folder: entry.path().is_dir(),
                })
            })
            .collect();
        listed.sort_by(|left, right| left.name.cmp(&right.name));
        listed
    }

    /// The `.yml` files of a folder, as (stem, relative path); other YAML endings are refused.
    pub fn yml_files(&mut self, relative: &str) -> Vec<(String, String)> {
        self.files(relative, "yml")
    }

    pub fn files(&mut self, relative: &str, ending: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for listed in self.list(relative) {
            let stem = listed.name.strip_suffix(&format!(".{ending}"));
            if let (Some(stem), false) = (stem, listed.is_folder) {
                found.push((stem.to_owned(), listed.relative.clone()));
            } else if ending == "yml" && listed.is_folder {
                let path = self.path(&listed.relative);
                let message = format!("the folder `{}` would not be read", listed.name);
                self.problems.push(
                    Diagnostic::in_file(&path, message)
                        .hint(format!("files stand directly in {relative}")),
                );
            } else if ending == "yml" && listed.has_ending("yaml") {
                let path = self.path(&listed.relative);
                self.problems.push(
                    Diagnostic::in_file(
                        &path,
                        "the file would not be read: its name ends in .yaml",
                    )
                    .hint("rename it to .yml"),
                );
            }
        }
        found
    }

    fn look_for_strays(&mut self) {
        for listed in self.list("") {
            let path = self.path(&listed.relative);
            let is_yaml = listed.has_ending("yml") || listed.has_ending("yaml");
            let known: &[&str] = if listed.is_folder {
                &FOLDERS
            } else {
                &TOP_FILES
            };
            if known.contains(&listed.name.as_str()) || (!listed.is_folder && !is_yaml) {
                continue;
            }
            let near = closest(&listed.name, known.iter().copied());
            if listed.is_folder && near.is_none() {
                // Keys, notes and the like may stand beside the configuration.
                continue;
            }
            let what = if listed.is_folder { "folder" } else { "file" };
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "at the top stand bank.yml, matching.yml and acceptances.yml; others go into sources, models, scores, campaigns, reference or tests".to_owned(),
            };
            let message = format!("the {what} `{}` would not be read", listed.name);
            self.problems
                .push(Diagnostic::in_file(&path, message).hint(hint));
        }
    }

    /// One hash over every file read, by relative path.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (relative, hash) in &self.hashes {
            hasher.update(&(relative.len() as u64).to_le_bytes());
            hasher.update(relative.as_bytes());
            hasher.update(hash.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

pub(super) struct Listed {
    pub name: String,
    pub relative: String,
    pub is_folder: bool,
}

impl Listed {
    /// Endings are compared as written: `A.YML` is no configuration file.
    pub fn has_ending(&self, ending: &str) -> bool {
        Path::new(&self.name)
            .extension()
            .is_some_and(|found| found == ending)
    }
}
