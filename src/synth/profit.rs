//! The generator's own accounting: what each customer earned over the whole months of the window.

use crate::synth::account::Role;
use crate::synth::customer::Customer;
use crate::synth::window::{Window, last_day};

/// Profit of each of the customer's accounts in cents, and whose it is: (customer index, cents).
#[must_use]
pub fn of(seed: u64, window: &Window, customer: &Customer) -> Vec<(u64, i64)> {
    let mut shares = vec![(customer.index, -customer.event_cost(seed, window))];
    for account in &customer.accounts {
        let mut profit = 0;
        for month in window
            .months
            .iter()
            .filter(|month| last_day(**month) <= window.last_night)
        {
            let pool =
                account.interest(*month, account.product.pool_rate(*month, window.months[0]));
            let is_asset = account.product.terms().is_asset;
            profit += if is_asset { -pool } else { pool };
            if account.is_open_on(last_day(*month)) {
                profit -= account.product.terms().maintenance;
            }
        }
        profit += account
            .postings
            .iter()
            .map(|((_, line), amount)| line.sign() * amount)
            .sum::<i64>();
        match account
            .parties
            .iter()
            .find(|party| party.role == Role::Joint)
        {
            Some(joint) => {
                shares.push((joint.customer, profit / 2));
                shares.push((account.owner, profit - profit / 2));
            }
            None => shares.push((account.owner, profit)),
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::synth::draw::real;

    /// One look at 20,000 customers for all published figures: living them takes the time, not the looking.
    #[test]
    fn twenty_thousand_customers_have_the_published_structure() {
        let window = Window::new("2026-10-29".parse().unwrap(), 3);
        let mut profits: BTreeMap<u64, i64> = BTreeMap::new();
        let (mut persons, mut owners, mut eligible, mut response) = (0, 0, 0, 0.0);
        let mut dated = 0;
        for index in 0..20_000 {
            let customer = Customer::live(19_960_401, &window, index);
            for (owner, cents) in of(19_960_401, &window, &customer) {
                *profits.entry(owner).or_insert(0) += cents;
            }
            let Some(person) = customer.as_person() else {
                continue;
            };
            persons += 1;
            owners += i64::from(person.holdings.home.is_some());
            dated += i64::from(person.next.books_without_contact);
            if person.next.is_eligible {
                eligible += 1;
                response += person.next.response_probability;
            }
        }
        let mut ranked: Vec<i64> = profits.values().copied().collect();
        ranked.sort_unstable_by(|left, right| right.cmp(left));
        let total: i64 = ranked.iter().sum();
        let top: i64 = ranked[..ranked.len() / 5].iter().sum();
        let profitable = ranked.iter().filter(|profit| **profit > 0).count();
        let count = |items: usize| i64::try_from(items).unwrap();
        let share = |part: i64, of: i64| 100.0 * real(part) / real(of);
        let figures = format!(
            "profitable {:.1} %, top fifth {:.1} %, owners {:.1} %, eligible {eligible}, response {:.3} %, mean {:.2}",
            share(count(profitable), count(ranked.len())),
            share(top, total),
            share(owners, persons),
            100.0 * response / real(eligible),
            real(total) / 100.0 / real(count(ranked.len())),
        );
        assert!((9_000..=11_000).contains(&profitable), "{figures}");
        assert!((90.0..=130.0).contains(&share(top, total)), "{figures}");
        // logistic(0.5 + 0.7 W + 0.3 age), averaged
        assert!((57.0..=63.0).contains(&share(owners, persons)), "{figures}");
        assert!(
            (0.011..=0.013).contains(&(response / real(eligible))),
            "{figures}"
        );
        assert!((8..=35).contains(&dated), "{dated}");
    }
}
