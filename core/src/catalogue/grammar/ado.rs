//! ADO.NET: `Server=…;Password="…"`; go-mssqldb reads the same quotes.

use super::{Rules, is_safe};

pub(super) const RULES: Rules = Rules {
    noun: "an ADO.NET connection string",
    way_out: super::NO_NUL,
    // A `=` right behind that of the keyword would be taken for a part of the keyword.
    escape: |value| Some(if is_safe(value) && !value.starts_with('=') { value.to_owned() } else { format!("\"{}\"", value.replace('"', "\"\"")) }),
    property: Some(|text, key, value| {
        let joint = if text.ends_with(';') { "" } else { ";" };
        Some(format!("{text}{joint}{key}={};", (RULES.escape)(value)?))
    }),
};

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn a_value_that_starts_with_an_equals_sign_is_quoted() {
        assert_eq!((RULES.escape)("=a").unwrap(), "\"=a\"");
        assert_eq!((RULES.escape)("a==").unwrap(), "a==");
    }
}
