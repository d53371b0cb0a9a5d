//! What a person is like: correlated standard normals behind holdings, events and responses.

use crate::synth::draw::{Draw, Purpose};

#[derive(Debug, Clone, Copy)]
pub struct Traits {
    pub age: f64,
    pub wealth: f64,
    pub digital: f64,
    pub activity: f64,
    pub stress: f64,
    pub is_dormant: bool,
}

impl Traits {
    /// Correlations (age, wealth) 0.4, (age, digital) -0.5, (wealth, activity) 0.2, (wealth, stress) -0.4.
    #[must_use]
    pub fn of(seed: u64, index: u64) -> Self {
        let mut draw = Draw::new(seed, Purpose::Traits, 0, index);
        let age = draw.normal();
        let wealth = correlated(0.4, age, &mut draw);
        let digital = correlated(-0.5, age, &mut draw);
        let activity = correlated(0.2, wealth, &mut draw);
        let stress = correlated(-0.4, wealth, &mut draw);
        Self {
            age,
            wealth,
            digital,
            activity,
            stress,
            is_dormant: draw.chance(0.12),
        }
    }

    /// Factor on everything the person does.
    #[must_use]
    pub fn liveliness(&self) -> f64 {
        let dormancy = if self.is_dormant { 0.15 } else { 1.0 };
        dormancy * (0.45 * self.activity).exp()
    }
}

fn correlated(correlation: f64, with: f64, draw: &mut Draw) -> f64 {
    correlation * with + (1.0 - correlation * correlation).sqrt() * draw.normal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_are_correlated_as_declared() {
        let people: Vec<Traits> = (0..20_000).map(|index| Traits::of(5, index)).collect();
        let correlation = |left: fn(&Traits) -> f64, right: fn(&Traits) -> f64| {
            let sum: f64 = people
                .iter()
                .map(|person| left(person) * right(person))
                .sum();
            sum / 20_000.0
        };
        for (expected, found) in [
            (0.4, correlation(|t| t.age, |t| t.wealth)),
            (-0.5, correlation(|t| t.age, |t| t.digital)),
            (0.2, correlation(|t| t.wealth, |t| t.activity)),
            (-0.4, correlation(|t| t.wealth, |t| t.stress)),
        ] {
            assert!((expected - found).abs() < 0.03, "{expected} {found}");
        }
        let dormant = people.iter().filter(|person| person.is_dormant).count();
        assert!((2_200..2_600).contains(&dormant), "{dormant}");
    }
}
