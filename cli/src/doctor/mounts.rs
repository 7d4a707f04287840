//! The pods that wait for the files of a vault: what the CSI driver and its provider say of them.

use sc_core::azure::Need;
use serde_json::Value;

use super::Findings;
use super::facts::{Facts, name_of};
use super::workloads::{Workload, Wrong};
use crate::listing::{Listed, Listing};
use crate::workload::items;

/// What the driver says in an event of a pod that it cannot mount for: a part of it, and the code.
const NOT_MOUNTED: [(&str, &str); 5] = [
    ("failed to get secretproviderclass", "SC1510"),
    ("provider not found", "SC1511"),
    ("AADSTS70021", "SC1512"),
    ("ForbiddenByRbac", "SC1513"),
    ("service account tokens not found", "SC1515"),
];

/// Finds out why a pod is not given its volumes.
pub(super) fn examine(workload: &Workload<'_>, facts: &Facts, findings: &mut Findings<'_>) {
    let pod = workload.pod;
    if pod["status"]["phase"] != "Pending" {
        return;
    }
    let is_about = |event: &&Value| event["reason"] == "FailedMount" && event["involvedObject"]["uid"] == pod["metadata"]["uid"];
    let messages = workload.namespace.of("events").iter().filter(is_about).filter_map(|event| event["message"].as_str());
    let found = messages.filter_map(|message| NOT_MOUNTED.iter().find(|(part, _)| message.contains(part))).next_back();
    let Some((_, code)) = found else { return };
    let classes: Vec<&str> =
        items(&pod["spec"]["volumes"]).filter_map(|volume| volume["csi"]["volumeAttributes"]["secretProviderClass"].as_str()).collect();
    let connections: Vec<&Listed> =
        here(workload, facts).filter(|listed| classes.contains(&listed.connection.name.secret_provider_class().as_str())).collect();
    let name = name_of(pod).to_owned();
    if *code == "SC1510" {
        return unknown_class(workload, &classes, facts, findings);
    }
    let issuer = facts.proof.as_ref().map(|proof| proof.issuer.as_str()).filter(|issuer| !issuer.is_empty());
    let is_it = |need: &Need| matches!((need, *code), (Need::Trust { .. }, "SC1512") | (Need::Role { .. }, "SC1513"));
    let needs: Vec<Need> = connections.iter().flat_map(|listed| Need::of(&listed.connection)).filter(is_it).collect();
    let told: Vec<String> = needs.iter().map(ToString::to_string).collect();
    let commands: Vec<String> = needs.iter().map(|need| need.command(issuer)).collect();
    findings.add(code, workload.object(), [("pod", name), ("need", told.join("; ")), ("azure", commands.join(" && "))]);
}

/// A class that is not in the namespace of the pod.
fn unknown_class(workload: &Workload<'_>, classes: &[&str], facts: &Facts, findings: &mut Findings<'_>) {
    let known: Vec<String> = here(workload, facts).map(|listed| listed.connection.name.secret_provider_class()).collect();
    for class in classes.iter().filter(|class| !known.iter().any(|known| known == *class)) {
        let everywhere = facts.listing.iter().flat_map(Listing::present).find(|listed| listed.connection.name.secret_provider_class() == **class);
        let near =
            everywhere.map_or_else(String::new, |listed| format!(": it is in namespace {}, and of use only there", listed.connection.namespace));
        let nearest = sc_core::problem::Choice::of(class, known.iter().map(String::as_str)).nearest().map(str::to_owned);
        let repair = workload.repair(findings, &Wrong { field: "secretProviderClass", is: (class, ""), right: nearest.as_deref() });
        let values = [("pod", name_of(workload.pod).to_owned()), ("class", (*class).to_owned()), ("near", near), ("repair", repair)];
        findings.add("SC1510", workload.object(), values);
    }
}

fn here<'a>(workload: &'a Workload<'_>, facts: &'a Facts) -> impl Iterator<Item = &'a Listed> {
    facts.listing.iter().flat_map(Listing::present).filter(|listed| listed.connection.namespace.as_str() == workload.place)
}
