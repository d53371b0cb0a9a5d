//! Each campaign's way from its universe to its lists, with every rule.

use super::Shown;
use crate::domain::Money;
use crate::report::chart::Naming;
use crate::report::chart::waterfall::{Step, waterfall};
use crate::report::figure::{count, percent, position};
use crate::report::html::{
    Align, Table, TableCell, absent, figure_above, folded, heading, note, paragraph, section,
};
use crate::store::manifest::CampaignEntry;

#[must_use]
pub fn render(shown: &Shown) -> String {
    let campaigns = &shown.manifest.campaigns;
    if campaigns.is_empty() {
        let none = absent("This release has no campaign.");
        return section("campaigns", "Campaigns", &none);
    }
    let mut body = String::new();
    for (number, campaign) in campaigns.iter().enumerate() {
        body.push_str(&heading(&campaign.code));
        body.push_str(&rules(campaign, number));
        body.push_str(&cells(campaign));
        for words in &campaign.notes {
            body.push_str(&note(words));
        }
        body.push_str(&lists(campaign));
    }
    section("campaigns", "Campaigns", &body)
}

fn rules(campaign: &CampaignEntry, number: usize) -> String {
    let mut table = Table::new(
        &format!("Waterfall of {}", campaign.code),
        &[
            ("Rule", Align::Text),
            ("Fail it", Align::Number),
            ("Removed", Align::Number),
            ("Remaining", Align::Number),
            ("What it asks", Align::Prose),
        ],
    );
    for line in &campaign.waterfall {
        table.row([
            line.rule.clone(),
            count(line.failed),
            count(line.removed),
            count(line.remaining),
            line.description.clone(),
        ]);
    }
    let people = |number: u64| position(Money(i128::from(number)), 0);
    let steps: Vec<Step> = campaign
        .waterfall
        .iter()
        .map(|line| Step {
            label: line.rule.clone(),
            removed: people(line.removed),
            remaining: people(line.remaining),
            shown: count(line.remaining),
        })
        .collect();
    let universe = campaign.waterfall.first().map_or(0, |line| line.remaining);
    let left = campaign.waterfall.last().map_or(0, |line| line.remaining);
    let share = percent(Money(i128::from(left)), Money(i128::from(universe)));
    let caption = format!(
        "Of {} members {} remain after every rule{}. Full bars are members that remain, pale ones those the rule removed; the number is what remains.",
        count(universe),
        count(left),
        share.map_or_else(String::new, |share| format!(" ({share})"))
    );
    let naming = Naming {
        id: &format!("waterfall-{number}"),
        title: &format!("Waterfall of {}", campaign.code),
        description: "One row per rule in the order they apply: members that remain, and members the rule removed.",
    };
    figure_above(&waterfall(naming, &steps), &caption, &table.to_html())
}

/// Cells with what each could show: figures of a test too small to show anything are not to be read as results.
fn cells(campaign: &CampaignEntry) -> String {
    let mut table = Table::new(
        &format!("Cells of {}", campaign.code),
        &[
            ("Cell", Align::Text),
            ("Kind", Align::Text),
            ("Channel", Align::Text),
            ("Offer", Align::Text),
            ("Share", Align::Number),
            ("Members", Align::Number),
            ("Cost", Align::Number),
            ("Smallest effect it could show", Align::Number),
        ],
    );
    for cell in &campaign.cells {
        let share = percent(Money(i128::from(cell.share_ppm)), Money(1_000_000));
        let effect = match (cell.kind.as_str(), cell.smallest_effect_ppm) {
            ("target", Some(ppm)) => {
                format!(
                    "{} points",
                    Money(i128::from(ppm.div_ceil(100))).to_decimal(2)
                )
            }
            ("target", None) => "none: too few controls".to_owned(),
            _ => String::new(),
        };
        table.row([
            cell.code.clone(),
            cell.kind.clone(),
            cell.channel.clone().unwrap_or_default(),
            cell.offer.clone().unwrap_or_default(),
            share.unwrap_or_default(),
            count(cell.members),
            Money(i128::from(cell.cost_cents)).to_decimal(2),
            effect,
        ]);
    }
    let gap = campaign.gap_ppm.map_or_else(String::new, |ppm| {
        let percent = Money(i128::from(ppm.div_ceil(100))).to_decimal(2);
        paragraph(&format!(
            "Those chosen are worth at most {percent} % less than the best that the limits allow, in the units of the rank."
        ))
    });
    format!("{}{gap}", table.to_html())
}

fn lists(campaign: &CampaignEntry) -> String {
    let mut table = Table::new(
        &format!("Lists of {}", campaign.code),
        &[
            ("List", Align::Text),
            ("Rows", Align::Number),
            ("Hash (blake3)", Align::Text),
        ],
    );
    let mut rows = 0;
    let mut number = 0;
    for list in &campaign.lists {
        number += 1;
        rows += list.file.rows;
        table.row([
            TableCell::from(list.name.as_str()),
            TableCell::from(count(list.file.rows)),
            TableCell::Code(super::reference::short_hash(&list.file.blake3)),
        ]);
    }
    if number == 0 {
        return absent(&format!("Campaign {} wrote no list.", campaign.code));
    }
    let unit = if number == 1 { "list" } else { "lists" };
    let summary = format!("{} {unit} with {} rows", count(number), count(rows));
    folded(&format!("{}: {summary}", campaign.code), &table.to_html())
}
