//! Ordinary runs: the first, one that changes nothing, and one that puts drift back.

use http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::world::{
    CONFIG, CONFIG_MAPS, EVENTS, INVENTORY, JOB, LEASE, LEASES, OBJECTS, ORDERS, REFERENCED, STATUS, World, but, orders, pictures, tells, three,
    vault,
};

#[tokio::test(start_paused = true)]
async fn a_first_install_asks_for_each_thing_once() {
    let world = World::of(&three());
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    let lines = ended.lines();
    let before = [
        format!("GET {JOB}"),
        format!("GET {LEASE}"),
        format!("POST {LEASES}"),
        format!("GET {CONFIG}"),
        format!("GET {STATUS}"),
        format!("POST {CONFIG_MAPS}"),
        format!("GET {REFERENCED}"),
        format!("GET {INVENTORY}"),
        format!("POST {CONFIG_MAPS}"),
    ];
    let after = [format!("PUT {STATUS}"), format!("POST {EVENTS}"), format!("PATCH {JOB}"), format!("GET {LEASE}"), format!("PUT {LEASE}")];
    assert_eq!(lines[..before.len()], before);
    assert_eq!(lines[lines.len() - after.len()..], after);
    let mut objects = OBJECTS.map(|path| format!("POST {path}"));
    objects.sort();
    assert_eq!(ended.written(), objects);
    assert_eq!(lines.len(), before.len() + OBJECTS.len() + after.len());
    assert!(ended.took.is_zero(), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn many_connections_cost_one_request_each() {
    let many: Vec<_> = (0..100).map(|n| but(orders(), &json!({"name": format!("orders-{n}")}))).collect();
    let world = World::of(&many);
    let first = world.run().await;
    assert_eq!(first.code, Ok(0));
    assert!(first.seen.len() <= 100 + 1 + 20, "{}", first.seen.len());
    let again = world.run().await;
    assert_eq!(again.code, Ok(0));
    assert!(again.seen.len() <= 100 + 1 + 20, "{}", again.seen.len());
}

#[tokio::test(start_paused = true)]
async fn a_rerun_reads_each_object_once_and_writes_nothing_outside() {
    let world = World::installed(&three()).await;
    let versions = world.server.objects(|objects| objects.versions());
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(ended.written(), [""; 0]);
    let mut read: Vec<&str> = ended.outside().iter().map(|seen| seen.path.as_str()).collect();
    let mut objects = OBJECTS;
    read.sort_unstable();
    objects.sort_unstable();
    assert_eq!(read, objects);
    let after = world.server.objects(|objects| objects.versions());
    for path in OBJECTS {
        assert_eq!(after[path], versions[path], "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_proves_which_values_were_applied() {
    let world = World::of(&three());
    let ended = world.run().await;
    let document = json!({"connections": three()}).to_string();
    let hash = Sha256::digest(document.as_bytes()).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    let begun = &ended.of(&Method::POST, STATUS)[0].body["data"];
    assert_eq!((&begun["result"], &begun["desiredHash"]), (&json!("Running"), &json!(hash)));
    assert!(begun["observedHash"].is_null());
    for (key, value) in [
        ("result", "Succeeded"),
        ("desiredHash", hash.as_str()),
        ("observedHash", &hash),
        ("observedUID", "config-1"),
        ("generation", "1"),
        ("trigger", "hook"),
        ("jobUID", "job-1"),
        ("podName", "sc-job-abcde"),
        ("summary", "5 objects: 5 created"),
        ("consecutiveFailures", "0"),
        ("reason", ""),
    ] {
        assert_eq!(world.status(key), value, "{key}");
    }
    assert!(world.status("references").starts_with("orders-admin="));
    assert_eq!(world.run().await.code, Ok(0));
    assert_eq!((world.status("generation").as_str(), world.status("summary").as_str()), ("2", "5 objects: 5 unchanged"));
}

#[tokio::test(start_paused = true)]
async fn the_event_is_on_the_own_job() {
    let ended = World::of(&three()).run().await;
    let events = ended.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "Normal");
    assert_eq!(events[0]["involvedObject"]["uid"], "job-1");
    assert_eq!(events[0]["message"], "5 objects: 5 created");
}

#[tokio::test(start_paused = true)]
async fn the_time_to_live_comes_last_and_only_on_the_own_uid() {
    let world = World::of(&three());
    let ended = world.run().await;
    let patches = ended.of(&Method::PATCH, JOB);
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "job-1"},
        {"op": "add", "path": "/spec/ttlSecondsAfterFinished", "value": 60},
    ]);
    assert_eq!(patches.len(), 1);
    assert_eq!(patches[0].body, expected);
    assert_eq!(world.live(JOB).unwrap()["spec"]["ttlSecondsAfterFinished"], 60);
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_given_back() {
    let world = World::of(&three());
    let ended = world.run().await;
    assert_eq!(ended.of(&Method::POST, LEASE)[0].body["spec"]["holderIdentity"], "pod-1");
    assert_eq!(world.live(LEASE).unwrap()["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn the_secret_carries_the_referenced_password() {
    // What the other tests look for in vain must be there where it belongs, or they could not fail.
    let ended = World::of(&three()).run().await;
    assert!(tells(&ended.of(&Method::POST, ORDERS)[0].body.to_string()));
}

#[tokio::test(start_paused = true)]
async fn drift_is_put_back_with_the_version_that_was_seen() {
    let world = World::installed(&three()).await;
    let before = world.live(ORDERS).unwrap();
    world.server.objects(|objects| {
        objects.change(ORDERS, |secret| {
            secret["data"]["AZURE_POSTGRESQL_CONNECTIONSTRING"] = json!("eA==");
            secret["data"]["BY_HAND"] = json!("eA==");
            secret["metadata"]["labels"]["team"] = json!("shop");
        });
    });
    let seen = world.live(ORDERS).unwrap()["metadata"]["resourceVersion"].clone();
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(ended.written(), [format!("PUT {ORDERS}")]);
    assert_eq!(ended.of(&Method::PUT, ORDERS)[0].body["metadata"]["resourceVersion"], seen);
    let after = world.live(ORDERS).unwrap();
    assert_eq!(after["data"], before["data"]);
    assert_eq!(after["metadata"]["labels"]["team"], "shop");
    assert_eq!(world.status("summary"), "5 objects: 1 updated, 4 unchanged");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_deleted_comes_back() {
    let world = World::installed(&three()).await;
    world.server.objects(|objects| objects.remove(ORDERS));
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(ended.written(), [format!("POST {ORDERS}")]);
}

#[tokio::test(start_paused = true)]
async fn changed_values_change_one_secret() {
    let world = World::installed(&three()).await;
    let [_, pictures, vault] = three();
    let orders = but(orders(), &json!({"target": {"server": "orders-db", "database": "archive"}}));
    world.configure(json!({"connections": [orders, pictures, vault]}).to_string().as_bytes());
    let ended = world.run().await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(ended.written(), [format!("PUT {ORDERS}")]);
    assert_eq!(world.status("observedHash"), world.status("desiredHash"));
}

#[tokio::test(start_paused = true)]
async fn what_azure_needs_is_in_the_report_and_more_than_there_may_be_is_warned_of() {
    let of = |count: usize| -> Vec<_> { (1..=count).map(|number| but(pictures(), &json!({"namespace": format!("shop-{number}")}))).collect() };
    let warning = |count: usize| format!("needs {count} federated credentials, and may have 20");
    let most = World::of(&of(20)).run().await;
    assert_eq!(most.code, Ok(0));
    assert_eq!(most.printed.matches("in Azure: identity ").count(), 20, "{}", most.printed);
    assert!(!most.printed.contains("warning: identity"), "{}", most.printed);
    let more = World::of(&of(21)).run().await;
    assert_eq!(more.code, Ok(0), "it is no failure");
    assert!(more.printed.contains(&warning(21)), "{}", more.printed);
    let vault = World::of(&[vault()]).run().await;
    assert!(
        vault.printed.contains("must have the role `Key Vault Secrets User` on vault shop-vault\n      by: az role assignment create "),
        "{}",
        vault.printed
    );
}
