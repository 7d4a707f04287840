//! Whose an object is: strangers' are never touched, and what changes under the job's hands is looked at anew.

use http::Method;
use serde_json::{Value, json};

use crate::server::{Then, status};
use crate::world::{Ended, ORDERS, World, but, orders, three};

fn strangers() -> Value {
    json!({"metadata": {"name": "sc-orders-secret", "labels": {"team": "billing"}}, "type": "Opaque", "data": {"KEEP": "bWU="}})
}

fn assert_refused(world: &World, ended: &Ended) {
    assert_refused_because(world, ended, "was not made by release `sc` in `sc-system`");
}

fn assert_refused_because(world: &World, ended: &Ended, reason: &str) {
    assert_eq!(ended.code, Ok(3));
    assert_eq!(world.live(ORDERS).unwrap()["data"], json!({"KEEP": "bWU="}));
    assert!(ended.of(&Method::PUT, ORDERS).is_empty());
    assert_eq!(world.status("result"), "Failed");
    assert!(world.status("reason").contains(reason), "{}", world.status("reason"));
    assert!(!world.vanishes());
}

#[tokio::test(start_paused = true)]
async fn a_strangers_object_is_refused_and_the_rest_applied() {
    let world = World::of(&three());
    world.put(ORDERS, &strangers());
    let ended = world.run().await;
    assert_refused(&world, &ended);
    assert_eq!(world.status("summary"), "5 objects: 4 created, 1 refused");
}

#[tokio::test(start_paused = true)]
async fn a_strangers_object_is_refused_on_a_rerun_too() {
    let world = World::installed(&three()).await;
    world.put(ORDERS, &strangers());
    let ended = world.run().await;
    assert_refused(&world, &ended);
    assert_eq!(ended.written(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_who_comes_between_our_look_and_our_write_is_refused() {
    let world = World::installed(&three()).await;
    world.server.objects(|objects| objects.remove(ORDERS));
    world.server.when(Method::POST, ORDERS, 1, Then::First(Box::new(|objects| drop(objects.put(ORDERS, strangers())))));
    let ended = world.run().await;
    assert_refused(&world, &ended);
    assert_eq!(
        ended.outside().iter().filter(|seen| seen.object == ORDERS).map(|seen| seen.method.as_str()).collect::<Vec<_>>(),
        ["GET", "POST", "GET"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_release_is_a_strangers() {
    let world = World::installed(&[orders()]).await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["metadata"]["labels"]["sc-extension.dev/release"] = json!("other")));
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(3), "1 object: 1 refused"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_another_type_is_not_adopted() {
    let world = World::of(&[but(orders(), &json!({"adopt": true}))]);
    let mut other = strangers();
    other["type"] = json!("kubernetes.io/tls");
    world.put(ORDERS, &other);
    let ended = world.run().await;
    assert_refused_because(&world, &ended, "Secret shop/sc-orders-secret has another type");
}

#[tokio::test(start_paused = true)]
async fn a_strangers_object_is_adopted_on_request() {
    let world = World::of(&[but(orders(), &json!({"adopt": true}))]);
    world.put(ORDERS, &strangers());
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(ended.written(), [format!("POST {ORDERS}"), format!("PUT {ORDERS}")]);
    let live = world.live(ORDERS).unwrap();
    assert_eq!(live["metadata"]["labels"]["app.kubernetes.io/managed-by"], "sc-job");
    assert_eq!(live["metadata"]["labels"]["team"], "billing");
    assert!(live["data"]["KEEP"].is_null());
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written()), (Ok(0), vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changes_before_our_write_is_read_again() {
    let world = World::installed(&[orders()]).await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["data"]["BY_HAND"] = json!("eA==")));
    let touch = |secret: &mut Value| secret["metadata"]["annotations"]["seen"] = json!("yes");
    world.server.when(Method::PUT, ORDERS, 1, Then::First(Box::new(move |objects| objects.change(ORDERS, touch))));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(ended.outside().iter().map(|seen| seen.method.as_str()).collect::<Vec<_>>(), ["GET", "PUT", "GET", "PUT"]);
    let live = world.live(ORDERS).unwrap();
    assert!(live["data"]["BY_HAND"].is_null());
    assert_eq!(live["metadata"]["annotations"]["seen"], "yes", "the other's change was overwritten");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_passes_to_a_stranger_before_our_write_is_refused() {
    let world = World::installed(&[orders()]).await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["data"]["BY_HAND"] = json!("eA==")));
    world.server.when(Method::PUT, ORDERS, 1, Then::First(Box::new(|objects| drop(objects.put(ORDERS, strangers())))));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(3));
    assert_eq!(ended.of(&Method::PUT, ORDERS).len(), 1);
    assert_eq!(world.live(ORDERS).unwrap()["data"], json!({"KEEP": "bWU="}));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_never_holds_still_is_given_up() {
    let world = World::installed(&[orders()]).await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["data"]["BY_HAND"] = json!("eA==")));
    world.server.when(Method::PUT, ORDERS, 1000, Then::Answer(status(409, "Conflict", ORDERS, "")));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(1));
    assert!(ended.of(&Method::PUT, ORDERS).len() < 10);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_somebody_deletes_is_left_to_go() {
    let world = World::installed(&[orders()]).await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z")));
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.written()), (Ok(1), vec![]));
}
