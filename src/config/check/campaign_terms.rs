//! Baseline, goals, compliance and the matching of answers: figures that exist, days that exist, terms that fit.

use std::collections::BTreeSet;

use super::score::regime;
use super::suggestion;
use crate::config::campaign_terms::{
    Attribution, CREDIT_RETAIN_MONTHS, Compliance, GOAL_MEASURES, GoalSpec, ResponseMatch,
    ResponseRules, TieBreak,
};
use crate::config::cells::CellSpec;
use crate::config::document::Reporter;
use crate::config::raw::{
    RawAttribution, RawCampaignCompliance, RawGoal, RawMatch, RawResponseWindow, RawTie,
};
use crate::config::score::Regime;
use crate::config::yaml::Node;
use crate::domain::{BusinessDate, Money};

/// Goals name figures of the dictionary; those that compare need a baseline.
pub fn check_goals(
    raw: &[RawGoal],
    has_baseline: bool,
    list: &Node,
    report: &mut Reporter<'_>,
) -> Vec<GoalSpec> {
    let mut goals: Vec<GoalSpec> = Vec::with_capacity(raw.len());
    for (index, goal) in raw.iter().enumerate() {
        let node = list.item(index);
        let known = GOAL_MEASURES
            .iter()
            .find(|known| known.name == goal.measure);
        match known {
            None => {
                let names = || GOAL_MEASURES.iter().map(|known| known.name);
                let hint =
                    suggestion(&goal.measure, names(), "the dictionary").unwrap_or_else(|| {
                        format!("measures are {}", names().collect::<Vec<_>>().join(", "))
                    });
                report.at_hint(
                    node.get("measure"),
                    format!("there is no measure `{}`", goal.measure),
                    hint,
                );
            }
            Some(known) if known.needs_baseline && !has_baseline => report.at_hint(
                node.get("measure"),
                format!("`{}` compares the campaign with nothing", goal.measure),
                "add `baseline: {campaign: <code>}`",
            ),
            Some(_) => {}
        }
        if goals.iter().any(|earlier| earlier.measure == goal.measure) {
            report.at(
                node.get("measure"),
                format!("the campaign has two goals for `{}`", goal.measure),
            );
        }
        let target = Money::parse_decimal(goal.target.text(), 6);
        if target.is_none() {
            report.at_hint(
                node.get("target"),
                format!("`{}` is no number", goal.target.text()),
                "write it with a point and up to six digits after it: -0.40 is 40 % less",
            );
        }
        let due = goal.due.parse::<BusinessDate>();
        if due.is_err() {
            report.at_hint(
                node.get("due"),
                format!("`{}` is no day", goal.due),
                "write it as YYYY-MM-DD, such as 2027-03-31",
            );
        }
        goals.push(GoalSpec {
            measure: goal.measure.clone(),
            target: target.unwrap_or_default().to_decimal(6),
            due: due.unwrap_or_else(|_| BusinessDate::new(chrono::NaiveDate::default())),
            owner: goal.owner.clone(),
        });
    }
    goals
}

pub fn check_compliance(
    raw: &RawCampaignCompliance,
    cells: &[CellSpec],
    node: &Node,
    report: &mut Reporter<'_>,
) -> Compliance {
    let regime = regime(raw.regime);
    let retain_months = raw.retain_months.unwrap_or(CREDIT_RETAIN_MONTHS);
    if regime == Regime::Credit && retain_months < CREDIT_RETAIN_MONTHS {
        report.at_hint(
            node.get("retain_months"),
            format!("{retain_months} months are too few for credit"),
            format!(
                "criteria and lists of credit are kept for {CREDIT_RETAIN_MONTHS} months or more"
            ),
        );
    }
    let without = cells
        .iter()
        .find(|cell| cell.is_contacted() && cell.offer.is_none());
    if let (true, Some(cell)) = (raw.prescreen, without) {
        report.at_hint(
            node.get("prescreen"),
            format!("the cell `{}` of a prescreened list makes no offer", cell.code),
            "everybody on a prescreened list gets a firm offer: give each contacted cell an `offer`",
        );
    }
    Compliance {
        regime,
        is_prescreened: raw.prescreen,
        retain_months,
    }
}

/// Ways to match in the order of their strength, and ties that something decides.
pub fn check_response(
    raw: &RawResponseWindow,
    has_finder: bool,
    node: &Node,
    report: &mut Reporter<'_>,
) -> ResponseRules {
    let mut rules = ResponseRules {
        attribution: match raw.attribution {
            None | Some(RawAttribution::Best) => Attribution::Best,
            Some(RawAttribution::Fractional) => Attribution::Fractional,
        },
        ..ResponseRules::default()
    };
    if let Some(methods) = &raw.methods {
        let list = node.get("match");
        rules.methods = methods.iter().copied().map(method).collect();
        for (index, pair) in rules.methods.windows(2).enumerate() {
            if pair[0] >= pair[1] {
                report.at_hint(
                    list.item(index + 1),
                    format!("`{}` stands after `{}`", pair[1].as_str(), pair[0].as_str()),
                    "the strongest comes first, each once: finder, customer, household, inferred",
                );
            }
        }
        if let (false, Some(index)) = (
            has_finder,
            methods.iter().position(|each| *each == RawMatch::Finder),
        ) {
            report.at_hint(
                list.item(index),
                "the campaign gives its contacts no finder numbers",
                "add `codes: {finder: …}`, or match by customer",
            );
        }
    } else if !has_finder {
        rules
            .methods
            .retain(|method| *method != ResponseMatch::Finder);
    }
    if let Some(ties) = &raw.ties {
        rules.ties = check_ties(ties, node.get("ties"), report);
    }
    rules
}

fn check_ties(raw: &[RawTie], list: &Node, report: &mut Reporter<'_>) -> Vec<TieBreak> {
    let mut ties = Vec::with_capacity(raw.len());
    let mut seen = BTreeSet::new();
    let mut decided = false;
    for (index, tie) in raw.iter().enumerate() {
        let (name, tie) = match tie {
            RawTie::Latest => ("latest", Some(TieBreak::Latest)),
            RawTie::HighestValue => ("highest_value", Some(TieBreak::HighestValue)),
            RawTie::ContactId => ("contact_id", None),
        };
        if decided || !seen.insert(name) {
            report.at_hint(
                list.item(index),
                format!("`{name}` decides nothing here"),
                "each stands once, and after contact_id no tie is left",
            );
        }
        decided |= tie.is_none();
        ties.extend(tie);
    }
    ties
}

const fn method(raw: RawMatch) -> ResponseMatch {
    match raw {
        RawMatch::Finder => ResponseMatch::Finder,
        RawMatch::Customer => ResponseMatch::Customer,
        RawMatch::Household => ResponseMatch::Household,
        RawMatch::Inferred => ResponseMatch::Inferred,
    }
}
