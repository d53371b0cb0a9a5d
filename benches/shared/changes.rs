//! A project whose systems send what changed, not everything.

use std::fmt::Write as _;

/// The feeds of a source with nothing but changes: a night may bring few of them, or none.
pub fn sending_changes(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines() {
        match line.trim_start().split_once(':') {
            Some(("max_shrink" | "may_be_empty", _)) => continue,
            Some(("delivery", kind)) => {
                let kind = kind.replace("snapshot", "changes");
                let _ = write!(text, "    delivery:{kind}\n    may_be_empty: true");
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}
