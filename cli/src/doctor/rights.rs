//! The rights of the job: there where it is to write, and nowhere else.

use std::collections::BTreeSet;

use super::Findings;
use super::facts::{Facts, name_of};
use super::release::is_of;

/// The name of the job's Roles, RoleBindings and ServiceAccount.
const JOB: &str = "sc-job";
const KINDS: [(&str, &str); 2] = [("roles", "role"), ("rolebindings", "rolebinding")];

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    missing(facts, findings);
    leftovers(facts, findings);
    if facts.release.contains_key("serviceaccounts") && facts.find("serviceaccounts", JOB).is_none() {
        let object = format!("serviceaccount {}/{JOB}", findings.place.release_namespace);
        findings.add("SC1109", object, []);
    }
}

/// Rights that were taken away, or given to another.
fn missing(facts: &Facts, findings: &mut Findings<'_>) {
    let own = findings.place.release_namespace.clone();
    let of_release = KINDS.map(|(plural, kind)| (own.as_str(), kind, JOB, facts.release.get(plural).map(Vec::as_slice)));
    let of_connections = facts
        .present()
        .filter(|(place, namespace)| !namespace.is_terminating && facts.connections_in(place).next().is_some())
        .flat_map(|(place, namespace)| KINDS.map(|(plural, kind)| (place, kind, role_in(place, &own), namespace.read(plural))));
    for (place, kind, name, objects) in of_release.into_iter().chain(of_connections) {
        let Some(objects) = objects else { continue };
        let values = [("where", place.to_owned()), ("kind", kind.to_owned()), ("name", name.to_owned())];
        match objects.iter().find(|object| name_of(object) == name) {
            None => findings.add("SC1201", format!("{kind} {place}/{name}"), values),
            // What is another's is told as that.
            Some(object) if !is_of(object, findings.place) => {}
            Some(object) => {
                let subject = &object["subjects"][0];
                let is_ours = subject["name"] == JOB && subject["namespace"] == own.as_str();
                if kind == "rolebinding" && !is_ours {
                    findings.add("SC1203", format!("{kind} {place}/{name}"), values);
                }
            }
        }
    }
}

/// What the chart calls the Role for the connections of a namespace: in that of the release there is another one.
fn role_in(place: &str, own: &str) -> &'static str {
    if place == own { "sc-job-connections" } else { JOB }
}

/// Rights in namespaces that no connection is in. Those for what is yet to be deleted are in the manifest of the release.
fn leftovers(facts: &Facts, findings: &mut Findings<'_>) {
    let Some(stored) = &facts.stored else { return };
    let served: BTreeSet<&str> = stored.namespaces_of_roles();
    for (plural, kind) in KINDS {
        for object in facts.rights.get(plural).into_iter().flatten() {
            let place = object["metadata"]["namespace"].as_str().unwrap_or_default();
            if is_of(object, findings.place) && !served.contains(place) {
                let values = [("where", place.to_owned()), ("kind", kind.to_owned()), ("name", name_of(object).to_owned())];
                findings.add("SC1202", format!("{kind} {place}/{}", name_of(object)), values);
            }
        }
    }
}
