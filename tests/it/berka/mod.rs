//! The PKDD'99 Czech bank, end to end, against plain arithmetic over its raw files.

#![cfg(test)]

mod raw;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::test_data;
use raw::{Cents, File, cents};

const TRANSACTIONS: &str = "trans_head_49102rows.asc";
const TRUNCATED: &str = "trans_first3MiB_truncated.asc";

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/berka")
}

fn landing() -> Option<PathBuf> {
    let folder = test_data::folder("berka")?;
    Some(std::path::absolute(folder).unwrap())
}

/// A project, its deliveries and a warehouse of its own.
struct Bank {
    project: PathBuf,
    landing: PathBuf,
    warehouse: PathBuf,
}

impl Bank {
    fn salenet(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_salenet"))
            .args(arguments)
            .arg("--project")
            .arg(&self.project)
            .arg("--landing")
            .arg(&self.landing)
            .arg("--warehouse")
            .arg(&self.warehouse)
            .output()
            .unwrap()
    }

    fn run(&self) -> Output {
        self.salenet(&["run", "--quiet"])
    }

    fn query(&self, sql: &str) -> Vec<Vec<String>> {
        let output = self.salenet(&["sql", "--format", "csv", "-c", sql]);
        assert!(
            output.status.success(),
            "{sql}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = text.lines().skip(1);
        rows.map(|row| row.split(',').map(str::to_owned).collect())
            .collect()
    }

    fn one(&self, sql: &str) -> Vec<String> {
        let mut rows = self.query(sql);
        assert_eq!(rows.len(), 1, "{sql}");
        rows.remove(0)
    }

    /// The manifest of the current release, as text.
    fn manifest(&self) -> String {
        std::fs::read_to_string(self.warehouse.join("current/manifest.json")).unwrap()
    }
}

/// The bank run once for all tests of this module, or nothing where the data are not at hand.
fn bank() -> Option<&'static Bank> {
    static BANK: OnceLock<Option<(Bank, TempDir)>> = OnceLock::new();
    let landing = landing()?;
    let published = BANK.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("berka");
        // A static is never dropped, so what an earlier test run left behind goes here.
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        let folder = tempfile::Builder::new().tempdir_in(folder).unwrap();
        let bank = Bank {
            project: project(),
            landing,
            warehouse: folder.path().join("warehouse"),
        };
        let output = bank.run();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Some((bank, folder))
    });
    published.as_ref().map(|(bank, _)| bank)
}

#[expect(clippy::disallowed_methods, reason = "a test writes its own project")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

/// The project with another file of transactions and, perhaps, further keys of that feed.
fn bank_reading(path: &str, further_keys: &str, folder: &TempDir) -> Option<Bank> {
    let landing = landing()?;
    let copy = folder.path().join("berka");
    copy_folder(&project(), &copy);
    let source = copy.join("sources/bank.yml");
    let text = std::fs::read_to_string(&source).unwrap();
    let written = format!("path: {TRANSACTIONS}\n");
    assert!(text.contains(&written));
    write(
        &source,
        &text.replace(&written, &format!("path: {path}\n{further_keys}")),
    );
    Some(Bank {
        project: copy,
        landing,
        warehouse: folder.path().join("warehouse"),
    })
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_czech_bank_loads_every_row_and_rejects_none() {
    let Some(bank) = bank() else { return };
    for (table, rows) in [
        ("core.account", 4_500),
        ("core.customer", 5_369),
        ("core.customer_restricted", 5_369),
        ("core.customer_account", 5_369),
        ("core.customer_account where role = 'primary'", 4_500),
        ("core.customer_account where role = 'signer'", 869),
        ("core.card", 892),
        ("core.loan", 682),
        ("core.payment_order", 6_471),
        ("core.branch", 77),
        ("core.transaction", 49_102),
        ("marts.customer_360", 5_369),
    ] {
        assert_eq!(
            bank.one(&format!("select count(*) from {table}")),
            [rows.to_string()],
            "{table}"
        );
    }
    let manifest = bank.manifest();
    for (feed, rows) in [
        ("account", 4_500),
        ("client", 5_369),
        ("disp", 5_369),
        ("card", 892),
        ("loan", 682),
        ("order", 6_471),
        ("district", 77),
        ("trans", 49_102),
    ] {
        let conservation = format!("read {rows} = loaded {rows} + rejected 0 + duplicate 0");
        assert!(manifest.contains(&conservation), "{feed}: {conservation}");
    }
}

#[test]
fn what_the_czech_bank_cannot_feed_is_not_applicable() {
    let Some(bank) = bank() else { return };
    let manifest: serde_json::Value = serde_json::from_str(&bank.manifest()).unwrap();
    let gates = manifest["gates"].as_array().unwrap();
    let with_status = |status: &str| -> Vec<&str> {
        let gates = gates.iter().filter(|gate| gate["status"] == status);
        gates.filter_map(|gate| gate["id"].as_str()).collect()
    };
    let not_applicable = with_status("not_applicable");
    for check in ["GL-01", "FTP-01", "CHC-03", "CPN-02", "CUS-02"] {
        assert!(
            not_applicable.iter().any(|id| id.ends_with(check)),
            "{check} in {not_applicable:?}"
        );
    }
    assert_eq!(not_applicable.len(), 5, "{not_applicable:?}");
    assert_eq!(
        with_status("passed").len() + not_applicable.len(),
        gates.len()
    );
}

#[test]
fn sums_per_type_and_per_account_are_those_of_the_raw_file() {
    let Some(bank) = bank() else { return };
    let mut types: BTreeMap<String, (u64, Cents)> = BTreeMap::new();
    let mut accounts: BTreeMap<String, (u64, Cents)> = BTreeMap::new();
    for row in &File::read(&bank.landing.join(TRANSACTIONS)).rows {
        let (account, code, amount) = (&row[1], row[3].as_str(), cents(&row[5]));
        let (name, signed) = match code {
            "PRIJEM" => ("credit", amount),
            "VYDAJ" => ("debit", -amount),
            "VYBER" => ("cash_debit", -amount),
            other => panic!("type {other}"),
        };
        for (counts, key) in [
            (&mut types, name.to_owned()),
            (&mut accounts, format!("bank:{account}")),
        ] {
            let (count, sum) = counts.entry(key).or_default();
            *count += 1;
            *sum += signed;
        }
    }
    assert_eq!(accounts.len(), 1_229);
    for (column, expected) in [("transaction_type", types), ("account_id", accounts)] {
        let rows = bank.query(&format!(
            "select {column}, count(*), sum(amount) from core.transaction group by {column}"
        ));
        assert_eq!(rows.len(), expected.len());
        let found: BTreeMap<String, (u64, Cents)> = rows
            .into_iter()
            .map(|row| (row[0].clone(), (row[1].parse().unwrap(), cents(&row[2]))))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn birth_dates_and_sexes_are_those_of_the_birth_numbers() {
    let Some(bank) = bank() else { return };
    let expected: BTreeMap<String, (String, String)> = File::read(&bank.landing.join("client.asc"))
        .rows
        .iter()
        .map(|row| {
            let (year, month, day) = (&row[1][0..2], &row[1][2..4], &row[1][4..6]);
            let month: u32 = month.parse().unwrap();
            let (month, sex) = if month > 50 {
                (month - 50, "female")
            } else {
                (month, "male")
            };
            (
                row[0].clone(),
                (format!("19{year}-{month:02}-{day}"), sex.to_owned()),
            )
        })
        .collect();
    let rows = bank.query(
        "select xref.source_key, restricted.birth_date, restricted.gender \
         from core.customer_restricted as restricted \
         inner join core.customer_xref as xref on xref.customer_id = restricted.customer_id",
    );
    let found: BTreeMap<_, _> = rows
        .into_iter()
        .map(|row| (row[0].clone(), (row[1].clone(), row[2].clone())))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn profit_is_what_plain_arithmetic_over_the_raw_files_gives() {
    let Some(bank) = bank() else { return };
    let expected = raw::profit_by_owner(&bank.landing, &bank.landing.join(TRANSACTIONS));
    let rows = bank.query(
        "select xref.source_key, pnl.month, pnl.interest_income, pnl.interest_expense, pnl.ftp_charge, \
         pnl.ftp_credit, pnl.fees, pnl.event_cost, pnl.contribution from marts.customer_pnl as pnl \
         inner join core.customer_xref as xref on xref.customer_id = pnl.customer_id",
    );
    let found: BTreeMap<(String, String), [Cents; 7]> = rows
        .into_iter()
        .map(|row| {
            let lines: Vec<Cents> = row[2..].iter().map(|amount| cents(amount)).collect();
            ((row[0].clone(), row[1].clone()), lines.try_into().unwrap())
        })
        .collect();
    assert_eq!(found.len(), expected.len());
    for (key, lines) in &expected {
        assert_eq!(found.get(key), Some(lines), "client and month {key:?}");
    }
    let total: Cents = expected.values().map(|lines| lines[6]).sum();
    let sum = bank.one("select sum(contribution) from marts.customer_profitability");
    assert_eq!(cents(&sum[0]), total);
}

#[test]
fn the_month_whose_last_day_is_cut_is_not_computed() {
    let Some(bank) = bank() else { return };
    for table in [
        "marts.account_pnl",
        "marts.customer_pnl",
        "marts.channel_cost",
        "marts.channel_cost_customer",
    ] {
        let sql = format!("select min(month), max(month), count(distinct month) from {table}");
        assert_eq!(bank.one(&sql), ["1993-01", "1994-02", "14"], "{table}");
    }
}

#[test]
fn the_truncated_file_is_refused_with_line_and_byte_of_the_cut_record() {
    let folder = TempDir::new().unwrap();
    let Some(bank) = bank_reading(TRUNCATED, "", &folder) else {
        return;
    };
    let output = bank.run();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{message}");
    // The header, 49,102 whole records, then the cut one, at the size of the file without it.
    let start = std::fs::metadata(bank.landing.join(TRANSACTIONS))
        .unwrap()
        .len();
    for words in [TRUNCATED, "cut", "line 49104", &format!("byte {start}")] {
        assert!(message.contains(words), "{words} in: {message}");
    }
    assert!(!bank.warehouse.join("current").exists());
}

#[test]
fn with_a_reject_limit_the_truncated_file_loads_without_its_last_record() {
    let folder = TempDir::new().unwrap();
    let limit = "    reject_limit: {rows: 1}\n";
    let Some(bank) = bank_reading(TRUNCATED, limit, &folder) else {
        return;
    };
    let output = bank.run();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(bank.one("select count(*) from core.transaction"), ["49102"]);
    assert!(
        bank.manifest()
            .contains("read 49103 = loaded 49102 + rejected 1 + duplicate 0")
    );
}
