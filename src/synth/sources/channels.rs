//! Channel logs: counts of the past on the first night, then single events; each channel has a dialect of its own.

use serde_json::json;

use crate::synth::Scene;
use crate::synth::coded::Charset;
use crate::synth::customer::{Customer, Who};
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, OFTEN_DIRTY, Shape, money};
use crate::synth::error::SynthError;
use crate::synth::events::{self, Channel, Event};
use crate::synth::holdings::CHECKING;
use crate::synth::sources::Open;
use crate::synth::sources::cif::cif_no;
use crate::synth::sources::deposits::account_no_of;
use crate::synth::window::{minus_days, month_of};

pub struct Channels {
    event_history: Delivery,
    teller: Delivery,
    atm: Delivery,
    phone: Delivery,
    web: Delivery,
    mobile: Delivery,
}

const TAB: Shape = Shape::Delimited {
    delimiter: "\t",
    line_end: "\n",
};

const fn layout(
    file: &'static str,
    shape: Shape,
    header: &'static str,
    control: &'static str,
    faults: &'static [Fault],
) -> Layout {
    Layout {
        source: "channels",
        file,
        shape,
        charset: Charset::Utf8,
        header,
        control: ControlNames::plain(control),
        faults,
        clean_per_dirty: OFTEN_DIRTY,
    }
}

impl Channels {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        Ok(Self {
            event_history: open(layout(
                "event_history.tsv.zst",
                TAB,
                "month\tsubject_type\tsubject\tchannel\tevent_type\tn_events",
                "event_history.ctl",
                &[Fault::Twice],
            ))?,
            teller: open(layout(
                "teller_{}.txt.gz",
                TAB,
                "event_no\tevent_at\tbranch_id\tteller_id\taccount_no\tevent_type\tamount\tminutes\tremark",
                "teller.ctl",
                &[
                    Fault::Twice,
                    Fault::Ragged,
                    Fault::Wrong(1, "2026-13-45 10:00:00"),
                    Fault::Wrong(5, "??"),
                    Fault::BrokenQuote(8),
                ],
            ))?,
            atm: open(layout(
                "atm_{}.csv.zst",
                Shape::Delimited {
                    delimiter: ",",
                    line_end: "\n",
                },
                "",
                "atm.ctl",
                &[
                    Fault::Twice,
                    Fault::Ragged,
                    Fault::Wrong(4, "X"),
                    Fault::Wrong(5, "1O0.00"),
                ],
            ))?,
            phone: open(layout(
                "calls_{}.csv",
                Shape::Delimited {
                    delimiter: "||",
                    line_end: "\r\n",
                },
                "call_id||started||handled_by||caller||reason||minutes",
                "calls.ctl",
                &[Fault::Twice, Fault::Wrong(2, "ROBOT")],
            ))?,
            web: open(layout(
                "web_{}.tsv.zst",
                TAB,
                "event_no\tts\tlogin\taction",
                "web.ctl",
                &[Fault::Twice, Fault::Ragged, Fault::Wrong(1, "1970-01-01")],
            ))?,
            mobile: open(layout(
                "mobile_{}.jsonl.gz",
                Shape::Line,
                "",
                "mobile.ctl",
                &[Fault::Twice, Fault::Cut],
            ))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let account = customer
            .accounts
            .iter()
            .find(|account| account.number % 16 == CHECKING)
            .map(|account| account_no_of(account.number));
        let (Some(account), cif) = (account, cif_no(customer)) else {
            return Ok(());
        };
        if scene.is_first() {
            self.history(scene, customer, &account, &cif)?;
        }
        let own = customer.nights.get(&scene.night).into_iter().flatten();
        for event in own.filter(|event| !event.is_late) {
            self.event(event, customer, &account, &cif)?;
        }
        let before = customer
            .nights
            .get(&minus_days(scene.night, 1))
            .into_iter()
            .flatten();
        for event in before.filter(|event| event.is_late || event.is_sent_twice) {
            self.event(event, customer, &account, &cif)?;
        }
        Ok(())
    }

    fn history(
        &mut self,
        scene: Scene<'_>,
        customer: &Customer,
        account: &str,
        cif: &str,
    ) -> Result<(), SynthError> {
        let known_since = month_of(customer.since);
        for month in scene
            .window
            .months
            .iter()
            .filter(|month| **month >= known_since)
        {
            if crate::synth::window::first_day(*month) > scene.night {
                continue;
            }
            let counts = events::history(
                scene.seed,
                scene.window,
                customer.index,
                &customer.rates,
                *month,
            );
            for (kind, count) in counts {
                let (code, by_account) = match kind.channel {
                    Channel::Teller => ("TEL", true),
                    Channel::Atm => ("ATM", true),
                    Channel::PhoneAgent => ("AGT", false),
                    Channel::Ivr => ("IVR", false),
                    Channel::Web => ("WEB", false),
                    Channel::Mobile => ("MOB", false),
                };
                let (subject_type, subject) = if by_account {
                    ("A", account)
                } else {
                    ("C", cif)
                };
                self.event_history.row(
                    &[
                        &month.to_string(),
                        subject_type,
                        subject,
                        code,
                        kind.event_type,
                        &count.to_string(),
                    ],
                    0,
                )?;
            }
        }
        Ok(())
    }

    fn event(
        &mut self,
        event: &Event,
        customer: &Customer,
        account: &str,
        cif: &str,
    ) -> Result<(), SynthError> {
        let id = format!(
            "{}{:08}{:03}",
            event.at.format("%y%m%d"),
            customer.index,
            event.ordinal
        );
        let branch = match &customer.who {
            Who::Person(person) => person.identity.address.branch(),
            Who::Organisation(organisation) => organisation.address.branch(),
        };
        let amount = if event.amount > 0 {
            money(event.amount)
        } else {
            String::new()
        };
        let minutes = format!(
            "{}.{}",
            event.minutes_tenths / 10,
            event.minutes_tenths % 10
        );
        let iso = event.at.format("%Y-%m-%dT%H:%M:%S").to_string();
        let is_payment = event.kind.event_type == "payment";
        match event.kind.channel {
            Channel::Teller => {
                let code = match event.kind.event_type {
                    "cash_deposit" => "CD",
                    "cash_withdrawal" => "CW",
                    _ => "SV",
                };
                let at = event.at.format("%Y-%m-%d %H:%M:%S").to_string();
                let teller = format!("{branch}-{}", customer.index % 7);
                self.teller.row(
                    &[
                        &format!("T{id}"),
                        &at,
                        &branch,
                        &teller,
                        account,
                        code,
                        &amount,
                        &minutes,
                        "no remark",
                    ],
                    0,
                )
            }
            Channel::Atm => {
                let at = event.at.format("%Y%m%d%H%M%S").to_string();
                let device = format!("{branch}A{}", customer.index % 4);
                let code = if event.amount > 0 { "W" } else { "B" };
                self.atm.row(
                    &[&format!("A{id}"), &at, &device, account, code, &amount],
                    0,
                )
            }
            Channel::PhoneAgent | Channel::Ivr => {
                let (handled_by, reason) = if event.kind.channel == Channel::Ivr {
                    ("IVR", "BALANCE")
                } else {
                    ("AGENT", "SERVICE")
                };
                let at = event.at.format("%d/%m/%Y %H:%M:%S").to_string();
                self.phone.row(
                    &[&format!("C{id}"), &at, handled_by, cif, reason, &minutes],
                    0,
                )
            }
            Channel::Web => {
                let action = if is_payment { "pay" } else { "login" };
                self.web.row(&[&format!("W{id}"), &iso, cif, action], 0)
            }
            Channel::Mobile => {
                let device = if customer.index.is_multiple_of(3) {
                    "tablet"
                } else {
                    "phone"
                };
                let line = json!({
                    "id": format!("M{id}"),
                    "ts": iso,
                    "user": {"cif": cif, "device": device},
                    "action": if is_payment { "pay" } else { "session" },
                });
                self.mobile.row(&[&line.to_string()], 0)
            }
        }
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![
            self.event_history,
            self.teller,
            self.atm,
            self.phone,
            self.web,
            self.mobile,
        ]
    }
}
