//! How many members each rule removes; every rule has a line, also with zero hits.

use super::query::rules;
use crate::config::bank::Parameter;
use crate::config::campaign::CampaignSpec;
use crate::sql::{Bindings, Session, SqlError};
use crate::store::manifest::WaterfallLine;

/// Reads the candidates of one campaign and date. The first line is the universe, the last the selected.
pub fn waterfall(
    session: &Session,
    campaign: &CampaignSpec,
    bindings: &Bindings,
) -> Result<Vec<WaterfallLine>, SqlError> {
    let rules = rules(campaign);
    let mut bound = bindings.clone();
    let mut counts = vec!["count(*)".to_owned()];
    let mut count =
        |condition: String| counts.push(format!("count(case when {condition} then 1 end)"));
    for (number, rule) in rules.iter().enumerate() {
        bound = bound.with(&format!("rule_{number}"), Parameter::Text(rule.id.clone()));
        count(format!(
            "strpos(concat(',', failed_rules, ','), concat(',', $rule_{number}, ',')) > 0"
        ));
        count(format!("first_failed_rule = $rule_{number}"));
    }
    count("state = 'lost_in_dedupe'".to_owned());
    count("state = 'cut_by_capacity'".to_owned());
    let sql = format!(
        "select {} from campaigns.candidate \
         where campaign_code = $campaign_code and business_date = $business_date",
        counts.join(", ")
    );
    let rows = session.query(&sql, &bound)?.rows()?;
    let found = rows
        .first()
        .into_iter()
        .flatten()
        .map(|cell| cell.as_integer().unwrap_or(0));
    let mut found = found.map(|count| u64::try_from(count).unwrap_or(0));
    let mut next = || found.next().unwrap_or(0);

    let mut remaining = next();
    let mut lines = vec![WaterfallLine {
        rule: "UNIVERSE".to_owned(),
        description: "members of the universe".to_owned(),
        failed: 0,
        removed: 0,
        remaining,
    }];
    for rule in rules {
        let (failed, removed) = (next(), next());
        remaining -= removed;
        lines.push(WaterfallLine {
            rule: rule.id,
            description: rule.description,
            failed,
            removed,
            remaining,
        });
    }
    for (rule, description) in [
        ("DEDUPE", "another member of the group ranks higher"),
        ("CAP", "ranks below the cap"),
    ] {
        let removed = next();
        remaining -= removed;
        lines.push(WaterfallLine {
            rule: rule.to_owned(),
            description: description.to_owned(),
            failed: removed,
            removed,
            remaining,
        });
    }
    Ok(lines)
}
