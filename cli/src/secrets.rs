//! The Secrets that credentials refer to, from manifests in files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Unread};
use sc_core::credential::{Referenced, References};
use sc_core::problem::{At, Kind, Problems};
use serde_json::{Map, Value, json};

use crate::input;

/// What stands for a credential that will be hidden: a text that every grammar can carry.
const STAND_IN: &str = "x";

/// The data of Secrets, by name. No Debug: it holds credentials.
#[derive(Default)]
pub(crate) struct Secrets(BTreeMap<String, Map<String, Value>>);

impl Secrets {
    /// Reads the Secrets of a namespace from files of manifests. A file that is not YAML becomes a problem.
    pub(crate) fn read(files: &[PathBuf], namespace: &str, problems: &mut Problems) -> Result<Self> {
        let mut secrets = Self::default();
        for file in files {
            let bytes = input::read(file)?;
            match documents(&bytes) {
                Ok(documents) => documents.iter().for_each(|document| secrets.add(document, namespace)),
                Err(place) => problems.add(&place_of(file), unreadable(place)),
            }
        }
        Ok(secrets)
    }

    /// Adds a Secret of this namespace, or those of a list. A manifest without a namespace goes where it is applied to, so it counts.
    fn add(&mut self, manifest: &Value, namespace: &str) {
        let items = manifest["items"].as_array().into_iter().flatten();
        items.for_each(|item| self.add(item, namespace));
        let is_here = manifest["metadata"]["namespace"].as_str().is_none_or(|found| found == namespace);
        if manifest["kind"] != "Secret" || manifest["apiVersion"] != "v1" || !is_here {
            return;
        }
        if let Some(name) = manifest["metadata"]["name"].as_str() {
            self.0.insert(name.to_owned(), data(manifest));
        }
    }

    /// Puts a stand-in in the place of each credential that these connections refer to and no file has.
    pub(crate) fn stand_in(&mut self, connections: &[Connection]) {
        let mut stand_ins: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for reference in connections.iter().flat_map(Connection::references) {
            stand_ins.entry(reference.name.clone()).or_default().insert(reference.key.clone(), encoded(STAND_IN));
        }
        for (name, data) in stand_ins {
            self.0.entry(name).or_insert(data);
        }
    }

    /// The document of a connection set.
    pub(crate) fn document(&self, set: &ConnectionSet) -> Result<Vec<u8>, Unread> {
        let data = self.0.get(&set.secret).ok_or(Unread::Absent)?;
        sc_core::document::of_secret(&json!({"data": data}), ConnectionSet::KEY).ok_or(Unread::Keyless)
    }

    /// As core takes them.
    pub(crate) fn references(self) -> References {
        let mut references = References::default();
        for (name, data) in self.0 {
            references.insert(name, Referenced::of(&json!({"data": data})));
        }
        references
    }
}

/// `data`, and over it `stringData`, as the API server merges them.
fn data(manifest: &Value) -> Map<String, Value> {
    let mut data = manifest["data"].as_object().cloned().unwrap_or_default();
    for (key, value) in manifest["stringData"].as_object().into_iter().flatten() {
        data.insert(key.clone(), value.as_str().map_or(Value::Null, encoded));
    }
    data
}

fn encoded(text: &str) -> Value {
    Value::String(STANDARD.encode(text))
}

/// The documents of a file, or where it is not YAML. The parser's own message is not shown: it could quote a credential.
fn documents(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let options = serde_yaml::options! { with_snippet: false, strict_booleans: false };
    serde_yaml::from_slice_multiple_with_options(bytes, options)
        .map_err(|error| error.location().map_or_else(String::new, |place| format!(" (line {}, column {})", place.line(), place.column())))
}

fn place_of(file: &Path) -> At {
    At::top().field(&input::name(file))
}

fn unreadable(place: String) -> Kind {
    let fix = "give manifests of Secrets, as `kubectl get secret` prints them with `-o yaml`";
    Kind::Unreadable { expected: "valid YAML", place, fix }
}
