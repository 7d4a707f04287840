//! The workloads that use connections: whether their pods start, have the present variables, and are given their identity.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::facts::{Facts, Namespace, name_of};
use super::{Findings, identities, mounts};
use crate::workload::items;

/// The kinds whose pods are made from a template that may change.
const KINDS: [(&str, &str); 3] = [("deployments", "deployment"), ("statefulsets", "statefulset"), ("daemonsets", "daemonset")];

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    for (place, namespace) in facts.present() {
        for pod in namespace.of("pods").iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()) {
            let workload = Workload { place, namespace, pod };
            workload.stale(findings);
            workload.waiting(facts, findings);
            identities::of_pod(&workload, facts, findings);
            mounts::examine(&workload, facts, findings);
        }
        for (plural, kind) in KINDS {
            for workload in namespace.of(plural) {
                identities::of_template(&Template { place, kind, workload }, facts, findings);
                insecure((place, kind, namespace), workload, findings);
            }
        }
    }
}

/// A pod, and where it is.
pub(super) struct Workload<'a> {
    pub(super) place: &'a str,
    pub(super) namespace: &'a Namespace,
    pub(super) pod: &'a Value,
}

/// A workload whose pods are made from a template.
pub(super) struct Template<'a> {
    pub(super) place: &'a str,
    /// Its kind, as kubectl takes it.
    pub(super) kind: &'a str,
    pub(super) workload: &'a Value,
}

impl Workload<'_> {
    pub(super) fn object(&self) -> String {
        format!("pod {}/{}", self.place, name_of(self.pod))
    }

    /// How its containers are, the initial ones first.
    fn statuses(&self) -> impl Iterator<Item = &Value> {
        ["initContainerStatuses", "containerStatuses"].into_iter().flat_map(|list| items(&self.pod["status"][list]))
    }

    /// The Secrets of connections that its containers take variables from.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let containers = ["initContainers", "containers"].into_iter().flat_map(|list| items(&self.pod["spec"][list]));
        let sources = containers.flat_map(|container| {
            let whole = container["envFrom"].as_array().into_iter().flatten().filter_map(|source| source["secretRef"]["name"].as_str());
            let single = container["env"].as_array().into_iter().flatten().filter_map(|one| one["valueFrom"]["secretKeyRef"]["name"].as_str());
            whole.chain(single)
        });
        sources.filter(|name| sc_core::names::is_ours(name))
    }

    /// A pod that was started before its Secret got its present data.
    fn stale(&self, findings: &mut Findings<'_>) {
        let Some(started) = self.statuses().filter_map(|status| time(&status["state"]["running"]["startedAt"])).min() else { return };
        for name in self.secrets() {
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
        let secrets: Vec<String> = here().map(|listed| listed.connection.name.secret()).collect();
        let pod = name_of(self.pod).to_owned();
        // `couldn't find key KEY in Secret NAMESPACE/NAME`
        if let Some((key, secret)) = message.strip_prefix("couldn't find key ").and_then(|rest| rest.split_once(" in Secret ")) {
            let secret = secret.rsplit('/').next().unwrap_or_default();
            let connection = here().find(|listed| listed.connection.name.secret() == secret);
            let keys = connection.map(|listed| listed.connection.keys()).unwrap_or_default();
            let right = nearest(key, keys.iter().map(AsRef::as_ref));
            let repair = self.repair(findings, &Wrong { field: "key", is: (secret, key), right: right.as_deref() });
            findings.add(
                "SC1506",
                self.object(),
                [("pod", pod), ("message", message.to_owned()), ("near", near(right.as_deref())), ("repair", repair)],
            );
        } else if let Some(name) = self.secrets().find(|name| message.contains(*name) && !secrets.iter().any(|known| known == name)) {
            let right = nearest(name, secrets.iter().map(String::as_str));
            let repair = self.repair(findings, &Wrong { field: "name", is: (name, ""), right: right.as_deref() });
            findings.add("SC1505", self.object(), [("pod", pod), ("secret", name.to_owned()), ("near", near(right.as_deref())), ("repair", repair)]);
        }
    }

    /// The command that has its pods made anew.
    pub(super) fn restart(&self, findings: &Findings<'_>) -> String {
        let kubectl = findings.place.command("kubectl");
        let place = self.place;
        match self.owner() {
            Some((kind, name)) if ["deployment", "statefulset", "daemonset"].contains(&kind.as_str()) => {
                let target = format!("{kind}/{name}");
                format!("{kubectl} -n {place} rollout restart {target} && {kubectl} -n {place} rollout status {target} --timeout=120s")
            }
            _ => format!("{kubectl} -n {place} delete pod {}", name_of(self.pod)),
        }
    }

    /// The command for a workload that cannot start: it puts the right word in the place of the wrong one, or goes back to what the workload said
    /// before. Where neither can be, only whoever wrote it knows what it should say.
    pub(super) fn repair(&self, findings: &Findings<'_>, wrong: &Wrong<'_>) -> String {
        let kubectl = format!("{} -n {}", findings.place.command("kubectl"), self.place);
        let Some((kind, name)) = self.owner() else {
            // A pod cannot be changed: what it was is kept for whoever writes it anew.
            let name = name_of(self.pod);
            return format!("(umask 077; {kubectl} get pod {name} -o yaml > {}-{name}.yaml) && {kubectl} delete pod {name}", self.place);
        };
        let live =
            KINDS.iter().find(|(_, one)| *one == kind).and_then(|(plural, _)| self.namespace.of(plural).iter().find(|live| name_of(live) == name));
        let Some(live) = live else { return format!("{kubectl} edit {kind} {name}") };
        let patch = wrong.patch(&live["spec"]["template"]);
        if !patch.is_empty() {
            format!("{kubectl} patch {kind} {name} --type=json -p '{}'", Value::Array(patch))
        } else if had_another_template(live) {
            format!("{kubectl} rollout undo {kind}/{name}")
        } else if kind == "daemonset" {
            format!("{kubectl} edit {kind} {name}")
        } else {
            format!("{kubectl} scale {kind}/{name} --replicas=0")
        }
    }

    /// The command that has its pods run as a ServiceAccount.
    pub(super) fn run_as(&self, findings: &Findings<'_>, account: &str) -> String {
        let kubectl = format!("{} -n {}", findings.place.command("kubectl"), self.place);
        let patch = json!({"spec": {"template": {"spec": {"serviceAccountName": account}}}});
        match self.owner().filter(|(kind, _)| KINDS.iter().any(|(_, known)| known == kind)) {
            Some((kind, name)) => format!("{kubectl} patch {kind} {name} --type=merge -p '{patch}'"),
            None => self.repair(findings, &Wrong { field: "name", is: ("", ""), right: None }),
        }
    }

    /// What its template stands in.
    fn owner(&self) -> Option<(String, String)> {
        let (kind, name) = owner_of(self.pod)?;
        if kind == "replicaset"
            && let Some(set) = self.namespace.of("replicasets").iter().find(|set| name_of(set) == name)
        {
            return owner_of(set).or(Some((kind, name)));
        }
        Some((kind, name))
    }
}

/// Whether there is something to go back to.
fn had_another_template(live: &Value) -> bool {
    let number = |annotation: &str| live["metadata"]["annotations"][annotation].as_str().and_then(|text| text.parse::<u64>().ok());
    let revisions = ["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"].map(number);
    revisions.into_iter().flatten().any(|revision| revision > 1) || live["status"]["currentRevision"] != live["status"]["updateRevision"]
}

/// A word in a pod template that names what is not there.
pub(super) struct Wrong<'a> {
    /// The field that it is in: `name` of a Secret, `key` of one, or `secretProviderClass`.
    pub(super) field: &'static str,
    /// The Secret or class, and the key, that are named.
    pub(super) is: (&'a str, &'a str),
    /// What was probably meant.
    pub(super) right: Option<&'a str>,
}

impl Wrong<'_> {
    /// The operations of a JSON patch that put the right word in its place, wherever the template has it.
    fn patch(&self, template: &Value) -> Vec<Value> {
        let Some(right) = self.right else { return Vec::new() };
        if self.field == "secretProviderClass" {
            let is_it = |(_, volume): &(usize, &Value)| volume["csi"]["volumeAttributes"][self.field] == self.is.0;
            let path = |index: usize| format!("/spec/template/spec/volumes/{index}/csi/volumeAttributes/{}", self.field);
            let wrong = items(&template["spec"]["volumes"]).enumerate().filter(is_it);
            return wrong.map(|(index, _)| json!({"op": "replace", "path": path(index), "value": right})).collect();
        }
        let lists = [("env", "/valueFrom/secretKeyRef"), ("envFrom", "/secretRef")];
        let mut operations = Vec::new();
        for (containers, (list, reference)) in ["containers", "initContainers"].into_iter().flat_map(|one| lists.map(|list| (one, list))) {
            for (number, container) in items(&template["spec"][containers]).enumerate() {
                let wrong = items(&container[list]).enumerate().filter(|(_, entry)| self.is_in(entry.pointer(reference)));
                operations.extend(wrong.map(|(index, _)| {
                    let path = format!("/spec/template/spec/{containers}/{number}/{list}/{index}{reference}/{}", self.field);
                    json!({"op": "replace", "path": path, "value": right})
                }));
            }
        }
        operations
    }

    fn is_in(&self, reference: Option<&Value>) -> bool {
        let (secret, key) = self.is;
        reference.is_some_and(|reference| reference["name"] == secret && (self.field == "name" || reference["key"] == key))
    }
}

fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    sc_core::problem::Choice::of(wrong, known).nearest().map(str::to_owned)
}

fn near(right: Option<&str>) -> String {
    right.map_or_else(String::new, |right| format!("; did it mean `{right}`?"))
}

fn owner_of(object: &Value) -> Option<(String, String)> {
    let owner = &object["metadata"]["ownerReferences"][0];
    Some((owner["kind"].as_str()?.to_lowercase(), owner["name"].as_str()?.to_owned()))
}

/// A workload that uses a connection and whose pods Pod Security refuses.
fn insecure((place, kind, namespace): (&str, &str, &Namespace), workload: &Value, findings: &mut Findings<'_>) {
    let pods = Workload { place, namespace, pod: &workload["spec"]["template"] };
    if pods.secrets().next().is_none() {
        return;
    }
    let is_own = |set: &&Value| owner_of(set).is_some_and(|(_, owner)| owner == name_of(workload));
    let sets = namespace.of("replicasets").iter().filter(is_own).chain([workload]);
    let makers: Vec<&Value> = sets.map(|maker| &maker["metadata"]["uid"]).collect();
    let is_refusal = |event: &&Value| {
        event["reason"] == "FailedCreate"
            && makers.contains(&&event["involvedObject"]["uid"])
            && event["message"].as_str().is_some_and(|message| message.contains("violates PodSecurity"))
    };
    let missing = workload["status"]["readyReplicas"].as_u64().unwrap_or_default() < workload["spec"]["replicas"].as_u64().unwrap_or(1);
    if let Some(event) = namespace.of("events").iter().find(is_refusal).filter(|_| missing) {
        let container = |name: &str| json!({"name": name, "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}});
        let names = pods.pod["spec"]["containers"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
        let security = json!({"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}});
        let patch = json!({"spec": {"template": {"spec": {"securityContext": security, "containers": names.map(container).collect::<Vec<_>>()}}}});
        let values = [
            ("where", place.to_owned()),
            ("kind", kind.to_owned()),
            ("name", name_of(workload).to_owned()),
            ("message", event["message"].as_str().unwrap_or_default().to_owned()),
            ("patch", patch.to_string()),
        ];
        findings.add("SC1508", format!("{kind} {place}/{}", name_of(workload)), values);
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
