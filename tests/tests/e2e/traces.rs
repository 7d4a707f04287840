//! What a run leaves to look at, and that no credential is in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::bed::{Bed, Ran};
use crate::kube;

/// Everything that a run says anywhere: Jobs, pods, Events, `sc-status`, logs, and what Helm keeps in words about the release.
pub(crate) fn all(bed: &Bed) -> String {
    let objects = kube::run(&["-n", &bed.system, "get", "jobs,pods,events,configmaps", "-o", "yaml"]);
    let releases = bed.helm.history(&bed.system);
    format!("{}{}{}{releases}", objects.output, objects.errors, logs(bed))
}

/// The same, short enough to be read when a test fails.
pub(crate) fn short(bed: &Bed) -> String {
    let objects = kube::run(&["-n", &bed.system, "get", "jobs,pods"]);
    let status = kube::run(&["-n", &bed.system, "get", "configmap", "sc-status", "-o", "jsonpath={.data}"]);
    let waiting = r#"jsonpath={range .items[*].status.containerStatuses[*].state.waiting}{.reason}: {.message}{"\n"}{end}"#;
    let waiting = kube::run(&["-n", &bed.system, "get", "pods", "-o", waiting]);
    let mend = if waiting.output.contains("Image") { "load it: scripts/cluster load target/image/sc-job-amd64.tar\n" } else { "" };
    [objects.output, waiting.output, mend.to_owned(), status.output, status.errors, "\n".to_owned(), logs(bed)].concat()
}

/// The logs of the pods of `sc-job`.
pub(crate) fn logs(bed: &Bed) -> String {
    let pods = kube::run(&["-n", &bed.system, "get", "pods", "-o", "name"]).output;
    pods.lines().map(|pod| kube::run(&["-n", &bed.system, "logs", pod])).map(|log| log.output + &log.errors).collect()
}

/// The pods of all Jobs of a name, in order.
pub(crate) fn pods(bed: &Bed, job: &str) -> Vec<Value> {
    let is_of_job = |pod: &Value| pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == job;
    kube::list(&bed.system, "pods").into_iter().filter(is_of_job).collect()
}

/// The exit codes of the pods of a Job, in order.
pub(crate) fn exit_codes(bed: &Bed, job: &str) -> Vec<i64> {
    let code = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].as_i64();
    pods(bed, job).iter().filter_map(code).collect()
}

/// The Events on a Job by `sc-job` itself: reason and message.
pub(crate) fn events(bed: &Bed, reason: &str) -> Vec<String> {
    let events = kube::list(&bed.system, "events");
    let own = events.iter().filter(|event| event["source"]["component"] == "sc-job" && event["reason"] == reason);
    own.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// The reason why a Job has failed, if it has.
pub(crate) fn failure_of_job(bed: &Bed, job: &str) -> Option<String> {
    let job = kube::get(&bed.system, "job", job)?;
    let condition = job["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Failed")?.clone();
    Some(condition["reason"].as_str()?.to_owned())
}

/// Panics if a credential, or a recognisable piece of it, is in anything that the run or Helm said.
pub(crate) fn assert_silent(bed: &Bed, ran: &Ran, credential: &str) {
    let all = all(bed);
    assert!(all.contains("name: sc-status") && all.contains("reason: Connections"), "there is something to be silent in: {all}");
    assert_not_said(bed, &[all.as_str(), &ran.answer.output, &ran.answer.errors].concat(), credential);
}

/// Panics if a text contains a credential, a recognisable piece of it, or what a Secret of the release or its connections stores.
pub(crate) fn assert_not_said(bed: &Bed, said: &str, credential: &str) {
    let quoted = Value::from(credential).to_string();
    let pieces = credential.split(' ').filter(|piece| piece.len() > 4).map(str::to_owned);
    let stored = bed.namespaces.iter().chain([&bed.system]).flat_map(|namespace| stored_in(namespace));
    for secret in pieces.chain([credential.to_owned(), quoted, STANDARD.encode(credential)]).chain(stored) {
        assert!(!said.contains(&secret), "a credential is in what was said:\n{said}");
    }
}

/// What Secrets hold, as a manifest would show it. The short ones, such as `env`, could be in a text by chance.
fn stored_in(namespace: &str) -> Vec<String> {
    let secrets = kube::list(namespace, "secrets");
    let data = secrets.iter().filter_map(|secret| secret["data"].as_object()).flat_map(serde_json::Map::values);
    data.filter_map(|value| value.as_str()).filter(|value| value.len() > 20).map(str::to_owned).collect()
}
