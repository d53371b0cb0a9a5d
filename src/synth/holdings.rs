//! Which products a person holds, and with how much: the logits and log-normal balances of the synthetic bank.

use chrono::NaiveDate;

use crate::synth::account::{Account, Party, Risk, Role};
use crate::synth::draw::{Draw, Purpose, cents, logistic, real};
use crate::synth::identity::Identity;
use crate::synth::product::Product;
use crate::synth::traits::Traits;
use crate::synth::window::{Window, minus_days, plus_days};

/// Balances a person holds or owes, in cents; 0 where the product is not held.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    pub checking: i64,
    pub savings: i64,
    pub term: i64,
    pub card: Option<Card>,
    pub home: Option<Home>,
    pub mortgage: i64,
    pub loan: i64,
    pub wealth: i64,
}

#[derive(Debug, Clone, Copy)]
pub struct Card {
    pub is_revolver: bool,
    pub balance: i64,
    pub monthly_spend: i64,
}

#[derive(Debug, Clone, Copy)]
pub struct Home {
    pub value: i64,
    /// Owed to other banks.
    pub other_lien: i64,
}

impl Holdings {
    #[must_use]
    pub fn of(seed: u64, identity: &Identity, traits: &Traits) -> Self {
        let mut draw = Draw::new(seed, Purpose::Holdings, 0, identity.index);
        let (age, wealth, stress) = (traits.age, traits.wealth, traits.stress);
        let dormant = if traits.is_dormant { 0.4 } else { 1.0 };
        let checking = cents((6.8 + 0.8 * wealth + 0.9 * draw.normal()).exp() * dormant);
        let savings = draw.amount(7.9 + wealth, 1.0);
        let has_savings = draw.chance(logistic(0.2 + 0.5 * wealth));
        let term = draw.amount(9.5 + 0.7 * wealth, 0.5);
        let has_term = draw.chance(logistic(-1.8 + 0.7 * wealth + 0.4 * age));
        let owner = draw.chance(logistic(0.5 + 0.7 * wealth + 0.3 * age));
        let value = draw.amount(12.0 + 0.35 * wealth, 0.3);
        let has_mortgage = owner && draw.chance(0.30);
        let mortgage = draw.amount(11.5 + 0.35 * wealth, 0.4).min(value * 95 / 100);
        let has_other = owner && !has_mortgage && draw.chance(0.35);
        let other_lien = draw.amount(11.3 + 0.3 * wealth, 0.4).min(value * 95 / 100);
        let has_card = draw.chance(logistic(-0.1 * stress));
        let is_revolver = draw.chance(logistic(-0.6 + 0.7 * stress));
        let card = if is_revolver {
            draw.amount(7.2 + 0.2 * wealth, 0.8)
        } else {
            draw.amount(5.5 + 0.4 * wealth, 0.8)
        };
        let spend = draw.amount(6.0 + 0.4 * wealth, 0.6);
        let has_loan = draw.chance(logistic(-2.6 + 0.4 * stress));
        let loan = draw.amount(8.6, 0.5);
        let wealth_balance = draw.amount(10.3 + 0.6 * wealth, 0.7);
        let has_wealth = identity.native.is_some() && draw.chance(logistic(0.2 + 0.8 * wealth));
        Self {
            checking,
            savings: if has_savings { savings } else { 0 },
            term: if has_term { term } else { 0 },
            card: has_card.then_some(Card {
                is_revolver,
                balance: card,
                monthly_spend: cents(real(spend) / 100.0 * traits.liveliness().min(3.0)),
            }),
            home: owner.then_some(Home {
                value,
                other_lien: if has_other { other_lien } else { 0 },
            }),
            mortgage: if has_mortgage { mortgage } else { 0 },
            loan: if has_loan { loan } else { 0 },
            wealth: if has_wealth { wealth_balance } else { 0 },
        }
    }

    #[must_use]
    pub fn deposits(&self) -> i64 {
        self.checking + self.savings + self.term
    }

    /// Home value less all liens, ours and others'.
    #[must_use]
    pub fn equity(&self) -> i64 {
        self.home
            .map_or(0, |home| home.value - home.other_lien - self.mortgage)
    }
}

/// Ordinals within a person's account numbers.
pub const CHECKING: u64 = 0;
const SAVINGS: u64 = 1;
const TERM: u64 = 2;
const CARD: u64 = 3;
pub const MORTGAGE: u64 = 4;
const LOAN: u64 = 5;
const WEALTH: u64 = 6;
pub const HOME_EQUITY: u64 = 7;

/// The accounts behind the holdings, with terms and parties but without balances over time.
#[must_use]
pub fn accounts(
    seed: u64,
    window: &Window,
    identity: &Identity,
    traits: &Traits,
    holdings: &Holdings,
) -> Vec<Account> {
    let mut draw = Draw::new(seed, Purpose::Relations, 0, identity.index);
    let mut accounts = Vec::new();
    for (ordinal, product, level) in [
        (CHECKING, Product::Checking, holdings.checking.max(1)),
        (SAVINGS, Product::Savings, holdings.savings),
        (TERM, Product::TermDeposit, holdings.term),
        (
            CARD,
            Product::CreditCard,
            holdings.card.map_or(0, |card| card.balance),
        ),
        (MORTGAGE, Product::Mortgage, holdings.mortgage),
        (LOAN, Product::PersonalLoan, holdings.loan),
        (WEALTH, Product::WealthFund, holdings.wealth),
    ] {
        // The same number of draws for each product, held or not, keeps persons comparable over versions.
        let opened = opening_date(window, identity.since, ordinal == CHECKING, &mut draw);
        let closes = draw.chance(0.02);
        let close_on = minus_days(window.last_night, draw.below(400));
        let years = draw.between(1, 4).cast_unsigned();
        let spread = draw.between(-4, 4) * 500;
        let (joint, other_party, second_record) =
            (draw.chance(0.35), draw.chance(0.05), draw.chance(0.3));
        let insurance = draw.chance(0.3);
        let level = if closes { level.max(1_000) } else { level };
        let is_held = level > 0 && (ordinal == CHECKING || holds(holdings, product));
        if !is_held || opened > window.last_night {
            continue;
        }
        let product = match product {
            Product::WealthFund if insurance => Product::WealthInsurance,
            other => other,
        };
        let mut account = Account::new(
            product,
            identity.index,
            ordinal,
            opened,
            identity.address.branch(),
        );
        account.original = level;
        account.rate += match product {
            Product::Savings | Product::TermDeposit | Product::Mortgage | Product::PersonalLoan => {
                spread
            }
            _ => 0,
        };
        account.record = if second_record { ordinal } else { 0 };
        set_terms(&mut account, window, holdings, traits, years);
        if closes
            && close_on > account.opened
            && matches!(
                product,
                Product::Savings | Product::PersonalLoan | Product::CreditCard
            )
        {
            account.closed = Some(close_on);
        }
        let has_partner = identity.is_married && identity.index == identity.household;
        if joint
            && has_partner
            && matches!(
                product,
                Product::Savings | Product::TermDeposit | Product::Mortgage | Product::PersonalLoan
            )
        {
            share_with(
                &mut account,
                identity.index + 1,
                Role::Joint,
                if second_record { 700_000 } else { 500_000 },
            );
        } else if other_party && has_partner {
            match product {
                Product::Checking | Product::Savings => share_with(
                    &mut account,
                    identity.index + 1,
                    Role::Beneficiary,
                    1_000_000,
                ),
                Product::PersonalLoan => {
                    share_with(&mut account, identity.index + 1, Role::Guarantor, 1_000_000);
                }
                _ => {}
            }
        }
        accounts.push(account);
    }
    accounts
}

fn holds(holdings: &Holdings, product: Product) -> bool {
    match product {
        Product::Savings => holdings.savings > 0,
        Product::TermDeposit => holdings.term > 0,
        Product::CreditCard => holdings.card.is_some(),
        Product::Mortgage => holdings.mortgage > 0,
        Product::PersonalLoan => holdings.loan > 0,
        Product::WealthFund => holdings.wealth > 0,
        _ => true,
    }
}

/// Adds a party; `ownership_ppm` is what the primary owner keeps.
fn share_with(account: &mut Account, customer: u64, role: Role, ownership_ppm: u32) {
    for party in &mut account.parties {
        party.ownership_ppm = ownership_ppm;
    }
    account.parties.push(Party {
        customer,
        role,
        ownership_ppm: 1_000_000 - ownership_ppm,
    });
}

/// The first account opens the relationship; others follow, sooner rather than later.
fn opening_date(window: &Window, since: NaiveDate, is_first: bool, draw: &mut Draw) -> NaiveDate {
    let span = (window.last_night - since).num_days().max(0);
    let lag = real(span) * draw.uniform().powi(3);
    if is_first {
        since
    } else {
        plus_days(since, u64::try_from(cents(lag / 100.0)).unwrap_or(0))
    }
}

fn set_terms(
    account: &mut Account,
    window: &Window,
    holdings: &Holdings,
    traits: &Traits,
    years: u64,
) {
    let stress = traits.stress;
    let risk = |yearly_loss: f64, lgd: f64| Risk {
        days_past_due: 0,
        worst_days_past_due: 0,
        pd: cents((yearly_loss / lgd).min(1.0) * 10_000.0),
        lgd: cents(lgd * 10_000.0),
    };
    match account.product {
        Product::TermDeposit => {
            account.matures = Some(plus_days(
                window.last_night,
                years * 91 + account.number % 90,
            ));
        }
        Product::CreditCard => {
            let is_revolver = holdings.card.is_some_and(|card| card.is_revolver);
            account.rate = if is_revolver { account.rate } else { 0 };
            account.limit = (account.original * 2 / 50_000 + 2) * 50_000;
            account.risk = risk(0.035 * (0.6 * stress).exp(), 0.7);
        }
        Product::PersonalLoan => {
            account.matures = Some(plus_days(window.last_night, years * 365 + 30));
            account.risk = risk(0.018 * (0.6 * stress).exp(), 0.45);
        }
        Product::Mortgage => {
            account.matures = Some(plus_days(window.last_night, years * 5 * 365));
            account.risk = risk(0.0006, 0.12);
        }
        Product::HomeEquityLoan => {
            account.matures = Some(plus_days(account.opened, 10 * 365));
            account.risk = risk(0.003, 0.3);
        }
        _ => {}
    }
    let is_credit = account.risk.pd > 0;
    if is_credit && stress > 1.9 && account.number.is_multiple_of(3) {
        account.risk.days_past_due = 30 + u32::try_from(account.number / 16 % 60).unwrap_or(0);
    }
    if is_credit && stress > 1.2 {
        let worst = u32::try_from(account.number / 16 % 75).unwrap_or(0);
        account.risk.worst_days_past_due = worst.max(account.risk.days_past_due);
    }
}

/// A home equity loan booked after a campaign or on the customer's own initiative.
#[must_use]
pub fn home_equity_loan(
    window: &Window,
    identity: &Identity,
    traits: &Traits,
    opened: NaiveDate,
    amount: i64,
) -> Account {
    let mut account = Account::new(
        Product::HomeEquityLoan,
        identity.index,
        HOME_EQUITY,
        opened,
        identity.address.branch(),
    );
    account.original = amount;
    set_terms(&mut account, window, &Holdings::default(), traits, 10);
    account
}
