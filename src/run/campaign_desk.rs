//! What people do with campaigns between nights: plan, approve, export, recall, replay, list.

use std::collections::BTreeSet;

use super::RunSettings;
use super::campaigns::{add_aliases, by_priority, recalled_before};
use super::chain::{History, delivered};
use super::error::RunError;
use super::open::{Reading, open_release};
use super::tables::own_table;
use crate::config::bank::Parameter;
use crate::config::campaign::CampaignSpec;
use crate::config::project::Project;
use crate::domain::BusinessDate;
use crate::sql::catalog::Catalogue;
use crate::sql::{Bindings, Session, TableSource};
use crate::stages::campaign::lists::{Rendered, write_lists};
use crate::stages::campaign::query::campaign_bindings;
use crate::stages::campaign::records::specification_hash;
use crate::stages::campaign::run::{
    campaign_error, choose, decided, figures, lists, write_contacts,
};
use crate::store::manifest::{CampaignEntry, FileEntry};
use crate::store::{JournalEvent, Manifest, Warehouse, WarehouseLock};

/// Who signs, why, and on which day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub by: String,
    pub reason: Option<String>,
    pub on: BusinessDate,
}

fn usage<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, RunError> {
    Err(RunError::Usage {
        message: message.into(),
        hint: hint.into(),
    })
}

/// The campaign of that code, or a message that names those there are.
pub fn campaign_of<'a>(project: &'a Project, code: &str) -> Result<&'a CampaignSpec, RunError> {
    match project
        .campaigns
        .iter()
        .find(|campaign| campaign.code == code)
    {
        Some(campaign) => Ok(campaign),
        None => {
            let codes: Vec<&str> = project
                .campaigns
                .iter()
                .map(|each| each.code.as_str())
                .collect();
            usage(
                format!("there is no campaign `{code}`"),
                if codes.is_empty() {
                    "a campaign is a file such as campaigns/home_equity.yml".to_owned()
                } else {
                    format!("there are {}", codes.join(", "))
                },
            )
        }
    }
}

/// A session that stands where the night stood before it came to a campaign.
pub(super) struct Desk {
    warehouse: Warehouse,
    pub(super) manifest: Manifest,
    pub(super) session: Session,
    pub(super) bindings: Bindings,
}

impl Desk {
    pub(super) fn open(
        settings: &RunSettings,
        reading: &Reading,
        has_aliases: bool,
    ) -> Result<Self, RunError> {
        let (warehouse, manifest, session) =
            open_release(settings, &settings.session_options(), reading)?;
        if let Some(base) = manifest.base {
            let base = if warehouse.release_folder(base).exists() {
                Some(warehouse.manifest(base)?)
            } else {
                warehouse.retained_manifest(base)?
            };
            if let Some(base) = base {
                session.add_release(Catalogue::Base, &warehouse, &base);
            }
        }
        let recalled = recalled_before(&warehouse, &warehouse.journal()?, manifest.business_date);
        let name = own_table("campaigns", "recalled_contact");
        session.add_table(Catalogue::Tonight, &name, recalled);
        add_aliases(&session, has_aliases)?;
        let bindings = Bindings::new(manifest.parameters.clone());
        Ok(Self {
            warehouse,
            manifest,
            session,
            bindings,
        })
    }

    /// Shows the contacts that the night knew when it came to the campaign: those of its own campaigns only as far as
    /// they chose before it.
    pub(super) fn stand_before(&self, campaign: &CampaignSpec, project: &[CampaignSpec]) {
        let own: BTreeSet<&str> = self
            .manifest
            .campaigns
            .iter()
            .filter_map(|entry| entry.contacts.as_ref())
            .map(|file| file.blake3.as_str())
            .collect();
        let name = own_table("campaigns", "contact_history");
        let mut entry = self.manifest.tables.get(&name).cloned().unwrap_or_default();
        entry
            .files
            .retain(|file| !own.contains(file.blake3.as_str()));
        // In the order of the night: its manifest keeps it.
        let position = self
            .manifest
            .campaigns
            .iter()
            .position(|each| each.code == campaign.code);
        let order: Vec<&str> = by_priority(project)
            .into_iter()
            .map(|each| each.code.as_str())
            .collect();
        let mine = order.iter().position(|code| *code == campaign.code);
        for (place, other) in self.manifest.campaigns.iter().enumerate() {
            let is_before = match position {
                Some(position) => place < position,
                None => {
                    let theirs = order.iter().position(|code| *code == other.code);
                    theirs.is_some_and(|theirs| mine.is_none_or(|mine| theirs < mine))
                }
            };
            entry
                .files
                .extend(other.contacts.clone().filter(|_| is_before));
        }
        if entry.columns.is_empty() {
            entry.columns =
                crate::sql::schema::columns_of(crate::stages::campaign::tables::CONTACT_COLUMNS);
        }
        let source = TableSource::of(&self.warehouse, &entry);
        self.session.add_table(Catalogue::Tonight, &name, source);
    }

    /// The lists as they go out while `contacted_on` is current, from the campaign judged again.
    fn rendered(
        &self,
        campaign: &CampaignSpec,
        contacted_on: BusinessDate,
    ) -> Result<(Vec<Rendered>, Bindings), RunError> {
        let date = self.manifest.business_date;
        let sql_error = |source| campaign_error(&campaign.code, source);
        let chosen = choose(&self.session, campaign, &self.bindings, date)
            .map_err(|error| sql_error(error.into()))?;
        let values = chosen
            .bindings
            .clone()
            .with("contacted_on", Parameter::Date(contacted_on));
        let (plan, values) = decided(&self.session, campaign, &chosen, values)
            .map_err(|error| sql_error(error.into()))?;
        let name = own_table("campaigns", "candidate");
        self.session.hold(&plan, Catalogue::Tonight, &name)?;
        let figures = figures(campaign, &chosen);
        let rendered =
            lists(&self.session, campaign, &figures, &values, date).map_err(sql_error)?;
        Ok((rendered, values))
    }
}

/// What a campaign would choose if it ran with the current release; writes nothing.
pub fn plan_campaign(
    project: &Project,
    settings: &RunSettings,
    code: &str,
) -> Result<(Manifest, CampaignEntry), RunError> {
    let campaign = campaign_of(project, code)?;
    let desk = Desk::open(settings, &Reading::Current, project.matching.is_some())?;
    desk.stand_before(campaign, &project.campaigns);
    let chosen = choose(
        &desk.session,
        campaign,
        &desk.bindings,
        desk.manifest.business_date,
    )?;
    let entry = figures(campaign, &chosen);
    Ok((desk.manifest, entry))
}

/// The newest night in force that chose for the campaign.
fn newest_run(
    warehouse: &Warehouse,
    code: &str,
) -> Result<Option<(Manifest, CampaignEntry)>, RunError> {
    let history = History::read(warehouse)?;
    for id in history.in_force.values().rev() {
        let manifest = warehouse.manifest(*id)?;
        let found = manifest
            .campaigns
            .iter()
            .find(|entry| entry.code == code)
            .cloned();
        if let Some(entry) = found {
            return Ok(Some((manifest, entry)));
        }
    }
    Ok(None)
}

fn required_run(warehouse: &Warehouse, code: &str) -> Result<(Manifest, CampaignEntry), RunError> {
    match newest_run(warehouse, code)? {
        Some(found) => Ok(found),
        None => usage(
            format!("no night in force has run the campaign `{code}`"),
            format!("salenet campaign run {code} --by <name>"),
        ),
    }
}

/// Signs for what the newest run of a campaign chose; gives the night.
pub fn approve(
    project: &Project,
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    code: &str,
    signed: &Signed,
) -> Result<BusinessDate, RunError> {
    campaign_of(project, code)?;
    let (manifest, entry) = required_run(warehouse, code)?;
    let date = manifest.business_date;
    if !entry.awaits_approval {
        return usage(
            format!("the lists of {code} went out with the night of {date}"),
            "`approval` in the campaign's file makes them wait",
        );
    }
    let Some(candidates) = &entry.candidates else {
        return usage(
            format!("{code} has chosen nobody on {date}"),
            "there is nothing to approve",
        );
    };
    let event = JournalEvent::CampaignApproved {
        campaign: code.to_owned(),
        business_date: date,
        candidates: candidates.blake3.clone(),
        by: signed.by.clone(),
        reason: signed.reason.clone(),
        on: signed.on,
    };
    warehouse.append_to_journal(lock, vec![event])?;
    Ok(date)
}

/// A delivered list, ready to be written where somebody wants it.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Below `lists/<campaign>`, with its ending.
    pub name: String,
    pub bytes: Vec<u8>,
    pub rows: u64,
}

/// Sends out the lists of a campaign's newest run, approved by somebody else than `by`; once. Later exports give the
/// same bytes again.
pub fn export(
    project: &Project,
    settings: &RunSettings,
    lock: &WarehouseLock,
    code: &str,
    by: &str,
) -> Result<(BusinessDate, Vec<Exported>), RunError> {
    let campaign = campaign_of(project, code)?;
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let (manifest, entry) = required_run(&warehouse, code)?;
    let date = manifest.business_date;
    let journal = warehouse.journal()?;
    if let Some(delivery) = journal.delivery(code, date) {
        let kept = warehouse.kept_run(delivery.run)?;
        return Ok((date, files_of(&warehouse, &kept.entry)?));
    }
    let recalled = journal
        .deliveries()
        .into_iter()
        .any(|delivery| delivery.campaign == code && delivery.business_date == date);
    if recalled {
        return usage(
            format!("the lists of {code} of {date} were recalled"),
            format!("choose anew with a later night: salenet campaign run {code} --by <name>"),
        );
    }
    let current = warehouse.require_current()?.date;
    let hash = entry
        .candidates
        .as_ref()
        .map_or("", |file| file.blake3.as_str());
    let approvers = journal.approved_by(code, hash);
    let is_same = |other: &&str| other.trim().eq_ignore_ascii_case(by.trim());
    if approvers.is_empty() {
        return usage(
            format!("nobody has approved what {code} chose on {date}"),
            format!("a second person signs: salenet campaign approve {code} --by <name>"),
        );
    }
    if approvers.iter().all(is_same) {
        return usage(
            format!("{by} has approved {code} and cannot send it out too"),
            "two persons are needed: one approves, another exports",
        );
    }
    let valid = campaign.approval.map_or(0, |approval| approval.valid_days);
    if current.minus_days(u64::from(valid)) > date {
        return usage(
            format!("{code} chose on {date}, more than {valid} days before {current}"),
            format!(
                "who may be contacted may have changed: salenet campaign run {code} --by <name>"
            ),
        );
    }
    let reading = Reading::Release(manifest.release);
    let desk = Desk::open(settings, &reading, project.matching.is_some())?;
    // What was approved goes out, not what the campaign's file says by now.
    if !is_as_written_then(&desk, campaign)? {
        return usage(
            format!("the file of {code} has changed since the night of {date}"),
            format!("choose anew and have it approved: salenet campaign run {code} --by <name>"),
        );
    }
    let values = campaign_bindings(campaign, &desk.bindings, date)
        .with("contacted_on", Parameter::Date(current));
    let error = |source| campaign_error(code, source);
    let rendered = lists(&desk.session, campaign, &entry, &values, date).map_err(error)?;
    let written = write_lists(&warehouse, campaign, rendered).map_err(error)?;
    let contacts = write_contacts(&desk.session, &warehouse, campaign, &values, current)?;
    let sent = CampaignEntry {
        lists: written,
        ..entry
    };
    let release = manifest.release;
    let events = delivered(
        &warehouse,
        campaign,
        &sent,
        contacts.as_ref(),
        release,
        current,
        Some(by),
    )?;
    let files = files_of(&warehouse, &sent)?;
    warehouse.append_to_journal(lock, events)?;
    Ok((date, files))
}

/// Whether the night ran the campaign as its file says it now.
fn is_as_written_then(desk: &Desk, campaign: &CampaignSpec) -> Result<bool, RunError> {
    let date = desk.manifest.business_date;
    let values = campaign_bindings(campaign, &desk.bindings, date).with(
        "specification",
        Parameter::Text(specification_hash(campaign)),
    );
    let sql = "select count(*) from campaigns.campaign_run where campaign_code = $campaign_code
        and business_date = $business_date and specification_hash = $specification";
    Ok(desk.session.query_count(sql, &values)? == Some(1))
}

/// Lists and controls of a delivered run, from the journal's copies.
fn files_of(warehouse: &Warehouse, entry: &CampaignEntry) -> Result<Vec<Exported>, RunError> {
    let mut files = Vec::new();
    for list in &entry.lists {
        for (name, file) in list.named() {
            let path = kept_path(warehouse, file);
            let bytes = std::fs::read(&path).map_err(|source| RunError::Read { path, source })?;
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            files.push(Exported {
                name,
                bytes,
                rows: file.rows,
            });
        }
    }
    Ok(files)
}

fn kept_path(warehouse: &Warehouse, file: &FileEntry) -> std::path::PathBuf {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    warehouse.root().join("journal").join(name)
}

/// Takes delivered lists back: from the next night on their contacts did not happen.
pub fn recall(
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    code: &str,
    date: BusinessDate,
    signed: &Signed,
) -> Result<(), RunError> {
    let journal = warehouse.journal()?;
    if journal.delivery(code, date).is_none() {
        let dates: Vec<String> = journal
            .deliveries()
            .iter()
            .filter(|delivery| delivery.campaign == code && delivery.recalled_on.is_none())
            .map(|delivery| delivery.business_date.to_string())
            .collect();
        return usage(
            format!("no list of {code} of {date} is out"),
            if dates.is_empty() {
                "salenet campaign list".to_owned()
            } else {
                format!("those of {} are", dates.join(", "))
            },
        );
    }
    let event = JournalEvent::CampaignRecalled {
        campaign: code.to_owned(),
        business_date: date,
        recalled_on: warehouse.require_current()?.date,
        by: signed.by.clone(),
        reason: signed.reason.clone().unwrap_or_default(),
        on: signed.on,
    };
    Ok(warehouse.append_to_journal(lock, vec![event])?)
}

/// Asks for a campaign to run with the current business date; gives the date to run.
pub fn ask(
    project: &Project,
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    code: &str,
    by: &str,
) -> Result<BusinessDate, RunError> {
    campaign_of(project, code)?;
    let date = warehouse.require_current()?.date;
    let journal = warehouse.journal()?;
    if !journal.is_asked(code, date) {
        let event = JournalEvent::CampaignAsked {
            campaign: code.to_owned(),
            business_date: date,
            by: by.to_owned(),
        };
        warehouse.append_to_journal(lock, vec![event])?;
    }
    Ok(date)
}

/// An old list made again, and whether it is what went out, byte for byte.
#[derive(Debug, Clone)]
pub struct Replayed {
    pub name: String,
    pub rows: u64,
    pub bytes: Vec<u8>,
    pub is_same: bool,
}

/// Makes delivered lists again from the release they were chosen from and the campaign as it was written then.
pub fn replay(
    settings: &RunSettings,
    has_aliases: bool,
    code: &str,
    date: BusinessDate,
) -> Result<Vec<Replayed>, RunError> {
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let journal = warehouse.journal()?;
    let mut of = journal
        .deliveries()
        .into_iter()
        .filter(|delivery| delivery.campaign == code && delivery.business_date == date);
    let Some(delivery) = of.next_back() else {
        return usage(
            format!("no list of {code} of {date} went out"),
            "salenet campaign list",
        );
    };
    let reading = if warehouse.release_folder(delivery.release).exists() {
        Reading::Release(delivery.release)
    } else if warehouse.retained_manifest(delivery.release)?.is_some() {
        Reading::Retained(delivery.release)
    } else {
        return usage(
            format!(
                "the release {} that {code} chose from is gone",
                delivery.release
            ),
            "the lists themselves are kept: salenet campaign export gives them again",
        );
    };
    let kept = warehouse.kept_run(delivery.run)?;
    let campaign: CampaignSpec =
        serde_json::from_value(kept.specification).map_err(RunError::Report)?;
    let desk = Desk::open(settings, &reading, has_aliases)?;
    desk.stand_before(&campaign, std::slice::from_ref(&campaign));
    let (rendered, _) = desk.rendered(&campaign, delivery.contacted_on)?;
    let mut replayed = Vec::new();
    let mut names = BTreeSet::new();
    for list in rendered {
        let sent = kept
            .entry
            .lists
            .iter()
            .find(|sent| sent.name == list.name && sent.ending() == list.ending);
        let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        let is_same = sent.is_some_and(|sent| {
            sent.file.blake3 == hash(&list.bytes) && sent.control.blake3 == hash(&list.control)
        });
        names.insert((list.name.clone(), list.ending.to_owned()));
        let name = format!(
            "{}.{}",
            list.name.rsplit('/').next().unwrap_or_default(),
            list.ending
        );
        replayed.push(Replayed {
            name,
            rows: list.rows,
            bytes: list.bytes,
            is_same,
        });
    }
    for sent in &kept.entry.lists {
        if !names.contains(&(sent.name.clone(), sent.ending().to_owned())) {
            let name = format!(
                "{}.{}",
                sent.name.rsplit('/').next().unwrap_or_default(),
                sent.ending()
            );
            replayed.push(Replayed {
                name,
                rows: 0,
                bytes: Vec::new(),
                is_same: false,
            });
        }
    }
    Ok(replayed)
}

/// A run of a campaign as the list of them shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRun {
    pub campaign: String,
    pub business_date: BusinessDate,
    /// waits for approval, approved by …, delivered, recalled
    pub state: String,
    pub contacted: u64,
    pub controls: u64,
}

/// Runs of releases in force and everything that was delivered, oldest first.
pub fn list_runs(warehouse: &Warehouse) -> Result<Vec<ListedRun>, RunError> {
    let journal = warehouse.journal()?;
    let mut runs: std::collections::BTreeMap<(BusinessDate, String), ListedRun> =
        std::collections::BTreeMap::new();
    let row = |entry: &CampaignEntry, date, state| ListedRun {
        campaign: entry.code.clone(),
        business_date: date,
        state,
        contacted: entry.contacted(),
        controls: entry.cells.iter().map(|cell| cell.members).sum::<u64>() - entry.contacted(),
    };
    for id in History::read(warehouse)?.in_force.values() {
        for entry in &warehouse.manifest(*id)?.campaigns {
            let hash = entry
                .candidates
                .as_ref()
                .map_or("", |file| file.blake3.as_str());
            let state = match journal.approved_by(&entry.code, hash).as_slice() {
                _ if entry.contacted() == 0 => "nobody chosen".to_owned(),
                [] => "waits for approval".to_owned(),
                names => format!("approved by {}", names.join(", ")),
            };
            runs.insert((id.date, entry.code.clone()), row(entry, id.date, state));
        }
    }
    for delivery in journal.deliveries() {
        let entry = warehouse.kept_run(delivery.run)?.entry;
        let by = delivery
            .by
            .map_or_else(String::new, |by| format!(" by {by}"));
        let state = match delivery.recalled_on {
            Some(on) => format!("recalled on {on}"),
            None => format!("delivered on {}{by}", delivery.contacted_on),
        };
        let date = delivery.business_date;
        runs.insert((date, entry.code.clone()), row(&entry, date, state));
    }
    Ok(runs.into_values().collect())
}
