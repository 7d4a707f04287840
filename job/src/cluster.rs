//! The one speaker to the API server: requests, answers, and retries.
//!
//! Rule: `kube::Client::request` is not used, since it logs a body that it cannot parse, and neither are kube's own retries, which go on for
//! longer than a run may last.

mod client;
pub mod config_map;
pub mod events;
pub mod failure;
pub mod inventory;
pub mod job;
pub mod lease;
mod pace;
pub mod references;
pub mod status;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use sc_core::object::{Live, ObjectId, ObjectKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

pub use failure::Failure;
use pace::Pace;

/// How often a request is tried again: with doubling pauses this spans about ten seconds.
const RETRIES: usize = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that the API server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(20);
/// So long after the first 403 of a run another may yet pass: a fresh Role takes a moment to be known to all API servers.
const FRESH_ROLES: Duration = Duration::from_secs(10);

/// So long an answer may take; the longest that the API server waits for an admission webhook. The client itself would wait for ever.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// So many objects are in a page of a LIST.
const PAGE: usize = 500;

/// The API server.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    first_forbidden: Arc<OnceLock<Instant>>,
    /// How far its clock is ahead of this machine's, by its first answer.
    ahead: Arc<OnceLock<SignedDuration>>,
    pace: Arc<Pace>,
    /// So long a 403 is tried again.
    fresh_roles: Duration,
}

impl Cluster {
    /// Speaks through this client.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self { client, first_forbidden: Arc::default(), ahead: Arc::default(), pace: Arc::default(), fresh_roles: FRESH_ROLES }
    }

    /// The same for a person, whose rights are not as fresh as those of a job: a 403 is final.
    #[must_use]
    pub fn for_person(self) -> Self {
        Self { fresh_roles: Duration::ZERO, ..self }
    }

    /// Finds the cluster as kubectl does, or in a pod by its ServiceAccount.
    ///
    /// # Errors
    /// If there is no usable configuration. Its cause is not passed on: a kubeconfig that cannot be parsed would be quoted.
    pub async fn infer() -> Result<Self, NoCluster> {
        Self::of(kube::Config::infer().await.map_err(|_| NoCluster::Config)?)
    }

    /// Speaks to the cluster of this configuration.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn of(config: kube::Config) -> Result<Self, NoCluster> {
        client::client(config).map(Self::new)
    }

    /// The time, by the API server's clock once it has answered: the times in objects are by it, and a node's may differ.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + self.ahead.get().copied().unwrap_or_default()
    }

    /// So many requests may be under way at once, by what became of those before.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.pace.at_once()
    }

    /// GET; nothing if there is no such object.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        self.get_as::<Map<String, Value>>(path).await.map(|found| found.map(Value::Object))
    }

    /// GET, tried once: for whoever can do without.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn get_at_once(&self, path: &str) -> Result<Option<Value>, Failure> {
        match self.once::<Map<String, Value>>(Method::GET, path, "get", &Bytes::new()).await {
            Err(Failure::Absent) => Ok(None),
            other => other.map(|found| Some(Value::Object(found))),
        }
    }

    /// GET of no more than what such a type takes; nothing if there is no such object.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn get_as<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Failure> {
        match self.retried(Method::GET, path, "get", &Bytes::new()).await {
            Err(Failure::Absent) => Ok(None),
            other => other.map(Some),
        }
    }

    /// LIST of the objects with these labels, a page of it: from the first, or from where the page before ended.
    ///
    /// # Errors
    /// What the API server has against it. A 403 is not waited for: what a LIST gives, a GET of each object gives, too.
    pub async fn list(&self, collection: &str, selector: &str, from: &str) -> Result<Page, Failure> {
        let start = if from.is_empty() { String::new() } else { format!("&continue={from}") };
        let path = format!("{collection}?labelSelector={selector}&limit={PAGE}{start}");
        self.retried(Method::GET, &path, "list", &Bytes::new()).await
    }

    /// GET of a text, line by line and as it comes, such as a log.
    ///
    /// # Errors
    /// If the API server cannot be reached, or has something against it.
    pub async fn lines(&self, path: &str) -> Result<impl futures::AsyncBufRead + use<>, Failure> {
        self.while_it_may_pass(&Method::GET, || self.stream(path)).await
    }

    async fn stream(&self, path: &str) -> Result<impl futures::AsyncBufRead + use<>, Failure> {
        let request = Request::get(path).body(Vec::new()).map_err(|_| Failure::Unreachable { cause: "the request has no valid path" })?;
        self.client.request_stream(request).await.map_err(|error| match error {
            kube::Error::Api(status) => failure::of_answer(status.code.try_into().unwrap_or_default(), "get", &Value::Null, None),
            other => Failure::Unreachable { cause: cause(&other) },
        })
    }

    /// POST to a collection.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Exists`] if there is one of that name.
    pub async fn create(&self, collection: &str, body: Bytes) -> Result<Value, Failure> {
        self.create_as::<Map<String, Value>>(collection, body).await.map(Value::Object)
    }

    /// The same, of whose answer no more is read than what such a type takes.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn create_as<T: DeserializeOwned>(&self, collection: &str, body: Bytes) -> Result<T, Failure> {
        self.retried(Method::POST, collection, "create", &body).await
    }

    /// PUT of a whole object, which carries the resourceVersion that was seen.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Conflict`] if it changed since.
    pub async fn replace(&self, path: &str, body: Bytes) -> Result<Value, Failure> {
        self.replace_as::<Map<String, Value>>(path, body).await.map(Value::Object)
    }

    /// The same, of whose answer no more is read than what such a type takes.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn replace_as<T: DeserializeOwned>(&self, path: &str, body: Bytes) -> Result<T, Failure> {
        self.retried(Method::PUT, path, "update", &body).await
    }

    /// PATCH with a JSON patch.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Invalid`] if a `test` in it fails.
    pub async fn patch(&self, path: &str, operations: &Value) -> Result<Value, Failure> {
        self.changed(Method::PATCH, path, "patch", operations.to_string().into()).await
    }

    /// DELETE, with DeleteOptions.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Conflict`] if a precondition in it does not hold.
    pub async fn delete(&self, path: &str, options: Bytes) -> Result<Value, Failure> {
        self.changed(Method::DELETE, path, "delete", options).await
    }

    async fn changed(&self, method: Method, path: &str, verb: &'static str, body: Bytes) -> Result<Value, Failure> {
        self.retried::<Map<String, Value>>(method, path, verb, &body).await.map(Value::Object)
    }

    async fn retried<T: DeserializeOwned>(&self, method: Method, path: &str, verb: &'static str, body: &Bytes) -> Result<T, Failure> {
        self.while_it_may_pass(&method, || self.once(method.clone(), path, verb, body)).await
    }

    /// Tries a request again, after pauses, while what it came to may pass.
    async fn while_it_may_pass<T, F>(&self, method: &Method, request: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).with_max_times(RETRIES).with_jitter();
        request
            .retry(pauses)
            .when(|failure| match failure {
                Failure::Busy { .. } | Failure::Unreachable { .. } => true,
                // A patch carries no resourceVersion: somebody else was writing in that moment, no more.
                Failure::Conflict => *method == Method::PATCH,
                // There is another way to what a LIST gives.
                Failure::Forbidden { verb: "list" } => false,
                Failure::Forbidden { .. } => self.first_forbidden.get_or_init(Instant::now).elapsed() < self.fresh_roles,
                _ => false,
            })
            .adjust(|failure, pause| match failure {
                Failure::Busy { retry_after: Some(asked), .. } => pause.map(|pause| pause.max(LONGEST_ASKED.min(*asked))),
                _ => pause,
            })
            .await
    }

    async fn once<T: DeserializeOwned>(&self, method: Method, path: &str, verb: &'static str, body: &Bytes) -> Result<T, Failure> {
        let content_type = if method == Method::PATCH { "application/json-patch+json" } else { "application/json" };
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(body.clone())).map_err(|_| Failure::Unreachable { cause: "the request has no valid path" })?;
        let (answer, begun) = (timeout(LONGEST_ANSWER, self.answer(request, verb)), Instant::now());
        let answer = answer.await.unwrap_or(Err(Failure::Unreachable { cause: "it did not answer in time" }));
        // Whoever is not reached is not asked more at once, and how fast that was says nothing.
        let is_refused = matches!(answer, Err(Failure::Busy { code: 429 | 503, .. } | Failure::Unreachable { .. }));
        // A page of a LIST takes as long as many others.
        if verb != "list" || is_refused {
            self.pace.note(begun.elapsed(), is_refused);
        }
        answer
    }

    async fn answer<T: DeserializeOwned>(&self, request: Request<Body>, verb: &'static str) -> Result<T, Failure> {
        let answer = self.client.send(request).await.map_err(|error| Failure::Unreachable { cause: cause(&error) })?;
        let (parts, body) = answer.into_parts();
        if let Some(date) = date(&parts.headers) {
            self.ahead.get_or_init(|| date.duration_since(Timestamp::now()));
        }
        let bytes = body.collect().await.map_err(|_| Failure::Unreachable { cause: "the answer was cut off" })?.to_bytes();
        if parts.status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| Failure::Unreachable { cause: "the answer was not an object" });
        }
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let seconds = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        Err(failure::of_answer(parts.status, verb, &value, seconds.map(Duration::from_secs)))
    }
}

/// A page of a LIST.
#[derive(Deserialize)]
pub struct Page {
    /// What it has.
    pub items: Vec<Live>,
    metadata: PageMetadata,
}

#[derive(Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: String,
}

impl Page {
    /// Where the next page begins; empty after the last.
    #[must_use]
    pub fn next(&self) -> &str {
        &self.metadata.next
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// Why no cluster can be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCluster {
    /// There is neither a usable kubeconfig nor a ServiceAccount.
    #[error("found neither a usable kubeconfig (KUBECONFIG, ~/.kube/config) nor a ServiceAccount: see what `kubectl get namespaces` says")]
    Config,
    /// The way is through a proxy, and this program was built without one.
    #[error("a proxy is asked for (HTTPS_PROXY, or proxy-url in the kubeconfig), and the job goes through none: unset it")]
    Proxy,
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
    format!("{}/{}", collection(id.namespace.as_str(), id.kind), id.name)
}

fn cause(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::HyperError(_) | kube::Error::Service(_) => "the connection failed",
        kube::Error::Auth(_) => "the credentials of the kubeconfig were not to be had",
        _ => "the request could not be sent",
    }
}
