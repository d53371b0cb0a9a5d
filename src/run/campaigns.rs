//! The campaigns of a night, one after the other by priority, and the tables they leave.

use std::collections::{BTreeMap, BTreeSet};

use super::error::RunError;
use super::measure::Stage;
use super::night::Night;
use super::steps::{Fingerprint, StepKind, table_identity};
use super::tables::own_table;
use crate::config::bank::Calendar;
use crate::config::campaign::{CampaignSpec, Schedule};
use crate::domain::{BusinessDate, Month, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::dependencies::table_references;
use crate::sql::schema::columns_of;
use crate::sql::write::Partitioning;
use crate::sql::{Bindings, Session, TableSource};
use crate::stages::campaign::query::judge_query;
use crate::stages::campaign::records::{Records, write_rows};
use crate::stages::campaign::tables::{ALIAS_COLUMNS, CANDIDATE_COLUMNS, CONTACT_COLUMNS};
use crate::stages::campaign::{CampaignOutput, CampaignRequest, run_campaign};
use crate::store::campaign_events::Delivery;
use crate::store::manifest::{CampaignEntry, FileEntry};
use crate::store::steps::StepOutput;
use crate::store::{Journal, TableEntry, Warehouse};

/// The engine as `campaign_run` names it.
const ENGINE: &str = concat!("salenet ", env!("CARGO_PKG_VERSION"));

/// Contacts known before a night: those of its base, and those delivered since.
pub fn contacts_before(
    journal: &Journal,
    base: Option<&TableEntry>,
    date: BusinessDate,
) -> TableEntry {
    let mut files: Vec<FileEntry> = base.map(|base| base.files.clone()).unwrap_or_default();
    let (made, recalled) = journal.contacts_before(date);
    files.retain(|file| recalled.iter().all(|gone| gone.blake3 != file.blake3));
    // Both places name a file by its content, so that the same contacts count once.
    let mut known: BTreeSet<String> = files.iter().map(|file| file.blake3.clone()).collect();
    for file in made {
        if known.insert(file.blake3.clone()) {
            files.push(file.clone());
        }
    }
    TableEntry {
        columns: columns_of(CONTACT_COLUMNS),
        sorted_by: vec!["contact_id".to_owned()],
        files,
    }
}

/// Contacts that were taken back before a night: their numbers are in the world all the same.
pub fn recalled_before(
    warehouse: &Warehouse,
    journal: &Journal,
    date: BusinessDate,
) -> TableSource {
    let (_, recalled) = journal.contacts_before(date);
    TableSource {
        sorted_by: Vec::new(),
        columns: columns_of(CONTACT_COLUMNS),
        files: recalled
            .iter()
            .map(|file| warehouse.root().join(&file.path))
            .collect(),
    }
}

/// Name of a campaign among the steps of a manifest.
fn step_of(campaign: &CampaignSpec) -> String {
    format!("campaign {}", campaign.code)
}

/// Campaigns in the order in which they choose.
pub fn by_priority(campaigns: &[CampaignSpec]) -> Vec<&CampaignSpec> {
    let mut sorted: Vec<&CampaignSpec> = campaigns.iter().collect();
    sorted.sort_by(|left, right| (left.priority, &left.code).cmp(&(right.priority, &right.code)));
    sorted
}

pub fn is_due(campaign: &CampaignSpec, calendar: &Calendar, date: BusinessDate) -> bool {
    match campaign.schedule {
        Schedule::Nightly => true,
        Schedule::Monthly => calendar.ends_month(date),
        Schedule::Manual => false,
    }
}

/// `campaigns.customer_alias`: contacts follow customers through merges. Without matching nobody merges.
pub fn add_aliases(session: &Session, has_matching: bool) -> Result<(), RunError> {
    let name = own_table("campaigns", "customer_alias");
    if has_matching {
        let sql = "select retired_customer_id as customer_id, customer_id as current_id \
                   from core.customer_alias";
        session.add_view(Catalogue::Tonight, &name, sql, &Bindings::default())?;
    } else {
        let source = TableSource::declared(columns_of(ALIAS_COLUMNS));
        session.add_table(Catalogue::Tonight, &name, source);
    }
    Ok(())
}

/// Months for which candidates stay: as long as the campaign that keeps them longest.
fn longest_retention(campaigns: &[CampaignSpec]) -> i32 {
    let months = campaigns
        .iter()
        .map(|campaign| campaign.compliance.retain_months);
    i32::try_from(months.max().unwrap_or(0)).unwrap_or(i32::MAX)
}

/// Files of the month `oldest` and later ones.
fn young(mut files: Vec<FileEntry>, oldest: Month) -> Vec<FileEntry> {
    let oldest = format!("month={oldest}");
    files.retain(|file| file.partition.as_ref().is_none_or(|month| *month >= oldest));
    files
}

impl Night<'_> {
    pub(super) fn campaigns(&mut self) -> Result<Vec<CampaignEntry>, RunError> {
        let project = self.context.checked.project;
        if project.campaigns.is_empty() {
            return Ok(Vec::new());
        }
        let date = self.context.date;
        let name = own_table("campaigns", "candidate");
        let grain = ["campaign_code", "business_date", "customer_id"]
            .map(str::to_owned)
            .to_vec();
        let mut so_far = TableEntry {
            columns: columns_of(CANDIDATE_COLUMNS),
            sorted_by: grain,
            files: young(
                self.base_files(&name),
                date.month().minus(longest_retention(&project.campaigns)),
            ),
        };
        self.add(name.clone(), so_far.clone());
        let history = own_table("campaigns", "contact_history");
        let journal = self.context.warehouse.journal()?;
        let mut contacts = contacts_before(&journal, self.base_table(&history), date);
        self.add(history.clone(), contacts.clone());
        let mut for_others = contacts.clone();
        self.session.add_table(
            Catalogue::Tonight,
            &own_table("campaigns", "recalled_contact"),
            recalled_before(self.context.warehouse, &journal, date),
        );
        add_aliases(&self.session, project.matching.is_some())?;
        let mut entries = Vec::new();
        for campaign in by_priority(&project.campaigns)
            .into_iter()
            .filter(|campaign| {
                is_due(campaign, &project.bank.calendar, date)
                    || journal.is_asked(&campaign.code, date)
            })
        {
            let entry = if let Some(delivery) = journal.delivery(&campaign.code, date) {
                let entry = self.taken_over(&delivery)?;
                // As the run that was cut short would have noted it.
                let fingerprint = self.campaign_fingerprint(campaign, &so_far)?;
                self.fingerprints.insert(step_of(campaign), fingerprint);
                so_far.files.extend(entry.candidates.clone());
                entry
            } else {
                let output = self.campaign(campaign, &name, &so_far)?;
                so_far = output.candidates;
                let notes = self.context.checked.campaign_notes.get(&campaign.code);
                CampaignEntry {
                    notes: notes.cloned().unwrap_or_default(),
                    ..output.entry
                }
            };
            self.add(name.clone(), so_far.clone());
            // Those who wait for approval are not free for others tonight.
            for_others.files.extend(entry.contacts.clone());
            self.add(history.clone(), for_others.clone());
            contacts
                .files
                .extend(entry.contacts.clone().filter(|_| !entry.awaits_approval));
            entries.push(entry);
        }
        self.add(history, contacts);
        self.campaign_records(&entries)?;
        Ok(entries)
    }

    /// What has gone out once is not chosen again, whatever the rerun of its night was for.
    fn taken_over(&self, delivery: &Delivery) -> Result<CampaignEntry, RunError> {
        let warehouse = self.context.warehouse;
        let mut entry = warehouse.kept_run(delivery.run)?.entry;
        if entry.awaits_approval {
            // Its lists went out later and are no part of the night's release.
            entry.lists.clear();
        }
        for file in entry
            .list_files()
            .chain(&entry.candidates)
            .chain(&entry.contacts)
        {
            warehouse.restore_from_journal(file)?;
        }
        Ok(entry)
    }

    /// `campaign`, `campaign_run`, `cell` and `treatment`: so small that they are written every night.
    fn campaign_records(&mut self, entries: &[CampaignEntry]) -> Result<(), RunError> {
        let project = self.context.checked.project;
        let date = self.context.date;
        let hash = project.config_hash();
        let records = Records::of(&project.campaigns, entries, date, &hash, ENGINE);
        let month = Partitioning::Named(format!("month={}", date.month()));
        for (table, rows, partition) in [
            ("campaign", records.campaign, &Partitioning::None),
            ("goal", records.goal, &Partitioning::None),
            ("campaign_run", records.campaign_run, &month),
            ("cell", records.cell, &month),
            ("treatment", records.treatment, &month),
        ] {
            let name = own_table("campaigns", table);
            let mut entry = write_rows(
                &self.session,
                self.context.warehouse,
                &name,
                &rows,
                partition,
            )?;
            if *partition != Partitioning::None {
                let earlier = self.base_files(&name);
                entry.files = earlier.into_iter().chain(entry.files).collect();
            }
            self.add(name, entry);
        }
        Ok(())
    }

    fn campaign(
        &mut self,
        campaign: &CampaignSpec,
        table: &TableName,
        so_far: &TableEntry,
    ) -> Result<CampaignOutput, RunError> {
        let fingerprint = self.campaign_fingerprint(campaign, so_far)?;
        let name = step_of(campaign);
        let output = self.step(Stage::Campaign, &name, &fingerprint, |night| {
            let output = run_campaign(&CampaignRequest {
                session: &night.session,
                warehouse: night.context.warehouse,
                campaign,
                bindings: &night.bindings,
                business_date: night.context.date,
                table,
                so_far,
            })?;
            let lists = output.entry.list_files().chain(&output.entry.contacts);
            Ok(StepOutput {
                step: name.clone(),
                tables: BTreeMap::from([(table.clone(), output.candidates.clone())]),
                files: lists.cloned().collect(),
                report: serde_json::to_value(&output).map_err(RunError::Report)?,
            })
        })?;
        serde_json::from_value(output.report).map_err(RunError::Report)
    }

    fn campaign_fingerprint(
        &self,
        campaign: &CampaignSpec,
        so_far: &TableEntry,
    ) -> Result<String, RunError> {
        let mut fingerprint = Fingerprint::new(StepKind::Campaign);
        fingerprint.add(
            "campaign",
            &serde_json::to_string(campaign).map_err(RunError::Report)?,
        );
        fingerprint.add("date", &self.context.date.to_string());
        for (name, value) in self.bindings.values() {
            fingerprint.add(name, &format!("{value:?}"));
        }
        let sql = judge_query(campaign);
        fingerprint.add("sql", &sql);
        for table in &table_references(&sql)?.base {
            let identity = self
                .base_table(table)
                .map(table_identity)
                .unwrap_or_default();
            fingerprint.add(&format!("base.{table}"), &identity);
        }
        fingerprint.add("candidates", &table_identity(so_far));
        let schemas = ["core", "marts", "reference", "campaigns"];
        for (name, identity) in self
            .identities
            .iter()
            .filter(|(name, _)| schemas.contains(&name.schema()))
        {
            fingerprint.add(&name.to_string(), identity);
        }
        Ok(fingerprint.finish())
    }
}
