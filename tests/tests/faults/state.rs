//! The objects that a run could touch: as they are, and as a fault-free run leaves them.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use crate::api::Api;
use crate::room::Names;

/// What Kubernetes itself puts into each namespace.
const OF_KUBERNETES: [&str; 2] = ["/configmaps/kube-root-ca.crt", "/serviceaccounts/default"];
/// What the API server keeps about an object.
const KEPT: [&str; 5] = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"];
/// What in `sc-status` may differ from run to run: times, names of pods, counts of runs, and words about them.
const OF_THE_RUN: [&str; 8] = ["startedAt", "finishedAt", "lastSuccessAt", "podName", "generation", "summary", "consecutiveFailures", "reason"];

/// Objects by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct State(pub(crate) BTreeMap<String, Value>);

impl State {
    /// All that is there now.
    pub(crate) async fn capture(api: &Api, names: &Names) -> Self {
        let collections = collections(names);
        let lists = join_all(collections.iter().map(|collection| api.get(collection))).await;
        let objects = collections.iter().zip(&lists).flat_map(|(collection, list)| {
            let items = list["items"].as_array().unwrap();
            items.iter().map(move |object| (format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap()), without_fields(object)))
        });
        Self(objects.filter(|(path, _)| !OF_KUBERNETES.iter().any(|known| path.ends_with(known))).collect())
    }

    /// Brings everything from `live` back to what it is here. What has to be made anew then has a new UID here, too.
    pub(crate) async fn restore(&mut self, api: &Api, live: &Self) {
        let added = live.0.keys().filter(|path| !self.0.contains_key(*path));
        let deleted = join_all(added.map(|path| api.delete(path)));
        let restored = join_all(self.0.iter_mut().map(async |(path, object)| {
            *object = without_fields(&match live.0.get(path) {
                Some(found) if content(found) == content(object) => found.clone(),
                Some(found) => api.replace(path, &with_version(content(object), &found["metadata"]["resourceVersion"])).await,
                None => api.create(path.rsplit_once('/').unwrap().0, &content(object)).await,
            });
        }));
        futures::join!(deleted, restored);
    }

    /// The objects that have the same UID and version in both: nobody touched them.
    pub(crate) fn same(&self, other: &Self) -> Vec<String> {
        let is_same = |(path, object): &(&String, &Value)| other.0.get(*path) == Some(*object);
        self.0.iter().filter(is_same).map(|(path, _)| path.clone()).collect()
    }

    /// Only the object of this path, if there is one.
    pub(crate) fn only(&self, path: &str) -> Self {
        Self(self.0.get_key_value(path).map(|(path, object)| (path.clone(), object.clone())).into_iter().collect())
    }

    /// What differs in names, types, data, labels, annotations, and in what a run has to say by Lease, status and Job.
    pub(crate) fn differences(&self, expected: &Self) -> Vec<String> {
        let paths = expected.0.keys().chain(self.0.keys().filter(|path| !expected.0.contains_key(*path)));
        let facts = |state: &Self, path: &String| state.0.get(path).map(facts);
        paths.filter_map(|path| difference(path, facts(expected, path), facts(self, path))).collect()
    }

    /// Whether `sc-status` says that the live `sc-config` was applied.
    pub(crate) fn claims_success(&self, names: &Names) -> bool {
        let path = |plural: &str| format!("/api/v1/namespaces/{}/{plural}", names.system);
        let Some(status) = self.0.get(&path("configmaps/sc-status")).map(|status| &status["data"]) else { return false };
        let config = &self.0[&path("secrets/sc-config")];
        let is_of_config = status["observedHash"] == hash(config) && status["observedUID"] == config["metadata"]["uid"];
        status["result"] == "Succeeded" && is_of_config
    }

    /// Only the objects in the namespaces of connections.
    pub(crate) fn of_connections(&self, names: &Names) -> Self {
        let beginnings = names.shops.clone().map(|shop| format!("/api/v1/namespaces/{shop}/"));
        let is_in = |path: &String| beginnings.iter().any(|beginning| path.starts_with(beginning));
        Self(self.0.iter().filter(|(path, _)| is_in(path)).map(|(path, object)| (path.clone(), object.clone())).collect())
    }
}

/// Where a run may touch something, and its neighbourhood.
fn collections(names: &Names) -> Vec<String> {
    let core = |namespace: &str, plural: &str| format!("/api/v1/namespaces/{namespace}/{plural}");
    let own = ["secrets", "configmaps", "serviceaccounts"].map(|plural| core(&names.system, plural));
    let shops = names.shops.iter().flat_map(|shop| [core(shop, "secrets"), core(shop, "serviceaccounts")]);
    let protocol =
        [format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", names.system), format!("/apis/batch/v1/namespaces/{}/jobs", names.system)];
    own.into_iter().chain(shops).chain(protocol).collect()
}

fn hash(config: &Value) -> String {
    let digest = sha2::Sha256::digest(&sc_tests::planning::decoded(config)["values.json"]);
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}

fn without_fields(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    for field in ["apiVersion", "kind"] {
        object.as_object_mut().unwrap().remove(field);
    }
    object
}

fn content(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"].as_object_mut().unwrap().retain(|field, _| !KEPT.contains(&field.as_str()));
    object
}

fn with_version(mut object: Value, version: &Value) -> Value {
    object["metadata"]["resourceVersion"] = version.clone();
    object
}

fn facts(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut data = object["data"].as_object().cloned().unwrap_or_default();
    if metadata["name"] == "sc-status" {
        data.retain(|key, _| !OF_THE_RUN.contains(&key.as_str()));
    }
    json!({
        "type": object["type"],
        "data": data,
        "labels": metadata["labels"],
        "annotations": metadata["annotations"],
        "holder": object["spec"]["holderIdentity"],
        "ttl": object["spec"]["ttlSecondsAfterFinished"],
    })
}

fn difference(path: &str, expected: Option<Value>, found: Option<Value>) -> Option<String> {
    match (expected, found) {
        (expected, found) if expected == found => None,
        (None, _) => Some(format!("{path} should not be there")),
        (_, None) => Some(format!("{path} is missing")),
        (Some(expected), Some(found)) => Some(format!("{path}: {}", fields(&expected, &found).join(", "))),
    }
}

fn fields(expected: &Value, found: &Value) -> Vec<String> {
    let empty = Map::new();
    let (expected, found) = (expected.as_object().unwrap_or(&empty), found.as_object().unwrap_or(&empty));
    let differ = expected.keys().filter(|field| expected.get(*field) != found.get(*field));
    differ.map(|field| format!("{field} should be {} and is {}", expected[field], found[field])).collect()
}
