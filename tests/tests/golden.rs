//! Golden tests: each example in `values/` gives exactly these objects, and the variables have exactly the documented form.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use sc_core::catalogue::Catalogue;
use sc_tests::conformity::Schemas;
use sc_tests::planning::{Planned, decoded, text_of};
use sc_tests::{files, golden, stem, tree};
use serde_json::{Value, json};

#[test]
fn each_example_gives_exactly_these_objects() {
    let output = |file: PathBuf| {
        let planned = Planned::of(&fs::read(&file).unwrap());
        let objects: Vec<String> = planned.manifests().iter().map(text_of).collect();
        assert!(planned.problems.is_empty(), "{}: {}", file.display(), planned.report());
        (stem(&file), objects.join("---\n"))
    };
    let outputs: BTreeMap<String, String> = files("values", "yaml").into_iter().map(output).collect();
    golden::compare(&tree("tests/golden"), "txt", &outputs);
}

#[test]
fn kubernetes_takes_each_object() {
    let schemas = Schemas::new(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("golden-schemas"));
    for file in files("values", "yaml") {
        let manifests = Planned::of(&fs::read(&file).unwrap()).manifests();
        // A SecretProviderClass is not Kubernetes' own; the CSI driver brings its schema.
        let own = manifests.iter().filter(|manifest| manifest["kind"] != "SecretProviderClass");
        let texts: Vec<String> = own.map(Value::to_string).collect();
        assert_eq!(schemas.refusal(&texts.join("\n---\n")), None, "{}", file.display());
    }
}

#[test]
fn each_pair_of_the_catalogue_has_an_example_with_every_client_type() {
    let mut examples = BTreeSet::new();
    for file in files("values", "yaml") {
        let document = sc_core::document::parse(&fs::read(&file).unwrap()).unwrap();
        let first = &document["connections"][0];
        assert_eq!(stem(&file), format!("{}.{}", text(&first["targetService"]), text(&first["authType"])), "the name of the file");
        examples.extend(document["connections"].as_array().unwrap().iter().map(combination));
    }
    assert_eq!(examples, offered());
}

#[test]
fn ordinary_values_give_the_documented_bytes() {
    let facts = read("tests/documented.yaml");
    let ordinary: BTreeMap<&str, &str> =
        facts["placeholders"].as_object().unwrap().iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let mut seen = BTreeSet::new();
    for entry in facts["configurations"].as_array().unwrap() {
        let expected: BTreeMap<String, String> = variables(entry).iter().map(|(key, form)| (key.clone(), filled(form, &ordinary))).collect();
        for client_type in entry["clientTypes"].as_array().unwrap() {
            let connection = connection(entry, client_type, &facts);
            let planned = Planned::of(json!({"connections": [connection]}).to_string().as_bytes());
            let secret = planned.manifests().into_iter().find(|manifest| manifest["kind"] == "Secret");
            let secret = secret.unwrap_or_else(|| panic!("{connection}: {}", planned.report()));
            assert_eq!(decoded(&secret), expected, "{connection}");
            seen.insert(combination(&connection));
        }
    }
    assert_eq!(seen, offered(), "tests/documented.yaml on the left, the catalogue on the right");
}

/// The documented forms, with what we write instead where the document is wrong.
fn variables(entry: &Value) -> BTreeMap<String, String> {
    let mut variables = texts(&entry["variables"]);
    if let Some(corrections) = entry["corrected"].as_object() {
        assert!(!text(&entry["why"]).is_empty(), "a correction has a reason");
        for (key, form) in corrections {
            let documented = variables.insert(key.clone(), text(form).to_owned());
            assert!(documented.is_some_and(|documented| documented != text(form)), "{key} is not corrected");
        }
    }
    variables
}

/// Fills the placeholders, the longest first: some contain others.
fn filled(form: &str, ordinary: &BTreeMap<&str, &str>) -> String {
    let mut names: Vec<&&str> = ordinary.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.into_iter().fold(form.to_owned(), |text, name| text.replace(name, ordinary[name]))
}

fn connection(entry: &Value, client_type: &Value, facts: &Value) -> Value {
    let service = text(&entry["targetService"]);
    let mut connection = json!({
        "name": "x", "targetService": service, "authType": entry["authType"], "clientType": client_type,
        "target": facts["targets"][service], "credentials": facts["credentials"][service][text(&entry["authType"])],
    });
    if entry["authType"] == "csi" {
        connection["secrets"] = json!([{"name": "x"}]);
    }
    connection
}

/// All that the catalogue offers: target service, auth type and client type.
fn offered() -> BTreeSet<[String; 3]> {
    let mut catalogue = Catalogue::builtin();
    let names: Vec<&str> = catalogue.names().collect();
    let mut offered = BTreeSet::new();
    for name in names {
        for (auth_type, login) in &catalogue.find(name).unwrap().auth_types {
            offered.extend(login.client_types().map(|client_type| [name, auth_type.name(), client_type].map(str::to_owned)));
        }
    }
    offered
}

fn combination(connection: &Value) -> [String; 3] {
    let client_type = connection["clientType"].as_str().unwrap_or("none");
    [text(&connection["targetService"]), text(&connection["authType"]), client_type].map(str::to_owned)
}

fn read(file: &str) -> Value {
    serde_yaml::from_str(&fs::read_to_string(tree(file)).unwrap()).unwrap()
}

fn texts(map: &Value) -> BTreeMap<String, String> {
    map.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value).to_owned())).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}"))
}
