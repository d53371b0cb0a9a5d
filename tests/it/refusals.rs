//! Deliveries that stop the night, each with its own message.

use std::collections::BTreeMap;

use salenet::config::feed::{
    ControlFile, DataType, FramePlace, FrameRecord, Layout, Limit, OnMissing, PathTemplate,
};
use salenet::stages::extract::{Delivery as Found, ExtractError, Origin, find_delivery};

use crate::feeds::{Request, column, csv_feed, date, load_bytes, money, put, texts};
use crate::test_data;

fn accounts() -> salenet::config::feed::FeedSpec {
    let mut feed = csv_feed(
        ",",
        vec![
            column("account_no", DataType::String),
            column("holder", DataType::String),
            column("balance", money()),
        ],
    );
    feed.columns[0].required = true;
    feed.reject_limit.rows = Some(Limit::Count(1000));
    feed
}

#[test]
fn a_changed_header_is_refused_by_its_difference() {
    let message = |header: &str| {
        let content = format!("{header}\nA1,b,1\n");
        load_bytes(&accounts(), "rows.csv", content.as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert!(message("account_no,holder").contains("missing balance"));
    assert!(message("account_no,holder,balance,extra").contains("added extra"));
    assert!(message("holder,account_no,balance").contains("another order"));
    let data = message("A1,Ann Secret,1.00");
    assert!(!data.contains("Secret"), "{data}");
}

fn controlled() -> salenet::config::feed::FeedSpec {
    let mut feed = accounts();
    feed.columns[0] = column("account_no", DataType::Integer);
    feed.control = Some(ControlFile {
        file: PathTemplate("rows.ctl".to_owned()),
        rows: Some("rows".to_owned()),
        sums: BTreeMap::from([("balance".to_owned(), "total".to_owned())]),
        hash_totals: BTreeMap::from([("account_no".to_owned(), "hash".to_owned())]),
        business_date: Some("day".to_owned()),
    });
    feed
}

#[test]
fn every_wrong_control_is_refused_with_its_own_message() {
    let feed = controlled();
    let folder = tempfile::tempdir().expect("a folder");
    let rows = put(
        folder.path(),
        "rows.csv",
        b"account_no,holder,balance\n10,x,1.25\n20,x,-0.25\n",
    );
    let load = |control: &str| {
        let mut request = Request::new(&feed);
        request.control = Some(put(folder.path(), "rows.ctl", control.as_bytes()));
        request.load(&[(&rows, Origin::Delivery)])
    };
    let right = load("day=2026-10-31\nrows=2\ntotal=1.00\nhash=30\n").expect("agrees");
    assert_eq!(right.report.controls.len(), 3);
    for (control, expected) in [
        (
            "day=2026-10-31\nrows=3\ntotal=1.00\nhash=30",
            "control rows: expected 3, found 2",
        ),
        (
            "day=2026-10-31\nrows=1\ntotal=1.00\nhash=30",
            "control rows: expected 1, found 2",
        ),
        (
            "day=2026-10-31\nrows=2\ntotal=1.01\nhash=30",
            "sum of balance: expected 1.01, found 1.00",
        ),
        (
            "day=2026-10-31\nrows=2\ntotal=1.00\nhash=31",
            "hash total of account_no: expected 31, found 30",
        ),
        (
            "day=2026-10-30\nrows=2\ntotal=1.00\nhash=30",
            "speaks of 2026-10-30, expected 2026-10-31",
        ),
        ("day=2026-10-31\nrows=2\nhash=30", "no entry `total`"),
        (
            "day=2026-10-31\nrows=two\ntotal=1.00\nhash=30",
            "not a number of rows",
        ),
    ] {
        let error = load(control).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.exit_code(), 5);
    }
}

#[test]
fn frame_records_are_verified_and_never_loaded() {
    let mut feed = accounts();
    feed.format.layout = Layout::Fixed;
    feed.columns[0].at = Some((2, 3));
    feed.columns[1].at = Some((5, 4));
    feed.columns[2].at = Some((9, 6));
    feed.header_record = Some(FrameRecord {
        starts_with: "H".to_owned(),
        business_date: Some((
            FramePlace::At {
                start: 2,
                length: 8,
            },
            "%Y%m%d".to_owned(),
        )),
        rows: None,
        sums: BTreeMap::new(),
    });
    feed.trailer_record = Some(FrameRecord {
        starts_with: "T".to_owned(),
        business_date: None,
        rows: Some(FramePlace::At {
            start: 2,
            length: 3,
        }),
        sums: BTreeMap::from([(
            "balance".to_owned(),
            (
                FramePlace::At {
                    start: 5,
                    length: 6,
                },
                2,
            ),
        )]),
    });
    let body = "D001Ann   1.50\nD002张伟    2.00\n";
    let load = |frame: (&str, &str)| {
        load_bytes(
            &feed,
            "rows.txt",
            format!("{}\n{body}{}\n", frame.0, frame.1).as_bytes(),
        )
    };
    let loaded = load(("H20261031", "T002000350")).expect("agrees");
    assert_eq!(texts(&loaded.staging, "holder"), ["Ann", "张伟"]);
    assert_eq!(texts(&loaded.staging, "_line"), ["2", "3"]);
    for (frame, expected) in [
        (("H20261030", "T002000350"), "stale"),
        (
            ("H20261031", "T003000350"),
            "trailer rows: expected 3, found 2",
        ),
        (
            ("H20261031", "T002000351"),
            "trailer sum of balance: expected 3.51, found 3.50",
        ),
        (("H20261031", ""), "no trailer record"),
    ] {
        let error = load(frame).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_delivery_is_found_below_landing_and_nowhere_else() {
    let landing = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    let mut feed = accounts();
    assert!(matches!(
        find_delivery(&feed, landing.path(), date()),
        Ok(Found::Missing { .. })
    ));
    put(landing.path(), "bank/2026-10-31/rows_20261031.csv", b"x");
    assert!(matches!(
        find_delivery(&feed, landing.path(), date()),
        Ok(Found::Found { .. })
    ));
    let secret = put(outside.path(), "secret.csv", b"x");
    std::os::unix::fs::symlink(&secret, landing.path().join("link.csv")).expect("a link");
    for path in [
        "../secret.csv",
        "/etc/passwd",
        "a/../../b.csv",
        "link.csv",
        "bank",
    ] {
        feed.path = PathTemplate(path.to_owned());
        let error = find_delivery(&feed, landing.path(), date()).unwrap_err();
        assert!(
            matches!(error, ExtractError::HostilePath { .. }),
            "{path}: {error}"
        );
    }
}

#[test]
fn empty_repeated_and_shrunken_deliveries_stop_the_night() {
    let mut feed = accounts();
    let header = b"account_no,holder,balance\n";
    for content in [&b""[..], header] {
        let error = load_bytes(&feed, "rows.csv", content).unwrap_err();
        assert!(matches!(error, ExtractError::Empty { .. }), "{error}");
    }
    feed.may_be_empty = true;
    assert_eq!(
        load_bytes(&feed, "rows.csv", header)
            .expect("loads")
            .staging
            .height(),
        0
    );

    let folder = tempfile::tempdir().expect("a folder");
    let path = put(
        folder.path(),
        "rows.csv",
        b"account_no,holder,balance\nA,x,1\n",
    );
    let first = Request::new(&feed)
        .load(&[(&path, Origin::Delivery)])
        .expect("loads");
    feed.max_shrink_ppm = Some(600_000);
    let mut request = Request::new(&feed);
    request.previous_rows = Some(3);
    let error = request.load(&[(&path, Origin::Delivery)]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("from 3 rows to 1; more than 60%"),
        "{error}"
    );
    request.previous_rows = Some(2);
    request.previous_hashes = vec![first.report.files[0].blake3.clone()];
    let error = request.load(&[(&path, Origin::Delivery)]).unwrap_err();
    assert!(matches!(error, ExtractError::Duplicated { .. }), "{error}");
    let mut standing = feed.clone();
    standing.on_missing = OnMissing::CarryForward { max_days: 3 };
    request.feed = &standing;
    assert!(request.load(&[(&path, Origin::Delivery)]).is_ok());
}

#[test]
fn reject_limits_are_breached_by_one_row_too_many() {
    let content = b"account_no,holder,balance\nA,x,1\n,x,-10\n,x,10\n";
    let mut feed = accounts();
    let breaches = |feed: &salenet::config::feed::FeedSpec| {
        load_bytes(feed, "rows.csv", content)
            .expect("loads")
            .report
            .breaches
    };
    for (limit, expected) in [
        (None, 1),
        (Some(Limit::Count(1)), 1),
        (Some(Limit::Count(2)), 0),
        (Some(Limit::Ppm(660_000)), 1),
        (Some(Limit::Ppm(670_000)), 0),
    ] {
        feed.reject_limit.rows = limit;
        assert_eq!(breaches(&feed).len(), expected, "{limit:?}");
    }
    feed.reject_limit.amount = Some(("balance".to_owned(), Limit::Count(1999)));
    assert_eq!(
        breaches(&feed)[0].rejected,
        "20.00",
        "debits do not hide credits"
    );
}

fn transactions() -> salenet::config::feed::FeedSpec {
    let text = |name| column(name, DataType::String);
    csv_feed(
        ";",
        vec![
            column("trans_id", DataType::Integer),
            column("account_id", DataType::Integer),
            column(
                "date",
                DataType::Date {
                    format: "%y%m%d".to_owned(),
                    pivot: Some(0),
                },
            ),
            text("type"),
            text("operation"),
            column("amount", money()),
            column("balance", money()),
            text("k_symbol"),
            text("bank"),
            text("account"),
        ],
    )
}

#[test]
fn a_real_file_cut_in_its_last_record_is_refused_or_costs_that_record() {
    let Some(folder) = test_data::folder("berka") else {
        return;
    };
    let whole = folder.join("trans_head_49102rows.asc");
    let cut = folder.join("trans_first3MiB_truncated.asc");
    let mut feed = transactions();
    let sound = Request::new(&feed)
        .load(&[(&whole, Origin::Delivery)])
        .expect("loads");
    assert_eq!(sound.report.rows.loaded, 49_102);
    let refused = Request::new(&feed)
        .load(&[(&cut, Origin::Delivery)])
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the last record of trans_first3MiB_truncated.asc is cut: it starts at line 49104, byte 3145701, and the file ends inside it at byte 3145728"
    );
    feed.reject_limit.rows = Some(Limit::Count(1));
    let loaded = Request::new(&feed)
        .load(&[(&cut, Origin::Delivery)])
        .expect("loads");
    assert_eq!(
        (loaded.report.rows.loaded, loaded.report.rows.rejected),
        (49_102, 1)
    );
    assert_eq!(texts(&loaded.quarantine, "line"), ["49104"]);
}

#[test]
fn a_cut_record_within_the_limit_does_not_hide_a_wrong_control() {
    let feed = controlled();
    let folder = tempfile::tempdir().expect("a folder");
    let rows = put(
        folder.path(),
        "rows.csv",
        b"account_no,holder,balance\n10,x,1.25\n20,\"x",
    );
    let mut request = Request::new(&feed);
    request.control = Some(put(
        folder.path(),
        "rows.ctl",
        b"day=2026-10-31\nrows=5\ntotal=9.00\nhash=90\n",
    ));
    let error = request.load(&[(&rows, Origin::Delivery)]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("control rows: expected 5, found 2"),
        "{error}"
    );
}

#[test]
fn a_cut_last_line_is_found_in_every_layout() {
    let mut fixed = accounts();
    fixed.reject_limit.rows = None;
    fixed.columns.truncate(2);
    fixed.format.layout = Layout::Fixed;
    fixed.columns[0].at = Some((1, 3));
    fixed.columns[1].at = Some((4, 5));
    let mut json = accounts();
    json.reject_limit.rows = None;
    json.format.layout = Layout::JsonLines;
    let mut csv = accounts();
    csv.reject_limit.rows = None;
    for (feed, content, line) in [
        (&fixed, "001Ann  \n002Bo", 2),
        (
            &json,
            "{\"account_no\":\"A\"}\n{\"account_no\":\"B\",\"bal",
            2,
        ),
        (&csv, "account_no,holder,balance\nA,x,1\nB,x", 3),
        (&csv, "account_no,holder,balance\nA,x,1\nB,\"x\ny", 4),
    ] {
        match load_bytes(feed, "rows", content.as_bytes()).unwrap_err() {
            ExtractError::Truncated {
                line: found, end, ..
            } => {
                assert_eq!((found, end), (line, content.len() as u64));
            }
            other => panic!("{content}: {other}"),
        }
    }
}
