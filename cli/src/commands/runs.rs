//! `sc rerun` and `sc logs`: runs of the job by hand, and what they say.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::{AsyncBufReadExt, TryStreamExt};
use jiff::Timestamp;
use sc_job::cluster::Cluster;
use sc_job::cluster::status::Status;
use sc_job::exit;
use sc_job::output::chain;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::args::release::{LogsArgs, RerunArgs};
use crate::fault::Fault;
use crate::output;
use crate::place::Place;
use crate::proof::{Proof, State};
use crate::run;

/// So long a pod may take to start before that is told as a failure; what the Job itself may take is longer.
const START: Duration = Duration::from_mins(4);
/// The Job of `helm test`.
const TEST: &str = "sc-test";
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs the job again.
pub(crate) async fn rerun(args: &RerunArgs, place: &Place) -> Result<u8> {
    let cluster = place.cluster().await?;
    let job = run::begin(&cluster, place).await?;
    if args.no_wait {
        output::say(&format!("the run has begun: `{} status` says how it goes", place.command("sc")));
        return Ok(0);
    }
    let (uid, begun) = (job["metadata"]["uid"].as_str().unwrap_or_default(), job["metadata"]["creationTimestamp"].as_str().unwrap_or_default());
    stream(&cluster, place, uid).await?;
    ended(&cluster, place, (uid, begun)).await
}

/// Prints the log of a run as it comes. A Job of a CronJob takes its log along soon after it has succeeded: what of it could not be had is no failure of
/// the run.
async fn stream(cluster: &Cluster, place: &Place, uid: &str) -> Result<()> {
    let namespace = &place.release_namespace;
    let selector = format!("batch.kubernetes.io/controller-uid%3D{uid}");
    let begun = Instant::now();
    loop {
        // In this order: of one that was over, a pod that is not there now will not come.
        let is_over = run::is_over(cluster, namespace, uid).await?;
        let found = newest(pods(cluster, namespace, &selector).await?);
        match found {
            Some(pod) if has_log(&pod) => {
                if let Err(error) = print(cluster, namespace, &pod, true).await {
                    output::say(&format!("the rest of the log is not to be had: {}", chain(&error)));
                }
                return Ok(());
            }
            Some(pod) if begun.elapsed() > START => return Err(not_started(place, &pod)),
            None if is_over => {
                output::say("the run is over, and its log has gone with it");
                return Ok(());
            }
            _ => sleep(LOOK_EVERY).await,
        }
    }
}

/// Waits until the Job is over, which Kubernetes sees to by the Job's own deadline, and says by the proof how it went.
async fn ended(cluster: &Cluster, place: &Place, (uid, begun_at): (&str, &str)) -> Result<u8> {
    let (namespace, sc) = (&place.release_namespace, place.command("sc"));
    while !run::is_over(cluster, namespace, uid).await? {
        sleep(LOOK_EVERY).await;
    }
    let proof = Proof::read(cluster, namespace).await?;
    // A proof of an earlier run says nothing of this one.
    if proof.state == State::Succeeded && proof.job_uid == uid {
        output::say(&format!("the run has succeeded: {}", proof.summary));
        return Ok(0);
    }
    let time = |text: &str| text.parse::<Timestamp>().ok();
    if proof.state == State::Succeeded && time(&proof.started_at) >= time(begun_at) {
        output::say(&format!("another run came after it, and has succeeded: {}", proof.summary));
        return Ok(0);
    }
    let is_told = proof.job_uid == uid && !proof.reason.is_empty();
    let (why, code) = if is_told { (proof.reason, proof.code) } else { (format!("it has proved nothing: see `{sc} doctor`"), exit::FAILED) };
    Err(Fault::of(code, format!("the run has not succeeded: {why}"), format!("mend the cause, and run `{sc} rerun` again")).into())
}

/// Prints the log of the last run.
pub(crate) async fn logs(args: &LogsArgs, place: &Place) -> Result<u8> {
    let cluster = place.cluster().await?;
    follow(&cluster, place, args.follow).await?;
    Ok(0)
}

/// Prints the log of the last run; where it is to be followed, a pod that is not there yet is waited for.
async fn follow(cluster: &Cluster, place: &Place, is_followed: bool) -> Result<()> {
    let namespace = &place.release_namespace;
    let (begun, mut is_told) = (Instant::now(), false);
    loop {
        let found = of_last_run(cluster, namespace).await?;
        match found {
            Some(pod) if has_log(&pod) => return print(cluster, namespace, &pod, is_followed).await,
            _ if is_followed && begun.elapsed() < START => {
                if !is_told {
                    output::say("no run has a log now: waiting for one …");
                    is_told = true;
                }
                sleep(LOOK_EVERY).await;
            }
            Some(pod) => return Err(not_started(place, &pod)),
            None => {
                let fix = format!("a Job that succeeded takes its log along: `{} status` has its result", place.command("sc"));
                return Err(Fault::failed(format!("there is no pod of a run in namespace `{namespace}`"), fix).into());
            }
        }
    }
}

fn not_started(place: &Place, pod: &Value) -> anyhow::Error {
    let fix = format!("see `{} -n {} get events`", place.command("kubectl"), place.release_namespace);
    Fault::failed(format!("the pod has not started{}", waiting(pod)), fix).into()
}

/// The newest pod of the last run: of the Job that the status names, or of one that came later and has not written there yet. A test is no run.
async fn of_last_run(cluster: &Cluster, namespace: &str) -> Result<Option<Value>> {
    let status = Status::read(cluster, namespace).await.with_context(|| format!("failed to read ConfigMap `{namespace}/sc-status`"))?;
    let pods = pods(cluster, namespace, &format!("app.kubernetes.io/name%3D{}", crate::chart::NAME)).await?;
    let (job, begun) = (status.text("jobName"), status.text("startedAt"));
    Ok(newest(pods.into_iter().filter(|pod| is_of_run(pod, job, begun))))
}

/// Whether a pod of the chart is of the run of this Job, which began then, or of a later one; of any, if there was none yet.
fn is_of_run(pod: &Value, job: &str, begun: &str) -> bool {
    let metadata = &pod["metadata"];
    let name = metadata["labels"]["batch.kubernetes.io/job-name"].as_str().unwrap_or_default();
    let time = |text: &str| text.parse::<Timestamp>().ok();
    name != TEST && (job.is_empty() || name == job || metadata["creationTimestamp"].as_str().and_then(time) > time(begun))
}

async fn pods(cluster: &Cluster, namespace: &str, selector: &str) -> Result<Vec<Value>> {
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}");
    let mut found = cluster.get(&path).await.with_context(|| format!("failed to list pods in namespace `{namespace}`"))?.unwrap_or_default();
    Ok(found["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

fn newest(pods: impl IntoIterator<Item = Value>) -> Option<Value> {
    pods.into_iter().max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned())
}

fn has_log(pod: &Value) -> bool {
    let state = &pod["status"]["containerStatuses"][0]["state"];
    state["running"].is_object() || state["terminated"].is_object()
}

/// Why a container waits, as Kubernetes says it.
fn waiting(pod: &Value) -> String {
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    waiting["reason"].as_str().map_or_else(String::new, |reason| format!(": {reason}"))
}

async fn print(cluster: &Cluster, namespace: &str, pod: &Value, is_followed: bool) -> Result<()> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let failed = || format!("failed to read the log of Pod `{namespace}/{name}`");
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/log?follow={is_followed}");
    let mut lines = cluster.lines(&path).await.with_context(failed)?.lines();
    while let Some(line) = lines.try_next().await.with_context(failed)? {
        output::print(&(line + "\n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn the_last_run_is_that_of_the_status_or_a_later_one_and_never_a_test() {
        let pod = |job: &str, minute: u8| json!({"metadata": {"labels": {"batch.kubernetes.io/job-name": job}, "creationTimestamp": format!("2026-01-01T00:{minute:02}:00Z")}});
        let is_of_run = |job: &str, minute| super::is_of_run(&pod(job, minute), "sc-job-rollback", "2026-01-01T00:10:00Z");
        assert!(is_of_run("sc-job-rollback", 9), "its pod is older than what it has written");
        assert!(is_of_run("sc-job", 11), "it has not written yet");
        assert!(!is_of_run("sc-job", 8), "it is of an earlier run");
        assert!(!is_of_run("sc-test", 11));
        assert!(super::is_of_run(&pod("sc-job", 8), "", ""), "no run has written yet");
        assert!(!super::is_of_run(&pod("sc-test", 8), "", ""));
    }
}
