//! `bank.yml`: codes of currency and country, calendar, retention, parameters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::bank::{BankSpec, Calendar, JointAccounts, Parameter, Retention};
use crate::config::document::{Document, Reporter};
use crate::config::raw::{
    RawBank, RawCalendar, RawJointAccounts, RawMonths, RawParameterType, RawRetention,
};
use crate::config::yaml::Node;
use crate::diagnostic::Diagnostics;
use crate::domain::{BusinessDate, Money};

/// Bound by every run; a bank cannot give them another meaning.
pub const RUN_PARAMETERS: [&str; 3] = ["business_date", "month", "joint_accounts"];

pub fn check(
    raw: RawBank,
    root: &Path,
    document: &Document,
    problems: &mut Diagnostics,
) -> BankSpec {
    let node = &document.node;
    let mut report = Reporter { document, problems };
    let money_scale = check_currency(&raw.currency, node, &mut report);
    check_country(&raw.country, node.get("country"), &mut report);
    if let Some(command) = &raw.on_failure
        && command.first().is_some_and(String::is_empty)
    {
        report.at(node.get("on_failure"), "`on_failure` names no program");
    }
    let parameters = check_parameters(&raw, node.get("parameters"), &mut report);
    BankSpec {
        money_scale,
        landing: resolve(root, &raw.landing),
        warehouse: raw.warehouse.as_deref().map(|path| resolve(root, path)),
        key_file: raw.key_file.as_deref().map(|path| resolve(root, path)),
        calendar: check_calendar(raw.calendar, node.get("calendar"), &mut report),
        joint_accounts: match raw.joint_accounts {
            RawJointAccounts::Equal => JointAccounts::Equal,
            RawJointAccounts::Primary => JointAccounts::Primary,
            RawJointAccounts::Ownership => JointAccounts::Ownership,
        },
        retention: retention(&raw.retention),
        parameters,
        on_failure: raw.on_failure,
        name: raw.name,
        currency: raw.currency,
        country: raw.country,
    }
}

/// Stands in for a broken `bank.yml` so that the other files are still checked.
pub fn stand_in() -> BankSpec {
    BankSpec {
        name: String::new(),
        currency: String::new(),
        money_scale: 2,
        country: "US".to_owned(),
        landing: PathBuf::new(),
        warehouse: None,
        key_file: None,
        calendar: Calendar::Daily,
        joint_accounts: JointAccounts::Equal,
        retention: retention(&RawRetention::default()),
        parameters: BTreeMap::new(),
        on_failure: None,
    }
}

/// Joined without `.` and with `..` taken back where it can be, so that messages read well.
fn resolve(root: &Path, written: &str) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in root.join(written).components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir
                if matches!(
                    resolved.components().next_back(),
                    Some(std::path::Component::Normal(_))
                ) =>
            {
                resolved.pop();
            }
            other => resolved.push(other),
        }
    }
    resolved
}

/// Decimal places of the currency; a problem at the node's `currency` when money in it cannot be exact.
pub fn check_currency(code: &str, node: &Node, report: &mut Reporter<'_>) -> u32 {
    let Some(currency) = iso_currency::Currency::from_code(code) else {
        report.at_hint(
            node.get("currency"),
            format!("`{code}` is no ISO 4217 currency"),
            "use a code such as USD, EUR, CZK, JPY or CNY",
        );
        return 2;
    };
    let Some(exponent) = currency.exponent() else {
        report.at(
            node.get("currency"),
            format!("`{code}` has no smallest unit, so that money in it cannot be exact"),
        );
        return 2;
    };
    u32::from(exponent)
}

/// Whether a code is a region that phone numbers know.
pub fn is_country(code: &str) -> bool {
    code.parse::<phonenumber::country::Id>().is_ok()
}

fn check_country(code: &str, node: &Node, report: &mut Reporter<'_>) {
    if !is_country(code) {
        let upper = code.to_uppercase();
        let hint = if is_country(&upper) {
            format!("write `{upper}`")
        } else {
            "use two letters such as US, CZ or CN".to_owned()
        };
        report.at_hint(node, format!("`{code}` is no ISO 3166 country"), hint);
    }
}

fn check_calendar(raw: RawCalendar, node: &Node, report: &mut Reporter<'_>) -> Calendar {
    let texts = match raw {
        RawCalendar::Daily => return Calendar::Daily,
        RawCalendar::Weekdays => return Calendar::Weekdays,
        RawCalendar::Dates(texts) => texts,
    };
    let mut dates: Vec<BusinessDate> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let place = node.get("dates").item(index);
        match text.parse() {
            Ok(date) if dates.contains(&date) => {
                report.at(place, format!("the date {date} is listed twice"));
            }
            Ok(date) => dates.push(date),
            Err(error) => {
                report.at(place, error.to_string());
            }
        }
    }
    dates.sort_unstable();
    Calendar::Dates(dates)
}

fn retention(raw: &RawRetention) -> Retention {
    Retention {
        months: match &raw.months {
            Some(RawMonths::Word(_)) => None,
            Some(RawMonths::Count(months)) => Some(*months),
            None => Some(13),
        },
        staging_days: raw.staging_days.unwrap_or(7),
        daily_releases: raw.daily_releases.unwrap_or(7),
        month_end_releases: raw.month_end_releases.unwrap_or(13),
    }
}

fn check_parameters(
    raw: &RawBank,
    node: &Node,
    report: &mut Reporter<'_>,
) -> BTreeMap<String, Parameter> {
    let mut parameters = BTreeMap::new();
    for (name, parameter) in &raw.parameters.0 {
        if RUN_PARAMETERS.contains(&name.as_str()) {
            report.at_key_hint(
                node,
                name,
                format!("the parameter `{name}` is bound by every run"),
                "choose another name",
            );
        }
        let value = node.get(name).get("value");
        let text = parameter.value.text();
        let checked = read_parameter(parameter.kind, text).unwrap_or_else(|message| {
            report.at(value, message);
            Parameter::Text(text.to_owned())
        });
        parameters.insert(name.clone(), checked);
    }
    parameters
}

/// A parameter's value from its text, or what is wrong with it.
pub fn read_parameter(kind: RawParameterType, text: &str) -> Result<Parameter, String> {
    match kind {
        RawParameterType::Text => Ok(Parameter::Text(text.to_owned())),
        RawParameterType::Integer => text
            .parse()
            .map(Parameter::Integer)
            .map_err(|_| format!("`{text}` is no integer; expected digits such as 365")),
        RawParameterType::Decimal => {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            // Any scale is exact as long as the digits fit DECIMAL(38).
            match Money::parse_decimal(text, 18) {
                Some(_) if digits <= 38 => Ok(Parameter::Decimal(text.to_owned())),
                _ => Err(format!(
                    "`{text}` is no decimal; expected plain notation such as 0.035"
                )),
            }
        }
        RawParameterType::Date => text
            .parse()
            .map(Parameter::Date)
            .map_err(|error: crate::domain::business_date::DateError| error.to_string()),
    }
}
