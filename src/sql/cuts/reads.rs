//! What a query reads: all that the files of its tables hold, or what the conditions on them leave.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccessPlanFilter};
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileSource, ParquetFileMetrics, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;

use super::Stored;

/// What the files of a plan hold; a table that is read twice counts twice.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub stored: Stored,
    /// Of tables by month, as their files are named.
    pub months: BTreeSet<String>,
}

pub(super) fn read_by(plan: &LogicalPlan) -> Result<Read> {
    let mut read = Read::default();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            read.add(scan)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(read)
}

impl Read {
    fn add(&mut self, scan: &TableScan) -> Result<()> {
        let provider = source_as_provider(&scan.source)?;
        if let Some(view) = provider.get_logical_plan() {
            let Self { stored, months } = read_by(&view)?;
            self.stored.bytes += stored.bytes;
            self.stored.rows += stored.rows;
            self.months.extend(months);
            return Ok(());
        }
        let files = provider.downcast_ref::<ListingTable>();
        for url in files.into_iter().flat_map(ListingTable::table_paths) {
            let month = url.get_url().path().split('/');
            let month = month.filter_map(|part| part.strip_prefix("month="));
            self.months.extend(month.map(str::to_owned));
            // A file that cannot be read is the reader's to report.
            let path = url.get_url().to_file_path().ok();
            if let Some((bytes, held)) = path.and_then(|path| held(&path)) {
                self.stored.bytes += bytes;
                self.stored.rows += u64::try_from(held.file_metadata().num_rows()).unwrap_or(0);
            }
        }
        Ok(())
    }
}

/// Bytes of a Parquet file, and what its end says of it.
fn held(path: &Path) -> Option<(u64, ParquetMetaData)> {
    let file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let reader = SerializedFileReader::new(file).ok()?;
    Some((bytes, reader.metadata().clone()))
}

/// Rows of the row groups that a plan does not leave out by what their ends say, once for each scan.
pub(super) fn rows_looked_at(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let scan = plan.downcast_ref::<DataSourceExec>();
    let scan = scan.and_then(DataSourceExec::downcast_to_file_source::<ParquetSource>);
    let own = scan.map_or(0, |(files, source)| rows_left(files, source));
    own + plan.children().into_iter().map(rows_looked_at).sum::<u64>()
}

fn rows_left(files: &FileScanConfig, source: &ParquetSource) -> u64 {
    let schema = files.file_schema();
    let predicate = source.filter().and_then(|condition| {
        let builder = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema));
        builder.try_build(condition).ok()
    });
    // One file may be handed out in pieces.
    let groups = files.file_groups.iter();
    let paths: BTreeSet<String> = groups
        .flat_map(FileGroup::files)
        .map(|file| file.object_meta.location.to_string())
        .collect();
    let found = paths
        .iter()
        .filter_map(|path| held(&Path::new("/").join(path)));
    let left = found.map(|(_, held)| {
        let groups = held.row_groups();
        let all = ParquetAccessPlan::new_all(groups.len());
        let mut kept = RowGroupAccessPlanFilter::new(all);
        if let Some(predicate) = &predicate {
            let unused = ParquetFileMetrics::new(0, "", &ExecutionPlanMetricsSet::new());
            let columns = held.file_metadata().schema_descr();
            kept.prune_by_statistics(schema, columns, groups, predicate, &unused);
        }
        let rows = kept
            .row_group_indexes()
            .map(|group| groups[group].num_rows());
        u64::try_from(rows.sum::<i64>()).unwrap_or(0)
    });
    left.sum()
}
