//! libpq keywords: `host=… password='…'` (PostgreSQL, "Connection Strings", keyword/value).

use super::{Rules, is_safe};

pub(super) const RULES: Rules = Rules {
    noun: "a libpq connection string",
    way_out: super::NO_NUL,
    escape: |value| Some(if is_safe(value) { value.to_owned() } else { quoted(value) }),
    property: Some(|text, key, value| Some(format!("{text} {key}={}", (RULES.escape)(value)?))),
};

/// In single quotes; an empty value must be `''`, or the next keyword would be read as the value.
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
