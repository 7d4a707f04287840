//! Entries that are no connections as they are written: they are listed and found by their names all the same.
//!
//! Rule: of what is written nothing is shown but words that look like identifiers, from the fields for them.

use sc_core::names::Namespace;
use sc_core::problem::{At, Problem, Word};
use serde_json::{Value, json};

use crate::listing;
use crate::proof::State;

/// An entry that is no connection as it is written.
pub(crate) struct Broken {
    /// As it is written. Credentials may stand in it.
    pub(crate) entry: Value,
    /// Where it stands.
    pub(crate) at: At,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

impl Broken {
    /// It is never applied, whatever becomes of the others.
    pub(crate) const STATE: State = State::Failed;

    /// Its place in the list `connections` of the values; nothing if it stands elsewhere, where `sc` does not change it.
    pub(crate) fn index(&self) -> Option<usize> {
        listing::index_of(&self.at)
    }

    /// Its name, if it has one that may be shown.
    pub(crate) fn name(&self) -> Option<&str> {
        self.word("name")
    }

    /// The namespace that it would be in; empty if that may not be shown.
    pub(crate) fn namespace(&self) -> &str {
        if self.entry["namespace"].is_null() { Namespace::DEFAULT } else { self.word("namespace").unwrap_or_default() }
    }

    /// What is wrong with it, and how to mend it.
    pub(crate) fn reason(&self) -> String {
        let told = |problem: &Problem| format!("{problem} (at {}; {})", problem.at, problem.fix());
        self.problems.iter().map(told).collect::<Vec<_>>().join("; ")
    }

    /// In the form of a connection, as far as it is known, with what is wrong.
    pub(crate) fn shown(&self) -> Value {
        let (name, namespace) = (self.name(), self.namespace());
        json!({
            "id": format!("/namespaces/{namespace}/connections/{}", name.unwrap_or_default()),
            "name": name,
            "scope": namespace,
            "clientType": self.word("clientType"),
            "authInfo": null,
            "targetService": {"name": self.word("targetService")},
            "provisioningState": Self::STATE.provisioning_state(),
            "configurationInfo": null,
            "kubernetesResourceName": [],
            "reason": self.reason(),
        })
    }

    /// The same in the columns of a list.
    pub(crate) fn row(&self) -> Vec<String> {
        let [service, auth_type, client_type] = ["targetService", "authType", "clientType"].map(|field| self.word(field).unwrap_or_default());
        let state = Self::STATE.provisioning_state();
        [self.name().unwrap_or_default(), self.namespace(), service, auth_type, client_type, state, ""].map(str::to_owned).to_vec()
    }

    /// What stands in a field for identifiers, if it looks like one.
    fn word(&self, field: &str) -> Option<&str> {
        self.entry[field].as_str().filter(|text| Word::new(*text).shown().is_some())
    }
}

#[cfg(test)]
mod tests {
    use sc_core::problem::Kind;

    use super::*;

    fn broken(entry: Value) -> Broken {
        let at = At::top().field("connections").item(2);
        let problem = Problem { at: at.field("target"), kind: Box::new(Kind::MissingField { field: "target", meaning: "what it leads to" }) };
        Broken { entry, at, problems: vec![problem.clone(), problem] }
    }

    #[test]
    fn it_is_shown_as_far_as_it_is_known() {
        let entry = json!({"name": "orders", "targetService": "postgress", "authType": "secret", "credentials": {"password": "hunter2"}});
        let broken = broken(entry);
        assert_eq!(broken.row(), ["orders", "default", "postgress", "secret", "", "Failed", ""]);
        let shown = broken.shown();
        assert_eq!((&shown["name"], &shown["scope"], &shown["provisioningState"]), (&json!("orders"), &json!("default"), &json!("Failed")));
        assert_eq!(shown["reason"].as_str().unwrap().matches("(at connections[2].target; ").count(), 2, "{shown}");
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_looks_like_no_identifier_is_not_shown() {
        let url = "postgres://app:hunter2@db";
        for entry in [
            json!({"name": "orders", "namespace": url, "targetService": url, "authType": url, "clientType": url}),
            json!({"name": url}),
            json!({"name": {"hunter2": "hunter2"}, "namespace": ["hunter2"]}),
            json!("hunter2"),
        ] {
            let broken = broken(entry);
            let all = broken.shown().to_string() + &broken.row().join(" ");
            assert!(!all.contains("hunter2"), "{all}");
        }
    }
}
