//! Connection sets: more connections in Secrets, looked at one after the other, then applied.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use sc_job::stop::Reason;
use serde_json::{Value, json};

use crate::server::{Then, status};
use crate::world::{ACCOUNT, OBJECTS, ORDERS, PICTURES, REFERENCED, World, but, orders, pictures, vault};

const SHOP: &str = "/api/v1/namespaces/sc-system/secrets/shop-connections";
const MEDIA: &str = "/api/v1/namespaces/sc-system/secrets/media-connections";

fn put_set(world: &World, path: &str, document: &str) {
    let name = path.rsplit('/').next().unwrap();
    world.put(path, &json!({"metadata": {"name": name}, "data": {"connections.yaml": STANDARD.encode(document)}}));
}

/// Some connections in the values, some in two sets.
fn in_sets(listed: &[Value], shop: &[Value], media: &[Value]) -> World {
    let world = World::of(&[]);
    let sets = json!([
        {"secretName": "shop-connections", "namespaces": ["shop"], "referencedSecrets": ["orders-admin"]},
        {"secretName": "media-connections", "namespaces": ["media"]},
    ]);
    world.configure(json!({"connections": listed, "connectionSets": sets}).to_string().as_bytes());
    put_set(&world, SHOP, &json!(shop).to_string());
    put_set(&world, MEDIA, &json!({"connections": media}).to_string());
    world
}

#[tokio::test(start_paused = true)]
async fn the_values_and_their_sets_form_one_set() {
    let world = in_sets(&[pictures()], &[orders(), but(pictures(), &json!({"name": "more"}))], &[vault()]);
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), world.status("summary").as_str()), (Ok(0), "6 objects: 6 created"));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_some()));
    assert_eq!(ended.of(&Method::POST, ACCOUNT).len(), 1, "the shared account is written once");
    assert_eq!(world.inventory().len(), 6);
    assert_eq!(ended.of(&Method::GET, SHOP).len(), 2, "once to look, once to apply");
    for name in ["shop-connections=", "media-connections=", "orders-admin="] {
        assert!(world.status("references").contains(name), "{}", world.status("references"));
    }
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written()), (Ok(0), vec![]));
}

#[tokio::test(start_paused = true)]
async fn two_of_one_name_in_two_sets_are_refused_with_both_places() {
    let second = but(vault(), &json!({"namespace": "shop", "name": "Orders"}));
    let world = in_sets(&[orders()], &[second], &[vault()]);
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(2), "2 objects: 2 created; 1 problem"));
    assert!(world.live(ORDERS).is_none(), "neither is right");
    let reason = world.status("reason");
    for words in
        ["connections `orders` (at connections[0]) and `Orders` would both write Secret shop/sc-orders-secret", "Secret shop-connections: [0]"]
    {
        assert!(reason.contains(words), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_not_to_be_had_holds_up_no_other() {
    for (answer, says) in [
        (status(404, "NotFound", SHOP, ""), "does not exist"),
        (status(403, "Forbidden", SHOP, "secrets is forbidden"), "may not be read"),
        ((500, Value::Null, None), "was not read, the API server did not answer"),
        ((200, json!({"metadata": {}, "data": {}}), None), "has no key `connections.yaml`"),
    ] {
        let world = in_sets(&[pictures()], &[orders()], &[vault()]);
        world.server.when(Method::GET, SHOP, 1000, Then::Answer(answer));
        assert_eq!(world.run().await.code, Ok(1), "{says}");
        assert!(world.status("reason").contains(says), "{}", world.status("reason"));
        assert!(world.live(ORDERS).is_none() && world.live(PICTURES).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_that_cannot_be_read_is_told_with_its_place_and_quotes_nothing() {
    let world = in_sets(&[pictures()], &[], &[vault()]);
    put_set(&world, SHOP, "- name: orders\n  credentials: {password: hunter2\n");
    assert_eq!(world.run().await.code, Ok(2));
    let reason = world.status("reason");
    assert!(reason.contains("not valid YAML (line ") && reason.contains("at Secret shop-connections;"), "{reason}");
    assert!(world.live(PICTURES).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_set_that_changes_between_the_looks_is_not_applied() {
    let world = in_sets(&[pictures()], &[orders()], &[vault()]);
    let touch = |secret: &mut Value| secret["metadata"]["annotations"]["touched"] = json!("yes");
    world.server.when(Method::POST, PICTURES, 1, Then::First(Box::new(move |objects| objects.change(SHOP, touch))));
    assert_eq!(world.run().await.code, Ok(1));
    assert!(world.status("reason").contains("was changed while this run read it"), "{}", world.status("reason"));
    assert!(world.live(ORDERS).is_none());
    assert_eq!(world.run().await.code, Ok(0));
    assert!(world.live(ORDERS).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_signal_while_a_set_is_read_again_leaves_the_counts() {
    let world = in_sets(&[pictures()], &[orders()], &[vault()]);
    world.server.when(Method::GET, SHOP, 2, Then::Delay(Duration::from_secs(10)));
    let stop = world.stop.clone();
    world.later(15, move |_| stop.now(Reason::Signal));
    assert!(world.run().await.code.unwrap_err().contains("the run was told to end"));
    assert_eq!((world.status("result").as_str(), world.status("summary").as_str()), ("Failed", "2 objects: 2 created"));
    assert!(world.status("reason").ends_with("the run was told to end; until then 2 objects: 2 created"), "{}", world.status("reason"));
}

#[tokio::test(start_paused = true)]
async fn a_set_reaches_no_further_than_it_says() {
    let elsewhere = but(vault(), &json!({"namespace": "kube-system"}));
    let other = json!({"username": "app", "password": {"secretKeyRef": {"name": "root", "key": "password"}}});
    let world = in_sets(&[], &[but(orders(), &json!({"credentials": other})), orders()], &[elsewhere]);
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), world.status("summary").as_str()), (Ok(2), "1 object: 1 created; 2 problems"));
    let reason = world.status("reason");
    assert!(reason.contains("namespace `kube-system` is not among the `namespaces`"), "{reason}");
    assert!(reason.contains("Secret `root` is not among the `referencedSecrets`"), "{reason}");
    assert!(ended.lines().iter().all(|line| !line.contains("root") && !line.contains("kube-system")), "{:?}", ended.lines());
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_out_of_a_set_follows_its_policy() {
    let world = in_sets(&[], &[but(orders(), &json!({"deletionPolicy": "Delete"}))], &[vault()]);
    assert_eq!(world.run().await.code, Ok(0));
    put_set(&world, SHOP, "connections: []");
    assert_eq!(world.run().await.code, Ok(0));
    assert!(world.live(ORDERS).is_none());
    assert_eq!(world.status("rotated"), "shop-connections");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_one_of_two_documents_retains_stays() {
    let disposable = but(pictures(), &json!({"deletionPolicy": "Delete"}));
    let world = in_sets(&[disposable], &[but(pictures(), &json!({"name": "more"}))], &[]);
    assert_eq!(world.run().await.code, Ok(0));
    world.upgrade(&[]);
    assert_eq!(world.run().await.code, Ok(0));
    assert!(world.live(PICTURES).is_none() && world.live(ACCOUNT).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_set_that_changed_since_is_not_proven() {
    let world = in_sets(&[], &[orders()], &[vault()]);
    world.run().await;
    let check = ["check", "--pod-uid", "pod-2", "--job-name", "sc-test", "--job-uid", "job-2"];
    assert_eq!(world.run_as(&check).await.code, Ok(0));
    put_set(&world, SHOP, "[]");
    assert_eq!(world.run_as(&check).await.code, Ok(3));
    world.server.objects(|objects| objects.remove(SHOP));
    assert!(world.run_as(&check).await.code.unwrap_err().contains("does not exist"), "it may yet come");
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_vanishes_between_the_looks_is_told() {
    let world = in_sets(&[pictures()], &[orders()], &[]);
    world.server.when(Method::POST, PICTURES, 1, Then::First(Box::new(|objects| objects.remove(REFERENCED))));
    assert_eq!(world.run().await.code, Ok(1));
    assert!(world.status("reason").contains("the Secret `orders-admin` that holds `password` does not exist"));
}
