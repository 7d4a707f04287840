//! From the previous chart with its own job to this one, and back by a rollback, which runs the job of then.
//!
//! On a cluster of `scripts/cluster`, where what `tests/previous` builds is loaded.

use sc_tests::planning::decoded;
use sc_tests::tree;
use serde_json::{Value, json};

use crate::bed::{self, Bed};
use crate::connections::{CLIENT_ID, connection_string, pictures, postgres_inline};
use crate::{kube, proof};

#[test]
#[ignore = "needs what tests/previous builds: -- --include-ignored"]
fn a_release_of_the_previous_chart_is_upgraded_and_rolled_back() {
    if kube::own_cluster().is_none() {
        return eprintln!("not a cluster of scripts/cluster: the previous image cannot be loaded");
    }
    bed::with_both_helms("previous", 2, |bed| {
        installed_by_previous(bed);
        assert_eq!(password(bed), connection_string("orders", "first"));
        assert_image(bed, ":previous");
        let orders = uid(bed, "secret", "sc-orders-secret");

        // What only the previous job has noted in the inventory goes by it.
        bed.upgraded(&[postgres_inline("orders", bed.shop(), "second")], &[]);
        proof::assert_proven(bed);
        assert_eq!(proof::status(bed)["generation"], "2");
        assert_eq!(proof::status(bed)["summary"], "4 objects: 1 updated, 3 deleted");
        assert_eq!(password(bed), connection_string("orders", "second"));
        assert_eq!(uid(bed, "secret", "sc-orders-secret"), orders, "changed, not made anew");

        bed.helm(&["rollback", "sc", "1"]);
        proof::assert_proven(bed);
        assert_eq!(proof::status(bed)["trigger"], "rollback");
        assert_image(bed, ":previous");
        assert_eq!(password(bed), connection_string("orders", "first"));
        assert_eq!(uid(bed, "secret", "sc-orders-secret"), orders);
        kube::existing(&bed.namespaces[1], "secret", "sc-stock-secret");
        kube::existing(bed.shop(), "serviceaccount", &format!("sc-account-{CLIENT_ID}"));

        // And what the previous job has made after it goes, too.
        bed.upgraded(&[], &[]);
        proof::assert_proven(bed);
        assert_eq!(proof::status(bed)["summary"], "4 objects: 3 deleted, 1 kept");
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
    });
}

fn installed_by_previous(bed: &Bed) {
    let chart = tree("target/previous/chart");
    assert!(chart.is_dir(), "`{}` is missing: run tests/previous, and load its image", chart.display());
    let goes = |mut connection: Value| {
        connection["deletionPolicy"] = json!("Delete");
        connection
    };
    let stock = postgres_inline("stock", &bed.namespaces[1], "first");
    let values = bed.values(&[postgres_inline("orders", bed.shop(), "first"), goes(stock), goes(pictures(bed.shop()))]);
    let values = values.to_str().unwrap();
    bed.helm(&["install", "sc", chart.to_str().unwrap(), "--values", values, "--set", "image.tag=previous"]);
    proof::assert_proven(bed);
}

fn assert_image(bed: &Bed, tag: &str) {
    let status = proof::status(bed);
    assert!(status["image"].as_str().unwrap().ends_with(tag), "{status}");
}

fn password(bed: &Bed) -> String {
    decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"))["AZURE_POSTGRESQL_CONNECTIONSTRING"].clone()
}

fn uid(bed: &Bed, kind: &str, name: &str) -> Value {
    kube::existing(bed.shop(), kind, name)["metadata"]["uid"].clone()
}
