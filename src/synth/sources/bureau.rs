//! Credit bureau file of the month: UTF-16 with tabs; delivered first and on the first of a month.

use chrono::Datelike;

use crate::synth::Scene;
use crate::synth::coded::Charset;
use crate::synth::customer::Customer;
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, ratio};
use crate::synth::draw::{Draw, Purpose, cents};
use crate::synth::error::SynthError;
use crate::synth::faults::{Keyed, Record};
use crate::synth::sources::Open;

pub struct Bureau {
    scores: Delivery,
}

const SHARE_ON_FILE: f64 = 0.95;

#[must_use]
pub fn is_delivered(scene: Scene<'_>) -> bool {
    scene.is_first() || scene.night.day() == 1
}

#[must_use]
pub fn file_no(customer: u64) -> String {
    format!("BF{customer:08}")
}

/// Whether the bureau has a file on the customer.
#[must_use]
pub fn is_on_file(seed: u64, customer: &Customer) -> bool {
    customer
        .as_person()
        .is_some_and(|person| person.identity.ssn.is_some())
        && Draw::new(seed, Purpose::Relations, 7, customer.index).chance(SHARE_ON_FILE)
}

impl Bureau {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        let scores = open(Layout {
            source: "bureau",
            file: "scores.txt.gz",
            shape: Shape::Delimited {
                delimiter: "\t",
                line_end: "\r\n",
            },
            charset: Charset::Utf16,
            header: "file_no\tLAST\tFIRST\tSSN\tDOB\tSCORE\tBAND\tDTI\tBANKRUPT\tREPORTED\tPURPOSE",
            control: ControlNames::plain("scores.ctl"),
            faults: &[
                Fault::Twice,
                Fault::Wrong(6, "?"),
                Fault::Wrong(5, "9999"),
                Fault::Ragged,
            ],
            clean_per_dirty: RARELY_DIRTY,
        })?;
        Ok(Self { scores })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let Some(person) = customer.as_person() else {
            return Ok(());
        };
        if customer.since > scene.night || !is_on_file(scene.seed, customer) {
            return Ok(());
        }
        let record = Record::of(scene.seed, &person.identity, Keyed::Bureau, 0);
        let mut draw = Draw::new(scene.seed, Purpose::Relations, 8, customer.index);
        let stress = person.traits.stress;
        let score = (cents((690.0 - 62.0 * stress + 12.0 * draw.normal()) / 100.0)).clamp(300, 850);
        let band = match score {
            740.. => "A",
            690..740 => "B",
            640..690 => "C",
            580..640 => "D",
            _ => "E",
        };
        let debt_to_income = cents(2_500.0 * (0.35 * stress + 0.2 * draw.normal()).exp());
        let is_bankrupt = stress > 1.8 && draw.chance(0.15);
        self.scores.row(
            &[
                &file_no(customer.index),
                &record.family.to_uppercase(),
                &record.given.to_uppercase(),
                &record.ssn_dashed(),
                &record.born_as("%Y-%m-%d"),
                &score.to_string(),
                band,
                &ratio(debt_to_income.min(2_000_000)),
                if is_bankrupt { "Y" } else { "N" },
                &scene.night.with_day(1).unwrap_or(scene.night).to_string(),
                "AR",
            ],
            0,
        )
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![self.scores]
    }
}
