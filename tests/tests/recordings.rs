//! Conformance with the real service: what it answered in recordings is what `compatibility: exact` gives, but for the exceptions listed here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use sc_tests::ordinary::{self, Cell};
use sc_tests::planning::{Planned, decoded};
use sc_tests::tree;
use serde_json::{Value, json};

/// Where we differ from a recording: target service, auth type, client type and source, the variable (`*`: the list of names), and why.
const EXCEPTIONS: [([&str; 4], &str, &str); 9] = [
    (["confluent-cloud", "secret", "dotnet", "aks"], "*", "the recorder hid the password, name and all"),
    (["confluent-cloud", "secret", "dotnet", "local"], "*", "the recorder hid the password, name and all"),
    (["confluent-cloud", "secret", "dotnet", "webapp"], "*", "the recorder hid the password, name and all"),
    (["confluent-cloud", "secret", "python", "webapp"], "*", "the recorder hid the password, name and all"),
    (["mysql-flexible", "secret", "dotnet", "webapp"], "*", "the connection was changed from client type none: the answer still has its names"),
    (["sql", "secret", "dotnet-connectionString", "webapp"], "*", "a client type of web apps, which AKS does not offer"),
    (["keyvault", "csi", "dotnet", "aks"], "AZURE_KEYVAULT_RESOURCEENDPOINT", "recorded in 2022; the answer of 2024 has other names"),
    (["keyvault", "csi", "dotnet", "aks"], "AZURE_KEYVAULT_SCOPE", "recorded in 2022; the answer of 2024 has other names"),
    (["openai", "secret", "dotnet", "webapp"], "AZURE_OPENAI_BASE", "recorded in 2024-05; the answer of 2024-11 has AZURE_OPENAI_ENDPOINT"),
];

/// What a target needs beside its recorded id.
fn beside_the_id(service: &str) -> Value {
    match service {
        "redis-enterprise" => json!({"region": "eastus"}),
        "confluent-cloud" => json!({"bootstrapServer": "xxx.eastus.azure.confluent.cloud:9092"}),
        _ => json!({}),
    }
}

static CELLS: LazyLock<BTreeSet<Cell>> = LazyLock::new(|| ordinary::cells().into_iter().collect());

#[test]
fn what_was_recorded_is_what_exact_gives() {
    let mut tally = Tally::default();
    for recording in read().as_array().unwrap() {
        tally.recording(recording);
    }
    let needless: Vec<_> = EXCEPTIONS.iter().filter(|exception| !tally.used.contains(&(exception.0, exception.1))).collect();
    println!("{} of {} recorded answers and values conform, {} are exceptions", tally.same, tally.all, tally.used.len());
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n"));
    assert!(needless.is_empty(), "exceptions that nothing needs: {needless:?}");
    assert!(tally.all >= 130, "only {} recorded", tally.all);
}

#[derive(Default)]
struct Tally {
    all: usize,
    same: usize,
    used: BTreeSet<([&'static str; 4], &'static str)>,
    failures: Vec<String>,
}

impl Tally {
    fn recording(&mut self, recording: &Value) {
        let field = |name: &str| text(&recording["cell"][name]);
        let (cell, source) = (Cell::new(field("service"), field("authType"), field("clientType")), text(&recording["source"]));
        let names: BTreeSet<&str> = recording["names"].as_array().unwrap().iter().map(text).collect();
        let ours = exact(&cell, &Value::Null).unwrap_or_default();
        self.compare(&cell, source, "*", &names, &ours.keys().map(String::as_str).collect());
        // The value of a name that we do not give is a matter of the names, which have been compared.
        let values = recording["values"].as_object().into_iter().flatten();
        for (name, recorded) in values.filter(|(name, _)| ours.contains_key(*name) || !names.contains(name.as_str())) {
            let ours = exact(&cell, recorded).unwrap_or_default();
            self.compare(&cell, source, name, &Some(text(&recorded["value"])), &ours.get(name).map(String::as_str));
        }
    }

    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, cell: &Cell, source: &str, what: &str, recorded: &T, ours: &T) {
        self.all += 1;
        let source = source.split(',').next().unwrap_or_default();
        let place = [cell.service.as_str(), &cell.auth_type, &cell.client_type, source];
        let exception = EXCEPTIONS.iter().find(|exception| exception.0 == place && exception.1 == what);
        match (recorded == ours, exception) {
            (true, None) => self.same += 1,
            (false, Some(exception)) => drop(self.used.insert((exception.0, exception.1))),
            (false, None) => self.failures.push(format!("{place:?} {what}: recorded {recorded:?}, ours {ours:?}")),
            (true, Some(_)) => {}
        }
    }
}

/// What a cell gives for a recorded target; for none, for an ordinary one.
fn exact(cell: &Cell, recorded: &Value) -> Option<BTreeMap<String, String>> {
    if !CELLS.contains(cell) {
        return None;
    }
    let mut connection = cell.connection();
    connection["compatibility"] = json!("exact");
    if let Some(id) = recorded["id"].as_str() {
        connection["target"] = json!({"id": id});
    }
    if !recorded.is_null() {
        connection["target"].as_object_mut().unwrap().extend(beside_the_id(&cell.service).as_object().unwrap().clone());
        mask(&mut connection, recorded);
    }
    let planned = Planned::of(json!({"connections": [connection]}).to_string().as_bytes());
    let secret = planned.manifests().into_iter().find(|manifest| manifest["kind"] == "Secret");
    Some(decoded(&secret.unwrap_or_else(|| panic!("{connection}: {}", planned.report()))))
}

/// Credentials as the recordings show them.
fn mask(connection: &mut Value, recorded: &Value) {
    let server = text(&connection["target"]["id"]).split('/').nth(8).unwrap_or_default().to_owned();
    let is_single_server = matches!(text(&connection["targetService"]), "mysql" | "postgres");
    for (name, value) in connection["credentials"].as_object_mut().unwrap() {
        *value = match (name.as_str(), recorded["user"].as_str()) {
            ("clientId" | "tenantId", _) => json!("00000000-0000-0000-0000-000000000000"),
            // A single server adds its own name to the user's, which ours give themselves.
            ("username", Some(user)) if is_single_server => json!(format!("{user}@{server}")),
            ("username", Some(user)) => json!(user),
            _ => json!("MASKED"),
        };
    }
}

fn read() -> Value {
    serde_yaml::from_str(&fs::read_to_string(tree("tests/recordings.yaml")).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
