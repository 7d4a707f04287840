//! The own Job: orphans touch nothing, and the time to live is there after success alone.

use http::Method;
use serde_json::{Value, json};

use crate::server::{Then, status};
use crate::world::{JOB, LEASE, ORDERS, REFERENCED, World, three};

#[tokio::test(start_paused = true)]
async fn an_orphan_asks_once_and_touches_nothing() {
    let world = World::of(&three());
    world.server.objects(|objects| objects.remove(JOB));
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.lines()), (Ok(0), vec![format!("GET {JOB}")]));
    world.put(JOB, &json!({"metadata": {"uid": "job-2"}, "spec": {"ttlSecondsAfterFinished": 60}}));
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.lines()), (Ok(0), vec![format!("GET {JOB}")]));
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_of_an_earlier_pod_is_removed_first() {
    let world = World::of(&three());
    world.server.objects(|objects| {
        objects.change(JOB, |job| job["spec"]["ttlSecondsAfterFinished"] = json!(60));
        objects.remove(REFERENCED);
    });
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(1));
    assert_eq!(ended.lines()[..3], [format!("GET {JOB}"), format!("PATCH {JOB}"), format!("GET {LEASE}")]);
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "job-1"},
        {"op": "add", "path": "/spec/ttlSecondsAfterFinished", "value": null},
    ]);
    assert_eq!(ended.seen[1].body, expected);
    assert!(!world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_whose_removal_is_not_answered_is_removed_again() {
    let world = World::of(&three());
    world.server.objects(|objects| objects.change(JOB, |job| job["spec"]["ttlSecondsAfterFinished"] = json!(60)));
    world.server.when(Method::PATCH, JOB, 1, Then::Lose);
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.of(&Method::PATCH, JOB).len()), (Ok(0), 3), "{:?}", ended.lines());
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_that_is_refused_fails_nothing() {
    for then in [Then::Answer(status(403, "Forbidden", JOB, "cannot patch")), Then::Answer((500, Value::Null, None)), Then::Break] {
        let world = World::of(&three());
        world.server.when(Method::PATCH, JOB, 1000, then);
        assert_eq!(world.run().await.code, Ok(0));
        assert_eq!(world.status("result"), "Succeeded");
        assert!(!world.vanishes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_that_meets_a_conflict_is_patched_again() {
    let world = World::of(&three());
    world.server.when(Method::PATCH, JOB, 2, Then::Answer(status(409, "Conflict", JOB, "the object has been modified")));
    assert_eq!(world.run().await.code, Ok(0));
    assert!(world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_took_the_name_meanwhile_gets_no_time_to_live() {
    let world = World::of(&three());
    let replace = |objects: &mut crate::server::Objects| drop(objects.put(JOB, json!({"metadata": {"uid": "job-2"}, "spec": {}})));
    world.server.when(Method::POST, ORDERS, 1, Then::First(Box::new(replace)));
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!(world.live(JOB).unwrap()["metadata"]["uid"], "job-2");
    assert!(!world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_may_not_be_read_is_taken_to_be_there() {
    let world = World::of(&three());
    world.server.when(Method::GET, JOB, 1000, Then::Answer(status(403, "Forbidden", JOB, "cannot get")));
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!(world.status("summary"), "5 objects: 5 created");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_asked_for_ends_the_run() {
    let world = World::of(&three());
    world.server.when(Method::GET, JOB, 1000, Then::Answer((503, Value::Null, None)));
    let ended = world.run().await;
    assert!(ended.code.is_err_and(|error| error.starts_with("failed to read Job `sc-system/sc-job`")));
    assert!(ended.seen.iter().all(|seen| seen.path == JOB));
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_job_asks_for_nothing_that_it_has_no_right_to() {
    let world = World::of(&three());
    let identity = ["--pod-uid", "pod-1", "--job-name", "sc-reconcile-29000000", "--job-uid", "job-9"];
    let ended = world.run_as(&identity).await;
    assert_eq!(ended.code, Ok(0));
    assert!(ended.seen.iter().all(|seen| !seen.path.contains("/jobs/")), "{:?}", ended.lines());
    assert_eq!(ended.events()[0]["involvedObject"]["name"], "sc-reconcile-29000000");
}

#[tokio::test(start_paused = true)]
async fn without_an_identity_nothing_is_asked() {
    let ended = World::of(&three()).run_as(&["--pod-uid", "pod-1"]).await;
    assert!(ended.code.is_err_and(|error| error.contains("--values FILE")));
    assert!(ended.seen.is_empty());
}
