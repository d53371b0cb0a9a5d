//! Registers the tables and views of a release with a session, without reading any of them.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, TableProvider,
};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::datasource::{MemTable, ViewTable};

use super::schema::arrow_schema;
use super::{Bindings, Session, SqlError};
use crate::domain::TableName;
use crate::store::manifest::{ColumnEntry, TableEntry};
use crate::store::{Manifest, Warehouse};

/// Which catalogue a table stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catalogue {
    /// Tonight's candidate, or the release that is read: `schema.table`.
    Tonight,
    /// The release that tonight builds upon: `base.schema.table`.
    Base,
    /// Files of a table that were written tonight, for its checks: `produced.schema.table`.
    Produced,
    /// The same and the file written before them: `recent.schema.table`.
    Recent,
}

impl Catalogue {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tonight => "salenet",
            Self::Base => "base",
            Self::Produced => "produced",
            Self::Recent => "recent",
        }
    }
}

/// A table as files of a declared schema.
#[derive(Debug, Clone)]
pub struct TableSource {
    pub columns: Vec<ColumnEntry>,
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
            files,
        }
    }

    /// Declared, without rows: what planning needs.
    #[must_use]
    pub const fn declared(columns: Vec<ColumnEntry>) -> Self {
        Self {
            columns,
            files: Vec::new(),
        }
    }
}

impl Session {
    /// Registers (or replaces) a table.
    pub fn add_table(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        source: &TableSource,
    ) -> Result<(), SqlError> {
        let schema = arrow_schema(&source.columns)?;
        let provider: Arc<dyn TableProvider> = if source.files.is_empty() {
            Arc::new(EmptyTable::new(schema))
        } else {
            let mut paths = Vec::with_capacity(source.files.len());
            for file in &source.files {
                let path = std::path::absolute(file).map_err(|error| SqlError::Engine {
                    message: error.to_string(),
                })?;
                let url = ListingTableUrl::parse(path.to_string_lossy())
                    .map_err(|error| SqlError::engine(&error))?;
                paths.push(url);
            }
            let options = ListingOptions::new(Arc::new(ParquetFormat::default()))
                .with_file_extension(".parquet");
            let config = ListingTableConfig::new_with_multi_paths(paths)
                .with_listing_options(options)
                .with_schema(schema);
            Arc::new(ListingTable::try_new(config).map_err(|error| SqlError::engine(&error))?)
        };
        self.register(catalogue, name, provider)
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
        self.register(
            catalogue,
            name,
            Arc::new(ViewTable::new(plan.logical, Some(sql.to_owned()))),
        )
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
        self.register(catalogue, name, Arc::new(table))
    }

    /// Registers everything a release holds.
    pub fn add_release(
        &self,
        catalogue: Catalogue,
        warehouse: &Warehouse,
        manifest: &Manifest,
    ) -> Result<(), SqlError> {
        for (name, entry) in &manifest.tables {
            self.add_table(catalogue, name, &TableSource::of(warehouse, entry))?;
        }
        if catalogue == Catalogue::Tonight {
            let bindings = Bindings::new(manifest.parameters.clone());
            for view in &manifest.views {
                self.add_view(catalogue, &view.table, &view.sql, &bindings)?;
            }
        }
        Ok(())
    }

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
