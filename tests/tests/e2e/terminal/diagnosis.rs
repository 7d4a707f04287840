//! What is wrong is found, explained, reported and mended: whole outputs.

use serde_json::json;

use super::session::Session;
use super::{CREATE, PAIRS};
use crate::bed::{self, Helm};
use crate::connections::{orders_admin, set};
use crate::kube;

#[test]
fn what_is_wrong_is_found_explained_reported_and_mended() {
    bed::with_both_helms("diagnosis", 1, |bed| {
        let mut session = Session::of(bed);
        session.sc("doctor");
        session.sc("report");
        session.sc("install");
        assert!(session.run(&format!("{CREATE} --secret --credentials-stdin"), PAIRS).is_ok);
        session.sc("doctor -o json");
        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
        session.sc("doctor -o tsv");
        session.sc("explain SC1301");
        session.sc("explain AADSTS700213: No matching federated identity record found for presented assertion subject");
        session.sc("explain nothing of the kind");
        session.sc("report");
        session.sc("rerun");
        session.sc("doctor");
        session.end("diagnosis");
    });
}

/// A run that fails ends with the job's exit code, and says why; what mends it is told.
#[test]
fn a_run_that_fails_is_told_and_mended() {
    bed::with_both_helms("failing", 1, |bed| {
        let mut session = Session::of(bed);
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        assert!(session.run("install", "").is_ok);
        assert!(session.run(&format!("{CREATE} --secret --credentials-stdin"), PAIRS).is_ok);
        session.sc("update --connection orders --secret-ref password=orders-admin/password -o table");
        session.sc("show --id /namespaces/SHOP/connections/orders -o tsv");
        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
        let stranger = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": bed.shop(), "name": "sc-orders-secret"}});
        kube::apply(&[stranger]);
        session.sc("rerun");
        session.sc("status -o tsv");
        session.sc("logs");
        session.sc("update --connection orders --client-type go -o table");
        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
        session.sc("rerun");
        session.sc("upgrade");
        session.sc("show orders -o tsv");
        session.end("failing");
    });
}

/// Connections of a set and of the document are seen before a change, and their credentials are kept.
#[test]
fn a_change_is_held_against_connection_sets_too() {
    bed::with(Helm::Four, "against-sets", 1, |bed| {
        let mut session = Session::of(bed);
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        let entry = |name: &str| crate::connections::postgres(name, bed.shop(), "orders");
        kube::apply(&[set(&bed.system, "more", &json!({"connections": [entry("listed")]}))]);
        let document = json!([entry("documented")]).to_string();
        let sets = json!([{"secretName": "more", "namespaces": [bed.shop()], "referencedSecrets": ["orders-admin"]}]);
        std::fs::write(bed.folder().join("own.yaml"), json!({"connectionsDocument": document, "connectionSets": sets}).to_string()).unwrap();
        assert!(session.run("install -f FOLDER/own.yaml", "").is_ok);
        for name in ["li-sted", "docu.mented", "free"] {
            session.sc_with(&format!("{} --secret --credentials-stdin -o tsv", CREATE.replace("orders --kube", &format!("{name} --kube"))), PAIRS);
        }
        session.sc("list -o tsv");
        session.end("sets");
    });
}
