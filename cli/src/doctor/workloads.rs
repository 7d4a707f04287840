//! The workloads that use connections: whether their pods start, have the present variables, and are given their identity.

use std::collections::BTreeSet;

use sc_core::names::{begins_as_ours, may_be_ours, normalised, of_connection};
use sc_core::problem::Choice;
use serde_json::{Map, Value, json};

use super::facts::{Facts, Namespace, name_of, time};
use super::templates::{CONTAINERS, Template, Wrong, listed};
use super::{Findings, identities, mounts};
use crate::workload::{Kind, items};

pub(super) fn examine(facts: &Facts, findings: &mut Findings<'_>) {
    for (place, namespace) in facts.present() {
        for pod in namespace.of("pods").iter().filter(|pod| !Template::of(place, Kind::Pod, pod).is_over()) {
            let workload = Workload { place, namespace, pod };
            workload.stale(facts, findings);
            workload.waiting(facts, findings);
            identities::of_pod(&workload, facts, findings);
            mounts::examine(&workload, facts, findings);
        }
        for template in Template::all(place, namespace) {
            identities::of_template(&template, facts, findings);
            refused(&template, namespace, facts, findings);
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

    /// A pod that was started before the Secret of a connection got its present data.
    fn stale(&self, facts: &Facts, findings: &mut Findings<'_>) {
        let Some(started) = self.statuses().filter_map(|status| time(status["state"]["running"]["startedAt"].as_str()?)).min() else { return };
        let (chain, _) = Template::of_pod(self.place, self.namespace, self.pod);
        let is_of = |kind: Kind| chain.iter().any(|template| template.kind == kind);
        if is_of(Kind::CronJob) {
            // The next one has the present variables, and this one may be half-way through its work.
            return;
        }
        let from_start = if is_of(Kind::Job) { " The command starts the Job's work from the beginning." } else { "" };
        let fixed = fixed(self.pod);
        for name in facts.connections_in(self.place).map(|listed| listed.connection.name.secret()).filter(|name| fixed.contains(&**name)) {
            let secret = self.namespace.find("secrets", &name);
            let writes = secret.and_then(|secret| secret["metadata"]["managedFields"].as_array()).into_iter().flatten();
            let changed = writes.filter(|change| change["fieldsV1"]["f:data"].is_object()).filter_map(|change| time(change["time"].as_str()?)).max();
            if changed.is_some_and(|changed| changed > started) {
                let values =
                    [("secret", name), ("pod", name_of(self.pod).to_owned()), ("restart", self.restart(findings)), ("start", from_start.to_owned())];
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
        // The CSI driver makes it, for pods that mount the class.
        let is_synced = |name: &str| here().any(|listed| listed.connection.sync_secret.as_deref() == Some(name));
        let pod = name_of(self.pod).to_owned();
        // `couldn't find key KEY in Secret NAMESPACE/NAME`
        if let Some((key, secret)) = message.strip_prefix("couldn't find key ").and_then(|rest| rest.split_once(" in Secret ")) {
            let secret = secret.rsplit('/').next().unwrap_or_default();
            // What others put into a Secret of theirs is no matter here.
            let Some(connection) = here().find(|listed| listed.connection.name.secret() == secret) else { return };
            let keys = connection.connection.keys();
            let choice = Choice::of(key, keys.iter().map(AsRef::as_ref));
            let right = choice.nearest();
            let Some(repair) = self.repair(findings, &Wrong { field: "key", is: (secret, key), right }) else { return };
            findings.add("SC1506", self.object(), [("pod", pod), ("message", message.to_owned()), ("near", near(right)), ("repair", repair)]);
        } else if let Some(name) = message.split('"').nth(1).filter(|name| message.ends_with("not found") && !given.iter().any(|known| known == name))
        {
            if is_synced(name) {
                return;
            }
            let near_ones = || given.iter().map(String::as_str).filter(|known| may_be_ours(name) || normalised(name).contains(of_connection(known)));
            let choice = if may_be_ours(name) { Choice::of_objects(name, near_ones()) } else { Choice::of(name, near_ones()) };
            let right = choice.nearest();
            if may_be_ours(name) || right.is_some() {
                let Some(repair) = self.repair(findings, &Wrong { field: "name", is: (name, ""), right }) else { return };
                findings.add("SC1505", self.object(), [("pod", pod), ("secret", name.to_owned()), ("near", near(right)), ("repair", repair)]);
            }
        }
    }

    /// The command that has its pods made anew.
    pub(super) fn restart(&self, findings: &Findings<'_>) -> String {
        let (chain, _) = Template::of_pod(self.place, self.namespace, self.pod);
        chain.iter().rev().find_map(|template| template.restarted(findings)).unwrap_or_default()
    }

    /// The command for a workload that cannot start: it puts the right word in the place of the wrong one, or has it run no pods. Where neither can
    /// be, only whoever wrote it knows what it should say; and nothing is to be done about what its owner replaces anyhow.
    pub(super) fn repair(&self, findings: &Findings<'_>, wrong: &Wrong<'_>) -> Option<String> {
        let (chain, _) = Template::of_pod(self.place, self.namespace, self.pod);
        if chain.last().is_some_and(|template| template.kind == Kind::Deployment && !wrong.is_in(template.pods())) {
            return None;
        }
        Some(self.mended(findings, |template| match wrong.patch(template.pods()) {
            Some(patch) => template.patched(findings, patch),
            None if !wrong.is_in(template.pods()) => template.rid_of_made(findings),
            None => {
                let is_there = |name: &&str| !may_be_ours(name) || self.namespace.find("secrets", name).is_some();
                let is_better = |earlier: &Value| !wrong.is_in(earlier) && used(earlier).iter().all(is_there);
                template.stopped(findings, template.earlier(self.namespace).is_some_and(is_better))
            }
        }))
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

/// The Secrets, classes and ServiceAccount that pods use, whatever for.
pub(super) fn used(pods: &Value) -> BTreeSet<&str> {
    let csi = items(&pods["spec"]["volumes"])
        .flat_map(|volume| [&volume["csi"]["volumeAttributes"]["secretProviderClass"], &volume["csi"]["nodePublishSecretRef"]["name"]]);
    let named = csi.chain([&pods["spec"]["serviceAccountName"]]).filter_map(Value::as_str);
    let mounted = items(&pods["spec"]["volumes"]).flat_map(mounted);
    named.chain(mounted).chain(variables(pods)).collect()
}

/// The Secrets that a pod has as they were when it was started: in variables, and in files that are mounted by `subPath`. The kubelet renews all others.
fn fixed(pod: &Value) -> BTreeSet<&str> {
    let containers = CONTAINERS.into_iter().flat_map(|list| items(&pod["spec"][list]));
    let parts = containers.flat_map(|container| items(&container["volumeMounts"])).filter(|mount| is_part(mount));
    let volumes = parts.flat_map(|mount| items(&pod["spec"]["volumes"]).filter(|volume| volume["name"] == mount["name"]));
    volumes.flat_map(mounted).chain(variables(pod)).collect()
}

/// Whether a volume is mounted in part.
fn is_part(mount: &Value) -> bool {
    ["subPath", "subPathExpr"].iter().any(|field| mount[*field].as_str().is_some_and(|path| !path.is_empty()))
}

/// The Secrets in the variables of pods.
fn variables(pods: &Value) -> impl Iterator<Item = &str> {
    let containers = CONTAINERS.into_iter().flat_map(|list| items(&pods["spec"][list]));
    let names = containers.flat_map(|container| {
        let whole = items(&container["envFrom"]).map(|source| &source["secretRef"]["name"]);
        whole.chain(items(&container["env"]).map(|one| &one["valueFrom"]["secretKeyRef"]["name"]))
    });
    names.filter_map(Value::as_str)
}

/// The Secrets in a volume.
fn mounted(volume: &Value) -> impl Iterator<Item = &str> {
    let projected = items(&volume["projected"]["sources"]).map(|source| &source["secret"]["name"]);
    projected.chain([&volume["secret"]["secretName"]]).filter_map(Value::as_str)
}

/// What was probably meant; or what becomes of a workload of which nobody knows what it should say.
fn near(right: Option<&str>) -> String {
    right.map_or_else(
        || "; nothing here is like it, so the command takes the workload back to what it said before, or stops it".to_owned(),
        |right| format!(": `{right}` was probably meant"),
    )
}

/// A workload whose pods are refused when they are made: by Pod Security, or for want of its ServiceAccount.
fn refused(template: &Template<'_>, namespace: &Namespace, facts: &Facts, findings: &mut Findings<'_>) {
    let said = |maker: &Value| {
        let of_maker = |event: &&Value| event["reason"] == "FailedCreate" && event["involvedObject"]["uid"] == maker["metadata"]["uid"];
        let last = namespace.of("events").iter().filter(of_maker).max_by_key(|event| event["lastTimestamp"].as_str());
        last.and_then(|event| event["message"].as_str())
    };
    let mut makers = template.makers(namespace).into_iter().filter(|(_, maker)| lacks_pods(maker));
    let Some((template, message)) = makers.find_map(|(template, maker)| Some((template, said(maker)?))) else { return };
    let pods = template.pods();
    let account = pods["spec"]["serviceAccountName"].as_str().unwrap_or_default();
    if message.contains("violates PodSecurity") && used(pods).into_iter().any(may_be_ours) {
        let repair = if asks_for_node(pods) { template.edited(findings) } else { template.patched(findings, restricted(pods)) };
        findings.add("SC1508", template.object(), [("message", message.to_owned()), ("repair", repair)]);
    } else if message.contains(&format!("serviceaccount \"{account}\" not found")) && begins_as_ours(account) {
        let known: Vec<String> =
            facts.connections_in(template.place).filter_map(|listed| Some(listed.connection.federated()?.client_id.service_account())).collect();
        if known.iter().any(|known| known == account) {
            return;
        }
        let choice = Choice::of_objects(account, known.iter().map(String::as_str));
        let repair = match choice.nearest() {
            Some(right) => template.patched(findings, json!({"spec": {"serviceAccountName": right}})),
            None => template.stopped(findings, false),
        };
        findings.add("SC1524", template.object(), [("account", account.to_owned()), ("near", near(choice.nearest())), ("repair", repair)]);
    }
}

/// Whether pods want what is the node's, which no setting of their containers makes good.
fn asks_for_node(pods: &Value) -> bool {
    let spec = &pods["spec"];
    let is_hosts = |volume: &Value| volume["hostPath"].is_object();
    let has_host_port = |container: &Value| items(&container["ports"]).any(|port| port["hostPort"].as_u64().is_some_and(|port| port > 0));
    let containers = CONTAINERS.into_iter().flat_map(|list| items(&spec[list]));
    ["hostNetwork", "hostPID", "hostIPC"].iter().any(|field| spec[*field] == true)
        || items(&spec["volumes"]).any(is_hosts)
        || containers.into_iter().any(has_host_port)
}

/// The strategic merge patch by which pods keep to the Pod Security Standard `restricted`, whatever their containers said of it.
fn restricted(pods: &Value) -> Value {
    let container = |container: &Value| {
        let mut security = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        let own = &container["securityContext"];
        for (field, is_against) in [
            ("privileged", own["privileged"] == true),
            ("runAsUser", own["runAsUser"] == 0),
            ("runAsNonRoot", own["runAsNonRoot"] == false),
            ("seccompProfile", own["seccompProfile"]["type"] == "Unconfined"),
        ] {
            if is_against {
                security[field] = Value::Null;
            }
        }
        if own["capabilities"]["add"].is_array() {
            security["capabilities"]["add"] = Value::Null;
        }
        json!({"name": container["name"], "securityContext": security})
    };
    let security = json!({"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}});
    let mut spec: Map<String, Value> = CONTAINERS.into_iter().filter_map(|list| listed(list, items(&pods["spec"][list]).map(container))).collect();
    spec.insert("securityContext".into(), security);
    json!({"spec": spec})
}

/// Whether what makes pods has fewer than it wants: ReplicaSets, StatefulSets and DaemonSets count those that are ready, Jobs those that run.
fn lacks_pods(maker: &Value) -> bool {
    let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| maker.pointer(pointer)?.as_u64());
    let wanted = first(&["/spec/replicas", "/status/desiredNumberScheduled"]).unwrap_or(1);
    let there = first(&["/status/readyReplicas", "/status/numberReady", "/status/active"]).unwrap_or(0);
    there < wanted && !crate::run::has_ended(maker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_and_files_by_sub_path_stay_as_they_were() {
        let volume = |name: &str, secret: &str| json!({"name": name, "secret": {"secretName": secret}});
        let projected = json!({"name": "projected", "projected": {"sources": [{"secret": {"name": "sc-projected-secret"}}]}});
        let container = json!({
            "envFrom": [{"secretRef": {"name": "sc-whole-secret"}}],
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "sc-one-secret", "key": "A"}}}],
            "volumeMounts": [{"name": "whole"}, {"name": "part", "subPath": "A"}, {"name": "projected", "subPathExpr": "$(A)"}],
        });
        let volumes = [volume("whole", "sc-renewed-secret"), volume("part", "sc-part-secret"), projected];
        let pod = json!({"spec": {"containers": [container], "volumes": volumes, "serviceAccountName": "own"}});
        let stay = ["sc-one-secret", "sc-part-secret", "sc-projected-secret", "sc-whole-secret"];
        assert_eq!(fixed(&pod), BTreeSet::from(stay));
        assert_eq!(used(&pod), BTreeSet::from(stay).into_iter().chain(["sc-renewed-secret", "own"]).collect());
    }

    #[tokio::test]
    async fn only_secrets_of_connections_make_a_pod_stale() {
        let place = crate::place::Place::default();
        let values = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../values/postgres-flexible.secret.yaml");
        let listing = crate::listing::Listing::of(Some(&values), &place).await.ok();
        let changed = json!([{"fieldsV1": {"f:data": {}}, "time": "2026-01-02T00:00:00Z"}]);
        let secret = |name: &str| json!({"metadata": {"name": name, "managedFields": changed}});
        let namespace = Namespace::with([("secrets", ["sc-orders-secret", "sc-foreign-secret"].map(secret).to_vec())].into());
        let facts = Facts { listing, ..Facts::default() };
        let of_pod = |spec: Value| {
            let status = json!({"containerStatuses": [{"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]});
            let pod = json!({"metadata": {"name": "web"}, "spec": spec, "status": status});
            let mut findings = Findings::of(&place, &facts);
            Workload { place: "shop", namespace: &namespace, pod: &pod }.stale(&facts, &mut findings);
            findings.all.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        let variables = |secret: &str| json!({"containers": [{"envFrom": [{"secretRef": {"name": secret}}]}]});
        assert_eq!(of_pod(variables("sc-orders-secret")), ["SC1501"]);
        assert_eq!(of_pod(variables("sc-foreign-secret")), [""; 0], "no connection gives it");
        assert_eq!(of_pod(json!({"volumes": [{"name": "v", "secret": {"secretName": "sc-orders-secret"}}]})), [""; 0], "the kubelet renews it");
    }
}
