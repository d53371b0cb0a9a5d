//! The one integration binary: every further binary would link both engines again.

mod test_data;
mod config;
mod feeds;
mod splitter;
mod extract;
mod refusals;
mod clean;
mod pollock;
mod berka;
#[cfg(test)]
mod report;
#[cfg(test)]
mod report_finance;
#[cfg(test)]
mod synth;
mod answers;
mod bank;
mod resolve_model;
mod resolve;
mod look_ups;
mod windows;
mod matching;
mod similarity;
mod harbor;
mod slt;
mod sort;
mod groups;
mod nightly;
mod identities;
mod recompute;
mod joins;
mod keys;
mod measures;
mod merge;
mod merge_joins;
mod crash;
mod releases;
mod gates;
mod replay;
mod cuts;
mod order;
mod privacy;
mod architecture;
mod commands;
mod guard;
mod campaign_score;
mod campaigns;
mod duplicates;
mod explain_campaign;
mod retention;
mod outcomes;
mod selection;
mod contact_policy;
mod scores;
