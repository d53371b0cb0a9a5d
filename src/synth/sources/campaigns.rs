//! The old campaign tool: contacts of the matured mailing with its control group, and the responses to it.

use crate::synth::Scene;
use crate::synth::account::Account;
use crate::synth::coded::Charset;
use crate::synth::customer::Customer;
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, money};
use crate::synth::error::SynthError;
use crate::synth::mailing::{Cell, Step};
use crate::synth::sources::Open;
use crate::synth::sources::cif::cif_no;

pub struct Campaigns {
    contacts: Delivery,
    responses: Delivery,
}

/// One step of an answer as the tool records it.
pub struct Response<'a> {
    pub number: String,
    pub campaign: &'a str,
    pub finder: &'a str,
    pub cif: &'a str,
    /// With the letter's number a response names no customer, without it no campaign.
    pub quotes_finder: bool,
    pub step: Step,
    /// The loan that came of it, and the amount told.
    pub loan: Option<(i64, &'a Account)>,
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
        for (ordinal, step) in story.steps.iter().enumerate() {
            if step.1 > scene.night {
                continue;
            }
            let loan = story.booking.and_then(|(day, amount)| {
                let mut accounts = customer.accounts.iter();
                let loan = accounts.find(|account| {
                    account.opened == day && account.product.code() == "home_equity_loan"
                });
                Some((amount, loan?))
            });
            self.response(&Response {
                number: format!("R{:08}{ordinal}", customer.index),
                campaign: &story.campaign,
                finder: &finder,
                cif: &cif,
                quotes_finder: story.quotes_finder,
                step: *step,
                loan,
            })?;
        }
        Ok(())
    }

    /// Writes one step of an answer.
    pub fn response(&mut self, response: &Response<'_>) -> Result<(), SynthError> {
        let (code, on) = response.step;
        let booked = response.loan.filter(|_| code == "B");
        let (campaign, finder, cif) = if response.quotes_finder {
            (response.campaign, response.finder, "")
        } else {
            ("", "", response.cif)
        };
        self.responses.row(
            &[
                &response.number,
                campaign,
                finder,
                cif,
                &on.to_string(),
                code,
                "home_equity_loan",
                &booked.map_or_else(String::new, |(amount, _)| money(amount)),
                &booked.map_or_else(String::new, |(_, loan)| super::loans::loan_no(loan)),
            ],
            0,
        )
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![self.contacts, self.responses]
    }
}
