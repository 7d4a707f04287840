//! The release: whether it is there, whole, and free to be changed.

use serde_json::{Value, json};

use super::facts::{Facts, name_of};
use super::{Findings, runs};
use crate::args::{namespace, release_name};
use crate::chart;
use crate::helm::Stored;
use crate::place::Place;
use crate::run::RELEASE_NAME;

/// The annotations by which Helm knows what is its own: the release, and its namespace.
const OWNER: [&str; 2] = [RELEASE_NAME, "meta.helm.sh/release-namespace"];
/// The objects of the chart in the namespace of the release: the kind of their path, the kind for kubectl, and the name.
const OBJECTS: [(&str, &str, &str); 5] = [
    ("serviceaccounts", "serviceaccount", "sc-job"),
    ("roles", "role", "sc-job"),
    ("rolebindings", "rolebinding", "sc-job"),
    ("secrets", "secret", "sc-config"),
    ("cronjobs", "cronjob", "sc-reconcile"),
];

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    let other = strangers(facts, findings);
    let Some(stored) = &facts.stored else {
        absent(other, findings);
        return;
    };
    match stored.info.status.as_str() {
        status if status.starts_with("pending-") && runs::is_at_work(facts) => findings.add("SC1010", release(findings), []),
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

/// There is no release. Where another one is, that was probably meant; where something is in the way of one, that is told alone.
fn absent(other: Option<Place>, findings: &mut Findings<'_>) {
    let sc = findings.place.command("sc");
    let (there, install) = match other {
        Some(other) => {
            (format!(" Release `{}` of namespace `{}` is there.", other.release, other.release_namespace), format!("{} doctor", other.command("sc")))
        }
        None if findings.all.is_empty() => (String::new(), format!("{sc} install --create-namespace")),
        None => return,
    };
    findings.add("SC1003", release(findings), [("there", there), ("install", install)]);
}

/// What stands in the place of the chart's objects and is not this release's. What is another release's is never to be deleted: with no release that is
/// but a sign of which one is there, which is returned.
fn strangers(facts: &Facts, findings: &mut Findings<'_>) -> Option<Place> {
    let verb = if facts.stored.is_some() { "upgrade" } else { "install" };
    let mut there = None;
    for (place, kind, object) in of_chart(facts, findings.place) {
        let at = format!("{kind} {place}/{}", name_of(object));
        let mut values =
            vec![("where", place.to_owned()), ("kind", kind.to_owned()), ("name", name_of(object).to_owned()), ("verb", verb.to_owned())];
        match owner(object, findings.place) {
            Owner::This => {}
            Owner::Nobody => findings.add("SC1004", at, values),
            Owner::Other(other) if facts.stored.is_none() => there = Some(other),
            Owner::Other(other) => {
                values.extend([("other", other.release.clone()), ("home", other.release_namespace.clone()), ("list", other.command("sc"))]);
                findings.add("SC1009", at, values);
            }
        }
    }
    there
}

/// What has the names of the chart's objects: its namespace, its kind for kubectl, and the object.
fn of_chart<'a>(facts: &'a Facts, place: &'a Place) -> Vec<(&'a str, &'static str, &'a Value)> {
    let namespace = place.release_namespace.as_str();
    let own = OBJECTS.iter().filter_map(|(plural, kind, name)| Some((namespace, *kind, facts.find(plural, name)?)));
    let kinds = [("roles", "role"), ("rolebindings", "rolebinding")];
    // The chart has Roles where connections are; what is called so elsewhere is nobody's concern.
    let others = facts.present().filter(|(name, _)| facts.connections_in(name).next().is_some()).flat_map(|(name, namespace)| {
        let of_job = kinds.map(|(plural, kind)| (kind, namespace.find(plural, "sc-job")));
        of_job.into_iter().filter_map(move |(kind, object)| Some((name, kind, object?)))
    });
    own.chain(others).collect()
}

/// Whose an object is.
enum Owner {
    This,
    /// Another release's, at this place.
    Other(Place),
    /// No release's.
    Nobody,
}

/// By the annotations of Helm. Whoever may write them may not write commands: what is no name of a release is nobody's.
fn owner(object: &Value, place: &Place) -> Owner {
    if is_of(object, place) {
        return Owner::This;
    }
    let [name, home] = OWNER.map(|annotation| object["metadata"]["annotations"][annotation].as_str().unwrap_or_default());
    match (release_name(name), namespace(home)) {
        (Ok(release), Ok(release_namespace)) => Owner::Other(Place { release, release_namespace, ..place.clone() }),
        _ => Owner::Nobody,
    }
}

/// Whether Helm has made an object for the release of this place: one of the same name may be in another namespace.
pub(super) fn is_of(object: &Value, place: &Place) -> bool {
    OWNER.map(|annotation| &object["metadata"]["annotations"][annotation]) == [&json!(place.release), &json!(place.release_namespace)]
}

fn is_older(stored: &Stored) -> bool {
    let version = stored.chart_version().and_then(|version| semver::Version::parse(version).ok());
    version.zip(semver::Version::parse(chart::VERSION).ok()).is_some_and(|(installed, own)| installed < own)
}

/// What is said when nothing better explains why the release is `failed`.
pub(super) fn failed(facts: &Facts, findings: &mut Findings<'_>) {
    let Some(stored) = facts.stored.as_ref().filter(|stored| stored.info.status == "failed") else { return };
    if !runs::is_explained(findings) {
        findings.add("SC1005", release(findings), [("description", stored.info.description.clone())]);
    }
}

fn release(findings: &Findings<'_>) -> String {
    format!("release {}/{}", findings.place.release_namespace, findings.place.release)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// An object that Helm has made for a release of this namespace.
    fn made_for(name: &str, release: &str, namespace: &str) -> Value {
        json!({"metadata": {"name": name, "annotations": {OWNER[0]: release, OWNER[1]: namespace}}})
    }

    fn stored(status: &str) -> Option<Stored> {
        serde_json::from_value(json!({"version": 2, "info": {"status": status}})).unwrap()
    }

    /// What is found: the code, the cause and the command of each.
    fn found(facts: &Facts, place: &Place) -> Vec<(&'static str, String, String)> {
        let mut findings = Findings::of(place, facts);
        examine(facts, &mut findings);
        findings.all.into_iter().map(|finding| (finding.code, finding.cause, finding.fix)).collect()
    }

    #[test]
    fn with_a_wrong_name_the_release_that_is_there_is_named_and_nothing_of_it_is_deleted() {
        let release = [("roles", "sc-job"), ("secrets", "sc-config")].map(|(kind, name)| (kind, vec![made_for(name, "sc", "sc-system")]));
        let facts = Facts { release: release.into(), ..Facts::default() };
        let typo = Place { release: "cs".to_owned(), ..Place::default() };
        let [(code, cause, fix)] = &found(&facts, &typo)[..] else { panic!("there is more than one") };
        assert_eq!((*code, fix.as_str()), ("SC1003", "sc doctor"));
        assert!(cause.ends_with(" Release `sc` of namespace `sc-system` is there."), "{cause}");
        let both = Facts { stored: stored("deployed"), ..facts };
        let found = found(&both, &typo);
        assert_eq!(found.len(), 2);
        for (code, cause, fix) in found {
            assert_eq!((code, fix.as_str()), ("SC1009", "sc list"), "{cause}");
            assert!(cause.contains("is that of release sc in namespace sc-system"), "{cause}");
        }
    }

    #[test]
    fn a_release_of_the_same_name_in_another_namespace_is_another() {
        let place = Place::default();
        assert!(is_of(&made_for("sc-job", "sc", "sc-system"), &place));
        assert!(!is_of(&made_for("sc-job", "sc", "other"), &place));
        assert!(matches!(owner(&made_for("sc-job", "sc", "other"), &place), Owner::Other(other) if other.release_namespace == "other"));
        assert!(matches!(owner(&made_for("sc-job", "$(reboot)", "other"), &place), Owner::Nobody), "it would go into a command");
    }

    #[test]
    fn objects_of_one_name_are_kept_in_files_of_their_own_that_are_not_overwritten() {
        let strangers = ["serviceaccounts", "roles", "rolebindings"].map(|kind| (kind, vec![json!({"metadata": {"name": "sc-job"}})]));
        let facts = Facts { release: strangers.into(), ..Facts::default() };
        let found = found(&facts, &Place::default());
        let kinds = ["serviceaccount", "role", "rolebinding"];
        assert_eq!(found.len(), kinds.len());
        for ((code, _, fix), kind) in found.iter().zip(kinds) {
            assert_eq!(*code, "SC1004");
            let kept = format!("(umask 077; set -C; kubectl -n sc-system get {kind} sc-job -o yaml > sc-system-{kind}-sc-job.yaml) && ");
            assert!(fix.starts_with(&kept), "{fix}");
        }
    }

    #[test]
    fn a_locked_release_is_not_touched_while_somebody_is_at_work_on_it() {
        let lease = |renewed: String| json!({"metadata": {"name": "sc-cli"}, "spec": {"holderIdentity": "sc-1", "renewTime": renewed}});
        let (now, long_ago) = (lease(Timestamp::now().to_string()), lease("2026-01-01T00:00:00Z".to_owned()));
        let template = json!({"metadata": {"labels": {"app.kubernetes.io/name": chart::NAME}}});
        let run = |conditions: Value| json!({"metadata": {"name": "sc-job"}, "spec": {"template": template}, "status": {"conditions": conditions}});
        let (running, ended) = (run(json!([])), run(json!([{"type": "Failed", "status": "True"}])));
        for (status, kind, object, code) in [
            ("pending-upgrade", "leases", &now, "SC1010"),
            ("pending-upgrade", "leases", &long_ago, "SC1001"),
            ("pending-rollback", "jobs", &running, "SC1010"),
            ("pending-install", "jobs", &running, "SC1010"),
            ("pending-install", "jobs", &ended, "SC1002"),
        ] {
            let facts = Facts { stored: stored(status), release: [(kind, vec![object.clone()])].into(), ..Facts::default() };
            let found = found(&facts, &Place::default());
            assert_eq!(found.iter().map(|(code, ..)| *code).collect::<Vec<_>>(), [code], "{status} with {object}");
            assert_eq!(found[0].2.contains("delete"), code != "SC1010", "{}", found[0].2);
        }
    }
}
