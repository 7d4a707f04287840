//! Whether the token of a ServiceAccount is what it says: signed by the API server, valid now, and trusted by the identity.

use std::sync::LazyLock;

use serde_json::Value;

use super::directory::Federated;
use super::jwt::Token;
use super::refusal::Refusal;
use crate::kube;

/// For whom a token must be that is to be exchanged.
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";
/// So far clocks may be apart, in seconds.
const SKEW: i64 = 300;

/// Who signs the tokens of ServiceAccounts, and the keys that it publishes.
pub(crate) struct Issuer {
    /// As it is in its tokens.
    pub(crate) name: String,
    keys: Vec<Value>,
}

/// The API server, as it describes itself.
pub(crate) fn issuer() -> &'static Issuer {
    static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
        kube::require();
        let published = |path: &str| serde_json::from_str::<Value>(&kube::kubectl(&["get", "--raw", path])).unwrap();
        let name = published("/.well-known/openid-configuration")["issuer"].as_str().unwrap().to_owned();
        Issuer { name, keys: published("/openid/v1/jwks")["keys"].as_array().unwrap().clone() }
    });
    &ISSUER
}

/// Checks a token for an identity that trusts these.
pub(super) fn check(token: &str, trusted: &[Federated], now: i64) -> Result<(), Refusal> {
    let token = Token::parse(token).ok_or(Refusal::Malformed)?;
    let (issuer, subject, audiences) = (token.text("iss"), token.text("sub"), token.audiences());
    let mut trusted: Vec<&Federated> = trusted.iter().filter(|federated| federated.issuer == issuer).collect();
    if trusted.is_empty() {
        return Err(Refusal::Issuer(issuer.to_owned()));
    }
    check_signature(&token)?;
    check_time(&token, now)?;
    trusted.retain(|federated| federated.subject == subject);
    if trusted.is_empty() {
        return Err(Refusal::Subject(subject.to_owned()));
    }
    let is_for = |federated: &&Federated| audiences.contains(&federated.audience.as_str());
    if trusted.iter().any(is_for) { Ok(()) } else { Err(Refusal::Audience(audiences.join(", "))) }
}

fn check_signature(token: &Token) -> Result<(), Refusal> {
    let issuer = issuer();
    let key = token.key(&issuer.keys).filter(|_| token.text("iss") == issuer.name);
    let key = key.ok_or(Refusal::Signature("The key was not found."))?;
    let is_signed = token.is_signed_with(key);
    is_signed.then_some(()).ok_or(Refusal::Signature("Key was found, but use of the key to verify the signature failed."))
}

fn check_time(token: &Token, now: i64) -> Result<(), Refusal> {
    let (from, until) = token.span();
    let is_valid = (from - SKEW..until + SKEW).contains(&now);
    is_valid.then_some(()).ok_or(Refusal::Time { now, from, until })
}
