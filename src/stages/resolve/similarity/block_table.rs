//! `core.match_block`: what became of blocks above the limit, by rule.

use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::pairs::Large;
use crate::stages::resolve::ResolveError;
use crate::stages::resolve::tables::TableWriter;
use crate::store::{FileEntry, Warehouse};

const MATCH_BLOCK: &str = "core.match_block";

/// Columns and Arrow types of `core.match_block`; its grain is (`customer_type`, `block`).
pub const MATCH_BLOCK_COLUMNS: &[(&str, &str)] = &[
    ("customer_type", "Utf8"),
    ("block", "Utf8"),
    ("block_limit", "Int64"),
    ("refined_blocks", "Int64"),
    ("refused_blocks", "Int64"),
    ("refused_records", "Int64"),
];

/// One blocking rule and its blocks with more records than `block_limit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockCount {
    pub customer_type: String,
    /// Its keys, as written in `matching.yml`, with ` + ` between them.
    pub block: String,
    pub block_limit: u32,
    /// Cut by a further key.
    pub refined_blocks: u64,
    /// Too large after the last further key: their records are not compared with each other by this rule.
    pub refused_blocks: u64,
    pub refused_records: u64,
}

impl BlockCount {
    #[must_use]
    pub fn new(customer_type: &str, block: String, block_limit: u32, large: &Large) -> Self {
        Self {
            customer_type: customer_type.to_owned(),
            block,
            block_limit,
            refined_blocks: large.refined_blocks,
            refused_blocks: large.refused_blocks,
            refused_records: large.refused_records,
        }
    }
}

/// Writes a row for each rule, also for those without large blocks; sorted by type and block.
pub fn write_blocks(
    warehouse: &Warehouse,
    blocks: &[BlockCount],
) -> Result<FileEntry, ResolveError> {
    let mut blocks: Vec<&BlockCount> = blocks.iter().collect();
    blocks.sort_by_key(|each| (&each.customer_type, &each.block));
    let batch = |blocks: &[&BlockCount]| {
        let text = |name: &str, of: &dyn Fn(&BlockCount) -> &str| {
            let values = blocks.iter().map(|each| of(each));
            Column::new(name.into(), values.collect::<Vec<_>>())
        };
        let number = |name: &str, of: &dyn Fn(&BlockCount) -> u64| {
            let values = blocks.iter().map(|each| of(each).cast_signed());
            Column::new(name.into(), values.collect::<Vec<_>>())
        };
        DataFrame::new(
            blocks.len(),
            vec![
                text("customer_type", &|each| &each.customer_type),
                text("block", &|each| &each.block),
                number("block_limit", &|each| u64::from(each.block_limit)),
                number("refined_blocks", &|each| each.refined_blocks),
                number("refused_blocks", &|each| each.refused_blocks),
                number("refused_records", &|each| each.refused_records),
            ],
        )
    };
    let mut file = warehouse.new_file()?;
    let mut writer = TableWriter::try_new(&mut file, MATCH_BLOCK, batch(&[]))?;
    writer.push(batch(&blocks))?;
    let rows = writer.finish()?;
    Ok(file.commit("data/core/match_block", "parquet", rows, None)?)
}
