//! Runs that fail: at once, with everything left to look at, and mended by the next.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::bed::{self, Bed, Helm, Ran};
use crate::connections::{PASSWORD, orders_admin, postgres, secret};
use crate::evidence::Failed;
use crate::{kube, proof, traces};

/// How long a run may take that cannot succeed; its one retry, after ten seconds, included.
const AT_ONCE: Duration = Duration::from_secs(100);

#[test]
fn a_secret_of_a_stranger_is_refused_and_the_rest_applied() {
    bed::with_both_helms("stranger", 1, |bed| {
        let connections = [postgres("orders", bed.shop(), "orders"), postgres("stock", bed.shop(), "stock")];
        let stranger = secret(bed.shop(), "sc-orders-secret", &json!({"mine": "yes"}));
        kube::apply(&[orders_admin(&bed.system, PASSWORD), stranger]);
        let before = kube::existing(bed.shop(), "secret", "sc-orders-secret");

        let ran = bed.upgrade(&connections, &[]);
        assert_failed(bed, &ran, &Failed { codes: &[3], job: "PodFailurePolicy", says: "was not made by release `sc`" });
        assert!(traces::logs(bed).contains("fix: delete or rename it"), "{}", traces::logs(bed));
        assert_eq!(kube::existing(bed.shop(), "secret", "sc-orders-secret"), before);
        kube::existing(bed.shop(), "secret", "sc-stock-secret");

        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
        assert_mended(bed, &connections);
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
    });
}

#[test]
fn wrong_values_are_refused_and_the_valid_connections_applied() {
    bed::with_either_helm([Helm::Four, Helm::Three], "wrong", 1, |bed| {
        let mut connections = [postgres("orders", bed.shop(), "orders"), postgres("stock", bed.shop(), "stock")];
        connections[0]["targetService"] = json!("postgres-flexibel");
        kube::apply(&[orders_admin(&bed.system, PASSWORD)]);

        let ran = bed.upgrade(&connections, &["--wait"]);
        assert_failed(bed, &ran, &Failed { codes: &[2], job: "PodFailurePolicy", says: "postgres-flexibel" });
        assert!(traces::logs(bed).contains("at: connections[0].targetService"), "{}", traces::logs(bed));
        assert!(kube::get(bed.shop(), "secret", "sc-orders-secret").is_none());
        kube::existing(bed.shop(), "secret", "sc-stock-secret");

        connections[0]["targetService"] = json!("postgres-flexible");
        assert_mended(bed, &connections);
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
    });
}

#[test]
fn a_missing_reference_is_tried_again_and_then_fails() {
    bed::with_either_helm([Helm::Three, Helm::Four], "missing", 1, |bed| {
        let connections = [postgres("orders", bed.shop(), "orders")];
        let ran = bed.upgrade(&connections, &[]);
        assert_failed(bed, &ran, &Failed { codes: &[1, 1], job: "BackoffLimitExceeded", says: "the Secret `orders-admin`" });
        assert!(kube::get(bed.shop(), "secret", "sc-orders-secret").is_none());

        kube::apply(&[orders_admin(&bed.system, PASSWORD)]);
        assert_mended(bed, &connections);
    });
}

#[test]
fn a_reference_that_comes_before_the_retry_is_in_time() {
    bed::with(Helm::Four, "intime", 1, |bed| {
        thread::scope(|scope| {
            scope.spawn(|| {
                let is_failed = || (!traces::exit_codes(bed, "sc-job").is_empty()).then_some(());
                kube::wait_for("the first try to fail", AT_ONCE, is_failed);
                kube::apply(&[orders_admin(&bed.system, PASSWORD)]);
            });
            let ran = bed.upgraded(&[postgres("orders", bed.shop(), "orders")], &[]);
            traces::assert_silent(bed, &ran, PASSWORD);
        });
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        assert_eq!(proof::status(bed)["consecutiveFailures"], "0");
    });
}

fn assert_failed(bed: &Bed, ran: &Ran, failed: &Failed) {
    assert!(!ran.answer.is_ok, "Helm took it for a success: {}", traces::short(bed));
    assert!(ran.time < AT_ONCE, "Helm waited {:?}", ran.time);
    let release = bed.helm(&["status", "sc"]).answer.output;
    assert!(release.to_lowercase().contains("status: failed"), "{release}");

    failed.assert_left(bed);
    proof::assert_failed(bed, failed.says);
    traces::assert_silent(bed, ran, PASSWORD);
}

fn assert_mended(bed: &Bed, connections: &[serde_json::Value]) {
    let ran = bed.upgraded(connections, &[]);
    proof::assert_no_job(bed);
    proof::assert_proven(bed);
    traces::assert_silent(bed, &ran, PASSWORD);
}
