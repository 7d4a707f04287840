//! What a connection fetches from a vault, by the rules of Key Vault and of its CSI provider.

use std::collections::BTreeSet;

use super::reader::Reader;
use crate::catalogue::AuthType;
use crate::cloud::Cloud;
use crate::credential::Credential;
use crate::names::{is_key, is_subdomain, may_be_ours};
use crate::problem::{Choice, Kind, Word};
use crate::values::{Entry, VaultLogin, VaultObject};

impl Reader<'_> {
    /// Checks what is fetched, and gives the provider's name of the cloud that it is fetched from.
    pub(super) fn vault(&mut self, entry: &Entry, auth_type: AuthType, cloud: &Cloud) -> Option<String> {
        if auth_type == AuthType::Csi {
            self.vault_objects(entry);
            let name = cloud.provider_name();
            if name.is_none() {
                let what = "`cloud`, as it stands for auth type `csi`,".to_owned();
                let rule = "name the cloud, as in `cloud: AzureUSGovernment`: the CSI provider does not take suffixes".to_owned();
                self.problems.add(&entry.at, Kind::InvalidFact { what, rule });
            }
            return name;
        }
        let why = "only connections with auth type `csi` fetch from a vault";
        if !entry.vault_objects.is_empty() {
            self.problems.add(&entry.at, Kind::Meaningless { what: "`secrets`", why });
        }
        if entry.sync_secret.is_some() {
            self.problems.add(&entry.at, Kind::Meaningless { what: "`syncSecret`", why });
        }
        None
    }

    /// Checks as whom the provider logs in: only a service principal has a secret.
    pub(super) fn vault_login(&mut self, entry: &Entry, auth_type: AuthType) -> Option<VaultLogin> {
        if auth_type != AuthType::Csi {
            if entry.vault_login.is_some() {
                let why = "only connections with auth type `csi` say as whom the CSI provider logs in";
                self.problems.add(&entry.at, Kind::Meaningless { what: "`login`", why });
            }
            return None;
        }
        let login = entry.vault_login.unwrap_or_default();
        let (credential, credentials) = (Credential::ClientSecret, &entry.credentials);
        let at = entry.at.field("credentials");
        match (login, credentials.sources.contains_key(&credential)) {
            (VaultLogin::ServicePrincipal, false) if !credentials.malformed.contains(&credential) => {
                self.problems.add(&at, Kind::MissingCredential { credential: credential.name().to_owned() });
            }
            (VaultLogin::ManagedIdentity | VaultLogin::WorkloadIdentity, true) => {
                let choice = Choice::of(credential.name(), [Credential::ClientId, Credential::TenantId].map(Credential::name));
                self.problems.add(&at.field(credential.name()), Kind::NeedlessCredential { choice });
            }
            _ => {}
        }
        Some(login)
    }

    fn vault_objects(&mut self, entry: &Entry) {
        if entry.vault_objects.is_empty() {
            self.problems.add(&entry.at, Kind::MissingField { field: "secrets", meaning: "what to fetch from the vault, each as `{name: …}`" });
        }
        let mut files = BTreeSet::new();
        for object in &entry.vault_objects {
            self.vault_object(object);
            let file = object.file();
            if !files.insert(file) {
                self.problems.add(&object.at, Kind::KeyCollision { what: "files", key: Word::new(file) });
            }
        }
        if let Some(name) = entry.sync_secret.as_deref().filter(|name| !is_subdomain(name) || may_be_ours(name)) {
            let rule = "the name of a Secret has a-z, 0-9, `-` and `.`, at most 253 of them, and is none that a connection makes: `sc-…-secret`, `sc-…-binding`, `sc-…-vaultlogin`";
            self.problems.add(&entry.at.field("syncSecret"), Kind::InvalidName { what: "Secret name", given: Word::new(name), rule });
        }
    }

    /// Names by Key Vault's own rule; file names such that they can also be keys of a Secret.
    fn vault_object(&mut self, object: &VaultObject) {
        let is_vault_name = |name: &str| (1..=127).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_vault_name(&object.name) {
            let rule = "an object in a vault has 1 to 127 letters, digits and `-`";
            self.problems.add(&object.at.field("name"), Kind::InvalidName { what: "vault object", given: Word::new(&*object.name), rule });
        }
        if let Some(alias) = object.alias.as_deref().filter(|alias| !is_key(alias)) {
            let rule = "a file name here has letters, digits, `-`, `_` and `.`";
            self.problems.add(&object.at.field("as"), Kind::InvalidName { what: "file name", given: Word::new(alias), rule });
        }
        let kinds = ["secret", "key", "cert"];
        if !kinds.contains(&object.kind.as_str()) {
            let choice = Choice::of(&object.kind, kinds);
            self.unknown(&object.at.field("type"), "type", &object.kind, "one that a vault has".into(), choice);
        }
    }
}
