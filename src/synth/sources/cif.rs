//! Customer information file and CRM: JSON lines of persons, organisations, contact points, consents, complaints.

use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value, json};

use crate::synth::Scene;
use crate::synth::coded::Charset;
use crate::synth::customer::{Customer, Person, Who};
use crate::synth::delivery::{ControlNames, Delivery, Fault, Layout, RARELY_DIRTY, Shape};
use crate::synth::draw::{Draw, Purpose};
use crate::synth::error::SynthError;
use crate::synth::faults::{Keyed, Record};
use crate::synth::identity::{Address, Identity, Sex, card_number};
use crate::synth::organisation::Organisation;
use crate::synth::product::Product;
use crate::synth::sources::Open;
use crate::synth::window::{minus_days, plus_days};

pub struct Cif {
    customers: Delivery,
    foreign_customers: Delivery,
    organisations: Delivery,
    contact_points: Delivery,
    consents: Delivery,
    do_not_call: Delivery,
    complaints: Delivery,
}

const fn layout(file: &'static str, control: &'static str, faults: &'static [Fault]) -> Layout {
    Layout {
        source: "cif",
        file,
        shape: Shape::Line,
        charset: Charset::Utf8,
        header: "",
        control: ControlNames::plain(control),
        faults,
        clean_per_dirty: RARELY_DIRTY,
    }
}

/// What CRM, channels and campaigns call the customer; those with a social security number begin with `F`.
#[must_use]
pub fn cif_no(customer: &Customer) -> String {
    match &customer.who {
        Who::Organisation(_) => organisation_no(customer.index),
        Who::Person(person) if person.identity.ssn.is_some() => person_no(customer.index, 0),
        Who::Person(_) => foreign_no(customer.index),
    }
}

#[must_use]
pub fn person_no(index: u64, ordinal: u64) -> String {
    format!("F{index:08}{ordinal}")
}

#[must_use]
pub fn foreign_no(index: u64) -> String {
    format!("G{index:08}0")
}

#[must_use]
pub fn organisation_no(index: u64) -> String {
    format!("O{index:08}0")
}

/// How often the CRM holds a person: 3 % have a second number, some Chinese a second one by their home id.
#[must_use]
pub fn numbers(seed: u64, identity: &Identity) -> (u64, bool) {
    let mut draw = Draw::new(seed, Purpose::Relations, 2, identity.index);
    let (second, both) = (draw.chance(0.03), draw.chance(0.10));
    let by_ssn = if identity.ssn.is_none() {
        0
    } else {
        1 + u64::from(second)
    };
    (
        by_ssn,
        identity.resident_id.is_some() && (identity.ssn.is_none() || both),
    )
}

impl Cif {
    pub fn open(open: &mut Open<'_>) -> Result<Self, SynthError> {
        const DIRT: &[Fault] = &[Fault::Twice, Fault::Cut];
        Ok(Self {
            customers: open(layout("customers.jsonl.zst", "customers.ctl", DIRT))?,
            foreign_customers: open(layout(
                "foreign_customers.jsonl.zst",
                "foreign_customers.ctl",
                &[],
            ))?,
            organisations: open(layout("organisations.jsonl.zst", "organisations.ctl", &[]))?,
            contact_points: open(layout(
                "contact_points.jsonl.zst",
                "contact_points.ctl",
                DIRT,
            ))?,
            consents: open(layout("consents.jsonl.zst", "consents.ctl", DIRT))?,
            do_not_call: open(layout(
                "do_not_call.jsonl.zst",
                "do_not_call.ctl",
                &[Fault::Twice],
            ))?,
            complaints: open(layout(
                "complaints.jsonl.zst",
                "complaints.ctl",
                &[Fault::Twice],
            ))?,
        })
    }

    pub fn write(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        if customer.since > scene.night {
            return Ok(());
        }
        match &customer.who {
            Who::Organisation(organisation) => self.organisation(organisation)?,
            Who::Person(person) => self.person(scene, customer, person)?,
        }
        self.complaints(scene, customer)
    }

    fn person(
        &mut self,
        scene: Scene<'_>,
        customer: &Customer,
        person: &Person,
    ) -> Result<(), SynthError> {
        let identity = &person.identity;
        let (by_ssn, by_resident_id) = numbers(scene.seed, identity);
        for ordinal in 0..by_ssn {
            let record = Record::of(scene.seed, identity, Keyed::Cif, ordinal);
            let mut line = described(scene, customer, person, &record);
            put(&mut line, "cif_no", person_no(customer.index, ordinal));
            if record.ssn.is_some() {
                put(&mut line, "ssn", record.ssn_dashed());
            }
            self.customers.row(&[&Value::Object(line).to_string()], 0)?;
            if ordinal == 0 {
                self.points(scene, &person_no(customer.index, 0), &record)?;
            }
        }
        if by_resident_id {
            let record = Record::of(scene.seed, identity, Keyed::ForeignCif, 0);
            let mut line = described(scene, customer, person, &record);
            for left_out in ["marital", "dependants", "income", "staff"] {
                line.remove(left_out);
            }
            put(&mut line, "cif_no", foreign_no(customer.index));
            if let Some(id) = &record.resident_id {
                put(&mut line, "resident_id", id.clone());
            }
            self.foreign_customers
                .row(&[&Value::Object(line).to_string()], 0)?;
            if by_ssn == 0 {
                self.points(scene, &foreign_no(customer.index), &record)?;
            }
        }
        self.consents(scene, customer, person)?;
        self.do_not_call(scene, person)
    }

    fn organisation(&mut self, organisation: &Organisation) -> Result<(), SynthError> {
        let no = organisation_no(organisation.index);
        let mut line = json!({
            "cif_no": no,
            "legal_name": organisation.legal_name,
            "tax_id": organisation.tax_id.to_string(),
            "industry": organisation.industry,
            "officer_id": organisation.officer,
            "address": address(&organisation.address),
            "branch": organisation.address.branch(),
            "segment": organisation.segment(),
            "since": organisation.since.to_string(),
            "bankrupt": false,
        });
        if organisation.head != organisation.index {
            line["parent_cif_no"] = Value::String(organisation_no(organisation.head));
        }
        self.organisations.row(&[&line.to_string()], 0)?;
        self.contact_points.row(
            &[&post(&no, &organisation.address, organisation.since, false)],
            0,
        )?;
        let phone = format!("+1 {}", organisation.phone);
        self.contact_points.row(
            &[&json!({"cif_no": no, "kind": "phone", "phone": phone}).to_string()],
            0,
        )
    }

    fn points(&mut self, scene: Scene<'_>, no: &str, record: &Record) -> Result<(), SynthError> {
        let digits: u64 = no
            .bytes()
            .fold(0, |sum, byte| sum * 7 % 1_000_003 + u64::from(byte));
        let verified_on = minus_days(scene.window.start, digits % 900);
        let undeliverable = digits.is_multiple_of(37);
        self.contact_points
            .row(&[&post(no, &record.address, verified_on, undeliverable)], 0)?;
        let phone = json!({"cif_no": no, "kind": "phone", "phone": record.phone_grouped(), "verified_on": verified_on.to_string(), "undeliverable": false});
        self.contact_points.row(&[&phone.to_string()], 0)?;
        if !digits.is_multiple_of(5) {
            let email = json!({"cif_no": no, "kind": "email", "email": record.email, "undeliverable": digits.is_multiple_of(29)});
            self.contact_points.row(&[&email.to_string()], 0)?;
        }
        Ok(())
    }

    /// Given at the start of the relationship; some are taken back later.
    fn consents(
        &mut self,
        scene: Scene<'_>,
        customer: &Customer,
        person: &Person,
    ) -> Result<(), SynthError> {
        let mut draw = Draw::new(scene.seed, Purpose::Relations, 3, customer.index);
        let no = cif_no(customer);
        let start = person.identity.since;
        for (ordinal, (purpose, given)) in [
            ("contact", 0.88),
            ("profiling", 0.75),
            ("affiliate_sharing", 0.30),
        ]
        .into_iter()
        .enumerate()
        {
            let status = if draw.chance(given) { "in" } else { "out" };
            let (withdraws, second) = (draw.chance(0.05), draw.below(36_000));
            let window = scene.window;
            let withdrawn_on = minus_days(
                window.last_night,
                draw.below(window.length().cast_unsigned()),
            );
            let mut event = |on: NaiveDate, status: &str, step: u64, channel: &str| {
                if !scene.is_tonight(on) {
                    return Ok(());
                }
                let at = format!(
                    "{on}T{:02}:{:02}:{:02}",
                    8 + second / 3_600,
                    second / 60 % 60,
                    second % 60
                );
                let line = json!({
                    "consent_no": format!("CN{:08}{ordinal}{step}", customer.index),
                    "cif_no": no,
                    "purpose": purpose,
                    "channel": channel,
                    "status": status,
                    "captured_at": at,
                    "via": if step == 0 { "branch" } else { "web" },
                    "legal_basis": if step == 0 { "relationship" } else { "consent" },
                });
                self.consents.row(&[&line.to_string()], 0)
            };
            event(start, status, 0, "any")?;
            if withdraws && status == "in" && withdrawn_on > start {
                event(
                    withdrawn_on,
                    "out",
                    1,
                    if second % 3 == 0 { "phone" } else { "any" },
                )?;
            }
        }
        Ok(())
    }

    /// Numbers on a list; the household shares the number, so its first member speaks for it.
    fn do_not_call(&mut self, scene: Scene<'_>, person: &Person) -> Result<(), SynthError> {
        let identity = &person.identity;
        let mut draw = Draw::new(scene.seed, Purpose::Relations, 4, identity.index);
        let (national, bank, days) = (draw.chance(0.15), draw.chance(0.01), draw.below(900));
        let added_on = minus_days(scene.window.first_night, days);
        let phone = format!("+1{}", identity.phone);
        // The national list is fetched on the first day of each month.
        let as_of = scene.night.with_day(1).unwrap_or(scene.night);
        if national && identity.index == identity.household {
            let line = json!({"list": "national", "phone": phone, "added_on": added_on.to_string(), "as_of": as_of.to_string()});
            self.do_not_call.row(&[&line.to_string()], 0)?;
        }
        if bank && identity.index == identity.household {
            let line = json!({"list": "bank", "phone": phone, "added_on": added_on.to_string()});
            self.do_not_call.row(&[&line.to_string()], 0)?;
        }
        Ok(())
    }

    fn complaints(&mut self, scene: Scene<'_>, customer: &Customer) -> Result<(), SynthError> {
        let mut draw = Draw::new(scene.seed, Purpose::Relations, 5, customer.index);
        let (complains, closes) = (draw.chance(0.05), draw.chance(0.8));
        let opened_on = minus_days(
            scene.window.last_night,
            draw.below(scene.window.length().cast_unsigned()),
        );
        let closed_on = plus_days(opened_on, 2 + draw.below(40));
        let topic = *draw.pick(&[
            "fees",
            "service",
            "card_dispute",
            "credit_dispute",
            "privacy",
        ]);
        let severity = draw.between(1, 3);
        let closed_on = Some(closed_on).filter(|day| closes && *day <= scene.night);
        let is_news =
            scene.is_tonight(opened_on) || closed_on.is_some_and(|day| scene.is_tonight(day));
        if !complains || !is_news || opened_on > scene.night || opened_on < customer.since {
            return Ok(());
        }
        let mut line = json!({
            "complaint_no": format!("CP{:08}", customer.index),
            "cif_no": cif_no(customer),
            "opened_on": opened_on.to_string(),
            "topic": topic,
            "severity": severity,
        });
        if let Some(day) = closed_on {
            line["closed_on"] = Value::String(day.to_string());
        }
        self.complaints.row(&[&line.to_string()], 0)
    }

    pub fn into_deliveries(self) -> Vec<Delivery> {
        vec![
            self.customers,
            self.foreign_customers,
            self.organisations,
            self.contact_points,
            self.consents,
            self.do_not_call,
            self.complaints,
        ]
    }
}

/// What both files of persons hold; the key and the national id are added by the caller.
fn described(
    scene: Scene<'_>,
    customer: &Customer,
    person: &Person,
    record: &Record,
) -> Map<String, Value> {
    let identity = &person.identity;
    let mut draw = Draw::new(scene.seed, Purpose::Relations, 1, identity.index);
    let wealth = person.traits.wealth;
    let age = identity.age_on(scene.window.first_night);
    let (legal_hold, staff, vip, deceased) = (
        draw.chance(0.003),
        draw.chance(0.01),
        draw.chance(0.02),
        draw.chance(0.005),
    );
    let (bankrupt, single, benefit, own_business) = (
        draw.chance(0.15),
        draw.pick(&["s", "d", "w"]),
        draw.chance(0.06),
        draw.chance(0.1),
    );
    let (dependants, names_card, names_language) =
        (draw.below(4), draw.chance(0.6), draw.chance(0.8));
    let quiet_days = 1 + draw.below(if person.traits.is_dormant { 700 } else { 30 });
    let asks_for_relief = draw.chance(0.25);
    let segment = match wealth {
        _ if legal_hold => "legal_hold",
        wealth if wealth > 2.2 => "private",
        wealth if wealth > 1.2 => "affluent",
        _ => "mass",
    };
    let income = match age {
        age if age > 66.0 => "pension",
        _ if benefit => "benefit",
        _ if own_business => "self",
        _ => "employment",
    };
    let mut line = Map::new();
    line.insert(
        "name".to_owned(),
        json!({"family": record.family, "given": record.given}),
    );
    if let Some(born) = record.born {
        put(&mut line, "born", born.to_string());
    }
    put(
        &mut line,
        "gender",
        if identity.sex == Sex::Male { "m" } else { "f" },
    );
    put(
        &mut line,
        "marital",
        if identity.is_married { "m" } else { single },
    );
    put(
        &mut line,
        "nationality",
        if identity.native.is_some() && identity.ssn.is_none() {
            "CN"
        } else {
            "US"
        },
    );
    if names_language {
        put(
            &mut line,
            "language",
            if identity.native.is_some() {
                "zh"
            } else {
                "en"
            },
        );
    }
    line.insert("dependants".to_owned(), json!(dependants));
    put(&mut line, "income", income);
    line.insert("address".to_owned(), address(&record.address));
    let has_card = customer
        .accounts
        .iter()
        .any(|account| account.product == Product::CreditCard && account.exists_on(scene.night));
    if has_card && names_card {
        put(
            &mut line,
            "card_no",
            card_number(scene.seed, identity.index, 0),
        );
    }
    put(&mut line, "branch", identity.address.branch());
    put(&mut line, "segment", segment);
    put(&mut line, "since", identity.since.to_string());
    let active_on = last_active(scene, customer, quiet_days);
    put(&mut line, "active_on", active_on.to_string());
    line.insert("staff".to_owned(), json!(staff));
    line.insert("vip".to_owned(), json!(vip || segment == "private"));
    line.insert("deceased".to_owned(), json!(deceased));
    let in_hardship = asks_for_relief && person.traits.stress > 1.3;
    line.insert("hardship".to_owned(), json!(in_hardship));
    line.insert(
        "bankrupt".to_owned(),
        json!(bankrupt && person.traits.stress > 1.8),
    );
    line
}

/// The last day with an event before or in the night, or before all stood still; for most, some days before the logs begin.
fn last_active(scene: Scene<'_>, customer: &Customer, quiet_days: u64) -> NaiveDate {
    let until = customer
        .still_after
        .map_or(scene.night, |day| day.min(scene.night));
    customer
        .nights
        .range(..=until)
        .rev()
        .find(|(_, events)| !events.is_empty())
        .map_or(
            minus_days(scene.window.first_night, quiet_days),
            |(day, _)| *day,
        )
        .max(customer.since)
}

fn put(line: &mut Map<String, Value>, name: &str, text: impl Into<String>) {
    line.insert(name.to_owned(), Value::String(text.into()));
}

fn address(address: &Address) -> Value {
    let (city, state, postcode) = address.place();
    json!({"street": address.street, "city": city, "state": state, "zip": postcode})
}

fn post(no: &str, address: &Address, verified_on: NaiveDate, undeliverable: bool) -> String {
    let (city, state, postcode) = address.place();
    json!({
        "cif_no": no,
        "kind": "post",
        "street": address.street,
        "city": city,
        "state": state,
        "zip": postcode,
        "undeliverable": undeliverable,
        "verified_on": verified_on.to_string(),
    })
    .to_string()
}
