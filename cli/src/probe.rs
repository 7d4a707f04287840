//! A pod that probes a connection from where its workload is: made, listened to, and gone.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use sc_core::endpoint::Endpoint;
use sc_core::names::{CONNECTION, MANAGED_BY};
use sc_job::cluster::{Cluster, Failure};
use sc_job::stop::Stop;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::interrupt;
use crate::listed::Listed;
use crate::place::Place;

/// Who manages these pods.
const MANAGER: &str = "sc";
/// Label: what the pod is for.
const COMPONENT: &str = "app.kubernetes.io/component";
const PROBE: &str = "probe";
/// So long Kubernetes lets such a pod live, in seconds, whoever has forgotten it.
const LIFE: u32 = 60;
/// So long a pod may take to start.
const START: Duration = Duration::from_secs(45);
/// So long the kubelet may take to know a Secret.
const SECRET: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A line of the probe: what it found by a check, or which certificates it was shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Line {
    pub(crate) check: String,
    pub(crate) result: String,
    pub(crate) milliseconds: u64,
    pub(crate) found: String,
    pub(crate) certificates: Vec<String>,
}

/// A probe of a connection.
pub(crate) struct Probe<'a> {
    pub(crate) cluster: &'a Cluster,
    /// Where the release is, whose CronJob has the image.
    pub(crate) place: &'a Place,
    pub(crate) listed: &'a Listed,
    pub(crate) endpoint: Option<Endpoint>,
}

impl Probe<'_> {
    /// Runs it; returns what it found. The pod is gone then, also after a failure.
    ///
    /// # Errors
    /// If the pod could not be made or did not start; the cause says why in Kubernetes' words.
    pub(crate) async fn run(&self) -> Result<Vec<Line>> {
        let stop = Stop::new();
        interrupt::heed(&stop, self.place)?;
        self.sweep().await;
        let namespace = self.listed.connection.namespace.as_str();
        let cron_job = self.cluster.get(&format!("/apis/batch/v1/namespaces/{}/cronjobs/sc-reconcile", self.place.release_namespace)).await;
        let cron_job = cron_job.context("failed to read CronJob `sc-reconcile`, which has the image")?;
        let cron_job = cron_job.ok_or_else(|| anyhow!("there is no CronJob `sc-reconcile`, which has the image"))?;
        let pod = self.pod(&cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]);
        match self.cluster.create(&pods(namespace), pod.to_string().into()).await {
            // By a try whose answer was lost: nobody else has that name.
            Ok(_) | Err(Failure::Exists) => {}
            Err(failure) => return Err(failure).with_context(|| format!("failed to create the probe in namespace `{namespace}`")),
        }
        let path = format!("{}/{}", pods(namespace), pod["metadata"]["name"].as_str().unwrap_or_default());
        let listened = stop.or(self.listen(&path)).await.unwrap_or_else(|reason| Err(anyhow!(reason)));
        let _ = self.cluster.delete(&path, json!({"gracePeriodSeconds": 0}).to_string().into()).await;
        listened
    }

    async fn listen(&self, path: &str) -> Result<Vec<Line>> {
        let begun = Instant::now();
        loop {
            let pod = self.cluster.get(path).await.context("failed to read the probe")?.ok_or_else(|| anyhow!("the probe was deleted"))?;
            let status = &pod["status"];
            if matches!(status["phase"].as_str(), Some("Succeeded" | "Failed")) {
                return self.lines(path, status).await;
            }
            let is_stuck = match status["containerStatuses"][0]["state"]["waiting"]["reason"].as_str() {
                None | Some("ContainerCreating" | "PodInitializing") => false,
                // The kubelet may not have the Secret yet.
                Some("CreateContainerConfigError") => begun.elapsed() > SECRET,
                Some(_) => true,
            };
            // One that runs is ended by Kubernetes when its life is over.
            if is_stuck || (status["phase"] != "Running" && begun.elapsed() > START) {
                return Err(anyhow!(why(&pod)));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn lines(&self, path: &str, status: &Value) -> Result<Vec<Line>> {
        use futures::{AsyncBufReadExt, TryStreamExt};
        let lines = self.cluster.lines(&format!("{path}/log")).await.context("failed to read the log of the probe")?;
        let lines: Vec<String> = lines.lines().try_collect().await.context("failed to read the log of the probe")?;
        let found: Vec<Line> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let ended = &status["containerStatuses"][0]["state"]["terminated"];
        if found.is_empty() {
            Err(anyhow!("the probe said nothing, and ended with {}", ended["reason"].as_str().unwrap_or("no reason")))
        } else {
            Ok(found)
        }
    }

    /// The pod: the image and the place of the job's pods, and nothing that Pod Security `restricted` would refuse.
    fn pod(&self, template: &Value) -> Value {
        let connection = &self.listed.connection;
        let container = &template["containers"][0];
        let mut arguments = vec!["probe".to_owned()];
        if let Some(Endpoint { protocol, host, port }) = &self.endpoint {
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            arguments.push(format!("--endpoint={}://{host}:{port}", protocol.name()));
        }
        let is_env = connection.format.env;
        arguments.extend(connection.keys().into_iter().filter(|_| is_env).map(|key| format!("--key={key}")));
        let sources = if is_env { json!([{"secretRef": {"name": connection.name.secret()}}]) } else { json!([]) };
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": format!("sc-validate-{}-{:08x}", connection.name.normalised(), fastrand::u32(..)),
                "namespace": connection.namespace.as_str(),
                "labels": {MANAGED_BY: MANAGER, COMPONENT: PROBE, CONNECTION: connection.name.normalised()},
                "annotations": {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"},
            },
            "spec": {
                "restartPolicy": "Never",
                "activeDeadlineSeconds": LIFE,
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "imagePullSecrets": template["imagePullSecrets"],
                "nodeSelector": template["nodeSelector"],
                "affinity": template["affinity"],
                "tolerations": template["tolerations"],
                "securityContext": template["securityContext"],
                "containers": [{
                    "name": PROBE,
                    "image": container["image"],
                    "imagePullPolicy": container["imagePullPolicy"],
                    "args": arguments,
                    "envFrom": sources,
                    "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}},
                    "securityContext": container["securityContext"],
                }],
            },
        })
    }

    /// Deletes what a probe has left that was killed, once its life is over.
    async fn sweep(&self) {
        let namespace = self.listed.connection.namespace.as_str();
        let selector = format!("{MANAGED_BY}%3D{MANAGER},{COMPONENT}%3D{PROBE}");
        let found = self.cluster.get(&format!("{}?labelSelector={selector}", pods(namespace))).await.ok().flatten().unwrap_or_default();
        // Those of others who validate at this moment are younger.
        let age = |pod: &Value| Some(Timestamp::now().duration_since(pod["metadata"]["creationTimestamp"].as_str()?.parse().ok()?).as_secs());
        let is_over = |pod: &&Value| {
            matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) && age(pod).is_some_and(|age| age > i64::from(LIFE))
        };
        for pod in found["items"].as_array().into_iter().flatten().filter(is_over) {
            let path = format!("{}/{}", pods(namespace), pod["metadata"]["name"].as_str().unwrap_or_default());
            let _ = self.cluster.delete(&path, "{}".into()).await;
        }
    }
}

/// Why a pod does not run, as Kubernetes says it.
fn why(pod: &Value) -> String {
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    let unscheduled = pod["status"]["conditions"].as_array().into_iter().flatten().find(|condition| condition["status"] == "False");
    let (reason, message) = match (waiting["reason"].as_str(), unscheduled) {
        (Some(reason), _) => (reason, waiting["message"].as_str()),
        (None, Some(condition)) => (condition["reason"].as_str().unwrap_or("Pending"), condition["message"].as_str()),
        (None, None) => ("Pending", None),
    };
    format!("the probe did not start: {reason}{}", message.map_or_else(String::new, |message| format!(": {message}")))
}

fn pods(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods")
}
