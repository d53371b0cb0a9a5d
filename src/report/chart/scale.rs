//! Axes: which values get a tick, where a value lies, how a tick is written.

/// A straight axis from one end of the values to the other, widened to round numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    step: f64,
    /// Where `low` and `high` lie on the chart.
    from: f64,
    to: f64,
}

impl Scale {
    /// An axis that holds zero and all values, with about `wanted` steps of 1, 2, 2.5 or 5 times a power of ten.
    #[must_use]
    pub fn around_zero(
        values: impl IntoIterator<Item = f64>,
        wanted: u32,
        from: f64,
        to: f64,
    ) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if high - low <= 0.0 {
            high = 1.0;
        }
        let step = round_step((high - low) / f64::from(wanted.max(1)));
        Self {
            low: (low / step).floor() * step,
            high: (high / step).ceil() * step,
            step,
            from,
            to,
        }
    }

    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values from low to high.
    #[must_use]
    pub fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let first = self.low / self.step;
        for index in 0..64_u32 {
            let tick = (first + f64::from(index)).round() * self.step;
            if tick > self.high + self.step / 2.0 {
                break;
            }
            ticks.push(tick);
        }
        ticks
    }

    /// A tick in few letters: `2.5 M`; all ticks of one axis share their unit and digits.
    #[must_use]
    pub fn tick_text(&self, tick: f64) -> String {
        let largest = self.high.abs().max(self.low.abs());
        let (unit, name) = match largest {
            size if size >= 1e9 => (1e9, " bn"),
            size if size >= 1e6 => (1e6, " M"),
            size if size >= 1e4 => (1e3, " k"),
            _ => (1.0, ""),
        };
        let step = self.step / unit;
        let digits = (0..6)
            .find(|digits| {
                let shifted = step * 10_f64.powi(*digits);
                (shifted - shifted.round()).abs() < 1e-6
            })
            .unwrap_or(6);
        let shown = tick / unit;
        if shown.abs() < 1e-9 {
            return "0".to_owned();
        }
        let digits = usize::try_from(digits).unwrap_or(0);
        let text = crate::report::figure::decimal(&format!("{shown:.digits$}"));
        format!("{text}{name}")
    }
}

/// The next round number at or above `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    for factor in [1.0, 2.0, 2.5, 5.0] {
        if rough <= factor * power * (1.0 + 1e-9) {
            return factor * power;
        }
    }
    10.0 * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[f64]) -> Vec<String> {
        let scale = Scale::around_zero(values.iter().copied(), 5, 0.0, 100.0);
        scale
            .ticks()
            .iter()
            .map(|tick| scale.tick_text(*tick))
            .collect()
    }

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        assert_eq!(texts(&[97.0]), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(
            texts(&[2_300_000.0, -400_000.0]),
            ["\u{2212}1 M", "0", "1 M", "2 M", "3 M"]
        );
        assert_eq!(
            texts(&[0.9]),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"].map(|text| text.replace("0.0", "0"))
        );
        assert_eq!(
            texts(&[-12_000.0]),
            [
                "\u{2212}12.5 k",
                "\u{2212}10.0 k",
                "\u{2212}7.5 k",
                "\u{2212}5.0 k",
                "\u{2212}2.5 k",
                "0"
            ]
        );
    }

    #[test]
    fn an_axis_without_values_still_has_a_length() {
        let scale = Scale::around_zero([], 4, 10.0, 90.0);
        assert!(scale.at(0.0).is_finite());
        assert!((scale.at(0.0) - 10.0).abs() < 1e-9);
        let scale = Scale::around_zero([f64::NAN, 0.0], 4, 10.0, 90.0);
        assert!(scale.at(0.0).is_finite());
    }
}
