//! The customers' part in later campaigns: contacts that were made of them -> the night on which their answers arrive.
//!
//! Writes one more delivery of every source, of changes only: responses, and the loans that were opened, with their
//! liens, balances and drawdowns. All else stands still. The contacts of all offers so far are told each time, so that
//! nothing has to be remembered; offers must lie a response window apart, since no answer depends on an earlier offer.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::BusinessDate;
use crate::synth::account::Account;
use crate::synth::customer::{Person, Who};
use crate::synth::draw::{Draw, Purpose};
use crate::synth::error::SynthError;
use crate::synth::holdings::{HOME_EQUITY, home_equity_loan};
use crate::synth::mailing::{Answer, Way, loan_amount};
use crate::synth::outcome::{Letter, Outcome};
use crate::synth::paths::open_in_the_nights;
use crate::synth::sources::Sources;
use crate::synth::sources::campaigns::Response;
use crate::synth::sources::cif::cif_no;
use crate::synth::window::Window;
use crate::synth::{GenerateArgs, Output, Scene};

/// Loans of later offers have numbers of their own: four bits tell the accounts of a person apart.
const MOST_OFFERS: usize = 8;

/// Somebody whom a campaign contacted, or held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The customer's index in the bank.
    pub customer: u64,
    pub campaign: String,
    pub finder: String,
    /// `None` for controls.
    pub way: Option<Way>,
    pub contacted_on: NaiveDate,
}

#[derive(Debug, Clone)]
pub struct AnswerArgs {
    /// As the bank was generated.
    pub bank: GenerateArgs,
    /// Of every offer so far.
    pub contacts: Vec<Contact>,
    /// The night that delivers the answers.
    pub night: BusinessDate,
    /// What happened up to this day has been delivered.
    pub after: BusinessDate,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerReport {
    pub responses: u64,
    pub loans: u64,
    pub rows: u64,
}

/// Contacts as `salenet sql --format csv` tells them: columns `cif_no`, `campaign_code`, `finder_number`, `channel`
/// (`mail`, `phone`, or empty for controls) and `contacted_on`, in any order, others beside them.
///
/// # Errors
/// With the line of the first row that is no contact.
pub fn read_contacts(text: &str) -> Result<Vec<Contact>, SynthError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let wrong = |line: u64, message: &str| SynthError::Contact {
        line,
        message: message.to_owned(),
    };
    let header = reader
        .headers()
        .map_err(|error| wrong(1, &error.to_string()))?;
    let mut places = [0; 5];
    let names = [
        "cif_no",
        "campaign_code",
        "finder_number",
        "channel",
        "contacted_on",
    ];
    for (place, name) in places.iter_mut().zip(names) {
        let found = header.iter().position(|each| each == name);
        *place = found.ok_or_else(|| wrong(1, &format!("there is no column `{name}`")))?;
    }
    let mut contacts = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            wrong(line, &error.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let [cif, campaign, finder, channel, day] =
            places.map(|place| record.get(place).unwrap_or_default());
        let digits = cif.get(1..9).unwrap_or_default();
        contacts.push(Contact {
            customer: digits
                .parse()
                .map_err(|_| wrong(line, "`cif_no` is no number of the customer file"))?,
            campaign: campaign.to_owned(),
            finder: finder.to_owned(),
            way: match channel {
                "mail" => Some(Way::Mail),
                "phone" => Some(Way::Phone),
                "" => None,
                _ => {
                    return Err(wrong(
                        line,
                        "`channel` is mail, phone, or empty for controls",
                    ));
                }
            },
            contacted_on: day
                .parse()
                .map_err(|_| wrong(line, "`contacted_on` is no date such as 2026-10-31"))?,
        });
    }
    Ok(contacts)
}

/// Writes the delivery of `args.night`.
///
/// # Errors
/// When there are more offers than loans have numbers for, or a file cannot be written.
pub fn answer(args: &AnswerArgs, output: &mut dyn Output) -> Result<AnswerReport, SynthError> {
    let GenerateArgs {
        customers,
        nights,
        seed,
        ..
    } = args.bank;
    let window = Window::new(args.bank.first_night(), nights);
    let mut offers: BTreeMap<NaiveDate, BTreeMap<u64, &Contact>> = BTreeMap::new();
    for contact in &args.contacts {
        let offer = offers.entry(contact.contacted_on).or_default();
        offer.entry(contact.customer).or_insert(contact);
    }
    if offers.len() > MOST_OFFERS {
        return Err(SynthError::TooManyOffers {
            offers: offers.len(),
            most: MOST_OFFERS,
        });
    }
    let night = args.night.date();
    // Whatever happened since the last delivery arrives tonight.
    let arrival_window = Window {
        first_night: night,
        last_night: night,
        ..window.clone()
    };
    let scene = |window| Scene {
        seed,
        window,
        night,
        only_changes: false,
    };
    let mut sources = Sources::open(output, scene(&arrival_window))?;
    let mut report = AnswerReport::default();
    for index in 0..customers {
        let mut customer = args.bank.customer(&window, index);
        let mut opened = Vec::new();
        if let Who::Person(person) = &customer.who {
            let found = replies(seed, &window, person, customer.since, &offers);
            for reply in &found {
                for (ordinal, step) in reply.answer.steps.iter().enumerate() {
                    if step.1 > args.after.date() && step.1 <= night {
                        let (place, cif) = (reply.place, cif_no(&customer));
                        sources.campaigns.response(&Response {
                            number: format!("A{place}{index:08}{ordinal}"),
                            campaign: reply.contact.map_or("", |contact| &contact.campaign),
                            finder: reply.contact.map_or("", |contact| &contact.finder),
                            cif: &cif,
                            quotes_finder: reply.answer.quotes_finder,
                            step: *step,
                            loan: reply.loan.as_ref().map(|loan| (loan.original, loan)),
                        })?;
                        report.responses += 1;
                    }
                }
            }
            opened.extend(found.into_iter().filter_map(|reply| reply.loan));
        }
        let (known, rest): (Vec<Account>, Vec<Account>) = opened
            .into_iter()
            .partition(|loan| loan.opened <= args.after.date());
        customer.accounts.extend(known);
        let fresh: Vec<Account> = rest
            .into_iter()
            .filter(|loan| loan.opened <= night)
            .collect();
        if !fresh.is_empty() {
            report.loans += fresh.len() as u64;
            sources.rehearse(scene(&arrival_window), &customer)?;
            customer.accounts.extend(fresh);
            sources.send_changes(scene(&arrival_window), &customer)?;
        }
        sources.ledger.add(scene(&window), &customer);
    }
    report.rows = sources.finish(output, scene(&window))?;
    Ok(report)
}

struct Reply<'a> {
    /// Of the offer, counted from 0.
    place: usize,
    contact: Option<&'a Contact>,
    answer: Answer,
    loan: Option<Account>,
}

/// What the person did after each offer. Who has a home equity loan, or no room for one, answers none.
fn replies<'a>(
    seed: u64,
    window: &Window,
    person: &Person,
    since: NaiveDate,
    offers: &BTreeMap<NaiveDate, BTreeMap<u64, &'a Contact>>,
) -> Vec<Reply<'a>> {
    let index = person.identity.index;
    let mut replies = Vec::new();
    if person.mailing.booking.is_some() {
        return replies;
    }
    for (place, (contacted_on, contacts)) in offers.iter().enumerate() {
        let letter = match place {
            0 => Letter::Next,
            later => Letter::Later(later as u64 - 1),
        };
        let outcome = Outcome::of(seed, index, letter, &person.traits, &person.holdings);
        if !outcome.is_eligible || since > *contacted_on {
            continue;
        }
        let contact = contacts.get(&index).copied();
        let mut draw = Draw::new(seed, Purpose::Outcome, 101 + place as u64, index);
        let way = contact.and_then(|contact| contact.way);
        let answer = Answer::of(&mut draw, *contacted_on, &outcome, way);
        let loan = answer.booked_on.map(|day| {
            let amount = loan_amount(&person.holdings, &outcome);
            let mut loan = home_equity_loan(window, &person.identity, &person.traits, day, amount);
            loan.number += 1 + place as u64;
            open_in_the_nights(&mut loan);
            loan
        });
        let has_loan = loan.is_some();
        replies.push(Reply {
            place,
            contact,
            answer,
            loan,
        });
        if has_loan {
            break;
        }
    }
    replies
}

const _: () = assert!(HOME_EQUITY + (MOST_OFFERS as u64) < 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_read_by_the_names_of_their_columns() {
        let text = "contact_id,channel,cif_no,campaign_code,finder_number,contacted_on\n\
                    1,mail,F000000470,HEL-1,HEL-1-A-1,2026-10-31\n2,,G000000080,HEL-1,,2026-10-31\n";
        let found = read_contacts(text).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].customer, found[0].way), (47, Some(Way::Mail)));
        assert_eq!((found[1].customer, found[1].way), (8, None));
        let wrong = text.replace("F000000470", "somebody");
        let said = read_contacts(&wrong).unwrap_err().to_string();
        assert!(said.contains("line 2"), "{said}");
        let said = read_contacts("cif_no\n").unwrap_err().to_string();
        assert!(said.contains("`campaign_code`"), "{said}");
    }
}
