//! The bodies of Secrets that the plain loop sends: the very same as the job wrote, but for the namespace's prefix.
//!
//! A file of bodies has one Secret as JSON a line, in namespaces `<prefix>-<number>`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use http::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::connection::Prepared;

/// What the job sent to make this live Secret: what it wrote, without what the API server added.
#[must_use]
pub fn body_of(live: &Value) -> Value {
    let metadata = &live["metadata"];
    let mut kept = json!({"name": metadata["name"], "namespace": metadata["namespace"]});
    for field in ["labels", "annotations"] {
        if metadata[field].is_object() {
            kept[field] = metadata[field].clone();
        }
    }
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": kept, "type": live["type"], "data": live["data"]})
}

/// The Secrets of a file of bodies, the first `count` of them, in namespaces of another prefix.
///
/// # Errors
/// If the file cannot be read, or has fewer.
pub fn read(path: &Path, count: usize, prefix: &str) -> Result<Vec<Value>> {
    let failed = || format!("failed to read bodies from {}", path.display());
    let text = fs::read_to_string(path).with_context(failed)?;
    let mut bodies = Vec::with_capacity(count);
    for line in text.lines().take(count) {
        let mut body: Value = serde_json::from_str(line).with_context(failed)?;
        body["metadata"]["namespace"] = json!(moved(body["metadata"]["namespace"].as_str().unwrap_or_default(), prefix));
        bodies.push(body);
    }
    anyhow::ensure!(bodies.len() == count, "{} has {} bodies, not {count}", path.display(), bodies.len());
    Ok(bodies)
}

/// The requests that make these Secrets, or read them.
#[must_use]
pub fn requests(bodies: &[Value], method: &Method) -> Vec<Prepared> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let request = |body: &Value| {
        let collection = format!("/api/v1/namespaces/{}/secrets", text(&body["metadata"]["namespace"]));
        if *method == Method::POST {
            return Prepared { method: Method::POST, path: collection, body: Bytes::from(body.to_string()) };
        }
        Prepared { method: method.clone(), path: format!("{collection}/{}", text(&body["metadata"]["name"])), body: Bytes::new() }
    };
    bodies.iter().map(request).collect()
}

/// `<other prefix>-<number>` as `<prefix>-<number>`.
fn moved(namespace: &str, prefix: &str) -> String {
    let number = namespace.rsplit_once('-').map_or(namespace, |(_, number)| number);
    format!("{prefix}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_added_is_left_out() {
        let live = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"a": "Yg=="},
            "metadata": {"name": "x", "namespace": "p-1", "uid": "u", "resourceVersion": "7", "managedFields": [], "labels": {"l": "m"}},
        });
        let metadata = json!({"name": "x", "namespace": "p-1", "labels": {"l": "m"}});
        assert_eq!(body_of(&live), json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"a": "Yg=="}}));
    }

    #[test]
    fn a_post_goes_to_the_collection_and_a_get_to_the_object() {
        let bodies = [json!({"metadata": {"name": "x", "namespace": "p-1"}})];
        assert_eq!(requests(&bodies, &Method::POST)[0].path, "/api/v1/namespaces/p-1/secrets");
        let get = &requests(&bodies, &Method::GET)[0];
        assert_eq!((get.path.as_str(), get.body.len()), ("/api/v1/namespaces/p-1/secrets/x", 0));
    }

    #[test]
    fn only_the_prefix_of_a_namespace_changes() {
        assert_eq!(moved("ours-3-07", "raw-3"), "raw-3-07");
    }
}
