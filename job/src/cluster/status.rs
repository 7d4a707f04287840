//! The ConfigMap `sc-status`: the proof of what was done. It is made by the job, so that no installer can overwrite or remove it.
//!
//! Success ⇔ `result` is `Succeeded`, and `observedHash` and `observedUID` are those of the live `sc-config`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sc_core::report::Report;
use serde_json::{Value, json};

use super::{Cluster, Failure};
use crate::args::{Identity, Version};

const NAME: &str = "sc-status";
/// The version of the ConfigMap's own format.
const FORMAT: &str = "1";
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
        let live = cluster.get(&path).await?;
        let is_new = live.is_none();
        let metadata = json!({"name": NAME, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "sc-job"}});
        let mut object = live.unwrap_or_else(|| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}));
        let had_success = object["data"]["lastSuccessAt"].as_str().is_some_and(|time| !time.is_empty());
        update(&mut object, &running(desired, identity));
        let body = object.to_string();
        let written = if is_new { cluster.create(&collection, body.as_bytes()).await } else { cluster.replace(&path, body.as_bytes()).await };
        let object = stored(cluster, &path, &object, written).await?;
        Ok(Self { path, object, had_success })
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

    async fn write(&mut self, cluster: &Cluster, data: &[(&str, String)]) -> Result<(), Failure> {
        update(&mut self.object, data);
        let written = cluster.replace(&self.path, self.object.to_string().as_bytes()).await;
        stored(cluster, &self.path, &self.object, written).await.map(drop)
    }
}

/// What is stored after a write. If the answer to it was lost, writing again is refused, but what was to be written is there.
async fn stored(cluster: &Cluster, path: &str, object: &Value, written: Result<Value, Failure>) -> Result<Value, Failure> {
    match written {
        Err(failure @ (Failure::Exists | Failure::Conflict)) => cluster.get(path).await?.filter(|live| live["data"] == object["data"]).ok_or(failure),
        other => other,
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
