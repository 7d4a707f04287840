//! Tokens as JWTs: how they are read, and the key that seals those of the stand-in's own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

/// A token in its parts. That they can be read proves nothing.
pub(super) struct Token<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    header: Value,
    claims: Value,
}

/// A key that only the stand-in has.
pub(super) struct Seal(hmac::Key);

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&decoded(part)?).ok().filter(Value::is_object);
        Some(Self { signed, signature: decoded(signature)?, header: object(header)?, claims: object(claims)? })
    }

    /// A claim that is a text; an empty text if it is not there.
    pub(super) fn text(&self, claim: &str) -> &str {
        self.claims[claim].as_str().unwrap_or_default()
    }

    /// For whom it is; there may be several.
    pub(super) fn audiences(&self) -> Vec<&str> {
        let audience = &self.claims["aud"];
        audience.as_array().map_or_else(|| vec![audience], |several| several.iter().collect()).into_iter().filter_map(Value::as_str).collect()
    }

    /// From when until when it is valid, in seconds since 1970. Without an end it never was.
    pub(super) fn span(&self) -> (i64, i64) {
        let time = |claim: &str| self.claims[claim].as_i64().unwrap_or_default();
        (time("nbf"), time("exp"))
    }

    /// The key that it says it is signed with, of a JSON Web Key Set.
    pub(super) fn key<'k>(&self, keys: &'k [Value]) -> Option<&'k Value> {
        keys.iter().find(|key| key["kid"].is_string() && key["kid"] == self.header["kid"])
    }

    /// Whether it is signed with this key. Other algorithms than RS256 are not taken, whatever the token says.
    pub(super) fn is_signed_with(&self, key: &Value) -> bool {
        let number = |name: &str| key[name].as_str().and_then(decoded).unwrap_or_default();
        let key = RsaPublicKeyComponents { n: number("n"), e: number("e") };
        self.header["alg"] == "RS256" && key.verify(&RSA_PKCS1_2048_8192_SHA256, self.signed.as_bytes(), &self.signature).is_ok()
    }
}

impl Seal {
    pub(super) fn new() -> Self {
        Self(hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new()).unwrap())
    }

    /// A token with these claims.
    pub(super) fn token(&self, claims: &Value) -> String {
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encoded(&json!({"alg": "HS256", "typ": "JWT"})), encoded(claims));
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Whether a token is one of these.
    pub(super) fn is_on(&self, token: &Token) -> bool {
        hmac::verify(&self.0, token.signed.as_bytes(), &token.signature).is_ok()
    }
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}
