//! A release with namespaces of its own, and its end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use sc_tests::helm::Answer;
use sc_tests::{canary, tree};
use serde_json::{Value, json};

use crate::{kube, size, traces};

/// How long Helm may wait. A failing run must be over well before.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(150);

/// Read by tests that share the cluster, written by one that breaks it.
static CLUSTER: RwLock<()> = RwLock::new(());

/// Which Helm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helm {
    /// Helm 3.
    Three,
    /// Helm 4.
    Four,
}

/// What Helm did, and how long it took.
pub(crate) struct Ran {
    /// What it said.
    pub(crate) answer: Answer,
    /// How long it took.
    pub(crate) time: Duration,
}

/// A release, the namespace that it is in, and namespaces for its connections.
pub(crate) struct Bed {
    /// Which Helm installs it.
    pub(crate) helm: Helm,
    /// The namespace of the release; Pod Security `restricted` is enforced there.
    pub(crate) system: String,
    /// The namespaces of connections.
    pub(crate) namespaces: Vec<String>,
    folder: PathBuf,
}

/// Does a test with each Helm, side by side.
pub(crate) fn with_both_helms(name: &str, namespaces: usize, test: impl Fn(&Bed) + Sync) {
    kube::require();
    thread::scope(|scope| {
        let test = &test;
        let threads = [Helm::Three, Helm::Four].map(|helm| scope.spawn(move || with(helm, name, namespaces, test)));
        let failed: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().err()).collect();
        if let Some(panic) = failed.into_iter().next() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Does a test that is more about runs than about Helm: with the first of these, and with the others where everything is tried.
pub(crate) fn with_either_helm(helms: [Helm; 2], name: &str, namespaces: usize, test: impl Fn(&Bed) + Sync) {
    size::for_each(size::sample(&helms, 1), |helm| with(*helm, name, namespaces, &test));
}

/// Does a test with one Helm.
pub(crate) fn with(helm: Helm, name: &str, namespaces: usize, test: impl FnOnce(&Bed)) {
    let _others = CLUSTER.read().unwrap_or_else(PoisonError::into_inner);
    test(&Bed::new(helm, name, namespaces));
}

/// The same without the namespaces, which the test makes.
pub(crate) fn without_namespaces(helm: Helm, name: &str, namespaces: usize, test: impl FnOnce(&Bed)) {
    let _others = CLUSTER.read().unwrap_or_else(PoisonError::into_inner);
    test(&Bed::bare(helm, name, namespaces));
}

/// The same while no other test has a bed.
pub(crate) fn alone(helm: Helm, name: &str, namespaces: usize, test: impl FnOnce(&Bed)) {
    let _alone = CLUSTER.write().unwrap_or_else(PoisonError::into_inner);
    test(&Bed::new(helm, name, namespaces));
}

impl Helm {
    /// Its number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Three => 3,
            Self::Four => 4,
        }
    }

    /// The revisions of the release, with their descriptions; of one that was uninstalled, that there is none.
    pub(crate) fn history(self, namespace: &str) -> String {
        let answer = kube::answer(&Command::new(self.program()).args(["history", "sc", "--namespace", namespace]).output().unwrap());
        answer.output + &answer.errors
    }

    /// The program.
    pub(crate) fn program(self) -> PathBuf {
        let variable = format!("SC_HELM{}", self.number());
        let found = env::var_os(&variable).map(PathBuf::from).filter(|program| program.exists());
        found.unwrap_or_else(|| panic!("{variable} names no program: set it to a Helm {}, or run by `scripts/cluster run`", self.number()))
    }
}

impl Bed {
    fn new(helm: Helm, name: &str, namespaces: usize) -> Self {
        let bed = Self::bare(helm, name, namespaces);
        let restricted = namespace(&bed.system, &json!({"pod-security.kubernetes.io/enforce": "restricted"}));
        let manifests: Vec<Value> = bed.namespaces.iter().map(|name| namespace(name, &json!({}))).chain([restricted]).collect();
        kube::apply(&manifests);
        bed
    }

    fn bare(helm: Helm, name: &str, namespaces: usize) -> Self {
        kube::require();
        let system = format!("sc-e2e-{name}-{}-{}", helm.number(), std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e").join(&system);
        fs::create_dir_all(&folder).unwrap();
        let namespaces = (1..=namespaces).map(|number| format!("{system}-shop{number}")).collect();
        Self { helm, system, namespaces, folder }
    }

    /// A folder for files of the test.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first namespace of connections.
    pub(crate) fn shop(&self) -> &str {
        &self.namespaces[0]
    }

    /// Installs the release or upgrades it to these connections.
    pub(crate) fn upgrade(&self, connections: &[Value], more: &[&str]) -> Ran {
        let file = self.values(connections);
        let chart = tree("chart");
        let timeout = format!("{}s", TIMEOUT.as_secs());
        let arguments = ["upgrade", "--install", "sc", chart.to_str().unwrap(), "--values", file.to_str().unwrap(), "--timeout", &timeout];
        self.run(&[&arguments, more].concat())
    }

    /// The same, and it must succeed.
    pub(crate) fn upgraded(&self, connections: &[Value], more: &[&str]) -> Ran {
        self.succeeded(self.upgrade(connections, more))
    }

    /// Any other command of Helm's, which must succeed.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Ran {
        self.succeeded(self.run(arguments))
    }

    /// A values file with these connections.
    pub(crate) fn values(&self, connections: &[Value]) -> PathBuf {
        let file = self.folder.join("values.yaml");
        fs::write(&file, json!({"connections": connections}).to_string()).unwrap();
        file
    }

    /// Any other command of Helm's.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let begin = Instant::now();
        let mut command = Command::new(self.helm.program());
        command.args(arguments).args(["--namespace", &self.system]);
        let answer = kube::answer(&command.output().unwrap());
        // `status -o json` prints the values themselves, as `get values` does: whoever asks for them gets them.
        let is_asked_for_values = arguments.contains(&"status");
        canary::keep("helm", &[if is_asked_for_values { "" } else { &answer.output }, &answer.errors].concat());
        Ran { answer, time: begin.elapsed() }
    }

    fn succeeded(&self, ran: Ran) -> Ran {
        let Answer { is_ok, errors, .. } = &ran.answer;
        assert!(is_ok, "Helm {} failed after {:?}: {errors}\n{}", self.helm.number(), ran.time, traces::short(self));
        ran
    }
}

/// Deletes the namespaces. That they are gone, some seconds later, is not waited for: no other test uses them.
impl Drop for Bed {
    fn drop(&mut self) {
        canary::keep("traces", &traces::all(self));
        if thread::panicking() {
            eprintln!("--- {} at the end:\n{}", self.system, traces::short(self));
        }
        let namespaces: Vec<&str> = self.namespaces.iter().chain([&self.system]).map(String::as_str).collect();
        kube::run(&[&["delete", "namespace", "--ignore-not-found", "--wait=false"], namespaces.as_slice()].concat());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn namespace(name: &str, labels: &Value) -> Value {
    let mut labels = labels.clone();
    labels["sc-extension.dev/e2e"] = json!("true");
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}
