//! The pods that log in by workload identity: whether the webhook sees them, and what it has given them is still right.

use sc_core::catalogue::AuthType;
use sc_core::names::WEBHOOK_CLIENT_ID;
use serde_json::{Value, json};

use super::Findings;
use super::facts::{Facts, name_of};
use super::workloads::{Template, Workload};
use crate::workload::{INJECTED, USE_IDENTITY, items};

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

/// A workload with the ServiceAccount of an identity whose pods lack the label, or set by hand what the webhook would.
pub(super) fn of_template(Template { place, kind, workload }: &Template<'_>, facts: &Facts, findings: &mut Findings<'_>) {
    let template = &workload["spec"]["template"];
    let account = template["spec"]["serviceAccountName"].as_str().unwrap_or_default();
    if !wants_token(facts, place, account) {
        return;
    }
    let object = format!("{kind} {place}/{}", name_of(workload));
    let values = || vec![("where", (*place).to_owned()), ("kind", (*kind).to_owned()), ("name", name_of(workload).to_owned())];
    if template["metadata"]["labels"][USE_IDENTITY] != "true" {
        let patch = json!({"spec": {"template": {"metadata": {"labels": {USE_IDENTITY: "true"}}}}}).to_string();
        findings.add("SC1502", object.clone(), values().into_iter().chain([("account", account.to_owned()), ("patch", patch)]));
    }
    let variables = items(&template["spec"]["containers"]).flat_map(|container| items(&container["env"]));
    let by_hand: Vec<&str> = variables.filter_map(|variable| variable["name"].as_str()).filter(|name| INJECTED.contains(name)).collect();
    if !by_hand.is_empty() {
        let removals: Vec<String> = by_hand.iter().map(|name| format!("{name}-")).collect();
        let more = [("variables", by_hand.join(", ")), ("removals", removals.join(" "))];
        findings.add("SC1507", object, values().into_iter().chain(more));
    }
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
