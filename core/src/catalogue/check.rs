//! Checks a target service once its fields have been read: names against names, and what its auth types need.

use std::collections::{BTreeMap, BTreeSet};

use super::template::{Expression, Template};
use super::{AuthType, Login, TargetService, Variable};
use crate::cloud;
use crate::credential::Credential;
use crate::names::is_label;
use crate::problem::{At, Choice, Kind, Problems, Word};
use crate::rendering::BINDING_TYPE;

/// Checks what the fields of a service say of each other.
pub(super) struct Check<'a> {
    pub(super) service: &'a TargetService,
    pub(super) problems: &'a mut Problems,
}

impl Check<'_> {
    /// Notes all that does not fit.
    pub(super) fn all(&mut self, at: &At) {
        self.names(at);
        self.facts(&at.field("facts"));
        self.probe(&at.field("probe"));
        let mut used = BTreeSet::new();
        for (auth_type, login) in &self.service.auth_types {
            let at = at.field("authTypes").field(auth_type.name());
            self.identity(*auth_type, login, &at);
            self.login(login, &at, &mut used);
        }
        for name in self.service.corrections.keys().filter(|name| !used.contains(name.as_str())) {
            self.problems.add(&at.field("corrections").key(name), Kind::UnusedCorrection);
        }
    }

    fn facts(&mut self, at: &At) {
        let service = self.service;
        let derived = derived(service);
        for (name, fact) in service.facts.iter().filter(|(name, _)| !derived.contains(name.as_str())) {
            for expression in
                fact.expressions().filter(|expression| !is_given(service, &expression.name) && !derived.contains(expression.name.as_str()))
            {
                let known = service.target_names().filter(|known| known != name && *known != expression.name);
                let choice = Choice::of(&expression.name, known);
                self.problems.add(&at.key(name), unknown_name(expression, choice));
            }
        }
    }

    fn probe(&mut self, at: &At) {
        let service = self.service;
        let known = |name: &str| is_given(service, name) || service.facts.contains_key(name);
        let expressions = service.probe.iter().flat_map(|(_, address)| address.expressions());
        for expression in expressions.filter(|expression| !known(&expression.name)) {
            self.problems.add(at, unknown_name(expression, Choice::of(&expression.name, service.target_names())));
        }
    }

    /// A name means one thing: a credential, the id, or a part or fact.
    fn names(&mut self, at: &At) {
        let is_taken = |name: &&str| Credential::named(name).is_some() || *name == "id";
        for name in self.service.target_names().filter(is_taken) {
            let rule = "credentials, and `id`, have a name of their own: call the part or fact otherwise";
            self.problems.add(at, Kind::InvalidName { what: "part or fact", given: Word::new(name), rule });
        }
        if let Some(binding) = self.service.binding.as_ref().filter(|binding| !is_label(&binding.kind)) {
            let rule = "the type of a binding has a-z, 0-9 and `-`, such as `postgresql`";
            self.problems.add(&at.field("binding"), Kind::InvalidName { what: "type", given: Word::new(&*binding.kind), rule });
        }
    }

    /// What the objects of an auth type need beside its variables.
    fn identity(&mut self, auth_type: AuthType, login: &Login, at: &At) {
        let needed: &[Credential] = match auth_type {
            AuthType::WorkloadIdentity => &[Credential::ClientId],
            AuthType::Csi => &[Credential::ClientId, Credential::TenantId],
            AuthType::Secret | AuthType::ServicePrincipal => &[],
        };
        for credential in needed.iter().filter(|credential| !login.credentials.contains(credential)) {
            let what = format!("`credentials`, without `{}`,", credential.name());
            self.problems.add(at, Kind::InvalidFact { what, rule: format!("add `{}`: the objects of this auth type need it", credential.name()) });
        }
        if auth_type == AuthType::Csi && !self.service.target_names().any(|name| name == "vault") {
            let rule = "add `vault` to `parts`: it is what the SecretProviderClass fetches from".to_owned();
            self.problems.add(at, Kind::InvalidFact { what: "auth type `csi` without a part `vault`".into(), rule });
        }
    }

    fn login<'l>(&mut self, login: &'l Login, at: &At, used: &mut BTreeSet<&'l str>) {
        let mut seen = BTreeSet::new();
        for (index, configuration) in login.configurations.iter().enumerate() {
            let at = at.field("configurations").item(index);
            for client_type in configuration.client_types.keys().filter(|client_type| !seen.insert(client_type.as_str())) {
                self.problems.add(&at, Kind::KeyCollision { what: "configurations", key: Word::new(&**client_type) });
            }
            self.variables(&configuration.variables, login, &at.field("variables"), used);
        }
        self.variables(&login.binding, login, &at.field("binding"), used);
        for name in BINDING_TYPE.into_iter().filter(|name| login.binding.contains_key(*name)) {
            let rule = "`type` and `provider` stand in `binding` of the service, at its top";
            self.problems.add(&at.field("binding"), Kind::InvalidName { what: "entry", given: Word::new(name), rule });
        }
        if !login.binding.is_empty() && self.service.binding.is_none() {
            self.problems.add(at, Kind::MissingField { field: "binding", meaning: "`{type: …, provider: …}` of the service, at its top" });
        }
    }

    fn variables<'l>(&mut self, variables: &'l BTreeMap<String, Variable>, login: &Login, at: &At, used: &mut BTreeSet<&'l str>) {
        for (key, variable) in variables {
            let at = at.key(key);
            match &variable.correction {
                Some(name) if self.service.corrections.contains_key(name) => drop(used.insert(name)),
                Some(name) => {
                    let choice = Choice::of(name, self.service.corrections.keys().map(String::as_str));
                    self.problems
                        .add(&at, Kind::UnknownWord { what: "correction", given: Word::new(&**name), list: "explained here".into(), choice });
                }
                None if variable.exact.is_some() => {
                    self.problems.add(&at, Kind::MissingField { field: "correction", meaning: "the correction by which `exact` is not used" });
                }
                None => {}
            }
            for expression in variable.templates().flat_map(Template::expressions) {
                self.expression(expression, login, &at);
            }
        }
    }

    fn expression(&mut self, expression: &Expression, login: &Login, at: &At) {
        let credentials = || login.credentials.iter().map(|credential| credential.name());
        let known = || credentials().chain(self.service.target_names());
        if !known().any(|name| name == expression.name) && !is_suffix(&expression.name) {
            let kind = unknown_name(expression, Choice::of(&expression.name, known()));
            self.problems.add(at, kind);
        }
    }
}

fn unknown_name(expression: &Expression, choice: Choice) -> Kind {
    Kind::UnknownName { name: Word::new(&*expression.name), place: expression.place, choice }
}

fn is_suffix(name: &str) -> bool {
    name.strip_prefix("cloud.").is_some_and(cloud::is_suffix)
}

fn is_given(service: &TargetService, name: &str) -> bool {
    is_suffix(name) || (service.given_parts().any(|part| part == name) && !service.facts.contains_key(name))
}

/// The facts that follow from parts and suffixes, and from each other: those that can be worked out first, then those that need only these, and so on.
fn derived(service: &TargetService) -> BTreeSet<&str> {
    let mut derived = BTreeSet::new();
    loop {
        let before = derived.len();
        for (name, fact) in &service.facts {
            if fact.expressions().all(|expression| is_given(service, &expression.name) || derived.contains(expression.name.as_str())) {
                derived.insert(name.as_str());
            }
        }
        if derived.len() == before {
            return derived;
        }
    }
}
