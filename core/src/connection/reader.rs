//! From an entry to a connection: each field against the catalogue, each problem noted, none of them the last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Connection, Identity};
use crate::catalogue::grammar::Grammar;
use crate::catalogue::template::Template;
use crate::catalogue::{AuthType, Catalogue, Compatibility, Configuration, Login, TargetService};
use crate::cloud::Cloud;
use crate::credential::{Credential, Source};
use crate::names::{ConnectionName, Guid, Namespace, is_key};
use crate::problem::{At, Choice, Kind, Problems, Word};
use crate::rendering;
use crate::target::Target;
use crate::values::{Entry, Settings};

/// The client type of a connection that names none, as in `az aks connection`.
const DEFAULT_CLIENT_TYPE: &str = "none";

/// The documented variables of a connection, by name.
type Variables<'l> = BTreeMap<&'l str, (Grammar, &'l Template)>;

/// Reads entries, noting what is wrong with them.
pub(super) struct Reader<'p> {
    pub(super) problems: &'p mut Problems,
}

impl Reader<'_> {
    pub(super) fn connection(&mut self, entry: Entry, settings: &Settings) -> Option<Connection> {
        let name = entry.name.as_deref().and_then(|name| self.kept(|| entry.at.field("name"), ConnectionName::parse(name)));
        let namespace = self.kept(|| entry.at.field("namespace"), Namespace::parse(entry.namespace.as_deref().unwrap_or(Namespace::DEFAULT)));
        let service = self.service(&entry, &settings.catalogue)?;
        let auth_type = self.auth_type(&entry, &service)?;
        let login = service.auth_types.get(&auth_type)?;
        self.credentials(&entry, login);
        let identity = self.identity(&entry, auth_type);
        let vault_cloud = self.vault(&entry, auth_type, &settings.cloud);
        let vault_login = self.vault_login(&entry, auth_type);
        let client_type = entry.client_type.clone().unwrap_or_else(|| DEFAULT_CLIENT_TYPE.to_owned());
        let configuration = self.configuration(&entry.at, &client_type, (auth_type, login), &service)?;
        let compatibility = entry.compatibility.unwrap_or(settings.compatibility);
        let variables: Variables<'_> = configuration.variables(compatibility).map(|(key, grammar, template)| (key, (grammar, template))).collect();
        self.format(&entry, login);
        self.keys(&entry, &variables);
        self.properties(&entry, &variables);
        let facts = self.facts(&entry, (&service, &settings.cloud), auth_type, needed(&entry, login, compatibility, &variables));
        Some(Connection {
            name: name?,
            namespace: namespace?,
            auth_type,
            client_type,
            compatibility,
            identity,
            facts: facts.into_iter().map(|(name, value)| (name.into_boxed_str(), value.into_boxed_str())).collect(),
            service: Arc::clone(&service),
            at: entry.at,
            vault_login,
            vault_objects: entry.vault_objects,
            vault_cloud,
            sync_secret: entry.sync_secret,
            adopt: entry.adopt,
            state: entry.state,
            deletion_policy: entry.deletion_policy,
            format: entry.format,
            credentials: entry.credentials.sources.into_iter().collect(),
            customized_keys: entry.customized_keys,
            properties: entry.properties,
            additional: entry.additional,
        })
    }

    fn kept<T>(&mut self, at: impl Fn() -> At, parsed: Result<T, Kind>) -> Option<T> {
        parsed.map_err(|kind| self.problems.add(&at(), kind)).ok()
    }

    fn service(&mut self, entry: &Entry, catalogue: &Catalogue) -> Option<Arc<TargetService>> {
        let name = entry.target_service.as_deref()?;
        let found = catalogue.find(name);
        if found.is_none() {
            let choice = Choice::of(name, catalogue.names());
            self.unknown(&entry.at.field("targetService"), "target service", name, "in the catalogue".into(), choice);
        }
        found
    }

    fn auth_type(&mut self, entry: &Entry, service: &TargetService) -> Option<AuthType> {
        let name = entry.auth_type.as_deref()?;
        let found = service.auth_types.keys().find(|auth_type| auth_type.name() == name).copied();
        if found.is_none() {
            let choice = Choice::of(name, service.auth_types.keys().map(|auth_type| auth_type.name()));
            self.unknown(&entry.at.field("authType"), "auth type", name, format!("offered by `{}`", service.name), choice);
        }
        found
    }

    fn configuration<'s>(
        &mut self,
        at: &At,
        client_type: &str,
        (auth_type, login): (AuthType, &'s Login),
        service: &TargetService,
    ) -> Option<&'s Configuration> {
        let found = login.configuration(client_type);
        if found.is_none() {
            let list = format!("offered by `{}` with auth type `{}`", service.name, auth_type.name());
            self.unknown(&at.field("clientType"), "client type", client_type, list, Choice::of(client_type, login.client_types()));
        }
        found
    }

    pub(super) fn unknown(&mut self, at: &At, what: &'static str, given: &str, list: String, choice: Choice) {
        self.problems.add(at, Kind::UnknownWord { what, given: Word::new(given), list, choice });
    }

    fn credentials(&mut self, entry: &Entry, login: &Login) {
        let at = || entry.at.field("credentials");
        let stands = |credential: &Credential| entry.credentials.sources.contains_key(credential) || entry.credentials.malformed.contains(credential);
        for credential in login.credentials.iter().filter(|credential| !stands(credential)) {
            self.problems.add(&at(), Kind::MissingCredential { credential: credential.name().to_owned() });
        }
        let used: BTreeSet<Credential> = login.credentials.union(&login.optional_credentials).copied().collect();
        for credential in entry.credentials.sources.keys().filter(|credential| !used.contains(credential)) {
            let choice = Choice::of(credential.name(), used.iter().map(|credential| credential.name()));
            self.problems.add(&at().field(credential.name()), Kind::NeedlessCredential { choice });
        }
    }

    fn identity(&mut self, entry: &Entry, auth_type: AuthType) -> Option<Identity> {
        if !matches!(auth_type, AuthType::WorkloadIdentity | AuthType::Csi) {
            return None;
        }
        let client_id = self.guid(entry, Credential::ClientId);
        let tenant_id = self.guid(entry, Credential::TenantId);
        Some(Identity { client_id: client_id?, tenant_id })
    }

    /// A GUID that must stand in the values, because names of objects and Roles follow from it.
    fn guid(&mut self, entry: &Entry, credential: Credential) -> Option<Guid> {
        let at = || entry.at.field("credentials").field(credential.name());
        match entry.credentials.sources.get(&credential)? {
            Source::Reference(_) => {
                self.problems.add(&at(), Kind::MustBeLiteral { credential: credential.name().to_owned() });
                None
            }
            Source::Literal(text) => {
                let guid = rendering::guid(text);
                if guid.is_none() {
                    self.problems.add(&at(), Kind::InvalidFact { what: format!("`{}`", credential.name()), rule: format!("write {}", Guid::FORM) });
                }
                guid
            }
        }
    }

    fn format(&mut self, entry: &Entry, login: &Login) {
        if entry.format.servicebinding && login.binding.is_empty() {
            let why = "this auth type of the target service has no servicebinding.io form";
            self.problems.add(&entry.at, Kind::Meaningless { what: "`format: [servicebinding]`", why });
        }
        let asks_for_variables = [&entry.customized_keys, &entry.properties, &entry.additional].into_iter().any(|map| !map.is_empty());
        if asks_for_variables && !entry.format.env {
            let why = "the connection gets no Secret with variables, which `customizedKeys` and `additional…` are about";
            self.problems.add(&entry.at, Kind::Meaningless { what: "`optOut`, or a `format` without `env`,", why });
        }
        let makes_others =
            entry.auth_type.as_deref().is_some_and(|name| [AuthType::WorkloadIdentity, AuthType::Csi].iter().any(|it| it.name() == name));
        if !entry.format.env && !entry.format.servicebinding && !makes_others {
            let why = "nothing would be made for this connection";
            self.problems.add(&entry.at, Kind::Meaningless { what: "`optOut: [configuration]`", why });
        }
    }

    fn keys(&mut self, entry: &Entry, variables: &Variables<'_>) {
        let documented = || variables.keys().copied();
        let at = || entry.at.field("customizedKeys");
        for (old, new) in &entry.customized_keys {
            if !variables.contains_key(old.as_str()) {
                self.problems.add(&at(), Kind::UnknownKey { key: Word::new(&**old), choice: Choice::of(old, documented()) });
            }
            self.key_form(at, new);
        }
        for key in entry.additional.keys() {
            self.key_form(|| entry.at.field("additionalConfigurations"), key);
        }
        let renamed = documented().map(|key| entry.customized_keys.get(key).map_or(key, String::as_str));
        let mut seen = BTreeSet::new();
        for key in renamed.chain(entry.additional.keys().map(String::as_str)) {
            if !seen.insert(key) {
                self.problems.add(&entry.at, Kind::KeyCollision { what: "variables", key: Word::new(key) });
            }
        }
    }

    fn key_form(&mut self, at: impl Fn() -> At, key: &str) {
        if !is_key(key) {
            let rule = "the name of a variable has letters, digits, `-`, `_` and `.`, at most 253 of them";
            self.problems.add(&at(), Kind::InvalidName { what: "variable name", given: Word::new(key), rule });
        }
    }

    fn properties(&mut self, entry: &Entry, variables: &Variables<'_>) {
        if entry.properties.is_empty() {
            return;
        }
        let at = entry.at.field("additionalConnectionStringProperties");
        let grammars: BTreeSet<Grammar> = variables.values().map(|(grammar, _)| *grammar).filter(|grammar| grammar.has_properties()).collect();
        if grammars.is_empty() {
            let why = "no variable of this client type is a connection string";
            self.problems.add(&entry.at, Kind::Meaningless { what: "`additionalConnectionStringProperties`", why });
        }
        for key in entry.properties.keys().filter(|key| !grammars.iter().all(|grammar| grammar.is_property(key))) {
            let rule = "a property has letters, digits, `.`, `_` and `-`; inner blanks in ADO.NET and ODBC only";
            self.problems.add(&at, Kind::InvalidName { what: "property", given: Word::new(&**key), rule });
        }
    }

    fn facts(
        &mut self,
        entry: &Entry,
        (service, cloud): (&TargetService, &Cloud),
        auth_type: AuthType,
        mut needed: BTreeSet<&str>,
    ) -> BTreeMap<String, String> {
        if auth_type == AuthType::Csi {
            needed.insert("vault");
        }
        let target = Target::parse(entry, service, cloud, self.problems);
        target.map(|target| target.facts(&needed, self.problems)).unwrap_or_default()
    }
}

/// The parts and facts that the objects of an entry need.
fn needed<'l>(entry: &Entry, login: &'l Login, compatibility: Compatibility, variables: &Variables<'l>) -> BTreeSet<&'l str> {
    let of_variables = variables.values().map(|(_, template)| *template).filter(|_| entry.format.env);
    let of_binding = login.binding.values().filter_map(|variable| variable.template(compatibility)).filter(|_| entry.format.servicebinding);
    let expressions = of_variables.chain(of_binding).flat_map(Template::expressions);
    expressions.map(|expression| expression.name.as_str()).filter(|name| Credential::named(name).is_none()).collect()
}
