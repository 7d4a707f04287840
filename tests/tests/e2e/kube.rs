//! kubectl as a process, and waiting for what it shows.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use sc_tests::helm::Answer;
use serde_json::Value;

const MEND: &str = "start one by `scripts/cluster up`, and run the tests by `scripts/cluster run cargo test -p sc-tests --features e2e --test e2e`";

/// Panics, saying how to mend it, unless there is a cluster to run on. No default is taken: it might be somebody's own cluster.
pub(crate) fn require() {
    static ANSWERS: OnceLock<()> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        assert!(env::var_os("KUBECONFIG").is_some_and(|path| !path.is_empty()), "KUBECONFIG names no cluster: {MEND}");
        let ready = run(&["get", "--raw", "/readyz", "--request-timeout=10s"]);
        assert!(ready.is_ok, "the cluster of KUBECONFIG does not answer: {}\n{MEND}", ready.errors);
    });
}

/// The name of the cluster, if it is one of `scripts/cluster`.
pub(crate) fn own_cluster() -> Option<String> {
    env::var("SC_CLUSTER_NETNS").ok().and_then(|netns| netns.strip_prefix("sc-cluster-").map(str::to_owned))
}

/// A file of the cluster, beside its kubeconfig; nothing on a cluster that is not of `scripts/cluster`.
pub(crate) fn cluster_file(name: &str) -> Option<String> {
    own_cluster()?;
    fs::read_to_string(PathBuf::from(env::var_os("KUBECONFIG")?).with_file_name(name)).ok()
}

/// The audit log of such a cluster, with what was put aside of it when it had grown.
pub(crate) fn audit_log() -> Option<String> {
    own_cluster()?;
    let kubeconfig = PathBuf::from(env::var_os("KUBECONFIG")?);
    let entries = fs::read_dir(kubeconfig.parent()?).ok()?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| name == "audit.log" || name.starts_with("audit-"));
    // `audit-2026….log` goes before `audit.log`, as it was written.
    names.sort();
    Some(names.iter().filter_map(|name| cluster_file(name)).collect())
}

/// Runs kubectl.
pub(crate) fn run(arguments: &[&str]) -> Answer {
    answer(&Command::new("kubectl").args(arguments).output().unwrap_or_else(|error| panic!("kubectl: {error}: {MEND}")))
}

/// Runs kubectl, which must succeed; gives what it printed.
pub(crate) fn kubectl(arguments: &[&str]) -> String {
    let answer = run(arguments);
    assert!(answer.is_ok, "kubectl {arguments:?}: {}", answer.errors);
    answer.output
}

/// Creates or changes objects.
pub(crate) fn apply(manifests: &[Value]) {
    let arguments = ["apply", "--server-side", "--field-manager=e2e", "-f", "-"];
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": manifests});
    let mut command = Command::new("kubectl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(list.to_string().as_bytes()).unwrap();
    let answer = answer(&child.wait_with_output().unwrap());
    assert!(answer.is_ok, "kubectl {arguments:?}: {}", answer.errors);
}

/// What a process said.
pub(crate) fn answer(output: &Output) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Answer { is_ok: output.status.success(), output: text(&output.stdout), errors: text(&output.stderr) }
}

/// An object, if it is there.
pub(crate) fn get(namespace: &str, kind: &str, name: &str) -> Option<Value> {
    let text = kubectl(&["-n", namespace, "get", kind, name, "--ignore-not-found", "-o", "json"]);
    (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
}

/// An object that must be there.
pub(crate) fn existing(namespace: &str, kind: &str, name: &str) -> Value {
    get(namespace, kind, name).unwrap_or_else(|| panic!("there is no {kind} {namespace}/{name}"))
}

/// All objects of some kinds (`secrets,pods`) in a namespace.
pub(crate) fn list(namespace: &str, kinds: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&kubectl(&["-n", namespace, "get", kinds, "-o", "json"])).unwrap();
    answer["items"].as_array().unwrap().clone()
}

/// The resourceVersions of all objects in these namespaces, by kind, namespace and name. Whatever wrote to one of them changed it. Without the kind that
/// other tests bring and take away meanwhile.
pub(crate) fn versions(namespaces: &[String]) -> BTreeMap<String, String> {
    let kinds = kubectl(&["api-resources", "--namespaced", "--verbs=list", "-o", "name"]);
    let is_steady = |kind: &&str| !kind.starts_with("events") && !["metrics.k8s.io", "secrets-store"].iter().any(|group| kind.contains(group));
    let kinds: Vec<&str> = kinds.lines().filter(is_steady).collect();
    let objects = namespaces.iter().flat_map(|namespace| list(namespace, &kinds.join(",")));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    objects.map(|object| (sc_tests::render::name_of(&object), text(&object["metadata"]["resourceVersion"]))).collect()
}

/// The names of what differs between two answers of [`versions`].
pub(crate) fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// Looks until there is something to see, and panics when the time is over. Between two looks it rests for as long as one takes, so that those who wait
/// leave the machine to what they wait for.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        let looked = Instant::now();
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < limit, "waited {limit:?} in vain for {what}");
        sleep(looked.elapsed().max(Duration::from_millis(100)));
    }
}
