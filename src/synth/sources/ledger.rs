//! The general ledger: totals of the bank's own journal, with three planted differences of known size.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::synth::Scene;
use crate::synth::coded::Charset;
use crate::synth::customer::Customer;
use crate::synth::delivery::{ControlNames, Delivery, Layout, RARELY_DIRTY, Shape, money};
use crate::synth::error::SynthError;
use crate::synth::product::{Line, Product};
use crate::synth::sources::Open;
use crate::synth::window::{Window, last_day, month_of};

/// A manual entry that no account knows: month of the history (from 0), line, product, cents.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    pub reference: &'static str,
    pub month: usize,
    pub line: Line,
    pub product: Product,
    pub amount: i64,
    pub reason: &'static str,
}

pub const DIFFERENCES: [Difference; 3] = [
    Difference {
        reference: "MJ-0001",
        month: 6,
        line: Line::Fees,
        product: Product::Checking,
        amount: 12_500,
        reason: "fee income of a closed branch booked by hand",
    },
    Difference {
        reference: "MJ-0002",
        month: 10,
        line: Line::InterestExpense,
        product: Product::Savings,
        amount: -3_841,
        reason: "interest correction of an escheated account",
    },
    Difference {
        reference: "MJ-0003",
        month: 12,
        line: Line::Provision,
        product: Product::CreditCard,
        amount: 100_000,
        reason: "management overlay on the card portfolio",
    },
];

/// The planted differences in words, with the months they fall into.
#[must_use]
pub fn planted(window: &Window) -> Vec<String> {
    let differences = DIFFERENCES.iter();
    differences
        .map(|difference| {
            format!(
                "{} {} {} {} {}: {}",
                difference.reference,
                window.months[difference.month],
                difference.product.code(),
                difference.line.code(),
                money(difference.amount),
                difference.reason
            )
        })
        .collect()
}

pub struct Ledger {
    entries: Delivery,
    balances: Delivery,
    journal: BTreeMap<(NaiveDate, Line, Product), i64>,
    closing: BTreeMap<Product, (i64, u64)>,
}

const fn layout(file: &'static str, header: &'static str, control: ControlNames) -> Layout {
    Layout {
        source: "ledger",
        file,
        shape: Shape::Delimited {
            delimiter: ",",
            line_end: "\n",
        },
        charset: Charset::Utf8Marked,
        header,
        control,
        faults: &[],
        clean_per_dirty: RARELY_DIRTY,
    }
}

impl Ledger {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        Ok(Self {
            entries: open(layout(
                "gl_entries.csv",
                "entry_no,booked_on,month,line_code,product_code,entity,amount,source_ref",
                ControlNames::summed("gl_entries.ctl", "amount"),
            ))?,
            balances: open(layout(
                "gl_balances.csv",
                "product_code,entity,balance,n_accounts",
                ControlNames::summed("gl_balances.ctl", "balance"),
            ))?,
            journal: BTreeMap::new(),
            closing: BTreeMap::new(),
        })
    }

    /// Takes the customer's bookings of tonight and its closing balances.
    pub fn add(&mut self, scene: Scene<'_>, customer: &Customer) {
        for account in customer
            .accounts
            .iter()
            .filter(|account| account.exists_on(scene.night))
        {
            for ((on, line), amount) in account
                .postings
                .iter()
                .filter(|((on, _), _)| scene.is_tonight(*on))
            {
                let booked_on = last_day(month_of(*on)).min(scene.night);
                *self
                    .journal
                    .entry((booked_on, *line, account.product))
                    .or_insert(0) += amount;
            }
            let closing = self.closing.entry(account.product).or_insert((0, 0));
            closing.0 += account.balance_on(scene.night);
            closing.1 += u64::from(account.is_open_on(scene.night));
        }
    }

    pub fn into_deliveries(mut self, scene: Scene<'_>) -> Result<Vec<Delivery>, SynthError> {
        let mut number = 0;
        let mut entry =
            |booked_on: NaiveDate, line: Line, product: Product, amount: i64, reference: &str| {
                number += 1;
                self.entries.row(
                    &[
                        &format!("GL{}{number:06}", scene.night.format("%Y%m%d")),
                        &booked_on.to_string(),
                        &month_of(booked_on).to_string(),
                        line.code(),
                        product.code(),
                        "HARBOR",
                        &money(amount),
                        reference,
                    ],
                    amount,
                )
            };
        for ((booked_on, line, product), amount) in &self.journal {
            entry(*booked_on, *line, *product, *amount, "AUTO")?;
        }
        if scene.is_first() {
            for difference in DIFFERENCES {
                let booked_on = last_day(scene.window.months[difference.month]);
                entry(
                    booked_on,
                    difference.line,
                    difference.product,
                    difference.amount,
                    difference.reference,
                )?;
            }
        }
        for (product, (balance, open)) in &self.closing {
            self.balances.row(
                &[
                    product.code(),
                    "HARBOR",
                    &money(*balance),
                    &open.to_string(),
                ],
                *balance,
            )?;
        }
        Ok(vec![self.entries, self.balances])
    }
}
