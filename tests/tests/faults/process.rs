//! The job as a process, with the environment that the chart gives its pod.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sc_tests::{canary, tree};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::proxy::Proxy;

/// Kubernetes would have ended the Job by then.
const LONGEST_RUN: Duration = Duration::from_mins(4);

/// How to start the job of one room.
pub(crate) struct Program {
    /// What the chart's pod would have in its environment.
    environment: BTreeMap<String, String>,
    /// Where kubeconfig and output are.
    folder: PathBuf,
}

/// How a process ended.
pub(crate) struct Ended {
    /// Its exit code; nothing if it was killed.
    pub(crate) code: Option<i32>,
    /// All that it printed.
    pub(crate) output: String,
}

impl Program {
    /// The program that the image has, for this Job, at an API server on this port of loopback.
    pub(crate) fn of(job: &Value, port: u16, folder: &Path) -> Self {
        assert!(path().exists(), "there is no {}: run `scripts/image`", path().display());
        fs::create_dir_all(folder).unwrap();
        let server = json!({"name": "proxy", "cluster": {"server": format!("http://127.0.0.1:{port}")}});
        let context = json!({"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}});
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [server], "contexts": [context], "users": [{"name": "nobody", "user": {}}],
        });
        fs::write(folder.join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { environment: environment(job), folder: folder.to_owned() }
    }

    /// Runs it as a pod of this UID, and kills it when the proxy wants that.
    pub(crate) async fn run(&self, pod: &str, proxy: &Proxy) -> Ended {
        let mut child = self.start(pod);
        let status = tokio::select! {
            status = timeout(LONGEST_RUN, child.wait()) => status.expect("the run ends in time"),
            () = proxy.wants_kill() => {
                child.start_kill().unwrap();
                child.wait().await
            }
        };
        let output = String::from_utf8_lossy(&fs::read(self.folder.join("output")).unwrap()).into_owned();
        canary::keep("faults", &output);
        Ended { code: status.unwrap().code(), output }
    }

    fn start(&self, pod: &str) -> Child {
        let output = File::create(self.folder.join("output")).unwrap();
        let mut command = Command::new(path());
        command.env_clear().envs(&self.environment).env("POD_UID", pod).env("KUBECONFIG", self.folder.join("kubeconfig"));
        command.arg("--verbose").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        command.kill_on_drop(true).spawn().unwrap()
    }
}

fn path() -> PathBuf {
    tree("target/x86_64-unknown-linux-musl/release/sc-job")
}

/// The environment of the Job's container, as a kubelet would fill it in.
fn environment(job: &Value) -> BTreeMap<String, String> {
    let variables = job["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    let value = |variable: &Value| match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
        Some(field) => field_of(job, field),
        None => text(&variable["value"]),
    };
    variables.iter().map(|variable| (text(&variable["name"]), value(variable))).collect()
}

fn field_of(job: &Value, field: &str) -> String {
    match field {
        "metadata.name" => "sc-job-12345".to_owned(),
        "metadata.uid" => String::new(),
        "metadata.namespace" => text(&job["metadata"]["namespace"]),
        "metadata.labels['batch.kubernetes.io/job-name']" => text(&job["metadata"]["name"]),
        "metadata.labels['batch.kubernetes.io/controller-uid']" => text(&job["metadata"]["uid"]),
        other => panic!("the chart asks for `{other}`, which is not known here"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
