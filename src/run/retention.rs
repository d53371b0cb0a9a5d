//! What `gc` must leave of old releases: delivered lists can be made again as long as their campaign says.

use std::collections::{BTreeMap, BTreeSet};

use super::RunError;
use super::tables::own_table;
use crate::config::campaign::CampaignSpec;
use crate::domain::TableName;
use crate::sql::dependencies::table_references;
use crate::stages::campaign::query::{judge_query, list_query, seeds_query};
use crate::store::retained::Retained;
use crate::store::{Manifest, ReleaseId, Warehouse};

/// The releases of deliveries whose retention lasts beyond the current business date, each with the tables that its
/// campaigns read; of their bases too.
///
/// # Errors
/// When the journal, a kept run or a manifest cannot be read.
pub fn retained_releases(warehouse: &Warehouse) -> Result<Vec<Retained>, RunError> {
    let Some(current) = warehouse.current()? else {
        return Ok(Vec::new());
    };
    let mut wanted: BTreeMap<ReleaseId, BTreeSet<TableName>> = BTreeMap::new();
    for delivery in warehouse.journal()?.deliveries() {
        let kept = warehouse.kept_run(delivery.run)?;
        let campaign: CampaignSpec =
            serde_json::from_value(kept.specification).map_err(RunError::Report)?;
        let months = campaign.compliance.retain_months;
        if delivery.business_date.plus_months(months) < current.date {
            continue;
        }
        let release = delivery.release;
        // Of a release that is gone already what stayed was decided when it went.
        if !warehouse.release_folder(release).exists() {
            wanted.entry(release).or_default();
            let base = warehouse.retained_manifest(release)?;
            let base = base.and_then(|manifest| manifest.base);
            wanted.extend(base.map(|base| (base, BTreeSet::new())));
            continue;
        }
        let manifest = warehouse.manifest(release)?;
        let (tables, of_base) = tables_of(&campaign, &manifest)?;
        wanted.entry(release).or_default().extend(tables);
        if let (Some(base), false) = (manifest.base, of_base.is_empty()) {
            wanted.entry(base).or_default().extend(of_base);
        }
    }
    let retained = wanted.into_iter();
    Ok(retained
        .map(|(release, tables)| Retained { release, tables })
        .collect())
}

/// Every table that choosing and listing read, through views too, and those of the night before.
fn tables_of(
    campaign: &CampaignSpec,
    manifest: &Manifest,
) -> Result<(BTreeSet<TableName>, BTreeSet<TableName>), RunError> {
    let mut queries = vec![judge_query(campaign)];
    for export in &campaign.exports {
        queries.push(list_query(campaign, export));
        queries.extend(seeds_query(campaign, export));
    }
    // What the desk reads whatever the campaign says.
    let mut tables = BTreeSet::from([
        own_table("campaigns", "contact_history"),
        own_table("core", "customer_alias"),
    ]);
    let mut of_base = BTreeSet::new();
    while let Some(sql) = queries.pop() {
        let references = table_references(&sql)?;
        of_base.extend(references.base);
        for table in references.tonight {
            let view = manifest.views.iter().find(|view| view.table == table);
            if tables.insert(table) {
                queries.extend(view.map(|view| view.sql.clone()));
            }
        }
    }
    Ok((tables, of_base))
}
