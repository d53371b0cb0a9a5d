//! The old campaign tool: contacts of the matured mailing with its control group, the responses to it, and what branches,
//! call centre and post noted of single contacts.

use crate::synth::Scene;
use crate::synth::account::Account;
use crate::synth::coded::Charset;
use crate::synth::customer::{Customer, Person};
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape, money};
use crate::synth::draw::{Draw, Purpose};
use crate::synth::error::SynthError;
use crate::synth::mailing::{Cell, Step};
use crate::synth::sources::Open;
use crate::synth::sources::cif::cif_no;
use crate::synth::window::plus_days;

pub struct Campaigns {
    contacts: Delivery,
    responses: Delivery,
    contact_results: Delivery,
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
            contact_results: open(layout(
                "contact_results.csv.gz",
                "result_no,finder_no,cif_no,contacted_at,staff,result,note",
                "contact_results.ctl",
                &[Fault::Twice, Fault::Wrong(5, "SPOKE")],
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
        if mailed {
            self.note(scene, customer, person, &finder, &cif)?;
        }
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

    /// What somebody noted of a letter: those who answered are called, the post brings some back, and one in twelve of
    /// the others is asked whether the letter came, which changes nobody's mind.
    fn note(
        &mut self,
        scene: Scene<'_>,
        customer: &Customer,
        person: &Person,
        finder: &str,
        cif: &str,
    ) -> Result<(), SynthError> {
        let story = &person.mailing;
        let mut draw = Draw::new(scene.seed, Purpose::Outcome, 101, customer.index);
        let (is_asked, wants_no_call, shows_interest) =
            (draw.chance(0.08), draw.chance(0.3), draw.chance(0.7));
        let (answer, days, second) = (draw.uniform(), draw.below(20), draw.below(28_800));
        let staff = format!("S{:03}", draw.below(240));
        let quotes_finder = !draw.chance(0.10);
        let first = story.steps.first();
        let (staff, result, words, on) = match first {
            _ if story.letter_returned => (
                "post".to_owned(),
                "undeliverable",
                "",
                plus_days(story.contacted_on, 4 + days % 5),
            ),
            Some(("R", on)) if wants_no_call => (staff, "do_not_call", "", *on),
            Some(("R", on)) => (staff, "refused", "pays no interest to anybody", *on),
            Some((_, on)) if shows_interest => (staff, "interested", "asks for an offer", *on),
            Some((_, on)) => (staff, "callback", "in the evening", *on),
            None if is_asked => {
                let result = match answer {
                    answer if answer < 0.45 => "reached",
                    answer if answer < 0.88 => "no_answer",
                    _ => "wrong_number",
                };
                (staff, result, "", plus_days(story.contacted_on, 8 + days))
            }
            None => return Ok(()),
        };
        if on > scene.night {
            return Ok(());
        }
        let at = format!(
            "{on}T{:02}:{:02}:{:02}",
            9 + second / 3_600,
            second / 60 % 60,
            second % 60
        );
        let (finder, cif) = if quotes_finder {
            (finder, "")
        } else {
            ("", cif)
        };
        let number = format!("CR{:08}", customer.index);
        self.contact_results
            .row(&[&number, finder, cif, &at, &staff, result, words], 0)
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
        vec![self.contacts, self.responses, self.contact_results]
    }
}
