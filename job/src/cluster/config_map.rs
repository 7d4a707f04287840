//! The ConfigMaps that the job keeps in the namespace of the release: `sc-status` and the inventory.

use sc_core::names::{MANAGED_BY, MANAGER};
use serde_json::{Value, json};

use super::{Cluster, Failure};

/// How often a write is tried when somebody else writes, too.
const ROUNDS: usize = 3;

/// A ConfigMap, as it was last seen.
#[derive(Debug)]
pub(super) struct ConfigMap {
    collection: String,
    path: String,
    object: Value,
}

impl ConfigMap {
    /// Reads it; one that is not there yet is made by the first write.
    pub(super) async fn read(cluster: &Cluster, namespace: &str, name: &str) -> Result<Self, Failure> {
        let collection = format!("/api/v1/namespaces/{namespace}/configmaps");
        let path = format!("{collection}/{name}");
        let metadata = json!({"name": name, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}});
        let fresh = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        let object = cluster.get(&path).await?.unwrap_or(fresh);
        Ok(Self { collection, path, object })
    }

    /// The text of a key; empty if it is not there.
    pub(super) fn text(&self, key: &str) -> &str {
        self.object["data"][key].as_str().unwrap_or_default()
    }

    /// Writes these keys, if they differ from what was seen.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Conflict`] if somebody else changed the data since: another run, to whom the Lease passed
    /// while this one waited for an answer, or a hand.
    pub(super) async fn write(&mut self, cluster: &Cluster, data: &[(&str, String)]) -> Result<(), Failure> {
        let seen = self.object["data"].clone();
        for (key, text) in data {
            self.object["data"][*key] = json!(text);
        }
        let wanted = self.object["data"].clone();
        if seen == wanted {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            match self.put(cluster).await {
                Ok(object) => {
                    self.object = object;
                    return Ok(());
                }
                Err(Failure::Conflict | Failure::Exists) => {}
                Err(failure) => return Err(failure),
            }
            self.object = cluster.get(&self.path).await?.ok_or(Failure::Conflict)?;
            if self.object["data"] == wanted {
                // The answer to an earlier try was lost.
                return Ok(());
            }
            if self.object["data"] != seen {
                return Err(Failure::Conflict);
            }
            self.object["data"] = wanted.clone();
        }
        Err(Failure::Conflict)
    }

    async fn put(&self, cluster: &Cluster) -> Result<Value, Failure> {
        let body = self.object.to_string();
        if self.object["metadata"]["resourceVersion"].is_null() {
            cluster.create(&self.collection, body.as_bytes()).await
        } else {
            cluster.replace(&self.path, body.as_bytes()).await
        }
    }
}
