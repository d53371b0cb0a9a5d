//! Values bound to `$name` in a query; never pasted into its text.

use std::collections::BTreeMap;

use datafusion::common::{ParamValues, ScalarValue};

use super::SqlError;
use crate::config::bank::Parameter;
use crate::domain::Money;

/// Parameter name -> value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings(BTreeMap<String, Parameter>);

impl Bindings {
    #[must_use]
    pub fn new(values: BTreeMap<String, Parameter>) -> Self {
        Self(values)
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: Parameter) -> Self {
        self.insert(name, value);
        self
    }

    pub fn insert(&mut self, name: &str, value: Parameter) {
        self.0.insert(name.to_owned(), value);
    }

    /// All values, by name.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<String, Parameter> {
        &self.0
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The values of those parameters that `sql` mentions, as text for a fingerprint.
    #[must_use]
    pub fn used_in(&self, sql: &str) -> Vec<String> {
        let used = self
            .0
            .iter()
            .filter(|(name, _)| sql.contains(&format!("${name}")));
        used.map(|(name, value)| format!("{name}={value:?}"))
            .collect()
    }

    pub(super) fn to_param_values(&self) -> Result<ParamValues, SqlError> {
        let mut values = Vec::with_capacity(self.0.len());
        for (name, value) in &self.0 {
            values.push((name.clone(), scalar(name, value)?));
        }
        Ok(ParamValues::from(values))
    }
}

fn scalar(name: &str, value: &Parameter) -> Result<ScalarValue, SqlError> {
    Ok(match value {
        Parameter::Text(text) => ScalarValue::Utf8(Some(text.clone())),
        Parameter::Integer(number) => ScalarValue::Int64(Some(*number)),
        Parameter::Date(date) => ScalarValue::Date32(Some(date.days_since_epoch())),
        Parameter::Decimal(text) => {
            let digits = text
                .split_once('.')
                .map_or(0, |(_, fraction)| fraction.len());
            let scale = u32::try_from(digits).unwrap_or(u32::MAX);
            let units = Money::parse_decimal(text, scale).filter(|_| scale <= 18);
            let units = units.ok_or_else(|| SqlError::Query {
                message: format!("parameter `{name}` is `{text}`, which is no decimal number"),
                position: None,
                hint: None,
            })?;
            ScalarValue::Decimal128(Some(units.0), 18, i8::try_from(scale).unwrap_or(0))
        }
    })
}
