//! What is wrong with one connection stops no other, and is mended by the commands that make connections.

use std::fs;
use std::time::Duration;

use sc_core::names::UNUSED_SINCE;
use sc_tests::{canary, tree};
use serde_json::{Value, json};

use super::session::Session;
use super::{CREATE, PAIRS};
use crate::bed::{self, Bed, Helm};
use crate::connections::{postgres_inline, secret, set};
use crate::{kube, proof};

#[test]
fn a_connection_that_is_wrong_is_told_and_mended_and_stops_no_other() {
    bed::with_either_helm([Helm::Four, Helm::Three], "mending", 1, |bed| {
        let mut session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        by_hand(bed, &session, without_database(bed));
        session.sc("validate books -o tsv");
        session.sc("show books");
        session.sc_with(&format!("{CREATE} --secret --credentials-stdin -o tsv"), PAIRS);
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
        session.sc("update --connection books --database books -o tsv");
        proof::assert_proven(bed);
        kube::existing(bed.shop(), "secret", "sc-books-secret");
        by_hand(bed, &session, without_database(bed));
        session.sc("delete books");
        session.sc("delete books --yes");
        proof::assert_proven(bed);
        assert_eq!(names(&session), ["orders"]);
        // Their names differ in nothing that counts.
        by_hand(bed, &session, postgres_inline("Or-ders", bed.shop(), "plain"));
        session.sc("delete Or-ders --yes");
        proof::assert_proven(bed);
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
        session.sc_with("update --connection orders --secret --credentials-stdin", "secret=\n");
        session.sc("rerun --release another");
        let absent = [postgres_inline("stock", "absent", "plain")];
        bed.values(&absent);
        session.sc("upgrade -f FOLDER/values.yaml");
        assert_eq!(names(&session), ["orders"]);
        session.end("mending");
    });
}

/// The job goes by the policy that it was applied with.
#[test]
fn what_was_made_for_a_connection_that_is_wrong_by_now_goes_by_its_deletion_policy() {
    bed::with(Helm::Four, "policy", 1, |bed| {
        let session = Session::of(bed);
        let mut books = postgres_inline("books", bed.shop(), "plain");
        books["deletionPolicy"] = json!("Delete");
        bed.values(&[books.clone(), postgres_inline("stock", bed.shop(), "plain")]);
        assert!(session.run("install -f FOLDER/values.yaml", "").is_ok);
        for mut connection in [books, postgres_inline("stock", bed.shop(), "plain")] {
            connection["target"].as_object_mut().unwrap().remove("database");
            by_hand(bed, &session, connection.clone());
            let name = connection["name"].as_str().unwrap();
            let deleted = session.run(&format!("delete {name} --yes"), "");
            assert!(deleted.is_ok && deleted.errors.contains("deletes what had `deletionPolicy: Delete` then; the rest stays"), "{deleted:?}");
            proof::assert_proven(bed);
            assert_eq!(kube::get(bed.shop(), "secret", &format!("sc-{name}-secret")).is_some(), name == "stock");
        }
        let doctor = session.run("doctor -o json", "").output;
        assert!(doctor.contains("sc-stock-secret") && !doctor.contains("sc-books-secret"), "{doctor}");
    });
}

/// `sc` does not change a set; it says what is wrong in it, and where.
#[test]
fn what_is_wrong_in_a_set_is_told_by_its_name_and_where_to_mend_it() {
    bed::with(Helm::Four, "of-set", 1, |bed| {
        let mut session = Session::of(bed);
        let mut wrong = without_database(bed);
        wrong["customizedKeys"] = json!({"AZURE_POSTGRESQL_HOTS": "PGHOST"});
        let set = |books: &Value| set(&bed.system, "more", &json!([postgres_inline("stock", bed.shop(), "plain"), books]));
        kube::apply(&[set(&wrong)]);
        let sets = json!([{"secretName": "more", "namespaces": [bed.shop()], "referencedSecrets": ["admin"]}]);
        assert!(!bed.upgrade(&[], &["--set-json", &format!("connectionSets={sets}")]).answer.is_ok);
        for arguments in [
            "list -o tsv",
            "list -o json",
            "list --kube-namespace elsewhere -o tsv",
            "status -o tsv",
            "show books",
            "show book",
            "validate books -o tsv",
            "update --connection books --database books",
            "update --connection stock --client-type none",
            "delete books",
            "delete stock",
            "wait books --created --timeout 30",
            "wait books --exists",
            "uninstall",
        ] {
            session.sc(arguments);
        }
        assert!(session.run("report", "").output.contains("name: books\n"));
        let mut referring = postgres_inline("books", bed.shop(), "plain");
        referring["credentials"] = json!({"username": reference("username"), "password": reference("password")});
        kube::apply(&[set(&referring)]);
        session.sc("list -o tsv");
        session.sc("validate books -o tsv");
        session.sc("wait books --created --timeout 1");
        let admin = secret(&bed.system, "admin", &json!({"username": "app", "password": canary::of("plain")}));
        kube::apply(&[admin]);
        session.sc("rerun");
        session.sc("list -o tsv");
        session.sc("wait books --created --timeout 30");
        kube::apply(&[set(&postgres_inline("books", bed.shop(), "plain"))]);
        session.sc("list -o tsv");
        kube::kubectl(&["-n", &bed.system, "delete", "secret", "more"]);
        session.sc("list -o tsv");
        session.sc("show books");
        session.end("of-set");
    });
}

/// What is taken over once is ours; who takes its place later is a stranger like any other.
#[test]
fn what_is_to_be_taken_over_is_so_once() {
    bed::with(Helm::Four, "once", 1, |bed| {
        let session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        kube::apply(&[secret(bed.shop(), "sc-orders-secret", &json!({"mine": "yes"}))]);
        assert!(session.run(&format!("{CREATE} --secret --credentials-stdin --adopt"), PAIRS).is_ok);
        assert_eq!(values(&session)["connections"][0]["adopt"], true);
        assert!(session.run("update --connection orders --client-type none", "").is_ok);
        assert_eq!(values(&session)["connections"][0]["adopt"], Value::Null);
    });
}

/// A credential that is unused for a while and used again is no other one.
#[test]
fn a_credential_that_a_rollback_brings_back_is_no_change() {
    bed::with(Helm::Four, "back", 1, |bed| {
        let session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        assert!(session.run(&format!("{CREATE} --secret --credentials-stdin"), PAIRS).is_ok);
        assert!(session.run("update --connection orders --secret --credentials-stdin", "secret=hunter2-second-hunter2\n").is_ok);
        bed.helm(&["rollback", "sc"]);
        assert!(session.run("update --connection orders --client-type none", "").is_ok);
        let found = || Some(session.run("doctor -o json", "")).filter(|doctor| doctor.is_ok);
        kube::wait_for("the doctor to find nothing", Duration::from_secs(30), found);
        assert_eq!(super::password(bed), "hunter2-kept-hunter2");
        let reference = &values(&session)["connections"][0]["credentials"]["password"]["secretKeyRef"]["name"];
        let used = kube::existing(&bed.system, "secret", reference.as_str().unwrap());
        assert_eq!(used["metadata"]["annotations"][UNUSED_SINCE], Value::Null, "it is not deleted as unused one day");
    });
}

fn reference(key: &str) -> Value {
    json!({"secretKeyRef": {"name": "admin", "key": key}})
}

fn without_database(bed: &Bed) -> Value {
    let mut books = postgres_inline("books", bed.shop(), "plain");
    books["target"].as_object_mut().unwrap().remove("database");
    books
}

/// Helm, whose values no `sc` has looked at, puts such a connection before the others, which the job refuses.
fn by_hand(bed: &Bed, session: &Session<'_>, connection: Value) {
    let mut values = values(session);
    let list = values["connections"].as_array_mut().unwrap();
    list.retain(|other| other["name"] != connection["name"]);
    list.insert(0, connection);
    let file = bed.folder().join("by-hand.yaml");
    fs::write(&file, values.to_string()).unwrap();
    let upgraded = bed.run(&["upgrade", "sc", tree("chart").to_str().unwrap(), "--values", file.to_str().unwrap(), "--timeout", "150s"]);
    assert!(!upgraded.answer.is_ok, "the job refuses it");
}

fn names(session: &Session<'_>) -> Vec<String> {
    let values = values(session);
    let name = |connection: &Value| connection["name"].as_str().unwrap().to_owned();
    values["connections"].as_array().unwrap().iter().filter(|connection| connection["state"] != "absent").map(name).collect()
}

fn values(session: &Session<'_>) -> Value {
    let values = session.helm(&format!("helm get values sc --namespace {} --output json", session.system())).output;
    let mut values: Value = serde_json::from_str(&values).unwrap();
    if values["connections"].is_null() {
        values["connections"] = json!([]);
    }
    values
}
