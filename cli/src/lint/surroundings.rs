//! Where the names of a manifest lead: to objects of connections in its namespace, or to what the files have there.

use std::collections::BTreeSet;

use sc_core::connection::Connection;
use sc_core::object::ObjectKind;

use super::Findings;
use super::manifest::Manifests;
use super::objects::{Object, Objects, has_our_form};
use super::tree::Node;

/// What is around a manifest.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Its namespace, if that is known.
    pub(crate) namespace: Option<&'a str>,
    /// What else is in the files.
    pub(crate) files: &'a Manifests<'a>,
    /// The objects of connections.
    pub(crate) objects: &'a Objects<'a>,
}

impl<'a> Surroundings<'a> {
    /// The object of a connection that a name leads to, unless kustomize writes another name in its place.
    pub(crate) fn object(&self, kind: ObjectKind, name: &Node) -> Option<&'a Object<'a>> {
        let name = name.text().filter(|name| !self.files.is_renamed(kind.name(), name))?;
        self.objects.find(kind, self.namespace, name)
    }

    /// The connection that gives a Secret of this name, or has the CSI driver keep it, and the keys of that.
    pub(crate) fn keys(&self, name: &Node) -> Option<(&'a Connection, BTreeSet<&'a str>)> {
        if let Some(object) = self.object(ObjectKind::Secret, name) {
            return Some((object.connection, object.keys()));
        }
        let name = Some(name).filter(|name| !self.is_in_files(ObjectKind::Secret.name(), name))?.text()?;
        self.objects.synced(self.namespace, name).map(|connection| (connection, connection.synced_keys()))
    }

    /// Whether a name is that of a connection's object, or of one that a connection should have.
    pub(crate) fn is_of_connection(&self, kind: ObjectKind, name: &Node) -> bool {
        self.object(kind, name).is_some() || name.text().is_some_and(|text| has_our_form(kind, text)) && !self.is_in_files(kind.name(), name)
    }

    /// Notes what is wrong with a name of an object, unless the files have that object.
    pub(crate) fn check(&self, kind: ObjectKind, name: &Node, findings: &mut Findings) {
        if !self.is_in_files(kind.name(), name) {
            self.objects.check(kind, self.namespace, name, findings);
        }
    }

    /// Whether the files have an object of this kind and name.
    pub(crate) fn is_in_files(&self, kind: &str, name: &Node) -> bool {
        name.text().is_some_and(|name| self.files.makers(kind, self.namespace, name).next().is_some())
    }
}
