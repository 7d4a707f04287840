//! The run, from values to its own deletion.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::future::{join, ready};
use jiff::Timestamp;
use sc_core::report::Verdict;
use std::cell::Cell;
use tokio::time::Instant;

use crate::apply::{First, Mode};
use crate::args::{Args, Identity, Task, Trigger};
use crate::check::check;
use crate::cluster::job::OwnJob;
use crate::cluster::lease::{Lease, LeaseName};
use crate::cluster::status::{Desired, Status};
use crate::cluster::{Cluster, events};
use crate::document::Document;
use crate::exit;
use crate::output::{self, Output};
use crate::stop::{Reason, Stop};
use crate::token::own_issuer;
use crate::work::{Done, Work};

/// So long before the end of the Job the run ends itself, to have time for its report.
const MARGIN: Duration = Duration::from_secs(40);
/// A wait for the Lease after which the own Job may have been replaced.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// So long a run that was told to end may take to say how far it came; Kubernetes waits for 20 s, a node that goes down for less.
const LAST_WORDS: Duration = Duration::from_millis(4500);

/// Runs as the arguments say; returns the exit code.
pub async fn run(args: &Args) -> u8 {
    let (stop, output) = (Stop::new(), Output::standard());
    let ended = async {
        stop.on_signals().context("failed to listen to signals")?;
        let cluster = Cluster::infer().await.context("failed to find a cluster")?;
        steps(&cluster, args, &stop, &output).await
    };
    match ended.await {
        Ok(code) => code,
        Err(error) => {
            output.failure(&error);
            output::termination(&output::chain(&error));
            exit::FAILED
        }
    }
}

/// The steps of a run, with everything that it needs at hand.
///
/// # Errors
/// If it cannot do its work: no Lease, no values, no status.
pub async fn steps(cluster: &Cluster, args: &Args, stop: &Stop, output: &Output) -> Result<u8> {
    if args.task == Task::Check {
        return stop.or(check(cluster, args, stop, output)).await?;
    }
    if args.task == Task::Cleanup && args.values.is_some() && args.status_namespace.is_none() {
        return Err(anyhow!("a cleanup goes by the inventory, not by --values: say with --status-namespace where that is"));
    }
    let identity = if args.values.is_some() { None } else { Some(args.identity().ok_or_else(no_identity)?) };
    let published = Cell::new(None);
    let mut run = Run { cluster, args, stop, output, identity, own: None, published: &published };
    tokio::select! {
        ended = Box::pin(run.through()) => ended,
        () = overdue(stop) => published.get().ok_or_else(|| anyhow!("{}, and the API server did not take the report in time", Reason::Signal)),
    }
}

/// Waits until the process must be over.
async fn overdue(stop: &Stop) {
    stop.signal().await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// A run that has begun.
struct Run<'a> {
    cluster: &'a Cluster,
    args: &'a Args,
    stop: &'a Stop,
    output: &'a Output,
    identity: Option<Identity>,
    own: Option<OwnJob>,
    /// The exit code, once the status says how the run ended.
    published: &'a Cell<Option<u8>>,
}

impl Run<'_> {
    async fn through(&mut self) -> Result<u8> {
        if let Some(identity) = self.looks_after() {
            let Some(own) = self.own_job(identity).await? else { return Ok(exit::APPLIED) };
            let named = || format!("failed to clear the time to live of Job `{}/{}`", self.args.release_namespace, identity.job);
            own.stay(self.cluster).await.with_context(named)?;
            self.own = Some(own);
        }
        if self.identity.is_some() {
            self.set_deadline();
        }
        let ended = self.with_lease().await;
        if let Err(error) = &ended {
            self.say(false, &output::chain(error)).await;
        }
        ended
    }

    /// Who this is, if it is to look after its own Job.
    fn looks_after(&self) -> Option<&Identity> {
        self.identity.as_ref().filter(|identity| OwnJob::is_own(identity) && !self.args.dry_run)
    }

    /// The own Job. Whose Job is gone, or another one, is an orphan and has nothing more to do.
    async fn own_job(&self, identity: &Identity) -> Result<Option<OwnJob>> {
        let found = OwnJob::find(self.cluster, &self.args.release_namespace, identity).await;
        let found = found.with_context(|| format!("failed to read Job `{}/{}`", self.args.release_namespace, identity.job))?;
        if found.is_none() {
            tracing::info!(job = identity.job, "the own Job is gone or is another one: nothing is touched");
        }
        Ok(found)
    }

    /// Ends the run before Kubernetes does, which counts from the start of the Job; where that is not looked after, from that of this pod.
    fn set_deadline(&self) {
        let started = self.own.as_ref().and_then(|own| own.started);
        let passed = started.map_or(Duration::ZERO, |started| self.cluster.now().duration_since(started).try_into().unwrap_or_default());
        self.stop.after(self.args.active_deadline().saturating_sub(MARGIN).saturating_sub(passed));
    }

    /// Where Lease and status are kept; nowhere in a dry run, or outside of a cluster unless asked.
    fn protocol_namespace(&self) -> Option<&str> {
        match (&self.args.values, self.args.dry_run) {
            (_, true) => None,
            (None, false) => Some(&self.args.release_namespace),
            (Some(_), false) => self.args.status_namespace.as_deref(),
        }
    }

    async fn with_lease(&self) -> Result<u8> {
        let Some(namespace) = self.protocol_namespace() else {
            let first = if self.args.dry_run { First::Read } else { First::Create };
            let done = self.work(self.document().await, first, ready(Ok(()))).await;
            return self.publish(None, done).await;
        };
        let begun = Instant::now();
        let lease = self.lease(namespace).await?;
        let ended = self.after(begun.elapsed(), namespace).await;
        lease.release(self.cluster).await;
        ended
    }

    /// What there is to do after such a wait for the Lease.
    async fn after(&self, wait: Duration, namespace: &str) -> Result<u8> {
        if let Some(identity) = self.looks_after().filter(|_| wait > LONG_WAIT)
            && self.own_job(identity).await?.is_none()
        {
            return Ok(exit::APPLIED);
        }
        self.with_status(namespace).await
    }

    async fn lease(&self, namespace: &str) -> Result<Lease> {
        let outside = format!("outside-{}-{:x}", std::process::id(), Timestamp::now().as_nanosecond());
        let holder = self.identity.as_ref().map_or(outside.as_str(), |identity| &identity.pod_uid);
        let failed = || format!("failed to take Lease `{namespace}/sc-job`");
        let lease = LeaseName { namespace, name: LeaseName::JOB };
        self.stop.or(Lease::take(self.cluster, lease, holder, self.stop)).await.with_context(failed)?.with_context(failed)
    }

    /// From values to publication, with a status that says Running in between, and in the end how it went, whatever happens.
    async fn with_status(&self, namespace: &str) -> Result<u8> {
        let failed = |verb: &str| format!("failed to {verb} ConfigMap `{namespace}/sc-status`");
        let (document, read) = join(self.document(), self.stop.or(Status::read(self.cluster, namespace))).await;
        let mut status = read.with_context(|| failed("read"))?.with_context(|| failed("read"))?;
        let unknown = || Desired { hash: String::new(), uid: String::new(), version: self.args.version(), issuer: own_issuer().unwrap_or_default() };
        let desired = document.as_ref().map_or_else(|_| unknown(), |document| document.desired.clone());
        if status.is_cleaned_up(&desired.uid) && desired.version.trigger == Trigger::Cron {
            tracing::info!("the release is being uninstalled: nothing is touched");
            return Ok(exit::APPLIED);
        }
        let first = First::after(status.had_success);
        let begun = async {
            let begun = self.stop.or(status.begin(self.cluster, &desired, self.identity.as_ref())).await;
            begun.with_context(|| failed("write"))?.with_context(|| failed("write"))
        };
        let done = self.work(document, first, begun).await;
        self.publish(Some((status, desired)), done).await
    }

    /// What this run goes by: the values, or for a cleanup no more than whose they are.
    async fn document(&self) -> Result<Document> {
        match self.args.task {
            Task::Cleanup => Document::nothing_of_live(self.cluster, self.args, self.stop).await,
            Task::Apply | Task::Check | Task::Probe => Document::read(self.cluster, self.args, self.stop).await,
        }
    }

    /// From the document to the report of all that was done about it, which is not before it is known that the run has begun.
    async fn work(&self, document: Result<Document>, first: First, begun: impl Future<Output = Result<()>>) -> Done {
        // A dry run says, too, what would be deleted.
        let inventory = if self.args.dry_run { Some(self.args.release_namespace.as_str()) } else { self.protocol_namespace() };
        let has_all_rights = self.args.version().trigger.has_all_rights();
        let mode = Mode { first, dry_run: self.args.dry_run };
        let work =
            Work { cluster: self.cluster, release: self.args.release(), mode, inventory, has_all_rights, stop: self.stop, output: self.output };
        match (self.args.task, document) {
            (Task::Cleanup, Ok(_)) => work.clear(begun).await,
            (Task::Apply | Task::Check | Task::Probe, Ok(document)) => Box::pin(work.run(&document.bytes, begun)).await,
            (_, Err(error)) => Done { cut_short: Some(begun.await.err().unwrap_or(error)), ..Done::default() },
        }
    }

    /// Publishes how it ended: report, status, Event, the own Job's time to live, the container's last words.
    ///
    /// # Errors
    /// What cut the work short, or that a success could not be written.
    async fn publish(&self, status: Option<(Status, Desired)>, mut done: Done) -> Result<u8> {
        let is_lost = self.stop.reason() == Some(Reason::LeaseLost);
        if is_lost {
            done.cut_short.get_or_insert(Reason::LeaseLost.into());
        }
        let verdict = done.verdict();
        let reason = reason(&done);
        if done.cut_short.is_none() || !done.report.is_empty() {
            self.output.needs(&done.needs, own_issuer().as_deref());
            self.output.report(&done.report);
        }
        let written = match status {
            // The status is the other run's now.
            Some(_) if is_lost => Ok(()),
            Some((status, _)) if verdict != Verdict::Applied => status.fail(self.cluster, &done, &reason).await,
            Some((status, desired)) if self.args.task == Task::Cleanup => status.clean_up(self.cluster, &desired, &done).await,
            Some((status, desired)) => status.succeed(self.cluster, &desired, &done).await,
            None => Ok(()),
        };
        if verdict == Verdict::Applied {
            written.context("failed to write ConfigMap `sc-status`")?;
        } else {
            written.unwrap_or_else(|failure| tracing::warn!(%failure, "the failure was not written to sc-status"));
        }
        if let Some(error) = done.cut_short {
            return Err(error);
        }
        let summary = done.report.summary();
        tracing::info!(verdict = ?verdict, summary, "run ended");
        self.published.set(Some(exit::code(verdict)));
        self.tell(verdict, &summary, &reason).await;
        Ok(exit::code(verdict))
    }

    /// Says what was published to whoever looks at the Job, which may go after a success.
    async fn tell(&self, verdict: Verdict, summary: &str, reason: &str) {
        if verdict == Verdict::Applied {
            self.say(true, summary).await;
            self.vanish().await;
        } else {
            output::termination(reason);
            self.say(false, reason).await;
        }
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

/// What went wrong, in few lines: what cut it short, or the first problems and refusals; and how far it came.
fn reason(Done { report, cut_short, .. }: &Done) -> String {
    let Some(error) = cut_short else { return report.reason() };
    let so_far = if report.is_empty() { String::new() } else { format!("; until then {}", report.summary()) };
    output::chain(error) + &so_far
}

fn no_identity() -> anyhow::Error {
    anyhow!("POD_UID, JOB_NAME and JOB_UID are not set, so this is not the chart's Job: outside of it give --values FILE")
}
