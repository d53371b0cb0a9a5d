//! The small tables about campaigns: what there is, what ran, its cells and treatments.

use super::tables::{CAMPAIGN_COLUMNS, CELL_COLUMNS, GOAL_COLUMNS, RUN_COLUMNS, TREATMENT_COLUMNS};
use crate::config::campaign::{CampaignLevel, CampaignSpec, Schedule};
use crate::config::campaign_terms::GOAL_MEASURES;
use crate::config::score::Regime;
use crate::domain::{BusinessDate, Money, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::columns::Values;
use crate::sql::schema::columns_of;
use crate::sql::write::Partitioning;
use crate::sql::{Bindings, Session, SqlError};
use crate::store::Warehouse;
use crate::store::manifest::{CampaignEntry, TableEntry};

type Row = Vec<Option<String>>;

/// A campaign as checked, by content.
#[must_use]
pub fn specification_hash(campaign: &CampaignSpec) -> String {
    let text = serde_json::to_vec(campaign).unwrap_or_default();
    blake3::hash(&text).to_hex().to_string()
}

/// Rows of tonight's `campaign`, `goal`, `campaign_run`, `cell` and `treatment`, each under its table's name.
pub struct Records {
    pub campaign: Vec<Row>,
    pub goal: Vec<Row>,
    pub campaign_run: Vec<Row>,
    pub cell: Vec<Row>,
    pub treatment: Vec<Row>,
}

impl Records {
    /// `ran` are the campaigns that ran tonight.
    #[must_use]
    pub fn of(
        campaigns: &[CampaignSpec],
        ran: &[CampaignEntry],
        date: BusinessDate,
        configuration: &str,
        engine: &str,
    ) -> Self {
        let mut records = Self {
            campaign: campaigns.iter().map(campaign_row).collect(),
            goal: campaigns.iter().flat_map(goal_rows).collect(),
            campaign_run: Vec::new(),
            cell: Vec::new(),
            treatment: Vec::new(),
        };
        for entry in ran {
            let Some(campaign) = campaigns.iter().find(|each| each.code == entry.code) else {
                continue;
            };
            records
                .campaign_run
                .push(run_row(campaign, entry, date, configuration, engine));
            for cell in &entry.cells {
                let treatment = format!("{}:{}", entry.code, cell.code);
                records.cell.push(vec![
                    text(&entry.code),
                    text(&date),
                    text(&cell.code),
                    text(&cell.kind),
                    text(&treatment),
                    text(&Money(i128::from(cell.share_ppm)).to_decimal(6)),
                    text(&cell.members),
                    text(&Money(i128::from(cell.cost_cents)).to_decimal(2)),
                    cell.smallest_effect_ppm
                        .map(|ppm| Money(i128::from(ppm)).to_decimal(6)),
                ]);
                let offer = campaign
                    .offers
                    .iter()
                    .find(|offer| Some(&offer.code) == cell.offer.as_ref());
                records.treatment.push(vec![
                    text(&treatment),
                    text(&date),
                    text(&entry.code),
                    text(&cell.code),
                    cell.channel.clone(),
                    cell.offer.clone(),
                    offer.and_then(|offer| offer.rate.clone()),
                    offer
                        .and_then(|offer| offer.valid_days)
                        .map(|days| days.to_string()),
                    cell.unit_cost_cents
                        .map(|cents| Money(i128::from(cents)).to_decimal(2)),
                ]);
            }
        }
        records
    }
}

#[expect(clippy::unnecessary_wraps, reason = "cells of a row may be null")]
fn text(value: &(impl ToString + ?Sized)) -> Option<String> {
    Some(value.to_string())
}

fn campaign_row(campaign: &CampaignSpec) -> Row {
    let level = match campaign.level {
        CampaignLevel::Customer => "customer",
        CampaignLevel::Household => "household",
    };
    let schedule = match campaign.schedule {
        Schedule::Nightly => "nightly",
        Schedule::Monthly => "monthly",
        Schedule::Manual => "manual",
    };
    vec![
        text(&campaign.code),
        text(&campaign.description),
        text(&campaign.product),
        text(level),
        text(schedule),
        text(&campaign.priority),
        text(&campaign.seed),
        campaign.response_days.map(|days| days.to_string()),
        text(&specification_hash(campaign)),
        campaign.baseline.clone(),
        text(&listed(
            campaign.response.methods.iter().map(|each| each.as_str()),
        )),
        text(&listed(
            campaign.response.ties.iter().map(|each| each.as_str()),
        )),
        text(campaign.response.attribution.as_str()),
        text(match campaign.compliance.regime {
            Regime::Credit => "credit",
            Regime::Deposit => "deposit",
        }),
        text(&campaign.compliance.is_prescreened),
        text(&campaign.compliance.retain_months),
    ]
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(",")
}

fn goal_rows(campaign: &CampaignSpec) -> impl Iterator<Item = Row> {
    campaign.goals.iter().map(|goal| {
        let known = GOAL_MEASURES
            .iter()
            .find(|known| known.name == goal.measure);
        vec![
            text(&campaign.code),
            text(&goal.measure),
            text(&goal.target),
            text(&known.is_some_and(|known| known.is_rising)),
            text(&goal.due),
            text(&goal.owner),
        ]
    })
}

fn run_row(
    campaign: &CampaignSpec,
    entry: &CampaignEntry,
    date: BusinessDate,
    configuration: &str,
    engine: &str,
) -> Row {
    let members = |is_control: bool| -> u64 {
        let cells = entry
            .cells
            .iter()
            .filter(|cell| (cell.kind == "control") == is_control);
        cells.map(|cell| cell.members).sum()
    };
    let cost: i64 = entry.cells.iter().map(|cell| cell.cost_cents).sum();
    vec![
        text(&campaign.code),
        text(&date),
        text(&specification_hash(campaign)),
        text(configuration),
        text(engine),
        text(&campaign.seed),
        text(&entry.waterfall.first().map_or(0, |line| line.remaining)),
        text(&members(false)),
        text(&members(true)),
        text(&Money(i128::from(cost)).to_decimal(2)),
    ]
}

/// Writes rows as one file of a table of `campaigns`; no rows give no file.
pub fn write_rows(
    session: &Session,
    warehouse: &Warehouse,
    table: &TableName,
    rows: &[Row],
    partition: &Partitioning,
) -> Result<TableEntry, SqlError> {
    let (declared, grain): (_, &[&str]) = match table.table() {
        "campaign" => (CAMPAIGN_COLUMNS, &["campaign_code"]),
        "goal" => (GOAL_COLUMNS, &["campaign_code", "measure"]),
        "campaign_run" => (RUN_COLUMNS, &["campaign_code", "business_date"]),
        "cell" => (
            CELL_COLUMNS,
            &["campaign_code", "business_date", "cell_code"],
        ),
        _ => (TREATMENT_COLUMNS, &["treatment_id", "business_date"]),
    };
    let sorted_by: Vec<String> = grain.iter().map(|&column| column.to_owned()).collect();
    if rows.is_empty() {
        return Ok(TableEntry {
            columns: columns_of(declared),
            sorted_by,
            files: Vec::new(),
        });
    }
    let mut columns: Vec<(&str, Values)> = Vec::with_capacity(declared.len());
    for (at, (name, _)) in declared.iter().enumerate() {
        let values = rows.iter().map(|row| row.get(at).cloned().flatten());
        columns.push((*name, Values::Texts(values.collect())));
    }
    let rows = TableName::try_new("campaigns", "rows_to_write")
        .unwrap_or_else(|_| unreachable!("constant table names are well formed"));
    session.add_columns(Catalogue::Tonight, &rows, columns)?;
    let casts = declared.iter().map(|(name, data_type)| {
        let data_type = match *data_type {
            "Utf8" => "varchar".to_owned(),
            "Int64" => "bigint".to_owned(),
            "Date32" => "date".to_owned(),
            other => other.to_lowercase().replace("decimal128", "decimal"),
        };
        format!("cast({name} as {data_type}) as {name}")
    });
    let casts: Vec<String> = casts.collect();
    let sql = format!("select {} from {rows}", casts.join(", "));
    let plan = session.plan(&sql, &Bindings::default())?;
    session.write_table(&plan, &sorted_by, partition, warehouse, table)
}
