//! Columns of feeds and reference tables: keys that fit the type, and what protection asks for.

use super::{BankContext, bank, date_format};
use crate::config::document::Reporter;
use crate::config::feed::{
    Classification, Cleaner, CodeMap, ColumnSpec, DataType, NationalIdScheme, NegativeSign,
    Notation, Positions, Protection, UnmappedCode,
};
use crate::config::raw::{
    RawClassification, RawCleaner, RawColumn, RawFormatType, RawMapOther, RawNegative,
    RawProtection, RawScheme, RawSimpleCleaner, RawType,
};
use crate::config::yaml::Node;

/// One column being checked.
struct Column<'a> {
    name: &'a str,
    raw: &'a RawColumn,
    node: &'a Node,
    layout: RawFormatType,
    context: &'a BankContext<'a>,
}

/// `parent` is the mapping of all columns.
pub fn check(
    name: &str,
    raw: &RawColumn,
    parent: &Node,
    layout: RawFormatType,
    context: &BankContext<'_>,
    report: &mut Reporter<'_>,
) -> ColumnSpec {
    let column = Column {
        name,
        raw,
        node: parent.get(name),
        layout,
        context,
    };
    if name.starts_with('_') {
        report.at_key_hint(
            parent,
            name,
            format!("the column `{name}` starts with an underscore"),
            "such names are kept for columns that salenet adds, such as _file_id",
        );
    }
    column.refuse_keys_of_other_types(report);
    column.check_map(report);
    column.check_protection(report);
    ColumnSpec {
        name: name.to_owned(),
        from: raw.from.clone().unwrap_or_else(|| name.to_owned()),
        at: raw.at.map(|[start, length]| (start, length)),
        data_type: column.data_type(report),
        required: raw.required,
        nulls: raw.nulls.clone().unwrap_or_else(|| vec![String::new()]),
        clean: column.cleaners(report),
        map: raw.map.as_ref().map(|map| CodeMap {
            values: map
                .0
                .iter()
                .map(|(code, meaning)| (code.clone(), meaning.text().to_owned()))
                .collect(),
            other: match raw.map_other {
                None | Some(RawMapOther::Reject) => UnmappedCode::Reject,
                Some(RawMapOther::Keep) => UnmappedCode::Keep,
                Some(RawMapOther::Null) => UnmappedCode::Null,
            },
        }),
        protect: raw.protect.as_ref().map(protection),
        classification: classification(raw.classification),
        known_after_contact: raw.known_after_contact,
        description: raw.description.clone().unwrap_or_default(),
    }
}

impl Column<'_> {
    fn data_type(&self, report: &mut Reporter<'_>) -> DataType {
        match self.raw.kind {
            RawType::String => DataType::String,
            RawType::Integer => DataType::Integer,
            RawType::Decimal => {
                if self.raw.scale.is_none() {
                    report.at_hint(
                        self.node.get("type"),
                        format!("the decimal `{}` has no `scale`", self.name),
                        "add `scale`: the digits after the point, such as 6",
                    );
                }
                let scale = self.raw.scale.unwrap_or(0);
                DataType::Decimal {
                    scale,
                    notation: self.notation(scale, report),
                }
            }
            RawType::Money => {
                let scale = self.context.bank.money_scale;
                DataType::Money {
                    scale,
                    notation: self.notation(scale, report),
                }
            }
            RawType::Date => DataType::Date {
                format: self.date_format("%Y-%m-%d", report),
                pivot: self.raw.pivot,
            },
            RawType::Timestamp => DataType::Timestamp {
                format: self.date_format("%Y-%m-%dT%H:%M:%S", report),
                pivot: self.raw.pivot,
            },
            RawType::Boolean => self.boolean(report),
        }
    }

    fn refuse_keys_of_other_types(&self, report: &mut Reporter<'_>) {
        let raw = self.raw;
        let is = |kinds: &[RawType]| kinds.contains(&raw.kind);
        let dated = is(&[RawType::Date, RawType::Timestamp]);
        let numeric = is(&[RawType::Decimal, RawType::Money]);
        let text = is(&[RawType::String]);
        let rules = [
            (
                "format",
                raw.format.is_some(),
                dated,
                "dates and timestamps",
            ),
            ("pivot", raw.pivot.is_some(), dated, "dates and timestamps"),
            (
                "scale",
                raw.scale.is_some(),
                is(&[RawType::Decimal]),
                "decimals",
            ),
            (
                "decimal_mark",
                raw.decimal_mark.is_some(),
                numeric,
                "money and decimals",
            ),
            (
                "group_mark",
                raw.group_mark.is_some(),
                numeric,
                "money and decimals",
            ),
            (
                "negative",
                raw.negative.is_some(),
                numeric,
                "money and decimals",
            ),
            (
                "implied_decimals",
                raw.implied_decimals.is_some(),
                numeric,
                "money and decimals",
            ),
            (
                "true",
                raw.truthy.is_some(),
                is(&[RawType::Boolean]),
                "booleans",
            ),
            (
                "false",
                raw.falsy.is_some(),
                is(&[RawType::Boolean]),
                "booleans",
            ),
            ("map", raw.map.is_some(), text, "strings"),
            ("protect", raw.protect.is_some(), text, "strings"),
        ];
        for (key, given, allowed, owner) in rules {
            if given && !allowed {
                let kind = self.node.get("type").text().unwrap_or_default();
                let message = format!(
                    "`{key}` is for {owner}, but `{}` is of type {kind}",
                    self.name
                );
                if key == "scale" && raw.kind == RawType::Money {
                    let hint = "the bank's currency gives the scale of money; remove `scale`";
                    report.at_key_hint(self.node, key, message, hint);
                } else {
                    report.at_key(self.node, key, message);
                }
            }
        }
    }

    fn notation(&self, scale: u32, report: &mut Reporter<'_>) -> Notation {
        let decimal_mark = self.mark("decimal_mark", self.raw.decimal_mark.as_deref(), report);
        let group_mark = self.mark("group_mark", self.raw.group_mark.as_deref(), report);
        let decimal_mark = decimal_mark.unwrap_or('.');
        if group_mark == Some(decimal_mark) {
            let key = if self.raw.group_mark.is_some() {
                "group_mark"
            } else {
                "decimal_mark"
            };
            report.at_hint(
                self.node.get(key),
                format!(
                    "`{decimal_mark}` is both decimal mark and group mark of `{}`",
                    self.name
                ),
                "give `decimal_mark` and `group_mark` different characters",
            );
        }
        let implied_decimals = self.raw.implied_decimals.unwrap_or(0);
        if implied_decimals > scale {
            report.at(
                self.node.get("implied_decimals"),
                format!(
                    "`{}` implies {implied_decimals} decimals but keeps only {scale}",
                    self.name
                ),
            );
        }
        Notation {
            decimal_mark,
            group_mark,
            negative: match self.raw.negative {
                None | Some(RawNegative::Leading) => NegativeSign::Leading,
                Some(RawNegative::Trailing) => NegativeSign::Trailing,
                Some(RawNegative::Parentheses) => NegativeSign::Parentheses,
            },
            implied_decimals,
        }
    }

    fn mark(&self, key: &str, text: Option<&str>, report: &mut Reporter<'_>) -> Option<char> {
        let text = text?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(mark), None) if !mark.is_alphanumeric() && !"-+()".contains(mark) => Some(mark),
            _ => {
                report.at(
                    self.node.get(key),
                    format!("`{text}` cannot be a {}; expected one character such as \".\", \",\" or \" \"", key.replace('_', " ")),
                );
                None
            }
        }
    }

    fn date_format(&self, iso: &str, report: &mut Reporter<'_>) -> String {
        let dated = if self.raw.kind == RawType::Date {
            "date"
        } else {
            "timestamp"
        };
        let Some(format) = &self.raw.format else {
            // Parquet stores dates as dates; everything else is text and has a notation.
            if self.layout != RawFormatType::Parquet {
                report.at_hint(
                    self.node.get("type"),
                    format!("the {dated} `{}` has no `format`", self.name),
                    format!("add `format`, such as \"{iso}\""),
                );
            }
            return iso.to_owned();
        };
        let checked = if self.raw.kind == RawType::Date {
            date_format::check_date(format)
        } else {
            date_format::check_timestamp(format)
        };
        if let Err(message) = checked {
            report.at_hint(
                self.node.get("format"),
                message,
                format!("write it as in \"{iso}\""),
            );
            return iso.to_owned();
        }
        match (date_format::has_short_year(format), self.raw.pivot) {
            (true, None) => report.at_hint(
                self.node.get("format"),
                format!(
                    "`{format}` writes years with two digits, but `{}` has no `pivot`",
                    self.name
                ),
                "add `pivot`: years below it are 20yy, others 19yy",
            ),
            (false, Some(_)) => report.at_key_hint(
                self.node,
                "pivot",
                format!("`{format}` writes whole years, so that `pivot` means nothing"),
                "remove `pivot`",
            ),
            _ => {}
        }
        format.clone()
    }

    fn boolean(&self, report: &mut Reporter<'_>) -> DataType {
        let words = |given: Option<&Vec<String>>, standard: [&str; 3]| {
            given
                .cloned()
                .unwrap_or_else(|| standard.map(str::to_owned).to_vec())
        };
        let (one_sided, missing) = match (&self.raw.truthy, &self.raw.falsy) {
            (Some(_), None) => (Some("true"), "false"),
            (None, Some(_)) => (Some("false"), "true"),
            _ => (None, ""),
        };
        if let Some(given) = one_sided {
            report.at_key_hint(
                self.node,
                given,
                format!(
                    "`{}` says what means {given}, but not what means {missing}",
                    self.name
                ),
                format!("add `{missing}`"),
            );
        }
        let truthy = words(self.raw.truthy.as_ref(), ["true", "Y", "1"]);
        let falsy = words(self.raw.falsy.as_ref(), ["false", "N", "0"]);
        if let Some(both) = truthy.iter().find(|word| falsy.contains(word))
            && one_sided.is_none()
        {
            report.at(
                self.node.get("false"),
                format!("`{both}` means both true and false in `{}`", self.name),
            );
        }
        DataType::Boolean { truthy, falsy }
    }

    fn cleaners(&self, report: &mut Reporter<'_>) -> Vec<Cleaner> {
        let list = self.node.get("clean");
        let mut cleaners = Vec::new();
        for (index, raw) in self.raw.clean.iter().enumerate() {
            let place = list.item(index);
            let cleaner = match raw {
                RawCleaner::Simple(simple) => simple_cleaner(*simple, &self.context.bank.country),
                RawCleaner::Phone(phone) => {
                    if !bank::is_country(&phone.phone) {
                        report.at_hint(
                            place.get("phone"),
                            format!("`{}` is no ISO 3166 country", phone.phone),
                            "use two letters such as US, CZ or CN",
                        );
                    }
                    Cleaner::Phone {
                        region: phone.phone.clone(),
                    }
                }
            };
            let works_on_any = cleaner == Cleaner::Trim;
            if self.raw.kind != RawType::String && !works_on_any {
                let kind = self.node.get("type").text().unwrap_or_default();
                report.at(
                    place,
                    format!(
                        "this cleaner is for strings, but `{}` is of type {kind}",
                        self.name
                    ),
                );
            }
            if cleaners.contains(&cleaner) {
                report.at(
                    place,
                    format!("`{}` is cleaned twice in the same way", self.name),
                );
            }
            cleaners.push(cleaner);
        }
        cleaners
    }

    fn check_map(&self, report: &mut Reporter<'_>) {
        if self.raw.map_other.is_some() && self.raw.map.is_none() {
            report.at_key_hint(
                self.node,
                "map_other",
                format!("`map_other` without `map` means nothing in `{}`", self.name),
                "add `map`, or remove `map_other`",
            );
        }
    }

    fn check_protection(&self, report: &mut Reporter<'_>) {
        if self.raw.protect.is_none() {
            return;
        }
        if self.raw.map.is_some() {
            report.at_key(
                self.node,
                "map",
                format!("`{}` is protected; its codes cannot be mapped", self.name),
            );
        }
        if self.context.is_sound && self.context.bank.key_file.is_none() {
            report.at_key_hint(
                self.node,
                "protect",
                format!(
                    "`{}` is protected, but the bank has no key for tokens",
                    self.name
                ),
                "add `key_file` to bank.yml",
            );
        }
    }
}

fn simple_cleaner(raw: RawSimpleCleaner, country: &str) -> Cleaner {
    match raw {
        RawSimpleCleaner::Trim => Cleaner::Trim,
        RawSimpleCleaner::Collapse => Cleaner::Collapse,
        RawSimpleCleaner::Upper => Cleaner::Upper,
        RawSimpleCleaner::Lower => Cleaner::Lower,
        RawSimpleCleaner::Nfkc => Cleaner::Nfkc,
        RawSimpleCleaner::PersonName => Cleaner::PersonName,
        RawSimpleCleaner::OrganisationName => Cleaner::OrganisationName,
        RawSimpleCleaner::Address => Cleaner::Address,
        RawSimpleCleaner::Phone => Cleaner::Phone {
            region: country.to_owned(),
        },
        RawSimpleCleaner::Email => Cleaner::Email,
        RawSimpleCleaner::Digits => Cleaner::Digits,
        RawSimpleCleaner::Iban => Cleaner::Iban,
    }
}

fn protection(raw: &RawProtection) -> Protection {
    let scheme_of = |scheme: &RawScheme| match scheme {
        RawScheme::UsSsn => NationalIdScheme::UsSsn,
        RawScheme::CnResident => NationalIdScheme::CnResident,
        RawScheme::Any => NationalIdScheme::Any,
    };
    match raw {
        RawProtection::Card => Protection::Card,
        RawProtection::Iban => Protection::Iban,
        RawProtection::Phone => Protection::Phone,
        RawProtection::NationalId(scheme) => Protection::NationalId {
            scheme: scheme_of(scheme),
            positions: Positions::None,
        },
        RawProtection::NationalIdPositions(scheme) => Protection::NationalId {
            scheme: scheme_of(scheme),
            positions: Positions::Kept,
        },
    }
}

pub fn classification(raw: RawClassification) -> Classification {
    match raw {
        RawClassification::Internal => Classification::Internal,
        RawClassification::Direct => Classification::Direct,
        RawClassification::Proxy => Classification::Proxy,
        RawClassification::Prohibited => Classification::Prohibited,
    }
}
