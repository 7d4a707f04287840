//! Whether pods log in as the identity of the connections that they use: the label for the webhook, and the ServiceAccount.

use sc_core::object::ObjectKind;

use super::Findings;
use super::mistake::Mistake;
use super::parts::Elsewhere;
use super::pods::Pods;
use super::tree::Node;
use crate::workload::{INJECTED, Needs, USE_IDENTITY};

/// The containers that the webhook passes over, and the volume that it adds to a pod (azure-workload-identity v1.6.0, `pkg/webhook`).
const SKIP_CONTAINERS: &str = "azure.workload.identity/skip-containers";
const TOKEN_VOLUME: &str = "azure-identity-token";

/// Looks for mistakes about identities.
pub(crate) fn check(pods: &Pods<'_>, findings: &mut Findings) {
    let label = pods.parts.label(USE_IDENTITY);
    // What says no in words wants no identity, unless its connections do.
    let is_refusal = label.text() == Some("false") && !pods.wants_token();
    account(pods, label.is_there() && !label.is_filled_in() && !is_refusal, findings);
    if pods.wants_token() && !is_hooked(pods) {
        pods.containers().filter(|container| !is_skipped(pods, container)).for_each(|container| by_hand(container, findings));
    }
    if !label.is_there() {
        without_label(pods, findings);
    } else if label.text() != Some("true") && !is_refusal && !label.is_filled_in() {
        findings.add(Mistake::LabelValue, label);
    }
}

/// Whether the ServiceAccount is one of the connections', or of any identity if the label says that there is one. A name that is wrong is one
/// mistake, whatever it should have been.
fn account(pods: &Pods<'_>, is_labelled: bool, findings: &mut Findings) {
    let before = findings.0.len();
    pods.around.check(ObjectKind::ServiceAccount, pods.account(), findings);
    if findings.0.len() == before && pods.has_known_account() {
        other_account(pods, findings);
    }
    if is_labelled && pods.has_known_account() && is_default(pods.account()) && pods.identity().is_none() && findings.0.len() == before {
        findings.add(Mistake::AccountMissing, pods.parts.label(USE_IDENTITY));
    }
}

fn is_default(account: &Node) -> bool {
    matches!(account.text(), None | Some("" | "default"))
}

fn without_label(pods: &Pods<'_>, findings: &mut Findings) {
    let places = pods.parts.places;
    let elsewhere = places.misplaced.iter().map(|pointer| pods.whole.at(pointer).get(USE_IDENTITY));
    let misplaced = elsewhere.chain([pods.parts.annotation(USE_IDENTITY)]).find(|node| node.is_there());
    // Of several templates, each may be without that wants no token.
    if let Some(misplaced) = misplaced.filter(|_| pods.parts.are_all || pods.wants_token()) {
        findings.fixed(Mistake::LabelElsewhere, misplaced, format!("move it to {}", places.labels));
    } else if pods.wants_token() && pods.parts.elsewhere == Elsewhere::Nothing {
        findings.fixed(Mistake::LabelMissing, pods.account(), format!("write `{USE_IDENTITY}: \"true\"` into {}", places.labels));
    }
}

/// Whether the webhook has had the pod already: it is read from a cluster.
fn is_hooked(pods: &Pods<'_>) -> bool {
    pods.parts.is_itself && pods.volumes().any(|volume| volume.get("name").text() == Some(TOKEN_VOLUME))
}

/// Whether the webhook is told to pass over this container.
fn is_skipped(pods: &Pods<'_>, container: &Node) -> bool {
    let (skipped, own) = (pods.parts.annotation(SKIP_CONTAINERS), container.get("name").text());
    // What has no name gets one from its controller.
    skipped.is_filled_in() || skipped.text().is_some_and(|names| own.is_none() || names.split(';').any(|name| Some(name.trim()) == own))
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
fn other_account(pods: &Pods<'_>, findings: &mut Findings) {
    let found = pods.around.object(ObjectKind::ServiceAccount, pods.account());
    for reference in pods.secrets() {
        let Some(object) = pods.around.object(ObjectKind::Secret, reference.name) else { continue };
        let Some(wanted) = Needs::of(object.connection).account.filter(|name| !pods.run_as(name)) else { continue };
        let what = format!("connection `{}` needs ServiceAccount `{wanted}`, and the pods run as another", object.connection.name.as_str());
        let fix = match found {
            Some(_) => "a pod has one ServiceAccount: give both connections one identity, or use them in two workloads".to_owned(),
            None => format!("write `serviceAccountName: {wanted}` into {}", pods.parts.places.account),
        };
        findings.about(Mistake::AccountOther, reference.name, what, fix);
    }
}
