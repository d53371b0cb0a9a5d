//! The smallest effect that so many names could show.

/// Standard normal quantiles of a two-sided error of 5 % and of a power of 80 %.
const Z_ERROR: f64 = 1.959_963_984_540_054;
const Z_POWER: f64 = 0.841_621_233_572_914;

/// The smallest rise over `base` that `targets` against `controls` would find four times in five, judged at 5 %.
///
/// Two proportions, the common one pooled under the null hypothesis (Fleiss, Statistical Methods for Rates and
/// Proportions, without correction for continuity). `None` when no rise up to certainty would be found.
#[must_use]
pub fn smallest_effect(targets: u64, controls: u64, base: f64) -> Option<f64> {
    if targets == 0 || controls == 0 {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of customers are far below 2^52"
    )]
    let (targets, controls) = (targets as f64, controls as f64);
    let is_found = |rise: f64| {
        let raised = base + rise;
        let pooled = (targets * raised + controls * base) / (targets + controls);
        let under_null = (pooled * (1.0 - pooled) * (1.0 / targets + 1.0 / controls)).sqrt();
        let apart = (raised * (1.0 - raised) / targets + base * (1.0 - base) / controls).sqrt();
        rise >= Z_ERROR * under_null + Z_POWER * apart
    };
    let (mut low, mut high) = (0.0, 1.0 - base);
    if !is_found(high) {
        return None;
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if is_found(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// The same in millionths, as manifests keep it.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of at most 1,000,000"
)]
pub fn smallest_effect_ppm(targets: u64, controls: u64, base_ppm: u32) -> Option<u32> {
    smallest_effect(targets, controls, f64::from(base_ppm) / 1e6)
        .map(|effect| (effect * 1e6).ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_sample_sizes_are_met() {
        // 1.0 % against 1.5 %: 7,750 names per arm when equal, 40,978 and 4,553 at 90:10.
        for (targets, controls) in [(7750, 7750), (40_978, 4553)] {
            let effect = smallest_effect(targets, controls, 0.01).unwrap();
            assert!(
                (effect - 0.005).abs() < 2e-6,
                "{targets} {controls} {effect}"
            );
        }
    }

    #[test]
    fn nobody_to_compare_with_shows_nothing() {
        assert_eq!(smallest_effect(100, 0, 0.01), None);
        assert_eq!(smallest_effect(1, 1, 0.01), None);
        assert!(smallest_effect(1000, 10, 0.01) < smallest_effect(1000, 5, 0.01));
    }
}
