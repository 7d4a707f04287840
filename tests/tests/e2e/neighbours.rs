//! Others who ask the API server while a run is at work. They share its least seats with the job, in one queue and in queues of their own.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::caller::{Answer, Call, Caller};
use crate::connections::{orders_admin, postgres, secret};
use crate::{kube, proof};

const SETS: usize = 4;
const OF_A_SET: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(1);
/// So often a neighbour asks at least, or nothing was seen.
const LEAST: usize = 5;

#[test]
fn a_neighbour_with_queues_of_its_own_is_answered_within_a_second() {
    assert_answered("fair", &json!({"queues": 128, "handSize": 6, "queueLengthLimit": 50}));
}

/// Here whatever the job has under way stands before its neighbour, and too much of it is refused to both.
#[test]
fn a_neighbour_in_the_same_queue_is_answered_within_a_second() {
    assert_answered("queue", &json!({"queues": 1, "handSize": 1, "queueLengthLimit": 50}));
}

fn assert_answered(name: &str, queuing: &Value) {
    bed::alone(Helm::Four, name, 1, |bed| {
        let level = Level::of(bed, queuing);
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        kube::apply(&reader(bed));
        (0..SETS).for_each(|number| kube::apply(&[set(bed, number)]));
        let sets: Vec<Value> = (0..SETS)
            .map(|number| json!({"secretName": format!("set{number}"), "namespaces": [bed.shop()], "referencedSecrets": ["orders-admin"]}))
            .collect();
        let sets = format!("connectionSets={}", json!(sets));
        let asked: Vec<Duration> = thread::scope(|scope| {
            let run = scope.spawn(|| bed.upgraded(&[], &["--set-json", &sets]));
            let (neighbour, mut asked) = (Caller::administrator(), Vec::new());
            while !run.is_finished() {
                asked.extend(ask(bed, &neighbour));
            }
            run.join().unwrap();
            asked
        });
        proof::assert_proven(bed);
        let dispatched = level.metric("apiserver_flowcontrol_dispatched_requests_total", &["flow_schema", "priority_level"]);
        assert!(dispatched >= Some((SETS * OF_A_SET).try_into().unwrap()), "the job asked by another level: {dispatched:?}");
        let longest = asked.iter().max().copied().unwrap_or_default();
        eprintln!("{} answers beside the run, the longest after {longest:?}", asked.len());
        assert!(asked.len() >= LEAST && longest < PATIENCE, "{} answers, the longest after {longest:?}", asked.len());
    });
}

/// How long a neighbour waits for one Secret; nothing before the run has made it.
fn ask(bed: &Bed, neighbour: &Caller) -> Option<Duration> {
    let call = "GET /api/v1/namespaces/{shop}/secrets/sc-c00000-secret as system:serviceaccount:{system}:neighbour";
    let call = Call::parse(call, &[("shop", bed.shop()), ("system", &bed.system)]);
    let begin = Instant::now();
    let Answer { code, said } = neighbour.call(&call, &Value::Null);
    assert!(code == 200 || code == 404, "{code}: {said}");
    (code == 200).then(|| begin.elapsed())
}

fn set(bed: &Bed, number: usize) -> Value {
    let connection = |of: usize| postgres(&format!("c{:05}", number * OF_A_SET + of), bed.shop(), "orders");
    let connections: Vec<Value> = (0..OF_A_SET).map(connection).collect();
    secret(&bed.system, &format!("set{number}"), &json!({"connections.yaml": json!(connections).to_string()}))
}

/// Who may read the connections' Secrets.
fn reader(bed: &Bed) -> [Value; 2] {
    let metadata = json!({"namespace": bed.shop(), "name": "neighbour"});
    let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]});
    let subject = json!({"kind": "ServiceAccount", "namespace": bed.system, "name": "neighbour"});
    let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "neighbour"});
    let api = "rbac.authorization.k8s.io/v1";
    [
        json!({"apiVersion": api, "kind": "Role", "metadata": metadata, "rules": [rule]}),
        json!({"apiVersion": api, "kind": "RoleBinding", "metadata": metadata, "subjects": [subject], "roleRef": reference}),
    ]
}

/// A priority level for the job and its neighbour alone, which has the fewest seats that there can be and borrows none. Both are in no
/// namespace, and go with this.
struct Level<'a>(&'a Bed);

impl<'a> Level<'a> {
    fn of(bed: &'a Bed, queuing: &Value) -> Self {
        let (api, metadata) = ("flowcontrol.apiserver.k8s.io/v1", json!({"name": bed.system, "labels": {"sc-extension.dev/e2e": "neighbours"}}));
        let response = json!({"type": "Queue", "queuing": queuing});
        let limited = json!({"nominalConcurrencyShares": 1, "borrowingLimitPercent": 0, "lendablePercent": 0, "limitResponse": response});
        let subjects = json!([{"kind": "ServiceAccount", "serviceAccount": {"namespace": bed.system, "name": "*"}}]);
        let resources = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "namespaces": ["*"], "clusterScope": true}]);
        let spec = json!({
            "priorityLevelConfiguration": {"name": bed.system}, "matchingPrecedence": 100, "distinguisherMethod": {"type": "ByUser"},
            "rules": [{"subjects": subjects, "resourceRules": resources}],
        });
        kube::apply(&[
            json!({"apiVersion": api, "kind": "PriorityLevelConfiguration", "metadata": metadata, "spec": {"type": "Limited", "limited": limited}}),
            json!({"apiVersion": api, "kind": "FlowSchema", "metadata": metadata, "spec": spec}),
        ]);
        let level = Self(bed);
        let seats = || level.metric("apiserver_flowcontrol_nominal_limit_seats", &["priority_level"]);
        let seats = kube::wait_for("the priority level", Duration::from_secs(30), seats);
        assert!((1..=8).contains(&seats), "{seats} seats are not few");
        level
    }

    /// A number that the API server tells of what these labels name, which all have the name of this level.
    fn metric(&self, name: &str, labels: &[&str]) -> Option<u32> {
        let metrics = kube::kubectl(&["get", "--raw", "/metrics"]);
        let labels: Vec<String> = labels.iter().map(|label| format!("{label}=\"{}\"", self.0.system)).collect();
        let line = format!("{name}{{{}}} ", labels.join(","));
        metrics.lines().find_map(|text| text.strip_prefix(&line)).and_then(|number| number.parse().ok())
    }
}

impl Drop for Level<'_> {
    fn drop(&mut self) {
        kube::run(&["delete", "flowschemas,prioritylevelconfigurations", &self.0.system, "--ignore-not-found"]);
    }
}
