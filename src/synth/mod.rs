//! A seeded synthetic bank of any size -> the extracts its systems would deliver, and the truth behind them.
//!
//! Writes `landing/<source>/<business date>/…` for each night and `truth/*.csv` through the `Output` it is given; reads
//! nothing, knows no clock and creates no file itself. The same arguments give the same bytes.
//!
//! Every customer is a function of (seed, index), so each night is written customer by customer and memory does not
//! grow with the bank. A customer is drawn again for each night; drawing is cheaper than remembering.

pub mod error;
pub mod window;
pub mod draw;
pub mod names;
pub mod traits;
pub mod identity;
pub mod faults;
pub mod product;
pub mod account;
pub mod holdings;
pub mod outcome;
pub mod mailing;
pub mod organisation;
pub mod events;
pub mod paths;
pub mod customer;
pub mod profit;
pub mod coded;
pub mod delivery;
pub mod sources;
pub mod truth;
pub mod answers;

use std::io::{self, Write};

pub use error::SynthError;

use crate::domain::BusinessDate;
use crate::synth::customer::Customer;
use crate::synth::identity::MOST_CUSTOMERS;
use crate::synth::sources::Sources;
use crate::synth::truth::Truth;
use crate::synth::window::Window;

/// Creates the files of a generated bank; only `store` may touch the file system.
pub trait Output {
    /// Opens a new file at a path relative to the output folder, with `/` between its parts.
    ///
    /// # Errors
    /// When the file cannot be created.
    fn create(&mut self, relative: &str) -> io::Result<Box<dyn Write>>;
}

#[derive(Debug, Clone, Copy)]
pub struct GenerateArgs {
    pub customers: u64,
    pub nights: u32,
    pub seed: u64,
    pub last_night: BusinessDate,
    /// After the first night, master data that stands as the night before is not sent again; what is gone is not told.
    pub only_changes: bool,
    /// Of a hundred customers, those whose records and accounts change after the first night; all use channels.
    pub active_percent: u8,
}

impl GenerateArgs {
    /// Nights that end on 2026-10-31, the last business date of the sample bank.
    #[must_use]
    pub fn new(customers: u64, nights: u32, seed: u64) -> Self {
        let last = chrono::NaiveDate::from_ymd_opt(2026, 10, 31).unwrap_or_default();
        Self {
            customers,
            nights,
            seed,
            last_night: BusinessDate::new(last),
            only_changes: false,
            active_percent: 100,
        }
    }

    /// The night that delivers the history.
    #[must_use]
    pub fn first_night(&self) -> BusinessDate {
        self.last_night
            .minus_days(u64::from(self.nights.saturating_sub(1)))
    }

    /// The customer's life, or of one who is not active only what happened up to the first night.
    fn customer(&self, window: &Window, index: u64) -> Customer {
        let mut customer = Customer::live(self.seed, window, index);
        if !customer.is_active(self.seed, self.active_percent) {
            customer.stand_still(window.first_night);
        }
        customer
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateReport {
    /// Rows sent over all nights, dirty ones included.
    pub rows: u64,
    pub customers: u64,
    /// Accounts that exist in the last night, closed ones included.
    pub accounts: u64,
    /// What the general ledger holds and no account knows: reference, month, product, line and amount.
    pub planted: Vec<String>,
}

/// What a source's writer needs to know of the bank.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'bank> {
    pub seed: u64,
    pub window: &'bank Window,
    pub night: chrono::NaiveDate,
    pub only_changes: bool,
}

impl Scene<'_> {
    /// Whether what happened on `day` is delivered tonight.
    #[must_use]
    pub fn is_tonight(&self, day: chrono::NaiveDate) -> bool {
        self.window.night_of(day) == self.night
    }

    #[must_use]
    pub fn is_first(&self) -> bool {
        self.night == self.window.first_night
    }
}

/// Writes the bank's deliveries, night by night, and the truth.
///
/// # Errors
/// When there is nothing to generate, or a file cannot be written.
pub fn generate(
    args: &GenerateArgs,
    output: &mut dyn Output,
) -> Result<GenerateReport, SynthError> {
    let GenerateArgs {
        customers,
        nights,
        seed,
        ..
    } = *args;
    if customers == 0 || nights == 0 {
        return Err(SynthError::NothingToGenerate { customers, nights });
    }
    if customers > MOST_CUSTOMERS {
        return Err(SynthError::TooManyCustomers {
            customers,
            most: MOST_CUSTOMERS,
        });
    }
    let window = Window::new(args.first_night(), nights);
    let mut report = GenerateReport {
        rows: 0,
        customers,
        accounts: 0,
        planted: sources::ledger::planted(&window),
    };
    for night in window.nights() {
        let scene = Scene {
            seed,
            window: &window,
            night,
            only_changes: args.only_changes,
        };
        let mut sources = Sources::open(output, scene)?;
        let mut truth = if night == window.last_night {
            Some(Truth::open(output, scene)?)
        } else {
            None
        };
        for index in 0..customers {
            let customer = args.customer(&window, index);
            sources.write(scene, &customer)?;
            if let Some(truth) = &mut truth {
                truth.write(scene, &customer)?;
                report.accounts += customer.accounts.len() as u64;
            }
        }
        report.rows += sources.finish(output, scene)?;
        if let Some(truth) = truth {
            truth.finish()?;
        }
    }
    Ok(report)
}
