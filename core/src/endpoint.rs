//! Where a target service is reached, and which protocol it speaks there: what a probe goes by.

use serde_json::Value;

use crate::problem::{At, Problems};
use crate::target::Target;
use crate::values::{Entry, Settings};

/// The protocols that a probe can greet a service in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// AMQP 1.0 over TLS: Service Bus, Event Hubs.
    Amqp,
    /// Cassandra's CQL over TLS.
    Cassandra,
    /// HTTPS.
    Https,
    /// Kafka's over TLS.
    Kafka,
    /// MongoDB's over TLS.
    Mongodb,
    /// MySQL's, which turns to TLS by itself.
    Mysql,
    /// PostgreSQL's, which turns to TLS by itself.
    Postgresql,
    /// Redis' over TLS.
    Redis,
    /// SQL Server's TDS, which has TLS within itself.
    Tds,
}

impl Protocol {
    /// All of them, with their names and the ports that they have by custom.
    pub const ALL: [(Self, &'static str, u16); 9] = [
        (Self::Amqp, "amqp", 5671),
        (Self::Cassandra, "cassandra", 9042),
        (Self::Https, "https", 443),
        (Self::Kafka, "kafka", 9093),
        (Self::Mongodb, "mongodb", 27017),
        (Self::Mysql, "mysql", 3306),
        (Self::Postgresql, "postgresql", 5432),
        (Self::Redis, "redis", 6380),
        (Self::Tds, "tds", 1433),
    ];

    /// The protocol of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(protocol, ..)| protocol)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(known, ..)| *known == self).map_or("", |(_, name, _)| name)
    }

    fn port(self) -> u16 {
        Self::ALL.into_iter().find(|(known, ..)| *known == self).map_or(0, |(.., port)| port)
    }
}

/// Where a service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What is spoken there.
    pub protocol: Protocol,
    /// Its host: a name or an IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Endpoint {
    /// Where the target of an entry of the values is reached; nothing if its service has no address that a probe could go to, or the target does not
    /// say enough for one.
    #[must_use]
    pub fn of(entry: Value, settings: &Settings) -> Option<Self> {
        let mut problems = Problems::default();
        let entry = Entry::parse(entry, At::top(), &mut problems)?;
        let service = settings.catalogue.find(entry.target_service.as_deref()?)?;
        let (protocol, template) = service.probe.as_ref()?;
        let facts = Target::parse(&entry, &service, &settings.cloud, &mut problems)?.facts(&template.names(), &mut Problems::default());
        let address = template.fill(|expression| facts.get(&expression.name).cloned().ok_or(())).ok()?;
        Self::parse(*protocol, &address)
    }

    /// Parses `host`, `host:port`, or a URL, of which only that counts.
    #[must_use]
    pub fn parse(protocol: Protocol, address: &str) -> Option<Self> {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next()?;
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets, if a port follows.
            Some((host, port)) if !port.contains(']') && !host.trim_start_matches('[').trim_end_matches(']').is_empty() => (host, port.parse().ok()?),
            _ => (authority, protocol.port()),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| Self { protocol, host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn an_address_is_a_host_a_port_or_a_url() {
        let parse = |text| Endpoint::parse(Protocol::Https, text).map(|endpoint| (endpoint.host, endpoint.port));
        for (text, host, port) in [
            ("a.example", "a.example", 443),
            ("a.example:8443", "a.example", 8443),
            ("https://a.example/", "a.example", 443),
            ("https://a.example:444/b:c?d#e", "a.example", 444),
            ("[::1]:8443", "::1", 8443),
            ("[::1]", "::1", 443),
        ] {
            assert_eq!(parse(text), Some((host.to_owned(), port)), "{text}");
        }
        assert_eq!(parse(""), None);
        assert_eq!(parse("a:70000"), None);
    }

    #[test]
    fn the_address_follows_from_the_target() {
        let of = |target: Value| {
            let entry = json!({"name": "x", "targetService": "postgres-flexible", "authType": "secret", "target": target});
            Endpoint::of(entry, &Settings::default()).map(|endpoint| (endpoint.host, endpoint.port))
        };
        assert_eq!(of(json!({"server": "s", "database": "d"})), Some(("s.postgres.database.azure.com".into(), 5432)));
        assert_eq!(of(json!({"host": "db.example", "port": "6432"})), Some(("db.example".into(), 6432)));
        assert_eq!(of(json!({})), None);
    }

    /// One whose endpoint is in a credential, and one whose host is found by a record that a probe does not read, have none.
    #[test]
    fn all_services_but_two_say_where_they_are_reached() {
        let silent: Vec<String> = Catalogue::services().filter(|service| service.probe.is_none()).map(|service| service.name.clone()).collect();
        assert_eq!(silent, ["app-insights", "mongodb-atlas"]);
    }
}
