//! The configuration of a connection, with its credentials in it.
//!
//! Rule: this is the one place that opens a credential. What leaves here is base64 for the API server, or a problem without any value.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::catalogue::Variable;
use crate::catalogue::grammar::Grammar;
use crate::connection::Connection;
use crate::credential::{Credential, References, Source};
use crate::names::Guid;
use crate::problem::{At, Kind, Problem};

/// The `data` of the connection's Secret: its variables, in base64.
///
/// # Errors
/// Every referenced credential that is not to be had, or else the first value that cannot be written in the grammar of its variable.
pub(crate) fn data(connection: &Connection, references: &References) -> Result<Map<String, Value>, Vec<Problem>> {
    let credentials = credentials(connection, references)?;
    variables(&Sheet { connection, credentials }).map_err(|problem| vec![problem])
}

fn variables(sheet: &Sheet<'_>) -> Result<Map<String, Value>, Problem> {
    let connection = sheet.connection;
    let mut data = Map::new();
    for (key, variable) in connection.configuration().into_iter().flat_map(|configuration| &configuration.variables) {
        data.insert(connection.key(key).to_owned(), encoded(&sheet.value(key, variable)?));
    }
    let at = connection.at.field("additionalConfigurations");
    for (key, value) in &connection.additional {
        data.insert(key.clone(), encoded(&written(Grammar::Plain, (key, value), key, &at.key(key))?));
    }
    Ok(data)
}

/// The GUID that was written as a credential: client and tenant ids are no secrets.
pub(crate) fn guid(text: &SecretString) -> Option<Guid> {
    Guid::parse(text.expose_secret())
}

fn credentials<'a>(connection: &'a Connection, references: &'a References) -> Result<BTreeMap<Credential, &'a str>, Vec<Problem>> {
    let read = |(credential, source): (&Credential, &'a Source)| {
        let at = || connection.at.field("credentials").field(credential.name());
        let text = references.find(*credential, source).map_err(|kind| Problem { at: at(), kind: Box::new(kind) })?;
        Ok((*credential, text.expose_secret()))
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

fn encoded(text: &str) -> Value {
    Value::String(STANDARD.encode(text))
}

/// The values that templates are filled with.
struct Sheet<'a> {
    connection: &'a Connection,
    credentials: BTreeMap<Credential, &'a str>,
}

impl Sheet<'_> {
    fn value(&self, key: &str, variable: &Variable) -> Result<String, Problem> {
        let mut text = variable.template.fill(|name| {
            let (at, value) = self.named(name);
            written(variable.grammar, (name, value), key, &at)
        })?;
        if variable.grammar.has_properties() {
            let at = self.connection.at.field("additionalConnectionStringProperties");
            for (name, value) in &self.connection.properties {
                variable.grammar.append(&mut text, name, &written(variable.grammar, (name, value), key, &at)?);
            }
        }
        Ok(text)
    }

    /// A credential or a fact. Both are complete once a connection exists, so that nothing is ever silently empty.
    fn named(&self, name: &str) -> (At, &str) {
        match Credential::named(name) {
            Some(credential) => {
                let at = self.connection.at.field("credentials").field(name);
                (at, self.credentials.get(&credential).copied().unwrap_or_default())
            }
            None => (self.connection.at.field("target").field(name), self.connection.facts.get(name).map_or("", String::as_str)),
        }
    }
}

fn written(grammar: Grammar, (name, value): (&str, &str), variable: &str, at: &At) -> Result<String, Problem> {
    grammar.escape(value).map_err(|_| {
        let kind = Kind::Inexpressible { value: name.to_owned(), grammar: grammar.noun(), variable: variable.to_owned(), fix: grammar.way_out() };
        Problem { at: at.clone(), kind: Box::new(kind) }
    })
}
