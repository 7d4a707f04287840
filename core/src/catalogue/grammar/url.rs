//! URLs: the URIs of PostgreSQL, MongoDB and Redis, and the JDBC URLs of PostgreSQL and MySQL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Rules;

/// All but the unreserved characters of RFC 3986. A space becomes `%20`, never `+`, which only some clients read as a space.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) const RULES: Rules = Rules {
    noun: "a URL",
    way_out: super::NO_NUL,
    escape: |value| Some(utf8_percent_encode(value, RESERVED).to_string()),
    property: Some(|text, key, value| Some(format!("{text}{}{key}={}", joint(text), (RULES.escape)(value)?))),
};

/// What stands before a further property of a query.
pub(super) fn joint(text: &str) -> char {
    if text.contains('?') { '&' } else { '?' }
}
