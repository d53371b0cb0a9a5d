//! Suppression rules: built-in ones must be able to read what they judge; none is left out silently.

use super::KnownTables;
use super::cells::channel;
use crate::config::campaign::{Suppression, SuppressionRule};
use crate::config::cells::CellSpec;
use crate::config::document::Reporter;
use crate::config::model::ModelSpec;
use crate::config::raw::{RawPurpose, RawSuppression, RawSuppressionRule};
use crate::config::yaml::Node;
use crate::domain::TableName;

/// Whether an id is one of those that salenet gives its own rules.
pub fn is_built_in(id: &str) -> bool {
    let policy = id
        .strip_prefix('P')
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    policy
        || ["E00_", "S00_", "S99_"]
            .iter()
            .any(|own| id.starts_with(own))
}

pub fn check_suppression(
    raw: &[RawSuppressionRule],
    cells: &[CellSpec],
    model: Option<&ModelSpec>,
    known: &KnownTables<'_>,
    list: &Node,
    report: &mut Reporter<'_>,
) -> Vec<SuppressionRule> {
    let mut rules = Vec::new();
    for (index, rule) in raw.iter().enumerate() {
        let node = list.item(index);
        let checked = match (rule.rule, &rule.condition) {
            (Some(built_in), None) => {
                check_keys(rule, built_in, node, report);
                let suppression = suppression(rule, built_in, node, report);
                check_reads(&suppression, rule, model, known, node.get("rule"), report);
                suppression
            }
            (None, Some(condition)) => Suppression::Condition {
                condition: condition.clone(),
            },
            (built_in, _) => {
                let message = if built_in.is_some() {
                    format!("the rule `{}` has both `rule` and `where`", rule.id)
                } else {
                    format!("the rule `{}` suppresses nothing", rule.id)
                };
                report.at_hint(
                    node.get("id"),
                    message,
                    "give it one of `rule: <built-in>` and `where: <condition>`",
                );
                continue;
            }
        };
        let closed = rule.channel.map(channel);
        if let Some(closed) = closed
            && cells.iter().all(|cell| cell.channel != Some(closed))
        {
            report.at_hint(
                node.get("channel"),
                format!("no cell uses the channel `{}`", closed.as_str()),
                "without `channel` the rule leaves the customer alone altogether",
            );
        }
        rules.push(SuppressionRule {
            id: rule.id.clone(),
            channel: closed,
            rule: checked,
        });
    }
    rules
}

/// Keys that mean nothing to the rule are mistakes.
fn check_keys(
    rule: &RawSuppressionRule,
    built_in: RawSuppression,
    node: &Node,
    report: &mut Reporter<'_>,
) {
    let of = match built_in {
        RawSuppression::NoConsent => &["purpose"][..],
        RawSuppression::OpenComplaint => &["days", "except"],
        RawSuppression::DoNotCall => &["except"],
        RawSuppression::Delinquent => &["days_past_due", "months"],
        _ => &[],
    };
    for (key, given) in [
        ("purpose", rule.purpose.is_some()),
        ("days", rule.days.is_some()),
        ("except", !rule.except.is_empty()),
        ("days_past_due", rule.days_past_due.is_some()),
        ("months", rule.months.is_some()),
    ] {
        if given && !of.contains(&key) {
            report.at_key(node, key, format!("this rule does not know `{key}`"));
        }
    }
}

fn suppression(
    rule: &RawSuppressionRule,
    built_in: RawSuppression,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Suppression {
    match built_in {
        RawSuppression::Deceased => Suppression::Deceased,
        RawSuppression::Bankrupt => Suppression::Bankrupt,
        RawSuppression::Staff => Suppression::Staff,
        RawSuppression::DoNotCall => do_not_call(rule, node, report),
        RawSuppression::NoConsent => {
            let purpose = match rule.purpose {
                None | Some(RawPurpose::Contact) => "contact",
                Some(RawPurpose::Profiling) => "profiling",
                Some(RawPurpose::AffiliateSharing) => "affiliate_sharing",
            };
            Suppression::NoConsent {
                purpose: purpose.to_owned(),
            }
        }
        RawSuppression::HoldsProduct => Suppression::HoldsProduct,
        RawSuppression::OpenComplaint => Suppression::OpenComplaint {
            days: rule.days,
            except: rule.except.clone(),
        },
        RawSuppression::Delinquent => {
            if rule.days_past_due.is_none() {
                report.at_hint(
                    node.get("rule"),
                    "the rule does not say how many days behind are too many",
                    "add `days_past_due: 30`",
                );
            }
            Suppression::Delinquent {
                days_past_due: rule.days_past_due.unwrap_or(1),
                months: rule.months,
            }
        }
        RawSuppression::Hardship => Suppression::Hardship,
        RawSuppression::LegalHold => Suppression::LegalHold,
        RawSuppression::PendingApplication => Suppression::PendingApplication,
    }
}

const EXISTING_RELATIONSHIP: &str = "existing_relationship";

fn do_not_call(rule: &RawSuppressionRule, node: &Node, report: &mut Reporter<'_>) -> Suppression {
    for (index, exception) in rule.except.iter().enumerate() {
        if exception != EXISTING_RELATIONSHIP {
            report.at_hint(
                node.get("except").item(index),
                format!("`do_not_call` knows no exception `{exception}`"),
                format!("its one exception is `{EXISTING_RELATIONSHIP}`"),
            );
        }
    }
    if rule.except.is_empty() {
        Suppression::DoNotCall
    } else {
        Suppression::DoNotCallWithoutRelationship
    }
}

/// Built-in rules read columns of the attributes, or a table of their own.
fn check_reads(
    suppression: &Suppression,
    rule: &RawSuppressionRule,
    model: Option<&ModelSpec>,
    known: &KnownTables<'_>,
    place: &Node,
    report: &mut Reporter<'_>,
) {
    let columns = match suppression {
        Suppression::Deceased => vec!["is_deceased".to_owned()],
        Suppression::Bankrupt => vec!["is_bankrupt".to_owned()],
        Suppression::Staff => vec!["is_staff".to_owned()],
        Suppression::DoNotCall => vec!["is_do_not_call".to_owned()],
        Suppression::DoNotCallWithoutRelationship => [
            "is_do_not_call",
            "refuses_calls",
            "has_existing_relationship",
        ]
        .map(str::to_owned)
        .into(),
        Suppression::Hardship => vec!["is_in_hardship".to_owned()],
        Suppression::LegalHold => vec!["is_legal_hold".to_owned()],
        Suppression::PendingApplication => vec!["has_pending_application".to_owned()],
        Suppression::NoConsent { purpose } if rule.channel.is_none() && purpose == "contact" => {
            vec!["has_contact_consent".to_owned()]
        }
        Suppression::NoConsent { purpose } if rule.channel.is_none() && purpose == "profiling" => {
            vec!["has_profiling_consent".to_owned()]
        }
        Suppression::NoConsent { .. } => {
            let columns = ["customer_id", "purpose", "channel", "status"];
            return check_table("core.customer_consent", &columns, known, place, report);
        }
        Suppression::OpenComplaint { days: None, except } if except.is_empty() => {
            vec!["has_open_complaint".to_owned()]
        }
        Suppression::OpenComplaint { .. } => {
            let columns = ["customer_id", "topic", "closed_on"];
            return check_table("core.complaint", &columns, known, place, report);
        }
        Suppression::Delinquent { months: None, .. } => vec!["days_past_due".to_owned()],
        Suppression::Delinquent {
            months: Some(months),
            ..
        } => {
            vec![format!("worst_days_past_due_{months}m")]
        }
        Suppression::HoldsProduct => {
            for (table, columns) in [
                ("core.customer_account", &["customer_id", "account_id"][..]),
                ("core.account", &["account_id", "product_code", "status"]),
                ("core.product", &["product_code", "family"]),
            ] {
                check_table(table, columns, known, place, report);
            }
            return;
        }
        Suppression::Condition { .. } => return,
    };
    let Some(model) = model else { return };
    for column in columns {
        if model.columns.iter().all(|each| each.name != column) {
            report.at_hint(
                place,
                format!(
                    "`{}` has no column `{column}`, which this rule reads",
                    model.table
                ),
                format!("add the column to {}, or use `where`", model.table),
            );
        }
    }
}

fn check_table(
    table: &str,
    columns: &[&str],
    known: &KnownTables<'_>,
    place: &Node,
    report: &mut Reporter<'_>,
) {
    if !known.is_complete {
        return;
    }
    let found = table
        .parse::<TableName>()
        .ok()
        .and_then(|table| known.tables.get(&table));
    let message = match found {
        None => format!("there is no table `{table}`, which this rule reads"),
        Some(found) => match columns.iter().find(|column| !found.contains(**column)) {
            Some(column) => format!("`{table}` has no column `{column}`, which this rule reads"),
            None => return,
        },
    };
    report.at_hint(place, message, "add it to the models, or use `where`");
}
