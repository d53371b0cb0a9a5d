//! The matured random mailing of the history, with its control group: who got a letter, who answered, what was booked.
//!
//! How a person answers an offer, and when, is the same for every later campaign.

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

/// How an offer reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Mail,
    Phone,
}

/// What a person does after an offer, or without one.
#[derive(Debug, Clone)]
pub struct Answer {
    pub steps: Vec<Step>,
    pub quotes_finder: bool,
    pub letter_returned: bool,
    /// Whoever opens a loan unasked does so whether contacted or not.
    pub booked_on: Option<NaiveDate>,
}

impl Answer {
    /// `way` is `None` for who is not contacted. The number of draws is the same for everybody.
    #[must_use]
    pub fn of(
        draw: &mut Draw,
        contacted_on: NaiveDate,
        outcome: &Outcome,
        way: Option<Way>,
    ) -> Self {
        let answered_on = plus_days(contacted_on, 6 + draw.below(40));
        let decided_on = plus_days(answered_on, 4 + draw.below(14));
        let booked_on = plus_days(decided_on, 5 + draw.below(20));
        let letter_returned = draw.chance(0.02);
        let quotes_finder = !draw.chance(0.10);
        let refuses = draw.chance(0.004);
        let spontaneous_on = plus_days(contacted_on, draw.below(110));
        let responds = match way {
            Some(Way::Mail) => !letter_returned && outcome.responds_to_mail,
            Some(Way::Phone) => outcome.responds_to_phone,
            None => false,
        };
        let refuses = match way {
            Some(Way::Mail) => !letter_returned && refuses,
            Some(Way::Phone) => outcome.is_reached_by_phone && refuses,
            None => false,
        };
        let mut steps = Vec::new();
        let mut booked = None;
        if responds {
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
        } else if refuses {
            steps.push(("R", answered_on));
        }
        let spontaneous = outcome.books_without_contact.then_some(spontaneous_on);
        Self {
            steps,
            quotes_finder,
            letter_returned,
            booked_on: booked.or(spontaneous),
        }
    }
}

/// Cents: part of the room on the home, in whole hundreds.
#[must_use]
pub fn loan_amount(holdings: &Holdings, outcome: &Outcome) -> i64 {
    let amount = part(available_equity(holdings), 0.25 + 0.5 * outcome.appetite) / 10_000 * 10_000;
    amount.max(500_000)
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
        let is_reachable = outcome.is_eligible && identity.since < contacted_on;
        let cell = cell.filter(|_| is_reachable);
        let answer = Answer::of(
            &mut draw,
            contacted_on,
            outcome,
            (cell == Some(Cell::Mail)).then_some(Way::Mail),
        );
        let booking = answer
            .booked_on
            .filter(|day| is_reachable && *day < window.first_night)
            .map(|day| (day, loan_amount(holdings, outcome)));
        Self {
            cell,
            contacted_on,
            campaign: format!("HEL-MASS-{month}"),
            steps: answer.steps,
            quotes_finder: answer.quotes_finder,
            letter_returned: answer.letter_returned,
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
