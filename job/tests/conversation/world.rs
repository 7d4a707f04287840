//! A cluster with the chart installed, and runs of the job in it. What must hold for every run is asserted with each.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use http::Method;
use jiff::Timestamp;
use sc_job::args::Args;
use sc_job::cluster::Cluster;
use sc_job::output::Output;
use sc_job::stop::Stop;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::server::{Seen, Server};

pub(crate) const JOB: &str = "/apis/batch/v1/namespaces/sc-system/jobs/sc-job";
pub(crate) const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/sc-system/leases";
pub(crate) const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/sc-system/leases/sc-job";
pub(crate) const CONFIG: &str = "/api/v1/namespaces/sc-system/secrets/sc-config";
pub(crate) const REFERENCED: &str = "/api/v1/namespaces/sc-system/secrets/orders-admin";
pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/sc-system/configmaps";
pub(crate) const STATUS: &str = "/api/v1/namespaces/sc-system/configmaps/sc-status";
pub(crate) const INVENTORY: &str = "/api/v1/namespaces/sc-system/configmaps/sc-inventory-0";
pub(crate) const EVENTS: &str = "/api/v1/namespaces/sc-system/events";
pub(crate) const ORDERS: &str = "/api/v1/namespaces/shop/secrets/sc-orders-secret";
pub(crate) const PICTURES: &str = "/api/v1/namespaces/shop/secrets/sc-pictures-secret";
pub(crate) const ACCOUNT: &str = "/api/v1/namespaces/shop/serviceaccounts/sc-account-11111111-2222-3333-4444-555555555555";
pub(crate) const VAULT: &str = "/api/v1/namespaces/media/secrets/sc-vault-secret";
pub(crate) const CLASS: &str = "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/media/secretproviderclasses/sc-vault-secretprovider";
/// The objects of [`three`].
pub(crate) const OBJECTS: [&str; 5] = [ORDERS, PICTURES, ACCOUNT, VAULT, CLASS];

/// The password of every test, and what it looks like within base64, by where it begins in a group of three.
const MARKERS: [&str; 4] = ["hunter2", "aHVudGVyM", "h1bnRlcj", "dW50ZXIy"];

/// A run that has ended.
pub(crate) struct Ended {
    /// The exit code, or the whole error.
    pub(crate) code: Result<u8, String>,
    /// What was printed.
    pub(crate) printed: String,
    pub(crate) seen: Vec<Seen>,
    pub(crate) took: Duration,
}

impl Ended {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen.iter().map(Seen::line).collect()
    }

    /// The requests of this method for this object.
    pub(crate) fn of(&self, method: &Method, object: &str) -> Vec<&Seen> {
        self.seen.iter().filter(|seen| seen.method == *method && seen.object == object).collect()
    }

    /// The requests for objects of connections.
    pub(crate) fn outside(&self) -> Vec<&Seen> {
        self.seen.iter().filter(|seen| !seen.path.contains("/namespaces/sc-system/")).collect()
    }

    /// What was written to objects of connections, each as `POST /path`.
    pub(crate) fn written(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.outside().into_iter().filter(|seen| seen.writes()).map(|seen| format!("{} {}", seen.method, seen.object)).collect();
        lines.sort();
        lines
    }

    pub(crate) fn events(&self) -> Vec<&Value> {
        self.seen.iter().filter(|seen| seen.path == EVENTS).map(|seen| &seen.body).collect()
    }
}

/// What a run prints.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A server with what the chart installs in it.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) stop: Stop,
}

impl World {
    /// The chart installed with these connections.
    pub(crate) fn of(connections: &[Value]) -> Self {
        let world = Self { server: Server::default(), stop: Stop::new() };
        world.upgrade(connections);
        let now = Timestamp::now().to_string();
        world.put(JOB, &json!({"metadata": {"name": "sc-job", "uid": "job-1"}, "spec": {}, "status": {"startTime": now}}));
        world.put(REFERENCED, &json!({"metadata": {"name": "orders-admin"}, "data": {"password": STANDARD.encode("hunter2")}}));
        world
    }

    /// The same, and a first run done.
    pub(crate) async fn installed(connections: &[Value]) -> Self {
        let world = Self::of(connections);
        assert_eq!(world.run().await.code, Ok(0));
        world
    }

    pub(crate) fn configure(&self, document: &[u8]) {
        let data = json!({"values.json": STANDARD.encode(document)});
        self.put(CONFIG, &json!({"metadata": {"name": "sc-config", "uid": "config-1"}, "data": data}));
    }

    /// An upgrade to these connections.
    pub(crate) fn upgrade(&self, connections: &[Value]) {
        self.configure(json!({"connections": connections}).to_string().as_bytes());
    }

    pub(crate) fn put(&self, path: &str, object: &Value) {
        self.server.objects(|objects| objects.put(path, object.clone()));
    }

    pub(crate) fn live(&self, path: &str) -> Option<Value> {
        self.server.objects(|objects| objects.get(path).cloned())
    }

    /// A key of `sc-status`.
    pub(crate) fn status(&self, key: &str) -> String {
        self.live(STATUS).map(|status| status["data"][key].as_str().unwrap_or("(none)").to_owned()).unwrap_or_default()
    }

    /// The lines of the inventory.
    pub(crate) fn inventory(&self) -> Vec<String> {
        let live = self.live(INVENTORY).unwrap_or_default();
        live["data"]["objects"].as_str().unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Does something to the cluster while a run is under way.
    pub(crate) fn later(&self, seconds: u64, act: impl FnOnce(&Server) + Send + 'static) {
        let server = self.server.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            act(&server);
        });
    }

    /// Whether the own Job would vanish.
    pub(crate) fn vanishes(&self) -> bool {
        self.live(JOB).is_some_and(|job| job["spec"]["ttlSecondsAfterFinished"].is_number())
    }

    /// Runs as the chart's Job does.
    pub(crate) async fn run(&self) -> Ended {
        self.run_with(&[]).await
    }

    /// The same with further arguments.
    pub(crate) async fn run_with(&self, further: &[&str]) -> Ended {
        let identity = ["--pod-uid", "pod-1", "--pod-name", "sc-job-abcde", "--job-name", "sc-job", "--job-uid", "job-1", "--trigger", "hook"];
        self.run_as(&[&identity, further].concat()).await
    }

    pub(crate) async fn run_as(&self, arguments: &[&str]) -> Ended {
        let usual = ["sc-job", "--release", "sc", "--release-namespace", "sc-system", "--image", "example/sc-job:0.1.0"];
        let args = Args::try_parse_from([&usual, arguments].concat()).unwrap();
        let (cluster, began) = (Cluster::new(self.server.client()), Instant::now());
        let printed = Printed::default();
        let code = sc_job::run::steps(&cluster, &args, &self.stop, &Output::to(printed.clone())).await.map_err(|error| format!("{error:?}"));
        let ended = Ended { code, printed: printed.text(), seen: self.server.forget(), took: began.elapsed() };
        hold(&ended);
        ended
    }
}

/// What holds for every run, however it ends.
fn hold(ended: &Ended) {
    for seen in &ended.seen {
        let conditions = &seen.body["preconditions"];
        let is_careful = conditions["uid"].is_string() && conditions["resourceVersion"].is_string() && !seen.path.contains("/jobs/");
        assert!(seen.method != Method::DELETE || is_careful, "{}", seen.line());
        let is_ours =
            |query: &str| query.starts_with("labelSelector=sc-extension.dev/release=sc,sc-extension.dev/release-namespace=sc-system&limit=500");
        assert!(seen.path.split_once('?').is_none_or(|(_, query)| is_ours(query)), "{}", seen.line());
        let content_type = if seen.method == Method::PATCH { "application/json-patch+json" } else { "application/json" };
        assert_eq!(seen.content_type, content_type, "{}", seen.line());
        let is_public = seen.path.contains("/namespaces/sc-system/");
        assert!(!is_public || !tells(&seen.body.to_string()), "{} carries a credential", seen.line());
    }
    assert!(!tells(&format!("{:?}", ended.code)), "an error carries a credential");
    assert!(!tells(&ended.printed), "the report carries a credential: {}", ended.printed);
}

/// Whether a text gives the password away.
pub(crate) fn tells(text: &str) -> bool {
    MARKERS.iter().any(|marker| text.contains(marker))
}

pub(crate) fn orders() -> Value {
    json!({
        "name": "orders", "namespace": "shop", "targetService": "postgres-flexible", "authType": "secret", "clientType": "python",
        "target": {"server": "orders-db", "database": "orders"},
        "credentials": {"username": "app", "password": {"secretKeyRef": {"name": "orders-admin", "key": "password"}}},
    })
}

/// A connection with these fields replaced.
pub(crate) fn but(mut connection: Value, fields: &Value) -> Value {
    connection.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    connection
}

fn identity() -> Value {
    json!({"clientId": "11111111-2222-3333-4444-555555555555", "tenantId": "99999999-8888-7777-6666-555555555555"})
}

pub(crate) fn pictures() -> Value {
    json!({
        "name": "pictures", "namespace": "shop", "targetService": "storage-blob", "authType": "workload-identity",
        "target": {"account": "shoppictures"}, "credentials": identity(),
    })
}

pub(crate) fn vault() -> Value {
    json!({
        "name": "vault", "namespace": "media", "targetService": "keyvault", "authType": "csi",
        "target": {"vault": "shop-vault"}, "credentials": identity(), "secrets": [{"name": "db-password"}],
    })
}

pub(crate) fn three() -> [Value; 3] {
    [orders(), pictures(), vault()]
}
