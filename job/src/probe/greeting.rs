//! The first words of each protocol: enough to know that who answers speaks it, and no more. Nothing is authenticated.

use sc_core::endpoint::Protocol;

use super::{Found, Wire};

/// PostgreSQL's request for TLS (protocol 3.0, "SSLRequest").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// PostgreSQL's first message to a server that it does not log in to: version 3.0, and a user and database that only the log of the server sees.
const STARTUP: &[u8] = b"\0\0\0\x2f\0\x03\0\0user\0sc-validate\0database\0sc-validate\0\0";
/// AMQP's header for SASL (AMQP 1.0, 5.3.1).
const AMQP: &[u8] = b"AMQP\x03\x01\0\0";
/// Kafka's ApiVersions, version 0, with correlation id 7 and client id `sc`.
const API_VERSIONS: &[u8] = b"\0\0\0\x0c\0\x12\0\0\0\0\0\x07\0\x02sc";
/// Cassandra's OPTIONS (native protocol 4).
const OPTIONS: &[u8] = &[4, 0, 0, 0, 5, 0, 0, 0, 0];
/// MongoDB's `hello` in an OP_MSG.
const HELLO: &[u8] = b"\x34\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";
/// TDS' PRELOGIN ([MS-TDS] 2.2.6.5): a version, and that encryption is on.
const PRELOGIN: &[u8] = b"\x12\x01\0\x1a\0\0\x01\0\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x10\0\0\0\0\0\x01";
/// The capabilities by which a MySQL client turns to TLS: protocol 4.1, TLS, secure connection; then the largest packet, a character set, and padding.
const MYSQL_SSL: [u8; 36] = {
    let mut packet = [0; 36];
    packet[0] = 32;
    packet[3] = 1;
    packet[5] = 0x8a;
    packet[11] = 1;
    packet[12] = 33;
    packet
};
/// Whether a MySQL server offers TLS.
const CLIENT_SSL: u8 = 0x08;

/// What is said before TLS, by protocols that turn to it by themselves; the greeting, where the server has said it by then.
///
/// # Errors
/// What the server has against TLS, or that it speaks something else.
pub(super) fn before_tls(protocol: Protocol, wire: &mut dyn Wire) -> Result<Option<String>, String> {
    match protocol {
        Protocol::Postgresql => postgresql_turns(wire).map(|()| None),
        Protocol::Mysql => mysql_turns(wire).map(Some),
        _ => Ok(None),
    }
}

/// Greets and is greeted.
///
/// # Errors
/// That nothing came, or something else.
pub(super) fn exchange(protocol: Protocol, host: &str, wire: &mut dyn Wire) -> Found {
    let head;
    let (said, answers): (&[u8], &[&[u8]]) = match protocol {
        // An error is an answer, too: it is the server's.
        Protocol::Postgresql => (STARTUP, &[b"R", b"E"]),
        Protocol::Redis => (b"PING\r\n", &[b"+PONG", b"-NOAUTH", b"-NOPERM"]),
        Protocol::Amqp => (AMQP, &[b"AMQP"]),
        Protocol::Cassandra => (OPTIONS, &[&[0x84, 0, 0, 0, 6]]),
        Protocol::Tds => (PRELOGIN, &[&[4]]),
        Protocol::Https => {
            head = format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sc-validate\r\nConnection: close\r\n\r\n");
            (head.as_bytes(), &[b"HTTP/1."])
        }
        Protocol::Kafka => return counted(protocol, (API_VERSIONS, wire), (4, &[0, 0, 0, 7])),
        Protocol::Mongodb => return counted(protocol, (HELLO, wire), (12, &[0xdd, 7, 0, 0])),
        Protocol::Mysql => return Err("it has not greeted".to_owned()),
    };
    send(wire, said)?;
    let longest = answers.iter().map(|answer| answer.len()).max().unwrap_or(1);
    let answer = receive(wire, longest)?;
    if answers.iter().any(|known| answer.starts_with(known)) { Ok(spoken(protocol)) } else { Err(other(protocol)) }
}

/// Sends, and looks for bytes at a place of the answer.
fn counted(protocol: Protocol, (said, wire): (&[u8], &mut dyn Wire), (place, wanted): (usize, &[u8])) -> Found {
    send(wire, said)?;
    let answer = receive(wire, place + wanted.len())?;
    if answer.get(place..) == Some(wanted) { Ok(spoken(protocol)) } else { Err(other(protocol)) }
}

fn postgresql_turns(wire: &mut dyn Wire) -> Result<(), String> {
    send(wire, &SSL_REQUEST)?;
    match receive(wire, 1)?.as_slice() {
        b"S" => Ok(()),
        b"N" => Err("the server offers no TLS, which the variables ask for".to_owned()),
        _ => Err(other(Protocol::Postgresql)),
    }
}

fn mysql_turns(wire: &mut dyn Wire) -> Found {
    let header = receive(wire, 4)?;
    let length = header.iter().take(3).rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let greeting = receive(wire, length)?;
    if greeting.first() != Some(&10) {
        let is_error = greeting.first() == Some(&0xff);
        return Err(if is_error { "the server refuses this host, or has too many connections".to_owned() } else { other(Protocol::Mysql) });
    }
    let version = greeting[1..].split(|byte| *byte == 0).next().unwrap_or_default();
    // Behind the version: thread id (4), the first part of the scramble (8), a filler (1), and the lower capabilities.
    let capabilities = greeting.get(version.len() + 2 + 13..).and_then(|rest| rest.get(1)).copied().unwrap_or_default();
    if capabilities & CLIENT_SSL == 0 {
        return Err("the server offers no TLS, which the variables ask for".to_owned());
    }
    send(wire, &MYSQL_SSL)?;
    Ok(format!("mysql {}", String::from_utf8_lossy(version)))
}

fn spoken(protocol: Protocol) -> String {
    format!("it speaks {}", protocol.name())
}

fn other(protocol: Protocol) -> String {
    format!("who answers does not speak {}", protocol.name())
}

fn send(wire: &mut dyn Wire, bytes: &[u8]) -> Result<(), String> {
    wire.write_all(bytes).and_then(|()| wire.flush()).map_err(|error| format!("the connection was lost: {}", error.kind()))
}

/// So many bytes, or fewer if the other end closes.
fn receive(wire: &mut dyn Wire, count: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; count];
    let mut got = 0;
    while got < count {
        match wire.read(&mut bytes[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                return Err("it did not answer in time".to_owned());
            }
            Err(_) if got > 0 => break,
            Err(error) => return Err(format!("the connection was lost: {}", error.kind())),
        }
    }
    bytes.truncate(got);
    if bytes.is_empty() { Err("it closed the connection without a word".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Result, Write};

    use super::*;

    /// The other end: what it will say, and what it was told.
    struct Other {
        says: Cursor<Vec<u8>>,
        told: Vec<u8>,
    }

    impl Read for Other {
        fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
            // In small pieces, as a network may deliver it.
            let end = bytes.len().min(3);
            self.says.read(&mut bytes[..end])
        }
    }

    impl Write for Other {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.told.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn other_end(says: &[u8]) -> Other {
        Other { says: Cursor::new(says.to_vec()), told: Vec::new() }
    }

    /// What a server of each protocol says to the first words of it.
    const ANSWERS: [(Protocol, &[u8]); 10] = [
        (Protocol::Amqp, b"AMQP\x03\x01\0\0"),
        (Protocol::Cassandra, &[0x84, 0, 0, 0, 6, 0, 0, 0, 2]),
        (Protocol::Https, b"HTTP/1.1 403 Forbidden\r\n"),
        (Protocol::Kafka, b"\0\0\0\x0a\0\0\0\x07\0\0"),
        (Protocol::Mongodb, b"\x40\0\0\0\x09\0\0\0\x01\0\0\0\xdd\x07\0\0"),
        (Protocol::Postgresql, b"R\0\0\0\x08"),
        (Protocol::Postgresql, b"E\0\0\0\x50SFATAL"),
        (Protocol::Redis, b"-NOAUTH Authentication required.\r\n"),
        (Protocol::Redis, b"+PONG\r\n"),
        (Protocol::Tds, &[4, 1, 0, 43]),
    ];

    #[test]
    fn each_protocol_is_known_by_its_answer_and_taken_for_no_other() {
        for (protocol, says) in ANSWERS {
            assert!(exchange(protocol, "a.example", &mut other_end(says)).is_ok(), "{protocol:?}");
            for (other, says) in ANSWERS.into_iter().filter(|(other, _)| *other != protocol) {
                assert!(exchange(protocol, "a.example", &mut other_end(says)).is_err(), "{other:?} was taken for {protocol:?}");
            }
            assert!(exchange(protocol, "a.example", &mut other_end(b"")).is_err(), "{protocol:?}: silence is no greeting");
        }
    }

    #[test]
    fn what_says_its_own_length_says_it_rightly() {
        for (message, at) in [(STARTUP, 0..4), (API_VERSIONS, 0..4), (PRELOGIN, 2..4)] {
            let length = message[at.clone()].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            let without_itself = if message == API_VERSIONS { 4 } else { 0 };
            assert_eq!(length + without_itself, message.len());
        }
        assert_eq!(usize::from(HELLO[0]), HELLO.len());
        assert_eq!(usize::from(MYSQL_SSL[0]) + 4, MYSQL_SSL.len());
    }

    #[test]
    fn postgresql_is_asked_for_tls_and_must_have_it() {
        let mut server = other_end(b"S");
        assert_eq!(before_tls(Protocol::Postgresql, &mut server), Ok(None));
        assert_eq!(server.told, SSL_REQUEST);
        assert!(before_tls(Protocol::Postgresql, &mut other_end(b"N")).unwrap_err().contains("offers no TLS"));
        assert!(before_tls(Protocol::Postgresql, &mut other_end(b"HTTP/1.1 400")).unwrap_err().contains("does not speak postgresql"));
    }

    #[test]
    fn mysql_greets_first_and_says_whether_it_has_tls() {
        let greeting = |capabilities: [u8; 2]| {
            let body = [&[10][..], b"8.0.39\0", &[0; 13], &capabilities].concat();
            [&[u8::try_from(body.len()).unwrap(), 0, 0, 0], body.as_slice()].concat()
        };
        let mut server = other_end(&greeting([0xff, 0xff]));
        assert_eq!(before_tls(Protocol::Mysql, &mut server), Ok(Some("mysql 8.0.39".into())));
        assert_eq!(server.told, MYSQL_SSL);
        assert!(before_tls(Protocol::Mysql, &mut other_end(&greeting([0xff, 0xf7]))).unwrap_err().contains("offers no TLS"));
        let refused = [&[3, 0, 0, 0], &[0xff, 0x69, 0x04][..]].concat();
        assert!(before_tls(Protocol::Mysql, &mut other_end(&refused)).unwrap_err().contains("refuses this host"));
        assert!(before_tls(Protocol::Mysql, &mut other_end(b"")).is_err());
    }
}
