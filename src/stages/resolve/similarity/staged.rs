//! Columns of a staging table -> numbers of values, slot by slot.

use chrono::Datelike;
use polars::prelude::*;

use super::attributes::{Attributes, MISSING, Slot, split_name};
use crate::config::matching::{Detail, RecordSource};
use crate::stages::resolve::rows::Rows;

/// The columns of `source` that a slot is read from.
#[must_use]
pub fn columns_for(source: &RecordSource, slot: Slot) -> Vec<String> {
    let is_split = source.family_name.is_some() || source.given_name.is_some();
    let named = match slot {
        Slot::FamilyName if is_split => source.family_name.clone(),
        Slot::GivenName if is_split => source.given_name.clone(),
        Slot::FamilyName | Slot::GivenName | Slot::Name => source.full_name.clone(),
        Slot::BirthDate => source.birth_date.clone(),
        Slot::Digits => source
            .national_id
            .as_ref()
            .map(|name| format!("{name}_positions")),
        _ => detail(source, slot),
    };
    named.into_iter().collect()
}

fn detail(source: &RecordSource, slot: Slot) -> Option<String> {
    let is_it = |(found, _): &&(Detail, String)| Slot::of(*found) == slot;
    let found = source.details.iter().find(is_it);
    found.map(|(_, column)| column.clone())
}

/// Appends the values of the rows `kept`; a slot that the feed does not have stays missing.
pub fn append_values(
    source: &RecordSource,
    batch: &DataFrame,
    kept: &[usize],
    attributes: &mut Attributes,
    rows: &mut Rows,
) -> PolarsResult<()> {
    let is_split = source.family_name.is_some() || source.given_name.is_some();
    for (position, slot) in attributes.needed().to_vec().into_iter().enumerate() {
        let into = &mut rows.values[position];
        let Some(name) = columns_for(source, slot).pop() else {
            into.extend(std::iter::repeat_n(MISSING, kept.len()));
            continue;
        };
        let column = batch.column(&name)?;
        if let Ok(days) = column.date() {
            for row in kept {
                let text = days.physical().get(*row).and_then(spell_date);
                into.push(text.map_or(MISSING, |text| attributes.number(slot, &text)));
            }
            continue;
        }
        let texts = column.str()?;
        for row in kept {
            let value = match (texts.get(*row), slot) {
                (None, _) => MISSING,
                (Some(name), Slot::FamilyName) if !is_split => {
                    attributes.number(slot, &split_name(name, source.name_order).0)
                }
                (Some(name), Slot::GivenName) if !is_split => {
                    attributes.number(slot, &split_name(name, source.name_order).1)
                }
                (Some(text), _) => attributes.number(slot, text),
            };
            into.push(value);
        }
    }
    Ok(())
}

/// Year, month and day in eight digits.
fn spell_date(days: i32) -> Option<String> {
    let date =
        chrono::NaiveDate::default().checked_add_signed(chrono::Duration::days(days.into()))?;
    Some(format!(
        "{:04}{:02}{:02}",
        date.year(),
        date.month(),
        date.day()
    ))
}
