//! A workload takes the variables by `envFrom`, and its client gets an answer from a real database.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sc_tests::planning::decoded;
use sc_tests::tree;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::connections::{PASSWORD, orders_admin, postgres};
use crate::kube;
use crate::terminal::session::Session;

/// The database server, for as long as this lives.
pub(crate) struct Database {
    cluster: String,
}

#[test]
fn a_workload_asks_its_database() {
    bed::with(Helm::Three, "workload", 1, |bed| {
        let database = kube::own_cluster().map(Database::start);
        let mut python = postgres("orders", bed.shop(), "orders");
        python["target"]["host"] = json!(env::var("SC_CLUSTER_IP").unwrap_or_else(|_| "db.example".to_owned()));
        let mut nodejs = python.clone();
        (nodejs["name"], nodejs["clientType"]) = (json!("orders-node"), json!("nodejs"));
        kube::apply(&[orders_admin(&bed.system, PASSWORD)]);
        bed.upgraded(&[python, nodejs], &[]);
        let node = decoded(&kube::existing(bed.shop(), "secret", "sc-ordersnode-secret"));
        assert_eq!(node["AZURE_POSTGRESQL_PASSWORD"], PASSWORD);
        if database.is_none() {
            return eprintln!("not a cluster of scripts/cluster: no database is asked there");
        }

        kube::apply(&[pod(bed)]);
        let log = log_of_ended_pod(bed);
        let (answer, variables) = log.split_once('\n').unwrap_or_default();
        assert_eq!(answer, "app|orders|t", "{log}");
        for (key, value) in node {
            assert!(variables.contains(&format!("{key}={value}\n")), "{key} is not in the workload's environment");
        }
        assert_validated(bed);
    });
}

/// `sc validate` comes to the same, down to the words of the database.
fn assert_validated(bed: &Bed) {
    let validated = Session::of(bed).run("validate orders --output json", "");
    let checks: Vec<Value> = serde_json::from_str(&validated.output).unwrap_or_else(|_| panic!("{validated:?}"));
    let results: Vec<(&str, &str)> = checks.iter().map(|check| (check["name"].as_str().unwrap(), check["result"].as_str().unwrap())).collect();
    assert_eq!(results.last(), Some(&("Protocol greeting validated.", "success")), "{checks:#?}");
    // The database has an authority of its own, which clients with `sslmode=require` do not ask for.
    let others = results.iter().filter(|(_, result)| *result != "success");
    assert_eq!(others.collect::<Vec<_>>(), [&("TLS certificate validated.", "warning")], "{checks:#?}");
    assert!(validated.is_ok && kube::list(bed.shop(), "pods").len() == 1, "the probe is gone");
}

fn pod(bed: &Bed) -> Value {
    let question = "select current_user, current_database(), ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let script = format!("psql \"$AZURE_POSTGRESQL_CONNECTIONSTRING\" -Atc '{question}' && env");
    let secrets = ["sc-orders-secret", "sc-ordersnode-secret"].map(|name| json!({"secretRef": {"name": name}}));
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": bed.shop(), "name": "workload"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "workload", "image": "localhost/psql:15", "imagePullPolicy": "Never",
                "command": ["/bin/sh", "-c", script], "envFrom": secrets,
            }],
        },
    })
}

fn log_of_ended_pod(bed: &Bed) -> String {
    let has_ended = || {
        let phase = kube::existing(bed.shop(), "pod", "workload")["status"]["phase"].clone();
        (phase == "Succeeded" || phase == "Failed").then_some(())
    };
    kube::wait_for("the workload to end", Duration::from_mins(1), has_ended);
    kube::kubectl(&["-n", bed.shop(), "logs", "workload"])
}

impl Database {
    /// Starts the server, and loads the image with its client.
    pub(crate) fn start(cluster: String) -> Self {
        let image = Path::new(env!("CARGO_TARGET_TMPDIR")).join("psql.tar");
        let image = image.to_str().unwrap();
        script("tests/cluster/psql-image", &[image]);
        script("scripts/cluster", &["load", image, "--name", &cluster]);
        let database = Self { cluster };
        script("tests/cluster/postgres", &["up", "--name", &database.cluster, "--database", "orders", "--user", "app"]);
        database
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        script("tests/cluster/postgres", &["down", "--name", &self.cluster]);
    }
}

/// Runs a script of the tree. Its output is not read: the server that it starts would keep a pipe open.
pub(crate) fn script(path: &str, arguments: &[&str]) {
    let mut command = Command::new(tree(path));
    command.args(arguments).env("SC_POSTGRES_PASSWORD", PASSWORD).stdin(Stdio::null()).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "{path} {arguments:?} failed");
}
