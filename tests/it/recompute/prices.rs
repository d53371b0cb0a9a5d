//! Reference figures of the project as plain maps, and transfer prices worked out from them.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Datelike, NaiveDate};

use super::raw::{RawAccount, units};

/// Half away from zero.
pub fn rounded(numerator: i128, denominator: i128) -> i128 {
    let half = denominator / 2;
    if numerator < 0 {
        (numerator - half) / denominator
    } else {
        (numerator + half) / denominator
    }
}

/// Rows of a reference file by column name.
pub fn reference(project: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let path = project.join("reference").join(format!("{name}.csv"));
    let mut reader = csv::Reader::from_path(path).expect("a reference file");
    reader
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

/// Months since the year 0.
pub fn index(day: NaiveDate) -> i128 {
    i128::from(day.year()) * 12 + i128::from(day.month0())
}

fn index_of(month: &str) -> i128 {
    index(format!("{month}-01").parse().expect("a month"))
}

/// Rate and premium in millionths.
pub type Price = (i128, i128);

pub struct Prices {
    /// Months and terms of the curve.
    curve: BTreeMap<i128, BTreeMap<i128, Price>>,
    pool: BTreeMap<(String, i128), Price>,
}

impl Prices {
    pub fn read(project: &Path) -> Self {
        let mut curve: BTreeMap<i128, BTreeMap<i128, Price>> = BTreeMap::new();
        let six = |text: &str| units(text, 6).expect("a rate");
        for row in reference(project, "ftp_curve") {
            let term = row["term_months"].parse().expect("a term");
            let price = (six(&row["rate"]), six(&row["liquidity_premium"]));
            curve
                .entry(index_of(&row["month"]))
                .or_default()
                .insert(term, price);
        }
        let pool = reference(project, "ftp_pool").into_iter().map(|row| {
            let price = (six(&row["ftp_rate"]), six(&row["liquidity_premium"]));
            ((row["family"].clone(), index_of(&row["month"])), price)
        });
        Self {
            curve,
            pool: pool.collect(),
        }
    }

    /// The curve of a month at a term, interpolated; before it begins and beyond its ends the nearest point.
    pub fn at(&self, month: i128, term: i128) -> Price {
        let first = *self.curve.keys().next().expect("a curve");
        let points = &self.curve[&month.max(first)];
        let shortest = *points.keys().next().expect("a point");
        let longest = *points.keys().next_back().expect("a point");
        let term = term.clamp(shortest, longest);
        let (low, a) = points.range(..=term).next_back().expect("a point");
        let (high, b) = points.range(term..).next().expect("a point");
        if low == high {
            return *a;
        }
        let between = |a: i128, b: i128| rounded(a * (high - term) + b * (term - low), high - low);
        (between(a.0, b.0), between(a.1, b.1))
    }

    pub fn pooled(&self, family: &str, month: i128) -> Price {
        self.pool[&(family.to_owned(), month)]
    }

    /// The mean of the last months at a term.
    pub fn moving(&self, month: i128, term: i128, months: i128) -> Price {
        let prices: Vec<Price> = (month - months + 1..=month)
            .map(|month| self.at(month, term))
            .collect();
        let mean = |part: fn(&Price) -> i128| rounded(prices.iter().map(part).sum(), months);
        (mean(|price| price.0), mean(|price| price.1))
    }

    /// What an account's money was locked at on a day: at its opening, or at its last repricing.
    pub fn locked(
        &self,
        account: &RawAccount,
        terms: (Option<i128>, Option<i128>),
        on: NaiveDate,
    ) -> Price {
        let (term, reprice) = terms;
        let opened = index(account.opened);
        let term = term.unwrap_or_else(|| index(account.matures.expect("a maturity")) - opened);
        let repriced = match reprice {
            Some(every) if index(on) > opened => (index(on) - opened) / every * every,
            _ => 0,
        };
        self.at(opened + repriced, term)
    }
}
