//! The checked project: everything a night needs to know.

use std::path::PathBuf;

use super::acceptance::Acceptance;
use super::bank::BankSpec;
use super::campaign::CampaignSpec;
use super::feed::{FeedSpec, SourceSpec};
use super::locations::Locations;
use super::matching::MatchingSpec;
use super::model::ModelSpec;
use super::model_test::ModelTest;
use super::reference::ReferenceSpec;
use super::score::ScoreSpec;

#[derive(Debug)]
pub struct Project {
    /// The folder, as given.
    pub root: PathBuf,
    /// The folder's name.
    pub name: String,
    pub bank: BankSpec,
    /// Sorted by name.
    pub sources: Vec<SourceSpec>,
    /// Sorted by name.
    pub references: Vec<ReferenceSpec>,
    pub matching: Option<MatchingSpec>,
    /// Sorted by table.
    pub models: Vec<ModelSpec>,
    /// Sorted by name.
    pub scores: Vec<ScoreSpec>,
    /// Sorted by file name.
    pub campaigns: Vec<CampaignSpec>,
    /// As written.
    pub acceptances: Vec<Acceptance>,
    /// Sorted by file name, then as written.
    pub model_tests: Vec<ModelTest>,
    /// Where everything stands, for checks of later layers.
    pub locations: Locations,
    pub(super) hash: String,
}

impl Project {
    /// The feed named `source.feed`.
    #[must_use]
    pub fn feed(&self, qualified: &str) -> Option<&FeedSpec> {
        let (source, feed) = qualified.split_once('.')?;
        let source = self.sources.iter().find(|each| each.name == source)?;
        source.feeds.iter().find(|each| each.name == feed)
    }

    pub fn feeds(&self) -> impl Iterator<Item = &FeedSpec> {
        self.sources.iter().flat_map(|source| source.feeds.iter())
    }

    /// blake3 over every file of the project that was read, by relative path.
    #[must_use]
    pub fn config_hash(&self) -> String {
        self.hash.clone()
    }
}
