//! The cleanup before an uninstallation, and the check that `helm test` makes.

use http::Method;
use serde_json::json;

use crate::server::Then;
use crate::world::{CONFIG, CRON, Ended, OBJECTS, ORDERS, REFERENCED, World, orders, three};

/// Runs as a Job that the chart does not let read itself.
async fn run_as(world: &World, job: &str, task: &[&str]) -> Ended {
    world.run_as(&[task, &["--pod-uid", "pod-2", "--pod-name", "other-abcde", "--job-name", job, "--job-uid", "job-2"]].concat()).await
}

async fn installed() -> World {
    let world = World::installed(&three()).await;
    world.put(CRON, &json!({"metadata": {"name": "sc-reconcile"}, "spec": {"suspend": false}}));
    world
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_suspends_the_cron_job_and_deletes_all_that_was_made() {
    let world = installed().await;
    let ended = run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    assert_eq!((ended.code.clone(), world.status("result").as_str(), world.status("summary").as_str()), (Ok(0), "CleanedUp", "5 objects: 5 deleted"));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_none()));
    assert_eq!(world.live(CRON).unwrap()["spec"]["suspend"], true);
    let lines = ended.lines();
    let place = |line: &str| lines.iter().position(|found| found.starts_with(line)).unwrap();
    assert!(place("PATCH") < place("DELETE"), "{lines:?}");
    assert!(ended.of(&Method::GET, REFERENCED).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cron_run_that_waited_for_the_cleanup_makes_nothing_anew() {
    let world = installed().await;
    run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    let cron = run_as(&world, "sc-reconcile-29000000", &["--trigger", "cron"]).await;
    assert_eq!((cron.code.clone(), cron.written()), (Ok(0), vec![]));
    assert_eq!(world.status("result"), "CleanedUp");
    let upgrade = run_as(&world, "sc-job-by-hand", &["--trigger", "hook"]).await;
    assert_eq!((upgrade.code, world.status("result").as_str()), (Ok(0), "Succeeded"));
    assert!(OBJECTS.iter().all(|path| world.live(path).is_some()), "an uninstallation that was given up is mended by an upgrade");
}

#[tokio::test(start_paused = true)]
async fn a_new_release_is_not_held_up_by_the_cleanup_of_an_old_one() {
    let world = installed().await;
    run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    world.server.objects(|objects| objects.change(CONFIG, |secret| secret["metadata"]["uid"] = json!("config-2")));
    let cron = run_as(&world, "sc-reconcile-29000000", &["--trigger", "cron"]).await;
    assert_eq!((cron.code, world.status("result").as_str()), (Ok(0), "Succeeded"));
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_needs_no_values() {
    let world = installed().await;
    world.server.objects(|objects| objects.remove(CONFIG));
    assert_eq!(run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await.code, Ok(0));
    assert!(world.live(ORDERS).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_leaves_what_is_not_ours() {
    let world = installed().await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["metadata"]["labels"] = json!({"team": "billing"})));
    let ended = run_as(&world, "sc-cleanup", &["cleanup", "--trigger", "cleanup"]).await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(0), "5 objects: 4 deleted, 1 kept"));
    assert!(world.live(ORDERS).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_fails_is_mended_by_another() {
    let world = installed().await;
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
