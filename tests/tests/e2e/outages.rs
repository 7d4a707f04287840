//! Parts of the cluster that die while a run writes: the API server, the kubelet, the kubelet together with the job's own process.
//!
//! On a cluster of `scripts/cluster`, whose processes these tests may kill; and each alone, since it disturbs all others.

use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use sc_tests::planning::decoded;
use serde_json::Value;

use crate::bed::{self, Bed, Helm};
use crate::connections::{connection_string, postgres_inline};
use crate::webhook::Gate;
use crate::workloads::script;
use crate::{kube, proof, traces};

/// What dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dying {
    ApiServer,
    Kubelet,
    /// The kubelet and the container, as when a node is lost and comes back.
    Node,
}

#[test]
#[ignore = "disturbs all other tests: -- --include-ignored"]
fn a_run_ends_right_though_a_part_of_the_cluster_dies() {
    let Some(cluster) = kube::own_cluster() else {
        return eprintln!("not a cluster of scripts/cluster: its processes are not these tests' to kill");
    };
    for dying in [Dying::ApiServer, Dying::Kubelet, Dying::Node] {
        for helm in [Helm::Three, Helm::Four] {
            bed::alone(helm, &format!("{dying:?}").to_lowercase(), 1, |bed| dying.dies(bed, &cluster));
        }
    }
}

impl Dying {
    fn dies(self, bed: &Bed, cluster: &str) {
        bed.upgraded(&orders(bed, "first"), &[]);
        let gate = Gate::shut(bed);
        let ran = thread::scope(|scope| {
            let upgrade = scope.spawn(|| bed.upgrade(&orders(bed, "second"), &[]));
            let held = gate.held();
            assert_eq!(proof::status(bed)["result"], "Running");
            self.kill(bed);
            if self == Self::ApiServer {
                mend(cluster);
            }
            drop((held, gate));
            if self == Self::Kubelet {
                assert_proven_and_there(bed);
            }
            mend(cluster);
            upgrade.join().unwrap()
        });
        eprintln!("{self:?}, Helm {}: success: {}, after {:?}: {}", bed.helm.number(), ran.answer.is_ok, ran.time, ran.answer.errors);
        assert!(ran.answer.is_ok, "{}", ran.answer.errors);
        proof::assert_proven(bed);
        proof::assert_no_job(bed);
        let secret = decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"));
        assert_eq!(secret["AZURE_POSTGRESQL_CONNECTIONSTRING"], connection_string("orders", "second"));
    }

    fn kill(self, bed: &Bed) {
        match self {
            Self::ApiServer => end(&process_of("kube-apiserver")),
            Self::Kubelet => end(&process_of("kubelet")),
            Self::Node => {
                end(&process_of("kubelet"));
                end(&process_of_pod(bed));
            }
        }
    }
}

/// The container goes on without a kubelet. The Job stays until one has said how it ended, though its time to live is set.
fn assert_proven_and_there(bed: &Bed) {
    let (hash, _) = proof::config(bed);
    let is_proven = || (proof::status(bed)["observedHash"] == hash).then_some(());
    kube::wait_for("the container to succeed", Duration::from_mins(1), is_proven);
    let has_ttl = || kube::existing(&bed.system, "job", "sc-job")["spec"]["ttlSecondsAfterFinished"].is_number().then_some(());
    kube::wait_for("the time to live", Duration::from_secs(10), has_ttl);
    assert!(kube::existing(&bed.system, "job", "sc-job")["status"]["completionTime"].is_null());
}

fn orders(bed: &Bed, password: &str) -> [Value; 1] {
    [postgres_inline("orders", bed.shop(), password)]
}

/// The process id of a part of the cluster.
fn process_of(part: &str) -> String {
    let file = kube::cluster_file(&format!("pids/{part}")).unwrap_or_else(|| panic!("{part} was not started by scripts/cluster"));
    let pid = file.split(' ').next().unwrap().to_owned();
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(command.contains(part), "process {pid} is not {part}: {command}");
    pid
}

/// The process id of the release's running sc-job, by the environment that the chart gives it.
fn process_of_pod(bed: &Bed) -> String {
    let pods = traces::pods(bed, "sc-job");
    let uid = pods.iter().find_map(|pod| pod["metadata"]["uid"].as_str()).unwrap();
    let own = format!("POD_UID={uid}");
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_own =
        |pid: &String| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| String::from_utf8_lossy(&environment).contains(&own));
    let mut own: Vec<String> = processes.filter(is_own).collect();
    assert_eq!(own.len(), 1, "the container of {uid} has one process: {own:?}");
    own.remove(0)
}

fn end(pid: &str) {
    assert!(Command::new("sh").args(["-c", "kill -KILL \"$0\"", pid]).status().unwrap().success());
}

fn mend(cluster: &str) {
    script("scripts/cluster", &["up", "--name", cluster]);
}
