//! What goes wrong, and how to bring it about.

use std::fs;
use std::time::Duration;

use sc_tests::planning::decoded;
use serde_json::{Value, json};

use super::registry::{self, Answer};
use crate::bed::{Bed, Ran};
use crate::connections::{CLIENT_ID, orders_admin, pictures, postgres, secret, set};
use crate::terminal::session::{EDITOR, Point, Session};
use crate::terminal::{CREATE, PAIRS};
use crate::{kube, obstacles};

/// A failure of a code.
pub(crate) struct Breakage {
    pub(crate) code: &'static str,
    /// Whether it is one of an installation; else a sound release is there.
    pub(crate) is_before_install: bool,
    pub(crate) bring_about: fn(&Bed, &Session<'_>),
    /// What comes to pass by itself once the failure was found, so that the command need not wait in vain.
    pub(crate) meanwhile: fn(&Bed),
    /// What must be so when it was mended.
    pub(crate) afterwards: fn(&Bed),
}

const fn on(code: &'static str, bring_about: fn(&Bed, &Session<'_>)) -> Breakage {
    Breakage { code, is_before_install: false, bring_about, meanwhile: |_| {}, afterwards: |_| {} }
}

const fn before(code: &'static str, bring_about: fn(&Bed, &Session<'_>)) -> Breakage {
    Breakage { code, is_before_install: true, bring_about, meanwhile: |_| {}, afterwards: |_| {} }
}

/// Those that touch only their own namespaces.
pub(crate) const BREAKAGES: &[Breakage] = &[
    on("SC1001", |bed, session| {
        session.killed("upgrade", "", Point::OncePendingWithHelm);
        // As a minute later.
        patch(&bed.system, "lease", "sc-cli", &json!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}));
    }),
    Breakage { afterwards: has_orders, ..before("SC1002", first_cut_off) },
    before("SC1003", |_, _| {}),
    on("SC1004", role_of_a_stranger),
    on("SC1005", |bed, _| drop(upgrade(bed, &["--timeout", "1s"]))),
    before("SC1008", older_chart),
    Breakage { meanwhile: unlock, ..on("SC1010", |_, session| session.killed("upgrade", "", Point::OncePendingWithHelm)) },
    on("SC1101", |bed, _| image_of(bed, Answer::NotFound)),
    on("SC1102", |bed, _| image_of(bed, Answer::Unauthorized)),
    on("SC1103", |bed, _| image_of(bed, Answer::Elsewhere)),
    on("SC1105", |bed, _| stuck(bed, &["image.tag=absent", "image.pullPolicy=Never"])),
    on("SC1106", |bed, _| stuck(bed, &["image.repository=UPPER"])),
    on("SC1107", |bed, _| {
        kube::apply(&[obstacles::quota(&bed.system, "pods")]);
        stuck(bed, &[]);
    }),
    on("SC1109", |bed, _| delete(&bed.system, "serviceaccount", "sc-job")),
    on("SC1110", |bed, _| stuck(bed, &["job.resources.requests.cpu=1000", "job.resources.limits.cpu=1000"])),
    on("SC1111", |bed, _| stuck(bed, &["job.nodeSelector.e2e=nowhere"])),
    on("SC1113", |bed, _| stuck(bed, &["job.resources.requests.memory=2Mi", "job.resources.limits.memory=2Mi"])),
    on("SC1114", |bed, _| stuck(bed, &["job.priorityClassName=absent"])),
    on("SC1115", |bed, _| {
        let limits = json!([{"type": "Container", "max": {"memory": "64Mi"}}]);
        kube::apply(&[object("v1", "LimitRange", &bed.system, "small", &json!({"spec": {"limits": limits}}))]);
        stuck(bed, &[]);
    }),
    on("SC1116", |bed, _| delete(&bed.system, "cronjob", "sc-reconcile")),
    on("SC1117", |bed, _| {
        stuck(bed, &["job.nodeSelector.e2e=nowhere"]);
        patch(&bed.system, "job", "sc-job", &json!({"spec": {"activeDeadlineSeconds": 1}}));
        kube::kubectl(&["-n", &bed.system, "wait", "--for=condition=Failed", "job/sc-job", "--timeout=30s"]);
    }),
    on("SC1118", |bed, _| {
        upgrade(bed, &["--set", "driftRepair.enabled=true"]);
        patch(&bed.system, "cronjob", "sc-reconcile", &json!({"spec": {"suspend": true}}));
    }),
    on("SC1119", |bed, _| stuck(bed, &["image.repository=127.0.0.1:1/sc-job"])),
    on("SC1201", |bed, _| delete(bed.shop(), "role", "sc-job")),
    on("SC1202", role_left),
    on("SC1203", |bed, _| {
        let subjects = json!([{"kind": "ServiceAccount", "name": "sc-job", "namespace": "another"}]);
        patch(bed.shop(), "rolebinding", "sc-job", &json!({"subjects": subjects}));
    }),
    on("SC1301", |bed, _| delete(bed.shop(), "secret", "sc-orders-secret")),
    on("SC1302", |bed, _| patch(bed.shop(), "secret", "sc-orders-secret", &json!({"data": {"X": "eA=="}}))),
    on("SC1303", |bed, _| {
        delete(bed.shop(), "secret", "sc-orders-secret");
        kube::apply(&[secret(bed.shop(), "sc-orders-secret", &json!({"mine": "yes"}))]);
    }),
    on("SC1304", |bed, session| {
        delete_namespace(bed.shop());
        let validated = session.run("validate orders -o tsv", "");
        let make = format!("kubectl create namespace {} && sc --release-namespace {} upgrade", bed.shop(), bed.system);
        assert!(validated.output.contains(&make), "{validated:?}");
    }),
    // One that the chart makes, with each Helm.
    Breakage { afterwards: has_made, ..on("SC1304", namespace_of_chart) },
    Breakage { afterwards: has_made, ..on("SC1304", namespace_of_chart) },
    Breakage { meanwhile: |bed| let_go(bed.shop()), ..on("SC1305", |bed, _| hold_on_its_way_out(bed.shop())) },
    Breakage {
        meanwhile: |bed| let_go(made(bed)),
        afterwards: has_made,
        ..on("SC1305", |bed, session| {
            make(bed, session);
            hold_on_its_way_out(made(bed));
        })
    },
    on("SC1306", |bed, _| delete(&bed.system, "secret", "orders-admin")),
    on("SC1307", |bed, _| patch(&bed.system, "secret", "orders-admin", &json!({"data": {"password": null}}))),
    on("SC1308", |bed, _| kube::apply(&[orders_admin(&bed.system, "rotated")])),
    // The set has a connection more.
    Breakage {
        afterwards: has_books,
        ..on("SC1308", |bed, _| {
            assert!(upgrade_with_set(bed, &json!([])).answer.is_ok);
            kube::apply(&[set(&bed.system, "more", &json!([postgres("books", bed.shop(), "books")]))]);
        })
    },
    on("SC1309", |bed, session| {
        delete(bed.shop(), "secret", "sc-orders-secret");
        kube::apply(&[obstacles::quota(bed.shop(), "count/secrets")]);
        assert!(!session.run("rerun", "").is_ok);
    }),
    on("SC1313", |bed, _| drop(bed.upgraded(&[], &[]))),
    on("SC1314", |bed, _| assert!(!upgrade_to_set(bed).answer.is_ok)),
    // What was read already was there, so that no rollback helps.
    Breakage {
        afterwards: has_books,
        ..on("SC1314", |bed, _| {
            read_set(bed);
            delete(&bed.system, "secret", "more");
        })
    },
    Breakage {
        afterwards: has_books,
        ..on("SC1314", |bed, _| {
            read_set(bed);
            patch(&bed.system, "secret", "more", &json!({"data": {"connections.yaml": null, "other": "eA=="}}));
        })
    },
    on("SC1316", |bed, session| {
        delete(bed.shop(), "secret", "sc-orders-secret");
        kube::apply(&obstacles::policy(bed));
        let is_refused = || (!kube::run(&crate::webhook::probe(bed)).is_ok).then_some(());
        kube::wait_for("the policy", Duration::from_secs(30), is_refused);
        assert!(!session.run("rerun", "").is_ok);
    }),
    on("SC1401", |bed, _| drop(bed.upgraded(&[postgres("orders", bed.shop(), "another")], &["--no-hooks"]))),
    on("SC1402", |bed, _| patch(&bed.system, "configmap", "sc-status", &json!({"data": {"result": "Running"}}))),
    on("SC1403", |bed, _| {
        let spec = json!({"holderIdentity": "gone", "renewTime": "2026-01-01T00:00:00.000000Z"});
        patch(&bed.system, "lease", "sc-job", &json!({"spec": spec}));
    }),
    on("SC1404", |bed, _| {
        let mut wrong = postgres("orders", bed.shop(), "orders");
        wrong["targetService"] = json!("postgres-flexibel");
        assert!(!bed.upgrade(&[wrong], &[]).answer.is_ok);
    }),
    // In a set, which no rollback brings back: a person opens it, and mends what stands there in base64.
    Breakage { afterwards: has_books, ..on("SC1404", wrong_in_set) },
    Breakage { afterwards: has_books, ..on("SC1404", made_wrong_in_set) },
    on("SC1405", |bed, _| patch(&bed.system, "secret", "sc-config", &json!({"stringData": {"values.json": "{}"}}))),
    on("SC1406", |bed, _| {
        let config = kube::existing(&bed.system, "secret", "sc-config");
        bed.upgraded(&[postgres("orders", bed.shop(), "another")], &[]);
        let annotations = json!({"sc-extension.dev/config-hash": config["metadata"]["annotations"]["sc-extension.dev/config-hash"]});
        patch(&bed.system, "secret", "sc-config", &json!({"metadata": {"annotations": annotations}, "data": config["data"]}));
    }),
    on("SC1407", |bed, _| {
        let data = json!({"result": "Failed", "reason": "the API server answered 500"});
        patch(&bed.system, "configmap", "sc-status", &json!({"data": data}));
    }),
    // Beside something that has nothing to do with it.
    Breakage {
        meanwhile: |bed| patch(&bed.system, "cronjob", "sc-reconcile", &json!({"spec": {"suspend": false}})),
        ..on("SC1407", |bed, _| {
            upgrade(bed, &["--set", "driftRepair.enabled=true"]);
            patch(&bed.system, "cronjob", "sc-reconcile", &json!({"spec": {"suspend": true}}));
            patch(&bed.system, "configmap", "sc-status", &json!({"data": {"result": "Failed", "reason": "the API server answered 500"}}));
        })
    },
    on("SC1501", |bed, session| {
        kube::apply(&[deployment(bed, "sc-orders-secret", &json!({}))]);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/web", "--timeout=60s"]);
        // Kubernetes counts these times in seconds.
        let started = pod_started(bed);
        kube::wait_for("another second", Duration::from_secs(5), || (now() > started).then_some(()));
        kube::apply(&[orders_admin(&bed.system, "rotated")]);
        assert!(session.run("rerun", "").is_ok);
    }),
    on("SC1502", |bed, _| {
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop())], &[]);
        kube::apply(&[deployment(bed, "sc-pictures-secret", &json!({"serviceAccountName": format!("sc-account-{CLIENT_ID}")}))]);
    }),
    on("SC1503", |bed, _| {
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop())], &[]);
        let annotations = json!({"azure.workload.identity/client-id": null});
        patch(bed.shop(), "serviceaccount", &format!("sc-account-{CLIENT_ID}"), &json!({"metadata": {"annotations": annotations}}));
    }),
    on("SC1505", |bed, _| kube::apply(&[deployment(bed, "sc-order-secret", &json!({}))])),
    // Nothing is like it, and it said something else before.
    on("SC1505", |bed, _| {
        kube::apply(&[deployment(bed, "sc-orders-secret", &json!({}))]);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/web", "--timeout=60s"]);
        kube::apply(&[deployment(bed, "sc-unheard-of-secret", &json!({}))]);
    }),
    // Nothing is like it, and what it said before was no better.
    on("SC1505", |bed, _| {
        for secret in ["sc-unheard-of-secret", "sc-zebrafish-secret"] {
            kube::apply(&[deployment(bed, secret, &json!({}))]);
            let is_its = |pod: &Value| pod["spec"]["containers"][0]["envFrom"][0]["secretRef"]["name"] == secret;
            kube::wait_for("its pod", Duration::from_secs(30), || kube::list(bed.shop(), "pods").iter().any(is_its).then_some(()));
        }
    }),
    // Nothing is like it, and it never said anything else.
    on("SC1505", |bed, _| kube::apply(&[deployment(bed, "sc-unheard-of-secret", &json!({}))])),
    on("SC1506", |bed, _| {
        let mut web = deployment(bed, "sc-orders-secret", &json!({}));
        let reference = json!({"name": "sc-orders-secret", "key": "AZURE_POSTGRESQL_HOST"});
        web["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "HOST", "valueFrom": {"secretKeyRef": reference}}]);
        kube::apply(&[web]);
    }),
    on("SC1507", |bed, _| {
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop())], &[]);
        let mut web = deployment(bed, "sc-pictures-secret", &json!({"serviceAccountName": format!("sc-account-{CLIENT_ID}")}));
        let template = &mut web["spec"]["template"];
        template["metadata"]["labels"]["azure.workload.identity/use"] = json!("true");
        template["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": "another"}, {"name": "OWN", "value": "kept"}]);
        kube::apply(&[web]);
    }),
    on("SC1524", |bed, _| {
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop())], &[]);
        let mut web = deployment(bed, "sc-pictures-secret", &json!({"serviceAccountName": format!("sc-acount-{CLIENT_ID}")}));
        web["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"] = json!("true");
        kube::apply(&[web]);
    }),
    on("SC1508", |bed, _| {
        kube::kubectl(&["label", "namespace", bed.shop(), "pod-security.kubernetes.io/enforce=restricted"]);
        kube::apply(&[deployment(bed, "sc-orders-secret", &json!({}))]);
    }),
];

/// The taints by which no node is left.
pub(crate) const TAINTS: [&str; 2] = ["CriticalAddonsOnly", "e2e.example/busy"];

/// Those that touch the nodes.
pub(crate) const ALONE: &[Breakage] = &[
    on("SC1104", |bed, _| {
        taint(TAINTS[0]);
        stuck(bed, &[]);
    }),
    on("SC1112", |bed, _| {
        taint(TAINTS[1]);
        stuck(bed, &[]);
    }),
];

/// An upgrade to the same connection, with more.
fn upgrade(bed: &Bed, more: &[&str]) -> Ran {
    bed.upgrade(&[postgres("orders", bed.shop(), "orders")], more)
}

/// The set is there, and was read. Its document is in the file that the command names, as its keeper has it.
fn read_set(bed: &Bed) {
    let document = json!([postgres("books", bed.shop(), "books")]);
    fs::write(bed.folder().join("connections.yaml"), document.to_string()).unwrap();
    assert!(upgrade_with_set(bed, &document).answer.is_ok);
}

/// A change of the release brings a connection set in which a connection is wrong.
fn wrong_in_set(bed: &Bed, session: &Session<'_>) {
    let upgraded = upgrade_with_set(bed, &wrong_books(bed));
    assert!(!upgraded.answer.is_ok);
    know_better(session);
}

/// The set was right when it came, and was changed since.
pub(super) fn made_wrong_in_set(bed: &Bed, session: &Session<'_>) {
    let upgraded = upgrade_with_set(bed, &json!([]));
    assert!(upgraded.answer.is_ok);
    kube::apply(&[set(&bed.system, "more", &wrong_books(bed))]);
    assert!(!session.run("rerun", "").is_ok);
    know_better(session);
}

fn wrong_books(bed: &Bed) -> Value {
    let mut wrong = postgres("books", bed.shop(), "books");
    wrong["targetService"] = json!("postgres-flexibel");
    json!([wrong])
}

/// An upgrade to the same connection, and a set with this document.
fn upgrade_with_set(bed: &Bed, document: &Value) -> Ran {
    kube::apply(&[set(&bed.system, "more", document)]);
    upgrade_to_set(bed)
}

fn upgrade_to_set(bed: &Bed) -> Ran {
    let sets = json!([{"secretName": "more", "namespaces": [bed.shop()], "referencedSecrets": ["orders-admin"]}]);
    upgrade(bed, &["--set-json", &format!("connectionSets={sets}")])
}

/// A person who knows what the target service is called, and types that.
fn know_better(session: &Session<'_>) {
    let mended = "$(sed -n 's|^  connections.yaml: ||p' \"$1\" | base64 -d | sed 's|flexibel|flexible|' | base64 -w 0)";
    session.put_on_path(EDITOR, &format!("sed -i \"s|^  connections.yaml: .*|  connections.yaml: {mended}|\" \"$1\""));
}

/// What the set gives is there, and it was not the release that changed.
fn has_books(bed: &Bed) {
    kube::existing(bed.shop(), "secret", "sc-books-secret");
    assert!(decoded(&kube::existing(&bed.system, "secret", "sc-config"))["values.json"].contains("connectionSets"));
}

/// An upgrade with these values that does not come to an end.
fn stuck(bed: &Bed, values: &[&str]) {
    let set = values.iter().flat_map(|value| ["--set", value]);
    let ran = upgrade(bed, &set.chain(["--timeout", "6s"]).collect::<Vec<_>>());
    assert!(!ran.answer.is_ok, "it has succeeded");
}

fn image_of(bed: &Bed, answer: Answer) {
    stuck(bed, &[&format!("image.repository=localhost:{}/sc-job", registry::start(answer)), "image.pullPolicy=Always"]);
}

fn taint(key: &str) {
    kube::kubectl(&["taint", "nodes", "--all", &format!("{key}=true:NoSchedule")]);
}

pub(super) fn delete(namespace: &str, kind: &str, name: &str) {
    kube::kubectl(&["-n", namespace, "delete", kind, name]);
}

pub(super) fn patch(namespace: &str, kind: &str, name: &str, patch: &Value) {
    kube::kubectl(&["-n", namespace, "patch", kind, name, "--type=merge", "-p", &patch.to_string()]);
}

fn object(version: &str, kind: &str, namespace: &str, name: &str, fields: &Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace, "name": name}});
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

fn role_of_a_stranger(bed: &Bed, _: &Session<'_>) {
    delete(bed.shop(), "role", "sc-job");
    kube::apply(&[object("rbac.authorization.k8s.io/v1", "Role", bed.shop(), "sc-job", &json!({"rules": []}))]);
}

/// As a failed upgrade leaves it: made by Helm, in a namespace that the next revision does not name.
fn role_left(bed: &Bed, _: &Session<'_>) {
    let mut role = kube::existing(bed.shop(), "role", "sc-job");
    role["metadata"] = json!({
        "name": "sc-job", "namespace": bed.namespaces[1],
        "labels": role["metadata"]["labels"], "annotations": role["metadata"]["annotations"],
    });
    kube::apply(&[role]);
}

/// By a chart that says of itself that it is older.
fn older_chart(bed: &Bed, _: &Session<'_>) {
    let chart = bed.folder().join("chart");
    let copied = std::process::Command::new("cp").arg("-r").arg(sc_tests::tree("chart")).arg(&chart).status().unwrap();
    assert!(copied.success());
    let file = chart.join("Chart.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().find(|line| line.starts_with("version: ")).unwrap();
    fs::write(&file, text.replace(line, "version: 0.0.9")).unwrap();
    let values = bed.values(&[postgres("orders", bed.shop(), "orders")]);
    bed.helm(&["install", "sc", chart.to_str().unwrap(), "--values", values.to_str().unwrap(), "--timeout", "60s"]);
}

/// Something in it holds it.
fn hold_on_its_way_out(namespace: &str) {
    let metadata = json!({"namespace": namespace, "name": "kept", "finalizers": ["e2e.example/kept"]});
    kube::apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})]);
    kube::kubectl(&["delete", "namespace", namespace, "--wait=false"]);
}

fn let_go(namespace: &str) {
    patch(namespace, "configmap", "kept", &json!({"metadata": {"finalizers": []}}));
}

pub(super) fn delete_namespace(name: &str) {
    kube::kubectl(&["delete", "namespace", name, "--timeout=60s"]);
}

/// The namespace that the chart makes.
fn made(bed: &Bed) -> &str {
    &bed.namespaces[1]
}

/// Has `sc` make it with a connection.
fn make(bed: &Bed, session: &Session<'_>) {
    delete_namespace(made(bed));
    let create =
        format!("{CREATE} --secret --credentials-stdin --create-namespace").replace("orders --kube", "more --kube").replace("SHOP", made(bed));
    let created = session.run(&create, PAIRS);
    assert!(created.is_ok, "{created:?}");
}

fn namespace_of_chart(bed: &Bed, session: &Session<'_>) {
    make(bed, session);
    delete_namespace(made(bed));
}

/// It is there, and so is what the connection gives.
fn has_made(bed: &Bed) {
    kube::existing(made(bed), "secret", "sc-more-secret");
}

/// An installation with a connection, of which Helm alone has the values.
fn first_cut_off(bed: &Bed, session: &Session<'_>) {
    let values = bed.values(&[postgres("orders", bed.shop(), "orders")]);
    session.killed(&format!("install -f {}", values.display()), "", Point::OncePendingWithHelm);
    fs::remove_file(values).unwrap();
}

fn has_orders(bed: &Bed) {
    kube::existing(bed.shop(), "secret", "sc-orders-secret");
}

/// As whoever was at work on the release leaves it.
fn unlock(bed: &Bed) {
    kube::kubectl(&["-n", &bed.system, "delete", "job", "sc-job", "--ignore-not-found"]);
    bed.helm(&["rollback", "sc", "1"]);
}

/// Makes the RoleBinding that of a release of the same name in another namespace.
pub(crate) fn give_to_another(bed: &Bed) {
    let subjects = json!([{"kind": "ServiceAccount", "name": "sc-job", "namespace": "another"}]);
    let annotations = json!({"meta.helm.sh/release-namespace": "another"});
    patch(bed.shop(), "rolebinding", "sc-job", &json!({"metadata": {"annotations": annotations}, "subjects": subjects}));
}

/// A workload that takes its variables from this Secret.
fn deployment(bed: &Bed, secret: &str, pod: &Value) -> Value {
    let container = json!({"name": "web", "image": "localhost/pause:1", "imagePullPolicy": "Never", "envFrom": [{"secretRef": {"name": secret}}]});
    let mut spec = json!({"containers": [container], "terminationGracePeriodSeconds": 0});
    spec.as_object_mut().unwrap().extend(pod.as_object().unwrap().clone());
    let labels = json!({"app": "web"});
    let template = json!({"metadata": {"labels": labels}, "spec": spec});
    object("apps/v1", "Deployment", bed.shop(), "web", &json!({"spec": {"selector": {"matchLabels": labels}, "template": template}}))
}

/// A scheduled run that found no node in its time.
pub(super) fn overdue(bed: &Bed) {
    let mut job = kube::existing(&bed.system, "cronjob", "sc-reconcile")["spec"]["jobTemplate"].clone();
    job["spec"]["activeDeadlineSeconds"] = json!(1);
    job["spec"]["template"]["spec"]["nodeSelector"] = json!({"e2e": "nowhere"});
    let labels = job["spec"]["template"]["metadata"]["labels"].clone();
    let fields = json!({"metadata": {"namespace": bed.system, "name": "sc-reconcile-late", "labels": labels}, "spec": job["spec"]});
    kube::apply(&[object("batch/v1", "Job", &bed.system, "sc-reconcile-late", &fields)]);
}

/// A Job beside the release that waits, and a workload that lacks a key of a Secret of its own.
pub(super) fn of_others(bed: &Bed) {
    let container = json!({"name": "app", "image": "localhost/pause:1", "imagePullPolicy": "Never"});
    let pods = json!({"spec": {"containers": [container], "restartPolicy": "Never"}});
    let backup = object("batch/v1", "Job", &bed.system, "backup", &json!({"spec": {"suspend": true, "template": pods}}));
    let mut web = deployment(bed, "own", &json!({}));
    web["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "X", "valueFrom": {"secretKeyRef": {"name": "own", "key": "AZURE_POSTGRESQL_HOTS"}}}]);
    kube::apply(&[backup, secret(bed.shop(), "own", &json!({"key": "value"})), web]);
    let waits = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CreateContainerConfigError";
    kube::wait_for("the pod that lacks a key", Duration::from_mins(1), || kube::list(bed.shop(), "pods").iter().any(waits).then_some(()));
}

/// When the workload's container was started, as Kubernetes writes it.
fn pod_started(bed: &Bed) -> String {
    let pods = kube::list(bed.shop(), "pods");
    pods[0]["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].as_str().unwrap().to_owned()
}

/// The time, in the same form.
pub(super) fn now() -> String {
    let output = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
