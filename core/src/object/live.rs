//! A live object, as far as it is compared, and the fingerprint by which it is.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Manifest, ObjectKind};
use crate::names::{CONNECTION, CONNECTION_NAME, CSI_USED, MANAGED_BY, RELEASE, RELEASE_NAMESPACE, WEBHOOK_CLIENT_ID, WEBHOOK_TENANT_ID};

/// The labels and annotations that any of our objects may have.
const LABELS: [&str; 5] = [MANAGED_BY, RELEASE, RELEASE_NAMESPACE, CONNECTION, CSI_USED];
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
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
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
    pub(super) fn of_manifest(Manifest { of, metadata, content, .. }: &Manifest) -> Self {
        let (labels, annotations) = (|key: &str| metadata.labels.get(key), |key: &str| metadata.annotations.get(key));
        Self::of(*of, labels, annotations, [&content.r#type, &content.data, &content.spec])
    }

    /// Of all that is compared: more than that for a kind which has fewer labels of ours, never less.
    fn of<'v>(
        kind: ObjectKind,
        label: impl Fn(&str) -> Option<&'v String>,
        annotation: impl Fn(&str) -> Option<&'v String>,
        [r#type, data, spec]: [&Value; 3],
    ) -> Self {
        let mut hash = Sha256::new();
        for text in LABELS.iter().map(|key| label(key)).chain(ANNOTATIONS.iter().map(|key| annotation(key))) {
            match text {
                None => hash.update([ABSENT]),
                Some(text) => add(&mut hash, TEXT, text),
            }
        }
        add_value(&mut hash, r#type);
        if let Some(field) = kind.owned_field() {
            match if field == "data" { data } else { spec } {
                Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, value)| {
                    add(&mut hash, KEY, key);
                    add_value(&mut hash, value);
                }),
                _ => hash.update([ABSENT]),
            }
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        Self(first)
    }
}

/// What stands before each part of what is hashed, so that no two objects give the same bytes.
const ABSENT: u8 = 0;
const TEXT: u8 = 1;
const TREE: u8 = 2;
const KEY: u8 = 3;

fn add_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update([ABSENT]),
        Value::String(text) => add(hash, TEXT, text),
        tree => add(hash, TREE, &tree.to_string()),
    }
}

/// Adds a text, with what it is and its length before it.
fn add(hash: &mut Sha256, what: u8, text: &str) {
    hash.update([what]);
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}
