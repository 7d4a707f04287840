//! The run, from values to its own deletion.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use sc_core::plan::Plan;
use sc_core::problem::Problems;
use sc_core::report::{Report, Verdict};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::apply::{First, Mode, apply};
use crate::args::{Args, Identity};
use crate::cluster::job::OwnJob;
use crate::cluster::lease::Lease;
use crate::cluster::status::{Desired, Status};
use crate::cluster::{Cluster, events, references};
use crate::stop::{Reason, Stop};
use crate::{exit, output};

/// So long before the end of the Job the run ends itself, to have time for its report.
const MARGIN: Duration = Duration::from_secs(40);
/// A wait for the Lease after which the own Job may have been replaced.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// The Secret that holds the values, and its key.
const CONFIG: (&str, &str) = ("sc-config", "values.json");

/// Runs as the arguments say; returns the exit code.
pub async fn run(args: &Args) -> u8 {
    let stop = Stop::new();
    let ended = async {
        stop.on_signals().context("failed to listen to signals")?;
        let cluster = Cluster::infer().await.context("failed to find a cluster")?;
        steps(&cluster, args, &stop).await
    };
    match ended.await {
        Ok(code) => code,
        Err(error) => {
            output::failure(&error);
            output::termination(&output::chain(&error));
            exit::FAILED
        }
    }
}

/// The steps of a run, with everything that it needs at hand.
///
/// # Errors
/// If it cannot do its work: no Lease, no values, no status.
pub async fn steps(cluster: &Cluster, args: &Args, stop: &Stop) -> Result<u8> {
    let identity = if args.values.is_some() { None } else { Some(args.identity().ok_or_else(no_identity)?) };
    let mut run = Run { cluster, args, stop, identity, own: None };
    if run.is_orphan().await? {
        return Ok(exit::APPLIED);
    }
    let ended = run.with_lease().await;
    if let Err(error) = &ended {
        run.say(false, &output::chain(error)).await;
    }
    ended
}

/// A run that has begun.
struct Run<'a> {
    cluster: &'a Cluster,
    args: &'a Args,
    stop: &'a Stop,
    identity: Option<Identity>,
    own: Option<OwnJob>,
}

/// Values that were read, and what applying them will prove.
struct Document {
    bytes: Vec<u8>,
    desired: Desired,
}

/// What a run did.
struct Work {
    report: Report,
    versions: BTreeMap<String, String>,
}

impl Run<'_> {
    /// Where Lease and status are kept; nowhere in a dry run, or outside of a cluster unless asked.
    fn protocol_namespace(&self) -> Option<&str> {
        match (&self.args.values, self.args.dry_run) {
            (_, true) => None,
            (None, false) => Some(&self.args.release_namespace),
            (Some(_), false) => self.args.status_namespace.as_deref(),
        }
    }

    /// Looks for the own Job, and sets the clock by it. Whose Job is gone, or another one, has nothing more to do.
    async fn is_orphan(&mut self) -> Result<bool> {
        let Some(identity) = &self.identity else { return Ok(false) };
        if OwnJob::is_own(identity) && !self.args.dry_run {
            let found = OwnJob::find(self.cluster, &self.args.release_namespace, identity).await;
            let named = || format!("failed to read Job `{}/{}`", self.args.release_namespace, identity.job);
            self.own = found.with_context(named)?;
            if let Some(own) = &self.own {
                own.stay(self.cluster).await.with_context(named)?;
            } else {
                tracing::info!(job = identity.job, "the own Job is gone or is another one: nothing is touched");
                return Ok(true);
            }
        }
        let started = self.own.as_ref().and_then(|own| own.started);
        let passed = started.map_or(Duration::ZERO, |started| Timestamp::now().duration_since(started).unsigned_abs());
        self.stop.after(self.args.active_deadline().saturating_sub(MARGIN).saturating_sub(passed));
        Ok(false)
    }

    async fn with_lease(&mut self) -> Result<u8> {
        let Some(namespace) = self.protocol_namespace().map(str::to_owned) else {
            let document = self.values().await?;
            let work = self.work(&document, First::Create).await?;
            return self.publish(None, &document, &work).await;
        };
        let begun = Instant::now();
        let lease = self.lease(&namespace).await?;
        let has_waited = begun.elapsed() > LONG_WAIT;
        let ended = if has_waited && self.is_orphan().await? { Ok(exit::APPLIED) } else { self.with_status(&namespace).await };
        lease.release(self.cluster).await;
        ended
    }

    async fn lease(&self, namespace: &str) -> Result<Lease> {
        let outside = format!("outside-{}-{:x}", std::process::id(), Timestamp::now().as_nanosecond());
        let holder = self.identity.as_ref().map_or(outside.as_str(), |identity| &identity.pod_uid);
        let failed = || format!("failed to take Lease `{namespace}/sc-job`");
        self.stop.or(Lease::take(self.cluster, namespace, holder, self.stop)).await.with_context(failed)?.with_context(failed)
    }

    /// From values to publication, with a status that says Running in between, and in the end how it went, whatever happens.
    async fn with_status(&self, namespace: &str) -> Result<u8> {
        let document = self.values().await;
        let unknown = || Desired { hash: String::new(), uid: String::new(), version: self.args.version() };
        let desired = document.as_ref().map_or_else(|_| unknown(), |document| document.desired.clone());
        let begun = self.stop.or(Status::begin(self.cluster, namespace, &desired, self.identity.as_ref())).await;
        let failed = || format!("failed to write ConfigMap `{namespace}/sc-status`");
        let status = begun.with_context(failed)?.with_context(failed)?;
        let first = if status.had_success { First::Read } else { First::Create };
        let worked = async {
            let document = document?;
            let work = self.work(&document, first).await?;
            Ok((document, work))
        };
        match worked.await {
            Ok((document, work)) => self.publish(Some(status), &document, &work).await,
            Err(error) => {
                let written = status.fail(self.cluster, &Report::default(), &output::chain(&error)).await;
                written.map_or_else(|failure| tracing::warn!(%failure, "the failure was not written to sc-status"), |()| {});
                Err(error)
            }
        }
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
        let live = self
            .stop
            .or(self.cluster.get(&path))
            .await
            .with_context(failed)?
            .with_context(failed)?
            .ok_or_else(|| anyhow!("it does not exist").context(failed()))?;
        let bytes = sc_core::document::of_secret(&live, CONFIG.1).ok_or_else(|| anyhow!("it has no key `{}`", CONFIG.1).context(failed()))?;
        Ok((bytes, live["metadata"]["uid"].as_str().unwrap_or_default().to_owned()))
    }

    /// From the document to the report of all that was done about it.
    async fn work(&self, document: &Document, first: First) -> Result<Work> {
        let mut problems = Problems::default();
        let connections = match sc_core::connections(&document.bytes, &mut problems) {
            Ok(connections) => connections,
            Err(problem) => return Ok(Work { report: Report { outcomes: Vec::new(), problems: vec![problem] }, versions: BTreeMap::new() }),
        };
        let read = self.stop.or(references::read(self.cluster, &self.args.release_namespace, &connections)).await;
        let read = read.context("failed to read the referenced Secrets")?;
        let plan = Plan::of(connections, read.references, self.args.release(), &mut problems);
        let mode = Mode { first, dry_run: self.args.dry_run };
        let outcomes = apply(self.cluster, &plan, mode, self.stop).await;
        Ok(Work { report: Report { outcomes, problems: problems.into_vec() }, versions: read.versions })
    }

    /// Publishes how it ended: report, status, Event, the own Job's time to live, the container's last words.
    async fn publish(&self, status: Option<Status>, document: &Document, work: &Work) -> Result<u8> {
        let Work { report, versions } = work;
        output::report(report, self.args.dry_run);
        let verdict = report.verdict();
        let succeeded = verdict == Verdict::Applied;
        let reason = reason(report);
        let written = match status {
            // The status is the other run's now.
            Some(_) if self.stop.reason() == Some(Reason::LeaseLost) => Ok(()),
            Some(status) if succeeded => status.succeed(self.cluster, &document.desired, report, versions).await,
            Some(status) => status.fail(self.cluster, report, &reason).await,
            None => Ok(()),
        };
        tracing::info!(verdict = ?verdict, summary = report.summary(), "run ended");
        if !succeeded {
            output::termination(&reason);
        }
        if succeeded {
            written.context("failed to write ConfigMap `sc-status`")?;
            self.say(true, &report.summary()).await;
            self.vanish().await;
        } else {
            written.unwrap_or_else(|failure| tracing::warn!(%failure, "the failure was not written to sc-status"));
            self.say(false, &reason).await;
        }
        Ok(exit::code(verdict))
    }

    /// Says it as an Event on the own Job.
    async fn say(&self, succeeded: bool, message: &str) {
        if let Some(identity) = self.identity.as_ref().filter(|_| !self.args.dry_run) {
            events::say(self.cluster, &self.args.release_namespace, identity, succeeded, message).await;
        }
    }

    async fn vanish(&self) {
        if let Some(own) = self.own.as_ref().filter(|_| !self.args.dry_run) {
            own.vanish(self.cluster).await;
        }
    }
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

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
