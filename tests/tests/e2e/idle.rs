//! Runs that cannot begin: each fails within the Job's deadline, before a Helm would give up.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{self, Bed, Helm};
use crate::connections::postgres_inline;
use crate::evidence::Failed;
use crate::held::Held;
use crate::{kube, obstacles, proof, size, traces};

/// Why no pod of a Job starts, or none in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idle {
    Image,
    Quota,
    Account,
    Lease,
}

/// The least that the chart takes, as setting.
const DEADLINE: [&str; 2] = ["--set", "job.activeDeadlineSeconds=60"];

/// Well before Helm gives up.
const IN_TIME: Duration = Duration::from_mins(2);

/// Each takes the Job's whole deadline, so only where all is tried.
#[test]
#[ignore = "takes the Job's whole deadline, four times: -- --include-ignored"]
fn a_run_that_cannot_begin_fails_before_helm_gives_up() {
    size::for_each(
        &[(Helm::Three, Idle::Image), (Helm::Four, Idle::Quota), (Helm::Four, Idle::Account), (Helm::Three, Idle::Lease)],
        |(helm, idle)| {
            bed::with(*helm, &format!("idle-{idle:?}").to_lowercase(), 1, |bed| idle.idle(bed));
        },
    );
}

impl Idle {
    fn idle(self, bed: &Bed) {
        let connections = |password| [postgres_inline("orders", bed.shop(), password)];
        bed.upgraded(&connections("first"), &DEADLINE);
        let begin = Instant::now();
        match self {
            Self::Image => upgrade_fails(bed, &connections("second"), &["--set", "image.tag=none"]),
            Self::Quota => {
                kube::apply(&[obstacles::quota(&bed.system, "pods")]);
                upgrade_fails(bed, &connections("second"), &[]);
                kube::kubectl(&["-n", &bed.system, "delete", "resourcequota", "none"]);
            }
            Self::Account => {
                kube::kubectl(&["-n", &bed.system, "delete", "serviceaccount", "sc-job"]);
                kube::kubectl(&["-n", &bed.system, "create", "job", "sc-job", "--from=cronjob/sc-reconcile"]);
                kube::kubectl(&["-n", &bed.system, "wait", "--for=condition=Failed", "job/sc-job", "--timeout=100s"]);
            }
            Self::Lease => {
                let _held = Held::by_somebody(bed);
                upgrade_fails(bed, &connections("second"), &[]);
                let says = "the time that the Job may run was nearly over";
                Failed { codes: &[1, 1], job: "BackoffLimitExceeded", says }.assert_left(bed);
            }
        }
        eprintln!("{self:?} on Helm {}: failed after {:?}", bed.helm.number(), begin.elapsed());
        self.assert_said(bed);
        bed.upgraded(&connections("second"), &DEADLINE);
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
    }

    /// Where no container has run, Kubernetes says why, though not on the Job when the image is missing.
    fn assert_said(self, bed: &Bed) {
        let words = match self {
            Self::Lease => return,
            Self::Image => "Failed to pull image",
            Self::Quota => "exceeded quota",
            Self::Account => "serviceaccount \"sc-job\" not found",
        };
        assert_eq!(traces::failure_of_job(bed, "sc-job").as_deref(), Some("DeadlineExceeded"));
        let said = kube::kubectl(&["-n", &bed.system, "get", "events", "-o", "jsonpath={.items[*].message}"]);
        assert!(said.contains(words), "`{words}` is not said in: {said}");
    }
}

fn upgrade_fails(bed: &Bed, connections: &[Value], more: &[&str]) {
    let ran = bed.upgrade(connections, &[&DEADLINE, more].concat());
    assert!(!ran.answer.is_ok && ran.time < IN_TIME, "after {:?}: {}", ran.time, ran.answer.errors);
    assert_ne!(proof::status(bed)["observedHash"], proof::config(bed).0);
}
