//! The own Job: whether it is still there, since when it runs, and its time to live.
//!
//! Rule: it is never deleted here. A Job that deletes itself while its pod runs never becomes Complete, and Helm 4, Argo CD and Flux then wait
//! for it until their timeouts. A TTL that is patched in at the end removes it after it is Complete.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cluster, Failure};
use crate::args::Identity;

/// How long the finished Job stays, in seconds: long enough for Flux, which looks every 5 s.
const TTL_SECONDS: u32 = 60;
/// The Jobs that the chart lets its runs read and patch. Those of the CronJob have names of their own, and it clears them away itself.
const OWN: [&str; 2] = ["sc-job", "sc-job-rollback"];

/// The own Job, as it was found.
#[derive(Debug)]
pub struct OwnJob {
    path: String,
    uid: String,
    has_ttl: bool,
    /// When its first pod started; nothing if the Job may not be read.
    pub started: Option<Timestamp>,
}

impl OwnJob {
    /// Whether this is a Job that looks after itself.
    #[must_use]
    pub fn is_own(identity: &Identity) -> bool {
        OWN.contains(&identity.job.as_str())
    }

    /// Looks for the own Job.
    ///
    /// Nothing if it is gone or another Job has its name: then this pod is an orphan. A Job that may not be read is taken to be there.
    ///
    /// # Errors
    /// If the API server cannot be asked.
    pub async fn find(cluster: &Cluster, namespace: &str, identity: &Identity) -> Result<Option<Self>, Failure> {
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{}", identity.job);
        let own = |has_ttl, started| Self { path: path.clone(), uid: identity.job_uid.clone(), has_ttl, started };
        let live = match cluster.get(&path).await {
            Ok(Some(live)) if live["metadata"]["uid"] == identity.job_uid.as_str() => live,
            Ok(_) => return Ok(None),
            Err(Failure::Forbidden { .. }) => {
                tracing::warn!(job = identity.job, "may not read the own Job, so it will stay when it is done");
                return Ok(Some(own(false, None)));
            }
            Err(failure) => return Err(failure),
        };
        let started = live["status"]["startTime"].as_str().and_then(|text| text.parse().ok());
        Ok(Some(own(live["spec"]["ttlSecondsAfterFinished"].is_number(), started)))
    }

    /// Clears a TTL that an earlier pod of the Job left: this pod may yet fail, and then the Job must stay.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn stay(&self, cluster: &Cluster) -> Result<(), Failure> {
        if self.has_ttl {
            // Not `remove`, which fails when it is done again after an answer that was lost.
            self.patch(cluster, &json!({"op": "add", "path": "/spec/ttlSecondsAfterFinished", "value": null})).await?;
        }
        Ok(())
    }

    /// Lets the Job vanish a while after it is complete. Failing in this fails nothing: the work is done and proven.
    pub async fn vanish(&self, cluster: &Cluster) {
        let ttl = json!({"op": "add", "path": "/spec/ttlSecondsAfterFinished", "value": TTL_SECONDS});
        if let Err(failure) = self.patch(cluster, &ttl).await {
            tracing::warn!(%failure, "the Job will stay after it is done, delete it by hand");
        }
    }

    async fn patch(&self, cluster: &Cluster, operation: &Value) -> Result<Value, Failure> {
        let same = json!({"op": "test", "path": "/metadata/uid", "value": self.uid});
        cluster.patch(&self.path, &json!([same, operation])).await
    }
}
