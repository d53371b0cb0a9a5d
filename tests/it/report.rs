//! The page about a release: whole, escaped, on its own, and true to the manifest.

use salenet::report::facts::{
    ChannelMonth, Decile, Facts, Found, IdEvent, LargeBlock, MatchRule, ProfitLine, ProfitLines,
    Profitability, WhaleCurve, WhalePoint,
};
use salenet::report::figure::{count, decimal};
use salenet::report::{Bank, read_facts, render};
use salenet::sql::catalog::Catalogue;
use salenet::sql::{Bindings, Session, SessionOptions};
use salenet::store::{Manifest, TableEntry};
use serde_json::json;

use super::report_finance::{absent_finance, finance, results};

fn bank() -> Bank {
    Bank {
        name: "Bank & Söhne <b>".to_owned(),
        currency: "EUR".to_owned(),
        money_scale: 2,
    }
}

fn manifest() -> Manifest {
    let amounts = |read: &str, loaded: &str, rejected: &str, duplicate: &str| json!({"read": read, "loaded": loaded, "rejected": rejected, "duplicate": duplicate, "unreadable": 3});
    serde_json::from_value(json!({
        "format": 1,
        "release": "2026-10-31.2",
        "business_date": "2026-10-31",
        "base": "2026-10-30.1",
        "engine": "salenet 0.1.0",
        "configuration": "c0ffee",
        "inputs": [{"feed": "deposits.accounts", "path": "deposits/2026-10-31/a<b>.csv", "file_id": 1,
            "blake3": "0123456789abcdef0123", "bytes": 123_456, "rows": 1_234_567}],
        "feeds": {
            "deposits.accounts": {
                "feed": "deposits.accounts", "files": [],
                "rows": {"read": 1_234_567, "loaded": 1_234_000, "rejected": 500, "duplicate": 67},
                "money": {"ledger_balance": amounts("9007199254740993.01", "9007199254740990.00", "3.02", "-0.01")},
                "rejects": [{"column": "", "rule": "columns", "reason": "10 fields, <script>alert(1)</script>", "rows": 500}],
                "controls": [{"name": "control hash total of account_no", "expected": "4815162342", "found": "4815162342", "verdict": "agrees"}],
                "breaches": [], "dropped_values": {}, "carried_nights": 0
            },
            "bureau.scores": {
                "feed": "bureau.scores", "files": [], "rows": {"read": 0, "loaded": 0, "rejected": 0, "duplicate": 0},
                "money": {}, "rejects": [], "controls": [], "breaches": [], "dropped_values": {}, "carried_nights": 2
            }
        },
        "gates": [
            {"id": "held", "status": "passed", "detail": "fine"},
            {"id": "no_ledger", "status": "not_applicable", "detail": "the bank delivers no general ledger"},
            {"id": "warned_of", "status": "warned", "detail": "left 1.00, right 2.00"},
            {"id": "signed_for", "status": "accepted", "detail": "left 3.00, right 4.00"},
            {"id": "broken", "status": "failed", "detail": "3 rows"}
        ],
        "steps": {},
        "tables": {"core.customer": {"columns": [], "sorted_by": [], "files": []},
            "reference.unit_cost_assumed": {"columns": [], "sorted_by": [], "files": []}},
        "parameters": {},
        "views": [],
        "campaigns": [{
            "code": "HEL-2026-11",
            "waterfall": [
                {"rule": "UNIVERSE", "description": "members", "failed": 0, "removed": 0, "remaining": 5000},
                {"rule": "E01_<OWNER>", "description": "<script>alert('x')</script>", "failed": 4100, "removed": 4100, "remaining": 900},
                {"rule": "S09_NO_HITS", "description": "nobody", "failed": 0, "removed": 0, "remaining": 900}
            ],
            "lists": [
                {"name": "lists/HEL-2026-11/B001",
                    "file": {"path": "p", "rows": 900, "bytes": 1, "blake3": "ab", "partition": null},
                    "control": {"path": "q", "rows": 77, "bytes": 1, "blake3": "cd", "partition": null}}
            ]
        }],
        "history": []
    }))
    .expect("a manifest as it is stored")
}

fn facts() -> Facts {
    let point = |place, cumulative: &str| WhalePoint {
        place,
        cumulative: cumulative.to_owned(),
    };
    let decile = |decile, contribution: &str, cumulative: &str| Decile {
        decile,
        customers: 10,
        contribution: contribution.to_owned(),
        cumulative: cumulative.to_owned(),
    };
    let channel = |month: &str, channel: &str, total: &str| ChannelMonth {
        month: month.to_owned(),
        channel: channel.to_owned(),
        event_type: "service".to_owned(),
        events: 1000,
        unit_cost: "0.012500".to_owned(),
        total: total.to_owned(),
    };
    Facts {
        customers: Found::Shown(vec![
            ("person".to_owned(), 2770),
            ("organisation".to_owned(), 100),
        ]),
        links: Found::Shown(vec![MatchRule {
            rule: "national_id".to_owned(),
            records: 8228,
            customers: 1970,
        }]),
        id_events: Found::Shown(vec![IdEvent {
            kind: "merge".to_owned(),
            tonight: 4,
            ever: 19,
        }]),
        large_blocks: Found::Shown(vec![LargeBlock {
            customer_type: "person".to_owned(),
            block: "birth_date".to_owned(),
            refined_blocks: 1,
            refused_blocks: 2,
            refused_records: 2448,
        }]),
        profitability: Found::Shown(Profitability {
            first_month: "2025-11".to_owned(),
            last_month: "2026-10".to_owned(),
            total: "700.00".to_owned(),
            unassigned: "-12.34".to_owned(),
        }),
        deciles: Found::Shown(vec![
            decile(1, "1000.10", "1000.10"),
            decile(2, "-300.10", "700.00"),
        ]),
        whale: Found::Shown(WhaleCurve {
            customers: 20,
            total: "700.00".to_owned(),
            peak: point(12, "1050.00"),
            points: vec![
                point(1, "400.00"),
                point(10, "1000.10"),
                point(12, "1050.00"),
                point(20, "700.00"),
            ],
        }),
        profit_lines: Found::Shown(ProfitLines {
            first_month: "2025-09".to_owned(),
            last_month: "2026-10".to_owned(),
            months: 14,
            lines: vec![ProfitLine {
                code: "contribution".to_owned(),
                name: "Contribution".to_owned(),
                subtotal: true,
                all_months: "90071992547409.93".to_owned(),
                latest_month: "1.00".to_owned(),
                unassigned: "-12.34".to_owned(),
            }],
        }),
        channels: Found::Shown(vec![
            channel("2026-09", "teller", "12.500000"),
            channel("2026-10", "teller", "12.500000"),
            channel("2026-10", "web", "0.004000"),
        ]),
        finance: finance(),
        results: results(),
        scores: Vec::new(),
    }
}

fn nothing_found() -> Facts {
    fn absent<T>(table: &str) -> Found<T> {
        Found::Absent(format!("This release has no table {table}."))
    }
    Facts {
        customers: absent("core.customer"),
        links: absent("core.customer_xref"),
        id_events: absent("core.customer_id_event"),
        large_blocks: absent("core.match_block"),
        profitability: absent("marts.customer_profitability"),
        deciles: absent("marts.profit_decile"),
        whale: absent("marts.whale_curve"),
        profit_lines: absent("marts.customer_pnl"),
        channels: absent("marts.channel_cost"),
        finance: absent_finance(),
        results: Found::Absent("This release has no table marts.campaign_result.".to_owned()),
        scores: Vec::new(),
    }
}

pub fn page() -> String {
    render(&bank(), &manifest(), &facts())
}

/// Every tag is closed in order; else what is wrong.
fn closes_every_tag(page: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part
            .split_once('>')
            .ok_or_else(|| format!("`<{part}` never ends"))?;
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix('/') {
            None => open.push(name),
            Some(closed) if open.pop() == Some(closed) => {}
            Some(closed) => return Err(format!("</{closed}> closes nothing")),
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("never closed: {open:?}"))
    }
}

#[test]
fn the_page_is_well_formed_with_and_without_figures() {
    assert_eq!(closes_every_tag(&page()), Ok(()));
    assert_eq!(
        closes_every_tag(&render(&bank(), &manifest(), &nothing_found())),
        Ok(())
    );
    assert!(closes_every_tag("<p><b></p>").is_err());
}

#[test]
fn every_id_stands_once_and_every_reference_leads_to_one() {
    let page = page();
    let mut ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|part| part.split('"').next())
        .collect();
    let n_ids = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n_ids);
    for reference in page
        .split("aria-labelledby=\"")
        .skip(1)
        .filter_map(|part| part.split('"').next())
    {
        assert!(
            reference.split(' ').all(|id| ids.contains(&id)),
            "{reference}"
        );
    }
    for target in page
        .split("href=\"#")
        .skip(1)
        .filter_map(|part| part.split('"').next())
    {
        assert!(ids.contains(&target), "{target}");
    }
}

#[test]
fn headings_never_skip_a_level() {
    let page = page();
    let levels = page
        .split("<h")
        .skip(1)
        .filter_map(|part| part.chars().next()?.to_digit(10));
    let mut before = 0;
    for level in levels {
        assert!(level <= before + 1, "h{level} after h{before}");
        before = level;
    }
    assert_eq!(before, 2, "the page ends with a section without parts");
}

#[test]
fn nothing_on_the_page_comes_from_elsewhere() {
    let page = page();
    for outside in [
        "http://", "https://", "<script", "<link", "<img", "<iframe", "@import", "url(", " src=",
        " style=",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_users_and_files_wrote_is_escaped() {
    let page = page();
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(page.contains("10 fields, &lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("Bank &amp; Söhne &lt;b&gt;"));
    assert!(page.contains("a&lt;b&gt;.csv"));
}

#[test]
fn every_rule_of_the_waterfall_stands_in_chart_and_table_even_without_hits() {
    let page = page();
    for rule in ["UNIVERSE", "E01_&lt;OWNER&gt;", "S09_NO_HITS"] {
        assert!(
            page.contains(&format!(">{rule}</text>")),
            "{rule} in the chart"
        );
        assert!(
            page.contains(&format!("<th scope=\"row\">{rule}</th>")),
            "{rule} in the table"
        );
    }
    assert!(page.contains("<td class=\"number\">4,100</td><td class=\"number\">4,100</td><td class=\"number\">900</td>"));
}

#[test]
fn a_list_counts_once_and_its_control_file_not_at_all() {
    let page = page();
    assert!(page.contains("lists/HEL-2026-11/B001</th><td class=\"number\">900</td>"));
    assert!(!page.contains(">77</td>"));
    assert!(page.contains("HEL-2026-11: 1 list with 900 rows"));
}

#[test]
fn sums_are_those_of_the_manifest_to_the_last_digit() {
    let page = page();
    let manifest = manifest();
    let feed = &manifest.feeds["deposits.accounts"];
    for (of, shown) in ["read", "loaded", "rejected", "duplicate"]
        .iter()
        .map(|of| {
            let rows = feed["rows"][*of].as_u64().expect("a count");
            (format!("rows {of}"), count(rows))
        })
    {
        assert!(page.contains(&format!(">{shown}</td>")), "{of}: {shown}");
    }
    for of in ["read", "loaded", "rejected", "duplicate"] {
        let stored = feed["money"]["ledger_balance"][of]
            .as_str()
            .expect("a decimal");
        assert!(
            page.contains(&format!(">{}</td>", decimal(stored))),
            "{stored}"
        );
    }
    assert!(page.contains(">9,007,199,254,740,993.01</td>"));
    assert!(page.contains(">90,071,992,547,409.93</td>"));
    assert!(
        page.contains(">4815162342</td>"),
        "a hash total keeps its digits"
    );
}

#[test]
fn what_did_not_pass_comes_first_and_not_applicable_is_its_own_word() {
    let page = page();
    let place = |text: &str| {
        page.find(&format!("<th scope=\"row\">{text}</th>"))
            .expect(text)
    };
    assert!(place("broken") < place("warned_of"));
    assert!(place("warned_of") < place("signed_for"));
    assert!(place("signed_for") < place("no_ledger"));
    assert!(place("no_ledger") < place("held"));
    for verdict in [
        "1 passed",
        "1 warned",
        "1 accepted",
        "1 not applicable",
        "1 failed",
    ] {
        assert!(page.contains(&format!(">{verdict}</span>")), "{verdict}");
    }
    assert!(page.contains("<span class=\"badge neutral\">not applicable</span>"));
    assert!(page.contains("carried forward for 2 nights"));
}

#[test]
fn a_release_with_few_tables_has_a_shorter_page_that_says_so() {
    let full = page();
    let short = render(&bank(), &manifest(), &nothing_found());
    assert!(short.contains("This release has no table marts.whale_curve."));
    assert!(short.contains("This release has no table marts.channel_cost."));
    assert!(short.len() < full.len());
    let mut without = manifest();
    without.campaigns.clear();
    assert!(render(&bank(), &without, &facts()).contains("This release has no campaign."));
}

#[test]
fn the_peak_of_the_whale_curve_is_marked_and_said() {
    let page = page();
    assert!(page.contains("peak 150.0 % at customer 12"));
    assert!(page.contains("<circle class=\"mark\""));
    assert!(page.contains(
        "The first 12 of 20 customers earn 1,050.00 EUR; the 8 after them take it to 700.00 EUR."
    ));
}

#[test]
fn a_curve_that_ends_in_a_loss_is_drawn_in_money_not_in_shares() {
    let mut facts = facts();
    if let Found::Shown(curve) = &mut facts.whale {
        curve.total = "-5.00".to_owned();
        curve.points.push(WhalePoint {
            place: 20,
            cumulative: "-5.00".to_owned(),
        });
    }
    let page = render(&bank(), &manifest(), &facts);
    assert!(page.contains("peak 1,050.00 at customer 12"));
    assert!(page.contains("cumulative contribution (EUR)"));
    assert!(!page.contains("NaN"));
}

#[test]
fn costs_of_fractions_of_a_cent_are_added_before_they_are_rounded() {
    let mut facts = facts();
    if let Found::Shown(rows) = &mut facts.channels {
        let mut more = rows[2].clone();
        more.event_type = "payment".to_owned();
        rows.push(more);
    }
    let page = render(&bank(), &manifest(), &facts);
    // 0.004 + 0.004 is a cent, although each alone is none.
    assert!(page.contains("<th scope=\"row\">Web</th><td class=\"number\">2,000</td><td class=\"number\">0.0000</td><td class=\"number\">0.01</td>"));
}

#[test]
fn a_currency_without_decimals_has_none_on_the_page() {
    let yen = Bank {
        currency: "JPY".to_owned(),
        money_scale: 0,
        ..bank()
    };
    let page = render(&yen, &manifest(), &facts());
    assert!(page.contains("together 700 JPY"));
}

#[test]
fn assumed_reference_data_is_marked() {
    let page = page();
    assert!(page.contains("Assumed, not delivered by the bank: reference.unit_cost_assumed."));
    assert!(page.contains("<span class=\"badge warning\">assumed</span>"));
}

#[test]
fn the_same_release_gives_the_same_bytes() {
    assert_eq!(page(), page());
}

fn session() -> Session {
    let options = SessionOptions {
        threads: std::num::NonZeroUsize::MIN,
        parts: std::num::NonZeroUsize::MIN,
        memory: None,
        spill_folder: None,
    };
    Session::try_new(&options).expect("a session")
}

/// A release that holds the rows of these queries.
pub(super) fn release_of(tables: &[(&str, &str)]) -> (Session, Manifest) {
    let session = session();
    let mut manifest = manifest();
    manifest.tables.clear();
    for (name, sql) in tables {
        let name = name.parse().expect("a table name");
        let columns = session
            .plan(sql, &Bindings::default())
            .expect("a query")
            .columns();
        session
            .add_rows(
                Catalogue::Tonight,
                &name,
                &columns,
                sql,
                &Bindings::default(),
            )
            .expect("rows");
        let entry = TableEntry {
            columns,
            ..TableEntry::default()
        };
        manifest.tables.insert(name, entry);
    }
    (session, manifest)
}

#[test]
fn a_release_without_any_model_is_read_without_an_error() {
    let (session, manifest) = release_of(&[]);
    let facts = read_facts(&session, &manifest).expect("facts");
    assert_eq!(facts, nothing_found());
}

#[test]
fn a_table_that_lacks_a_column_says_which() {
    let (session, manifest) = release_of(&[(
        "marts.profit_decile",
        "select 1 as decile, 2 as n_customers",
    )]);
    let facts = read_facts(&session, &manifest).expect("facts");
    assert_eq!(
        facts.deciles,
        Found::Absent(
            "Table marts.profit_decile of this release has no contribution, cumulative_contribution."
                .to_owned()
        )
    );
}

#[test]
fn a_long_whale_curve_is_thinned_but_keeps_its_peak_tenths_and_end() {
    // 1,000 customers: the first 777 bring a cent more each, the rest take it away again.
    let (session, manifest) = release_of(&[(
        "marts.whale_curve",
        "select cast(value as bigint) as place, \
         cast(case when value <= 777 then value else 1554 - value end as decimal(18, 2)) as cumulative_contribution \
         from (select unnest(range(1, 1001)) as value) as numbers",
    )]);
    let facts = read_facts(&session, &manifest).expect("facts");
    let Found::Shown(curve) = facts.whale else {
        panic!("the release has a whale curve");
    };
    let places: Vec<u64> = curve.points.iter().map(|point| point.place).collect();
    assert!(places.len() < 300, "{}", places.len());
    assert!(places.is_sorted());
    for kept in [1, 100, 500, 777, 900, 1000] {
        assert!(places.contains(&kept), "{kept}");
    }
    assert_eq!(curve.peak.place, 777);
    assert_eq!(curve.peak.cumulative, "777.00");
    assert_eq!((curve.customers, curve.total.as_str()), (1000, "554.00"));
}

#[test]
fn profit_lines_are_summed_exactly_with_what_is_unassigned() {
    let (session, manifest) = release_of(&[(
        "marts.customer_pnl",
        "select month, customer_id, cast(fees as decimal(18, 2)) as fees, \
         cast(fees as decimal(18, 2)) as contribution, cast(0.5 as double) as score \
         from (values ('2026-09', 7, 0.10), ('2026-10', 7, 0.20), ('2026-10', 0, -0.05)) \
         as rows (month, customer_id, fees)",
    )]);
    let facts = read_facts(&session, &manifest).expect("facts");
    let Found::Shown(found) = facts.profit_lines else {
        panic!("the release has profit lines");
    };
    assert_eq!(
        (
            found.first_month.as_str(),
            found.last_month.as_str(),
            found.months
        ),
        ("2026-09", "2026-10", 2)
    );
    let codes: Vec<&str> = found.lines.iter().map(|line| line.code.as_str()).collect();
    assert_eq!(codes, ["fees", "contribution"], "a score is no line");
    let fees = &found.lines[0];
    assert_eq!(fees.name, "Fees");
    assert_eq!(
        (
            fees.all_months.as_str(),
            fees.latest_month.as_str(),
            fees.unassigned.as_str()
        ),
        ("0.25", "0.15", "-0.05")
    );
    assert!(found.lines[1].subtotal);
}
