//! Charts as inline SVG without scripts; colours come from the page's style by class.
//!
//! A chart is 460 units wide and its letters 13 high, so that a phone's screen still shows them readably.
//! Every chart has a title and a description for those who do not see it; its numbers stand in a table beside it.

pub mod scale;
pub mod bar;
pub mod line;
pub mod waterfall;

use std::fmt::Write;

use super::html::escape;

pub const WIDTH: f64 = 460.0;
/// Advance of a letter at the charts' size in the widest of the common interface fonts.
pub const LETTER: f64 = 8.2;

/// What names a chart on the page.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// Unique on the page.
    pub id: &'a str,
    pub title: &'a str,
    /// The chart in a sentence or two.
    pub description: &'a str,
}

/// The drawing within its frame.
#[must_use]
pub fn svg(naming: Naming, height: f64, drawing: &str) -> String {
    let id = naming.id;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n\
         <title id=\"{id}-t\">{}</title>\n<desc id=\"{id}-d\">{}</desc>\n{drawing}</svg>\n",
        escape(naming.title),
        escape(naming.description)
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

pub fn label(drawing: &mut String, class: &str, anchor: Anchor, x: f64, y: f64, text: &str) {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let _ = writeln!(
        drawing,
        "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escape(text)
    );
}

pub fn stroke(drawing: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        drawing,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// A bar between two positions, whichever is the smaller; a value that is not zero stays visible.
pub fn block(drawing: &mut String, class: &str, ends: (f64, f64), y: f64, height: f64) {
    let x = ends.0.min(ends.1);
    let width = (ends.0 - ends.1).abs();
    if width > 0.0 {
        let _ = writeln!(
            drawing,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
            width.max(0.8)
        );
    }
}

/// As many letters as fit; the table beside the chart has them all.
#[must_use]
pub fn shortened(text: &str, width: f64) -> String {
    if letters(text) * LETTER <= width {
        return text.to_owned();
    }
    // The sign for what is left out takes a letter's room.
    let room = width / LETTER - 1.0;
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if letters(&short) > room {
            short.pop();
            break;
        }
    }
    short.push('\u{2026}');
    short
}

/// Width in letters: capitals are wider than small letters, an ideograph is as wide as two.
#[must_use]
pub fn letters(text: &str) -> f64 {
    let width = |letter: char| match letter {
        ideograph if u32::from(ideograph) >= 0x2e80 => 1.9,
        capital if capital.is_uppercase() => 1.15,
        _ => 1.0,
    };
    text.chars().map(width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_shortened() {
        assert_eq!(shortened("teller", 82.0), "teller");
        assert_eq!(shortened("a rather long label", 82.0), "a rather \u{2026}");
        assert_eq!(shortened("住房净值贷款", 82.0), "住房净值\u{2026}");
    }

    #[test]
    fn names_are_escaped() {
        let naming = Naming {
            id: "x",
            title: "<b>",
            description: "a & b",
        };
        let chart = svg(naming, 10.0, "");
        assert!(chart.contains("&lt;b&gt;") && chart.contains("a &amp; b"));
    }
}
