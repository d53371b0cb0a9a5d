//! Which files a feed delivered for a business date, and where the bank put them.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::ExtractError;
use crate::config::feed::{FeedSpec, PathTemplate};
use crate::domain::BusinessDate;

/// A file to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredFile {
    /// Below landing, with `/`.
    pub relative_path: String,
    pub path: PathBuf,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From the source.
    Delivery,
    /// A corrected reject file; controls and frame records do not speak of it.
    Replay,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Found {
        file: DeliveredFile,
        control: Option<PathBuf>,
    },
    /// Whether that stops the night is the feed's `on_missing`.
    Missing {
        /// Where the file was expected, below landing.
        relative_path: String,
    },
}

/// Looks for the feed's file, and its control file, below landing.
///
/// # Errors
/// When a path leaves the landing folder, or the control file of a delivered file is missing.
pub fn find_delivery(
    feed: &FeedSpec,
    landing: &Path,
    date: BusinessDate,
) -> Result<Delivery, ExtractError> {
    let relative_path = expand(&feed.path, date);
    let Some(path) = locate(feed, landing, &relative_path)? else {
        return Ok(Delivery::Missing { relative_path });
    };
    let control = match &feed.control {
        None => None,
        Some(control) => {
            let beside = expand(&control.file, date);
            let found = locate(feed, landing, &beside)?;
            Some(found.ok_or_else(|| ExtractError::ControlMissing {
                feed: feed.qualified_name(),
                path: beside,
            })?)
        }
    };
    Ok(Delivery::Found {
        file: DeliveredFile {
            relative_path,
            path,
            origin: Origin::Delivery,
        },
        control,
    })
}

/// The path for a date: `{business_date}` is YYYY-MM-DD, `{business_date:%Y%m%d}` any format.
pub fn expand(template: &PathTemplate, date: BusinessDate) -> String {
    let mut expanded = String::new();
    let mut rest = template.0.as_str();
    while let Some((before, after)) = rest.split_once("{business_date") {
        let Some((format, remainder)) = after.split_once('}') else {
            break;
        };
        expanded.push_str(before);
        let format = format.strip_prefix(':').unwrap_or("%Y-%m-%d");
        // The configuration check has formatted a date with it; an unknown specifier would print nothing.
        let items = chrono::format::StrftimeItems::new(format);
        let known = items
            .clone()
            .all(|item| !matches!(item, chrono::format::Item::Error));
        if known {
            expanded.push_str(&date.date().format_with_items(items).to_string());
        }
        rest = remainder;
    }
    expanded.push_str(rest);
    expanded
}

/// The real path of a file below landing; `None` when it is not there.
fn locate(
    feed: &FeedSpec,
    landing: &Path,
    relative: &str,
) -> Result<Option<PathBuf>, ExtractError> {
    let hostile = |problem| ExtractError::HostilePath {
        feed: feed.qualified_name(),
        path: relative.to_owned(),
        problem,
    };
    let below = Path::new(relative);
    for component in below.components() {
        match component {
            Component::Normal(_) | Component::CurDir => {}
            Component::ParentDir => return Err(hostile("climbs out of a folder with `..`")),
            Component::RootDir | Component::Prefix(_) => return Err(hostile("is absolute")),
        }
    }
    let path = landing.join(below);
    let unreadable = |source| ExtractError::Unreadable {
        file: relative.to_owned(),
        source,
    };
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let root = landing.canonicalize().map_err(unreadable)?;
    if !real.starts_with(&root) {
        return Err(hostile("leads out of the landing folder by a link"));
    }
    if !real.is_file() {
        return Err(hostile("is not a file"));
    }
    Ok(Some(real))
}
