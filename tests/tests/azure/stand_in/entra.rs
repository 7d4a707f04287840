//! Entra: where tokens are to be had, and what has to be shown for one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::directory::Known;
use super::refusal::Refusal;
use super::{Answer, LOGIN, Question, SEAL, assertion, directory, json};

/// How long a token is valid, in seconds.
pub(super) const LIFE: i64 = 3600;
/// What kind of assertion is taken.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The fields of a form.
type Form<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// Answers a request.
pub(super) fn answer(question: &Question, now: i64) -> Answer {
    let path = question.uri().path().trim_matches('/');
    let (tenant, path) = path.split_once('/').unwrap_or((path, ""));
    let answered = match (question.method(), path) {
        (&Method::GET, "discovery/instance") => Ok(instances(question)),
        (&Method::GET, "v2.0/.well-known/openid-configuration") => configuration(tenant),
        (&Method::POST, "oauth2/v2.0/token") => token(tenant, &form_urlencoded::parse(question.body()).collect(), now),
        _ => return json(StatusCode::NOT_FOUND, &Value::from("there is no such page")),
    };
    answered.map_or_else(|refusal| refusal.answer(now), |body| json(StatusCode::OK, &body))
}

/// Which hosts are one and the same, and where the tenant is described that is asked about.
fn instances(question: &Question) -> Value {
    let query: Form = form_urlencoded::parse(question.uri().query().unwrap_or_default().as_bytes()).collect();
    let endpoint = query.get("authorization_endpoint").map_or("", |endpoint| endpoint);
    let tenant = endpoint.trim_start_matches("https://").split('/').nth(1).unwrap_or("common");
    json!({
        "tenant_discovery_endpoint": format!("https://{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": LOGIN, "preferred_cache": "login.windows.net", "aliases": [LOGIN, "login.windows.net", "login.microsoft.com", "sts.windows.net"]}],
    })
}

fn configuration(tenant: &str) -> Result<Value, Refusal> {
    if !directory().has_tenant(tenant) {
        return Err(Refusal::UnknownTenant(tenant.to_owned()));
    }
    let root = format!("https://{LOGIN}/{tenant}");
    Ok(json!({
        "issuer": format!("{root}/v2.0"),
        "authorization_endpoint": format!("{root}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{root}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{root}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{root}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

/// Gives a token to who has proved to be a client.
fn token(tenant: &str, form: &Form, now: i64) -> Result<Value, Refusal> {
    let field = |name: &str| form.get(name).map_or("", |value| value);
    let client = field("client_id");
    let known = known(tenant, client)?;
    if field("grant_type") != "client_credentials" {
        return Err(Refusal::GrantType(field("grant_type").to_owned()));
    }
    match (field("client_assertion"), field("client_secret")) {
        ("", "") => return Err(Refusal::NoCredential),
        ("", secret) if known.secret.as_deref() == Some(secret) => {}
        ("", _) => return Err(Refusal::WrongSecret { client: client.to_owned() }),
        _ if field("client_assertion_type") != ASSERTION_TYPE => return Err(Refusal::NoCredential),
        _ if known.federated.is_empty() => return Err(Refusal::NothingTrusted { client: client.to_owned() }),
        (token, _) => assertion::check(token, &known.federated, now)?,
    }
    let resource = resource(field("scope")).ok_or_else(|| Refusal::Scope(field("scope").to_owned()))?;
    Ok(json!({"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, "access_token": access_token(tenant, client, resource, now)}))
}

fn known(tenant: &str, client: &str) -> Result<Known, Refusal> {
    let directory = directory();
    if !directory.has_tenant(tenant) {
        return Err(Refusal::UnknownTenant(tenant.to_owned()));
    }
    let known = directory.identity(tenant, client).cloned();
    known.ok_or_else(|| Refusal::UnknownClient { client: client.to_owned(), tenant: tenant.to_owned() })
}

/// What a token is asked for. Clients also ask for what only people have, such as `openid`.
fn resource(scope: &str) -> Option<&str> {
    scope.split(' ').find_map(|one| one.strip_suffix("/.default"))
}

/// A token of an identity for a resource.
pub(super) fn access_token(tenant: &str, client: &str, resource: &str, now: i64) -> String {
    SEAL.token(&json!({
        "aud": resource, "iss": format!("https://sts.windows.net/{tenant}/"), "iat": now, "nbf": now, "exp": now + LIFE,
        "appid": client, "oid": client, "sub": client, "tid": tenant, "idtyp": "app", "ver": "1.0",
    }))
}
