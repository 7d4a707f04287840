//! The pods that wait for the files of a vault: what the CSI driver and its provider say of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sc_core::azure::Need;
use sc_core::connection::Connection;
use sc_core::names::{Guid, has_form};
use sc_core::object::ObjectKind;
use sc_core::problem::Choice;
use sc_core::values::VaultLogin;
use serde_json::{Value, json};

use super::Findings;
use super::facts::{Facts, name_of};
use super::templates::Wrong;
use super::workloads::Workload;
use crate::listing::Listing;
use crate::place::quoted;
use crate::workload::items;

/// What the driver says in an event of a pod that it cannot mount for: a part of it, and the code.
const NOT_MOUNTED: [(&str, &str); 15] = [
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
    ("nodePublishSecretRef secret is not set", "SC1522"),
];
/// Whatever else it says.
const OTHER: &str = "SC1523";
const NO_CLASS: &str = "failed to get secretproviderclass ";
/// Behind it stands the name of the volume, in quotes (Kubernetes, `pkg/volume/util/operationexecutor`). What else the kubelet says of volumes is that
/// it still waits.
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
    // What was said last of a volume is what still holds.
    let mut last = BTreeMap::new();
    for event in workload.namespace.of("events").iter().filter(is_about) {
        let (time, message) = (event["lastTimestamp"].as_str().unwrap_or_default(), event["message"].as_str().unwrap_or_default());
        let said = last.entry(behind(message, VOLUME)).or_insert((time, message));
        *said = (*said).max((time, message));
    }
    for (volume, (_, message)) in last {
        let Some(class) = class(pod, volume) else { continue };
        let code = NOT_MOUNTED.iter().find(|(part, _)| message.contains(part)).map_or(OTHER, |(_, code)| code);
        // Of what is nobody's connection, only whoever made the class knows the identity.
        let listed = facts.connections_in(workload.place).find(|listed| listed.connection.name.secret_provider_class() == class);
        match listed {
            _ if code == "SC1510" => unknown_class(workload, class, facts, findings),
            Some(listed) => Unmounted { workload, connection: &listed.connection, volume, message }.judge(code, facts, findings),
            None => {}
        }
    }
}

/// The word behind a part of a message, in which answers stand as JSON.
fn behind<'m>(message: &'m str, part: &str) -> &'m str {
    let rest = message.split_once(part).map_or("", |(_, rest)| rest);
    rest.split([',', ' ', '"', '\\', '\n']).next().unwrap_or_default()
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
    volume: &'a str,
    message: &'a str,
}

impl Unmounted<'_> {
    /// Notes what is said. Whoever may write events may not write commands: of a message only what is known otherwise, or has its form, goes into one.
    fn judge(&self, code: &str, facts: &Facts, findings: &mut Findings<'_>) {
        let Self { workload, connection, .. } = self;
        let fetched = connection.vault_objects.iter().find(|object| object.name == behind(self.message, FETCHED));
        match code {
            "SC1512" if self.runs_as_another(findings) => return,
            "SC1518" if fetched.is_none() => return,
            _ => {}
        }
        let sc = findings.place.command("sc");
        let (need, azure) = self.needs(code, facts);
        let identity = connection.identity.as_ref();
        let client = identity.map_or("", |identity| identity.client_id.as_str());
        let tenant = identity.and_then(|identity| identity.tenant_id.as_ref()).map_or("", Guid::as_str);
        let (kind, make) = made(fetched.map_or("", |object| &object.kind));
        let address = behind(self.message, ADDRESS).parse::<IpAddr>().map_or("ADDRESS".to_owned(), |address| address.to_string());
        let values = [
            ("pod", name_of(workload.pod).to_owned()),
            ("need", need),
            // A run finds the issuer out.
            ("azure", azure.unwrap_or_else(|| format!("{sc} rerun"))),
            ("node", workload.pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned()),
            (
                "assign",
                self.assign(facts).unwrap_or_else(|| "az vmss identity assign --resource-group NODE_RESOURCE_GROUP --name SCALE_SET".to_owned()),
            ),
            ("client", client.to_owned()),
            ("tenant", tenant.to_owned()),
            ("tenants", tenants(connection.vault_login, client)),
            ("vault", connection.vault().unwrap_or_default().to_owned()),
            ("update", format!("{sc} update keyvault --connection {} --kube-namespace {}", connection.name.as_str(), connection.namespace)),
            ("kind", kind.to_owned()),
            ("object", fetched.map_or("", |object| &object.name).to_owned()),
            ("make", make.to_owned()),
            ("permissions", permissions(connection)),
            ("address", address),
            ("login", connection.name.vault_login()),
            ("repair", self.log_in(findings)),
            ("message", self.message.split_whitespace().collect::<Vec<_>>().join(" ")),
            ("restart", workload.restart(findings)),
        ];
        findings.add(code, workload.object(), values);
    }

    /// Notes that the pod has another identity than its connection, if that is so.
    fn runs_as_another(&self, findings: &mut Findings<'_>) -> bool {
        let account = self.workload.pod["spec"]["serviceAccountName"].as_str().unwrap_or("default").to_owned();
        let wanted = self.connection.federated().map(|identity| identity.client_id.service_account());
        let Some(wanted) = wanted.filter(|wanted| *wanted != account) else { return false };
        let repair = self.workload.patched(findings, json!({"spec": {"serviceAccountName": wanted}}));
        findings.add("SC1514", self.workload.object(), [("account", account), ("wanted", wanted), ("repair", repair)]);
        true
    }

    /// The command that has the volume name the Secret by which the provider logs in.
    fn log_in(&self, findings: &Findings<'_>) -> String {
        let login = json!({"nodePublishSecretRef": {"name": self.connection.name.vault_login()}});
        self.workload.patched(findings, json!({"spec": {"volumes": [{"name": self.volume, "csi": login}]}}))
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

    /// The command of az that assigns an identity to the pod's node.
    fn assign(&self, facts: &Facts) -> Option<String> {
        let mut nodes = facts.cluster.get("nodes")?.iter();
        assign(nodes.find(|node| self.workload.pod["spec"]["nodeName"] == name_of(node))?["spec"]["providerID"].as_str()?)
    }
}

/// By `azure:///subscriptions/…/resourceGroups/GROUP/providers/Microsoft.Compute/virtualMachineScaleSets/SET/virtualMachines/0`, or the same of a
/// machine that is in no set.
fn assign(provider_id: &str) -> Option<String> {
    let mut segments = provider_id.split('/').skip_while(|segment| !segment.eq_ignore_ascii_case("resourceGroups"));
    let group = segments.nth(1)?;
    let mut segments = segments.skip_while(|segment| !segment.to_lowercase().starts_with("virtualmachine"));
    let tool = if segments.next()?.eq_ignore_ascii_case("virtualMachineScaleSets") { "vmss" } else { "vm" };
    let name = segments.next()?;
    Some(format!("az {tool} identity assign --resource-group {} --name {}", quoted(group), quoted(name)))
}

/// The command of az that says the tenant of an identity: Entra keeps none for a managed one.
fn tenants(login: Option<VaultLogin>, client: &str) -> String {
    match login {
        Some(VaultLogin::ServicePrincipal) => format!("az ad sp show --id {client} --query appOwnerOrganizationId --output tsv"),
        _ => format!("az identity list --query \"[?clientId=='{client}'].tenantId\" --output tsv"),
    }
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
    let wrong = Wrong { field: "secretProviderClass", is: (class, ""), right: nearest.as_deref() };
    let Some(repair) = workload.repair(findings, &wrong) else { return };
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
                       GET https://kv.vault.azure.net/certificates/front/\nClient address: 20.1.2.3\\r\\nCaller: appid=x";
        assert_eq!(behind(message, VOLUME), "v");
        assert_eq!(behind(message, FETCHED), "front");
        assert_eq!(behind(message, ADDRESS), "20.1.2.3");
        assert_eq!(behind(message, NO_CLASS), "", "it is not there");
    }

    #[test]
    fn a_node_says_what_an_identity_is_assigned_to() {
        let group = "azure:///subscriptions/s/resourceGroups/mc_shop_shop_westeurope/providers/Microsoft.Compute";
        let of = |rest: &str| assign(&format!("{group}/{rest}"));
        let set = "az vmss identity assign --resource-group mc_shop_shop_westeurope --name aks-nodepool1-12345678-vmss";
        assert_eq!(of("virtualMachineScaleSets/aks-nodepool1-12345678-vmss/virtualMachines/0").as_deref(), Some(set));
        let machine = "az vm identity assign --resource-group mc_shop_shop_westeurope --name aks-vms1-1";
        assert_eq!(of("virtualMachines/aks-vms1-1").as_deref(), Some(machine));
        assert_eq!(of("virtualMachines/$(reboot)").unwrap().split("--name ").last(), Some("'$(reboot)'"), "it goes into a command");
        assert_eq!(assign("kind://docker/kind/kind-control-plane"), None);
    }

    #[test]
    fn the_tenant_of_an_identity_is_where_its_kind_is_kept() {
        let of = |login| tenants(Some(login), "ID");
        assert!(of(VaultLogin::ServicePrincipal).starts_with("az ad sp show --id ID "));
        assert!(of(VaultLogin::WorkloadIdentity).starts_with("az identity list --query \"[?clientId=='ID'].tenantId\" "));
    }
}
