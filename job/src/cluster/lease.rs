//! Leases: `sc-job`, since only one run at a time writes, and `sc` at a terminal takes one of its own in the same way.
//!
//! Whether a holder has died is judged as client-go does: by watching, on the own clock, that it did not renew for the Lease's duration. The
//! clocks of two nodes are never compared.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Cluster, Failure};
use crate::stop::{Reason, Stop};

/// So long a holder may be silent.
const DURATION: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// A run that could not renew for so long stops, so that it has stopped before another may take over.
const RENEW_WITHIN: Duration = Duration::from_secs(25);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often giving it back is tried.
const ROUNDS: usize = 3;
/// So long a run waits for another to end.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// Which Lease.
#[derive(Debug, Clone, Copy)]
pub struct LeaseName<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl LeaseName<'_> {
    /// The name of the Lease of the runs of the job.
    pub const JOB: &'static str = "sc-job";
}

/// The Lease, held. It is renewed in the background until it is released.
#[derive(Debug)]
pub struct Lease {
    path: String,
    holder: String,
    renewal: tokio::task::JoinHandle<()>,
}

impl Lease {
    /// Takes the Lease, waiting for another holder to release it or to fall silent.
    ///
    /// # Errors
    /// [`Failure::Held`] if it could not be had in two minutes, or what the API server has against it.
    pub async fn take(cluster: &Cluster, lease: LeaseName<'_>, holder: &str, stop: &Stop) -> Result<Self, Failure> {
        let collection = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", lease.namespace);
        let path = format!("{collection}/{}", lease.name);
        let taking = Taking { cluster, collection: &collection, path: &path, lease, holder };
        let taken = timeout(LONGEST_WAIT, taking.until_held()).await.map_err(|_| Failure::Held)??;
        let renewal = tokio::spawn(renew(cluster.clone(), path.clone(), holder.to_owned(), stop.clone(), taken));
        Ok(Self { path, holder: holder.to_owned(), renewal })
    }

    /// Gives it back, so that the next run need not wait. Failing in this costs the next run half a minute, nothing else.
    pub async fn release(self, cluster: &Cluster) {
        self.renewal.abort();
        let mut released = Err(Failure::Conflict);
        for _ in 0..ROUNDS {
            // A conflict is the last renewal, which was under way, or an answer to this that was lost.
            if released == Err(Failure::Conflict) {
                released = self.give_back(cluster).await;
            }
        }
        if let Err(failure) = released {
            tracing::warn!(%failure, "the Lease was not released, the next run will wait for it");
        }
    }

    async fn give_back(&self, cluster: &Cluster) -> Result<(), Failure> {
        let Some(mut live) = cluster.get(&self.path).await?.filter(|live| holder_of(live) == self.holder) else { return Ok(()) };
        live["spec"]["holderIdentity"] = json!("");
        cluster.replace(&self.path, live.to_string().into()).await.map(drop)
    }
}

/// The taking of a Lease.
struct Taking<'a> {
    cluster: &'a Cluster,
    collection: &'a str,
    path: &'a str,
    lease: LeaseName<'a>,
    holder: &'a str,
}

impl Taking<'_> {
    /// When the write that took it was begun.
    async fn until_held(&self) -> Result<Instant, Failure> {
        let mut seen = (Value::Null, Instant::now());
        loop {
            let live = self.cluster.get(self.path).await?;
            let spec = live.as_ref().map(|live| live["spec"].clone()).unwrap_or_default();
            if spec != seen.0 {
                seen = (spec, Instant::now());
            }
            let is_free = live.as_ref().is_none_or(|live| holder_of(live).is_empty() || holder_of(live) == self.holder);
            let begun = Instant::now();
            if (is_free || seen.1.elapsed() >= DURATION) && self.write(live).await? {
                return Ok(begun);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Writes itself in as the holder; no if somebody else was faster.
    async fn write(&self, live: Option<Value>) -> Result<bool, Failure> {
        let spec = held_by(self.holder);
        let written = if let Some(mut live) = live {
            live["spec"] = spec;
            self.cluster.replace(self.path, live.to_string().into()).await
        } else {
            let metadata = json!({"name": self.lease.name, "namespace": self.lease.namespace});
            let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec});
            self.cluster.create(self.collection, lease.to_string().into()).await
        };
        match written {
            Ok(_) => Ok(true),
            Err(Failure::Conflict | Failure::Exists | Failure::Absent) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

async fn renew(cluster: Cluster, path: String, holder: String, stop: Stop, mut renewed: Instant) {
    while let Ok(Some(again)) = timeout_at(renewed + RENEW_WITHIN, next_renewal(&cluster, &path, &holder)).await {
        renewed = again;
    }
    stop.now(Reason::LeaseLost);
}

/// When the next renewal that succeeded was begun; nothing if somebody else has the Lease.
async fn next_renewal(cluster: &Cluster, path: &str, holder: &str) -> Option<Instant> {
    loop {
        sleep(RENEW_EVERY).await;
        let begun = Instant::now();
        match renewal(cluster, path, holder).await {
            Ok(true) => return Some(begun),
            Ok(false) => return None,
            Err(failure) => tracing::warn!(%failure, "the Lease was not renewed"),
        }
    }
}

async fn renewal(cluster: &Cluster, path: &str, holder: &str) -> Result<bool, Failure> {
    let Some(mut live) = cluster.get(path).await?.filter(|live| holder_of(live) == holder) else { return Ok(false) };
    live["spec"]["renewTime"] = json!(now());
    cluster.replace(path, live.to_string().into()).await.map(|_| true)
}

fn held_by(holder: &str) -> Value {
    json!({"holderIdentity": holder, "leaseDurationSeconds": DURATION.as_secs(), "acquireTime": now(), "renewTime": now()})
}

fn holder_of(live: &Value) -> &str {
    live["spec"]["holderIdentity"].as_str().unwrap_or_default()
}

/// The time, as the API server's MicroTime wants it.
fn now() -> String {
    format!("{:.6}", Timestamp::now())
}
