//! Deposit core system: pipes, gzip, control files; account-centric, holders repeat from account to account.

use std::collections::BTreeSet;

use crate::synth::Scene;
use crate::synth::account::{Account, Role};
use crate::synth::coded::Charset;
use crate::synth::customer::{Customer, Who};
use crate::synth::delivery::{
    ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, money, ratio,
};
use crate::synth::error::SynthError;
use crate::synth::faults::{Keyed, Record};
use crate::synth::identity::{Identity, Sex};
use crate::synth::names::without_accents;
use crate::synth::organisation::Organisation;
use crate::synth::product::{Line, Product, System};
use crate::synth::sources::{Open, compact, compact_or_zeros};

pub struct Deposits {
    accounts: Delivery,
    holders: Delivery,
    companies: Delivery,
    account_holders: Delivery,
    balance_changes: Delivery,
    postings: Delivery,
    transactions: Delivery,
}

const fn layout(
    file: &'static str,
    header: &'static str,
    control: &'static str,
    sum: &'static str,
    faults: &'static [Fault],
) -> Layout {
    Layout {
        source: "deposits",
        file,
        shape: Shape::Delimited {
            delimiter: "|",
            line_end: "\n",
        },
        charset: Charset::Utf8,
        header,
        control: ControlNames {
            file: control,
            rows: "record_count",
            date: "extract_date",
            sum,
            hash: "",
        },
        faults,
        clean_per_dirty: RARELY_DIRTY,
    }
}

/// As every system shows it: ten digits.
#[must_use]
pub fn account_no(account: &Account) -> String {
    account_no_of(account.number)
}

#[must_use]
pub fn account_no_of(number: u64) -> String {
    format!("{:010}", 1_000_000_000 + number)
}

/// Persons `P`, companies `C`.
#[must_use]
pub fn holder_no(customer: u64, record: u64) -> String {
    format!("P{:010}", customer * 16 + record)
}

#[must_use]
pub fn company_no(customer: u64) -> String {
    format!("C{customer:010}")
}

/// The record a further party of an account has: one for each account, apart from the party's own.
#[must_use]
pub fn party_record(account: &Account, role: Role) -> u64 {
    if role == Role::Signer {
        15
    } else {
        8 + account.number % 16
    }
}

impl Deposits {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        let mut accounts = layout(
            "accounts_{}.psv.gz",
            "account_no|product|branch|currency|open_date|close_date|maturity_date|status|rate|overdraft_limit|ledger_balance",
            "accounts.ctl",
            "balance_total",
            &[
                Fault::Twice,
                Fault::Wrong(5, "20261399"),
                Fault::Wrong(7, "X"),
            ],
        );
        accounts.control.hash = "account_hash";
        Ok(Self {
            accounts: open(accounts)?,
            holders: open(layout(
                "holders_{}.psv.gz",
                "holder_no|surname|first_names|ssn|dob|sex|street|city|state|zip|phone|email",
                "holders.ctl",
                "",
                &[
                    Fault::Twice,
                    Fault::Ragged,
                    Fault::Wrong(4, "19701345"),
                    Fault::Wrong(5, "Q"),
                ],
            ))?,
            companies: open(layout(
                "companies_{}.psv.gz",
                "holder_no|legal_name|tax_id|street|city|state|zip|phone",
                "companies.ctl",
                "",
                &[Fault::Twice],
            ))?,
            account_holders: open(layout(
                "account_holders_{}.psv.gz",
                "account_no|holder_no|role|ownership_ppm",
                "account_holders.ctl",
                "",
                &[Fault::Twice, Fault::Wrong(2, "X")],
            ))?,
            balance_changes: open(layout(
                "balance_changes_{}.psv.gz",
                "account_no|effective_from|balance|rate",
                "balance_changes.ctl",
                "balance_total",
                &[Fault::Twice],
            ))?,
            postings: open(layout(
                "postings_{}.psv.gz",
                "account_no|booked_on|line|amount",
                "postings.ctl",
                "amount_total",
                &[Fault::Twice, Fault::Wrong(2, "ZZZ")],
            ))?,
            transactions: open(layout(
                "transactions_{}.psv.gz",
                "transaction_no|account_no|booked_on|value_date|amount|type|channel|narrative",
                "transactions.ctl",
                "amount_total",
                &[
                    Fault::Twice,
                    Fault::StrayQuote(7),
                    Fault::Wrong(2, "20261032"),
                ],
            ))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let mut written = BTreeSet::new();
        for account in customer.accounts.iter().filter(|account| {
            account.product.system() == System::Deposits && account.exists_on(scene.night)
        }) {
            self.account(scene, customer, account)?;
            self.movements(scene, account)?;
            for party in &account.parties {
                let (no, role) = match (&customer.who, party.role) {
                    (Who::Organisation(_), Role::Primary) => (company_no(customer.index), "P"),
                    (_, Role::Primary) => (holder_no(customer.index, account.record), "P"),
                    (_, other) => {
                        let code = match other {
                            Role::Joint => "J",
                            Role::Signer => "S",
                            _ => "B",
                        };
                        (
                            holder_no(party.customer, party_record(account, other)),
                            code,
                        )
                    }
                };
                let ppm = party.ownership_ppm.to_string();
                self.account_holders
                    .row(&[&account_no(account), &no, role, &ppm], 0)?;
                if !written.insert(no.clone()) {
                    continue;
                }
                match (&customer.who, party.role) {
                    (Who::Organisation(organisation), Role::Primary) => {
                        self.company(&no, organisation)?;
                    }
                    (Who::Person(person), Role::Primary) => {
                        let record = Record::of(
                            scene.seed,
                            &person.identity,
                            Keyed::Deposits,
                            account.record,
                        );
                        self.holder(&no, &record, person.identity.sex)?;
                    }
                    (_, role) => {
                        let identity = Identity::of(scene.seed, scene.window, party.customer);
                        let ordinal = party_record(account, role);
                        let record = Record::of(scene.seed, &identity, Keyed::Deposits, ordinal);
                        self.holder(&no, &record, identity.sex)?;
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
        let is_dormant = customer
            .as_person()
            .is_some_and(|person| person.traits.is_dormant);
        let status = match closed {
            Some(_) => "C",
            None if is_dormant => "D",
            None => "A",
        };
        let product = match account.product {
            Product::Savings => "SAV",
            Product::TermDeposit => "CDT",
            Product::BusinessChecking => "BCK",
            Product::BusinessSavings => "BSV",
            _ => "CHK",
        };
        let balance = account.balance_on(scene.night);
        let overdraft = if product == "BCK" { "5000.00" } else { "0.00" };
        self.accounts.row(
            &[
                &account_no(account),
                product,
                &account.branch,
                "USD",
                &compact(account.opened),
                &compact_or_zeros(closed),
                &compact_or_zeros(account.matures),
                status,
                &ratio(account.rate),
                overdraft,
                &money(balance),
            ],
            balance,
        )
    }

    fn movements(&mut self, scene: Scene<'_>, account: &Account) -> Result<(), SynthError> {
        let no = account_no(account);
        for change in account
            .changes
            .iter()
            .filter(|change| scene.is_tonight(change.on))
        {
            let fields = [
                &no,
                &compact(change.on),
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
                Line::InterestExpense => "INX",
                Line::Fees => "FEE",
                Line::Waivers => "WAI",
                _ => "INI",
            };
            self.postings
                .row(&[&no, &compact(*on), code, &money(*amount)], *amount)?;
        }
        let tonight = account
            .transactions
            .iter()
            .filter(|transaction| transaction.on == scene.night);
        for (ordinal, transaction) in tonight.enumerate() {
            let date = compact(transaction.on);
            self.transactions.row(
                &[
                    &format!("D{no}{date}{ordinal:03}"),
                    &no,
                    &date,
                    &date,
                    &money(transaction.amount),
                    transaction.kind,
                    transaction.channel,
                    transaction.text,
                ],
                transaction.amount,
            )?;
        }
        Ok(())
    }

    fn holder(&mut self, no: &str, record: &Record, sex: Sex) -> Result<(), SynthError> {
        let (city, state, postcode) = record.address.place();
        let fields = [
            no,
            &without_accents(&record.family).to_uppercase(),
            &without_accents(&record.given).to_uppercase(),
            &record.ssn_dashed(),
            &record.born_as("%Y%m%d"),
            if sex == Sex::Male { "M" } else { "F" },
            &record.address.street.to_uppercase(),
            city,
            state,
            postcode,
            &record.phone_grouped(),
            &record.email,
        ];
        self.holders.row(&fields, 0)
    }

    fn company(&mut self, no: &str, organisation: &Organisation) -> Result<(), SynthError> {
        let (city, state, postcode) = organisation.address.place();
        self.companies.row(
            &[
                no,
                &organisation.legal_name.to_uppercase(),
                &organisation.tax_id.to_string(),
                &organisation.address.street,
                city,
                state,
                postcode,
                &organisation.phone.to_string(),
            ],
            0,
        )
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![
            self.accounts,
            self.holders,
            self.companies,
            self.account_holders,
            self.balance_changes,
            self.postings,
            self.transactions,
        ]
    }
}
