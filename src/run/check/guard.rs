//! What may decide no offer: follows a campaign's columns back through every model and view.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::config::feed::Classification;
use crate::config::project::Project;
use crate::domain::TableName;
use crate::run::tables::own_table;
use crate::sql::lineage::{Lineage, Origin, Origins};
use crate::store::manifest::ColumnEntry;

/// The column that says who is of legal age.
const OF_LEGAL_AGE: &str = "of_legal_age";

/// Columns that hold a prohibited basis of credit decisions, and what every model makes its columns of.
pub(super) struct Guard<'a> {
    prohibited: BTreeSet<Origin>,
    proxies: BTreeSet<Origin>,
    known_after_contact: BTreeSet<Origin>,
    /// What age may be read for; none when it is made of anything else.
    legal_age: Option<Origin>,
    models: BTreeMap<&'a TableName, Lineage>,
}

impl<'a> Guard<'a> {
    pub fn new(
        project: &Project,
        models: BTreeMap<&'a TableName, Lineage>,
        columns: &BTreeMap<TableName, Vec<ColumnEntry>>,
    ) -> Self {
        let of_models = project.models.iter().flat_map(|model| {
            let columns = model.columns.iter();
            columns.map(|column| {
                let after = column.known_after_contact;
                (&model.table, &column.name, column.classification, after)
            })
        });
        let of_feeds = project.feeds().flat_map(|feed| {
            let columns = feed.columns.iter();
            columns.map(|column| {
                let after = column.known_after_contact;
                (&feed.table, &column.name, column.classification, after)
            })
        });
        let mut guard = Self {
            prohibited: BTreeSet::new(),
            proxies: BTreeSet::new(),
            known_after_contact: BTreeSet::new(),
            legal_age: None,
            models,
        };
        for (table, column, classification, after) in of_models.chain(of_feeds) {
            let origin = Origin {
                table: table.clone(),
                column: Some(column.clone()),
            };
            if after {
                guard.known_after_contact.insert(origin.clone());
            }
            match classification {
                Classification::Prohibited => guard.prohibited.insert(origin),
                Classification::Proxy => guard.proxies.insert(origin),
                Classification::Internal | Classification::Direct => false,
            };
        }
        guard.legal_age = guard.legal_age_of(columns);
        guard
    }

    /// `core.customer_restricted.of_legal_age`: whether somebody is of age, and nothing else, may leave the restricted
    /// table. It must be true or false, and of what is prohibited it may be made of a birth date only.
    fn legal_age_of(&self, columns: &BTreeMap<TableName, Vec<ColumnEntry>>) -> Option<Origin> {
        let table = own_table("core", "customer_restricted");
        let mut declared = columns.get(&table)?.iter();
        declared.find(|each| each.name == OF_LEGAL_AGE && each.data_type == "Boolean")?;
        let origin = Origin {
            table,
            column: Some(OF_LEGAL_AGE.to_owned()),
        };
        let made_of = Origins::from([origin.clone()]);
        let is_birth_date = |path: &Vec<Origin>| {
            let first = path.first().and_then(|first| first.column.as_deref());
            first == Some("birth_date")
        };
        self.paths(&made_of)
            .iter()
            .all(is_birth_date)
            .then_some(origin)
    }

    /// The shortest way from each prohibited column that decides one of `used`; the prohibited column stands first.
    ///
    /// What a prohibited column was itself made of is not followed further.
    pub fn paths(&self, used: &Origins) -> Vec<Vec<Origin>> {
        self.paths_from(&self.prohibited, used)
    }

    /// The same from columns that stand close to a prohibited basis.
    pub fn proxies(&self, used: &Origins) -> Vec<Vec<Origin>> {
        self.paths_from(&self.proxies, used)
    }

    /// The same from columns that are known only after the contact, and from `excluded` ones.
    pub fn leaks(&self, used: &Origins, excluded: &BTreeSet<Origin>) -> Vec<Vec<Origin>> {
        let marked = self.known_after_contact.union(excluded).cloned().collect();
        self.paths_from(&marked, used)
    }

    fn paths_from(&self, marked: &BTreeSet<Origin>, used: &Origins) -> Vec<Vec<Origin>> {
        let mut found = Vec::new();
        let mut seen: HashSet<&Origin> = used.iter().collect();
        // Each with the place of the one that it stands behind: the nearest come first.
        let mut reached: Vec<(&Origin, Option<usize>)> =
            used.iter().map(|origin| (origin, None)).collect();
        let mut place = 0;
        while let Some((last, _)) = reached.get(place).copied() {
            if marked.contains(last) {
                let mut path = Vec::new();
                let mut at = Some(place);
                while let Some((origin, before)) = at.and_then(|at| reached.get(at)) {
                    path.push((*origin).clone());
                    at = *before;
                }
                found.push(path);
            } else if self.legal_age.as_ref() != Some(last) {
                for origin in self.behind(last) {
                    if seen.insert(origin) {
                        reached.push((origin, Some(place)));
                    }
                }
            }
            place += 1;
        }
        found
    }

    fn behind(&self, origin: &Origin) -> impl Iterator<Item = &Origin> {
        let origins = self
            .models
            .get(&origin.table)
            .and_then(|model| match &origin.column {
                None => Some(&model.rows),
                Some(name) => {
                    let column = model.columns.iter().find(|(column, _)| column == name);
                    column.map(|(_, origins)| origins)
                }
            });
        origins.into_iter().flatten()
    }
}
