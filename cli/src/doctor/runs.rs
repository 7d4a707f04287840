//! The runs of the job: whether they start, end, and prove what they did.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::facts::{Facts, name_of};
use super::{Findings, release};
use crate::proof::State;
use crate::workload::items;

/// What an event on a Job says when no pod could be made: a part of it, and the code.
const NOT_CREATED: [(&str, &str); 6] = [
    ("exceeded quota", "SC1107"),
    ("violates PodSecurity", "SC1108"),
    ("serviceaccount \"sc-job\" not found", "SC1109"),
    ("no PriorityClass with name", "SC1114"),
    ("per Container is", "SC1115"),
    ("per Pod is", "SC1115"),
];
/// Why a pod has no node: a part of what the scheduler says, and the code.
const NOT_SCHEDULED: [(&str, &str); 3] =
    [("untolerated taint", "SC1112"), ("Insufficient", "SC1110"), ("didn't match Pod's node affinity", "SC1111")];
/// The taint of nodes that are for the add-ons of the cluster alone.
const CRITICAL: &str = "CriticalAddonsOnly";
/// So long a Lease may be silent, in seconds.
const SILENCE: i64 = 60;

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    for job in facts.of_release("jobs").iter().filter(|job| is_ours(&job["spec"]["template"])) {
        not_created(facts, job, findings);
        deadline(job, findings);
    }
    for pod in facts.of_release("pods").iter().filter(|pod| is_ours(pod)) {
        not_scheduled(facts, pod, findings);
        container(pod, findings);
    }
    cron_job(facts, findings);
    config(facts, findings);
    lease(facts, findings);
}

/// What is left when nothing better explains it.
pub(super) fn examine_rest(facts: &Facts, findings: &mut Findings<'_>) {
    let (Some(stored), Some(proof)) = (&facts.stored, &facts.proof) else { return };
    let object = format!("configmap {}/sc-status", findings.place.release_namespace);
    let is_running = facts.of_release("jobs").iter().any(|job| !crate::run::has_ended(job));
    if !findings.all.is_empty() || stored.is_pending() || is_running {
        return;
    }
    match proof.state {
        _ if !proof.is_of(stored) => findings.add("SC1406", object, []),
        State::Succeeded => {}
        State::Pending => findings.add("SC1401", object, []),
        State::Running => findings.add("SC1402", object, []),
        State::Failed => findings.add("SC1407", object, [("reason", proof.reason.clone())]),
    }
    release::failed(facts, findings);
}

/// Whether a pod, or the template of one, is of the chart: others may run in the namespace, too.
fn is_ours(pod: &Value) -> bool {
    pod["metadata"]["labels"]["app.kubernetes.io/name"] == crate::chart::NAME
}

fn object(kind: &str, about: &Value) -> String {
    format!("{kind} {}/{}", about["metadata"]["namespace"].as_str().unwrap_or_default(), name_of(about))
}

fn not_created(facts: &Facts, job: &Value, findings: &mut Findings<'_>) {
    let is_about = |event: &&Value| event["involvedObject"]["uid"] == job["metadata"]["uid"] && event["reason"] == "FailedCreate";
    for event in facts.of_release("events").iter().filter(is_about) {
        let message = event["message"].as_str().unwrap_or_default();
        let Some((_, code)) = NOT_CREATED.iter().find(|(part, _)| message.contains(part)) else { continue };
        let mut values = vec![("message", message.to_owned())];
        match *code {
            "SC1107" => values.extend(quota(message)),
            "SC1115" => values.extend(limit(facts, message).into_iter().flatten()),
            _ => {}
        }
        findings.add(code, object("job", job), values);
    }
}

/// The quota that a message is about, and a patch that lifts what was exceeded of it: `exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0`.
fn quota(message: &str) -> [(&'static str, String); 2] {
    let rest = message.split("exceeded quota: ").nth(1).unwrap_or_default();
    let (name, rest) = rest.split_once(", requested: ").unwrap_or((rest, ""));
    let requested = rest.split(", used: ").next().unwrap_or_default();
    let lifted: Map<String, Value> = requested.split(',').filter_map(|one| Some((one.split_once('=')?.0.to_owned(), Value::Null))).collect();
    [("quota", name.to_owned()), ("patch", json!({"spec": {"hard": lifted}}).to_string())]
}

/// The limit range that a message is about, and a patch that lifts that limit: `maximum memory usage per Container is 64Mi, but limit is 256Mi`.
fn limit(facts: &Facts, message: &str) -> Option<[(&'static str, String); 2]> {
    let words: Vec<&str> = message.split_whitespace().skip_while(|word| !["maximum", "minimum"].contains(word)).collect();
    let [bound, resource, "usage", "per", kind, ..] = words.as_slice() else { return None };
    let bound = if *bound == "maximum" { "max" } else { "min" };
    facts.of_release("limitranges").iter().find_map(|range| {
        let limits = range["spec"]["limits"].as_array()?;
        let index = limits.iter().position(|limit| limit["type"] == *kind && limit[bound][resource].is_string())?;
        let patch = json!([{"op": "remove", "path": format!("/spec/limits/{index}/{bound}/{resource}")}]);
        Some([("range", name_of(range).to_owned()), ("patch", patch.to_string())])
    })
}

fn deadline(job: &Value, findings: &mut Findings<'_>) {
    let conditions = job["status"]["conditions"].as_array();
    if conditions.into_iter().flatten().any(|condition| condition["reason"] == "DeadlineExceeded") && findings.all.is_empty() {
        findings.add("SC1117", object("job", job), []);
    }
}

fn not_scheduled(facts: &Facts, pod: &Value, findings: &mut Findings<'_>) {
    let conditions = pod["status"]["conditions"].as_array();
    let Some(condition) = conditions.into_iter().flatten().find(|condition| condition["reason"] == "Unschedulable") else { return };
    let message = condition["message"].as_str().unwrap_or_default();
    let Some((_, code)) = NOT_SCHEDULED.iter().find(|(part, _)| message.contains(part)) else { return };
    // Newer schedulers do not say which taint: it is one that all nodes have, and that nobody but a person has put there.
    let taint = common_taint(facts).unwrap_or_default().to_owned();
    if *code == "SC1112" && taint.is_empty() {
        return;
    }
    let code = if *code == "SC1112" && taint == CRITICAL { "SC1104" } else { code };
    let mut tolerations: Vec<Value> = items(&facts.values["job"]["tolerations"]).cloned().collect();
    tolerations.push(json!({"key": taint, "operator": "Exists"}));
    findings.add(code, object("pod", pod), [("message", message.to_owned()), ("tolerations", Value::Array(tolerations).to_string())]);
}

/// A taint that keeps pods away from every node.
fn common_taint(facts: &Facts) -> Option<&str> {
    let nodes = facts.cluster.get("nodes")?;
    let taints = |node: &'_ Value| node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let keeps_away =
        |taint: &&Value| taint["effect"] != "PreferNoSchedule" && !taint["key"].as_str().is_some_and(|key| key.starts_with("node.kubernetes.io/"));
    let of_first = nodes.first()?["spec"]["taints"].as_array()?.iter().filter(keeps_away).filter_map(|taint| taint["key"].as_str());
    of_first.into_iter().find(|key| nodes.iter().all(|node| taints(node).iter().any(|taint| taint["key"] == *key)))
}

fn container(pod: &Value, findings: &mut Findings<'_>) {
    let status = &pod["status"]["containerStatuses"][0];
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
    let waiting = &status["state"]["waiting"];
    let message = waiting["message"].as_str().unwrap_or_default();
    let ended = &status["state"]["terminated"];
    // What the runtime says stands with the reason why a container waits, or ended before it began.
    let says = |words: &str| [&ended["message"], &waiting["message"]].iter().any(|text| text.as_str().is_some_and(|text| text.contains(words)));
    let code = match waiting["reason"].as_str() {
        Some("ErrImageNeverPull") => Some("SC1105"),
        Some("InvalidImageName") => Some("SC1106"),
        Some("ErrImagePull" | "ImagePullBackOff") => Some(of_pull(message)),
        _ if says("exec format error") => Some("SC1103"),
        _ if ended["reason"] == "OOMKilled" || says("OOM-killed") || says("unable to set memory limit") => Some("SC1113"),
        _ => None,
    };
    if let Some(code) = code {
        findings.add(code, object("pod", pod), [("image", image)]);
    }
}

/// Why an image was not pulled, by what the kubelet says.
fn of_pull(message: &str) -> &'static str {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["no match for platform", "no matching manifest"]) {
        "SC1103"
    } else if says(&["no such host", "dial tcp", "i/o timeout", "connection refused"]) {
        "SC1119"
    } else if says(&["401", "403", "unauthorized", "forbidden", "denied"]) {
        "SC1102"
    } else {
        "SC1101"
    }
}

fn cron_job(facts: &Facts, findings: &mut Findings<'_>) {
    let place = format!("cronjob {}/sc-reconcile", findings.place.release_namespace);
    let is_wanted = facts.values["driftRepair"]["enabled"] == true || facts.values["driftRepair"]["enabled"] == "true";
    match facts.find("cronjobs", "sc-reconcile") {
        None if facts.release.contains_key("cronjobs") => findings.add("SC1116", place, []),
        Some(found) if is_wanted && found["spec"]["suspend"] == true => findings.add("SC1118", place, []),
        _ => {}
    }
}

/// Whether `sc-config` is as the chart made it.
fn config(facts: &Facts, findings: &mut Findings<'_>) {
    let Some(config) = facts.find("secrets", "sc-config") else { return };
    let bytes = sc_core::document::of_secret(config, "values.json").unwrap_or_default();
    let hash = sc_job::document::hash(&bytes);
    if config["metadata"]["annotations"][sc_core::names::CONFIG_HASH] != hash.as_str() {
        findings.add("SC1405", object("secret", config), []);
    }
}

/// Whether a run that is gone still holds the Lease.
fn lease(facts: &Facts, findings: &mut Findings<'_>) {
    let Some(lease) = facts.find("leases", "sc-job") else { return };
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    let renewed = lease["spec"]["renewTime"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let is_silent = renewed.is_none_or(|renewed| Timestamp::now().duration_since(renewed).as_secs() > SILENCE);
    let is_there = facts.of_release("pods").iter().any(|pod| pod["metadata"]["uid"] == holder);
    if !holder.is_empty() && !is_there && is_silent {
        findings.add("SC1403", object("lease", lease), []);
    }
}
