//! Organisations: companies, some of them in groups, with larger balances, payments and cash-management fees.

use chrono::NaiveDate;

use crate::synth::account::{Account, Party, Role};
use crate::synth::draw::{Draw, Purpose, cents};
use crate::synth::holdings::CHECKING;
use crate::synth::identity::{Address, ORGANISATION_EVERY, is_organisation, tax_id_of};
use crate::synth::names;
use crate::synth::product::Product;
use crate::synth::window::{Window, minus_days, plus_days};

/// Companies in a group, when they form one.
const GROUP: u64 = 3;

#[derive(Debug, Clone)]
pub struct Organisation {
    pub index: u64,
    /// Index of the group's head; its own when it stands alone or is the head.
    pub head: u64,
    pub legal_name: String,
    pub industry: &'static str,
    pub tax_id: u64,
    pub address: Address,
    pub phone: u64,
    pub officer: String,
    pub since: NaiveDate,
    /// Standard normal.
    pub size: f64,
    /// Who signs for its accounts: a person of the block before it.
    pub signer: u64,
}

impl Organisation {
    #[must_use]
    pub fn of(seed: u64, window: &Window, index: u64) -> Self {
        let ordinal = index / ORGANISATION_EVERY;
        let first_of_group = ordinal / GROUP * GROUP;
        let mut group = Draw::new(seed, Purpose::Organisation, 1, first_of_group);
        let is_group = group.chance(0.5);
        let group_word = *group.pick(names::COMPANY_WORDS);
        let mut draw = Draw::new(seed, Purpose::Organisation, 0, index);
        let own_word = *draw.pick(names::COMPANY_WORDS);
        let (trade, industry) = *draw.pick(names::COMPANY_TRADES);
        let form = draw.pick(names::COMPANY_FORMS);
        let word = if is_group { group_word } else { own_word };
        let address = Address {
            street: format!("{} {}", draw.between(1, 400), draw.pick(names::STREETS)),
            city: usize::try_from(draw.below(16)).unwrap_or(0),
        };
        let (_, _, _, area) = names::CITIES[address.city];
        let head = if is_group {
            first_of_group * ORGANISATION_EVERY + ORGANISATION_EVERY - 1
        } else {
            index
        };
        Self {
            index,
            head,
            legal_name: format!("{word} {trade} {form}"),
            industry,
            tax_id: tax_id_of(seed, index),
            phone: area * 10_000_000 + 5_550_000 + draw.below(10_000),
            officer: format!("RM{:03}", address.city + 1),
            address,
            since: minus_days(window.start, 1 + draw.below(15 * 365)),
            size: draw.normal(),
            signer: index - 1 - draw.below(16),
        }
    }

    #[must_use]
    pub fn segment(&self) -> &'static str {
        match self.size {
            size if size > 1.2 => "large",
            size if size > 0.2 => "middle",
            _ => "small",
        }
    }

    /// Cash-management fee a month, in cents.
    #[must_use]
    pub fn service_fee(&self) -> i64 {
        cents((3.2 + 0.4 * self.size).exp())
    }

    #[must_use]
    pub fn accounts(&self, seed: u64, window: &Window) -> Vec<Account> {
        let mut draw = Draw::new(seed, Purpose::Organisation, 2, self.index);
        let mut accounts = Vec::new();
        for (ordinal, product, chance, log_mean, slope, sigma) in [
            (CHECKING, Product::BusinessChecking, 1.0, 8.4, 0.8, 0.6),
            (1, Product::BusinessSavings, 0.4, 9.3, 0.8, 0.6),
            (2, Product::BusinessLoan, 0.4, 10.2, 0.6, 0.5),
        ] {
            let level = draw.amount(log_mean + slope * self.size, sigma);
            let lag = draw.below(
                (window.first_night - self.since)
                    .num_days()
                    .max(1)
                    .cast_unsigned()
                    / 2
                    + 1,
            );
            if !draw.chance(chance) {
                continue;
            }
            let opened = if ordinal == CHECKING {
                self.since
            } else {
                plus_days(self.since, lag)
            };
            let mut account =
                Account::new(product, self.index, ordinal, opened, self.address.branch());
            account.original = level;
            if product == Product::BusinessLoan {
                account.matures = Some(plus_days(window.last_night, 400 + lag));
                account.risk.pd = 20_000;
                account.risk.lgd = 450_000;
            }
            if product == Product::BusinessChecking && !is_organisation(self.signer) {
                account.parties.push(Party {
                    customer: self.signer,
                    role: Role::Signer,
                    ownership_ppm: 0,
                });
            }
            accounts.push(account);
        }
        accounts
    }
}
