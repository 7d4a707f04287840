//! What a connection asks of a workload, and where that belongs in a workload of each kind.

use clap::ValueEnum;
use sc_core::catalogue::AuthType;
use sc_core::connection::Connection;
use sc_core::object::ObjectKind;
use sc_core::plan::objects_of;
use serde_json::{Value, json};

/// The label that the webhook of Azure Workload Identity looks for, on the pod.
pub(crate) const USE_IDENTITY: &str = "azure.workload.identity/use";
/// The variables that the webhook sets, unless the container does (azure-workload-identity v1.6.0, `pkg/webhook`).
pub(crate) const INJECTED: [&str; 4] = ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];
/// The driver that mounts objects of a vault.
pub(crate) const CSI_DRIVER: &str = "secrets-store.csi.k8s.io";
/// The fields of a pod that have containers. Those for debugging are in no file and no template: the API server takes none with a new pod.
pub(crate) const CONTAINERS: [&str; 2] = ["initContainers", "containers"];
/// Where clients look for bindings (servicebinding.io, "Workload projection"), and where they are put unless a workload says otherwise.
const BINDING_ROOT: (&str, &str) = ("SERVICE_BINDING_ROOT", "/bindings");
/// The longest name of a volume.
const LONGEST_VOLUME: usize = 63;

/// The kinds of workload, under the names that kubectl takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    #[value(aliases = ["deployments", "deploy"])]
    Deployment,
    #[value(name = "statefulset", aliases = ["statefulsets", "sts"])]
    StatefulSet,
    #[value(name = "daemonset", aliases = ["daemonsets", "ds"])]
    DaemonSet,
    #[value(aliases = ["jobs"])]
    Job,
    #[value(name = "cronjob", aliases = ["cronjobs", "cj"])]
    CronJob,
    #[value(aliases = ["pods", "po"])]
    Pod,
    /// One that is read where it stands in a file; its Deployment is what people make and change.
    #[value(skip)]
    ReplicaSet,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::Job, Self::CronJob, Self::Pod, Self::ReplicaSet];

    /// Its name in a manifest.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::Pod => "Pod",
            Self::ReplicaSet => "ReplicaSet",
        }
    }

    /// Its API version.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::ReplicaSet => "apps/v1",
            Self::Job | Self::CronJob => "batch/v1",
            Self::Pod => "v1",
        }
    }

    /// Its resource: all that the API server has of it.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Job => "jobs",
            Self::CronJob => "cronjobs",
            Self::Pod => "pods",
            Self::ReplicaSet => "replicasets",
        }
    }

    /// One of it, as kubectl takes it.
    pub(crate) fn singular(self) -> &'static str {
        self.plural().trim_end_matches('s')
    }

    /// The path of all that the API server has of it: in a namespace, or in the whole cluster.
    pub(crate) fn collection(self, namespace: Option<&str>) -> String {
        let root = if self == Self::Pod { "api" } else { "apis" };
        let within = namespace.map_or_else(String::new, |namespace| format!("namespaces/{namespace}/"));
        format!("/{root}/{}/{within}{}", self.api_version(), self.plural())
    }

    /// The kind of this name in a manifest.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Where the template of its pods is, as a JSON pointer; the pod is one itself.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::Pod => "",
            Self::CronJob => "/spec/jobTemplate/spec/template",
            _ => "/spec/template",
        }
    }

    /// Whether the template of its pods may be changed while it is there.
    pub(crate) fn may_change(self) -> bool {
        !matches!(self, Self::Pod | Self::Job)
    }

    /// A workload of this kind, whose pods have only what the kind wants of them.
    pub(crate) fn example(self, name: &str, namespace: &str) -> Value {
        let labels = json!({"app": name});
        let lasting = json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}});
        let passing = json!({"template": {"spec": {"restartPolicy": "Never"}}});
        let (spec, more) = match self {
            Self::Pod => (json!({}), json!({})),
            Self::Job => (passing, json!({})),
            Self::CronJob => (json!({"schedule": "0 * * * *"}), json!({"jobTemplate": {"spec": passing}})),
            Self::StatefulSet => (lasting, json!({"serviceName": name})),
            Self::Deployment | Self::DaemonSet | Self::ReplicaSet => (lasting, json!({})),
        };
        let head = json!({"apiVersion": self.api_version(), "kind": self.name(), "metadata": {"name": name, "namespace": namespace}});
        [json!({"spec": spec}), json!({"spec": more})].iter().fold(head, merged)
    }
}

/// What a connection asks of the pods that use it: names of its objects.
#[derive(Default)]
pub(crate) struct Needs {
    /// Its name in the names of its objects.
    connection: String,
    /// The Secret whose keys become variables.
    secret: Option<String>,
    /// The Secret that is mounted as a binding, where there is none with variables.
    binding: Option<String>,
    /// The ServiceAccount of its identity.
    pub(crate) account: Option<String>,
    /// Whether the webhook is to put a token for it into the pod; the CSI driver gets one by itself.
    wants_token: bool,
    /// The class of what the CSI driver mounts.
    class: Option<String>,
    /// The Secret by which its provider logs in.
    pub(crate) vault_login: Option<String>,
}

impl Needs {
    /// Those of this connection.
    pub(crate) fn of(connection: &Connection) -> Self {
        let wants_token = connection.auth_type == AuthType::WorkloadIdentity;
        let mut needs = Self { connection: connection.name.normalised().to_owned(), wants_token, ..Self::default() };
        for id in objects_of(connection) {
            let of_kind = match id.kind {
                ObjectKind::Secret => &mut needs.secret,
                ObjectKind::Binding => &mut needs.binding,
                ObjectKind::ServiceAccount => &mut needs.account,
                ObjectKind::VaultLogin => &mut needs.vault_login,
                ObjectKind::SecretProviderClass => &mut needs.class,
            };
            *of_kind = Some(id.name.into());
        }
        needs.binding = needs.binding.filter(|_| needs.secret.is_none());
        needs
    }

    /// What of it is not in the template of a pod yet, for one of its containers: a strategic merge patch of the template, in which lists have
    /// only what is to be added. Nothing if all is there.
    pub(crate) fn missing(&self, template: &Value, container: &Value) -> Option<Value> {
        let mut patch = Patch { template, container, pod: json!({}), own: json!({}) };
        if let Some(secret) = &self.secret {
            patch.read(secret);
        }
        if let Some(account) = &self.account {
            patch.run_as(account, self.wants_token);
        }
        if let Some(binding) = &self.binding {
            patch.look_up(binding, &self.connection);
        }
        if let Some(class) = &self.class {
            let mut csi = json!({"csi": {"driver": CSI_DRIVER, "readOnly": true, "volumeAttributes": {"secretProviderClass": class}}});
            if let Some(login) = &self.vault_login {
                csi["csi"]["nodePublishSecretRef"] = json!({"name": login});
            }
            patch.mount(("/csi/volumeAttributes/secretProviderClass", class), csi, &format!("/mnt/{}", self.connection));
        }
        patch.finished()
    }
}

/// A patch of a pod and of one of its containers, while it is made.
struct Patch<'a> {
    template: &'a Value,
    container: &'a Value,
    pod: Value,
    own: Value,
}

impl Patch<'_> {
    /// The container gets the keys of a Secret as variables, by their own names.
    fn read(&mut self, secret: &str) {
        let is_it = |source: &Value| source["secretRef"]["name"] == secret && source["prefix"].as_str().unwrap_or_default().is_empty();
        if !items(&self.container["envFrom"]).any(is_it) {
            self.own["envFrom"] = json!([{"secretRef": {"name": secret}}]);
        }
    }

    /// The pod runs as a ServiceAccount, and may want a token for its identity.
    fn run_as(&mut self, account: &str, wants_token: bool) {
        if wants_token && self.template["metadata"]["labels"][USE_IDENTITY] != "true" {
            self.pod["metadata"]["labels"][USE_IDENTITY] = json!("true");
        }
        if self.template["spec"]["serviceAccountName"] != account {
            self.pod["spec"]["serviceAccountName"] = json!(account);
        }
    }

    /// The container finds a binding where it looks for bindings.
    fn look_up(&mut self, binding: &str, connection: &str) {
        let (variable, usual) = BINDING_ROOT;
        let found = items(&self.container["env"]).find(|entry| entry["name"] == variable).and_then(|entry| entry["value"].as_str());
        if found.is_none() {
            self.own["env"] = json!([{"name": variable, "value": usual}]);
        }
        let path = format!("{}/{connection}", found.unwrap_or(usual));
        self.mount(("/secret/secretName", binding), json!({"secret": {"secretName": binding}}), &path);
    }

    /// The container has a volume, which is known by the name of an object at a place in it.
    fn mount(&mut self, (pointer, object): (&str, &str), mut volume: Value, path: &str) {
        let is_it = |volume: &&Value| volume.pointer(pointer).is_some_and(|name| name == object);
        let found = items(&self.template["spec"]["volumes"]).find(is_it);
        let cut: String = object.chars().take(LONGEST_VOLUME).collect();
        let name = found.and_then(|volume| volume["name"].as_str()).unwrap_or_else(|| cut.trim_end_matches('-'));
        volume["name"] = json!(name);
        if found.is_none_or(|found| merged(found.clone(), &volume) != *found) {
            merge(&mut self.pod, &json!({"spec": {"volumes": [volume]}}));
        }
        if !items(&self.container["volumeMounts"]).any(|mount| mount["name"] == name) {
            merge(&mut self.own, &json!({"volumeMounts": [{"name": name, "mountPath": path, "readOnly": true}]}));
        }
    }

    fn finished(mut self) -> Option<Value> {
        if self.own != json!({}) {
            self.own["name"] = self.container["name"].clone();
            self.pod["spec"]["containers"] = json!([self.own]);
        }
        (self.pod != json!({})).then_some(self.pod)
    }
}

/// The items of a list; of anything else none.
pub(crate) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The name of an object.
pub(crate) fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// A value at the end of a path, as a JSON pointer writes it.
pub(crate) fn nested(pointer: &str, value: Value) -> Value {
    pointer.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(value, |inner, field| json!({field: inner}))
}

/// A value with a patch in it: an item of a list goes into the one of the same name, or else behind the last. Nothing is taken out.
pub(crate) fn merged(mut value: Value, patch: &Value) -> Value {
    merge(&mut value, patch);
    value
}

fn merge(value: &mut Value, patch: &Value) {
    match (value, patch) {
        (Value::Object(fields), Value::Object(patch)) => {
            patch.iter().for_each(|(name, inner)| merge(fields.entry(name.as_str()).or_insert(Value::Null), inner));
        }
        (Value::Array(items), Value::Array(patch)) => {
            for item in patch {
                match items.iter_mut().find(|other| item["name"].is_string() && other["name"] == item["name"]) {
                    Some(same) => merge(same, item),
                    None => items.push(item.clone()),
                }
            }
        }
        (value, patch) => *value = patch.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs() -> Needs {
        let name = |text: &str| Some(text.to_owned());
        let (account, class, vault_login) = (name("a"), name("c"), name("l"));
        Needs { connection: "vault".into(), secret: name("s"), binding: None, account, wants_token: true, class, vault_login }
    }

    fn container(template: &Value) -> &Value {
        &template["spec"]["containers"][0]
    }

    #[test]
    fn what_is_added_is_all_that_is_missing() {
        let needs = [needs(), Needs { secret: None, binding: Some("b".into()), ..needs() }];
        for (kind, needs) in Kind::value_variants().iter().flat_map(|kind| needs.iter().map(move |needs| (kind, needs))) {
            let whole = merged(kind.example("web", "shop"), &nested(kind.template(), json!({"spec": {"containers": [{"name": "app"}]}})));
            let template = whole.pointer(kind.template()).unwrap();
            let patch = nested(kind.template(), needs.missing(template, container(template)).unwrap());
            let whole = merged(whole, &patch);
            let template = whole.pointer(kind.template()).unwrap();
            assert_eq!(needs.missing(template, container(template)), None, "{}: {whole}", kind.name());
        }
    }

    #[test]
    fn what_is_there_stays() {
        let template = json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "serviceAccountName": "a",
                "containers": [{"name": "app", "image": "i", "envFrom": [{"secretRef": {"name": "other"}}, {"prefix": "P_", "secretRef": {"name": "s"}}]}, {"name": "sidecar"}],
                "volumes": [{"name": "mine", "csi": {"driver": CSI_DRIVER, "readOnly": true, "nodePublishSecretRef": {"name": "l"}, "volumeAttributes": {"secretProviderClass": "c", "more": "x"}}}],
            },
        });
        let patch = needs().missing(&template, container(&template)).unwrap();
        let mount = json!({"name": "mine", "mountPath": "/mnt/vault", "readOnly": true});
        let expected = json!({
            "metadata": {"labels": {USE_IDENTITY: "true"}},
            "spec": {"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "s"}}], "volumeMounts": [mount]}]},
        });
        assert_eq!(patch, expected);
        let mut whole = template.clone();
        whole["metadata"]["labels"][USE_IDENTITY] = json!("true");
        whole["spec"]["containers"][0]["envFrom"].as_array_mut().unwrap().push(json!({"secretRef": {"name": "s"}}));
        whole["spec"]["containers"][0]["volumeMounts"] = json!([mount]);
        assert_eq!(merged(template, &patch), whole);
    }

    #[test]
    fn a_volume_that_lacks_something_gets_it() {
        let own = json!({"driver": CSI_DRIVER, "readOnly": true, "volumeAttributes": {"secretProviderClass": "c"}});
        let template = json!({"spec": {"volumes": [{"name": "mine", "csi": own}]}});
        let patch = needs().missing(&template, &json!({"name": "app"})).unwrap();
        let whole = merged(template, &patch);
        assert_eq!(whole["spec"]["volumes"].as_array().map(Vec::len), Some(1));
        assert_eq!(whole["spec"]["volumes"][0]["csi"]["nodePublishSecretRef"]["name"], "l");
    }

    #[test]
    fn a_binding_is_where_the_container_looks_for_bindings() {
        let needs = Needs { connection: "ledger".into(), binding: Some("b".into()), ..Needs::default() };
        let container = json!({"name": "app", "env": [{"name": "SERVICE_BINDING_ROOT", "value": "/own"}]});
        let patch = needs.missing(&json!({}), &container).unwrap();
        assert_eq!(
            patch["spec"]["containers"],
            json!([{"name": "app", "volumeMounts": [{"name": "b", "mountPath": "/own/ledger", "readOnly": true}]}])
        );
    }

    #[test]
    fn the_longest_name_of_a_class_makes_a_name_of_a_volume() {
        let class = format!("sc-{}-secretprovider", "x".repeat(59));
        let patch = Needs { class: Some(class), ..Needs::default() }.missing(&json!({}), &json!({"name": "app"})).unwrap();
        let name = patch["spec"]["volumes"][0]["name"].as_str().unwrap();
        assert!(sc_core::names::is_label(name), "{name}");
    }
}
