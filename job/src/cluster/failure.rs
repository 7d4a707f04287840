//! What a request came to when it did not give what was asked for.
//!
//! Rule: an answer's own words are never passed on, since an admission webhook may quote the object that it saw. What is worth knowing is told
//! apart here, by code, reason and the fixed phrases of the API server, and said in words of our own.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use thiserror::Error;

/// A request that did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// There is no such object.
    #[error("it does not exist")]
    Absent,
    /// There is one of that name already.
    #[error("it exists already")]
    Exists,
    /// Another run has the Lease.
    #[error("another run has held it for two minutes")]
    Held,
    /// It was changed since it was read.
    #[error("it was changed by somebody else at the same time")]
    Conflict,
    /// The job's Role lacks the right.
    #[error("the job has no right to {verb} it")]
    Forbidden {
        /// What was tried.
        verb: &'static str,
    },
    /// The namespace is not there.
    #[error("its namespace does not exist")]
    NoNamespace,
    /// The namespace is on its way out.
    #[error("its namespace is being deleted")]
    Terminating,
    /// The API server does not know the kind.
    #[error("the cluster does not know this kind of object")]
    UnknownKind,
    /// A quota is used up.
    #[error("a quota of its namespace is used up")]
    Quota,
    /// An admission webhook or policy said no.
    #[error("an admission policy denied it{webhook}")]
    Denied {
        /// ` (name of a webhook)`, ` (binding name)` of a policy, or nothing.
        webhook: String,
    },
    /// It is larger than the API server takes.
    #[error("it is larger than the API server takes")]
    TooLarge,
    /// The API server finds the object invalid.
    #[error("the API server finds it invalid{fields}")]
    Invalid {
        /// ` (field, field)`, or nothing.
        fields: String,
    },
    /// The API server answered with an error that may pass.
    #[error("the API server answered {code}{webhook}")]
    Busy {
        /// The HTTP status.
        code: u16,
        /// ` (name of a webhook, failed)`, or nothing.
        webhook: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The API server was not reached, or its answer was not understood.
    #[error("the API server was not reached: {cause}")]
    Unreachable {
        /// What happened, without any content.
        cause: &'static str,
    },
}

impl Failure {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unreachable { .. } | Self::Held | Self::Conflict | Self::Exists | Self::Absent)
    }

    /// What to do about it.
    #[must_use]
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "install through the chart, whose Roles grant just this; check that no policy took it away",
            Self::NoNamespace => "create the namespace, or list it under `namespaces.create`",
            Self::Terminating => "wait until the namespace is gone, create it anew, and run again",
            Self::UnknownKind => "install the Secrets Store CSI driver, whose CRDs bring it",
            Self::Quota => "raise the quota or free some of it, and run again",
            Self::Denied { .. } => "ask whoever keeps that policy to let the job's objects pass",
            Self::TooLarge => "a Secret holds at most 1 MiB: shorten the values of this connection",
            Self::Invalid { .. } => "if the object is immutable, delete it and run again; else look at these fields",
            _ => "run again",
        }
    }
}

/// Tells apart what an error answer means, by code, reason and the fixed phrases of the API server.
pub(super) fn of_answer(status: StatusCode, verb: &'static str, answer: &Value, retry_after: Option<Duration>) -> Failure {
    let reason = answer["reason"].as_str().unwrap_or_default();
    let message = answer["message"].as_str().unwrap_or_default();
    match status.as_u16() {
        code @ 500..=599 if message.contains("failed calling webhook") => Failure::Busy { code, webhook: webhook(message, " failed"), retry_after },
        _ if message.contains("ValidatingAdmissionPolicy") => Failure::Denied { webhook: binding(message) },
        _ if message.contains("admission webhook") => Failure::Denied { webhook: webhook(message, "") },
        403 if message.contains("exceeded quota") => Failure::Quota,
        403 if message.contains("being terminated") => Failure::Terminating,
        403 => Failure::Forbidden { verb },
        404 if answer["details"]["kind"] == "namespaces" => Failure::NoNamespace,
        404 if answer["details"]["name"].is_string() => Failure::Absent,
        404 => Failure::UnknownKind,
        409 if reason == "AlreadyExists" => Failure::Exists,
        409 => Failure::Conflict,
        413 => Failure::TooLarge,
        422 if message.contains("Too long") || message.contains("must have at most") => Failure::TooLarge,
        code @ (401 | 429 | 500..=599) => Failure::Busy { code, webhook: String::new(), retry_after },
        _ => Failure::Invalid { fields: fields(answer) },
    }
}

/// The webhook's name, which stands in quotes, and what it did; nothing of what it said.
fn webhook(message: &str, did: &str) -> String {
    let name = message.split_once("webhook \"").and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
    name.map_or_else(String::new, |name| format!(" ({name}{did})"))
}

/// The name of the binding by which a policy denies: `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: …`.
fn binding(message: &str) -> String {
    let name = message.split_once(" with binding '").and_then(|(_, rest)| rest.split_once('\'')).map(|(name, _)| name);
    name.map_or_else(String::new, |name| format!(" (binding {name})"))
}

/// The names of the fields that an answer complains about.
fn fields(answer: &Value) -> String {
    let causes = answer["details"]["causes"].as_array().into_iter().flatten();
    let names: Vec<&str> = causes.filter_map(|cause| cause["field"].as_str()).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(code: u16, answer: &Value) -> Failure {
        of_answer(StatusCode::from_u16(code).unwrap(), "create", answer, None)
    }

    #[test]
    fn refusals_are_told_apart() {
        let said = |message: &str| json!({"message": message});
        assert_eq!(told(403, &said("secrets is forbidden: User cannot create resource")), Failure::Forbidden { verb: "create" });
        assert_eq!(told(403, &said("secrets \"x\" is forbidden: exceeded quota: q")), Failure::Quota);
        assert_eq!(told(403, &said("unable to create new content in namespace x because it is being terminated")), Failure::Terminating);
        assert_eq!(told(404, &json!({"details": {"kind": "namespaces", "name": "x"}})), Failure::NoNamespace);
        assert_eq!(told(404, &json!({"details": {"kind": "secrets", "name": "x"}})), Failure::Absent);
        assert_eq!(told(404, &json!({"details": {}})), Failure::UnknownKind);
        assert_eq!(told(409, &json!({"reason": "AlreadyExists"})), Failure::Exists);
        assert_eq!(told(409, &json!({"reason": "Conflict"})), Failure::Conflict);
        assert_eq!(told(503, &json!({})), Failure::Busy { code: 503, webhook: String::new(), retry_after: None });
        assert_eq!(told(422, &json!({"details": {"causes": [{"field": "data[x]"}]}})), Failure::Invalid { fields: " (data[x])".into() });
    }

    #[test]
    fn the_words_of_a_webhook_are_not_passed_on() {
        let denied = told(400, &json!({"message": "admission webhook \"policy.example\" denied the request: password hunter2 is weak"}));
        assert_eq!(denied.to_string(), "an admission policy denied it (policy.example)");
        let policy =
            told(422, &json!({"message": "secrets \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: hunter2"}));
        assert_eq!(policy.to_string(), "an admission policy denied it (binding b)");
        let silent = told(500, &json!({"message": "Internal error occurred: failed calling webhook \"policy.example\": Post hunter2: timeout"}));
        assert_eq!(silent.to_string(), "the API server answered 500 (policy.example failed)");
    }
}
