//! `sc` on a real cluster, with the real Helm 3 and 4: whole outputs, as a person or a script sees them.

mod apart;
mod diagnosis;
mod doctor;
mod mending;
mod parity;
mod person;
mod proxy;
mod rights;
pub(crate) mod session;

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::bed::{self, Bed, Helm};
use crate::connections::orders_admin;
use crate::{kube, proof};
use session::{Point, Session};

const PAIRS: &str = "name=app\nsecret=hunter2-kept-hunter2\n";
const CREATE: &str = "create postgres-flexible --connection orders --kube-namespace SHOP --server orders-db --database orders --client-type python";

#[test]
fn a_connection_is_made_changed_shown_and_deleted() {
    bed::with_both_helms("terminal", 1, |bed| {
        let mut session = Session::of(bed);
        session.sc("status");
        session.sc("install");
        session.sc("install");
        session.sc("list -o table");
        session.sc_with(&format!("{CREATE} --secret --credentials-stdin"), "name=app\nsecret=hunter2-first-hunter2\n");
        proof::assert_proven(bed);
        assert_eq!(password(bed), "hunter2-first-hunter2");
        session.sc("show orders -o yaml");
        session.sc("list -o table");
        session.sc("list -o tsv");
        session.sc("list-configuration --connection orders");
        session.sc("diff");
        session.sc("update --connection orders --client-type none -o table");
        assert_eq!(password(bed), "hunter2-first-hunter2", "what no argument is about stays");
        session.sc("list-configuration --connection orders -o tsv");
        session.sc_with("update postgres-flexible --connection orders --secret --credentials-stdin -o table", "secret=hunter2-second-hunter2\n");
        assert_eq!(password(bed), "hunter2-second-hunter2");
        session.sc("wait orders --created --timeout 30");
        session.sc("rerun");
        kube::wait_for("the Job to be gone", Duration::from_mins(1), || kube::get(&bed.system, "job", "sc-job").is_none().then_some(()));
        session.sc("status -o table");
        session.sc("delete orders");
        session.sc("delete orders --yes");
        assert!(kube::get(bed.shop(), "secret", "sc-orders-secret").is_none());
        session.sc("list -o table");
        session.sc("show orders");
        session.sc("uninstall --yes");
        session.sc("status");
        assert_eq!(credentials(bed), 0, "the credentials go with the release");
        session.end("connection");
    });
}

#[test]
fn mistakes_are_told_before_anything_is_changed() {
    bed::with(Helm::Four, "mistakes", 1, |bed| {
        let mut session = Session::of(bed);
        session.sc(
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --secret name=app secret=hunter2-x-hunter2",
        );
        session.sc("install");
        let revision = || bed.helm(&["history", "sc", "-o", "json"]).answer.output.matches("\"revision\"").count();
        assert_eq!(revision(), 1);
        for arguments in [
            "create postgres-flexibel --connection orders --kube-namespace SHOP --secret",
            "create postgres-flexible --connection orders --kube-namespace no-such-namespace --server s --database d --secret",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --secret name=app",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --secret name=app secret=hunter2-x-hunter2",
            "create postgres-flexible --connection or/ders --kube-namespace SHOP --server s --database d --secret name=app secret=hunter2-x-hunter2",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --secret hunter2-x-hunter2",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --secret user=app secret=hunter2-x-hunter2",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --secret secret-uri=https://hunter2",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --enable-csi",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --secret --workload-identity x",
            "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database d --client-type cobol --secret name=app secret=hunter2-x-hunter2",
            "create storage-blob --connection media --kube-namespace SHOP --account media --workload-identity /subscriptions/s/x",
            "create storage-blob --source-id /subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/shop",
            "create confluent-cloud --connection events_schema --bootstrap-server b:1 --kafka-key k --kafka-secret hunter2-x-hunter2",
            "show orders",
            "update --connection orders --client-type go",
            "delete orders --yes",
            "list --kube-context no-such-context",
            "logs",
        ] {
            session.sc(arguments);
        }
        assert_eq!(revision(), 1, "nothing was changed");
        assert_eq!(credentials(bed), 0, "and no credential was left");
        session.end("mistakes");
    });
}

/// Each waits for the other, and neither is lost.
#[test]
fn two_at_once_both_count() {
    bed::with(Helm::Four, "two", 1, |bed| {
        let mut session = Session::of(bed);
        session.sc("install");
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        let create = |name: &str| {
            let arguments = "--server s --database d --secret name=app --secret-ref password=orders-admin/password --kube-namespace SHOP";
            session.run(&format!("create postgres-flexible --connection {name} {arguments}"), "")
        };
        let made = thread::scope(|scope| ["one", "two", "three"].map(|name| scope.spawn(move || create(name))).map(|made| made.join().unwrap()));
        assert!(made.iter().all(|answer| answer.is_ok), "{made:?}");
        let listed = session.run("list -o json", "");
        let names: Vec<_> = serde_json::from_str::<Vec<serde_json::Value>>(&listed.output).unwrap().iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        proof::assert_proven(bed);
    });
}

/// Killed at any point, `sc` leaves the old values or the new, says which, and the same command mends it.
#[test]
fn whoever_is_killed_leaves_the_old_values_or_the_new() {
    bed::with(Helm::Four, "killed", 1, |bed| {
        let mut session = Session::of(bed);
        session.sc("install");
        let mut seen = BTreeSet::new();
        // First that which waits for a Secret with credentials, since the others leave one.
        for (number, point) in [Point::OnceCredential, Point::AtOnce, Point::OncePending, Point::OnceJob].into_iter().enumerate() {
            let name = format!("k{number}");
            let create = format!(
                "create postgres-flexible --connection {name} --kube-namespace SHOP --server s --database {name} --secret --credentials-stdin"
            );
            session.killed(&create, PAIRS, point);
            kube::wait_for("Helm to end", Duration::from_mins(1), || (!session.run("status", "").output.contains("pending-")).then_some(()));
            let shown = session.run(&format!("show {name}"), "");
            seen.insert(shown.is_ok);
            if shown.is_ok {
                let wait = session.run(&format!("wait {name} --created --timeout 60"), "");
                assert!(wait.is_ok, "the new values are applied: {wait:?}");
                assert_whole(bed, &name);
            } else {
                assert!(shown.errors.contains("there is no connection"), "{shown:?}");
            }
            let again = session.run(&create, PAIRS);
            assert!(again.is_ok, "the same command mends it: {again:?}");
            assert_whole(bed, &name);
        }
        assert_eq!(seen.len(), 2, "both came to pass");
    });
}

/// Helm killed, too, leaves the release locked: that is said, with the command that unlocks it.
#[test]
fn a_release_that_a_killed_helm_has_locked_is_told_and_mended() {
    bed::with_both_helms("locked", 1, |bed| {
        let session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        let create = "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database orders --secret --credentials-stdin";
        session.killed(create, PAIRS, Point::OncePendingWithHelm);
        let status = session.run("status -o json", "");
        assert!(!status.is_ok && status.output.contains("pending-upgrade"), "{status:?}");
        let shown = session.run("show orders -o json", "");
        assert!(shown.output.contains("\"provisioningState\": \"Accepted\""), "it is not called a success: {shown:?}");
        let refused = session.run(create, PAIRS);
        assert!(!refused.is_ok && refused.errors.contains("is `pending-upgrade`"), "{refused:?}");
        let command = refused.errors.split('`').find(|part| part.starts_with("helm rollback")).unwrap_or_else(|| panic!("{refused:?}"));
        let mended = session.helm(command);
        assert!(mended.is_ok, "{command}: {mended:?}");
        let again = session.run(create, PAIRS);
        assert!(again.is_ok, "{again:?}");
        assert_whole(bed, "orders");
    });
}

/// Ctrl-C: Helm is asked to end and leaves the release in order.
#[test]
fn who_is_interrupted_waits_for_helm_and_says_what_is_kept() {
    bed::with_both_helms("interrupted", 1, |bed| {
        let session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        let create = "create postgres-flexible --connection orders --kube-namespace SHOP --server s --database orders --secret --credentials-stdin";
        let ended = session.interrupted(create, PAIRS);
        assert!(!ended.is_ok, "{ended:?}");
        assert!(ended.errors.contains("asked to end") && ended.errors.contains("the change is kept as revision 2"), "{ended:?}");
        // Helm, asked to end, now and then leaves the release locked: it writes its last word before the one that it was at.
        if ended.errors.contains("Helm has left it `pending-upgrade`") {
            let command = ended.errors.split('`').find(|part| part.starts_with("helm rollback")).unwrap_or_else(|| panic!("{ended:?}"));
            let mended = session.helm(command);
            assert!(mended.is_ok, "{command}: {mended:?}");
        }
        let again = session.run(create, PAIRS);
        assert!(again.is_ok, "{again:?}");
        assert_whole(bed, "orders");
    });
}

#[test]
fn what_is_not_waited_for_can_be_waited_for() {
    bed::with_either_helm([Helm::Four, Helm::Three], "nowait", 1, |bed| {
        let mut session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        // Whether the run is over when its connection is shown depends on the machine.
        let made = session.run(&format!("{CREATE} --secret --credentials-stdin --no-wait -o tsv"), PAIRS);
        assert!(made.is_ok && made.errors.contains("will be created by the run that has begun"), "{made:?}");
        session.sc("wait orders --created --timeout 60");
        assert_eq!(password(bed), "hunter2-kept-hunter2");
        session.sc("delete orders --yes --no-wait");
        session.sc("wait orders --deleted --timeout 60");
        assert!(kube::get(bed.shop(), "secret", "sc-orders-secret").is_none());
        session.sc("wait orders --exists --timeout 1");
        session.end("wait");
    });
}

/// A workload that is there is bound, one that is not there yet is written by a snippet, and both find their variables.
#[test]
fn workloads_are_bound_and_written() {
    bed::with_either_helm([Helm::Three, Helm::Four], "bind", 1, |bed| {
        let mut session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        assert!(session.run(&format!("{CREATE} --secret --credentials-stdin"), PAIRS).is_ok);
        let container = json!({"name": "web", "image": "localhost/pause:1", "imagePullPolicy": "Never"});
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}});
        let spec = json!({"selector": {"matchLabels": {"app": "web"}}, "template": template});
        kube::apply(&[json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": bed.shop(), "name": "web"}, "spec": spec})]);
        session.sc("bind deployment/web orders");
        session.sc("bind deployment/web orders --yes");
        session.sc("bind deployment/web orders --yes");
        session.sc("bind deployment/absent orders --yes");
        let web = kube::existing(bed.shop(), "deployment", "web");
        let sources = &web["spec"]["template"]["spec"]["containers"][0]["envFrom"];
        assert_eq!(*sources, json!([{"secretRef": {"name": "sc-orders-secret"}}]));
        let place = format!("--release-namespace {}", bed.system);
        for kind in ["deployment", "statefulset", "daemonset", "job", "cronjob", "pod"] {
            let snippet = format!("sc snippet orders --kind {kind} --workload by-{kind} --image localhost/pause:1 {place}");
            let applied = session.shell(&format!("{snippet} | kubectl apply -f -"));
            assert!(applied.is_ok, "{kind}: {applied:?}");
            let clean = session.shell(&format!("{snippet} > {0}; sc lint -f {0} {place}", bed.folder().join("snippet.yaml").display()));
            assert!(clean.is_ok, "{kind}: what is printed passes the linter: {clean:?}");
        }
        let is_running = || {
            let pods = kube::list(bed.shop(), "pods");
            let by_pod = pods.iter().find(|pod| pod["metadata"]["name"] == "by-pod")?;
            (by_pod["status"]["phase"] == "Running").then_some(())
        };
        kube::wait_for("a pod with its variables", Duration::from_mins(1), is_running);
        session.end("bind");
    });
}

/// What is wrong is found where it is, whatever it is, and nothing is left in the cluster.
#[test]
fn a_connection_is_validated_from_values_to_the_first_words() {
    bed::with_either_helm([Helm::Three, Helm::Four], "validate", 1, |bed| {
        let mut session = Session::of(bed);
        let config = kube::wait_for("the authority", Duration::from_secs(10), || kube::get(bed.shop(), "configmap", "kube-root-ca.crt"));
        fs::write(bed.folder().join("ca.crt"), config["data"]["ca.crt"].as_str().unwrap()).unwrap();
        // The API server speaks HTTPS, and its address is the same on all clusters of scripts/cluster.
        let create = |name: &str, address: &str| {
            let target = format!("--account media --target endpoint=https://{address}/ --secret --credentials-stdin");
            let create = format!("create storage-blob --connection {name} --kube-namespace SHOP --client-type springBoot {target}");
            assert!(session.run(&create, "secret=hunter2-kept-hunter2\n").is_ok);
        };
        assert!(session.run("install", "").is_ok);
        create("media", "10.96.0.1");
        create("elsewhere", "127.0.0.1:1");
        create("nowhere", "nowhere.example");
        session.sc("validate media --ca-file FOLDER/ca.crt -o table");
        session.sc("validate media -o tsv");
        session.sc("validate elsewhere -o tsv");
        session.sc("validate nowhere -o tsv");
        let secret = json!({"metadata": {"name": "sc-media-secret", "namespace": bed.shop()}, "data": {"X": "eA=="}});
        kube::kubectl(&["-n", bed.shop(), "patch", "secret", "sc-media-secret", "--type=merge", "-p", &secret.to_string()]);
        session.sc("validate media -o tsv");
        session.sc("diff");
        session.sc("rerun");
        let secrets = kube::list(&bed.system, "secrets");
        let names = secrets.iter().filter_map(|secret| secret["metadata"]["name"].as_str());
        let credential = names.into_iter().find(|name| name.starts_with("sc-credentials-media-")).unwrap();
        kube::kubectl(&["-n", &bed.system, "delete", "secret", credential]);
        session.sc("validate media -o tsv");
        assert!(kube::list(bed.shop(), "pods").is_empty(), "no probe is left");
        session.end("validate");
    });
}

/// The connection is applied, and the Secret that its values refer to is there.
fn assert_whole(bed: &Bed, name: &str) {
    proof::assert_proven(bed);
    let secret = kube::existing(bed.shop(), "secret", &format!("sc-{name}-secret"));
    assert_eq!(sc_tests::planning::decoded(&secret)["AZURE_POSTGRESQL_PASSWORD"], "hunter2-kept-hunter2");
}

/// The password that the workload is given.
fn password(bed: &Bed) -> String {
    let secret = kube::existing(bed.shop(), "secret", "sc-orders-secret");
    let data = sc_tests::planning::decoded(&secret);
    let whole = data.get("AZURE_POSTGRESQL_CONNECTIONSTRING").or_else(|| data.get("AZURE_POSTGRESQL_PASSWORD")).unwrap();
    whole.rsplit("password=").next().unwrap().to_owned()
}

/// How many Secrets with credentials there are.
fn credentials(bed: &Bed) -> usize {
    let secrets = kube::list(&bed.system, "secrets");
    secrets.iter().filter(|secret| secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] == json!("sc")).count()
}
