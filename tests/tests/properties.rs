//! Properties: what holds for every document, not only for those that somebody thought of. The seed is fixed, so that a failure is one for everybody.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sc_core::names::ConnectionName;
use sc_tests::connection_strings::{ado, jdbc, libpq};
use sc_tests::planning::{Planned, decoded};
use serde_json::{Value, json};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(20_261_124), failure_persistence: None, ..ProptestConfig::default() }
}

/// Texts of all sorts, with more than their share of the characters that mean something to some grammar.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(" ;'\"\\&=?%+#@/:,{}$\n\t`".chars().collect::<Vec<char>>());
    let any = any::<char>().prop_filter("NUL is refused", |c| *c != '\0');
    let words = prop::sample::select(vec![
        " sslmode=disable",
        ";Ssl Mode=Disable;",
        "&sslmode=disable",
        "' host=evil ",
        "\";User Id=evil;\"",
        "%26user=evil",
    ]);
    let piece =
        prop_oneof![4 => special.prop_map(String::from), 2 => any.prop_map(String::from), 1 => words.prop_map(String::from), 3 => "[a-zA-Z0-9]{1,4}"];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// What a name is in Kubernetes, in words of its own: core is not asked.
fn is_subdomain(name: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_some_and(|c| matches!(c, 'a'..='z' | '0'..='9'));
    let is_inner = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.');
    name.len() <= 253 && is_edge(name.chars().next()) && is_edge(name.chars().last()) && name.chars().all(is_inner)
}

fn is_label_value(value: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && is_edge(value.chars().next())
        && is_edge(value.chars().last())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

proptest! {
    #![proptest_config(config(1024))]

    #[test]
    fn a_name_is_refused_or_gives_valid_names(name in prop_oneof!["[a-zA-Z0-9._-]{0,80}", "[._-]{0,2}[a-zA-Z0-9]{60,68}", ".{0,20}"]) {
        if let Ok(name) = ConnectionName::parse(&name) {
            prop_assert!(is_label_value(name.normalised()));
            prop_assert!(is_subdomain(&name.secret()) && is_subdomain(&name.secret_provider_class()));
        }
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Planned::of(&bytes);
    }

    #[test]
    fn a_damaged_document_shows_no_credential(damage in prop::collection::vec((any::<prop::sample::Index>(), damage()), 1..6)) {
        let mut document = DOCUMENT.to_vec();
        for (place, damage) in damage {
            let place = place.index(document.len());
            match damage {
                Damage::Cut => document.truncate(place),
                Damage::Lose => drop(document.remove(place)),
                Damage::Insert(byte) => document.insert(place, byte),
                Damage::Replace(byte) => document[place] = byte,
            }
            document.push(b'\n');
        }
        let said = Planned::of(&document).report();
        prop_assert!(!said.contains("unter"), "{}\n{said}", String::from_utf8_lossy(&document));
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn whatever_stands_in_the_fields_all_objects_are_valid(connection in a_connection()) {
        let planned = Planned::of(json!({"connections": [connection]}).to_string().as_bytes());
        prop_assert!(planned.problems.is_empty() != planned.objects().is_empty());
        for manifest in planned.manifests() {
            let metadata = &manifest["metadata"];
            prop_assert!(is_subdomain(metadata["name"].as_str().unwrap()));
            prop_assert!(is_subdomain(metadata["namespace"].as_str().unwrap()));
            prop_assert!(metadata["labels"].as_object().unwrap().values().all(|value| is_label_value(value.as_str().unwrap())));
        }
    }

    #[test]
    fn the_order_of_connections_and_keys_changes_nothing(connections in small_connections(&TENANTS[..1]), seed in any::<u64>()) {
        let document = json!({"connections": connections});
        prop_assert_eq!(plan_of(&document.to_string()), plan_of(&shuffled(&document, &mut Dice(seed))));
    }

    #[test]
    fn the_order_of_connections_that_disagree_about_a_tenant_changes_nothing(connections in small_connections(&TENANTS), seed in any::<u64>()) {
        let document = json!({"connections": connections});
        prop_assert_eq!(plan_of(&document.to_string()), plan_of(&shuffled(&document, &mut Dice(seed))));
    }

    #[test]
    fn no_value_adds_a_property((user, password, database, property) in (text(), text(), text(), text())) {
        let read = |client_type: &str, key: &str| {
            let connection = json!({
                "name": "a", "targetService": "postgres-flexible", "authType": "secret", "clientType": client_type,
                "target": {"host": "db", "database": format!("d{database}")}, "credentials": {"username": user, "password": password},
                "additionalConnectionStringProperties": {key: property},
            });
            let planned = Planned::of(json!({"connections": [connection]}).to_string().as_bytes());
            planned.manifests().first().map(|secret| decoded(secret)["AZURE_POSTGRESQL_CONNECTIONSTRING"].clone())
        };
        let database = format!("d{database}");
        if database.chars().any(char::is_control) || user.is_empty() || password.is_empty() {
            prop_assert_eq!(read("python", "options"), None);
            return Ok(());
        }
        let rest = [("user", user.as_str()), ("password", password.as_str())];
        let keywords = [("dbname", database.as_str()), ("host", "db"), ("port", "5432"), ("sslmode", "require")];
        prop_assert_eq!(libpq(&read("python", "options").unwrap()), Ok(pairs(&[&keywords, &rest, &[("options", &property)]])));
        let place = [("", "db:5432"), ("", database.as_str()), ("sslmode", "require")];
        prop_assert_eq!(jdbc(&read("java", "options").unwrap()), Ok(pairs(&[&place, &rest, &[("options", &property)]])));
        let start = [("Server", "db"), ("Database", database.as_str()), ("Port", "5432"), ("Ssl Mode", "Require")];
        let rest = [("User Id", user.as_str()), ("Password", password.as_str())];
        prop_assert_eq!(ado(&read("dotnet", "Options").unwrap()), Ok(pairs(&[&start, &rest, &[("Options", &property)]])));
    }
}

fn pairs(parts: &[&[(&str, &str)]]) -> Vec<(String, String)> {
    parts.iter().flat_map(|part| part.iter()).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A connection with any text in any of its fields, but right often enough to be planned now and then.
fn a_connection() -> impl Strategy<Value = Value> {
    let word = |right: &'static str| prop_oneof![9 => Just(right.to_owned()), 1 => text()];
    let names = (prop_oneof!["[a-zA-Z0-9._-]{1,70}", text()], prop_oneof!["[a-z0-9-]{1,64}", text()]);
    let words = (word("postgres-flexible"), word("secret"), word("python"));
    let rest = (word("orders-db"), text(), text(), text());
    (names, words, rest).prop_map(|((name, namespace), (service, auth_type, client_type), (server, database, user, value))| {
        json!({
            "name": name, "namespace": namespace, "targetService": service, "authType": auth_type, "clientType": client_type,
            "target": {"server": server, "database": format!("d{database}")}, "credentials": {"username": user, "password": value},
        })
    })
}

#[derive(Debug, Clone)]
enum Damage {
    Cut,
    Lose,
    Insert(u8),
    Replace(u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![prop::sample::select(b" \n:-{}[]'\"#&*!|>,\\\xff".to_vec()), any::<u8>()];
    prop_oneof![1 => Just(Damage::Cut), 5 => Just(Damage::Lose), 5 => byte().prop_map(Damage::Insert), 5 => byte().prop_map(Damage::Replace)]
}

const DOCUMENT: &[u8] = b"connections:
  - name: orders
    namespace: shop
    targetService: postgres-flexible
    authType: secret
    clientType: python
    target: {server: orders-db, database: orders}
    credentials:
      username: app
      password: hunter2
  - {name: pictures, targetService: storage-blob, authType: secret, target: {account: shoppictures}, credentials: {accessKey: \"hunter2\"}}
";

/// Connections out of so few that some collide: names that are one when normalised, and one identity with these tenants.
fn small_connections(tenants: &[Option<&'static str>]) -> impl Strategy<Value = Vec<Value>> {
    let name = prop::sample::select(vec!["a", "a.b", "a_b", "ab", "b", "c", "d"]);
    let tenant = prop::sample::select(tenants.to_vec());
    let connection = (name, prop::sample::select(vec!["x", "y"]), 0..3_u8, tenant, any::<bool>()).prop_map(|(name, namespace, kind, tenant, adopt)| {
        let mut connection = json!({"name": name, "namespace": namespace, "adopt": adopt, "customizedKeys": {}});
        let rest = match kind {
            0 => json!({"targetService": "storage-blob", "authType": "secret", "target": {"account": "a"}, "credentials": {"accessKey": name}}),
            1 => json!({"targetService": "keyvault", "authType": "workload-identity", "target": {"vault": "kv1"}, "credentials": credentials(tenant)}),
            _ => json!({"targetService": "keyvault", "authType": "csi", "target": {"vault": "kv1"}, "credentials": credentials(Some("9")), "secrets": [{"name": "s"}, {"name": "t"}]}),
        };
        connection.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        connection
    });
    prop::collection::vec(connection, 0..6)
}

const TENANTS: [Option<&'static str>; 3] = [None, Some("1"), Some("2")];

fn credentials(tenant: Option<&str>) -> Value {
    let mut credentials = json!({"clientId": "00000000-0000-0000-0000-00000000000c"});
    if let Some(tenant) = tenant {
        credentials["tenantId"] = json!(format!("{}0000000-0000-0000-0000-000000000000", tenant));
    }
    credentials
}

/// Each planned object with its whole manifest.
fn plan_of(document: &str) -> BTreeMap<String, (bool, String)> {
    let planned = Planned::of(document.as_bytes());
    let adopted: Vec<bool> = planned.plan.objects().map(|(_, object)| object.adopt).collect();
    planned.objects().into_iter().zip(adopted.into_iter().zip(planned.manifests().iter().map(Value::to_string))).collect()
}

/// The document as JSON with the keys of every mapping, and the list of connections, in another order. Other lists have a meaning in their order.
fn shuffled(document: &Value, dice: &mut Dice) -> String {
    let mut connections = document["connections"].as_array().unwrap().clone();
    dice.shuffle(&mut connections);
    let connections: Vec<String> = connections.iter().map(|connection| reordered(connection, dice)).collect();
    format!("{{\"connections\":[{}]}}", connections.join(","))
}

fn reordered(tree: &Value, dice: &mut Dice) -> String {
    match tree {
        Value::Object(map) => {
            let mut fields: Vec<String> = map.iter().map(|(key, value)| format!("{}:{}", json!(key), reordered(value, dice))).collect();
            dice.shuffle(&mut fields);
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(|item| reordered(item, dice)).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// Enough chance to shuffle with (a linear congruential generator, Knuth's constants).
struct Dice(u64);

impl Dice {
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            items.swap(last, usize::try_from(self.0 >> 33).unwrap() % (last + 1));
        }
    }
}
