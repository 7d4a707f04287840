//! The release: whether it is there, whole, and free to be changed.

use serde_json::Value;

use super::Findings;
use super::facts::{Facts, name_of};
use crate::chart;
use crate::helm::Stored;

/// The annotation by which Helm knows what is its own.
const OWNER: &str = "meta.helm.sh/release-name";
/// The objects of the chart in the namespace of the release: the kind of their path, the kind for kubectl, and the name.
const OBJECTS: [(&str, &str, &str); 5] = [
    ("serviceaccounts", "serviceaccount", "sc-job"),
    ("roles", "role", "sc-job"),
    ("rolebindings", "rolebinding", "sc-job"),
    ("secrets", "secret", "sc-config"),
    ("cronjobs", "cronjob", "sc-reconcile"),
];

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    let before = findings.all.len();
    strangers(facts, findings);
    let Some(stored) = &facts.stored else {
        if findings.all.len() == before {
            findings.add("SC1003", release(findings), []);
        }
        return;
    };
    match stored.info.status.as_str() {
        "pending-install" => findings.add("SC1002", release(findings), []),
        status if status.starts_with("pending-") => {
            let last = facts.last().map_or_else(String::new, |last| last.to_string());
            findings.add("SC1001", release(findings), [("last", last)]);
        }
        _ => {}
    }
    if is_older(stored) {
        let version = stored.chart_version().unwrap_or_default().to_owned();
        findings.add("SC1008", release(findings), [("version", version), ("own", chart::VERSION.to_owned())]);
    }
}

/// What stands in the place of the chart's objects and is not Helm's.
fn strangers(facts: &Facts, findings: &mut Findings<'_>) {
    let verb = if facts.stored.is_some() { "upgrade" } else { "install" };
    let namespace = findings.place.release_namespace.clone();
    let own = OBJECTS.iter().filter_map(|(plural, kind, name)| Some((namespace.as_str(), *kind, facts.find(plural, name)?)));
    let kinds = [("roles", "role"), ("rolebindings", "rolebinding")];
    let others = facts.present().flat_map(|(name, namespace)| {
        let of_job = kinds.map(|(plural, kind)| (kind, namespace.of(plural).iter().find(|object| name_of(object) == "sc-job")));
        of_job.into_iter().filter_map(move |(kind, object)| Some((name, kind, object?)))
    });
    let found: Vec<_> = own.chain(others).filter(|(_, _, object)| !is_of(object, &findings.place.release)).collect();
    for (place, kind, object) in found {
        let values = [("where", place.to_owned()), ("kind", kind.to_owned()), ("name", name_of(object).to_owned()), ("verb", verb.to_owned())];
        findings.add("SC1004", format!("{kind} {place}/{}", name_of(object)), values);
    }
}

/// Whether Helm has made an object for this release.
pub(super) fn is_of(object: &Value, release: &str) -> bool {
    object["metadata"]["annotations"][OWNER] == release
}

fn is_older(stored: &Stored) -> bool {
    let version = stored.chart_version().and_then(|version| semver::Version::parse(version).ok());
    version.zip(semver::Version::parse(chart::VERSION).ok()).is_some_and(|(installed, own)| installed < own)
}

/// What is said when nothing better explains why the release is `failed`.
pub(super) fn failed(facts: &Facts, findings: &mut Findings<'_>) {
    let Some(stored) = facts.stored.as_ref().filter(|stored| stored.info.status == "failed") else { return };
    if findings.all.is_empty() {
        findings.add("SC1005", release(findings), [("description", stored.info.description.clone())]);
    }
}

fn release(findings: &Findings<'_>) -> String {
    format!("release {}/{}", findings.place.release_namespace, findings.place.release)
}
