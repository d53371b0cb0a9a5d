//! Runs one campaign on the candidate's tables.

use serde::{Deserialize, Serialize};

use super::CampaignError;
use super::lists::{ListError, write_lists};
use super::query::{candidate_query, list_query};
use super::waterfall::waterfall;
use crate::config::campaign::CampaignSpec;
use crate::domain::{BusinessDate, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::write::Partitioning;
use crate::sql::{Bindings, Session, SqlError, TableSource};
use crate::store::Warehouse;
use crate::store::manifest::{CampaignEntry, TableEntry};

pub struct CampaignRequest<'a> {
    pub session: &'a Session,
    pub warehouse: &'a Warehouse,
    pub campaign: &'a CampaignSpec,
    pub bindings: &'a Bindings,
    pub business_date: BusinessDate,
    /// `campaigns.candidate`.
    pub table: &'a TableName,
    /// The table so far: the base release's files and those of campaigns that ran before this one tonight.
    pub so_far: &'a TableEntry,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignOutput {
    pub candidates: TableEntry,
    pub entry: CampaignEntry,
}

/// Judges every member of the universe, selects, writes candidates and lists.
pub fn run_campaign(request: &CampaignRequest) -> Result<CampaignOutput, CampaignError> {
    let campaign = request.campaign;
    let sql_error = |source: SqlError| CampaignError::Sql {
        campaign: campaign.code.clone(),
        source,
    };
    let (sql, bindings) = candidate_query(campaign, request.bindings, request.business_date);
    let plan = request.session.plan(&sql, &bindings).map_err(sql_error)?;
    let grain = ["campaign_code", "business_date", "customer_id"].map(str::to_owned);
    let partition = Partitioning::Named(format!("month={}", request.business_date.month()));
    let mut candidates = request
        .session
        .write_table(&plan, &grain, &partition, request.warehouse, request.table)
        .map_err(sql_error)?;
    let tonight = candidates.files.first().cloned();
    candidates.files = request
        .so_far
        .files
        .iter()
        .cloned()
        .chain(candidates.files)
        .collect();
    let source = TableSource::of(request.warehouse, &candidates);
    request
        .session
        .add_table(Catalogue::Tonight, request.table, source);

    let waterfall = waterfall(request.session, campaign, &bindings).map_err(sql_error)?;
    let list = request
        .session
        .query(&list_query(campaign, &request.table.to_string()), &bindings)
        .map_err(sql_error)?;
    let lists = write_lists(request.warehouse, campaign, request.business_date, &list).map_err(
        |error| {
            let campaign = campaign.code.clone();
            match error {
                ListError::Sql(source) => CampaignError::Sql { campaign, source },
                ListError::Io(source) => CampaignError::List { campaign, source },
                ListError::Store(source) => CampaignError::Store { campaign, source },
            }
        },
    )?;
    Ok(CampaignOutput {
        candidates,
        entry: CampaignEntry {
            code: campaign.code.clone(),
            waterfall,
            candidates: tonight,
            lists,
        },
    })
}
