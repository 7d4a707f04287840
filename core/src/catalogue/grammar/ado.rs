//! ADO.NET: `Server=…;Password="…"`; go-mssqldb reads the same quotes.

use super::{Rules, is_safe};

pub(super) const RULES: Rules = Rules {
    noun: "an ADO.NET connection string",
    way_out: super::NO_NUL,
    escape: |value| Some(if is_safe(value) { value.to_owned() } else { format!("\"{}\"", value.replace('"', "\"\"")) }),
    property: Some(|text, key, value| {
        let joint = if text.ends_with(';') { "" } else { ";" };
        Some(format!("{text}{joint}{key}={};", (RULES.escape)(value)?))
    }),
};
