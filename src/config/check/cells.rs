//! Cells: shares that add up, offers that exist, finder numbers that tell contacts apart.

use std::collections::BTreeSet;

use super::{KnownTables, suggestion};
use crate::config::campaign::SeedSpec;
use crate::config::cells::{CellKind, CellSpec, Channel, FinderPart, OfferSpec, Ppm, WHOLE};
use crate::config::document::Reporter;
use crate::config::raw::{
    RawCell, RawCellKind, RawChannel, RawCodes, RawOffer, RawResponseWindow, RawSeeds, Words,
    Written,
};
use crate::config::yaml::Node;
use crate::domain::{Money, TableName};

/// Digits of a sequence that names none.
const SEQUENCE_DIGITS: usize = 7;

/// Cells and offers of a campaign; a campaign without cells is one cell `A` of everybody selected.
pub fn check_cells(
    cells: &[RawCell],
    offers: &Words<RawOffer>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> (Vec<CellSpec>, Vec<OfferSpec>) {
    let offers = check_offers(offers, cells, node, report);
    if cells.is_empty() {
        let everybody = CellSpec {
            code: "A".to_owned(),
            kind: CellKind::Target,
            channel: None,
            share: WHOLE,
            offer: None,
            cost: None,
        };
        return (vec![everybody], offers);
    }
    let list = node.get("cells");
    let mut checked: Vec<CellSpec> = Vec::with_capacity(cells.len());
    let before = report.problems.len();
    for (index, raw) in cells.iter().enumerate() {
        let cell = check_cell(raw, &offers, list.item(index), report);
        if checked.iter().any(|other| other.code == cell.code) {
            let code = list.item(index).get("code");
            report.at(code, format!("the campaign has two cells `{}`", cell.code));
        }
        checked.push(cell);
    }
    for kind in [CellKind::Control, CellKind::Explore] {
        let mut of_kind = checked
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.kind == kind);
        if let Some((index, _)) = of_kind.nth(1) {
            let message = format!("the campaign has two cells of the kind `{}`", kind.as_str());
            report.at(list.item(index).get("kind"), message);
        }
    }
    if checked.iter().all(|cell| cell.kind != CellKind::Target) {
        report.at_hint(
            list,
            "no cell is contacted",
            "add a cell with a channel, such as {code: A, channel: mail, share: 0.90}",
        );
    }
    let drawn = checked.iter().filter(|cell| cell.kind != CellKind::Explore);
    let sum: u64 = drawn.map(|cell| u64::from(cell.share)).sum();
    if report.problems.len() == before && sum != u64::from(WHOLE) {
        let sum = Money(i128::from(sum)).to_decimal(6);
        report.at_hint(
            list,
            format!("the shares of target and control cells add up to {sum}"),
            "they must add up to 1; the share of an explore cell comes on top",
        );
    }
    (checked, offers)
}

fn check_cell(
    raw: &RawCell,
    offers: &[OfferSpec],
    node: &Node,
    report: &mut Reporter<'_>,
) -> CellSpec {
    let code = &raw.code;
    if code.is_empty() || code.len() > 8 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        report.at_hint(
            node.get("code"),
            format!("`{code}` cannot be a cell's code"),
            "use up to 8 letters and digits, such as A; the code stands in finder numbers",
        );
    }
    let kind = match raw.kind {
        RawCellKind::Target => CellKind::Target,
        RawCellKind::Control => CellKind::Control,
        RawCellKind::Explore => CellKind::Explore,
    };
    if kind == CellKind::Control {
        for (key, given) in [
            ("channel", raw.channel.is_some()),
            ("offer", raw.offer.is_some()),
            ("cost", raw.cost.is_some()),
        ] {
            if given {
                let message = format!("the control cell `{code}` has a key `{key}`");
                report.at_key_hint(
                    node,
                    key,
                    message,
                    "controls are held back: nobody contacts them",
                );
            }
        }
    } else if raw.channel.is_none() {
        report.at_hint(
            node.get("code"),
            format!("the cell `{code}` has no channel"),
            "add `channel: mail`, phone, email or branch; only a control cell has none",
        );
    }
    if let Some(offer) = &raw.offer
        && offers.iter().all(|known| known.code != *offer)
    {
        let hint = suggestion(
            offer,
            offers.iter().map(|known| known.code.as_str()),
            "`offers`",
        )
        .or_else(|| Some("name it under `offers`".to_owned()));
        let message = format!("there is no offer `{offer}`");
        let problem = report
            .document
            .source
            .error(node.get("offer").range.clone(), message);
        report.problems.push(problem.hint_if(hint));
    }
    let most = if kind == CellKind::Explore {
        WHOLE / 2
    } else {
        WHOLE
    };
    CellSpec {
        code: code.clone(),
        kind,
        channel: raw.channel.map(channel),
        share: share(&raw.share, most, node.get("share"), report),
        offer: raw.offer.clone(),
        cost: raw
            .cost
            .as_ref()
            .map(|cost| money(cost, node.get("cost"), report)),
    }
}

fn check_offers(
    raw: &Words<RawOffer>,
    cells: &[RawCell],
    node: &Node,
    report: &mut Reporter<'_>,
) -> Vec<OfferSpec> {
    let mut offers = Vec::with_capacity(raw.0.len());
    for (code, offer) in &raw.0 {
        let place = node.get("offers").get(code);
        if cells.iter().all(|cell| cell.offer.as_ref() != Some(code)) {
            report.at_key(
                node.get("offers"),
                code,
                format!("no cell makes the offer `{code}`"),
            );
        }
        let rate = offer.rate.as_ref().map(|rate| {
            let found = Money::parse_decimal(rate.text(), 6)
                .filter(|rate| (0..=10_000_000).contains(&rate.0));
            if found.is_none() {
                let message = format!("`{}` is no yearly rate", rate.text());
                report.at_hint(
                    place.get("rate"),
                    message,
                    "write it as a fraction: 0.0599 for 5.99 %",
                );
            }
            found.unwrap_or_default().to_decimal(6)
        });
        offers.push(OfferSpec {
            code: code.clone(),
            rate,
            valid_days: offer.valid_days,
        });
    }
    offers
}

pub fn channel(raw: RawChannel) -> Channel {
    match raw {
        RawChannel::Mail => Channel::Mail,
        RawChannel::Phone => Channel::Phone,
        RawChannel::Email => Channel::Email,
        RawChannel::Branch => Channel::Branch,
    }
}

/// A share of more than nothing, and at most `most`.
fn share(raw: &Written, most: Ppm, node: &Node, report: &mut Reporter<'_>) -> Ppm {
    let share = Money::parse_decimal(raw.text(), 6).and_then(|share| u32::try_from(share.0).ok());
    match share.filter(|share| (1..=most).contains(share)) {
        Some(share) => share,
        None => {
            let most = if most == WHOLE { "1" } else { "0.5" };
            report.at_hint(
                node,
                format!("`{}` is no share of a cell", raw.text()),
                format!("write more than 0 and at most {most}, with up to six digits: 0.30"),
            );
            0
        }
    }
}

/// An amount of at least nothing, in cents.
pub fn money(raw: &Written, node: &Node, report: &mut Reporter<'_>) -> i64 {
    let cents = Money::parse_decimal(raw.text(), 2).and_then(|amount| i64::try_from(amount.0).ok());
    cents.filter(|cents| *cents >= 0).unwrap_or_else(|| {
        report.at_hint(
            node,
            format!("`{}` is no amount", raw.text()),
            "write it with up to two digits after the point: 0.85",
        );
        0
    })
}

/// The parts of a finder number, which must tell every contact of every campaign apart.
pub fn check_finder(raw: &RawCodes, node: &Node, report: &mut Reporter<'_>) -> Vec<FinderPart> {
    let place = node.get("finder");
    let mut parts = Vec::new();
    let mut rest = raw.finder.as_str();
    while !rest.is_empty() {
        let Some(open) = rest.find('{') else {
            parts.push(FinderPart::Text(rest.to_owned()));
            break;
        };
        if open > 0 {
            parts.push(FinderPart::Text(rest[..open].to_owned()));
        }
        let inner = rest[open + 1..].split('}').next().unwrap_or_default();
        let digits = inner
            .strip_prefix("seq:")
            .and_then(|digits| digits.parse().ok());
        let part = match (inner, digits) {
            ("campaign", _) => FinderPart::Campaign,
            ("cell", _) => FinderPart::Cell,
            ("check", _) => FinderPart::Check,
            ("seq", _) => FinderPart::Sequence {
                digits: SEQUENCE_DIGITS,
            },
            (_, Some(digits @ 1..=12)) => FinderPart::Sequence { digits },
            _ => {
                report.at_hint(
                    place,
                    format!("a finder number has no part `{{{inner}}}`"),
                    "parts are {campaign}, {cell}, {seq:07} and {check}",
                );
                return Vec::new();
            }
        };
        parts.push(part);
        rest = rest.get(open + inner.len() + 2..).unwrap_or_default();
    }
    let count = |wanted: fn(&FinderPart) -> bool| parts.iter().filter(|part| wanted(part)).count();
    let right = count(|part| matches!(part, FinderPart::Sequence { .. })) == 1
        && count(|part| *part == FinderPart::Campaign) == 1
        && count(|part| *part == FinderPart::Check) == 1
        && parts.last() == Some(&FinderPart::Check);
    if !right {
        report.at_hint(
            place,
            format!("`{}` cannot tell contacts apart", raw.finder),
            "it needs {campaign} and {seq} once each, and {check} at its end",
        );
    }
    parts
}

/// The reference table of a seeds file, whose columns are those of lists.
pub fn check_seeds(
    raw: &RawSeeds,
    listed: &BTreeSet<&str>,
    known: &KnownTables<'_>,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Option<SeedSpec> {
    let place = node.get("file");
    let name = raw
        .file
        .strip_prefix("reference/")
        .and_then(|file| file.strip_suffix(".csv"));
    let table = name.and_then(|name| TableName::try_new("reference", name).ok());
    let Some(table) = table else {
        let message = format!("`{}` is no reference file", raw.file);
        report.at_hint(place, message, "name one such as reference/seeds.csv");
        return None;
    };
    let columns = known.tables.get(&table);
    match columns {
        None if known.is_complete => {
            report.at_hint(
                place,
                format!("there is no {}", raw.file),
                "add it, with a .yml that describes its columns beside it",
            );
        }
        None => {}
        Some(columns) => {
            if let Some(column) = columns
                .iter()
                .find(|column| !listed.contains(column.as_str()))
            {
                report.at_hint(
                    place,
                    format!("no list shows the column `{column}` of {}", raw.file),
                    "a seed has the columns of the lists, or some of them",
                );
            }
        }
    }
    let columns = columns.into_iter().flatten().cloned().collect();
    Some(SeedSpec { table, columns })
}

/// The share that answers without the campaign, in millionths.
pub fn check_base_rate(
    raw: &RawResponseWindow,
    node: &Node,
    report: &mut Reporter<'_>,
) -> Option<Ppm> {
    raw.base_rate
        .as_ref()
        .map(|rate| share(rate, WHOLE / 2, node.get("base_rate"), report))
}
