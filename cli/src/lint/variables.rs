//! Whether containers get the variables of connections: Secrets by name and key, and what stands in their way.

use std::collections::BTreeMap;

use sc_core::connection::Connection;
use sc_core::object::ObjectKind;
use sc_core::problem::{Choice, Word};

use super::Findings;
use super::mistake::Mistake;
use super::objects::Object;
use super::pods::{Pods, Reference};
use super::surroundings::Surroundings;
use super::tree::Node;

/// Looks for mistakes about variables.
pub(crate) fn check(pods: &Pods<'_>, findings: &mut Findings) {
    for reference in pods.secrets() {
        named(&pods.around, &reference, findings);
    }
    for (name, fix) in pods.secrets_as_maps() {
        findings.about(Mistake::ConfigMapForSecret, name, Mistake::ConfigMapForSecret.entry().title, fix);
    }
    pods.containers().for_each(|container| sources(pods, container, findings));
}

/// Looks at a place that names a Secret: whether that is there, whatever happens, and has the keys that are asked for.
pub(crate) fn named(around: &Surroundings<'_>, reference: &Reference<'_>, findings: &mut Findings) {
    around.check(ObjectKind::Secret, reference.name, findings);
    if reference.optional.is_true() && around.is_of_connection(ObjectKind::Secret, reference.name) {
        findings.add(Mistake::SecretOptional, reference.optional);
    }
    let (Some(secret), Some((connection, known))) = (reference.name.text(), around.keys(reference.name)) else { return };
    for node in &reference.keys {
        let Some(key) = node.text().filter(|key| !known.contains(key)) else { continue };
        let what = format!("connection `{}` gives no key {} in Secret `{secret}`", connection.name.as_str(), Word::new(key));
        findings.about(Mistake::KeyUnknown, node, what, Choice::of(key, known.iter().copied()).to_string());
    }
}

/// Looks at what a container has from whole Secrets.
fn sources(pods: &Pods<'_>, container: &Node, findings: &mut Findings) {
    let mut given: BTreeMap<&str, &Connection> = BTreeMap::new();
    for source in container.get("envFrom").items() {
        let (secret, prefix) = (source.at("/secretRef/name"), source.get("prefix"));
        let is_prefixed = prefix.text().is_some_and(|prefix| !prefix.is_empty());
        if is_prefixed && pods.around.is_of_connection(ObjectKind::Secret, secret) {
            findings.add(Mistake::Prefixed, prefix);
        }
        // What a binding has is for files, and `customizedKeys` renames none of it.
        let is_of_variables = |object: &&Object<'_>| object.id.kind == ObjectKind::Secret && !is_prefixed;
        if let Some(object) = pods.around.object(ObjectKind::Secret, secret).filter(is_of_variables) {
            twice(object.connection, secret, &mut given, findings);
        }
    }
    container.get("env").items().iter().for_each(|entry| overridden(pods, entry, &given, findings));
}

/// Notes what another connection has given to the container already.
fn twice<'a>(connection: &'a Connection, node: &Node, given: &mut BTreeMap<&'a str, &'a Connection>, findings: &mut Findings) {
    for key in connection.keys() {
        let before = given.insert(key, connection).filter(|before| !std::ptr::eq(*before, connection));
        if let Some(before) = before {
            let what = format!("connections `{}` and `{}` both give {}", before.name.as_str(), connection.name.as_str(), Word::new(key));
            findings.about(Mistake::VariableTwice, node, what, Mistake::VariableTwice.entry().fix);
        }
    }
}

/// Notes a variable that the container sets itself, unless it takes it from the connection.
fn overridden(pods: &Pods<'_>, entry: &Node, given: &BTreeMap<&str, &Connection>, findings: &mut Findings) {
    let Some((key, connection)) = entry.get("name").text().and_then(|key| Some((key, *given.get(key)?))) else { return };
    let secret = entry.at("/valueFrom/secretKeyRef/name");
    if !pods.around.object(ObjectKind::Secret, secret).is_some_and(|object| std::ptr::eq(object.connection, connection)) {
        let what = format!("variable {} takes the place of that of connection `{}`", Word::new(key), connection.name.as_str());
        findings.about(Mistake::VariableOverridden, entry.get("name"), what, Mistake::VariableOverridden.entry().fix);
    }
}
