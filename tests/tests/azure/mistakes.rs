//! The usual mistakes about identities and vaults, on a cluster with the parts of others: each is made, `sc doctor` finds it, and the command that it prints
//! is run; what that does in Azure, the test does in the stand-in.

mod identity;
mod key_vault;
mod refusals;

use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::kube;
use crate::session::Session;

/// So long a failure may take to show, and to be gone: the driver asks again in steps of up to two minutes.
const PATIENCE: Duration = Duration::from_mins(4);

/// An object of the cluster that is not there for as long as this lives.
struct Kept {
    kind: &'static str,
    object: Value,
}

impl Kept {
    fn take(kind: &'static str, name: &str) -> Self {
        let object = kube::existing("default", kind, name);
        kube::kubectl(&["delete", kind, name]);
        Self { kind, object }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
            self.object["metadata"].as_object_mut().unwrap().remove(field);
        }
        kube::apply(std::slice::from_ref(&self.object));
        let is_there = || kube::get("default", self.kind, self.object["metadata"]["name"].as_str().unwrap()).map(drop);
        kube::wait_for("the object to be there again", Duration::from_secs(10), is_there);
    }
}

/// The Deployment that `sc snippet` writes for a connection.
fn deployment(bed: &Bed, session: &Session<'_>, connection: &str) -> Value {
    let snippet = session.run(&format!("snippet {connection} --kube-namespace {} --workload {connection} --image localhost/pause:1", bed.shop()), "");
    let mut deployment: Value = serde_yaml::from_str(&snippet.output).unwrap_or_else(|error| panic!("{error}: {snippet:?}"));
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(0);
    deployment
}

fn start(bed: &Bed, session: &Session<'_>, connection: &str) {
    kube::apply(&[deployment(bed, session, connection)]);
}

/// Runs the very command of a finding, and waits until nothing is found any more.
fn mend(session: &Session<'_>, finding: &Value) {
    let command = finding["fix"].as_str().unwrap();
    let mended = session.shell(command);
    assert!(mended.is_ok, "`{command}` failed: {mended:?}");
    assert_sound(session);
}

fn assert_sound(session: &Session<'_>) {
    kube::wait_for("the doctor to be content", PATIENCE, || findings(session).is_empty().then_some(()));
}

fn assert_found(session: &Session<'_>, code: &str) {
    let fix = found(session, code)["fix"].as_str().unwrap().to_owned();
    assert!(fix.contains(" install "), "it is to be had from a chart of others, which is not to be had here: {fix}");
}

fn found(session: &Session<'_>, code: &str) -> Value {
    kube::wait_for(&format!("the doctor to find {code}"), PATIENCE, || find(session, code))
}

fn find(session: &Session<'_>, code: &str) -> Option<Value> {
    findings(session).into_iter().find(|finding| finding["code"] == code)
}

fn findings(session: &Session<'_>) -> Vec<Value> {
    let doctor = session.run("doctor -o json", "");
    serde_json::from_str(&doctor.output).unwrap_or_else(|_| panic!("{doctor:?}"))
}
