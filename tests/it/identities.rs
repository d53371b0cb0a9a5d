//! The identities of profit and cost, each broken on purpose: the night must refuse to publish and name the gate.

#![cfg(test)]

use super::feeds::put;
use super::harbor::Harbor;

/// What is broken, in which model, by which change, and the gate that must say so.
struct Break {
    identity: &'static str,
    model: &'static str,
    old: &'static str,
    new: &'static str,
    gate: &'static str,
    /// Stands in what the gate says.
    finding: &'static str,
    /// Those of one night are broken together: none of them makes the gate of another fail.
    night: u8,
}

const BREAKS: &[Break] = &[
    Break {
        identity: "ledger lines equal the general ledger",
        model: "marts/ledger_line_month.sql",
        old: "cast(amount as decimal(18, 2)) as amount",
        new: "cast(amount + case when line_code = 'interest_income' then 0.01 else 0.00 end as decimal(18, 2)) as amount",
        gate: "marts.ledger_reconciliation.GL-01",
        finding: "",
        night: 1,
    },
    Break {
        identity: "internal lines net to zero with their counterparty",
        model: "marts/counterparty_pnl.sql",
        old: "when 'event_cost' then sums.event_cost",
        new: "when 'event_cost' then sums.event_cost + 0.01",
        gate: "marts.counterparty_pnl.NET-01",
        finding: "cost_centre: left",
        night: 3,
    },
    Break {
        identity: "customers sum to accounts",
        model: "marts/customer_pnl.sql",
        old: "place <= missing_cents",
        new: "place < missing_cents",
        gate: "marts.customer_pnl.CPL-02",
        finding: "",
        night: 2,
    },
    Break {
        identity: "households sum to customers",
        model: "marts/household_pnl.sql",
        old: "cast(sum(fees) as",
        new: "cast(sum(fees) + 0.01 as",
        gate: "marts.household_pnl.HPL-01",
        finding: "",
        night: 1,
    },
    Break {
        identity: "allocations sum to a million",
        model: "core/customer_account_month.sql",
        old: "1000000 as allocation_ppm",
        new: "999999 as allocation_ppm",
        gate: "core.customer_account_month.ALL-01",
        finding: "",
        night: 1,
    },
    Break {
        identity: "count times unit cost is the total",
        model: "marts/channel_cost.sql",
        old: "sum(events.n_events) as n_events",
        new: "sum(events.n_events) + 1 as n_events",
        gate: "marts.channel_cost.CHC-03",
        finding: "",
        night: 1,
    },
    Break {
        identity: "events in are events costed",
        model: "core/channel_event_month.sql",
        old: "        1 as n_events\n",
        new: "        2 as n_events\n",
        gate: "marts.channel_cost.CHC-04",
        finding: "",
        night: 2,
    },
    Break {
        identity: "used and unused make up the pool",
        model: "core/cost_pool.sql",
        old: "pools.cost - coalesce(used.used_cost, 0.000000)",
        new: "pools.cost - coalesce(used.used_cost, 0.000000) - 0.000001",
        gate: "core.cost_pool.POO-01",
        finding: "",
        night: 1,
    },
    Break {
        identity: "what pools are used for is what channels cost",
        model: "core/cost_pool.sql",
        old: "sum(events.n_events) as n_events",
        new: "sum(events.n_events) + 1 as n_events",
        gate: "core.cost_pool.POO-02",
        finding: "",
        night: 2,
    },
    Break {
        identity: "transfer prices and equity of all units and treasury sum to zero",
        model: "marts/counterparty_pnl.sql",
        old: "when 'equity_credit' then sums.equity_credit",
        new: "when 'equity_credit' then sums.equity_credit - 0.01",
        gate: "marts.counterparty_pnl.NET-01",
        finding: "treasury: left",
        night: 3,
    },
    Break {
        identity: "deciles end at the total",
        model: "marts/profit_decile.sql",
        old: "sum(contribution) as contribution",
        new: "sum(contribution) + 0.01 as contribution",
        gate: "marts.profit_decile.DEC-01",
        finding: "",
        night: 1,
    },
    Break {
        identity: "the whale curve ends at the total",
        model: "marts/whale_curve.sql",
        old: "and current row",
        new: "and 1 preceding",
        gate: "marts.whale_curve.WHL-01",
        finding: "",
        night: 1,
    },
    Break {
        identity: "opening balance and movements make the closing balance",
        model: "core/account_balance.sql",
        old: "effective_from as valid_from, balance, rate, 1 as is_tonight",
        new: "effective_from as valid_from, cast(balance + 0.01 as decimal(18, 2)) as balance, rate, 1 as is_tonight",
        gate: "core.account_balance.BAL-05",
        finding: "",
        night: 2,
    },
];

#[test]
fn an_identity_that_is_broken_stops_the_night() {
    let harbor = Harbor::generated(60, 2, 11);
    harbor.salenet(&["run"]).exits(0);
    // The first night has no opening balances; the second has.
    let judged = "\"id\": \"core.account_balance.BAL-05\",\n      \"status\": ";
    for (release, status) in [
        ("2026-10-30.1", "not_applicable"),
        ("2026-10-31.1", "passed"),
    ] {
        let manifest = harbor.manifest(release);
        assert!(
            manifest.contains(&format!("{judged}\"{status}\"")),
            "{release}"
        );
    }
    a_night_builds_only_the_open_month(&harbor);
    let published = harbor.query("select count(*) from marts.account_pnl");
    for night in 1..=3 {
        let broken = || BREAKS.iter().filter(move |broken| broken.night == night);
        let file = |broken: &Break| format!("models/{}", broken.model);
        let sound: Vec<String> = broken()
            .map(|broken| harbor.edit(&file(broken), broken.old, broken.new))
            .collect();
        let said = harbor.salenet(&["run", "--date", "2026-10-31"]).exits(4);
        for broken in broken() {
            let gate = format!("{}: ", broken.gate);
            let says = |line: &str| line.contains(&gate) && line.contains(broken.finding);
            let named = said.stderr.lines().any(says);
            assert!(named, "{}: {}", broken.identity, said.stderr);
        }
        for (broken, sound) in broken().zip(sound).collect::<Vec<_>>().into_iter().rev() {
            put(&harbor.project(), &file(broken), sound.as_bytes());
        }
    }
    let still = harbor.query("select count(*) from marts.account_pnl");
    assert_eq!(published, still, "nothing of it was published");
    // The sound project is what was published.
    let again = harbor.salenet(&["run"]).exits(0);
    assert!(
        again.stdout.starts_with("already published"),
        "{}",
        again.stdout
    );
    building_every_month_anew_changes_nothing(&harbor);
    a_closed_month_changes_only_when_somebody_signs(&harbor);
}

/// Tables by month, and how many of their files the second night took over.
const BY_MONTH: [&str; 6] = [
    "core.account_month",
    "marts.account_pnl",
    "marts.customer_pnl",
    "marts.household_pnl",
    "marts.counterparty_pnl",
    "marts.channel_cost",
];

fn a_night_builds_only_the_open_month(harbor: &Harbor) {
    let diff = ["releases", "diff", "2026-10-30.1", "2026-10-31.1"];
    let said = harbor.salenet(&diff).exits(0);
    for table in BY_MONTH {
        let line = said
            .stdout
            .lines()
            .find(|line| line.starts_with(&format!("{table} ")));
        let line = line.unwrap_or_default();
        assert!(
            line.ends_with("13 of 14 files kept"),
            "{table}: {}",
            said.stdout
        );
    }
}

/// All fourteen months computed again are the same bytes as month upon month.
fn building_every_month_anew_changes_nothing(harbor: &Harbor) {
    let file = "models/core/month_to_build.sql";
    harbor.edit(file, "where customers_moved.n_events > 0", "where true");
    harbor.edit(
        file,
        "select month, false from known_months",
        "select month, true from known_months",
    );
    harbor.salenet(&["run", "--date", "2026-10-31"]).exits(0);
    assert_eq!(
        harbor.query("select count(*) from core.month_to_build where builds_accounts"),
        "14\n"
    );
    let diff = ["releases", "diff", "2026-10-31.1", "2026-10-31.2"];
    let said = harbor.salenet(&diff).exits(0);
    for table in BY_MONTH {
        assert!(!said.stdout.contains(table), "{table}: {}", said.stdout);
    }
}

/// A fee booked in June arrives in the last night of October.
fn a_closed_month_changes_only_when_somebody_signs(harbor: &Harbor) {
    let folder = harbor.landing().join("deposits/2026-10-31");
    let path = folder.join("postings_20261031.psv.gz");
    let raw = std::fs::read(&path).expect("a delivery");
    let mut text = String::new();
    let mut reader = flate2::read::MultiGzDecoder::new(raw.as_slice());
    std::io::Read::read_to_string(&mut reader, &mut text).expect("gzip");
    let first = text.lines().nth(1).expect("a row");
    let account = first.split('|').next().expect("an account");
    text = format!("{}\n{account}|20260615|FEE|1.00\n", text.trim_end());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, text.as_bytes()).expect("packed");
    put(
        &folder,
        "postings_20261031.psv.gz",
        &packed.finish().expect("packed"),
    );
    let control = std::fs::read_to_string(folder.join("postings.ctl")).expect("a control file");
    let more = |line: &str| match line.split_once('=') {
        Some(("record_count", count)) => {
            format!(
                "record_count={}",
                count.parse::<u64>().expect("a count") + 1
            )
        }
        Some(("amount_total", total)) => {
            let cents: u64 = total.replace('.', "").parse().expect("cents");
            format!(
                "amount_total={}.{:02}",
                (cents + 100) / 100,
                (cents + 100) % 100
            )
        }
        _ => line.to_owned(),
    };
    let control: Vec<String> = control.lines().map(more).collect();
    put(
        &folder,
        "postings.ctl",
        format!("{}\n", control.join("\n")).as_bytes(),
    );

    let run = ["run", "--date", "2026-10-31"];
    let said = harbor.salenet(&run).exits(4);
    let failed = |said: &str| -> Vec<String> {
        let gates = said
            .lines()
            .filter_map(|line| line.strip_prefix("  marts."));
        gates
            .filter_map(|line| Some(format!("marts.{}", line.split_once(": ")?.0)))
            .collect()
    };
    let gates = failed(&said.stderr);
    assert!(
        gates.contains(&"marts.ledger_line_month.CLO-01".to_owned()),
        "{}",
        said.stderr
    );
    for gate in &gates {
        let sign = [
            "accept", "--gate", gate, "--reason", "late fee", "--by", "a test",
        ];
        harbor.salenet(&sign).exits(0);
    }
    let said = harbor.salenet(&run).exits(0);
    assert!(said.stdout.contains("late fee"), "{}", said.stdout);
}
