//! Credentials: where they come from, and what was found there.
//!
//! Rule: a credential is carried as a `SecretString`, whose Debug hides it, and is opened in `rendering.rs` alone.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::problem::{Kind, Word};
use crate::rendering;

/// The credentials that a connection may have. Which of them it needs, its target service says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Credential {
    /// A user's name.
    Username,
    /// That user's password.
    Password,
    /// The key of an account.
    AccessKey,
    /// A whole connection string.
    ConnectionString,
    /// The client (application) id of an identity.
    ClientId,
    /// The client secret of a service principal.
    ClientSecret,
    /// The tenant of an identity.
    TenantId,
}

impl Credential {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Username, Self::Password, Self::AccessKey, Self::ConnectionString, Self::ClientId, Self::ClientSecret, Self::TenantId];

    /// The name in values and in templates.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Password => "password",
            Self::AccessKey => "accessKey",
            Self::ConnectionString => "connectionString",
            Self::ClientId => "clientId",
            Self::ClientSecret => "clientSecret",
            Self::TenantId => "tenantId",
        }
    }

    /// Whether it is to be kept secret: the name of a user and the ids of an identity are not.
    #[must_use]
    pub fn is_confidential(self) -> bool {
        matches!(self, Self::Password | Self::AccessKey | Self::ConnectionString | Self::ClientSecret)
    }

    /// The credential of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|credential| credential.name() == name)
    }
}

/// The `data` of a Secret with these credentials, each under its name, in base64.
#[must_use]
pub fn data(credentials: &BTreeMap<Credential, SecretString>) -> Map<String, Value> {
    rendering::encoded(credentials)
}

/// A key of a Secret in the namespace of the release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    pub name: String,
    /// The key in its data.
    pub key: String,
}

/// Where a credential is.
#[derive(Debug, Clone)]
pub enum Source {
    /// In the values.
    Literal(SecretString),
    /// In a Secret.
    Reference(SecretKeyRef),
}

impl Source {
    /// The key of a Secret, if it is there.
    #[must_use]
    pub fn reference(&self) -> Option<&SecretKeyRef> {
        match self {
            Self::Reference(reference) => Some(reference),
            Self::Literal(_) => None,
        }
    }
}

/// What reading one referenced Secret gave.
#[derive(Debug, Clone)]
pub enum Referenced {
    /// Its data, as far as it is text; `None` stands for a key with other bytes.
    Found(BTreeMap<String, Option<SecretString>>),
    /// There is none of that name.
    Absent,
    /// It may not be read.
    Forbidden,
    /// The API server did not answer.
    Unread,
}

impl Referenced {
    /// Takes the data of a live Secret.
    #[must_use]
    pub fn of(live: &Value) -> Self {
        let text = |value: &Value| String::from_utf8(decoded(value)?).ok().map(SecretString::from);
        let data = live["data"].as_object().into_iter().flatten();
        Self::Found(data.map(|(key, value)| (key.clone(), text(value))).collect())
    }
}

/// The bytes of one value in a Secret's data.
pub(crate) fn decoded(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

/// All referenced Secrets that were read, by name.
#[derive(Debug, Clone, Default)]
pub struct References(BTreeMap<String, Referenced>);

impl References {
    /// Notes what reading the Secret `name` gave.
    pub fn insert(&mut self, name: String, referenced: Referenced) {
        self.0.insert(name, referenced);
    }

    /// Whether the Secret `name` was read, or it was tried.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The credential at `source`.
    pub(crate) fn find<'a>(&'a self, credential: Credential, source: &'a Source) -> Result<&'a SecretString, Kind> {
        match source {
            Source::Literal(text) => Ok(text),
            Source::Reference(reference) => self.read(credential.name().to_owned(), reference),
        }
    }

    fn read(&self, credential: String, SecretKeyRef { name, key }: &SecretKeyRef) -> Result<&SecretString, Kind> {
        let found = self.0.get(name);
        let name = Word::new(&**name);
        match found {
            Some(Referenced::Found(data)) => match data.get(key) {
                Some(Some(text)) => Ok(text),
                Some(None) => Err(Kind::SecretNotText { name, credential }),
                None => Err(Kind::SecretKeyAbsent { name, credential }),
            },
            Some(Referenced::Forbidden) => Err(Kind::SecretForbidden { name, credential }),
            Some(Referenced::Unread) => Err(Kind::SecretUnread { name, credential }),
            Some(Referenced::Absent) | None => Err(Kind::SecretAbsent { name, credential }),
        }
    }
}
