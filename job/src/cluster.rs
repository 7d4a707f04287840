//! The one speaker to the API server: requests, answers, and retries.
//!
//! Rule: an answer's own words are never passed on, since an admission webhook may quote the object that it saw. What is worth knowing is told
//! apart here and said in words of our own. `kube::Client::request` is not used: it logs a body that it cannot parse.

pub mod events;
pub mod job;
pub mod lease;
pub mod references;
pub mod status;

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::Body;
use sc_core::object::{ObjectId, ObjectKind};
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
        /// ` (webhook name)`, or nothing.
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
    #[error("the API server answered {code}")]
    Busy {
        /// The HTTP status.
        code: u16,
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

/// How often a request is tried again: with doubling pauses this spans about ten seconds.
const RETRIES: usize = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// So long an answer may take; the longest that the API server waits for an admission webhook. The client itself would wait for ever.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// The API server.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
}

impl Cluster {
    /// Speaks through this client.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// Finds the cluster as kubectl does, or in a pod by its ServiceAccount.
    ///
    /// # Errors
    /// If there is no usable configuration.
    pub async fn infer() -> Result<Self, kube::Error> {
        kube::Client::try_default().await.map(Self::new)
    }

    /// GET; nothing if there is no such object.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        match self.retried(Method::GET, path, "get", &[]).await {
            Err(Failure::Absent) => Ok(None),
            other => other.map(Some),
        }
    }

    /// POST to a collection.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Exists`] if there is one of that name.
    pub async fn create(&self, collection: &str, body: &[u8]) -> Result<Value, Failure> {
        self.retried(Method::POST, collection, "create", body).await
    }

    /// PUT of a whole object, which carries the resourceVersion that was seen.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Conflict`] if it changed since.
    pub async fn replace(&self, path: &str, body: &[u8]) -> Result<Value, Failure> {
        self.retried(Method::PUT, path, "update", body).await
    }

    /// PATCH with a JSON patch.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Invalid`] if a `test` in it fails.
    pub async fn patch(&self, path: &str, operations: &Value) -> Result<Value, Failure> {
        self.retried(Method::PATCH, path, "patch", operations.to_string().as_bytes()).await
    }

    async fn retried(&self, method: Method, path: &str, verb: &'static str, body: &[u8]) -> Result<Value, Failure> {
        let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).with_max_times(RETRIES).with_jitter();
        (|| self.in_time(method.clone(), path, verb, body))
            .retry(pauses)
            .when(|failure| matches!(failure, Failure::Busy { .. } | Failure::Unreachable { .. } | Failure::Forbidden { .. }))
            .adjust(|failure, pause| match failure {
                Failure::Busy { retry_after: Some(asked), .. } => pause.map(|pause| pause.max(*asked)),
                _ => pause,
            })
            .await
    }

    async fn in_time(&self, method: Method, path: &str, verb: &'static str, body: &[u8]) -> Result<Value, Failure> {
        let answer = tokio::time::timeout(LONGEST_ANSWER, self.once(method, path, verb, body)).await;
        answer.unwrap_or(Err(Failure::Unreachable { cause: "there was no answer" }))
    }

    async fn once(&self, method: Method, path: &str, verb: &'static str, body: &[u8]) -> Result<Value, Failure> {
        let content_type = if method == Method::PATCH { "application/json-patch+json" } else { "application/json" };
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(body.to_vec())).map_err(|_| Failure::Unreachable { cause: "the request has no valid path" })?;
        let answer = self.client.send(request).await.map_err(|error| Failure::Unreachable { cause: cause(&error) })?;
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.map_err(|_| Failure::Unreachable { cause: "the answer was cut off" })?.to_bytes();
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if parts.status.is_success() {
            return if value.is_object() { Ok(value) } else { Err(Failure::Unreachable { cause: "the answer was not an object" }) };
        }
        let seconds = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        Err(failure(parts.status, verb, &value, seconds.map(Duration::from_secs)))
    }
}

/// The path of the collection that an object belongs to.
#[must_use]
pub fn collection(namespace: &str, kind: ObjectKind) -> String {
    let root = if kind.api_version() == "v1" { "/api" } else { "/apis" };
    format!("{root}/{}/namespaces/{namespace}/{}", kind.api_version(), kind.plural())
}

/// The path of an object.
#[must_use]
pub fn path(id: &ObjectId) -> String {
    format!("{}/{}", collection(&id.namespace, id.kind), id.name)
}

/// Tells apart what an error answer means, by code, reason and the fixed phrases of the API server.
fn failure(status: StatusCode, verb: &'static str, answer: &Value, retry_after: Option<Duration>) -> Failure {
    let reason = answer["reason"].as_str().unwrap_or_default();
    let message = answer["message"].as_str().unwrap_or_default();
    match status.as_u16() {
        _ if message.contains("admission webhook") || message.contains("ValidatingAdmissionPolicy") => Failure::Denied { webhook: webhook(message) },
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
        code @ (401 | 429 | 500..=599) => Failure::Busy { code, retry_after },
        _ => Failure::Invalid { fields: fields(answer) },
    }
}

/// The webhook's name, which stands in quotes; nothing of what it said.
fn webhook(message: &str) -> String {
    let name = message.split_once("admission webhook \"").and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
    name.map_or_else(String::new, |name| format!(" ({name})"))
}

/// The names of the fields that an answer complains about.
fn fields(answer: &Value) -> String {
    let causes = answer["details"]["causes"].as_array().into_iter().flatten();
    let names: Vec<&str> = causes.filter_map(|cause| cause["field"].as_str()).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

fn cause(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::HyperError(_) | kube::Error::Service(_) => "the connection failed",
        kube::Error::Auth(_) => "the credentials of the kubeconfig were not to be had",
        _ => "the request could not be sent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(code: u16, answer: &Value) -> Failure {
        failure(StatusCode::from_u16(code).unwrap(), "create", answer, None)
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
        assert_eq!(told(503, &json!({})), Failure::Busy { code: 503, retry_after: None });
        assert_eq!(told(422, &json!({"details": {"causes": [{"field": "data[x]"}]}})), Failure::Invalid { fields: " (data[x])".into() });
    }

    #[test]
    fn the_words_of_a_webhook_are_not_passed_on() {
        let denied = told(400, &json!({"message": "admission webhook \"policy.example\" denied the request: password hunter2 is weak"}));
        assert_eq!(denied.to_string(), "an admission policy denied it (policy.example)");
    }
}
