//! The task `probe`: from inside of a pod, whether the variables of a connection are there, and whether what they point at answers.
//!
//! Rule: one line of JSON for each check, on standard output, for `sc validate`. No credential is sent anywhere: it ends with the greeting.

mod greeting;
mod tls;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use sc_core::endpoint::{Endpoint, Protocol};
use serde_json::json;

use crate::args::{Args, variables};
use crate::exit;
use crate::output::Output;

/// So long a service may take to answer, each time.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to a service, with or without TLS.
trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// What a check found, or why it failed, for people.
type Found = Result<String, String>;

/// Checks what the arguments say; returns the exit code. The first failure ends it: what comes after rests on it.
pub fn run(args: &Args, output: &Output) -> u8 {
    match checks(args, &Told(output)) {
        Some(()) => exit::APPLIED,
        None => exit::REFUSED,
    }
}

fn checks(args: &Args, told: &Told<'_>) -> Option<()> {
    told.check("variables", || keys(&args.keys))?;
    let Some(endpoint) = args.endpoint.as_deref().and_then(endpoint) else { return Some(()) };
    let Endpoint { protocol, host, port } = &endpoint;
    let mut addresses = Vec::new();
    told.check("dns", || {
        addresses = resolved(host, *port)?;
        Ok(addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", "))
    })?;
    let mut tcp = None;
    told.check("tcp", || {
        let (connected, address) = connected(&addresses)?;
        tcp = Some(connected);
        Ok(address.to_string())
    })?;
    let mut tcp = tcp?;
    if *protocol == Protocol::Tds {
        return told.check("greeting", || greeting::exchange(*protocol, host, &mut tcp));
    }
    // The greeting of MySQL comes before TLS.
    let mut early = None;
    let mut wire = None;
    told.check("tls", || {
        early = greeting::before_tls(*protocol, &mut tcp)?;
        let secured = tls::secured(host, tcp.try_clone().map_err(|error| error.to_string())?)?;
        let version = secured.conn.protocol_version().map(|version| format!("{version:?}"));
        wire = Some(secured);
        Ok(version.unwrap_or_default())
    })?;
    let mut wire = wire?;
    told.certificates(wire.conn.peer_certificates().unwrap_or_default());
    told.check("greeting", || early.map_or_else(|| greeting::exchange(*protocol, host, &mut wire), Ok))
}

/// `postgresql://host:port`
fn endpoint(text: &str) -> Option<Endpoint> {
    let (protocol, address) = text.split_once("://")?;
    Endpoint::parse(Protocol::named(protocol)?, address)
}

/// Whether these variables are set, as `envFrom` sets them.
fn keys(wanted: &[String]) -> Found {
    let there: BTreeSet<String> = variables();
    let missing: Vec<&str> = wanted.iter().filter(|key| !there.contains(*key)).map(String::as_str).collect();
    if missing.is_empty() { Ok(format!("{} set", wanted.len())) } else { Err(format!("not set: {}", missing.join(", "))) }
}

fn resolved(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(|_| format!("the name `{host}` is not found"))?.collect();
    if found.is_empty() { Err(format!("the name `{host}` has no address")) } else { Ok(found) }
}

/// A connection to the first address that takes one.
fn connected(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), String> {
    let mut why = String::new();
    for address in addresses {
        match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(stream) => {
                let set = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
                set.map_err(|error| error.to_string())?;
                return Ok((stream, *address));
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => why = format!("{address} did not answer in {} s", PATIENCE.as_secs()),
            Err(error) => why = format!("{address}: {}", error.kind()),
        }
    }
    Err(why)
}

/// Where checks are told.
struct Told<'a>(&'a Output);

impl Told<'_> {
    /// Does a check and tells what it found; nothing if it failed.
    fn check(&self, name: &str, check: impl FnOnce() -> Found) -> Option<()> {
        let begun = Instant::now();
        let (result, found) = match check() {
            Ok(found) => ("success", found),
            Err(why) => ("failure", why),
        };
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.line(&json!({"check": name, "result": result, "milliseconds": milliseconds, "found": found}).to_string());
        (result == "success").then_some(())
    }

    /// Tells which certificates were shown, the server's own first.
    fn certificates(&self, shown: &[CertificateDer<'_>]) {
        let certificates: Vec<String> = shown.iter().map(|one| STANDARD.encode(one)).collect();
        self.0.line(&json!({"certificates": certificates}).to_string());
    }
}
