//! Whether manifests are what Kubernetes takes: kubeconform, with strict schemas made of the OpenAPI document of the Kubernetes that the tests run on.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::tree;

/// The kinds that chart and job make, by the names of their definitions.
const KINDS: [&str; 9] = [
    "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
    "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    "io.k8s.api.batch.v1.CronJob",
    "io.k8s.api.batch.v1.Job",
    "io.k8s.api.core.v1.Namespace",
    "io.k8s.api.core.v1.Secret",
    "io.k8s.api.core.v1.ServiceAccount",
    "io.k8s.api.rbac.v1.Role",
    "io.k8s.api.rbac.v1.RoleBinding",
];

/// The schemas, ready for use.
pub struct Schemas(PathBuf);

impl Schemas {
    /// Writes the schemas into a folder. Each caller has one of its own: tests run side by side.
    pub fn new(folder: PathBuf) -> Self {
        let text = fs::read(openapi()).unwrap();
        let document: Value = serde_json::from_slice(&text).unwrap();
        fs::create_dir_all(&folder).unwrap();
        for kind in KINDS {
            let file = kind.rsplit('.').next().unwrap().to_lowercase();
            fs::write(folder.join(file).with_extension("json"), strict(kind, &document).to_string()).unwrap();
        }
        Self(folder)
    }

    /// What kubeconform has against a text of manifests; nothing if it takes them all. Kinds without a schema are an error.
    pub fn refusal(&self, manifests: &str) -> Option<String> {
        let location = format!("{}/{{{{.ResourceKind}}}}.json", self.0.display());
        let mut command = Command::new("kubeconform");
        command.args(["-strict", "-schema-location", &location, "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mend = "run `scripts/cluster fetch` once, then `eval \"$(scripts/cluster env)\"` in this shell";
        let mut child = command.spawn().unwrap_or_else(|error| panic!("kubeconform: {error}: {mend}"));
        child.stdin.take().unwrap().write_all(manifests.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned())
    }
}

/// The OpenAPI document in the source of the Kubernetes that `tests/cluster` builds.
fn openapi() -> PathBuf {
    let mut command = Command::new("go");
    let output = command.args(["mod", "download", "-json", "k8s.io/kubernetes"]).current_dir(tree("tests/cluster/kubernetes")).output().unwrap();
    let module: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let folder = module["Dir"].as_str().unwrap_or_else(|| panic!("`go mod download k8s.io/kubernetes` failed: {module}"));
    Path::new(folder).join("api/openapi-spec/swagger.json")
}

/// The schema of one kind, with all that it refers to, in which unknown fields are errors.
fn strict(kind: &str, document: &Value) -> Value {
    let mut definitions = serde_json::Map::new();
    let mut open = vec![kind.to_owned()];
    while let Some(name) = open.pop() {
        if !definitions.contains_key(&name) {
            let definition = closed(&name, &document["definitions"][&name]);
            open.extend(referred(&definition));
            definitions.insert(name, definition);
        }
    }
    json!({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": format!("#/definitions/{kind}"), "definitions": definitions})
}

fn closed(name: &str, definition: &Value) -> Value {
    let mut definition = definition.clone();
    assert!(definition.is_object(), "the OpenAPI document has no {name}");
    if definition.get("properties").is_some() {
        definition["additionalProperties"] = json!(false);
    }
    // Two types that JSON schema has no word for.
    match name {
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => json!({"type": ["integer", "string"]}),
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => json!({"type": ["number", "string"]}),
        _ => definition,
    }
}

fn referred(tree: &Value) -> BTreeSet<String> {
    match tree {
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix("#/definitions/"));
            own.map(str::to_owned).into_iter().chain(map.values().flat_map(referred)).collect()
        }
        _ => BTreeSet::new(),
    }
}
