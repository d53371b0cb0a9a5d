//! What the bank cannot know: which records are one customer, both potential outcomes, true profit, planted differences.
//!
//! For tests and evaluations only; nothing in the landing folder says the same.

use chrono::NaiveDate;

use crate::synth::account::Role;
use crate::synth::coded::{Charset, CodedFile};
use crate::synth::customer::{Customer, Who};
use crate::synth::delivery::money;
use crate::synth::error::SynthError;
use crate::synth::outcome::Outcome;
use crate::synth::product::System;
use crate::synth::profit;
use crate::synth::sources::ledger::DIFFERENCES;
use crate::synth::sources::{bureau, cards, cif, deposits, loans, property, wealth};
use crate::synth::{Output, Scene};

pub struct Truth {
    customers: Table,
    records: Table,
    outcomes: Table,
    profits: Table,
    differences: Table,
    /// Last nights with a property and a bureau delivery: whoever came later has no record there.
    property_on: NaiveDate,
    bureau_on: NaiveDate,
}

struct Table {
    path: &'static str,
    file: CodedFile,
}

impl Table {
    fn open(output: &mut dyn Output, path: &'static str, header: &str) -> Result<Self, SynthError> {
        let file =
            CodedFile::create(output, path, Charset::Utf8).map_err(|source| SynthError::Write {
                path: path.to_owned(),
                source,
            })?;
        let mut table = Self { path, file };
        table.line(&[header])?;
        Ok(table)
    }

    fn line(&mut self, fields: &[&str]) -> Result<(), SynthError> {
        let text = format!("{}\n", fields.join(","));
        self.file.text(&text).map_err(|source| SynthError::Write {
            path: self.path.to_owned(),
            source,
        })
    }

    fn finish(self) -> Result<(), SynthError> {
        self.file.finish().map_err(|source| SynthError::Write {
            path: self.path.to_owned(),
            source,
        })
    }
}

impl Truth {
    pub fn open(output: &mut dyn Output, scene: Scene<'_>) -> Result<Self, SynthError> {
        let window = scene.window;
        let last = |is_delivered: fn(Scene<'_>) -> bool| {
            let nights = window.nights().map(|night| Scene { night, ..scene });
            let delivered = nights.filter(|scene| is_delivered(*scene)).last();
            delivered.map_or(window.first_night, |scene| scene.night)
        };
        let mut truth = Self {
            property_on: last(property::is_delivered),
            bureau_on: last(bureau::is_delivered),
            customers: Table::open(
                output,
                "truth/customers.csv",
                "customer,type,household_or_group,is_dormant,is_twin",
            )?,
            records: Table::open(
                output,
                "truth/records.csv",
                "source,feed,record_key,customer",
            )?,
            outcomes: Table::open(
                output,
                "truth/outcomes.csv",
                "customer,letter,cell,is_eligible,response_probability,responds_to_mail,responds_to_phone,books_if_mailed,books_if_phoned,books_if_not_contacted",
            )?,
            profits: Table::open(output, "truth/profit.csv", "customer,amount")?,
            differences: Table::open(
                output,
                "truth/ledger_differences.csv",
                "reference,month,line_code,product_code,ledger_minus_accounts,reason",
            )?,
        };
        for difference in DIFFERENCES {
            truth.differences.line(&[
                difference.reference,
                &window.months[difference.month].to_string(),
                difference.line.code(),
                difference.product.code(),
                &money(difference.amount),
                difference.reason,
            ])?;
        }
        Ok(truth)
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let index = customer.index.to_string();
        match &customer.who {
            Who::Person(person) => {
                let identity = &person.identity;
                let household = identity.household.to_string();
                self.customers.line(&[
                    &index,
                    "person",
                    &household,
                    flag(person.traits.is_dormant),
                    flag(identity.is_twin),
                ])?;
                let cell = match person.mailing.cell {
                    Some(crate::synth::mailing::Cell::Mail) => "M",
                    Some(crate::synth::mailing::Cell::Control) => "C",
                    None => "",
                };
                if person.matured.is_eligible {
                    self.outcome(&index, "matured", cell, &person.matured)?;
                    self.outcome(&index, "next", "", &person.next)?;
                }
            }
            Who::Organisation(organisation) => {
                let group = organisation.head.to_string();
                self.customers
                    .line(&[&index, "organisation", &group, "0", "0"])?;
            }
        }
        self.records(scene, customer)?;
        for (owner, amount) in profit::of(scene.seed, scene.window, customer) {
            self.profits.line(&[&owner.to_string(), &money(amount)])?;
        }
        Ok(())
    }

    fn outcome(
        &mut self,
        index: &str,
        letter: &str,
        cell: &str,
        outcome: &Outcome,
    ) -> Result<(), SynthError> {
        self.outcomes.line(&[
            index,
            letter,
            cell,
            flag(outcome.is_eligible),
            &format!("{:.6}", outcome.response_probability),
            flag(outcome.responds_to_mail),
            flag(outcome.responds_to_phone),
            flag(outcome.books_if_mailed()),
            flag(outcome.books_if_phoned()),
            flag(outcome.books_without_contact),
        ])
    }

    fn records(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let index = customer.index;
        let mut keys: Vec<(&str, &str, String, u64)> = Vec::new();
        let exists = customer.since <= scene.night;
        match &customer.who {
            Who::Organisation(_) if exists => {
                keys.push(("cif", "organisations", cif::organisation_no(index), index));
            }
            Who::Person(person) if exists => {
                let (by_ssn, by_resident_id) = cif::numbers(scene.seed, &person.identity);
                keys.extend(
                    (0..by_ssn)
                        .map(|ordinal| ("cif", "customers", cif::person_no(index, ordinal), index)),
                );
                if by_resident_id {
                    keys.push(("cif", "foreign_customers", cif::foreign_no(index), index));
                }
                if person.holdings.home.is_some() && customer.since <= self.property_on {
                    keys.push((
                        "property",
                        "valuations",
                        property::property_no(index),
                        index,
                    ));
                }
                if bureau::is_on_file(scene.seed, customer) && customer.since <= self.bureau_on {
                    keys.push(("bureau", "scores", bureau::file_no(index), index));
                }
            }
            _ => {}
        }
        let is_organisation = matches!(customer.who, Who::Organisation(_));
        for account in customer
            .accounts
            .iter()
            .filter(|account| account.exists_on(scene.night))
        {
            match account.product.system() {
                System::Cards => {
                    keys.push(("cards", "accounts", cards::card_account_no(account), index));
                }
                System::Wealth => keys.push(("wealth", "clients", wealth::client_no(index), index)),
                System::Deposits | System::Loans => {
                    for party in &account.parties {
                        let is_own = party.role == Role::Primary;
                        let ordinal = if is_own {
                            account.record
                        } else {
                            deposits::party_record(account, party.role)
                        };
                        let in_deposits = account.product.system() == System::Deposits;
                        let (source, feed, key) = match (in_deposits, is_own && is_organisation) {
                            (true, true) => ("deposits", "companies", deposits::company_no(index)),
                            (true, false) => (
                                "deposits",
                                "holders",
                                deposits::holder_no(party.customer, ordinal),
                            ),
                            (false, true) => ("loans", "companies", loans::company_no(index)),
                            (false, false) => (
                                "loans",
                                "borrowers",
                                loans::borrower_no(party.customer, ordinal),
                            ),
                        };
                        keys.push((source, feed, key, party.customer));
                    }
                }
            }
        }
        keys.sort();
        keys.dedup();
        for (source, feed, key, owner) in keys {
            self.records
                .line(&[source, feed, &key, &owner.to_string()])?;
        }
        Ok(())
    }

    pub fn finish(self) -> Result<(), SynthError> {
        self.customers.finish()?;
        self.records.finish()?;
        self.outcomes.finish()?;
        self.profits.finish()?;
        self.differences.finish()
    }
}

const fn flag(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}
