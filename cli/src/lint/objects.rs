//! The objects of connections, which workloads use by name, and names that lead to none of them.

use std::collections::BTreeSet;

use sc_core::connection::Connection;
use sc_core::names::{begins_as_ours, has_form, normalised, of_connection};
use sc_core::object::{ObjectId, ObjectKind};
use sc_core::plan::objects_of;
use sc_core::problem::{Choice, Word};

use super::Findings;
use super::mistake::Mistake;
use super::tree::Node;

/// An object, and the connection that asks for it; of several, the first.
pub(crate) struct Object<'c> {
    pub(crate) id: ObjectId,
    pub(crate) connection: &'c Connection,
}

/// All of them.
pub(crate) struct Objects<'c> {
    all: Vec<Object<'c>>,
    /// The connections that are wrong as they are written, by their normalised names: what they give is not known.
    broken: BTreeSet<String>,
}

impl<'c> Objects<'c> {
    /// Those of these connections, beside others that are wrong as they are written and have these names.
    pub(crate) fn of<'b>(connections: impl Iterator<Item = &'c Connection>, broken: impl Iterator<Item = &'b str>) -> Self {
        let objects = |connection: &'c Connection| objects_of(connection).into_iter().map(move |id| Object { id, connection });
        Self { all: connections.flat_map(objects).collect(), broken: broken.map(normalised).collect() }
    }

    /// Whether a connection that is wrong as it is written would give an object of this name.
    fn is_of_broken(&self, name: &str) -> bool {
        self.broken.contains(&normalised(of_connection(name)))
    }

    /// The object of this kind and name; if no namespace is stated, one of any.
    pub(crate) fn find(&self, kind: ObjectKind, namespace: Option<&str>, name: &str) -> Option<&Object<'c>> {
        self.all.iter().find(|object| object.is(kind, namespace) && &*object.id.name == name)
    }

    /// The connection for which the CSI driver keeps a Secret of this name.
    pub(crate) fn synced(&self, namespace: Option<&str>, name: &str) -> Option<&'c Connection> {
        let mut classes = self.all.iter().filter(|object| object.is(ObjectKind::SecretProviderClass, namespace));
        classes.find(|class| class.connection.sync_secret.as_deref() == Some(name)).map(|class| class.connection)
    }

    /// The connections in a namespace whose identity this ServiceAccount stands for.
    pub(crate) fn of_account(&self, namespace: Option<&str>, account: &Node) -> impl Iterator<Item = &'c Connection> {
        let is_it = move |object: &&Object<'_>| object.is(ObjectKind::ServiceAccount, namespace) && Some(&*object.id.name) == account.text();
        self.all.iter().filter(is_it).map(|object| object.connection)
    }

    /// Notes what is wrong with a name if no connection gives such an object in that namespace, and it can have been meant to be one.
    pub(crate) fn check(&self, kind: ObjectKind, namespace: Option<&str>, node: &Node, findings: &mut Findings) {
        let is_synced = |name: &str| kind == ObjectKind::Secret && self.synced(namespace, name).is_some();
        let is_given = |name: &str| self.find(kind, namespace, name).is_some() || is_synced(name);
        let Some(name) = node.text().filter(|name| !is_given(name)) else { return };
        if self.is_of_broken(name) {
            return;
        }
        let bare = name.trim();
        if bare != name && (has_our_form(kind, bare) || self.find(kind, namespace, bare).is_some()) {
            let what = format!("the name of {} `{bare}` begins or ends with white space", kind.name());
            findings.about(Mistake::NameBlank, node, what, format!("write `{bare}`"));
            return;
        }
        let here = || self.all.iter().filter(|object| object.is(kind, namespace));
        let what = format!("{} {}", kind.name(), Word::new(name));
        let place = namespace.map_or_else(String::new, |namespace| format!(" in namespace {}", Word::new(namespace)));
        if has_our_form(kind, name) {
            let fix = self.way_out(kind, name, &nearest(name, here()));
            findings.about(unknown(kind), node, format!("{what} is given by no connection{place}"), fix);
        } else if let Some(nearest) = nearest(name, here().filter(|object| object.is_meant_by(name))).nearest() {
            let what = format!("{what} is nearly `{nearest}`, which a connection gives{place}");
            findings.about(Mistake::NameMisspelled, node, what, format!("write `{nearest}`"));
        }
    }

    /// What to do about a name that no connection gives where it is used.
    fn way_out(&self, kind: ObjectKind, name: &str, choice: &Choice) -> String {
        match (self.find(kind, None, name), choice.nearest()) {
            (Some(Object { id, .. }), _) => {
                format!("it is in namespace `{}`, and of use only there: put the workload there, or make a connection here, too", id.namespace)
            }
            (None, Some(nearest)) => format!("did you mean `{nearest}`?"),
            (None, None) => unknown(kind).entry().fix.to_owned(),
        }
    }
}

fn nearest<'o>(name: &str, objects: impl Iterator<Item = &'o Object<'o>>) -> Choice {
    Choice::of_objects(name, objects.map(|object| &*object.id.name))
}

impl<'c> Object<'c> {
    /// The keys that it has, if it is a Secret.
    pub(crate) fn keys(&self) -> BTreeSet<&'c str> {
        self.connection.keys_of(self.id.kind)
    }

    fn is(&self, kind: ObjectKind, namespace: Option<&str>) -> bool {
        self.id.kind.name() == kind.name() && namespace.is_none_or(|namespace| self.id.namespace.as_str() == namespace)
    }

    /// Whether a name that is nearly this object's can have been meant for it. Others begin with the same letters, too.
    fn is_meant_by(&self, name: &str) -> bool {
        begins_as_ours(name) && (self.id.kind == ObjectKind::ServiceAccount || normalised(name).contains(self.connection.name.normalised()))
    }
}

/// Whether connections' objects of this kind have such names. A Secret may be of variables or a binding.
pub(crate) fn has_our_form(kind: ObjectKind, name: &str) -> bool {
    ObjectKind::ALL.into_iter().any(|known| known.name() == kind.name() && has_form(known, name))
}

/// The mistake that a name of that form is where no connection gives it.
fn unknown(kind: ObjectKind) -> Mistake {
    match kind {
        ObjectKind::ServiceAccount => Mistake::AccountUnknown,
        ObjectKind::Secret | ObjectKind::Binding | ObjectKind::VaultLogin => Mistake::SecretUnknown,
        ObjectKind::SecretProviderClass => Mistake::ClassUnknown,
    }
}
