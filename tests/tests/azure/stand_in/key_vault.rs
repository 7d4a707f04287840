//! Key vaults: a secret, key or certificate for who shows a token for vaults, of an identity that may read.

use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::directory::{Contents, Guard, Kept};
use super::jwt::Token;
use super::{Answer, LOGIN, Question, SEAL, directory, json};

/// For what a token must be.
const RESOURCE: &str = "https://vault.azure.net";

/// The address that a vault's firewall sees.
pub(crate) const CLIENT: &str = "203.0.113.7";

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
    let (known, name, version) = match (question.method(), path.as_slice()) {
        (&Method::GET, ["", collection, name] | ["", collection, name, ""]) => (Collection::named(collection), name, None),
        (&Method::GET, ["", collection, name, version] | ["", collection, name, version, ""]) => {
            (Collection::named(collection), name, Some(*version))
        }
        _ => (None, &"", None),
    };
    match known {
        Some(collection) => Asked { vault, collection, name, version }.of(&contents, &client),
        None => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "the stand-in only gives secrets, keys and certificates"),
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

/// What a vault has: a collection by the name that it has in addresses.
#[derive(Debug, Clone, Copy)]
struct Collection {
    name: &'static str,
    /// One of it, in messages.
    one: &'static str,
    /// The action that reading is.
    action: &'static str,
}

const COLLECTIONS: [Collection; 3] = [
    Collection { name: "secrets", one: "secret", action: "Microsoft.KeyVault/vaults/secrets/getSecret/action" },
    Collection { name: "keys", one: "key", action: "Microsoft.KeyVault/vaults/keys/read" },
    Collection { name: "certificates", one: "certificate", action: "Microsoft.KeyVault/vaults/certificates/read" },
];

impl Collection {
    fn named(name: &str) -> Option<Self> {
        COLLECTIONS.into_iter().find(|collection| collection.name == name)
    }
}

/// The object that is asked for.
struct Asked<'a> {
    vault: &'a str,
    collection: Collection,
    name: &'a str,
    version: Option<&'a str>,
}

impl Asked<'_> {
    fn of(&self, contents: &Contents, client: &str) -> Answer {
        if matches!(contents.guard, Guard::Firewall | Guard::Disabled) || !contents.readers.contains(client) {
            return self.forbidden(contents, client);
        }
        let kept = contents.objects.get(&(self.collection.name.to_owned(), self.name.to_owned()));
        let kept = kept.filter(|kept| self.version.is_none_or(|version| version == kept.version));
        kept.map_or_else(|| self.not_found(), |kept| self.found(kept))
    }

    /// A key has its id within.
    fn found(&self, Kept { fields, version }: &Kept) -> Answer {
        let time = Timestamp::UNIX_EPOCH.as_second();
        let mut body = fields.clone();
        body["attributes"] =
            json!({"enabled": true, "created": time, "updated": time, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90});
        body["tags"] = json!({});
        let id = json!(format!("https://{}{}/{}/{}/{version}", self.vault, super::VAULTS, self.collection.name, self.name));
        match body.get_mut("key") {
            Some(key) => key["kid"] = id,
            None => body["id"] = id,
        }
        json(StatusCode::OK, &body)
    }

    fn not_found(&self) -> Answer {
        let Self { collection: Collection { one, .. }, name, .. } = self;
        let message = format!(
            "A {one} with (name/id) {name} was not found in this key vault. If you recently deleted this {one} you may be able to recover it using the \
             correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
        );
        let code = format!("{}{}NotFound", one[..1].to_uppercase(), &one[1..]);
        error(StatusCode::NOT_FOUND, &code, &message)
    }

    fn forbidden(&self, contents: &Contents, client: &str) -> Answer {
        let Self { vault, collection: Collection { name: collection, action, .. }, name, .. } = self;
        let caller = format!("appid={client};oid={client};iss=https://sts.windows.net/{}/", contents.tenant);
        let (code, message) = match contents.guard {
            Guard::Roles => (
                "ForbiddenByRbac",
                format!(
                    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed \
                     recently, please observe propagation time.\r\nCaller: {caller}\r\nAction: '{action}'\r\n\
                     Resource: '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/shop/\
                     providers/microsoft.keyvault/vaults/{vault}/{collection}/{name}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n\
                     DecisionReason: null \r\nVault: {vault};location=westeurope\r\n"
                ),
            ),
            Guard::Policies => (
                "AccessDenied",
                format!(
                    "The user, group or application '{caller}' does not have {collection} get permission on key vault '{vault};location=westeurope'. \
                     For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
                ),
            ),
            Guard::Disabled => ("SecretDisabled", "Operation get is not allowed on a disabled secret.".to_owned()),
            Guard::Firewall => (
                "ForbiddenByFirewall",
                format!(
                    "Client address is not authorized and caller is not a trusted service.\r\nClient address: {CLIENT}\r\nCaller: {caller}\r\n\
                     Vault: {vault};location=westeurope"
                ),
            ),
        };
        let body = json!({"error": {"code": "Forbidden", "message": message, "innererror": {"code": code}}});
        json(StatusCode::FORBIDDEN, &body)
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, &json!({"error": {"code": code, "message": message}}))
}
