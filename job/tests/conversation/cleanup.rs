//! The cleanup before an uninstallation, and the check that `helm test` makes.

use http::Method;
use serde_json::json;

use crate::server::Then;
use crate::world::{CONFIG, Ended, OBJECTS, ORDERS, REFERENCED, World, orders, three};

/// Runs as a Job that the chart does not let read itself.
async fn run_as(world: &World, job: &str, task: &[&str]) -> Ended {
    world.run_as(&[task, &["--pod-uid", "pod-2", "--pod-name", "other-abcde", "--job-name", job, "--job-uid", "job-2"]].concat()).await
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_deletes_all_that_was_made() {
    let world = World::installed(&three()).await;
    let ended = run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    assert_eq!((ended.code.clone(), world.status("result").as_str(), world.status("summary").as_str()), (Ok(0), "CleanedUp", "5 objects: 5 deleted"));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_none()));
    assert!(ended.of(&Method::GET, REFERENCED).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_a_cleanup_only_looks() {
    let world = World::installed(&three()).await;
    let ended = run_as(&world, "sc-cleanup", &["cleanup", "--dry-run"]).await;
    assert_eq!(ended.code, Ok(0));
    assert!(
        OBJECTS.iter().all(|path| ended.of(&Method::GET, path).len() == 1) && ended.seen.iter().all(|seen| !seen.writes()),
        "{:?}",
        ended.lines()
    );
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_goes_by_an_inventory_and_not_by_a_file() {
    let world = World::installed(&three()).await;
    let ended = world.run_as(&["cleanup", "--values", "/dev/null"]).await;
    assert!(ended.code.unwrap_err().contains("--status-namespace") && ended.seen.is_empty());
    let ended = world.run_as(&["cleanup", "--values", "/dev/null", "--status-namespace", "sc-system"]).await;
    assert_eq!((ended.code, world.status("result").as_str()), (Ok(0), "CleanedUp"));
    assert!(world.live(ORDERS).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cron_run_that_waited_for_the_cleanup_makes_nothing_anew() {
    let world = World::installed(&three()).await;
    run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    let cron = run_as(&world, "sc-reconcile-29000000", &["--trigger", "cron"]).await;
    assert_eq!((cron.code.clone(), cron.written()), (Ok(0), vec![]));
    assert_eq!(world.status("result"), "CleanedUp");
    let rollback = run_as(&world, "another", &["--trigger", "rollback"]).await;
    assert_eq!((rollback.code, world.status("result").as_str()), (Ok(0), "Succeeded"));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_some()), "an uninstallation that was given up is mended by a rollback");
}

#[tokio::test(start_paused = true)]
async fn a_new_release_is_not_held_up_by_the_cleanup_of_an_old_one() {
    let world = World::installed(&three()).await;
    run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    world.server.objects(|objects| objects.change(CONFIG, |secret| secret["metadata"]["uid"] = json!("config-2")));
    let cron = run_as(&world, "sc-reconcile-29000000", &["--trigger", "cron"]).await;
    assert_eq!((cron.code, world.status("result").as_str()), (Ok(0), "Succeeded"));
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_needs_no_values() {
    let world = World::installed(&three()).await;
    world.server.objects(|objects| objects.remove(CONFIG));
    assert_eq!(run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await.code, Ok(0));
    assert!(world.live(ORDERS).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_cannot_see_whose_the_values_are_deletes_nothing() {
    let world = World::installed(&three()).await;
    world.server.when(Method::GET, CONFIG, 1000, Then::Answer((500, json!(null), None)));
    let ended = run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    assert!(ended.code.clone().unwrap_err().contains("sc-config") && ended.written().is_empty(), "{:?}", ended.lines());
    assert_eq!(world.status("result"), "Failed");
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_leaves_what_is_not_ours() {
    let world = World::installed(&three()).await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["metadata"]["labels"] = json!({"team": "billing"})));
    let ended = run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(0), "5 objects: 4 deleted, 1 kept"));
    assert!(world.live(ORDERS).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_fails_is_mended_by_another() {
    let world = World::installed(&three()).await;
    world.server.when(Method::DELETE, ORDERS, 1000, Then::Answer((500, json!(null), None)));
    let ended = run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    assert_eq!((ended.code, world.status("result").as_str()), (Ok(1), "Failed"));
    assert_eq!(world.inventory().len(), 5);
    world.server.forget_rules();
    assert_eq!(run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await.code, Ok(0));
    assert!(world.live(ORDERS).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_check_proves_what_was_applied_and_writes_nothing() {
    let world = World::of(&[orders()]);
    assert_eq!(run_as(&world, "sc-test", &["check"]).await.code, Ok(3), "no run yet");
    world.run().await;
    let proven = run_as(&world, "sc-test", &["check"]).await;
    assert_eq!(proven.code, Ok(0));
    assert!(proven.seen.iter().all(|seen| !seen.writes()), "{:?}", proven.lines());
    world.upgrade(&three());
    assert_eq!(run_as(&world, "sc-test", &["check"]).await.code, Ok(3), "other values since");
    world.put(ORDERS, &json!({"metadata": {"labels": {}}}));
    world.run().await;
    assert_eq!(run_as(&world, "sc-test", &["check"]).await.code, Ok(3), "the last run failed");
}
