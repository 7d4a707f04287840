//! A release of the chart with namespaces of its own, in which one run after another is broken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures::future::join_all;
use sc_tests::tree;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::api::Api;
use crate::fault::Fault;
use crate::process::{Ended, Program};
use crate::proxy::Proxy;
use crate::scenarios::{Edit, PASSWORD, Scenario};
use crate::script::{Key, Script, Target};
use crate::state::State;

/// The namespaces of a room.
pub(crate) struct Names {
    /// That of the release.
    pub(crate) system: String,
    /// Those of the connections.
    pub(crate) shops: [String; 3],
}

/// A room, ready for a scenario.
pub(crate) struct Room {
    /// Its namespaces.
    pub(crate) names: Names,
    /// What a run may be broken in.
    pub(crate) scenario: &'static Scenario,
    /// What each case begins with.
    pub(crate) start: State,
    /// What each case must end with.
    pub(crate) goal: State,
    /// What there was when it was last looked at.
    pub(crate) live: State,
    /// What a run without fault leaves alone.
    pub(crate) untouched: Vec<String>,
    /// The requests of a run without fault.
    pub(crate) requests: Vec<Key>,
    /// The API server.
    pub(crate) api: Api,
    proxy: Proxy,
    program: Program,
}

/// A run, by the process and by the proxy.
pub(crate) struct Ran {
    /// The process.
    pub(crate) ended: Ended,
    /// What the proxy saw.
    pub(crate) script: Script,
}

impl Names {
    /// Those of the room of this number.
    pub(crate) fn of(number: usize) -> Self {
        let system = format!("sc-faults-{}-{number}", std::process::id());
        let shops = ["a", "b", "c"].map(|letter| format!("{system}-{letter}"));
        Self { system, shops }
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.shops.iter().chain([&self.system])
    }

    fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults").join(&self.system)
    }

    fn path(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.system)
    }
}

impl Room {
    /// Makes the namespaces, installs the chart, and brings about what the scenario begins with; then runs it without a fault.
    pub(crate) async fn prepare(api: &Api, names: Names, scenario: &'static Scenario) -> Self {
        let connections = scenario.before.unwrap_or(scenario.after)(&names);
        let mut room = Self::open(api, names, scenario, &json!({"connections": connections})).await;
        room.begin_scenario().await;
        room.learn().await;
        room
    }

    /// Makes the namespaces and installs the chart with these values.
    pub(crate) async fn open(api: &Api, names: Names, scenario: &'static Scenario, values: &Value) -> Self {
        fs::create_dir_all(names.folder()).unwrap();
        furnish(api, &names).await;
        helm(&names, values).await;
        let job = api.create(&format!("/apis/batch/v1/namespaces/{}/jobs", names.system), &own_job(api, &names).await).await;
        let proxy = Proxy::start(api.client_of(&names.system, "sc-job").await).await;
        let program = Program::of(&job, proxy.port, &names.folder());
        let [start, goal, live] = [State::default(), State::default(), State::default()];
        Self { names, scenario, start, goal, live, untouched: Vec::new(), requests: Vec::new(), api: api.clone(), proxy, program }
    }

    async fn begin_scenario(&mut self) {
        if self.scenario.before.is_some() {
            self.run_undisturbed(0).await;
            helm(&self.names, &json!({"connections": (self.scenario.after)(&self.names)})).await;
        }
        for edit in (self.scenario.prepare)(&self.names) {
            self.edit(edit).await;
        }
        self.look().await;
        self.start = self.live.clone();
    }

    async fn edit(&self, edit: Edit) {
        match edit {
            Edit::Secret(namespace, name) => {
                self.api.create(&format!("/api/v1/namespaces/{namespace}/secrets"), &secret(name, "theirs")).await;
            }
            Edit::Change(path, change) => drop(self.api.change(&path, &change).await),
            Edit::Delete(path) => self.api.delete(&path).await,
        }
    }

    /// Runs twice: in the first, Roles may be so fresh that something has to be asked again.
    async fn learn(&mut self) {
        self.run_undisturbed(self.scenario.exit).await;
        self.look().await;
        self.reset().await;
        self.requests = self.run_undisturbed(self.scenario.exit).await.script.seen;
        self.look().await;
        self.goal = self.live.clone();
        self.untouched = self.start.same(&self.goal);
        let is_success = self.goal.claims_success(&self.names);
        assert_eq!(is_success, self.scenario.exit == 0, "{}: sc-status says so", self.scenario.name);
        let states = [&self.start, &self.goal].map(|state| state.of_connections(&self.names));
        let ours = states.iter().flat_map(|state| &state.0).filter(|(_, object)| is_ours(object)).map(|(path, _)| path);
        let objects = ours.collect::<BTreeSet<_>>().len();
        assert!(objects >= 8, "{}: a run is about {objects} objects only", self.scenario.name);
    }

    async fn run_undisturbed(&self, exit: i32) -> Ran {
        let ran = self.run("undisturbed", None).await;
        assert_eq!(ran.ended.code, Some(exit), "{}: {}", self.scenario.name, ran.ended.output);
        ran
    }

    /// Runs the job as a pod of this UID, with this fault.
    pub(crate) async fn run(&self, pod: &str, fault: Option<(Target, Fault)>) -> Ran {
        self.proxy.begin(Script::new(&self.names.system, fault, self.scenario.is_slow));
        let ended = self.program.run(pod, &self.proxy).await;
        Ran { ended, script: self.proxy.end().await }
    }

    /// Looks at all objects.
    pub(crate) async fn look(&mut self) {
        self.live = State::capture(&self.api, &self.names).await;
    }

    /// Brings everything back to what each case begins with.
    pub(crate) async fn reset(&mut self) {
        let events = self.names.path("events");
        futures::join!(self.start.restore(&self.api, &self.live), self.api.delete(&events));
    }

    /// Whether there is an Event of this reason.
    pub(crate) async fn has_event(&self, reason: &str) -> bool {
        let events = self.api.get(&self.names.path("events")).await;
        events["items"].as_array().unwrap().iter().any(|event| event["source"]["component"] == "sc-job" && event["reason"] == reason)
    }
}

fn is_ours(object: &Value) -> bool {
    object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "sc-job"
}

/// The namespaces, the Secret that credentials refer to, and what belongs to strangers.
async fn furnish(api: &Api, names: &Names) {
    let made = names.all().map(async |name| {
        let labels = json!({"sc-extension.dev/e2e": "true"});
        api.create("/api/v1/namespaces", &json!({"metadata": {"name": name, "labels": labels}})).await;
        api.create(&format!("/api/v1/namespaces/{name}/secrets"), &secret("of-a-stranger", "theirs")).await;
    });
    join_all(made).await;
    api.create(&names.path("secrets"), &secret("orders-admin", PASSWORD)).await;
}

fn secret(name: &str, password: &str) -> Value {
    json!({"metadata": {"name": name, "annotations": {"example.com/note": "kept"}}, "stringData": {"password": password}})
}

/// The chart's own Job, which never starts a pod: the test runs in its name.
async fn own_job(api: &Api, names: &Names) -> Value {
    let cron = api.get(&format!("/apis/batch/v1/namespaces/{}/cronjobs/sc-reconcile", names.system)).await;
    let mut spec = cron["spec"]["jobTemplate"]["spec"].clone();
    spec["suspend"] = json!(true);
    json!({"metadata": {"name": "sc-job"}, "spec": spec})
}

/// Installs the chart, or upgrades it, without its Job.
async fn helm(names: &Names, values: &Value) {
    let file = names.folder().join("values.json");
    fs::write(&file, values.to_string()).unwrap();
    let program = std::env::var_os("SC_HELM4").expect("SC_HELM4 names a Helm: run by `scripts/cluster run`");
    let mut command = Command::new(program);
    command.args(["upgrade", "--install", "sc"]).arg(tree("chart")).arg("--values").arg(file);
    command.args(["--namespace", &names.system, "--no-hooks"]).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
