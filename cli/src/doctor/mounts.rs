//! The pods that wait for the files of a vault: what the CSI driver and its provider say of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sc_core::azure::Need;
use sc_core::connection::Connection;
use sc_core::names::{Guid, has_form};
use sc_core::object::ObjectKind;
use sc_core::problem::Choice;
use serde_json::Value;

use super::Findings;
use super::facts::{Facts, name_of};
use super::templates::Wrong;
use super::workloads::Workload;
use crate::listing::Listing;
use crate::workload::items;

/// What the driver says in an event of a pod that it cannot mount for: a part of it, and the code.
const NOT_MOUNTED: [(&str, &str); 14] = [
    (NO_CLASS, "SC1510"),
    ("provider not found", "SC1511"),
    ("AADSTS7002", "SC1512"),
    ("ForbiddenByRbac", "SC1513"),
    ("Identity not found", "SC1516"),
    ("AADSTS7000215", "SC1517"),
    ("AADSTS7000222", "SC1517"),
    ("SecretNotFound", "SC1518"),
    ("KeyNotFound", "SC1518"),
    ("CertificateNotFound", "SC1518"),
    ("AADSTS700016", "SC1519"),
    ("AADSTS90002", "SC1519"),
    ("get permission on key vault", "SC1520"),
    ("ForbiddenByFirewall", "SC1521"),
];
/// Behind it stand the namespace and the name of the class.
const NO_CLASS: &str = "failed to get secretproviderclass ";
/// Behind it stands the name of the volume, in quotes (Kubernetes, `pkg/volume/util/operationexecutor`).
const VOLUME: &str = "SetUp failed for volume \"";
/// Behind it stands what could not be fetched (secrets-store-csi-driver-provider-azure, `pkg/provider`).
const FETCHED: &str = "objectName:";
/// Behind it stands whom the vault's firewall has turned away.
const ADDRESS: &str = "Client address: ";

/// Finds out why a pod is not given its volumes.
pub(super) fn examine(workload: &Workload<'_>, facts: &Facts, findings: &mut Findings<'_>) {
    let pod = workload.pod;
    if pod["status"]["phase"] != "Pending" {
        return;
    }
    let is_about = |event: &&Value| event["reason"] == "FailedMount" && event["involvedObject"]["uid"] == pod["metadata"]["uid"];
    let known = |event: &'_ Value| {
        let message = event["message"].as_str()?;
        let (_, code) = NOT_MOUNTED.iter().find(|(part, _)| message.contains(part))?;
        Some((event["lastTimestamp"].as_str().unwrap_or_default().to_owned(), *code, message.to_owned()))
    };
    // What it said last is what still holds.
    let Some((_, code, message)) = workload.namespace.of("events").iter().filter(is_about).filter_map(known).max() else { return };
    match code {
        "SC1510" => unknown_class(workload, behind(&message, NO_CLASS).rsplit('/').next().unwrap_or_default(), facts, findings),
        "SC1511" => findings.add(code, workload.object(), [("pod", name_of(pod).to_owned())]),
        _ => {
            let class = class(pod, behind(&message, VOLUME));
            // Of what is nobody's connection, only whoever made the class knows the identity.
            let mut here = facts.connections_in(workload.place);
            if let Some(listed) = here.find(|listed| Some(listed.connection.name.secret_provider_class().as_str()) == class) {
                Unmounted { workload, connection: &listed.connection, message: &message }.judge(code, facts, findings);
            }
        }
    }
}

/// The word behind a part of a message.
fn behind<'m>(message: &'m str, part: &str) -> &'m str {
    let rest = message.split_once(part).map_or("", |(_, rest)| rest);
    rest.split([',', ' ', '"', '\r', '\n']).next().unwrap_or_default()
}

/// The class of a volume.
fn class<'a>(pod: &'a Value, volume: &str) -> Option<&'a str> {
    let volume = items(&pod["spec"]["volumes"]).find(|known| known["name"] == volume)?;
    volume["csi"]["volumeAttributes"]["secretProviderClass"].as_str()
}

/// A volume that a connection's class is for, and what is said of it.
struct Unmounted<'a> {
    workload: &'a Workload<'a>,
    connection: &'a Connection,
    message: &'a str,
}

impl Unmounted<'_> {
    /// Entra or the vault does not let the identity in, or the pod has another identity than its connection.
    fn judge(&self, code: &str, facts: &Facts, findings: &mut Findings<'_>) {
        let Self { workload, connection, .. } = self;
        let wanted = connection.federated().map(|identity| identity.client_id.service_account());
        let account = workload.pod["spec"]["serviceAccountName"].as_str().unwrap_or("default").to_owned();
        if let Some(wanted) = wanted.filter(|wanted| *wanted != account) {
            let repair = workload.run_as(findings, &wanted);
            return findings.add("SC1514", workload.object(), [("account", account), ("wanted", wanted), ("repair", repair)]);
        }
        let sc = findings.place.command("sc");
        let (need, azure) = self.needs(code, facts);
        let identity = connection.identity.as_ref();
        let tenant = identity.and_then(|identity| identity.tenant_id.as_ref()).map_or("", Guid::as_str).to_owned();
        let (group, scale_set) = self.scale_set(facts).unwrap_or(("NODE_RESOURCE_GROUP", "SCALE_SET"));
        // Whoever may write events may not write commands: of a message only what is known otherwise, or has its form, goes into one.
        let fetched = behind(self.message, FETCHED);
        let Some(object) = connection.vault_objects.iter().find(|object| object.name == fetched || code != "SC1518") else { return };
        let (kind, make) = made(&object.kind);
        let address = behind(self.message, ADDRESS).parse::<IpAddr>().map_or("ADDRESS".to_owned(), |address| address.to_string());
        let values = [
            ("need", need),
            // A run finds the issuer out.
            ("azure", azure.unwrap_or_else(|| format!("{sc} rerun"))),
            ("node", workload.pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned()),
            ("group", group.to_owned()),
            ("scale_set", scale_set.to_owned()),
            ("client", identity.map_or("", |identity| identity.client_id.as_str()).to_owned()),
            ("tenant", tenant),
            ("vault", connection.vault().unwrap_or_default().to_owned()),
            ("update", format!("{sc} update keyvault --connection {} --kube-namespace {}", connection.name.as_str(), connection.namespace)),
            ("kind", kind.to_owned()),
            ("object", object.name.clone()),
            ("make", make.to_owned()),
            ("permissions", permissions(connection)),
            ("address", address),
        ];
        findings.add(code, workload.object(), values);
    }

    /// What must exist in Azure, and the commands that make it; nothing if the issuer of the cluster's tokens is not known.
    fn needs(&self, code: &str, facts: &Facts) -> (String, Option<String>) {
        let issuer = facts.proof.as_ref().map(|proof| proof.issuer.as_str()).filter(|issuer| !issuer.is_empty());
        let is_it = |need: &Need| matches!((need, code), (Need::Trust { .. }, "SC1512") | (Need::Role { .. }, "SC1513"));
        let needs: Vec<Need> = Need::of(self.connection).into_iter().filter(is_it).collect();
        let told: Vec<String> = needs.iter().map(ToString::to_string).collect();
        let commands: Option<Vec<String>> = needs.iter().map(|need| need.command(issuer)).collect();
        (told.join("; "), commands.map(|commands| commands.join(" && ")))
    }

    /// The resource group and the scale set of the pod's node.
    fn scale_set<'f>(&self, facts: &'f Facts) -> Option<(&'f str, &'f str)> {
        let mut nodes = facts.cluster.get("nodes")?.iter();
        scale_set(nodes.find(|node| self.workload.pod["spec"]["nodeName"] == name_of(node))?["spec"]["providerID"].as_str()?)
    }
}

/// `azure:///subscriptions/…/resourceGroups/GROUP/providers/Microsoft.Compute/virtualMachineScaleSets/SET/virtualMachines/0`
fn scale_set(provider_id: &str) -> Option<(&str, &str)> {
    let segments: Vec<&str> = provider_id.split('/').collect();
    let after =
        |kind: &str| segments.iter().position(|segment| segment.eq_ignore_ascii_case(kind)).and_then(|index| segments.get(index + 1)).copied();
    let is_plain = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    after("resourceGroups").filter(is_plain).zip(after("virtualMachineScaleSets").filter(is_plain))
}

/// How az calls a kind of object, and what else it needs to make one.
fn made(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "key" => ("key", "create"),
        "cert" => ("certificate", "create --policy \"$(az keyvault certificate get-default-policy)\""),
        _ => ("secret", "set --file FILE"),
    }
}

/// The permissions by which an access policy lets everything be read that a connection fetches.
fn permissions(connection: &Connection) -> String {
    let kinds: BTreeSet<&str> = connection.vault_objects.iter().map(|object| made(&object.kind).0).collect();
    kinds.into_iter().map(|kind| format!("--{kind}-permissions get")).collect::<Vec<_>>().join(" ")
}

/// A class of a connection's form that is not in the namespace of the pod.
fn unknown_class(workload: &Workload<'_>, class: &str, facts: &Facts, findings: &mut Findings<'_>) {
    if !has_form(ObjectKind::SecretProviderClass, class) {
        return;
    }
    let known: Vec<String> = facts.connections_in(workload.place).map(|listed| listed.connection.name.secret_provider_class()).collect();
    let elsewhere = facts.listing.iter().flat_map(Listing::present).find(|listed| listed.connection.name.secret_provider_class() == class);
    let near = elsewhere.map_or_else(String::new, |listed| format!(": it is in namespace {}, and of use only there", listed.connection.namespace));
    let nearest = Choice::of_objects(class, known.iter().map(String::as_str)).nearest().map(str::to_owned);
    let repair = workload.repair(findings, &Wrong { field: "secretProviderClass", is: (class, ""), right: nearest.as_deref() });
    let values = [("pod", name_of(workload.pod).to_owned()), ("class", class.to_owned()), ("near", near), ("repair", repair)];
    findings.add("SC1510", workload.object(), values);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_is_about_is_read_from_it() {
        let message = "MountVolume.SetUp failed for volume \"v\" : rpc error: code = Unknown desc = failed to mount secrets store objects for pod a/b, \
                       err: rpc error: code = Unknown desc = failed to mount objects, error: failed to get objectType:cert, objectName:front, objectVersion:: \
                       GET https://kv.vault.azure.net/certificates/front/\nClient address: 20.1.2.3\r\nCaller: appid=x";
        assert_eq!(behind(message, VOLUME), "v");
        assert_eq!(behind(message, FETCHED), "front");
        assert_eq!(behind(message, ADDRESS), "20.1.2.3");
        assert_eq!(behind(message, NO_CLASS), "");
    }

    #[test]
    fn a_node_of_a_scale_set_says_which() {
        let id = "azure:///subscriptions/s/resourceGroups/mc_shop_shop_westeurope/providers/Microsoft.Compute/virtualMachineScaleSets/\
                  aks-nodepool1-12345678-vmss/virtualMachines/0";
        assert_eq!(scale_set(id), Some(("mc_shop_shop_westeurope", "aks-nodepool1-12345678-vmss")));
        assert_eq!(scale_set("kind://docker/kind/kind-control-plane"), None);
        assert_eq!(scale_set(&id.replace("vmss", "$(reboot)")), None, "it goes into a command");
    }
}
