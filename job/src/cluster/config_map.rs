//! The ConfigMaps that the job keeps in the namespace of the release: `sc-status` and the inventory.

use sc_core::names::{MANAGED_BY, MANAGER};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Cluster, Failure};

/// How often a write is tried when somebody else writes, too.
const ROUNDS: usize = 3;

/// A ConfigMap, as it was last seen.
#[derive(Debug)]
pub(super) struct ConfigMap {
    collection: String,
    path: String,
    object: Value,
    /// The hash of its data, as the API server has it.
    seen: Hash,
}

type Hash = [u8; 32];

impl ConfigMap {
    /// Reads it; one that is not there yet is made by the first write.
    pub(super) async fn read(cluster: &Cluster, namespace: &str, name: &str) -> Result<Self, Failure> {
        let collection = format!("/api/v1/namespaces/{namespace}/configmaps");
        let path = format!("{collection}/{name}");
        let metadata = json!({"name": name, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}});
        let fresh = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        let object = cluster.get(&path).await?.unwrap_or(fresh);
        let seen = hash(&object);
        Ok(Self { collection, path, object, seen })
    }

    /// The text of a key; empty if it is not there.
    pub(super) fn text(&self, key: &str) -> &str {
        self.object["data"][key].as_str().unwrap_or_default()
    }

    /// Takes a large text out of memory. Whoever does gives it anew with each write.
    pub(super) fn take(&mut self, key: &str) -> String {
        match self.object["data"][key].take() {
            Value::String(text) => text,
            _ => String::new(),
        }
    }

    /// Writes these keys, if they differ from what was seen.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Conflict`] if somebody else changed the data since: another run, to whom the Lease passed
    /// while this one waited for an answer, or a hand.
    pub(super) async fn write(&mut self, cluster: &Cluster, data: &[(&str, String)]) -> Result<(), Failure> {
        for (key, text) in data {
            self.object["data"][*key] = json!(text);
        }
        let wanted = hash(&self.object);
        if self.seen == wanted {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            match self.put(cluster).await {
                Ok(version) => {
                    self.object["metadata"]["resourceVersion"] = version;
                    self.seen = wanted;
                    return Ok(());
                }
                Err(Failure::Conflict | Failure::Exists) => {}
                Err(failure) => return Err(failure),
            }
            let data = self.object["data"].take();
            self.object = cluster.get(&self.path).await?.ok_or(Failure::Conflict)?;
            let found = hash(&self.object);
            if found == wanted {
                // The answer to an earlier try was lost.
                self.seen = wanted;
                return Ok(());
            }
            if found != self.seen {
                return Err(Failure::Conflict);
            }
            self.object["data"] = data;
        }
        Err(Failure::Conflict)
    }

    /// Sends it, and returns its new resourceVersion.
    async fn put(&self, cluster: &Cluster) -> Result<Value, Failure> {
        let body = self.object.to_string().into();
        let mut answer = if self.object["metadata"]["resourceVersion"].is_null() {
            cluster.create(&self.collection, body).await?
        } else {
            cluster.replace(&self.path, body).await?
        };
        Ok(answer["metadata"]["resourceVersion"].take())
    }
}

fn hash(object: &Value) -> Hash {
    Sha256::digest(object["data"].to_string()).into()
}
