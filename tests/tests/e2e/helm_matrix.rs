//! Both Helms with each of their ways to wait, through success, failure and what mends it.

use std::time::Duration;

use sc_tests::planning::decoded;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm, Ran};
use crate::connections::{connection_string, postgres_inline, secret};
use crate::evidence::Failed;
use crate::{kube, proof, size, traces};

/// So long each command may take. None waits for its timeout, and no failure here is tried again.
const AT_ONCE: Duration = Duration::from_secs(100);
/// What the values ask for, and a stranger has.
const REFUSED: Failed = Failed { codes: &[3], job: "PodFailurePolicy", says: "sc-stock-secret exists and was not made by release `sc`" };

/// How Helm is told to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Plain,
    Wait,
    WaitForJobs,
    /// `--atomic` of Helm 3, `--rollback-on-failure` of Helm 4.
    FallBack,
    /// Helm 4 as Helm 3 waited.
    Legacy,
}

/// What becomes of a release. A failure is mended in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    Success,
    InstallFails,
    UpgradeFails,
}

type Cell = (Helm, Waiting, Story);

/// Those that no other test has something of.
const SAMPLE: [Cell; 4] = [
    (Helm::Three, Waiting::FallBack, Story::InstallFails),
    (Helm::Four, Waiting::FallBack, Story::UpgradeFails),
    (Helm::Four, Waiting::Legacy, Story::InstallFails),
    (Helm::Four, Waiting::WaitForJobs, Story::Success),
];

#[test]
fn each_helm_ends_at_once_as_the_run_did_however_it_waits() {
    let cells = if sc_tests::is_whole() { all() } else { SAMPLE.to_vec() };
    size::for_each(&cells, |(helm, waiting, story)| {
        let name = format!("{waiting:?}-{story:?}").to_lowercase();
        bed::with(*helm, &name, 1, |bed| story.tell(bed, waiting.arguments(*helm), *waiting == Waiting::FallBack));
    });
}

fn all() -> Vec<Cell> {
    use Waiting::{FallBack, Legacy, Plain, Wait, WaitForJobs};
    let ways = [Plain, Wait, WaitForJobs, FallBack, Legacy].into_iter().flat_map(|waiting| [(Helm::Three, waiting), (Helm::Four, waiting)]);
    let ways = ways.filter(|way| *way != (Helm::Three, Legacy));
    ways.flat_map(|(helm, waiting)| [Story::Success, Story::InstallFails, Story::UpgradeFails].map(|story| (helm, waiting, story))).collect()
}

impl Waiting {
    fn arguments(self, helm: Helm) -> &'static [&'static str] {
        match (self, helm) {
            (Self::Plain, _) => &[],
            (Self::Wait, _) => &["--wait"],
            (Self::WaitForJobs, _) => &["--wait", "--wait-for-jobs"],
            (Self::FallBack, Helm::Three) => &["--atomic"],
            (Self::FallBack, Helm::Four) => &["--rollback-on-failure"],
            (Self::Legacy, _) => &["--wait=legacy"],
        }
    }
}

impl Story {
    fn tell(self, bed: &Bed, waiting: &[&str], falls_back: bool) {
        let before = [postgres_inline("orders", bed.shop(), "first")];
        let after = ["orders", "stock"].map(|name| postgres_inline(name, bed.shop(), "second"));
        if self != Self::InstallFails {
            succeeds(bed, &before, waiting);
            assert_eq!(orders(bed), connection_string("orders", "first"));
        }
        if self == Self::Success {
            return;
        }
        fails(bed, &after, waiting);
        match (self, falls_back) {
            (Self::InstallFails, true) => assert_uninstalled(bed),
            (_, true) => assert_fell_back(bed),
            (_, false) => assert_stayed(bed),
        }
        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-stock-secret"]);
        succeeds(bed, &after, waiting);
        assert_eq!(orders(bed), connection_string("orders", "second"));
    }
}

fn succeeds(bed: &Bed, connections: &[Value], waiting: &[&str]) {
    let ran = bed.upgraded(connections, waiting);
    assert!(ran.time < AT_ONCE, "Helm waited {:?}", ran.time);
    assert_release(bed, "deployed");
    proof::assert_no_job(bed);
    proof::assert_proven(bed);
}

fn fails(bed: &Bed, connections: &[Value], waiting: &[&str]) {
    kube::apply(&[secret(bed.shop(), "sc-stock-secret", &json!({"mine": "yes"}))]);
    let Ran { answer, time } = bed.upgrade(connections, waiting);
    assert!(!answer.is_ok, "Helm took it for a success: {}", traces::short(bed));
    assert!(time < AT_ONCE, "Helm waited {time:?}");
    REFUSED.assert_left(bed);
}

/// Nothing of the release is left, but for what says why.
fn assert_uninstalled(bed: &Bed) {
    assert_release(bed, "not found");
    assert!(kube::get(&bed.system, "secret", "sc-config").is_none());
    let status = proof::status(bed);
    assert_eq!(status["result"], "Failed", "{status}");
    assert!(status["reason"].as_str().unwrap().contains(REFUSED.says), "{status}");
}

/// The old values were applied again, by a Job of another name.
fn assert_fell_back(bed: &Bed) {
    assert_release(bed, "deployed");
    proof::assert_proven(bed);
    assert_eq!(proof::status(bed)["trigger"], "rollback");
    assert_eq!(orders(bed), connection_string("orders", "first"));
    assert!(kube::get(&bed.system, "job", "sc-job-rollback").is_none(), "the rollback's Job is gone");
}

fn assert_stayed(bed: &Bed) {
    assert_release(bed, "failed");
    proof::assert_failed(bed, REFUSED.says);
    assert_eq!(orders(bed), connection_string("orders", "second"), "what can be applied is");
}

fn assert_release(bed: &Bed, expected: &str) {
    let Ran { answer, .. } = bed.run(&["status", "sc", "--output", "json"]);
    let release: Value = serde_json::from_str(&answer.output).unwrap_or_default();
    let status = release["info"]["status"].as_str().unwrap_or(&answer.errors);
    assert!(status.contains(expected), "the release is not {expected}: {status}");
}

fn orders(bed: &Bed) -> String {
    decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"))["AZURE_POSTGRESQL_CONNECTIONSTRING"].clone()
}
