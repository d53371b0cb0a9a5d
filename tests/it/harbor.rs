//! The sample bank's project on a small generated bank, in a folder of its own, where a test may change it.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use super::bank::{PROGRAM, Said, files_below};
use super::feeds::put;

/// Folders of one generated bank; gone when it is dropped.
pub struct Harbor {
    folder: tempfile::TempDir,
}

impl Harbor {
    /// A copy of the project, and so many customers' deliveries up to 2026-10-31.
    pub fn generated(customers: u32, nights: u32, seed: u32) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let harbor = Self { folder };
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/harbor");
        for file in files_below(&original) {
            let name = file.strip_prefix(&original).expect("below");
            let content = std::fs::read(&file).expect("a file");
            put(&harbor.project(), &name.display().to_string(), &content);
        }
        harbor
            .salenet(&[
                "generate",
                "--customers",
                &customers.to_string(),
                "--nights",
                &nights.to_string(),
                "--seed",
                &seed.to_string(),
                "--out",
                "bank",
            ])
            .exits(0);
        harbor
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("harbor")
    }

    pub fn landing(&self) -> PathBuf {
        self.folder.path().join("bank/landing")
    }

    pub fn salenet(&self, arguments: &[&str]) -> Said {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .arg("--project")
            .arg(self.project())
            .args(["--landing", "bank/landing", "--warehouse", "warehouse"])
            .current_dir(self.folder.path())
            .output();
        Said::of(&output.expect("the program starts"))
    }

    /// The text of a release's manifest.
    pub fn manifest(&self, release: &str) -> String {
        let path = format!("warehouse/releases/{release}/manifest.json");
        std::fs::read_to_string(self.folder.path().join(path)).expect("a manifest")
    }

    /// The rows of a query as CSV, without the header.
    pub fn query(&self, sql: &str) -> String {
        let said = self
            .salenet(&["sql", "--format", "csv", "-c", sql])
            .exits(0);
        let (_, rows) = said.stdout.split_once('\n').expect("a header");
        rows.to_owned()
    }

    /// Puts `new` in the place of `old`, which stands in the file once; gives the text as it was.
    pub fn edit(&self, file: &str, old: &str, new: &str) -> String {
        let path = self.project().join(file);
        let text = std::fs::read_to_string(&path).expect("a file");
        assert_eq!(text.matches(old).count(), 1, "{file}: {old}");
        put(&self.project(), file, text.replacen(old, new, 1).as_bytes());
        text
    }
}
