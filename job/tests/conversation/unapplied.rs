//! What the status of a failed run says of each object: which of those that are asked for were not applied.

use std::time::Duration;

use http::Method;
use sc_job::stop::Reason;
use serde_json::{Value, json};

use crate::server::{Then, status};
use crate::sets::in_sets;
use crate::world::{CLASS, ORDERS, REFERENCED, World, but, orders, pictures, three, vault};

const REFUSED: &str = "an admission webhook \"policy\" denied the request";

/// The objects that the status names, and how many it says there are.
fn unapplied(world: &World) -> (String, String) {
    (world.status("unapplied").trim_end().to_owned(), world.status("unappliedCount"))
}

fn texts(named: &str, count: &str) -> (String, String) {
    (named.to_owned(), count.to_owned())
}

async fn refusing(world: World, path: &str, code: u8) -> World {
    world.server.when(Method::POST, path, 100, Then::Answer(status(400, "BadRequest", path, REFUSED)));
    assert_eq!(world.run().await.code, Ok(code));
    world
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_named_and_forgotten_by_the_next_run() {
    let world = refusing(World::of(&three()), ORDERS, 3).await;
    assert_eq!(unapplied(&world), texts("shop/secrets/sc-orders-secret", "1"));
    world.server.forget_rules();
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!(unapplied(&world), texts("", ""));
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_named() {
    let world = World::of(&three());
    world.server.when(Method::POST, CLASS, 100, Then::Answer((500, Value::Null, None)));
    assert_eq!(world.run().await.code, Ok(1));
    assert_eq!(unapplied(&world), texts("media/secretproviderclasses/sc-vault-secretprovider", "1"));
}

#[tokio::test(start_paused = true)]
async fn what_lacks_its_secret_is_named_and_the_rest_is_not() {
    let world = World::of(&three());
    world.server.objects(|objects| objects.remove(REFERENCED));
    assert_eq!(world.run().await.code, Ok(1));
    assert_eq!(unapplied(&world), texts("shop/secrets/sc-orders-secret", "1"));
}

#[tokio::test(start_paused = true)]
async fn wrong_values_have_no_objects_and_those_that_two_ask_for_are_named() {
    let world = World::of(&[orders(), but(vault(), &json!({"targetService": "keyvoult"}))]);
    assert_eq!(world.run().await.code, Ok(2));
    assert_eq!(unapplied(&world), texts("", "0"));
    world.upgrade(&[orders(), but(orders(), &json!({"name": "Orders"})), pictures()]);
    assert_eq!(world.run().await.code, Ok(2));
    assert_eq!(unapplied(&world), texts("shop/secrets/sc-orders-secret", "1"));
}

#[tokio::test(start_paused = true)]
async fn the_secret_of_the_driver_is_nobodys_to_apply() {
    let synced = but(vault(), &json!({"syncSecret": "vault-copy"}));
    let world = refusing(World::of(&[orders(), synced]), ORDERS, 3).await;
    assert_eq!(unapplied(&world), texts("shop/secrets/sc-orders-secret", "1"));
}

#[tokio::test(start_paused = true)]
async fn of_very_many_a_hundred_are_named() {
    let many: Vec<Value> = (0..150).map(|number| but(orders(), &json!({"name": format!("o{number:03}")}))).collect();
    let world = World::of(&many);
    world.server.objects(|objects| objects.remove(REFERENCED));
    assert_eq!(world.run().await.code, Ok(1));
    let (named, count) = unapplied(&world);
    assert_eq!((named.lines().count(), count.as_str()), (100, "150"));
    assert_eq!(named.lines().next(), Some("shop/secrets/sc-o000-secret"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_short_names_what_it_did_not_reach() {
    let many: Vec<Value> = (0..90).map(|number| but(orders(), &json!({"name": format!("orders{number}")}))).collect();
    let world = World::of(&many);
    world.server.when(Method::POST, "/api/v1/namespaces/shop/*", 100, Then::Delay(Duration::from_secs(10)));
    let stop = world.stop.clone();
    world.later(15, move |_| stop.now(Reason::Signal));
    assert!(world.run().await.code.is_err());
    let created: usize = world.status("summary").split(' ').nth(2).unwrap().parse().unwrap();
    let (named, count) = unapplied(&world);
    assert_eq!((named.lines().count(), count), (90 - created, (90 - created).to_string()), "{}", world.status("summary"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_did_not_see_all_values_says_nothing_of_any_object() {
    let world = refusing(World::of(&three()), ORDERS, 3).await;
    world.configure(b"connections: [");
    assert_eq!(world.run().await.code, Ok(2));
    assert_eq!(unapplied(&world), texts("", ""));
}

#[tokio::test(start_paused = true)]
async fn the_versions_of_sets_are_named_and_those_of_secrets_are_not() {
    let world = refusing(in_sets(&[pictures()], &[orders()], &[vault()]), ORDERS, 3).await;
    let sets: Vec<String> = world.status("sets").split(' ').map(|pair| pair.split('=').next().unwrap().to_owned()).collect();
    assert_eq!(sets, ["media-connections", "shop-connections"]);
}
