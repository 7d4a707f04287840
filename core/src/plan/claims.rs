//! Which connection asks for which object: no two may write one.

use std::collections::{BTreeMap, BTreeSet};

use super::objects_of;
use crate::connection::Connection;
use crate::names::Guid;
use crate::object::{ObjectId, ObjectKind};
use crate::problem::{At, Kind, Problems};
use crate::values::State;

/// What the connections of one document, or of several, ask for.
#[derive(Debug, Default)]
pub struct Claims {
    objects: BTreeMap<ObjectId, Claim>,
    disputed: BTreeSet<ObjectId>,
}

/// The first connection that asks for an object.
#[derive(Debug)]
struct Claim {
    at: At,
    name: String,
    tenant: Option<Guid>,
}

impl Claims {
    /// Notes what these connections ask for. Each that would write what another does is a problem, and so is one that disagrees about a shared
    /// ServiceAccount; then none of those that ask for it is allowed.
    pub fn add(&mut self, connections: &[Connection], problems: &mut Problems) {
        for connection in connections {
            let mut told = BTreeSet::new();
            for id in claimed_by(connection) {
                let claim = Claim::of(connection);
                match self.objects.get(&id) {
                    None => drop(self.objects.insert(id, claim)),
                    Some(first) if first.agrees(&claim, id.kind) => {}
                    Some(first) => {
                        if told.insert(first.at.clone()) {
                            problems.add(&connection.at, conflict(&id, first, &claim));
                        }
                        self.disputed.insert(id);
                    }
                }
            }
        }
    }

    /// Whether nobody else asks for what this connection does.
    #[must_use]
    pub fn allow(&self, connection: &Connection) -> bool {
        self.disputed.is_empty() || !claimed_by(connection).any(|id| self.disputed.contains(&id))
    }
}

impl Claim {
    fn of(connection: &Connection) -> Self {
        let tenant = connection.identity.as_ref().and_then(|identity| identity.tenant_id.clone());
        Self { at: connection.at.clone(), name: connection.name.as_str().to_owned(), tenant }
    }

    /// Whether both can share one object.
    fn agrees(&self, other: &Self, kind: ObjectKind) -> bool {
        kind == ObjectKind::ServiceAccount && self.tenant == other.tenant
    }
}

/// The objects of a connection, and the Secret that the CSI driver keeps for it. One that is absent does not share a ServiceAccount.
fn claimed_by(connection: &Connection) -> impl Iterator<Item = ObjectId> {
    let is_absent = connection.state == State::Absent;
    let own = objects_of(connection).into_iter().filter(move |id| !(is_absent && id.kind == ObjectKind::ServiceAccount));
    own.chain(synced_by_driver(connection))
}

fn synced_by_driver(connection: &Connection) -> Option<ObjectId> {
    let name = connection.sync_secret.clone()?;
    Some(ObjectId { namespace: connection.namespace.to_string(), kind: ObjectKind::Secret, name })
}

fn conflict(id: &ObjectId, first: &Claim, second: &Claim) -> Kind {
    let (at, first, second) = (first.at.to_string(), first.name.clone(), second.name.clone());
    match id.kind {
        ObjectKind::ServiceAccount => Kind::TwoTenants { first, at, second },
        ObjectKind::Secret | ObjectKind::Binding | ObjectKind::SecretProviderClass => Kind::SameObject { first, at, second, object: id.to_string() },
    }
}
