//! A night that is killed, or finds no room on the disk, at chosen moments of its work with files.
//!
//! `strace` stops the program at the N-th call of a kind: the moment is exact and the same on every machine.

#![cfg(test)]

use std::collections::BTreeMap;
use std::process::Command;

use super::bank::{Bank, FIRST, PROGRAM, SECOND, Said, assert_same};

/// Kinds of calls that change the warehouse (by all the names machines know them by), and how many of each are tried.
const MOMENTS: [(&[&str], usize); 8] = [
    (&["open", "openat"], 4),
    (&["write", "pwrite64"], 4),
    (&["fsync", "fdatasync"], 5),
    (&["rename", "renameat", "renameat2"], 6),
    (&["mkdir", "mkdirat"], 2),
    (&["symlink", "symlinkat"], 3),
    (&["unlink", "unlinkat"], 3),
    (&["ftruncate"], 2),
];

/// The N-th call of this name in one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    call: String,
    number: usize,
}

impl Moment {
    fn inject(&self, what: &str, onward: &str) -> [String; 4] {
        let Self { call, number } = self;
        [
            "-e".to_owned(),
            format!("trace={call}"),
            "-e".to_owned(),
            format!("inject={call}:{what}:when={number}{onward}"),
        ]
    }
}

/// A bank whose first night is published and whose second is delivered.
struct Prepared {
    bank: Bank,
}

impl Prepared {
    fn new() -> Self {
        let bank = Bank::new();
        bank.deliver(FIRST);
        bank.run().exits(0);
        bank.deliver(SECOND);
        Self { bank }
    }

    /// The same bank in a folder of its own.
    fn copy(&self) -> Bank {
        let copy = Bank::new();
        let copied = Command::new("cp")
            .args(["-a", "landing", "warehouse"])
            .arg(copy.root())
            .current_dir(self.bank.root())
            .status();
        assert!(copied.expect("cp starts").success());
        copy
    }
}

/// A night under `strace`, with one thread so that its calls come in one order.
fn traced(bank: &Bank, options: &[String]) -> Said {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o"])
        .arg(bank.root().join("trace"))
        .args(options)
        .arg(PROGRAM);
    bank.complete(&mut command, &["run", "--threads", "1"]);
    let output = command
        .output()
        .expect("this test needs strace: apt-get install strace");
    Said::of(&output)
}

/// The moments at which each kind of call touches the warehouse, as `strace` counts: thread by thread.
fn moments(bank: &Bank) -> Vec<Vec<Moment>> {
    let all = MOMENTS.iter().flat_map(|(names, _)| names.iter());
    let names: Vec<String> = all.map(|name| format!("?{name}")).collect();
    let options = ["-y", "-e", &format!("trace={}", names.join(","))].map(str::to_owned);
    traced(bank, &options).exits(0);
    let trace = std::fs::read_to_string(bank.root().join("trace")).expect("a trace");
    let warehouse = bank.warehouse().display().to_string();
    let mut by_thread: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = vec![Vec::new(); MOMENTS.len()];
    for line in trace.lines() {
        // `<thread> <call>(…`; the second half of a call that another interrupts says `<... call resumed>`.
        let mut words = line.split_whitespace();
        let (thread, call) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let Some((call, _)) = call.split_once('(') else {
            continue;
        };
        let kind = MOMENTS.iter().position(|(names, _)| names.contains(&call));
        let Some(kind) = kind else { continue };
        let number = by_thread.entry((thread, call)).or_default();
        *number += 1;
        // The signal comes when the first thread gets there.
        let highest = reached.entry(call).or_default();
        if *number > *highest {
            *highest = *number;
            if line.contains(&warehouse) {
                found[kind].push(Moment {
                    call: call.to_owned(),
                    number: *number,
                });
            }
        }
    }
    found
}

/// `n` of the moments, spread evenly, the last one always among them.
fn spread(moments: &[Moment], n: usize) -> Vec<Moment> {
    let n = n.min(moments.len());
    (1..=n)
        .map(|part| moments[part * moments.len() / n - 1].clone())
        .collect()
}

/// What readers see: which release, and its figures.
fn seen(bank: &Bank) -> (Option<String>, String) {
    let figures = "select n_accounts, balance from marts.balance_total";
    (bank.current(), bank.query(figures))
}

fn assert_recovers(bank: &Bank, undisturbed: &Bank, old: &(Option<String>, String), when: &str) {
    let new = seen(undisturbed);
    bank.salenet(&["releases", "verify"]).exits(0);
    let now = seen(bank);
    assert!(now == *old || now == new, "{when}: readers see {now:?}");
    bank.run().exits(0);
    assert_eq!(seen(bank), new, "{when}: after a rerun");
    assert_same(&undisturbed.published(), &bank.published(), when);
    assert_same(
        &undisturbed.contents("journal"),
        &bank.contents("journal"),
        when,
    );
    bank.salenet(&["releases", "verify"]).exits(0);
    let temporary = bank.contents("tmp");
    assert!(temporary.is_empty(), "{when}: left behind {temporary:?}");
}

#[test]
fn a_night_killed_at_any_moment_leaves_the_old_release_or_the_new_and_a_rerun_completes_it() {
    let prepared = Prepared::new();
    let old = seen(&prepared.bank);
    let undisturbed = prepared.copy();
    let mut n_moments = 0;
    for (moments, (_, wanted)) in moments(&undisturbed).iter().zip(MOMENTS) {
        for moment in spread(moments, wanted) {
            let bank = prepared.copy();
            let said = traced(&bank, &moment.inject("signal=KILL", ""));
            let when = format!("killed at {moment:?}");
            assert_ne!(said.code, Some(0), "{when}: the night went on");
            assert_recovers(&bank, &undisturbed, &old, &when);
            n_moments += 1;
        }
    }
    assert!(n_moments >= 20, "only {n_moments} moments");
}

#[test]
fn a_full_disk_stops_the_night_with_words_and_the_old_release_is_served() {
    let prepared = Prepared::new();
    let old = seen(&prepared.bank);
    let undisturbed = prepared.copy();
    for (moments, (names, _)) in moments(&undisturbed).iter().zip(MOMENTS) {
        // A full disk takes no new bytes and no new names. What is for good meets the words of the failure too.
        let onward = match names[0] {
            "write" => "",
            "fsync" | "rename" | "mkdir" | "symlink" => "+",
            _ => continue,
        };
        for moment in spread(moments, 2) {
            let bank = prepared.copy();
            let said = traced(&bank, &moment.inject("error=ENOSPC", onward));
            let when = format!("no space at {moment:?}: {}", said.shown());
            assert_eq!(said.code, Some(1), "{when}");
            assert!(said.stderr.starts_with("error: failed to "), "{when}");
            assert!(said.stderr.contains("No space left on device"), "{when}");
            assert!(!said.stderr.contains("panicked"), "{when}");
            assert_recovers(&bank, &undisturbed, &old, &when);
        }
    }
}

#[test]
fn what_a_dead_run_left_is_cleared_away() {
    let prepared = Prepared::new();
    let warehouse = prepared.bank.warehouse();
    for folder in [
        "tmp/datafusion-a1b2c3/spill",
        "releases/.unfinished-2026-10-30.1/core",
    ] {
        std::fs::create_dir_all(warehouse.join(folder)).expect("a folder");
    }
    super::feeds::put(&warehouse, "tmp/datafusion-a1b2c3/spill/1.arrow", b"half");
    super::feeds::put(&warehouse, "tmp/4711-3", b"half");
    std::os::unix::fs::symlink("releases/2026-10-30.1", warehouse.join("tmp/current"))
        .expect("a link");
    prepared.bank.run().exits(0);
    assert!(prepared.bank.contents("tmp").is_empty());
    assert!(!warehouse.join("releases/.unfinished-2026-10-30.1").exists());
}
