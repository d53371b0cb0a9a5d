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
    const OWN: &str = "from campaigns.candidate where campaign_code = $campaign_code and business_date = $business_date";
    let count = |condition: &str, bindings: &Bindings| -> Result<u64, SqlError> {
        let found =
            session.query_count(&format!("select count(*) {OWN} and {condition}"), bindings)?;
        Ok(u64::try_from(found.unwrap_or(0)).unwrap_or(0))
    };
    let universe = count("true", bindings)?;
    let mut remaining = universe;
    let mut lines = vec![WaterfallLine {
        rule: "UNIVERSE".to_owned(),
        description: "members of the universe".to_owned(),
        failed: 0,
        removed: 0,
        remaining,
    }];
    for rule in rules(campaign) {
        let bound = bindings
            .clone()
            .with("rule", Parameter::Text(rule.id.clone()));
        let failed = count(
            "strpos(concat(',', failed_rules, ','), concat(',', $rule, ',')) > 0",
            &bound,
        )?;
        let removed = count("first_failed_rule = $rule", &bound)?;
        remaining -= removed;
        lines.push(WaterfallLine {
            rule: rule.id,
            description: rule.description,
            failed,
            removed,
            remaining,
        });
    }
    for (rule, state, description) in [
        (
            "DEDUPE",
            "lost_in_dedupe",
            "another member of the group ranks higher",
        ),
        ("CAP", "cut_by_capacity", "ranks below the cap"),
    ] {
        let removed = count(&format!("state = '{state}'"), bindings)?;
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
