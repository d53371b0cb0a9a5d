//! A customer lived through: identity, holdings, accounts with their history, events of the nights, campaign outcome.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::synth::account::Account;
use crate::synth::draw::{Draw, Purpose, cents, real};
use crate::synth::events::{self, Event, Rates};
use crate::synth::holdings::{self, Holdings};
use crate::synth::identity::{Identity, is_organisation};
use crate::synth::mailing;
use crate::synth::organisation::Organisation;
use crate::synth::outcome::{Letter, Outcome};
use crate::synth::paths::{self, Driver};
use crate::synth::traits::Traits;
use crate::synth::window::Window;

pub struct Person {
    pub identity: Identity,
    pub traits: Traits,
    pub holdings: Holdings,
    pub matured: Outcome,
    pub next: Outcome,
    pub mailing: mailing::Story,
}

pub enum Who {
    Person(Box<Person>),
    Organisation(Box<Organisation>),
}

pub struct Customer {
    pub index: u64,
    pub who: Who,
    pub since: NaiveDate,
    pub rates: Rates,
    pub accounts: Vec<Account>,
    /// Night, and the night before the first for what arrives late.
    pub nights: BTreeMap<NaiveDate, Vec<Event>>,
    /// The day after which nothing of the customer changes.
    pub still_after: Option<NaiveDate>,
}

impl Customer {
    #[must_use]
    pub fn live(seed: u64, window: &Window, index: u64) -> Self {
        if is_organisation(index) {
            Self::organisation(seed, window, index)
        } else {
            Self::person(seed, window, index)
        }
    }

    #[must_use]
    pub const fn as_person(&self) -> Option<&Person> {
        match &self.who {
            Who::Person(person) => Some(person),
            Who::Organisation(_) => None,
        }
    }

    /// Whether the customer is one of those whose records and accounts change, of whom there are so many in a hundred.
    #[must_use]
    pub fn is_active(&self, seed: u64, percent: u8) -> bool {
        Draw::new(seed, Purpose::Activity, 0, self.index).below(100) < u64::from(percent)
    }

    /// Lets records and accounts stand as on `day`; the customer goes on asking, calling and looking.
    ///
    /// Who came later stays as it is: such a customer is new, and so a change.
    pub fn stand_still(&mut self, day: NaiveDate) {
        if self.since > day {
            return;
        }
        self.still_after = Some(day);
        self.accounts.retain(|account| account.exists_on(day));
        for account in &mut self.accounts {
            account.closed = account.closed.filter(|closed| *closed <= day);
            account.changes.retain(|change| change.on <= day);
            account.postings.retain(|(on, _), _| *on <= day);
            account.transactions.retain(|moved| moved.on <= day);
        }
    }

    fn person(seed: u64, window: &Window, index: u64) -> Self {
        let identity = Identity::of(seed, window, index);
        let traits = Traits::of(seed, index);
        let holdings = Holdings::of(seed, &identity, &traits);
        let mut accounts = holdings::accounts(seed, window, &identity, &traits, &holdings);
        let matured = Outcome::of(seed, index, Letter::Matured, &traits, &holdings);
        let next = Outcome::of(seed, index, Letter::Next, &traits, &holdings);
        let story = mailing::Story::of(seed, window, &identity, &holdings, &matured);
        if let Some((booked_on, amount)) = story.booking {
            accounts.push(holdings::home_equity_loan(
                window, &identity, &traits, booked_on, amount,
            ));
        }
        let driver = Driver {
            liveliness: traits.liveliness(),
            wealth: traits.wealth,
            bounces: 0.5 * (0.8 * traits.stress - 0.4).exp(),
            card_spend: holdings.card.map_or(0, |card| card.monthly_spend),
            service_fee: 0,
            is_waived: index % 25 == 3,
        };
        let since = identity.since;
        let who = Who::Person(Box::new(Person {
            identity,
            traits,
            holdings,
            matured,
            next,
            mailing: story,
        }));
        Self::with(
            seed,
            window,
            (index, who, since, Rates::of_person(&traits)),
            accounts,
            &driver,
        )
    }

    fn organisation(seed: u64, window: &Window, index: u64) -> Self {
        let organisation = Organisation::of(seed, window, index);
        let accounts = organisation.accounts(seed, window);
        let driver = Driver {
            liveliness: 4.0,
            wealth: 3.0 + organisation.size,
            bounces: 0.0,
            card_spend: 0,
            service_fee: organisation.service_fee(),
            is_waived: false,
        };
        let (since, rates) = (
            organisation.since,
            Rates::of_organisation(organisation.size),
        );
        let who = Who::Organisation(Box::new(organisation));
        Self::with(seed, window, (index, who, since, rates), accounts, &driver)
    }

    fn with(
        seed: u64,
        window: &Window,
        known: (u64, Who, NaiveDate, Rates),
        mut accounts: Vec<Account>,
        driver: &Driver,
    ) -> Self {
        let (index, who, since, rates) = known;
        let nights: BTreeMap<NaiveDate, Vec<Event>> = window
            .nights()
            .filter(|night| since <= *night)
            .map(|night| (night, events::day(seed, index, &rates, night)))
            .collect();
        for account in &mut accounts {
            paths::live(seed, window, driver, account, &nights);
        }
        Self {
            index,
            who,
            since,
            rates,
            accounts,
            nights,
            still_after: None,
        }
    }

    /// Cents that the customer's events of the whole window cost.
    #[must_use]
    pub fn event_cost(&self, seed: u64, window: &Window) -> i64 {
        let history: i64 = window
            .months
            .iter()
            .filter(|month| **month >= crate::synth::window::month_of(self.since))
            .flat_map(|month| events::history(seed, window, self.index, &self.rates, *month))
            .map(|(kind, count)| kind.unit_cost * i64::from(count))
            .sum();
        let nights: i64 = self
            .nights
            .values()
            .flatten()
            .map(|event| event.kind.unit_cost)
            .sum();
        history + nights
    }
}

/// Part of an amount.
#[must_use]
pub fn part(amount: i64, share: f64) -> i64 {
    cents(real(amount) / 100.0 * share)
}
