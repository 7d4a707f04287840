//! Dry runs, which write nothing, and runs outside of a cluster, which have no Job.

use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use crate::world::{Ended, JOB, LEASE, OBJECTS, ORDERS, STATUS, World, but, orders, three};

fn assert_only_looked(ended: &Ended) {
    let writes: Vec<String> = ended.seen.iter().filter(|seen| seen.writes()).map(crate::server::Seen::line).collect();
    assert_eq!(writes, [""; 0]);
}

/// A file of values with these connections.
fn file(name: &str, connections: &[Value]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, json!({"connections": connections}).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_in_the_cluster_writes_nothing() {
    let world = World::of(&three());
    let ended = world.run_with(&["--dry-run"]).await;
    assert_eq!(ended.code, Ok(0));
    assert_only_looked(&ended);
    assert_eq!(ended.outside().len(), OBJECTS.len());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_leaves_a_time_to_live_alone() {
    let world = World::of(&three());
    world.server.objects(|objects| objects.change(JOB, |job| job["spec"]["ttlSecondsAfterFinished"] = json!(60)));
    let ended = world.run_with(&["--dry-run"]).await;
    assert_eq!(ended.code, Ok(0));
    assert_only_looked(&ended);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_over_drift_and_strangers_writes_nothing() {
    let world = World::installed(&three()).await;
    world.server.objects(|objects| {
        objects.change(ORDERS, |secret| secret["data"]["BY_HAND"] = json!("eA=="));
        objects.change(OBJECTS[1], |secret| secret["metadata"]["labels"] = json!({}));
        objects.remove(OBJECTS[2]);
    });
    let ended = world.run_with(&["--dry-run"]).await;
    assert_eq!(ended.code, Ok(3));
    assert_only_looked(&ended);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_with_a_file_writes_nothing() {
    let world = World::of(&[]);
    let values = file("dry.json", &[orders(), but(orders(), &json!({"name": "bad", "authType": "secrets"}))]);
    for further in [&[][..], &["--status-namespace", "sc-system"]] {
        let ended = world.run_as(&[&["--values", &values, "--dry-run"], further].concat()).await;
        assert_eq!(ended.code, Ok(2));
        assert_only_looked(&ended);
        assert!(ended.of(&Method::GET, JOB).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_cluster_there_is_no_job_and_no_status() {
    let world = World::of(&[]);
    let ended = world.run_as(&["--values", &file("values.json", &three())]).await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(ended.written().len(), OBJECTS.len());
    assert!(ended.seen.iter().all(|seen| seen.method == Method::GET || OBJECTS.contains(&seen.object.as_str())));
    assert!(world.live(STATUS).is_none() && world.live(LEASE).is_none());
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_cluster_lease_and_status_are_kept_where_asked() {
    let world = World::of(&[]);
    let ended = world.run_as(&["--values", &file("status.json", &three()), "--status-namespace", "sc-system"]).await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!((world.status("result").as_str(), world.status("observedUID").as_str()), ("Succeeded", ""));
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
    assert!(ended.seen.iter().all(|seen| seen.path != JOB) && ended.events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_asks_for_nothing() {
    let ended = World::of(&[]).run_as(&["--values", "/nowhere/values.yaml"]).await;
    assert!(ended.code.is_err_and(|error| error.starts_with("failed to read `/nowhere/values.yaml`")));
    assert!(ended.seen.is_empty());
}
