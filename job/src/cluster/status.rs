//! The ConfigMap `sc-status`: the proof of what was done. It is made by the job, so that no installer can overwrite or remove it.
//!
//! Success ⇔ `result` is `Succeeded`, and `observedHash` and `observedUID` are those of the live `sc-config`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sc_core::names::{MANAGED_BY, MANAGER};
use sc_core::report::Report;
use serde_json::{Value, json};

use super::{Cluster, Failure};
use crate::args::{Identity, Version};

const NAME: &str = "sc-status";
/// The version of the ConfigMap's own format.
const FORMAT: &str = "1";
/// How often a write is tried when somebody else writes, too.
const ROUNDS: usize = 3;
/// The longest reason that is kept, in bytes.
const LONGEST_REASON: usize = 1024;

/// What a run sets out to prove.
#[derive(Debug, Clone)]
pub struct Desired {
    /// SHA-256 of the values, in hexadecimal.
    pub hash: String,
    /// UID of the Secret that held them; empty if they came from a file.
    pub uid: String,
    /// Versions of chart and image, and what started the run.
    pub version: Version,
}

/// The status of this run and what is kept of earlier ones.
#[derive(Debug)]
pub struct Status {
    collection: String,
    path: String,
    object: Value,
    /// Whether an earlier run succeeded, so that most objects will be there.
    pub had_success: bool,
}

impl Status {
    /// Reads what earlier runs left, and writes that this one is running.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn begin(cluster: &Cluster, namespace: &str, desired: &Desired, identity: Option<&Identity>) -> Result<Self, Failure> {
        let collection = format!("/api/v1/namespaces/{namespace}/configmaps");
        let path = format!("{collection}/{NAME}");
        let metadata = json!({"name": NAME, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}});
        let fresh = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        let object = cluster.get(&path).await?.unwrap_or(fresh);
        let had_success = object["data"]["lastSuccessAt"].as_str().is_some_and(|time| !time.is_empty());
        let mut status = Self { collection, path, object, had_success };
        status.write(cluster, &running(desired, identity)).await?;
        Ok(status)
    }

    /// Writes that the run succeeded.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Conflict`] if another run wrote meanwhile.
    pub async fn succeed(
        mut self,
        cluster: &Cluster,
        desired: &Desired,
        report: &Report,
        versions: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let generation = self.object["data"]["generation"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) + 1;
        let references: Vec<String> = versions.iter().map(|(name, version)| format!("{name}={version}")).collect();
        let mut data = ended("Succeeded", report, "");
        data.extend([
            ("observedHash", desired.hash.clone()),
            ("observedUID", desired.uid.clone()),
            ("generation", generation.to_string()),
            ("lastSuccessAt", Timestamp::now().to_string()),
            ("consecutiveFailures", "0".to_owned()),
            ("references", references.join(" ")),
        ]);
        self.write(cluster, &data).await
    }

    /// Writes that the run failed, and why.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn fail(mut self, cluster: &Cluster, report: &Report, reason: &str) -> Result<(), Failure> {
        let failures = self.object["data"]["consecutiveFailures"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) + 1;
        let mut data = ended("Failed", report, reason);
        data.push(("consecutiveFailures", failures.to_string()));
        self.write(cluster, &data).await
    }

    /// Writes these keys. Only the holder of the Lease writes, so a conflict is a hand's change, or an answer that was lost: the keys go on top.
    async fn write(&mut self, cluster: &Cluster, data: &[(&str, String)]) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            update(&mut self.object, data);
            match self.put(cluster).await {
                Ok(object) => {
                    self.object = object;
                    return Ok(());
                }
                Err(Failure::Conflict | Failure::Exists) => self.object = cluster.get(&self.path).await?.ok_or(Failure::Conflict)?,
                Err(failure) => return Err(failure),
            }
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

fn running(desired: &Desired, identity: Option<&Identity>) -> Vec<(&'static str, String)> {
    let own = |field: fn(&Identity) -> &String| identity.map(field).cloned().unwrap_or_default();
    vec![
        ("formatVersion", FORMAT.to_owned()),
        ("result", "Running".to_owned()),
        ("desiredHash", desired.hash.clone()),
        ("trigger", desired.version.trigger.clone()),
        ("chartVersion", desired.version.chart.clone()),
        ("image", desired.version.image.clone()),
        ("jobName", own(|identity| &identity.job)),
        ("jobUID", own(|identity| &identity.job_uid)),
        ("podName", own(|identity| &identity.pod)),
        ("startedAt", Timestamp::now().to_string()),
        ("finishedAt", String::new()),
        ("reason", String::new()),
    ]
}

fn ended(result: &str, report: &Report, reason: &str) -> Vec<(&'static str, String)> {
    let end = reason.floor_char_boundary(LONGEST_REASON);
    vec![
        ("result", result.to_owned()),
        ("summary", report.summary()),
        ("reason", reason[..end].to_owned()),
        ("finishedAt", Timestamp::now().to_string()),
    ]
}

fn update(object: &mut Value, data: &[(&str, String)]) {
    for (key, value) in data {
        object["data"][*key] = json!(value);
    }
}
