//! The grammars of connection strings: how each writes a value so that its clients read back exactly that value, and how it joins properties.
//!
//! The rules were proven by running real drivers against real servers. A value stays unquoted only if each of its characters is on the
//! grammar's safe list, so that ordinary values give the documented form byte for byte, and no value can ever add a property.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// All but the unreserved characters of RFC 3986. A space becomes `%20`, never `+`, which only some clients read as a space.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A grammar, as data files name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grammar {
    /// The value itself, for a variable that holds just one.
    Plain,
    /// The value of a Spring property: `${…}` would be resolved as a placeholder.
    Spring,
    /// libpq keywords: `host=… password='…'`.
    Libpq,
    /// URLs with a query: JDBC, and the URIs of PostgreSQL, MongoDB and Redis.
    Url,
    /// ADO.NET: `Server=…;Password="…"`.
    Ado,
    /// `Key=Value;` of Storage, Service Bus and Event Hubs, which knows no quoting.
    KeyValue,
}

/// A value that a grammar cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inexpressible;

impl Grammar {
    /// What it is called in a message.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Plain => "an environment variable",
            Self::Spring => "a Spring property",
            Self::Libpq => "a libpq connection string",
            Self::Url => "a URL",
            Self::Ado => "an ADO.NET connection string",
            Self::KeyValue => "a `Key=Value;` connection string",
        }
    }

    /// What to do about a value that it cannot carry.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        match self {
            Self::KeyValue => "choose a value without blanks, `;` and control characters, or a client type that takes its parts one by one",
            _ => "choose a value without a NUL character",
        }
    }

    /// Writes a value such that a client of this grammar reads back exactly `value`.
    ///
    /// # Errors
    /// If there is no way to write it.
    pub fn escape(self, value: &str) -> Result<String, Inexpressible> {
        if value.contains('\0') {
            return Err(Inexpressible);
        }
        match self {
            Self::KeyValue if value.chars().any(|c| c == ';' || c.is_whitespace() || c.is_control()) => Err(Inexpressible),
            Self::Plain | Self::KeyValue => Ok(value.to_owned()),
            Self::Libpq | Self::Ado if is_safe(value) => Ok(value.to_owned()),
            Self::Spring => Ok(value.replace("${", "\\${")),
            Self::Libpq => Ok(format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))),
            Self::Ado => Ok(format!("\"{}\"", value.replace('"', "\"\""))),
            Self::Url => Ok(utf8_percent_encode(value, RESERVED).to_string()),
        }
    }

    /// Whether it joins properties into one string.
    #[must_use]
    pub fn has_properties(self) -> bool {
        !matches!(self, Self::Plain | Self::Spring)
    }

    /// Whether this can be the name of a property. Only ADO.NET has names with blanks in them, such as `Command Timeout`.
    #[must_use]
    pub fn is_property(self, name: &str) -> bool {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        !name.is_empty() && name.trim() == name && name.chars().all(|c| is_plain(c) || (c == ' ' && self == Self::Ado))
    }

    /// Appends a property to a connection string; a grammar without properties leaves it as it is.
    pub(crate) fn append(self, string: &mut String, key: &str, escaped: &str) {
        match self {
            Self::Plain | Self::Spring => return,
            Self::Libpq => string.push(' '),
            Self::Url => string.push(if string.contains('?') { '&' } else { '?' }),
            Self::Ado | Self::KeyValue if !string.ends_with(';') => string.push(';'),
            Self::Ado | Self::KeyValue => {}
        }
        string.push_str(key);
        string.push('=');
        string.push_str(escaped);
        if self == Self::Ado {
            string.push(';');
        }
    }
}

/// Whether a value may stand unquoted: these characters were harmless, unquoted, in all drivers tried.
fn is_safe(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~@:/+=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The passwords that the real drivers were tried with.
    const AWKWARD: [&str; 16] = [
        "Pw0rd",
        "p;a'b\"c",
        "p@a/b:c?d#e",
        "p%41 b\\c",
        "pä✓",
        " lead",
        "a=b=",
        "p+&$x,y`{z}",
        "aB+c/dE9f0123456789abcdefghijklmnopqrstuvw==",
        "p,q;r=1",
        "\\back\\",
        "trail ",
        "{br}}ace'",
        "pw)(@tcp/x?",
        "p%zz+q r",
        "\"q\"uo\"",
    ];

    fn read_libpq(text: &str) -> String {
        let Some(inner) = text.strip_prefix('\'') else { return text.to_owned() };
        let mut read = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => read.extend(chars.next()),
                '\'' => break,
                c => read.push(c),
            }
        }
        assert_eq!(chars.next(), None, "text after the closing quote of {text}");
        read
    }

    fn read_url(text: &str) -> String {
        percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
    }

    fn read_ado(text: &str) -> String {
        match text.strip_prefix('"') {
            None => text.to_owned(),
            Some(inner) => inner.strip_suffix('"').unwrap().replace("\"\"", "\""),
        }
    }

    #[test]
    fn each_quoting_grammar_gives_back_what_was_put_in() {
        for value in AWKWARD.iter().chain(&["", "'", "\\", "''", "x host=evil sslmode=disable"]) {
            assert_eq!(read_libpq(&Grammar::Libpq.escape(value).unwrap()), *value);
            assert_eq!(read_url(&Grammar::Url.escape(value).unwrap()), *value);
            assert_eq!(read_ado(&Grammar::Ado.escape(value).unwrap()), *value);
        }
    }

    #[test]
    fn ordinary_values_keep_the_documented_form() {
        for grammar in [Grammar::Plain, Grammar::Spring, Grammar::Libpq, Grammar::Url, Grammar::Ado, Grammar::KeyValue] {
            assert_eq!(grammar.escape("Pw0rd-1.x_y~").unwrap(), "Pw0rd-1.x_y~");
        }
        assert_eq!(Grammar::Libpq.escape("aB+c/dE9f==").unwrap(), "aB+c/dE9f==");
    }

    #[test]
    fn spring_placeholders_are_written_literally() {
        assert_eq!(Grammar::Spring.escape("a${HOME}b$c").unwrap(), "a\\${HOME}b$c");
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        for value in ["a;b", "a b", "a\n", "a\0b"] {
            assert_eq!(Grammar::KeyValue.escape(value), Err(Inexpressible));
        }
        assert_eq!(Grammar::Plain.escape("a\0b"), Err(Inexpressible));
    }

    #[test]
    fn properties_are_joined_as_the_grammar_does() {
        let joined = |grammar: Grammar, start: &str| {
            let mut string = start.to_owned();
            grammar.append(&mut string, "k", "v");
            string
        };
        assert_eq!(joined(Grammar::Libpq, "a=b"), "a=b k=v");
        assert_eq!(joined(Grammar::Url, "jdbc:x://h/d"), "jdbc:x://h/d?k=v");
        assert_eq!(joined(Grammar::Url, "jdbc:x://h/d?a=b"), "jdbc:x://h/d?a=b&k=v");
        assert_eq!(joined(Grammar::Ado, "A=b;"), "A=b;k=v;");
        assert_eq!(joined(Grammar::KeyValue, "A=b"), "A=b;k=v");
        assert_eq!(joined(Grammar::Plain, "x"), "x");
    }
}
