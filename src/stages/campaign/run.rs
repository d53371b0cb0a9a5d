//! Runs one campaign on the candidate's tables.

use serde::{Deserialize, Serialize};

use super::CampaignError;
use super::bound::{Gap, gap};
use super::effect::smallest_effect_ppm;
use super::finder::finder_number;
use super::judged::Judged;
use super::lists::{ListError, ListHead, Rendered, render_lists, write_lists};
use super::query::{
    campaign_bindings, candidate_query, contact_query, judge_query, list_query, seeds_query,
    state_code,
};
use super::rules::{JudgedRule, closing, removing, rules};
use super::select::{AverageLimit, Choice, Limit, Selection, State, select};
use super::tables::CANDIDATE_COLUMNS;
use super::waterfall::waterfall;
use crate::config::bank::Parameter;
use crate::config::campaign::CampaignSpec;
use crate::config::cells::CellKind;
use crate::config::contact_policy::AverageConstraint;
use crate::domain::{BusinessDate, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::columns::Values;
use crate::sql::result::Plan;
use crate::sql::schema::columns_of;
use crate::sql::write::Partitioning;
use crate::sql::{Bindings, Session, SqlError, TableSource};
use crate::store::manifest::{CampaignEntry, CellEntry, TableEntry};
use crate::store::{FileEntry, Warehouse};

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

/// What a run of a campaign brought about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignOutput {
    pub candidates: TableEntry,
    pub entry: CampaignEntry,
}

/// What a campaign would do: nothing is written.
pub struct Chosen {
    pub rules: Vec<JudgedRule>,
    pub judged: Judged,
    pub selection: Selection,
    pub gap: Gap,
    pub bindings: Bindings,
}

/// Judges every member of the universe and chooses. Leaves the table `campaigns.judged` in the session.
pub fn choose(
    session: &Session,
    campaign: &CampaignSpec,
    bindings: &Bindings,
    date: BusinessDate,
) -> Result<Chosen, SqlError> {
    let bindings = campaign_bindings(campaign, bindings, date);
    let plan = session.plan(&judge_query(campaign), &bindings)?;
    let result = session.hold(&plan, Catalogue::Tonight, &session_table("judged"))?;
    let constraints = &campaign.constraints;
    let n_averages = constraints.averages.len();
    let judged = Judged::read(&result, constraints.branches.is_some(), n_averages)?;
    drop(result);
    let rules = rules(campaign);
    let choice = Choice {
        campaign: &campaign.code,
        seed: campaign.seed,
        cells: &campaign.cells,
        removing: removing(&rules),
        closing: closing(&rules),
        limits: limits(campaign, &used_tonight(session, &bindings)?),
        branch_most: constraints.branches.as_ref().map(|branches| branches.most),
        averages: constraints.averages.iter().map(average_limit).collect(),
    };
    let selection = select(&judged, &choice);
    let gap = gap(&judged, &choice, &selection);
    Ok(Chosen {
        rules,
        judged,
        selection,
        gap,
        bindings,
    })
}

/// The cap always has its line in the waterfall. Of a channel there is what campaigns of higher priority have left.
fn limits(campaign: &CampaignSpec, used: &[(String, u64)]) -> Vec<Limit> {
    let cells = &campaign.cells;
    let mut limits = vec![Limit {
        name: "CAP".to_owned(),
        usage: cells
            .iter()
            .map(|cell| u64::from(cell.is_contacted()))
            .collect(),
        most: campaign.cap.unwrap_or(u64::MAX),
    }];
    if let Some(budget) = campaign.constraints.budget {
        let costs = cells
            .iter()
            .map(|cell| cell.cost.unwrap_or(0).unsigned_abs());
        limits.push(Limit {
            name: "BUDGET".to_owned(),
            usage: costs.collect(),
            most: budget.unsigned_abs(),
        });
    }
    for (channel, most) in &campaign.constraints.channels {
        let taken = used.iter().find(|(name, _)| name == channel.as_str());
        limits.push(Limit {
            name: format!("CHANNEL_{}", channel.as_str().to_uppercase()),
            usage: cells
                .iter()
                .map(|cell| u64::from(cell.channel == Some(*channel)))
                .collect(),
            most: most.saturating_sub(taken.map_or(0, |(_, taken)| *taken)),
        });
    }
    limits
}

fn average_limit(average: &AverageConstraint) -> AverageLimit {
    AverageLimit {
        name: format!("AVERAGE_{}", average.column.to_uppercase()),
        most: average.most,
    }
}

/// Contacts per channel that campaigns of higher priority make tonight.
fn used_tonight(session: &Session, bindings: &Bindings) -> Result<Vec<(String, u64)>, SqlError> {
    let sql = "select channel, count(*) from campaigns.contact_history
        where contacted_on = $business_date and not is_control and channel is not null
            and campaign_code <> $campaign_code
        group by channel order by channel";
    let rows = session.query(sql, bindings)?.rows()?;
    let counts = rows.iter().filter_map(|row| {
        let count = row.get(1)?.as_integer()?;
        Some((row.first()?.to_text(), u64::try_from(count).ok()?))
    });
    Ok(counts.collect())
}

/// Judges, chooses, writes candidates, contacts and lists.
pub fn run_campaign(request: &CampaignRequest) -> Result<CampaignOutput, CampaignError> {
    let campaign = request.campaign;
    let sql_error = |source: SqlError| CampaignError::Sql {
        campaign: campaign.code.clone(),
        source,
    };
    let chosen = choose(
        request.session,
        campaign,
        request.bindings,
        request.business_date,
    )
    .map_err(sql_error)?;
    write_run(request, &chosen).map_err(|error| campaign_error(&campaign.code, error))
}

/// What went wrong with a list, as the campaign's error.
#[must_use]
pub fn campaign_error(code: &str, error: ListError) -> CampaignError {
    let campaign = code.to_owned();
    match error {
        ListError::Sql(source) => CampaignError::Sql { campaign, source },
        ListError::Io(source) => CampaignError::List { campaign, source },
        ListError::Store(source) => CampaignError::Store { campaign, source },
    }
}

fn write_run(request: &CampaignRequest, chosen: &Chosen) -> Result<CampaignOutput, ListError> {
    let campaign = request.campaign;
    let session = request.session;
    let bindings = chosen
        .bindings
        .clone()
        .with("contacted_on", Parameter::Date(request.business_date));
    let (plan, bindings) = decided(session, campaign, chosen, bindings)?;
    let grain = ["campaign_code", "business_date", "customer_id"].map(str::to_owned);
    let partition = Partitioning::Named(format!("month={}", request.business_date.month()));
    let mut candidates =
        session.write_table(&plan, &grain, &partition, request.warehouse, request.table)?;
    candidates.columns = columns_of(CANDIDATE_COLUMNS);
    let tonight = candidates.files.first().cloned();
    let so_far = request.so_far.files.iter().cloned();
    candidates.files = so_far.chain(candidates.files).collect();
    let source = TableSource::of(request.warehouse, &candidates);
    session.add_table(Catalogue::Tonight, request.table, source);

    let contacts = write_contacts(
        session,
        request.warehouse,
        campaign,
        &bindings,
        request.business_date,
    )?;
    let figures = figures(campaign, chosen);
    let awaits_approval = figures.awaits_approval;
    // Before somebody has signed for them, nobody has a list.
    let lists = if awaits_approval {
        Vec::new()
    } else {
        let lists = lists(
            session,
            campaign,
            &figures,
            &bindings,
            request.business_date,
        )?;
        write_lists(request.warehouse, campaign, lists)?
    };
    Ok(CampaignOutput {
        candidates,
        entry: CampaignEntry {
            candidates: tonight,
            contacts,
            lists,
            ..figures
        },
    })
}

/// Waterfall, cells and gap of a choice; without files.
#[must_use]
pub fn figures(campaign: &CampaignSpec, chosen: &Chosen) -> CampaignEntry {
    CampaignEntry {
        code: campaign.code.clone(),
        awaits_approval: campaign.approval.is_some(),
        waterfall: waterfall(&chosen.rules, &chosen.judged, &chosen.selection),
        notes: Vec::new(),
        cells: cell_entries(campaign, &chosen.selection),
        gap_ppm: chosen.gap.ppm(),
        exports: campaign
            .exports
            .iter()
            .map(|export| export.channel.map(|channel| channel.as_str().to_owned()))
            .collect(),
        candidates: None,
        contacts: None,
        lists: Vec::new(),
    }
}

/// The rows of `campaigns.candidate` that a choice brings about, and every value that further queries name.
pub fn decided(
    session: &Session,
    campaign: &CampaignSpec,
    chosen: &Chosen,
    bindings: Bindings,
) -> Result<(Plan, Bindings), SqlError> {
    add_decisions(session, campaign, chosen)?;
    let (sql, bindings) = candidate_query(campaign, &chosen.selection.limit_names, bindings);
    Ok((session.plan(&sql, &bindings)?, bindings))
}

/// What the run adds to the contact history when it is delivered on `$contacted_on`; none when nobody was chosen.
pub fn write_contacts(
    session: &Session,
    warehouse: &Warehouse,
    campaign: &CampaignSpec,
    bindings: &Bindings,
    date: BusinessDate,
) -> Result<Option<FileEntry>, SqlError> {
    let plan = session.plan(&contact_query(campaign), bindings)?;
    let name = session_table("contact_history");
    let partition = Partitioning::Named(format!("month={}", date.month()));
    let grain = ["contact_id".to_owned()];
    let written = session.write_table(&plan, &grain, &partition, warehouse, &name)?;
    Ok(written.files.into_iter().next())
}

/// The lists of a run whose candidates the session holds, as delivered on `$contacted_on`; `figures` stand on covers.
pub fn lists(
    session: &Session,
    campaign: &CampaignSpec,
    figures: &CampaignEntry,
    bindings: &Bindings,
    date: BusinessDate,
) -> Result<Vec<Rendered>, ListError> {
    let mut lists = Vec::new();
    for (number, export) in campaign.exports.iter().enumerate() {
        let list = session.query(&list_query(campaign, export), bindings)?;
        let seeds = seeds_query(campaign, export);
        let seeds = seeds.map(|sql| session.query(&sql, bindings)).transpose()?;
        let head = ListHead {
            campaign,
            export,
            number,
            figures,
            date,
        };
        lists.extend(render_lists(&head, &list, seeds.as_ref())?);
    }
    Ok(lists)
}

/// Cells as manifests and reports show them, each target cell with the smallest effect it could show.
#[must_use]
pub fn cell_entries(campaign: &CampaignSpec, selection: &Selection) -> Vec<CellEntry> {
    let numbered = || campaign.cells.iter().zip(&selection.counts);
    let controls = numbered().find(|(cell, _)| cell.kind == CellKind::Control);
    let n_controls = controls.map_or(0, |(_, count)| *count);
    numbered()
        .map(|(cell, count)| CellEntry {
            code: cell.code.clone(),
            kind: cell.kind.as_str().to_owned(),
            channel: cell.channel.map(|channel| channel.as_str().to_owned()),
            offer: cell.offer.clone(),
            share_ppm: cell.share,
            members: *count,
            unit_cost_cents: cell.cost,
            cost_cents: cell
                .cost
                .unwrap_or(0)
                .saturating_mul(i64::try_from(*count).unwrap_or(i64::MAX)),
            smallest_effect_ppm: match cell.kind {
                CellKind::Target => smallest_effect_ppm(*count, n_controls, campaign.base_rate),
                CellKind::Control | CellKind::Explore => None,
            },
        })
        .collect()
}

/// Leaves the table `campaigns.decided` in the session: one row per member that no rule removed.
fn add_decisions(
    session: &Session,
    campaign: &CampaignSpec,
    chosen: &Chosen,
) -> Result<(), SqlError> {
    let last = session.query_count(
        "select max(finder_sequence) from (
            select finder_sequence, campaign_code from campaigns.contact_history
            union all select finder_sequence, campaign_code from campaigns.recalled_contact
        ) as contacts where campaign_code = $campaign_code",
        &chosen.bindings,
    )?;
    let mut sequence = last.unwrap_or(0);
    let Selection { states, ranked, .. } = &chosen.selection;
    let mut places: Vec<Option<i64>> = vec![None; states.len()];
    let mut finders: Vec<Option<(String, i64)>> = vec![None; states.len()];
    for (place, member) in ranked.iter().enumerate() {
        places[*member] = i64::try_from(place + 1).ok();
    }
    if !campaign.finder.is_empty() {
        for (member, cell) in chosen.selection.contacted() {
            sequence += 1;
            let cell = &campaign.cells[cell].code;
            let number = finder_number(&campaign.finder, &campaign.code, cell, sequence);
            finders[member] = Some((number, sequence));
        }
    }
    let decided = || (0..states.len()).filter(|member| states[*member] != State::Removed);
    let number = |of: fn(State) -> Option<usize>| {
        let numbers = decided()
            .map(|member| of(states[member]).and_then(|number| i64::try_from(number).ok()));
        Values::Integers(numbers.collect())
    };
    let columns = vec![
        (
            "customer_id",
            Values::Integers(
                decided()
                    .map(|member| Some(chosen.judged.customer[member]))
                    .collect(),
            ),
        ),
        (
            "state",
            Values::Integers(
                decided()
                    .map(|member| Some(state_code(states[member])))
                    .collect(),
            ),
        ),
        (
            "place",
            Values::Integers(decided().map(|member| places[member]).collect()),
        ),
        (
            "cut",
            number(|state| match state {
                State::Cut(limit) => Some(limit),
                _ => None,
            }),
        ),
        (
            "cell",
            number(|state| match state {
                State::Selected(cell) | State::Control(cell) => Some(cell),
                _ => None,
            }),
        ),
        (
            "finder_sequence",
            Values::Integers(
                decided()
                    .map(|member| finders[member].as_ref().map(|(_, sequence)| *sequence))
                    .collect(),
            ),
        ),
        (
            "finder_number",
            Values::Texts(
                decided()
                    .map(|member| finders[member].as_ref().map(|(number, _)| number.clone()))
                    .collect(),
            ),
        ),
    ];
    session.add_columns(Catalogue::Tonight, &session_table("decided"), columns)
}

/// A table of the schema `campaigns`.
fn session_table(table: &str) -> TableName {
    TableName::try_new("campaigns", table)
        .unwrap_or_else(|_| unreachable!("constant table names are well formed"))
}
