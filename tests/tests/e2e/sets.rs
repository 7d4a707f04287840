//! Connection sets, the check by `helm test`, and an installation without hooks.

use std::process::Command;

use sc_tests::planning::decoded;
use sc_tests::tree;
use serde_json::{Value, json};

use crate::bed::{self, Helm};
use crate::connections::{connection_string, orders_admin, postgres, set};
use crate::{kube, proof, traces};

#[test]
fn connections_of_sets_are_made_beside_those_of_the_values() {
    bed::with_either_helm([Helm::Four, Helm::Three], "sets", 2, |bed| {
        let [shop, media] = [&bed.namespaces[0], &bed.namespaces[1]];
        let many: Vec<Value> = (0..100).map(|number| postgres(&format!("many{number}"), media, "orders")).collect();
        kube::apply(&[orders_admin(&bed.system, "plain"), set(&bed.system, "media-connections", &json!({"connections": many}))]);
        let sets = json!([{"secretName": "media-connections", "namespaces": [media], "referencedSecrets": ["orders-admin"]}]);
        let sets = format!("connectionSets={sets}");
        bed.upgraded(&[postgres("orders", shop, "orders")], &["--set-json", &sets]);
        proof::assert_proven(bed);
        assert_eq!(kube::list(media, "secrets").len(), 100);
        let last = decoded(&kube::existing(media, "secret", "sc-many99-secret"));
        assert_eq!(last["AZURE_POSTGRESQL_CONNECTIONSTRING"], connection_string("orders", "plain"));

        bed.helm(&["test", "sc"]);
        kube::apply(&[set(&bed.system, "media-connections", &json!([postgres("Orders", shop, "orders")]))]);
        let refused = bed.upgrade(&[postgres("orders", shop, "orders")], &["--set-json", &sets]);
        assert!(!refused.answer.is_ok && refused.time < bed::TIMEOUT / 2);
        let logs = traces::logs(bed);
        assert!(logs.contains("at: Secret media-connections: [0]") && logs.contains("is not among the `namespaces`"), "{logs}");
        assert!(!bed.run(&["test", "sc"]).answer.is_ok, "a failed run is not proven");
    });
}

/// By the commands of the documents: no hook, server-side apply, and the rerun that applies.
#[test]
fn an_installation_without_hooks_is_applied_by_the_rerun() {
    bed::with(Helm::Four, "template", 1, |bed| {
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        let values = bed.values(&[postgres("orders", bed.shop(), "orders")]);
        let text = std::fs::read_to_string(tree("docs/operations.md")).unwrap();
        let mut blocks = text.split("```sh").skip(1).filter_map(|block| block.split("```").next());
        let commands = blocks.find(|block| block.contains("--no-hooks")).expect("the page says how");
        let commands = commands.replace("sc-system", &bed.system).replace("./chart", tree("chart").to_str().unwrap());
        let commands = commands.replace("values.yaml", values.to_str().unwrap()).replace("helm ", &format!("{} ", bed.helm.program().display()));
        let ran = Command::new("bash").args(["-euc", &commands]).output().unwrap();
        assert!(ran.status.success(), "{commands}\n{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        proof::assert_proven(bed);
        proof::assert_no_job(bed);
        let data = decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"));
        assert_eq!(data["AZURE_POSTGRESQL_CONNECTIONSTRING"], connection_string("orders", "plain"));
    });
}
