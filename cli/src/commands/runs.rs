//! `sc rerun` and `sc logs`: runs of the job by hand, and what they say.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::{AsyncBufReadExt, TryStreamExt};
use jiff::Timestamp;
use sc_job::cluster::Cluster;
use sc_job::exit;
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
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs the job again.
pub(crate) async fn rerun(args: &RerunArgs, place: &Place) -> Result<u8> {
    let cluster = place.cluster().await?;
    let job = run::begin(&cluster, place).await?;
    if args.no_wait {
        output::say("the run has begun: `sc status` says how it goes");
        return Ok(0);
    }
    let (uid, begun) = (job["metadata"]["uid"].as_str().unwrap_or_default(), job["metadata"]["creationTimestamp"].as_str().unwrap_or_default());
    let selector = format!("batch.kubernetes.io/controller-uid%3D{uid}");
    follow(&cluster, place, &selector, true).await?;
    ended(&cluster, &place.release_namespace, (uid, begun)).await
}

/// Waits until the Job is over, and says by the proof how it went.
async fn ended(cluster: &Cluster, namespace: &str, (uid, begun_at): (&str, &str)) -> Result<u8> {
    let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/sc-job");
    let begun = Instant::now();
    while let Some(job) = cluster.get(&path).await.with_context(|| format!("failed to read Job `{namespace}/sc-job`"))? {
        if job["metadata"]["uid"] != uid || run::has_ended(&job) || begun.elapsed() > START {
            break;
        }
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
    let (why, code) = if is_told { (proof.reason, proof.code) } else { ("it has proved nothing: see `sc doctor`".to_owned(), exit::FAILED) };
    Err(Fault::of(code, format!("the run has not succeeded: {why}"), "mend the cause, and run `sc rerun` again").into())
}

/// Prints the log of the last run.
pub(crate) async fn logs(args: &LogsArgs, place: &Place) -> Result<u8> {
    let cluster = place.cluster().await?;
    let selector = format!("app.kubernetes.io/name%3D{}", crate::chart::NAME);
    follow(&cluster, place, &selector, args.follow).await?;
    Ok(0)
}

/// Prints the log of the newest pod with these labels; where it is to be followed, a pod that is not there yet is waited for.
async fn follow(cluster: &Cluster, place: &Place, selector: &str, is_followed: bool) -> Result<()> {
    let namespace = &place.release_namespace;
    let begun = Instant::now();
    loop {
        let found = newest(cluster, namespace, selector).await?;
        match found.as_ref().map(|pod| (pod, has_log(pod))) {
            Some((pod, true)) => return print(cluster, namespace, pod, is_followed).await,
            _ if is_followed && begun.elapsed() < START => sleep(LOOK_EVERY).await,
            Some((pod, false)) => {
                let why = waiting(pod);
                return Err(Fault::failed(
                    format!("the pod has not started{why}"),
                    format!("see `{} -n {namespace} get events`", place.command("kubectl")),
                )
                .into());
            }
            _ => {
                let fix = "a Job that succeeded takes its log along: `sc status` has its result";
                return Err(Fault::failed(format!("there is no pod of a run in namespace `{namespace}`"), fix).into());
            }
        }
    }
}

async fn newest(cluster: &Cluster, namespace: &str, selector: &str) -> Result<Option<Value>> {
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}");
    let mut found = cluster.get(&path).await.with_context(|| format!("failed to list pods in namespace `{namespace}`"))?.unwrap_or_default();
    let pods = found["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    Ok(pods.into_iter().max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned()))
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
