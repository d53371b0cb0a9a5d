//! The types a model's YAML may declare, as they are stored.

/// `text`, `bigint`, `double`, `boolean`, `date`, `timestamp`, `decimal(p,s)` in Arrow's spelling.
#[must_use]
pub fn stored_type(declared: &str) -> Option<String> {
    let simple = match declared {
        "text" => "Utf8",
        "bigint" => "Int64",
        "double" => "Float64",
        "boolean" => "Boolean",
        "date" => "Date32",
        "timestamp" => "Timestamp(µs, \"UTC\")",
        _ => "",
    };
    if !simple.is_empty() {
        return Some(simple.to_owned());
    }
    let inner = declared.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = inner.split_once(',')?;
    let (precision, scale): (u8, i8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let fits =
        (1..=38).contains(&precision) && (0..=i16::from(precision)).contains(&i16::from(scale));
    fits.then(|| format!("Decimal128({precision}, {scale})"))
}

/// A stored type in the words of a model's YAML.
#[must_use]
pub fn declared_type(stored: &str) -> String {
    match stored {
        "Utf8" => "text".to_owned(),
        "Int64" => "bigint".to_owned(),
        "Float64" => "double".to_owned(),
        "Boolean" => "boolean".to_owned(),
        "Date32" => "date".to_owned(),
        other if other.starts_with("Timestamp") => "timestamp".to_owned(),
        other => match other
            .strip_prefix("Decimal128(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            Some(inner) => format!("decimal({})", inner.replace(' ', "")),
            None => other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_and_stored_types_are_one_to_one() {
        for declared in [
            "text",
            "bigint",
            "double",
            "boolean",
            "date",
            "timestamp",
            "decimal(18,2)",
        ] {
            assert_eq!(
                stored_type(declared)
                    .map(|stored| declared_type(&stored))
                    .as_deref(),
                Some(declared)
            );
        }
        for wrong in ["int", "decimal", "decimal(2,3)", "decimal(39,2)", "varchar"] {
            assert_eq!(stored_type(wrong), None, "{wrong}");
        }
    }
}
