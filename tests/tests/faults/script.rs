//! What the proxy is to do during one run, and what it has seen of it.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use http::request::Parts;

use crate::fault::Fault;

/// A request of a run: the n-th of this method for this path. The name of the room's namespace is written `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// The method.
    pub(crate) method: Method,
    /// The path.
    pub(crate) path: String,
    /// How many of this method and path there were, this one included.
    pub(crate) turn: usize,
}

/// Which request meets a fault.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// This one.
    Key(Key),
    /// The one that comes as the n-th of all, from 1.
    Number(usize),
}

/// One run, as the proxy sees it.
#[derive(Debug, Default)]
pub(crate) struct Script {
    room: String,
    fault: Option<(Target, Fault)>,
    is_slow: bool,
    /// The requests so far.
    pub(crate) seen: Vec<Key>,
    /// Whether the fault has come.
    pub(crate) is_met: bool,
    turns: BTreeMap<(String, String), usize>,
    has_held: bool,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (its {}.)", self.method, self.path, self.turn)
    }
}

impl Script {
    /// For the room whose namespace has this name. If it is to be slow, the first write to a connection's namespace takes so long that the
    /// Lease is renewed meanwhile.
    pub(crate) fn new(room: &str, fault: Option<(Target, Fault)>, is_slow: bool) -> Self {
        Self { room: room.to_owned(), fault, is_slow, ..Self::default() }
    }

    /// Notes a request; says whether it is to be held up, and what goes wrong with it.
    pub(crate) fn arrives(&mut self, parts: &Parts) -> (bool, Option<Fault>) {
        let path = parts.uri.path().replace(&self.room, "@");
        let turn = self.turns.entry((parts.method.to_string(), path.clone())).or_default();
        *turn += 1;
        let key = Key { method: parts.method.clone(), path, turn: *turn };
        let is_held = self.is_slow && !self.has_held && key.is_write_to_connections();
        self.has_held |= is_held;
        self.seen.push(key.clone());
        (is_held, self.fault_of(&key))
    }

    fn fault_of(&mut self, key: &Key) -> Option<Fault> {
        let (target, fault) = self.fault.as_ref()?;
        let is_it = match target {
            Target::Key(target) => target == key,
            Target::Number(number) => *number == self.seen.len(),
        };
        self.is_met |= is_it;
        is_it.then_some(*fault)
    }
}

impl Key {
    fn is_write_to_connections(&self) -> bool {
        self.method != Method::GET && self.path.contains("/namespaces/@-")
    }

    /// Whether it is about the Lease.
    pub(crate) fn is_about_lease(&self) -> bool {
        self.path.contains("/leases")
    }
}
