//! Campaigns: rules with their own names, and columns that the attributes table has.

use std::collections::BTreeSet;

use super::campaign_terms::{check_compliance, check_goals, check_response};
use super::cells::{check_base_rate, check_cells, check_finder, check_seeds};
use super::contact_policy::{check_constraints, check_policy};
use super::list_export::{Shown, check_exports};
use super::score::regime;
use super::suppression::{check_suppression, is_built_in};
use super::{KnownScores, KnownTables, suggestion};
use crate::config::campaign::{
    Approval, CampaignLevel, CampaignSpec, EligibilityRule, RankScore, Reason, Schedule,
    Suppression, SuppressionRule,
};
use crate::config::campaign_terms::{ResponseMatch, ResponseRules};
use crate::config::cells::{CellSpec, Channel, Ppm};
use crate::config::document::{Document, Reporter};
use crate::config::model::ModelSpec;
use crate::config::raw::{
    RawApproval, RawApprover, RawCampaign, RawDedupe, RawKeep, RawLevel, RawReason, RawRule,
    RawSchedule,
};
use crate::config::score::ScoreMethod;
use crate::config::yaml::Node;
use crate::diagnostic::Diagnostics;
use crate::domain::TableName;

const DEFAULT_ATTRIBUTES: &str = "marts.customer_360";
const DEFAULT_PRIORITY: u32 = 100;
const DEFAULT_VALID_DAYS: u32 = 14;
/// One in a hundred answers without the campaign.
const DEFAULT_BASE_RATE: Ppm = 10_000;

/// Rules are bits of one number, beside the built-in ones.
const MOST_RULES: usize = 48;

pub fn check(
    raw: RawCampaign,
    known: &KnownTables<'_>,
    scores: &KnownScores<'_>,
    document: &Document,
    problems: &mut Diagnostics,
) -> CampaignSpec {
    let node = &document.node;
    let mut report = Reporter { document, problems };
    check_code(&raw.campaign.code, node, &mut report);
    let attributes = raw
        .attributes
        .clone()
        .unwrap_or_else(|| DEFAULT_ATTRIBUTES.to_owned());
    let model = check_attributes(&attributes, known, node, &mut report);
    check_ids(&raw, node, &mut report);
    let (cells, offers) = check_cells(&raw.cells, &raw.offers, node, &mut report);
    let suppress = check_suppression(
        &raw.suppress,
        &cells,
        model,
        known,
        node.get("suppress"),
        &mut report,
    );
    let finder = raw
        .codes
        .as_ref()
        .map(|codes| check_finder(codes, node.get("codes"), &mut report));
    let (rank_by, score) = check_rank(&raw, scores, node, &mut report);
    let shown = Shown {
        model,
        has_score: raw.score.is_some(),
        regime: regime(raw.compliance.regime),
    };
    let exports = check_exports(&raw.export, &raw.layouts, &cells, shown, node, &mut report);
    let listed = exports.iter().flat_map(|export| &export.columns);
    let listed: BTreeSet<&str> = listed.map(String::as_str).collect();
    let seeds = raw.seeds.as_ref();
    let seeds =
        seeds.and_then(|seeds| check_seeds(seeds, &listed, known, node.get("seeds"), &mut report));
    let policy = check_policy(raw.contact_policy.as_ref(), known, node, &mut report);
    let constraints = raw.constraints.as_ref();
    let constraints = check_constraints(constraints, &cells, model, node, &mut report);
    let window = raw.response.as_ref();
    let base_rate = window.and_then(|raw| check_base_rate(raw, node.get("response"), &mut report));
    let goals = check_goals(
        &raw.goals,
        raw.baseline.is_some(),
        node.get("goals"),
        &mut report,
    );
    let compliance = check_compliance(&raw.compliance, &cells, node.get("compliance"), &mut report);
    let response = match window {
        Some(raw) => check_response(raw, finder.is_some(), node.get("response"), &mut report),
        None => unanswered(finder.is_some()),
    };
    check_baseline(&raw, node, &mut report);
    let of_age = |model: &ModelSpec| model.columns.iter().any(|each| each.name == OF_LEGAL_AGE);
    CampaignSpec {
        requires_legal_age: model.is_some_and(of_age),
        watches_list_age: calls(&suppress, &cells) && tells_list_date(known),
        baseline: raw.baseline.map(|baseline| baseline.campaign),
        goals,
        compliance,
        response,
        code: raw.campaign.code,
        description: raw.campaign.description,
        product: raw.campaign.product,
        approval: raw.approval.as_ref().map(approval),
        policy,
        constraints,
        level: match raw.dedupe.as_ref().map_or(raw.campaign.level, group_of) {
            RawLevel::Customer => CampaignLevel::Customer,
            RawLevel::Household => CampaignLevel::Household,
        },
        seed: raw.campaign.seed,
        schedule: match raw.schedule {
            RawSchedule::Nightly => Schedule::Nightly,
            RawSchedule::Monthly => Schedule::Monthly,
            RawSchedule::Manual => Schedule::Manual,
        },
        priority: raw.priority.unwrap_or(DEFAULT_PRIORITY),
        universe: raw.universe,
        attributes,
        eligibility: raw.eligibility.into_iter().map(eligibility).collect(),
        suppress,
        rank_by,
        score,
        cap: raw.cap,
        offers,
        cells,
        seeds,
        finder: finder.unwrap_or_default(),
        response_days: window.map(|window| window.window_days),
        base_rate: base_rate.unwrap_or(DEFAULT_BASE_RATE),
        exports,
        reasons: raw.reasons.into_iter().map(reason).collect(),
    }
}

fn eligibility(rule: RawRule) -> EligibilityRule {
    EligibilityRule {
        id: rule.id,
        condition: rule.condition,
    }
}

fn reason(reason: RawReason) -> Reason {
    Reason {
        condition: reason.condition,
        say: reason.say,
    }
}

/// Column of the attributes that says who is of legal age, made where age may be read.
const OF_LEGAL_AGE: &str = "of_legal_age";

/// How answers find their contacts when the campaign does not say it.
fn unanswered(has_finder: bool) -> ResponseRules {
    let mut rules = ResponseRules::default();
    rules
        .methods
        .retain(|method| has_finder || *method != ResponseMatch::Finder);
    rules
}

fn check_baseline(raw: &RawCampaign, node: &Node, report: &mut Reporter<'_>) {
    let itself = raw
        .baseline
        .as_ref()
        .filter(|baseline| baseline.campaign == raw.campaign.code);
    if itself.is_some() {
        report.at_hint(
            node.get("baseline").get("campaign"),
            "the campaign is compared with itself",
            "name an earlier campaign, such as the mass mailing it replaces",
        );
    }
}

/// Whether the campaign telephones and leaves those on do-not-call lists alone.
fn calls(suppress: &[SuppressionRule], cells: &[CellSpec]) -> bool {
    let by_phone = Some(Channel::Phone);
    let lists = suppress.iter().any(|rule| {
        let by_lists = matches!(
            rule.rule,
            Suppression::DoNotCall | Suppression::DoNotCallWithoutRelationship
        );
        by_lists && (rule.channel.is_none() || rule.channel == by_phone)
    });
    lists && cells.iter().any(|cell| cell.channel == by_phone)
}

/// Whether the table of lists tells how old the national one is.
fn tells_list_date(known: &KnownTables<'_>) -> bool {
    let table = TableName::try_new("core", "do_not_call").ok();
    let columns = table.and_then(|table| known.tables.get(&table));
    columns.is_some_and(|columns| columns.contains("list_name") && columns.contains("list_date"))
}

/// The expression that ranks, and the score it may read.
fn check_rank(
    raw: &RawCampaign,
    scores: &KnownScores<'_>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> (String, Option<RankScore>) {
    let place = node.get("score");
    match (&raw.rank_by, &raw.score) {
        (Some(_), Some(_)) => report.at_key(
            node,
            "rank_by",
            "the campaign ranks twice; with a `score` the expression stands in it",
        ),
        (None, None) => report.at_hint(
            node.get("campaign").get("code"),
            "the campaign does not say who ranks first",
            "add `rank_by` with an expression over the attributes, or `score` with a model",
        ),
        _ => {}
    }
    let Some(score) = &raw.score else {
        return (raw.rank_by.clone().unwrap_or_default(), None);
    };
    let found = scores.specs.iter().find(|spec| spec.name == score.model);
    if found.is_none() && scores.is_complete {
        let names = scores.specs.iter().map(|spec| spec.name.as_str());
        let hint = suggestion(&score.model, names, "scores/")
            .unwrap_or_else(|| "a score is a file such as scores/response.yml".to_owned());
        report.at_hint(
            place.get("model"),
            format!("the project has no score `{}`", score.model),
            hint,
        );
    }
    let rank_by = score.rank_by.clone().unwrap_or_else(|| "score".to_owned());
    let is_probability =
        found.is_some_and(|spec| matches!(spec.method, ScoreMethod::Logistic { .. }));
    let model = score.model.clone();
    (
        rank_by,
        Some(RankScore {
            model,
            is_probability,
        }),
    )
}

fn check_code(code: &str, node: &Node, report: &mut Reporter<'_>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if code.is_empty() || code.len() > 64 || !code.chars().all(fits) {
        report.at_hint(
            node.get("campaign").get("code"),
            format!("`{code}` cannot be a campaign's code"),
            "use up to 64 letters, digits, - and _, such as HEL-2026-11; the code names the list files",
        );
    }
}

/// Every rule has a name of its own.
fn check_ids(raw: &RawCampaign, node: &Node, report: &mut Reporter<'_>) {
    let policy = raw.contact_policy.as_ref();
    let of_policy = policy.map_or(0, |policy| policy.max.len() + policy.never_after.len());
    let n_rules = raw.eligibility.len() + raw.suppress.len() + of_policy;
    if n_rules > MOST_RULES {
        report.at_hint(
            node.get("suppress"),
            format!("the campaign has {n_rules} rules"),
            format!(
                "{MOST_RULES} are the most; join conditions that belong together with `and` or `or`"
            ),
        );
    }
    let mut seen = BTreeSet::new();
    for (list, ids) in [
        (
            "eligibility",
            raw.eligibility
                .iter()
                .map(|rule| &rule.id)
                .collect::<Vec<_>>(),
        ),
        (
            "suppress",
            raw.suppress.iter().map(|rule| &rule.id).collect(),
        ),
    ] {
        for (index, id) in ids.into_iter().enumerate() {
            if is_built_in(id) {
                report.at_hint(
                    node.get(list).item(index).get("id"),
                    format!("`{id}` is the id of a built-in rule"),
                    "ids that begin with E00_, S00_, P or S99_ are salenet's own",
                );
            }
            if !seen.insert(id) {
                report.at_hint(
                    node.get(list).item(index).get("id"),
                    format!("the campaign has two rules `{id}`"),
                    "the waterfall counts each rule by its name",
                );
            }
        }
    }
}

/// The model the rules read; `None` when it is unknown, reported or not.
fn check_attributes<'a>(
    attributes: &str,
    known: &KnownTables<'a>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Option<&'a ModelSpec> {
    let place = node
        .find("attributes")
        .unwrap_or_else(|| node.get("campaign").get("code"));
    let Ok(table) = attributes.parse::<TableName>() else {
        report.at_hint(
            place,
            format!("`{attributes}` is no table"),
            "write schema.table, such as marts.customer_360",
        );
        return None;
    };
    let model = known.model(&table);
    if model.is_none() && known.is_complete && !known.tables.contains_key(&table) {
        let hint = match node.find("attributes") {
            Some(_) => known.near(&table),
            None => Some("add the model, or name another table with `attributes`".to_owned()),
        };
        let problem = report.document.source.error(
            place.range.clone(),
            format!("there is no table `{table}` with the attributes"),
        );
        report.problems.push(problem.hint_if(hint));
    }
    model
}

fn approval(raw: &RawApproval) -> Approval {
    let valid_days = raw.valid_days.unwrap_or(DEFAULT_VALID_DAYS);
    match raw.by {
        RawApprover::SecondPerson => Approval { valid_days },
    }
}

/// Of a group only who ranks best can be kept so far.
fn group_of(dedupe: &RawDedupe) -> RawLevel {
    match dedupe.keep {
        RawKeep::BestRank => dedupe.by,
    }
}
