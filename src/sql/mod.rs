//! SQL over Parquet: sessions, the catalogue of a release, planning, execution, writing results.
//!
//! The only place that knows DataFusion and Arrow; stages hand in SQL text and receive tables or numbers.
//! Writes only through the files that `store` gives out.

pub mod bind;
pub mod catalog;
pub mod columns;
pub mod condition;
pub mod cuts;
mod decided;
pub mod dependencies;
mod encoding;
pub mod error;
mod given;
mod groups;
mod joins;
mod lookup;
mod key_origins;
pub mod keys;
pub mod lineage;
mod memory;
mod merge;
mod order;
pub mod output;
mod own_join;
mod prefixes;
mod qualify;
pub mod result;
mod room;
pub mod schema;
pub mod session;
mod shorter;
mod sides;
mod sort;
mod sort_merge;
mod steps;
#[cfg(test)]
mod stored_for_tests;
mod windows;
pub mod write;

pub use bind::Bindings;
pub use catalog::TableSource;
pub use error::SqlError;
pub use result::{Cell, QueryResult};
pub use session::{Session, SessionOptions};
