//! Several failures at once: whoever runs the first command that the doctor prints, and looks again, as it says, is done after a few.

use serde_json::{Value, json};

use super::breakages::{delete, delete_namespace, made_wrong_in_set, patch};
use super::{ELSEWHERE, PATIENCE, at_once, findings};
use crate::bed::{self, Bed, Helm};
use crate::connections::{orders_admin, postgres, secret};
use crate::kube;
use crate::terminal::session::Session;

/// So many commands at most.
const ROUNDS: usize = 8;

/// Brings several failures about.
type BringAbout = fn(&Bed, &Session<'_>);

/// What goes wrong together, by what it is called.
const TOGETHER: [(&str, BringAbout); 7] = [
    ("gone", |bed, _| {
        // A first installation that has come no further than the namespace that is not there.
        bed.helm(&["uninstall", "sc", "--timeout", "60s"]);
        delete_namespace(&bed.namespaces[0]);
        assert!(!upgrade(bed, &[]));
    }),
    ("rights", |bed, _| {
        delete_namespace(&bed.namespaces[1]);
        delete(&bed.namespaces[0], "role", "sc-job");
        delete(&bed.system, "serviceaccount", "sc-job");
        delete(&bed.system, "secret", "sc-config");
    }),
    ("secrets", |bed, _| {
        delete(&bed.system, "secret", "orders-admin");
        delete(&bed.namespaces[0], "secret", "sc-orders-secret");
        kube::apply(&[secret(&bed.namespaces[0], "sc-orders-secret", &json!({"mine": "yes"}))]);
        delete(&bed.system, "configmap", "sc-status");
    }),
    ("stuck", |bed, _| {
        assert!(!upgrade(bed, &["--set", "job.nodeSelector.e2e=nowhere", "--timeout", "6s"]));
        delete_namespace(&bed.namespaces[1]);
        delete(&bed.system, "cronjob", "sc-reconcile");
    }),
    ("given", |bed, _| {
        let subjects = json!([{"kind": "ServiceAccount", "name": "sc-job", "namespace": "another"}]);
        patch(&bed.namespaces[0], "rolebinding", "sc-job", &json!({"subjects": subjects}));
        patch(&bed.system, "secret", "orders-admin", &json!({"data": {"password": null}}));
        patch(&bed.system, "secret", "sc-config", &json!({"stringData": {"values.json": "{}"}}));
    }),
    ("rotated", |bed, session| {
        delete(&bed.namespaces[0], "secret", "sc-orders-secret");
        kube::apply(&[secret(&bed.namespaces[0], "sc-orders-secret", &json!({"mine": "yes"})), orders_admin(&bed.system, "rotated")]);
        assert!(!session.run("rerun", "").is_ok);
    }),
    ("set", made_wrong_in_set),
];

/// Whether an upgrade to two connections in two namespaces succeeds.
fn upgrade(bed: &Bed, more: &[&str]) -> bool {
    let [first, second] = [&bed.namespaces[0], &bed.namespaces[1]];
    bed.upgrade(&[postgres("orders", first, "orders"), postgres("stock", second, "stock")], more).answer.is_ok
}

#[test]
fn the_first_command_leads_further_however_much_is_wrong() {
    at_once(TOGETHER.iter().enumerate().map(|(number, (name, bring_about))| {
        let helm = if number % 2 == 0 { Helm::Four } else { Helm::Three };
        let test = move || {
            bed::with(helm, &format!("several-{name}"), 2, |bed| {
                kube::apply(&[orders_admin(&bed.system, "plain")]);
                assert!(upgrade(bed, &[]));
                let session = Session::of(bed);
                bring_about(bed, &session);
                follow(&session);
            });
        };
        ((*name).to_owned(), test)
    }));
}

/// Does as the doctor says until it finds nothing. A command may fail by what is wrong beside it; it has mended its own.
fn follow(session: &Session<'_>) {
    let mut done: Vec<(Value, String)> = Vec::new();
    while let Some(finding) = next(session) {
        let about = json!([finding["code"], finding["object"]]);
        assert!(done.len() < ROUNDS && done.iter().all(|(earlier, _)| *earlier != about), "{about} again: {done:#?}");
        let command = finding["fix"].as_str().unwrap();
        let answer = session.shell(command);
        done.push((about, format!("{command}: {answer:?}")));
    }
}

/// What the doctor finds first; nothing once it is content.
fn next(session: &Session<'_>) -> Option<Value> {
    let found = kube::wait_for("the doctor to look", PATIENCE, || findings(session));
    found.into_iter().find(|finding| !ELSEWHERE.contains(&finding["code"].as_str().unwrap()))
}
