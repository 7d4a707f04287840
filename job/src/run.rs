//! The run, from values to its own deletion.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use sc_core::plan::Plan;
use sc_core::problem::Problems;
use sc_core::report::{Report, Verdict};
use sha2::{Digest, Sha256};

use crate::apply::{First, Mode, apply};
use crate::args::{Args, Identity};
use crate::cluster::job::OwnJob;
use crate::cluster::lease::Lease;
use crate::cluster::status::{Desired, Status};
use crate::cluster::{Cluster, events, references};
use crate::stop::Stop;
use crate::{exit, output};

/// So long before the end of the Job the run ends itself, to have time for its report.
const MARGIN: Duration = Duration::from_secs(40);
/// The Secret that holds the values, and its key.
const CONFIG: (&str, &str) = ("sc-config", "values.json");

/// Runs as the arguments say; returns the exit code.
pub async fn run(args: &Args) -> u8 {
    let stop = Stop::new();
    let ended = async {
        stop.on_signals().context("failed to listen to signals")?;
        let cluster = Cluster::infer().await.map_err(|_| no_cluster())?;
        steps(&cluster, args, &stop).await
    };
    match ended.await {
        Ok(code) => code,
        Err(error) => {
            output::failure(&error);
            output::termination(&error.to_string());
            exit::FAILED
        }
    }
}

/// The steps of a run, with everything that it needs at hand.
///
/// # Errors
/// If it cannot even begin: no values, no Lease, no status.
pub async fn steps(cluster: &Cluster, args: &Args, stop: &Stop) -> Result<u8> {
    let identity = if args.values.is_some() { None } else { Some(args.identity().ok_or_else(no_identity)?) };
    let Some(own) = own_job(cluster, args, identity.as_ref(), stop).await? else {
        tracing::info!("the own Job is gone or is another one: nothing is touched");
        return Ok(exit::APPLIED);
    };
    let run = Run { cluster, args, stop, identity, own };
    let protocol = run.protocol_namespace();
    let lease = match &protocol {
        Some(namespace) => Some(run.lease(namespace).await?),
        None => None,
    };
    let ended = run.with_lease(protocol.as_deref()).await;
    if let Some(lease) = lease {
        lease.release(cluster).await;
    }
    ended
}

/// A run that has begun.
struct Run<'a> {
    cluster: &'a Cluster,
    args: &'a Args,
    stop: &'a Stop,
    identity: Option<Identity>,
    own: Own,
}

/// The own Job, for a run that has one.
type Own = Option<OwnJob>;

/// Values that were read, and what applying them will prove.
struct Document {
    bytes: Vec<u8>,
    desired: Desired,
}

impl Run<'_> {
    /// Where Lease and status are kept; nowhere in a dry run, or outside of a cluster unless asked.
    fn protocol_namespace(&self) -> Option<String> {
        match (&self.args.values, self.args.dry_run) {
            (_, true) => None,
            (None, false) => Some(self.args.release_namespace.clone()),
            (Some(_), false) => self.args.status_namespace.clone(),
        }
    }

    async fn lease(&self, namespace: &str) -> Result<Lease> {
        let outside = format!("outside-{}", std::process::id());
        let holder = self.identity.as_ref().map_or(outside.as_str(), |identity| &identity.pod_uid);
        tokio::select! {
            lease = Lease::take(self.cluster, namespace, holder, self.stop) => lease.with_context(|| format!("failed to take Lease `{namespace}/sc-job`")),
            reason = self.stop.wait() => Err(anyhow!("failed to take Lease `{namespace}/sc-job`: {reason}")),
        }
    }

    async fn with_lease(&self, protocol: Option<&str>) -> Result<u8> {
        let document = self.values().await?;
        let status = match protocol {
            Some(namespace) => {
                let begun = Status::begin(self.cluster, namespace, &document.desired, self.identity.as_ref()).await;
                Some(begun.with_context(|| format!("failed to write ConfigMap `{namespace}/sc-status`"))?)
            }
            None => None,
        };
        let first = if status.as_ref().is_some_and(|status| status.had_success) { First::Read } else { First::Create };
        let (report, versions) = self.work(&document, first).await;
        output::report(&report, self.args.dry_run);
        self.publish(status, &document, &report, &versions).await
    }

    async fn values(&self) -> Result<Document> {
        let (bytes, uid) = match &self.args.values {
            Some(file) => (std::fs::read(file).with_context(|| format!("failed to read `{}`", file.display()))?, String::new()),
            None => self.live_config().await?,
        };
        let hash = hexadecimal(&Sha256::digest(&bytes));
        Ok(Document { bytes, desired: Desired { hash, uid, version: self.args.version() } })
    }

    /// The live content wins: an older pod can never push older values.
    async fn live_config(&self) -> Result<(Vec<u8>, String)> {
        let path = format!("/api/v1/namespaces/{}/secrets/{}", self.args.release_namespace, CONFIG.0);
        let failed = || format!("failed to read Secret `{}/{}`", self.args.release_namespace, CONFIG.0);
        let live = self.cluster.get(&path).await.with_context(failed)?.ok_or_else(|| anyhow!("it does not exist").context(failed()))?;
        let bytes = sc_core::document::of_secret(&live, CONFIG.1).ok_or_else(|| anyhow!("it has no key `{}`", CONFIG.1).context(failed()))?;
        Ok((bytes, live["metadata"]["uid"].as_str().unwrap_or_default().to_owned()))
    }

    /// From the document to the report of all that was done about it.
    async fn work(&self, document: &Document, first: First) -> (Report, BTreeMap<String, String>) {
        let mut problems = Problems::default();
        let connections = match sc_core::connections(&document.bytes, &mut problems) {
            Ok(connections) => connections,
            Err(problem) => return (Report { outcomes: Vec::new(), problems: vec![problem] }, BTreeMap::new()),
        };
        let read = references::read(self.cluster, &self.args.release_namespace, &connections).await;
        let plan = Plan::of(connections, read.references, self.args.release(), &mut problems);
        let mode = Mode { first, dry_run: self.args.dry_run };
        let outcomes = apply(self.cluster, &plan, mode, self.stop).await;
        (Report { outcomes, problems: problems.into_vec() }, read.versions)
    }

    /// Publishes how it ended: status, Event, the own Job's time to live, the container's last words.
    async fn publish(&self, status: Option<Status>, document: &Document, report: &Report, versions: &BTreeMap<String, String>) -> Result<u8> {
        let verdict = report.verdict();
        let succeeded = verdict == Verdict::Applied;
        let reason = reason(report);
        if let Some(status) = status {
            let written = if succeeded {
                status.succeed(self.cluster, &document.desired, report, versions).await
            } else {
                status.fail(self.cluster, report, &reason).await
            };
            written.context("failed to write ConfigMap `sc-status`")?;
        }
        tracing::info!(verdict = ?verdict, summary = report.summary(), "run ended");
        if let Some(identity) = &self.identity
            && !self.args.dry_run
        {
            let message = if succeeded { report.summary() } else { reason.clone() };
            events::say(self.cluster, &self.args.release_namespace, identity, succeeded, &message).await;
        }
        match &self.own {
            Some(own) if succeeded && !self.args.dry_run => own.vanish(self.cluster).await,
            _ => {}
        }
        if !succeeded {
            output::termination(&reason);
        }
        Ok(exit::code(verdict))
    }
}

/// Finds the own Job and sets the clock by it: the outer nothing stands for an orphan, the inner for a run without a Job.
async fn own_job(cluster: &Cluster, args: &Args, identity: Option<&Identity>, stop: &Stop) -> Result<Option<Own>> {
    let Some(identity) = identity else { return Ok(Some(None)) };
    let found = OwnJob::find(cluster, &args.release_namespace, identity).await;
    let found = found.with_context(|| format!("failed to read Job `{}/{}`", args.release_namespace, identity.job))?;
    if let Some(own) = &found {
        let passed = own.started.map_or(Duration::ZERO, |started| Timestamp::now().duration_since(started).unsigned_abs());
        stop.after(args.active_deadline().saturating_sub(MARGIN).saturating_sub(passed));
        if !args.dry_run {
            own.stay(cluster).await.with_context(|| format!("failed to clear the time to live of Job `{}`", identity.job))?;
        }
    }
    Ok(found.map(Some))
}

/// What went wrong, in few lines: the first problems and refusals, and how many there are.
fn reason(report: &Report) -> String {
    let problems = report.problems.iter().map(|problem| format!("{problem} (at {}; {})", problem.at, problem.fix()));
    let outcomes = report.outcomes.iter().filter_map(|(id, outcome)| match outcome {
        sc_core::report::Outcome::Refused { reason, .. } | sc_core::report::Outcome::Failed { reason } => Some(format!("{id}: {reason}")),
        _ => None,
    });
    let first: Vec<String> = problems.chain(outcomes).take(3).collect();
    format!("{}: {}", report.summary(), first.join("; "))
}

fn no_identity() -> anyhow::Error {
    anyhow!("POD_UID, JOB_NAME and JOB_UID are not set, so this is not the chart's Job: outside of it give --values FILE")
}

fn no_cluster() -> anyhow::Error {
    anyhow!("give a kubeconfig by KUBECONFIG or ~/.kube/config, or run in a pod with a ServiceAccount").context("failed to find a cluster")
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
