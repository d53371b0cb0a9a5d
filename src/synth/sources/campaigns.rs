//! The old campaign tool: contacts of the matured mailing with its control group, and the responses to it.

use crate::synth::Scene;
use crate::synth::coded::Charset;
use crate::synth::customer::Customer;
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, money};
use crate::synth::error::SynthError;
use crate::synth::mailing::Cell;
use crate::synth::sources::Open;
use crate::synth::sources::cif::cif_no;

pub struct Campaigns {
    contacts: Delivery,
    responses: Delivery,
}

const fn layout(
    file: &'static str,
    header: &'static str,
    control: &'static str,
    faults: &'static [Fault],
) -> Layout {
    Layout {
        source: "campaigns",
        file,
        shape: Shape::Delimited {
            delimiter: ",",
            line_end: "\n",
        },
        charset: Charset::Utf8,
        header,
        control: ControlNames::plain(control),
        faults,
        clean_per_dirty: RARELY_DIRTY,
    }
}

impl Campaigns {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        Ok(Self {
            contacts: open(layout(
                "contacts.csv.gz",
                "contact_no,campaign_code,cell,cif_no,channel,offer_code,finder_no,contacted_on,is_control,delivery_status,cost",
                "contacts.ctl",
                &[Fault::Twice, Fault::Wrong(9, "LOST")],
            ))?,
            responses: open(layout(
                "responses.csv.gz",
                "response_no,campaign_code,finder_no,cif_no,responded_on,response_type,product_code,amount,loan_no",
                "responses.ctl",
                &[Fault::Twice],
            ))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let Some(person) = customer.as_person() else {
            return Ok(());
        };
        let story = &person.mailing;
        let (Some(cell), true) = (story.cell, scene.is_tonight(story.contacted_on)) else {
            return Ok(());
        };
        let cif = cif_no(customer);
        let finder = story.finder(customer.index);
        let mailed = cell == Cell::Mail;
        let status = match (mailed, story.letter_returned) {
            (false, _) => "N",
            (true, true) => "R",
            (true, false) => "D",
        };
        self.contacts.row(
            &[
                &format!("{}-{:08}", story.campaign, customer.index),
                &story.campaign,
                if mailed { "M" } else { "C" },
                &cif,
                if mailed { "M" } else { "N" },
                if mailed { "HEL-0699" } else { "" },
                if mailed { &finder } else { "" },
                &story.contacted_on.to_string(),
                if mailed { "N" } else { "Y" },
                status,
                if mailed { "0.85" } else { "0.00" },
            ],
            0,
        )?;
        for (ordinal, (code, on)) in story.steps.iter().enumerate() {
            if *on > scene.night {
                continue;
            }
            let booked = story.booking.filter(|_| *code == "B");
            let amount = booked.map_or_else(String::new, |(_, amount)| money(amount));
            let loan = booked
                .and_then(|(day, _)| {
                    customer.accounts.iter().find(|account| {
                        account.opened == day && account.product.code() == "home_equity_loan"
                    })
                })
                .map_or_else(String::new, super::loans::loan_no);
            let (finder, cif) = if story.quotes_finder {
                (finder.as_str(), "")
            } else {
                ("", cif.as_str())
            };
            self.responses.row(
                &[
                    &format!("R{:08}{ordinal}", customer.index),
                    if story.quotes_finder {
                        &story.campaign
                    } else {
                        ""
                    },
                    finder,
                    cif,
                    &on.to_string(),
                    code,
                    "home_equity_loan",
                    &amount,
                    &loan,
                ],
                0,
            )?;
        }
        Ok(())
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![self.contacts, self.responses]
    }
}
