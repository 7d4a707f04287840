//! What stands in a run's way: each makes it fail in time, loudly and for a reason that is said, and the next run mends it.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::connections::{postgres_inline, secret};
use crate::evidence::Failed;
use crate::{kube, proof, size, traces, webhook};

/// So long a run may take that tries everything again, in two pods.
const TRIED_AGAIN: Duration = Duration::from_secs(90);

/// What refuses the Secrets of the first namespace of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Quota,
    Policy,
    /// A webhook where nobody listens.
    Closed,
    /// A webhook that does not answer.
    Silent,
}

#[test]
fn what_is_refused_in_one_namespace_is_said_and_stops_no_other() {
    use Refusal::{Closed, Policy, Quota, Silent};
    let cases = [(Helm::Three, Quota), (Helm::Four, Policy), (Helm::Four, Closed), (Helm::Three, Silent)];
    size::for_each(size::sample(&cases, 1), |(helm, refusal)| {
        bed::with(*helm, &format!("{refusal:?}").to_lowercase(), 2, |bed| {
            let connections = [0, 1].map(|number: usize| postgres_inline("orders", &bed.namespaces[number], "plain"));
            let in_the_way = InTheWay::put(bed, *refusal);
            let ran = bed.upgrade(&connections, &[]);
            assert!(!ran.answer.is_ok && ran.time < TRIED_AGAIN, "after {:?}: {}", ran.time, ran.answer.errors);
            refusal.failed().assert_left(bed);
            proof::assert_failed(bed, refusal.failed().says);
            assert!(kube::get(bed.shop(), "secret", "sc-orders-secret").is_none());
            kube::existing(&bed.namespaces[1], "secret", "sc-orders-secret");
            drop(in_the_way);
            bed.upgraded(&connections, &[]);
            proof::assert_proven(bed);
            kube::existing(bed.shop(), "secret", "sc-orders-secret");
        });
    });
}

/// The refusal, until this is dropped.
struct InTheWay<'a> {
    bed: &'a Bed,
    manifests: Vec<Value>,
    _silent: TcpListener,
}

impl<'a> InTheWay<'a> {
    fn put(bed: &'a Bed, refusal: Refusal) -> Self {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = if kube::own_cluster().is_some() { silent.local_addr().unwrap().to_string() } else { "192.0.2.1".to_owned() };
        let manifests = refusal.manifests(bed, &format!("https://{address}/"));
        kube::apply(&manifests);
        let is_there = || kube::run(&webhook::probe(bed)).errors.contains(refusal.words()).then_some(());
        kube::wait_for("the refusal", Duration::from_secs(30), is_there);
        Self { bed, manifests, _silent: silent }
    }
}

impl Drop for InTheWay<'_> {
    fn drop(&mut self) {
        for manifest in &self.manifests {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            kube::run(&["-n", self.bed.shop(), "delete", &text(&manifest["kind"]), &text(&manifest["metadata"]["name"]), "--ignore-not-found"]);
        }
        let is_gone = || kube::run(&webhook::probe(self.bed)).is_ok.then_some(());
        kube::wait_for("the refusal to be gone", Duration::from_secs(30), is_gone);
    }
}

impl Refusal {
    fn failed(self) -> Failed<'static> {
        match self {
            Self::Quota => Failed { codes: &[3], job: "PodFailurePolicy", says: "a quota of its namespace is used up" },
            Self::Policy => Failed { codes: &[3], job: "PodFailurePolicy", says: "an admission policy denied it" },
            Self::Closed | Self::Silent => {
                Failed { codes: &[1, 1], job: "BackoffLimitExceeded", says: "the API server answered 500 (secrets.e2e.example failed)" }
            }
        }
    }

    /// What the API server says.
    fn words(self) -> &'static str {
        match self {
            Self::Quota => "exceeded quota",
            Self::Policy => "ValidatingAdmissionPolicy",
            Self::Closed => "connection refused",
            Self::Silent => "context deadline exceeded",
        }
    }

    fn manifests(self, bed: &Bed, silent: &str) -> Vec<Value> {
        match self {
            Self::Quota => vec![quota(bed.shop(), "count/secrets")],
            Self::Policy => policy(bed),
            Self::Closed => vec![webhook::manifest(bed, "https://127.0.0.1:1/", &json!({"failurePolicy": "Fail"}))],
            Self::Silent => vec![webhook::manifest(bed, silent, &json!({"failurePolicy": "Fail", "timeoutSeconds": 1}))],
        }
    }
}

/// A quota of none.
pub(crate) fn quota(namespace: &str, what: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": namespace, "name": "none"}, "spec": {"hard": {what: "0"}}})
}

/// A policy that lets no Secret pass.
pub(crate) fn policy(bed: &Bed) -> Vec<Value> {
    let (version, name) = ("admissionregistration.k8s.io/v1", webhook::name(bed));
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]});
    let policy = json!({"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "false"}]});
    let namespaces = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": bed.shop()}}});
    let binding = json!({"policyName": name, "validationActions": ["Deny"], "matchResources": namespaces});
    let object = |kind: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec});
    vec![object("ValidatingAdmissionPolicyBinding", binding), object("ValidatingAdmissionPolicy", policy)]
}

/// Helm 3 waits for its end in vain. Helm 4 does not wait, and applies the new Job over it, whose template is another one.
#[test]
fn a_job_that_cannot_be_deleted_is_a_failure() {
    size::for_each(size::sample(&[Helm::Four, Helm::Three], 1), |helm| {
        bed::with(*helm, "finalizer", 1, |bed| {
            let connections = [postgres_inline("orders", bed.shop(), "plain")];
            kube::apply(&[secret(bed.shop(), "sc-orders-secret", &json!({"mine": "yes"}))]);
            assert!(!bed.upgrade(&connections, &[]).answer.is_ok);
            kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
            set_finalizers(&bed.system, "job/sc-job", &["e2e.example/kept"]);
            let ran = bed.upgrade(&connections, &["--timeout", "20s"]);
            let words = if bed.helm == Helm::Three { "deadline exceeded" } else { "immutable" };
            assert!(!ran.answer.is_ok && ran.answer.errors.contains(words), "{}{}", ran.answer.output, ran.answer.errors);
            assert_eq!(proof::status(bed)["result"], "Failed", "nothing has run");
            set_finalizers(&bed.system, "job/sc-job", &[]);
            bed.upgraded(&connections, &[]);
            proof::assert_no_job(bed);
            proof::assert_proven(bed);
        });
    });
}

#[test]
#[ignore = "takes a minute: -- --include-ignored"]
fn a_namespace_that_is_being_deleted_stops_no_other() {
    bed::with_both_helms("terminating", 2, terminating);
}

fn terminating(bed: &Bed) {
    let connections = |password| [0, 1].map(|number: usize| postgres_inline("orders", &bed.namespaces[number], password));
    bed.upgraded(&connections("first"), &[]);
    let kept = json!({"namespace": bed.shop(), "name": "kept", "finalizers": ["e2e.example/kept"]});
    kube::apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": kept})]);
    kube::kubectl(&["delete", "namespace", bed.shop(), "--wait=false"]);
    let is_empty = || kube::list(bed.shop(), "secrets,roles").is_empty().then_some(());
    kube::wait_for("what is in the namespace to go", Duration::from_mins(1), is_empty);

    let ran = bed.upgrade(&connections("second"), &[]);
    let errors = &ran.answer.errors;
    assert!(!ran.answer.is_ok && ran.time < bed::TIMEOUT / 2 && errors.contains("being terminated"), "after {:?}: {errors}", ran.time);
    assert_ne!(proof::status(bed)["observedHash"], proof::config(bed).0);

    kube::kubectl(&["-n", &bed.namespaces[1], "delete", "secret", "sc-orders-secret"]);
    kube::kubectl(&["-n", &bed.system, "create", "job", "sc-job", "--from=cronjob/sc-reconcile"]);
    kube::kubectl(&["-n", &bed.system, "wait", "--for=condition=Failed", "job/sc-job", "--timeout=90s"]);
    proof::assert_failed(bed, &format!("{}/sc-orders-secret", bed.shop()));
    assert_eq!(traces::exit_codes(bed, "sc-job"), [3]);
    kube::existing(&bed.namespaces[1], "secret", "sc-orders-secret");

    set_finalizers(bed.shop(), "configmap/kept", &[]);
    kube::kubectl(&["wait", "--for=delete", &format!("namespace/{}", bed.shop()), "--timeout=60s"]);
    kube::kubectl(&["create", "namespace", bed.shop()]);
    bed.upgraded(&connections("second"), &[]);
    proof::assert_proven(bed);
    kube::existing(bed.shop(), "secret", "sc-orders-secret");
}

fn set_finalizers(namespace: &str, object: &str, finalizers: &[&str]) {
    let patch = json!({"metadata": {"finalizers": finalizers}}).to_string();
    kube::kubectl(&["-n", namespace, "patch", object, "--type=merge", "-p", &patch]);
}
