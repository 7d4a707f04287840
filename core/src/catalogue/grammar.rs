//! The grammars of connection strings: how each writes a value so that its clients read back exactly that value, and how it joins properties.
//!
//! The rules were proven by running real drivers against real servers. A value stays unquoted only if each of its characters is on the
//! grammar's safe list, so that ordinary values give the documented form byte for byte, and no value can ever add a property.

mod ado;
mod go_mysql;
mod jaas;
mod key_value;
mod libpq;
mod odbc;
mod pdo;
pub(crate) mod spring;
mod stackexchange_redis;
mod url;
mod user_id;

/// A grammar. Data files name it, as the key of a variable's text or before a name inside it: `{{url database}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grammar {
    /// The value itself, for a variable that holds just one.
    Plain,
    /// libpq keywords.
    Libpq,
    /// libpq keywords in a DSN of PDO.
    Pdo,
    /// URLs, JDBC's for PostgreSQL and MySQL among them.
    Url,
    /// ADO.NET.
    Ado,
    /// ODBC.
    Odbc,
    /// The JDBC URL of SQL Server.
    SqlServerJdbc,
    /// `Key=Value;` of the Azure SDKs.
    KeyValue,
    /// The DSN of go-sql-driver.
    GoMysql,
    /// The user in `user:password`.
    UserId,
    /// Kafka's JAAS configuration.
    Jaas,
    /// StackExchange.Redis.
    StackExchangeRedis,
}

/// What a grammar does.
struct Rules {
    /// What it is called in a message.
    noun: &'static str,
    /// What to do about a value that it cannot carry.
    way_out: &'static str,
    /// Writes a value; nothing if there is no way to write it.
    escape: fn(&str) -> Option<String>,
    /// Joins properties to a text; absent where there are none.
    property: Option<Joint>,
}

/// Appends to a text a property of this name and value; nothing if there is no way to write it.
type Joint = fn(&str, &str, &str) -> Option<String>;

const NO_NUL: &str = "choose a value without a NUL character";

const PLAIN: Rules = Rules { noun: "an environment variable", way_out: NO_NUL, escape: |value| Some(value.to_owned()), property: None };

/// A value that a grammar cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inexpressible;

impl Grammar {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Plain,
        Self::Libpq,
        Self::Pdo,
        Self::Url,
        Self::Ado,
        Self::Odbc,
        Self::SqlServerJdbc,
        Self::KeyValue,
        Self::GoMysql,
        Self::UserId,
        Self::Jaas,
        Self::StackExchangeRedis,
    ];

    /// The name in data files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Libpq => "libpq",
            Self::Pdo => "pdo",
            Self::Url => "url",
            Self::Ado => "ado",
            Self::Odbc => "odbc",
            Self::SqlServerJdbc => "sqlserver-jdbc",
            Self::KeyValue => "key-value",
            Self::GoMysql => "go-mysql",
            Self::UserId => "user-id",
            Self::Jaas => "jaas",
            Self::StackExchangeRedis => "stackexchange-redis",
        }
    }

    /// The grammar of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grammar| grammar.name() == name)
    }

    fn rules(self) -> Rules {
        match self {
            Self::Plain => PLAIN,
            Self::Libpq => libpq::RULES,
            Self::Pdo => pdo::RULES,
            Self::Url => url::RULES,
            Self::Ado => ado::RULES,
            Self::Odbc | Self::SqlServerJdbc => odbc::RULES,
            Self::KeyValue => key_value::RULES,
            Self::GoMysql => go_mysql::RULES,
            Self::UserId => user_id::RULES,
            Self::Jaas => jaas::RULES,
            Self::StackExchangeRedis => stackexchange_redis::RULES,
        }
    }

    /// What it is called in a message.
    #[must_use]
    pub fn noun(self) -> &'static str {
        if self == Self::SqlServerJdbc { "a JDBC URL of SQL Server" } else { self.rules().noun }
    }

    /// What to do about a value that it cannot carry.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        self.rules().way_out
    }

    /// Writes a value such that a client of this grammar reads back exactly `value`.
    ///
    /// # Errors
    /// If there is no way to write it.
    pub fn escape(self, value: &str) -> Result<String, Inexpressible> {
        if value.contains('\0') {
            return Err(Inexpressible);
        }
        (self.rules().escape)(value).ok_or(Inexpressible)
    }

    /// Whether it joins properties into one string.
    #[must_use]
    pub fn has_properties(self) -> bool {
        self.rules().property.is_some()
    }

    /// Whether this can be the name of a property. ADO.NET and ODBC have names with blanks in them, such as `Command Timeout`.
    #[must_use]
    pub fn is_property(self, name: &str) -> bool {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let may_have_blanks = matches!(self, Self::Ado | Self::Odbc);
        !name.is_empty() && name.trim() == name && name.chars().all(|c| is_plain(c) || (c == ' ' && may_have_blanks))
    }

    /// A connection string with one more property; a grammar without properties leaves it as it is.
    ///
    /// # Errors
    /// If there is no way to write the value.
    pub fn with_property(self, string: String, key: &str, value: &str) -> Result<String, Inexpressible> {
        match self.rules().property {
            None => Ok(string),
            Some(_) if value.contains('\0') => Err(Inexpressible),
            Some(append) => append(&string, key, value).ok_or(Inexpressible),
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

    #[test]
    fn ordinary_values_keep_the_documented_form() {
        for grammar in Grammar::ALL {
            assert_eq!(grammar.escape("Pw0rd-1.x_y~").unwrap(), "Pw0rd-1.x_y~");
        }
        assert_eq!(Grammar::Libpq.escape("aB+c/dE9f==").unwrap(), "aB+c/dE9f==");
    }

    #[test]
    fn each_grammar_quotes_in_its_own_way() {
        let value = "it's; a \"}\\";
        let written = |grammar: Grammar| grammar.escape(value).unwrap();
        assert_eq!(written(Grammar::Libpq), r#"'it\'s; a "}\\'"#);
        assert_eq!(written(Grammar::Url), "it%27s%3B%20a%20%22%7D%5C");
        assert_eq!(written(Grammar::Ado), r#""it's; a ""}\""#);
        assert_eq!(written(Grammar::Odbc), r#"{it's; a "}}\}"#);
        assert_eq!(written(Grammar::Jaas), r#"it\'s; a "}\\"#);
        assert_eq!(written(Grammar::GoMysql), value);
        assert_eq!(Grammar::Libpq.escape("").unwrap(), "''");
        assert_eq!(spring::escape("a${HOME}b$c"), "a${sc.literal:$}{HOME}b$c");
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        for value in ["a;b", "a b", "a\n"] {
            assert_eq!(Grammar::KeyValue.escape(value), Err(Inexpressible), "{value:?}");
        }
        for value in ["a,b", " a", "a "] {
            assert_eq!(Grammar::StackExchangeRedis.escape(value), Err(Inexpressible), "{value:?}");
        }
        assert_eq!(Grammar::Pdo.escape("a;b"), Err(Inexpressible));
        assert_eq!(Grammar::UserId.escape("a:b"), Err(Inexpressible));
        for grammar in Grammar::ALL {
            assert_eq!(grammar.escape("a\0b"), Err(Inexpressible));
        }
    }

    #[test]
    fn properties_are_joined_as_the_grammar_does() {
        let joined = |grammar: Grammar, start: &str| grammar.with_property(start.to_owned(), "k", "v w").unwrap();
        assert_eq!(joined(Grammar::Libpq, "a=b"), "a=b k='v w'");
        assert_eq!(joined(Grammar::Pdo, "pgsql:a=b"), "pgsql:a=b;k='v w'");
        assert_eq!(joined(Grammar::Url, "jdbc:x://h/d"), "jdbc:x://h/d?k=v%20w");
        assert_eq!(joined(Grammar::Url, "jdbc:x://h/d?a=b"), "jdbc:x://h/d?a=b&k=v%20w");
        assert_eq!(joined(Grammar::GoMysql, "u:p@tcp(h)/d?a=b"), "u:p@tcp(h)/d?a=b&k=v%20w");
        assert_eq!(joined(Grammar::GoMysql, "u:p?@tcp(h)/d"), "u:p?@tcp(h)/d?k=v%20w");
        assert_eq!(joined(Grammar::Ado, "A=b;"), "A=b;k=\"v w\";");
        assert_eq!(joined(Grammar::SqlServerJdbc, "jdbc:sqlserver://h;A=b;"), "jdbc:sqlserver://h;A=b;k={v w};");
        assert_eq!(joined(Grammar::Plain, "x"), "x");
        assert_eq!(Grammar::KeyValue.with_property("A=b".into(), "k", "v").unwrap(), "A=b;k=v");
        assert_eq!(Grammar::StackExchangeRedis.with_property("h".into(), "k", "v w").unwrap(), "h,k=v w");
        assert_eq!(Grammar::KeyValue.with_property("A=b".into(), "k", "v;w=x"), Err(Inexpressible));
    }

    #[test]
    fn each_grammar_has_one_name() {
        for grammar in Grammar::ALL {
            assert_eq!(Grammar::named(grammar.name()), Some(grammar));
        }
    }
}
