//! Lines over a common axis, named at their right end, with marks where something is to be seen.

use std::fmt::Write;

use super::scale::Scale;
use super::{Anchor, LETTER, Naming, WIDTH, label, letters, shortened, stroke, svg};

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Empty for the only line of a chart.
    pub name: String,
    /// x from 0 to 1, left to right.
    pub points: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub x: f64,
    pub y: f64,
    pub text: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineChart {
    pub series: Vec<Series>,
    pub marks: Vec<Mark>,
    /// Position from 0 to 1 and text.
    pub x_ticks: Vec<(f64, String)>,
    /// Stands above the upright axis.
    pub y_title: String,
    pub x_title: String,
    /// Stands after each number of the upright axis.
    pub y_unit: &'static str,
}

const HEIGHT: f64 = 230.0;
const TOP: f64 = 30.0;
const LINE: f64 = 15.0;
const WIDEST_NAME: f64 = 110.0;
const GAP: f64 = 8.0;
/// Colours and dashes the page's style knows.
const STYLES: usize = 8;

/// Empty text when no line has a point.
#[must_use]
pub fn lines(naming: Naming, chart: &LineChart) -> String {
    let values = || {
        chart
            .series
            .iter()
            .flat_map(|line| &line.points)
            .map(|point| point.1)
    };
    if values().next().is_none() {
        return String::new();
    }
    let bottom = TOP + HEIGHT;
    let y_axis = Scale::around_zero(values(), 5, bottom, TOP);
    let y_text = |tick: f64| format!("{}{}", y_axis.tick_text(tick), chart.y_unit);
    let widest = |texts: &mut dyn Iterator<Item = String>| {
        texts
            .map(|text| letters(&text) * LETTER)
            .fold(0.0, f64::max)
    };
    let left = widest(&mut y_axis.ticks().into_iter().map(y_text)) + GAP;
    let names = widest(&mut chart.series.iter().map(|line| line.name.clone())).min(WIDEST_NAME);
    // Half of the last text under the level axis stands beyond its tick.
    let right = WIDTH - names.max(2.0 * LETTER) - GAP;
    let x_at = |share: f64| left + share * (right - left);

    let mut drawing = String::new();
    label(
        &mut drawing,
        "tick",
        Anchor::Start,
        0.0,
        13.0,
        &chart.y_title,
    );
    for tick in y_axis.ticks() {
        let y = y_axis.at(tick);
        stroke(&mut drawing, "grid", (left, y), (right, y));
        label(
            &mut drawing,
            "tick",
            Anchor::End,
            left - GAP,
            y + 4.5,
            &y_text(tick),
        );
    }
    x_labels(&mut drawing, &chart.x_ticks, &x_at, bottom);
    label(
        &mut drawing,
        "tick",
        Anchor::End,
        right,
        bottom + 36.0,
        &chart.x_title,
    );
    stroke(
        &mut drawing,
        "axis",
        (left, y_axis.at(0.0)),
        (right, y_axis.at(0.0)),
    );

    let mut ends = Vec::new();
    for (index, line) in chart.series.iter().enumerate() {
        let mut path = String::new();
        for (share, value) in &line.points {
            let _ = write!(path, "{:.1},{:.1} ", x_at(*share), y_axis.at(*value));
        }
        let style = index % STYLES;
        let _ = writeln!(
            drawing,
            "<polyline class=\"line s{style}\" points=\"{}\"/>",
            path.trim_end()
        );
        if let (false, Some((_, value))) = (line.name.is_empty(), line.points.last()) {
            ends.push((y_axis.at(*value) + 4.5, style, shortened(&line.name, names)));
        }
    }
    name_ends(&mut drawing, ends, right + GAP, bottom);
    for mark in &chart.marks {
        let (x, y) = (x_at(mark.x), y_axis.at(mark.y));
        let _ = writeln!(
            drawing,
            "<circle class=\"mark\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"
        );
        // The text stays within the chart, whichever side the mark is on.
        let half = letters(&mark.text) * LETTER / 2.0;
        let middle = x.clamp(left + half, (right - half).max(left + half));
        label(
            &mut drawing,
            "value",
            Anchor::Middle,
            middle,
            y - 10.0,
            &mark.text,
        );
    }
    svg(naming, bottom + 44.0, &drawing)
}

/// Texts under the level axis that do not run into each other; the last one always stands.
fn x_labels(drawing: &mut String, ticks: &[(f64, String)], x_at: &dyn Fn(f64) -> f64, bottom: f64) {
    let half = |text: &str| letters(text) * LETTER / 2.0;
    let last_starts = ticks
        .last()
        .map_or(f64::MAX, |(share, text)| x_at(*share) - half(text));
    let mut free_from = f64::MIN;
    for (index, (share, text)) in ticks.iter().enumerate() {
        let x = x_at(*share);
        stroke(drawing, "axis", (x, bottom), (x, bottom + 4.0));
        let is_last = index + 1 == ticks.len();
        let fits = x - half(text) > free_from && x + half(text) + 4.0 < last_starts;
        if is_last || fits {
            label(drawing, "tick", Anchor::Middle, x, bottom + 18.0, text);
            free_from = x + half(text) + 4.0;
        }
    }
}

/// Names at the lines' ends, moved apart where the lines end close together.
fn name_ends(drawing: &mut String, mut ends: Vec<(f64, usize, String)>, x: f64, bottom: f64) {
    ends.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let mut lowest_free = f64::MIN;
    for end in &mut ends {
        end.0 = end.0.max(lowest_free);
        lowest_free = end.0 + LINE;
    }
    let mut highest_free = bottom + 4.5;
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(highest_free);
        highest_free = end.0 - LINE;
    }
    for (y, style, name) in &ends {
        label(
            drawing,
            &format!("name s{style}"),
            Anchor::Start,
            x,
            *y,
            name,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMING: Naming = Naming {
        id: "l",
        title: "t",
        description: "d",
    };

    fn heights_of_names(chart: &str) -> Vec<f64> {
        let names = chart.lines().filter(|line| line.contains("class=\"name"));
        let y = |line: &str| {
            line.split("y=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .parse()
        };
        names.map(|line| y(line).unwrap()).collect()
    }

    #[test]
    fn names_of_lines_that_end_together_do_not_overlap() {
        let series = (0..6).map(|number| Series {
            name: format!("channel {number}"),
            points: vec![(0.0, 5.0), (1.0, f64::from(number) / 100.0)],
        });
        let chart = LineChart {
            series: series.collect(),
            ..LineChart::default()
        };
        let mut heights = heights_of_names(&lines(NAMING, &chart));
        heights.sort_by(f64::total_cmp);
        assert_eq!(heights.len(), 6);
        assert!(
            heights
                .windows(2)
                .all(|pair| pair[1] - pair[0] >= LINE - 0.2),
            "{heights:?}"
        );
    }

    #[test]
    fn a_chart_without_points_is_not_drawn() {
        let chart = LineChart {
            series: vec![Series {
                name: "empty".to_owned(),
                points: Vec::new(),
            }],
            ..LineChart::default()
        };
        assert_eq!(lines(NAMING, &chart), "");
    }

    #[test]
    fn a_single_point_and_a_curve_below_zero_stay_on_the_chart() {
        for points in [vec![(0.0, -3.0)], vec![(0.0, 0.0), (1.0, -7.5)]] {
            let chart = LineChart {
                series: vec![Series {
                    name: String::new(),
                    points,
                }],
                ..LineChart::default()
            };
            let drawn = lines(NAMING, &chart);
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
