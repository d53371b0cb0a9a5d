//! The raw deliveries of one night, read without any part of the program: bad rows dropped, copies taken once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime};

pub const NIGHT: &str = "2026-10-31";

/// An account as its source system describes it; money in cents, rates and probabilities in millionths.
#[derive(Debug, Clone)]
pub struct RawAccount {
    pub product: String,
    pub opened: NaiveDate,
    pub closed: Option<NaiveDate>,
    pub matures: Option<NaiveDate>,
    pub pd: i128,
    pub lgd: i128,
    pub ead: i128,
}

#[derive(Debug, Default)]
pub struct RawBank {
    pub accounts: BTreeMap<String, RawAccount>,
    /// Account and first day of each balance.
    pub balances: BTreeMap<(String, NaiveDate), i128>,
    /// Account, month and line.
    pub postings: BTreeMap<(String, String, String), i128>,
    /// Month, account or nothing, channel and kind of event.
    pub events: BTreeMap<(String, Option<String>, String, String), i128>,
}

pub fn day(text: &str, format: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, format).ok()
}

/// A decimal in units of `10^-places`.
pub fn units(text: &str, places: usize) -> Option<i128> {
    let text = text.trim().replace(',', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.as_str()),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = format!("{part:0<places$}");
    (part.len() == places).then_some(())?;
    Some(sign * format!("{whole}{part}").parse::<i128>().ok()?)
}

fn bytes(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).expect("a delivery");
    let mut text = Vec::new();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => {
            let mut reader = flate2::read::MultiGzDecoder::new(raw.as_slice());
            reader.read_to_end(&mut text).expect("gzip");
        }
        Some("zst") => text = zstd::stream::decode_all(raw.as_slice()).expect("zstd"),
        _ => text = raw,
    }
    text
}

fn text(path: &Path) -> String {
    let text = String::from_utf8(bytes(path)).expect("UTF-8");
    text.trim_start_matches('\u{feff}').to_owned()
}

/// Rows of a delimited file without its header, those with another number of fields left out.
fn rows(text: &str, delimiter: &str, fields: usize, header: bool) -> Vec<Vec<String>> {
    text.lines()
        .skip(usize::from(header))
        .map(|line| line.split(delimiter).map(str::to_owned).collect::<Vec<_>>())
        .filter(|row| row.len() == fields && !row.iter().any(|field| field.contains('"')))
        .collect()
}

impl RawBank {
    pub fn read(landing: &Path) -> Self {
        let mut bank = Self::default();
        bank.deposits(&landing.join("deposits").join(NIGHT));
        bank.loans(&landing.join("loans").join(NIGHT));
        bank.cards(&landing.join("cards").join(NIGHT));
        bank.wealth(&landing.join("wealth").join(NIGHT));
        bank.channels(&landing.join("channels").join(NIGHT));
        bank
    }

    fn balance(&mut self, account: String, on: NaiveDate, balance: i128) {
        self.balances.insert((account, on), balance);
    }

    /// A second copy of a posting has the same account, day and line.
    fn post(
        &mut self,
        seen: &mut BTreeSet<(String, NaiveDate, String)>,
        account: String,
        on: NaiveDate,
        line: &str,
        amount: i128,
    ) {
        if seen.insert((account.clone(), on, line.to_owned())) {
            let month = on.format("%Y-%m").to_string();
            *self
                .postings
                .entry((account, month, line.to_owned()))
                .or_default() += amount;
        }
    }

    fn deposits(&mut self, folder: &Path) {
        for row in rows(
            &text(&folder.join("accounts_20261031.psv.gz")),
            "|",
            11,
            true,
        ) {
            let product = match row[1].as_str() {
                "CHK" => "checking",
                "SAV" => "savings",
                "CDT" => "term_deposit",
                "BCK" => "business_checking",
                "BSV" => "business_savings",
                _ => continue,
            };
            let known = matches!(row[7].as_str(), "A" | "D" | "C");
            let date = |field: &str| match field {
                "" | "00000000" => Some(None),
                other => day(other, "%Y%m%d").map(Some),
            };
            let dates = (day(&row[4], "%Y%m%d"), date(&row[5]), date(&row[6]));
            let (Some(opened), Some(closed), Some(matures)) = dates else {
                continue;
            };
            if known {
                self.account(format!("deposits:{}", row[0]), product, opened, closed)
                    .matures = matures;
            }
        }
        for row in rows(
            &text(&folder.join("balance_changes_20261031.psv.gz")),
            "|",
            4,
            true,
        ) {
            if let (Some(on), Some(balance)) = (day(&row[1], "%Y%m%d"), units(&row[2], 2)) {
                self.balance(format!("deposits:{}", row[0]), on, balance);
            }
        }
        let mut seen = BTreeSet::new();
        for row in rows(
            &text(&folder.join("postings_20261031.psv.gz")),
            "|",
            4,
            true,
        ) {
            let line = match row[2].as_str() {
                "INX" => "interest_expense",
                "INI" => "interest_income",
                "FEE" => "fees",
                "WAI" => "waivers",
                _ => continue,
            };
            if let (Some(on), Some(amount)) = (day(&row[1], "%Y%m%d"), units(&row[3], 2)) {
                self.post(&mut seen, format!("deposits:{}", row[0]), on, line, amount);
            }
        }
    }

    fn account(
        &mut self,
        id: String,
        product: &str,
        opened: NaiveDate,
        closed: Option<NaiveDate>,
    ) -> &mut RawAccount {
        self.accounts.entry(id).or_insert_with(|| RawAccount {
            product: product.to_owned(),
            opened,
            closed,
            matures: None,
            pd: 0,
            lgd: 0,
            ead: 0,
        })
    }

    fn loans(&mut self, folder: &Path) {
        let records = |name: &str| -> Vec<String> {
            let latin: String = bytes(&folder.join(name))
                .into_iter()
                .map(char::from)
                .collect();
            let lines = latin.lines().map(str::to_owned);
            lines
                .filter(|line| !line.starts_with('H') && !line.starts_with('T'))
                .collect()
        };
        let at = |line: &str, from: usize, length: usize| -> String {
            let field: String = line.chars().skip(from - 1).take(length).collect();
            field.trim().to_owned()
        };
        for line in records("LNACCT.20261031.dat.gz") {
            let product = match at(&line, 14, 2).as_str() {
                "10" => "mortgage",
                "20" => "personal_loan",
                "30" => "home_equity_loan",
                "40" => "business_loan",
                _ => continue,
            };
            let date = |from: usize| match at(&line, from, 8).as_str() {
                "" | "00000000" => None,
                other => day(other, "%Y%m%d"),
            };
            let known = matches!(at(&line, 44, 1).as_str(), "A" | "P" | "C");
            if let (Some(opened), true) = (date(20), known) {
                let account = self.account(
                    format!("loans:{}", at(&line, 2, 12)),
                    product,
                    opened,
                    date(36),
                );
                account.matures = date(28);
                account.pd = units(&at(&line, 91, 8), 6).expect("a probability");
                account.lgd = units(&at(&line, 99, 8), 6).expect("a share");
                account.ead = at(&line, 60, 15).parse().expect("cents");
            }
        }
        for line in records("LNBAL.20261031.dat.gz") {
            let on = day(&at(&line, 14, 8), "%Y%m%d").expect("a day");
            let balance = at(&line, 22, 15).parse().expect("cents");
            self.balance(format!("loans:{}", at(&line, 2, 12)), on, balance);
        }
        let mut seen = BTreeSet::new();
        for line in records("LNPOST.20261031.dat.gz") {
            let code = match at(&line, 22, 3).as_str() {
                "310" => "interest_income",
                "420" => "fees",
                _ => "provision",
            };
            let on = day(&at(&line, 14, 8), "%Y%m%d").expect("a day");
            let amount = at(&line, 25, 13).parse().expect("cents");
            let account = format!("loans:{}", at(&line, 2, 12));
            self.post(&mut seen, account, on, code, amount);
        }
    }

    fn cards(&mut self, folder: &Path) {
        let accounts = bytes(&folder.join("card_accounts.csv.gz"));
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(accounts.as_slice());
        let header = reader.headers().expect("a header").clone();
        let place = |name: &str| {
            let found = header
                .iter()
                .position(|column| column.trim_start_matches('\u{feff}') == name);
            found.expect("a column")
        };
        let (number, opened, closed, status) = (
            place("Card Account"),
            place("Opened"),
            place("Closed"),
            place("Status"),
        );
        for row in reader.records().filter_map(Result::ok) {
            let known =
                row.len() == header.len() && matches!(&row[status], "OPEN" | "BLOCKED" | "CLOSED");
            if let (true, Some(on)) = (
                known,
                row.get(opened).and_then(|text| day(text, "%m/%d/%Y")),
            ) {
                let closed = day(&row[closed], "%m/%d/%Y");
                self.account(format!("cards:{}", &row[number]), "credit_card", on, closed);
            }
        }
        for row in rows(&text(&folder.join("balance_changes.csv.gz")), ",", 4, true) {
            if let (Some(on), Some(balance)) = (day(&row[1], "%Y-%m-%d"), units(&row[2], 2)) {
                self.balance(format!("cards:{}", row[0]), on, balance);
            }
        }
        let mut seen = BTreeSet::new();
        for row in rows(&text(&folder.join("postings.csv.gz")), ",", 4, true) {
            let line = match row[2].as_str() {
                "INTEREST" => "interest_income",
                "FEE" => "fees",
                "INTERCHANGE" => "interchange",
                "REWARD" => "rewards",
                _ => "provision",
            };
            if let (Some(on), Some(amount)) = (day(&row[1], "%Y-%m-%d"), units(&row[3], 2)) {
                self.post(&mut seen, format!("cards:{}", row[0]), on, line, amount);
            }
        }
    }

    fn wealth(&mut self, folder: &Path) {
        let decoded = |name: &str| {
            let raw = bytes(&folder.join(name));
            encoding_rs::GB18030.decode(&raw).0.into_owned()
        };
        for row in rows(&decoded("contracts.csv"), ",", 5, true) {
            let product = if row[2] == "基金" {
                "wealth_fund"
            } else {
                "wealth_insurance"
            };
            let opened = day(&row[3], "%Y%m%d").expect("a day");
            self.account(format!("wealth:{}", row[0]), product, opened, None);
        }
        let mut seen = BTreeSet::new();
        for row in rows(&decoded("fees.csv"), ",", 4, true) {
            let on = day(&row[1], "%Y%m%d").expect("a day");
            let amount = units(&row[3], 2).expect("cents");
            self.post(&mut seen, format!("wealth:{}", row[0]), on, "fees", amount);
        }
    }

    fn channels(&mut self, folder: &Path) {
        let mut history = BTreeSet::new();
        for row in rows(&text(&folder.join("event_history.tsv.zst")), "\t", 6, true) {
            let channel = match row[3].as_str() {
                "TEL" => "teller",
                "ATM" => "atm",
                "AGT" => "phone_agent",
                "IVR" => "ivr",
                "WEB" => "web",
                _ => "mobile",
            };
            if history.insert(row[..5].to_vec()) {
                let account = (row[1] == "A").then(|| format!("deposits:{}", row[2]));
                let count = row[5].parse().expect("a count");
                self.count(&row[0], account, channel, &row[4], count);
            }
        }
        let mut seen = BTreeSet::new();
        let deposits = |number: &str| Some(format!("deposits:{number}"));
        let file = |name: &str| -> PathBuf { folder.join(name) };
        for row in rows(&text(&file("teller_20261031.txt.gz")), "\t", 9, true) {
            let kind = match row[5].as_str() {
                "CD" => "cash_deposit",
                "CW" => "cash_withdrawal",
                "SV" => "service",
                _ => continue,
            };
            let Some(month) = month(&row[1], "%Y-%m-%d %H:%M:%S") else {
                continue;
            };
            if seen.insert(row[0].clone()) {
                self.count(&month, deposits(&row[4]), "teller", kind, 1);
            }
        }
        for row in rows(&text(&file("atm_20261031.csv.zst")), ",", 6, false) {
            let kind = match row[4].as_str() {
                "W" => "cash_withdrawal",
                "B" => "balance_inquiry",
                _ => continue,
            };
            let is_money = row[5].is_empty() || units(&row[5], 2).is_some();
            let Some(month) = month(&row[1], "%Y%m%d%H%M%S").filter(|_| is_money) else {
                continue;
            };
            if seen.insert(row[0].clone()) {
                self.count(&month, deposits(&row[3]), "atm", kind, 1);
            }
        }
        for row in rows(&text(&file("calls_20261031.csv")), "||", 6, true) {
            let channel = match row[2].as_str() {
                "AGENT" => "phone_agent",
                "IVR" => "ivr",
                _ => continue,
            };
            let kind = if row[4] == "SERVICE" {
                "service"
            } else {
                "balance_inquiry"
            };
            let Some(month) = month(&row[1], "%d/%m/%Y %H:%M:%S") else {
                continue;
            };
            if seen.insert(row[0].clone()) {
                self.count(&month, None, channel, kind, 1);
            }
        }
        for row in rows(&text(&file("web_20261031.tsv.zst")), "\t", 4, true) {
            let Some(month) = month(&row[1], "%Y-%m-%dT%H:%M:%S") else {
                continue;
            };
            let kind = if row[3] == "pay" {
                "payment"
            } else {
                "session"
            };
            if seen.insert(row[0].clone()) {
                self.count(&month, None, "web", kind, 1);
            }
        }
        for line in text(&file("mobile_20261031.jsonl.gz")).lines() {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else {
                continue;
            };
            let of = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let Some(month) = month(&of("ts"), "%Y-%m-%dT%H:%M:%S") else {
                continue;
            };
            let kind = if of("action") == "pay" {
                "payment"
            } else {
                "session"
            };
            if seen.insert(of("id")) {
                self.count(&month, None, "mobile", kind, 1);
            }
        }
    }

    fn count(&mut self, month: &str, account: Option<String>, channel: &str, kind: &str, n: i128) {
        let key = (
            month.to_owned(),
            account,
            channel.to_owned(),
            kind.to_owned(),
        );
        *self.events.entry(key).or_default() += n;
    }
}

fn month(at: &str, format: &str) -> Option<String> {
    let at = NaiveDateTime::parse_from_str(at, format).ok()?;
    Some(at.format("%Y-%m").to_string())
}
