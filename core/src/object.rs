//! Kubernetes objects: which kinds the job writes, what it sends, and how the live object compares.

mod live;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use live::{Fingerprint, Live};

use crate::names::{self, Namespace, Release, WEBHOOK_CLIENT_ID, WEBHOOK_TENANT_ID};

const ANNOTATIONS: &str = "annotations";

/// The kinds of objects that the job writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A ServiceAccount of the core group.
    ServiceAccount,
    /// A Secret of the core group, with variables.
    Secret,
    /// A Secret of the core group, as servicebinding.io lays it out: its type differs, and a Secret's type cannot change.
    Binding,
    /// A Secret of the core group by which the CSI provider logs in: no pod gets it as variables.
    VaultLogin,
    /// A `SecretProviderClass` of the Secrets Store CSI driver.
    SecretProviderClass,
}

impl ObjectKind {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::ServiceAccount, Self::Secret, Self::Binding, Self::VaultLogin, Self::SecretProviderClass];

    /// The kind, as manifests spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Secret | Self::Binding | Self::VaultLogin => "Secret",
            Self::SecretProviderClass => "SecretProviderClass",
        }
    }

    /// Group and version, as manifests spell them.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::ServiceAccount | Self::Secret | Self::Binding | Self::VaultLogin => "v1",
            Self::SecretProviderClass => "secrets-store.csi.x-k8s.io/v1",
        }
    }

    /// The resource, as paths and Roles spell it.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::ServiceAccount => "serviceaccounts",
            Self::Secret | Self::Binding | Self::VaultLogin => "secrets",
            Self::SecretProviderClass => "secretproviderclasses",
        }
    }

    /// The annotations that nobody else may set: one that should not be there is drift.
    fn owned_annotations(self) -> &'static [&'static str] {
        match self {
            Self::ServiceAccount => &[WEBHOOK_CLIENT_ID, WEBHOOK_TENANT_ID],
            Self::Secret | Self::Binding | Self::VaultLogin | Self::SecretProviderClass => &[],
        }
    }

    /// The top-level field that is wholly ours: any difference in it is drift.
    fn owned_field(self) -> Option<&'static str> {
        match self {
            Self::ServiceAccount => None,
            Self::Secret | Self::Binding | Self::VaultLogin => Some("data"),
            Self::SecretProviderClass => Some("spec"),
        }
    }
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name.
    pub name: Box<str>,
}

impl ObjectId {
    /// Its path in a text: `shop/secrets/sc-orders-secret`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}/{}", self.namespace, self.kind.plural(), self.name)
    }

    /// The object of a path, if its name is one that the job gives.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.splitn(3, '/');
        let (namespace, plural, name) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = ObjectKind::ALL.into_iter().find(|kind| kind.plural() == plural && names::has_form(*kind, name))?;
        Some(Self { namespace: Namespace::parse(namespace).ok()?, kind, name: name.into() })
    }

    /// The command that deletes it by hand, and nothing if by then it is not this release's.
    #[must_use]
    pub fn deletion(&self, release: &Release) -> String {
        let (namespace, kind) = (&self.namespace, self.kind.name().to_lowercase());
        format!("kubectl -n {namespace} delete {kind} -l {} --field-selector metadata.name={}", release.selector(), self.name)
    }

    /// The object that such a command deletes.
    #[must_use]
    pub fn of_deletion(command: &str) -> Option<Self> {
        let words: Vec<&str> = command.split(' ').collect();
        let (["kubectl", "-n", namespace, "delete", kind, ..], [.., last]) = (words.as_slice(), words.as_slice()) else { return None };
        let name = last.rsplit('=').next()?;
        let kind = ObjectKind::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(kind) && names::has_form(*known, name))?;
        Some(Self { namespace: Namespace::parse(namespace).ok()?, kind, name: name.into() })
    }
}

/// What may be done about a live object that should be gone.
pub enum Removal {
    /// It is ours: the body of a DELETE that fails if it has changed since, or is another one by then.
    Delete {
        /// DeleteOptions with preconditions.
        body: Vec<u8>,
    },
    /// It is not ours.
    NotOurs,
}

impl Removal {
    /// What may be done about this live object.
    #[must_use]
    pub fn of(live: &Value, release: &Release) -> Self {
        if !release.owns(&live["metadata"]["labels"]) {
            return Self::NotOurs;
        }
        let preconditions = json!({"uid": live["metadata"]["uid"], "resourceVersion": live["metadata"]["resourceVersion"]});
        Self::Delete { body: json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}).to_string().into_bytes() }
    }
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind.name(), self.namespace, self.name)
    }
}

/// An object as it should be. It may hold credentials, so it has no Debug and no Display.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    #[serde(skip)]
    of: ObjectKind,
    api_version: &'static str,
    kind: &'static str,
    metadata: OwnMetadata,
    #[serde(flatten)]
    content: Content,
}

/// The metadata that an object should have. No other labels and annotations than these are ours.
#[derive(Clone, Serialize)]
struct OwnMetadata {
    namespace: Namespace,
    name: Box<str>,
    labels: Texts,
    annotations: Texts,
}

/// Labels or annotations, by name.
pub type Texts = BTreeMap<&'static str, String>;

/// What an object has beside its metadata; null is what its kind has not.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Content {
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) r#type: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) data: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) spec: Value,
}

/// What is to be done about a live object.
pub enum Decision {
    /// It is as it should be.
    Unchanged,
    /// It is to be replaced; the body carries the resourceVersion that was seen.
    Update {
        /// The whole object to PUT.
        body: Vec<u8>,
        /// What changes, without any value.
        changes: Vec<Change>,
    },
    /// It is not ours.
    NotOurs,
    /// It is a Secret of another type, which Kubernetes never changes.
    OtherType {
        /// Whether it is not ours either.
        is_strangers: bool,
    },
}

/// One difference between the live object and the desired one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A key of `data` that is new.
    Added(String),
    /// A key of `data` whose value differs.
    Changed(String),
    /// A key of `data` that does not belong there.
    Removed(String),
    /// Labels or annotations, or for other kinds the named field.
    Field(&'static str),
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(key) => write!(f, "+{key}"),
            Self::Changed(key) => write!(f, "~{key}"),
            Self::Removed(key) => write!(f, "-{key}"),
            Self::Field(field) => write!(f, "~{field}"),
        }
    }
}

impl Manifest {
    /// The manifest of an object.
    pub(crate) fn new(id: &ObjectId, labels: Texts, annotations: Texts, content: Content) -> Self {
        let ObjectId { namespace, kind, name } = id.clone();
        let metadata = OwnMetadata { namespace, name, labels, annotations };
        Self { of: kind, api_version: kind.api_version(), kind: kind.name(), metadata, content }
    }

    /// The body of a POST.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// How it should be.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_manifest(self)
    }

    /// The keys that its data would add to nothing; none for kinds without data.
    #[must_use]
    pub fn additions(&self) -> Vec<Change> {
        key_changes(&self.content.data, &Value::Null)
    }

    /// Compares with the live object. Foreign labels and annotations are kept; what is ours must be as it should.
    #[must_use]
    pub fn compare(&self, live: Value, release: &Release, adopt: bool) -> Decision {
        let is_strangers = !release.owns(&live["metadata"]["labels"]);
        if is_strangers && !adopt {
            return Decision::NotOurs;
        }
        if !self.content.r#type.is_null() && self.content.r#type != live["type"] {
            return Decision::OtherType { is_strangers };
        }
        let changes = self.changes(&live);
        if changes.is_empty() { Decision::Unchanged } else { Decision::Update { body: self.merged(live), changes } }
    }

    fn changes(&self, live: &Value) -> Vec<Change> {
        let mut changes = Vec::new();
        for (field, ours) in self.texts() {
            let differs = ours.iter().any(|(key, text)| live["metadata"][field][key] != text.as_str());
            if differs || field == ANNOTATIONS && self.foreign(live).next().is_some() {
                changes.push(Change::Field(field));
            }
        }
        match self.of.owned_field() {
            Some("data") => changes.extend(key_changes(&self.content.data, &live["data"])),
            Some(field) if self.content.of(field) != &live[field] => changes.push(Change::Field(field)),
            _ => {}
        }
        changes
    }

    fn texts(&self) -> [(&'static str, &Texts); 2] {
        [("labels", &self.metadata.labels), (ANNOTATIONS, &self.metadata.annotations)]
    }

    /// The annotations that are ours alone, and that stand on the live object although they should not.
    fn foreign(&self, live: &Value) -> impl Iterator<Item = &'static str> {
        let stands = |key: &&str| !live["metadata"][ANNOTATIONS][*key].is_null() && !self.metadata.annotations.contains_key(*key);
        self.of.owned_annotations().iter().copied().filter(stands)
    }

    /// The live object with all of ours in it.
    fn merged(&self, mut live: Value) -> Vec<u8> {
        for key in self.foreign(&live).collect::<Vec<_>>() {
            live["metadata"][ANNOTATIONS].as_object_mut().map(|map| map.remove(key));
        }
        for (field, ours) in self.texts() {
            for (key, text) in ours {
                live["metadata"][field][key] = text.as_str().into();
            }
        }
        if let Some(field) = self.of.owned_field() {
            live[field] = self.content.of(field).clone();
        }
        if let Some(metadata) = live["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        live.to_string().into_bytes()
    }
}

impl Content {
    /// The field of this name.
    fn of(&self, field: &str) -> &Value {
        if field == "data" { &self.data } else { &self.spec }
    }
}

fn key_changes(desired: &Value, live: &Value) -> Vec<Change> {
    let none = Map::new();
    let (desired, live) = (desired.as_object().unwrap_or(&none), live.as_object().unwrap_or(&none));
    let wanted = desired.iter().filter_map(|(key, value)| match live.get(key) {
        None => Some(Change::Added(key.clone())),
        Some(found) if found != value => Some(Change::Changed(key.clone())),
        Some(_) => None,
    });
    let needless = live.keys().filter(|key| !desired.contains_key(*key)).map(|key| Change::Removed(key.clone()));
    wanted.chain(needless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> Release {
        Release { name: "sc".into(), namespace: "sc-system".into() }
    }

    fn manifest() -> Manifest {
        let id = ObjectId { namespace: Namespace::parse("shop").unwrap(), kind: ObjectKind::Secret, name: "sc-a-secret".into() };
        let content = Content { r#type: json!("Opaque"), data: json!({"A": "YQ=="}), spec: Value::Null };
        Manifest::new(&id, release().labels(None), Texts::new(), content)
    }

    fn live() -> Value {
        let mut live: Value = serde_json::from_slice(&manifest().to_bytes()).unwrap();
        live["metadata"]["resourceVersion"] = json!("7");
        live["metadata"]["managedFields"] = json!([1]);
        live["metadata"]["labels"]["team"] = json!("shop");
        live
    }

    fn update(live: Value, adopt: bool) -> (Value, Vec<Change>) {
        match manifest().compare(live, &release(), adopt) {
            Decision::Update { body, changes } => (serde_json::from_slice(&body).unwrap(), changes),
            Decision::Unchanged => panic!("nothing to change"),
            Decision::NotOurs | Decision::OtherType { .. } => panic!("refused"),
        }
    }

    #[test]
    fn an_object_as_it_should_be_stays() {
        assert!(matches!(manifest().compare(live(), &release(), false), Decision::Unchanged));
    }

    #[test]
    fn a_strangers_object_is_refused_and_adopted_on_request() {
        let mut stranger = live();
        stranger["metadata"]["labels"] = json!({"team": "shop"});
        assert!(matches!(manifest().compare(stranger.clone(), &release(), false), Decision::NotOurs));
        let (body, changes) = update(stranger, true);
        assert!(release().owns(&body["metadata"]["labels"]));
        assert_eq!(changes, [Change::Field("labels")]);
    }

    #[test]
    fn an_object_of_another_release_is_a_strangers() {
        for label in [crate::names::RELEASE, crate::names::RELEASE_NAMESPACE, crate::names::MANAGED_BY] {
            let mut other = live();
            other["metadata"]["labels"][label] = json!("other");
            assert!(matches!(manifest().compare(other, &release(), false), Decision::NotOurs), "{label}");
        }
    }

    #[test]
    fn a_secret_of_another_type_is_refused_even_when_adopted() {
        let mut other = live();
        other["type"] = json!("kubernetes.io/tls");
        assert!(matches!(manifest().compare(other.clone(), &release(), false), Decision::OtherType { is_strangers: false }));
        other["metadata"]["labels"] = json!({"team": "shop"});
        assert!(matches!(manifest().compare(other, &release(), true), Decision::OtherType { is_strangers: true }));
    }

    #[test]
    fn drift_in_data_is_put_back_and_foreign_labels_stay() {
        let mut drifted = live();
        drifted["data"] = json!({"A": "Yg==", "B": "Yg=="});
        let (body, changes) = update(drifted, false);
        assert_eq!(changes, [Change::Changed("A".into()), Change::Removed("B".into())]);
        assert_eq!(body["data"], json!({"A": "YQ=="}));
        assert_eq!(body["metadata"]["labels"]["team"], "shop");
        assert_eq!(body["metadata"]["resourceVersion"], "7");
        assert!(body["metadata"].get("managedFields").is_none());
    }

    #[test]
    fn a_tenant_that_was_taken_out_goes_and_a_foreign_annotation_stays() {
        let id = ObjectId { namespace: Namespace::parse("shop").unwrap(), kind: ObjectKind::ServiceAccount, name: "sc-account-x".into() };
        let manifest = Manifest::new(&id, release().labels(None), Texts::from([(WEBHOOK_CLIENT_ID, "x".to_owned())]), Content::default());
        let mut live: Value = serde_json::from_slice(&manifest.to_bytes()).unwrap();
        live["metadata"]["annotations"]["team"] = json!("shop");
        assert!(matches!(manifest.compare(live.clone(), &release(), false), Decision::Unchanged));
        live["metadata"]["annotations"][WEBHOOK_TENANT_ID] = json!("old");
        let Decision::Update { body, changes } = manifest.compare(live, &release(), false) else { panic!("not seen") };
        assert_eq!(changes, [Change::Field("annotations")]);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["metadata"]["annotations"], json!({WEBHOOK_CLIENT_ID: "x", "team": "shop"}));
    }

    #[test]
    fn an_object_without_data_gets_it_all() {
        let mut empty = live();
        empty.as_object_mut().unwrap().remove("data");
        assert_eq!(update(empty, false).1, [Change::Added("A".into())]);
    }
}
