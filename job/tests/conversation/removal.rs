//! Removal: `state: absent`, and connections that were taken out, by their deletion policy.

use http::Method;
use serde_json::{Value, json};

use crate::server::{Then, status};
use crate::world::{
    ACCOUNT, CLASS, CONFIG, INVENTORY, OBJECTS, ORDERS, PICTURES, REFERENCED, STATUS, VAULT, World, but, orders, pictures, three, vault,
};

/// Deletes the object of [`VAULT`] by hand, if it is the release's.
const DELETION: &str = "kubectl -n media delete secret -l sc-extension.dev/release=sc,sc-extension.dev/release-namespace=sc-system \
    --field-selector metadata.name=sc-vault-secret";

fn absent(connection: Value) -> Value {
    but(connection, &json!({"state": "absent"}))
}

/// All of [`three`], to be deleted when they are taken out.
fn disposable() -> Vec<Value> {
    three().into_iter().map(|connection| but(connection, &json!({"deletionPolicy": "Delete"}))).collect()
}

fn assert_gone(world: &World, paths: &[&str]) {
    let left: Vec<&&str> = paths.iter().filter(|path| world.live(path).is_some()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_absent_is_deleted_once() {
    let world = World::installed(&three()).await;
    world.upgrade(&[absent(orders()), absent(pictures()), absent(vault())]);
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), world.status("summary").as_str()), (Ok(0), "5 objects: 5 deleted"));
    assert_gone(&world, &OBJECTS);
    assert_eq!(world.inventory(), [""; 0]);
    assert!(ended.of(&Method::GET, REFERENCED).is_empty(), "its credentials are not needed");

    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written(), world.status("summary").as_str()), (Ok(0), vec![], "5 objects: 5 absent"));
}

#[tokio::test(start_paused = true)]
async fn what_is_absent_and_a_strangers_is_left_alone() {
    let world = World::of(&[absent(orders())]);
    world.put(ORDERS, &json!({"metadata": {"name": "sc-orders-secret", "labels": {"team": "billing"}}, "data": {"KEEP": "bWU="}}));
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.written(), world.status("summary").as_str()), (Ok(0), vec![], "1 object: 1 kept"));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_another_connection_uses_stays() {
    let more = but(pictures(), &json!({"name": "more"}));
    let world = World::installed(&[pictures(), more.clone()]).await;
    world.upgrade(&[absent(pictures()), more]);
    assert_eq!(world.run().await.code, Ok(0));
    assert_gone(&world, &[PICTURES]);
    assert!(world.live(ACCOUNT).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_account_stays_as_long_as_something_is_wrong_with_the_values() {
    let more = but(pictures(), &json!({"name": "more"}));
    let world = World::installed(&[pictures(), more.clone()]).await;
    world.upgrade(&[absent(pictures()), but(more, &json!({"authType": "workload-identiti"}))]);
    assert_eq!(world.run().await.code, Ok(2));
    assert_gone(&world, &[PICTURES]);
    assert!(world.live(ACCOUNT).is_some(), "the broken one may use it");
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_out_stays_by_default_and_is_told_once() {
    let world = World::installed(&three()).await;
    world.upgrade(&[orders()]);
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.written(), world.status("summary").as_str()), (Ok(0), vec![], "5 objects: 1 unchanged, 4 kept"));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_some()));
    assert_eq!(world.inventory(), ["shop/secrets/sc-orders-secret Retain"]);
    world.run().await;
    assert_eq!(world.status("summary"), "1 object: 1 unchanged");
    assert_eq!(world.status("kept").lines().count(), 4, "the status names them longer");
    assert!(world.status("kept").lines().any(|line| line == DELETION));
    world.upgrade(&[orders(), vault()]);
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!(world.status("kept").lines().count(), 2, "what is asked for again is not named");
    assert!(!world.status("kept").contains("vault"));
}

#[tokio::test(start_paused = true)]
async fn a_strangers_object_that_was_in_the_way_is_never_told_to_be_deleted() {
    let world = World::of(&[orders()]);
    world.put(ORDERS, &json!({"metadata": {"name": "sc-orders-secret"}, "data": {"KEEP": "bWU="}}));
    assert_eq!(world.run().await.code, Ok(3));
    assert_eq!(world.inventory(), [""; 0]);
    world.upgrade(&[but(orders(), &json!({"name": "billing"}))]);
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!((world.status("summary").as_str(), world.status("kept").as_str()), ("1 object: 1 created", ""));
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_out_is_deleted_by_its_policy() {
    let world = World::installed(&disposable()).await;
    world.upgrade(&[orders()]);
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(0), "5 objects: 1 unchanged, 4 deleted"));
    assert_gone(&world, &[PICTURES, ACCOUNT, VAULT, CLASS]);
    assert!(world.live(ORDERS).is_some());
    assert_eq!(world.inventory(), ["shop/secrets/sc-orders-secret Retain"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_one_of_its_connections_retains_stays() {
    let world = World::installed(&[but(pictures(), &json!({"deletionPolicy": "Delete"})), but(pictures(), &json!({"name": "more"}))]).await;
    world.upgrade(&[]);
    assert_eq!(world.run().await.code, Ok(0));
    assert_gone(&world, &[PICTURES]);
    assert!(world.live(ACCOUNT).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_a_changed_connection_leaves_behind_follows_its_policy() {
    let both = json!({"deletionPolicy": "Delete", "format": ["env", "servicebinding"]});
    let world = World::installed(&[but(orders(), &both)]).await;
    let binding = ORDERS.replace("-secret", "-binding");
    assert!(world.live(&binding).is_some());
    world.upgrade(&[but(orders(), &json!({"deletionPolicy": "Delete"}))]);
    assert_eq!(world.run().await.code, Ok(0));
    assert_gone(&world, &[&binding]);
    assert!(world.live(ORDERS).is_some());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_something_is_wrong_with_the_values() {
    let world = World::installed(&disposable()).await;
    let mut connections = disposable();
    connections[1]["name"] = json!("pict ures");
    connections[2]["targetService"] = json!("keyvalut");
    world.upgrade(&connections);
    assert_eq!(world.run().await.code, Ok(2));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_some()));
    assert_eq!(world.inventory().len(), 5);

    world.server.objects(|objects| objects.remove(REFERENCED));
    world.upgrade(&disposable());
    assert_eq!(world.run().await.code, Ok(1));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_some()), "a credential that is not to be had takes no Secret away");
}

#[tokio::test(start_paused = true)]
async fn what_the_job_may_not_delete_is_told_once_with_the_way_to_do_it() {
    let world = World::installed(&disposable()).await;
    world.upgrade(&[orders()]);
    world.server.when(Method::GET, VAULT, 1000, Then::Answer(status(403, "Forbidden", VAULT, "secrets is forbidden")));
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(0), "5 objects: 1 unchanged, 3 deleted, 1 kept"));
    assert_eq!(world.inventory(), ["shop/secrets/sc-orders-secret Retain"]);
    assert!(
        ended.printed.contains(&format!("   why: the job has no right to delete it\n   fix: if nobody needs it, `{DELETION}`\n")),
        "{}",
        ended.printed
    );
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!((world.status("summary").as_str(), world.status("kept").as_str()), ("1 object: 1 unchanged", DELETION));
}

#[tokio::test(start_paused = true)]
async fn what_a_rollback_may_not_delete_is_left_to_the_next_upgrade() {
    let world = World::installed(&disposable()).await;
    world.upgrade(&[orders()]);
    world.server.when(Method::GET, VAULT, 1000, Then::Answer(status(403, "Forbidden", VAULT, "secrets is forbidden")));
    let rollback = ["--pod-uid", "pod-1", "--job-name", "sc-job", "--job-uid", "job-1", "--trigger", "rollback"];
    assert_eq!(world.run_as(&rollback).await.code, Ok(0));
    assert_eq!(world.inventory(), ["media/secrets/sc-vault-secret Delete", "shop/secrets/sc-orders-secret Retain"]);
    assert_eq!(world.status("kept"), DELETION);
    world.server.forget_rules();
    assert_eq!(world.run().await.code, Ok(0));
    assert_gone(&world, &[VAULT]);
    assert_eq!(world.status("kept"), "");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_becomes_a_strangers_before_our_delete_stays() {
    let world = World::installed(&disposable()).await;
    world.upgrade(&[]);
    let stranger = json!({"metadata": {"name": "sc-orders-secret", "labels": {"team": "billing"}}, "data": {"KEEP": "bWU="}});
    world.server.when(Method::DELETE, ORDERS, 1, Then::First(Box::new(move |objects| drop(objects.put(ORDERS, stranger.clone())))));
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(0), "5 objects: 4 deleted, 1 kept"));
    assert_eq!(world.live(ORDERS).unwrap()["data"], json!({"KEEP": "bWU="}));
    assert_eq!(world.inventory(), [""; 0], "it is not ours to keep in mind");
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_is_lost_is_done() {
    let world = World::installed(&disposable()).await;
    world.upgrade(&[]);
    world.server.when(Method::DELETE, ORDERS, 1, Then::Lose);
    assert_eq!(world.run().await.code, Ok(0));
    assert_gone(&world, &OBJECTS);
}

#[tokio::test(start_paused = true)]
async fn what_is_made_is_in_the_inventory_before_it_is_there() {
    let world = World::of(&three());
    world.server.when(Method::POST, INVENTORY, 1000, Then::Answer((500, Value::Null, None)));
    let ended = world.run().await;
    assert!(ended.code.unwrap_err().contains("failed to keep the inventory"));
    assert_gone(&world, &OBJECTS);
    assert_eq!(world.status("result"), "Failed");
}

#[tokio::test(start_paused = true)]
async fn an_inventory_of_a_newer_version_is_left_alone() {
    let world = World::installed(&disposable()).await;
    world.server.objects(|objects| objects.change(INVENTORY, |map| map["data"]["formatVersion"] = json!("2")));
    let before = world.live(INVENTORY);
    world.upgrade(&[orders()]);
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(0), "1 object: 1 unchanged"));
    assert_eq!(world.live(INVENTORY), before);
}

#[tokio::test(start_paused = true)]
async fn a_line_of_the_inventory_that_a_hand_wrote_leads_to_nothing_of_a_strangers() {
    let world = World::installed(&[orders()]).await;
    let objects = "shop/secrets/sc-billing-secret Delete\nkube-system/secrets/root Delete\nshop/secrets/sc-orders-secret Retain\n";
    world.server.objects(|live| live.change(INVENTORY, |map| map["data"]["objects"] = json!(objects)));
    let billing = ORDERS.replace("orders", "billing");
    world.put(&billing, &json!({"metadata": {"name": "sc-billing-secret"}, "data": {"KEEP": "bWU="}}));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert!(world.live(&billing).is_some());
    assert!(ended.lines().iter().all(|line| !line.contains("kube-system")));
}

#[tokio::test(start_paused = true)]
async fn the_status_names_what_was_rotated() {
    let world = World::installed(&[orders()]).await;
    assert_eq!(world.status("rotated"), "");
    world.server.objects(|objects| objects.change(REFERENCED, |secret| secret["data"]["password"] = json!("aHVudGVyMjI=")));
    let ended = world.run().await;
    assert_eq!((ended.code.clone(), ended.written()), (Ok(0), vec![format!("PUT {ORDERS}")]));
    assert_eq!(world.status("rotated"), "orders-admin");
    world.run().await;
    assert_eq!(world.status("rotated"), "");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_be_deleted_and_deletes_nothing() {
    let world = World::installed(&three()).await;
    world.upgrade(&[absent(orders())]);
    let ended = world.run_with(&["--dry-run"]).await;
    assert_eq!((ended.code.clone(), ended.written()), (Ok(0), vec![]));
    for line in ["deleted   Secret shop/sc-orders-secret\n", "kept      Secret media/sc-vault-secret\n", "5 objects: 1 deleted, 4 kept\n", DELETION] {
        assert!(ended.printed.contains(line), "{}", ended.printed);
    }
    assert!(world.live(ORDERS).is_some() && world.live(STATUS).is_some() && world.live(CONFIG).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_inventory_that_cannot_be_written_in_the_end_is_a_failure_with_the_counts() {
    let world = World::installed(&[but(orders(), &json!({"deletionPolicy": "Delete"}))]).await;
    world.upgrade(&[]);
    world.server.when(Method::PUT, INVENTORY, 1000, Then::Answer((500, Value::Null, None)));
    assert!(world.run().await.code.unwrap_err().contains("failed to keep the inventory"));
    assert_eq!((world.status("result").as_str(), world.status("summary").as_str()), ("Failed", "1 object: 1 deleted"));
    assert_eq!(world.inventory().len(), 1, "the next run looks again");
}
