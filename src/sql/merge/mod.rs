//! Rows that stand in the order of their keys on every side: they are read side by side, and none is held.

mod join;
mod rows;
mod side;
mod union;

use datafusion::arrow::compute::SortOptions;

pub(super) use self::join::{MergeInOrder, may_merge};
pub(super) use self::union::UnionsInOrder;

/// The order of stored tables.
const IN_ORDER: SortOptions = SortOptions {
    descending: false,
    nulls_first: true,
};
