//! Installing, uninstalling, installing again.

use std::io::Write as _;
use std::thread;
use std::time::Instant;

use sc_tests::planning::decoded;
use sc_tests::tree;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::connections::{CLIENT_ID, PASSWORD, TENANT_ID, connection_string, orders_admin, pictures, postgres};
use crate::{audit, kube, proof, traces};

#[test]
fn an_installation_makes_and_proves_what_was_asked() {
    bed::with_both_helms("install", 2, |bed| {
        let shops = &bed.namespaces;
        kube::apply(&[orders_admin(&bed.system, PASSWORD)]);
        let ran = thread::scope(|scope| {
            let watcher = scope.spawn(|| time_until_secret(bed));
            let ran = bed.upgraded(&[postgres("orders", &shops[0], "orders"), pictures(&shops[1])], &[]);
            watcher.join().unwrap();
            ran
        });
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        assert_objects(bed);
        assert!(ran.answer.output.contains(&format!("{}/sc-orders-secret", shops[0])), "the notes name the Secret: {}", ran.answer.output);
        assert_eq!(traces::events(bed, "ConnectionsApplied"), ["3 objects: 3 created"]);
        traces::assert_silent(bed, &ran, PASSWORD);
        assert_restricted(bed);
        if let Some(requests) = audit::requests(bed) {
            let verbs: Vec<String> = audit::outside(bed, &requests).into_iter().map(|request| request.verb).collect();
            assert_eq!(verbs, ["create", "create", "create"], "one request for each new object");
        }
    });
}

#[test]
fn objects_outlive_the_release_and_a_new_one_proves_itself() {
    bed::with_both_helms("again", 1, |bed| {
        let connections = [postgres("orders", bed.shop(), "orders"), pictures(bed.shop())];
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&connections, &["--wait"]);
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        let (hash, uid) = proof::config(bed);
        let before = objects(bed);
        assert_eq!(before.len(), 3, "{before:?}");

        bed.helm(&["uninstall", "sc", "--wait"]);
        assert_eq!(objects(bed), before, "uninstalling leaves the objects alone");
        assert!(kube::list(bed.shop(), "roles,rolebindings").is_empty(), "and takes the job's rights away");
        assert!(kube::get(&bed.system, "secret", "sc-config").is_none());

        bed.upgraded(&connections, &["--wait"]);
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        let (new_hash, new_uid) = proof::config(bed);
        assert_eq!(new_hash, hash);
        assert_ne!(new_uid, uid, "the proof is that of the new sc-config, though its content is the same");
        assert_eq!(objects(bed), before, "nothing was written anew");
    });
}

/// As a cluster extension installs: Helm 3, atomic, nothing but strings, and nobody at the terminal.
#[test]
fn an_installer_that_has_only_strings_installs_and_falls_back() {
    bed::with(Helm::Three, "strings", 1, |bed| {
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        let connections = json!([postgres("orders", bed.shop(), "orders")]).to_string();
        bed.helm(&arguments_of_strings(&connections).iter().map(String::as_str).collect::<Vec<_>>());
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        let secret = kube::existing(bed.shop(), "secret", "sc-orders-secret");
        assert_eq!(decoded(&secret)["AZURE_POSTGRESQL_CONNECTIONSTRING"], connection_string("orders", "plain"));

        let broken = bed.run(&arguments_of_strings("[{password: hunter2").iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!broken.answer.is_ok && broken.time < bed::TIMEOUT / 2, "{:?}", broken.time);
        traces::assert_silent(bed, &broken, "hunter2");
        assert_eq!(kube::existing(bed.shop(), "secret", "sc-orders-secret"), secret, "nothing was touched");
        proof::assert_proven(bed);
    });
}

/// `helm upgrade --install` with a text of connections and all else as strings. Helm takes a comma for the next setting unless told otherwise.
fn arguments_of_strings(connections: &str) -> Vec<String> {
    let connections = connections.replace('\\', "\\\\").replace(',', "\\,");
    let document = format!("connectionsDocument={connections}");
    let strings =
        [document.as_str(), "driftRepair.enabled=false", "job.activeDeadlineSeconds=120", "image.pullPolicy=IfNotPresent", "compatibility=corrected"];
    let chart = tree("chart");
    let timeout = format!("{}s", bed::TIMEOUT.as_secs());
    let start = ["upgrade", "--install", "--atomic", "sc", chart.to_str().unwrap(), "--timeout", &timeout];
    start.into_iter().chain(strings.iter().flat_map(|setting| ["--set-string", setting])).map(str::to_owned).collect()
}

/// Secrets and ServiceAccounts of the connections, each with what tells whether it was written.
fn objects(bed: &Bed) -> Vec<(String, Value)> {
    let objects = kube::list(bed.shop(), "secrets,serviceaccounts");
    let ours = objects.iter().filter(|object| object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "sc-job");
    ours.map(|object| (sc_tests::render::name_of(object), object["metadata"]["resourceVersion"].clone())).collect()
}

fn time_until_secret(bed: &Bed) {
    let begin = Instant::now();
    kube::kubectl(&["-n", bed.shop(), "wait", "--for=create", "secret/sc-orders-secret", "--timeout=100s"]);
    // Not by eprintln: that is only shown when a test fails.
    let _ =
        writeln!(std::io::stderr(), "Helm {}: {:.1} s from `helm upgrade --install` to the Secret", bed.helm.number(), begin.elapsed().as_secs_f64());
}

fn assert_objects(bed: &Bed) {
    let secret = kube::existing(bed.shop(), "secret", "sc-orders-secret");
    let quoted = format!("'{}'", PASSWORD.replace('\\', "\\\\").replace('\'', "\\'"));
    assert_eq!(decoded(&secret), [("AZURE_POSTGRESQL_CONNECTIONSTRING".to_owned(), connection_string("orders", &quoted))].into());
    assert_eq!(secret["type"], "Opaque");
    assert_eq!(secret["metadata"]["labels"], labels(bed, Some("orders")));
    assert_eq!(secret["metadata"]["annotations"], json!({"sc-extension.dev/connection-name": "orders"}));

    let identity = kube::existing(&bed.namespaces[1], "serviceaccount", &format!("sc-account-{CLIENT_ID}"));
    assert_eq!(identity["metadata"]["labels"], labels(bed, None));
    let annotations = json!({"azure.workload.identity/client-id": CLIENT_ID, "azure.workload.identity/tenant-id": TENANT_ID});
    assert_eq!(identity["metadata"]["annotations"], annotations);
    let secret = kube::existing(&bed.namespaces[1], "secret", "sc-pictures-secret");
    let endpoint = "https://shoppictures.blob.core.windows.net/";
    let variables = [("AZURE_STORAGEBLOB_CLIENTID", CLIENT_ID), ("AZURE_STORAGEBLOB_RESOURCEENDPOINT", endpoint)];
    assert_eq!(decoded(&secret), variables.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
}

fn labels(bed: &Bed, connection: Option<&str>) -> Value {
    let mut labels = json!({
        "app.kubernetes.io/managed-by": "sc-job",
        "sc-extension.dev/release": "sc",
        "sc-extension.dev/release-namespace": bed.system,
    });
    if let Some(connection) = connection {
        labels["sc-extension.dev/connection"] = json!(connection);
    }
    labels
}

/// Pod Security is really enforced there: what the job's pod passed, another is refused.
fn assert_restricted(bed: &Bed) {
    let refused = kube::run(&["-n", &bed.system, "run", "loose", "--image=localhost/none", "--restart=Never"]);
    assert!(refused.errors.contains("violates PodSecurity \"restricted"), "{}{}", refused.output, refused.errors);
}
