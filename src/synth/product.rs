//! The bank's products and profit lines: rates, pool rates, maintenance, as the reference files state them.

use crate::domain::Month;
use crate::synth::window::HISTORY_MONTHS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    Checking,
    Savings,
    TermDeposit,
    CreditCard,
    Mortgage,
    PersonalLoan,
    HomeEquityLoan,
    WealthFund,
    WealthInsurance,
    BusinessChecking,
    BusinessSavings,
    BusinessLoan,
}

/// Figures of a product; rates in millionths a year, maintenance in cents a month.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub code: &'static str,
    pub is_asset: bool,
    /// What customers pay or receive.
    pub rate: i64,
    /// Pool rate, liquidity premium included.
    pub pool: i64,
    pub maintenance: i64,
}

impl Product {
    #[must_use]
    pub const fn terms(self) -> Terms {
        let (code, is_asset, rate, pool, maintenance) = match self {
            Self::Checking => ("checking", false, 1_000, 31_000, 300),
            Self::Savings => ("savings", false, 20_000, 36_000, 100),
            Self::TermDeposit => ("term_deposit", false, 38_000, 44_000, 50),
            Self::CreditCard => ("credit_card", true, 135_000, 30_000, 200),
            Self::Mortgage => ("mortgage", true, 64_000, 56_000, 500),
            Self::PersonalLoan => ("personal_loan", true, 95_000, 50_000, 300),
            Self::HomeEquityLoan => ("home_equity_loan", true, 75_000, 52_000, 300),
            Self::WealthFund => ("wealth_fund", false, 0, 0, 100),
            Self::WealthInsurance => ("wealth_insurance", false, 0, 0, 100),
            Self::BusinessChecking => ("business_checking", false, 1_000, 31_000, 1_000),
            Self::BusinessSavings => ("business_savings", false, 20_000, 36_000, 200),
            Self::BusinessLoan => ("business_loan", true, 78_000, 50_000, 1_500),
        };
        Terms {
            code,
            is_asset,
            rate,
            pool,
            maintenance,
        }
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        self.terms().code
    }

    #[must_use]
    pub const fn system(self) -> System {
        match self {
            Self::Checking
            | Self::Savings
            | Self::TermDeposit
            | Self::BusinessChecking
            | Self::BusinessSavings => System::Deposits,
            Self::CreditCard => System::Cards,
            Self::Mortgage | Self::PersonalLoan | Self::HomeEquityLoan | Self::BusinessLoan => {
                System::Loans
            }
            Self::WealthFund | Self::WealthInsurance => System::Wealth,
        }
    }

    /// Pool rate of a month in millionths: it falls by a basis point a month around its mean of the history.
    #[must_use]
    pub fn pool_rate(self, month: Month, history_start: Month) -> i64 {
        let terms = self.terms();
        if terms.pool == 0 {
            return 0;
        }
        let since = (month.year - history_start.year) * 12 + month.month.cast_signed()
            - history_start.month.cast_signed();
        let steps = HISTORY_MONTHS / 2 - 1 - since + i32::from(since >= HISTORY_MONTHS / 2);
        terms.pool + i64::from(steps.clamp(1 - HISTORY_MONTHS / 2, HISTORY_MONTHS / 2 - 1)) * 100
    }
}

/// Which source system keeps the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    Deposits,
    Loans,
    Cards,
    Wealth,
}

/// Lines of profit that are booked on accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    InterestIncome,
    InterestExpense,
    Fees,
    Waivers,
    Interchange,
    Rewards,
    Provision,
}

impl Line {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InterestIncome => "interest_income",
            Self::InterestExpense => "interest_expense",
            Self::Fees => "fees",
            Self::Waivers => "waivers",
            Self::Interchange => "interchange",
            Self::Rewards => "rewards",
            Self::Provision => "provision",
        }
    }

    /// Whether the line adds to profit.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::InterestIncome | Self::Fees | Self::Interchange => 1,
            Self::InterestExpense | Self::Waivers | Self::Rewards | Self::Provision => -1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_file_holds_the_pool_rates_of_the_generator() {
        let text = include_str!("../../pipelines/harbor/reference/ftp_pool.csv");
        let start = Month {
            year: 2025,
            month: 9,
        };
        for (family, product) in [
            ("checking", Product::Checking),
            ("savings", Product::BusinessSavings),
            ("term_deposit", Product::TermDeposit),
            ("credit_card", Product::CreditCard),
            ("mortgage", Product::Mortgage),
            ("personal_loan", Product::PersonalLoan),
            ("home_equity", Product::HomeEquityLoan),
            ("business_loan", Product::BusinessLoan),
            ("wealth", Product::WealthFund),
        ] {
            let rates: Vec<(String, i64)> = text
                .lines()
                .map(|line| line.split(',').collect::<Vec<_>>())
                .filter(|fields| fields[0] == family)
                .map(|fields| {
                    let millionths =
                        |text: &str| text.replacen("0.", "", 1).parse::<i64>().unwrap();
                    (
                        fields[1].to_owned(),
                        millionths(fields[2]) + millionths(fields[3]),
                    )
                })
                .collect();
            let expected: Vec<(String, i64)> = (0..14)
                .map(|month| start.minus(-month))
                .map(|month| (month.to_string(), product.pool_rate(month, start)))
                .collect();
            assert_eq!(rates, expected, "{family}");
        }
    }

    #[test]
    fn the_product_catalogue_holds_the_maintenance_of_the_generator() {
        let text = include_str!("../../pipelines/harbor/reference/product.csv");
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let product = [
                Product::Checking,
                Product::Savings,
                Product::TermDeposit,
                Product::CreditCard,
                Product::Mortgage,
                Product::PersonalLoan,
                Product::HomeEquityLoan,
                Product::WealthFund,
                Product::WealthInsurance,
                Product::BusinessChecking,
                Product::BusinessSavings,
                Product::BusinessLoan,
            ]
            .into_iter()
            .find(|product| product.code() == fields[0])
            .unwrap();
            let terms = product.terms();
            assert_eq!(
                fields[9],
                format!("{}.{:02}", terms.maintenance / 100, terms.maintenance % 100)
            );
            assert_eq!(fields[4] == "asset", terms.is_asset);
        }
    }
}
