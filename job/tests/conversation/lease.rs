//! The Lease: one run at a time, and none that goes on without it.

use std::time::Duration;

use http::Method;
use sc_job::stop::Reason;
use serde_json::{Value, json};

use crate::server::{Server, Then, status};
use crate::world::{CONFIG, EVENTS, INVENTORY, JOB, LEASE, ORDERS, STATUS, World, but, orders, three};

fn held_by(holder: &str) -> Value {
    json!({"metadata": {"name": "sc-job"}, "spec": {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": "2026-01-01T00:00:00.000000Z"}})
}

/// Another run that renews every five seconds, that many times.
fn renew(server: &Server, times: u64) {
    let server = server.clone();
    tokio::spawn(async move {
        for n in 0..times {
            tokio::time::sleep(Duration::from_secs(5)).await;
            server.objects(|objects| objects.change(LEASE, |lease| lease["spec"]["renewTime"] = json!(format!("renewal {n}"))));
        }
    });
}

fn take_away(server: &Server) {
    server.objects(|objects| objects.change(LEASE, |lease| lease["spec"]["holderIdentity"] = json!("pod-2")));
}

#[tokio::test(start_paused = true)]
async fn a_silent_holder_is_waited_out() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-2"));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert!((30..33).contains(&ended.took.as_secs()), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_renews_is_left_alone_until_it_falls_silent() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-2"));
    renew(&world.server, 10);
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert!((80..83).contains(&ended.took.as_secs()), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_meets_a_conflict_is_released_all_the_same() {
    let world = World::of(&three());
    world.server.when(Method::PUT, LEASE, 2, Then::Answer(status(409, "Conflict", LEASE, "the object has been modified")));
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_released_is_taken_at_once() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-2"));
    renew(&world.server, 2);
    world.later(14, |server| server.objects(|objects| objects.change(LEASE, |lease| lease["spec"]["holderIdentity"] = json!(""))));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert!((14..16).contains(&ended.took.as_secs()), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn after_two_minutes_a_run_gives_up() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-2"));
    renew(&world.server, 1000);
    let ended = world.run().await;
    let error = ended.code.as_ref().unwrap_err();
    assert!(error.starts_with("failed to take Lease `sc-system/sc-job`") && error.contains("another run"), "{error}");
    assert_eq!(ended.took.as_secs(), 120);
    assert!(ended.seen.iter().all(|seen| seen.method == Method::GET && [JOB, LEASE].contains(&seen.path.as_str()) || seen.path == EVENTS));
    assert!(ended.events()[0]["message"].as_str().unwrap().contains("another run"));
}

#[tokio::test(start_paused = true)]
async fn two_runs_that_see_a_free_lease_do_not_both_take_it() {
    for (before, method) in [(None, Method::POST), (Some(held_by("")), Method::PUT)] {
        let world = World::of(&three());
        if let Some(lease) = before {
            world.put(LEASE, &lease);
        }
        world.server.when(method, LEASE, 1, Then::First(Box::new(|objects| drop(objects.put(LEASE, held_by("pod-2"))))));
        let ended = world.run().await;
        assert_eq!(ended.code, Ok(0));
        assert!((30..35).contains(&ended.took.as_secs()), "{:?}", ended.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_this_very_pod_is_its_own() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-1"));
    let ended = world.run().await;
    assert_eq!((ended.code, ended.took), (Ok(0), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_values_are_read_with_the_lease_held() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-2"));
    world.later(20, |server| server.objects(|objects| objects.change(CONFIG, |config| config["data"]["values.json"] = json!("e30="))));
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.written()), (Ok(0), vec![]), "older values were applied");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_replaced_while_it_waits_touches_nothing() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-2"));
    world.later(20, |server| server.objects(|objects| objects.change(JOB, |job| job["metadata"]["uid"] = json!("job-2"))));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert!(ended.seen.iter().all(|seen| [JOB, LEASE].contains(&seen.path.as_str())), "{:?}", ended.lines());
    assert!(!world.vanishes());
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn a_long_run_renews_its_lease() {
    let world = World::of(&three());
    world.server.when(Method::POST, ORDERS, 1, Then::Delay(Duration::from_secs(25)));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    let times: Vec<_> = ended.of(&Method::PUT, LEASE).iter().map(|seen| seen.body["spec"]["renewTime"].clone()).collect();
    assert_eq!(times.len(), 3, "two renewals and the release");
    assert_ne!(times[0], times[1]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_loses_its_lease_stops() {
    let world = World::of(&three());
    world.server.when(Method::POST, ORDERS, 1, Then::Delay(Duration::from_secs(28)));
    world.later(5, take_away);
    let ended = world.run().await;
    assert!(ended.code.clone().is_err_and(|error| error.contains("another run took the Lease")));
    assert_eq!(ended.took.as_secs(), 10);
    assert!(ended.events()[0]["message"].as_str().unwrap().contains("another run took the Lease"));
    assert!(ended.of(&Method::PUT, STATUS).is_empty(), "the status is the other run's now");
    assert!(!world.vanishes());
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "pod-2", "the other's Lease was taken or released");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_loses_its_lease_in_the_end_is_no_success_either() {
    let world = World::of(&[but(orders(), &json!({"deletionPolicy": "Delete"}))]);
    assert_eq!(world.run().await.code, Ok(0));
    world.upgrade(&[]);
    let stop = world.stop.clone();
    world.server.when(Method::PUT, INVENTORY, 1, Then::First(Box::new(move |_| stop.now(Reason::LeaseLost))));
    let ended = world.run().await;
    assert!(ended.code.is_err_and(|error| error.contains("another run took the Lease")));
    assert!(!world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_renew_stops_before_another_may_take_over() {
    for then in [Then::Answer(status(503, "", LEASE, "")), Then::Delay(Duration::from_hours(1))] {
        let world = World::of(&three());
        world.server.when(Method::POST, ORDERS, 1000, Then::Answer((503, Value::Null, Some(8))));
        world.later(1, |server| server.when(Method::GET, LEASE, 1000, then));
        let ended = world.run().await;
        assert!(ended.code.is_err());
        let last = ended.outside().iter().map(|seen| seen.at).max().unwrap();
        assert!((last - ended.seen[0].at).as_secs() <= 30, "a request for an object after {:?}", last - ended.seen[0].at);
    }
}

#[tokio::test(start_paused = true)]
async fn a_proof_of_the_run_that_took_over_is_not_written_over() {
    let world = World::of(&three());
    let theirs = |status: &mut Value| {
        status["data"]["result"] = json!("Failed");
        status["data"]["podName"] = json!("sc-job-other");
    };
    world.server.when(Method::PUT, STATUS, 1, Then::First(Box::new(move |objects| objects.change(STATUS, theirs))));
    let ended = world.run().await;
    assert!(ended.code.unwrap_err().contains("changed by somebody else"));
    assert_eq!((world.status("result").as_str(), world.status("podName").as_str()), ("Failed", "sc-job-other"));
    assert!(!world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn a_status_whose_labels_change_meanwhile_is_written() {
    let world = World::of(&three());
    let label = |status: &mut Value| status["metadata"]["labels"]["team"] = json!("shop");
    world.server.when(Method::PUT, STATUS, 1, Then::First(Box::new(move |objects| objects.change(STATUS, label))));
    assert_eq!((world.run().await.code, world.status("result").as_str()), (Ok(0), "Succeeded"));
    assert_eq!(world.live(STATUS).unwrap()["metadata"]["labels"]["team"], "shop");
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_released_though_the_own_job_cannot_be_looked_for_again() {
    let world = World::of(&three());
    world.put(LEASE, &held_by("pod-2"));
    world.later(20, |server| server.when(Method::GET, JOB, 1000, Then::Answer((500, Value::Null, None))));
    let ended = world.run().await;
    assert!(ended.code.unwrap_err().contains("failed to read Job"));
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
}
