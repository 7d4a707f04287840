//! The Secrets that credentials refer to, in the namespace of the release.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use sc_core::connection::Connection;
use sc_core::credential::{Referenced, References};
use serde_json::Value;

use super::{Cluster, Failure};

/// How many are read at once.
const IN_FLIGHT: usize = 16;

/// What the referenced Secrets held, and which of their versions that was.
#[derive(Debug, Default)]
pub struct Read {
    /// What was found.
    pub references: References,
    /// The resourceVersion of each Secret that was found, by name.
    pub versions: BTreeMap<String, String>,
}

/// Reads each referenced Secret once. One that is absent or may not be read is noted as such.
///
/// # Errors
/// If the API server cannot be asked.
pub async fn read(cluster: &Cluster, namespace: &str, connections: &[Connection]) -> Result<Read, Failure> {
    let names: BTreeSet<&str> = connections.iter().flat_map(Connection::referenced_secrets).collect();
    let asked = stream::iter(names).map(|name| async move { Ok((name.to_owned(), ask(cluster, namespace, name).await?)) });
    let answers: Vec<(String, Result<Value, Referenced>)> = asked.buffer_unordered(IN_FLIGHT).try_collect().await?;
    let mut read = Read::default();
    for (name, answer) in answers {
        let referenced = match answer {
            Ok(live) => {
                read.versions.insert(name.clone(), live["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned());
                Referenced::of(&live)
            }
            Err(absent) => absent,
        };
        read.references.insert(name, referenced);
    }
    Ok(read)
}

async fn ask(cluster: &Cluster, namespace: &str, name: &str) -> Result<Result<Value, Referenced>, Failure> {
    match cluster.get(&format!("/api/v1/namespaces/{namespace}/secrets/{name}")).await {
        Ok(Some(live)) => Ok(Ok(live)),
        Ok(None) => Ok(Err(Referenced::Absent)),
        Err(Failure::Forbidden { .. }) => Ok(Err(Referenced::Forbidden)),
        Err(failure) => Err(failure),
    }
}
