//! Which business dates have something in the landing folder, from the feeds' path templates.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;

use chrono::NaiveDate;

use super::RunError;
use crate::config::bank::Calendar;
use crate::config::project::Project;
use crate::domain::BusinessDate;

/// Dates of the calendar for which at least one feed's dated folder or file exists.
///
/// A calendar that lists its dates needs no looking: those are the dates.
pub fn delivered_dates(
    project: &Project,
    landing: &Path,
) -> Result<BTreeSet<BusinessDate>, RunError> {
    if let Calendar::Dates(dates) = &project.bank.calendar {
        return Ok(dates.iter().copied().collect());
    }
    let mut dates = BTreeSet::new();
    // Thousands of feeds may share a folder, or a whole template up to the date.
    let mut folders: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let templates: BTreeSet<DatedPart> = project
        .feeds()
        .filter_map(|feed| DatedPart::of(&feed.path.0))
        .collect();
    for template in templates {
        let names = match folders.get(template.folder) {
            Some(names) => names,
            None => {
                let names = names_in(&landing.join(template.folder))?;
                folders.entry(template.folder).or_insert(names)
            }
        };
        let start: &str = template.before;
        let alike = names
            .range::<str, _>((Bound::Included(start), Bound::Unbounded))
            .take_while(|name| name.starts_with(start));
        let found = alike.filter_map(|name| template.date_in(name));
        dates.extend(found.filter(|date| project.bank.calendar.contains(*date)));
    }
    Ok(dates)
}

/// Names in a folder; none when it does not exist.
fn names_in(folder: &Path) -> Result<BTreeSet<String>, RunError> {
    let unreadable = |source| RunError::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(source) => return Err(unreadable(source)),
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        names.extend(name.to_str().map(str::to_owned));
    }
    Ok(names)
}

/// The first part of a path that holds the business date: `accounts_{business_date:%Y%m%d}.csv`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct DatedPart<'a> {
    folder: &'a str,
    before: &'a str,
    format: &'a str,
    after: &'a str,
}

impl<'a> DatedPart<'a> {
    fn of(template: &'a str) -> Option<Self> {
        let start = template.find("{business_date")?;
        let end = start + template[start..].find('}')?;
        let folder_end = template[..start].rfind('/').map_or(0, |slash| slash + 1);
        let part_end = template[end..]
            .find('/')
            .map_or(template.len(), |slash| end + slash);
        let format = template[start..end].strip_prefix("{business_date")?;
        Some(Self {
            folder: &template[..folder_end],
            before: &template[folder_end..start],
            format: format.strip_prefix(':').unwrap_or("%Y-%m-%d"),
            after: &template[end + 1..part_end],
        })
    }

    fn date_in(&self, name: &str) -> Option<BusinessDate> {
        let text = name.strip_prefix(self.before)?.strip_suffix(self.after)?;
        NaiveDate::parse_from_str(text, self.format)
            .ok()
            .map(BusinessDate::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: &str, name: &str) -> Option<String> {
        DatedPart::of(template)
            .and_then(|part| part.date_in(name))
            .map(|date| date.to_string())
    }

    #[test]
    fn dates_are_read_from_folders_and_file_names() {
        assert_eq!(
            found("deposits/{business_date}/a.csv", "2026-10-31").as_deref(),
            Some("2026-10-31")
        );
        let dated_file = "gl/ledger_{business_date:%Y%m%d}.csv";
        assert_eq!(
            found(dated_file, "ledger_20261031.csv").as_deref(),
            Some("2026-10-31")
        );
        assert_eq!(found(dated_file, "ledger_latest.csv"), None);
        assert_eq!(found("once/clients.asc", "clients.asc"), None);
    }
}
