//! Registers the tables and views of a release with a session, without reading any of them.
//!
//! Registering only notes what a table is; the engine hears of it with the first query that names it, so that a
//! release of thousands of tables costs no more than the few a query reads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard, PoisonError};

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, TableProvider,
};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::logical_expr::SortExpr;
use datafusion::sql::parser::Statement;

use super::dependencies::parse_query;
use super::result::Plan;
use super::schema::arrow_schema;
use super::write::ascending;
use super::{Bindings, Session, SqlError};
use crate::domain::TableName;
use crate::store::manifest::{ColumnEntry, TableEntry};
use crate::store::{Manifest, Warehouse};

/// Which catalogue a table stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Catalogue {
    /// Tonight's candidate, or the release that is read: `schema.table`.
    Tonight,
    /// The release that tonight builds upon: `base.schema.table`.
    Base,
    /// Files of a table that were written tonight, for its checks: `produced.schema.table`.
    Produced,
    /// Files of a table that were there before tonight, for its checks: `earlier.schema.table`.
    Earlier,
}

impl Catalogue {
    const ALL: [Self; 4] = [Self::Tonight, Self::Base, Self::Produced, Self::Earlier];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tonight => "salenet",
            Self::Base => "base",
            Self::Produced => "produced",
            Self::Earlier => "earlier",
        }
    }
}

/// A table as files of a declared schema.
#[derive(Debug, Clone)]
pub struct TableSource {
    pub columns: Vec<ColumnEntry>,
    /// Columns that the rows of every file ascend by; empty when nobody knows.
    pub sorted_by: Vec<String>,
    pub files: Vec<PathBuf>,
}

impl TableSource {
    #[must_use]
    pub fn of(warehouse: &Warehouse, entry: &TableEntry) -> Self {
        let files = entry
            .files
            .iter()
            .map(|file| warehouse.root().join(&file.path))
            .collect();
        Self {
            columns: entry.columns.clone(),
            sorted_by: entry.sorted_by.clone(),
            files,
        }
    }

    /// With the columns of `declared`, in their order: null in every row where its files do not have them. What only the
    /// files have stands last.
    #[must_use]
    pub fn or_null(mut self, declared: Vec<ColumnEntry>) -> Self {
        let mut own = std::mem::take(&mut self.columns);
        for column in declared {
            let known = own.iter().position(|known| known.name == column.name);
            let known = known.map(|place| own.remove(place));
            self.columns.push(known.unwrap_or(column));
        }
        self.columns.extend(own);
        self
    }

    /// Declared, without rows: what planning needs.
    #[must_use]
    pub const fn declared(columns: Vec<ColumnEntry>) -> Self {
        Self {
            columns,
            sorted_by: Vec::new(),
            files: Vec::new(),
        }
    }
}

/// What no query has named yet.
pub(super) type Unread = BTreeMap<(Catalogue, TableName), Announced>;

#[derive(Debug)]
pub(super) enum Announced {
    Table(TableSource),
    View {
        sql: String,
        bindings: Arc<Bindings>,
    },
}

impl Session {
    /// Registers (or replaces) a table. What is wrong with it is said by the first query that names it.
    pub fn add_table(&self, catalogue: Catalogue, name: &TableName, source: TableSource) {
        self.unread()
            .insert((catalogue, name.clone()), Announced::Table(source));
    }

    /// Registers a view; the tables it reads must be there.
    pub fn add_view(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        sql: &str,
        bindings: &Bindings,
    ) -> Result<(), SqlError> {
        let plan = self.plan(sql, bindings)?;
        self.add_planned_view(catalogue, name, sql, plan)
    }

    /// Registers a view that has been planned already.
    pub fn add_planned_view(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        sql: &str,
        plan: Plan,
    ) -> Result<(), SqlError> {
        let view = ViewTable::new(plan.logical, Some(sql.to_owned()));
        self.replace(catalogue, name, Arc::new(view))
    }

    /// Registers a view that is planned when the first query names it, with the tables of then.
    pub fn announce_view(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        sql: &str,
        bindings: &Arc<Bindings>,
    ) {
        let view = Announced::View {
            sql: sql.to_owned(),
            bindings: Arc::clone(bindings),
        };
        self.unread().insert((catalogue, name.clone()), view);
    }

    /// Registers the rows of a query as a table of the declared columns, held in memory: for tests of models.
    pub fn add_rows(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        columns: &[ColumnEntry],
        sql: &str,
        bindings: &Bindings,
    ) -> Result<(), SqlError> {
        let schema = arrow_schema(columns)?;
        let result = self.query(sql, bindings)?;
        let batches = result
            .batches
            .iter()
            .map(|batch| super::write::to_stored(batch, &schema));
        let batches = batches.collect::<Result<Vec<_>, _>>()?;
        let table =
            MemTable::try_new(schema, vec![batches]).map_err(|error| SqlError::engine(&error))?;
        self.replace(catalogue, name, Arc::new(table))
    }

    /// Registers everything a release holds.
    pub fn add_release(&self, catalogue: Catalogue, warehouse: &Warehouse, manifest: &Manifest) {
        for (name, entry) in &manifest.tables {
            self.add_table(catalogue, name, TableSource::of(warehouse, entry));
        }
        if catalogue == Catalogue::Tonight {
            let bindings = Arc::new(Bindings::new(manifest.parameters.clone()));
            for view in &manifest.views {
                self.announce_view(catalogue, &view.table, &view.sql, &bindings);
            }
        }
    }

    fn unread(&self) -> MutexGuard<'_, Unread> {
        // Nothing is left half done in it by a thread that died.
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the engine what the query names and no query before it has named.
    pub(super) fn provide(&self, statement: &Statement) -> Result<(), SqlError> {
        // Held to the end: another thread must not look for a table that is on its way.
        let mut unread = self.unread();
        self.provide_from(&mut unread, statement)
    }

    fn provide_from(&self, unread: &mut Unread, statement: &Statement) -> Result<(), SqlError> {
        if unread.is_empty() {
            return Ok(());
        }
        let references = self
            .planning
            .resolve_table_references(statement)
            .map_err(|error| SqlError::planning(&error))?;
        for reference in references {
            let full = reference.resolve(Catalogue::Tonight.name(), "main");
            if &*full.schema == "information_schema" {
                while let Some((key, _)) = unread.first_key_value() {
                    let key = key.clone();
                    self.provide_one(unread, key)?;
                }
            } else if let Ok(name) = TableName::try_new(&full.schema, &full.table) {
                let catalogue = Catalogue::ALL.iter().find(|it| it.name() == &*full.catalog);
                if let Some(catalogue) = catalogue {
                    self.provide_one(unread, (*catalogue, name))?;
                }
            }
        }
        Ok(())
    }

    fn provide_one(
        &self,
        unread: &mut Unread,
        key: (Catalogue, TableName),
    ) -> Result<(), SqlError> {
        let Some(announced) = unread.remove(&key) else {
            return Ok(());
        };
        let provided = self
            .provider(unread, &announced)
            .and_then(|provider| self.register(key.0, &key.1, provider));
        if provided.is_err() {
            // The next query that names it is told the same.
            unread.insert(key, announced);
        }
        provided
    }

    fn provider(
        &self,
        unread: &mut Unread,
        announced: &Announced,
    ) -> Result<Arc<dyn TableProvider>, SqlError> {
        match announced {
            Announced::Table(source) => table_provider(source, self.in_order),
            Announced::View { sql, bindings } => {
                let statement = parse_query(sql)?;
                self.provide_from(unread, &statement)?;
                let plan = self.plan_parsed(statement, sql, bindings)?;
                Ok(Arc::new(ViewTable::new(plan.logical, Some(sql.clone()))))
            }
        }
    }

    pub(super) fn replace(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        provider: Arc<dyn TableProvider>,
    ) -> Result<(), SqlError> {
        let mut unread = self.unread();
        unread.remove(&(catalogue, name.clone()));
        self.register(catalogue, name, provider)
    }

    /// Call it with `unread` locked: two threads must not make the same schema.
    fn register(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        provider: Arc<dyn TableProvider>,
    ) -> Result<(), SqlError> {
        let catalog = self.context.catalog(catalogue.name()).unwrap_or_else(|| {
            let fresh: Arc<dyn CatalogProvider> = Arc::new(MemoryCatalogProvider::new());
            self.context
                .register_catalog(catalogue.name(), Arc::clone(&fresh));
            fresh
        });
        if catalog.schema(name.schema()).is_none() {
            let fresh = Arc::new(MemorySchemaProvider::new());
            catalog
                .register_schema(name.schema(), fresh)
                .map_err(|error| SqlError::engine(&error))?;
        }
        let schema = catalog
            .schema(name.schema())
            .ok_or_else(|| SqlError::Engine {
                message: format!("schema `{}` could not be registered", name.schema()),
            })?;
        // A table of this name may stand there from an earlier attempt of the same night.
        schema
            .deregister_table(name.table())
            .map_err(|error| SqlError::engine(&error))?;
        schema
            .register_table(name.table().to_owned(), provider)
            .map_err(|error| SqlError::engine(&error))?;
        Ok(())
    }
}

fn table_provider(
    source: &TableSource,
    in_order: bool,
) -> Result<Arc<dyn TableProvider>, SqlError> {
    let schema = arrow_schema(&source.columns)?;
    if source.files.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let mut paths = Vec::with_capacity(source.files.len());
    for file in &source.files {
        let path = std::path::absolute(file).map_err(|error| SqlError::Engine {
            message: error.to_string(),
        })?;
        let url = ListingTableUrl::parse(path.to_string_lossy())
            .map_err(|error| SqlError::engine(&error))?;
        paths.push(url);
    }
    let order = if in_order {
        sort_order(&source.sorted_by)
    } else {
        Vec::new()
    };
    let options = ListingOptions::new(Arc::new(
        ParquetFormat::default().with_force_view_types(false),
    ))
    .with_file_extension(".parquet")
    .with_file_sort_order(order);
    let config = ListingTableConfig::new_with_multi_paths(paths)
        .with_listing_options(options)
        .with_schema(schema);
    let table = ListingTable::try_new(config).map_err(|error| SqlError::engine(&error))?;
    Ok(Arc::new(table))
}

/// Told to the engine, so that it neither sorts again nor holds groups that are complete. Over several files it
/// counts only where their statistics show that none reaches into the next.
fn sort_order(columns: &[String]) -> Vec<Vec<SortExpr>> {
    if columns.is_empty() {
        return Vec::new();
    }
    vec![columns.iter().map(|column| ascending(column)).collect()]
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::sql::SessionOptions;
    use crate::sql::schema::columns_of;

    fn session() -> Session {
        let options = SessionOptions {
            threads: NonZeroUsize::MIN,
            parts: NonZeroUsize::MIN,
            memory: None,
            spill_folder: None,
        };
        Session::try_new(&options).unwrap()
    }

    fn name(text: &str) -> TableName {
        text.parse().unwrap()
    }

    fn with_column(column: &str, data_type: &str) -> TableSource {
        TableSource::declared(columns_of(&[(column, data_type)]))
    }

    fn texts(session: &Session, sql: &str) -> Vec<String> {
        let rows = session.query(sql, &Bindings::default()).unwrap().rows();
        let rows = rows.unwrap();
        rows.iter()
            .flatten()
            .map(super::super::Cell::to_text)
            .collect()
    }

    fn refusal(session: &Session, sql: &str) -> String {
        let refused = session.plan(sql, &Bindings::default());
        refused.map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn tables_and_views_that_no_query_has_named_are_listed() {
        let session = session();
        let account = with_column("account_id", "Utf8");
        session.add_table(Catalogue::Tonight, &name("core.account"), account);
        session.announce_view(
            Catalogue::Tonight,
            &name("marts.open"),
            "select account_id from core.account",
            &Arc::default(),
        );
        let sql = "select table_name from information_schema.tables
            where table_schema in ('core', 'marts') order by table_name";
        assert_eq!(texts(&session, sql), ["account", "open"]);
    }

    #[test]
    fn a_view_brings_the_views_and_tables_it_reads() {
        let session = session();
        let account = with_column("account_id", "Utf8");
        session.add_table(Catalogue::Base, &name("core.account"), account);
        for (view, sql) in [
            ("marts.last", "select account_id from marts.first"),
            ("marts.first", "select account_id from base.core.account"),
        ] {
            session.announce_view(Catalogue::Tonight, &name(view), sql, &Arc::default());
        }
        assert_eq!(texts(&session, "select count(*) from marts.last"), ["0"]);
    }

    #[test]
    fn a_table_added_again_takes_the_place_of_the_one_before() {
        let session = session();
        for column in ["old", "new"] {
            let source = with_column(column, "Int64");
            session.add_table(Catalogue::Tonight, &name("core.account"), source);
            let sql = format!("select count({column}) from core.account");
            assert_eq!(texts(&session, &sql), ["0"]);
        }
    }

    #[test]
    fn every_query_is_told_what_is_wrong_with_its_table() {
        let session = session();
        let account = with_column("account_id", "Rumour");
        session.add_table(Catalogue::Tonight, &name("core.account"), account);
        for _ in 0..2 {
            let told = refusal(&session, "select * from core.account");
            assert!(told.contains("unknown type `Rumour`"), "{told}");
        }
    }

    #[test]
    fn a_view_that_reads_itself_is_refused() {
        let session = session();
        let view = name("marts.circle");
        let sql = "select * from marts.circle";
        session.announce_view(Catalogue::Tonight, &view, sql, &Arc::default());
        let told = refusal(&session, sql);
        assert!(told.contains("not found"), "{told}");
    }
}
