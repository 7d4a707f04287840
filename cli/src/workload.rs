//! What a connection asks of a workload, and where that belongs in a workload of each kind.

use clap::ValueEnum;
use sc_core::catalogue::AuthType;
use serde_json::{Value, json};

use crate::listing::Listed;

/// The label that the webhook of Azure Workload Identity looks for, on the pod.
pub(crate) const USE_IDENTITY: &str = "azure.workload.identity/use";
/// The driver that mounts secrets of a vault.
pub(crate) const CSI_DRIVER: &str = "secrets-store.csi.k8s.io";
/// Where its files are mounted.
const MOUNT: &str = "/mnt/secrets-store";

/// The kinds of workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Deployment,
    #[value(name = "statefulset")]
    StatefulSet,
    #[value(name = "daemonset")]
    DaemonSet,
    Job,
    #[value(name = "cronjob")]
    CronJob,
    Pod,
}

impl Kind {
    /// Its name in a manifest, its API version, and its name in a path.
    pub(crate) fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Deployment => ("Deployment", "apps/v1", "deployments"),
            Self::StatefulSet => ("StatefulSet", "apps/v1", "statefulsets"),
            Self::DaemonSet => ("DaemonSet", "apps/v1", "daemonsets"),
            Self::Job => ("Job", "batch/v1", "jobs"),
            Self::CronJob => ("CronJob", "batch/v1", "cronjobs"),
            Self::Pod => ("Pod", "v1", "pods"),
        }
    }

    /// The kind of this name in a manifest.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|kind| kind.names().0 == name)
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

    /// A workload of this kind with one container.
    pub(crate) fn example(self, name: &str, namespace: &str, image: &str) -> Value {
        let (kind, api_version, _) = self.names();
        let labels = json!({"app": name});
        let mut pod = json!({"spec": {"containers": [{"name": "app", "image": image}]}});
        if matches!(self, Self::Job | Self::CronJob) {
            pod["spec"]["restartPolicy"] = json!("Never");
        }
        if matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet) {
            pod["metadata"] = json!({"labels": labels});
        }
        let spec = match self {
            Self::Pod => pod["spec"].take(),
            Self::CronJob => json!({"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": pod}}}),
            Self::Job => json!({"template": pod}),
            Self::StatefulSet => json!({"serviceName": name, "selector": {"matchLabels": labels}, "template": pod}),
            Self::Deployment | Self::DaemonSet => json!({"selector": {"matchLabels": labels}, "template": pod}),
        };
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
    }
}

/// What a connection asks of the pods that use it.
pub(crate) struct Needs {
    /// The Secret whose keys become variables.
    pub(crate) secret: Option<String>,
    /// The ServiceAccount of its identity.
    pub(crate) service_account: Option<String>,
    /// The class of what the CSI driver mounts.
    pub(crate) secret_provider_class: Option<String>,
}

impl Needs {
    /// Those of this connection.
    pub(crate) fn of(listed: &Listed) -> Self {
        let connection = &listed.connection;
        let is = |auth_type: AuthType| connection.auth_type == auth_type;
        let account = || connection.identity.as_ref().map(|identity| identity.client_id.service_account());
        Self {
            secret: connection.format.env.then(|| connection.name.secret()),
            service_account: is(AuthType::WorkloadIdentity).then(account).flatten(),
            secret_provider_class: is(AuthType::Csi).then(|| connection.name.secret_provider_class()),
        }
    }

    /// Puts them into the template of a pod, for one of its containers; returns what was missing, as the fields to add. What is there stays.
    pub(crate) fn put_into(&self, template: &mut Value, container: usize) -> Vec<String> {
        let mut added = Vec::new();
        if let Some(secret) = &self.secret {
            let source = json!({"secretRef": {"name": secret}});
            add(&mut template["spec"]["containers"][container]["envFrom"], source, &mut added, &format!("envFrom of Secret {secret}"));
        }
        if let Some(account) = &self.service_account {
            set(&mut template["metadata"]["labels"][USE_IDENTITY], "true", &mut added, &format!("label {USE_IDENTITY} on the pod template"));
            set(&mut template["spec"]["serviceAccountName"], account, &mut added, &format!("ServiceAccount {account}"));
        }
        if let Some(class) = &self.secret_provider_class {
            let volume = json!({"name": class, "csi": {"driver": CSI_DRIVER, "readOnly": true, "volumeAttributes": {"secretProviderClass": class}}});
            let mount = json!({"name": class, "mountPath": MOUNT, "readOnly": true});
            add(&mut template["spec"]["volumes"], volume, &mut added, &format!("CSI volume of SecretProviderClass {class}"));
            add(&mut template["spec"]["containers"][container]["volumeMounts"], mount, &mut added, &format!("mount of that volume at {MOUNT}"));
        }
        added
    }
}

/// Adds an item to a list, unless one like it is there: one of the same name, or the very same.
fn add(list: &mut Value, item: Value, added: &mut Vec<String>, what: &str) {
    let mut items = list.as_array().cloned().unwrap_or_default();
    let is_like = |other: &Value| if item["name"].is_null() { covers(other, &item) } else { other["name"] == item["name"] };
    if !items.iter().any(is_like) {
        items.push(item);
        added.push(what.to_owned());
    }
    *list = Value::Array(items);
}

/// Whether all fields of one value are in another: the API server adds defaults.
fn covers(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(key, value)| whole.get(key).is_some_and(|found| covers(found, value))),
        (whole, part) => whole == part,
    }
}

fn set(field: &mut Value, text: &str, added: &mut Vec<String>, what: &str) {
    if field.as_str() != Some(text) {
        *field = json!(text);
        added.push(what.to_owned());
    }
}
