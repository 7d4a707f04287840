//! The stand-in itself, with real tokens of the API server: what is not exactly as it was told is refused, each by Entra's own code.

use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use sc_tests::canary;
use serde_json::Value;

use crate::kube;
use crate::stand_in::{AUDIENCE, Answer, Federated, Identity, LOGIN, Vault, answer, issuer, now};

/// Whose tokens are taken: those of a ServiceAccount that each cluster has.
const SUBJECT: &str = "system:serviceaccount:default:default";
/// What a token for vaults is asked for with.
const VAULT_SCOPE: &str = "https://vault.azure.net/.default openid offline_access profile";

#[test]
fn a_token_of_the_trusted_account_is_exchanged() {
    let identity = Identity::new();
    identity.trust("default", "default");
    let token = access_token(exchange(&identity, &token_for(AUDIENCE), now()));
    let vault = Vault::beside(&identity);
    vault.keep("db-password", &canary::of("first"));
    vault.let_read(&identity);
    let (status, secret) = read(&vault, Some(&token), now());
    assert_eq!((status, &secret["value"]), (StatusCode::OK, &Value::from(canary::of("first"))));
    vault.keep("db-password", &canary::of("second"));
    let (_, changed) = read(&vault, Some(&token), now());
    assert_eq!(changed["value"], canary::of("second"));
    assert_ne!(changed["id"], secret["id"], "it is another version");
}

#[test]
fn a_token_that_is_not_trusted_is_refused_by_the_code_for_it() {
    let trusted = || Federated { issuer: issuer().name.clone(), subject: SUBJECT.to_owned(), audience: AUDIENCE.to_owned() };
    let token = token_for(AUDIENCE);
    let with_slash = format!("{}/", issuer().name);
    for (federated, code, what) in [
        (Federated { issuer: with_slash, ..trusted() }, 700_211, format!("issuer '{}'", issuer().name)),
        (Federated { subject: SUBJECT.to_uppercase(), ..trusted() }, 700_213, format!("subject '{SUBJECT}'")),
        (Federated { audience: "api://other".to_owned(), ..trusted() }, 700_212, format!("audience '{AUDIENCE}'")),
    ] {
        let identity = Identity::new();
        identity.trust_as(federated);
        let description = refused(exchange(&identity, &token, now()), StatusCode::UNAUTHORIZED, "invalid_client", code);
        let expected = format!("AADSTS{code}: No matching federated identity record found for presented assertion {what}. Check your federated ");
        assert!(description.starts_with(&expected), "{description}");
    }
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    let identity = Identity::new();
    identity.trust("default", "default");
    let description = refused(exchange(&identity, &token_for("https://vault.azure.net"), now()), StatusCode::UNAUTHORIZED, "invalid_client", 700_212);
    assert!(description.contains("audience 'https://vault.azure.net'"), "{description}");
}

#[test]
fn a_forged_token_is_refused() {
    let identity = Identity::new();
    identity.trust("default", "default");
    let token = token_for(AUDIENCE);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let changed = if signature.starts_with('A') { "B" } else { "A" };
    let with_header = |header: &str| format!("{}.{}.{signature}", encoded(header), signed.split_once('.').unwrap().1);
    for (forged, reason) in [
        (format!("{signed}.{changed}{}", &signature[1..]), "Key was found, but use of the key to verify the signature failed."),
        (with_header(r#"{"alg":"RS256","kid":"another"}"#), "The key was not found."),
        (with_header(r#"{"alg":"none"}"#), "The key was not found."),
    ] {
        let description = refused(exchange(&identity, &forged, now()), StatusCode::UNAUTHORIZED, "invalid_client", 50_013);
        assert!(description.starts_with(&format!("AADSTS50013: Assertion failed signature validation. [Reason - {reason}")), "{description}");
    }
    let without_signature = format!("{}.{}.", encoded(r#"{"alg":"none"}"#), signed.split_once('.').unwrap().1);
    refused(exchange(&identity, &without_signature, now()), StatusCode::UNAUTHORIZED, "invalid_client", 50_013);
    refused(exchange(&identity, "no.token", now()), StatusCode::BAD_REQUEST, "invalid_request", 50_027);
    // The same claims as before, so that what is refused is the signature and nothing else.
    access_token(exchange(&identity, &token, now()));
}

#[test]
fn a_token_before_and_after_its_time_is_refused() {
    let identity = Identity::new();
    identity.trust("default", "default");
    let token = token_for(AUDIENCE);
    for moment in [now() - 1000, now() + 5000] {
        let description = refused(exchange(&identity, &token, moment), StatusCode::UNAUTHORIZED, "invalid_client", 700_024);
        assert!(description.contains("Client assertion is not within its valid time range. Current time: 20"), "{description}");
    }
}

#[test]
fn who_is_not_known_is_refused() {
    let identity = Identity::new();
    let token = token_for(AUDIENCE);
    refused(exchange(&identity, &token, now()), StatusCode::UNAUTHORIZED, "invalid_client", 70_025);
    identity.trust("default", "default");
    let elsewhere = Identity { tenant: "00000000-0000-0000-0000-000000000000".to_owned(), ..identity.clone() };
    refused(exchange(&elsewhere, &token, now()), StatusCode::BAD_REQUEST, "invalid_request", 90_002);
    let other = Identity { client: Identity::new().client, ..identity };
    refused(exchange(&other, &token, now()), StatusCode::BAD_REQUEST, "unauthorized_client", 700_016);
}

#[test]
fn a_service_principal_needs_its_secret() {
    let identity = Identity::new();
    identity.set_secret(&canary::of("principal"));
    let with = |secret: &str| ask(&identity, &[("client_secret", secret), ("scope", VAULT_SCOPE)], now());
    access_token(with(&canary::of("principal")));
    refused(with(&canary::of("another")), StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215);
    refused(ask(&identity, &[("scope", VAULT_SCOPE)], now()), StatusCode::UNAUTHORIZED, "invalid_client", 7_000_216);
    let without_default = [("client_secret", &*canary::of("principal")), ("scope", "https://vault.azure.net")];
    refused(ask(&identity, &without_default, now()), StatusCode::BAD_REQUEST, "invalid_scope", 1_002_012);
}

#[test]
fn a_vault_takes_only_tokens_for_vaults_of_who_may_read() {
    let identity = Identity::new();
    identity.trust("default", "default");
    let vault = Vault::beside(&identity);
    vault.keep("db-password", &canary::of("kept"));
    let assertion = token_for(AUDIENCE);
    let token = access_token(exchange(&identity, &assertion, now()));
    let (status, error) = read(&vault, Some(&token), now());
    assert_eq!((status, &error["error"]["innererror"]["code"]), (StatusCode::FORBIDDEN, &Value::from("ForbiddenByRbac")), "{error}");
    vault.let_read(&identity);
    let for_storage = ask(&identity, &[&with_assertion(&assertion)[..], &[("scope", "https://storage.azure.com/.default")]].concat(), now());
    let stranger = Identity::new();
    stranger.trust("default", "default");
    let of_stranger = access_token(exchange(&stranger, &assertion, now()));
    for (token, moment, why) in [
        (None, now(), "AKV10000: Request is missing a Bearer or PoP token."),
        (Some(assertion.as_str()), now(), "AKV10046: "),
        (Some(&access_token(for_storage)), now(), "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://storage.azure.com."),
        (Some(&of_stranger), now(), "AKV10032: Invalid issuer. "),
        (Some(&token), now() + 4000, "[TokenExpired] "),
    ] {
        let (status, error) = read(&vault, token, moment);
        let message = error["error"]["message"].as_str().unwrap();
        assert!(status == StatusCode::UNAUTHORIZED && message.starts_with(why), "{why} is expected, {error} is said");
    }
    assert_eq!(read(&vault, Some(&token), now()).0, StatusCode::OK);
}

#[test]
fn a_node_is_told_only_of_what_is_assigned_to_it() {
    let identity = Identity::new();
    let ask = |header: &str| {
        let path =
            format!("/metadata/identity/oauth2/token?api-version=2018-02-01&client_id={}&resource=https%3A%2F%2Fvault.azure.net", identity.client);
        let question = Request::get(path).header(header::HOST, "169.254.169.254").header(header, "true");
        let answer = answer(&question.body(Bytes::new()).unwrap(), now());
        (answer.status(), body(answer))
    };
    let (status, error) = ask("Metadata");
    assert_eq!((status, &error["error_description"]), (StatusCode::BAD_REQUEST, &Value::from("Identity not found")));
    identity.assign();
    let (status, error) = ask("X-Metadata");
    assert_eq!((status, &error["error_description"]), (StatusCode::BAD_REQUEST, &Value::from("Required metadata header not specified")));
    let (status, given) = ask("Metadata");
    assert_eq!(status, StatusCode::OK);
    let vault = Vault::beside(&identity);
    vault.let_read(&identity);
    assert_eq!(read(&vault, given["access_token"].as_str(), now()).0, StatusCode::NOT_FOUND, "it may read, but nothing is there");
}

/// A real token of the ServiceAccount, as a kubelet would project it.
fn token_for(audience: &str) -> String {
    kube::require();
    kube::kubectl(&["-n", "default", "create", "token", "default", "--audience", audience]).trim().to_owned()
}

fn exchange(identity: &Identity, token: &str, moment: i64) -> Answer {
    ask(identity, &[&with_assertion(token)[..], &[("scope", VAULT_SCOPE)]].concat(), moment)
}

fn with_assertion(token: &str) -> [(&str, &str); 2] {
    [("client_assertion", token), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")]
}

fn ask(identity: &Identity, fields: &[(&str, &str)], moment: i64) -> Answer {
    let client = [("client_id", identity.client.as_str()), ("grant_type", "client_credentials")];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(client).extend_pairs(fields).finish();
    let question = Request::post(format!("/{}/oauth2/v2.0/token", identity.tenant)).header(header::HOST, LOGIN);
    answer(&question.body(Bytes::from(form)).unwrap(), moment)
}

fn read(vault: &Vault, token: Option<&str>, moment: i64) -> (StatusCode, Value) {
    let mut question = Request::get("/secrets/db-password/?api-version=7.4").header(header::HOST, format!("{}.vault.azure.net", vault.name));
    if let Some(token) = token {
        question = question.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = answer(&question.body(Bytes::new()).unwrap(), moment);
    assert_eq!(
        answer.status() == StatusCode::UNAUTHORIZED,
        answer.headers().contains_key(header::WWW_AUTHENTICATE),
        "who is refused is told where to log in"
    );
    (answer.status(), body(answer))
}

fn access_token(answer: Answer) -> String {
    let status = answer.status();
    let body = body(answer);
    assert!(status.is_success(), "{}", body["error_description"]);
    body["access_token"].as_str().unwrap().to_owned()
}

/// What is said of a refusal, which must be this one, in the form that Entra has.
fn refused(answer: Answer, status: StatusCode, error: &str, code: u32) -> String {
    let found = answer.status();
    let body = body(answer);
    assert_eq!(
        (found, &body["error"], &body["error_codes"]),
        (status, &Value::from(error), &Value::from(vec![code])),
        "{}",
        body["error_description"]
    );
    let description = body["error_description"].as_str().unwrap();
    for (label, field) in [("Trace ID: ", "trace_id"), ("Correlation ID: ", "correlation_id"), ("Timestamp: ", "timestamp")] {
        assert!(description.contains(&format!(" {label}{}", body[field].as_str().unwrap())), "{description}");
    }
    canary::keep("azure", description);
    description.to_owned()
}

fn body(answer: Answer) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    serde_json::from_slice(&runtime.block_on(answer.into_body().collect()).unwrap().to_bytes()).unwrap()
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
