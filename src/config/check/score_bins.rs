//! The bins of a scorecard: every value falls into exactly one, a missing value too.

use std::collections::BTreeSet;

use crate::config::document::Reporter;
use crate::config::raw::RawBin;
use crate::config::score::{Bin, BinValues, FeatureKind};
use crate::config::yaml::Node;

pub fn check_bins(
    raw: &[RawBin],
    kind: FeatureKind,
    column: &str,
    list: &Node,
    report: &mut Reporter<'_>,
) -> Vec<Bin> {
    let mut bins = Vec::with_capacity(raw.len());
    for (index, bin) in raw.iter().enumerate() {
        let ways = usize::from(bin.from.is_some() || bin.below.is_some())
            + usize::from(bin.values.is_some())
            + usize::from(bin.missing)
            + usize::from(bin.other);
        let place = list.item(index);
        let open = ways == 0 && kind == FeatureKind::Number;
        if ways != 1 && !open {
            report.at_hint(
                place.get("points"),
                "the bin must say in one way which values are in it",
                "give it `from` and `below`, or `in`, or `missing: true`, or `other: true`",
            );
            continue;
        }
        let values = if bin.missing {
            BinValues::Missing
        } else if bin.other {
            BinValues::Other
        } else if let Some(values) = &bin.values {
            BinValues::In(values.iter().map(|value| value.text().to_owned()).collect())
        } else {
            BinValues::Range(bin.from.map(|from| from.0), bin.below.map(|below| below.0))
        };
        let of_a_number = matches!(values, BinValues::Range(..));
        let of_both = values == BinValues::Missing;
        if !of_both && of_a_number != (kind == FeatureKind::Number) {
            let (message, hint) = match kind {
                FeatureKind::Number => ("a number has no categories", "use `from` and `below`"),
                FeatureKind::Category => ("a category has no range", "use `in` and `other: true`"),
            };
            report.at_hint(place.get("points"), format!("`{column}`: {message}"), hint);
            continue;
        }
        bins.push((
            index,
            Bin {
                values,
                points: bin.points,
            },
        ));
    }
    if bins.len() == raw.len() {
        check_cover(&bins, kind, column, list, report);
    }
    bins.into_iter().map(|(_, bin)| bin).collect()
}

fn check_cover(
    bins: &[(usize, Bin)],
    kind: FeatureKind,
    column: &str,
    list: &Node,
    report: &mut Reporter<'_>,
) {
    let count = |wanted: &BinValues| bins.iter().filter(|(_, bin)| bin.values == *wanted).count();
    let mut once = vec![(BinValues::Missing, "missing")];
    if kind == FeatureKind::Category {
        once.push((BinValues::Other, "other"));
    }
    for (values, word) in once {
        let message = match count(&values) {
            1 => continue,
            0 => format!("`{column}` has no bin `{word}: true`"),
            _ => format!("`{column}` has two bins `{word}: true`"),
        };
        report.at_hint(
            list,
            message,
            format!("exactly one bin says what such a row gets: {{{word}: true, points: 0}}"),
        );
    }
    match kind {
        FeatureKind::Number => check_ranges(bins, column, list, report),
        FeatureKind::Category => check_categories(bins, column, list, report),
    }
}

/// Ranges stand in order, without gap or overlap, from no lower bound to no upper one.
fn check_ranges(bins: &[(usize, Bin)], column: &str, list: &Node, report: &mut Reporter<'_>) {
    let ranges: Vec<(usize, Option<f64>, Option<f64>)> = bins
        .iter()
        .filter_map(|(index, bin)| match bin.values {
            BinValues::Range(from, below) => Some((*index, from, below)),
            _ => None,
        })
        .collect();
    let hint = "ranges go up from one without `from` to one without `below`; each begins where the one before ends";
    let mut end = None;
    for (position, (index, from, below)) in ranges.iter().enumerate() {
        let place = list.item(*index).get("points");
        let continues = match (position, from) {
            (0, from) => from.is_none(),
            (_, None) => false,
            (_, Some(from)) => end == Some(*from),
        };
        if !continues {
            report.at_hint(
                place,
                format!("the ranges of `{column}` leave a gap or overlap here"),
                hint,
            );
            return;
        }
        if let (Some(from), Some(below)) = (from, below)
            && from >= below
        {
            report.at_hint(
                place,
                format!("no number is from {from} and below {below}"),
                hint,
            );
            return;
        }
        end = *below;
    }
    if ranges.is_empty() || end.is_some() {
        report.at_hint(
            list,
            format!("the ranges of `{column}` do not reach every number"),
            hint,
        );
    }
}

fn check_categories(bins: &[(usize, Bin)], column: &str, list: &Node, report: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for (index, bin) in bins {
        let BinValues::In(values) = &bin.values else {
            continue;
        };
        for (position, value) in values.iter().enumerate() {
            if !seen.insert(value) {
                report.at(
                    list.item(*index).get("in").item(position),
                    format!("`{value}` of `{column}` stands in two bins"),
                );
            }
        }
    }
}
