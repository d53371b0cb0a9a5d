//! What a person reads at the end of a night.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::failure::Failure;
use crate::config::Project;
use crate::run::feeds::FeedEntry;
use crate::run::open::{Reading, open_release};
use crate::run::{RunOutcome, RunReport, RunSettings};
use crate::sql::{Bindings, Session};
use crate::store::manifest::{GateStatus, Manifest};

/// The summary of a run that ended well.
pub fn of(
    project: &Project,
    settings: &RunSettings,
    report: &RunReport,
) -> Result<String, Failure> {
    let manifest = &report.manifest;
    if let RunOutcome::AlreadyPublished(release) = &report.outcome {
        return Ok(format!(
            "already published: {release} has these inputs; nothing to do\n"
        ));
    }
    let mut text = String::new();
    feeds(&mut text, manifest);
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, _, session) = open_release(settings, &options, &Reading::Release(manifest.release))?;
    figures(&mut text, &session, manifest)?;
    large_blocks(&mut text, &session, manifest)?;
    waterfalls(&mut text, manifest);
    gates(&mut text, manifest);
    if let RunOutcome::Published(releases) = &report.outcome {
        let names: Vec<String> = releases.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "published   {} ({})",
            names.join(", "),
            project.bank.name
        );
    }
    let memory = report
        .measures
        .usage
        .peak_memory_bytes
        .map_or_else(String::new, |bytes| {
            format!(", peak memory {} MB", bytes >> 20)
        });
    let _ = writeln!(
        text,
        "took        {:.1} s, {} steps run, {} reused{memory}",
        report.measures.usage.seconds, report.measures.steps_run, report.measures.steps_reused
    );
    for (table, messages) in report.measures.ran_again() {
        text.push_str(&ran_again(table, messages));
    }
    let _ = writeln!(text, "warehouse   {}", settings.warehouse.display());
    Ok(text)
}

/// A night that is slow for want of memory says so.
fn ran_again(table: &str, messages: &[String]) -> String {
    let times = match messages.len() {
        1 => "a query lacked it and ran again".to_owned(),
        n => format!("queries lacked it and ran again {n} times"),
    };
    let first = messages.first().map_or("", String::as_str);
    format!("memory      {table}: {times}; {first}; a larger --memory spares it\n")
}

fn feeds(text: &mut String, manifest: &Manifest) {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["feed", "read", "loaded", "rejected", "duplicate"]);
    for (name, value) in &manifest.feeds {
        let Ok(entry) = serde_json::from_value::<FeedEntry>(value.clone()) else {
            continue;
        };
        let rows = entry.report.rows;
        let name = if entry.carried_nights > 0 {
            format!("{name} (carried forward)")
        } else {
            name.clone()
        };
        let number = |count: u64| Cell::new(count).set_alignment(CellAlignment::Right);
        table.add_row([
            Cell::new(name),
            number(rows.read),
            number(rows.loaded),
            number(rows.rejected),
            number(rows.duplicate),
        ]);
    }
    let _ = writeln!(text, "{table}");
}

/// Figures of tables that the project has; a bank without them simply shows fewer lines.
fn figures(text: &mut String, session: &Session, manifest: &Manifest) -> Result<(), Failure> {
    let wanted = [
        (
            "customers",
            "core.customer",
            "select count(*) from core.customer",
        ),
        (
            "accounts",
            "core.account",
            "select count(*) from core.account",
        ),
        (
            "profit",
            "marts.customer_profitability",
            "select sum(contribution) from marts.customer_profitability",
        ),
    ];
    for (label, table, sql) in wanted {
        if !manifest.tables.keys().any(|name| name.to_string() == table) {
            continue;
        }
        let rows = session.query(sql, &Bindings::default())?.rows()?;
        let value = rows
            .first()
            .and_then(|row| row.first())
            .map(crate::sql::Cell::to_text)
            .unwrap_or_default();
        let _ = writeln!(text, "{label:<12}{value}");
    }
    Ok(())
}

/// Records that similarity did not compare because too many share a value.
fn large_blocks(text: &mut String, session: &Session, manifest: &Manifest) -> Result<(), Failure> {
    let table = "core.match_block";
    if !manifest.tables.keys().any(|name| name.to_string() == table) {
        return Ok(());
    }
    let sql = "select block, block_limit, refined_blocks, refused_blocks, refused_records \
               from core.match_block where refined_blocks + refused_blocks > 0 \
               order by customer_type, block";
    for row in session.query(sql, &Bindings::default())?.rows()? {
        let cells: Vec<String> = row.iter().map(crate::sql::Cell::to_text).collect();
        let [block, limit, refined, refused, records] = &cells[..] else {
            continue;
        };
        let _ = writeln!(
            text,
            "matching    {block}: blocks above {limit} records: {refined} cut by a further key, \
             {refused} passed over with {records} records"
        );
    }
    Ok(())
}

fn waterfalls(text: &mut String, manifest: &Manifest) {
    for campaign in &manifest.campaigns {
        text.push_str(&super::campaign_words::figures(campaign));
        let n_lists = campaign.lists.len();
        let n_targets = campaign.listed();
        if campaign.awaits_approval {
            let _ = writeln!(
                text,
                "targets     {} wait for approval: salenet campaign approve {} --by <name>",
                campaign.contacted(),
                campaign.code
            );
            continue;
        }
        let _ = writeln!(
            text,
            "targets     {n_targets} on {n_lists} lists in current/lists/{}",
            campaign.code
        );
    }
}

fn gates(text: &mut String, manifest: &Manifest) {
    let count = |status: GateStatus| {
        manifest
            .gates
            .iter()
            .filter(|gate| gate.status == status)
            .count()
    };
    let _ = writeln!(
        text,
        "gates       {} passed, {} accepted, {} warned, {} not applicable",
        count(GateStatus::Passed),
        count(GateStatus::Accepted),
        count(GateStatus::Warned),
        count(GateStatus::NotApplicable)
    );
    for gate in &manifest.gates {
        let word = match gate.status {
            GateStatus::Warned => "warning",
            GateStatus::Accepted => "accepted",
            _ => continue,
        };
        let _ = writeln!(text, "  {word:<9} {}: {}", gate.id, gate.detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_lacked_memory_is_named_with_what_lacked_it_first() {
        let messages =
            ["Sort[0] wants 2.0 MB more", "Sort[0] wants 3.0 MB more"].map(str::to_owned);
        assert_eq!(
            ran_again("core.posting", &messages[..1]),
            "memory      core.posting: a query lacked it and ran again; Sort[0] wants 2.0 MB more; a larger --memory spares it\n"
        );
        assert_eq!(
            ran_again("core.posting", &messages),
            "memory      core.posting: queries lacked it and ran again 2 times; Sort[0] wants 2.0 MB more; a larger --memory spares it\n"
        );
    }
}
