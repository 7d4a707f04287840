//! Golden tests: each example in `values/` gives exactly these objects, and each cell of the catalogue exactly these variables, in the documented form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use sc_core::object::ObjectKind;
use sc_core::plan::objects_of;
use sc_tests::conformity::Schemas;
use sc_tests::ordinary::{self, Cell};
use sc_tests::planning::{Planned, text_of};
use sc_tests::{files, golden, stem, tree};
use serde_json::Value;

/// An example of each auth type.
const EXAMPLES: [&str; 4] = ["postgres-flexible.secret", "storage-blob.service-principal", "storage-blob.workload-identity", "keyvault.csi"];

#[test]
fn an_example_of_each_auth_type_gives_exactly_these_objects() {
    let output = |name: &str| {
        let planned = Planned::of(&fs::read(tree("values").join(format!("{name}.yaml"))).unwrap());
        (name.to_owned(), planned.manifests().iter().map(text_of).collect::<Vec<_>>().join("---\n"))
    };
    golden::compare(&tree("tests/golden/values"), "txt", &EXAMPLES.map(output).into());
}

#[test]
fn each_example_is_sound() {
    for file in files("values", "yaml") {
        let planned = Planned::of(&fs::read(&file).unwrap());
        assert!(planned.problems.is_empty(), "{}: {}", file.display(), planned.report());
    }
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
fn a_secret_has_the_keys_that_its_connection_names() {
    let mut documents = files("values", "yaml");
    documents.extend(["tests/chart/formats.yaml", "cli/tests/input/connections.yaml"].map(tree));
    let mut kinds = BTreeSet::new();
    for file in documents {
        let planned = Planned::of(&fs::read(&file).unwrap());
        let manifests = planned.manifests();
        let of_connection = |connection| objects_of(connection).into_iter().map(move |id| (id, connection));
        for (id, connection) in planned.plan.connections().flat_map(of_connection).filter(|(id, _)| id.kind.name() == "Secret") {
            let is_it = |secret: &&Value| secret["kind"] == "Secret" && secret["metadata"]["namespace"] == id.namespace.as_str();
            let secret = manifests.iter().filter(is_it).find(|secret| secret["metadata"]["name"] == *id.name).unwrap();
            let keys: BTreeSet<&str> = secret["data"].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(connection.keys_of(id.kind), keys, "{}: {id}", file.display());
            kinds.insert(id.kind);
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [ObjectKind::Secret, ObjectKind::Binding, ObjectKind::VaultLogin]);
}

#[test]
fn each_pair_of_the_catalogue_has_an_example() {
    let examples: BTreeSet<String> = files("values", "yaml").iter().map(|file| stem(file)).collect();
    let pairs = ordinary::cells().into_iter().map(|cell| format!("{}.{}", cell.service, cell.auth_type));
    assert_eq!(examples, pairs.collect());
    for file in files("values", "yaml") {
        let document = sc_core::document::parse(&fs::read(&file).unwrap()).unwrap();
        let first = &document["connections"][0];
        assert_eq!(stem(&file), format!("{}.{}", text(&first["targetService"]), text(&first["authType"])), "the name of the file");
    }
}

/// The catalogue may have more than `az aks connection`, and has all that it has.
#[test]
fn each_cell_of_the_matrix_is_in_the_catalogue() {
    let matrix: Value = serde_yaml::from_str(&fs::read_to_string(tree("tests/matrix.yaml")).unwrap()).unwrap();
    let mut cells = BTreeSet::new();
    for (service, offered) in matrix.as_object().unwrap() {
        for auth_type in offered["authTypes"].as_array().unwrap() {
            let client_types = offered["clientTypes"].as_array().unwrap().iter();
            cells.extend(client_types.map(|client_type| Cell::new(service, text(auth_type), text(client_type))));
        }
    }
    assert_eq!(cells.len(), 485, "the matrix itself has lost or won cells");
    let catalogue: BTreeSet<Cell> = ordinary::cells().into_iter().collect();
    let missing: Vec<&Cell> = cells.difference(&catalogue).collect();
    assert!(missing.is_empty(), "{missing:?}");
    println!("{} of {} cells of the matrix, {} beyond it", cells.len() - missing.len(), cells.len(), catalogue.len() - cells.len());
}

#[test]
fn each_cell_gives_exactly_these_variables() {
    let mut services: BTreeMap<String, Vec<Group>> = BTreeMap::new();
    for cell in ordinary::cells() {
        let shown = shown(&cell);
        let groups = services.entry(cell.service.clone()).or_default();
        match groups.iter_mut().find(|group| group.cell.auth_type == cell.auth_type && group.shown == shown) {
            Some(group) => group.client_types.push(cell.client_type),
            None => groups.push(Group { client_types: vec![cell.client_type.clone()], cell, shown }),
        }
    }
    let outputs = services.iter().map(|(service, groups)| (service.clone(), whole(groups))).collect();
    golden::compare(&tree("tests/golden/catalogue"), "txt", &outputs);
}

/// Another cloud changes hosts and scopes, and nothing else; where it has no such service, the connection is refused.
#[test]
fn each_cloud_has_its_own_hosts() {
    let output = |cloud: &str| {
        let mut text = String::new();
        for cell in ordinary::cells().into_iter().filter(|cell| cell.auth_type != "csi" && cell.client_type == "none") {
            let (here, there) = (cell.variables("corrected"), cell.variables_in(cloud));
            writeln!(text, "{} {}", cell.service, cell.auth_type).unwrap();
            match there {
                Ok(there) => there
                    .iter()
                    .filter(|(name, value)| here.get(*name) != Some(*value))
                    .for_each(|(name, value)| writeln!(text, "  {name}={value}").unwrap()),
                Err(report) => writeln!(text, "{}", report.trim_end().replace("error: ", "  refused: ").lines().next().unwrap_or_default()).unwrap(),
            }
        }
        (cloud.to_owned(), text)
    };
    golden::compare(&tree("tests/golden/clouds"), "txt", &["AzureUSGovernment", "AzureChinaCloud"].map(output).into());
}

/// Cells that give the same variables: the first of them, and all their client types.
struct Group {
    cell: Cell,
    client_types: Vec<String>,
    shown: String,
}

/// What a service gives, the Secret of servicebinding.io behind the last group of each auth type, since all client types have the same.
fn whole(groups: &[Group]) -> String {
    let mut text = String::new();
    for (index, Group { cell, client_types, shown }) in groups.iter().enumerate() {
        write!(text, "{}: {}\n{shown}", cell.auth_type, client_types.join(", ")).unwrap();
        if groups.get(index + 1).is_none_or(|next| next.cell.auth_type != cell.auth_type) {
            writeln!(text, "{}: servicebinding.io", cell.auth_type).unwrap();
            cell.binding().iter().for_each(|(name, value)| writeln!(text, "  {name}={value}").unwrap());
        }
    }
    text
}

/// The variables of a cell, a line each.
fn shown(cell: &Cell) -> String {
    let (corrected, exact) = (cell.variables("corrected"), cell.variables("exact"));
    let names: BTreeSet<&String> = corrected.keys().chain(exact.keys()).collect();
    let mut shown = String::new();
    for name in names {
        match (corrected.get(name), exact.get(name)) {
            (Some(one), Some(other)) if one == other => writeln!(shown, "  {name}={one}").unwrap(),
            (corrected, exact) => write!(shown, "{}{}", line("corrected", name, corrected), line("exact", name, exact)).unwrap(),
        }
    }
    shown
}

fn line(compatibility: &str, name: &str, value: Option<&String>) -> String {
    value.map_or_else(String::new, |value| format!("  {compatibility}: {name}={value}\n"))
}

#[test]
fn ordinary_values_give_the_documented_bytes() {
    let mut checked = 0;
    for (service, entry) in ordinary::documented() {
        let placeholders: BTreeMap<&str, &str> =
            entry["placeholders"].as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), text(value))).collect();
        for configuration in entry["configurations"].as_array().unwrap() {
            let expected = documented(configuration, &placeholders);
            for client_type in configuration["clientTypes"].as_array().unwrap() {
                let cell = Cell::new(service, text(&configuration["authType"]), text(client_type));
                assert_eq!(cell.variables("exact"), expected, "{cell:?}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 400, "only {checked} cells are documented");
}

/// The documented variables filled in, with what is recorded instead.
fn documented(configuration: &Value, placeholders: &BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    let form = |(key, form): (&String, &Value)| (key.clone(), filled(text(form), placeholders));
    let mut variables: BTreeMap<String, String> = configuration["variables"].as_object().unwrap().iter().map(form).collect();
    if let Some(recorded) = configuration["instead"].as_object() {
        assert!(!text(&configuration["why"]).is_empty(), "a recording that wins has a reason");
        for (key, value) in recorded {
            let before = variables.remove(key);
            assert_ne!(before.as_deref(), value.as_str(), "{key} is recorded as documented");
            variables.extend(value.as_str().map(|value| (key.clone(), value.to_owned())));
        }
    }
    variables
}

/// Fills the placeholders, the longest first: some contain others.
fn filled(form: &str, placeholders: &BTreeMap<&str, &str>) -> String {
    let mut names: Vec<&&str> = placeholders.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.into_iter().fold(form.to_owned(), |text, name| text.replace(*name, placeholders[*name]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}"))
}
