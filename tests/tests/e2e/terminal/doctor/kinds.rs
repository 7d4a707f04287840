//! Workloads of every kind with the same mistakes: each is mended as its kind can be, by the very command that the doctor prints.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{PATIENCE, is_content};
use crate::bed::{self, Bed, Helm};
use crate::connections::{CLIENT_ID, orders_admin, pictures, postgres};
use crate::kube;
use crate::terminal::session::Session;

/// Each kind with where its template is; all but one make pods of it by themselves.
const KINDS: [(&str, &str, &str); 7] = [
    ("Deployment", "apps/v1", "/spec/template"),
    ("StatefulSet", "apps/v1", "/spec/template"),
    ("DaemonSet", "apps/v1", "/spec/template"),
    ("ReplicaSet", "apps/v1", "/spec/template"),
    ("Job", "batch/v1", "/spec/template"),
    ("CronJob", "batch/v1", "/spec/jobTemplate/spec/template"),
    ("Pod", "v1", ""),
];
/// So often the doctor is asked again: one command may bring another failure to light.
const ROUNDS: usize = 3;

#[test]
fn a_workload_of_any_kind_is_mended_as_its_kind_can_be() {
    with_release("kinds", |bed, session| {
        // Taken for the Secret that there is.
        start(bed, &KINDS, |_| {}, "sc-order-secret");
        assert_mended(session, "SC1505", &KINDS);
        for kind in KINDS {
            let pods = || running(bed, kind.0).filter(|pod| pod["spec"]["containers"][0]["envFrom"][0]["secretRef"]["name"] == "sc-orders-secret");
            // A CronJob makes the next when its time comes.
            if kind.0 != "CronJob" {
                kube::wait_for(&format!("a pod of the {} with the right Secret", kind.0), PATIENCE, pods);
            }
        }
    });
}

#[test]
fn a_workload_that_names_nothing_known_is_stopped_and_kept() {
    with_release("stopped", |bed, session| {
        let kinds = KINDS.map(|kind| (kind.0 != "DaemonSet").then_some(kind)).into_iter().flatten().collect::<Vec<_>>();
        start(bed, &kinds, |_| {}, "sc-unheard-of-secret");
        assert_mended(session, "SC1505", &kinds);
        kube::wait_for("no pods to be left", PATIENCE, || kube::list(bed.shop(), "pods").is_empty().then_some(()));
        for kind in &kinds {
            let name = name(kind.0);
            match kind.0 {
                "Pod" => assert!(bed.folder().join(format!("{}-pod-{name}.json", bed.shop())).exists()),
                _ => drop(kube::existing(bed.shop(), kind.0, &name)),
            }
        }
    });
}

#[test]
fn what_an_identity_wants_is_put_into_a_workload_of_any_kind() {
    with_release("labelled", |bed, session| {
        let account = format!("sc-account-{CLIENT_ID}");
        let run_as = |pods: &mut Value| pods["spec"]["serviceAccountName"] = json!(account);
        start(bed, &KINDS, run_as, "sc-pictures-secret");
        assert_mended(session, "SC1502", &KINDS);
        assert_eq!(running(bed, "Pod").unwrap()["metadata"]["labels"]["azure.workload.identity/use"], "true");
        let by_hand = |pods: &mut Value| {
            run_as(pods);
            pods["metadata"]["labels"]["azure.workload.identity/use"] = json!("true");
            pods["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": "another"}, {"name": "OWN", "value": "kept"}]);
        };
        // In a pod nothing tells what stands there by hand from what the webhook has set.
        let kinds = &KINDS[..6];
        kube::run(&["-n", bed.shop(), "delete", "job", &name("Job")]);
        start(bed, kinds, by_hand, "sc-pictures-secret");
        assert_mended(session, "SC1507", kinds);
        for (kind, _, pointer) in kinds {
            let live = kube::existing(bed.shop(), kind, &name(kind));
            let env = live.pointer(&format!("{pointer}/spec/containers/0/env")).unwrap();
            assert_eq!(*env, json!([{"name": "OWN", "value": "kept"}]), "{kind}");
        }
    });
}

#[test]
fn pods_that_pod_security_refuses_are_made_for_a_workload_of_any_kind() {
    with_release("refused", |bed, session| {
        kube::kubectl(&["label", "namespace", bed.shop(), "pod-security.kubernetes.io/enforce=restricted"]);
        // A pod of its own is refused when it is applied.
        let kinds = &KINDS[..6];
        let adverse = |pods: &mut Value| {
            let container = &mut pods["spec"]["containers"][0];
            container["securityContext"] = json!({"runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]}});
            // One that goes on beside the other, as the image does not end.
            pods["spec"]["initContainers"] =
                json!([{"name": "beside", "image": "localhost/pause:1", "imagePullPolicy": "Never", "restartPolicy": "Always"}]);
        };
        start(bed, kinds, adverse, "sc-orders-secret");
        assert_mended(session, "SC1508", kinds);
    });
}

#[test]
fn pods_with_old_variables_are_made_anew() {
    with_release("anew", |bed, session| {
        let kinds = KINDS.map(|kind| (kind.0 != "CronJob").then_some(kind)).into_iter().flatten().collect::<Vec<_>>();
        // What a CronJob has started goes on: the next has the present ones.
        start(bed, &KINDS, |_| {}, "sc-orders-secret");
        // A pod that is deleted counts as a failure, of which this one bears none.
        kube::kubectl(&["-n", bed.shop(), "patch", "job", &name("Job"), "-p", r#"{"spec": {"backoffLimit": 0}}"#]);
        let of_each = || kinds.iter().map(|kind| running(bed, kind.0)).collect::<Option<Vec<Value>>>();
        let old = kube::wait_for("a pod of each", PATIENCE, of_each);
        let last = old.iter().map(started).max().unwrap();
        kube::wait_for("another second", Duration::from_secs(5), || (super::breakages::now() > last).then_some(()));
        kube::apply(&[orders_admin(&bed.system, "rotated")]);
        assert!(session.run("rerun", "").is_ok);
        assert_mended(session, "SC1501", &kinds);
        let new = kube::wait_for("a pod of each", PATIENCE, of_each);
        for (old, new) in old.iter().zip(&new) {
            assert_ne!(old["metadata"]["uid"], new["metadata"]["uid"]);
        }
    });
}

#[test]
fn what_cannot_be_made_anew_is_not_deleted() {
    with_release("kept", |bed, session| {
        let own = json!({"app": "own"});
        let spec = json!({"manualSelector": true, "selector": {"matchLabels": own}, "template": {"metadata": {"labels": own}, "spec": pods("sc-order-secret")["spec"]}});
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "own", "namespace": bed.shop()}, "spec": spec});
        job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
        kube::apply(&[job]);
        assert_mended(session, "SC1505", &KINDS[..1]);
        let uid = || kube::existing(bed.shop(), "job", "own")["metadata"]["uid"].clone();
        let before = uid();
        // From here on no pod may be made, so that neither may a Job's.
        let quota = json!({"hard": {"count/jobs.batch": "1"}});
        let metadata = json!({"name": "full", "namespace": bed.shop()});
        kube::apply(&[json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": quota})]);
        kube::wait_for("the quota to count", PATIENCE, || {
            (kube::existing(bed.shop(), "resourcequota", "full")["status"]["used"]["count/jobs.batch"] == "1").then_some(())
        });
        kube::wait_for("its pod", PATIENCE, || kube::list(bed.shop(), "pods").into_iter().find(|pod| pod["status"]["phase"] == "Running"));
        kube::wait_for("another second", Duration::from_secs(5), || {
            (super::breakages::now() > started(&kube::list(bed.shop(), "pods")[0])).then_some(())
        });
        kube::apply(&[orders_admin(&bed.system, "rotated")]);
        assert!(session.run("rerun", "").is_ok);
        let (_, command) = kube::wait_for("SC1501", PATIENCE, || fixes(session, "SC1501").pop_first());
        let refused = session.shell(&command);
        assert!(!refused.is_ok && refused.errors.contains("exceeded quota"), "{refused:?}");
        assert_eq!(uid(), before, "it runs on");
    });
}

#[test]
fn what_connections_leave_is_told_once_no_workload_has_it() {
    with_release("left", |bed, session| {
        start(bed, &KINDS[..1], |_| {}, "sc-orders-secret");
        bed.upgraded(&[], &[]);
        let left = kube::wait_for("what is left", PATIENCE, || Some(fixes(session, "SC1313")).filter(|found| !found.is_empty()));
        let orders = format!("Secret {}/sc-orders-secret", bed.shop());
        assert!(!left.contains_key(&orders) && left.contains_key(&format!("Secret {}/sc-pictures-secret", bed.shop())), "{left:?}");
        kube::kubectl(&["-n", bed.shop(), "delete", "deployment", &name("Deployment")]);
        assert!(fixes(session, "SC1313").contains_key(&orders));
    });
}

#[test]
fn sets_that_do_not_replace_their_pods_are_made_to() {
    with_release("byhand", |bed, session| {
        let sets = &KINDS[1..3];
        start(bed, sets, |_| {}, "sc-orders-secret");
        for (kind, ..) in sets {
            let patch = json!({"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}}}).to_string();
            kube::kubectl(&["-n", bed.shop(), "patch", kind, &name(kind), "-p", &patch]);
        }
        let of_each = || sets.iter().map(|kind| running(bed, kind.0)).collect::<Option<Vec<Value>>>();
        let last = kube::wait_for("a pod of each", PATIENCE, of_each).iter().map(started).max().unwrap();
        kube::wait_for("another second", Duration::from_secs(5), || (super::breakages::now() > last).then_some(()));
        kube::apply(&[orders_admin(&bed.system, "rotated")]);
        assert!(session.run("rerun", "").is_ok);
        assert_mended(session, "SC1501", sets);
    });
}

/// When a pod's container was started; Kubernetes counts these times in seconds.
fn started(pod: &Value) -> String {
    pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].as_str().unwrap().to_owned()
}

fn with_release(name: &str, test: impl FnOnce(&Bed, &Session<'_>)) {
    kube::require();
    bed::with(Helm::Four, name, 1, |bed| {
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop())], &[]);
        test(bed, &Session::of(bed));
    });
}

/// Applies a workload of each kind that takes its variables from a Secret; a CronJob is started by hand.
fn start(bed: &Bed, kinds: &[(&str, &str, &str)], change: impl Fn(&mut Value), secret: &str) {
    for (kind, version, pointer) in kinds {
        let name = name(kind);
        let labels = json!({"app": name});
        let container =
            json!({"name": "app", "image": "localhost/pause:1", "imagePullPolicy": "Never", "envFrom": [{"secretRef": {"name": secret}}]});
        let mut pods = json!({"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}});
        if kind.ends_with("Job") {
            pods["spec"]["restartPolicy"] = json!("Never");
        }
        change(&mut pods);
        let mut object = pointer.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(pods, |inner, field| json!({field: inner}));
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!(name);
        object["metadata"]["namespace"] = json!(bed.shop());
        match *kind {
            "CronJob" => object["spec"]["schedule"] = json!("0 0 1 1 *"),
            "Job" | "Pod" => {}
            _ => object["spec"]["selector"] = json!({"matchLabels": labels}),
        }
        kube::apply(&[object]);
        if *kind == "CronJob" {
            let run = format!("{name}-by-hand");
            kube::run(&["-n", bed.shop(), "delete", "job", &run, "--ignore-not-found"]);
            kube::kubectl(&["-n", bed.shop(), "create", "job", &run, "--from", &format!("cronjob/{name}")]);
        }
    }
}

/// Pods that take their variables from a Secret.
fn pods(secret: &str) -> Value {
    let container = json!({"name": "app", "image": "localhost/pause:1", "imagePullPolicy": "Never", "envFrom": [{"secretRef": {"name": secret}}]});
    json!({"metadata": {}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}})
}

/// Waits until the doctor has a finding of this code for each, runs all its commands, and waits until it is content.
fn assert_mended(session: &Session<'_>, code: &str, kinds: &[(&str, &str, &str)]) {
    let first = kube::wait_for(&format!("{code} of each of {}", kinds.len()), PATIENCE, || {
        let found = fixes(session, code);
        (found.len() == kinds.len()).then_some(found)
    });
    let mut left = first;
    for _ in 0..ROUNDS {
        for (object, command) in &left {
            let mended = session.shell(command);
            assert!(mended.is_ok, "{object}: `{command}` failed: {mended:?}");
        }
        left = fixes(session, code);
        if left.is_empty() {
            break;
        }
    }
    kube::wait_for("the doctor to be content", PATIENCE, || is_content(session).then_some(()));
}

/// The commands for each object that has this code.
fn fixes(session: &Session<'_>, code: &str) -> BTreeMap<String, String> {
    let doctor = session.run("doctor -o json", "");
    let found: Vec<Value> = serde_json::from_str(&doctor.output).unwrap_or_else(|_| panic!("{doctor:?}"));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    found.iter().filter(|finding| finding["code"] == code).map(|finding| (text(finding, "object"), text(finding, "fix"))).collect()
}

/// A pod of the workload of this kind that runs.
fn running(bed: &Bed, kind: &str) -> Option<Value> {
    let app = name(kind);
    let is_it = |pod: &Value| {
        pod["metadata"]["labels"]["app"] == app && pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null()
    };
    kube::list(bed.shop(), "pods").into_iter().find(is_it)
}

fn name(kind: &str) -> String {
    format!("of-{}", kind.to_lowercase())
}
