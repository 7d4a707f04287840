//! The values: what the user wrote and the chart handed over, read field by field but not yet understood.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;
use serde_json::Value;

use crate::catalogue::{Catalogue, Compatibility};
use crate::cloud::Cloud;
use crate::connections::ConnectionSet;
use crate::credential::{Credential, SecretKeyRef, Source};
use crate::document;
use crate::fields::{Fields, wrong_shape};
use crate::names::{is_key, is_subdomain};
use crate::problem::{At, Choice, Kind, Problem, Problems, Word};

/// The fields of the values that only the chart reads.
const CHART_ONLY: [&str; 7] = ["global", "namespaces", "driftRepair", "cleanup", "admissionPolicy", "image", "job"];

/// The values, as written.
#[derive(Default)]
pub struct Values {
    /// The connections, in the order of the document.
    pub connections: Vec<Entry>,
    /// Where there are more.
    pub connection_sets: Vec<ConnectionSet>,
    /// What holds for all of them.
    pub settings: Settings,
}

/// What holds for all connections.
#[derive(Debug, Default)]
pub struct Settings {
    /// The built-in target services and those of `targetServices`.
    pub catalogue: Catalogue,
    /// `cloud`
    pub cloud: Cloud,
    /// `compatibility`
    pub compatibility: Compatibility,
}

/// A connection as written: every field is there or not, none has been checked against another. No Debug: it holds all that was written.
pub struct Entry {
    /// Its place in the document.
    pub at: At,
    /// Whether each field has the form that it should have.
    pub is_clean: bool,
    /// `name`
    pub name: Option<String>,
    /// `namespace`
    pub namespace: Option<String>,
    /// `targetService`
    pub target_service: Option<String>,
    /// `authType`
    pub auth_type: Option<String>,
    /// `clientType`
    pub client_type: Option<String>,
    /// `target`
    pub target: BTreeMap<String, String>,
    /// `credentials`
    pub credentials: Credentials,
    /// `customizedKeys`
    pub customized_keys: BTreeMap<String, String>,
    /// `additionalConnectionStringProperties`
    pub properties: BTreeMap<String, String>,
    /// `additionalConfigurations`
    pub additional: BTreeMap<String, String>,
    /// `secrets`
    pub vault_objects: Vec<VaultObject>,
    /// `login`
    pub vault_login: Option<VaultLogin>,
    /// `syncSecret`
    pub sync_secret: Option<String>,
    /// `adopt`
    pub adopt: bool,
    /// `state`
    pub state: State,
    /// `deletionPolicy`
    pub deletion_policy: DeletionPolicy,
    /// `compatibility`, where it differs from that of all.
    pub compatibility: Option<Compatibility>,
    /// `format`
    pub format: Format,
}

/// Which Secrets a connection gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// One with its variables, for `envFrom`. `optOut: [configuration]` takes it away.
    pub env: bool,
    /// One as servicebinding.io lays it out.
    pub servicebinding: bool,
}

/// Whether the objects of a connection should be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// They should.
    #[default]
    Present,
    /// They should not: what this connection made is deleted.
    Absent,
}

/// What becomes of an object that no connection asks for any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeletionPolicy {
    /// It stays, as Azure documents it.
    #[default]
    Retain,
    /// It is deleted.
    Delete,
}

impl DeletionPolicy {
    /// Both, as values spell them.
    pub const ALL: [(&'static str, Self); 2] = [("Retain", Self::Retain), ("Delete", Self::Delete)];

    /// The policy, as values spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retain => "Retain",
            Self::Delete => "Delete",
        }
    }
}

/// As whom the CSI provider logs in to a vault: its identity access modes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VaultLogin {
    /// As a managed identity of the nodes, such as that of the add-on.
    #[default]
    ManagedIdentity,
    /// As an identity that trusts the ServiceAccount of the pod.
    WorkloadIdentity,
    /// As a service principal, by its client secret.
    ServicePrincipal,
}

impl VaultLogin {
    /// All of them, as values spell them.
    pub const ALL: [(&'static str, Self); 3] =
        [("managed-identity", Self::ManagedIdentity), ("workload-identity", Self::WorkloadIdentity), ("service-principal", Self::ServicePrincipal)];
}

/// The credentials of an entry.
#[derive(Debug, Default)]
pub struct Credentials {
    /// Where each of them is.
    pub sources: BTreeMap<Credential, Source>,
    /// Those that stand there in no form of a credential, which has been noted: they are not missing.
    pub malformed: BTreeSet<Credential>,
}

/// What a SecretProviderClass fetches from a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultObject {
    /// Its place in the document.
    pub at: At,
    /// Its name in the vault.
    pub name: String,
    /// The name of the file that it becomes.
    pub alias: Option<String>,
    /// `secret`, `key` or `cert`.
    pub kind: String,
}

impl VaultObject {
    /// The file that it becomes, and its key in a Secret.
    pub(crate) fn file(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

impl Values {
    /// Reads a document. Problems of single connections are added to `problems`; their entries say that they are not clean.
    ///
    /// # Errors
    /// If the document cannot be read at all, so that nothing of it may be used.
    pub fn parse(bytes: &[u8], problems: &mut Problems) -> Result<Self, Problem> {
        let unreadable = |kind| Problem { at: At::top(), kind: Box::new(kind) };
        let tree = document::parse(bytes).map_err(unreadable)?;
        if !tree.is_object() {
            return Err(unreadable(wrong_shape(&tree, "a mapping", "write the values as `connections:` and a list")));
        }
        let Some(mut fields) = Fields::of(tree, At::top(), problems) else { return Ok(Self::default()) };
        for name in CHART_ONLY {
            fields.take(name);
        }
        let settings = Settings::parse(&mut fields);
        let mut list = fields.list("connections");
        if let Some(text) = fields.text("connectionsDocument").filter(|text| !text.is_empty()) {
            let at = fields.at().field("connectionsDocument");
            list.extend(connections_of(text.as_bytes(), &at, fields.problems()).map_err(|kind| Problem { at, kind: Box::new(kind) })?);
        }
        let connections = list.into_iter().filter_map(|(at, item)| Entry::parse(item, at, fields.problems())).collect();
        let sets = fields.list("connectionSets");
        let connection_sets = ConnectionSet::parse_all(sets, fields.problems());
        fields.finish();
        Ok(Self { connections, connection_sets, settings })
    }
}

/// The connections of a document that has nothing else: a list, or a mapping with nothing but `connections`.
pub(crate) fn connections_of(bytes: &[u8], at: &At, problems: &mut Problems) -> Result<Vec<(At, Value)>, Kind> {
    match document::parse(bytes)? {
        Value::Array(items) => Ok(items.into_iter().enumerate().map(|(index, item)| (at.item(index), item)).collect()),
        tree @ Value::Object(_) => {
            let Some(mut fields) = Fields::of(tree, at.clone(), problems) else { return Ok(Vec::new()) };
            let list = fields.list("connections");
            fields.finish();
            Ok(list)
        }
        other => Err(wrong_shape(&other, "a list of connections", "write it as under `connections`, as one YAML or JSON text")),
    }
}

impl Settings {
    fn parse(fields: &mut Fields<'_>) -> Self {
        let at = fields.at().field("cloud");
        let cloud = fields.take("cloud");
        let mut settings = Self {
            catalogue: Catalogue::builtin(),
            cloud: Cloud::parse(cloud, &at, fields.problems()),
            compatibility: compatibility(fields).unwrap_or_default(),
        };
        let own = fields.list("targetServices");
        settings.catalogue.extend(own, fields.problems());
        settings
    }
}

fn compatibility(fields: &mut Fields<'_>) -> Option<Compatibility> {
    word(fields, "compatibility", Compatibility::ALL)
}

/// What the word in this field stands for.
fn word<T, const N: usize>(fields: &mut Fields<'_>, name: &'static str, known: [(&'static str, T); N]) -> Option<T> {
    let given = fields.text(name)?;
    let choice = Choice::of(&given, known.iter().map(|(word, _)| *word));
    let found = known.into_iter().find_map(|(word, meaning)| (word == given).then_some(meaning));
    if found.is_none() {
        let at = fields.at().field(name);
        fields.problems().add(&at, Kind::UnknownWord { what: name, given: Word::new(given), list: "one that there is".into(), choice });
    }
    found
}

/// A list of words out of a few, as truth values in their order.
fn words<const N: usize>(fields: &mut Fields<'_>, name: &'static str, known: [&'static str; N]) -> Option<[bool; N]> {
    let list = fields.list(name);
    if list.is_empty() {
        return None;
    }
    let mut found = [false; N];
    for (at, item) in list {
        let given = item.as_str().unwrap_or_default();
        if let Some(index) = known.iter().position(|known| *known == given) {
            found[index] = true;
        } else {
            let kind =
                Kind::UnknownWord { what: "word", given: Word::new(given), list: format!("one of `{name}`"), choice: Choice::of(given, known) };
            fields.problems().add(&at, kind);
        }
    }
    Some(found)
}

impl Entry {
    pub(crate) fn parse(item: Value, at: At, problems: &mut Problems) -> Option<Self> {
        let before = problems.len();
        let mut fields = Fields::of(item, at, problems)?;
        let mut entry = Self {
            at: fields.at().clone(),
            is_clean: true,
            name: fields.required("name", "letters, digits, `.`, `_` or `-`"),
            namespace: fields.text("namespace"),
            target_service: fields.required("targetService", "a name in the catalogue, such as `postgres-flexible`"),
            auth_type: fields.required("authType", "one of secret, service-principal, workload-identity, csi"),
            client_type: fields.text("clientType"),
            target: fields.texts_or_numbers("target"),
            credentials: credentials(&mut fields),
            customized_keys: fields.texts("customizedKeys"),
            properties: fields.texts("additionalConnectionStringProperties"),
            additional: fields.texts("additionalConfigurations"),
            vault_objects: vault_objects(&mut fields),
            vault_login: word(&mut fields, "login", VaultLogin::ALL),
            sync_secret: fields.text("syncSecret"),
            adopt: fields.flag("adopt").unwrap_or(false),
            state: word(&mut fields, "state", [("present", State::Present), ("absent", State::Absent)]).unwrap_or_default(),
            deletion_policy: word(&mut fields, "deletionPolicy", DeletionPolicy::ALL).unwrap_or_default(),
            compatibility: compatibility(&mut fields),
            format: format(&mut fields),
        };
        fields.finish();
        entry.is_clean = problems.len() == before;
        Some(entry)
    }
}

fn format(fields: &mut Fields<'_>) -> Format {
    let [env, servicebinding] = words(fields, "format", ["env", "servicebinding"]).unwrap_or([true, false]);
    let [is_opted_out] = words(fields, "optOut", ["configuration"]).unwrap_or([false]);
    Format { env: env && !is_opted_out, servicebinding }
}

fn credentials(fields: &mut Fields<'_>) -> Credentials {
    let at = fields.at().field("credentials");
    let mut credentials = Credentials::default();
    let before = fields.problems().len();
    let map = fields.map("credentials");
    if fields.problems().len() > before {
        credentials.malformed.extend(Credential::ALL);
    }
    for (name, value) in map.into_iter().filter(|(_, value)| !value.is_null()) {
        let Some(credential) = Credential::named(&name) else {
            // The key itself is not shown: somebody may have written the credential where its name belongs.
            let choice = Choice::of(&name, Credential::ALL.map(Credential::name));
            fields.problems().add(&at, Kind::NeedlessCredential { choice });
            continue;
        };
        match source(value, &at.field(&name), fields.problems()) {
            Some(source) => drop(credentials.sources.insert(credential, source)),
            None => drop(credentials.malformed.insert(credential)),
        }
    }
    credentials
}

fn source(value: Value, at: &At, problems: &mut Problems) -> Option<Source> {
    match value {
        Value::String(text) if text.is_empty() => {
            let credential = at.last().to_owned();
            problems.add(at, Kind::EmptyCredential { credential });
            None
        }
        Value::String(text) => Some(Source::Literal(SecretString::from(text))),
        Value::Object(_) => reference(value, at, problems).map(Source::Reference),
        other => {
            let fix = "write a text in quotes, or `{secretKeyRef: {name: …, key: …}}`";
            problems.add(at, wrong_shape(&other, "a text or a reference", fix));
            None
        }
    }
}

fn reference(value: Value, at: &At, problems: &mut Problems) -> Option<SecretKeyRef> {
    let mut outer = Fields::of(value, at.clone(), problems)?;
    let Some(inner) = outer.take("secretKeyRef") else {
        let meaning = "`{name: …, key: …}` of a Secret in the namespace of the release";
        outer.problems().add(at, Kind::MissingField { field: "secretKeyRef", meaning });
        return None;
    };
    outer.finish_hidden();
    let mut inner = Fields::of(inner, at.field("secretKeyRef"), problems)?;
    let name = inner.required("name", "the name of a Secret in the namespace of the release");
    let key = inner.required("key", "a key of that Secret");
    inner.finish_hidden();
    let (name, key) = name.zip(key)?;
    check_reference(&name, &key, at, problems).then_some(SecretKeyRef { name, key })
}

fn check_reference(name: &str, key: &str, at: &At, problems: &mut Problems) -> bool {
    let name_is_good = is_subdomain(name);
    if !name_is_good {
        let rule = "the name of a Secret has a-z, 0-9, `-` and `.`, at most 253 of them";
        problems.add(&at.field("secretKeyRef.name"), Kind::InvalidName { what: "Secret name", given: Word::new(name), rule });
    }
    let key_is_good = is_key(key);
    if !key_is_good {
        let rule = "the key of a Secret has letters, digits, `-`, `_` and `.`, at most 253 of them";
        problems.add(&at.field("secretKeyRef.key"), Kind::InvalidName { what: "key", given: Word::new(key), rule });
    }
    name_is_good && key_is_good
}

fn vault_objects(fields: &mut Fields<'_>) -> Vec<VaultObject> {
    let list = fields.list("secrets");
    list.into_iter().filter_map(|(at, item)| vault_object(item, at, fields.problems())).collect()
}

fn vault_object(item: Value, at: At, problems: &mut Problems) -> Option<VaultObject> {
    let mut fields = Fields::of(item, at.clone(), problems)?;
    let name = fields.required("name", "the object's name in the vault");
    let alias = fields.text("as");
    let kind = fields.text("type").unwrap_or_else(|| "secret".to_owned());
    fields.finish();
    Some(VaultObject { at, name: name?, alias, kind })
}
