//! The pods that log in by workload identity: whether the webhook sees them, and what it has given them is still right.

use sc_core::catalogue::AuthType;
use sc_core::connection::Connection;
use sc_core::names::{Guid, WEBHOOK_CLIENT_ID, has_form};
use sc_core::object::ObjectKind;
use sc_core::plan::objects_of;
use serde_json::{Map, Value, json};

use super::Findings;
use super::facts::{Facts, name_of};
use super::templates::{CONTAINERS, Template, listed};
use super::workloads::{Workload, used};
use crate::workload::{INJECTED, Kind, USE_IDENTITY, items};

/// The variable by which an SDK finds the token.
const TOKEN: &str = "AZURE_FEDERATED_TOKEN_FILE";
const CLIENT_ID: &str = "AZURE_CLIENT_ID";

/// A pod that wants a token, and has none or one for another identity.
pub(super) fn of_pod(workload: &Workload<'_>, facts: &Facts, findings: &mut Findings<'_>) {
    let pod = workload.pod;
    if pod["metadata"]["labels"][USE_IDENTITY] != "true" || !is_hooked(facts) {
        return;
    }
    let values = |findings: &Findings<'_>| [("pod", name_of(pod).to_owned()), ("restart", workload.restart(findings))];
    // What the template says, and what was changed by hand, have codes of their own.
    let (chain, _) = Template::of_pod(workload.place, workload.namespace, pod);
    let is_by_hand = chain[1..].iter().any(|template| variable(template.pods(), CLIENT_ID).is_some());
    let wanted = annotated(workload).filter(|_| !is_by_hand);
    if variable(pod, TOKEN).is_none() {
        findings.add("SC1504", workload.object(), values(findings));
    } else if wanted.is_some_and(|wanted| variable(pod, CLIENT_ID).is_none_or(|given| given["value"] != wanted)) {
        findings.add("SC1509", workload.object(), values(findings));
    }
}

/// The client id that the pod's ServiceAccount is annotated with; nothing if that is wrong by its name.
fn annotated<'a>(workload: &Workload<'a>) -> Option<&'a str> {
    let name = workload.pod["spec"]["serviceAccountName"].as_str()?;
    let account = workload.namespace.find("serviceaccounts", name)?;
    let annotated = account["metadata"]["annotations"][WEBHOOK_CLIENT_ID].as_str()?;
    let is_wrong = has_form(ObjectKind::ServiceAccount, name) && Guid::parse(annotated).is_none_or(|id| id.service_account() != name);
    (!is_wrong).then_some(annotated)
}

/// A variable of one of the pod's containers.
fn variable<'a>(pods: &'a Value, name: &str) -> Option<&'a Value> {
    let containers = CONTAINERS.into_iter().flat_map(|list| items(&pods["spec"][list]));
    containers.flat_map(|container| items(&container["env"])).find(|variable| variable["name"] == name)
}

/// A workload with the ServiceAccount of an identity whose pods lack the label, or set by hand what the webhook would. In a pod itself nothing tells
/// the one from the other.
pub(super) fn of_template(template: &Template<'_>, facts: &Facts, findings: &mut Findings<'_>) {
    let pods = template.pods();
    let account = pods["spec"]["serviceAccountName"].as_str().unwrap_or_default();
    if !wants_token(facts, template) {
        return;
    }
    if pods["metadata"]["labels"][USE_IDENTITY] != "true" {
        let repair = template.patched(findings, json!({"metadata": {"labels": {USE_IDENTITY: "true"}}}));
        let kind = template.kind.singular().to_owned();
        findings.add("SC1502", template.object(), [("kind", kind), ("account", account.to_owned()), ("repair", repair)]);
    }
    let by_hand: Vec<&str> = INJECTED.into_iter().filter(|name| variable(pods, name).is_some()).collect();
    if !by_hand.is_empty() && template.kind != Kind::Pod {
        let repair = template.patched(findings, without_injected(pods));
        findings.add("SC1507", template.object(), [("variables", by_hand.join(", ")), ("repair", repair)]);
    }
}

/// The strategic merge patch of a template that takes out what the webhook would set.
pub(super) fn without_injected(pods: &Value) -> Value {
    let container = |container: &Value| {
        let names = items(&container["env"]).map(|variable| &variable["name"]).filter(|name| INJECTED.iter().any(|one| *name == one));
        let env: Vec<Value> = names.map(|name| json!({"name": name, "$patch": "delete"})).collect();
        (!env.is_empty()).then(|| json!({"name": container["name"], "env": env}))
    };
    let lists = CONTAINERS.into_iter().filter_map(|list| listed(list, items(&pods["spec"][list]).filter_map(container)));
    let spec: Map<String, Value> = lists.collect();
    if spec.is_empty() { json!({}) } else { json!({"spec": spec}) }
}

/// Whether pods want a token from the webhook: by the connections of their ServiceAccount that they use, or if they use none, by all of it. What the
/// CSI driver mounts it logs in for by itself.
fn wants_token(facts: &Facts, template: &Template<'_>) -> bool {
    let account = &template.pods()["spec"]["serviceAccountName"];
    let here = facts.connections_in(template.place).map(|listed| &listed.connection);
    let of_account = |connection: &&Connection| connection.federated().is_some_and(|identity| *account == identity.client_id.service_account());
    let (mut used, unused): (Vec<&Connection>, Vec<&Connection>) = here.filter(of_account).partition(|connection| uses(template, connection));
    if used.is_empty() {
        used = unused;
    }
    used.iter().any(|connection| connection.auth_type == AuthType::WorkloadIdentity)
}

/// Whether pods have something of a connection beside its ServiceAccount.
fn uses(template: &Template<'_>, connection: &Connection) -> bool {
    let used = used(template.pods());
    objects_of(connection).into_iter().any(|id| id.kind != ObjectKind::ServiceAccount && used.contains(&*id.name))
}

/// Whether the webhook is there.
pub(super) fn is_hooked(facts: &Facts) -> bool {
    let is_it = |hook: &Value| name_of(hook).starts_with("azure-wi-webhook");
    facts.cluster.get("mutatingwebhookconfigurations").is_some_and(|hooks| hooks.iter().any(is_it))
}
