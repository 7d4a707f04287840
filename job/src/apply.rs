//! Applies a plan: at most one request per object on a first install and on a rerun that changes nothing, and no write that is not needed.
//!
//! Absent → POST, present → GET, compare and PUT with the resourceVersion seen. Both are atomic, so nothing of a stranger is ever overwritten.

use std::time::Duration;

use sc_core::credential::References;
use sc_core::names::Release;
use sc_core::object::{Decision, Manifest, ObjectId};
use sc_core::plan::{Plan, Planned};
use sc_core::problem::Problem;
use sc_core::report::Outcome;
use serde_json::Value;
use tokio::time::sleep;

use crate::books::Books;
use crate::cluster::{Cluster, Failure, collection, path};
use crate::for_each::for_each;
use crate::stop::Stop;

/// How often an object is looked at anew when somebody else changes it meanwhile.
const ROUNDS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(200);

/// What to try first with each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Nothing is known: most objects will be new.
    Create,
    /// An earlier run succeeded: most objects will be there.
    Read,
}

impl First {
    /// What to try first when an earlier run succeeded, or none did.
    #[must_use]
    pub fn after(had_success: bool) -> Self {
        if had_success { Self::Read } else { Self::Create }
    }
}

/// How a plan is applied.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// What to try first.
    pub first: First,
    /// Looks, and says what it would do.
    pub dry_run: bool,
}

/// Applies all of the plan, and notes what becomes of each object. What was not begun when `stop` came has failed.
pub async fn apply(cluster: &Cluster, plan: &Plan, references: &References, mode: Mode, stop: &Stop, books: &mut Books<'_>) {
    let work = |(id, planned)| object(cluster, plan, references, (id, planned), mode);
    let ended = for_each(plan.objects(), work, || cluster.at_once(), stop, |(id, _), outcome| books.settle(id, &outcome)).await;
    if let Some(reason) = ended {
        plan.objects().for_each(|(id, _)| books.give_up(id, reason));
    }
}

async fn object(cluster: &Cluster, plan: &Plan, references: &References, (id, planned): (&ObjectId, Planned), mode: Mode) -> Outcome {
    let manifest = match plan.manifest(id, planned, references) {
        Ok(manifest) => manifest,
        Err(problems) => return refuse(said(&problems, ToString::to_string), said(&problems, Problem::fix)),
    };
    let object = Object { cluster, id, manifest, adopt: planned.adopt, release: plan.release(), dry_run: mode.dry_run };
    object.settle(mode.first).await
}

/// One object on its way.
struct Object<'a> {
    cluster: &'a Cluster,
    id: &'a ObjectId,
    manifest: Manifest,
    adopt: bool,
    release: &'a Release,
    dry_run: bool,
}

/// What one round came to: an outcome, or what to try next.
type Round = Result<Outcome, First>;

impl Object<'_> {
    async fn settle(&self, first: First) -> Outcome {
        let mut next = if self.dry_run { First::Read } else { first };
        for round in 0..ROUNDS {
            // The second round is the common one: another way to the same object. Those after it wait for somebody else to be done.
            sleep(PAUSE * round.saturating_sub(1)).await;
            let round = match next {
                First::Create => self.create().await,
                First::Read => self.read().await,
            };
            match round {
                Ok(outcome) => return outcome,
                Err(other) => next = other,
            }
        }
        Outcome::Failed { reason: "somebody else kept changing it at the same time".to_owned() }
    }

    async fn create(&self) -> Round {
        match self.cluster.create(&collection(self.id.namespace.as_str(), self.id.kind), self.manifest.to_bytes().into()).await {
            Ok(answer) => Ok(self.verified(answer, Outcome::Created(Vec::new()))),
            Err(Failure::Exists) => Err(First::Read),
            // A namespace's quota is counted with a conflict, too.
            Err(Failure::Conflict) => Err(First::Create),
            Err(failure) => Ok(refused(&failure)),
        }
    }

    async fn read(&self) -> Round {
        match self.cluster.get(&path(self.id)).await {
            Ok(None) if self.dry_run => Ok(Outcome::Created(self.manifest.additions())),
            Ok(None) => Err(First::Create),
            Ok(Some(live)) if live["metadata"]["deletionTimestamp"].is_string() => {
                Ok(Outcome::Failed { reason: "it is being deleted by somebody else".to_owned() })
            }
            Ok(Some(live)) => self.decide(live).await,
            Err(failure) => Ok(refused(&failure)),
        }
    }

    async fn decide(&self, live: Value) -> Round {
        match self.manifest.compare(live, self.release, self.adopt) {
            Decision::Unchanged => Ok(Outcome::Unchanged),
            Decision::NotOurs => Ok(self.not_ours()),
            Decision::OtherType { is_strangers } => Ok(self.other_type(is_strangers)),
            Decision::Update { changes, .. } if self.dry_run => Ok(Outcome::Updated(changes)),
            Decision::Update { body, changes } => match self.cluster.replace(&path(self.id), body.into()).await {
                Ok(answer) => Ok(self.verified(answer, Outcome::Updated(changes))),
                Err(Failure::Conflict) => Err(First::Read),
                Err(Failure::Absent) => Err(First::Create),
                Err(failure) => Ok(refused(&failure)),
            },
        }
    }

    /// What was written must be what the API server says it stored.
    fn verified(&self, answer: Value, outcome: Outcome) -> Outcome {
        match self.manifest.compare(answer, self.release, false) {
            Decision::Unchanged => outcome,
            _ => refuse(
                "the API server stored something else than was sent".to_owned(),
                "look for a mutating admission webhook on this kind of object".to_owned(),
            ),
        }
    }

    fn other_type(&self, is_strangers: bool) -> Outcome {
        let ObjectId { namespace, name, .. } = self.id;
        Outcome::Refused {
            is_strangers,
            reason: format!("{} has another type, which cannot be changed", self.id),
            fix: format!("if nobody needs it, `kubectl -n {namespace} delete secret {name}`, then run again"),
        }
    }

    fn not_ours(&self) -> Outcome {
        let Release { name, namespace } = self.release;
        Outcome::Refused {
            is_strangers: true,
            reason: format!("{} exists and was not made by release `{name}` in `{namespace}`", self.id),
            fix: "delete or rename it, rename the connection, or say `adopt: true` on the connection to take it over".to_owned(),
        }
    }
}

fn said(problems: &[Problem], words: fn(&Problem) -> String) -> String {
    problems.iter().map(words).collect::<Vec<_>>().join("; ")
}

fn refused(failure: &Failure) -> Outcome {
    let reason = failure.to_string();
    if failure.may_pass() { Outcome::Failed { reason } } else { refuse(reason, failure.fix().to_owned()) }
}

fn refuse(reason: String, fix: String) -> Outcome {
    Outcome::Refused { is_strangers: false, reason, fix }
}
