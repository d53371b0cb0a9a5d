//! The rules of a campaign, its own and the built-in ones, each as a condition that says who fails it.

use std::fmt::Write as _;

use crate::config::bank::Parameter;
use crate::config::campaign::{CampaignSpec, Suppression, SuppressionRule};
use crate::config::cells::Channel;
use crate::config::contact_policy::ContactPolicy;

/// Members of the universe without a row of attributes.
pub const UNKNOWN: &str = "E00_UNKNOWN";
/// Who is not of legal age, or not known to be, is not contacted.
pub const OF_LEGAL_AGE: &str = "E00_OF_LEGAL_AGE";
/// Without a national list that is young enough nobody is called.
pub const LIST_TOO_OLD: &str = "S00_LIST_TOO_OLD";
/// Nobody is selected twice by the same campaign.
pub const SELECTED_BEFORE: &str = "S00_SELECTED_BEFORE";
/// A campaign of higher priority has chosen the customer tonight.
pub const CHOSEN_TONIGHT: &str = "S00_CHOSEN_TONIGHT";
/// A control of a campaign for the product is left alone until its response window closes.
pub const HELD_BACK: &str = "S00_HELD_BACK";

/// Where a score ranks, who has none is left alone: the bank may not profile the customer, or does not know enough.
pub const NO_SCORE: &str = "S00_NO_SCORE";

/// A rule as the query judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRule {
    pub id: String,
    pub description: String,
    /// SQL that is true where the member fails the rule; never null.
    pub fails: String,
    /// The one channel it closes; `None` removes the member.
    pub channel: Option<Channel>,
    /// What it reads beside attributes and contacts: a join to `universe._member`.
    pub join: Option<String>,
    /// Values that its SQL names.
    pub values: Vec<(String, Parameter)>,
}

impl JudgedRule {
    fn removing(id: &str, description: &str, fails: &str) -> Self {
        Self {
            id: id.to_owned(),
            description: description.to_owned(),
            fails: fails.to_owned(),
            channel: None,
            join: None,
            values: Vec::new(),
        }
    }
}

/// All rules in the order in which they are applied: eligibility, the built-in ones, suppression.
#[must_use]
pub fn rules(campaign: &CampaignSpec) -> Vec<JudgedRule> {
    let mut rules = vec![JudgedRule::removing(
        UNKNOWN,
        "nothing is known of the member",
        "attributes.customer_id is null",
    )];
    if campaign.requires_legal_age {
        rules.push(JudgedRule::removing(
            OF_LEGAL_AGE,
            "must be of legal age, by a known birth date",
            "attributes.of_legal_age is not true",
        ));
    }
    rules.extend(campaign.eligibility.iter().map(|rule| {
        let description = format!("must hold: {}", rule.condition);
        JudgedRule::removing(
            &rule.id,
            &description,
            &format!("({}) is not true", rule.condition),
        )
    }));
    rules.push(JudgedRule::removing(
        SELECTED_BEFORE,
        "stands on a list of this campaign that was delivered before",
        "coalesce(contacts._selected_before, false)",
    ));
    rules.push(JudgedRule::removing(
        CHOSEN_TONIGHT,
        "chosen tonight by a campaign of higher priority",
        "coalesce(contacts._chosen_tonight, false)",
    ));
    rules.push(JudgedRule::removing(
        HELD_BACK,
        "held back as control for the product, and the response window is open",
        "coalesce(contacts._held_back, false)",
    ));
    if let Some(score) = &campaign.score {
        rules.push(JudgedRule::removing(
            NO_SCORE,
            &format!(
                "has no score {}: no consent to profiling, or outside its population",
                score.model
            ),
            "scored.score is null",
        ));
    }
    if campaign.watches_list_age {
        rules.push(list_too_old());
    }
    for (number, rule) in campaign.suppress.iter().enumerate() {
        rules.push(JudgedRule {
            channel: rule.channel,
            ..suppression(rule, number)
        });
    }
    for (number, description) in policy_words(&campaign.policy).into_iter().enumerate() {
        let id = format!("P{:02}", number + 1);
        let fails = format!("coalesce(contacts._policy_{number}, false)");
        rules.push(JudgedRule::removing(&id, &description, &fails));
    }
    rules
}

/// How old the national do-not-call list may be (16 CFR 310.4(b)(3)(iv)).
const LIST_DAYS: u32 = 31;

/// A list without any number tells no date, and counts as too old.
fn list_too_old() -> JudgedRule {
    JudgedRule {
        channel: Some(Channel::Phone),
        join: Some(
            "cross join (
        select max(list_date) as _listed_on from core.do_not_call where list_name = 'national'
    ) as national_list"
                .to_owned(),
        ),
        ..JudgedRule::removing(
            LIST_TOO_OLD,
            &format!("the national do-not-call list is older than {LIST_DAYS} days"),
            &format!(
                "national_list._listed_on is null or cast(national_list._listed_on as date) \
                 < cast($business_date as date) - interval '{LIST_DAYS} days'"
            ),
        )
    }
}

/// One line per rule of the contact policy, in the order in which `contacts.rs` makes their columns.
fn policy_words(policy: &ContactPolicy) -> Vec<String> {
    let max = policy.max.iter().map(|max| {
        let scope = if max.of_product_only {
            " for the product"
        } else {
            ""
        };
        let times = if max.n == 1 { "contact" } else { "contacts" };
        format!("has had {} {times}{scope} within {} days", max.n, max.days)
    });
    let never = policy.never_after.iter().map(|never| {
        let star = if never.is_prefix { "*" } else { "" };
        let what = if never.if_refused {
            "refused"
        } else {
            "was made"
        };
        format!(
            "{what} an offer {}{star} within {} days",
            never.offer, never.days
        )
    });
    max.chain(never).collect()
}

/// The rules that remove a member, as bits.
#[must_use]
pub fn removing(rules: &[JudgedRule]) -> u64 {
    bits(rules, |rule| rule.channel.is_none())
}

/// The rules that close each channel, as bits.
#[must_use]
pub fn closing(rules: &[JudgedRule]) -> Vec<(Channel, u64)> {
    let of = |channel| (channel, bits(rules, |rule| rule.channel == Some(channel)));
    Channel::ALL
        .into_iter()
        .map(of)
        .filter(|(_, rules)| *rules != 0)
        .collect()
}

fn bits(rules: &[JudgedRule], wanted: impl Fn(&JudgedRule) -> bool) -> u64 {
    let wanted = rules.iter().enumerate().filter(|(_, rule)| wanted(rule));
    wanted.fold(0, |bits, (number, _)| bits | 1 << number)
}

/// `number` keeps the names of its joins and values apart from those of other rules.
fn suppression(rule: &SuppressionRule, number: usize) -> JudgedRule {
    let plain = |description: &str, fails: &str| JudgedRule::removing(&rule.id, description, fails);
    match &rule.rule {
        // Unknown counts against contact: a missing flag suppresses.
        Suppression::Deceased => plain("deceased", "is_deceased is not false"),
        Suppression::Bankrupt => plain("bankrupt", "is_bankrupt is not false"),
        Suppression::Staff => plain("staff of the bank", "is_staff is not false"),
        Suppression::DoNotCall => plain("on a do-not-call list", "is_do_not_call is not false"),
        Suppression::DoNotCallWithoutRelationship => plain(
            "asked for no calls, or is on a do-not-call list and no customer of late",
            "refuses_calls is not false or (is_do_not_call is not false and has_existing_relationship is not true)",
        ),
        Suppression::Hardship => plain("in hardship", "is_in_hardship is not false"),
        Suppression::LegalHold => plain("under legal hold", "is_legal_hold is not false"),
        Suppression::PendingApplication => plain(
            "has an application pending",
            "has_pending_application is not false",
        ),
        Suppression::NoConsent { purpose } => no_consent(rule, purpose),
        Suppression::HoldsProduct => JudgedRule {
            // From the few products to the many accounts: a join holds what stands first.
            join: Some(format!(
                "left join (
        select distinct owner.customer_id as _of_{number}
        from core.product as catalogue
        join core.account as held on held.product_code = catalogue.product_code
        join core.customer_account as owner on owner.account_id = held.account_id
        where (catalogue.product_code = $campaign_product or catalogue.family = $campaign_product)
            and held.status <> 'closed'
    ) as join_{number} on join_{number}._of_{number} = universe._member"
            )),
            ..plain(
                "holds the product already",
                &format!("join_{number}._of_{number} is not null"),
            )
        },
        Suppression::OpenComplaint { days, except } => open_complaint(rule, *days, except, number),
        Suppression::Delinquent {
            days_past_due,
            months,
        } => {
            // Who has no account that could be behind is not behind.
            let column = months.map_or_else(
                || "days_past_due".to_owned(),
                |months| format!("worst_days_past_due_{months}m"),
            );
            let when = months.map_or_else(String::new, |months| {
                format!(" in the last {months} months")
            });
            plain(
                &format!("{days_past_due} days behind or more{when}"),
                &format!("coalesce({column}, 0) >= {days_past_due}"),
            )
        }
        Suppression::Condition { condition } => plain(
            &format!("must not hold: {condition}"),
            &format!("({condition}) is not false"),
        ),
    }
}

fn no_consent(rule: &SuppressionRule, purpose: &str) -> JudgedRule {
    let plain = |description: &str, fails: &str| JudgedRule::removing(&rule.id, description, fails);
    let channel = match (rule.channel, purpose) {
        (None, "contact") => {
            return plain("no consent to contact", "has_contact_consent is not true");
        }
        (None, "profiling") => {
            return plain(
                "no consent to profiling",
                "has_profiling_consent is not true",
            );
        }
        (channel, _) => channel.map_or("any", Channel::as_str),
    };
    JudgedRule {
        join: Some(consents(purpose)),
        values: vec![(
            format!("purpose_{purpose}"),
            Parameter::Text(purpose.to_owned()),
        )],
        ..plain(
            &format!("no consent to {purpose} by {channel}"),
            &format!("consent_{purpose}._by_{channel} is not true"),
        )
    }
}

/// What every customer has consented to, by channel: the same words, and so one join, for all rules of a purpose.
fn consents(purpose: &str) -> String {
    let mut given = String::new();
    for channel in Channel::ALL.map(Channel::as_str).into_iter().chain(["any"]) {
        // A word for all channels holds for each; of two words the refusal counts.
        let said =
            |word: &str| format!("bool_or(channel in ('any', '{channel}') and status = '{word}')");
        let _ = write!(
            given,
            ",\n            {} and not {} as _by_{channel}",
            said("in"),
            said("out")
        );
    }
    format!(
        "left join (
        select
            customer_id as _of_{purpose}{given}
        from core.customer_consent
        where purpose = $purpose_{purpose}
        group by customer_id
    ) as consent_{purpose} on consent_{purpose}._of_{purpose} = universe._member"
    )
}

/// Complaints that are open, or were closed within the last `days` days.
fn open_complaint(
    rule: &SuppressionRule,
    days: Option<u32>,
    except: &[String],
    number: usize,
) -> JudgedRule {
    let plain = |description: &str, fails: &str| JudgedRule::removing(&rule.id, description, fails);
    if days.is_none() && except.is_empty() {
        return plain("has an open complaint", "has_open_complaint is not false");
    }
    let values: Vec<(String, Parameter)> = except
        .iter()
        .enumerate()
        .map(|(topic, text)| {
            (
                format!("topic_{number}_{topic}"),
                Parameter::Text(text.clone()),
            )
        })
        .collect();
    let names: Vec<String> = values.iter().map(|(name, _)| format!("${name}")).collect();
    let topics = if names.is_empty() {
        String::new()
    } else {
        format!(" and coalesce(topic, '') not in ({})", names.join(", "))
    };
    let closed = days.map_or_else(String::new, |days| {
        format!(
            " or cast(closed_on as date) > cast($business_date as date) - interval '{days} days'"
        )
    });
    let when = days.map_or_else(String::new, |days| {
        format!(", or one closed within {days} days")
    });
    let but = if except.is_empty() {
        String::new()
    } else {
        format!(", {} aside", except.join(", "))
    };
    JudgedRule {
        join: Some(format!(
            "left join (
        select distinct customer_id as _of_{number}
        from core.complaint
        where (closed_on is null{closed}){topics}
    ) as join_{number} on join_{number}._of_{number} = universe._member"
        )),
        values,
        ..plain(
            &format!("has an open complaint{when}{but}"),
            &format!("join_{number}._of_{number} is not null"),
        )
    }
}
