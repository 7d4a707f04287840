//! Connection sets: more connections in Secrets, looked at one after the other, then applied.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use sc_job::stop::Reason;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::server::{Then, status};
use crate::world::{ACCOUNT, Ended, INVENTORY, OBJECTS, ORDERS, PICTURES, REFERENCED, World, but, orders, pictures, vault};

const SHOP: &str = "/api/v1/namespaces/sc-system/secrets/shop-connections";
pub(crate) const MEDIA: &str = "/api/v1/namespaces/sc-system/secrets/media-connections";

pub(crate) fn put_set(world: &World, path: &str, document: &str) {
    let name = path.rsplit('/').next().unwrap();
    world.put(path, &json!({"metadata": {"name": name}, "data": {"connections.yaml": STANDARD.encode(document)}}));
}

/// Some connections in the values, some in two sets.
pub(crate) fn in_sets(listed: &[Value], shop: &[Value], media: &[Value]) -> World {
    let world = World::of(&[]);
    let sets = json!([
        {"secretName": "shop-connections", "namespaces": ["shop"], "referencedSecrets": ["orders-admin"]},
        {"secretName": "media-connections", "namespaces": ["media"], "referencedSecrets": ["orders-admin"]},
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
}

/// Requests of this method for objects outside of the namespace of the release, and their lists.
fn looked(ended: &Ended) -> Vec<String> {
    let outside = |line: &String| line.starts_with("GET ") && !line.contains("/sc-system/");
    ended.lines().into_iter().map(|line| line.split('?').next().unwrap().to_owned()).filter(outside).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_should_be_is_seen_by_one_list_and_each_set_is_read_once() {
    let world = in_sets(&[pictures()], &[orders(), but(orders(), &json!({"name": "more"}))], &[vault()]);
    assert_eq!(world.run().await.code, Ok(0));
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written(), world.status("summary").as_str()), (Ok(0), vec![], "6 objects: 6 unchanged"));
    let mut looked = looked(&again);
    looked.sort();
    let lists = [
        "GET /api/v1/namespaces/shop/serviceaccounts",
        "GET /api/v1/namespaces/shop/secrets",
        "GET /apis/secrets-store.csi.x-k8s.io/v1/namespaces/media/secretproviderclasses",
    ];
    assert!(lists.iter().all(|list| looked.contains(&(*list).to_owned())), "{looked:?}");
    assert!(looked.iter().all(|line| !line.contains("/shop/secrets/")), "{looked:?}");
    assert_eq!((again.of(&Method::GET, SHOP).len(), again.of(&Method::GET, MEDIA).len(), again.of(&Method::GET, REFERENCED).len()), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn only_the_set_of_what_differs_is_read_again() {
    let world = in_sets(&[], &[orders(), but(orders(), &json!({"name": "more"}))], &[vault()]);
    assert_eq!(world.run().await.code, Ok(0));
    world.server.objects(|objects| objects.change(ORDERS, |live| live["data"] = json!({"A": "YQ=="})));
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written()), (Ok(0), vec![format!("PUT {ORDERS}")]));
    assert_eq!((again.of(&Method::GET, SHOP).len(), again.of(&Method::GET, MEDIA).len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_be_listed_each_object_is_looked_at_and_nobody_waits() {
    let world = in_sets(&[], &[orders(), but(orders(), &json!({"name": "more"}))], &[vault()]);
    assert_eq!(world.run().await.code, Ok(0));
    world.server.when(Method::GET, "/api/v1/namespaces/shop/secrets?*", 1000, Then::Answer(status(403, "Forbidden", SHOP, "secrets is forbidden")));
    let begun = Instant::now();
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written(), world.status("summary").as_str()), (Ok(0), vec![], "4 objects: 4 unchanged"));
    assert_eq!((again.of(&Method::GET, ORDERS).len(), again.of(&Method::GET, SHOP).len()), (1, 1));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn after_some_refusals_no_other_list_is_tried() {
    let world = World::of(&[]);
    let names: Vec<String> = (0..10).map(|number| format!("team{number}")).collect();
    let teams: Vec<Value> = names.iter().map(|name| but(orders(), &json!({"namespace": name}))).collect();
    world.configure(
        json!({"connectionSets": [{"secretName": "shop-connections", "namespaces": &names, "referencedSecrets": ["orders-admin"]}]})
            .to_string()
            .as_bytes(),
    );
    put_set(&world, SHOP, &json!(teams).to_string());
    assert_eq!(world.run().await.code, Ok(0));
    for name in &names {
        let (lists, refusal) = (format!("/api/v1/namespaces/{name}/secrets?*"), status(403, "Forbidden", SHOP, "secrets is forbidden"));
        world.server.when(Method::GET, &lists, 1, Then::Answer(refusal));
    }
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written(), world.status("summary").as_str()), (Ok(0), vec![], "10 objects: 10 unchanged"));
    assert_eq!(looked(&again).len(), 4 + 10, "{:?}", again.lines());
}

#[tokio::test(start_paused = true)]
async fn a_list_has_many_pages_and_what_is_on_its_way_out_is_not_as_it_should_be() {
    let many: Vec<Value> = (0..701).map(|number| but(orders(), &json!({"name": format!("many{number}")}))).collect();
    let world = in_sets(&[], &many, &[]);
    assert_eq!(world.run().await.code, Ok(0));
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written(), looked(&again).len()), (Ok(0), vec![], 2));
    let last = "/api/v1/namespaces/shop/secrets/sc-many99-secret";
    world.server.objects(|objects| objects.change(last, |live| live["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z")));
    assert_eq!(world.run().await.code, Ok(1));
    assert!(world.status("reason").contains("sc-many99-secret: it is being deleted by somebody else"), "{}", world.status("reason"));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_looks_by_list_too_and_writes_nothing() {
    let world = in_sets(&[], &[orders()], &[vault()]);
    assert_eq!(world.run().await.code, Ok(0));
    world.server.objects(|objects| objects.remove(ORDERS));
    let dry = world.run_with(&["--dry-run"]).await;
    assert_eq!((dry.code.clone(), dry.written()), (Ok(0), vec![]));
    assert!(looked(&dry).contains(&"GET /api/v1/namespaces/shop/secrets".to_owned()), "{:?}", dry.lines());
}

#[tokio::test(start_paused = true)]
async fn two_of_one_name_in_two_sets_are_refused_with_both_places() {
    let second = but(vault(), &json!({"namespace": "shop", "name": "Orders"}));
    let world = in_sets(&[orders()], &[second], &[vault()]);
    let ended = world.run().await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(2), "2 objects: 2 created; 1 problem"));
    assert!(world.live(ORDERS).is_none(), "neither is right");
    let reason = world.status("reason");
    for words in ["connection `Orders` and that at connections[0] would both write Secret shop/sc-orders-secret", "Secret shop-connections: [0]"] {
        assert!(reason.contains(words), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_two_sets_ask_for_is_not_told_as_unchanged_either() {
    let world = World::of(&[]);
    let sets = ["shop-connections", "media-connections"]
        .map(|name| json!({"secretName": name, "namespaces": ["shop"], "referencedSecrets": ["orders-admin"]}));
    world.configure(json!({"connectionSets": sets}).to_string().as_bytes());
    put_set(&world, SHOP, &json!([orders(), pictures()]).to_string());
    put_set(&world, MEDIA, "[]");
    assert_eq!(world.run().await.code, Ok(0));
    put_set(&world, MEDIA, &json!([but(orders(), &json!({"name": "Orders"}))]).to_string());
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written(), world.status("summary").as_str()), (Ok(2), vec![], "2 objects: 2 unchanged; 1 problem"));
}

#[tokio::test(start_paused = true)]
async fn what_one_set_wants_gone_and_another_there_stays_as_it_is() {
    let world = World::of(&[]);
    let sets = ["media-connections", "shop-connections"]
        .map(|name| json!({"secretName": name, "namespaces": ["shop"], "referencedSecrets": ["orders-admin"]}));
    world.configure(json!({"connectionSets": sets}).to_string().as_bytes());
    put_set(&world, MEDIA, &json!([orders()]).to_string());
    put_set(&world, SHOP, "[]");
    assert_eq!(world.run().await.code, Ok(0));
    put_set(&world, MEDIA, &json!([but(orders(), &json!({"state": "absent"}))]).to_string());
    put_set(&world, SHOP, &json!([but(orders(), &json!({"deletionPolicy": "Delete"}))]).to_string());
    let moved = world.run().await;
    assert_eq!((moved.code.clone(), moved.written()), (Ok(2), vec![]), "{}", world.status("reason"));
    assert_eq!(world.inventory(), ["shop/secrets/sc-orders-secret Retain"]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_account_is_adopted_if_any_document_says_so() {
    for (of_values, of_set) in [(true, false), (false, true)] {
        let more = but(pictures(), &json!({"name": "more", "adopt": of_set}));
        let world = in_sets(&[but(pictures(), &json!({"adopt": of_values}))], &[more], &[]);
        world.put(ACCOUNT, &json!({"metadata": {"name": "theirs"}}));
        assert_eq!(world.run().await.code, Ok(0), "{}", world.status("reason"));
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
    world.server.when(Method::POST, INVENTORY, 1, Then::First(Box::new(move |objects| objects.change(SHOP, touch))));
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
async fn a_signal_while_objects_are_looked_at_is_no_success() {
    let world = in_sets(&[pictures()], &[orders()], &[vault()]);
    assert_eq!(world.run().await.code, Ok(0));
    world.server.when(Method::GET, "/api/v1/namespaces/shop/secrets?*", 1, Then::Delay(Duration::from_secs(10)));
    let stop = world.stop.clone();
    world.later(5, move |_| stop.now(Reason::Signal));
    let ended = world.run().await;
    assert!(ended.code.clone().unwrap_err().contains("the run was told to end"));
    assert_eq!((ended.took.as_secs(), ended.written().len(), world.status("result").as_str()), (5, 0, "Failed"));
}

#[tokio::test(start_paused = true)]
async fn a_set_is_read_again_while_requests_of_the_one_before_are_under_way() {
    let world = in_sets(&[], &[orders()], &[vault()]);
    world.server.when(Method::POST, ORDERS, 1, Then::Delay(Duration::from_secs(10)));
    world.server.when(Method::GET, MEDIA, 2, Then::Delay(Duration::from_secs(8)));
    let ended = world.run().await;
    assert_eq!((ended.code, ended.took.as_secs()), (Ok(0), 8 + 10));
}

#[tokio::test(start_paused = true)]
async fn an_account_of_the_values_is_there_before_what_needs_it() {
    let world = in_sets(&[pictures()], &[but(pictures(), &json!({"name": "more"}))], &[]);
    let ended = world.run().await;
    let written: Vec<String> = ended.outside().iter().map(|seen| seen.object.clone()).collect();
    assert_eq!((ended.code, written[0].as_str(), written[1].as_str()), (Ok(0), ACCOUNT, PICTURES));
    world.server.objects(|objects| objects.remove(ACCOUNT));
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written()), (Ok(0), vec![format!("POST {ACCOUNT}")]));
    assert_eq!(again.of(&Method::GET, SHOP).len(), 1, "nothing of the set differs");
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
