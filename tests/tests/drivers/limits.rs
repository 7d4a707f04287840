//! What drivers themselves cannot do, seen with exactly these versions. An entry that is not needed any more fails the test.
//!
//! Known of drivers that are not here: PHP's mongodb 1.15.0 without ICU refuses passwords beyond ASCII, its PDO turns `;` into a blank, and
//! mariadb-java-client 3.5.1 does not decode URLs at all.

/// Values that a driver gets wrong however they are written.
pub(crate) struct Limit {
    /// The parser, and its version.
    pub(crate) parser: &'static str,
    pub(crate) version: &'static str,
    /// The field in which they are lost.
    pub(crate) field: &'static str,
    /// Which values.
    pub(crate) values: fn(&str) -> bool,
    /// What becomes of them.
    pub(crate) why: &'static str,
}

/// All that were found in parsing.
pub(crate) const IN_PARSING: &[Limit] = &[
    Limit {
        parser: "confluent-kafka",
        version: "2.16.1",
        field: "password",
        values: starts_with_a_blank,
        why: "librdkafka strips blanks at the start of `sasl.password`",
    },
    Limit {
        parser: "confluent-kafka",
        version: "2.16.1",
        field: "user",
        values: starts_with_a_blank,
        why: "librdkafka strips blanks at the start of `sasl.username`",
    },
    Limit {
        parser: "connector-j",
        version: "9.1.0",
        field: "database",
        values: |value| value.trim() != value,
        why: "blanks at the ends of a database's name are stripped after decoding",
    },
    Limit {
        parser: "mssql",
        version: "12.7.14",
        field: "user",
        values: |value| value.contains('\\'),
        why: "what is before a backslash is taken for a Windows domain",
    },
    Limit {
        parser: "pg-connection-string",
        version: "2.14.1",
        field: "database",
        values: |value| value.contains([';', '/', '?', ':', '@', '&', '=', '+', '$', ',', '#']),
        why: "a database's name is decoded by decodeURI, which leaves what is reserved in a URI",
    },
    Limit {
        parser: "pymongo",
        version: "4.20.0",
        field: "database",
        values: |value| value.contains(['/', ' ', '"', '$', '.']),
        why: "no name of a database in MongoDB; what is behind a period is taken for a collection",
    },
    Limit {
        parser: "mongodb-driver-sync",
        version: "5.2.1",
        field: "database",
        values: |value| value.contains(['/', ' ', '"', '.', '\\']),
        why: "no name of a database in MongoDB; what is behind a period is taken for a collection",
    },
];

fn starts_with_a_blank(value: &str) -> bool {
    value.trim_start() != value
}

/// All that were found in logins.
pub(crate) const IN_LOGINS: &[Limit] = &[
    Limit {
        parser: "lettuce",
        version: "6.5.1.RELEASE",
        field: "password",
        values: |value| !value.is_ascii(),
        why: "a password beyond ASCII is sent in another encoding than UTF-8",
    },
    Limit {
        parser: "mysql-connector-python",
        version: "26.10.0",
        field: "user",
        values: |value| value.trim() != value,
        why: "blanks at the ends of a user's name are stripped",
    },
    Limit {
        parser: "pg",
        version: "8.23.1",
        field: "password",
        values: |value| value.contains('\u{200d}'),
        why: "a password with a zero-width joiner is not let in; with libpq, pgx and pgjdbc it is",
    },
    Limit {
        parser: "pymysql",
        version: "1.2.4",
        field: "password",
        values: |value| !value.is_ascii(),
        why: "a password given as a string is sent in latin-1; given as bytes it works",
    },
];
