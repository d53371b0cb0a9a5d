//! Account profit and channel cost worked out again from the raw deliveries, by whole numbers and without SQL: every
//! cent of the warehouse must agree.

#![cfg(test)]

mod prices;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{Days, Months, NaiveDate};

use super::harbor::Harbor;
use prices::{Price, Prices, index, reference, rounded};
use raw::{RawAccount, RawBank, day, units};

/// Leaf lines of the statement, in the order in which they are compared.
const LINES: [&str; 20] = [
    "interest_income",
    "interest_expense",
    "ftp_charge",
    "ftp_credit",
    "equity_credit",
    "fees",
    "waivers",
    "interchange",
    "rewards",
    "event_cost",
    "maintenance_cost",
    "acquisition_cost",
    "provision",
    "expected_loss",
    "overhead_accounts",
    "overhead_events",
    "overhead_balances",
    "tax",
    "capital_charge",
    "capital",
];

const MILLION: i128 = 1_000_000;
/// bank.yml, in millionths.
const EQUITY_RATE: i128 = 30_000;
const HURDLE_RATE: i128 = 100_000;
const TAX_RATE: i128 = 250_000;

type Row = BTreeMap<String, String>;

struct Calculation {
    bank: RawBank,
    prices: Prices,
    products: BTreeMap<String, Row>,
    /// Millionths of a unit of money, by channel and kind.
    unit_costs: BTreeMap<(String, String), i128>,
    overhead: BTreeMap<String, i128>,
    average_of: Vec<(String, String)>,
}

/// Cents times days, and those times the rate where one is locked.
#[derive(Default, Clone, Copy)]
struct BalanceDays {
    credit: i128,
    debit: i128,
    credit_rate: i128,
    debit_rate: i128,
    debit_premium: i128,
    at_end: i128,
}

fn number(row: &Row, column: &str) -> Option<i128> {
    row[column].parse().ok()
}

impl Calculation {
    fn read(project: &Path, landing: &Path) -> Self {
        let products = reference(project, "product")
            .into_iter()
            .map(|row| (row["product_code"].clone(), row));
        let pools: BTreeMap<String, (i128, i128)> = reference(project, "cost_pool")
            .into_iter()
            .filter(|row| row["month"] == "2026-10")
            .map(|row| {
                let minutes = row["practical_minutes"].parse().expect("minutes");
                (
                    row["pool_id"].clone(),
                    (units(&row["cost"], 2).expect("cents"), minutes),
                )
            })
            .collect();
        let unit_costs = reference(project, "unit_cost_harbor_2026")
            .into_iter()
            .map(|row| {
                let cost = match pools.get(&row["pool_id"]) {
                    // Cents are ten thousand millionths, minutes stand in millionths.
                    Some((cost, practical)) => rounded(
                        cost * 10_000 * units(&row["minutes"], 6).expect("minutes"),
                        practical * MILLION,
                    ),
                    None => units(&row["unit_cost"], 6).expect("a unit cost"),
                };
                ((row["channel"].clone(), row["event_type"].clone()), cost)
            });
        let overhead = reference(project, "overhead").into_iter().map(|row| {
            let rate = units(&row["rate"], 6).expect("a rate");
            (row["driver"].clone(), rate)
        });
        let average_of = reference(project, "ftp_average_of").into_iter();
        Self {
            bank: RawBank::read(landing),
            prices: Prices::read(project),
            products: products.collect(),
            unit_costs: unit_costs.collect(),
            overhead: overhead.collect(),
            average_of: average_of
                .map(|row| (row["product_code"].clone(), row["of_product_code"].clone()))
                .collect(),
        }
    }

    fn lock(&self, account: &RawAccount, on: NaiveDate) -> Option<Price> {
        let product = &self.products[&account.product];
        let terms = (
            number(product, "ftp_term_months"),
            number(product, "reprice_months"),
        );
        (product["ftp_method"] == "straight_term").then(|| self.prices.locked(account, terms, on))
    }

    /// Day by day: what stood that night on either side, and what it is priced at.
    fn balance_days(&self, id: &str, account: &RawAccount, first: NaiveDate) -> BalanceDays {
        let mut sums = BalanceDays::default();
        let end = first + Months::new(1);
        let is_asset = self.products[&account.product]["ledger_side"] == "asset";
        let key = |on: NaiveDate| (id.to_owned(), on);
        let mut today = first;
        while today < end {
            let known = self
                .bank
                .balances
                .range(key(NaiveDate::MIN)..=key(today))
                .next_back();
            if let Some((_, balance)) = known {
                let owed = if is_asset { -balance } else { *balance };
                let (credit, debit) = (owed.max(0), (-owed).max(0));
                sums.credit += credit;
                sums.debit += debit;
                if let Some((rate, premium)) = self.lock(account, today) {
                    sums.credit_rate += credit * rate;
                    sums.debit_rate += debit * rate;
                    sums.debit_premium += debit * premium;
                }
                sums.at_end = *balance;
            }
            today = today + Days::new(1);
        }
        sums
    }

    /// The price of products that lock none, in a month.
    fn product_price(&self, code: &str, first: NaiveDate) -> Option<Price> {
        let product = &self.products[code];
        let month = index(first);
        match product["ftp_method"].as_str() {
            "pool" => Some(self.prices.pooled(&product["family"], month)),
            "moving_average" => {
                let term = number(product, "ftp_term_months").expect("a term");
                let months = number(product, "ftp_average_months").expect("months");
                Some(self.prices.moving(month, term, months))
            }
            "weighted_average" => {
                let parts: BTreeSet<&str> = self
                    .average_of
                    .iter()
                    .filter(|(whole, _)| whole == code)
                    .map(|(_, part)| part.as_str())
                    .collect();
                let mut sums = BalanceDays::default();
                for (id, account) in &self.bank.accounts {
                    if parts.contains(account.product.as_str()) {
                        let days = self.balance_days(id, account, first);
                        sums.debit += days.credit + days.debit;
                        sums.debit_rate += days.credit_rate + days.debit_rate;
                        sums.debit_premium += days.debit_premium;
                    }
                }
                let mean = |sum| rounded(sum, sums.debit.max(1));
                Some((mean(sums.debit_rate), mean(sums.debit_premium)))
            }
            _ => None,
        }
    }

    /// Events of the account, each at its unit cost, rounded once.
    fn event_cost(&self, id: &str, month: &str) -> i128 {
        let first = (
            month.to_owned(),
            Some(id.to_owned()),
            String::new(),
            String::new(),
        );
        let from_first = self.bank.events.range(first..);
        let own = from_first
            .take_while(|((of, subject, _, _), _)| of == month && subject.as_deref() == Some(id));
        let costs = own.map(|((_, _, channel, kind), n)| {
            n * self.unit_costs[&(channel.clone(), kind.clone())]
        });
        rounded(costs.sum(), 10_000)
    }

    /// Every leaf line of an account's month, in cents.
    fn lines(
        &self,
        id: &str,
        account: &RawAccount,
        first: NaiveDate,
        price: Option<Price>,
    ) -> Vec<i128> {
        let product = &self.products[&account.product];
        let month = first.format("%Y-%m").to_string();
        let end = first + Months::new(1);
        let n_days = i128::from((end - first).num_days());
        let is_open = account.opened < end && account.closed.is_none_or(|closed| closed >= first);
        let days = self.balance_days(id, account, first);
        let posted = |line: &str| {
            let key = (id.to_owned(), month.clone(), line.to_owned());
            self.bank.postings.get(&key).copied().unwrap_or(0)
        };
        let money = |column: &str| units(&product[column], 2).expect("cents");
        let six = |column: &str| units(&product[column], 6).expect("a share");
        let year = 365 * MILLION;
        let (credit, debit) = match (product["ftp_method"].as_str(), price) {
            ("straight_term", _) => (days.credit_rate, days.debit_rate + days.debit_premium),
            (_, Some((rate, premium))) => (days.credit * rate, days.debit * (rate + premium)),
            _ => (0, 0),
        };
        let ftp_charge = rounded(debit, year);
        let ftp_credit = rounded(credit * (MILLION - six("reserve_pct")), year * MILLION);
        // Millionths of millionths, as both shares are millionths.
        let floor = if is_open {
            money("capital_floor") * n_days * MILLION * MILLION
        } else {
            0
        };
        let capital_days = (days.debit * six("risk_weight") * six("capital_pct")).max(floor);
        let at = |rate: i128| rounded(capital_days * rate, year * MILLION * MILLION);
        let capital = rounded(capital_days, n_days * MILLION * MILLION);
        let event_cost = self.event_cost(id, &month);
        let when_open = |amount: i128| if is_open { amount } else { 0 };
        let bears_expected = product["loss_method"] == "expected_loss";
        let ead = if month == "2026-10" {
            account.ead
        } else {
            days.at_end.max(0)
        };
        let expected_loss = if bears_expected && is_open {
            rounded(ead * account.pd * account.lgd, 12 * MILLION * MILLION)
        } else {
            0
        };
        let provision = if bears_expected {
            0
        } else {
            posted("provision")
        };
        let overhead_accounts = when_open(rounded(self.overhead["accounts"], 10_000));
        let overhead_events = rounded(event_cost * self.overhead["events"], MILLION);
        let overhead_balances =
            rounded((days.credit + days.debit) * self.overhead["balances"], year);
        let before_tax = posted("interest_income") - ftp_charge + ftp_credit + at(EQUITY_RATE)
            - posted("interest_expense")
            + posted("fees")
            - posted("waivers")
            + posted("interchange")
            - posted("rewards")
            - event_cost
            - when_open(money("maintenance_cost"))
            - provision
            - expected_loss
            - overhead_accounts
            - overhead_events
            - overhead_balances;
        assert_eq!(
            money("acquisition_cost"),
            0,
            "the sample's products cost nothing to open"
        );
        vec![
            posted("interest_income"),
            posted("interest_expense"),
            ftp_charge,
            ftp_credit,
            at(EQUITY_RATE),
            posted("fees"),
            posted("waivers"),
            posted("interchange"),
            posted("rewards"),
            event_cost,
            when_open(money("maintenance_cost")),
            0,
            provision,
            expected_loss,
            overhead_accounts,
            overhead_events,
            overhead_balances,
            rounded(before_tax * TAX_RATE, MILLION),
            at(HURDLE_RATE),
            capital,
        ]
    }
}

/// Account and month; the lines in the order of `LINES`.
type Statement = BTreeMap<(String, String), Vec<i128>>;

/// Every account and month as the deliveries tell it.
fn worked_out(calculation: &Calculation) -> Statement {
    let mut statement = Statement::new();
    for month in 0..14 {
        let first = day("2025-09-01", "%Y-%m-%d").expect("a day") + Months::new(month);
        let month = first.format("%Y-%m").to_string();
        let prices: BTreeMap<&String, Option<Price>> = calculation
            .products
            .keys()
            .map(|code| (code, calculation.product_price(code, first)))
            .collect();
        for (id, account) in &calculation.bank.accounts {
            let lines = calculation.lines(id, account, first, prices[&account.product]);
            statement.insert((id.clone(), month.clone()), lines);
        }
    }
    statement
}

/// Every line that the warehouse holds otherwise than it is worked out.
fn differences(expected: &Statement, warehouse: &Statement) -> Vec<String> {
    let zeros = vec![0; LINES.len()];
    let keys: BTreeSet<_> = expected.keys().chain(warehouse.keys()).collect();
    let mut found = Vec::new();
    for key in keys {
        let (account, month) = key;
        let Some(expected) = expected.get(key) else {
            found.push(format!("{account} in {month} was never delivered"));
            continue;
        };
        let held = warehouse.get(key).unwrap_or(&zeros);
        for (line, (expected, held)) in LINES.iter().zip(expected.iter().zip(held)) {
            if expected != held {
                found.push(format!(
                    "{line} of {account} in {month}: {expected}, not {held}"
                ));
            }
        }
    }
    found
}

/// The bank of `sample_data`, by its size and seed, all of it delivered in the night that ends its month.
#[test]
fn profit_and_channel_cost_worked_out_from_the_raw_deliveries_agree_to_the_cent() {
    let harbor = Harbor::generated(2000, 1, 19_960_401);
    harbor.salenet(&["run"]).exits(0);
    let calculation = Calculation::read(&harbor.project(), &harbor.landing());

    let mut warehouse = Statement::new();
    let sql = format!(
        "select account_id, month, {} from marts.account_pnl",
        LINES.join(", ")
    );
    for row in harbor.query(&sql).lines() {
        let mut fields = row.split(',');
        let (account, month) = (fields.next().expect("a"), fields.next().expect("m"));
        let lines = fields
            .map(|field| units(field, 2).expect("cents"))
            .collect();
        warehouse.insert((account.to_owned(), month.to_owned()), lines);
    }
    let statement = worked_out(&calculation);
    assert_eq!(differences(&statement, &warehouse), Vec::<String>::new());
    assert!(statement.len() > 60_000, "{}", statement.len());

    // A cent in one line of one account is seen, and nothing else.
    let (key, lines) = warehouse.iter_mut().next().expect("a statement");
    lines[5] += 1;
    let named = format!("fees of {} in {}: ", key.0, key.1);
    let found = differences(&statement, &warehouse);
    assert!(
        found.len() == 1 && found[0].starts_with(&named),
        "{found:?}"
    );

    let mut expected: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    for ((month, _, channel, kind), n) in &calculation.bank.events {
        let unit = calculation.unit_costs[&(channel.clone(), kind.clone())];
        let entry = expected
            .entry(format!("{month},{channel},{kind}"))
            .or_default();
        entry.0 += n;
        entry.1 += n * unit;
    }
    let sql = "select month, channel, event_type, n_events, total_cost from marts.channel_cost";
    let found = harbor.query(sql);
    let found: BTreeMap<String, (i128, i128)> = found
        .lines()
        .map(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            let counted = fields[3].parse().expect("a count");
            let cost = units(fields[4], 6).expect("a cost");
            (fields[..3].join(","), (counted, cost))
        })
        .collect();
    assert_eq!(expected, found);
}
