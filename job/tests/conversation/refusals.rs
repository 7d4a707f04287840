//! What the API server has against a request, and which of it passes.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::server::{Answer, Then, status};
use crate::world::{CLASS, Ended, OBJECTS, ORDERS, STATUS, World, three};

/// A first run where the POST of one object is answered so, that many times.
async fn run(object: &str, times: usize, then: Then) -> (World, Ended) {
    let world = World::of(&three());
    world.server.when(Method::POST, object, times, then);
    let ended = world.run().await;
    (world, ended)
}

/// Refused at the first answer, in these words, and all others applied.
async fn assert_refused(object: &str, answer: Answer, words: &str) {
    let (world, ended) = run(object, 100, Then::Answer(answer)).await;
    assert_eq!(ended.code, Ok(3), "{words}");
    assert_eq!(ended.of(&Method::POST, object).len(), 1, "{words}");
    assert_eq!(world.status("summary"), "5 objects: 4 created, 1 refused");
    assert!(world.status("reason").contains(words), "{}", world.status("reason"));
    assert_eq!(ended.events()[0]["type"], "Warning");
    assert!(!world.vanishes());
}

/// How long the job waited before each further request for the object.
fn pauses(ended: &Ended, object: &str) -> Vec<Duration> {
    let at: Vec<_> = ended.of(&Method::POST, object).iter().map(|seen| seen.at).collect();
    at.windows(2).map(|two| two[1] - two[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_webhooks_words_go_nowhere() {
    let said = "admission webhook \"policy.example\" denied the request: password=hunter2 (aHVudGVyMg==) is weak";
    assert_refused(ORDERS, status(400, "BadRequest", ORDERS, said), "an admission policy denied it (policy.example)").await;
    assert_refused(ORDERS, status(403, "Forbidden", ORDERS, said), "an admission policy denied it (policy.example)").await;
}

#[tokio::test(start_paused = true)]
async fn a_validating_policys_words_go_nowhere() {
    let said = "secrets \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: hunter2";
    assert_refused(ORDERS, status(422, "Invalid", ORDERS, said), "an admission policy denied it").await;
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_is_asked_once() {
    let namespace = (404, json!({"details": {"name": "shop", "kind": "namespaces"}}), None);
    let large = "Secret \"x\" is invalid: data: Too long: must have at most 1048576 bytes";
    let mut invalid = status(422, "Invalid", ORDERS, "it quotes hunter2");
    invalid.1["details"]["causes"] = json!([{"field": "type", "message": "hunter2"}]);
    let quota = "secrets \"x\" is forbidden: exceeded quota: q, requested: secrets=1";
    let terminating = "unable to create new content in namespace shop because it is being terminated";
    assert_refused(ORDERS, status(403, "Forbidden", ORDERS, quota), "a quota of its namespace is used up").await;
    assert_refused(ORDERS, status(403, "Forbidden", ORDERS, terminating), "its namespace is being deleted").await;
    assert_refused(ORDERS, namespace, "its namespace does not exist").await;
    assert_refused(ORDERS, (413, Value::Null, None), "larger than the API server takes").await;
    assert_refused(ORDERS, status(422, "Invalid", ORDERS, large), "larger than the API server takes").await;
    assert_refused(ORDERS, invalid, "the API server finds it invalid (type)").await;
    assert_refused(CLASS, (404, Value::Null, None), "does not know this kind of object").await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_waited_for_and_then_refused() {
    let forbidden = || status(403, "Forbidden", ORDERS, "secrets is forbidden: User \"x\" cannot create resource \"secrets\"");
    let (world, ended) = run(ORDERS, 2, Then::Answer(forbidden())).await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(0), "5 objects: 5 created"));
    let (world, ended) = run(ORDERS, 1000, Then::Answer(forbidden())).await;
    assert_eq!(ended.code, Ok(3));
    assert_eq!(ended.of(&Method::POST, ORDERS).len(), 7);
    assert!((5..40).contains(&ended.took.as_secs()), "{:?}", ended.took);
    assert!(world.status("reason").contains("the job has no right to create it"));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    let (_, ended) = run(ORDERS, 1, Then::Answer((429, Value::Null, Some(7)))).await;
    assert_eq!(ended.code, Ok(0));
    let pauses = pauses(&ended, ORDERS);
    assert!(pauses.len() == 1 && pauses[0] >= Duration::from_secs(7), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn errors_that_pass_are_tried_again_with_longer_pauses() {
    for then in [Then::Answer((503, Value::Null, None)), Then::Answer((500, Value::Null, None)), Then::Break] {
        let (_, ended) = run(ORDERS, 3, then).await;
        assert_eq!(ended.code, Ok(0));
        let pauses = pauses(&ended, ORDERS);
        assert!(pauses.len() == 3 && pauses[2] > pauses[0] && pauses[0] >= Duration::from_millis(100), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_that_do_not_pass_fail_the_run() {
    let (world, ended) = run(ORDERS, 1000, Then::Answer((503, Value::Null, None))).await;
    assert_eq!((ended.code, world.status("summary").as_str()), (Ok(1), "5 objects: 4 created, 1 failed"));
    assert!(world.status("reason").contains("the API server answered 503"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_no_failure() {
    let (world, ended) = run(ORDERS, 1, Then::Lose).await;
    assert_eq!(ended.code, Ok(0));
    assert_eq!(
        ended.outside().iter().filter(|seen| seen.object == ORDERS).map(|seen| seen.method.as_str()).collect::<Vec<_>>(),
        ["POST", "POST", "GET"]
    );
    assert_eq!(world.status("summary"), "5 objects: 4 created, 1 unchanged");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_about_the_status_is_no_failure() {
    for method in [Method::POST, Method::PUT] {
        let world = World::of(&three());
        world.server.when(method, STATUS, 1, Then::Lose);
        assert_eq!(world.run().await.code, Ok(0));
        assert_eq!(world.status("result"), "Succeeded");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_api_server_is_asked_again() {
    let (_, ended) = run(ORDERS, 1, Then::Delay(Duration::from_hours(1))).await;
    assert_eq!(ended.code, Ok(0));
    assert!(ended.took < Duration::from_mins(1), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_object_is_not_believed() {
    let (_, ended) = run(ORDERS, 1000, Then::Answer((200, json!("hello"), None))).await;
    assert_eq!(ended.code, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_stored_otherwise_is_refused() {
    let change = |object: &mut Value| object["data"]["AZURE_POSTGRESQL_CONNECTIONSTRING"] = json!("eA==");
    let (world, ended) = run(ORDERS, 1, Then::Mutate(Box::new(change))).await;
    assert_eq!(ended.code, Ok(3));
    assert!(world.status("reason").contains("the API server stored something else than was sent"));
    let world = World::installed(&three()).await;
    world.server.objects(|objects| objects.change(ORDERS, |secret| secret["data"]["BY_HAND"] = json!("eA==")));
    world.server.when(Method::PUT, ORDERS, 1, Then::Mutate(Box::new(change)));
    assert_eq!(world.run().await.code, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn an_annotation_of_a_webhook_is_no_difference() {
    let annotate = |object: &mut Value| object["metadata"]["annotations"]["webhook.example/seen"] = json!("yes");
    let (_, ended) = run(ORDERS, 1, Then::Mutate(Box::new(annotate))).await;
    assert_eq!(ended.code, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn every_object_can_be_refused_at_once() {
    let world = World::of(&three());
    for object in OBJECTS {
        world.server.when(Method::POST, object, 1, Then::Answer((413, Value::Null, None)));
    }
    assert_eq!(world.run().await.code, Ok(3));
    assert_eq!(world.status("summary"), "5 objects: 5 refused");
}
