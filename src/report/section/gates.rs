//! Everything that had to hold before publishing; what did not hold comes first.

use super::Shown;
use crate::report::figure::count;
use crate::report::html::{
    Align, Badge, Table, TableCell, folded, heading, note, paragraph, section,
};
use crate::store::manifest::{GateResult, GateStatus};

#[must_use]
pub fn render(shown: &Shown) -> String {
    let gates = &shown.manifest.gates;
    let of = |status: GateStatus| gates.iter().filter(move |gate| gate.status == status);
    let mut body = String::new();
    let open = of(GateStatus::Failed)
        .chain(of(GateStatus::Warned))
        .chain(of(GateStatus::Accepted))
        .chain(of(GateStatus::NotApplicable));
    let open = table("Gates that did not pass", open);
    if open.is_empty() {
        body.push_str(&paragraph("Every gate applied and passed."));
    } else {
        body.push_str(&heading("Not passed"));
        body.push_str(&open.to_html());
        if of(GateStatus::Accepted).next().is_some() {
            body.push_str(&note(
                "Accepted: the gate failed with exactly the finding that somebody signed for.",
            ));
        }
        if of(GateStatus::NotApplicable).next().is_some() {
            body.push_str(&note(
                "Not applicable: this bank's data cannot feed the gate. Nothing was checked, so it does not count as passed.",
            ));
        }
    }
    let passed = of(GateStatus::Passed).count() as u64;
    let held = table("Gates that passed", of(GateStatus::Passed)).to_html();
    body.push_str(&folded(&format!("Passed ({})", count(passed)), &held));
    section("gates", "Gates", &body)
}

fn table<'a>(caption: &str, gates: impl Iterator<Item = &'a GateResult>) -> Table {
    let columns = [
        ("Gate", Align::Text),
        ("Status", Align::Text),
        ("Detail", Align::Prose),
    ];
    let mut table = Table::new(caption, &columns);
    for gate in gates {
        let (kind, word) = match gate.status {
            GateStatus::Passed => (Badge::Good, "passed"),
            GateStatus::Failed => (Badge::Bad, "failed"),
            GateStatus::Warned => (Badge::Warning, "warned"),
            GateStatus::Accepted => (Badge::Warning, "accepted"),
            GateStatus::NotApplicable => (Badge::Neutral, "not applicable"),
        };
        table.row([
            TableCell::from(gate.id.as_str()),
            TableCell::Badge(kind, word.to_owned()),
            TableCell::from(gate.detail.as_str()),
        ]);
    }
    table
}
