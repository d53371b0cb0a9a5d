//! The first sheet of a workbook: what the list is, and the figures of the campaign behind it.

use super::lists::ListHead;
use super::records::specification_hash;
use super::xlsx::{Sheet, SheetCell};
use crate::domain::Money;

/// `rows` counts the seeds too.
pub fn cover(head: &ListHead<'_>, part: &str, rows: usize, n_seeds: usize) -> Sheet {
    let campaign = head.campaign;
    let title = |text: &str| SheetCell::Title(text.to_owned());
    let text = |text: &str| SheetCell::Text(text.to_owned());
    let number = |number: u64| SheetCell::Number(number.to_string());
    let mut sheet = vec![
        vec![title("Campaign"), text(&campaign.code)],
        vec![title("What for"), text(&campaign.description)],
        vec![title("Product"), text(&campaign.product)],
        vec![title("State of the data"), SheetCell::Date(head.date)],
        vec![title("Part"), text(part)],
        vec![title("Rows"), number(rows as u64)],
        vec![
            title("of them the bank's own names"),
            number(n_seeds as u64),
        ],
        vec![
            title("Specification"),
            text(&specification_hash(campaign)[..16]),
        ],
        Vec::new(),
        [
            "Cell",
            "Kind",
            "Channel",
            "Offer",
            "Members",
            "Cost",
            "Smallest effect it could show",
        ]
        .map(title)
        .to_vec(),
    ];
    for cell in &head.figures.cells {
        let points = |ppm: u32| {
            format!(
                "{} points",
                Money(i128::from(ppm.div_ceil(100))).to_decimal(2)
            )
        };
        let effect = match (cell.kind.as_str(), cell.smallest_effect_ppm) {
            ("target", Some(ppm)) => points(ppm),
            ("target", None) => "none: too few controls".to_owned(),
            _ => String::new(),
        };
        sheet.push(vec![
            text(&cell.code),
            text(&cell.kind),
            text(cell.channel.as_deref().unwrap_or_default()),
            text(cell.offer.as_deref().unwrap_or_default()),
            number(cell.members),
            SheetCell::Money(Money(i128::from(cell.cost_cents)).to_decimal(2)),
            text(&effect),
        ]);
    }
    sheet.push(Vec::new());
    sheet.push(
        ["Rule", "Fail it", "Removed", "Remaining", "What it asks"]
            .map(title)
            .to_vec(),
    );
    for line in &head.figures.waterfall {
        sheet.push(vec![
            text(&line.rule),
            number(line.failed),
            number(line.removed),
            number(line.remaining),
            text(&line.description),
        ]);
    }
    Sheet {
        name: "Campaign",
        rows: sheet,
        has_header: false,
        choices: None,
    }
}
