//! A seeded synthetic bank of any size -> the extracts its systems would deliver, and the truth behind them.
pub mod account;
pub mod customer;
pub mod draw;
pub mod error;
pub mod events;
pub mod faults;
pub mod holdings;
pub mod identity;
pub mod mailing;
pub mod names;
pub mod organisation;
pub mod outcome;
pub mod paths;
pub mod product;
pub mod profit;
pub mod traits;
pub mod window;
