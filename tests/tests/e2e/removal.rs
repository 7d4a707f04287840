//! Connections that go: `state: absent`, `deletionPolicy`, and the end of the release itself.

use std::process::Command;

use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::connections::{CLIENT_ID, pictures, postgres_inline};
use crate::{kube, proof, size, traces};

/// A connection with these fields beside its own.
fn but(mut connection: Value, fields: &Value) -> Value {
    connection.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    connection
}

fn assert_secrets(bed: &Bed, namespace: &str, expected: &[&str]) {
    let secrets = kube::list(namespace, "secrets");
    let mut names: Vec<&str> = secrets.iter().map(|secret| secret["metadata"]["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, expected, "{}", traces::logs(bed));
}

#[test]
fn a_connection_that_is_taken_out_follows_its_policy() {
    bed::with_either_helm([Helm::Three, Helm::Four], "policy", 2, |bed| {
        let delete = json!({"deletionPolicy": "Delete"});
        let orders = |namespace: &str| but(postgres_inline("orders", namespace, "plain"), &delete);
        let kept = postgres_inline("kept", bed.shop(), "plain");
        bed.upgraded(&[orders(bed.shop()), orders(&bed.namespaces[1]), kept, but(pictures(bed.shop()), &delete)], &[]);
        assert_secrets(bed, bed.shop(), &["sc-kept-secret", "sc-orders-secret", "sc-pictures-secret"]);
        let account = format!("sc-account-{CLIENT_ID}");
        kube::existing(bed.shop(), "serviceaccount", &account);

        bed.upgraded(&[orders(&bed.namespaces[1])], &[]);
        assert_secrets(bed, bed.shop(), &["sc-kept-secret"]);
        assert!(kube::get(bed.shop(), "serviceaccount", &account).is_none());
        assert_secrets(bed, &bed.namespaces[1], &["sc-orders-secret"]);
        assert_eq!(proof::status(bed)["summary"], "5 objects: 1 unchanged, 3 deleted, 1 kept");
        proof::assert_proven(bed);
        delete_what_was_kept(bed);

        bed.upgraded(&[], &[]);
        assert_secrets(bed, &bed.namespaces[1], &[]);
        bed.upgraded(&[], &[]);
        assert!(kube::list(bed.shop(), "roles,rolebindings").is_empty(), "with the objects go the rights");
    });
}

/// By the command that the status names. It does nothing to an object that is not the release's any more.
fn delete_what_was_kept(bed: &Bed) {
    let command = proof::status(bed)["kept"].as_str().unwrap().to_owned();
    for (release, left) in [("other", ["sc-kept-secret"].as_slice()), ("sc", &[])] {
        kube::kubectl(&["-n", bed.shop(), "label", "--overwrite", "secret/sc-kept-secret", &format!("sc-extension.dev/release={release}")]);
        let answer = kube::answer(&Command::new("sh").args(["-c", &command]).output().unwrap());
        assert!(answer.is_ok, "{command}: {}", answer.errors);
        assert_secrets(bed, bed.shop(), left);
    }
}

#[test]
fn an_absent_connection_is_deleted_and_a_namespace_that_is_gone_stops_nothing() {
    bed::with(Helm::Four, "absent", 2, |bed| {
        let [orders, elsewhere] = [bed.shop(), &bed.namespaces[1]].map(|namespace| postgres_inline("orders", namespace, "plain"));
        let elsewhere = but(elsewhere, &json!({"deletionPolicy": "Delete"}));
        bed.upgraded(&[orders.clone(), elsewhere], &[]);
        kube::kubectl(&["delete", "namespace", &bed.namespaces[1], "--wait=true"]);
        bed.upgraded(&[but(orders, &json!({"state": "absent"}))], &[]);
        assert_secrets(bed, bed.shop(), &[]);
        assert_eq!(proof::status(bed)["summary"], "2 objects: 1 deleted, 1 kept");
        proof::assert_proven(bed);
    });
}

#[test]
fn a_cleanup_takes_all_along_and_leaves_what_is_not_ours() {
    bed::with_both_helms("cleanup", 1, |bed| {
        let connections = [postgres_inline("orders", bed.shop(), "plain"), pictures(bed.shop())];
        let on = ["--set", "cleanup.enabled=true,driftRepair.enabled=true,driftRepair.schedule=0 0 1 1 *"];
        bed.upgraded(&connections, &on);
        // Somebody put their own in the place of ours.
        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-pictures-secret"]);
        kube::kubectl(&["-n", bed.shop(), "create", "secret", "generic", "sc-pictures-secret", "--from-literal=mine=yes"]);
        bed.helm(&["uninstall", "sc", "--wait"]);
        assert_secrets(bed, bed.shop(), &["sc-pictures-secret"]);
        assert!(kube::get(bed.shop(), "serviceaccount", &format!("sc-account-{CLIENT_ID}")).is_none());
        assert!(kube::list(&bed.system, "jobs,cronjobs").is_empty());
        assert_eq!(proof::status(bed)["result"], "CleanedUp");

        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-pictures-secret"]);
        bed.upgraded(&connections, &[]);
        proof::assert_proven(bed);
        assert_secrets(bed, bed.shop(), &["sc-orders-secret", "sc-pictures-secret"]);
    });
}

/// Helm deletes what was in its manifest and is not any more, and of a namespace that somebody made anew it does not know that it was to be kept.
#[test]
fn a_namespace_that_was_made_anew_by_hand_is_never_taken_away() {
    size::for_each(&[Helm::Three, Helm::Four], |helm| bed::without_namespaces(*helm, "anew", 2, made_anew));
}

fn made_anew(bed: &Bed) {
    let connections = [postgres_inline("orders", bed.shop(), "plain")];
    let create = |names: &[String]| format!("namespaces.create={}", json!(names));
    bed.upgraded(&connections, &["--create-namespace", "--set-json", &create(&bed.namespaces)]);
    let uid = |name: &String| Some(kube::get("", "namespace", name)?["metadata"]["uid"].clone());
    for name in &bed.namespaces {
        kube::kubectl(&["delete", "namespace", name, "--wait=true"]);
        kube::kubectl(&["create", "namespace", name]);
    }
    let anew: Vec<Option<Value>> = bed.namespaces.iter().map(uid).collect();
    let are_there = || assert_eq!(bed.namespaces.iter().map(uid).collect::<Vec<_>>(), anew);
    for _ in 0..2 {
        // The other one is not asked for any more.
        bed.upgraded(&connections, &["--set-json", &create(&bed.namespaces[..1])]);
        are_there();
    }
    bed.helm(&["uninstall", "sc", "--wait"]);
    are_there();
}
