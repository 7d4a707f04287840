//! A connection: what an entry of the values meant. It cannot exist unless all of it is valid.

mod reader;
mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalogue::grammar::Grammar;
use crate::catalogue::template::Template;
use crate::catalogue::{AuthType, BindingType, Compatibility, Login, TargetService};
use crate::credential::{Credential, SecretKeyRef, Source};
use crate::names::{ConnectionName, Guid, Namespace};
use crate::object::ObjectKind;
use crate::problem::{At, Problems};
use crate::rendering;
use crate::values::{DeletionPolicy, Entry, Format, Settings, State, VaultLogin, VaultObject};
use reader::Reader;

/// A map of few entries in as few bytes: there are two in each of many thousand connections.
pub(crate) type SmallMap<K, V> = litemap::LiteMap<K, V>;

/// One source-to-target link. It has no Debug: users may put credentials into what they add to it.
pub struct Connection {
    /// Where it stands in the values.
    pub at: At,
    /// Its name.
    pub name: ConnectionName,
    /// The namespace of its workload and of its objects.
    pub namespace: Namespace,
    /// How it logs in.
    pub auth_type: AuthType,
    /// Whose names its configuration has.
    pub client_type: String,
    /// The identity it logs in as, for workload-identity and csi.
    pub identity: Option<Identity>,
    /// As whom the CSI provider logs in to the vault, for csi.
    pub vault_login: Option<VaultLogin>,
    /// What its SecretProviderClass fetches.
    pub vault_objects: Vec<VaultObject>,
    /// What the provider of the CSI driver calls the cloud of the vault.
    pub(crate) vault_cloud: Option<String>,
    /// The Secret that the CSI driver keeps, if one is wanted.
    pub sync_secret: Option<String>,
    /// Whether objects of its names that are not ours are taken over.
    pub adopt: bool,
    /// Whether its objects should be there.
    pub state: State,
    /// What becomes of its objects when it is taken out.
    pub deletion_policy: DeletionPolicy,
    /// Which Secrets it gets.
    pub format: Format,
    pub(crate) compatibility: Compatibility,
    pub(crate) facts: SmallMap<Box<str>, Box<str>>,
    pub(crate) credentials: SmallMap<Credential, Source>,
    pub(crate) customized_keys: BTreeMap<String, String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) additional: BTreeMap<String, String>,
    service: Arc<TargetService>,
}

/// An identity in Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its client id.
    pub client_id: Guid,
    /// Its tenant.
    pub tenant_id: Option<Guid>,
}

impl Connection {
    /// Understands an entry; nothing if anything about it is wrong, and then `problems` has all of that.
    pub fn parse(entry: Entry, settings: &Settings, problems: &mut Problems) -> Option<Self> {
        let before = problems.len();
        let is_clean = entry.is_clean;
        let connection = Reader { problems }.connection(entry, settings)?;
        (is_clean && problems.len() == before).then_some(connection)
    }

    /// The identity that a ServiceAccount of its namespace stands for.
    #[must_use]
    pub fn federated(&self) -> Option<&Identity> {
        let is_federated = self.auth_type == AuthType::WorkloadIdentity || self.vault_login == Some(VaultLogin::WorkloadIdentity);
        self.identity.as_ref().filter(|_| is_federated)
    }

    /// The vault that its SecretProviderClass fetches from.
    #[must_use]
    pub fn vault(&self) -> Option<&str> {
        self.facts.get("vault").map(AsRef::as_ref).filter(|_| self.auth_type == AuthType::Csi)
    }

    /// The target service.
    #[must_use]
    pub fn service(&self) -> &TargetService {
        &self.service
    }

    fn login(&self) -> Option<&Login> {
        self.service.auth_types.get(&self.auth_type)
    }

    /// The variables that its service gives to its client, without those that the user adds.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, Grammar, &Template)> {
        let configuration = self.login().and_then(|login| login.configuration(&self.client_type));
        configuration.into_iter().flat_map(|configuration| configuration.variables(self.compatibility))
    }

    /// The entries of its servicebinding.io Secret beside `type` and `provider`.
    pub(crate) fn binding(&self) -> impl Iterator<Item = (&str, Grammar, &Template)> {
        let entries = self.login().into_iter().flat_map(|login| &login.binding);
        entries.filter_map(|(name, variable)| Some((name.as_str(), variable.grammar, variable.template(self.compatibility)?)))
    }

    /// What its service is to servicebinding.io.
    pub(crate) fn binding_type(&self) -> Option<&BindingType> {
        self.service.binding.as_ref()
    }

    /// The keys of Secrets that its credentials refer to; none when it is absent.
    pub fn references(&self) -> impl Iterator<Item = &SecretKeyRef> {
        let is_present = self.state == State::Present;
        self.credentials.values().filter(move |_| is_present).filter_map(Source::reference)
    }

    /// The names of those Secrets.
    #[must_use]
    pub fn referenced_secrets(&self) -> BTreeSet<&str> {
        self.references().map(|reference| reference.name.as_str()).collect()
    }

    /// The keys of its configuration, renamed as the user asked.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<&str> {
        self.variables().map(|(key, ..)| self.key(key)).chain(self.additional.keys().map(String::as_str)).collect()
    }

    /// The keys of its Secret of this kind; none of what is no Secret. Entries of a binding are not renamed.
    #[must_use]
    pub fn keys_of(&self, kind: ObjectKind) -> BTreeSet<&str> {
        match kind {
            ObjectKind::Secret => self.keys(),
            ObjectKind::Binding => self.binding().map(|(entry, ..)| entry).chain(rendering::BINDING_TYPE).collect(),
            ObjectKind::VaultLogin => rendering::VAULT_LOGIN.into_iter().map(|(key, _)| key).collect(),
            ObjectKind::ServiceAccount | ObjectKind::SecretProviderClass => BTreeSet::new(),
        }
    }

    /// The keys of the Secret that the CSI driver keeps for it.
    #[must_use]
    pub fn synced_keys(&self) -> BTreeSet<&str> {
        self.vault_objects.iter().map(VaultObject::file).collect()
    }

    /// The keys of its configuration, each with its value unless something confidential may be in it: a credential, or what the user adds.
    #[must_use]
    pub fn configurations(&self) -> Vec<(&str, Option<String>)> {
        rendering::shown(self)
    }

    /// Where it says its credentials are.
    pub fn credentials(&self) -> impl Iterator<Item = (Credential, &Source)> {
        self.credentials.iter().map(|(credential, source)| (*credential, source))
    }

    /// The name under which the documented `key` is given.
    pub(crate) fn key<'a>(&'a self, key: &'a str) -> &'a str {
        self.customized_keys.get(key).map_or(key, String::as_str)
    }
}
