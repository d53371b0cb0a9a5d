//! Returned call sheets become a delivery of the feed `campaigns.call_sheets`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::open::{Reading, open_release};
use super::tables::own_table;
use super::{RunError, RunSettings};
use crate::config::feed::{Compression, DataType, Encoding, FeedSpec, Layout};
use crate::config::project::Project;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::BusinessDate;
use crate::sql::catalog::Catalogue;
use crate::sql::columns::Values;
use crate::sql::{Bindings, Cell};
use crate::stages::campaign::returned::NotedCall;
use crate::stages::extract::delivery::expand;

/// Of its own: other senders of contact results deliver beside it.
const FEED: &str = "campaigns.call_sheets";

/// A call and where it was noted.
pub struct PlacedCall<'a> {
    pub path: &'a Path,
    pub line: usize,
    pub call: NotedCall,
}

impl PlacedCall<'_> {
    /// One number called at one moment with one result is one row, on however many sheets and evenings it comes back.
    fn number(&self) -> String {
        let NotedCall {
            finder_number,
            called_at,
            result,
            ..
        } = &self.call;
        format!(
            "{finder_number}/{}/{result}",
            called_at.format("%Y%m%d%H%M%S")
        )
    }
}

/// Calls to deliver, by the number of their row.
#[derive(Default)]
pub struct NewCalls<'a> {
    pub by_number: BTreeMap<String, &'a NotedCall>,
    /// Noted on another sheet alike, or delivered on an earlier night.
    pub known: u64,
}

/// Leaves out what the current release has; numbers that nobody was given are problems.
///
/// # Errors
/// When there is no release, or its tables cannot be read.
pub fn new_calls<'a>(
    settings: &RunSettings,
    calls: &'a [PlacedCall<'_>],
    problems: &mut Diagnostics,
) -> Result<NewCalls<'a>, RunError> {
    let (_, manifest, session) =
        open_release(settings, &settings.session_options(), &Reading::Current)?;
    let returned = own_table("campaigns", "returned_sheet");
    let text = |of: &dyn Fn(&PlacedCall<'_>) -> String| {
        Values::Texts(calls.iter().map(|call| Some(of(call))).collect())
    };
    let positions = (0..calls.len()).map(|position| i64::try_from(position).ok());
    let columns = vec![
        ("position", Values::Integers(positions.collect())),
        (
            "finder_number",
            text(&|call| call.call.finder_number.clone()),
        ),
        ("result_no", text(&|call| call.number())),
    ];
    session.add_columns(Catalogue::Tonight, &returned, columns)?;
    let rows_of = |schema: &str, table: &str, column: &str| {
        let name = own_table(schema, table);
        let is_there = manifest.tables.contains_key(&name);
        is_there
            .then(|| format!("select {column} as number from {name} where {column} is not null"))
    };
    let none = || "select cast(null as varchar) as number".to_owned();
    let given = [
        rows_of("campaigns", "contact_history", "finder_number"),
        rows_of("core", "campaign_contact", "finder_no"),
    ];
    let given: Vec<String> = given.into_iter().flatten().collect();
    let given = if given.is_empty() {
        none()
    } else {
        given.join(" union ")
    };
    let delivered = rows_of("core", "contact_result", "result_no").unwrap_or_else(none);
    let found = session.query(
        &format!(
            "select returned.position, given.number is not null, delivered.number is not null
            from {returned} as returned
            left join ({given}) as given on given.number = returned.finder_number
            left join (select distinct number from ({delivered}) as rows) as delivered
                on delivered.number = returned.result_no
            order by 1"
        ),
        &Bindings::default(),
    )?;
    let mut new = NewCalls::default();
    for (call, row) in calls.iter().zip(found.rows()?) {
        let is = |at: usize| row.get(at) == Some(&Cell::Boolean(true));
        let report = |message: &str| {
            let message = format!("line {}, finder_number: {message}", call.line);
            Diagnostic::in_file(call.path, message)
        };
        if !is(1) {
            let hint = "it stands on the sheet as it was sent out; was it overwritten?";
            problems.push(report("nobody has this number").hint(hint));
        } else if is(2) {
            new.known += 1;
        } else {
            match new.by_number.insert(call.number(), &call.call) {
                None => {}
                Some(other) if *other == call.call => new.known += 1,
                Some(_) => {
                    let message = "two notes of this number, moment and result differ in words";
                    problems.push(report(message).hint("correct one of the sheets"));
                }
            }
        }
    }
    Ok(new)
}

/// The files of a delivery, by path below the landing folder; the control file last: what it vouches for is there.
///
/// # Errors
/// `Usage` when the project has no such feed, or one that this program cannot write.
pub fn delivery_files(
    project: &Project,
    calls: &NewCalls<'_>,
    date: BusinessDate,
) -> Result<Vec<(PathBuf, Vec<u8>)>, RunError> {
    let feed = project
        .feeds()
        .find(|feed| feed.qualified_name() == FEED)
        .ok_or_else(|| RunError::Usage {
            message: format!("the project has no feed `{FEED}`"),
            hint: "pipelines/harbor/sources/campaigns.yml has one".to_owned(),
        })?;
    let path = expand(&feed.path, date);
    let (delimiter, is_packed) = written_as(feed, &path).map_err(|why| RunError::Usage {
        message: format!("returned sheets cannot be delivered as `{FEED}`: {why}"),
        hint: "they are written as CSV with a header, plain or as .gz, with or without counts beside it".to_owned(),
    })?;
    let text = written(feed, delimiter, calls).map_err(RunError::Sheets)?;
    let content = if is_packed {
        packed(&text).map_err(RunError::Sheets)?
    } else {
        text
    };
    let mut files = vec![(PathBuf::from(path), content)];
    if let Some(control) = &feed.control {
        let mut lines = String::new();
        if let Some(name) = &control.business_date {
            let _ = writeln!(lines, "{name}={date}");
        }
        if let Some(name) = &control.rows {
            let _ = writeln!(lines, "{name}={}", calls.by_number.len());
        }
        files.push((
            PathBuf::from(expand(&control.file, date)),
            lines.into_bytes(),
        ));
    }
    Ok(files)
}

/// The columns that a sheet fills.
const FILLED: [&str; 6] = [
    "result_no",
    "finder_no",
    "contacted_at",
    "staff",
    "result",
    "note",
];

/// Delimiter, and whether the file is packed; otherwise what this program cannot write.
fn written_as(feed: &FeedSpec, path: &str) -> Result<(u8, bool), String> {
    let Layout::Delimited(dialect) = &feed.format.layout else {
        return Err("it is no CSV file".to_owned());
    };
    let [delimiter] = dialect.delimiter.as_bytes() else {
        return Err("its delimiter has several characters".to_owned());
    };
    if !dialect.has_header || dialect.quote != Some('"') {
        return Err("it has no header, or another quote".to_owned());
    }
    if feed.format.encoding != Encoding::Utf8 {
        return Err("it is not UTF-8".to_owned());
    }
    if feed.header_record.is_some() || feed.trailer_record.is_some() {
        return Err("it has records of the sender before or behind the rows".to_owned());
    }
    let control = feed.control.as_ref();
    if control.is_some_and(|control| !control.sums.is_empty() || !control.hash_totals.is_empty()) {
        return Err("its control file has sums".to_owned());
    }
    let mut columns = feed.columns.iter();
    if let Some(column) =
        columns.find(|column| column.required && !FILLED.contains(&column.name.as_str()))
    {
        return Err(format!("no sheet tells its column `{}`", column.name));
    }
    match feed.format.compression {
        Compression::Plain => Ok((*delimiter, false)),
        Compression::Gzip => Ok((*delimiter, true)),
        Compression::Zstd => Err("it is packed as Zstandard".to_owned()),
        Compression::Auto => match Path::new(path).extension().and_then(OsStr::to_str) {
            Some("zst") => Err("it is packed as Zstandard".to_owned()),
            ending => Ok((*delimiter, ending == Some("gz"))),
        },
    }
}

/// In the order of the feed's columns; those that no sheet knows stay empty.
fn written(feed: &FeedSpec, delimiter: u8, calls: &NewCalls<'_>) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    writer.write_record(feed.columns.iter().map(|column| &column.from))?;
    for (number, call) in &calls.by_number {
        let row = feed.columns.iter().map(|column| {
            let value = match column.name.as_str() {
                "result_no" => number.clone(),
                "finder_no" => call.finder_number.clone(),
                "contacted_at" => match &column.data_type {
                    DataType::Timestamp { format, .. } => call.called_at.format(format).to_string(),
                    _ => call.called_at.to_string(),
                },
                "staff" => call.called_by.clone(),
                "result" => call.result.clone(),
                "note" => call.note.clone(),
                _ => String::new(),
            };
            // As the sender would spell what the feed reads as this value.
            let codes = column.map.iter().flat_map(|map| &map.values);
            let mut codes = codes.filter(|(_, meaning)| **meaning == value);
            codes.next().map_or(value.clone(), |(code, _)| code.clone())
        });
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// The same bytes for the same rows: the header holds no time.
fn packed(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
    encoder.write_all(text)?;
    encoder.finish()
}
