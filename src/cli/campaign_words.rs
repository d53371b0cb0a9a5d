//! A campaign's waterfall and cells, as a person reads them at a terminal.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::domain::Money;
use crate::store::manifest::{CampaignEntry, CellEntry};

/// Both tables.
pub fn figures(campaign: &CampaignEntry) -> String {
    let mut text = format!("\ncampaign {}\n", campaign.code);
    let mut table = table(&["rule", "fail it", "removed", "remaining", ""]);
    for line in &campaign.waterfall {
        table.add_row([
            Cell::new(&line.rule),
            number(line.failed),
            number(line.removed),
            number(line.remaining),
            Cell::new(&line.description),
        ]);
    }
    let _ = writeln!(text, "{table}");
    cells(&mut text, &campaign.cells);
    if let Some(ppm) = campaign.gap_ppm {
        let percent = Money(i128::from(ppm.div_ceil(100))).to_decimal(2);
        let _ = writeln!(
            text,
            "gap         {percent} % below what no choice within the limits can pass"
        );
    }
    text
}

fn cells(text: &mut String, cells: &[CellEntry]) {
    let mut table = table(&[
        "cell",
        "kind",
        "channel",
        "offer",
        "share",
        "members",
        "cost",
        "would show",
    ]);
    for cell in cells {
        table.add_row([
            Cell::new(&cell.code),
            Cell::new(&cell.kind),
            Cell::new(cell.channel.as_deref().unwrap_or("-")),
            Cell::new(cell.offer.as_deref().unwrap_or("-")),
            number(Money(i128::from(cell.share_ppm / 100)).to_decimal(4)),
            number(cell.members),
            number(Money(i128::from(cell.cost_cents)).to_decimal(2)),
            Cell::new(effect(cell)),
        ]);
    }
    let _ = writeln!(text, "{table}");
}

/// The smallest effect, in words: an experiment too small for any says so.
pub fn effect(cell: &CellEntry) -> String {
    match (cell.kind.as_str(), cell.smallest_effect_ppm) {
        ("target", Some(ppm)) => {
            format!(
                "a rise of {} points",
                Money(i128::from(ppm.div_ceil(100))).to_decimal(2)
            )
        }
        ("target", None) => "nothing: too few controls".to_owned(),
        _ => "-".to_owned(),
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(header);
    table
}

fn number(value: impl ToString) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}
