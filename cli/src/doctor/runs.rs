//! The runs of the job: whether they start, end, and prove what they did.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::facts::{Facts, name_of, time};
use super::templates::owner_of;
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
/// Why a pod has no node, beside taints: a part of what the scheduler says, and the code.
const NOT_SCHEDULED: [(&str, &str); 3] = [("Insufficient", "SC1110"), ("Too many pods", "SC1110"), ("didn't match Pod's node affinity", "SC1111")];
/// What it says of nodes with taints.
const TAINTED: &str = "untolerated taint";
/// The beginning of taints that Kubernetes puts on nodes that are not well, and takes off again.
const OF_KUBERNETES: &str = "node.kubernetes.io/";
/// The taint of nodes that are for the add-ons of the cluster alone.
const CRITICAL: &str = "CriticalAddonsOnly";
/// So long a Lease may be silent, in seconds.
const SILENCE: i64 = 60;
/// The codes of what neither keeps a run from starting nor has it fail: what stands beside it. Workloads are looked at later.
const BESIDE: [&str; 12] = ["SC1008", "SC1116", "SC1118", "SC1202", "SC1301", "SC1302", "SC1308", "SC1311", "SC1312", "SC1313", "SC1503", "SC1515"];

/// What keeps a run from starting.
pub(super) fn examine_start(facts: &Facts, findings: &mut Findings<'_>) {
    for job in jobs(facts) {
        not_created(facts, job, findings);
    }
    let is_made_up_for = |pod: &&Value| own(facts).any(|job| owner_of(pod) == Some(("Job", name_of(job))) && is_made_up_for(facts, job));
    for pod in facts.of_release("pods").iter().filter(|pod| is_ours(pod) && !is_made_up_for(pod)) {
        not_scheduled(facts, pod, findings);
        container(facts, pod, findings);
    }
}

/// What else there is to say of runs.
pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    for job in jobs(facts) {
        deadline(job, findings);
    }
    cron_job(facts, findings);
    config(facts, findings);
    lease(facts, findings);
}

/// The Jobs of the chart that say something of how it is now.
fn jobs(facts: &Facts) -> impl Iterator<Item = &Value> {
    own(facts).filter(|job| !is_made_up_for(facts, job))
}

/// The Jobs of the chart: others may be in the namespace, too.
fn own(facts: &Facts) -> impl Iterator<Item = &Value> {
    facts.of_release("jobs").iter().filter(|job| is_ours(&job["spec"]["template"]))
}

/// Whether another run has succeeded since this one was over.
fn is_made_up_for(facts: &Facts, job: &Value) -> bool {
    let ended = items(&job["status"]["conditions"]).filter_map(|condition| time(condition["lastTransitionTime"].as_str()?)).max();
    crate::run::has_ended(job) && ended.is_some_and(|ended| facts.last_success() > Some(ended))
}

/// Whether a run is under way, or waits.
pub(super) fn is_running(facts: &Facts) -> bool {
    own(facts).any(|job| !crate::run::has_ended(job))
}

/// Whether something was found that may be why a run has not started, or has failed.
pub(super) fn is_explained(findings: &Findings<'_>) -> bool {
    findings.all.iter().any(|finding| !BESIDE.contains(&finding.code))
}

/// Whether somebody is at work on the release: an `sc` that holds its Lease, or a run of an installation or upgrade.
pub(super) fn is_at_work(facts: &Facts) -> bool {
    let is_held = facts.find("leases", "sc-cli").is_some_and(|lease| !holder(lease).is_empty() && !is_silent(lease));
    is_held || facts.find("jobs", "sc-job").is_some_and(|job| is_ours(&job["spec"]["template"]) && !crate::run::has_ended(job))
}

/// What is left when nothing better explains it.
pub(super) fn examine_rest(facts: &Facts, findings: &mut Findings<'_>) {
    let (Some(stored), Some(proof)) = (&facts.stored, &facts.proof) else { return };
    let object = format!("configmap {}/sc-status", findings.place.release_namespace);
    if is_explained(findings) || stored.is_pending() || is_running(facts) {
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
        let mut values = vec![("message", message.to_owned()), ("job", name_of(job).to_owned())];
        let limit = match *code {
            "SC1107" => quota(facts, message),
            "SC1115" => limit(facts, message),
            _ => None,
        };
        let place = findings.place;
        let kubectl = format!("{} -n {}", place.command("kubectl"), place.release_namespace);
        // Without one, what was in the way is gone, or may not be read.
        values.push(("room", limit.map_or_else(String::new, |limit| format!("{kubectl} patch {limit} && "))));
        findings.add(code, object("job", job), values);
    }
}

/// The quota that a message is about, with the patch that lifts what was exceeded of it: `exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0`.
/// Whoever may write events may not write commands: only what stands in the quota itself goes into one.
fn quota(facts: &Facts, message: &str) -> Option<String> {
    let (name, rest) = message.split_once("exceeded quota: ")?.1.split_once(", requested: ")?;
    let quota = facts.find("resourcequotas", name)?;
    let requested = rest.split(", used: ").next().unwrap_or_default();
    let exceeded = requested.split(',').filter_map(|one| Some(one.split_once('=')?.0)).filter(|what| quota["spec"]["hard"][what].is_string());
    let lifted: Map<String, Value> = exceeded.map(|what| (what.to_owned(), Value::Null)).collect();
    Some(format!("resourcequota {name} --type=merge -p '{}'", json!({"spec": {"hard": lifted}})))
}

/// The limit range that a message is about, with the patch that lifts that limit: `maximum memory usage per Container is 64Mi, but limit is 256Mi`.
fn limit(facts: &Facts, message: &str) -> Option<String> {
    let words: Vec<&str> = message.split_whitespace().skip_while(|word| !["maximum", "minimum"].contains(word)).collect();
    let [bound, resource, "usage", "per", kind, ..] = words.as_slice() else { return None };
    let bound = if *bound == "maximum" { "max" } else { "min" };
    facts.of_release("limitranges").iter().find_map(|range| {
        let limits = range["spec"]["limits"].as_array()?;
        let index = limits.iter().position(|limit| limit["type"] == *kind && limit[bound][resource].is_string())?;
        let patch = json!([{"op": "remove", "path": format!("/spec/limits/{index}/{bound}/{resource}")}]);
        Some(format!("limitrange {} --type=json -p '{patch}'", name_of(range)))
    })
}

fn deadline(job: &Value, findings: &mut Findings<'_>) {
    let conditions = job["status"]["conditions"].as_array();
    if conditions.into_iter().flatten().any(|condition| condition["reason"] == "DeadlineExceeded") && !is_explained(findings) {
        findings.add("SC1117", object("job", job), [("job", name_of(job).to_owned())]);
    }
}

fn not_scheduled(facts: &Facts, pod: &Value, findings: &mut Findings<'_>) {
    let conditions = pod["status"]["conditions"].as_array();
    let Some(condition) = conditions.into_iter().flatten().find(|condition| condition["reason"] == "Unschedulable") else { return };
    let message = condition["message"].as_str().unwrap_or_default();
    // Tolerations help only where no node is without a taint, or none is known.
    let taints = if message.contains(TAINTED) { taints_to_tolerate(facts, message) } else { Vec::new() };
    let other = NOT_SCHEDULED.iter().find(|(part, _)| message.contains(part)).map(|(_, code)| *code);
    let code = match other {
        _ if taints.iter().any(|key| key == CRITICAL) => "SC1104",
        Some(code) if taints.is_empty() => code,
        _ => "SC1112",
    };
    let mut tolerations: Vec<Value> = items(&facts.values["job"]["tolerations"]).cloned().collect();
    tolerations.extend(taints.iter().map(|key| json!({"key": key, "operator": "Exists"})));
    let tolerations = Value::Array(tolerations).to_string();
    let sc = findings.place.command("sc");
    let tolerate = if taints.is_empty() { facts.way_on(findings.place) } else { format!("{sc} upgrade --set-json 'job.tolerations={tolerations}'") };
    let values = [("message", message.to_owned()), ("tolerations", tolerations), ("tolerate", tolerate), ("job", job_of(facts, pod))];
    findings.add(code, object("pod", pod), values);
}

/// The keys of the taints that keep the job away from the node that has the fewest of them, if each node has some that a person has put there. Newer
/// schedulers do not say which; where the nodes may not be read, it is what an older one says.
fn taints_to_tolerate(facts: &Facts, message: &str) -> Vec<String> {
    let Some(nodes) = facts.cluster.get("nodes") else { return said_taint(message).into_iter().collect() };
    let tolerated = |taint: &Value| items(&facts.values["job"]["tolerations"]).any(|toleration| tolerates(toleration, taint));
    let keys = |node: &Value| -> Vec<String> {
        let keeps_away = |taint: &&Value| taint["effect"] != "PreferNoSchedule" && !tolerated(taint);
        items(&node["spec"]["taints"]).filter(keeps_away).filter_map(|taint| taint["key"].as_str()).map(str::to_owned).collect()
    };
    let nodes: Vec<Vec<String>> = nodes.iter().map(keys).collect();
    let is_of_person = |key: &String| !key.starts_with(OF_KUBERNETES);
    if !nodes.iter().all(|keys| keys.iter().any(is_of_person)) {
        return Vec::new();
    }
    // The nodes for add-ons come last.
    let cost = |keys: &Vec<String>| (keys.iter().any(|key| key == CRITICAL), keys.len());
    nodes.into_iter().filter(|keys| keys.iter().all(is_of_person)).min_by_key(cost).unwrap_or_default()
}

/// Whether a toleration of the values, which has at least a key or `Exists`, lets a pod onto nodes with this taint.
fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let is_for = |field: &str| toleration[field].as_str().is_none_or(|text| text.is_empty() || taint[field] == text);
    is_for("key") && is_for("effect") && (toleration["operator"] == "Exists" || toleration["value"] == taint["value"])
}

/// The first taint of a person's that a message names: `untolerated taint {CriticalAddonsOnly: true}`. It goes into a command.
fn said_taint(message: &str) -> Option<String> {
    let is_key = |key: &&str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let named = message.split(TAINTED).skip(1).filter_map(|rest| rest.strip_prefix(" {")?.split([':', '}']).next());
    named.filter(is_key).find(|key| !key.starts_with(OF_KUBERNETES)).map(str::to_owned)
}

fn container(facts: &Facts, pod: &Value, findings: &mut Findings<'_>) {
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
        findings.add(code, object("pod", pod), [("image", image), ("job", job_of(facts, pod))]);
    }
}

/// The name of the Job that a pod is of, if it is one of the chart's: what an owner is called, nobody checks.
fn job_of(facts: &Facts, pod: &Value) -> String {
    let is_its = |job: &&Value| owner_of(pod) == Some(("Job", name_of(job)));
    own(facts).find(is_its).map_or("sc-job", name_of).to_owned()
}

/// Why an image was not pulled, by what the kubelet says. By words, not by the number of a status: the message has the port and the tag of the image, too.
fn of_pull(message: &str) -> &'static str {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["no match for platform", "no matching manifest"]) {
        "SC1103"
    } else if says(&["no such host", "dial tcp", "i/o timeout", "connection refused"]) {
        "SC1119"
    } else if says(&["unauthorized", "forbidden", "denied", "authorization failed", "authentication required"]) {
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
        Some(found) if is_wanted && found["spec"]["suspend"] == true && release::is_of(found, findings.place) => findings.add("SC1118", place, []),
        _ => {}
    }
}

/// Whether `sc-config` is as the chart made it.
fn config(facts: &Facts, findings: &mut Findings<'_>) {
    // What is another's is told as that: the command would delete it.
    let Some(config) = facts.find("secrets", "sc-config").filter(|config| release::is_of(config, findings.place)) else { return };
    let bytes = sc_core::document::of_secret(config, "values.json").unwrap_or_default();
    let hash = sc_job::document::hash(&bytes);
    if config["metadata"]["annotations"][sc_core::names::CONFIG_HASH] != hash.as_str() {
        findings.add("SC1405", object("secret", config), []);
    }
}

/// Whether a run that is gone still holds the Lease.
fn lease(facts: &Facts, findings: &mut Findings<'_>) {
    let Some(lease) = facts.find("leases", "sc-job") else { return };
    let holder = holder(lease);
    let is_there = facts.of_release("pods").iter().any(|pod| pod["metadata"]["uid"] == holder);
    if !holder.is_empty() && !is_there && is_silent(lease) {
        findings.add("SC1403", object("lease", lease), []);
    }
}

fn holder(lease: &Value) -> &str {
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default()
}

/// Whether whoever holds a Lease has not renewed it for long.
fn is_silent(lease: &Value) -> bool {
    let renewed = lease["spec"]["renewTime"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    renewed.is_none_or(|renewed| Timestamp::now().duration_since(renewed).as_secs() > SILENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    const TWO_POOLS: &str = "0/2 nodes are available: 2 node(s) had untolerated taint(s). preemption: not eligible";
    const FULL: &str = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {CriticalAddonsOnly: true}.";

    #[test]
    fn an_image_that_is_not_pulled_is_found_by_what_the_runtime_says() {
        let resolve =
            "failed to pull and unpack image \"localhost:40385/sc-job:0.1.403\": failed to resolve reference \"localhost:40385/sc-job:0.1.403\"";
        for (message, code) in [
            ("localhost:40385/sc-job:0.1.403: not found", "SC1101"),
            ("unexpected status from HEAD request to http://localhost:40385/v2/sc-job/manifests/0.1.403: 500 Internal Server Error", "SC1101"),
            ("unexpected status from HEAD request to http://localhost:40385/v2/sc-job/manifests/0.1.403: 403 Forbidden", "SC1102"),
            ("pull access denied, repository does not exist or may require authorization: server message: insufficient_scope", "SC1102"),
            ("pulling from host localhost:40385 failed with status code [manifests 0.1.403]: 401 Unauthorized", "SC1102"),
            ("no match for platform in manifest: not found", "SC1103"),
            ("failed to do request: Head \"https://ghcr.example\": dial tcp: lookup ghcr.example: no such host", "SC1119"),
        ] {
            assert_eq!(of_pull(&format!("{resolve}: {message}")), code, "{message}");
        }
    }

    /// The code and the command for a pod of which the scheduler says this, with nodes of these taints; nodes that may not be read are none.
    fn found(message: &str, nodes: Option<&[&[&str]]>, values: Value) -> (&'static str, String) {
        let condition = json!({"reason": "Unschedulable", "message": message});
        let taint = |key: &&str| json!({"key": key, "effect": "NoSchedule", "value": "true"});
        let node = |taints: &&[&str]| json!({"spec": {"taints": taints.iter().map(taint).collect::<Vec<_>>()}});
        let cluster = nodes.map(|nodes| ("nodes", nodes.iter().map(node).collect::<Vec<_>>()));
        let facts = Facts { values, cluster: cluster.into_iter().collect(), ..Facts::default() };
        let place = Place::default();
        let mut findings = Findings::of(&place, &facts);
        not_scheduled(&facts, &json!({"status": {"conditions": [condition]}}), &mut findings);
        let finding = findings.all.pop().unwrap_or_else(|| panic!("nothing is found of `{message}`"));
        assert!(finding.code != "SC1112" || finding.cause.contains(message), "{}", finding.cause);
        (finding.code, finding.fix.split(" && ").last().unwrap().to_owned())
    }

    #[test]
    fn a_job_that_no_node_takes_is_found_whatever_keeps_it_away() {
        let back = "sc upgrade --values VALUES.yaml";
        let tolerating = |key: &str| format!("sc upgrade --set-json 'job.tolerations=[{{\"key\":\"{key}\",\"operator\":\"Exists\"}}]'");
        let pools: &[&[&str]] = &[&["CriticalAddonsOnly"], &["busy", "gpu"], &["spot"]];
        let (critical, untainted): (&[&[&str]], &[&[&str]]) = (&[&["CriticalAddonsOnly"]], &[&["CriticalAddonsOnly"], &[]]);
        let gone: &[&[&str]] = &[&["busy"], &["node.kubernetes.io/unreachable"]];
        for (message, nodes, code, command) in [
            (TWO_POOLS, Some(pools), "SC1112", tolerating("spot")),
            (TWO_POOLS, Some(critical), "SC1104", tolerating("CriticalAddonsOnly")),
            (TWO_POOLS, Some(gone), "SC1112", back.to_owned()),
            (TWO_POOLS, None, "SC1112", back.to_owned()),
            (FULL, Some(untainted), "SC1110", back.to_owned()),
            (FULL, None, "SC1104", tolerating("CriticalAddonsOnly")),
            ("0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }", None, "SC1112", back.to_owned()),
            ("0/1 nodes are available: 1 node(s) had untolerated taint {$(reboot): }", None, "SC1112", back.to_owned()),
            ("0/1 nodes are available: 1 node(s) were unschedulable", Some(&[]), "SC1112", back.to_owned()),
            ("0/1 nodes are available: 1 Too many pods", Some(untainted), "SC1110", back.to_owned()),
        ] {
            assert_eq!(found(message, nodes, Value::Null), (code, command), "`{message}` of {nodes:?}");
        }
    }

    #[test]
    fn a_pod_is_of_a_job_of_the_chart_or_of_none() {
        let labels = json!({"app.kubernetes.io/name": crate::chart::NAME});
        let job = |name: &str, labels: &Value| json!({"metadata": {"name": name}, "spec": {"template": {"metadata": {"labels": labels}}}});
        let jobs = vec![job("backup", &json!({})), job("sc-reconcile-1", &labels)];
        let facts = Facts { release: [("jobs", jobs)].into(), ..Facts::default() };
        let of = |kind: &str, name: &str| job_of(&facts, &json!({"metadata": {"ownerReferences": [{"kind": kind, "name": name}]}}));
        assert_eq!(of("Job", "sc-reconcile-1"), "sc-reconcile-1");
        for (kind, name) in [("Job", "backup"), ("Job", "x; reboot"), ("Rollout", "sc-reconcile-1")] {
            assert_eq!(of(kind, name), "sc-job", "{kind} {name}");
        }
    }

    #[test]
    fn a_quota_is_lifted_by_what_stands_in_it_and_not_by_words_of_an_event() {
        let small = json!({"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0", "count/jobs.batch": "1"}}});
        let facts = Facts { release: [("resourcequotas", vec![small])].into(), ..Facts::default() };
        let found = |message: &str| quota(&facts, message);
        let said =
            |name: &str, requested: &str| format!("pods \"sc-job-x\" is forbidden: exceeded quota: {name}, requested: {requested}, used: pods=0");
        let lifted = Some(r#"resourcequota small --type=merge -p '{"spec":{"hard":{"pods":null}}}'"#.to_owned());
        assert_eq!(found(&said("small", "pods=1")), lifted);
        assert_eq!(found(&said("small", "pods=1,x'; reboot '=1")), lifted);
        assert_eq!(found(&said("small; reboot", "pods=1")), None);
    }

    #[test]
    fn what_is_tolerated_already_keeps_no_job_away() {
        let values = json!({"job": {"tolerations": [{"key": "busy", "operator": "Equal", "value": "true"}]}});
        assert_eq!(found(FULL, Some(&[&["busy"], &["spot"]]), values).0, "SC1110");
        let taint = json!({"key": "busy", "value": "true", "effect": "NoSchedule"});
        assert!(tolerates(&json!({"operator": "Exists"}), &taint));
        assert!(!tolerates(&json!({"key": "busy", "value": "no"}), &taint));
        assert!(!tolerates(&json!({"key": "busy", "operator": "Exists", "effect": "NoExecute"}), &taint));
    }

    #[test]
    fn only_what_is_of_this_release_is_put_right() {
        let place = Place::default();
        let found = |namespace: &str| {
            let annotations = json!({"meta.helm.sh/release-name": "sc", "meta.helm.sh/release-namespace": namespace});
            let object = |name: &str| json!({"metadata": {"name": name, "annotations": annotations}, "spec": {"suspend": true}});
            let release = [("secrets", vec![object("sc-config")]), ("cronjobs", vec![object("sc-reconcile")])].into();
            let facts = Facts { release, values: json!({"driftRepair": {"enabled": true}}), ..Facts::default() };
            let mut findings = Findings::of(&place, &facts);
            examine(&facts, &mut findings);
            findings.all.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(found("sc-system"), ["SC1118", "SC1405"]);
        assert_eq!(found("other"), [""; 0]);
    }

    #[test]
    fn what_stands_beside_a_run_does_not_explain_it() {
        let (place, facts) = (Place::default(), Facts::default());
        let is_explained_by = |code: &str| {
            let mut findings = Findings::of(&place, &facts);
            findings.add(code, "x", []);
            is_explained(&findings)
        };
        for code in ["SC1008", "SC1118", "SC1202", "SC1313", "SC1503"] {
            assert!(!is_explained_by(code), "{code}");
        }
        for code in ["SC1001", "SC1010", "SC1101", "SC1201", "SC1303", "SC1310", "SC1404"] {
            assert!(is_explained_by(code), "{code}");
        }
    }
}
