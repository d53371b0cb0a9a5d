//! Builds one model: plans its SQL, writes what it produces, joins it with what the base release holds.

use super::ModelError;
use crate::config::model::{Materialisation, ModelSpec};
use crate::domain::BusinessDate;
use crate::sql::catalog::Catalogue;
use crate::sql::cuts::{AT_ONCE, Cuts};
use crate::sql::write::{Partitioning, Written};
use crate::sql::{Bindings, Session, SqlError, TableSource};
use crate::store::{FileEntry, TableEntry, Warehouse};

pub struct ModelRequest<'a> {
    pub session: &'a Session,
    pub warehouse: &'a Warehouse,
    pub model: &'a ModelSpec,
    pub bindings: &'a Bindings,
    pub business_date: BusinessDate,
    /// The table in the base release.
    pub base: Option<&'a TableEntry>,
}

/// A table that was made.
pub struct Built {
    pub table: TableEntry,
    /// One for each range of months and keys that it was cut into.
    pub queries: usize,
    /// What lacked memory, once for each time that one of them ran again.
    pub ran_again: Vec<String>,
}

/// Builds the model and registers it with the session; a view gives no table.
pub fn build_model(request: &ModelRequest) -> Result<Option<Built>, ModelError> {
    build(request).map_err(|source| ModelError::Build {
        model: request.model.table.clone(),
        source,
    })
}

fn build(request: &ModelRequest) -> Result<Option<Built>, SqlError> {
    let ModelRequest {
        session,
        warehouse,
        model,
        bindings,
        ..
    } = request;
    if model.materialisation == Materialisation::View {
        session.add_view(Catalogue::Tonight, &model.table, &model.sql, bindings)?;
        return Ok(None);
    }
    let plan = session.plan(&model.sql, bindings)?;
    let partitioning = match model.materialisation {
        Materialisation::Month => Partitioning::Month,
        Materialisation::Append => {
            Partitioning::Named(format!("month={}", request.business_date.month()))
        }
        Materialisation::Full | Materialisation::View => Partitioning::None,
    };
    let keys = model.keys_from.as_ref();
    let cuts = Cuts {
        months: model.months_from.as_ref(),
        keys: keys.zip(model.first_key()),
    };
    let ranges = if cuts.is_none() {
        vec![vec![plan]]
    } else {
        session.cut(&plan, &cuts, AT_ONCE)?
    };
    let Written {
        mut table,
        ran_again,
    } = session.write_ranges(
        &ranges,
        &model.grain,
        &partitioning,
        warehouse,
        &model.table,
    )?;
    if let Some(base) = request.base {
        let n_produced = table.files.len();
        table.files = match model.materialisation {
            Materialisation::Month => replace_months(&base.files, table.files),
            Materialisation::Append => base.files.iter().cloned().chain(table.files).collect(),
            Materialisation::Full | Materialisation::View => table.files,
        };
        if table.files.len() > n_produced {
            table.sorted_by = common_order(base, &table);
        }
    }
    session.add_table(
        Catalogue::Tonight,
        &model.table,
        TableSource::of(warehouse, &table),
    );
    let queries = ranges.iter().map(Vec::len).sum();
    Ok(Some(Built {
        table,
        queries,
        ran_again,
    }))
}

/// What the rows of both are sorted by: files of earlier nights stand in the order of the grain of then.
fn common_order(one: &TableEntry, other: &TableEntry) -> Vec<String> {
    let data_type = |table: &TableEntry, name: &String| {
        let mut columns = table.columns.iter();
        let column = columns.find(|column| column.name == *name);
        column.map(|column| column.data_type.clone())
    };
    let pairs = one.sorted_by.iter().zip(&other.sorted_by);
    pairs
        .take_while(|(name, same)| name == same && data_type(one, name) == data_type(other, name))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The base's partitions with those that were produced again replaced, in the order of months.
fn replace_months(base: &[FileEntry], produced: Vec<FileEntry>) -> Vec<FileEntry> {
    let kept = base
        .iter()
        .filter(|old| !produced.iter().any(|new| new.partition == old.partition))
        .cloned();
    let mut files: Vec<FileEntry> = kept.collect();
    files.extend(produced);
    files.sort_by(|left, right| left.partition.cmp(&right.partition));
    files
}
