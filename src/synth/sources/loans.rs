//! Loan system: fixed-width Latin-1 records between a header and a trailer that counts and sums.

use std::collections::BTreeSet;

use crate::synth::Scene;
use crate::synth::account::{Account, Role};
use crate::synth::coded::Charset;
use crate::synth::customer::{Customer, Who};
use crate::synth::delivery::{
    ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, padded, ratio,
};
use crate::synth::error::SynthError;
use crate::synth::faults::{Keyed, Record};
use crate::synth::identity::{Identity, Sex};
use crate::synth::organisation::Organisation;
use crate::synth::product::{Line, Product, System};
use crate::synth::sources::deposits::party_record;
use crate::synth::sources::{Open, compact, compact_or_zeros};

pub struct Loans {
    accounts: Delivery,
    borrowers: Delivery,
    companies: Delivery,
    parties: Delivery,
    balance_changes: Delivery,
    postings: Delivery,
    transactions: Delivery,
}

const fn layout(file: &'static str, title: &'static str, faults: &'static [Fault]) -> Layout {
    Layout {
        source: "loans",
        file,
        shape: Shape::Framed,
        charset: Charset::Latin1,
        header: title,
        control: ControlNames::NONE,
        faults,
        clean_per_dirty: RARELY_DIRTY,
    }
}

#[must_use]
pub fn loan_no(account: &Account) -> String {
    format!("LN{:010}", account.number)
}

/// Persons `B`, companies `K`.
#[must_use]
pub fn borrower_no(customer: u64, record: u64) -> String {
    format!("B{:09}", customer * 16 + record)
}

#[must_use]
pub fn company_no(customer: u64) -> String {
    format!("K{customer:09}")
}

impl Loans {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        Ok(Self {
            accounts: open(layout(
                "LNACCT.{}.dat.gz",
                "LOANS",
                &[
                    Fault::Twice,
                    Fault::Wrong(6, "Z"),
                    Fault::Wrong(3, "20260231"),
                ],
            ))?,
            borrowers: open(layout(
                "LNBORR.{}.dat.gz",
                "BORROWERS",
                &[Fault::Twice, Fault::Wrong(5, "7")],
            ))?,
            companies: open(layout("LNCOMP.{}.dat.gz", "COMPANIES", &[]))?,
            parties: open(layout("LNPART.{}.dat.gz", "PARTIES", &[Fault::Twice]))?,
            balance_changes: open(layout("LNBAL.{}.dat.gz", "BALANCES", &[Fault::Twice]))?,
            postings: open(layout("LNPOST.{}.dat.gz", "POSTINGS", &[Fault::Twice]))?,
            transactions: open(layout("LNTRAN.{}.dat.gz", "TRANSACTIONS", &[]))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let mut written = BTreeSet::new();
        for account in customer.accounts.iter().filter(|account| {
            account.product.system() == System::Loans && account.exists_on(scene.night)
        }) {
            self.account(scene, customer, account)?;
            self.movements(scene, account)?;
            for party in &account.parties {
                let (no, role) = match (&customer.who, party.role) {
                    (Who::Organisation(_), Role::Primary) => (company_no(customer.index), "P"),
                    (_, Role::Primary) => (borrower_no(customer.index, account.record), "P"),
                    (_, Role::Joint) => (
                        borrower_no(party.customer, party_record(account, party.role)),
                        "J",
                    ),
                    (_, other) => (
                        borrower_no(party.customer, party_record(account, other)),
                        "G",
                    ),
                };
                let ppm = format!("{:07}", party.ownership_ppm);
                self.parties.row(&[&loan_no(account), &no, role, &ppm], 0)?;
                if !written.insert(no.clone()) {
                    continue;
                }
                match (&customer.who, party.role) {
                    (Who::Organisation(organisation), Role::Primary) => {
                        self.company(&no, organisation)?;
                    }
                    (Who::Person(person), Role::Primary) => {
                        let record =
                            Record::of(scene.seed, &person.identity, Keyed::Loans, account.record);
                        self.borrower(&no, &record, person.identity.sex)?;
                    }
                    (_, role) => {
                        let identity = Identity::of(scene.seed, scene.window, party.customer);
                        let record = Record::of(
                            scene.seed,
                            &identity,
                            Keyed::Loans,
                            party_record(account, role),
                        );
                        self.borrower(&no, &record, identity.sex)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn account(
        &mut self,
        scene: Scene<'_>,
        customer: &Customer,
        account: &Account,
    ) -> Result<(), SynthError> {
        let closed = account.closed.filter(|closed| *closed <= scene.night);
        let product = match account.product {
            Product::Mortgage => "10",
            Product::PersonalLoan => "20",
            Product::HomeEquityLoan => "30",
            _ => "40",
        };
        let status = match closed {
            Some(_) => "C",
            None if account.risk.days_past_due > 0 => "P",
            None => "A",
        };
        let officer = match &customer.who {
            Who::Organisation(organisation) => organisation.officer.as_str(),
            Who::Person(_) => "",
        };
        let principal = account.balance_on(scene.night);
        self.accounts.row(
            &[
                &loan_no(account),
                product,
                &account.branch,
                &compact(account.opened),
                &compact_or_zeros(account.matures),
                &compact_or_zeros(closed),
                status,
                &format!("{:015}", account.original),
                &format!("{principal:015}"),
                &ratio(account.rate),
                &format!("{:04}", account.risk.days_past_due),
                &format!("{:04}", account.risk.worst_days_past_due),
                &ratio(account.risk.pd),
                &ratio(account.risk.lgd),
                &padded(officer, 6),
            ],
            principal,
        )
    }

    fn movements(&mut self, scene: Scene<'_>, account: &Account) -> Result<(), SynthError> {
        let no = loan_no(account);
        for change in account
            .changes
            .iter()
            .filter(|change| scene.is_tonight(change.on))
        {
            let principal = format!("{:015}", change.balance);
            self.balance_changes.row(
                &[&no, &compact(change.on), &principal, &ratio(account.rate)],
                change.balance,
            )?;
        }
        for ((on, line), amount) in account
            .postings
            .iter()
            .filter(|((on, _), _)| scene.is_tonight(*on))
        {
            let code = match line {
                Line::InterestIncome => "310",
                Line::Provision => "610",
                _ => "420",
            };
            self.postings.row(
                &[&no, &compact(*on), code, &format!("{amount:013}")],
                *amount,
            )?;
        }
        let tonight = account
            .transactions
            .iter()
            .filter(|transaction| scene.is_tonight(transaction.on));
        for (ordinal, transaction) in tonight.enumerate() {
            let date = compact(transaction.on);
            let sign = if transaction.amount < 0 { "-" } else { " " };
            self.transactions.row(
                &[
                    &format!("{:010}{date}{ordinal:02}", account.number),
                    &no,
                    &date,
                    &date,
                    &format!("{:014}{sign}", transaction.amount.abs()),
                    transaction.kind,
                    transaction.channel,
                ],
                0,
            )?;
        }
        Ok(())
    }

    fn borrower(&mut self, no: &str, record: &Record, sex: Sex) -> Result<(), SynthError> {
        let (city, state, postcode) = record.address.place();
        self.borrowers.row(
            &[
                no,
                &padded(&record.family, 30),
                &padded(&record.given, 25),
                &padded(&record.ssn_plain(), 9),
                &padded(&record.born_as("%d%m%y"), 6),
                if sex == Sex::Male { "1" } else { "2" },
                &padded(&record.address.street, 35),
                &padded(city, 20),
                state,
                postcode,
                &padded(&record.phone_grouped(), 14),
            ],
            0,
        )
    }

    fn company(&mut self, no: &str, organisation: &Organisation) -> Result<(), SynthError> {
        let (city, state, postcode) = organisation.address.place();
        self.companies.row(
            &[
                no,
                &padded(&organisation.legal_name, 40),
                &organisation.tax_id.to_string(),
                &padded(&organisation.address.street, 35),
                &padded(city, 20),
                state,
                postcode,
                &padded(&organisation.phone.to_string(), 14),
            ],
            0,
        )
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![
            self.accounts,
            self.borrowers,
            self.companies,
            self.parties,
            self.balance_changes,
            self.postings,
            self.transactions,
        ]
    }
}
