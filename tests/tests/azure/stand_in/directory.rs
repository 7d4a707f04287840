//! What the stand-in was told: identities with their federated credentials and secrets, and vaults with what is in them and who may read it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{AUDIENCE, directory, guid, issuer, random_digits};

/// All of it.
pub(super) struct Directory {
    identities: BTreeMap<String, Known>,
    vaults: BTreeMap<String, Contents>,
}

/// What is known of an identity.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) tenant: String,
    pub(super) federated: Vec<Federated>,
    pub(super) secret: Option<String>,
    pub(super) is_assigned: bool,
}

/// What is known of a vault.
#[derive(Clone)]
pub(super) struct Contents {
    pub(super) tenant: String,
    pub(super) readers: BTreeSet<String>,
    pub(super) guard: Guard,
    /// By collection (`secrets`, `keys` or `certificates`) and name.
    pub(super) objects: BTreeMap<(String, String), Kept>,
}

/// What decides whether somebody may read in a vault, and so how a refusal is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Roles in Azure.
    Roles,
    /// The vault's own access policies.
    Policies,
    /// Its firewall, which lets nobody in.
    Firewall,
    /// Nothing: all that is in it is disabled.
    Disabled,
}

/// An object in a vault, in its newest version.
#[derive(Clone)]
pub(super) struct Kept {
    /// What is answered of it, beside what all objects have.
    pub(super) fields: Value,
    pub(super) version: String,
}

/// Whose tokens an identity takes for its own.
#[derive(Debug, Clone)]
pub(crate) struct Federated {
    /// Who has signed them.
    pub(crate) issuer: String,
    /// Of whom they speak.
    pub(crate) subject: String,
    /// For whom they are.
    pub(crate) audience: String,
}

/// An identity, in a tenant of its own.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// Its tenant.
    pub(crate) tenant: String,
    /// Its client id.
    pub(crate) client: String,
}

/// A vault.
pub(crate) struct Vault {
    /// Its name.
    pub(crate) name: String,
}

impl Directory {
    pub(super) const fn new() -> Self {
        Self { identities: BTreeMap::new(), vaults: BTreeMap::new() }
    }

    /// Whether somebody is in this tenant.
    pub(super) fn has_tenant(&self, tenant: &str) -> bool {
        self.identities.values().any(|known| known.tenant == tenant)
    }

    /// An identity of this tenant.
    pub(super) fn identity(&self, tenant: &str, client: &str) -> Option<&Known> {
        self.identities.get(client).filter(|known| known.tenant == tenant)
    }

    /// An identity that is assigned to the node.
    pub(super) fn assigned(&self, client: &str) -> Option<&Known> {
        self.identities.get(client).filter(|known| known.is_assigned)
    }

    /// A vault.
    pub(super) fn vault(&self, name: &str) -> Option<&Contents> {
        self.vaults.get(name)
    }
}

impl Identity {
    /// One that nothing is trusted for yet.
    pub(crate) fn new() -> Self {
        let identity = Self { tenant: guid(), client: guid() };
        let known = Known { tenant: identity.tenant.clone(), federated: Vec::new(), secret: None, is_assigned: false };
        directory().identities.insert(identity.client.clone(), known);
        identity
    }

    /// Takes the tokens of a ServiceAccount, as `az identity federated-credential create` is told to.
    pub(crate) fn trust(&self, namespace: &str, account: &str) {
        let subject = format!("system:serviceaccount:{namespace}:{account}");
        self.trust_as(Federated { issuer: issuer().name.clone(), subject, audience: AUDIENCE.to_owned() });
    }

    /// Takes such tokens.
    pub(crate) fn trust_as(&self, federated: Federated) {
        self.known(|known| known.federated.push(federated));
    }

    /// Has this client secret.
    pub(crate) fn set_secret(&self, secret: &str) {
        self.known(|known| known.secret = Some(secret.to_owned()));
    }

    /// Is assigned to the node.
    pub(crate) fn assign(&self) {
        self.known(|known| known.is_assigned = true);
    }

    fn known(&self, change: impl FnOnce(&mut Known)) {
        change(directory().identities.get_mut(&self.client).unwrap());
    }
}

impl Vault {
    /// An empty one, in the tenant of an identity that may read nothing yet.
    pub(crate) fn beside(identity: &Identity) -> Self {
        let vault = Self { name: format!("kv-{}", random_digits(12)) };
        let contents = Contents { tenant: identity.tenant.clone(), readers: BTreeSet::new(), guard: Guard::Roles, objects: BTreeMap::new() };
        directory().vaults.insert(vault.name.clone(), contents);
        vault
    }

    /// Lets an identity read all that is in it.
    pub(crate) fn let_read(&self, identity: &Identity) {
        self.contents(|contents| contents.readers.extend([identity.client.clone()]));
    }

    /// Is guarded so from here on.
    pub(crate) fn guard_by(&self, guard: Guard) {
        self.contents(|contents| contents.guard = guard);
    }

    /// Keeps a secret, in a new version.
    pub(crate) fn keep(&self, name: &str, value: &str) {
        self.keep_object("secrets", name, json!({"value": value}));
    }

    /// Keeps a certificate, given as PEM.
    pub(crate) fn keep_certificate(&self, name: &str, pem: &str) {
        self.keep_object("certificates", name, json!({"cer": STANDARD.encode(der(pem))}));
    }

    /// Keeps a key of the curve P-256, given as PEM of its public half, at whose end its coordinates stand.
    pub(crate) fn keep_key(&self, name: &str, pem: &str) {
        let der = der(pem);
        let coordinate = |from_end: usize| URL_SAFE_NO_PAD.encode(&der[der.len() - from_end..][..32]);
        self.keep_object("keys", name, json!({"key": {"kty": "EC", "crv": "P-256", "x": coordinate(64), "y": coordinate(32)}}));
    }

    fn keep_object(&self, collection: &str, name: &str, fields: Value) {
        let kept = Kept { fields, version: random_digits(super::GUID_DIGITS) };
        self.contents(|contents| contents.objects.extend([((collection.to_owned(), name.to_owned()), kept)]));
    }

    fn contents(&self, change: impl FnOnce(&mut Contents)) {
        change(directory().vaults.get_mut(&self.name).unwrap());
    }
}

/// The bytes of the only block of a PEM file.
fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).unwrap()
}
