//! Whether pods log in as the identity of the connections that they use: the label for the webhook, and the ServiceAccount.

use sc_core::object::ObjectKind;

use super::Findings;
use super::mistake::Mistake;
use super::pods::Pods;
use super::tree::Node;
use crate::workload::{INJECTED, Needs, USE_IDENTITY};

/// Where the label is taken for something else: the rest of a workload, and annotations.
const ELSEWHERE: [&str; 3] = ["/metadata/labels", "/metadata/annotations", "/spec/jobTemplate/metadata/labels"];

/// The containers that the webhook passes over, and the volume that it adds to a pod (azure-workload-identity v1.6.0, `pkg/webhook`).
const SKIP_CONTAINERS: &str = "azure.workload.identity/skip-containers";
const TOKEN_VOLUME: &str = "azure-identity-token";

/// Looks for mistakes about identities.
pub(crate) fn check(pods: &Pods<'_>, findings: &mut Findings) {
    let label = pods.template.at("/metadata/labels").get(USE_IDENTITY);
    // What says no in words wants no identity, unless its connections do.
    let is_refusal = label.text() == Some("false") && !pods.wants_token();
    let account = pods.account();
    let before = findings.0.len();
    pods.around.check(ObjectKind::ServiceAccount, account, findings);
    // A name that is wrong is one mistake, whatever it should have been.
    if findings.0.len() == before {
        other_account(pods, account, findings);
    }
    if label.is_there() && !is_refusal && is_default(account) && findings.0.len() == before {
        findings.add(Mistake::AccountMissing, label);
    }
    if pods.wants_token() && !is_hooked(pods) {
        pods.containers().filter(|container| !is_skipped(pods, container)).for_each(|container| by_hand(container, findings));
    }
    if !label.is_there() {
        without_label(pods, account, findings);
    } else if label.text() != Some("true") && !is_refusal {
        findings.add(Mistake::LabelValue, label);
    }
}

fn is_default(account: &Node) -> bool {
    matches!(account.text(), None | Some("" | "default"))
}

fn without_label(pods: &Pods<'_>, account: &Node, findings: &mut Findings) {
    let elsewhere = ELSEWHERE.map(|pointer| pods.whole.at(pointer).get(USE_IDENTITY));
    let misplaced = elsewhere.into_iter().chain([pods.template.at("/metadata/annotations").get(USE_IDENTITY)]).find(|node| node.is_there());
    if let Some(misplaced) = misplaced {
        findings.add(Mistake::LabelElsewhere, misplaced);
    } else if pods.wants_token() {
        findings.add(Mistake::LabelMissing, account);
    }
}

/// Whether the webhook has had the pod already: it is read from a cluster.
fn is_hooked(pods: &Pods<'_>) -> bool {
    std::ptr::eq(pods.whole, pods.template) && pods.volumes().iter().any(|volume| volume.get("name").text() == Some(TOKEN_VOLUME))
}

/// Whether the webhook is told to pass over this container.
fn is_skipped(pods: &Pods<'_>, container: &Node) -> bool {
    let skipped = pods.template.at("/metadata/annotations").get(SKIP_CONTAINERS).text();
    skipped.is_some_and(|names| names.split(';').any(|name| Some(name.trim()) == container.get("name").text()))
}

/// Notes what stands where the webhook would put the variables of the token.
fn by_hand(container: &Node, findings: &mut Findings) {
    for entry in container.get("env").items() {
        let name = entry.get("name");
        if name.text().is_some_and(|name| INJECTED.contains(&name)) {
            findings.add(Mistake::IdentityByHand, name);
        }
    }
}

/// Notes the connections whose identity the pods do not have.
fn other_account(pods: &Pods<'_>, account: &Node, findings: &mut Findings) {
    let found = pods.around.object(ObjectKind::ServiceAccount, account);
    for reference in pods.secrets() {
        let Some(object) = pods.around.object(ObjectKind::Secret, reference.name) else { continue };
        let Some(wanted) = Needs::of(object.connection).account.filter(|name| !pods.run_as(name)) else { continue };
        let what = format!("connection `{}` needs ServiceAccount `{wanted}`, and the pods run as another", object.connection.name.as_str());
        let fix = match found {
            Some(_) => "a pod has one ServiceAccount: give both connections one identity, or use them in two workloads".to_owned(),
            None => format!("write `serviceAccountName: {wanted}` into the `spec` of the pod template"),
        };
        findings.about(Mistake::AccountOther, reference.name, what, fix);
    }
}
