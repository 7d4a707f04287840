//! The connections that sequences are made of: as values say them, and the objects that each asks for.
//!
//! Rule: nothing here is taken from core; names, marks and data are written down once more.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Their names.
pub(crate) const NAMES: [&str; 3] = ["orders", "stock", "bills"];
/// Their databases, or accounts.
pub(crate) const TARGETS: [&str; 3] = ["one", "two", "three"];
/// Their formats.
pub(crate) const FORMATS: [&[&str]; 3] = [&["env"], &["env", "servicebinding"], &["servicebinding"]];
/// The client ids of those that log in by workload identity.
pub(crate) const IDENTITIES: [&str; 2] = ["11111111-2222-3333-4444-555555555555", "22222222-3333-4444-5555-666666666666"];

const TENANT_ID: &str = "99999999-8888-7777-6666-555555555555";
/// The scenarios' password, as libpq reads it.
const PASSWORD_FOR_LIBPQ: &str = r#"'hunter2-it\'s; "odd" \\back $HOME %41 {x} ü=z-hunter2'"#;
/// The same in a URL.
const PASSWORD_IN_URL: &str = "hunter2-it%27s%3B%20%22odd%22%20%5Cback%20%24HOME%20%2541%20%7Bx%7D%20%C3%BC%3Dz-hunter2";
const HOST: &str = "orders-db.postgres.database.azure.com";

/// A connection.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: &'static str,
    /// The client id, for Blob Storage by workload identity; without one it is PostgreSQL by password.
    pub(crate) identity: Option<&'static str>,
    /// The database, or the account.
    pub(crate) target: &'static str,
    /// Its formats.
    pub(crate) format: &'static [&'static str],
    /// Whether its objects stay when it is taken out.
    pub(crate) is_retained: bool,
    /// Whether it takes over what strangers made.
    pub(crate) adopts: bool,
    /// Whether its state is `absent`.
    pub(crate) is_absent: bool,
}

impl Connection {
    /// Its entry in the values.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = json!({
            "name": self.name, "namespace": self.namespace, "format": self.format,
            "deletionPolicy": policy(self.is_retained), "adopt": self.adopts, "state": if self.is_absent { "absent" } else { "present" },
        });
        let service = match self.identity {
            None => json!({
                "targetService": "postgres-flexible", "authType": "secret", "clientType": "python",
                "target": {"server": "orders-db", "database": self.target},
                "credentials": {"username": "app", "password": {"secretKeyRef": {"name": "orders-admin", "key": "password"}}},
            }),
            Some(client_id) => json!({
                "targetService": "storage-blob", "authType": "workload-identity", "clientType": "dotnet",
                "target": {"account": self.target},
                "credentials": {"clientId": client_id, "tenantId": TENANT_ID},
            }),
        };
        entry.as_object_mut().unwrap().extend(service.as_object().unwrap().clone());
        entry
    }

    /// The objects that it asks for, by path.
    pub(crate) fn objects(&self, system: &str) -> BTreeMap<String, Value> {
        let mut objects = BTreeMap::new();
        for format in self.format {
            let (end, kind, data) = match *format {
                "env" => ("secret", "Opaque", self.variables()),
                _ => ("binding", self.binding_type(), self.binding()),
            };
            let object = json!({"type": kind, "data": encoded(data), "metadata": self.metadata(system)});
            objects.insert(secret_path(&self.namespace, &format!("sc-{}-{end}", self.name)), object);
        }
        if let Some(client_id) = self.identity {
            let annotations = json!({"azure.workload.identity/client-id": client_id, "azure.workload.identity/tenant-id": TENANT_ID});
            let object = json!({"metadata": {"labels": labels(system), "annotations": annotations}});
            objects.insert(account_path(&self.namespace, client_id), object);
        }
        objects
    }

    fn metadata(&self, system: &str) -> Value {
        let mut labels = labels(system);
        labels["sc-extension.dev/connection"] = json!(self.name);
        json!({"labels": labels, "annotations": {"sc-extension.dev/connection-name": self.name}})
    }

    fn variables(&self) -> Vec<(&str, String)> {
        let Self { target, .. } = self;
        match self.identity {
            None => {
                let text = format!("dbname={target} host={HOST} port=5432 sslmode=require user=app password={PASSWORD_FOR_LIBPQ}");
                vec![("AZURE_POSTGRESQL_CONNECTIONSTRING", text)]
            }
            Some(client_id) => {
                vec![("AZURE_STORAGEBLOB_CLIENTID", client_id.to_owned()), ("AZURE_STORAGEBLOB_RESOURCEENDPOINT", endpoint(target))]
            }
        }
    }

    fn binding_type(&self) -> &'static str {
        if self.identity.is_some() { "servicebinding.io/azure-storage-blob" } else { "servicebinding.io/postgresql" }
    }

    fn binding(&self) -> Vec<(&str, String)> {
        let kind = self.binding_type().trim_start_matches("servicebinding.io/").to_owned();
        let mut entries = vec![("type", kind), ("provider", "azure".to_owned())];
        let Self { target, .. } = self;
        entries.extend(match self.identity {
            None => vec![
                ("host", HOST.to_owned()),
                ("port", "5432".to_owned()),
                ("database", (*target).to_owned()),
                ("username", "app".to_owned()),
                ("password", crate::scenarios::PASSWORD.to_owned()),
                ("uri", format!("postgresql://app:{PASSWORD_IN_URL}@{HOST}:5432/{target}?sslmode=require")),
            ],
            Some(client_id) => {
                vec![("uri", endpoint(target)), ("username", (*target).to_owned()), ("client-id", client_id.to_owned())]
            }
        });
        entries
    }
}

/// All objects that connections of the pool can have in a namespace.
pub(crate) fn paths(namespace: &str) -> Vec<String> {
    let secrets = NAMES.iter().flat_map(|name| ["secret", "binding"].map(|end| secret_path(namespace, &format!("sc-{name}-{end}"))));
    secrets.chain(IDENTITIES.map(|client_id| account_path(namespace, client_id))).collect()
}

/// Connections that ask for all of these, so that the chart grants what sequences need.
pub(crate) fn all(namespaces: &[String]) -> Vec<Value> {
    let connection = |namespace: &String, name, identity, format| {
        let namespace = namespace.clone();
        Connection { namespace, name, identity, target: TARGETS[0], format, is_retained: true, adopts: false, is_absent: false }.entry()
    };
    let of_one = |namespace| {
        let named = NAMES.map(|name| connection(namespace, name, None, FORMATS[1]));
        let identities = ["first", "second"].into_iter().zip(IDENTITIES);
        named.into_iter().chain(identities.map(move |(name, client_id)| connection(namespace, name, Some(client_id), FORMATS[0])))
    };
    namespaces.iter().flat_map(of_one).collect()
}

/// A policy, as values and inventory spell it.
pub(crate) fn policy(is_retained: bool) -> &'static str {
    if is_retained { "Retain" } else { "Delete" }
}

/// The marks of the release.
pub(crate) fn labels(system: &str) -> Value {
    json!({"app.kubernetes.io/managed-by": "sc-job", "sc-extension.dev/release": "sc", "sc-extension.dev/release-namespace": system})
}

fn secret_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

fn account_path(namespace: &str, client_id: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/serviceaccounts/sc-account-{client_id}")
}

fn endpoint(account: &str) -> String {
    format!("https://{account}.blob.core.windows.net/")
}

fn encoded(data: Vec<(&str, String)>) -> Map<String, Value> {
    data.into_iter().map(|(key, text)| (key.to_owned(), json!(STANDARD.encode(text)))).collect()
}
