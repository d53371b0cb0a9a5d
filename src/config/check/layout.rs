//! How a feed's file is written: its format, and where columns stand in it.

use super::feed::Feed;
use crate::config::document::Reporter;
use crate::config::feed::{Compression, Dialect, Encoding, Format, Layout, StrayQuotes};
use crate::config::raw::{RawCompression, RawEncoding, RawFormat, RawFormatType, RawStrayQuotes};
use crate::config::yaml::Node;

impl Feed<'_> {
    pub fn check_layout(&self, columns: &Node, report: &mut Reporter<'_>) {
        let kind = self.raw.format.kind;
        let kind_text = self
            .node
            .get("format")
            .get("type")
            .text()
            .unwrap_or_default();
        let headerless = self.raw.format.header == Some(false);
        for (name, column) in &self.raw.columns.0 {
            match (kind, column.at) {
                (RawFormatType::Fixed, None) => report.at_key_hint(
                    columns,
                    name,
                    format!("`{name}` of a fixed-width layout has no `at`"),
                    "add `at: [start, length]`, counted from 1",
                ),
                (RawFormatType::Fixed, Some([start, length])) if start == 0 || length == 0 => {
                    report.at_hint(
                        columns.get(name).get("at"),
                        format!("`{name}` starts at {start} and is {length} long"),
                        "both count from 1",
                    );
                }
                (RawFormatType::Csv | RawFormatType::Jsonl | RawFormatType::Parquet, Some(_)) => {
                    report.at_key(
                        columns.get(name),
                        "at",
                        format!("`at` is for fixed-width layouts, but the format is {kind_text}"),
                    );
                }
                _ => {}
            }
            let dotted = column
                .from
                .as_deref()
                .filter(|_| kind == RawFormatType::Jsonl);
            if let Some(from) = dotted
                && from.split('.').any(str::is_empty)
            {
                report.at_hint(
                    columns.get(name).get("from"),
                    format!("`{from}` names no member"),
                    "dots descend into objects, as in address.city",
                );
            }
            if column.from.is_some()
                && (kind == RawFormatType::Fixed || (kind == RawFormatType::Csv && headerless))
            {
                report.at_key_hint(
                    columns.get(name),
                    "from",
                    "the file has no header, so that `from` names nothing",
                    if headerless {
                        "columns are read in the order written here; remove `from`"
                    } else {
                        "columns are read by `at`; remove `from`"
                    },
                );
            }
        }
        if kind == RawFormatType::Fixed {
            self.check_overlaps(columns, report);
        }
    }

    fn check_overlaps(&self, columns: &Node, report: &mut Reporter<'_>) {
        let mut places: Vec<(u64, u64, &str)> = self
            .columns
            .iter()
            .filter_map(|column| {
                let (start, length) = column.at?;
                Some((
                    start.into(),
                    u64::from(start) + u64::from(length),
                    column.name.as_str(),
                ))
            })
            .collect();
        places.sort_unstable();
        for pair in places.windows(2) {
            let [(start, end, first), (next_start, _, second)] = pair else {
                continue;
            };
            if next_start < end {
                report.at_hint(
                    columns.get(second).get("at"),
                    format!("`{second}` starts at character {next_start}, inside `{first}`"),
                    format!("`{first}` takes the characters {start} to {}", end - 1),
                );
            }
        }
    }

    pub fn format(&self, report: &mut Reporter<'_>) -> Format {
        let raw = &self.raw.format;
        let node = self.node.get("format");
        let kind = node.get("type").text().unwrap_or_default();
        for key in ["delimiter", "quote", "header", "stray_quotes"] {
            if raw.kind != RawFormatType::Csv && node.find(key).is_some() {
                report.at_key(
                    node,
                    key,
                    format!("`{key}` is for csv, but the format is {kind}"),
                );
            }
        }
        for key in ["encoding", "compression"] {
            if raw.kind == RawFormatType::Parquet && node.find(key).is_some() {
                report.at_key_hint(
                    node,
                    key,
                    format!("`{key}` is for text files, but the format is parquet"),
                    format!("Parquet files say it themselves; remove `{key}`"),
                );
            }
        }
        Format {
            layout: match raw.kind {
                RawFormatType::Csv => Layout::Delimited(dialect(raw, node, report)),
                RawFormatType::Fixed => Layout::Fixed,
                RawFormatType::Jsonl => Layout::JsonLines,
                RawFormatType::Parquet => Layout::Parquet,
            },
            encoding: match raw.encoding {
                None | Some(RawEncoding::Utf8) => Encoding::Utf8,
                Some(RawEncoding::Utf16) => Encoding::Utf16,
                Some(RawEncoding::Utf16le) => Encoding::Utf16le,
                Some(RawEncoding::Utf16be) => Encoding::Utf16be,
                Some(RawEncoding::Gb18030) => Encoding::Gb18030,
                Some(RawEncoding::Latin1) => Encoding::Latin1,
            },
            compression: match raw.compression {
                None | Some(RawCompression::Auto) => Compression::Auto,
                Some(RawCompression::Plain) => Compression::Plain,
                Some(RawCompression::Gzip) => Compression::Gzip,
                Some(RawCompression::Zstd) => Compression::Zstd,
            },
        }
    }
}

fn dialect(raw: &RawFormat, node: &Node, report: &mut Reporter<'_>) -> Dialect {
    let quote = match raw.quote.as_deref() {
        None => Some('"'),
        Some("none") => None,
        Some(text) => {
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(quote), None) if !quote.is_alphanumeric() && !quote.is_control() => {
                    Some(quote)
                }
                _ => {
                    report.at_hint(
                        node.get("quote"),
                        format!("`{text}` is no quote character"),
                        "write one character such as '\"', or `none`",
                    );
                    None
                }
            }
        }
    };
    let delimiter = raw.delimiter.clone().unwrap_or_else(|| ",".to_owned());
    if delimiter.contains(['\n', '\r']) {
        report.at(node.get("delimiter"), "a line break cannot separate fields");
    }
    if let Some(quote) = quote
        && delimiter.contains(quote)
    {
        report.at_hint(
            node.get("delimiter"),
            format!("the delimiter `{delimiter}` holds the quote character"),
            "choose another `quote`, or `quote: none`",
        );
    }
    if quote.is_none() && raw.stray_quotes.is_some() {
        report.at_key(
            node,
            "stray_quotes",
            "`stray_quotes` means nothing in a file without quoting",
        );
    }
    Dialect {
        delimiter,
        quote,
        has_header: raw.header.unwrap_or(true),
        stray_quotes: match raw.stray_quotes {
            None | Some(RawStrayQuotes::Keep) => StrayQuotes::Keep,
            Some(RawStrayQuotes::Reject) => StrayQuotes::Reject,
        },
    }
}
