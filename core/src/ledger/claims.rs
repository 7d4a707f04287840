//! Which connection asks for which object: no two may write one.

use std::collections::BTreeSet;

use super::Ledger;
use crate::connection::Connection;
use crate::names::Guid;
use crate::object::{ObjectId, ObjectKind};
use crate::plan::objects_of;
use crate::problem::{At, Kind, Problems};
use crate::values::State;

/// Where a connection stands: in which of the lists, and which of its items it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    list: u32,
    item: u32,
}

impl Ledger {
    /// Notes what these connections ask for. Each that would write what another does is a problem, and so is one that disagrees about a shared
    /// ServiceAccount; then none of those that ask for it is allowed.
    pub fn claim(&mut self, connections: &[Connection], problems: &mut Problems) {
        for connection in connections {
            let place = self.place(&connection.at);
            let mut told = BTreeSet::new();
            for id in claimed_by(connection) {
                let is_drivers = connection.sync_secret.as_deref() == Some(&*id.name);
                let line = self.line(&id);
                let Some(first) = line.asked else {
                    (line.asked, line.is_drivers) = (Some(place), is_drivers);
                    if id.kind == ObjectKind::ServiceAccount {
                        self.tenants.insert(id, tenant(connection).cloned());
                    }
                    continue;
                };
                if id.kind == ObjectKind::ServiceAccount && self.tenants.get(&id).and_then(Option::as_ref) == tenant(connection) {
                    continue;
                }
                if told.insert(first) {
                    problems.add(&connection.at, conflict(&id, self.at(first).to_string(), connection.name.as_str().to_owned()));
                }
                let line = self.line(&id);
                line.is_disputed = true;
                line.is_drivers &= is_drivers;
            }
        }
    }

    /// Whether nobody else asks for what this connection does.
    #[must_use]
    pub fn allows(&self, connection: &Connection) -> bool {
        !claimed_by(connection).any(|id| self.lines.get(&id).is_some_and(|line| line.is_disputed))
    }

    fn place(&mut self, at: &At) -> Place {
        let (list, item) = at.in_list();
        if self.lists.last() != Some(&list) {
            self.lists.push(list);
        }
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        Place { list: number(self.lists.len() - 1), item: number(item) }
    }

    fn at(&self, Place { list, item }: Place) -> At {
        self.lists.get(list as usize).map_or_else(At::top, |list| list.item(item as usize))
    }
}

fn tenant(connection: &Connection) -> Option<&Guid> {
    connection.identity.as_ref().and_then(|identity| identity.tenant_id.as_ref())
}

/// The objects of a connection, and the Secret that the CSI driver keeps for it. One that is absent does not share a ServiceAccount.
fn claimed_by(connection: &Connection) -> impl Iterator<Item = ObjectId> {
    let is_absent = connection.state == State::Absent;
    let own = objects_of(connection).into_iter().filter(move |id| !(is_absent && id.kind == ObjectKind::ServiceAccount));
    own.chain(synced_by_driver(connection))
}

fn synced_by_driver(connection: &Connection) -> Option<ObjectId> {
    let name = connection.sync_secret.clone()?;
    Some(ObjectId { namespace: connection.namespace.clone(), kind: ObjectKind::Secret, name: name.into() })
}

fn conflict(id: &ObjectId, first: String, second: String) -> Kind {
    match id.kind {
        ObjectKind::ServiceAccount => Kind::TwoTenants { first, second },
        ObjectKind::Secret | ObjectKind::Binding | ObjectKind::VaultLogin | ObjectKind::SecretProviderClass => {
            Kind::SameObject { first, second, object: id.to_string() }
        }
    }
}
