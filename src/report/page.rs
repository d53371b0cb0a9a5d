//! The page: a head, a list of contents, the sections, one style; nothing from anywhere else.

use std::fmt::Write;

use super::html::escape;
use super::section::{
    Shown, campaigns, channels, customers, feeds, gates, head, ledger, profit, reference, results,
    scores,
};
use super::{Bank, Facts};
use crate::store::Manifest;

const STYLE: &str = include_str!("style.css");

const CONTENTS: &[(&str, &str)] = &[
    ("feeds", "Conservation"),
    ("gates", "Gates"),
    ("customers", "Customers"),
    ("profit", "Profit"),
    ("ledger", "General ledger"),
    ("channels", "Cost per channel"),
    ("scores", "Scores"),
    ("campaigns", "Campaigns"),
    ("results", "Results of campaigns"),
    ("reference", "Reference"),
];

/// The whole page. The same release gives the same bytes.
#[must_use]
pub fn render(bank: &Bank, manifest: &Manifest, facts: &Facts) -> String {
    let shown = Shown {
        bank,
        manifest,
        facts,
    };
    let title = format!("{} {}", bank.name, manifest.release);
    let mut body = head::render(&shown);
    body.push_str("<nav aria-label=\"Contents\">\n<ul>\n");
    let has_scores = !facts.scores.is_empty();
    let has_results = results::are_there(facts);
    for (id, name) in CONTENTS
        .iter()
        .filter(|(id, _)| (*id != "scores" || has_scores) && (*id != "results" || has_results))
    {
        let _ = writeln!(body, "<li><a href=\"#{id}\">{name}</a></li>");
    }
    body.push_str("</ul>\n</nav>\n<main>\n");
    for section in [
        feeds::render(&shown),
        gates::render(&shown),
        customers::render(&shown),
        profit::render(&shown),
        ledger::render(&shown),
        channels::render(&shown),
        scores::render(&shown),
        campaigns::render(&shown),
        results::render(&shown),
        reference::render(&shown),
    ] {
        body.push_str(&section);
    }
    let _ = write!(
        body,
        "</main>\n<footer><p>Release {}, {}. All sums are exact; only the geometry of charts is rounded.</p></footer>\n",
        manifest.release,
        escape(&manifest.engine)
    );
    page(&title, &body)
}

/// A page of its own around its body.
#[must_use]
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escape(title)
    )
}
