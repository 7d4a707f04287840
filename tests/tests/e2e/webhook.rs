//! A validating webhook on the Secrets of a connection's namespace, whose server never answers or is not there.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::kube;

/// A webhook that holds a write of the job's until it is let go, and then lets it pass: on a cluster of `scripts/cluster`, whose API server
/// reaches this process. The API server itself gives up after ten seconds, and lets the write pass as well.
pub(crate) struct Gate {
    listener: TcpListener,
    name: String,
}

impl Gate {
    /// Shuts the gate of the first namespace of connections.
    pub(crate) fn shut(bed: &Bed) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        kube::apply(&[manifest(bed, &url, &json!({"failurePolicy": "Ignore", "timeoutSeconds": 30}))]);
        let gate = Self { listener, name: name(bed) };
        let is_shut = || {
            thread::scope(|scope| {
                let probe = scope.spawn(|| kube::run(&probe(bed)));
                while !probe.is_finished() {
                    if let Ok(connection) = gate.listener.accept() {
                        drop(connection);
                        return Some(());
                    }
                    thread::sleep(Duration::from_millis(20));
                }
                None
            })
        };
        kube::wait_for("the webhook", Duration::from_secs(30), is_shut);
        gate
    }

    /// Waits until a write is held. It is let go with the connection.
    pub(crate) fn held(&self) -> TcpStream {
        kube::wait_for("a write", Duration::from_mins(1), || self.listener.accept().ok()).0
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        kube::run(&["delete", "validatingwebhookconfiguration", &self.name, "--ignore-not-found"]);
    }
}

/// Arguments of kubectl that write a Secret to the first namespace of connections, so that nothing comes of it.
pub(crate) fn probe(bed: &Bed) -> [&str; 7] {
    ["-n", bed.shop(), "create", "secret", "generic", "probe", "--dry-run=server"]
}

/// What it is called, in no namespace.
pub(crate) fn name(bed: &Bed) -> String {
    format!("e2e.{}", bed.system)
}

/// The webhook's configuration, with these fields beside its own.
pub(crate) fn manifest(bed: &Bed, url: &str, fields: &Value) -> Value {
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]});
    let mut webhook = json!({
        "name": "secrets.e2e.example", "clientConfig": {"url": url}, "rules": [rule], "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": bed.shop()}},
    });
    webhook.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (version, kind) = ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration");
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name(bed)}, "webhooks": [webhook]})
}
