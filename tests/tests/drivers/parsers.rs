//! The parsers, and which of them reads which variable.

use sc_core::catalogue::grammar::Grammar;

use crate::programs::Ecosystem::{self, Go, Java, Node, Python};

/// A client's own parser.
#[derive(Debug)]
pub(crate) struct Parser {
    /// The name that its program knows it by.
    pub(crate) name: &'static str,
    /// The program.
    pub(crate) ecosystem: Ecosystem,
    /// The fields that must come out as they were put in, whatever they are.
    pub(crate) fields: &'static [&'static str],
    /// Whether it decodes the password at once, so that only base64 can be compared.
    pub(crate) only_base64: bool,
}

const LOGIN: &[&str] = &["user", "password", "database", "property"];
const DATABASE: &[&str] = &["user", "password", "database"];
const USER: &[&str] = &["user", "password"];
const KEY: &[&str] = &["password"];
const VALUE: &[&str] = &["value"];

const fn parser(name: &'static str, ecosystem: Ecosystem, fields: &'static [&'static str]) -> Parser {
    Parser { name, ecosystem, fields, only_base64: false }
}

const fn decoder(name: &'static str) -> Parser {
    Parser { name, ecosystem: Node, fields: KEY, only_base64: true }
}

/// All of them.
pub(crate) static PARSERS: &[Parser] = &[
    parser("libpq", Python, LOGIN),
    parser("pgx", Go, LOGIN),
    parser("pgjdbc", Java, LOGIN),
    parser("pg-connection-string", Node, LOGIN),
    parser("connector-j", Java, DATABASE),
    parser("go-sql-driver", Go, DATABASE),
    parser("mysql2", Node, DATABASE),
    parser("go-mssqldb", Go, LOGIN),
    parser("mssql", Node, DATABASE),
    parser("@tediousjs/connection-string", Node, LOGIN),
    parser("mssql-jdbc", Java, LOGIN),
    parser("mssql-python", Python, LOGIN),
    parser("redis-py", Python, KEY),
    parser("go-redis", Go, KEY),
    parser("ioredis", Node, KEY),
    parser("node-redis", Node, KEY),
    parser("jedis", Java, KEY),
    parser("lettuce", Java, KEY),
    parser("pymongo", Python, DATABASE),
    parser("mongodb", Node, DATABASE),
    parser("mongo-driver", Go, DATABASE),
    parser("mongodb-driver-sync", Java, DATABASE),
    parser("kafka-clients", Java, USER),
    parser("kafka-clients bootstrap", Java, &["host", "port"]),
    parser("confluent-kafka", Python, USER),
    parser("azure-storage-blob", Python, KEY),
    decoder("@azure/storage-blob"),
    parser("azure-storage-queue", Python, KEY),
    decoder("@azure/storage-queue"),
    parser("azure-storage-file-share", Python, KEY),
    decoder("@azure/storage-file-share"),
    parser("azure-data-tables", Python, KEY),
    parser("@azure/data-tables", Node, KEY),
    parser("azure-eventhub", Python, KEY),
    parser("@azure/event-hubs", Node, KEY),
    parser("azure-servicebus", Python, KEY),
    parser("@azure/service-bus", Node, KEY),
    parser("azure-core-amqp", Java, KEY),
    parser("azure-appconfiguration", Python, KEY),
    parser("@azure/app-configuration", Node, KEY),
    parser("azure-messaging-webpubsubservice", Python, KEY),
    parser("@azure/web-pubsub", Node, KEY),
    parser("azure-cosmos", Python, KEY),
    parser("@azure/cosmos", Node, KEY),
    parser("spring-boot", Java, VALUE),
];

/// A variable, as far as it decides who reads it.
pub(crate) struct Described<'a> {
    /// The target service.
    pub(crate) service: &'a str,
    /// The name.
    pub(crate) name: &'a str,
    /// The grammar.
    pub(crate) grammar: Grammar,
    /// The text, with ordinary values in it.
    pub(crate) text: &'a str,
    /// Whether Spring reads it first.
    pub(crate) is_spring: bool,
}

/// Who reads a variable.
pub(crate) enum Readers {
    /// These.
    Parsers(&'static [&'static str]),
    /// Nobody: it is a single value, and there is nothing to parse.
    Needless,
    /// Nobody here, for this reason.
    Absent(&'static str),
}

impl Described<'_> {
    /// Its readers.
    pub(crate) fn readers(&self) -> Readers {
        use Readers::{Absent, Needless, Parsers};
        match self.grammar {
            Grammar::Plain if self.is_spring && self.name.ends_with("bootstrap-servers") => Parsers(&["kafka-clients bootstrap"]),
            Grammar::Plain if self.is_spring && self.name.ends_with("bootstrap.servers") => Parsers(&["kafka-clients bootstrap"]),
            Grammar::Plain if self.is_spring => Parsers(&["spring-boot"]),
            Grammar::Plain if self.name == "CONFLUENTCLOUD_KAFKA_SASLPASSWORD" => Parsers(&["confluent-kafka"]),
            Grammar::Plain => Needless,
            Grammar::Libpq => Parsers(&["libpq", "pgx"]),
            Grammar::Pdo => Absent("no PHP here"),
            Grammar::Url => Parsers(self.url_readers()),
            Grammar::Ado if matches!(self.service, "sql" | "fabric-sql") => Parsers(&["go-mssqldb", "mssql", "@tediousjs/connection-string"]),
            Grammar::Ado => Parsers(&["@tediousjs/connection-string"]),
            Grammar::Odbc => Parsers(&["mssql-python"]),
            Grammar::SqlServerJdbc => Parsers(&["mssql-jdbc"]),
            Grammar::KeyValue => self.key_value_readers(),
            Grammar::GoMysql => Parsers(&["go-sql-driver"]),
            Grammar::UserId => Absent("never the grammar of a whole variable"),
            Grammar::Jaas => Parsers(&["kafka-clients"]),
            Grammar::StackExchangeRedis => Absent("no .NET here: the grammar follows the source of StackExchange.Redis"),
        }
    }

    fn url_readers(&self) -> &'static [&'static str] {
        match self.text.split_once("://").map_or("", |(scheme, _)| scheme) {
            "jdbc:postgresql" => &["pgjdbc"],
            "postgresql" => &["libpq", "pgx", "pg-connection-string"],
            "jdbc:mysql" => &["connector-j"],
            "mysql" => &["mysql2"],
            "rediss" => &["redis-py", "go-redis", "ioredis", "node-redis", "jedis", "lettuce"],
            "mongodb" | "mongodb+srv" if self.is_spring => &["mongodb-driver-sync"],
            "mongodb" | "mongodb+srv" => &["pymongo", "mongodb", "mongo-driver", "mongodb-driver-sync"],
            scheme => panic!("{}: no parser for the scheme {scheme:?}; add one to tests/tests/drivers/parsers.rs", self.name),
        }
    }

    fn key_value_readers(&self) -> Readers {
        use Readers::{Absent, Parsers};
        match self.service {
            "eventhub" | "servicebus" if self.is_spring => Parsers(&["azure-core-amqp"]),
            "eventhub" => Parsers(&["azure-eventhub", "@azure/event-hubs", "azure-core-amqp"]),
            "servicebus" => Parsers(&["azure-servicebus", "@azure/service-bus", "azure-core-amqp"]),
            "storage-blob" => Parsers(&["azure-storage-blob", "@azure/storage-blob"]),
            "storage-queue" => Parsers(&["azure-storage-queue", "@azure/storage-queue"]),
            "storage-file" => Parsers(&["azure-storage-file-share", "@azure/storage-file-share"]),
            "storage-table" | "cosmos-table" => Parsers(&["azure-data-tables", "@azure/data-tables"]),
            "appconfig" => Parsers(&["azure-appconfiguration", "@azure/app-configuration"]),
            "webpubsub" => Parsers(&["azure-messaging-webpubsubservice", "@azure/web-pubsub"]),
            "cosmos-sql" => Parsers(&["azure-cosmos", "@azure/cosmos"]),
            "signalr" => Absent("no .NET here, and SignalR has no other client"),
            service => panic!("{service}: no parser for {}; add one to tests/tests/drivers/parsers.rs", self.name),
        }
    }

    /// A property that its readers show, to be added by `additionalConnectionStringProperties`.
    pub(crate) fn property(&self) -> Option<&'static str> {
        match self.grammar {
            Grammar::Libpq => Some("application_name"),
            Grammar::Ado => Some("Application Name"),
            Grammar::SqlServerJdbc => Some("applicationName"),
            Grammar::Url if self.text.starts_with("jdbc:postgresql:") => Some("ApplicationName"),
            _ => None,
        }
    }
}
