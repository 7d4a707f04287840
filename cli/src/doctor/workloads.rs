//! The workloads that use connections: whether their pods start, have the present variables, and are given their identity.

use jiff::Timestamp;
use sc_core::problem::Choice;
use serde_json::{Value, json};

use super::facts::{Facts, Namespace, name_of};
use super::templates::{CONTAINERS, Template, Wrong};
use super::{Findings, identities, mounts};
use crate::workload::{Kind, items};

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    for (place, namespace) in facts.present() {
        for pod in namespace.of("pods").iter().filter(|pod| !Template::of(place, Kind::Pod, pod).is_over()) {
            let workload = Workload { place, namespace, pod };
            workload.stale(findings);
            workload.waiting(facts, findings);
            identities::of_pod(&workload, facts, findings);
            mounts::examine(&workload, facts, findings);
        }
        for template in Template::all(place, namespace) {
            identities::of_template(&template, facts, findings);
            insecure(&template, namespace, findings);
        }
    }
}

/// A pod, and where it is.
pub(super) struct Workload<'a> {
    pub(super) place: &'a str,
    pub(super) namespace: &'a Namespace,
    pub(super) pod: &'a Value,
}

impl<'a> Workload<'a> {
    pub(super) fn object(&self) -> String {
        format!("pod {}/{}", self.place, name_of(self.pod))
    }

    /// How its containers are, the initial ones first.
    fn statuses(&self) -> impl Iterator<Item = &Value> {
        ["initContainerStatuses", "containerStatuses"].into_iter().flat_map(|list| items(&self.pod["status"][list]))
    }

    /// A pod that was started before its Secret got its present data.
    fn stale(&self, findings: &mut Findings<'_>) {
        let Some(started) = self.statuses().filter_map(|status| time(&status["state"]["running"]["startedAt"])).min() else { return };
        for name in secrets(self.pod) {
            let secret = self.namespace.of("secrets").iter().find(|secret| name_of(secret) == name);
            let writes = secret.and_then(|secret| secret["metadata"]["managedFields"].as_array()).into_iter().flatten();
            let changed = writes.filter(|change| change["fieldsV1"]["f:data"].is_object()).filter_map(|change| time(&change["time"])).max();
            if changed.is_some_and(|changed| changed > started) {
                let values = [("secret", name.to_owned()), ("pod", name_of(self.pod).to_owned()), ("restart", self.restart(findings))];
                findings.add("SC1501", self.object(), values);
            }
        }
    }

    /// A pod whose container waits for a Secret or a key that is not there.
    fn waiting(&self, facts: &Facts, findings: &mut Findings<'_>) {
        let mut waiting = self.statuses().map(|status| &status["state"]["waiting"]);
        let Some(waiting) = waiting.find(|waiting| waiting["reason"] == "CreateContainerConfigError") else { return };
        let message = waiting["message"].as_str().unwrap_or_default();
        let here = || facts.connections_in(self.place);
        let given: Vec<String> = here().map(|listed| listed.connection.name.secret()).collect();
        let pod = name_of(self.pod).to_owned();
        // `couldn't find key KEY in Secret NAMESPACE/NAME`
        if let Some((key, secret)) = message.strip_prefix("couldn't find key ").and_then(|rest| rest.split_once(" in Secret ")) {
            let secret = secret.rsplit('/').next().unwrap_or_default();
            let connection = here().find(|listed| listed.connection.name.secret() == secret);
            let keys = connection.map(|listed| listed.connection.keys()).unwrap_or_default();
            let choice = Choice::of(key, keys.iter().map(AsRef::as_ref));
            let right = choice.nearest();
            let repair = self.repair(findings, &Wrong { field: "key", is: (secret, key), right });
            findings.add("SC1506", self.object(), [("pod", pod), ("message", message.to_owned()), ("near", near(right)), ("repair", repair)]);
        } else if let Some(name) = secrets(self.pod).find(|name| message.contains(*name) && !given.iter().any(|known| known == name)) {
            let choice = Choice::of_objects(name, given.iter().map(String::as_str));
            let right = choice.nearest();
            let repair = self.repair(findings, &Wrong { field: "name", is: (name, ""), right });
            findings.add("SC1505", self.object(), [("pod", pod), ("secret", name.to_owned()), ("near", near(right)), ("repair", repair)]);
        }
    }

    /// The command that has its pods made anew.
    pub(super) fn restart(&self, findings: &Findings<'_>) -> String {
        let (chain, _) = Template::of_pod(self.place, self.namespace, self.pod);
        chain.iter().rev().find_map(|template| template.restarted(findings)).unwrap_or_default()
    }

    /// The command for a workload that cannot start: it puts the right word in the place of the wrong one, or has it run no pods. Where neither can
    /// be, only whoever wrote it knows what it should say.
    pub(super) fn repair(&self, findings: &Findings<'_>, wrong: &Wrong<'_>) -> String {
        self.mended(findings, |template| match wrong.patch(template.pods()) {
            Some(patch) => template.patched(findings, patch),
            // The pod is from an earlier template.
            None if !wrong.is_in(template.pods()) => self.restart(findings),
            None => template.stopped(findings, template.earlier(self.namespace).is_some_and(|earlier| !wrong.is_in(earlier))),
        })
    }

    /// The command that puts a strategic merge patch into its template.
    pub(super) fn patched(&self, findings: &Findings<'_>, patch: Value) -> String {
        self.mended(findings, |template| template.patched(findings, patch))
    }

    fn mended(&self, findings: &Findings<'_>, command: impl FnOnce(&Template<'a>) -> String) -> String {
        match Template::of_pod(self.place, self.namespace, self.pod) {
            (_, Some(maker)) => format!("{} -n {} edit {maker}", findings.place.command("kubectl"), self.place),
            (chain, None) => chain.last().map(command).unwrap_or_default(),
        }
    }
}

/// The Secrets of connections that the containers of a pod, or of the template of one, take variables from.
pub(super) fn secrets(pod: &Value) -> impl Iterator<Item = &str> {
    let containers = CONTAINERS.into_iter().flat_map(|list| items(&pod["spec"][list]));
    let sources = containers.flat_map(|container| {
        let whole = items(&container["envFrom"]).filter_map(|source| source["secretRef"]["name"].as_str());
        whole.chain(items(&container["env"]).filter_map(|one| one["valueFrom"]["secretKeyRef"]["name"].as_str()))
    });
    sources.filter(|name| sc_core::names::is_ours(name))
}

fn near(right: Option<&str>) -> String {
    right.map_or_else(String::new, |right| format!("; did it mean `{right}`?"))
}

/// A workload that uses a connection and whose pods Pod Security refuses.
fn insecure(template: &Template<'_>, namespace: &Namespace, findings: &mut Findings<'_>) {
    if secrets(template.pods()).next().is_none() {
        return;
    }
    let is_refusal = |event: &&Value, maker: &Value| {
        event["reason"] == "FailedCreate"
            && event["involvedObject"]["uid"] == maker["metadata"]["uid"]
            && event["message"].as_str().is_some_and(|message| message.contains("violates PodSecurity"))
    };
    let refusal = |(template, maker)| Some((template, namespace.of("events").iter().find(|event| is_refusal(event, maker))?));
    let refused = template.makers(namespace).into_iter().filter(|(_, maker)| lacks_pods(maker)).find_map(refusal);
    if let Some((template, event)) = refused {
        let container = |container: &Value| {
            let security = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
            json!({"name": container["name"], "securityContext": security})
        };
        let security = json!({"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}});
        let containers: Vec<Value> = items(&template.pods()["spec"]["containers"]).map(container).collect();
        let repair = template.patched(findings, json!({"spec": {"securityContext": security, "containers": containers}}));
        findings.add("SC1508", template.object(), [("message", event["message"].as_str().unwrap_or_default().to_owned()), ("repair", repair)]);
    }
}

/// Whether what makes pods has fewer than it wants: ReplicaSets, StatefulSets and DaemonSets count those that are ready, Jobs those that run.
fn lacks_pods(maker: &Value) -> bool {
    let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| maker.pointer(pointer)?.as_u64());
    let wanted = first(&["/spec/replicas", "/status/desiredNumberScheduled"]).unwrap_or(1);
    let there = first(&["/status/readyReplicas", "/status/numberReady", "/status/active"]).unwrap_or(0);
    there < wanted && !crate::run::has_ended(maker)
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
