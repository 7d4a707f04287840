//! From a document to its plan, with made-up credentials in the place of a cluster's; and a plan as text to read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sc_core::connections::{ConnectionSet, Connections};
use sc_core::credential::{Referenced, References};
use sc_core::names::Release;
use sc_core::plan::Plan;
use sc_core::problem::{Problem, Problems};
use sc_core::report::Report;
use secrecy::SecretString;
use serde_json::Value;

/// The release that all tests plan for, and render the chart for.
pub fn release() -> Release {
    Release { name: "sc".into(), namespace: "sc-system".into() }
}

/// The fields that a manifest begins with.
const FIRST: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// What a document asks for, and what is wrong with it.
pub struct Planned {
    /// The plan; empty if the document cannot be read.
    pub plan: Plan,
    references: References,
    /// The sets with more connections, which are not read.
    pub sets: Vec<ConnectionSet>,
    /// The problems.
    pub problems: Vec<Problem>,
}

impl Planned {
    /// Plans a document.
    pub fn of(document: &[u8]) -> Self {
        let mut problems = Problems::default();
        let (connections, sets) = Connections::parse(document, &mut problems).map_or_else(
            |problem| {
                problems.push(problem);
                (Vec::new(), Vec::new())
            },
            |connections| (connections.listed, connections.sets),
        );
        let tree = sc_core::document::parse(document).unwrap_or_default();
        let references = references(&tree);
        let plan = Plan::of(connections, &references, &release(), &mut problems);
        Self { plan, references, sets, problems: problems.into_vec() }
    }

    /// The names of the planned objects, as reports spell them.
    pub fn objects(&self) -> Vec<String> {
        self.plan.objects().map(|(id, _)| id.to_string()).collect()
    }

    /// The problems, as a report of a run prints them.
    pub fn report(self) -> String {
        Report::of_problems(self.problems).to_string()
    }

    /// The manifests, in the order of the plan.
    pub fn manifests(&self) -> Vec<Value> {
        let release = self.plan.release();
        let manifest = self
            .plan
            .objects()
            .map(|(id, planned)| planned.manifest(id, &self.references, release).unwrap_or_else(|problems| panic!("{id}: {problems:?}")));
        manifest.map(|manifest| serde_json::from_slice(&manifest.to_bytes()).unwrap()).collect()
    }
}

/// What a cluster would give for each `secretKeyRef` of a document. Secrets called `absent`, `forbidden`, `keyless`, `binary` and `empty` are just that.
fn references(tree: &Value) -> References {
    let mut found: BTreeMap<&str, BTreeMap<String, Option<SecretString>>> = BTreeMap::new();
    let inner = inner(tree);
    collect(tree, &mut found);
    collect(&inner, &mut found);
    let mut references = References::default();
    for (name, data) in found {
        let answer = match name {
            "absent" => Referenced::Absent,
            "forbidden" => Referenced::Forbidden,
            "keyless" => Referenced::Found(BTreeMap::new()),
            "binary" => Referenced::Found(data.into_keys().map(|key| (key, None)).collect()),
            "empty" => Referenced::Found(data.into_keys().map(|key| (key, Some(SecretString::default()))).collect()),
            _ => Referenced::Found(data),
        };
        references.insert(name.to_owned(), answer);
    }
    references
}

/// The document inside a document.
fn inner(tree: &Value) -> Value {
    tree["connectionsDocument"].as_str().and_then(|text| sc_core::document::parse(text.as_bytes()).ok()).unwrap_or_default()
}

fn collect<'a>(tree: &'a Value, found: &mut BTreeMap<&'a str, BTreeMap<String, Option<SecretString>>>) {
    if let (Some(name), Some(key)) = (tree["secretKeyRef"]["name"].as_str(), tree["secretKeyRef"]["key"].as_str()) {
        let credential = SecretString::from(format!("Pw0rd-{name}-{key}"));
        found.entry(name).or_default().insert(key.to_owned(), Some(credential));
    }
    match tree {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// The `data` of a Secret, decoded.
pub fn decoded(secret: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
    secret["data"].as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// A manifest as text in the manner of YAML, with `data` decoded.
pub fn text_of(manifest: &Value) -> String {
    let mut text = String::new();
    let mut fields: Vec<&String> = manifest.as_object().unwrap().keys().collect();
    fields.sort_by_key(|field| (!FIRST.contains(&field.as_str()), *field));
    for field in fields {
        if field == "data" {
            text.push_str("data, decoded:\n");
            for (key, value) in decoded(manifest) {
                writeln!(text, "  {key}: {value}").unwrap();
            }
        } else {
            write_value(&mut text, 0, field, &manifest[field]);
        }
    }
    text
}

fn write_value(text: &mut String, depth: usize, field: &str, value: &Value) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) if map.is_empty() => writeln!(text, "{indent}{field}: {{}}").unwrap(),
        Value::Object(map) => {
            writeln!(text, "{indent}{field}:").unwrap();
            map.iter().for_each(|(field, value)| write_value(text, depth + 1, field, value));
        }
        Value::String(lines) if lines.contains('\n') => {
            writeln!(text, "{indent}{field}: |").unwrap();
            lines.lines().for_each(|line| writeln!(text, "{indent}  {line}").unwrap());
        }
        Value::String(line) => writeln!(text, "{indent}{field}: {line}").unwrap(),
        other => writeln!(text, "{indent}{field}: {other}").unwrap(),
    }
}
