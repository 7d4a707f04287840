//! `values.schema.json` and core read the same document: the same fields, the same words, and neither refuses what the other lives on.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use sc_core::catalogue::{AuthType, CLIENT_TYPES, Catalogue};
use sc_core::credential::Credential;
use sc_core::problem::{Kind, Problem};
use sc_tests::helm::Helm;
use sc_tests::ordinary;
use sc_tests::planning::Planned;
use sc_tests::tree;
use serde_json::{Value, json};

/// A field that resembles no other, so that core lists them all and guesses at none.
const UNKNOWN: &str = "qqqqqqqq";

#[test]
fn the_fields_are_those_that_core_reads() {
    let schema = schema();
    let connection = &schema["definitions"]["connection"];
    let reference = &schema["definitions"]["credential"]["properties"]["secretKeyRef"];
    let (service, login) = (&schema["definitions"]["targetService"], &schema["definitions"]["login"]);
    let credential = json!({"secretKeyRef": {UNKNOWN: 1}});
    for (fields, document) in [
        (&schema["properties"], json!({UNKNOWN: 1})),
        (&connection["properties"], json!({"connections": [{UNKNOWN: 1}]})),
        (&connection["properties"]["secrets"]["items"]["properties"], json!({"connections": [{"secrets": [{UNKNOWN: 1}]}]})),
        (&reference["properties"], json!({"connections": [{"credentials": {"password": credential}}]})),
        (&service["properties"], json!({"targetServices": [{UNKNOWN: 1}]})),
        (&service["properties"]["binding"]["properties"], json!({"targetServices": [{"binding": {UNKNOWN: 1}}]})),
        (
            &service["properties"]["corrections"]["additionalProperties"]["properties"],
            json!({"targetServices": [{"corrections": {"x": {UNKNOWN: 1}}}]}),
        ),
        (&service["properties"]["authTypes"]["properties"], json!({"targetServices": [{"authTypes": {UNKNOWN: {}}}]})),
        (&login["properties"], json!({"targetServices": [{"authTypes": {"secret": {UNKNOWN: 1}}}]})),
        (
            &login["properties"]["configurations"]["items"]["properties"],
            json!({"targetServices": [{"authTypes": {"secret": {"configurations": [{UNKNOWN: 1}]}}}]}),
        ),
    ] {
        assert_eq!(keys(fields), fields_read(&document), "schema on the left, core on the right, of {document}");
    }
}

/// The fields that core would have known at the place of the unknown one.
fn fields_read(document: &Value) -> BTreeSet<String> {
    let problems = Planned::of(document.to_string().as_bytes()).problems;
    let choice = problems.iter().find_map(|problem| match &*problem.kind {
        Kind::UnknownField { choice, .. } => Some(choice.to_string()),
        _ => None,
    });
    let choice = choice.unwrap_or_else(|| panic!("core takes the unknown field of {document}"));
    words(choice.strip_prefix("use one of: ").unwrap_or_else(|| panic!("{choice}")))
}

#[test]
fn the_credentials_are_those_of_core() {
    let names: BTreeSet<String> = Credential::ALL.map(|credential| credential.name().to_owned()).into();
    assert_eq!(texts(&schema()["definitions"]["credentialNames"]["items"]["enum"]), names);
    assert_eq!(keys(&schema()["definitions"]["connection"]["properties"]["credentials"]["properties"]), names);
}

#[test]
fn the_target_services_are_those_of_the_catalogue() {
    let field = &schema()["definitions"]["connection"]["properties"]["targetService"];
    let names: BTreeSet<String> = Catalogue::builtin().names().map(str::to_owned).collect();
    match field.get("enum") {
        Some(list) => assert_eq!(texts(list), names),
        // Without a list any name must pass, so that core can say which is meant.
        None => assert!(field.get("pattern").is_none() && names.iter().all(|name| name.len() <= 63)),
    }
}

#[test]
fn the_client_types_are_the_documented_ones_and_hold_all_of_the_catalogue() {
    let listed = texts(&schema()["definitions"]["connection"]["properties"]["clientType"]["enum"]);
    assert_eq!(listed, texts(&ordinary::facts()["clientTypes"]));
    assert_eq!(listed, CLIENT_TYPES.map(str::to_owned).into());
    assert_eq!(listed, ordinary::cells().into_iter().map(|cell| cell.client_type).collect());
}

#[test]
fn the_auth_types_are_those_of_core() {
    let listed = texts(&schema()["definitions"]["connection"]["properties"]["authType"]["enum"]);
    assert_eq!(listed, AuthType::ALL.map(|auth_type| auth_type.name().to_owned()).into());
    assert_eq!(listed, ordinary::cells().into_iter().map(|cell| cell.auth_type).collect());
    let mentioned = Planned::of(b"connections: [{}]").report();
    assert!(mentioned.contains("authType`: one of secret, service-principal, workload-identity, csi"), "{mentioned}");
    assert_eq!(listed, words("secret, service-principal, workload-identity, csi"));
}

#[test]
fn nothing_that_can_hold_a_credential_has_a_rule_that_prints_it() {
    let schema = schema();
    let connection = &schema["definitions"]["connection"]["properties"];
    for place in [&schema["definitions"]["credential"], &schema["definitions"]["strings"], &connection["target"], &connection["credentials"]] {
        let text = place.to_string();
        for rule in ["\"pattern\"", "\"format\"", "\"enum\"", "\"const\"", "\"propertyNames\""] {
            assert!(!text.contains(rule), "{rule} in {text}");
        }
    }
    for field in ["customizedKeys", "additionalConnectionStringProperties", "additionalConfigurations"] {
        let rules: BTreeSet<String> = keys(&connection[field]).into_iter().filter(|rule| rule != "description").collect();
        assert_eq!((rules, &connection[field]["$ref"]), (["$ref".to_owned()].into(), &json!("#/definitions/strings")), "{field}");
    }
}

#[test]
fn every_mapping_is_closed() {
    let mut open = Vec::new();
    find_open("", &schema(), &mut open);
    let known = ["/properties/global", "/nodeAffinity", "/podAffinity", "/podAntiAffinity"];
    open.retain(|place| !known.iter().any(|known| place.ends_with(known)));
    assert!(open.is_empty(), "a typo would pass in {open:?}");
}

fn find_open(place: &str, tree: &Value, open: &mut Vec<String>) {
    if tree["type"] == "object" && tree.get("additionalProperties").is_none_or(|rule| *rule == json!(true)) {
        open.push(place.to_owned());
    }
    for (field, value) in tree.as_object().into_iter().flatten() {
        find_open(&format!("{place}/{field}"), value, open);
    }
}

/// The names that core refuses are refused before anything is touched, too.
#[test]
fn the_schema_refuses_the_names_that_core_refuses() {
    let longest = "a".repeat(63);
    let too_long = "a".repeat(64);
    let with_periods = format!("{}.{}", &longest[..30], &longest[30..]);
    let names = [
        "",
        " ",
        "a b",
        "ö",
        "a/b",
        "a:b",
        "...",
        "_",
        "-",
        "a\n",
        "\na",
        "a\u{0}",
        "A",
        "a.b",
        "a_B.c",
        "0",
        "my-app",
        "._x_.",
        "Orders-DB",
        "-a",
        "a-",
        "a_b-c",
        ".-0",
        &longest,
        &too_long,
        &with_periods,
    ];
    let namespaces = ["", "A", "a.b", "a_b", "-a", "a-", "a", "0", "shop-1", "a\n", &longest, &too_long];
    let secrets = ["A", "a_b", "a..b", ".a", "a.", "-a", "a", "a.b-c.d", "0", "a\n", "a b"];
    for (field, given) in [("name", &names[..]), ("namespace", &namespaces[..]), ("syncSecret", &secrets[..])] {
        let by_core = refused_by_core(field, given);
        let by_schema = refused_by_schema(field, given);
        assert!(!by_core.is_empty() && by_core.len() < given.len());
        assert_eq!(by_core, by_schema, "core on the left, the schema on the right, by index in {given:?}");
    }
}

fn connections(field: &str, given: &[&str]) -> Value {
    let connection = |text: &&str| {
        let mut connection = json!({"name": "x", "targetService": "keyvault", "authType": "csi", "secrets": [{"name": "a"}]});
        connection[field] = json!(text);
        connection
    };
    json!({"connections": given.iter().map(connection).collect::<Vec<_>>()})
}

fn refused_by_core(field: &str, given: &[&str]) -> BTreeSet<usize> {
    let problems = Planned::of(connections(field, given).to_string().as_bytes()).problems;
    let is_about_name =
        |problem: &&Problem| matches!(&*problem.kind, Kind::InvalidName { what: "connection name" | "namespace" | "Secret name", .. });
    let index = |problem: &Problem| problem.at.to_string().split(['[', ']']).nth(1).unwrap().parse().unwrap();
    problems.iter().filter(is_about_name).map(index).collect()
}

fn refused_by_schema(field: &str, given: &[&str]) -> BTreeSet<usize> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{field}s.yaml"));
    fs::write(&file, connections(field, given).to_string()).unwrap();
    let refusals = Helm::both().map(|helm| {
        let errors = helm.template(&[&file]).errors;
        let index = |line: &str| line.split_once("at '/connections/")?.1.split_once(&format!("/{field}'"))?.0.parse().ok();
        errors.lines().filter_map(index).collect()
    });
    let [three, four]: [BTreeSet<usize>; 2] = refusals;
    assert_eq!(three, four, "Helm 3 on the left, Helm 4 on the right");
    four
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(tree("chart/values.schema.json")).unwrap()).unwrap()
}

fn keys(map: &Value) -> BTreeSet<String> {
    map.as_object().unwrap().keys().cloned().collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn words(list: &str) -> BTreeSet<String> {
    list.split(", ").map(str::to_owned).collect()
}
