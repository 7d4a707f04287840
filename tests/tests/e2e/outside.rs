//! The binary at a terminal, without Job and chart.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sc_tests::helm::Answer;
use sc_tests::planning::decoded;
use sc_tests::{canary, tree};

use crate::bed::{self, Bed, Helm};
use crate::connections::{PASSWORD, orders_admin, pictures, postgres};
use crate::{kube, traces};

#[test]
fn a_dry_run_outside_of_the_cluster_writes_nothing() {
    bed::with(Helm::Four, "outside", 1, |bed| {
        let connections = [postgres("orders", bed.shop(), "orders"), pictures(bed.shop())];
        kube::apply(&[orders_admin(&bed.system, PASSWORD)]);
        let everywhere: Vec<String> = bed.namespaces.iter().chain([&bed.system]).cloned().collect();
        // What the controllers put into a new namespace is no doing of the run.
        for namespace in &everywhere {
            let given = || Some((kube::get(namespace, "serviceaccount", "default")?, kube::get(namespace, "configmap", "kube-root-ca.crt")?));
            kube::wait_for("what is in each namespace", Duration::from_secs(30), given);
        }
        let before = kube::versions(&everywhere);

        let said = sc_job(bed, &connections, &["--dry-run"]);
        assert!(said.is_ok, "{}{}", said.output, said.errors);
        assert!(said.output.contains("AZURE_POSTGRESQL_CONNECTIONSTRING"), "it says what would be made: {}", said.output);
        assert_silent(bed, &said);
        assert_eq!(kube::changed(&before, &kube::versions(&everywhere)), [""; 0]);

        let said = sc_job(bed, &connections, &[]);
        assert!(said.is_ok && said.output.contains("3 objects: 3 created"), "{}{}", said.output, said.errors);
        assert_silent(bed, &said);
        let secret = decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"));
        assert!(secret["AZURE_POSTGRESQL_CONNECTIONSTRING"].starts_with("dbname=orders host="));
        assert!(kube::get(&bed.system, "configmap", "sc-status").is_none(), "no status unless it is asked for");
    });
}

/// Here a run that succeeds is heard as well: in the cluster its log goes with its Job.
fn assert_silent(bed: &Bed, said: &Answer) {
    traces::assert_not_said(bed, &[said.output.as_str(), &said.errors].concat(), PASSWORD);
}

fn sc_job(bed: &Bed, connections: &[serde_json::Value], more: &[&str]) -> Answer {
    let mut command = Command::new(program());
    command
        .arg("--verbose")
        .env("RUST_LOG", "trace")
        .arg("--values")
        .arg(bed.values(connections))
        .args(["--release-namespace", &bed.system])
        .args(more);
    let answer = kube::answer(&command.output().unwrap());
    canary::keep("run", &[answer.output.as_str(), &answer.errors].concat());
    answer
}

/// The binary of the image.
fn program() -> PathBuf {
    let program = tree("target/x86_64-unknown-linux-musl/release/sc-job");
    assert!(program.exists(), "there is no {}: run `scripts/image`", program.display());
    program
}
