//! What each rule of a campaign takes away, from the universe down to the list.

use super::bar::axis;
use super::scale::Scale;
use super::{Anchor, LETTER, Naming, WIDTH, block, label, letters, shortened, stroke, svg};

/// One rule: who remains after it, and whom it removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub label: String,
    pub removed: f64,
    pub remaining: f64,
    /// The exact number that remains, as it is shown.
    pub shown: String,
}

const ROW: f64 = 24.0;
const TOP: f64 = 8.0;
const AXIS: f64 = 26.0;
const WIDEST_LABEL: f64 = 185.0;
const GAP: f64 = 8.0;

/// One row per rule, in the order given; empty text when there is none.
#[must_use]
pub fn waterfall(naming: Naming, steps: &[Step]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let widest = |texts: &mut dyn Iterator<Item = &String>| {
        texts.map(|text| letters(text) * LETTER).fold(0.0, f64::max)
    };
    let labels = widest(&mut steps.iter().map(|step| &step.label)).min(WIDEST_LABEL);
    let values = widest(&mut steps.iter().map(|step| &step.shown));
    let scale = Scale::around_zero(
        steps.iter().map(|step| step.remaining + step.removed),
        4,
        labels + GAP,
        WIDTH - values - GAP,
    );
    let mut bottom = TOP;
    for _ in steps {
        bottom += ROW;
    }
    let mut drawing = String::new();
    axis(&mut drawing, &scale, bottom);
    let mut y = TOP;
    for step in steps {
        let base = y + ROW / 2.0 + 4.5;
        label(
            &mut drawing,
            "label",
            Anchor::End,
            labels,
            base,
            &shortened(&step.label, labels),
        );
        let remaining = scale.at(step.remaining);
        block(
            &mut drawing,
            "bar",
            (scale.at(0.0), remaining),
            y + 4.0,
            ROW - 8.0,
        );
        let before = scale.at(step.remaining + step.removed);
        block(
            &mut drawing,
            "bar removed",
            (remaining, before),
            y + 4.0,
            ROW - 8.0,
        );
        label(&mut drawing, "value", Anchor::End, WIDTH, base, &step.shown);
        y += ROW;
    }
    stroke(
        &mut drawing,
        "axis",
        (scale.at(0.0), TOP),
        (scale.at(0.0), bottom),
    );
    svg(naming, bottom + AXIS, &drawing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMING: Naming = Naming {
        id: "w",
        title: "t",
        description: "d",
    };

    #[test]
    fn a_rule_without_hits_still_has_its_row() {
        let step = |label: &str, removed: f64, remaining: f64| Step {
            label: label.to_owned(),
            removed,
            remaining,
            shown: format!("{remaining}"),
        };
        let steps = [
            step("UNIVERSE", 0.0, 50.0),
            step("S01", 0.0, 50.0),
            step("S02", 50.0, 0.0),
        ];
        let chart = waterfall(NAMING, &steps);
        assert!(
            steps
                .iter()
                .all(|step| chart.contains(&format!(">{}</text>", step.label)))
        );
        assert_eq!(chart.matches("bar removed").count(), 1);
        assert_eq!(waterfall(NAMING, &[]), "");
    }
}
