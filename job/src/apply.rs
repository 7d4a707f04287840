//! Applies plans: at most one request per object on a first install and on a rerun that changes nothing, by a `sc-status` that knows of an earlier
//! success; and no write that is not needed.
//!
//! Absent → POST, present → GET, compare and PUT with the resourceVersion seen. Both are atomic, so nothing of a stranger is ever overwritten.

use std::convert::identity;
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt};
use sc_core::credential::References;
use sc_core::names::Release;
use sc_core::object::{Decision, Live, Manifest, ObjectId};
use sc_core::plan::{Plan, Planned};
use sc_core::problem::Problem;
use sc_core::report::Outcome;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
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

/// What applies plans.
pub struct Applier<'a> {
    /// The API server.
    pub cluster: &'a Cluster,
    /// Whose objects they are.
    pub release: &'a Release,
    /// The credentials in them.
    pub references: &'a References,
    /// How they are applied.
    pub mode: Mode,
}

impl Applier<'_> {
    /// Applies what is open of these plans, and notes what becomes of each object. The next plan is made while requests of the one before it are
    /// under way. When `stop` comes, what was begun has failed, and the rest is left open.
    pub async fn apply(&self, plans: impl Stream<Item = Plan>, stop: &Stop, books: &mut Books<'_>) {
        let ledger = books.ledger;
        let objects = plans.flat_map(|plan| stream::iter(plan.into_objects().filter_map(|object| ledger.begin(object))));
        let work = async |(id, planned)| {
            let outcome = Object { on: self, id: &id, planned: &planned }.settle().await;
            (id, outcome)
        };
        let ended = for_each(objects, work, || self.cluster.at_once(), stop, |(id, outcome)| books.settle(&id, &outcome)).await;
        if let Some(reason) = ended {
            ledger.begun().for_each(|id| books.give_up(id, reason));
        }
    }
}

/// One object on its way.
struct Object<'a> {
    on: &'a Applier<'a>,
    id: &'a ObjectId,
    planned: &'a Planned,
}

/// What one round came to: an outcome, or what to try next.
type Round = Result<Outcome, First>;

impl Object<'_> {
    async fn settle(&self) -> Outcome {
        let mut next = self.on.mode.first;
        for round in 0..ROUNDS {
            // The second round is the common one: another way to the same object. Those after it wait for somebody else to be done.
            if round > 1 {
                sleep(PAUSE * (round - 1)).await;
            }
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
        let body = match self.manifest() {
            Ok(manifest) => manifest.to_bytes(),
            Err(outcome) => return Ok(outcome),
        };
        match self.on.cluster.create_as(&collection(self.id.namespace.as_str(), self.id.kind), body.into()).await {
            Ok(answer) => Ok(self.verified(&answer, Outcome::Created(Vec::new()))),
            Err(Failure::Exists) => Err(First::Read),
            // A namespace's quota is counted with a conflict, too.
            Err(Failure::Conflict) => Err(First::Create),
            Err(failure) => Ok(refused(&failure)),
        }
    }

    async fn read(&self) -> Round {
        match self.on.cluster.get_as::<Answer>(&path(self.id)).await {
            Ok(None) if self.on.mode.dry_run => Ok(self.manifest().map_or_else(identity, |manifest| Outcome::Created(manifest.additions()))),
            Ok(None) => Err(First::Create),
            Ok(Some(answer)) if self.is_as_planned(&answer) => Ok(Outcome::Unchanged),
            Ok(Some(answer)) => self.decide(answer.value()).await,
            Err(failure) => Ok(refused(&failure)),
        }
    }

    async fn decide(&self, live: Value) -> Round {
        if live["metadata"]["deletionTimestamp"].is_string() {
            return Ok(Outcome::Failed { reason: "it is being deleted by somebody else".to_owned() });
        }
        match self.compare(live, self.planned.adopt) {
            Err(outcome) => Ok(outcome),
            Ok(Decision::Unchanged) => Ok(Outcome::Unchanged),
            Ok(Decision::NotOurs) => Ok(self.not_ours()),
            Ok(Decision::OtherType { is_strangers }) => Ok(self.other_type(is_strangers)),
            Ok(Decision::Update { changes, .. }) if self.on.mode.dry_run => Ok(Outcome::Updated(changes)),
            Ok(Decision::Update { body, changes }) => match self.on.cluster.replace_as(&path(self.id), body.into()).await {
                Ok(answer) => Ok(self.verified(&answer, Outcome::Updated(changes))),
                Err(Failure::Conflict) => Err(First::Read),
                Err(Failure::Absent) => Err(First::Create),
                Err(failure) => Ok(refused(&failure)),
            },
        }
    }

    /// What was written must be what the API server says it stored.
    fn verified(&self, answer: &Answer, outcome: Outcome) -> Outcome {
        if self.is_as_planned(answer) {
            return outcome;
        }
        match self.compare(answer.value(), false) {
            Err(refused) => refused,
            Ok(Decision::Unchanged) => outcome,
            Ok(_) => refuse(
                "the API server stored something else than was sent".to_owned(),
                "look for a mutating admission webhook on this kind of object".to_owned(),
            ),
        }
    }

    /// Whether it is ours and as it should be, by its fingerprint, which takes no manifest.
    fn is_as_planned(&self, answer: &Answer) -> bool {
        answer.live.fingerprint(self.id.kind) == Some(self.planned.fingerprint)
    }

    fn compare(&self, live: Value, adopt: bool) -> Result<Decision, Outcome> {
        Ok(self.manifest()?.compare(live, self.on.release, adopt))
    }

    fn manifest(&self) -> Result<Manifest, Outcome> {
        let refused = |problems: Vec<Problem>| refuse(said(&problems, ToString::to_string), said(&problems, Problem::fix));
        self.planned.manifest(self.id, self.on.references, self.on.release).map_err(refused)
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
        let Release { name, namespace } = self.on.release;
        Outcome::Refused {
            is_strangers: true,
            reason: format!("{} exists and was not made by release `{name}` in `{namespace}`", self.id),
            fix: "delete or rename it, rename the connection, or say `adopt: true` on the connection to take it over".to_owned(),
        }
    }
}

/// An object, as the API server says it is: what is compared of it, and the text of all of it, which is seldom looked at.
#[derive(Deserialize)]
#[serde(try_from = "Box<RawValue>")]
struct Answer {
    live: Live,
    text: Box<RawValue>,
}

impl TryFrom<Box<RawValue>> for Answer {
    type Error = serde_json::Error;

    fn try_from(text: Box<RawValue>) -> Result<Self, Self::Error> {
        Ok(Self { live: serde_json::from_str(text.get())?, text })
    }
}

impl Answer {
    fn value(&self) -> Value {
        serde_json::from_str(self.text.get()).unwrap_or_default()
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
