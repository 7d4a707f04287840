//! Two at work at once: runs beside each other, and people and Helm who take away what a run stands on.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use sc_tests::planning::decoded;
use sc_tests::{is_whole, tree};
use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm, Ran};
use crate::connections::{connection_string, postgres_inline};
use crate::held::Held;
use crate::webhook::Gate;
use crate::{audit, kube, proof, size, traces};

/// So long a pod or a Job may take.
const SOON: Duration = Duration::from_mins(1);
/// A timeout for a Helm that can only wait in vain, as 4 does for a Job that is gone, and one for a Helm that ends when it is.
fn timeout(helm: Helm) -> [&'static str; 2] {
    ["--timeout", if helm == Helm::Four { "20s" } else { "120s" }]
}

/// Which of two runs was there before the other.
#[derive(Debug, PartialEq, Eq)]
enum First {
    Upgrade,
    ByHand,
}

#[test]
fn a_run_by_hand_and_an_upgrade_take_turns() {
    if kube::own_cluster().is_none() {
        return eprintln!("not a cluster of scripts/cluster: its API server does not reach this process");
    }
    size::for_each(&[(Helm::Three, First::Upgrade), (Helm::Four, First::ByHand)], |(helm, first)| {
        bed::with(*helm, "turns", 1, |bed| {
            bed.upgraded(&orders(bed, "first"), &[]);
            let earlier = audit::requests(bed).map_or(0, |requests| requests.len());
            let (ran, pods) = both(bed, first);
            none_running(bed);
            assert_turns(bed, earlier, &pods);
            assert!(ran.answer.is_ok && ran.time < bed::TIMEOUT / 2, "after {:?}: {}", ran.time, ran.answer.errors);
            gone(bed, "by-hand");
            proof::assert_no_job(bed);
            proof::assert_proven(bed);
            assert_eq!(proof::status(bed)["generation"], "3", "both have succeeded");
            assert_eq!(password(bed), connection_string("orders", "second"));
        });
    });
}

/// Begins a second run while the first one writes, and lets that go on when the second has asked for the Lease in vain.
fn both(bed: &Bed, first: &First) -> (Ran, [String; 2]) {
    let upgrade = || bed.upgrade(&orders(bed, "second"), &[]);
    let gate = Gate::shut(bed);
    thread::scope(|scope| {
        let (upgrade, held) = if *first == First::Upgrade {
            let upgrade = scope.spawn(upgrade);
            let held = gate.held();
            by_hand(bed, "by-hand");
            (upgrade, held)
        } else {
            // Without drift it would write nothing.
            kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
            by_hand(bed, "by-hand");
            (scope.spawn(upgrade), gate.held())
        };
        let pods = ["sc-job", "by-hand"].map(|job| running(bed, job));
        kube::wait_for("both to ask for the Lease", SOON, || pods.iter().all(|pod| has_asked_twice(bed, pod)).then_some(()));
        drop((gate, held));
        (upgrade.join().unwrap(), pods)
    })
}

fn has_asked_twice(bed: &Bed, pod: &str) -> bool {
    let asked = |request: &&audit::Request| request.pod == pod && request.resource.ends_with("/leases");
    audit::requests(bed).is_some_and(|requests| requests.iter().filter(asked).count() > 1)
}

/// Between the first request of a run that holds the Lease and its last there is none of the other.
fn assert_turns(bed: &Bed, earlier: usize, pods: &[String; 2]) {
    let Some(requests) = audit::requests(bed) else { return };
    // What a run asks before it holds the Lease: the Lease, and its own Job.
    let is_alone = |request: &&audit::Request| !request.resource.ends_with("/leases") && !request.resource.ends_with("/jobs");
    let mut turns: Vec<&str> = requests[earlier..].iter().filter(is_alone).map(|request| request.pod.as_str()).collect();
    assert!(turns.len() > 6, "the audit log is read wrongly: {turns:?}");
    turns.dedup();
    assert!(turns.len() == 2 && pods.iter().all(|pod| turns.contains(&pod.as_str())), "{pods:?} did not take turns: {turns:?}");
}

#[test]
fn a_pod_without_its_job_leaves_the_new_job_alone() {
    bed::with_either_helm([Helm::Three, Helm::Four], "orphan", 1, orphan);
}

fn orphan(bed: &Bed) {
    bed.upgraded(&orders(bed, "first"), &[]);
    let held = Held::by_somebody(bed);
    let (ran, [orphan, rerun], job) = thread::scope(|scope| {
        let upgrade = scope.spawn(|| bed.upgrade(&orders(bed, "second"), &timeout(bed.helm)));
        let orphan = running(bed, "sc-job");
        kube::kubectl(&["-n", &bed.system, "delete", "job", "sc-job", "--cascade=orphan"]);
        let ran = upgrade.join().unwrap();
        assert_ne!(proof::status(bed)["observedHash"], proof::config(bed).0, "nothing is proven by the Job's absence");
        by_hand(bed, "sc-job");
        let job = kube::existing(&bed.system, "job", "sc-job")["metadata"]["uid"].clone();
        let is_new = || traces::pods(bed, "sc-job").iter().find_map(|pod| (name(pod) != orphan && is_running(pod)).then(|| name(pod).to_owned()));
        let rerun = kube::wait_for("the new pod", SOON, is_new);
        let earlier = audit::requests(bed).map_or(0, |requests| requests.len());
        held.release();
        gone(bed, "sc-job");
        assert_untouched_by(bed, earlier, &orphan);
        (ran, [orphan, rerun], job)
    });
    assert_eq!(ran.answer.is_ok, bed.helm == Helm::Three, "Helm 3 takes a Job that is gone for done, Helm 4 waits in vain: {}", ran.answer.errors);
    proof::assert_proven(bed);
    let status = proof::status(bed);
    assert_eq!((&status["jobUID"], &status["podName"]), (&job, &json!(rerun)), "{status}");
    assert_eq!(status["generation"], "2", "{status}");
    let log = kube::wait_for("the orphan to end", SOON, || Some(kube::kubectl(&["-n", &bed.system, "logs", &orphan])).filter(|log| !log.is_empty()));
    assert!(log.contains("nothing is touched"), "{log}");
}

/// After the Lease was released, this pod asked for it and gave it back, and looked for its Job.
fn assert_untouched_by(bed: &Bed, earlier: usize, pod: &str) {
    let Some(requests) = audit::requests(bed) else { return };
    let own: Vec<&audit::Request> = requests[earlier..].iter().filter(|request| request.pod == pod).collect();
    let is_look = |request: &&audit::Request| request.resource.ends_with("/leases") || request.verb == "get" && request.resource.ends_with("/jobs");
    assert!(own.len() > 1 && own.iter().all(is_look), "{own:?}");
}

#[test]
fn a_job_that_is_deleted_mid_run_leaves_no_proof_whatever_helm_says() {
    bed::with_either_helm([Helm::Three, Helm::Four], "deleted", 1, deleted);
}

fn deleted(bed: &Bed) {
    if kube::own_cluster().is_none() {
        return eprintln!("not a cluster of scripts/cluster: its API server does not reach this process");
    }
    let notes = bed.upgraded(&[], &[]);
    let gate = Gate::shut(bed);
    let ran = thread::scope(|scope| {
        let upgrade = scope.spawn(|| bed.upgrade(&orders(bed, "plain"), &timeout(bed.helm)));
        let _held = gate.held();
        assert_eq!(proof::status(bed)["result"], "Running");
        kube::kubectl(&["-n", &bed.system, "delete", "job", "sc-job"]);
        kube::wait_for("its pod to be gone", SOON, || traces::pods(bed, "sc-job").is_empty().then_some(()));
        upgrade.join().unwrap()
    });
    drop(gate);
    assert_eq!(ran.answer.is_ok, bed.helm == Helm::Three, "Helm 3 takes a Job that is gone for done, Helm 4 waits in vain: {}", ran.answer.errors);
    proof::assert_failed(bed, "the run was told to end");
    crate::reruns::rerun(bed, &notes);
    assert_eq!(password(bed), connection_string("orders", "plain"));
}

/// As long as its Job was there, Helm would have deleted it; now its time to live does.
#[test]
fn a_run_outlives_the_helm_that_began_it() {
    bed::with(Helm::Four, "killed", 1, |bed| {
        let held = Held::by_somebody(bed);
        let (chart, values) = (tree("chart"), bed.values(&orders(bed, "plain")));
        let mut command = Command::new(bed.helm.program());
        command.args(["install", "sc", chart.to_str().unwrap(), "--namespace", &bed.system, "--values", values.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        running(bed, "sc-job");
        child.kill().unwrap();
        child.wait().unwrap();
        held.release();
        kube::kubectl(&["-n", &bed.system, "wait", "--for=condition=Complete", "job/sc-job", "--timeout=60s"]);
        proof::assert_proven(bed);
        assert_eq!(kube::existing(&bed.system, "job", "sc-job")["spec"]["ttlSecondsAfterFinished"], 60);
        if is_whole() {
            kube::kubectl(&["-n", &bed.system, "wait", "--for=delete", "job/sc-job", "--timeout=120s"]);
        }
    });
}

#[test]
fn an_uninstallation_during_a_scheduled_run_leaves_nothing() {
    let cases = [(Helm::Four, "sc-cleanup"), (Helm::Three, "sc-cleanup"), (Helm::Three, "sc-reconcile-1"), (Helm::Four, "sc-reconcile-1")];
    size::for_each(size::sample(&cases, 1), |(helm, first)| {
        bed::with(*helm, &format!("un{first}"), 1, |bed| uninstalled(bed, first));
    });
}

/// With the Job whose turn is first.
fn uninstalled(bed: &Bed, first: &str) {
    bed.upgraded(&orders(bed, "plain"), &["--set", "cleanup.enabled=true,driftRepair.enabled=true,driftRepair.schedule=0 0 1 1 *"]);
    let held = Held::by_somebody(bed);
    by_hand(bed, "sc-reconcile-1");
    running(bed, "sc-reconcile-1");
    let ran = thread::scope(|scope| {
        let uninstall = scope.spawn(|| bed.helm(&["uninstall", "sc", "--wait"]));
        running(bed, "sc-cleanup");
        let pod = kube::existing(&bed.system, "pod", &running(bed, first));
        held.pass_to(pod["metadata"]["uid"].as_str().unwrap());
        uninstall.join().unwrap()
    });
    assert!(ran.time < Duration::from_mins(2), "Helm waited {:?}", ran.time);
    none_running(bed);
    assert!(kube::list(bed.shop(), "secrets").is_empty(), "the scheduled run has made it anew");
    assert_eq!(proof::status(bed)["result"], "CleanedUp");
    gone(bed, "sc-reconcile-1");
    assert!(kube::list(&bed.system, "jobs,cronjobs").is_empty());
}

/// An installation that died at a namespace that is not there has its cleanup ahead of it all the same.
#[test]
#[ignore = "takes half a minute: -- --include-ignored"]
fn what_was_never_whole_can_be_uninstalled() {
    bed::with_both_helms("early", 0, |bed| {
        let nowhere = [postgres_inline("orders", &format!("{}-nowhere", bed.system), "plain")];
        let ran = bed.upgrade(&nowhere, &["--set", "cleanup.enabled=true"]);
        assert!(!ran.answer.is_ok && ran.answer.errors.contains("not found"), "{}", ran.answer.errors);
        let ran = bed.helm(&["uninstall", "sc", "--wait"]);
        assert!(ran.time < Duration::from_mins(2), "Helm waited {:?}", ran.time);
        assert!(kube::list(&bed.system, "jobs,cronjobs,secrets,roles").is_empty());
    });
}

fn orders(bed: &Bed, password: &str) -> [Value; 1] {
    [postgres_inline("orders", bed.shop(), password)]
}

fn password(bed: &Bed) -> String {
    decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"))["AZURE_POSTGRESQL_CONNECTIONSTRING"].clone()
}

/// A run as the CronJob would make it.
fn by_hand(bed: &Bed, job: &str) {
    kube::kubectl(&["-n", &bed.system, "create", "job", job, "--from=cronjob/sc-reconcile"]);
}

/// Waits for the pod of a Job; gives its name.
fn running(bed: &Bed, job: &str) -> String {
    let is_there = || traces::pods(bed, job).iter().find(|pod| is_running(pod)).map(|pod| name(pod).to_owned());
    kube::wait_for(&format!("the pod of {job}"), SOON, is_there)
}

fn none_running(bed: &Bed) {
    kube::wait_for("the runs to end", SOON, || (!kube::list(&bed.system, "pods").iter().any(is_running)).then_some(()));
}

fn is_running(pod: &Value) -> bool {
    pod["status"]["containerStatuses"][0]["state"]["running"].is_object()
}

fn name(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().unwrap()
}

fn gone(bed: &Bed, job: &str) {
    kube::kubectl(&["-n", &bed.system, "wait", "--for=delete", &format!("job/{job}"), "--timeout=60s"]);
}
