//! The objects of the connections, and what they are made from: by a run of the job that writes nothing, and by how the last one has failed.

use std::collections::BTreeSet;

use super::Findings;
use super::facts::{Facts, name_of};
use super::identities::is_hooked;
use super::runs;
use super::templates::Template;
use super::workloads::used;
use sc_core::azure::AUDIENCE;
use sc_core::connections::ConnectionSet;
use sc_core::names::{MANAGED_BY, MANAGER};
use sc_core::object::{ObjectId, ObjectKind};
use sc_core::problem::Kind;
use sc_core::report::Outcome;
use sc_core::values::VaultLogin;
use serde_json::{Value, json};

use crate::helm::Stored;
use crate::listing::Listing;
use crate::place::Place;
use crate::proof::State;
use crate::workload::{CSI_DRIVER, items};

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    let rotated = references(facts, findings);
    problems(facts, findings);
    obstacles(facts, findings);
    installed(facts, findings);
    // What is not proved is not there yet for a reason of its own.
    let is_proved = facts.proof.as_ref().is_some_and(|proof| proof.state == State::Succeeded);
    for (id, deletion) in facts.kept.iter().filter(|(id, _)| !is_used(facts, id)) {
        findings.add("SC1313", id.to_string(), [("deletion", deletion.clone())]);
    }
    for (id, outcome) in &facts.dry_run {
        object(id, outcome, (facts, is_proved && rotated.is_empty()), findings);
    }
    // A run takes over what has changed, unless something else makes it fail.
    if is_proved || !runs::is_explained(findings) {
        for secret in rotated {
            findings.add("SC1308", secret, []);
        }
    }
}

/// What a run would do about one object.
fn object(id: &ObjectId, outcome: &Outcome, (facts, is_proved): (&Facts, bool), findings: &mut Findings<'_>) {
    let place = id.namespace.as_str();
    if facts.namespaces.get(place).is_some_and(Option::is_none) {
        return;
    }
    let values = [("where", place.to_owned()), ("kind", id.kind.name().to_lowercase()), ("name", id.name.to_string())];
    match outcome {
        Outcome::Created(_) if is_proved => findings.add("SC1301", id.to_string(), values),
        Outcome::Updated(_) if is_proved && id.kind == ObjectKind::ServiceAccount => findings.add("SC1503", id.to_string(), values),
        Outcome::Updated(changes) if is_proved => {
            let changes = changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            findings.add("SC1302", id.to_string(), [("changes", changes)]);
        }
        Outcome::Refused { is_strangers: true, .. } => findings.add("SC1303", id.to_string(), values),
        _ => {}
    }
}

/// Whether a workload still has what a connection left: that is kept for it.
fn is_used(facts: &Facts, id: &ObjectId) -> bool {
    let namespace = facts.present().find(|(name, _)| *name == id.namespace.as_str());
    namespace.is_some_and(|(name, namespace)| Template::all(name, namespace).any(|template| used(template.pods()).contains(&*id.name)))
}

/// The namespaces of connections: neither Helm nor the job can do a thing without them.
pub(super) fn namespaces(facts: &Facts, findings: &mut Findings<'_>) {
    for (name, namespace) in facts.namespaces.iter().filter(|(name, _)| facts.connections_in(name).next().is_some()) {
        let upgrade = format!("{} upgrade", findings.place.command("sc"));
        let anew = match findings.place.creation_of(name, &facts.values) {
            None => upgrade,
            // An upgrade would wait for a Job that waits: what is the matter with it comes next.
            Some(create) if runs::is_running(facts) => create,
            Some(create) => format!("{create} && {upgrade}"),
        };
        let values = [("where", name.clone()), ("anew", anew)];
        match namespace {
            None => findings.add("SC1304", format!("namespace {name}"), values),
            Some(namespace) if namespace.is_terminating => findings.add("SC1305", format!("namespace {name}"), values),
            Some(_) => {}
        }
    }
}

/// The Secrets that connections refer to: there, and with their keys. Returns those, and the sets, that have changed since the last success.
fn references(facts: &Facts, findings: &mut Findings<'_>) -> BTreeSet<String> {
    let Some(listing) = facts.listing.as_ref().filter(|_| facts.release.contains_key("secrets")) else { return BTreeSet::new() };
    let place = |name: &str| format!("Secret {}/{name}", findings.place.release_namespace);
    let is_changed =
        |(name, version): &(&str, &str)| facts.proof.as_ref().and_then(|proof| proof.version_of(name)).is_some_and(|seen| seen != *version);
    let mut changed: BTreeSet<String> =
        listing.sets.iter().filter_map(|set| set.split_once('=')).filter(is_changed).map(|(name, _)| place(name)).collect();
    for reference in listing.present().flat_map(|listed| listed.connection.references()) {
        let values = [("name", reference.name.clone()), ("key", reference.key.clone())];
        let place = format!("Secret {}/{}", findings.place.release_namespace, reference.name);
        match facts.find("secrets", &reference.name) {
            None => findings.add("SC1306", place, values),
            Some(secret) if secret["data"][&reference.key].is_null() => findings.add("SC1307", place, values),
            Some(secret) if is_changed(&(&reference.name, secret["metadata"]["resourceVersion"].as_str().unwrap_or_default())) => {
                changed.insert(place);
            }
            Some(_) => {}
        }
    }
    changed
}

/// What is wrong with the values, beyond the Secrets that they refer to.
fn problems(facts: &Facts, findings: &mut Findings<'_>) {
    for problem in &facts.problems {
        match &*problem.kind {
            Kind::SetUnread { why, .. } => {
                let name = problem.at.set().unwrap_or_default().to_owned();
                let object = format!("Secret {}/{name}", findings.place.release_namespace);
                let mend = set_anew(facts, findings.place, &name);
                findings.add("SC1314", object, [("name", name), ("why", why.to_string()), ("mend", mend)]);
            }
            // These have codes of their own.
            Kind::SecretAbsent { .. } | Kind::SecretKeyAbsent { .. } => {}
            _ => {
                let reason = format!("{problem} (at {}; {})", problem.at, problem.fix());
                let place = findings.place;
                // A rollback brings no other document of a set: it is in a Secret that Helm does not keep.
                let mend = problem.at.set().map_or_else(|| facts.way_back(place), |set| place.change_of_set(set, again(facts)));
                findings.add("SC1404", format!("values, {}", problem.at), [("reason", reason), ("mend", mend)]);
            }
        }
    }
}

/// The command for a set that is not to be had: what a success has read was taken away since, which no rollback brings back; another was never there.
fn set_anew(facts: &Facts, place: &Place, name: &str) -> String {
    if facts.proof.as_ref().and_then(|proof| proof.version_of(name)).is_none() {
        return facts.way_back(place);
    }
    let (kubectl, namespace) = (place.command("kubectl"), &place.release_namespace);
    let made = format!("{kubectl} -n {namespace} create secret generic {name} --from-file={} --dry-run=client -o yaml", ConnectionSet::KEY);
    // Other keys that it has stay.
    format!("{made} | {kubectl} -n {namespace} apply --server-side -f - && {} {}", place.command("sc"), again(facts))
}

/// The command of `sc` that applies what was mended.
fn again(facts: &Facts) -> &'static str {
    facts.stored.as_ref().map_or("rerun", Stored::again)
}

/// What kept the last run from writing: a quota, a policy, a kind that is not known.
fn obstacles(facts: &Facts, findings: &mut Findings<'_>) {
    let Some(reason) = facts.proof.as_ref().filter(|proof| proof.state == State::Failed).map(|proof| proof.reason.clone()) else { return };
    if reason.contains("a quota of its namespace is used up") {
        quotas(facts, findings);
    }
    if reason.contains("an admission policy denied it") {
        policies(facts, &reason, findings);
    }
}

/// The bindings of policies that the last run names, with an exception for what is the job's.
fn policies(facts: &Facts, reason: &str, findings: &mut Findings<'_>) {
    let is_named = |binding: &&Value| reason.contains(&format!("(binding {})", name_of(binding)));
    for binding in facts.cluster.get("validatingadmissionpolicybindings").into_iter().flatten().filter(is_named) {
        let name = name_of(binding).to_owned();
        let selector = "/spec/matchResources/objectSelector/matchExpressions";
        let mut others: Vec<Value> = items(binding.pointer(selector).unwrap_or(&Value::Null)).cloned().collect();
        others.push(json!({"key": MANAGED_BY, "operator": "NotIn", "values": [MANAGER]}));
        let patch = json!({"spec": {"matchResources": {"objectSelector": {"matchExpressions": others}}}});
        findings.add("SC1316", format!("validatingadmissionpolicybinding {name}"), [("policy", name), ("patch", patch.to_string())]);
    }
}

fn quotas(facts: &Facts, findings: &mut Findings<'_>) {
    for (place, namespace) in facts.present() {
        for quota in namespace.of("resourcequotas") {
            let hard = quota["status"]["hard"].as_object().into_iter().flatten();
            // The job makes nothing that another limit counts.
            let counts = ["count/secrets", "secrets", "count/serviceaccounts", "count/secretproviderclasses.secrets-store.csi.x-k8s.io"];
            let is_full = |(what, most): &(&String, &Value)| counts.contains(&what.as_str()) && **most == quota["status"]["used"][what.as_str()];
            for (what, most) in hard.filter(is_full) {
                let Some(more) = most.as_str().and_then(|most| most.parse::<u32>().ok()).map(|most| most.saturating_add(100)) else { continue };
                let values = [("where", place.to_owned()), ("quota", name_of(quota).to_owned()), ("what", what.clone()), ("more", more.to_string())];
                findings.add("SC1309", format!("resourcequota {place}/{}", name_of(quota)), values);
            }
        }
    }
}

/// What connections need of the cluster: the CSI driver, the webhook of workload identity.
fn installed(facts: &Facts, findings: &mut Findings<'_>) {
    use sc_core::catalogue::AuthType;
    let uses = |auth_type| facts.listing.iter().flat_map(Listing::present).find(move |listed| listed.connection.auth_type == auth_type);
    if uses(AuthType::Csi).is_some() {
        if facts.has_classes == Some(false) {
            findings.add("SC1310", "customresourcedefinition secretproviderclasses.secrets-store.csi.x-k8s.io", []);
        }
        let object = format!("csidriver {CSI_DRIVER}");
        // What brings the one brings the other.
        if let Some(drivers) = facts.cluster.get("csidrivers").filter(|_| facts.has_classes != Some(false)) {
            match drivers.iter().find(|driver| name_of(driver) == CSI_DRIVER) {
                None => findings.add("SC1311", object, []),
                Some(driver) if wants_tokens(facts) && !gives_tokens(driver) => {
                    let mut requests: Vec<Value> = items(&driver["spec"]["tokenRequests"]).cloned().collect();
                    requests.push(json!({"audience": AUDIENCE}));
                    findings.add("SC1515", object, [("patch", json!({"spec": {"tokenRequests": requests}}).to_string())]);
                }
                Some(_) => {}
            }
        }
    }
    let is_looked_at = facts.cluster.contains_key("mutatingwebhookconfigurations");
    if let Some(listed) = uses(AuthType::WorkloadIdentity).filter(|_| is_looked_at && !is_hooked(facts)) {
        let tenant = listed.connection.identity.as_ref().and_then(|identity| identity.tenant_id.as_ref());
        let tenant = tenant.map_or("\"$(az account show --query tenantId --output tsv)\"".to_owned(), |tenant| tenant.as_str().to_owned());
        findings.add("SC1312", "mutatingwebhookconfiguration azure-wi-webhook-mutating-webhook-configuration", [("tenant", tenant)]);
    }
}

/// Whether a connection has the provider log in by a token of the pod.
fn wants_tokens(facts: &Facts) -> bool {
    let logins = facts.listing.iter().flat_map(Listing::present).map(|listed| listed.connection.vault_login);
    logins.into_iter().any(|login| login == Some(VaultLogin::WorkloadIdentity))
}

/// Whether the driver is given tokens for Entra.
fn gives_tokens(driver: &Value) -> bool {
    items(&driver["spec"]["tokenRequests"]).any(|request| request["audience"] == AUDIENCE)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::facts::Namespace;
    use super::*;
    use crate::place::Place;

    #[tokio::test]
    async fn a_namespace_that_the_chart_makes_is_made_by_nobody_else() {
        let place = Place::default();
        let values = Path::new(env!("CARGO_MANIFEST_DIR")).join("../values/postgres-flexible.secret.yaml");
        let commands = async |create: Value, namespace: Option<Namespace>| {
            let listing = Listing::of(Some(&values), &place).await.ok();
            let values = json!({"namespaces": {"create": create}});
            let facts = Facts { listing, values, namespaces: [("shop".to_owned(), namespace)].into(), ..Facts::default() };
            let mut findings = Findings::of(&place, &facts);
            namespaces(&facts, &mut findings);
            findings.all.into_iter().map(|finding| finding.fix).collect::<Vec<_>>()
        };
        assert_eq!(commands(json!(["shop"]), None).await, ["sc upgrade"]);
        assert_eq!(commands(json!(["other"]), None).await, ["kubectl create namespace shop && sc upgrade"]);
        let gone = "kubectl wait --for=delete namespace/shop --timeout=120s";
        assert_eq!(commands(json!(["shop"]), Some(Namespace::terminating())).await, [format!("{gone} && sc upgrade")]);
        assert_eq!(commands(json!(null), Some(Namespace::terminating())).await, [format!("{gone} && kubectl create namespace shop && sc upgrade")]);
    }
}
