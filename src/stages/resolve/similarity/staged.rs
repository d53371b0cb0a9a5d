//! Columns of a staging table -> numbers of values, slot by slot.

use chrono::Datelike;
use polars::prelude::*;
use rayon::prelude::*;

use super::attributes::{Attributes, Dictionary, MISSING, Slot, split_name};
use super::chinese::read_name;
use crate::config::matching::{Detail, RecordSource};
use crate::stages::resolve::rows::Rows;

/// The columns of `source` that a slot is read from, the one that holds it first.
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
    let native = match slot {
        Slot::FamilyName | Slot::GivenName => detail(source, Slot::NativeName),
        _ => None,
    };
    named.into_iter().chain(native).collect()
}

fn detail(source: &RecordSource, slot: Slot) -> Option<String> {
    let is_it = |(found, _): &&(Detail, String)| Slot::of(*found) == slot;
    let found = source.details.iter().find(is_it);
    found.map(|(_, column)| column.clone())
}

/// Appends the values of the rows `kept`; a slot that the feed does not have stays missing.
///
/// Slots that share their values are read one after the other, all others side by side.
pub fn append_values(
    source: &RecordSource,
    batch: &DataFrame,
    kept: &[usize],
    attributes: &mut Attributes,
    rows: &mut Rows,
) -> PolarsResult<()> {
    let slots: Vec<(usize, Slot)> = attributes.needed().iter().copied().enumerate().collect();
    let read = attributes.par_dictionaries().map(|(number, dictionary)| {
        let own = slots.iter().filter(|(_, slot)| slot.dictionary() == number);
        let read = own.map(|(position, slot)| {
            let values = numbers_of(source, batch, kept, *slot, dictionary)?;
            Ok((*position, values))
        });
        read.collect::<PolarsResult<Vec<_>>>()
    });
    for (position, values) in read.collect::<PolarsResult<Vec<_>>>()?.concat() {
        rows.values[position].extend(values);
    }
    Ok(())
}

fn numbers_of(
    source: &RecordSource,
    batch: &DataFrame,
    kept: &[usize],
    slot: Slot,
    dictionary: &mut Dictionary,
) -> PolarsResult<Vec<u32>> {
    let Some(name) = columns_for(source, slot).into_iter().next() else {
        return Ok(vec![MISSING; kept.len()]);
    };
    let column = batch.column(&name)?;
    if let Ok(days) = column.date() {
        let spelled = kept
            .iter()
            .map(|row| days.physical().get(*row).and_then(spell_date));
        return Ok(spelled
            .map(|text| text.map_or(MISSING, |text| dictionary.spelled(slot, &text)))
            .collect());
    }
    let texts = column.str()?;
    let is_split = source.family_name.is_some() || source.given_name.is_some();
    let native = match (slot, detail(source, Slot::NativeName)) {
        (Slot::FamilyName | Slot::GivenName, Some(name)) => Some(batch.column(&name)?.str()?),
        _ => None,
    };
    let value = |row: &usize| {
        // Characters say how the name is spelled; what was typed beside them may be another spelling, or wrong.
        let characters = native.and_then(|native| native.get(*row));
        let (family, given) = match (characters.and_then(read_name), texts.get(*row)) {
            (Some(read), _) => read,
            (None, None) => return MISSING,
            (None, Some(name))
                if !is_split && matches!(slot, Slot::FamilyName | Slot::GivenName) =>
            {
                split_name(name, source.name_order)
            }
            (None, Some(text)) => return dictionary.spelled(slot, text),
        };
        let part = if slot == Slot::FamilyName {
            family
        } else {
            given
        };
        dictionary.spelled(slot, &part)
    };
    Ok(kept.iter().map(value).collect())
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
