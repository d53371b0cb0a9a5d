//! What stays of a release that was removed: a delivered list can be made again as long as its campaign says.

#![cfg(test)]

use super::bank::{FIRST, SECOND, THIRD};
use super::campaigns::{CODE, bank_with, campaign, night, salenet};
use super::feeds::put;

/// One release stays; the old night's is gone, and only what the campaign read is left of it.
#[test]
fn an_old_list_is_made_again_after_its_release_is_gone_and_not_after_its_retention() {
    for (terms, stays) in [
        ("", true),
        ("compliance: {regime: deposit, retain_months: 1}\n", false),
    ] {
        let (bank, project) = bank_with(&campaign(CODE, 20, &format!("cap: 5\n{terms}")));
        let kept = "daily_releases: 3, month_end_releases: 1";
        let text = std::fs::read_to_string(project.join("bank.yml")).expect("a file");
        assert!(text.contains(kept));
        let text = text.replace(kept, "daily_releases: 1, month_end_releases: 1");
        put(&project, "bank.yml", text.as_bytes());
        night(&bank, &project, FIRST);
        // More than a month later: the current night, its base, and nothing else.
        for date in [SECOND, THIRD] {
            night(&bank, &project, date);
        }
        bank.deliver("2026-11-30");
        salenet(&bank, &project, &["run", "--allow-gap"]).exits(0);
        let files = bank.contents("data").len();
        salenet(&bank, &project, &["releases", "gc"]).exits(0);
        let first = bank.warehouse().join("releases/2026-10-29.1");
        assert!(!first.exists());
        assert!(bank.contents("data").len() < files);
        let replay = ["campaign", "replay", CODE, "--date", FIRST];
        let said = salenet(&bank, &project, &replay);
        if stays {
            let said = said.exits(0);
            assert!(
                said.stdout.contains("same    all.csv (5 rows)"),
                "{}",
                said.stdout
            );
            // A second clean-up takes nothing of it away, and damage to it is found.
            salenet(&bank, &project, &["releases", "gc"]).exits(0);
            salenet(&bank, &project, &replay).exits(0);
            salenet(&bank, &project, &["releases", "verify"]).exits(0);
            let manifest = bank.warehouse().join("retained/2026-10-29.1/manifest.json");
            let mut text = std::fs::read_to_string(&manifest).expect("a manifest");
            assert!(
                text.contains("\"marts.customer_360\": {") && !text.contains("\"core.account\": {")
            );
            text.push(' ');
            put(
                &bank.warehouse(),
                "retained/2026-10-29.1/manifest.json",
                text.as_bytes(),
            );
            salenet(&bank, &project, &["releases", "verify"]).exits(4);
        } else {
            let said = said.exits(2);
            assert!(said.stderr.contains("is gone"), "{}", said.stderr);
            assert!(!bank.warehouse().join("retained/2026-10-29.1").exists());
        }
    }
}
