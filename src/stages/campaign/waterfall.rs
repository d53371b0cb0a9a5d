//! How many members each rule removes; every rule has a line, also with zero hits.

use super::judged::Judged;
use super::rules::{JudgedRule, removing};
use super::select::{Selection, State};
use crate::store::manifest::WaterfallLine;

/// Id of the line of those whom every channel is closed to.
pub const NO_CHANNEL: &str = "S99_NO_CHANNEL";

/// The first line is the universe, the last those who stand on lists.
#[must_use]
pub fn waterfall(
    rules: &[JudgedRule],
    judged: &Judged,
    selection: &Selection,
) -> Vec<WaterfallLine> {
    let mut failed = vec![0; rules.len()];
    let mut removed = vec![0; rules.len()];
    let removing = removing(rules);
    for (bits, state) in judged.failed.iter().zip(&selection.states) {
        let mut left = *bits;
        while left != 0 {
            failed[left.trailing_zeros() as usize] += 1;
            left &= left - 1;
        }
        if *state == State::Removed {
            removed[(bits & removing).trailing_zeros() as usize] += 1;
        }
    }
    let count = |wanted: fn(&State) -> bool| {
        selection
            .states
            .iter()
            .filter(|state| wanted(state))
            .count() as u64
    };
    let mut cut = vec![0; selection.limit_names.len()];
    for state in &selection.states {
        if let State::Cut(limit) = state {
            cut[*limit] += 1;
        }
    }
    let mut lines = Lines(vec![WaterfallLine {
        rule: "UNIVERSE".to_owned(),
        description: "members of the universe".to_owned(),
        failed: 0,
        removed: 0,
        remaining: judged.len() as u64,
    }]);
    for ((rule, failed), removed) in rules.iter().zip(failed).zip(removed) {
        lines.push(&rule.id, &rule.description, failed, removed);
    }
    if rules.iter().any(|rule| rule.channel.is_some()) {
        let closed = count(|state| *state == State::NoChannel);
        lines.push(
            NO_CHANNEL,
            "no channel of the campaign is left",
            closed,
            closed,
        );
    }
    let lost = count(|state| *state == State::LostInDedupe);
    lines.push(
        "DEDUPE",
        "another member of the group ranks higher",
        lost,
        lost,
    );
    for (name, cut) in selection.limit_names.iter().zip(cut) {
        lines.push(name, &limit_words(name), cut, cut);
    }
    let controls = count(|state| matches!(state, State::Control(_)));
    if controls > 0 {
        lines.push("CONTROL", "held back as control", controls, controls);
    }
    lines.0
}

fn limit_words(name: &str) -> String {
    match name {
        "CAP" => "ranks below the cap".to_owned(),
        "BUDGET" => "ranks below what the budget pays".to_owned(),
        "BRANCH" => "ranks below what the branch can do".to_owned(),
        _ => match (name.strip_prefix("CHANNEL_"), name.strip_prefix("AVERAGE_")) {
            (Some(channel), _) => {
                format!(
                    "ranks below what the channel {} can do",
                    channel.to_lowercase()
                )
            }
            (_, Some(column)) => format!(
                "would raise the average of {}, or has none",
                column.to_lowercase()
            ),
            _ => "ranks below the limit".to_owned(),
        },
    }
}

struct Lines(Vec<WaterfallLine>);

impl Lines {
    fn push(&mut self, rule: &str, description: &str, failed: u64, removed: u64) {
        let before = self.0.last().map_or(0, |line| line.remaining);
        self.0.push(WaterfallLine {
            rule: rule.to_owned(),
            description: description.to_owned(),
            failed,
            removed,
            remaining: before - removed,
        });
    }
}
