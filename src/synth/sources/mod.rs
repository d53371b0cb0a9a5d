//! The bank's source systems: one file per system, each with its own layouts, keys and habits.

pub mod deposits;
pub mod loans;
pub mod cards;
pub mod cif;
pub mod channels;
pub mod wealth;
pub mod property;
pub mod bureau;
pub mod campaigns;
pub mod ledger;

use std::cell::Cell;
use std::rc::Rc;

use chrono::NaiveDate;

use crate::synth::customer::Customer;
use crate::synth::delivery::{Delivery, Layout, Turn};
use crate::synth::error::SynthError;
use crate::synth::window::minus_days;
use crate::synth::{Output, Scene};

/// All deliveries of a night, open at once: each customer is drawn once per night.
pub struct Sources {
    turn: Rc<Cell<Turn>>,
    deposits: deposits::Deposits,
    loans: loans::Loans,
    cards: cards::Cards,
    cif: cif::Cif,
    channels: channels::Channels,
    wealth: wealth::Wealth,
    property: Option<property::Property>,
    bureau: Option<bureau::Bureau>,
    pub campaigns: campaigns::Campaigns,
    pub ledger: ledger::Ledger,
}

impl Sources {
    pub fn open(output: &mut dyn Output, scene: Scene<'_>) -> Result<Self, SynthError> {
        let turn = Rc::new(Cell::new(Turn::default()));
        let mut open = |layout: Layout| {
            Delivery::open(output, scene.seed, scene.night, layout, Rc::clone(&turn))
        };
        Ok(Self {
            deposits: deposits::Deposits::open(&mut open)?,
            loans: loans::Loans::open(&mut open)?,
            cards: cards::Cards::open(&mut open)?,
            cif: cif::Cif::open(&mut open)?,
            channels: channels::Channels::open(&mut open)?,
            wealth: wealth::Wealth::open(&mut open)?,
            property: if property::is_delivered(scene) {
                Some(property::Property::open(&mut open)?)
            } else {
                None
            },
            bureau: if bureau::is_delivered(scene) {
                Some(bureau::Bureau::open(&mut open)?)
            } else {
                None
            },
            campaigns: campaigns::Campaigns::open(&mut open)?,
            ledger: ledger::Ledger::open(&mut open)?,
            turn,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        if scene.only_changes && !scene.is_first() {
            let night = minus_days(scene.night, 1);
            self.rehearse(Scene { night, ..scene }, customer)?;
        }
        self.send_changes(scene, customer)?;
        self.channels.write(scene, customer)?;
        self.campaigns.write(scene, customer)?;
        self.ledger.add(scene, customer);
        Ok(())
    }

    /// Notes the customer's master data: what stands the same when it is sent next is not sent.
    pub fn rehearse(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        self.turn.set(Turn {
            customer: customer.index,
            is_rehearsal: true,
        });
        self.master_data(scene, customer)
    }

    /// Sends the customer's master data, but for what was noted.
    pub fn send_changes(
        &mut self,
        scene: Scene<'_>,
        customer: &Customer,
    ) -> Result<(), SynthError> {
        self.turn.set(Turn {
            customer: customer.index,
            is_rehearsal: false,
        });
        self.master_data(scene, customer)
    }

    /// Systems that hold customers and accounts; what moved on those goes with them.
    fn master_data(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        self.deposits.write(scene, customer)?;
        self.loans.write(scene, customer)?;
        self.cards.write(scene, customer)?;
        self.cif.write(scene, customer)?;
        self.wealth.write(scene, customer)?;
        if let Some(property) = &mut self.property {
            property.write(scene, customer)?;
        }
        if let Some(bureau) = &mut self.bureau {
            bureau.write(scene, customer)?;
        }
        Ok(())
    }

    /// Rows sent.
    pub fn finish(self, output: &mut dyn Output, scene: Scene<'_>) -> Result<u64, SynthError> {
        let mut deliveries = self.deposits.into_deliveries();
        deliveries.extend(self.loans.into_deliveries());
        deliveries.extend(self.cards.into_deliveries());
        deliveries.extend(self.cif.into_deliveries());
        deliveries.extend(self.channels.into_deliveries());
        deliveries.extend(self.wealth.into_deliveries());
        deliveries.extend(
            self.property
                .map(property::Property::into_deliveries)
                .into_iter()
                .flatten(),
        );
        deliveries.extend(
            self.bureau
                .map(bureau::Bureau::into_deliveries)
                .into_iter()
                .flatten(),
        );
        deliveries.extend(self.campaigns.into_deliveries());
        deliveries.extend(self.ledger.into_deliveries(scene)?);
        let mut rows = 0;
        for delivery in deliveries {
            rows += delivery.finish(output)?;
        }
        Ok(rows)
    }
}

/// Opens a delivery of tonight.
pub type Open<'open> = dyn FnMut(Layout) -> Result<Delivery, SynthError> + 'open;

/// `YYYYMMDD`.
fn compact(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

/// As `compact`; eight zeros for no day.
fn compact_or_zeros(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "00000000".to_owned(), compact)
}
