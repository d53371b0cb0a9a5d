//! Templates of paths below the landing folder.

use super::date_format;

/// What is wrong with a template, and a hint.
pub fn check_template(text: &str) -> Result<(), (String, Option<String>)> {
    let below = Some("paths are below the bank's `landing` folder".to_owned());
    if text.starts_with('/') || text.starts_with('~') || text.contains(":\\") {
        return Err((format!("the path `{text}` is absolute"), below));
    }
    if text.contains('\\') {
        return Err((
            format!("the path `{text}` holds a backslash"),
            Some("separate folders with /".to_owned()),
        ));
    }
    if text.split('/').any(|part| part == "..") {
        return Err((
            format!("the path `{text}` leaves the landing folder"),
            below,
        ));
    }
    if text.ends_with('/') || text.split('/').any(str::is_empty) {
        return Err((format!("the path `{text}` names no file"), None));
    }
    check_placeholders(text)
}

fn check_placeholders(text: &str) -> Result<(), (String, Option<String>)> {
    let known = "write {business_date} or {business_date:%Y%m%d}".to_owned();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let inner = rest[open..]
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let Some((placeholder, after)) = inner else {
            return Err((format!("the braces of `{text}` do not match"), Some(known)));
        };
        let (name, format) = match placeholder.split_once(':') {
            Some((name, format)) => (name, Some(format)),
            None => (placeholder, None),
        };
        if name != "business_date" {
            return Err((
                format!("unknown placeholder `{{{placeholder}}}`"),
                Some(known),
            ));
        }
        if let Some(format) = format {
            date_format::check_items(format).map_err(|message| (message, Some(known.clone())))?;
            if format.contains('/') {
                return Err((
                    format!("the date format `{format}` would add folders to the path"),
                    None,
                ));
            }
        }
        rest = after;
    }
    Ok(())
}
