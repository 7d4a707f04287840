//! A live object, as far as it is compared, and the fingerprint by which it is.

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::ObjectKind;
use crate::names::{CONNECTION, CONNECTION_NAME, MANAGED_BY, RELEASE, RELEASE_NAMESPACE, WEBHOOK_CLIENT_ID, WEBHOOK_TENANT_ID};

/// The labels and annotations that any of our objects may have.
const LABELS: [&str; 4] = [MANAGED_BY, RELEASE, RELEASE_NAMESPACE, CONNECTION];
const ANNOTATIONS: [&str; 3] = [CONNECTION_NAME, WEBHOOK_CLIENT_ID, WEBHOOK_TENANT_ID];

/// What an object is to us, in 128 bits: of two with equal fingerprints, neither needs a write to become the other.
///
/// It is taken of credentials, too, so it has no Debug and is never written anywhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

/// A live object. What it has beyond these fields is never read. No Debug: it may hold credentials.
#[derive(Deserialize)]
pub struct Live {
    /// Its name and what belongs to that.
    pub metadata: Metadata,
    #[serde(default)]
    r#type: Value,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    spec: Value,
}

/// The metadata of a live object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Its name.
    pub name: Box<str>,
    #[serde(default)]
    labels: Map<String, Value>,
    #[serde(default)]
    annotations: Map<String, Value>,
    deletion_timestamp: Option<Value>,
}

impl Live {
    /// Its fingerprint as one of this kind; none while it is being deleted.
    #[must_use]
    pub fn fingerprint(&self, kind: ObjectKind) -> Option<Fingerprint> {
        let Metadata { labels, annotations, deletion_timestamp, .. } = &self.metadata;
        let (labels, annotations) = (|key: &str| labels.get(key), |key: &str| annotations.get(key));
        deletion_timestamp.is_none().then(|| Fingerprint::of(kind, labels, annotations, [&self.r#type, &self.data, &self.spec]))
    }
}

impl Fingerprint {
    /// Of an object as it should be.
    pub(super) fn of_manifest(kind: ObjectKind, body: &Value) -> Self {
        let of = |field: &'static str| move |key: &str| body["metadata"][field].get(key);
        Self::of(kind, of("labels"), of("annotations"), [&body["type"], &body["data"], &body["spec"]])
    }

    /// Of all that is compared: more than that for a kind which has fewer labels of ours, never less.
    fn of<'v>(
        kind: ObjectKind,
        label: impl Fn(&str) -> Option<&'v Value>,
        annotation: impl Fn(&str) -> Option<&'v Value>,
        [r#type, data, spec]: [&Value; 3],
    ) -> Self {
        let mut hash = Sha256::new();
        for value in LABELS.iter().map(|key| label(key)).chain(ANNOTATIONS.iter().map(|key| annotation(key))) {
            add(&mut hash, value);
        }
        add(&mut hash, Some(r#type));
        for field in kind.owned_fields() {
            let owned = if *field == "data" { data } else { spec };
            match owned.as_object() {
                Some(map) if !map.is_empty() => map.iter().for_each(|(key, value)| {
                    hash.update((key.len() as u64).to_le_bytes());
                    hash.update(key);
                    add(&mut hash, Some(value));
                }),
                _ => add(&mut hash, None),
            }
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        Self(first)
    }
}

/// Adds a value, with its length before it.
fn add(hash: &mut Sha256, value: Option<&Value>) {
    match value {
        None | Some(Value::Null) => hash.update([0]),
        Some(Value::String(text)) => {
            hash.update([1]);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        Some(other) => {
            let text = other.to_string();
            hash.update([2]);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
}
