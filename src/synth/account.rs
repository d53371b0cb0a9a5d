//! An account and what is booked on it: balance path, interest, postings. Exact: cents, millionths, days.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::Month;
use crate::synth::product::{Line, Product};
use crate::synth::window::{first_day, last_day, plus_days};

/// From `on` (inclusive) until the next change the account has this balance; owed amounts are positive on loans and cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub on: NaiveDate,
    pub balance: i64,
}

#[derive(Debug, Clone)]
pub struct Transaction {
    pub on: NaiveDate,
    pub amount: i64,
    pub kind: &'static str,
    pub channel: &'static str,
    pub text: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Primary,
    Joint,
    /// Signer of an organisation's account, guarantor of a loan, beneficiary of a deposit.
    Signer,
    Guarantor,
    Beneficiary,
}

#[derive(Debug, Clone, Copy)]
pub struct Party {
    /// Customer index.
    pub customer: u64,
    pub role: Role,
    pub ownership_ppm: u32,
}

/// Credit risk as the systems state it; probabilities in millionths.
#[derive(Debug, Clone, Copy, Default)]
pub struct Risk {
    pub days_past_due: u32,
    pub worst_days_past_due: u32,
    pub pd: i64,
    pub lgd: i64,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub product: Product,
    /// Customer index times 16 plus ordinal; the systems format it their way.
    pub number: u64,
    pub owner: u64,
    pub parties: Vec<Party>,
    pub branch: String,
    pub opened: NaiveDate,
    pub closed: Option<NaiveDate>,
    pub matures: Option<NaiveDate>,
    /// Millionths a year.
    pub rate: i64,
    pub limit: i64,
    pub original: i64,
    pub risk: Risk,
    pub changes: Vec<Change>,
    pub postings: BTreeMap<(NaiveDate, Line), i64>,
    pub transactions: Vec<Transaction>,
    /// The person's n-th record in the account's system.
    pub record: u64,
}

impl Account {
    #[must_use]
    pub fn new(
        product: Product,
        owner: u64,
        ordinal: u64,
        opened: NaiveDate,
        branch: String,
    ) -> Self {
        Self {
            product,
            number: owner * 16 + ordinal,
            owner,
            parties: vec![Party {
                customer: owner,
                role: Role::Primary,
                ownership_ppm: 1_000_000,
            }],
            branch,
            opened,
            closed: None,
            matures: None,
            rate: product.terms().rate,
            limit: 0,
            original: 0,
            risk: Risk::default(),
            changes: Vec::new(),
            postings: BTreeMap::new(),
            transactions: Vec::new(),
            record: 0,
        }
    }

    /// Sets the balance from `on` on; changes come in order of their days, a second one on a day replaces the first.
    pub fn set_balance(&mut self, on: NaiveDate, balance: i64) {
        match self.changes.last_mut() {
            Some(last) if last.on == on => last.balance = balance,
            Some(last) if last.balance == balance => {}
            _ => self.changes.push(Change { on, balance }),
        }
    }

    /// Closing balance of `day`.
    #[must_use]
    pub fn balance_on(&self, day: NaiveDate) -> i64 {
        let known = self.changes.partition_point(|change| change.on <= day);
        known
            .checked_sub(1)
            .map_or(0, |last| self.changes[last].balance)
    }

    #[must_use]
    pub fn exists_on(&self, day: NaiveDate) -> bool {
        self.opened <= day
    }

    #[must_use]
    pub fn is_open_on(&self, day: NaiveDate) -> bool {
        self.exists_on(day) && self.closed.is_none_or(|closed| closed > day)
    }

    /// Sum over the month's days of the positive balance, in cent days.
    #[must_use]
    pub fn balance_days(&self, month: Month) -> i128 {
        let (from, to) = (first_day(month), plus_days(last_day(month), 1));
        let ends = self
            .changes
            .iter()
            .skip(1)
            .map(|change| change.on)
            .chain([to]);
        self.changes
            .iter()
            .zip(ends)
            .map(|(change, end)| {
                let days = (end.min(to) - change.on.max(from)).num_days().max(0);
                i128::from(change.balance.max(0)) * i128::from(days)
            })
            .sum()
    }

    /// Interest of the month at `rate` (millionths a year), act/365, to the cent.
    #[must_use]
    pub fn interest(&self, month: Month, rate: i64) -> i64 {
        share_of(self.balance_days(month), i128::from(rate), 365_000_000)
    }

    pub fn post(&mut self, on: NaiveDate, line: Line, amount: i64) {
        if amount > 0 {
            *self.postings.entry((on, line)).or_insert(0) += amount;
        }
    }
}

/// `amount` x `numerator` / `denominator`, half away from zero.
#[must_use]
pub fn share_of(amount: i128, numerator: i128, denominator: i128) -> i64 {
    let product = amount * numerator;
    let half = if product < 0 {
        -denominator / 2
    } else {
        denominator / 2
    };
    i64::try_from((product + half) / denominator).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn interest_counts_each_day_at_its_balance() {
        let mut account = Account::new(Product::Savings, 0, 0, day("2026-01-01"), String::new());
        account.set_balance(day("2026-01-01"), 100_000);
        account.set_balance(day("2026-01-11"), 200_000);
        let month = Month {
            year: 2026,
            month: 1,
        };
        assert_eq!(account.balance_days(month), 100_000 * 10 + 200_000 * 21);
        // 5,200,000 cent days at 2 % a year
        assert_eq!(account.interest(month, 20_000), 285);
        assert_eq!(account.balance_on(day("2026-01-10")), 100_000);
        assert_eq!(account.balance_on(day("2025-12-31")), 0);
    }
}
