//! The rules of a campaign, its own and the built-in ones, each as a condition that says who fails it.

use crate::config::campaign::{CampaignSpec, Suppression};
use crate::config::cells::Channel;

/// Members of the universe without a row of attributes.
pub const UNKNOWN: &str = "E00_UNKNOWN";
/// Nobody is selected twice by the same campaign.
pub const SELECTED_BEFORE: &str = "S00_SELECTED_BEFORE";
/// A campaign of higher priority has chosen the customer tonight.
pub const CHOSEN_TONIGHT: &str = "S00_CHOSEN_TONIGHT";
/// A control of another campaign for the product is left alone until its response window closes.
pub const HELD_BACK: &str = "S00_HELD_BACK";

/// Ids that no rule of a campaign's own may have.
pub const BUILT_IN: [&str; 4] = [UNKNOWN, SELECTED_BEFORE, CHOSEN_TONIGHT, HELD_BACK];

/// A rule as the query judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRule {
    pub id: String,
    pub description: String,
    /// SQL that is true where the member fails the rule; never null.
    pub fails: String,
    /// The one channel it closes; `None` removes the member.
    pub channel: Option<Channel>,
}

impl JudgedRule {
    fn removing(id: &str, description: &str, fails: &str) -> Self {
        Self {
            id: id.to_owned(),
            description: description.to_owned(),
            fails: fails.to_owned(),
            channel: None,
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
    rules.extend(campaign.eligibility.iter().map(|rule| JudgedRule {
        id: rule.id.clone(),
        description: format!("must hold: {}", rule.condition),
        fails: format!("({}) is not true", rule.condition),
        channel: None,
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
    if campaign.response_days.is_some() {
        rules.push(JudgedRule::removing(
            HELD_BACK,
            "held back as control of another campaign for the product, whose window is open",
            "coalesce(contacts._held_back, false)",
        ));
    }
    rules.extend(campaign.suppress.iter().map(|rule| {
        let (description, fails) = suppression(&rule.rule);
        JudgedRule {
            id: rule.id.clone(),
            description,
            fails,
            channel: rule.channel,
        }
    }));
    rules
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

fn suppression(rule: &Suppression) -> (String, String) {
    let (description, fails) = match rule {
        // Unknown counts against contact: a missing flag suppresses.
        Suppression::Deceased => ("deceased", "is_deceased is not false"),
        Suppression::Bankrupt => ("bankrupt", "is_bankrupt is not false"),
        Suppression::Staff => ("staff of the bank", "is_staff is not false"),
        Suppression::DoNotCall => ("on a do-not-call list", "is_do_not_call is not false"),
        Suppression::NoConsent => ("no consent to contact", "has_contact_consent is not true"),
        Suppression::HoldsProduct => ("holds the product already", "holder._holder is not null"),
        Suppression::OpenComplaint => ("has an open complaint", "has_open_complaint is not false"),
        Suppression::Condition { condition } => {
            return (
                format!("must not hold: {condition}"),
                format!("({condition}) is not false"),
            );
        }
    };
    (description.to_owned(), fails.to_owned())
}
