//! The metadata service of a node: tokens for whoever asks on the node, of an identity that is assigned to it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::entra::{LIFE, access_token};
use super::{Answer, Question, directory, json};

/// Answers a request.
pub(super) fn answer(question: &Question, now: i64) -> Answer {
    if (question.method(), question.uri().path()) != (&Method::GET, "/metadata/identity/oauth2/token") {
        return json(StatusCode::NOT_FOUND, &Value::from("there is no such page"));
    }
    // Who is made to ask for something by another does not set it.
    if question.headers().get("Metadata").is_none_or(|value| value != "true") {
        return refused("Required metadata header not specified");
    }
    let query: BTreeMap<Cow<str>, Cow<str>> = form_urlencoded::parse(question.uri().query().unwrap_or_default().as_bytes()).collect();
    let field = |name: &str| query.get(name).map_or("", |value| value);
    let (client, resource) = (field("client_id"), field("resource"));
    let tenant = directory().assigned(client).map(|known| known.tenant.clone());
    tenant.map_or_else(|| refused("Identity not found"), |tenant| json(StatusCode::OK, &token(&tenant, client, resource, now)))
}

/// All its values are texts.
fn token(tenant: &str, client: &str, resource: &str, now: i64) -> Value {
    let token = access_token(tenant, client, resource, now);
    let (life, end) = (LIFE.to_string(), (now + LIFE).to_string());
    json!({
        "access_token": token, "client_id": client, "expires_in": life, "expires_on": end, "ext_expires_in": life,
        "not_before": now.to_string(), "resource": resource, "token_type": "Bearer",
    })
}

fn refused(why: &str) -> Answer {
    json(StatusCode::BAD_REQUEST, &json!({"error": "invalid_request", "error_description": why}))
}
