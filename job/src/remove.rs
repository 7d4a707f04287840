//! Deletes what should be gone: only what is ours, and only as it was seen, by preconditions on UID and resourceVersion.

use std::collections::BTreeSet;

use futures::stream;
use sc_core::names::Release;
use sc_core::object::{ObjectId, ObjectKind, Removal};
use sc_core::report::{Outcome, Staying};

use crate::books::Books;
use crate::cluster::{Cluster, Failure, path};
use crate::for_each::for_each;
use crate::stop::Stop;

/// How often an object is looked at anew when somebody else changes it meanwhile.
const ROUNDS: usize = 6;

/// Deletes these objects, and notes what becomes of each. What was not begun when `stop` came has failed.
pub async fn remove(cluster: &Cluster, ids: &BTreeSet<ObjectId>, release: &Release, dry_run: bool, stop: &Stop, books: &mut Books<'_>) {
    let work = async |id| (id, object(cluster, id, release, dry_run).await);
    let note = |(id, outcome): (&ObjectId, _)| books.settle(id, &outcome);
    let ended = for_each(stream::iter(ids), work, || cluster.at_once(), stop, note).await;
    if let Some(reason) = ended {
        for id in ids {
            books.give_up(id, reason);
        }
    }
}

/// What is to be said of an object that no connection asks for any more, and that its policy keeps.
#[must_use]
pub fn retained(id: &ObjectId, release: &Release) -> Outcome {
    kept(id, Staying::Retained, release)
}

async fn object(cluster: &Cluster, id: &ObjectId, release: &Release, dry_run: bool) -> Outcome {
    for _ in 0..ROUNDS {
        match attempt(cluster, id, release, dry_run).await {
            Err(Failure::Conflict) => {}
            Err(Failure::Absent | Failure::NoNamespace) => return Outcome::Absent,
            // The CSI driver is gone, and its kind with it. The other kinds are always there: somebody between here and the API server said so.
            Err(Failure::UnknownKind) if id.kind == ObjectKind::SecretProviderClass => return Outcome::Absent,
            Err(Failure::Forbidden { .. }) => return kept(id, Staying::NoRight, release),
            Err(failure) => return Outcome::Failed { reason: failure.to_string() },
            Ok(outcome) => return outcome,
        }
    }
    Outcome::Failed { reason: Failure::Conflict.to_string() }
}

async fn attempt(cluster: &Cluster, id: &ObjectId, release: &Release, dry_run: bool) -> Result<Outcome, Failure> {
    let live = cluster.get(&path(id)).await?.ok_or(Failure::Absent)?;
    if live["metadata"]["deletionTimestamp"].is_string() {
        return Ok(Outcome::Deleted);
    }
    match Removal::of(&live, release) {
        Removal::NotOurs => Ok(kept(id, Staying::NotOurs, release)),
        Removal::Delete { .. } if dry_run => Ok(Outcome::Deleted),
        Removal::Delete { body } => cluster.delete(&path(id), body.into()).await.map(|_| Outcome::Deleted),
    }
}

fn kept(id: &ObjectId, why: Staying, release: &Release) -> Outcome {
    Outcome::Kept { why, deletion: id.deletion(release) }
}
