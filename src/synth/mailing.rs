//! The matured random mailing of the history, with its control group: who got a letter, who answered, what was booked.

use chrono::NaiveDate;

use crate::synth::customer::part;
use crate::synth::draw::{Draw, Purpose};
use crate::synth::holdings::Holdings;
use crate::synth::identity::Identity;
use crate::synth::outcome::{Outcome, available_equity};
use crate::synth::window::{Window, day_of, plus_days};

/// Month of the mailing within the history, counted from 0.
const MAILED_IN: usize = 8;
const SHARE_MAILED: f64 = 0.6;
const SHARE_CONTROL: f64 = 0.15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Mail,
    Control,
}

/// A step of an answer: its code in the campaign tool and its day.
pub type Step = (&'static str, NaiveDate);

#[derive(Debug, Clone)]
pub struct Story {
    pub cell: Option<Cell>,
    pub contacted_on: NaiveDate,
    pub campaign: String,
    pub steps: Vec<Step>,
    /// One response in ten comes without the letter's number.
    pub quotes_finder: bool,
    pub letter_returned: bool,
    pub booking: Option<(NaiveDate, i64)>,
}

impl Story {
    #[must_use]
    pub fn of(
        seed: u64,
        window: &Window,
        identity: &Identity,
        holdings: &Holdings,
        outcome: &Outcome,
    ) -> Self {
        let month = window.months[MAILED_IN];
        let contacted_on = day_of(month, 11);
        let mut draw = Draw::new(seed, Purpose::Outcome, 100, identity.index);
        let place = draw.uniform();
        let cell = match place {
            place if place < SHARE_MAILED => Some(Cell::Mail),
            place if place < SHARE_MAILED + SHARE_CONTROL => Some(Cell::Control),
            _ => None,
        };
        // The mailing went to home owners with equity, drawn at random.
        let cell = cell.filter(|_| outcome.is_eligible && identity.since < contacted_on);
        let answered_on = plus_days(contacted_on, 6 + draw.below(40));
        let decided_on = plus_days(answered_on, 4 + draw.below(14));
        let booked_on = plus_days(decided_on, 5 + draw.below(20));
        let letter_returned = draw.chance(0.02);
        let quotes_finder = !draw.chance(0.10);
        let refuses = draw.chance(0.004);
        let spontaneous_on = plus_days(contacted_on, draw.below(110));
        let mailed = cell == Some(Cell::Mail) && !letter_returned;
        let mut steps = Vec::new();
        let mut booked = None;
        if mailed && outcome.responds_to_mail {
            steps.extend([("I", answered_on), ("A", plus_days(answered_on, 2))]);
            if outcome.is_approved {
                steps.push(("P", decided_on));
                booked = outcome.books_when_approved.then_some(booked_on);
            } else {
                steps.push(("D", decided_on));
            }
            if booked.is_some() {
                steps.push(("B", booked_on));
            }
        } else if mailed && refuses {
            steps.push(("R", answered_on));
        }
        if booked.is_none()
            && outcome.is_eligible
            && outcome.books_without_contact
            && identity.since < contacted_on
        {
            booked = Some(spontaneous_on);
        }
        let amount =
            part(available_equity(holdings), 0.25 + 0.5 * outcome.appetite) / 10_000 * 10_000;
        let booking = booked
            .filter(|day| *day < window.first_night)
            .map(|day| (day, amount.max(500_000)));
        Self {
            cell,
            contacted_on,
            campaign: format!("HEL-MASS-{month}"),
            steps,
            quotes_finder,
            letter_returned,
            booking,
        }
    }

    /// The number printed on the letter, with a check digit.
    #[must_use]
    pub fn finder(&self, index: u64) -> String {
        let sum: u64 = index
            .to_string()
            .bytes()
            .map(|digit| u64::from(digit - b'0'))
            .sum();
        format!("{}-M-{index:08}-{}", self.campaign, sum % 10)
    }
}
