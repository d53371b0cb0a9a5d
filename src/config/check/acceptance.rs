//! `acceptances.yml`: each names a check that exists and is signed with a date.

use std::collections::BTreeSet;

use super::super::acceptance::Acceptance;
use super::super::document::Document;
use super::super::model::ModelSpec;
use super::super::raw::RawAcceptances;
use crate::diagnostic::{Diagnostics, closest};
use crate::domain::BusinessDate;

pub fn check(
    raw: RawAcceptances,
    models: &[ModelSpec],
    models_complete: bool,
    document: &Document,
    problems: &mut Diagnostics,
) -> Vec<Acceptance> {
    let gates: BTreeSet<String> = models
        .iter()
        .flat_map(|model| {
            model
                .checks
                .iter()
                .map(|check| format!("{}.{}", model.table, check.id))
        })
        .collect();
    let mut accepted = Vec::with_capacity(raw.acceptances.len());
    for (index, acceptance) in raw.acceptances.into_iter().enumerate() {
        let node = document.node.get("acceptances").item(index);
        if models_complete && !gates.contains(&acceptance.gate) {
            let hint = closest(&acceptance.gate, gates.iter().map(String::as_str))
                .map(|gate| format!("did you mean `{gate}`?"));
            problems.push(
                document
                    .place(node.get("gate"))
                    .error(format!("there is no check `{}`", acceptance.gate))
                    .hint_if(hint),
            );
        }
        match acceptance.on.text().parse::<BusinessDate>() {
            Ok(on) => accepted.push(Acceptance {
                gate: acceptance.gate,
                finding: acceptance.finding,
                reason: acceptance.reason,
                by: acceptance.by,
                on,
            }),
            Err(error) => {
                problems.push(document.place(node.get("on")).error(error.to_string()));
            }
        }
    }
    accepted
}
