//! What the job may do and what not, tried with a token as its pods have, without the admission policy and with it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::caller::{Answer, Call, Caller};
use crate::connections::{CLIENT_ID, orders_admin, pictures, postgres, secret};
use crate::forbidden::CALLS;
use crate::policy::Policy;
use crate::{kube, proof};

#[test]
fn no_forbidden_call_of_the_job_is_answered() {
    bed::with(Helm::Four, "rights", 2, |bed| {
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop())], &[]);
        let (job, administrator) = (Caller::service_account(&bed.system, "sc-job"), Caller::administrator());
        let identity = format!("GET /api/v1/namespaces/{{shop}}/serviceaccounts/sc-account-{CLIENT_ID}");
        for allowed in ["GET /api/v1/namespaces/{shop}/secrets/sc-orders-secret", &identity] {
            assert_eq!(job.call(&call(bed, allowed), &json!({})).code, 200, "the token is that of the job");
        }
        for line in CALLS {
            let call = call(bed, line).dry();
            let real = administrator.call(&call, &json!({}));
            assert!(!is_unknown(&real), "there is no such call, so that anybody is refused it: {line}: {real:?}");
            let answer = job.call(&call, &json!({}));
            assert!(answer.code == 403 && text(&answer).contains(" cannot "), "{line} is not forbidden by RBAC: {answer:?}");
        }
    });
}

#[test]
fn what_rbac_cannot_forbid_the_admission_policy_denies() {
    bed::with(Helm::Four, "admission", 1, |bed| {
        let policy = Policy::of(bed);
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        let connections = [postgres("orders", bed.shop(), "orders"), postgres("stock", bed.shop(), "stock"), pictures(bed.shop())];
        bed.upgraded(&connections, &[]);
        let job = Caller::service_account(&bed.system, "sc-job");
        assert_hole_is_open(bed, &job);
        for (what, line, body) in writes(bed) {
            let answer = job.call(&call(bed, line).dry(), &body);
            assert_eq!(answer.code, 200, "RBAC alone lets the job write {what}: {answer:?}");
        }

        bed.upgraded(&connections, &Policy::ON);
        policy.is_in_force();
        assert!(is_denied(&job.call(&call(bed, CREATE), &token_secret(bed))), "the hole is closed");
        for (what, line, body) in writes(bed) {
            let answer = job.call(&call(bed, line).dry(), &body);
            assert!(is_denied(&answer), "the policy lets the job write {what}: {answer:?}");
        }
        assert_run_passes(bed);
        assert_denied_whatever_its_roles(bed, &job);
    });
}

const CREATE: &str = "POST /api/v1/namespaces/{shop}/secrets";

/// What the Roles of the job let it write, and no run ever does.
fn writes(bed: &Bed) -> Vec<(&'static str, &'static str, Value)> {
    let object = |name: &str, kind: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": marks(bed, "sc")}});
    let typed = |kind: &str| json!({"metadata": {"name": "sc-new-secret", "labels": marks(bed, "sc")}, "type": kind});
    let unmarked = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque"});
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "another"}});
    vec![
        ("the token of a ServiceAccount", CREATE, token_secret(bed)),
        ("a Secret that Helm takes for a release", CREATE, typed("helm.sh/release.v1")),
        ("a Secret without marks", CREATE, unmarked("sc-new-secret")),
        ("a Secret of another release", CREATE, json!({"metadata": {"name": "sc-new-secret", "labels": marks(bed, "other")}})),
        ("a Secret of a name that no connection has", CREATE, object("sc-new-secret2", "Secret")),
        ("a Secret that is none of its business", CREATE, object("registry-login", "Secret")),
        ("a Secret without the marks that it had", "PUT /api/v1/namespaces/{shop}/secrets/sc-orders-secret", unmarked("sc-orders-secret")),
        ("a ServiceAccount of another name", "POST /api/v1/namespaces/{shop}/serviceaccounts", object("sc-account-x", "ServiceAccount")),
        ("another ConfigMap", "POST /api/v1/namespaces/{system}/configmaps", object("another", "ConfigMap")),
        ("another Lease", "POST /apis/coordination.k8s.io/v1/namespaces/{system}/leases", lease),
    ]
}

/// A Secret of a planned name, all marks included, that asks for the token of the namespace's default ServiceAccount.
fn token_secret(bed: &Bed) -> Value {
    let annotations = json!({"kubernetes.io/service-account.name": "default"});
    let metadata = json!({"name": "sc-stock-secret", "labels": marks(bed, "sc"), "annotations": annotations});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"})
}

fn marks(bed: &Bed, release: &str) -> Value {
    json!({"app.kubernetes.io/managed-by": "sc-job", "sc-extension.dev/release": release, "sc-extension.dev/release-namespace": bed.system})
}

/// With RBAC alone, the job's token is enough to become any ServiceAccount of a connection's namespace.
fn assert_hole_is_open(bed: &Bed, job: &Caller) {
    let stock = ["-n", bed.shop(), "delete", "secret", "sc-stock-secret"];
    kube::kubectl(&stock);
    assert_eq!(job.call(&call(bed, CREATE), &token_secret(bed)).code, 200, "the hole is there");
    let read = call(bed, "GET /api/v1/namespaces/{shop}/secrets/sc-stock-secret");
    let token = kube::wait_for("the token", Duration::from_secs(30), || {
        job.call(&read, &json!({})).said["data"]["token"].as_str().map(|token| STANDARD.decode(token).unwrap())
    });
    let thief = Caller::with_token(&String::from_utf8(token).unwrap());
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = thief.call(&call(bed, "POST /apis/authentication.k8s.io/v1/selfsubjectreviews"), &review);
    assert_eq!(answer.said["status"]["userInfo"]["username"], format!("system:serviceaccount:{}:default", bed.shop()), "{answer:?}");
    kube::kubectl(&stock);
}

/// A run that makes, changes and adopts objects, and all of its records anew.
fn assert_run_passes(bed: &Bed) {
    kube::kubectl(&["-n", &bed.system, "delete", "configmap/sc-status", "lease/sc-job"]);
    kube::apply(&[secret(bed.shop(), "sc-books-secret", &json!({"mine": "yes"}))]);
    let mut books = postgres("books", bed.shop(), "books");
    (books["adopt"], books["format"]) = (json!(true), json!(["env", "servicebinding"]));
    let mut pictures = pictures(bed.shop());
    pictures["credentials"]["tenantId"] = json!(CLIENT_ID);
    let connections = [postgres("orders", bed.shop(), "archive"), postgres("stock", bed.shop(), "stock"), books, pictures];
    bed.upgraded(&connections, &Policy::ON);
    proof::assert_no_job(bed);
    proof::assert_proven(bed);
    assert_eq!(proof::status(bed)["summary"], "6 objects: 1 created, 3 updated, 2 unchanged");
}

/// With the ClusterRole `admin` in the connections' namespace the job could delete everything there, and run pods.
fn assert_denied_whatever_its_roles(bed: &Bed, job: &Caller) {
    let role = format!("--serviceaccount={}:sc-job", bed.system);
    kube::kubectl(&["-n", bed.shop(), "create", "rolebinding", "more", "--clusterrole=admin", &role]);
    kube::apply(&[secret(bed.shop(), "another", &json!({"mine": "yes"}))]);
    let own = call(bed, "DELETE /api/v1/namespaces/{shop}/secrets/sc-orders-secret").dry();
    kube::wait_for("the role", Duration::from_secs(30), || (job.call(&own, &json!({})).code == 200).then_some(()));
    let container = json!({"name": "x", "image": "localhost/none"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": marks(bed, "sc")}, "spec": {"containers": [container]}});
    let token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    for (line, body) in [
        ("DELETE /api/v1/namespaces/{shop}/secrets/another", json!({})),
        ("DELETE /api/v1/namespaces/{shop}/secrets", json!({})),
        ("POST /api/v1/namespaces/{shop}/pods", pod),
        ("POST /api/v1/namespaces/{shop}/serviceaccounts/default/token", token),
    ] {
        let answer = job.call(&call(bed, line).dry(), &body);
        assert!(is_denied(&answer), "{line}: {answer:?}");
    }
}

fn call<'a>(bed: &Bed, line: &'a str) -> Call<'a> {
    let account = format!("sc-account-{CLIENT_ID}");
    let other = bed.namespaces.last().unwrap();
    Call::parse(line, &[("system", &bed.system), ("shop", bed.shop()), ("other", other), ("account", &account)])
}

fn text(answer: &Answer) -> &str {
    answer.said.as_str().unwrap_or_default()
}

/// Whether the API server knows no such path, rather than no such object.
fn is_unknown(answer: &Answer) -> bool {
    answer.code == 405 || (answer.code == 404 && !text(answer).contains("not found"))
}

fn is_denied(answer: &Answer) -> bool {
    answer.code == 403 && text(answer).contains("ValidatingAdmissionPolicy")
}
