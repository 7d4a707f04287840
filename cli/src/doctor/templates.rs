//! What the template of pods stands in, and the commands that change it: in place where Kubernetes lets it, else by making it anew.

use serde_json::{Map, Value, json};

use super::Findings;
use super::facts::{Namespace, name_of};
use crate::place::quoted;
pub(super) use crate::workload::CONTAINERS;
use crate::workload::{Kind, items, merged, nested};

/// What the API server gave to each object, and to a pod.
const GIVEN: &str = r#"{"metadata": {"uid": null, "resourceVersion": null}}"#;
const GIVEN_TO_POD: &str = r#"{"spec": {"nodeName": null}}"#;
/// What it gave to a Job whose selector it makes: a new one gets its own.
const GIVEN_TO_JOB: &str = r#"{"spec": {"selector": null, "template": {"metadata": {"labels": {
    "controller-uid": null, "batch.kubernetes.io/controller-uid": null, "job-name": null, "batch.kubernetes.io/job-name": null
}}}}}"#;
/// The end of a name under which something is tried that is not made.
const TRIAL: &str = "-trial";
/// The longest name of a Job, by which its pods are labelled.
const LONGEST_NAME: usize = 63;
/// The annotation by which a Deployment numbers its templates (Kubernetes, `pkg/controller/deployment/util`).
const REVISION: &str = "deployment.kubernetes.io/revision";

/// A workload that pods are made from; a pod that nothing has made is one itself.
pub(super) struct Template<'a> {
    pub(super) place: &'a str,
    pub(super) kind: Kind,
    pub(super) live: &'a Value,
    /// What it has made, and may leave as it is though its template has changed: `pod web-0`.
    made: Option<String>,
}

impl<'a> Template<'a> {
    pub(super) fn of(place: &'a str, kind: Kind, live: &'a Value) -> Self {
        Self { place, kind, live, made: None }
    }

    /// Those of a namespace that are still at work and that nothing makes anew.
    pub(super) fn all(place: &'a str, namespace: &'a Namespace) -> impl Iterator<Item = Self> {
        let each = Kind::ALL.into_iter().flat_map(move |kind| namespace.of(kind.plural()).iter().map(move |live| Self::of(place, kind, live)));
        let is_outermost =
            |template: &Self| owner_of(template.live).is_none_or(|(owner, _)| template.is_changed_alone() && Kind::named(owner).is_none());
        each.filter(move |template| is_outermost(template) && !template.is_over())
    }

    /// What a pod was made from, from the pod on; or what kubectl calls its maker, if that is of a kind that is not known here.
    pub(super) fn of_pod(place: &'a str, namespace: &'a Namespace, pod: &'a Value) -> (Vec<Self>, Option<String>) {
        let mut found = vec![Self::of(place, Kind::Pod, pod)];
        while let Some(last) = found.last()
            && let Some((owner, name)) = owner_of(last.live)
        {
            let above = Kind::named(owner).and_then(|kind| Some(Self::of(place, kind, namespace.find(kind.plural(), name)?)));
            let Some(above) = above else {
                // Whoever made a workload of its own does not mind that its template is changed; what makes pods would undo it. What it is called,
                // nobody checks.
                let unknown = (!last.is_changed_alone()).then(|| [owner.to_lowercase().as_str(), name].map(quoted).join(" "));
                return (found, unknown);
            };
            let made = Some(last.target());
            found.push(Self { made, ..above });
        }
        (found, None)
    }

    /// Whether a change of it holds, though something else has made it.
    fn is_changed_alone(&self) -> bool {
        !matches!(self.kind, Kind::Pod | Kind::ReplicaSet)
    }

    /// What makes its pods, itself or what it has made for that; each with this workload, which then knows what it has made.
    pub(super) fn makers(&self, namespace: &'a Namespace) -> Vec<(Self, &'a Value)> {
        let mut makers = vec![(Self { made: None, ..*self }, self.live)];
        for kind in [Kind::ReplicaSet, Kind::Job] {
            let own = namespace.of(kind.plural()).iter().filter(|other| owner_of(other) == Some((self.kind.name(), name_of(self.live))));
            makers.extend(own.map(|live| (Self { made: Some(Self::of(self.place, kind, live).target()), ..*self }, live)));
        }
        makers
    }

    /// The template that a Deployment had before, as its ReplicaSets keep it: what `rollout undo` goes back to.
    pub(super) fn earlier(&self, namespace: &'a Namespace) -> Option<&'a Value> {
        let revision = |object: &Value| object["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse::<u64>().ok());
        let sets = self.makers(namespace).into_iter().map(|(_, maker)| maker).filter(|maker| revision(maker) < revision(self.live));
        sets.max_by_key(|set| revision(set)).map(|set| &set["spec"]["template"])
    }

    /// Its template.
    pub(super) fn pods(&self) -> &'a Value {
        self.live.pointer(self.kind.template()).unwrap_or(&Value::Null)
    }

    pub(super) fn object(&self) -> String {
        format!("{} {}/{}", self.kind.singular(), self.place, name_of(self.live))
    }

    /// As kubectl takes it.
    fn target(&self) -> String {
        format!("{} {}", self.kind.singular(), name_of(self.live))
    }

    /// Whether it runs no more, and will not again.
    pub(super) fn is_over(&self) -> bool {
        let is_done = match self.kind {
            Kind::Job => crate::run::has_ended(self.live),
            Kind::Pod => ["Succeeded", "Failed"].iter().any(|phase| self.live["status"]["phase"] == *phase),
            _ => false,
        };
        is_done || self.live["metadata"]["deletionTimestamp"].is_string()
    }

    fn kubectl(&self, findings: &Findings<'_>) -> String {
        format!("{} -n {}", findings.place.command("kubectl"), self.place)
    }

    /// The command that puts a strategic merge patch into its template, and has its pods follow.
    pub(super) fn patched(&self, findings: &Findings<'_>, patch: Value) -> String {
        if !self.kind.may_change() {
            return self.anew(findings, patch);
        }
        let (kubectl, target) = (self.kubectl(findings), self.target());
        let patch = quoted(&nested(self.kind.template(), patch).to_string());
        format!("{kubectl} patch {target} -p {patch}{}", self.without_made(findings))
    }

    /// The command that makes it anew, with a strategic merge patch in its template: not before the API server says, of one under another name, that
    /// it would take it. Until it is there again a file has it.
    pub(super) fn anew(&self, findings: &Findings<'_>, patch: Value) -> String {
        let (kubectl, target, file) = (self.kubectl(findings), self.target(), self.file());
        let given = match self.kind {
            Kind::Pod => GIVEN_TO_POD,
            Kind::Job if self.live["spec"]["manualSelector"] != true => GIVEN_TO_JOB,
            _ => "{}",
        };
        let given = [GIVEN, given].map(|given| serde_json::from_str(given).unwrap_or_default());
        let patch = given.iter().fold(nested(self.kind.template(), patch), merged);
        let trial: String = name_of(self.live).chars().take(LONGEST_NAME - TRIAL.len()).collect();
        let trial = json!({"metadata": {"name": trial + TRIAL}});
        let local = |patch: &Value| format!("{kubectl} patch --local -p {} -o json -f", quoted(&patch.to_string()));
        format!(
            "(umask 077; {kubectl} get {target} -o json | {} - > {file}) && {} {file} | {kubectl} create --dry-run=server -f - && \
             {kubectl} replace --force -f {file}",
            local(&patch),
            local(&trial),
        )
    }

    /// The command that makes it go back to what its template said before, or run no pods; whoever wrote it may take either back.
    pub(super) fn stopped(&self, findings: &Findings<'_>, was_better: bool) -> String {
        let (kubectl, target) = (self.kubectl(findings), self.target());
        match self.kind {
            Kind::Deployment if was_better => format!("{kubectl} rollout undo {target}"),
            // Those of its pods that were there before still do their work.
            Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet if self.has_ready_pods() => self.edited(findings),
            Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet => format!("{kubectl} scale {target} --replicas=0"),
            Kind::Job | Kind::CronJob => {
                format!("{kubectl} patch {target} -p {}{}", quoted(&json!({"spec": {"suspend": true}}).to_string()), self.without_made(findings))
            }
            Kind::DaemonSet => self.edited(findings),
            Kind::Pod => {
                let file = self.file();
                format!("(umask 077; {kubectl} get {target} -o json > {file}) && {kubectl} delete {target}")
            }
        }
    }

    fn has_ready_pods(&self) -> bool {
        self.live["status"]["readyReplicas"].as_u64().is_some_and(|ready| ready > 0)
    }

    /// The command for whoever wrote it, who alone knows what it should say.
    pub(super) fn edited(&self, findings: &Findings<'_>) -> String {
        format!("{} edit {}", self.kubectl(findings), self.target())
    }

    /// The command that has its pods made anew, as its template is; nothing if they follow when what is below it is made anew.
    pub(super) fn restarted(&self, findings: &Findings<'_>) -> Option<String> {
        let (kubectl, target) = (self.kubectl(findings), self.target());
        match self.kind {
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet if self.replaces_pods() => {
                Some(format!("{kubectl} rollout restart {target} && {kubectl} rollout status {target} --timeout=120s"))
            }
            // A pod that is deleted counts as one that failed, and a Job may bear none.
            Kind::Job => Some(self.anew(findings, json!({}))),
            Kind::Pod if owner_of(self.live).is_some() => Some(format!("{kubectl} delete {target}")),
            // What the webhook has put into a pod it puts there again.
            Kind::Pod => Some(self.anew(findings, super::identities::without_injected(self.live))),
            _ => None,
        }
    }

    /// Whether it replaces its pods when its template changes, one that never started among them in the end.
    fn replaces_pods(&self) -> bool {
        self.live["spec"]["paused"] != true && self.live["spec"]["updateStrategy"]["type"] != "OnDelete"
    }

    /// A Deployment replaces its pods; of others one may never start, and those of some stay as they are.
    fn without_made(&self, findings: &Findings<'_>) -> String {
        let labels = || {
            let labels = self.live["spec"]["selector"]["matchLabels"].as_object()?;
            Some(labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(","))
        };
        let made = match self.kind {
            Kind::Deployment | Kind::Job | Kind::Pod => None,
            Kind::ReplicaSet => labels().map(|labels| format!("pods -l {labels}")),
            _ if !self.replaces_pods() => labels().map(|labels| format!("pods -l {labels}")),
            Kind::StatefulSet | Kind::DaemonSet | Kind::CronJob => self.made.clone(),
        };
        made.map_or_else(String::new, |made| format!(" && {} delete {made} --ignore-not-found", self.kubectl(findings)))
    }

    /// The command that takes away what it has made by an earlier template: it makes another.
    pub(super) fn rid_of_made(&self, findings: &Findings<'_>) -> String {
        let target = self.target();
        format!("{} delete {} --ignore-not-found", self.kubectl(findings), self.made.as_ref().unwrap_or(&target))
    }

    fn file(&self) -> String {
        format!("{}-{}-{}.json", self.place, self.kind.singular(), name_of(self.live))
    }
}

/// A word in the template of pods that names what is not there.
pub(super) struct Wrong<'a> {
    /// The field that it is in: `name` of a Secret, `key` of one, or `secretProviderClass`.
    pub(super) field: &'static str,
    /// The Secret or class, and the key, that are named.
    pub(super) is: (&'a str, &'a str),
    /// What was probably meant.
    pub(super) right: Option<&'a str>,
}

impl Wrong<'_> {
    /// The strategic merge patch of a template that puts the right word in its place, wherever the template has it.
    pub(super) fn patch(&self, template: &Value) -> Option<Value> {
        let right = self.right?;
        let spec = &template["spec"];
        let mut patch = Map::new();
        for list in CONTAINERS {
            patch.extend(listed(list, items(&spec[list]).filter_map(|container| self.container(container, right))));
        }
        let is_it = |volume: &&Value| self.field == "secretProviderClass" && volume["csi"]["volumeAttributes"][self.field] == self.is.0;
        let volume = |volume: &Value| json!({"name": volume["name"], "csi": {"volumeAttributes": {self.field: right}}});
        patch.extend(listed("volumes", items(&spec["volumes"]).filter(is_it).map(volume)));
        (!patch.is_empty()).then(|| json!({"spec": patch}))
    }

    /// Whether a template has the wrong word anywhere.
    pub(super) fn is_in(&self, template: &Value) -> bool {
        Wrong { right: Some(""), ..*self }.patch(template).is_some()
    }

    /// One variable is known by its name; the sources of all are one list, which is replaced as a whole.
    fn container(&self, container: &Value, right: &str) -> Option<Value> {
        let variables = items(&container["env"]).filter(|variable| self.is_of(&variable["valueFrom"]["secretKeyRef"]));
        let variable = |variable: &Value| json!({"name": variable["name"], "valueFrom": {"secretKeyRef": {self.field: right}}});
        let mut patch: Map<String, Value> = listed("env", variables.map(variable)).into_iter().collect();
        let mut sources: Vec<Value> = items(&container["envFrom"]).cloned().collect();
        for source in sources.iter_mut().filter(|source| self.is_of(&source["secretRef"])) {
            source["secretRef"][self.field] = json!(right);
            patch.insert("envFrom".into(), Value::Null);
        }
        if let Some(list) = patch.get_mut("envFrom") {
            *list = Value::Array(sources);
        }
        patch.insert("name".into(), container["name"].clone());
        (patch.len() > 1).then_some(Value::Object(patch))
    }

    fn is_of(&self, reference: &Value) -> bool {
        let (name, key) = self.is;
        match self.field {
            "name" => reference["name"] == name,
            "key" => reference["name"] == name && reference["key"] == key,
            _ => false,
        }
    }
}

/// A field with a list, unless that is empty.
pub(super) fn listed(name: &str, list: impl Iterator<Item = Value>) -> Option<(String, Value)> {
    let list: Vec<Value> = list.collect();
    (!list.is_empty()).then(|| (name.to_owned(), Value::Array(list)))
}

/// The kind and name of what has made an object.
pub(super) fn owner_of(object: &Value) -> Option<(&str, &str)> {
    let owner = &object["metadata"]["ownerReferences"][0];
    Some((owner["kind"].as_str()?, owner["name"].as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_word_of_a_command_and_not_another_command() {
        let namespace = Namespace::default();
        let pod = json!({"metadata": {"name": "a", "ownerReferences": [{"kind": "Rollout", "name": "x; reboot"}]}});
        let (_, owner) = Template::of_pod("shop", &namespace, &pod);
        assert_eq!(owner.as_deref(), Some("rollout 'x; reboot'"));
    }

    #[test]
    fn the_right_word_is_put_wherever_the_wrong_one_is_and_nowhere_else() {
        let reference = |name: &str, key: &str| json!({"name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}});
        let template = json!({"spec": {
            "initContainers": [{"name": "first", "env": [reference("a", "K"), reference("b", "K")]}],
            "containers": [{"name": "web", "envFrom": [{"secretRef": {"name": "a"}, "prefix": "it's"}, {"configMapRef": {"name": "a"}}]}, {"name": "sidecar"}],
            "volumes": [{"name": "v", "csi": {"volumeAttributes": {"secretProviderClass": "a"}}}],
        }});
        let patch = |field, right| Wrong { field, is: ("a", "K"), right }.patch(&template);
        let variable = |field: &str| json!({"name": "K", "valueFrom": {"secretKeyRef": {field: "right"}}});
        let first = |field: &str| json!([{"name": "first", "env": [variable(field)]}]);
        let sources = json!([{"secretRef": {"name": "right"}, "prefix": "it's"}, {"configMapRef": {"name": "a"}}]);
        let whole = json!({"spec": {"initContainers": first("name"), "containers": [{"name": "web", "envFrom": sources}]}});
        assert_eq!(shlex::split(&quoted(&whole.to_string())), Some(vec![whole.to_string()]), "a shell sees one word");
        assert_eq!(patch("name", Some("right")), Some(whole));
        assert_eq!(patch("key", Some("right")), Some(json!({"spec": {"initContainers": first("key")}})));
        let volumes = json!([{"name": "v", "csi": {"volumeAttributes": {"secretProviderClass": "right"}}}]);
        assert_eq!(patch("secretProviderClass", Some("right")), Some(json!({"spec": {"volumes": volumes}})));
        assert_eq!(patch("name", None), None);
    }
}
