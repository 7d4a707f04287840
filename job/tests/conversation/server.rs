//! An API server in memory: it holds objects as a real one does, notes each request, and can be told to answer otherwise.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

/// An answer: status, body, and what stands in `Retry-After`.
pub(crate) type Answer = (u16, Value, Option<u64>);

/// A request, as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// The path of the object; of a POST, with the name in its body.
    pub(crate) object: String,
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

impl Seen {
    /// `GET /path`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn writes(&self) -> bool {
        self.method != Method::GET
    }
}

/// What happens instead of, or beside, the usual.
pub(crate) enum Then {
    /// This is the answer, and nothing is done.
    Answer(Answer),
    /// The connection breaks before anything is done.
    Break,
    /// All is done, and then the connection breaks.
    Lose,
    /// It takes this long.
    Delay(Duration),
    /// Somebody does this first.
    First(Box<dyn FnMut(&mut Objects) + Send>),
    /// A webhook changes the object before it is stored.
    Mutate(Box<dyn FnMut(&mut Value) + Send>),
}

struct Rule {
    method: Method,
    object: String,
    times: usize,
    then: Then,
}

impl Rule {
    fn is_about(&self, object: &str) -> bool {
        self.object.strip_suffix('*').map_or(self.object == object, |beginning| object.starts_with(beginning))
    }
}

/// The objects, by path.
#[derive(Default)]
pub(crate) struct Objects {
    live: BTreeMap<String, Value>,
    version: u64,
}

impl Objects {
    /// Stores an object under its path, with a new resourceVersion.
    pub(crate) fn put(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{}", self.version));
        }
        self.live.insert(path.to_owned(), object.clone());
        object
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        self.live.get(path)
    }

    /// Changes a live object, as somebody else would.
    pub(crate) fn change(&mut self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.live.get(path).unwrap_or_else(|| panic!("no {path}")).clone();
        change(&mut object);
        self.put(path, object);
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.live.remove(path);
    }

    /// All paths with the resourceVersions there.
    pub(crate) fn versions(&self) -> BTreeMap<String, String> {
        self.live.iter().map(|(path, object)| (path.clone(), object["metadata"]["resourceVersion"].to_string())).collect()
    }

    /// A page of a LIST, by label selector, limit and continue token, which here is the last path of the page before.
    fn list(&self, collection: &str, query: &str) -> Answer {
        let parameters: BTreeMap<&str, &str> = query.split('&').filter_map(|parameter| parameter.split_once('=')).collect();
        let of = |name: &str| parameters.get(name).copied().unwrap_or_default();
        let labels: Vec<(&str, &str)> = of("labelSelector").split(',').filter_map(|label| label.split_once('=')).collect();
        let is_asked_for = |live: &&Value| labels.iter().all(|(key, value)| live["metadata"]["labels"][key] == *value);
        let prefix = format!("{collection}/");
        let rest = self.live.iter().filter(|(path, _)| path.strip_prefix(&prefix).is_some_and(|name| name > of("continue")));
        let found: Vec<(&String, &Value)> = rest.filter(|(_, live)| is_asked_for(live)).collect();
        let limit: usize = of("limit").parse().unwrap();
        let next = found.get(limit).map_or("", |_| found[limit - 1].0.strip_prefix(&prefix).unwrap());
        let items: Vec<&Value> = found.iter().take(limit).map(|(_, live)| *live).collect();
        (200, json!({"kind": "List", "metadata": {"continue": next}, "items": items}), None)
    }

    fn answer(&mut self, seen: &Seen, mutate: &mut dyn FnMut(&mut Value)) -> Answer {
        let path = seen.object.as_str();
        if let Some((collection, query)) = path.split_once('?') {
            return self.list(collection, query);
        }
        let mut stored = |objects: &mut Self, mut object: Value| {
            mutate(&mut object);
            objects.put(path, object)
        };
        match (&seen.method, self.live.get(path).cloned()) {
            (&Method::POST, None) => (201, stored(self, seen.body.clone()), None),
            (&Method::POST, Some(_)) => status(409, "AlreadyExists", path, ""),
            (_, None) => status(404, "NotFound", path, ""),
            (&Method::GET, Some(live)) => (200, live, None),
            (&Method::PUT, Some(live)) if live["metadata"]["resourceVersion"] == seen.body["metadata"]["resourceVersion"] => {
                (200, stored(self, seen.body.clone()), None)
            }
            (&Method::PATCH, Some(live)) => match patched(live, &seen.body) {
                Some(object) => (200, stored(self, object), None),
                None => status(422, "Invalid", path, "the server rejected our request due to an error in our request"),
            },
            (&Method::DELETE, Some(live)) if has(&live, &seen.body["preconditions"]) => {
                self.live.remove(path);
                (200, json!({"kind": "Status", "status": "Success"}), None)
            }
            (&Method::PUT | &Method::DELETE, Some(_)) => status(409, "Conflict", path, ""),
            _ => status(405, "MethodNotAllowed", path, ""),
        }
    }
}

/// Whether the object is the one that the preconditions of a DELETE are about.
fn has(live: &Value, preconditions: &Value) -> bool {
    ["uid", "resourceVersion"].iter().all(|field| preconditions[field].is_null() || preconditions[field] == live["metadata"][field])
}

/// A JSON patch of the operations that the job has a use for.
fn patched(mut live: Value, operations: &Value) -> Option<Value> {
    for operation in operations.as_array()? {
        let pointer = operation["path"].as_str()?;
        let (parent, key) = pointer.rsplit_once('/')?;
        match operation["op"].as_str()? {
            "test" if live.pointer(pointer) == Some(&operation["value"]) => {}
            "add" => drop(live.pointer_mut(parent)?.as_object_mut()?.insert(key.to_owned(), operation["value"].clone())),
            "remove" => drop(live.pointer_mut(parent)?.as_object_mut()?.remove(key)?),
            _ => return None,
        }
    }
    Some(live)
}

/// An error, as the API server words it.
pub(crate) fn status(code: u16, reason: &str, path: &str, message: &str) -> Answer {
    let mut parts = path.rsplit('/');
    let details = json!({"name": parts.next(), "kind": parts.next()});
    (code, json!({"kind": "Status", "status": "Failure", "reason": reason, "message": message, "details": details, "code": code}), None)
}

/// The API server.
#[derive(Clone, Default)]
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    /// How far its clock is ahead of the job's, in seconds.
    ahead: Arc<AtomicI64>,
}

#[derive(Default)]
struct State {
    objects: Objects,
    seen: Vec<Seen>,
    rules: Vec<Rule>,
}

impl Server {
    /// A client that speaks to it.
    pub(crate) fn client(&self) -> kube::Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.serve(request).await }
        });
        kube::Client::new(service, "default")
    }

    /// The next `times` requests of this method for this object (of a POST: the object to be; a `*` ends the beginning of
    /// several) go otherwise.
    pub(crate) fn when(&self, method: Method, object: &str, times: usize, then: Then) {
        self.state().rules.push(Rule { method, object: object.to_owned(), times, then });
    }

    /// Sets its clock, by seconds that it is ahead of the job's.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::Relaxed);
    }

    /// From now on all goes as usual.
    pub(crate) fn forget_rules(&self) {
        self.state().rules.clear();
    }

    /// Reads or changes the objects, unseen.
    pub(crate) fn objects<T>(&self, act: impl FnOnce(&mut Objects) -> T) -> T {
        act(&mut self.state().objects)
    }

    /// What came in so far, which is then forgotten.
    pub(crate) fn forget(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state().seen)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn serve(&self, request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
        let seen = received(request).await;
        self.state().seen.push(seen.clone());
        let (pause, answer) = self.state().handle(&seen);
        tokio::time::sleep(pause).await;
        let (code, body, retry_after) = answer.ok_or(std::io::ErrorKind::ConnectionReset)?;
        let now = Timestamp::now() + SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        let mut response = Response::builder().status(code).header("Date", DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap());
        if let Some(seconds) = retry_after {
            response = response.header("Retry-After", seconds);
        }
        Ok(response.body(Body::from(body.to_string().into_bytes())).unwrap())
    }
}

impl State {
    /// The pause before the answer, and the answer if the connection holds.
    fn handle(&mut self, seen: &Seen) -> (Duration, Option<Answer>) {
        let fits = |rule: &&mut Rule| rule.times > 0 && rule.method == seen.method && rule.is_about(&seen.object);
        let rule = self.rules.iter_mut().find(fits);
        let objects = &mut self.objects;
        let usual = |objects: &mut Objects| Some(objects.answer(seen, &mut |_| {}));
        let Some(rule) = rule else { return (Duration::ZERO, usual(objects)) };
        rule.times -= 1;
        match &mut rule.then {
            Then::Answer(answer) => (Duration::ZERO, Some(answer.clone())),
            Then::Break => (Duration::ZERO, None),
            Then::Lose => (Duration::ZERO, usual(objects).and(None)),
            Then::Delay(pause) => (*pause, usual(objects)),
            Then::First(act) => {
                act(objects);
                (Duration::ZERO, usual(objects))
            }
            Then::Mutate(mutate) => (Duration::ZERO, Some(objects.answer(seen, mutate))),
        }
    }
}

async fn received(request: Request<Body>) -> Seen {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let path = parts.uri.to_string();
    let object = if parts.method == Method::POST { format!("{path}/{}", body["metadata"]["name"].as_str().unwrap()) } else { path.clone() };
    let content_type = parts.headers.get("Content-Type").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    Seen { method: parts.method, object, path, content_type, body, at: Instant::now() }
}
