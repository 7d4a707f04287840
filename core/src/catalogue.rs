//! The catalogue: which target services there are, and which variables each gives to which client.
//!
//! A service is one data file in `templates/`, compiled in, or an entry of `targetServices` in the values; both have one form and one reader.
//! Files are parsed when first asked for, since most runs need few of them.

mod check;
pub mod grammar;
mod reader;
pub mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, OnceLock};

use serde_json::Value;

use crate::arm::ResourceIdForm;
use crate::credential::Credential;
use crate::endpoint::Protocol;
use crate::problem::{At, Kind, Problem, Problems, Word};
use grammar::Grammar;
use template::Template;

static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The client types: those of `az aks connection` (Azure CLI 2.91.0), and the provider that the App Configuration extension runs.
pub const CLIENT_TYPES: [&str; 13] = [
    "none",
    "dotnet",
    "dotnet-internal",
    "java",
    "springBoot",
    "kafka-springBoot",
    "nodejs",
    "python",
    "django",
    "go",
    "php",
    "ruby",
    "appconfig-provider",
];

/// Each file, once it has been asked for. One that does not parse counts as absent; a test parses them all.
static BUILT_IN: LazyLock<BTreeMap<&str, OnceLock<Option<Arc<TargetService>>>>> =
    LazyLock::new(|| FILES.iter().map(|(name, _)| (*name, OnceLock::new())).collect());

/// The target services on offer: those that are compiled in, and the user's own.
#[derive(Debug, Default)]
pub struct Catalogue {
    own: BTreeMap<String, Arc<TargetService>>,
}

impl Catalogue {
    /// The services that are compiled in.
    #[must_use]
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Adds the services of the values' `targetServices`; what is wrong with one becomes a problem, and then it is not added.
    pub(crate) fn extend(&mut self, services: Vec<(At, Value)>, problems: &mut Problems) {
        for (at, value) in services {
            let Some(service) = TargetService::of(value, &at, problems) else { continue };
            if BUILT_IN.contains_key(&*service.name) || self.own.contains_key(&service.name) {
                problems.add(&at.field("name"), Kind::ServiceExists { name: Word::new(&*service.name) });
                continue;
            }
            self.own.insert(service.name.clone(), Arc::new(service));
        }
    }

    /// The names of all services, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> = BUILT_IN.keys().copied().chain(self.own.keys().map(String::as_str)).collect();
        names.into_iter()
    }

    /// The service of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<TargetService>> {
        self.own.get(name).cloned().or_else(|| built_in(name))
    }

    /// All services that are compiled in, in order of their names.
    pub fn services() -> impl Iterator<Item = Arc<TargetService>> {
        BUILT_IN.keys().filter_map(|name| built_in(name))
    }
}

fn built_in(name: &str) -> Option<Arc<TargetService>> {
    let parse = || FILES.iter().find(|(file, _)| *file == name).and_then(|(_, text)| TargetService::parse(text).ok()).map(Arc::new);
    BUILT_IN.get(name)?.get_or_init(parse).clone()
}

/// A target service.
#[derive(Debug)]
pub struct TargetService {
    /// The name in the catalogue and in values.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// The form of its resource ids, where Azure knows it as a resource.
    pub resource_id: Option<ResourceIdForm>,
    /// The parts of a target that no id has, given one by one.
    pub parts: Vec<String>,
    /// What follows from the parts; each can be given instead.
    pub facts: BTreeMap<String, Template>,
    /// Which protocol it speaks, and where: an address as [`Endpoint::parse`](crate::endpoint::Endpoint::parse) takes it.
    pub probe: Option<(Protocol, Template)>,
    /// What it is to servicebinding.io, where it is anything there.
    pub binding: Option<BindingType>,
    /// Why some variables differ from the documented ones, by name.
    pub corrections: BTreeMap<String, Correction>,
    /// The ways to log in.
    pub auth_types: BTreeMap<AuthType, Login>,
}

/// The `type` and `provider` of a service's bindings (servicebinding.io 1.1, "Well-known Secret Entries").
#[derive(Debug, Clone)]
pub struct BindingType {
    /// The protocol, such as `postgresql`.
    pub kind: String,
    /// Who offers it, such as `azure`.
    pub provider: String,
}

/// Why a variable differs from the documented one.
#[derive(Debug, Clone)]
pub struct Correction {
    /// What is different.
    pub what: String,
    /// What happens to a client that gets the documented value.
    pub why: String,
    /// The client, with its version, in which that was seen.
    pub shown_by: String,
}

/// The ways to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Secret, Self::ServicePrincipal, Self::WorkloadIdentity, Self::Csi];

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
#[derive(Debug)]
pub struct Login {
    /// The credentials that it needs.
    pub credentials: BTreeSet<Credential>,
    /// The credentials that it can use beside them.
    pub optional_credentials: BTreeSet<Credential>,
    /// The variables, by client type.
    pub configurations: Vec<Configuration>,
    /// The entries of a servicebinding.io Secret beside `type` and `provider`; none if it has no meaning here.
    pub binding: BTreeMap<String, Variable>,
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
#[derive(Debug)]
pub struct Configuration {
    /// The client types, each with the source of the fact: `documented`, `recorded`, or `derived: <rule>`.
    pub client_types: BTreeMap<String, String>,
    /// The variables, by name.
    pub variables: BTreeMap<String, Variable>,
}

impl Configuration {
    /// The variables that there are with this compatibility.
    pub fn variables(&self, compatibility: Compatibility) -> impl Iterator<Item = (&str, Grammar, &Template)> {
        self.variables.iter().filter_map(move |(name, variable)| Some((name.as_str(), variable.grammar, variable.template(compatibility)?)))
    }
}

/// Whether mistakes of the documentation are put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compatibility {
    /// They are.
    #[default]
    Corrected,
    /// They are kept, byte for byte.
    Exact,
}

impl Compatibility {
    /// Both, as values spell them.
    pub const ALL: [(&'static str, Self); 2] = [("corrected", Self::Corrected), ("exact", Self::Exact)];
}

/// The value of a variable: a template, and the grammar in which its values are written.
///
/// In a data file a text (plain), or a mapping from one grammar to the text; beside that `correction`, and `exact` where the variable is documented.
#[derive(Debug)]
pub struct Variable {
    /// The grammar.
    pub grammar: Grammar,
    /// The correction by which it is not the documented one.
    pub correction: Option<String>,
    corrected: Template,
    exact: Option<Template>,
}

impl Variable {
    /// The template; nothing if the variable is there only as a correction, and none is wanted.
    #[must_use]
    pub fn template(&self, compatibility: Compatibility) -> Option<&Template> {
        if compatibility == Compatibility::Exact && self.correction.is_some() { self.exact.as_ref() } else { Some(&self.corrected) }
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.corrected).chain(&self.exact)
    }
}

impl TargetService {
    /// Parses a data file and checks it.
    ///
    /// # Errors
    /// All that is wrong with the file.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let unreadable = |kind| vec![Problem { at: At::top(), kind: Box::new(kind) }];
        let tree = crate::document::parse(text.as_bytes()).map_err(unreadable)?;
        match Self::of(tree, &At::top(), &mut problems) {
            Some(service) if problems.is_empty() => Ok(service),
            _ => Err(problems.into_vec()),
        }
    }

    /// The names that may stand in `target`, `id` aside.
    pub fn target_names(&self) -> impl Iterator<Item = &str> {
        let is_part = |fact: &&str| self.given_parts().any(|part| part == *fact);
        self.given_parts().chain(self.facts.keys().map(String::as_str).filter(move |fact| !is_part(fact)))
    }

    /// The parts of a target, those of its id first.
    pub fn given_parts(&self) -> impl Iterator<Item = &str> {
        self.resource_id.iter().flat_map(ResourceIdForm::parts).chain(self.parts.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_file_parses_and_has_its_own_name() {
        for (name, text) in FILES {
            let service = TargetService::parse(text).unwrap_or_else(|problems| panic!("templates/{name}.yaml: {problems:#?}"));
            assert_eq!(service.name, *name);
        }
    }

    #[test]
    fn an_own_service_may_not_shadow_a_built_in_one_or_another() {
        let service = |name: &str| crate::document::parse(reader::tests::SERVICE.replace("name: x", &format!("name: {name}")).as_bytes()).unwrap();
        let (mut catalogue, mut problems) = (Catalogue::builtin(), Problems::default());
        let at = |index| At::top().field("targetServices").item(index);
        catalogue.extend(vec![(at(0), service("mine")), (at(1), service("keyvault")), (at(2), service("mine"))], &mut problems);
        assert!(catalogue.find("mine").is_some());
        let found: Vec<String> = problems.into_vec().iter().map(|problem| format!("{}: {problem}", problem.at)).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("targetServices[1].name: ") && found[1].starts_with("targetServices[2].name: "), "{found:?}");
    }
}
