//! Which rows the checks of a model look at: those of tonight, where the same checks passed for all others.

use std::collections::BTreeSet;

use super::gates::GateContext;
use crate::config::model::{Materialisation, ModelSpec};
use crate::domain::TableName;
use crate::sql::TableSource;
use crate::sql::catalog::Catalogue;
use crate::sql::dependencies::table_references;
use crate::stages::model::checks::CheckScope;
use crate::store::manifest::{FileEntry, GateStatus};
use crate::store::{Manifest, TableEntry};

/// Rows of months up to which one query looks at all of them: to plan one for each costs more than the memory it saves.
const FEW_ROWS: u64 = 1 << 20;

/// Of a stored table, with the files that the checks look at; none for the whole table.
pub(super) fn scope_of_table(
    context: &GateContext,
    model: &ModelSpec,
    table: &TableEntry,
    step: &(String, String),
) -> (CheckScope, Vec<FileEntry>) {
    let months = match model.materialisation {
        Materialisation::Month => months_of(&table.files),
        _ => BTreeSet::new(),
    };
    let whole = (CheckScope::Whole(months), Vec::new());
    let Some((base, before)) = context
        .base
        .and_then(|base| Some((base, base.tables.get(&model.table)?)))
    else {
        return whole;
    };
    let (scope, files) = match model.materialisation {
        Materialisation::Month => {
            let rebuilt = |file: &&FileEntry| !before.files.contains(file);
            let files: Vec<FileEntry> = table.files.iter().filter(rebuilt).cloned().collect();
            (CheckScope::Months(months_of(&files)), files)
        }
        // By place, not by content: the rows of an earlier night, appended again, are the same file.
        Materialisation::Append if table.files.starts_with(&before.files) => {
            let files = table.files[before.files.len()..].to_vec();
            (CheckScope::Night, files)
        }
        _ => return whole,
    };
    if !same_checks_passed(base, model, step) || before.columns != table.columns {
        return whole;
    }
    for (catalogue, files) in [
        (Catalogue::Produced, &files),
        (Catalogue::Earlier, &before.files),
    ] {
        let entry = TableEntry {
            files: files.clone(),
            ..table.clone()
        };
        let source = TableSource::of(context.warehouse, &entry);
        context.session.add_table(catalogue, &model.table, source);
    }
    (scope, files)
}

/// Of a view whose months stand for themselves: the months that were written tonight in the tables it reads.
pub(super) fn scope_of_view(
    context: &GateContext,
    model: &ModelSpec,
    step: &(String, String),
) -> CheckScope {
    if !model.by_month {
        return CheckScope::Whole(BTreeSet::new());
    }
    let whole = CheckScope::Whole(months_read(context, &model.sql));
    let Some(base) = context.base else {
        return whole;
    };
    let same_view = base
        .views
        .iter()
        .any(|view| view.table == model.table && view.sql == model.sql);
    if !same_view || !same_checks_passed(base, model, step) {
        return whole;
    }
    written_months(context, base, &model.sql).map_or(whole, CheckScope::Only)
}

/// Months of the tables that a view by month reads, and so its own; none where they have few rows.
fn months_read(context: &GateContext, sql: &str) -> BTreeSet<String> {
    months_of(&files_read(context, sql))
}

fn files_read(context: &GateContext, sql: &str) -> Vec<FileEntry> {
    let references = table_references(sql).map_or_else(|_| BTreeSet::new(), |found| found.tonight);
    let mut files = Vec::new();
    for name in &references {
        let model = context.models.iter().find(|model| model.table == *name);
        match model.map(|model| (model, model.materialisation)) {
            Some((view, Materialisation::View)) if view.by_month => {
                files.extend(files_read(context, &view.sql));
            }
            Some((_, Materialisation::Month)) => {
                let table = context.tables.get(name);
                files.extend(table.into_iter().flat_map(|table| table.files.clone()));
            }
            _ => {}
        }
    }
    files
}

/// Months of files in partitions of their own; none where they have few rows.
fn months_of(files: &[FileEntry]) -> BTreeSet<String> {
    if files.iter().map(|file| file.rows).sum::<u64>() <= FEW_ROWS {
        return BTreeSet::new();
    }
    let partitions = files.iter().filter_map(|file| file.partition.as_deref());
    partitions
        .filter_map(|partition| partition.strip_prefix("month="))
        .map(str::to_owned)
        .collect()
}

fn same_checks_passed(base: &Manifest, model: &ModelSpec, step: &(String, String)) -> bool {
    let prefix = format!("{}.", model.table);
    // Gates of a manifest stand in the order of their ids.
    let first = base.gates.partition_point(|gate| gate.id < prefix);
    let all_passed = base.gates[first..]
        .iter()
        .take_while(|gate| gate.id.starts_with(&prefix))
        .all(|gate| matches!(gate.status, GateStatus::Passed | GateStatus::NotApplicable));
    all_passed && base.steps.get(&step.0) == Some(&step.1)
}

/// Months whose files differ from the base's; `None` where something else has changed that the query reads.
fn written_months(context: &GateContext, base: &Manifest, sql: &str) -> Option<BTreeSet<String>> {
    let references = table_references(sql).ok()?;
    if !references.base.is_empty() {
        return None;
    }
    let mut months = BTreeSet::new();
    for name in &references.tonight {
        let model = context.models.iter().find(|model| model.table == *name);
        match model.map(|model| (model, model.materialisation)) {
            Some((view, Materialisation::View)) if view.by_month => {
                months.extend(written_months(context, base, &view.sql)?);
            }
            Some((_, Materialisation::Month)) => {
                months.extend(differing_months(context, base, name)?);
            }
            _ if context.tables.get(name)? == base.tables.get(name)? => {}
            _ => return None,
        }
    }
    Some(months)
}

fn differing_months(
    context: &GateContext,
    base: &Manifest,
    name: &TableName,
) -> Option<BTreeSet<String>> {
    let (tonight, before) = (context.tables.get(name)?, base.tables.get(name)?);
    if tonight.columns != before.columns {
        return None;
    }
    let new = tonight
        .files
        .iter()
        .filter(|file| !before.files.contains(file));
    let gone = before
        .files
        .iter()
        .filter(|file| !tonight.files.contains(file));
    new.chain(gone)
        .map(|file| {
            let month = file.partition.as_deref()?.strip_prefix("month=")?;
            Some(month.to_owned())
        })
        .collect()
}
