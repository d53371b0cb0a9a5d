//! Which release this is, and whether its gates held.

use std::fmt::Write;

use super::Shown;
use crate::report::figure::count;
use crate::report::html::{Badge, badge, escape};
use crate::store::manifest::GateStatus;

#[must_use]
pub fn render(shown: &Shown) -> String {
    let manifest = shown.manifest;
    let mut html = format!(
        "<header>\n<h1>{}: business date {}</h1>\n<p class=\"verdict\">{}</p>\n<dl class=\"facts\">\n",
        escape(&shown.bank.name),
        manifest.business_date,
        verdict(shown)
    );
    let base = match manifest.base {
        Some(base) => base.to_string(),
        None => "none: the first release".to_owned(),
    };
    let facts = [
        ("Release", manifest.release.to_string()),
        ("Built upon", base),
        ("Releases before it", count(manifest.history.len() as u64)),
        ("Currency", shown.bank.currency.clone()),
        ("Engine", manifest.engine.clone()),
        ("Configuration", manifest.configuration.clone()),
    ];
    for (term, fact) in facts {
        let _ = writeln!(html, "<div><dt>{term}</dt><dd>{}</dd></div>", escape(&fact));
    }
    html.push_str("</dl>\n</header>\n");
    html
}

/// One line: how many gates stand at each status.
#[must_use]
pub fn verdict(shown: &Shown) -> String {
    let of = |status: GateStatus| {
        let gates = shown.manifest.gates.iter();
        gates.filter(|gate| gate.status == status).count() as u64
    };
    let failed = of(GateStatus::Failed);
    let parts = [
        (of(GateStatus::Passed), "passed", Badge::Good),
        (of(GateStatus::Warned), "warned", Badge::Warning),
        (of(GateStatus::Accepted), "accepted", Badge::Warning),
        (
            of(GateStatus::NotApplicable),
            "not applicable",
            Badge::Neutral,
        ),
        (failed, "failed", Badge::Bad),
    ];
    let badges = parts.iter().map(|(number, word, kind)| {
        let kind = if *number == 0 { Badge::Neutral } else { *kind };
        badge(kind, &format!("{} {word}", count(*number)))
    });
    format!("Gates: {}", badges.collect::<Vec<_>>().join(" "))
}
