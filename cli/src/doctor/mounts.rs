//! The pods that wait for the files of a vault: what the CSI driver and its provider say of them.

use std::collections::BTreeSet;

use sc_core::azure::Need;
use sc_core::names::has_form;
use sc_core::object::ObjectKind;
use sc_core::problem::Choice;
use serde_json::Value;

use super::Findings;
use super::facts::{Facts, name_of};
use super::workloads::{Workload, Wrong};
use crate::listing::{Listed, Listing};
use crate::workload::items;

/// What the driver says in an event of a pod that it cannot mount for: a part of it, and the code.
const NOT_MOUNTED: [(&str, &str); 4] =
    [(NO_CLASS, "SC1510"), ("provider not found", "SC1511"), ("AADSTS7002", "SC1512"), ("ForbiddenByRbac", "SC1513")];
/// Behind it stand the namespace and the name of the class.
const NO_CLASS: &str = "failed to get secretproviderclass ";

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
        "SC1510" => unknown_class(workload, class_of(&message), facts, findings),
        "SC1511" => findings.add(code, workload.object(), [("pod", name_of(pod).to_owned())]),
        _ => without_right(workload, code, facts, findings),
    }
}

/// The class that a message is about: `failed to get secretproviderclass NAMESPACE/NAME, error: …`.
fn class_of(message: &str) -> &str {
    let path = message.split(NO_CLASS).nth(1).and_then(|rest| rest.split([',', ' ']).next()).unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// A pod whose identity Entra or the vault does not let in, or that has another identity than its connection.
fn without_right(workload: &Workload<'_>, code: &str, facts: &Facts, findings: &mut Findings<'_>) {
    let classes = items(&workload.pod["spec"]["volumes"]).filter_map(|volume| volume["csi"]["volumeAttributes"]["secretProviderClass"].as_str());
    let classes: Vec<&str> = classes.collect();
    let is_mounted = |listed: &&Listed| classes.contains(&listed.connection.name.secret_provider_class().as_str());
    let mounted: Vec<&Listed> = facts.connections_in(workload.place).filter(is_mounted).collect();
    let wanted = mounted.iter().find_map(|listed| Some(listed.connection.federated()?.client_id.service_account()));
    let account = workload.pod["spec"]["serviceAccountName"].as_str().unwrap_or("default").to_owned();
    if let Some(wanted) = wanted.filter(|wanted| *wanted != account) {
        let repair = workload.run_as(findings, &wanted);
        return findings.add("SC1514", workload.object(), [("account", account), ("wanted", wanted), ("repair", repair)]);
    }
    let issuer = facts.proof.as_ref().map(|proof| proof.issuer.as_str()).filter(|issuer| !issuer.is_empty());
    let is_it = |need: &Need| matches!((need, code), (Need::Trust { .. }, "SC1512") | (Need::Role { .. }, "SC1513"));
    let needs: BTreeSet<Need> = mounted.iter().flat_map(|listed| Need::of(&listed.connection)).filter(is_it).collect();
    let told: Vec<String> = needs.iter().map(ToString::to_string).collect();
    let commands: Vec<String> = needs.iter().filter_map(|need| need.command(issuer)).collect();
    // Of what is nobody's connection, only whoever made the class knows the identity.
    if !commands.is_empty() {
        findings.add(code, workload.object(), [("need", told.join("; ")), ("azure", commands.join(" && "))]);
    }
}

/// A class of a connection's form that is not in the namespace of the pod.
fn unknown_class(workload: &Workload<'_>, class: &str, facts: &Facts, findings: &mut Findings<'_>) {
    if !has_form(ObjectKind::SecretProviderClass, class) {
        return;
    }
    let known: Vec<String> = facts.connections_in(workload.place).map(|listed| listed.connection.name.secret_provider_class()).collect();
    let elsewhere = facts.listing.iter().flat_map(Listing::present).find(|listed| listed.connection.name.secret_provider_class() == class);
    let near = elsewhere.map_or_else(String::new, |listed| format!(": it is in namespace {}, and of use only there", listed.connection.namespace));
    let nearest = Choice::of(class, known.iter().map(String::as_str)).nearest().map(str::to_owned);
    let repair = workload.repair(findings, &Wrong { field: "secretProviderClass", is: (class, ""), right: nearest.as_deref() });
    let values = [("pod", name_of(workload.pod).to_owned()), ("class", class.to_owned()), ("near", near), ("repair", repair)];
    findings.add("SC1510", workload.object(), values);
}
