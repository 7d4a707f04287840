//! The configuration of a connection, with its credentials in it.
//!
//! Rule: this is the one place that opens a credential. What leaves here is base64 for the API server, or a problem without any value.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::catalogue::BindingType;
use crate::catalogue::grammar::{Grammar, spring};
use crate::catalogue::template::{Expression, Template};
use crate::connection::Connection;
use crate::credential::{Credential, References, Source};
use crate::names::Guid;
use crate::problem::{At, Kind, Problem};

/// The largest data of a Secret, in bytes (Kubernetes, `validation.MaxSecretSize`).
const LARGEST: usize = 1 << 20;

/// The keys of what a service is to servicebinding.io; a service with bindings has both.
pub(crate) const BINDING_TYPE: [&str; 2] = ["type", "provider"];
/// The keys of the Secret by which the CSI provider logs in as a service principal, as it reads them (provider v1.8.2, `pkg/auth`).
pub(crate) const VAULT_LOGIN: [(&str, Credential); 2] = [("clientid", Credential::ClientId), ("clientsecret", Credential::ClientSecret)];

/// The `data` of the connection's Secret: its variables, in base64.
///
/// # Errors
/// Every referenced credential that is not to be had, or else the first value that cannot be written in the grammar of its variable.
pub(crate) fn data(connection: &Connection, references: &References) -> Result<Map<String, Value>, Vec<Problem>> {
    let sheet = Sheet::of(connection, references)?;
    let mut data = Data::default();
    for (key, grammar, template) in connection.variables() {
        data.insert(connection.key(key), sheet.variable(key, grammar, template).map_err(|problem| vec![problem])?);
    }
    for (key, value) in &connection.additional {
        let at = || connection.at.field("additionalConfigurations").key(key);
        data.insert(key, written(Grammar::Plain, (key, value), key, at).map_err(|problem| vec![problem])?);
    }
    data.finish(connection)
}

/// The `data` of the connection's servicebinding.io Secret, in base64.
///
/// # Errors
/// As [`data`].
pub(crate) fn binding(connection: &Connection, references: &References) -> Result<Map<String, Value>, Vec<Problem>> {
    let sheet = Sheet::of(connection, references)?;
    let mut data = Data::default();
    if let Some(BindingType { kind, provider }) = connection.binding_type() {
        let [type_key, provider_key] = BINDING_TYPE;
        data.insert(type_key, kind.clone());
        data.insert(provider_key, provider.clone());
    }
    for (name, grammar, template) in connection.binding() {
        data.insert(name, sheet.filled(name, grammar, template).map_err(|problem| vec![problem])?);
    }
    data.finish(connection)
}

/// The `data` of the Secret by which the CSI provider logs in as a service principal, in base64.
///
/// # Errors
/// As [`data`].
pub(crate) fn vault_login(connection: &Connection, references: &References) -> Result<Map<String, Value>, Vec<Problem>> {
    let credentials = credentials(connection, references)?;
    let mut data = Data::default();
    for (key, credential) in VAULT_LOGIN {
        data.insert(key, credentials.get(&credential).copied().unwrap_or_default().to_owned());
    }
    data.finish(connection)
}

/// The variables of the connection by the names that its workload reads, in order, each with its value unless something confidential may be in it: a
/// credential, or what the user adds.
pub(crate) fn shown(connection: &Connection) -> Vec<(&str, Option<String>)> {
    let open = |(credential, source): (&Credential, &'_ Source)| match source {
        Source::Literal(text) if !credential.is_confidential() => Some((*credential, text.expose_secret().to_owned())),
        _ => None,
    };
    let open: BTreeMap<Credential, String> = connection.credentials.iter().filter_map(open).collect();
    let sheet = Sheet { connection, credentials: open.iter().map(|(credential, text)| (*credential, text.as_str())).collect() };
    let is_open = |grammar: Grammar, template: &Template| {
        let names = template.expressions().map(|expression| Credential::named(&expression.name));
        names.flatten().all(|credential| open.contains_key(&credential)) && (connection.properties.is_empty() || !grammar.has_properties())
    };
    let value = |(key, grammar, template)| is_open(grammar, template).then(|| sheet.variable(key, grammar, template).ok()).flatten();
    let variables = connection.variables().map(|variable| (connection.key(variable.0), value(variable)));
    let mut shown: Vec<_> = variables.chain(connection.additional.keys().map(|key| (key.as_str(), None))).collect();
    shown.sort_unstable();
    shown
}

/// The `data` of a Secret with these credentials, each under its name, in base64.
pub(crate) fn encoded(credentials: &BTreeMap<Credential, SecretString>) -> Map<String, Value> {
    let encoded = |text: &SecretString| Value::String(STANDARD.encode(text.expose_secret()));
    credentials.iter().map(|(credential, text)| (credential.name().to_owned(), encoded(text))).collect()
}

/// The data of a Secret, as it grows.
#[derive(Default)]
struct Data {
    map: Map<String, Value>,
    size: usize,
}

impl Data {
    fn insert(&mut self, key: &str, value: String) {
        self.size += value.len();
        self.map.insert(key.to_owned(), Value::String(STANDARD.encode(SecretString::from(value).expose_secret())));
    }

    fn finish(self, connection: &Connection) -> Result<Map<String, Value>, Vec<Problem>> {
        let kind = Kind::SecretTooLarge { size: self.size, limit: LARGEST };
        if self.size > LARGEST { Err(vec![Problem { at: connection.at.clone(), kind: Box::new(kind) }]) } else { Ok(self.map) }
    }
}

/// The GUID that was written as a credential: client and tenant ids are no secrets.
pub(crate) fn guid(text: &SecretString) -> Option<Guid> {
    Guid::parse(text.expose_secret())
}

fn credentials<'a>(connection: &'a Connection, references: &'a References) -> Result<BTreeMap<Credential, &'a str>, Vec<Problem>> {
    let read = |(credential, source): (&Credential, &'a Source)| {
        let at = || connection.at.field("credentials").field(credential.name());
        match references.find(*credential, source).map(SecretString::expose_secret) {
            Ok("") => Err(Problem { at: at(), kind: Box::new(Kind::EmptyCredential { credential: credential.name().to_owned() }) }),
            Ok(text) => Ok((*credential, text)),
            Err(kind) => Err(Problem { at: at(), kind: Box::new(kind) }),
        }
    };
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    for answer in connection.credentials.iter().map(read) {
        match answer {
            Ok((credential, text)) => drop(found.insert(credential, text)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// The values that templates are filled with.
struct Sheet<'a> {
    connection: &'a Connection,
    credentials: BTreeMap<Credential, &'a str>,
}

impl<'a> Sheet<'a> {
    fn of(connection: &'a Connection, references: &'a References) -> Result<Self, Vec<Problem>> {
        Ok(Self { connection, credentials: credentials(connection, references)? })
    }

    /// A variable: its template filled in, the user's properties behind it, as its client reads it.
    fn variable(&self, key: &str, grammar: Grammar, template: &Template) -> Result<String, Problem> {
        let mut text = self.filled(key, grammar, template)?;
        if grammar.has_properties() {
            let at = self.connection.at.field("additionalConnectionStringProperties");
            for (name, value) in &self.connection.properties {
                text = grammar.with_property(text, name, value).map_err(|_| inexpressible(grammar, name, key, &at))?;
            }
        }
        Ok(if self.connection.client_type.ends_with("springBoot") { spring::escape(&text) } else { text })
    }

    fn filled(&self, key: &str, grammar: Grammar, template: &Template) -> Result<String, Problem> {
        template.fill(|Expression { name, inner, .. }| {
            let value = self.named(name);
            let at = || self.place(name);
            match inner {
                None => written(grammar, (name, value), key, at),
                Some(inner) => written(grammar, (name, &written(*inner, (name, value), key, at)?), key, at),
            }
        })
    }

    /// A credential or a fact. Both are complete once a connection exists, so that nothing is ever silently empty.
    fn named(&self, name: &str) -> &str {
        match Credential::named(name) {
            Some(credential) => self.credentials.get(&credential).copied().unwrap_or_default(),
            None => self.connection.facts.get(name).map_or("", |value| &**value),
        }
    }

    /// Where in the values it comes from.
    fn place(&self, name: &str) -> At {
        let field = if Credential::named(name).is_some() { "credentials" } else { "target" };
        self.connection.at.field(field).field(name)
    }
}

fn written(grammar: Grammar, (name, value): (&str, &str), variable: &str, at: impl FnOnce() -> At) -> Result<String, Problem> {
    grammar.escape(value).map_err(|_| inexpressible(grammar, name, variable, &at()))
}

fn inexpressible(grammar: Grammar, value: &str, variable: &str, at: &At) -> Problem {
    let kind = Kind::Inexpressible { value: value.to_owned(), grammar: grammar.noun(), variable: variable.to_owned(), fix: grammar.way_out() };
    Problem { at: at.clone(), kind: Box::new(kind) }
}
