//! Rows with a key seen before, however little memory there is for keys.

#![expect(clippy::expect_used, reason = "a test may stop at once")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use salenet::config::feed::{DataType, Delivery, FeedSpec, Limit, Survivor};
use salenet::stages::extract::Origin;

use crate::feeds::{Request, column, csv_feed, money, put, texts};

const HEAD: &str = "account_no,holder,balance\n";

/// Bad rows of the delivery, of which so many may be left.
const BAD: usize = 300;
const LIMIT: usize = 200;

fn accounts(survivor: Survivor) -> FeedSpec {
    let columns = vec![
        column("account_no", DataType::Integer),
        column("holder", DataType::String),
        column("balance", money()),
    ];
    let mut feed = csv_feed(",", columns);
    feed.delivery = Delivery::Append;
    feed.key = vec!["account_no".to_owned()];
    feed.survivor = survivor;
    feed.reject_limit.rows = Some(Limit::Count(LIMIT as u64));
    feed
}

#[derive(Clone)]
struct Row {
    line: usize,
    is_replay: bool,
    account: usize,
    holder: String,
    cents: usize,
}

impl Row {
    fn text(&self) -> String {
        let (account, holder, cents) = (self.account, &self.holder, self.cents);
        format!("{account},{holder},{}.{:02}\n", cents / 100, cents % 100)
    }
}

/// Rows that come again at once, after many others, in the replay, and not at all.
fn rows() -> Vec<Row> {
    let mut state = 19_960_401_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let mut rows = Vec::<Row>::new();
    for number in 0..40_000 {
        let account = match draw(20) {
            0 if number > 0 => rows[number - 1].account,
            1 if number > 0 => rows[draw(number)].account,
            // Staged on an earlier night.
            2 => 1_000_000 + draw(5_000),
            _ => number,
        };
        let is_replay = number >= 39_900;
        rows.push(Row {
            line: if is_replay {
                number - 39_900 + 2
            } else {
                number + 2
            },
            is_replay,
            account: if is_replay { number % 90 * 7 } else { account },
            // Some are empty, which is null.
            holder: match draw(4) {
                0 => String::new(),
                _ => "é".repeat(draw(30)) + &draw(3).to_string(),
            },
            cents: draw(50),
        });
    }
    rows
}

/// The rows that stand, as a table of all rows by key tells it.
fn standing(rows: &[Row], survivor: &Survivor) -> Vec<usize> {
    let mut of_account = BTreeMap::<usize, usize>::new();
    for (place, row) in rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.account < 1_000_000)
    {
        let best = of_account.entry(row.account).or_insert(place);
        let (before, is_later) = (&rows[*best], place > *best);
        let is_better = match survivor {
            Survivor::First => false,
            Survivor::Last => is_later,
            Survivor::Latest { column } if column == "balance" => row.cents > before.cents,
            Survivor::Latest { .. } => row.holder > before.holder,
        };
        if is_better {
            *best = place;
        }
    }
    let mut places: Vec<usize> = of_account.into_values().collect();
    places.sort_unstable();
    places
}

#[test]
fn memory_for_keys_decides_neither_which_row_stands_nor_any_byte() {
    let rows = rows();
    let text = |is_replay: bool| {
        let rows = rows.iter().filter(|row| row.is_replay == is_replay);
        rows.fold(HEAD.to_owned(), |text, row| text + &row.text())
    };
    let mut delivery = text(false);
    for number in 0..BAD {
        let _ = writeln!(delivery, "{number},bad,amount");
    }
    let earlier = (0..5_000).fold(HEAD.to_owned(), |mut text, number| {
        let _ = writeln!(text, "{},x,0.00", 1_000_000 + number);
        text
    });
    let folder = tempfile::tempdir().expect("a folder");
    let delivery = put(folder.path(), "delivery.csv", delivery.as_bytes());
    let replay = put(folder.path(), "replay.csv", text(true).as_bytes());
    let earlier = put(folder.path(), "earlier.csv", earlier.as_bytes());
    let latest = |column: &str| Survivor::Latest {
        column: column.to_owned(),
    };
    for survivor in [
        Survivor::First,
        Survivor::Last,
        latest("balance"),
        latest("holder"),
    ] {
        let feed = accounts(survivor.clone());
        let before = Request::new(&feed).load(&[(&earlier, Origin::Delivery)]);
        let before = before.expect("loads");
        let staged = put(folder.path(), "earlier.parquet", &before.staging_bytes);
        let load = |key_bytes: usize| {
            let mut request = Request::new(&feed);
            request.earlier = vec![staged.clone()];
            request.key_bytes = key_bytes;
            let files = [(&*delivery, Origin::Delivery), (&*replay, Origin::Replay)];
            request.load(&files).expect("loads")
        };
        let loaded = load(usize::MAX);
        let expected = standing(&rows, &survivor);
        let lines = expected.iter().map(|place| rows[*place].line.to_string());
        assert!(texts(&loaded.staging, "_line").into_iter().eq(lines));
        let corrected = expected.iter().filter(|place| rows[**place].is_replay);
        let outstanding = BAD - corrected.count();
        let breaches: Vec<&str> = loaded
            .report
            .breaches
            .iter()
            .map(|breach| breach.rejected.as_str())
            .collect();
        assert_eq!(breaches, [outstanding.to_string()], "{survivor:?}");
        // Nothing at all; a few hundred keys, of which the recent ones are soon forgotten; what the earlier night's fill.
        for key_bytes in [0, 30_000, 300_000] {
            let tight = load(key_bytes);
            assert_eq!(tight.report, loaded.report);
            assert!(tight.staging_bytes == loaded.staging_bytes);
            assert!(tight.quarantine_bytes == loaded.quarantine_bytes);
        }
    }
}
