//! Shape of a tree against a JSON Schema: every unknown key, missing key and wrong type at once.
//!
//! Knows the part of JSON Schema that the raw types produce, and no more.

use std::fmt;
use std::ops::Range;

use serde_json::Value;

use super::{Content, Node, ScalarKind};
use crate::config::schema::IDENTIFIER_PATTERN;
use crate::diagnostic::{Diagnostics, SourceText, closest, one_of};
use crate::domain::table::is_identifier;

/// Reports every place where `node` departs from `schema`.
pub fn validate(source: &SourceText, schema: &Value, node: &Node, problems: &mut Diagnostics) {
    let mut validator = Validator {
        source,
        root: schema,
        problems,
    };
    let owner = Owner {
        name: Name::File,
        range: node.range.start..node.range.start,
    };
    validator.check(schema, node, &owner);
}

/// What a value belongs to: its key, named and marked when the value itself is absent.
struct Owner<'n> {
    name: Name<'n>,
    range: Range<usize>,
}

/// Only spelt out when there is a problem.
enum Name<'n> {
    File,
    Key(&'n str),
    Item(usize, &'n Name<'n>),
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Key(key) => write!(f, "`{key}`"),
            Self::Item(index, list) => write!(f, "item {} of {list}", index + 1),
        }
    }
}

struct Validator<'a> {
    source: &'a SourceText,
    root: &'a Value,
    problems: &'a mut Diagnostics,
}

impl<'a> Validator<'a> {
    fn check(&mut self, schema: &'a Value, node: &Node, owner: &Owner<'_>) {
        let alternatives = self.alternatives(schema);
        let [only] = alternatives.as_slice() else {
            self.check_alternatives(&alternatives, node, owner);
            return;
        };
        match &node.content {
            Content::Mapping(_) if accepts(only, "object") => self.check_mapping(only, node, owner),
            Content::Sequence(items) if accepts(only, "array") => {
                for (index, item) in items.iter().enumerate() {
                    let item_owner = Owner {
                        name: Name::Item(index, &owner.name),
                        range: item.range.clone(),
                    };
                    if let Some(item_schema) = only.get("items") {
                        self.check(item_schema, item, &item_owner);
                    }
                }
                self.check_length(only, items.len(), node, owner);
            }
            Content::Scalar { .. } if matches_scalar(only, node) => {}
            _ => self.wrong_kind(&alternatives, node, owner),
        }
    }

    fn check_length(&mut self, schema: &Value, length: usize, node: &Node, owner: &Owner<'_>) {
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let length = length as u64;
        if let (Some(least), Some(most)) = (limit("minItems"), limit("maxItems"))
            && (length < least || length > most)
        {
            let message = format!("{} has {length} items, expected {least}", owner.name);
            self.problems
                .push(self.source.error(self.visible(node, owner), message));
        } else if limit("minItems").is_some_and(|least| length < least) {
            let message = format!("{} is empty", owner.name);
            self.problems
                .push(self.source.error(self.visible(node, owner), message));
        }
    }

    /// The schemas of which one must hold, references and nested choices resolved.
    fn alternatives(&self, schema: &'a Value) -> Vec<&'a Value> {
        let choice = schema.get("oneOf").or_else(|| schema.get("anyOf"));
        if let Some(Value::Array(choices)) = choice {
            return choices
                .iter()
                .flat_map(|choice| self.alternatives(choice))
                .collect();
        }
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer))
                .map_or_else(Vec::new, |target| self.alternatives(target)),
            None => vec![schema],
        }
    }

    fn check_alternatives(&mut self, alternatives: &[&'a Value], node: &Node, owner: &Owner<'_>) {
        let chosen = match &node.content {
            Content::Scalar { .. } => {
                if alternatives.iter().any(|each| matches_scalar(each, node)) {
                    return;
                }
                None
            }
            Content::Sequence(_) => alternatives.iter().find(|each| accepts(each, "array")),
            Content::Mapping(entries) => alternatives.iter().find(|each| {
                entries.iter().any(|entry| {
                    each.pointer("/properties")
                        .and_then(|p| p.get(&entry.key))
                        .is_some()
                })
            }),
        };
        match chosen {
            Some(schema) => self.check(schema, node, owner),
            None => self.wrong_kind(alternatives, node, owner),
        }
    }

    fn check_mapping(&mut self, schema: &'a Value, node: &Node, owner: &Owner<'_>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        // A key that was meant by an unknown one is not reported as missing too.
        let mut misspelt = Vec::new();
        for entry in node.entries() {
            let entry_owner = Owner {
                name: Name::Key(&entry.key),
                range: entry.key_range.clone(),
            };
            let known = properties.and_then(|properties| properties.get(&entry.key));
            match (known, others) {
                (Some(property), _) => self.check(property, &entry.value, &entry_owner),
                (None, Some(Value::Bool(false))) => {
                    let known = properties.into_iter().flat_map(|map| map.keys());
                    // Keys that are already there cannot be meant.
                    let known: Vec<&str> = known.map(String::as_str).collect();
                    let free = known.iter().copied().filter(|key| node.find(key).is_none());
                    let near = closest(&entry.key, free);
                    misspelt.extend(near);
                    self.unknown_key(&entry.key, &entry.key_range, near, &known);
                }
                (None, Some(other)) => {
                    self.check_name(schema, &entry.key, &entry.key_range);
                    self.check(other, &entry.value, &entry_owner);
                }
                (None, None) => {}
            }
        }
        if others.is_some_and(Value::is_object) && node.entries().is_empty() {
            let message = format!("{} is empty", owner.name);
            self.problems
                .push(self.source.error(owner.range.clone(), message));
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if node.find(key).is_none() && !misspelt.contains(&key) {
                let about = properties
                    .and_then(|properties| properties.get(key))
                    .and_then(|property| self.description(property));
                let message = format!("{} has no `{key}`", owner.name);
                self.problems.push(
                    self.source
                        .error(owner.range.clone(), message)
                        .hint_if(about.map(|about| format!("add `{key}`: {about}"))),
                );
            }
        }
    }

    fn description(&self, property: &'a Value) -> Option<String> {
        let own = property.get("description").and_then(Value::as_str);
        let text = own.or_else(|| {
            let [only] = self.alternatives(property)[..] else {
                return None;
            };
            only.get("description").and_then(Value::as_str)
        })?;
        let text = text.trim_end_matches('.');
        let end = text.find(". ").or_else(|| text.find("; "));
        let sentence = &text[..end.unwrap_or(text.len())];
        let mut letters = sentence.chars();
        let first = letters.next()?;
        // Abbreviations keep their capitals.
        if letters.clone().next().is_some_and(char::is_uppercase) {
            return Some(sentence.to_owned());
        }
        Some(first.to_lowercase().chain(letters).collect())
    }

    fn unknown_key(&mut self, key: &str, range: &Range<usize>, near: Option<&str>, known: &[&str]) {
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if key == "<<" => "merge keys are not supported; repeat the keys".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        let message = format!("unknown key `{key}`");
        self.problems
            .push(self.source.error(range.clone(), message).hint(hint));
    }

    /// Keys that name columns, feeds and parameters are identifiers.
    fn check_name(&mut self, schema: &Value, key: &str, range: &Range<usize>) {
        let pattern = schema.pointer("/propertyNames/pattern");
        if pattern.is_some() && !is_identifier(key) {
            self.problems
                .push(bad_identifier(self.source, range.clone(), key));
        }
    }

    /// The value itself, or its key when the value is nothing at all.
    fn visible(&self, node: &Node, owner: &Owner<'_>) -> Range<usize> {
        let nothing = node.range.is_empty();
        match &node.content {
            Content::Scalar { .. } if !nothing => node.range.clone(),
            Content::Sequence(_) if self.source.text()[node.range.clone()].starts_with('[') => {
                node.range.clone()
            }
            Content::Mapping(_) if self.source.text()[node.range.clone()].starts_with('{') => {
                node.range.clone()
            }
            _ => owner.range.clone(),
        }
    }

    fn wrong_kind(&mut self, alternatives: &[&Value], node: &Node, owner: &Owner<'_>) {
        let words: Vec<&str> = alternatives
            .iter()
            .flat_map(|each| constants(each))
            .collect();
        let wants_text = alternatives.iter().any(|each| accepts(each, "string"));
        let identifier = alternatives
            .iter()
            .any(|each| each.get("pattern").and_then(Value::as_str) == Some(IDENTIFIER_PATTERN));
        let expected = expected(alternatives);
        let range = self.visible(node, owner);
        let Content::Scalar { text, .. } = &node.content else {
            let found = match (&node.content, node.entries()) {
                (Content::Sequence(_), _) => "a list".to_owned(),
                (_, [only]) => format!("a mapping with `{}`", only.key),
                _ => "a mapping".to_owned(),
            };
            let message = format!("{} must be {expected}, found {found}", owner.name);
            self.problems.push(self.source.error(range, message));
            return;
        };
        if identifier && node.kind() == Some(ScalarKind::Text) {
            self.problems.push(bad_identifier(self.source, range, text));
            return;
        }
        if text.is_empty() && node.kind() == Some(ScalarKind::Text) && words.is_empty() {
            let message = format!("{} is empty, expected {expected}", owner.name);
            self.problems.push(self.source.error(range, message));
            return;
        }
        let found = match node.kind() {
            Some(ScalarKind::Null) => "nothing".to_owned(),
            _ => format!("`{text}`"),
        };
        let problem = self.source.error(
            range,
            format!("{} must be {expected}, found {found}", owner.name),
        );
        let hint = if let Some(near) = closest(text, words.iter().copied()) {
            Some(format!("did you mean `{near}`?"))
        } else if wants_text && words.is_empty() && node.kind() != Some(ScalarKind::Null) {
            Some(format!("put it in quotes: \"{text}\""))
        } else if accepts_only_list(alternatives) && node.kind() != Some(ScalarKind::Null) {
            Some(format!("write a list of one: [{text}]"))
        } else {
            None
        };
        self.problems.push(problem.hint_if(hint));
    }
}

/// The message for anything that should be an identifier.
pub fn bad_identifier(
    source: &SourceText,
    range: Range<usize>,
    found: &str,
) -> crate::diagnostic::Diagnostic {
    let wanted: String = found
        .trim()
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let problem = source.error(
        range,
        format!("`{found}` is not a name; expected lower-case letters, digits and _, not starting with a digit"),
    );
    if is_identifier(&wanted) {
        problem.hint(format!("write `{wanted}`"))
    } else {
        problem
    }
}

fn accepts(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|each| each == kind),
        // `true` and schemas without a type accept everything.
        _ => schema.get("const").is_none() && schema.get("enum").is_none(),
    }
}

fn accepts_only_list(alternatives: &[&Value]) -> bool {
    !alternatives.is_empty()
        && alternatives
            .iter()
            .all(|each| accepts(each, "array") && !accepts(each, "object"))
}

fn matches_scalar(schema: &Value, node: &Node) -> bool {
    let (Some(kind), Some(text)) = (node.kind(), node.text()) else {
        return false;
    };
    let words = constants(schema);
    let type_fits = match kind {
        // `map_other: null` means the word.
        ScalarKind::Null => accepts(schema, "null") || words.contains(&text),
        ScalarKind::Boolean => accepts(schema, "boolean"),
        ScalarKind::Integer => {
            accepts(schema, "integer") && in_range(schema, text) || accepts(schema, "number")
        }
        ScalarKind::Number => accepts(schema, "number"),
        ScalarKind::Text => accepts(schema, "string"),
    };
    let has_words = schema.get("const").is_some() || schema.get("enum").is_some();
    let pattern_fits = schema.get("pattern").is_none() || is_identifier(text);
    let length_fits = schema.get("minLength").is_none() || !text.is_empty();
    type_fits && pattern_fits && length_fits && (!has_words || words.contains(&text))
}

fn in_range(schema: &Value, text: &str) -> bool {
    let Ok(number) = text.parse::<i128>() else {
        return false;
    };
    let limit = |key: &str| schema.get(key).and_then(Value::as_i64).map(i128::from);
    let widest = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => i128::from(u8::MAX),
        Some("uint32") => i128::from(u32::MAX),
        Some("uint64") => i128::from(u64::MAX),
        _ => i128::from(i64::MAX),
    };
    number >= limit("minimum").unwrap_or(i128::MIN) && number <= limit("maximum").unwrap_or(widest)
}

/// The words a schema allows.
fn constants(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array);
    schema
        .get("const")
        .into_iter()
        .chain(listed.into_iter().flatten())
        .filter_map(Value::as_str)
        .collect()
}

/// `snapshot`, `append` or `changes`; text; a whole number from 1 to 31
fn expected(alternatives: &[&Value]) -> String {
    let mut words = Vec::new();
    let mut kinds = Vec::new();
    for schema in alternatives {
        let constants = constants(schema);
        let properties = schema.get("properties").and_then(Value::as_object);
        if !constants.is_empty() {
            words.extend(constants.into_iter().map(|word| format!("`{word}`")));
        } else if let (Some(properties), true) = (properties, alternatives.len() > 1) {
            let keys: Vec<&str> = properties.keys().map(String::as_str).collect();
            kinds.push(format!("a mapping with {}", one_of(keys)));
        } else {
            kinds.extend(kinds_of(schema));
        }
    }
    words.extend(kinds);
    words.dedup();
    match words.split_last() {
        None => "something else".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn kinds_of(schema: &Value) -> Vec<String> {
    let lower = schema.get("minimum").and_then(Value::as_i64);
    let upper = schema.get("maximum").and_then(Value::as_i64);
    let bounds = match (lower, upper) {
        (Some(lower), Some(upper)) => format!(" from {lower} to {upper}"),
        (Some(lower), None) => format!(" of at least {lower}"),
        _ => String::new(),
    };
    let name = |kind: &str| match kind {
        "string" => "text".to_owned(),
        "integer" => format!("a whole number{bounds}"),
        "number" => "a number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "a mapping".to_owned(),
        other => other.to_owned(),
    };
    match schema.get("type") {
        Some(Value::String(only)) => vec![name(only)],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).map(name).collect(),
        _ => Vec::new(),
    }
}
