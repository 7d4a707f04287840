//! A token of a ServiceAccount: what it claims. Its signature is not checked, since whoever gave it is trusted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Where Kubernetes puts the token of a pod (Kubernetes, "Accessing the Kubernetes API from a Pod").
const FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// What a token claims; nothing if it is none.
#[must_use]
pub fn claims(token: &str) -> Option<Value> {
    let payload = token.trim().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Who issues the tokens of this cluster, by this pod's own; nothing outside of a pod.
#[must_use]
pub fn own_issuer() -> Option<String> {
    let token = std::fs::read_to_string(FILE).ok()?;
    claims(&token)?["iss"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_claims_is_in_its_middle() {
        let claimed = claims("e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL2EvIn0.AAAA").unwrap();
        assert_eq!(claimed["iss"], "https://issuer.example/a/");
        assert!(claims("no token").is_none());
    }
}
