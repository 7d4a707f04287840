//! Running again with the same values, with other values, and going back.

use sc_tests::planning::decoded;

use crate::bed::{self, Bed, Helm};
use crate::connections::{connection_string, orders_admin, pictures, postgres, postgres_inline, secret};
use crate::{audit, kube, proof, traces};

#[test]
fn a_rerun_writes_nothing_outside_the_namespace_of_the_release() {
    bed::with_either_helm([Helm::Three, Helm::Four], "rerun", 2, |bed| {
        let connections = [postgres("orders", bed.shop(), "orders"), pictures(&bed.namespaces[1])];
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&connections, &[]);
        let before = kube::versions(&bed.namespaces);
        let earlier = audit::requests(bed).map_or(0, |requests| requests.len());

        bed.upgraded(&connections, &[]);
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        assert!(before.contains_key(&format!("Secret {}/sc-orders-secret", bed.shop())), "{before:?}");
        assert_eq!(kube::changed(&before, &kube::versions(&bed.namespaces)), [""; 0]);
        if let Some(requests) = audit::requests(bed) {
            let outside = audit::outside(bed, &requests[earlier..]);
            let verbs: Vec<&str> = outside.iter().map(|request| request.verb.as_str()).collect();
            assert_eq!(verbs, ["get", "get", "get"], "one look at each object: {outside:?}");
            assert!(requests[earlier..].iter().any(|request| request.verb == "update"), "the status is written");
        }
    });
}

#[test]
fn an_upgrade_of_one_connection_changes_one_secret() {
    bed::with_either_helm([Helm::Four, Helm::Three], "upgrade", 2, |bed| {
        let connections = |database| {
            [postgres("orders", bed.shop(), database), postgres("stock", bed.shop(), "stock"), postgres("orders", &bed.namespaces[1], "orders")]
        };
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&connections("orders"), &[]);
        let before = kube::versions(&bed.namespaces);

        bed.upgraded(&connections("archive"), &["--wait"]);
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        assert_eq!(kube::changed(&before, &kube::versions(&bed.namespaces)), [format!("Secret {}/sc-orders-secret", bed.shop())]);
        assert_eq!(orders(bed), connection_string("archive", "plain"));
    });
}

#[test]
fn a_rollback_brings_the_old_content_back_and_keeps_the_failed_job() {
    bed::with_both_helms("rollback", 1, |bed| {
        bed.upgraded(&[postgres_inline("orders", bed.shop(), "first")], &[]);
        kube::apply(&[secret(bed.shop(), "sc-stock-secret", &serde_json::json!({"mine": "yes"}))]);
        let second = [postgres_inline("orders", bed.shop(), "second"), postgres_inline("stock", bed.shop(), "second")];
        assert!(!bed.upgrade(&second, &[]).answer.is_ok);
        assert_eq!(orders(bed), connection_string("orders", "second"));
        proof::assert_failed(bed, "sc-stock-secret");

        bed.helm(&["rollback", "sc", "1"]);
        assert_eq!(orders(bed), connection_string("orders", "first"));
        proof::assert_proven(bed);
        assert_eq!(proof::status(bed)["trigger"], "rollback");
        assert!(kube::get(&bed.system, "job", "sc-job-rollback").is_none(), "the rollback's Job is gone");
        assert_eq!(traces::failure_of_job(bed, "sc-job").as_deref(), Some("PodFailurePolicy"), "the failed one can still be looked at");
    });
}

#[test]
fn an_upgrade_without_hooks_is_not_taken_for_proven() {
    bed::with(Helm::Four, "nohooks", 1, |bed| {
        bed.upgraded(&[postgres_inline("orders", bed.shop(), "first")], &[]);
        bed.upgraded(&[postgres_inline("orders", bed.shop(), "second")], &["--no-hooks"]);
        assert_ne!(proof::status(bed)["observedHash"], proof::config(bed).0);
        assert_eq!(orders(bed), connection_string("orders", "first"));
    });
}

fn orders(bed: &Bed) -> String {
    decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"))["AZURE_POSTGRESQL_CONNECTIONSTRING"].clone()
}
