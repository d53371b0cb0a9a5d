//! Vocabulary shared by every layer: dates, money, identifiers, classifications, table names.
//!
//! Pure values: nothing here reads a file, a clock or the environment.

pub mod business_date;
pub mod check_character;
pub mod money;
pub mod parameter;
pub mod table;

pub use business_date::{BusinessDate, Month};
pub use money::Money;
pub use parameter::Parameter;
pub use table::TableName;
