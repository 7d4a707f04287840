//! The catalogue: which target services there are, and which variables each gives to which client.
//!
//! A service is one data file in `templates/`, compiled in. Files are parsed when first asked for, since most runs need few of them.

pub mod grammar;
pub mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::arm::ResourceIdForm;
use crate::credential::Credential;
use grammar::Grammar;
use template::Template;

static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The target services on offer.
#[derive(Debug, Default)]
pub struct Catalogue {
    parsed: BTreeMap<&'static str, Arc<TargetService>>,
}

impl Catalogue {
    /// The services that are compiled in.
    #[must_use]
    pub fn builtin() -> Self {
        Self::default()
    }

    /// The names of all services, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// The service of that name.
    ///
    /// A built-in file that does not parse counts as absent; a test parses them all.
    pub fn find(&mut self, name: &str) -> Option<Arc<TargetService>> {
        if let Some(service) = self.parsed.get(name) {
            return Some(Arc::clone(service));
        }
        let (name, text) = FILES.iter().find(|(file, _)| *file == name)?;
        let service = Arc::new(TargetService::parse(text).ok()?);
        self.parsed.insert(name, Arc::clone(&service));
        Some(service)
    }
}

/// A target service: one data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TargetService {
    /// The name in the catalogue and in values.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// The form of its resource ids.
    #[serde(deserialize_with = "resource_id_form")]
    pub resource_id: ResourceIdForm,
    /// What follows from the parts of the id; each can be given instead.
    #[serde(default)]
    pub facts: BTreeMap<String, Template>,
    /// The ways to log in.
    pub auth_types: BTreeMap<AuthType, Login>,
}

/// The ways to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthType {
    /// A password, key or connection string.
    Secret,
    /// An application's client id and secret.
    ServicePrincipal,
    /// A ServiceAccount that Azure trusts.
    WorkloadIdentity,
    /// Secrets mounted from a key vault.
    Csi,
}

impl AuthType {
    /// The name in values.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::ServicePrincipal => "service-principal",
            Self::WorkloadIdentity => "workload-identity",
            Self::Csi => "csi",
        }
    }
}

/// One way to log in to a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Login {
    /// The credentials that it needs.
    pub credentials: BTreeSet<Credential>,
    /// The credentials that it can use beside them.
    #[serde(default)]
    pub optional_credentials: BTreeSet<Credential>,
    /// The variables, by client type.
    pub configurations: Vec<Configuration>,
}

impl Login {
    /// The configuration of a client type.
    #[must_use]
    pub fn configuration(&self, client_type: &str) -> Option<&Configuration> {
        self.configurations.iter().find(|configuration| configuration.client_types.contains_key(client_type))
    }

    /// All client types, in the order of the file.
    pub fn client_types(&self) -> impl Iterator<Item = &str> {
        self.configurations.iter().flat_map(|configuration| configuration.client_types.keys()).map(String::as_str)
    }
}

/// The variables that some client types get.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Configuration {
    /// The client types, each with the source of the fact: `documented`, `recorded`, or `derived: <rule>`.
    pub client_types: BTreeMap<String, String>,
    /// The variables, by name.
    pub variables: BTreeMap<String, Variable>,
}

/// The value of a variable: a template, and the grammar in which its values are written.
///
/// In a data file a text (plain), or a mapping from one grammar to the text.
#[derive(Debug, Deserialize)]
#[serde(try_from = "VariableForm")]
pub struct Variable {
    /// The grammar.
    pub grammar: Grammar,
    /// The template.
    pub template: Template,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum VariableForm {
    Plain(Template),
    In(BTreeMap<Grammar, Template>),
}

impl TryFrom<VariableForm> for Variable {
    type Error = &'static str;

    fn try_from(form: VariableForm) -> Result<Self, Self::Error> {
        match form {
            VariableForm::Plain(template) => Ok(Self { grammar: Grammar::Plain, template }),
            VariableForm::In(one) if one.len() == 1 => {
                one.into_iter().next().map(|(grammar, template)| Self { grammar, template }).ok_or("a variable has one grammar")
            }
            VariableForm::In(_) => Err("a variable has one grammar"),
        }
    }
}

impl TargetService {
    /// Parses a data file and checks it.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let options = serde_yaml::options! { with_snippet: false, strict_booleans: true };
        let service: Self = serde_yaml::from_str_with_options(text, options).map_err(|error| error.to_string())?;
        service.check()?;
        Ok(service)
    }

    /// The names that may stand in `target`, `id` aside.
    pub fn target_names(&self) -> impl Iterator<Item = &str> {
        self.resource_id.parts().chain(self.facts.keys().map(String::as_str))
    }

    fn check(&self) -> Result<(), String> {
        for (name, fact) in &self.facts {
            let later: Vec<&str> = fact.names().into_iter().filter(|used| !self.is_derived_before(used, name)).collect();
            if !later.is_empty() {
                return Err(format!("fact `{name}` needs {}, which is no part and no simpler fact", later.join(", ")));
            }
        }
        for (auth_type, login) in &self.auth_types {
            login.check(self).map_err(|problem| format!("{}: {problem}", auth_type.name()))?;
        }
        Ok(())
    }

    /// Whether `used` is a part of the id, or a fact that does not need `fact` itself. Keeps derivation free of circles.
    fn is_derived_before(&self, used: &str, fact: &str) -> bool {
        let deeper =
            |inner: &Template| !inner.names().contains(fact) && inner.names().iter().all(|name| *name != used && self.is_derived_before(name, fact));
        self.resource_id.parts().any(|part| part == used) || (used != fact && self.facts.get(used).is_some_and(deeper))
    }
}

impl Login {
    fn check(&self, service: &TargetService) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.client_types().find(|client_type| !seen.insert(*client_type)) {
            return Err(format!("client type {twice} stands twice"));
        }
        let known = |name: &str| match Credential::named(name) {
            Some(credential) => self.credentials.contains(&credential),
            None => service.target_names().any(|known| known == name),
        };
        for (key, variable) in self.configurations.iter().flat_map(|configuration| &configuration.variables) {
            if let Some(unknown) = variable.template.names().into_iter().find(|name| !known(name)) {
                return Err(format!("{key} needs {unknown}, which is no required credential, part or fact"));
            }
        }
        Ok(())
    }
}

fn resource_id_form<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<ResourceIdForm, D::Error> {
    String::deserialize(deserializer).map(ResourceIdForm::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "name: x\ndisplayName: X\nresourceId: /a/{server}\nfacts: {host: '{{server}}.example'}\nauthTypes:\n  secret:\n    credentials: [password]\n    configurations:\n    - clientTypes: {none: documented}\n      variables: {X_HOST: '{{host}}', X_STRING: {libpq: 'host={{host}} password={{password}}'}}\n";

    fn refusal(change: (&str, &str)) -> String {
        assert!(SERVICE.contains(change.0));
        TargetService::parse(&SERVICE.replace(change.0, change.1)).map_or_else(|problem| problem, |_| "was accepted".into())
    }

    #[test]
    fn every_built_in_file_parses_and_has_its_own_name() {
        for (name, text) in FILES {
            let service = TargetService::parse(text).unwrap_or_else(|problem| panic!("templates/{name}.yaml: {problem}"));
            assert_eq!(service.name, *name);
        }
    }

    #[test]
    fn a_sound_file_is_accepted() {
        TargetService::parse(SERVICE).unwrap();
    }

    #[test]
    fn mistakes_in_a_file_are_named() {
        assert!(refusal(("{{password}}", "{{pasword}}")).contains("X_STRING needs pasword"));
        assert!(refusal(("{{server}}", "{{host}}")).contains("fact `host` needs host"));
        assert!(refusal(("libpq: ", "libpg: ")).contains("untagged") || refusal(("libpq: ", "libpg: ")).contains("variant"));
        let twice = "- clientTypes: {none: documented}\n      variables: {}\n    - clientTypes: {none: documented}";
        assert!(refusal(("- clientTypes: {none: documented}", twice)).contains("none stands twice"));
        assert!(refusal(("displayName: X", "displayName: X\ncolour: red")).contains("colour"));
    }
}
