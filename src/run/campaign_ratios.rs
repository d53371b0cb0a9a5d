//! Whom a campaign chose, by the groups that it may not choose by: for compliance, and stored nowhere.

use serde::Serialize;

use super::RunError;
use super::RunSettings;
use super::campaign_desk::campaign_of;
use super::open::{Reading, open_release};
use super::tables::own_table;
use crate::config::feed::Classification;
use crate::config::project::Project;
use crate::domain::{BusinessDate, Parameter, TableName};
use crate::sql::{Bindings, Cell};

/// Groups of fewer members of the universe tell nothing, and set no standard for others.
const FEWEST: u64 = 30;
/// Groups of one basis that are told apart; the smaller ones are one group.
const MOST_GROUPS: usize = 12;

const NOT_KNOWN: &str = "not known";
const OTHERS: &str = " others";

/// One group of one basis, such as gender.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupRatio {
    pub basis: String,
    pub group: String,
    /// Members of the universe.
    pub considered: u64,
    /// Of them removed by no rule.
    pub eligible: u64,
    /// Of them contacted, or held back as controls.
    pub chosen: u64,
    /// Chosen of considered.
    pub rate: f64,
    /// Against the highest rate of the basis; none for groups too small, and for what is no group. Below 0.80 the
    /// four-fifths rule sees adverse impact (29 CFR 1607.4(D)).
    pub ratio: Option<f64>,
}

/// The newest run of a campaign by protected groups.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratios {
    pub campaign: String,
    pub business_date: BusinessDate,
    pub groups: Vec<GroupRatio>,
}

/// Counts the newest run by every prohibited column of `core.customer_restricted`; a birth date by age on that day.
///
/// # Errors
/// `Usage` for a campaign that the project does not have or that has not run, or a project without such a column.
pub fn campaign_ratios(
    project: &Project,
    settings: &RunSettings,
    code: &str,
) -> Result<Ratios, RunError> {
    campaign_of(project, code)?;
    let (_, manifest, session) =
        open_release(settings, &settings.session_options(), &Reading::Current)?;
    let restricted = own_table("core", "customer_restricted");
    let bases = bases(project, &restricted);
    let known = |table: &TableName| manifest.tables.contains_key(table);
    if bases.is_empty() || !known(&restricted) {
        return Err(RunError::Usage {
            message: format!("there is no prohibited column in {restricted} to count by"),
            hint: "classify its columns: `gender: {classification: prohibited}`".to_owned(),
        });
    }
    let values = Bindings::new(manifest.parameters.clone())
        .with("campaign_code", Parameter::Text(code.to_owned()));
    let newest = if known(&own_table("campaigns", "candidate")) {
        let sql = "select cast(max(business_date) as varchar) from campaigns.candidate \
                   where campaign_code = $campaign_code";
        let rows = session.query(sql, &values)?.rows()?;
        let text = rows.first().and_then(|row| row.first()).map(Cell::to_text);
        text.and_then(|text| text.parse::<BusinessDate>().ok())
    } else {
        None
    };
    let Some(date) = newest else {
        return Err(RunError::Usage {
            message: format!("release {} has no run of {code}", manifest.release),
            hint: format!("salenet campaign run {code} --by <name>"),
        });
    };
    let values = values.with("run_date", Parameter::Date(date));
    let mut groups = Vec::new();
    for basis in bases {
        let group = if basis == "birth_date" {
            AGE.to_owned()
        } else {
            format!("cast(restricted.\"{basis}\" as varchar)")
        };
        let has_aliases = known(&own_table("core", "customer_alias"));
        let result = session.query(&counted(&group, has_aliases), &values)?;
        groups.extend(ratios(basis, &result.rows()?));
    }
    Ok(Ratios {
        campaign: code.to_owned(),
        business_date: date,
        groups,
    })
}

/// The line that the law draws at forty (29 CFR 1625), and that of 12 CFR 1002.2(o) at sixty-two.
const AGE: &str = "case
        when restricted.birth_date is null then null
        when restricted.birth_date > cast($run_date as date) - interval '40 years' then 'under 40'
        when restricted.birth_date > cast($run_date as date) - interval '62 years' then '40 to 61'
        else '62 and over'
    end";

/// A customer who has become another since is asked for by the new number.
fn counted(group: &str, has_aliases: bool) -> String {
    let (aliases, customer) = if has_aliases {
        (
            "left join core.customer_alias as alias on alias.retired_customer_id = candidate.customer_id\n",
            "coalesce(alias.customer_id, candidate.customer_id)",
        )
    } else {
        ("", "candidate.customer_id")
    };
    format!(
        "select coalesce({group}, '{NOT_KNOWN}') as named, count(*),
    sum(case when candidate.state <> 'removed' then 1 else 0 end),
    sum(case when candidate.state in ('selected', 'control') then 1 else 0 end)
from campaigns.candidate as candidate
{aliases}left join core.customer_restricted as restricted on restricted.customer_id = {customer}
where candidate.campaign_code = $campaign_code and candidate.business_date = $run_date
group by 1
order by 2 desc, 1"
    )
}

/// The prohibited columns of the restricted table, as its model declares them.
fn bases<'a>(project: &'a Project, restricted: &TableName) -> Vec<&'a str> {
    let model = project
        .models
        .iter()
        .find(|model| model.table == *restricted);
    let columns = model.into_iter().flat_map(|model| &model.columns);
    columns
        .filter(|column| column.classification == Classification::Prohibited)
        .map(|column| column.name.as_str())
        .collect()
}

/// From rows of group, considered, eligible and chosen, the largest first.
#[expect(clippy::cast_precision_loss, reason = "counts of customers")]
fn ratios(basis: &str, rows: &[Vec<Cell>]) -> Vec<GroupRatio> {
    let mut groups: Vec<GroupRatio> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let count = |at: usize| {
            let count = row.get(at).and_then(Cell::as_integer).unwrap_or(0);
            u64::try_from(count).unwrap_or(0)
        };
        let is_rest = number + 1 >= MOST_GROUPS && rows.len() > MOST_GROUPS;
        if !is_rest || number + 1 == MOST_GROUPS {
            groups.push(GroupRatio {
                basis: basis.to_owned(),
                group: if is_rest {
                    format!("{}{OTHERS}", rows.len() + 1 - MOST_GROUPS)
                } else {
                    row.first().map(Cell::to_text).unwrap_or_default()
                },
                considered: 0,
                eligible: 0,
                chosen: 0,
                rate: 0.0,
                ratio: None,
            });
        }
        if let Some(group) = groups.last_mut() {
            group.considered += count(1);
            group.eligible += count(2);
            group.chosen += count(3);
            group.rate = group.chosen as f64 / group.considered.max(1) as f64;
        }
    }
    // Those of whom nothing is known, and the small groups together, are no group to compare with.
    let tells = |group: &GroupRatio| {
        group.considered >= FEWEST && group.group != NOT_KNOWN && !group.group.ends_with(OTHERS)
    };
    let large = groups.iter().filter(|group| tells(group));
    let best = large.map(|group| group.rate).fold(0.0, f64::max);
    for group in &mut groups {
        group.ratio = (tells(group) && best > 0.0).then(|| group.rate / best);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, counts: [i64; 3]) -> Vec<Cell> {
        let mut row = vec![Cell::Text(group.to_owned())];
        row.extend(counts.map(Cell::Integer));
        row
    }

    /// 12 of 100 against 4 of 40: 0.10 / 0.12 = 0.8333. A group of 29, and those not known, set no standard.
    #[test]
    fn a_rate_is_told_against_the_highest_of_groups_that_are_large_enough() {
        let rows = [
            row("F", [100, 50, 12]),
            row("M", [40, 20, 4]),
            row("X", [29, 29, 29]),
            row("not known", [90, 90, 90]),
        ];
        let found = ratios("gender", &rows);
        assert!((found[1].ratio.expect("a ratio") - 0.8333).abs() < 1e-4);
        assert_eq!(found[0].ratio, Some(1.0));
        assert_eq!((found[2].ratio, found[3].ratio), (None, None));
    }

    #[test]
    fn many_small_groups_are_one() {
        let rows: Vec<_> = (0..20).map(|n| row(&format!("g{n}"), [10, 5, 1])).collect();
        let found = ratios("nationality", &rows);
        assert_eq!(found.len(), MOST_GROUPS);
        assert_eq!(found[11].group, "9 others");
        assert_eq!((found[11].considered, found[11].chosen), (90, 9));
        assert_eq!(found.iter().map(|group| group.considered).sum::<u64>(), 200);
    }

    #[test]
    fn nothing_is_said_where_nobody_was_chosen() {
        assert_eq!(ratios("gender", &[row("F", [100, 50, 0])])[0].ratio, None);
    }
}
