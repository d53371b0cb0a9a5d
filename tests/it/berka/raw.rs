//! Plain arithmetic over the raw files: no engine, no model, whole cents only.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub type Cents = i128;

/// A file of the data set: a header, then rows of fields between `;`, some of them quoted, none holding a `;`.
pub struct File {
    pub rows: Vec<Vec<String>>,
}

impl File {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text
            .lines()
            .skip(1)
            .filter(|line| !line.is_empty())
            .map(|line| {
                line.split(';')
                    .map(|field| field.trim_matches('"').trim().to_owned())
                    .collect()
            });
        Self {
            rows: rows.collect(),
        }
    }
}

/// `-12.3` is -1230.
pub fn cents(text: &str) -> Cents {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (hundredths, rest) = fraction.split_at(fraction.len().min(2));
    assert!(
        rest.bytes().all(|digit| digit == b'0'),
        "{text} is no whole number of cents"
    );
    let whole: Cents = whole.parse().unwrap();
    let hundredths: Cents = format!("{hundredths:0<2}").parse().unwrap();
    sign * (whole * 100 + hundredths)
}

/// Days of the months 1993-01 to 1994-02; 1994-03 is not whole.
const MONTHS: [(&str, &str, u32); 14] = [
    ("9301", "1993-01", 31),
    ("9302", "1993-02", 28),
    ("9303", "1993-03", 31),
    ("9304", "1993-04", 30),
    ("9305", "1993-05", 31),
    ("9306", "1993-06", 30),
    ("9307", "1993-07", 31),
    ("9308", "1993-08", 31),
    ("9309", "1993-09", 30),
    ("9310", "1993-10", 31),
    ("9311", "1993-11", 30),
    ("9312", "1993-12", 31),
    ("9401", "1994-01", 31),
    ("9402", "1994-02", 28),
];

const MAINTENANCE: Cents = 1_000;

/// The assumed cost of the event that a transaction stands for.
fn event_cost(operation: &str, k_symbol: &str) -> Cents {
    match (operation, k_symbol) {
        (_, "UROK" | "SANKC. UROK") => 0,
        (_, "SLUZBY") => 500,
        ("VKLAD" | "VYBER", _) => 1_000,
        ("VYBER KARTOU", _) => 400,
        ("PREVOD Z UCTU", _) => 100,
        ("PREVOD NA UCET", _) => 200,
        other => panic!("operation {other:?}"),
    }
}

/// 7 % a year of a sum of cents times days, rounded half up.
fn transfer(cent_days: Cents) -> Cents {
    (cent_days * 7 * 2 + 36_500) / (36_500 * 2)
}

struct Booking {
    signed: Cents,
    balance: Cents,
    operation: String,
    k_symbol: String,
}

/// Per owner's `client_id` and month: interest income, interest expense, transfer charge, transfer credit,
/// fees, event cost, contribution. Walks every account day by day.
pub fn profit_by_owner(
    folder: &Path,
    transactions: &Path,
) -> BTreeMap<(String, String), [Cents; 7]> {
    let mut accounts: BTreeMap<String, BTreeMap<String, Vec<Booking>>> = BTreeMap::new();
    for row in File::read(transactions).rows {
        let amount = cents(&row[5]);
        let booking = Booking {
            signed: if row[3] == "PRIJEM" { amount } else { -amount },
            balance: cents(&row[6]),
            operation: row[4].clone(),
            k_symbol: row[7].clone(),
        };
        let days = accounts.entry(row[1].clone()).or_default();
        days.entry(row[2].clone()).or_default().push(booking);
    }
    let opened: BTreeMap<String, String> = File::read(&folder.join("account.asc"))
        .rows
        .into_iter()
        .map(|row| (row[0].clone(), row[3].clone()))
        .collect();
    let mut profits = BTreeMap::new();
    let mut owned = BTreeSet::new();
    for row in File::read(&folder.join("disp.asc")).rows {
        let (client, account, role) = (&row[1], &row[2], row[3].as_str());
        if role == "OWNER" {
            assert!(
                owned.insert(account.clone()),
                "account {account} has two owners"
            );
            for (month, lines) in account_profit(&opened[account], accounts.get(account)) {
                assert!(
                    profits.insert((client.clone(), month), lines).is_none(),
                    "client {client} owns two accounts"
                );
            }
        }
    }
    profits
}

fn account_profit(
    opened: &str,
    days: Option<&BTreeMap<String, Vec<Booking>>>,
) -> Vec<(String, [Cents; 7])> {
    let (mut posted, mut balance) = (0, 0);
    let mut months = Vec::new();
    for (prefix, month, n_days) in MONTHS {
        let [mut income, mut expense, mut fees, mut events] = [0; 4];
        let [mut credit_days, mut debit_days] = [0; 2];
        for day in 1..=n_days {
            if let Some(bookings) = days.and_then(|days| days.get(&format!("{prefix}{day:02}"))) {
                for booking in bookings {
                    posted += booking.signed;
                    events += event_cost(&booking.operation, &booking.k_symbol);
                    match booking.k_symbol.as_str() {
                        "UROK" => expense += booking.signed,
                        "SANKC. UROK" => income -= booking.signed,
                        "SLUZBY" => fees -= booking.signed,
                        _ => {}
                    }
                }
                // The order within a day is unknown: the closing balance is the one that the postings lead to.
                let balances = bookings.iter().map(|booking| booking.balance);
                balance = balances
                    .min_by_key(|balance| (balance - posted).abs())
                    .unwrap();
                assert!((balance - posted).abs() <= 70, "{balance} after {posted}");
            }
            if balance > 0 {
                credit_days += balance;
            } else {
                debit_days -= balance;
            }
        }
        if opened < format!("{prefix}32").as_str() {
            let (charge, credit) = (transfer(debit_days), transfer(credit_days));
            let contribution = income - charge + credit - expense + fees - events - MAINTENANCE;
            months.push((
                month.to_owned(),
                [income, expense, charge, credit, fees, events, contribution],
            ));
        }
    }
    months
}
