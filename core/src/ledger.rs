//! The ledger of a run: one line for each object that is asked for, or that the inventory has.
//!
//! Rule: this, and the Secrets that credentials refer to, is all that a run keeps of the connections that it is not at work on. However many
//! documents there are, memory grows by a name and few bytes for each object, and by what each referenced Secret has.

mod claims;
mod pages;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::names::{Guid, Namespace};
use crate::object::{Fingerprint, ObjectId, ObjectKind};
use crate::plan::{Plan, Planned};
use crate::problem::At;
use crate::report::{Outcome, Staying};
use crate::values::DeletionPolicy;
use claims::Place;
use pages::Record;

pub use pages::LARGEST_PAGE;

/// All objects of a run, by name.
#[derive(Default)]
pub struct Ledger {
    lines: BTreeMap<ObjectId, Line>,
    /// Their namespaces, each text once.
    namespaces: BTreeSet<Namespace>,
    /// The lists in which connections stand.
    lists: Vec<At>,
    /// The tenants of shared ServiceAccounts, as their first connections say.
    tenants: BTreeMap<ObjectId, Option<Guid>>,
    /// How many bytes each page of the inventory has.
    pages: Vec<usize>,
}

/// What is known of one object.
#[derive(Default)]
struct Line {
    /// The first connection that asks for it.
    asked: Option<Place>,
    is_disputed: bool,
    /// Whether the CSI driver writes it, and this release never does.
    is_drivers: bool,
    wanted: Wanted,
    fingerprint: Option<Fingerprint>,
    record: Option<Record>,
    state: Cell<State>,
}

/// An object that should be there, that nobody disputes, and that is not settled.
#[derive(Clone, Copy)]
pub struct Open<'a> {
    /// Which.
    pub id: &'a ObjectId,
    /// How it should be.
    pub fingerprint: Fingerprint,
    /// The first document that wants it.
    pub document: u16,
}

/// What the connections that can be had want of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Nothing,
    /// That it is gone.
    Gone,
    /// That it is there; the first document that says so.
    There { policy: DeletionPolicy, document: u16, adopt: bool },
}

/// What this run did about an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// A request about it is under way.
    Begun,
    Settled,
    /// It was refused, or has failed.
    Failed,
    /// It is somebody else's, and so is to leave the inventory.
    Strangers,
    /// It stays, and a later run may delete it.
    Left,
}

impl Ledger {
    /// Takes down what the plan of a document wants, beside that of other documents: what one wants to be there is there, and stays unless all that
    /// want it would have it deleted.
    pub fn expect(&mut self, plan: &Plan, document: u16) {
        for id in plan.removals() {
            let line = self.line(id);
            if line.wanted == Wanted::Nothing {
                line.wanted = Wanted::Gone;
            }
        }
        for (id, planned) in plan.objects() {
            let line = self.line(id);
            line.wanted = match line.wanted {
                Wanted::There { policy, document: first, adopt } => {
                    Wanted::There { policy: policy.min(planned.deletion_policy), document: first.min(document), adopt: adopt || planned.adopt }
                }
                Wanted::Nothing | Wanted::Gone => {
                    line.fingerprint = Some(planned.fingerprint);
                    Wanted::There { policy: planned.deletion_policy, document, adopt: planned.adopt }
                }
            };
        }
    }

    /// The objects that should be there and are not settled, in the order of their names.
    pub fn open(&self) -> impl Iterator<Item = Open<'_>> {
        self.lines.iter().filter_map(|(id, line)| line.open(id))
    }

    /// Those of them that are in a namespace.
    pub fn open_in(&self, namespace: &str) -> impl Iterator<Item = Open<'_>> {
        let known = self.namespaces.get(namespace);
        let first = known.map(|namespace| ObjectId { namespace: namespace.clone(), kind: ObjectKind::ALL[0], name: Box::default() });
        let lines = first.map(|first| self.lines.range(first..)).into_iter().flatten();
        lines.take_while(move |(id, _)| known == Some(&id.namespace)).filter_map(|(id, line)| line.open(id))
    }

    /// How an object should be, if it should be there and is not settled.
    #[must_use]
    pub fn find_open(&self, id: &ObjectId) -> Option<Fingerprint> {
        self.lines.get(id)?.open(id).map(|open| open.fingerprint)
    }

    /// How an object should be that a document wants.
    #[must_use]
    pub fn fingerprint(&self, id: &ObjectId) -> Option<Fingerprint> {
        self.lines.get(id)?.fingerprint
    }

    /// The objects that should be gone. While something is wrong with the values, a ServiceAccount may be asked for by what is wrong.
    #[must_use]
    pub fn removals(&self, is_sound: bool) -> BTreeSet<ObjectId> {
        let is_gone = |line: &Line| {
            line.wanted() == Wanted::Gone
                || is_sound && line.wanted() == Wanted::Nothing && line.record.is_some_and(|record| record.policy == DeletionPolicy::Delete)
        };
        let lines = self.lines.iter().filter(|(id, line)| is_gone(line) && (is_sound || id.kind != ObjectKind::ServiceAccount));
        lines.map(|(id, _)| id.clone()).collect()
    }

    /// The objects that no connection asks for any more, and that stay as it was asked for them.
    pub fn retained(&self) -> impl Iterator<Item = &ObjectId> {
        let is_retained = |line: &Line| line.wanted() == Wanted::Nothing && line.record.is_some_and(|record| record.policy == DeletionPolicy::Retain);
        self.lines.iter().filter(move |(_, line)| is_retained(line)).map(|(id, _)| id)
    }

    /// All objects that the inventory has.
    pub fn recorded(&self) -> impl Iterator<Item = &ObjectId> {
        self.lines.iter().filter(|(_, line)| line.record.is_some()).map(|(id, _)| id)
    }

    /// Notes that this run is done with an object. `has_all_rights`: what may not be deleted now will not be later.
    pub fn settle(&self, id: &ObjectId, outcome: &Outcome, has_all_rights: bool) {
        let Some(line) = self.lines.get(id) else { return };
        line.state.set(match outcome {
            _ if outcome.is_strangers() => State::Strangers,
            Outcome::Kept { why: Staying::NoRight, .. } if !has_all_rights => State::Left,
            Outcome::Refused { .. } | Outcome::Failed { .. } => State::Failed,
            _ => State::Settled,
        });
    }

    /// Notes that work on an object begins, if it should be there and nobody else is at work on it or was. Gives it as all documents want it.
    #[must_use]
    pub fn begin(&self, (id, mut planned): (ObjectId, Planned)) -> Option<(ObjectId, Planned)> {
        let line = self.lines.get(&id).filter(|line| line.open(&id).is_some())?;
        line.state.set(State::Begun);
        planned.adopt = matches!(line.wanted, Wanted::There { adopt: true, .. });
        Some((id, planned))
    }

    /// The objects that work was begun on and that are not settled.
    pub fn begun(&self) -> impl Iterator<Item = &ObjectId> {
        self.lines.iter().filter(|(_, line)| line.state.get() == State::Begun).map(|(id, _)| id)
    }

    /// The objects that connections ask for and that this run has not brought to what they ask: what was refused or failed, what was not begun, and
    /// what could not be planned. Any other that a connection asks for is as it should be.
    pub fn unapplied(&self) -> impl Iterator<Item = &ObjectId> {
        let is_applied = |line: &Line| line.state.get() == State::Settled && !line.is_disputed;
        self.lines.iter().filter(move |(_, line)| line.asked.is_some() && !line.is_drivers && !is_applied(line)).map(|(id, _)| id)
    }

    /// Whether this run is done with an object.
    #[must_use]
    pub fn is_settled(&self, id: &ObjectId) -> bool {
        self.lines.get(id).is_some_and(|line| !matches!(line.state.get(), State::Open | State::Begun))
    }

    fn line(&mut self, id: &ObjectId) -> &mut Line {
        let namespace = self.shared(&id.namespace);
        self.lines.entry(ObjectId { namespace, ..id.clone() }).or_default()
    }

    /// The namespace as its first line has it.
    fn shared(&mut self, namespace: &Namespace) -> Namespace {
        if let Some(known) = self.namespaces.get(namespace) {
            return known.clone();
        }
        self.namespaces.insert(namespace.clone());
        namespace.clone()
    }
}

impl Line {
    /// What is wanted of it, which is nothing while it is disputed: a dispute may be found after what one side wants was taken down.
    fn wanted(&self) -> Wanted {
        if self.is_disputed { Wanted::Nothing } else { self.wanted }
    }

    fn open<'a>(&self, id: &'a ObjectId) -> Option<Open<'a>> {
        match (self.wanted(), self.fingerprint, self.state.get()) {
            (Wanted::There { document, .. }, Some(fingerprint), State::Open) => Some(Open { id, fingerprint, document }),
            _ => None,
        }
    }
}
