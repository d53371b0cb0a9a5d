//! What customers do in the channels: counts per month before the nights, single events in the nights.

use chrono::{NaiveDate, NaiveDateTime};

use crate::domain::Month;
use crate::synth::draw::{Draw, Purpose, cents, real};
use crate::synth::traits::Traits;
use crate::synth::window::{Window, day_key, days_in, first_day, month_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Teller,
    Atm,
    PhoneAgent,
    Ivr,
    Web,
    Mobile,
}

/// Kinds of events with their channel, share of the channel's events, unit cost in cents (`TowerGroup`, 2009).
pub const KINDS: &[Kind] = &[
    Kind::new(Channel::Teller, "cash_deposit", 0.45, 400),
    Kind::new(Channel::Teller, "cash_withdrawal", 0.35, 400),
    Kind::new(Channel::Teller, "service", 0.20, 400),
    Kind::new(Channel::Atm, "cash_withdrawal", 0.80, 85),
    Kind::new(Channel::Atm, "balance_inquiry", 0.20, 85),
    Kind::new(Channel::PhoneAgent, "service", 1.0, 375),
    Kind::new(Channel::Ivr, "balance_inquiry", 1.0, 125),
    Kind::new(Channel::Web, "session", 0.80, 17),
    Kind::new(Channel::Web, "payment", 0.20, 17),
    Kind::new(Channel::Mobile, "session", 0.85, 8),
    Kind::new(Channel::Mobile, "payment", 0.15, 8),
];

#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub channel: Channel,
    pub event_type: &'static str,
    share: f64,
    pub unit_cost: i64,
}

impl Kind {
    const fn new(channel: Channel, event_type: &'static str, share: f64, unit_cost: i64) -> Self {
        Self {
            channel,
            event_type,
            share,
            unit_cost,
        }
    }
}

/// Mean events a month in each channel.
#[derive(Debug, Clone, Copy)]
pub struct Rates([f64; 6]);

impl Rates {
    #[must_use]
    pub fn of_person(traits: &Traits) -> Self {
        let (digital, liveliness) = (traits.digital, traits.liveliness());
        Self(
            [
                1.1 * (-0.6 * digital).exp(),
                4.0,
                0.25 * (-0.2 * digital).exp(),
                0.6,
                3.0 * (0.7 * digital).exp(),
                5.0 * (0.9 * digital).exp(),
            ]
            .map(|rate| rate * liveliness),
        )
    }

    /// Organisations come to the counter with their takings and pay online.
    #[must_use]
    pub fn of_organisation(size: f64) -> Self {
        Self([4.0, 0.5, 0.8, 0.2, 14.0, 2.0].map(|rate| rate * (0.3 * size).exp()))
    }

    fn of(&self, kind: &Kind) -> f64 {
        self.0[kind.channel as usize] * kind.share
    }
}

#[derive(Debug, Clone)]
pub struct Event {
    pub kind: &'static Kind,
    pub at: NaiveDateTime,
    pub amount: i64,
    pub minutes_tenths: i64,
    /// Within the customer's day.
    pub ordinal: usize,
    /// Delivered with the next night only.
    pub is_late: bool,
    /// Delivered on time, and once more with the next night.
    pub is_sent_twice: bool,
}

/// Counts of a month of the history, kind by kind; the month of the first night ends the day before it.
#[must_use]
pub fn history(
    seed: u64,
    window: &Window,
    index: u64,
    rates: &Rates,
    month: Month,
) -> Vec<(&'static Kind, u32)> {
    let mut draw = Draw::new(seed, Purpose::Events, day_key(first_day(month)), index);
    let days = i64::from(days_in(month));
    let covered = (window.first_night - first_day(month))
        .num_days()
        .clamp(0, days);
    let part = real(covered) / real(days);
    KINDS
        .iter()
        .map(|kind| (kind, draw.poisson(rates.of(kind) * part)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The events of a day, in order of time.
#[must_use]
pub fn day(seed: u64, index: u64, rates: &Rates, date: NaiveDate) -> Vec<Event> {
    let mut draw = Draw::new(seed, Purpose::Night, day_key(date), index);
    let part = 1.0 / f64::from(days_in(month_of(date)));
    let mut events = Vec::new();
    for kind in KINDS {
        for _ in 0..draw.poisson(rates.of(kind) * part) {
            let second = 8 * 3_600 + draw.below(11 * 3_600);
            let at = date.and_time(chrono::NaiveTime::MIN)
                + chrono::TimeDelta::seconds(second.cast_signed());
            let amount = match (kind.channel, kind.event_type) {
                (Channel::Atm, "cash_withdrawal") => draw.between(1, 10) * 2_000,
                (Channel::Teller, "cash_deposit" | "cash_withdrawal") => draw.amount(5.3, 0.8),
                (_, "payment") => draw.amount(4.5, 0.8),
                _ => 0,
            };
            events.push(Event {
                kind,
                at,
                amount,
                minutes_tenths: cents(0.2 + 0.6 * draw.uniform()),
                ordinal: 0,
                is_late: draw.chance(0.01),
                is_sent_twice: draw.chance(0.003),
            });
        }
    }
    events.sort_by_key(|event| event.at);
    for (ordinal, event) in events.iter_mut().enumerate() {
        event.ordinal = ordinal;
    }
    events
}
