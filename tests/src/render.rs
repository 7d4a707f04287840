//! A rendered chart: its objects, and what they grant.

use std::collections::BTreeSet;

use serde_json::Value;

/// The objects of a render, each as text and as a tree, in Helm's order.
pub struct Render(Vec<(String, Value)>);

/// A permission: verb, namespace, group and resource, and the name that it is limited to, or `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The namespace of the Role.
    pub namespace: String,
    /// `group/resource`; the core group is empty.
    pub resource: String,
    /// The name of the one object, or `*`.
    pub name: String,
    /// The verb.
    pub verb: String,
}

impl Render {
    /// Takes apart what `helm template` printed. Blank lines go: Helm 4 has more of them than Helm 3.
    pub fn of(output: &str) -> Self {
        let text: String = output.lines().filter(|line| !line.trim().is_empty()).flat_map(|line| [line, "\n"]).collect();
        let documents = text.split("---\n").filter(|document| !document.is_empty()).map(str::to_owned);
        let parse = |text: &str| serde_yaml::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self(documents.map(|text| (text.clone(), parse(&text))).filter(|(_, tree)| !tree.is_null()).collect())
    }

    /// The objects.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, tree)| tree)
    }

    /// The objects, each with its text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(text, tree)| (text.as_str(), tree))
    }

    /// The object of this kind and name in the release namespace.
    pub fn object(&self, kind: &str, name: &str) -> &Value {
        let is_it = |tree: &&Value| tree["kind"] == kind && tree["metadata"]["name"] == name && tree["metadata"]["namespace"] == "sc-system";
        self.objects().find(is_it).unwrap_or_else(|| panic!("the chart renders no {kind} {name}"))
    }

    /// What the job reads: the one value of `sc-config`.
    pub fn config(&self) -> &str {
        let config = self.object("Secret", "sc-config");
        assert_eq!(config["stringData"].as_object().unwrap().len(), 1, "sc-config has one key");
        config["stringData"]["values.json"].as_str().unwrap()
    }

    /// What is granted to the ServiceAccount `sc-job` of the release namespace; a Role that nothing binds to it grants nothing.
    pub fn grants(&self) -> BTreeSet<Grant> {
        let bound: BTreeSet<(String, String)> =
            self.objects().filter(|tree| is_binding_of_job(tree)).map(|tree| place(tree, &tree["roleRef"]["name"])).collect();
        let roles = self.objects().filter(|tree| tree["kind"] == "Role" && bound.contains(&place(tree, &tree["metadata"]["name"])));
        roles.flat_map(grants_of).collect()
    }
}

/// Kind, namespace and name of an object.
pub fn name_of(tree: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {}/{}", text(&tree["kind"]), text(&tree["metadata"]["namespace"]), text(&tree["metadata"]["name"]))
}

fn place(tree: &Value, name: &Value) -> (String, String) {
    (tree["metadata"]["namespace"].as_str().unwrap().to_owned(), name.as_str().unwrap().to_owned())
}

fn is_binding_of_job(tree: &Value) -> bool {
    let job = serde_json::json!([{"kind": "ServiceAccount", "name": "sc-job", "namespace": "sc-system"}]);
    tree["kind"] == "RoleBinding" && tree["roleRef"]["kind"] == "Role" && tree["subjects"] == job
}

/// What a Role grants to whoever has it.
pub fn grants_of(role: &Value) -> Vec<Grant> {
    role["rules"].as_array().unwrap().iter().flat_map(|rule| grants_of_rule(role["metadata"]["namespace"].as_str().unwrap(), rule)).collect()
}

fn grants_of_rule(namespace: &str, rule: &Value) -> Vec<Grant> {
    let list = |field: &str| -> Vec<String> {
        rule[field].as_array().unwrap_or_else(|| panic!("a rule without {field}")).iter().map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let names = if rule.get("resourceNames").is_some() { list("resourceNames") } else { vec!["*".to_owned()] };
    assert!(!names.is_empty(), "a rule with an empty resourceNames grants everything");
    let mut grants = Vec::new();
    for group in list("apiGroups") {
        for resource in list("resources") {
            for name in &names {
                let grant = |verb| Grant { namespace: namespace.to_owned(), resource: format!("{group}/{resource}"), name: name.clone(), verb };
                grants.extend(list("verbs").into_iter().map(grant));
            }
        }
    }
    grants
}
