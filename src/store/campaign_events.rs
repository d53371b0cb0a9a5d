//! What the journal says of campaigns: asked for, approved, delivered, recalled.

use serde::{Deserialize, Serialize};

use super::manifest::{CampaignEntry, FileEntry};
use super::{Journal, JournalEvent, ReleaseId, StoreError, Warehouse};
use crate::domain::BusinessDate;

/// What is kept of a delivered run, so that it can be told and repeated whatever became of its release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    /// The campaign as it was checked then.
    pub specification: serde_json::Value,
    pub entry: CampaignEntry,
}

/// A delivery as the journal holds it.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    pub campaign: &'a str,
    /// The night that chose.
    pub business_date: BusinessDate,
    pub contacted_on: BusinessDate,
    pub release: ReleaseId,
    pub contacts: Option<&'a FileEntry>,
    /// A [`KeptRun`], below the warehouse folder.
    pub run: &'a str,
    pub by: Option<&'a str>,
    /// The business date that was current when it was taken back.
    pub recalled_on: Option<BusinessDate>,
}

impl Journal {
    /// All deliveries, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery<'_>> {
        let mut deliveries: Vec<Delivery> = Vec::new();
        for event in &self.events {
            match event {
                JournalEvent::CampaignDelivered {
                    campaign,
                    business_date,
                    contacted_on,
                    contacts,
                    release,
                    run,
                    by,
                } => deliveries.push(Delivery {
                    campaign,
                    business_date: *business_date,
                    contacted_on: *contacted_on,
                    release: *release,
                    contacts: contacts.as_ref(),
                    run,
                    by: by.as_deref(),
                    recalled_on: None,
                }),
                JournalEvent::CampaignRecalled {
                    campaign,
                    business_date,
                    recalled_on,
                    ..
                } => {
                    let of = deliveries.iter_mut().filter(|delivery| {
                        delivery.campaign == campaign && delivery.business_date == *business_date
                    });
                    for delivery in of {
                        delivery.recalled_on.get_or_insert(*recalled_on);
                    }
                }
                _ => {}
            }
        }
        deliveries
    }

    /// The delivery of a campaign that a night chose, unless it was recalled.
    #[must_use]
    pub fn delivery(&self, campaign: &str, date: BusinessDate) -> Option<Delivery<'_>> {
        let mut found = self.deliveries().into_iter().filter(|delivery| {
            delivery.campaign == campaign
                && delivery.business_date == date
                && delivery.recalled_on.is_none()
        });
        found.next_back()
    }

    /// Contacts that lists brought about before a business date, whatever became of their releases since; and those
    /// taken back before it.
    #[must_use]
    pub fn contacts_before(&self, date: BusinessDate) -> (Vec<&FileEntry>, Vec<&FileEntry>) {
        let (mut made, mut recalled) = (Vec::new(), Vec::new());
        for delivery in self.deliveries() {
            let Some(file) = delivery.contacts.filter(|_| delivery.contacted_on < date) else {
                continue;
            };
            if delivery.recalled_on.is_some_and(|on| on < date) {
                recalled.push(file);
            } else {
                made.push(file);
            }
        }
        // The same list sent out again after a recall has happened.
        recalled.retain(|file| made.iter().all(|kept| kept.blake3 != file.blake3));
        (made, recalled)
    }

    /// Whether somebody asked for the campaign to run with the date.
    #[must_use]
    pub fn is_asked(&self, code: &str, date: BusinessDate) -> bool {
        self.events.iter().any(|event| match event {
            JournalEvent::CampaignAsked {
                campaign,
                business_date,
                ..
            } => campaign == code && *business_date == date,
            _ => false,
        })
    }

    /// Who approved these candidates.
    #[must_use]
    pub fn approved_by(&self, code: &str, hash: &str) -> Vec<&str> {
        let approvals = self.events.iter().filter_map(|event| match event {
            JournalEvent::CampaignApproved {
                campaign,
                candidates,
                by,
                ..
            } if campaign == code && candidates == hash => Some(by.as_str()),
            _ => None,
        });
        approvals.collect()
    }
}

impl Warehouse {
    /// Keeps a delivered run beside the journal: its candidates, contacts and lists, and what says how they came about.
    pub fn keep_run(
        &self,
        specification: serde_json::Value,
        entry: &CampaignEntry,
    ) -> Result<String, StoreError> {
        let files = entry
            .list_files()
            .chain(&entry.candidates)
            .chain(&entry.contacts);
        for file in files {
            self.keep_in_journal(file)?;
        }
        let kept = KeptRun {
            specification,
            entry: entry.clone(),
        };
        let mut file = self.new_file()?;
        serde_json::to_writer_pretty(&mut file, &kept).map_err(|error| StoreError::Damaged {
            path: self.root().join("journal"),
            problem: error.to_string(),
        })?;
        self.commit_journal_file(file, "json", 0)
    }

    /// Reads a kept run.
    pub fn kept_run(&self, path: &str) -> Result<KeptRun, StoreError> {
        let path = self.root().join(path);
        let text = std::fs::read(&path).map_err(|source| StoreError::io("read", &path, source))?;
        serde_json::from_slice(&text).map_err(|error| StoreError::Damaged {
            path,
            problem: error.to_string(),
        })
    }
}
