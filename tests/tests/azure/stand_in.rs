//! A stand-in for what only Azure has: Entra and a node's metadata, which give tokens, and key vaults, which take them.
//!
//! Rule: it believes nothing. A pod's token is held against the keys that the API server publishes and against the federated credentials that the
//! test has told of, an access token against the key that only the stand-in has, and a refusal is worded as Azure words it.
//!
//! There is one in the test process. Tests do not disturb each other, since each has identities and vaults of its own.

mod assertion;
mod directory;
mod entra;
mod jwt;
mod key_vault;
mod metadata;
mod refusal;
mod server;

use std::sync::{LazyLock, Mutex, MutexGuard};

use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::Value;

pub(crate) use assertion::{AUDIENCE, issuer};
use directory::Directory;
pub(crate) use directory::{Federated, Guard, Identity, Vault};
use jwt::Seal;
pub(crate) use key_vault::CLIENT;
pub(crate) use server::{MEND, certificate, listen, listen_on_node, variable};

/// The host that gives tokens.
pub(crate) const LOGIN: &str = "login.microsoftonline.com";
/// Where a node asks about itself.
const METADATA: &str = "169.254.169.254";
/// The domain of the vaults.
const VAULTS: &str = ".vault.azure.net";
/// The length of a GUID without its dashes.
const GUID_DIGITS: usize = 32;

/// A request, with its whole body.
pub(crate) type Question = Request<Bytes>;
/// What is answered.
pub(crate) type Answer = Response<Full<Bytes>>;

static DIRECTORY: Mutex<Directory> = Mutex::new(Directory::new());
static SEAL: LazyLock<Seal> = LazyLock::new(Seal::new);

/// Answers a request as the host would that it is for, at this time in seconds since 1970.
pub(crate) fn answer(question: &Question, now: i64) -> Answer {
    let host = host(question);
    match host.strip_suffix(VAULTS) {
        Some(vault) => key_vault::answer(vault, question, now),
        None if host == LOGIN => entra::answer(question, now),
        None if host == METADATA => metadata::answer(question, now),
        None => json(StatusCode::NOT_FOUND, &Value::from(format!("there is no {host} here"))),
    }
}

/// The current time, in seconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn directory() -> MutexGuard<'static, Directory> {
    DIRECTORY.lock().unwrap()
}

fn host(question: &Question) -> &str {
    let named = question.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    named.or(question.uri().host()).unwrap_or_default().trim_end_matches(":443")
}

fn json(status: StatusCode, body: &Value) -> Answer {
    Response::builder().status(status).header(header::CONTENT_TYPE, "application/json").body(Full::from(body.to_string())).unwrap()
}

/// Digits that nobody can guess.
fn random_digits(count: usize) -> String {
    let bytes: [u8; GUID_DIGITS] = ring::rand::generate(&ring::rand::SystemRandom::new()).unwrap().expose();
    bytes.iter().map(|byte| char::from_digit(u32::from(byte & 15), 16).unwrap()).take(count).collect()
}

/// A new GUID.
fn guid() -> String {
    let digits = random_digits(GUID_DIGITS);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
