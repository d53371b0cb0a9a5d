//! Selection as a pure function: whatever the members, limits hold, shares are exact and the order says nothing.

#![cfg(test)]

use proptest::prelude::*;
use salenet::config::cells::{CellKind, CellSpec, Channel};
use salenet::stages::campaign::bound::gap;
use salenet::stages::campaign::judged::Judged;
use salenet::stages::campaign::select::{AverageLimit, Choice, Limit, Selection, State, select};

fn cell(code: &str, kind: CellKind, channel: Option<Channel>, share: u32, cost: i64) -> CellSpec {
    CellSpec {
        code: code.to_owned(),
        kind,
        channel,
        share,
        offer: None,
        cost: Some(cost),
    }
}

fn cells() -> Vec<CellSpec> {
    vec![
        cell("A", CellKind::Target, Some(Channel::Mail), 600_000, 85),
        cell("B", CellKind::Target, Some(Channel::Phone), 300_000, 410),
        cell("C", CellKind::Control, None, 100_000, 0),
        cell("X", CellKind::Explore, Some(Channel::Mail), 50_000, 85),
    ]
}

/// Rule 0 removes, 1 closes mail, 2 closes the telephone.
fn choice(cells: &[CellSpec], budget: u64, phone: u64, branch: u64, average: f64) -> Choice<'_> {
    let usage = |of: fn(&CellSpec) -> u64| cells.iter().map(of).collect::<Vec<u64>>();
    Choice {
        campaign: "HEL",
        seed: 7,
        cells,
        removing: 1,
        closing: vec![(Channel::Mail, 2), (Channel::Phone, 4)],
        limits: vec![
            Limit {
                name: "BUDGET".to_owned(),
                usage: usage(|cell| cell.cost.unwrap_or(0).unsigned_abs()),
                most: budget,
            },
            Limit {
                name: "CHANNEL_PHONE".to_owned(),
                usage: usage(|cell| u64::from(cell.channel == Some(Channel::Phone))),
                most: phone,
            },
        ],
        branch_most: Some(branch),
        averages: vec![AverageLimit {
            name: "AVERAGE_PD".to_owned(),
            most: average,
        }],
    }
}

type Member = (i64, i32, u64, u32, f64);

fn judged(members: &[Member]) -> Judged {
    let mut judged = Judged {
        averages: vec![Vec::new()],
        ..Judged::default()
    };
    for (number, (group, rank, failed, branch, pd)) in members.iter().enumerate() {
        judged
            .customer
            .push(i64::try_from(number).expect("small") + 1);
        judged.group.push(*group);
        judged.rank.push(if *rank < 0 {
            f64::NAN
        } else {
            f64::from(*rank)
        });
        judged.failed.push(*failed);
        judged.branch.push(*branch);
        judged.averages[0].push(*pd);
    }
    judged
}

/// Rows in another order; states by customer.
fn by_customer(judged: &Judged, selection: &Selection) -> Vec<(i64, String)> {
    let states = judged.customer.iter().zip(&selection.states);
    let mut states: Vec<_> = states
        .map(|(customer, state)| (*customer, format!("{state:?}")))
        .collect();
    states.sort();
    states
}

fn reversed(judged: &Judged) -> Judged {
    let mut other = judged.clone();
    other.customer.reverse();
    other.group.reverse();
    other.rank.reverse();
    other.failed.reverse();
    other.branch.reverse();
    other.averages[0].reverse();
    other
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn limits_hold_and_everybody_has_one_state(
        members in prop::collection::vec((0_i64..60, -2_i32..40, 0_u64..8, 0_u32..4, 0.0_f64..0.1), 0..150),
        budget in 0_u64..12_000, phone in 0_u64..20, branch in 0_u64..25, average in 0.01_f64..0.1,
    ) {
        let cells = cells();
        let choice = choice(&cells, budget, phone, branch, average);
        let judged = judged(&members);
        let selection = select(&judged, &choice);
        prop_assert_eq!(by_customer(&judged, &selection), {
            let other = reversed(&judged);
            by_customer(&other, &select(&other, &choice))
        });
        let mut counts = vec![0_u64; cells.len()];
        let mut branches = [0_u64; 4];
        let mut groups = std::collections::BTreeSet::new();
        let (mut sum, mut n) = (0.0, 0.0);
        for (member, state) in selection.states.iter().enumerate() {
            let failed = judged.failed[member];
            match state {
                State::Removed => prop_assert!(failed & 1 != 0),
                State::NoChannel => prop_assert_eq!(failed & 7, 6),
                State::Selected(cell) | State::Control(cell) => {
                    prop_assert_eq!(failed & 1, 0);
                    prop_assert!(groups.insert(judged.group[member]), "one offer per group");
                    match cells[*cell].channel {
                        Some(Channel::Mail) => prop_assert_eq!(failed & 2, 0),
                        Some(_) => prop_assert_eq!(failed & 4, 0),
                        None => {}
                    }
                    prop_assert_eq!(
                        matches!(state, State::Control(_)),
                        cells[*cell].kind == CellKind::Control
                    );
                    counts[*cell] += 1;
                    branches[judged.branch[member] as usize] += 1;
                    sum += judged.averages[0][member];
                    n += 1.0;
                }
                State::LostInDedupe | State::Cut(_) => prop_assert_eq!(failed & 1, 0),
            }
        }
        prop_assert_eq!(&counts, &selection.counts);
        for limit in &choice.limits {
            let used: u64 = counts.iter().zip(&limit.usage).map(|(count, usage)| count * usage).sum();
            prop_assert!(used <= limit.most, "{} uses {used} of {}", limit.name, limit.most);
        }
        prop_assert!(branches.iter().all(|members| *members <= branch));
        prop_assert!(sum <= average * n + 1e-9);
        let gap = gap(&judged, &choice, &selection);
        prop_assert!(gap.bound >= gap.reached - 1e-9);
    }
}

/// The best of all choices within a cap and an average, by trying every one.
fn best(values: &[f64], pd: &[f64], cap: u64, average: f64) -> f64 {
    let mut best = 0.0_f64;
    for set in 0_u32..1 << values.len() {
        let chosen = (0..values.len()).filter(|member| set & (1 << member) != 0);
        let chosen: Vec<usize> = chosen.collect();
        let n = f64::from(u32::try_from(chosen.len()).expect("small"));
        let risk: f64 = chosen.iter().map(|member| pd[*member]).sum();
        if chosen.len() as u64 <= cap && risk <= average * n + 1e-12 {
            best = best.max(chosen.iter().map(|member| values[*member]).sum());
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn no_choice_within_the_limits_passes_the_bound(
        members in prop::collection::vec((0_i32..50, 0.0_f64..0.1), 1..11),
        cap in 0_u64..6, average in 0.01_f64..0.1,
    ) {
        let cells = vec![cell("A", CellKind::Target, Some(Channel::Mail), 1_000_000, 85)];
        let mut choice = choice(&cells, 0, 0, 0, average);
        choice.branch_most = None;
        choice.limits = vec![Limit { name: "CAP".to_owned(), usage: vec![1], most: cap }];
        let all: Vec<Member> = members
            .iter()
            .enumerate()
            .map(|(number, (rank, pd))| (i64::try_from(number).expect("small"), *rank, 0, 0, *pd))
            .collect();
        let judged = judged(&all);
        let selection = select(&judged, &choice);
        let gap = gap(&judged, &choice, &selection);
        let optimum = best(&judged.rank, &judged.averages[0], cap, average);
        prop_assert!(gap.bound >= optimum - 1e-6, "{} < {optimum}", gap.bound);
        prop_assert!(gap.reached <= optimum + 1e-6);
    }
}

#[test]
fn controls_are_drawn_like_those_contacted() {
    // Ranks say nothing about who is held back: means of target and control differ by chance alone.
    let cells = cells();
    let choice = choice(&cells, u64::MAX, u64::MAX, u64::MAX, 1.0);
    let members: Vec<Member> = (0..20_000)
        .map(|number| {
            (
                number,
                i32::try_from(number % 1000).expect("small"),
                0,
                0,
                0.0,
            )
        })
        .collect();
    let judged = judged(&members);
    let selection = select(&judged, &choice);
    assert_eq!(selection.counts, [12_000, 6_000, 2_000, 0]);
    let mean = |wanted: fn(&State) -> bool| {
        let of = selection
            .states
            .iter()
            .enumerate()
            .filter(|(_, state)| wanted(state));
        let ranks: Vec<f64> = of.map(|(member, _)| judged.rank[member]).collect();
        ranks.iter().sum::<f64>() / f64::from(u32::try_from(ranks.len()).expect("small"))
    };
    let apart = mean(|state| matches!(state, State::Control(_)))
        - mean(|state| matches!(state, State::Selected(0)));
    // One standard error is 6.9.
    assert!(apart.abs() < 28.0, "{apart}");
}
