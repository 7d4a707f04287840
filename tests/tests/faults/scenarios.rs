//! What a run finds and what it is to do: what the connections were, what they are now, and what happened in between.

use serde_json::{Value, json};

use crate::room::Names;

/// A password that every grammar has to escape; no run may print it.
pub(crate) const PASSWORD: &str = r#"hunter2-it's; "odd" \back $HOME %41 {x} ü=z-hunter2"#;
const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
const TENANT_ID: &str = "99999999-8888-7777-6666-555555555555";

/// One of them.
pub(crate) struct Scenario {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The connections that an earlier run has applied, if there was one.
    pub(crate) before: Option<fn(&Names) -> Vec<Value>>,
    /// The connections that the run is about.
    pub(crate) after: fn(&Names) -> Vec<Value>,
    /// What somebody does before the run.
    pub(crate) prepare: fn(&Names) -> Vec<Edit>,
    /// How the run ends without a fault.
    pub(crate) exit: i32,
    /// Whether the run takes so long that the Lease is renewed. Then only what it asks about the Lease is broken.
    pub(crate) is_slow: bool,
}

/// What somebody does.
pub(crate) enum Edit {
    /// Creates a Secret in a namespace.
    Secret(String, &'static str),
    /// Changes what is at a path by a merge patch.
    Change(String, Value),
    /// Deletes what is at a path.
    Delete(String),
}

/// All of them.
pub(crate) static ALL: [Scenario; 6] = [
    Scenario { name: "first install", before: None, after: connections, prepare: nothing, exit: 0, is_slow: false },
    Scenario { name: "nothing to change", before: Some(connections), after: connections, prepare: nothing, exit: 0, is_slow: false },
    Scenario { name: "changes and drift", before: Some(connections), after: changed, prepare: drift, exit: 0, is_slow: false },
    Scenario { name: "removal", before: Some(to_be_removed), after: removed, prepare: usurper, exit: 0, is_slow: false },
    Scenario { name: "a stranger in the way", before: None, after: connections, prepare: stranger, exit: 3, is_slow: false },
    Scenario { name: "a slow install", before: None, after: connections, prepare: nothing, exit: 0, is_slow: true },
];

/// Ten objects in three namespaces.
fn connections(names: &Names) -> Vec<Value> {
    let [a, b, c] = &names.shops;
    let mut both = postgres("orders", a, "orders");
    both["format"] = json!(["env", "servicebinding"]);
    vec![
        both,
        pictures(a),
        postgres("orders", b, "orders"),
        postgres("stock", b, "stock"),
        pictures(b),
        postgres("orders", c, "orders"),
        postgres("bills", c, "bills"),
    ]
}

/// The same, but one is changed, one is new, and one takes over what is there.
fn changed(names: &Names) -> Vec<Value> {
    let mut connections = connections(names);
    connections[0]["target"]["database"] = json!("archive");
    connections.push(postgres("late", &names.shops[1], "late"));
    let mut taken = postgres("taken", &names.shops[2], "taken");
    taken["adopt"] = json!(true);
    connections.push(taken);
    connections
}

/// [`connections`], of which all but the first two, which are those of one namespace, follow their entries.
fn to_be_removed(names: &Names) -> Vec<Value> {
    let mut connections = connections(names);
    for connection in &mut connections[2..] {
        connection["deletionPolicy"] = json!("Delete");
    }
    connections
}

/// Of those, one is absent by its state, three are taken out, and two of the three namespaces keep something.
fn removed(names: &Names) -> Vec<Value> {
    let mut connections = to_be_removed(names);
    connections[6]["state"] = json!("absent");
    connections.drain(3..6);
    connections
}

/// What is to be removed has become a stranger's.
fn usurper(names: &Names) -> Vec<Edit> {
    let [_, b, _] = &names.shops;
    vec![Edit::Delete(secret(b, "sc-stock-secret")), Edit::Secret(b.clone(), "sc-stock-secret")]
}

fn nothing(_: &Names) -> Vec<Edit> {
    Vec::new()
}

/// Hands have been at work: on data, on annotations, with `delete`; and a TTL is left from an earlier pod.
fn drift(names: &Names) -> Vec<Edit> {
    let [a, b, c] = &names.shops;
    let client_id = "azure.workload.identity/client-id";
    vec![
        Edit::Change(secret(b, "sc-stock-secret"), json!({"data": {"AZURE_POSTGRESQL_CONNECTIONSTRING": "AAAA", "MORE": "AAAA"}})),
        Edit::Change(secret(b, "sc-orders-secret"), json!({"metadata": {"annotations": {"example.com/theirs": "kept"}}})),
        Edit::Change(
            format!("/api/v1/namespaces/{a}/serviceaccounts/sc-account-{CLIENT_ID}"),
            json!({"metadata": {"annotations": {client_id: null, "example.com/theirs": "kept"}}}),
        ),
        Edit::Delete(secret(c, "sc-bills-secret")),
        Edit::Secret(c.clone(), "sc-taken-secret"),
        Edit::Change(format!("/apis/batch/v1/namespaces/{}/jobs/sc-job", names.system), json!({"spec": {"ttlSecondsAfterFinished": 60}})),
    ]
}

/// Somebody else's Secret has the name of one that is planned.
fn stranger(names: &Names) -> Vec<Edit> {
    vec![Edit::Secret(names.shops[1].clone(), "sc-stock-secret")]
}

fn secret(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

fn postgres(name: &str, namespace: &str, database: &str) -> Value {
    json!({
        "name": name, "namespace": namespace, "targetService": "postgres-flexible", "authType": "secret", "clientType": "python",
        "target": {"server": "orders-db", "database": database},
        "credentials": {"username": "app", "password": {"secretKeyRef": {"name": "orders-admin", "key": "password"}}},
    })
}

fn pictures(namespace: &str) -> Value {
    json!({
        "name": "pictures", "namespace": namespace, "targetService": "storage-blob", "authType": "workload-identity", "clientType": "dotnet",
        "target": {"account": "shoppictures"},
        "credentials": {"clientId": CLIENT_ID, "tenantId": TENANT_ID},
    })
}
