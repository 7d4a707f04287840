//! The Lease `sc-job` held by somebody, so that a run stands where it would begin to read and write.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use sc_tests::helm::Answer;
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::kube;

const HOLDER: &str = "somebody";
/// A run takes the Lease of a holder that is silent for 30 s.
const RENEW_EVERY: Duration = Duration::from_secs(8);

/// The Lease of a release, until this is released or dropped.
pub(crate) struct Held {
    namespace: String,
    _until: Sender<()>,
}

impl Held {
    /// Takes the Lease, whoever has it.
    pub(crate) fn by_somebody(bed: &Bed) -> Self {
        let spec = json!({"holderIdentity": HOLDER, "leaseTransitions": 0});
        if kube::get(&bed.system, "lease", "sc-job").is_some() {
            let patch = json!({"spec": spec}).to_string();
            kube::kubectl(&["-n", &bed.system, "patch", "lease", "sc-job", "--type=merge", "-p", &patch]);
        } else {
            let metadata = json!({"namespace": bed.system, "name": "sc-job"});
            kube::apply(&[json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})]);
        }
        let (until, ended) = channel();
        let namespace = bed.system.clone();
        thread::spawn(move || renew(&namespace, &ended));
        Self { namespace: bed.system.clone(), _until: until }
    }

    /// Lets the runs go on. Panics if one of them has taken the Lease before.
    pub(crate) fn release(self) {
        self.pass_to("");
    }

    /// Lets the run of this pod go on, and after it the others.
    pub(crate) fn pass_to(self, pod_uid: &str) {
        let passed = pass_on(&self.namespace, pod_uid);
        assert!(passed.is_ok, "the Lease was not held any more: {}", passed.errors);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        pass_on(&self.namespace, "");
    }
}

fn renew(namespace: &str, ended: &Receiver<()>) {
    let mut times = 0;
    while ended.recv_timeout(RENEW_EVERY) == Err(RecvTimeoutError::Timeout) {
        times += 1;
        patch(namespace, &json!({"op": "replace", "path": "/spec/leaseTransitions", "value": times}));
    }
}

fn pass_on(namespace: &str, holder: &str) -> Answer {
    patch(namespace, &json!({"op": "replace", "path": "/spec/holderIdentity", "value": holder}))
}

/// Changes the Lease, if it is still held so.
fn patch(namespace: &str, operation: &Value) -> Answer {
    let operations = json!([{"op": "test", "path": "/spec/holderIdentity", "value": HOLDER}, operation]).to_string();
    kube::run(&["-n", namespace, "patch", "lease", "sc-job", "--type=json", "-p", &operations])
}
