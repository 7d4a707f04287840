//! The pods that log in by workload identity: whether the webhook sees them, and what it has given them is still right.

use sc_core::catalogue::AuthType;
use sc_core::names::WEBHOOK_CLIENT_ID;
use serde_json::{Map, Value, json};

use super::Findings;
use super::facts::{Facts, name_of};
use super::templates::{CONTAINERS, Template, listed};
use super::workloads::Workload;
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
    let given =
        |name: &str| items(&pod["spec"]["containers"]).flat_map(|container| items(&container["env"])).find(|variable| variable["name"] == name);
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or_default();
    let account = workload.namespace.of("serviceaccounts").iter().find(|known| name_of(known) == account);
    let wanted = account.and_then(|account| account["metadata"]["annotations"][WEBHOOK_CLIENT_ID].as_str());
    if given(TOKEN).is_none() {
        findings.add("SC1504", workload.object(), values(findings));
    } else if wanted.is_some_and(|wanted| given(CLIENT_ID).is_none_or(|given| given["value"] != wanted)) {
        findings.add("SC1509", workload.object(), values(findings));
    }
}

/// A workload with the ServiceAccount of an identity whose pods lack the label, or set by hand what the webhook would. In a pod itself nothing tells
/// the one from the other.
pub(super) fn of_template(template: &Template<'_>, facts: &Facts, findings: &mut Findings<'_>) {
    let pods = template.pods();
    let account = pods["spec"]["serviceAccountName"].as_str().unwrap_or_default();
    if !wants_token(facts, template.place, account) {
        return;
    }
    if pods["metadata"]["labels"][USE_IDENTITY] != "true" {
        let repair = template.patched(findings, json!({"metadata": {"labels": {USE_IDENTITY: "true"}}}));
        let kind = template.kind.singular().to_owned();
        findings.add("SC1502", template.object(), [("kind", kind), ("account", account.to_owned()), ("repair", repair)]);
    }
    let variables = CONTAINERS.into_iter().flat_map(|list| items(&pods["spec"][list])).flat_map(|container| items(&container["env"]));
    let by_hand: Vec<&str> = variables.filter_map(|variable| variable["name"].as_str()).filter(|name| INJECTED.contains(name)).collect();
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

/// Whether a connection in that namespace has this ServiceAccount and wants the webhook to give its pods a token.
fn wants_token(facts: &Facts, place: &str, account: &str) -> bool {
    let here = facts.connections_in(place).map(|listed| &listed.connection);
    let mut webhooks = here.filter(|connection| connection.auth_type == AuthType::WorkloadIdentity);
    webhooks.any(|connection| connection.federated().is_some_and(|identity| identity.client_id.service_account() == account))
}

/// Whether the webhook is there.
pub(super) fn is_hooked(facts: &Facts) -> bool {
    let is_it = |hook: &Value| name_of(hook).starts_with("azure-wi-webhook");
    facts.cluster.get("mutatingwebhookconfigurations").is_some_and(|hooks| hooks.iter().any(is_it))
}
