//! Extract: delivered files -> typed rows of `staging.<source>_<feed>`, with every row and cent accounted for.
//!
//! Reads the files of one feed below the landing folder; writes staging and quarantine as Parquet into files that the
//! warehouse makes and the caller commits. Drives the functions of `clean`, because extract and clean are one step per
//! feed. It must not read a clock, infer a type, or lose a row: read = loaded + rejected + duplicate.

pub mod error;
pub mod run;
pub mod delivery;
pub mod bytes;
pub mod text;
pub mod splitter;
pub mod records;
pub mod layout;
pub mod json;
pub mod parquet;
pub mod frame;
pub mod control;
pub mod raw_batch;
pub mod reader;
pub mod clean_batch;
pub mod pipeline;
pub mod loader;
pub mod key_table;
pub mod survivor;
pub mod recent;
pub mod keys_aside;
pub mod dedupe;
pub mod repeated;
pub mod totals;
pub mod quarantine;
pub mod replay;
pub mod report;
pub mod merge;

pub use bytes::{ContentHash, hash_file};
pub use delivery::{DeliveredFile, Delivery, Origin, find_delivery};
pub use error::ExtractError;
pub use merge::merge_changes;
pub use report::FeedReport;
pub use run::{LoadRequest, load_feed};
