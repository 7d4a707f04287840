//! The Secrets that are read in the namespace of the release: those that credentials refer to, and those with more connections.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Unread};
use sc_core::credential::{Referenced, References};
use serde_json::Value;

use super::{Cluster, Failure};

/// What the referenced Secrets held, and which of their versions that was. Each is read once in a run, so that all of it goes by the same.
#[derive(Debug, Default)]
pub struct Known {
    /// What was found.
    pub references: References,
    /// The resourceVersion of each Secret that was found, by name.
    pub versions: BTreeMap<String, String>,
}

impl Known {
    /// The Secrets that these connections refer to, and that were not asked for yet.
    #[must_use]
    pub fn missing(&self, connections: &[Connection]) -> BTreeSet<String> {
        let names = connections.iter().flat_map(Connection::referenced_secrets).filter(|name| !self.references.knows(name));
        names.map(str::to_owned).collect()
    }

    /// Notes what was answered. A Secret that is absent, may not be read or was not answered for is noted as such.
    pub fn add(&mut self, answers: Vec<Read>) {
        for Read { name, version, referenced } in answers {
            self.versions.extend(version.map(|version| (name.clone(), version)));
            self.references.insert(name, referenced);
        }
    }
}

/// A Secret that was asked for.
pub struct Read {
    name: String,
    /// Its resourceVersion, if it was found.
    version: Option<String>,
    referenced: Referenced,
}

/// Reads Secrets.
pub async fn read(cluster: &Cluster, namespace: &str, names: BTreeSet<String>) -> Vec<Read> {
    let asked = stream::iter(names).map(async |name: String| match ask(cluster, namespace, &name).await {
        Ok(live) => Read { name, version: Some(version_of(&live)), referenced: Referenced::of(&live) },
        Err(referenced) => Read { name, version: None, referenced },
    });
    asked.buffer_unordered(cluster.at_once()).collect().await
}

/// The document of a set, and the resourceVersion that it was read at.
///
/// # Errors
/// Why it was not to be had.
pub async fn set(cluster: &Cluster, namespace: &str, set: &ConnectionSet) -> Result<(Vec<u8>, String), Unread> {
    let live = ask(cluster, namespace, &set.secret).await.map_err(|unread| match unread {
        Referenced::Absent => Unread::Absent,
        Referenced::Forbidden => Unread::Forbidden,
        Referenced::Found(_) | Referenced::Unread => Unread::Unanswered,
    })?;
    let bytes = sc_core::document::of_secret(&live, ConnectionSet::KEY).ok_or(Unread::Keyless)?;
    Ok((bytes, version_of(&live)))
}

fn version_of(live: &Value) -> String {
    live["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

async fn ask(cluster: &Cluster, namespace: &str, name: &str) -> Result<Value, Referenced> {
    match cluster.get(&format!("/api/v1/namespaces/{namespace}/secrets/{name}")).await {
        Ok(Some(live)) => Ok(live),
        Ok(None) => Err(Referenced::Absent),
        Err(Failure::Forbidden { .. }) => Err(Referenced::Forbidden),
        Err(_) => Err(Referenced::Unread),
    }
}
