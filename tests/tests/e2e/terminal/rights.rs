//! The Roles in SECURITY.md are what a user of `sc` needs: with them each command does its work, and none of their rights is idle.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;

use sc_tests::commands::{self, Use};
use sc_tests::render::{Grant, grants_of};
use sc_tests::tree;
use serde_json::{Value, json};

use super::session::Session;
use crate::bed::{self, Bed, Helm};
use crate::connections::pictures;
use crate::{audit, kube};

const USER: &str = "sc-user";
const PAIRS: &str = "name=app\nsecret=hunter2-rights-hunter2\n";
const CREATE: &str = "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --secret --credentials-stdin";

#[test]
fn the_roles_for_users_of_sc_are_enough_and_not_more() {
    let needed = Mutex::new(Some(BTreeSet::new()));
    bed::with_both_helms("user", 1, |bed| {
        let session = session(bed, &roles(bed));
        let mut all = use_everything(bed, &session);
        let requests = audit::allowed_requests_of(bed, USER);
        let is_read = requests.is_some();
        all.extend(requests.into_iter().flatten().map(|request| nameless(bed, &request.namespace, request.resource, request.verb)));
        let mut needed = needed.lock().unwrap();
        match needed.as_mut().filter(|_| is_read) {
            Some(needed) => needed.extend(all),
            None => *needed = None,
        }
    });
    let Some(needed) = needed.into_inner().unwrap() else { return };
    let granted: BTreeSet<Grant> = written().iter().flat_map(grants_of).collect();
    assert_eq!(granted.difference(&needed).collect::<Vec<_>>(), Vec::<&Grant>::new(), "granted, and needed with no Helm");
}

/// Helm 4 takes it for a success when it may not delete all.
#[test]
fn who_may_not_delete_all_of_a_release_is_told_what_stays() {
    bed::with(Helm::Four, "uninstaller", 1, |bed| {
        bed.upgraded(&[pictures(bed.shop())], &[]);
        let edits = |namespace: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"namespace": namespace, "name": "edits"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
                "subjects": [{"kind": "ServiceAccount", "name": USER, "namespace": bed.system}],
            })
        };
        kube::apply(&[edits(&bed.system), edits(bed.shop())]);
        let ended = session(bed, &[]).run("uninstall --yes", "");
        assert!(!ended.is_ok && ended.errors.contains("has left what is of it") && ended.errors.contains("sc-job"), "{ended:?}");
        kube::existing(bed.shop(), "role", "sc-job");
    });
}

/// Each command that asks the cluster; returns what the job was granted.
fn use_everything(bed: &Bed, session: &Session<'_>) -> BTreeSet<Grant> {
    let succeeds = |arguments: &str, input: &str| {
        let answer = session.run(arguments, input);
        assert!(answer.is_ok, "sc {arguments}: {}", answer.errors);
    };
    succeeds("install", "");
    succeeds(CREATE, PAIRS);
    succeeds("create storage-blob --connection media --kube-namespace SHOP --account m --workload-identity 11111111-2222-3333-4444-555555555555", "");
    succeeds("update --connection orders --secret --credentials-stdin", PAIRS);
    let mut granted = granted_to_job(bed);
    for arguments in ["list", "show orders", "list-configuration orders", "status", "wait orders", "diff", "rerun", "snippet orders"] {
        succeeds(arguments, "");
    }
    succeeds("bind deployment/web orders --yes", "");
    let validated = session.run("validate orders -o tsv", "");
    assert!(validated.output.contains("Probe pod validated.\tsuccess"), "the probe ran: {validated:?}");
    succeeds("update --connection orders --client-type go --no-wait", "");
    succeeds("wait orders", "");
    succeeds("delete orders --yes", "");
    succeeds("delete media --yes", "");
    // Before the next change, which forgets what is deleted.
    granted.extend(granted_to_job(bed));
    succeeds("upgrade", "");
    succeeds("uninstall --yes --delete-objects", "");
    granted
}

/// What the job may: nobody may grant what he may not do himself.
fn granted_to_job(bed: &Bed) -> BTreeSet<Grant> {
    let roles = [&bed.system, &bed.namespaces[0]].map(|namespace| kube::list(namespace, "roles"));
    let of_job = roles.iter().flatten().filter(|role| role["metadata"]["name"] != USER);
    of_job.flat_map(grants_of).map(|grant| nameless(bed, &grant.namespace, grant.resource, grant.verb)).collect()
}

/// The Roles, as they are written.
fn written() -> Vec<Value> {
    let blocks = commands::blocks(&fs::read_to_string(tree("SECURITY.md")).unwrap());
    let block = blocks.into_iter().find(|block| block.used == Use::File("sc-user.yaml".to_owned())).unwrap();
    serde_yaml::from_slice_multiple(block.text.as_bytes()).unwrap()
}

/// The Roles, for the namespaces of the test.
fn roles(bed: &Bed) -> Vec<Value> {
    let mut roles = written();
    for role in &mut roles {
        let namespace = if role["metadata"]["namespace"] == "shop" { bed.shop() } else { &bed.system };
        role["metadata"]["namespace"] = json!(namespace);
    }
    roles
}

/// A session of somebody who has these Roles and nothing else.
fn session<'a>(bed: &'a Bed, roles: &[Value]) -> Session<'a> {
    let binding = |role: &Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"namespace": role["metadata"]["namespace"], "name": USER},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": USER},
            "subjects": [{"kind": "ServiceAccount", "name": USER, "namespace": bed.system}],
        })
    };
    let container = json!({"name": "web", "image": "localhost/pause:1"});
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}});
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": bed.system, "name": USER}}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": bed.shop(), "name": "web"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
        }),
    ];
    objects.extend(roles.iter().flat_map(|role| [role.clone(), binding(role)]));
    kube::apply(&objects);
    let token = kube::kubectl(&["-n", &bed.system, "create", "token", USER]);
    let mut config: Value = serde_json::from_str(&kube::kubectl(&["config", "view", "--raw", "--flatten", "--minify", "-o", "json"])).unwrap();
    config["users"][0]["user"] = json!({"token": token.trim()});
    let file = bed.folder().join("kubeconfig");
    fs::write(&file, config.to_string()).unwrap();
    let mut session = Session::of(bed);
    session.use_kubeconfig(file);
    session
}

/// A right without the name of an object, in a namespace as it is written.
fn nameless(bed: &Bed, namespace: &str, resource: String, verb: String) -> Grant {
    let namespace = if namespace == bed.system { "sc-system" } else { "shop" };
    Grant { namespace: namespace.to_owned(), resource, name: "*".to_owned(), verb }
}
