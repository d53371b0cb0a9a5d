//! Both models on customers that neither training nor campaigns touched, against what the truth file says each would do.
//!
//! Responses are counted as expected ones, by the true probability of each; loans as the potential outcome of the next
//! letter. Intervals are percentiles of a bootstrap over customers, each model ranking the same sample.

use std::collections::BTreeMap;
use std::path::Path;

use super::program::Failure;

const RESAMPLES: usize = 1_000;
/// Shares of the customers, best first, that would be contacted.
const SHARES: [f64; 3] = [0.10, 0.20, 0.30];

/// A scored customer of the hold-out, by its index in the bank.
pub struct Person {
    pub index: u64,
    pub score: f64,
}

impl Person {
    /// A line with the number in the customer file and the score.
    pub fn parse(line: &str) -> Result<Self, Failure> {
        let (number, score) = line.split_once(',').ok_or("two columns")?;
        let digits = number.get(1..9).ok_or("a number of the customer file")?;
        Ok(Self {
            index: digits.parse()?,
            score: score.parse()?,
        })
    }
}

/// What the next letter would bring, by customer.
pub struct Truth(BTreeMap<u64, (f64, f64)>);

/// Somebody both models score.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    scores: [f64; 2],
    responds: f64,
    books: f64,
}

impl Truth {
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)?;
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().ok_or("a header")?.split(',').collect();
        let place = |name: &str| {
            let found = header.iter().position(|column| *column == name);
            found.ok_or(format!("the truth has no column {name}"))
        };
        let [customer, letter, probability, books] = [
            place("customer")?,
            place("letter")?,
            place("response_probability")?,
            place("books_if_mailed")?,
        ];
        let mut people = BTreeMap::new();
        for line in lines {
            let fields: Vec<&str> = line.split(',').collect();
            if fields[letter] == "next" {
                let found = (fields[probability].parse()?, fields[books].parse()?);
                people.insert(fields[customer].parse()?, found);
            }
        }
        Ok(Self(people))
    }

    /// Who stands in the truth, eligible for a loan, and is scored by both.
    pub fn people(&self, first: &[Person], second: &[Person]) -> Vec<Compared> {
        let second: BTreeMap<u64, f64> =
            second.iter().map(|each| (each.index, each.score)).collect();
        let compared = first.iter().filter_map(|person| {
            let (responds, books) = *self.0.get(&person.index)?;
            Some(Compared {
                scores: [person.score, *second.get(&person.index)?],
                responds,
                books,
            })
        });
        compared.collect()
    }
}

pub fn print(people: &[Compared]) {
    let all: f64 = people.iter().map(|person| person.responds).sum();
    println!(
        "\nhold-out: {} customers with room for a loan, {all:.1} expected responses to a letter to each",
        people.len()
    );
    let order = |of: &dyn Fn(&Compared) -> f64, sample: &[Compared]| {
        let mut sorted = sample.to_vec();
        sorted.sort_by(|left, right| of(right).total_cmp(&of(left)));
        sorted
    };
    let by = |model: usize| move |person: &Compared| person.scores[model];
    let auc = |sample: &[Compared]| [area(&order(&by(0), sample)), area(&order(&by(1), sample))];
    let [first, second] = auc(people);
    let all_knowing = area(&order(&|person| person.responds, people));
    let (low, high) = interval(people, &|sample| {
        let [first, second] = auc(sample);
        second - first
    });
    println!(
        "AUC against the true probabilities: first {first:.4}, second {second:.4}, difference {:+.4} (95 % {low:+.4} to {high:+.4})",
        second - first
    );
    println!(
        "an ideal observer of what the bank sees reaches 0.79; who also knows the hidden need {all_knowing:.4}"
    );
    println!(
        "\n| best share | expected responses: by chance | first | second | difference (95 %) | loans if mailed: first | second | difference (95 %) |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for share in SHARES {
        let sums = |of: &dyn Fn(&Compared) -> f64, sample: &[Compared]| {
            [0, 1].map(|model| {
                let sorted = order(&by(model), sample);
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share of a count"
                )]
                let kept = (sorted.len() as f64 * share) as usize;
                sorted[..kept].iter().map(of).sum::<f64>()
            })
        };
        let told = |of: fn(&Compared) -> f64, decimals: usize| {
            let [first, second] = sums(&of, people);
            let (low, high) = interval(people, &|sample| {
                let [first, second] = sums(&of, sample);
                second - first
            });
            format!(
                "{first:.decimals$} | {second:.decimals$} | {:+.decimals$} ({low:+.decimals$} to {high:+.decimals$})",
                second - first
            )
        };
        println!(
            "| {:.0} % | {:.1} | {} | {} |",
            share * 100.0,
            all * share,
            told(|person| person.responds, 1),
            told(|person| person.books, 0)
        );
    }
}

/// The chance that somebody who responds stands before somebody who does not, each by its true probability.
fn area(sorted: &[Compared]) -> f64 {
    let responses: f64 = sorted.iter().map(|person| person.responds).sum();
    let mut before = 0.0;
    let mut pairs = 0.0;
    let mut own = 0.0;
    for person in sorted {
        pairs += before * (1.0 - person.responds);
        before += person.responds;
        // Nobody is compared with itself.
        own += person.responds * (1.0 - person.responds);
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of customers")]
    let silent = sorted.len() as f64 - responses;
    pairs / (responses * silent - own)
}

fn interval(people: &[Compared], of: &dyn Fn(&[Compared]) -> f64) -> (f64, f64) {
    let mut state = 19_960_401_u64;
    let mut found: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let sample: Vec<Compared> = people
                .iter()
                .map(|_| people[below(&mut state, people.len())])
                .collect();
            of(&sample)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    (found[RESAMPLES / 40], found[RESAMPLES - RESAMPLES / 40 - 1])
}

/// SplitMix64: the same resamples every time.
fn below(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let wide = u128::from(mixed) * bound as u128;
    usize::try_from(wide >> 64).unwrap_or(0)
}
