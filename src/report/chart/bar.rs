//! Horizontal bars with their exact value at the right, negative ones to the left of zero.

use super::scale::Scale;
use super::{Anchor, LETTER, Naming, WIDTH, block, label, letters, shortened, stroke, svg};

#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub label: String,
    pub value: f64,
    /// The exact figure, as it is shown.
    pub shown: String,
}

const ROW: f64 = 26.0;
const TOP: f64 = 8.0;
const AXIS: f64 = 26.0;
const WIDEST_LABEL: f64 = 130.0;
const GAP: f64 = 8.0;

/// One row per bar, in the order given; empty text when there is nothing to draw.
#[must_use]
pub fn bars(naming: Naming, bars: &[Bar]) -> String {
    if bars.is_empty() {
        return String::new();
    }
    let widest = |texts: &mut dyn Iterator<Item = &String>| {
        texts.map(|text| letters(text) * LETTER).fold(0.0, f64::max)
    };
    let labels = widest(&mut bars.iter().map(|bar| &bar.label)).min(WIDEST_LABEL);
    let values = widest(&mut bars.iter().map(|bar| &bar.shown));
    let scale = Scale::around_zero(
        bars.iter().map(|bar| bar.value),
        4,
        labels + GAP,
        WIDTH - values - GAP,
    );
    let mut drawing = String::new();
    let mut bottom = TOP;
    for _ in bars {
        bottom += ROW;
    }
    axis(&mut drawing, &scale, bottom);
    let mut y = TOP;
    for bar in bars {
        let base = y + ROW / 2.0 + 4.5;
        label(
            &mut drawing,
            "label",
            Anchor::End,
            labels,
            base,
            &shortened(&bar.label, labels),
        );
        let class = if bar.value < 0.0 { "bar loss" } else { "bar" };
        block(
            &mut drawing,
            class,
            (scale.at(0.0), scale.at(bar.value)),
            y + 4.0,
            ROW - 8.0,
        );
        label(&mut drawing, "value", Anchor::End, WIDTH, base, &bar.shown);
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

/// Grid lines and the texts below them, as many as fit beside each other.
pub(super) fn axis(drawing: &mut String, scale: &Scale, bottom: f64) {
    let mut free_from = f64::MIN;
    for tick in scale.ticks() {
        let x = scale.at(tick);
        stroke(drawing, "grid", (x, TOP), (x, bottom));
        let text = scale.tick_text(tick);
        let half = letters(&text) * LETTER / 2.0;
        if x - half > free_from {
            label(drawing, "tick", Anchor::Middle, x, bottom + 17.0, &text);
            free_from = x + half + 4.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMING: Naming = Naming {
        id: "c",
        title: "t",
        description: "d",
    };

    fn bar(label: &str, value: f64) -> Bar {
        Bar {
            label: label.to_owned(),
            value,
            shown: format!("{value:.2}"),
        }
    }

    #[test]
    fn no_bars_draw_nothing() {
        assert_eq!(bars(NAMING, &[]), "");
    }

    #[test]
    fn a_loss_lies_to_the_left_of_zero() {
        let chart = bars(NAMING, &[bar("gain", 10.0), bar("loss", -10.0)]);
        let left_end = |class: &str| -> f64 {
            let found = chart
                .split(&format!("class=\"{class}\" x=\""))
                .nth(1)
                .unwrap();
            found.split('"').next().unwrap().parse().unwrap()
        };
        assert!(left_end("bar loss") < left_end("bar"));
    }

    #[test]
    fn bars_of_nothing_but_zero_have_no_length() {
        let chart = bars(NAMING, &[bar("a", 0.0), bar("b", 0.0)]);
        assert!(!chart.contains("<rect"));
        assert!(!chart.contains("NaN") && !chart.contains("inf"));
    }
}
