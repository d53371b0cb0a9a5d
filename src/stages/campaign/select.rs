//! Chooses among those who failed no rule: one per group, the best that the limits leave, drawn into cells.
//!
//! Pure: the outcome depends on the judged members and the campaign alone, never on the order of rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::cells::{Lot, Weights};
use super::judged::Judged;
use crate::config::cells::{CellKind, CellSpec, Channel, WHOLE};

/// A limit on what the contacts use: the sum over cells of members times `usage` stays within `most`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// As the waterfall names it: `CAP`, `BUDGET`, `CHANNEL_PHONE`.
    pub name: String,
    /// What one member of each cell uses.
    pub usage: Vec<u64>,
    pub most: u64,
}

/// An average over all contacted and controls that stays within `most`.
#[derive(Debug, Clone, PartialEq)]
pub struct AverageLimit {
    pub name: String,
    pub most: f64,
}

/// What selection needs to know of a campaign.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    pub campaign: &'a str,
    pub seed: u64,
    pub cells: &'a [CellSpec],
    /// Rules that remove a member whatever the channel.
    pub removing: u64,
    /// Rules that close one channel.
    pub closing: Vec<(Channel, u64)>,
    pub limits: Vec<Limit>,
    /// Most members of one branch.
    pub branch_most: Option<u64>,
    pub averages: Vec<AverageLimit>,
}

/// What became of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Failed a rule that removes.
    Removed,
    /// No channel of the campaign is left.
    NoChannel,
    LostInDedupe,
    /// By the limit of this number: those of [`Choice::limits`], then the branch, then averages.
    Cut(usize),
    /// In the cell of this number.
    Selected(usize),
    Control(usize),
}

#[derive(Debug, Clone)]
pub struct Selection {
    /// One per member.
    pub states: Vec<State>,
    /// Members after dedupe, best first.
    pub ranked: Vec<usize>,
    /// Members of each cell.
    pub counts: Vec<u64>,
    /// Names of the limits that [`State::Cut`] counts.
    pub limit_names: Vec<String>,
}

impl Selection {
    /// Those contacted, best first, each with its cell.
    pub fn contacted(&self) -> impl Iterator<Item = (usize, usize)> {
        self.ranked
            .iter()
            .filter_map(|member| match self.states[*member] {
                State::Selected(cell) => Some((*member, cell)),
                _ => None,
            })
    }
}

impl Choice<'_> {
    /// Channels in which a member may be contacted, as bits.
    pub(super) fn channels(&self, failed: u64) -> u8 {
        let closed = self.closing.iter().filter(|(_, rules)| failed & rules != 0);
        closed.fold(u8::MAX, |open, (channel, _)| open & !channel.bit())
    }

    /// What a member who may be contacted by `channels` uses on average, controls counted with nothing.
    pub(super) fn mean_use(&self, channels: u8, usage: &[u64]) -> f64 {
        let weights = Weights::of(self.cells, channels);
        weights.map_or(0.0, |weights| weights.mean(usage))
    }

    #[must_use]
    pub fn limit_names(&self) -> Vec<String> {
        let limits = self.limits.iter().map(|limit| limit.name.clone());
        let branch = self.branch_most.map(|_| "BRANCH".to_owned());
        let averages = self.averages.iter().map(|average| average.name.clone());
        limits.chain(branch).chain(averages).collect()
    }
}

/// Decides about every member.
#[must_use]
pub fn select(judged: &Judged, choice: &Choice) -> Selection {
    let mut states = vec![State::Removed; judged.len()];
    let mut strata: Vec<Stratum> = Vec::new();
    let mut stratum_of: BTreeMap<u8, Option<usize>> = BTreeMap::new();
    let used = choice.cells.iter().filter_map(|cell| cell.channel);
    let used = used.fold(0, |used, channel| used | channel.bit());
    let mut ranked: Vec<(usize, usize)> = Vec::new();
    for (member, failed) in judged.failed.iter().enumerate() {
        if failed & choice.removing != 0 {
            continue;
        }
        let channels = choice.channels(*failed) & used;
        let stratum = *stratum_of.entry(channels).or_insert_with(|| {
            let weights = Weights::of(choice.cells, channels)?;
            strata.push(Stratum::new(weights, choice.cells.len()));
            Some(strata.len() - 1)
        });
        match stratum {
            Some(stratum) => ranked.push((member, stratum)),
            None => states[member] = State::NoChannel,
        }
    }
    // Best first; who has no rank comes last. Two zeros of different sign are the same rank.
    let key = |member: usize| (judged.rank[member].is_nan(), -judged.rank[member] + 0.0);
    ranked.sort_unstable_by(|(left, _), (right, _)| {
        let ((left_none, left_rank), (right_none, right_rank)) = (key(*left), key(*right));
        left_none
            .cmp(&right_none)
            .then(left_rank.total_cmp(&right_rank))
            .then(judged.customer[*left].cmp(&judged.customer[*right]))
    });
    let mut groups = HashSet::with_capacity(ranked.len());
    ranked.retain(|(member, _)| {
        let is_first = groups.insert(judged.group[*member]);
        if !is_first {
            states[*member] = State::LostInDedupe;
        }
        is_first
    });
    drop(groups);
    let mut chooser = Chooser::new(judged, choice, strata);
    for (member, stratum) in &ranked {
        match chooser.try_choose(*member, *stratum) {
            Ok(()) => {}
            Err(limit) => states[*member] = State::Cut(limit),
        }
    }
    let mut counts = vec![0; choice.cells.len()];
    chooser.draw(&mut states, &mut counts);
    chooser.explore(&ranked, &mut states, &mut counts);
    Selection {
        states,
        ranked: ranked.into_iter().map(|(member, _)| member).collect(),
        counts,
        limit_names: choice.limit_names(),
    }
}

/// Those chosen who may be contacted by the same channels.
struct Stratum {
    weights: Weights,
    members: Vec<usize>,
    counts: Vec<u64>,
}

impl Stratum {
    fn new(weights: Weights, n_cells: usize) -> Self {
        Self {
            weights,
            members: Vec::new(),
            counts: vec![0; n_cells],
        }
    }
}

struct Chooser<'a> {
    judged: &'a Judged,
    choice: &'a Choice<'a>,
    strata: Vec<Stratum>,
    /// Used of each limit by target cells.
    used: Vec<u64>,
    chosen: u64,
    explore: Option<usize>,
    branches: HashMap<u32, u64>,
    sums: Vec<f64>,
}

impl<'a> Chooser<'a> {
    fn new(judged: &'a Judged, choice: &'a Choice<'a>, strata: Vec<Stratum>) -> Self {
        Self {
            judged,
            choice,
            strata,
            used: vec![0; choice.limits.len()],
            chosen: 0,
            explore: choice
                .cells
                .iter()
                .position(|cell| cell.kind == CellKind::Explore),
            branches: HashMap::new(),
            sums: vec![0.0; choice.averages.len()],
        }
    }

    /// Members of the explore cell when so many others are chosen.
    fn n_explore(&self, chosen: u64) -> u64 {
        let share = self.explore.map_or(0, |cell| self.choice.cells[cell].share);
        let exact = u128::from(share) * u128::from(chosen) / u128::from(WHOLE);
        u64::try_from(exact).unwrap_or(u64::MAX)
    }

    /// Takes the member in, unless a limit would be passed; then says which.
    fn try_choose(&mut self, member: usize, stratum: usize) -> Result<(), usize> {
        self.judge_one_by_one(member, self.chosen)?;
        let stratum = &mut self.strata[stratum];
        let counts = stratum.weights.counts(stratum.members.len() as u64 + 1);
        let share = self.explore.map_or(0, |cell| self.choice.cells[cell].share);
        let n_explore = u128::from(share) * u128::from(self.chosen + 1) / u128::from(WHOLE);
        let mut used = self.used.clone();
        for (number, limit) in self.choice.limits.iter().enumerate() {
            for ((new, old), usage) in counts.iter().zip(&stratum.counts).zip(&limit.usage) {
                used[number] = used[number] + new * usage - old * usage;
            }
            let explore = self.explore.map_or(0, |cell| limit.usage[cell]);
            if u128::from(used[number]) + n_explore * u128::from(explore) > u128::from(limit.most) {
                return Err(number);
            }
        }
        stratum.members.push(member);
        stratum.counts = counts;
        self.used = used;
        self.chosen += 1;
        self.take(member);
        Ok(())
    }

    /// Limits that look at the member itself: its branch, and averages over all chosen.
    fn judge_one_by_one(&self, member: usize, chosen: u64) -> Result<(), usize> {
        let mut number = self.choice.limits.len();
        if let Some(most) = self.choice.branch_most {
            let branch = self.judged.branch_of(member);
            if self
                .branches
                .get(&branch)
                .is_some_and(|members| *members >= most)
                || most == 0
            {
                return Err(number);
            }
            number += 1;
        }
        for (average, limit) in self.choice.averages.iter().enumerate() {
            let value = self.judged.averages[average][member];
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts of customers are far below 2^52"
            )]
            let within = self.sums[average] + value <= limit.most * (chosen + 1) as f64;
            // What is not known is not within either.
            if !within {
                return Err(number + average);
            }
        }
        Ok(())
    }

    fn take(&mut self, member: usize) {
        if self.choice.branch_most.is_some() {
            *self
                .branches
                .entry(self.judged.branch_of(member))
                .or_default() += 1;
        }
        for (sum, values) in self.sums.iter_mut().zip(&self.judged.averages) {
            *sum += values[member];
        }
    }

    /// Draws those chosen into cells: in each stratum the first by lot go to the first cell.
    fn draw(&mut self, states: &mut [State], counts: &mut [u64]) {
        let lot = Lot::new(self.choice.campaign, self.choice.seed, "cells");
        for stratum in &mut self.strata {
            let members = std::mem::take(&mut stratum.members);
            let mut drawn: Vec<(u64, i64, usize)> = members
                .into_iter()
                .map(|member| {
                    (
                        lot.draw(self.judged.group[member]),
                        self.judged.customer[member],
                        member,
                    )
                })
                .collect();
            drawn.sort_unstable();
            let mut rest = drawn.into_iter();
            for (cell, count) in stratum.counts.iter().enumerate() {
                counts[cell] += count;
                for (_, _, member) in rest
                    .by_ref()
                    .take(usize::try_from(*count).unwrap_or(usize::MAX))
                {
                    states[member] = match self.choice.cells[cell].kind {
                        CellKind::Control => State::Control(cell),
                        CellKind::Target | CellKind::Explore => State::Selected(cell),
                    };
                }
            }
        }
    }

    /// Draws the explore cell among all eligible whom the limits cut, whatever their rank.
    fn explore(&mut self, ranked: &[(usize, usize)], states: &mut [State], counts: &mut [u64]) {
        let Some(cell) = self.explore else { return };
        let wanted = self.n_explore(self.chosen);
        let bit = self.choice.cells[cell]
            .channel
            .map_or(u8::MAX, Channel::bit);
        let lot = Lot::new(self.choice.campaign, self.choice.seed, "explore");
        let pool = ranked.iter().map(|(member, _)| *member).filter(|member| {
            matches!(states[*member], State::Cut(_))
                && self.choice.channels(self.judged.failed[*member]) & bit != 0
        });
        let mut pool: Vec<(u64, i64, usize)> = pool
            .map(|member| {
                (
                    lot.draw(self.judged.group[member]),
                    self.judged.customer[member],
                    member,
                )
            })
            .collect();
        pool.sort_unstable();
        let mut chosen = self.chosen;
        for (_, _, member) in pool {
            if counts[cell] == wanted {
                break;
            }
            if self.judge_one_by_one(member, chosen).is_ok() {
                self.take(member);
                states[member] = State::Selected(cell);
                counts[cell] += 1;
                chosen += 1;
            }
        }
    }
}
