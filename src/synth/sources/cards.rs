//! Card processor: CSV, product-centric, only new and changed card accounts are sent.

use crate::synth::Scene;
use crate::synth::account::Account;
use crate::synth::coded::Charset;
use crate::synth::customer::{Customer, Person};
use crate::synth::delivery::{
    ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, money, ratio,
};
use crate::synth::error::SynthError;
use crate::synth::faults::{Keyed, Record};
use crate::synth::identity::card_number;
use crate::synth::names::without_accents;
use crate::synth::product::{Line, Product};
use crate::synth::sources::Open;

pub struct Cards {
    accounts: Delivery,
    balance_changes: Delivery,
    postings: Delivery,
    transactions: Delivery,
}

const fn layout(
    file: &'static str,
    header: &'static str,
    control: ControlNames,
    faults: &'static [Fault],
) -> Layout {
    Layout {
        source: "cards",
        file,
        shape: Shape::Delimited {
            delimiter: ",",
            line_end: "\r\n",
        },
        charset: Charset::Utf8Marked,
        header,
        control,
        faults,
        clean_per_dirty: RARELY_DIRTY,
    }
}

#[must_use]
pub fn card_account_no(account: &Account) -> String {
    format!("CA{:010}", account.number)
}

impl Cards {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        Ok(Self {
            accounts: open(layout(
                "card_accounts.csv.gz",
                "Card Account,Card Number,Cardholder Name,Tax Number,Date of Birth,Branch,Opened,Closed,Status,Credit Line,Balance,APR,Days Past Due,Worst Days Past Due 24M,PD,LGD",
                ControlNames::plain("card_accounts.ctl"),
                &[
                    Fault::Twice,
                    Fault::Ragged,
                    Fault::Wrong(1, "9000000000000001"),
                    Fault::Wrong(8, "LOST?"),
                    Fault::Wrong(6, "31/31/2026"),
                ],
            ))?,
            balance_changes: open(layout(
                "balance_changes.csv.gz",
                "card_account_no,effective_from,balance,rate",
                ControlNames::summed("balance_changes.ctl", "balance"),
                &[Fault::Twice],
            ))?,
            postings: open(layout(
                "postings.csv.gz",
                "card_account_no,booked_on,line_code,amount",
                ControlNames::summed("postings.ctl", "amount"),
                &[Fault::Twice, Fault::Wrong(1, "2026-13-31")],
            ))?,
            transactions: open(layout(
                "transactions.csv.gz",
                "transaction_no,card_account_no,booked_on,value_date,amount,transaction_type,merchant",
                ControlNames::summed("transactions.ctl", "amount"),
                &[Fault::Twice, Fault::StrayQuote(6)],
            ))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let Some(person) = customer.as_person() else {
            return Ok(());
        };
        for account in customer.accounts.iter().filter(|account| {
            account.product == Product::CreditCard && account.exists_on(scene.night)
        }) {
            let changed = |day| scene.is_tonight(day);
            if changed(account.opened)
                || account.closed.is_some_and(changed)
                || account.changes.iter().any(|change| changed(change.on))
            {
                self.account(scene, person, account)?;
            }
            self.movements(scene, account)?;
        }
        Ok(())
    }

    fn account(
        &mut self,
        scene: Scene<'_>,
        person: &Person,
        account: &Account,
    ) -> Result<(), SynthError> {
        let record = Record::of(scene.seed, &person.identity, Keyed::Cards, 0);
        let closed = account.closed.filter(|closed| *closed <= scene.night);
        let status = match closed {
            Some(_) => "CLOSED",
            None if account.risk.days_past_due > 60 => "BLOCKED",
            None => "OPEN",
        };
        let american = |day: chrono::NaiveDate| day.format("%m/%d/%Y").to_string();
        let name = without_accents(&format!("{} {}", record.given, record.family)).to_uppercase();
        self.accounts.row(
            &[
                &card_account_no(account),
                &card_number(scene.seed, account.owner, 0),
                &name,
                &record.ssn_plain(),
                &record.born_as("%m/%d/%Y"),
                &account.branch,
                &american(account.opened),
                &closed.map_or_else(String::new, american),
                status,
                &grouped(account.limit),
                &grouped(account.balance_on(scene.night)),
                &ratio(account.rate),
                &account.risk.days_past_due.to_string(),
                &account.risk.worst_days_past_due.to_string(),
                &ratio(account.risk.pd),
                &ratio(account.risk.lgd),
            ],
            0,
        )
    }

    fn movements(&mut self, scene: Scene<'_>, account: &Account) -> Result<(), SynthError> {
        let no = card_account_no(account);
        for change in account
            .changes
            .iter()
            .filter(|change| scene.is_tonight(change.on))
        {
            let fields = [
                &no,
                &change.on.to_string(),
                &money(change.balance),
                &ratio(account.rate),
            ];
            self.balance_changes
                .row(&fields.map(String::as_str), change.balance)?;
        }
        for ((on, line), amount) in account
            .postings
            .iter()
            .filter(|((on, _), _)| scene.is_tonight(*on))
        {
            let code = match line {
                Line::InterestIncome => "INTEREST",
                Line::Interchange => "INTERCHANGE",
                Line::Rewards => "REWARD",
                Line::Provision => "PROVISION",
                _ => "FEE",
            };
            self.postings
                .row(&[&no, &on.to_string(), code, &money(*amount)], *amount)?;
        }
        let tonight = account
            .transactions
            .iter()
            .filter(|transaction| transaction.on == scene.night);
        for (ordinal, transaction) in tonight.enumerate() {
            let date = transaction.on.to_string();
            self.transactions.row(
                &[
                    &format!("{no}-{}-{ordinal}", transaction.on.format("%y%m%d")),
                    &no,
                    &date,
                    &date,
                    &money(transaction.amount),
                    transaction.kind,
                    transaction.text,
                ],
                transaction.amount,
            )?;
        }
        Ok(())
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![
            self.accounts,
            self.balance_changes,
            self.postings,
            self.transactions,
        ]
    }
}

/// `1,234.56`, negative in parentheses.
fn grouped(cents: i64) -> String {
    let plain = money(cents.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
    let first = whole.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    if first > 0 {
        groups.push(&whole[..first]);
    }
    groups.extend((first..whole.len()).step_by(3).map(|at| &whole[at..at + 3]));
    let text = format!("{}.{fraction}", groups.join(","));
    if cents < 0 { format!("({text})") } else { text }
}
