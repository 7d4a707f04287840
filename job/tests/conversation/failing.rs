//! Runs that fail by the values, or by what these refer to: the rest is applied, everything stays to be looked at.

use http::Method;
use serde_json::{Value, json};

use crate::server::{Then, status};
use crate::world::{CONFIG, EVENTS, Ended, JOB, LEASE, ORDERS, REFERENCED, STATUS, World, but, orders, pictures, three, vault};

/// What holds after every run that failed.
fn assert_failed(world: &World, ended: &Ended, code: u8) {
    assert_eq!(ended.code, Ok(code));
    assert_eq!(world.status("result"), "Failed");
    assert!((1..=1024).contains(&world.status("reason").len()), "{}", world.status("reason"));
    let events = ended.events();
    assert_eq!((events.len(), &events[0]["type"], &events[0]["reason"]), (1, &json!("Warning"), &json!("ConnectionsFailed")));
    assert!(events[0]["message"].as_str().unwrap().len() <= 1024);
    assert!(ended.of(&Method::PATCH, JOB).is_empty());
    assert!(!world.vanishes());
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn wrong_values_fail_and_the_valid_connections_are_applied() {
    let world = World::of(&[orders(), but(pictures(), &json!({"targetService": "storage-blub"})), vault()]);
    let ended = world.run().await;
    assert_failed(&world, &ended, 2);
    assert_eq!(world.status("summary"), "3 objects: 3 created; 1 problem");
    assert!(world.status("reason").contains("connections[1].targetService"), "{}", world.status("reason"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_connection_tells_nothing_of_its_password() {
    let inline = json!({"username": "app", "password": "hunter2", "hunter2": "x"});
    let number = json!({"username": "app", "password": ["hunter2"]});
    let world = World::of(&[but(orders(), &json!({"credentials": inline})), but(vault(), &json!({"credentials": number}))]);
    let ended = world.run().await;
    assert_failed(&world, &ended, 2);
    assert_eq!(ended.written(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_read_touches_the_status_alone() {
    let large = vec![b' '; (1 << 20) + 1];
    for document in [&b"connections: [password: hunter2"[..], b"\xff\xfe", b"", b"- hunter2", &large] {
        let world = World::of(&three());
        world.configure(document);
        let ended = world.run().await;
        assert_failed(&world, &ended, 2);
        assert!(ended.outside().is_empty());
        assert!(ended.of(&Method::GET, REFERENCED).is_empty());
        let others = ended.seen.iter().filter(|seen| seen.writes() && ![STATUS, LEASE].contains(&seen.object.as_str()) && seen.path != EVENTS);
        assert_eq!(others.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn values_that_are_not_there_end_the_run_with_a_report_alone() {
    let world = World::of(&three());
    world.server.objects(|objects| objects.remove(CONFIG));
    let ended = world.run().await;
    assert!(ended.code.as_ref().is_err_and(|error| error.starts_with("failed to read Secret `sc-system/sc-config`")), "{:?}", ended.code);
    assert!(ended.outside().is_empty() && !world.vanishes());
    assert!(world.status("reason").contains("it does not exist") && world.status("result") == "Failed", "{}", world.status("reason"));
    assert_eq!(ended.events()[0]["type"], "Warning");
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
    world.put(CONFIG, &json!({"metadata": {}, "data": {"other.json": "e30="}}));
    let ended = world.run().await;
    assert!(ended.code.is_err_and(|error| error.contains("it has no key `values.json`")));
}

#[tokio::test(start_paused = true)]
async fn a_referenced_secret_that_is_not_there_is_found_before_the_first_write() {
    let world = World::of(&three());
    world.server.objects(|objects| objects.remove(REFERENCED));
    let ended = world.run().await;
    assert_failed(&world, &ended, 1);
    assert!(ended.seen.iter().all(|seen| seen.object != ORDERS));
    assert_eq!(world.status("summary"), "4 objects: 4 created; 1 problem");
    assert!(world.status("reason").contains("the Secret `orders-admin` that holds `password` does not exist"), "{}", world.status("reason"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_there_is_found_before_the_first_write() {
    let world = World::of(&three());
    world.put(REFERENCED, &json!({"metadata": {}, "data": {"pass": "aHVudGVyMg=="}}));
    let ended = world.run().await;
    assert_failed(&world, &ended, 1);
    assert!(ended.seen.iter().all(|seen| seen.object != ORDERS));
}

#[tokio::test(start_paused = true)]
async fn a_referenced_secret_that_was_not_answered_for_stops_its_connection_alone() {
    let forbidden = || status(403, "Forbidden", REFERENCED, "cannot get");
    for (answer, code) in [(forbidden(), 1), ((503, Value::Null, None), 1)] {
        let world = World::of(&three());
        world.server.when(Method::GET, REFERENCED, 1000, Then::Answer(answer));
        let ended = world.run().await;
        assert_eq!(ended.code, Ok(code));
        assert!(ended.seen.iter().all(|seen| seen.object != ORDERS));
        assert_eq!(world.status("summary"), "4 objects: 4 created; 1 problem");
    }
}

#[tokio::test(start_paused = true)]
async fn the_reason_is_cut_at_one_kibibyte() {
    let world = World::of(&three());
    let said = format!("admission webhook \"{}\" denied the request", "ü".repeat(700));
    for object in crate::world::OBJECTS {
        world.server.when(Method::POST, object, 1, Then::Answer(status(400, "BadRequest", object, &said)));
    }
    let ended = world.run().await;
    assert_failed(&world, &ended, 3);
    assert!(world.status("reason").len() >= 1020);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_and_the_last_success_is_remembered() {
    let world = World::installed(&three()).await;
    let (hash, time) = (world.status("observedHash"), world.status("lastSuccessAt"));
    world.configure(b"connections: [");
    for failures in ["1", "2"] {
        assert_eq!(world.run().await.code, Ok(2));
        assert_eq!(world.status("consecutiveFailures"), failures);
    }
    assert_eq!((world.status("observedHash"), world.status("lastSuccessAt")), (hash, time));
    assert_ne!(world.status("observedHash"), world.status("desiredHash"));
    world.configure(json!({"connections": three()}).to_string().as_bytes());
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.written()), (Ok(0), vec![]));
    assert_eq!((world.status("consecutiveFailures").as_str(), world.status("reason").as_str()), ("0", ""));
}

#[tokio::test(start_paused = true)]
async fn without_a_status_nothing_is_applied() {
    let world = World::of(&three());
    world.server.when(Method::POST, STATUS, 1000, Then::Answer(status(403, "Forbidden", STATUS, "cannot create")));
    let ended = world.run().await;
    assert!(ended.code.as_ref().is_err_and(|error| error.starts_with("failed to write ConfigMap `sc-system/sc-status`")));
    assert!(ended.outside().is_empty());
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_cannot_be_proven_is_none() {
    let world = World::of(&three());
    world.server.when(Method::PUT, STATUS, 1000, Then::Answer(status(409, "Conflict", STATUS, "")));
    assert!(world.run().await.code.is_err());
    assert_eq!(world.status("result"), "Running");
    assert!(!world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_refused_fails_nothing() {
    let world = World::of(&three());
    world.server.when(Method::POST, &format!("{EVENTS}/sc-job.*"), 1000, Then::Answer(status(403, "Forbidden", EVENTS, "cannot create")));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert!(ended.events().len() > 1 && world.vanishes());
}
