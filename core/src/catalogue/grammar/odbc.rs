//! ODBC: `Server=…;Pwd={…}`. The JDBC driver of SQL Server reads its properties by the same rule, and takes `"` and `%` literally.

use super::{Rules, is_safe};

pub(super) const RULES: Rules = Rules {
    noun: "an ODBC connection string",
    way_out: super::NO_NUL,
    escape: |value| Some(if is_safe(value) { value.to_owned() } else { format!("{{{}}}", value.replace('}', "}}")) }),
    property: Some(|text, key, value| {
        let joint = if text.ends_with(';') { "" } else { ";" };
        Some(format!("{text}{joint}{key}={};", (RULES.escape)(value)?))
    }),
};
