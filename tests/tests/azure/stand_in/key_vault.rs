//! Key vaults: a secret for who shows a token for vaults, of an identity that may read.

use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::directory::{Contents, Kept};
use super::jwt::Token;
use super::{Answer, LOGIN, Question, SEAL, directory, json};

/// For what a token must be.
const RESOURCE: &str = "https://vault.azure.net";

/// Answers a request to a vault.
pub(super) fn answer(vault: &str, question: &Question, now: i64) -> Answer {
    let Some(contents) = directory().vault(vault).cloned() else {
        return json(StatusCode::NOT_FOUND, &Value::from(format!("there is no vault {vault}")));
    };
    let token = question.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let client =
        match token.ok_or_else(|| "AKV10000: Request is missing a Bearer or PoP token.".to_owned()).and_then(|token| caller(&contents, token, now)) {
            Ok(client) => client,
            Err(why) => return challenge(&contents, &why),
        };
    let path: Vec<&str> = question.uri().path().split('/').collect();
    match (question.method(), path.as_slice()) {
        (&Method::GET, ["", "secrets", name] | ["", "secrets", name, ""]) => secret(vault, &contents, &client, (name, None)),
        (&Method::GET, ["", "secrets", name, version] | ["", "secrets", name, version, ""]) => {
            secret(vault, &contents, &client, (name, Some(version)))
        }
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "the stand-in only gives secrets"),
    }
}

/// Who shows a token, or what is wrong with it.
fn caller(contents: &Contents, token: &str, now: i64) -> Result<String, String> {
    let token = Token::parse(token).filter(|token| SEAL.is_on(token));
    let token = token.ok_or("AKV10046: Unable to resolve the key used for signature validation.")?;
    let (from, until) = token.span();
    if !(from..until).contains(&now) {
        return Err("[TokenExpired] Error validating token: 'S2S12086'.".to_owned());
    }
    if !token.audiences().contains(&RESOURCE) {
        return Err(format!("AKV10022: Invalid audience. Expected {RESOURCE}, found: {}.", token.audiences().join(", ")));
    }
    let expected = format!("https://sts.windows.net/{}/", contents.tenant);
    if token.text("iss") != expected {
        return Err(format!("AKV10032: Invalid issuer. Expected one of {expected}, found {}.", token.text("iss")));
    }
    Ok(token.text("appid").to_owned())
}

/// Says where a token is to be had.
fn challenge(contents: &Contents, why: &str) -> Answer {
    let mut answer = error(StatusCode::UNAUTHORIZED, "Unauthorized", why);
    let challenge = format!(r#"Bearer authorization="https://{LOGIN}/{}", resource="{RESOURCE}""#, contents.tenant);
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::try_from(challenge).unwrap());
    answer
}

fn secret(vault: &str, contents: &Contents, client: &str, (name, version): (&str, Option<&str>)) -> Answer {
    if !contents.readers.contains(client) {
        return forbidden(vault, contents, client, name);
    }
    let kept = contents.secrets.get(name).filter(|kept| version.is_none_or(|version| version == kept.version));
    kept.map_or_else(|| not_found(name), |kept| found(vault, name, kept))
}

fn found(vault: &str, name: &str, kept: &Kept) -> Answer {
    let Kept { value, version } = kept;
    let time = Timestamp::UNIX_EPOCH.as_second();
    let attributes = json!({"enabled": true, "created": time, "updated": time, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90});
    let id = format!("https://{vault}{}/secrets/{name}/{version}", super::VAULTS);
    json(StatusCode::OK, &json!({"value": value, "id": id, "attributes": attributes, "tags": {}}))
}

fn not_found(name: &str) -> Answer {
    let message = format!(
        "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the \
         correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
    );
    error(StatusCode::NOT_FOUND, "SecretNotFound", &message)
}

fn forbidden(vault: &str, contents: &Contents, client: &str, name: &str) -> Answer {
    let message = format!(
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, \
         please observe propagation time.\r\nCaller: appid={client};oid={client};iss=https://sts.windows.net/{}/\r\nAction: \
         'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/shop/\
         providers/microsoft.keyvault/vaults/{vault}/secrets/{name}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\n\
         Vault: {vault};location=westeurope\r\n",
        contents.tenant
    );
    let body = json!({"error": {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByRbac"}}});
    json(StatusCode::FORBIDDEN, &body)
}

fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, &json!({"error": {"code": code, "message": message}}))
}
