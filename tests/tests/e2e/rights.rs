//! What the job's ServiceAccount may do, as the API server judges it.

use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::connections::{CLIENT_ID, orders_admin, pictures, postgres};
use crate::kube;

#[test]
fn the_job_may_do_what_it_needs_and_nothing_else() {
    bed::with(Helm::Four, "rights", 2, |bed| {
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop())], &[]);
        let identity = format!("get serviceaccounts/sc-account-{CLIENT_ID}");
        let rights = [(&bed.system, NEEDED_OF_RELEASE), (&bed.namespaces[0], NEEDED_OF_CONNECTIONS), (&bed.namespaces[0], &[&identity])];
        let wrongs = [
            (&bed.system, NEEDLESS_OF_RELEASE),
            (&bed.namespaces[0], NEEDLESS_OF_CONNECTIONS),
            (&bed.namespaces[1], NEEDED_OF_CONNECTIONS),
            (&"kube-system".to_owned(), NEEDLESS_ANYWHERE),
        ];
        for (expected, table) in [(true, rights.as_slice()), (false, wrongs.as_slice())] {
            for (namespace, requests) in table {
                let answers = requests.iter().zip(may(bed, namespace, requests));
                let wrong: Vec<&&str> = answers.filter(|(_, answer)| *answer != expected).map(|(request, _)| request).collect();
                assert!(wrong.is_empty(), "in {namespace} the answer to these is not {expected}: {wrong:?}");
            }
        }
    });
}

const NEEDED_OF_RELEASE: &[&str] = &[
    "create leases",
    "get leases/sc-job",
    "update leases/sc-job",
    "create configmaps",
    "get configmaps/sc-status",
    "update configmaps/sc-status",
    "get jobs/sc-job",
    "patch jobs/sc-job",
    "get jobs/sc-job-rollback",
    "patch jobs/sc-job-rollback",
    "get secrets/sc-config",
    "get secrets/orders-admin",
    "create events",
];

const NEEDED_OF_CONNECTIONS: &[&str] = &[
    "create secrets",
    "get secrets/sc-orders-secret",
    "update secrets/sc-orders-secret",
    "update secrets/sc-pictures-secret",
    "create serviceaccounts",
];

const NEEDLESS_OF_RELEASE: &[&str] = &[
    "list secrets",
    "get secrets/another",
    "create secrets",
    "update secrets/sc-config",
    "delete secrets/sc-config",
    "delete jobs/sc-job",
    "update jobs/sc-job",
    "create jobs",
    "create pods",
    "get configmaps/another",
    "delete configmaps/sc-status",
    "get leases/another",
    "create serviceaccounts",
    "create serviceaccounts/token",
    "update roles/sc-job",
    "list events",
];

const NEEDLESS_OF_CONNECTIONS: &[&str] = &[
    "list secrets",
    "watch secrets",
    "get secrets/another",
    "update secrets/another",
    "delete secrets/sc-orders-secret",
    "patch secrets/sc-orders-secret",
    "delete serviceaccounts",
    "get serviceaccounts/default",
    "impersonate serviceaccounts/default",
    "create serviceaccounts/token",
    "create secretproviderclasses",
    "create pods",
    "create roles",
    "create rolebindings",
    "escalate roles",
    "bind roles",
    "create configmaps",
];

const NEEDLESS_ANYWHERE: &[&str] =
    &["create secrets", "get secrets/any", "list secrets", "list pods", "list namespaces", "create clusterrolebindings", "list nodes"];

/// Asks, as the job, about `verb resource` or `verb resource/name` each; a token is the one subresource among them.
fn may(bed: &Bed, namespace: &str, requests: &[&str]) -> Vec<bool> {
    let reviews: Vec<Value> = requests.iter().map(|request| review(namespace, request)).collect();
    let user = format!("--as=system:serviceaccount:{}:sc-job", bed.system);
    let answer = kube::create(&reviews, &[&user, "-o", "json"]);
    let answers: Vec<Value> = serde_json::Deserializer::from_str(&answer).into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.len(), requests.len());
    answers.iter().map(|answer| answer["status"]["allowed"].as_bool().unwrap()).collect()
}

fn review(namespace: &str, request: &str) -> Value {
    let (verb, what) = request.split_once(' ').unwrap();
    let (resource, name) = what.split_once('/').unwrap_or((what, ""));
    let mut asked = json!({"namespace": namespace, "verb": verb, "group": group(resource), "resource": resource, "name": name});
    if name == "token" {
        (asked["name"], asked["subresource"]) = (json!(""), json!("token"));
    }
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": asked}})
}

fn group(resource: &str) -> &str {
    match resource {
        "leases" => "coordination.k8s.io",
        "jobs" => "batch",
        "roles" | "rolebindings" | "clusterrolebindings" => "rbac.authorization.k8s.io",
        "secretproviderclasses" => "secrets-store.csi.x-k8s.io",
        _ => "",
    }
}
