//! Ends before the work is done: the deadline, and a signal.

use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use sc_job::stop::Reason;
use serde_json::{Value, json};

use crate::server::Then;
use crate::world::{EVENTS, JOB, LEASE, ORDERS, REFERENCED, STATUS, World, but, orders, three};

fn started(world: &World, seconds: i64) {
    let time = (Timestamp::now() - SignedDuration::from_secs(seconds)).to_string();
    world.server.objects(|objects| objects.change(JOB, |job| job["status"]["startTime"] = json!(time)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_run_in_time_to_report() {
    let world = World::of(&three());
    started(&world, 190);
    world.server.when(Method::POST, ORDERS, 1, Then::Delay(Duration::from_secs(25)));
    let ended = world.run_with(&["--active-deadline-seconds", "240"]).await;
    assert_eq!(ended.code, Ok(1));
    assert!((8..=11).contains(&ended.took.as_secs()), "{:?}", ended.took);
    assert_eq!((world.status("result").as_str(), world.status("summary").as_str()), ("Failed", "5 objects: 4 created, 1 failed"));
    assert!(world.status("reason").contains("the time that the Job may run was nearly over"));
    assert_eq!(ended.events()[0]["type"], "Warning");
    assert!(!world.vanishes());
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_by_the_api_servers_clock() {
    for (ahead, passed, is_in_time) in [(-1000, 100, true), (1000, 190, false)] {
        let world = World::of(&three());
        world.server.set_ahead(ahead);
        started(&world, passed - ahead);
        world.server.when(Method::POST, ORDERS, 1, Then::Delay(Duration::from_secs(25)));
        let ended = world.run().await;
        assert_eq!(ended.code, Ok(u8::from(!is_in_time)), "{ahead} s ahead, {passed} s after the start: {}", ended.printed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_api_server_asks_for_ends_with_the_deadline() {
    let world = World::of(&three());
    started(&world, 190);
    world.server.when(Method::POST, ORDERS, 1000, Then::Answer((429, Value::Null, Some(3600))));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(1));
    assert!((8..=11).contains(&ended.took.as_secs()), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn after_a_signal_no_request_is_begun() {
    let many: Vec<_> = (0..100).map(|n| but(orders(), &json!({"name": format!("orders{n}")}))).collect();
    let world = World::of(&many);
    world.server.when(Method::POST, "/api/v1/namespaces/shop/*", 100, Then::Delay(Duration::from_secs(10)));
    let stop = world.stop.clone();
    world.later(15, move |_| stop.now(Reason::Signal));
    let ended = world.run().await;
    assert!(ended.code.clone().unwrap_err().contains("the run was told to end"));
    assert_eq!(ended.took.as_secs(), 15);
    // 32 at first, and fewer when these had to wait.
    assert_eq!(ended.written().len(), 32 + 24);
    assert_eq!(world.status("summary"), "56 objects: 32 created, 24 failed");
    assert_eq!(world.status("reason"), "the run was told to end; until then 56 objects: 32 created, 24 failed");
    assert!(!world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn after_a_signal_before_the_first_write_nothing_is_written() {
    // Twenty times, because what is ready at the same time comes in any order.
    for _ in 0..20 {
        let world = World::of(&three());
        let stop = world.stop.clone();
        world.server.when(Method::GET, REFERENCED, 1, Then::First(Box::new(move |_| stop.now(Reason::Signal))));
        let ended = world.run().await;
        assert!(matches!(ended.code, Ok(1) | Err(_)), "{:?}", ended.code);
        assert!(ended.outside().is_empty(), "{:?}", ended.written());
        assert_eq!(world.status("result"), "Failed");
        assert!(world.status("reason").contains("the run was told to end") && !world.vanishes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_wait_for_the_lease() {
    let world = World::of(&three());
    world.put(LEASE, &json!({"metadata": {}, "spec": {"holderIdentity": "pod-2"}}));
    let stop = world.stop.clone();
    world.later(3, move |_| stop.now(Reason::Signal));
    let ended = world.run().await;
    assert!(ended.code.is_err_and(|error| error.contains("the run was told to end")));
    assert_eq!(ended.took.as_secs(), 3);
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "pod-2");
}

#[tokio::test(start_paused = true)]
async fn a_signal_after_the_last_write_does_not_undo_success() {
    let world = World::of(&three());
    let stop = world.stop.clone();
    world.server.when(Method::PUT, STATUS, 1, Then::First(Box::new(move |_| stop.now(Reason::Signal))));
    assert_eq!(world.run().await.code, Ok(0));
    assert!(world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn after_a_signal_a_deaf_api_server_is_waited_for_five_seconds_at_most() {
    // A signal is heard as well when the run was ending for another reason already.
    for reasons in [&[Reason::Signal][..], &[Reason::Deadline, Reason::Signal]] {
        let world = World::of(&three());
        world.server.when(Method::POST, ORDERS, 1, Then::Delay(Duration::from_secs(25)));
        world.server.when(Method::PUT, STATUS, 1000, Then::Delay(Duration::from_secs(25)));
        for (seconds, reason) in (2..).zip(reasons) {
            let (stop, reason) = (world.stop.clone(), *reason);
            world.later(seconds, move |_| stop.now(reason));
        }
        let ended = world.run().await;
        assert!(ended.code.unwrap_err().contains("the API server did not take the report in time"));
        let last = u64::try_from(1 + reasons.len()).unwrap();
        assert!(ended.took < Duration::from_secs(last + 5), "{reasons:?}: {:?}", ended.took);
        assert_ne!(world.status("result"), "Succeeded");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_signal_a_success_that_was_published_is_one() {
    let world = World::of(&three());
    world.server.when(Method::POST, &format!("{EVENTS}/*"), 1000, Then::Delay(Duration::from_secs(25)));
    let stop = world.stop.clone();
    world.later(2, move |_| stop.now(Reason::Signal));
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("result").as_str()), (Ok(0), "Succeeded"));
    assert!(ended.took < Duration::from_secs(2 + 5), "{:?}", ended.took);
}
