//! `sc doctor`, `sc explain` and `sc report`: what is wrong, what it means, and what to hand to whoever is asked for help.

use anyhow::{Context, Result};
use sc_core::names::Guid;
use sc_job::exit;
use serde_json::{Value, json};

use crate::args::diagnosis::{DoctorArgs, ExplainArgs, ReportArgs};
use crate::codes::{self, Code};
use crate::doctor::{self, Facts, Finding};
use crate::fault::Fault;
use crate::helm::Stored;
use crate::listed::Listed;
use crate::listing::Listing;
use crate::output::{self, Shown};
use crate::place::Place;
use crate::progress;
use crate::proof::State;
use crate::store::Store;

/// What stands in a report in the place of an id of Azure.
const ID: &str = "00000000-0000-0000-0000-000000000000";
/// The columns of the findings.
const HEADER: [&str; 5] = ["Code", "What", "Object", "Cause", "Fix"];

/// Examines the release; returns 3 if something is wrong.
pub(crate) async fn doctor(args: &DoctorArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let facts = progress::during("examining the release", Facts::gather(&store)).await?;
    let (findings, unread) = (doctor::findings(&facts, place), &facts.unread);
    for what in unread {
        output::say(&format!("warning: not looked at: {what}"));
    }
    let row = |finding: &Finding| {
        vec![finding.code.to_owned(), finding.title.to_owned(), finding.object.clone(), finding.cause.clone(), finding.fix.clone()]
    };
    let value = serde_json::to_value(&findings).context("failed to write JSON")?;
    let shown = Shown { value, header: &HEADER, rows: findings.iter().map(row).collect() };
    output::show_each(args.output.form(), &shown)?;
    if findings.is_empty() {
        output::say(if unread.is_empty() { "nothing is wrong" } else { "nothing was found, but not all was looked at" });
        return Ok(if unread.is_empty() { 0 } else { exit::FAILED });
    }
    output::say(&format!("{} found: read the command of the first, run it if it fits, and look again", findings.len()));
    Ok(exit::REFUSED)
}

/// Explains a code, or a message of Helm's or Kubernetes'.
pub(crate) fn explain(args: &ExplainArgs) -> Result<u8> {
    let found = codes::meant(&args.what.join(" "));
    if found.is_empty() {
        let fix = "give a code, such as SC1001, or a part of a message; `sc explain` alone lists them all";
        return Err(Fault::refused("nothing is known of that", fix).into());
    }
    let row = |code: &Code| vec![code.name.clone(), code.title.clone(), code.cause.clone(), code.fix.clone()];
    let value = serde_json::to_value(&found).context("failed to write JSON")?;
    let rows = found.iter().map(row).collect();
    output::show_each(args.output.form(), &Shown { value, header: &["Code", "What", "Cause", "Fix"], rows })?;
    Ok(0)
}

/// Prints what helps to understand a failure: no value of a Secret, and no name of a cluster or an account.
pub(crate) async fn report(_: &ReportArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let version = store.cluster.get_at_once("/version").await.ok().flatten().unwrap_or_default();
    let mut report = json!({
        "sc": env!("CARGO_PKG_VERSION"),
        "helm": store.helm.version().await.unwrap_or_else(|error| format!("{error:#}")),
        "kubernetes": version["gitVersion"],
    });
    let code = match progress::during("gathering what helps", Facts::gather(&store)).await {
        Ok(facts) => {
            add_facts(&mut report, &facts, place)?;
            0
        }
        // That nothing can be read may be the very thing to report.
        Err(error) => {
            report["notLookedAt"] = json!([format!("{error:#}")]);
            exit::FAILED
        }
    };
    output::print(&crate::manifest::yaml(&crate::manifest::Ordered(&report))?)?;
    Ok(code)
}

fn add_facts(report: &mut Value, facts: &Facts, place: &Place) -> Result<()> {
    let states = facts.stored.as_ref().zip(facts.proof.as_ref()).map(|(stored, proof)| proof.states_of(stored));
    let state_of = |listed: &Listed| states.as_ref().map_or(State::Pending, |states| states.state_of(listed));
    let valid = facts.listing.iter().flat_map(Listing::present).map(|listed| listed.shown(state_of(listed), true));
    let broken = facts.listing.iter().flat_map(Listing::named_broken).map(|(_, broken)| broken.shown());
    let connections: Vec<Value> = valid.chain(broken).map(redacted).collect();
    let release = |stored: &Stored| json!({"revision": stored.revision, "status": stored.info.status, "chart": stored.chart_version()});
    report["release"] = facts.stored.as_ref().map(release).into();
    report["result"] = serde_json::to_value(states.as_ref().map(|states| states.release)).context("failed to write JSON")?;
    // Causes and commands have names of clusters, vaults and registries.
    let finding = |Finding { code, title, object, .. }: Finding| json!({"code": code, "title": title, "object": without_ids(&object)});
    report["findings"] = doctor::findings(facts, place).into_iter().map(finding).collect();
    report["notLookedAt"] = json!(facts.unread);
    report["connections"] = json!(connections);
    Ok(())
}

/// A name of an object without ids of Azure: a ServiceAccount is named by the client id of its identity.
fn without_ids(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        if rest.get(..ID.len()).is_some_and(|part| Guid::parse(part).is_some()) {
            kept += ID;
            rest = &rest[ID.len()..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

/// A connection without the names of its targets and users: what is wrong with it seldom depends on them.
fn redacted(mut shown: Value) -> Value {
    shown.as_object_mut().map(|fields| fields.remove("reason"));
    for field in ["authInfo", "targetService"] {
        let kept = ["authType", "type", "name"];
        if let Some(map) = shown[field].as_object_mut() {
            map.retain(|key, _| kept.contains(&key.as_str()) && !(field == "authInfo" && key == "name"));
        }
    }
    for row in shown["configurations"].as_array_mut().into_iter().flatten() {
        row["value"] = json!("");
    }
    for name in shown["kubernetesResourceName"].as_array_mut().into_iter().flatten() {
        *name = json!(without_ids(name.as_str().unwrap_or_default()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_no_id_of_an_identity_in_a_name_either() {
        let id = "11111111-2222-3333-4444-55555555555F";
        let shown = redacted(json!({
            "name": "pictures", "authInfo": {"authType": "workloadIdentity", "clientId": id},
            "kubernetesResourceName": ["sc-pictures-secret", format!("sc-account-{id}")],
        }));
        assert_eq!(shown["kubernetesResourceName"], json!(["sc-pictures-secret", format!("sc-account-{ID}")]));
        assert!(!shown.to_string().contains(id), "{shown}");
        assert_eq!(without_ids(&format!("„{id}“, {id}{id} and 1111")), format!("„{ID}“, {ID}{ID} and 1111"));
    }
}
