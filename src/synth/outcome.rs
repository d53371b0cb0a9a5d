//! Who would answer a home equity letter: the response law and both potential outcomes of every person.

use crate::synth::draw::{Draw, Purpose, logistic, real};
use crate::synth::holdings::Holdings;
use crate::synth::traits::Traits;

/// Set so that the eligible respond at 1.2 % on average; a test of 20,000 customers holds it there.
const INTERCEPT: f64 = -6.735;
/// Least available equity, in cents.
const LEAST_EQUITY: i64 = 1_500_000;

/// Which offer: the mailing of the history, the next one, or one after that, counted from 0.
#[derive(Debug, Clone, Copy)]
pub enum Letter {
    Matured,
    Next,
    Later(u64),
}

impl Letter {
    /// Part of the stream's key: it never changes.
    const fn key(self) -> u64 {
        match self {
            Self::Matured => 1,
            Self::Next => 2,
            Self::Later(place) => 3 + place,
        }
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the answer to a question of its own, not a state"
)]
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub is_eligible: bool,
    /// Probability of a response to one letter.
    pub response_probability: f64,
    pub responds_to_mail: bool,
    pub responds_to_phone: bool,
    pub is_reached_by_phone: bool,
    pub is_approved: bool,
    pub books_when_approved: bool,
    pub books_without_contact: bool,
    /// In (0, 1): where between the least and the largest amount a loan would lie.
    pub appetite: f64,
}

impl Outcome {
    #[must_use]
    pub fn of(seed: u64, index: u64, letter: Letter, traits: &Traits, holdings: &Holdings) -> Self {
        let hidden_need = Draw::new(seed, Purpose::Outcome, 0, index).normal();
        let mut draw = Draw::new(seed, Purpose::Outcome, letter.key(), index);
        let logit = INTERCEPT + 1.7 * need(traits, holdings, hidden_need);
        let probability = logistic(logit);
        let answer = draw.uniform();
        let is_reached_by_phone = draw.chance(0.45);
        Self {
            is_eligible: available_equity(holdings) >= LEAST_EQUITY,
            response_probability: probability,
            responds_to_mail: answer < probability,
            responds_to_phone: is_reached_by_phone && answer < logistic(logit + 3.0_f64.ln()),
            is_reached_by_phone,
            is_approved: draw.chance(logistic(0.8 - traits.stress)),
            books_when_approved: draw.chance(0.75),
            books_without_contact: draw.chance(0.001),
            appetite: draw.uniform(),
        }
    }

    #[must_use]
    pub fn books_if_mailed(&self) -> bool {
        self.books_without_contact
            || (self.responds_to_mail && self.is_approved && self.books_when_approved)
    }

    #[must_use]
    pub fn books_if_phoned(&self) -> bool {
        self.books_without_contact
            || (self.responds_to_phone && self.is_approved && self.books_when_approved)
    }
}

/// Value x 80 % less all liens, in cents.
#[must_use]
pub fn available_equity(holdings: &Holdings) -> i64 {
    holdings.home.map_or(0, |home| {
        home.value * 80 / 100 - home.other_lien - holdings.mortgage
    })
}

fn need(traits: &Traits, holdings: &Holdings, hidden_need: f64) -> f64 {
    let dollars = |cents: i64| real(cents) / 100.0;
    let revolver = holdings.card.is_some_and(|card| card.is_revolver);
    let card = dollars(holdings.card.map_or(0, |card| card.balance));
    let indicator = |held: bool| if held { 1.0 } else { 0.0 };
    0.9 * indicator(revolver)
        + 0.45 * (card / 1_000.0).ln_1p()
        + 0.5 * indicator(holdings.mortgage > 0)
        + 0.35 * (dollars(holdings.equity()) / 50_000.0).min(2.0)
        - 0.3 * traits.wealth.max(0.0)
        - 0.25 * (dollars(holdings.deposits()) / 10_000.0).ln_1p()
        + 0.55 * hidden_need
}
