//! Entra's refusals: codes, words and form as it has them.
//!
//! Sources: answers of Entra in public issues and logs, and learn.microsoft.com/entra/identity-platform/reference-error-codes.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::{Answer, LOGIN, guid, json};

/// Why no token is given.
#[derive(Debug)]
pub(super) enum Refusal {
    UnknownTenant(String),
    UnknownClient { client: String, tenant: String },
    WrongSecret { client: String },
    NothingTrusted { client: String },
    Issuer(String),
    Subject(String),
    Audience(String),
    Signature(&'static str),
    Time { now: i64, from: i64, until: i64 },
    Malformed,
    NoCredential,
    GrantType(String),
    Scope(String),
}

impl Refusal {
    fn code(&self) -> u32 {
        match self {
            Self::UnknownTenant(_) => 90_002,
            Self::UnknownClient { .. } => 700_016,
            Self::WrongSecret { .. } => 7_000_215,
            Self::NothingTrusted { .. } => 70_025,
            Self::Issuer(_) => 700_211,
            Self::Audience(_) => 700_212,
            Self::Subject(_) => 700_213,
            Self::Signature(_) => 50_013,
            Self::Time { .. } => 700_024,
            Self::Malformed => 50_027,
            Self::NoCredential => 7_000_216,
            Self::GrantType(_) => 70_003,
            Self::Scope(_) => 1_002_012,
        }
    }

    fn error(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnknownTenant(_) | Self::Malformed => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::UnknownClient { .. } => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            Self::GrantType(_) => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::Scope(_) => (StatusCode::BAD_REQUEST, "invalid_scope"),
            _ => (StatusCode::UNAUTHORIZED, "invalid_client"),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::UnknownTenant(tenant) => format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with \
                 your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
            Self::UnknownClient { client, tenant } => format!(
                "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the application has not been \
                 installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication \
                 request to the wrong tenant."
            ),
            Self::WrongSecret { client } => format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, \
                 for a secret added to app '{client}'."
            ),
            Self::NothingTrusted { client } => format!("The client '{client}'(stand-in) has no configured federated identity credentials."),
            Self::Issuer(issuer) => no_match("issuer", issuer),
            Self::Subject(subject) => no_match("subject", subject),
            Self::Audience(audience) => no_match("audience", audience),
            Self::Signature(reason) => format!("Assertion failed signature validation. [Reason - {reason}]"),
            Self::Time { now, from, until } => format!(
                "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}. Review \
                 the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .",
                moment(*now),
                moment(*from),
                moment(*until)
            ),
            Self::Malformed => "JWT token is invalid or malformed.".to_owned(),
            Self::NoCredential => "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.".to_owned(),
            Self::GrantType(grant) => format!("The app requested an unsupported grant type '{grant}'."),
            Self::Scope(scope) => format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the \
                 resource identifier (application ID URI)."
            ),
        }
    }

    /// The answer that says it.
    pub(super) fn answer(&self, now: i64) -> Answer {
        let (code, (status, error)) = (self.code(), self.error());
        let (trace, correlation, time) = (guid(), guid(), Timestamp::from_second(now).unwrap().strftime("%F %TZ").to_string());
        let text = format!("AADSTS{code}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}", self.text());
        let body = json!({
            "error": error, "error_description": text, "error_codes": [code], "timestamp": time, "trace_id": trace,
            "correlation_id": correlation, "error_uri": format!("https://{LOGIN}/error?code={code}"),
        });
        json(status, &body)
    }
}

fn no_match(what: &str, found: &str) -> String {
    format!(
        "No matching federated identity record found for presented assertion {what} '{found}'. Check your federated identity credential Subject, \
         Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
    )
}

fn moment(second: i64) -> String {
    Timestamp::from_second(second).unwrap().strftime("%FT%T.0000000Z").to_string()
}
