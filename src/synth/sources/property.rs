//! Valuations and liens of real property: semicolons, decimal commas, Latin-1; delivered first and at month ends.

use crate::domain::BusinessDate;
use crate::synth::Scene;
use crate::synth::account::Account;
use crate::synth::coded::Charset;
use crate::synth::customer::{Customer, Person};
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, money};
use crate::synth::draw::{Draw, Purpose};
use crate::synth::error::SynthError;
use crate::synth::faults::{Keyed, Record};
use crate::synth::holdings::Home;
use crate::synth::product::Product;
use crate::synth::sources::Open;
use crate::synth::sources::loans::loan_no;
use crate::synth::window::minus_days;

pub struct Property {
    valuations: Delivery,
    liens: Delivery,
}

const fn layout(
    file: &'static str,
    header: &'static str,
    control: ControlNames,
    faults: &'static [Fault],
) -> Layout {
    Layout {
        source: "property",
        file,
        shape: Shape::Delimited {
            delimiter: ";",
            line_end: "\n",
        },
        charset: Charset::Latin1,
        header,
        control,
        faults,
        clean_per_dirty: RARELY_DIRTY,
    }
}

#[must_use]
pub fn is_delivered(scene: Scene<'_>) -> bool {
    scene.is_first() || BusinessDate::new(scene.night).is_month_end()
}

#[must_use]
pub fn property_no(customer: u64) -> String {
    format!("PR{customer:08}")
}

impl Property {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        Ok(Self {
            valuations: open(layout(
                "valuations.csv.gz",
                "property_no;owner_name;owner_ssn;street;city;state;postcode;occupancy;estimated_value;valued_on;value_source",
                ControlNames::summed("valuations.ctl", "value_total"),
                &[
                    Fault::Twice,
                    Fault::Wrong(7, "Z"),
                    Fault::Wrong(9, "2026-10-01"),
                ],
            ))?,
            liens: open(layout(
                "liens.csv.gz",
                "lien_no;property_no;position;creditor;loan_no;amount;line_limit;recorded_on",
                ControlNames::summed("liens.ctl", "amount_total"),
                &[Fault::Twice],
            ))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let Some(person) = customer.as_person() else {
            return Ok(());
        };
        let Some(home) = person.holdings.home else {
            return Ok(());
        };
        if customer.since > scene.night {
            return Ok(());
        }
        self.valuation(scene, person, home)?;
        let ours = customer.accounts.iter().filter(|account| {
            matches!(account.product, Product::Mortgage | Product::HomeEquityLoan)
                && account.is_open_on(scene.night)
        });
        let mut position = 0;
        if home.other_lien > 0 {
            position += 1;
            self.lien(scene, customer.index, position, None, home.other_lien)?;
        }
        for account in ours {
            position += 1;
            self.lien(
                scene,
                customer.index,
                position,
                Some(account),
                account.balance_on(scene.night),
            )?;
        }
        Ok(())
    }

    fn valuation(
        &mut self,
        scene: Scene<'_>,
        person: &Person,
        home: Home,
    ) -> Result<(), SynthError> {
        let identity = &person.identity;
        let record = Record::of(scene.seed, identity, Keyed::Property, 0);
        let mut draw = Draw::new(scene.seed, Purpose::Relations, 6, identity.index);
        let (city, state, postcode) = record.address.place();
        let occupancy = match draw.uniform() {
            place if place < 0.92 => "O",
            place if place < 0.98 => "L",
            _ => "V",
        };
        let source = if draw.chance(0.8) { "AVM" } else { "APP" };
        let valued_on = minus_days(scene.window.first_night, draw.below(300));
        let street = if record.address.street.contains("Apt") && draw.chance(0.5) {
            format!("{}; rear", record.address.street)
        } else {
            record.address.street.clone()
        };
        self.valuations.row(
            &[
                &property_no(identity.index),
                &format!(
                    "{}, {}",
                    record.family.to_uppercase(),
                    record.given.to_uppercase()
                ),
                &record.ssn_plain(),
                &street,
                city,
                state,
                postcode,
                occupancy,
                &european(home.value),
                &valued_on.format("%d.%m.%Y").to_string(),
                source,
            ],
            home.value,
        )
    }

    fn lien(
        &mut self,
        scene: Scene<'_>,
        customer: u64,
        position: u64,
        account: Option<&Account>,
        amount: i64,
    ) -> Result<(), SynthError> {
        let recorded = account.map_or(scene.window.start, |account| account.opened);
        self.liens.row(
            &[
                &format!("LI{customer:08}{position}"),
                &property_no(customer),
                &position.to_string(),
                if account.is_some() { "H" } else { "X" },
                &account.map_or_else(String::new, loan_no),
                &european(amount),
                "",
                &recorded.format("%d.%m.%Y").to_string(),
            ],
            amount,
        )
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![self.valuations, self.liens]
    }
}

/// `1.234,56`.
fn european(cents: i64) -> String {
    let plain = money(cents);
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push('.');
        }
        text.push(digit);
    }
    format!("{text},{fraction}")
}
