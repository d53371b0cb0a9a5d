//! How accounts live: balances over the history, transactions of the nights, monthly bookings.
//!
//! Before the first night balances move without transactions; from then on every change of a balance is the sum of
//! the day's transactions, so that opening balance + transactions = closing balance on each night.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::Month;
use crate::synth::account::{Account, Transaction, share_of};
use crate::synth::draw::{Draw, Purpose, cents, real};
use crate::synth::events::{Channel, Event};
use crate::synth::names;
use crate::synth::product::{Line, Product, System};
use crate::synth::window::{Window, day_key, day_of, last_day, month_of, plus_days};

/// What drives the accounts of one customer.
pub struct Driver {
    /// Factor on the number of transactions.
    pub liveliness: f64,
    pub wealth: f64,
    /// Bounced items a year.
    pub bounces: f64,
    /// Spent by card in a month, in cents.
    pub card_spend: i64,
    /// Cash management fee a month, in cents; organisations only.
    pub service_fee: i64,
    /// Pays the fee of small balances and gets it back.
    pub is_waived: bool,
}

pub fn live(
    seed: u64,
    window: &Window,
    driver: &Driver,
    account: &mut Account,
    nights: &BTreeMap<NaiveDate, Vec<Event>>,
) {
    let mut draw = Draw::new(seed, Purpose::Path, account.number % 16, account.owner);
    let bounced = base_path(window, driver, account, &mut draw);
    let opened = account.opened;
    for night in window.nights().filter(|night| opened <= *night) {
        let events = nights.get(&night).map_or(&[][..], Vec::as_slice);
        night_path(seed, driver, account, night, events);
    }
    close(window, account);
    book(window, driver, account, &bounced, &mut draw);
}

/// Balances up to the day before the first night; returns the days on which an item bounced.
fn base_path(
    window: &Window,
    driver: &Driver,
    account: &mut Account,
    draw: &mut Draw,
) -> Vec<NaiveDate> {
    let level = account.original;
    if account.opened >= window.first_night {
        open_in_the_nights(account);
        return Vec::new();
    }
    let start = account.opened.max(window.start);
    match account.product {
        Product::TermDeposit | Product::WealthFund | Product::WealthInsurance => {
            account.set_balance(start, level);
            Vec::new()
        }
        Product::Mortgage
        | Product::PersonalLoan
        | Product::HomeEquityLoan
        | Product::BusinessLoan => {
            amortise(window, account, start);
            Vec::new()
        }
        _ => fluctuate(window, driver, account, start, draw),
    }
}

/// The first balance of an account that opens in a night, and the transaction that brings it about.
pub fn open_in_the_nights(account: &mut Account) {
    let (kind, channel) = match account.product.system() {
        System::Loans => ("DR", "W"),
        System::Cards => ("PURCHASE", ""),
        _ => ("TR", "E"),
    };
    account.transactions.push(Transaction {
        on: account.opened,
        amount: account.original,
        kind,
        channel,
        text: "OPENING",
    });
    account.set_balance(account.opened, account.original);
}

/// Cents of principal paid each month.
fn instalment(account: &Account) -> i64 {
    let per_mille = match account.product {
        Product::Mortgage => 3,
        Product::PersonalLoan => 20,
        Product::HomeEquityLoan => 8,
        _ => 10,
    };
    (account.original * per_mille / 1_000).max(1)
}

/// The 29th to the 31st fall on the last day of a shorter month.
fn due_on(account: &Account, month: Month) -> NaiveDate {
    day_of(
        month,
        1 + u32::try_from(account.number / 16 * 7 % 31).unwrap_or(0),
    )
}

fn amortise(window: &Window, account: &mut Account, start: NaiveDate) {
    let step = instalment(account);
    // Drawn is the level in the middle of the history.
    let mut balance = if account.opened < window.start {
        account.original + 7 * step
    } else {
        account.original
    };
    account.set_balance(start, balance);
    let days = window.months.iter().map(|month| due_on(account, *month));
    let mut due: Vec<NaiveDate> = days
        .filter(|day| *day > start && *day < window.first_night)
        .collect();
    due.sort_unstable();
    for day in due {
        balance = (balance - step).max(0);
        account.set_balance(day, balance);
    }
    if account.opened < window.start {
        account.original += 7 * step + step * (account.number / 16 % 20).cast_signed();
    }
}

/// One change a month around the level; a bounced item can overdraw a small checking account for five days.
fn fluctuate(
    window: &Window,
    driver: &Driver,
    account: &mut Account,
    start: NaiveDate,
    draw: &mut Draw,
) -> Vec<NaiveDate> {
    let sigma: f64 = match account.product {
        Product::Checking | Product::BusinessChecking => 0.25,
        Product::CreditCard => 0.15,
        _ => 0.08,
    };
    let level = real(account.original) / 100.0;
    let fresh =
        |draw: &mut Draw| cents(level * (sigma * draw.normal() - sigma * sigma / 2.0).exp());
    let mut current = fresh(draw);
    account.set_balance(start, current);
    let mut bounced = Vec::new();
    for month in &window.months {
        let change_on = day_of(*month, u32::try_from(draw.between(1, 28)).unwrap_or(1));
        let next = fresh(draw);
        let dip_on = day_of(*month, u32::try_from(draw.between(1, 20)).unwrap_or(1));
        let dip = -draw.between(2_000, 30_000);
        let items = if account.product == Product::Checking {
            draw.poisson(driver.bounces / 12.0)
        } else {
            0
        };
        let back_on = plus_days(dip_on, 5);
        let dips = items > 0 && current < 50_000 && dip_on > start && back_on < window.first_night;
        bounced.extend(
            (0..items)
                .map(|_| dip_on)
                .filter(|day| *day >= start && *day <= window.last_night),
        );
        let changes = change_on > start && change_on < window.first_night;
        if changes && !(dips && change_on >= dip_on) {
            current = next;
            account.set_balance(change_on, current);
        }
        if dips {
            account.set_balance(dip_on, dip);
            if changes && change_on >= dip_on && change_on <= back_on {
                current = next;
            }
            account.set_balance(back_on, current);
        }
        if dips && changes && change_on > back_on {
            current = next;
            account.set_balance(change_on, current);
        }
    }
    bounced
}

fn night_path(
    seed: u64,
    driver: &Driver,
    account: &mut Account,
    night: NaiveDate,
    events: &[Event],
) {
    if account.closed.is_some_and(|closed| closed <= night) || account.opened == night {
        return;
    }
    let purpose_key = day_key(night) * 16 + account.number % 16;
    let mut draw = Draw::new(seed, Purpose::Path, 1_000_000 + purpose_key, account.owner);
    let balance = account.balance_on(night);
    let mut made: Vec<Transaction> = Vec::new();
    let mut enter = |amount: i64, kind, channel, text| {
        if amount != 0 {
            made.push(Transaction {
                on: night,
                amount,
                kind,
                channel,
                text,
            });
        }
    };
    match account.product {
        Product::Checking | Product::BusinessChecking => {
            for event in events.iter().filter(|event| event.amount > 0) {
                match (event.kind.channel, event.kind.event_type) {
                    (Channel::Teller, "cash_deposit") => enter(event.amount, "CD", "T", "COUNTER"),
                    (Channel::Teller, _) => enter(-event.amount, "CW", "T", "COUNTER"),
                    (Channel::Atm, _) => enter(-event.amount, "CW", "A", "CASH MACHINE"),
                    (Channel::Web, _) => enter(-event.amount, "PM", "W", "ONLINE PAYMENT"),
                    (Channel::Mobile, _) => enter(-event.amount, "PM", "M", "MOBILE PAYMENT"),
                    _ => {}
                }
            }
            for _ in 0..draw.poisson(0.25 * driver.liveliness) {
                enter(
                    -draw.amount(3.6 + 0.2 * driver.wealth, 0.7),
                    "PM",
                    "P",
                    *draw.pick(names::MERCHANTS),
                );
            }
            if draw.chance(1.0 / 30.0) {
                enter(
                    draw.amount(7.4 + 0.3 * driver.wealth, 0.3),
                    "SA",
                    "E",
                    "PAYROLL",
                );
            }
        }
        Product::Savings | Product::BusinessSavings if draw.chance(1.0 / 60.0) => {
            let part = draw.between(-100, 100);
            enter(balance * part / 1_000, "TR", "W", "TRANSFER");
        }
        Product::CreditCard => {
            for _ in 0..draw.poisson(0.3 * driver.liveliness) {
                enter(
                    draw.amount(3.6 + 0.2 * driver.wealth, 0.7),
                    "PURCHASE",
                    "",
                    *draw.pick(names::MERCHANTS),
                );
            }
            if draw.chance(1.0 / 30.0) {
                enter(-(balance / 4), "PAYMENT", "", "PAYMENT THANK YOU");
            }
        }
        _ if account.product.system() == System::Loans
            && night == due_on(account, month_of(night)) =>
        {
            enter(-instalment(account).min(balance), "RP", "E", "INSTALMENT");
        }
        _ => {}
    }
    let moved: i64 = made.iter().map(|transaction| transaction.amount).sum();
    account.transactions.extend(made);
    account.set_balance(night, balance + moved);
}

fn close(window: &Window, account: &mut Account) {
    let Some(closed) = account.closed else { return };
    account.changes.retain(|change| change.on < closed);
    account
        .transactions
        .retain(|transaction| transaction.on < closed);
    let rest = account.balance_on(closed);
    if closed >= window.first_night && rest != 0 {
        let (kind, channel) = match account.product.system() {
            System::Loans => ("RP", "E"),
            System::Cards => ("PAYMENT", ""),
            _ => ("TR", "T"),
        };
        account.transactions.push(Transaction {
            on: closed,
            amount: -rest,
            kind,
            channel,
            text: "CLOSING",
        });
    }
    account.set_balance(closed, 0);
}

/// Interest, fees, interchange and provisions, month end by month end.
fn book(
    window: &Window,
    driver: &Driver,
    account: &mut Account,
    bounced: &[NaiveDate],
    draw: &mut Draw,
) {
    for day in bounced {
        if account.is_open_on(*day) {
            account.post(*day, Line::Fees, 2_800);
        }
    }
    for month in window.months.clone() {
        let end = last_day(month);
        let noise = (0.3 * draw.normal() - 0.045).exp();
        if end > window.last_night || account.opened > end {
            continue;
        }
        let interest = account.interest(month, account.rate);
        let is_asset = account.product.terms().is_asset;
        account.post(
            end,
            if is_asset {
                Line::InterestIncome
            } else {
                Line::InterestExpense
            },
            interest,
        );
        let loss = account.risk.pd * account.risk.lgd / 1_000_000;
        account.post(end, Line::Provision, account.interest(month, loss));
        if !account.is_open_on(end) {
            continue;
        }
        match account.product {
            Product::Checking if account.balance_on(end) < 100_000 => {
                account.post(end, Line::Fees, 200);
                if driver.is_waived {
                    account.post(end, Line::Waivers, 200);
                }
            }
            Product::BusinessChecking => account.post(end, Line::Fees, driver.service_fee),
            Product::WealthFund => {
                let fee = share_of(account.balance_days(month), 4_000, 365_000_000);
                account.post(end, Line::Fees, fee);
            }
            Product::WealthInsurance => {
                let fee = share_of(account.balance_days(month), 6_000, 365_000_000);
                account.post(end, Line::Fees, fee);
            }
            Product::CreditCard => {
                let spend = cents(real(driver.card_spend) / 100.0 * noise);
                account.post(end, Line::Interchange, spend * 12 / 1_000);
                if (account.number / 16).is_multiple_of(4) {
                    account.post(end, Line::Rewards, spend / 1_000);
                }
            }
            _ => {}
        }
    }
}
