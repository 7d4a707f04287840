//! A run of the job by hand: from the CronJob, as the README tells it.

use std::time::Duration;

use anyhow::{Context, Result};
use sc_job::cluster::{Cluster, Failure};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::place::Place;

/// The Job of a run by hand, which is the same as that of an upgrade.
pub(crate) const JOB: &str = "sc-job";
/// The annotation by which Helm knows whose an object is.
pub(crate) const RELEASE_NAME: &str = "meta.helm.sh/release-name";
/// A run that has proved its success is over for Kubernetes only some seconds later.
const NEARLY_OVER: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So long the Job of an earlier run may take to be gone.
const LONGEST_DELETION: Duration = Duration::from_secs(30);

/// Begins a run: what an earlier one has left goes, and the Job is made from the CronJob.
///
/// # Errors
/// If a run is under way, or what the API server has against it.
pub(crate) async fn begin(cluster: &Cluster, place: &Place) -> Result<Value> {
    let namespace = &place.release_namespace;
    clear(cluster, place).await?;
    let cron_job = cluster.get(&format!("/apis/batch/v1/namespaces/{namespace}/cronjobs/sc-reconcile")).await;
    let cron_job = cron_job.with_context(|| format!("failed to read CronJob `{namespace}/sc-reconcile`"))?;
    let cron_job = cron_job.filter(|found| found["metadata"]["annotations"][RELEASE_NAME] == place.release.as_str());
    let absent = || {
        let sc = place.command("sc");
        let fix = format!("look by `{sc} status` whether the release is there, and by `{sc} doctor` what became of it");
        Fault::failed(format!("there is no CronJob `{namespace}/sc-reconcile` of release `{}`", place.release), fix)
    };
    match cluster.create(&jobs(namespace), job_of(&cron_job.ok_or_else(absent)?, namespace).to_string().into()).await {
        Err(Failure::Exists) => Err(under_way(place).into()),
        created => created.with_context(|| format!("failed to create Job `{namespace}/{JOB}`")),
    }
}

/// The Job that `kubectl create job --from=cronjob/sc-reconcile` makes.
fn job_of(cron_job: &Value, namespace: &str) -> Value {
    let template = &cron_job["spec"]["jobTemplate"];
    let mut annotations = template["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), json!("manual"));
    let owner = json!({"apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job["metadata"]["name"], "uid": cron_job["metadata"]["uid"], "controller": true});
    let metadata = json!({"name": JOB, "namespace": namespace, "labels": template["metadata"]["labels"], "annotations": annotations, "ownerReferences": [owner]});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]})
}

/// Deletes a Job of an earlier run that has ended, and waits until it is gone.
async fn clear(cluster: &Cluster, place: &Place) -> Result<()> {
    let (namespace, kubectl) = (&place.release_namespace, place.command("kubectl"));
    let path = format!("{}/{JOB}", jobs(namespace));
    let failed = || format!("failed to delete Job `{namespace}/{JOB}`");
    let begun = tokio::time::Instant::now();
    while let Some(job) = cluster.get(&path).await.with_context(failed)? {
        if !has_ended(&job) && begun.elapsed() < NEARLY_OVER {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        if !has_ended(&job) {
            return Err(under_way(place).into());
        }
        if begun.elapsed() > LONGEST_DELETION {
            let fix = format!("see what holds it by `{kubectl} -n {namespace} get job {JOB} -o jsonpath='{{.metadata.finalizers}}'`");
            return Err(Fault::failed(format!("Job `{namespace}/{JOB}` of an earlier run is not gone"), fix).into());
        }
        let options = json!({"propagationPolicy": "Background", "preconditions": {"uid": job["metadata"]["uid"]}});
        match cluster.delete(&path, options.to_string().into()).await {
            Ok(_) | Err(Failure::Absent) => {}
            Err(failure) => return Err(failure).with_context(failed),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn under_way(place: &Place) -> Fault {
    let (kubectl, namespace) = (place.command("kubectl"), &place.release_namespace);
    let fix = format!("wait for it by `{kubectl} -n {namespace} wait --for=delete job/{JOB}`, or end it by deleting the Job");
    Fault::failed("a run is under way", fix)
}

/// Whether a run is under way, so that what the last one has left says nothing yet.
///
/// # Errors
/// If the Job cannot be read.
pub(crate) async fn is_under_way(cluster: &Cluster, namespace: &str) -> Result<bool> {
    Ok(job(cluster, namespace, JOB).await?.is_some_and(|job| !has_ended(&job)))
}

/// Whether the Job with this UID is over, or gone.
///
/// # Errors
/// If it cannot be read.
pub(crate) async fn is_over(cluster: &Cluster, namespace: &str, uid: &str) -> Result<bool> {
    Ok(job(cluster, namespace, JOB).await?.is_none_or(|job| job["metadata"]["uid"] != uid || has_ended(&job)))
}

async fn job(cluster: &Cluster, namespace: &str, name: &str) -> Result<Option<Value>> {
    cluster.get(&format!("{}/{name}", jobs(namespace))).await.with_context(|| format!("failed to read Job `{namespace}/{name}`"))
}

/// The Job of the last run.
pub(crate) struct LastJob {
    pub(crate) name: String,
    /// In a word; nothing if it is gone.
    pub(crate) now: Option<&'static str>,
}

impl LastJob {
    /// The one that the status names; but if that of an upgrade or a rerun is under way, it is this one, which may not have written there yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) async fn find(cluster: &Cluster, namespace: &str, named: &str) -> Result<Self> {
        let named = if named.is_empty() { JOB } else { named };
        let word = |job: Value| if has_ended(&job) { "ended" } else { "running" };
        let (own, other) = futures::future::join(job(cluster, namespace, JOB), job(cluster, namespace, named)).await;
        Ok(Self::of(own?.map(word), (named, other?.map(word))))
    }

    fn of(own: Option<&'static str>, named: (&str, Option<&'static str>)) -> Self {
        let (name, now) = if own == Some("running") { (JOB, own) } else { named };
        Self { name: name.to_owned(), now }
    }
}

/// Whether a Job is over, one way or the other.
pub(crate) fn has_ended(job: &Value) -> bool {
    let conditions = job["status"]["conditions"].as_array();
    let is_final = |condition: &Value| condition["status"] == "True" && (condition["type"] == "Complete" || condition["type"] == "Failed");
    conditions.into_iter().flatten().any(is_final)
}

fn jobs(namespace: &str) -> String {
    format!("/apis/batch/v1/namespaces/{namespace}/jobs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_job_is_that_of_the_status_unless_a_newer_run_is_under_way() {
        let last = |own, named| {
            let LastJob { name, now } = LastJob::of(own, ("sc-job-rollback", named));
            (name, now)
        };
        assert_eq!(last(None, Some("ended")), ("sc-job-rollback".to_owned(), Some("ended")));
        assert_eq!(last(Some("ended"), Some("ended")), ("sc-job-rollback".to_owned(), Some("ended")), "that of an earlier run stays");
        assert_eq!(last(Some("ended"), None), ("sc-job-rollback".to_owned(), None));
        assert_eq!(last(Some("running"), Some("ended")), (JOB.to_owned(), Some("running")));
    }
}
