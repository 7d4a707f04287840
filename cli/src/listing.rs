//! The connections of the release, wherever its values have them, and how they are shown: as az shows its own.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use sc_core::azure::{AUDIENCE, Need};
use sc_core::catalogue::AuthType;
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Connections, Unread};
use sc_core::credential::{Credential, Source};
use sc_core::names::{Guid, Namespace};
use sc_core::plan::objects_of;
use sc_core::problem::{Choice, Problem, Problems};
use sc_core::values::{State, VaultLogin};
use sc_job::cluster::{Cluster, references};
use serde_json::{Map, Value, json};

use crate::args::connection::Selection;
use crate::entry;
use crate::fault::{Fault, Problematic};
use crate::helm::Stored;
use crate::place::Place;
use crate::store::Store;
use crate::{input, proof};

/// A connection of the release.
pub(crate) struct Listed {
    /// What it means.
    pub(crate) connection: Connection,
    /// As it is written. Credentials may stand in it.
    entry: Value,
    /// Its place in the list `connections` of the values; nothing if it stands elsewhere, where `sc` does not change it.
    pub(crate) index: Option<usize>,
    /// The set that it stands in, as it was read: `name=version`.
    pub(crate) set: Option<Arc<str>>,
}

/// An entry of `connections` in the values that is no connection as it is written.
pub(crate) struct Broken {
    /// As it is written. Credentials may stand in it.
    pub(crate) entry: Value,
    /// Its place in the list.
    pub(crate) index: usize,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

/// All connections of the release.
pub(crate) struct Listing {
    /// The valid ones, in the order of the values, and then of the sets.
    pub(crate) connections: Vec<Listed>,
    /// What is wrong with the others.
    pub(crate) problems: Vec<Problem>,
    /// Those of the others that `sc` can change.
    broken: Vec<Broken>,
}

impl Listing {
    /// Those of a values file, if there is one, and else those of the release at this place.
    ///
    /// # Errors
    /// If they cannot be read at all.
    pub(crate) async fn of(values: Option<&Path>, place: &Place) -> Result<Self> {
        match values {
            Some(file) => Self::of_file(file),
            None => Self::of_release(&Store::at(place).await?).await,
        }
    }

    /// Those of the release.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(crate) async fn of_release(store: &Store<'_>) -> Result<Self> {
        Self::read(&store.cluster, &store.place.release_namespace, &store.stored().await?).await
    }

    /// Reads those of the values, and of the sets that the values name.
    ///
    /// # Errors
    /// Never of a single connection: what is wrong with it is among the problems.
    pub(crate) async fn read(cluster: &Cluster, namespace: &str, stored: &Stored) -> Result<Self> {
        let values = crate::store::values_of(stored);
        let mut problems = Problems::default();
        let parsed = Connections::parse(values.to_string().as_bytes(), &mut problems);
        let Connections { listed, sets, settings } = match parsed {
            Ok(connections) => connections,
            Err(problem) => return Ok(Self { connections: Vec::new(), problems: vec![problem], broken: Vec::new() }),
        };
        let document = values["connectionsDocument"].as_str().map(|text| entries(text.as_bytes())).unwrap_or_default();
        let mut connections: Vec<Listed> = listed.into_iter().map(|connection| of_values(connection, &values, &document)).collect();
        for (set, read) in sets.iter().zip(read_versions(cluster, namespace, &sets).await) {
            match read {
                Err(why) => problems.push(set.unread(why)),
                Ok((bytes, version)) => {
                    let version: Arc<str> = format!("{}={version}", set.secret).into();
                    for (at, entry) in set.entries(&bytes, &mut problems) {
                        let connection = set.connection((at, entry.clone()), &settings, &mut problems);
                        connections.extend(connection.map(|connection| Listed { connection, entry, index: None, set: Some(Arc::clone(&version)) }));
                    }
                }
            }
        }
        let problems = problems.into_vec();
        let broken = broken(&values, &connections, &problems);
        Ok(Self { connections, problems, broken })
    }

    /// Those of its sets are in a cluster, which is not asked.
    fn of_file(file: &Path) -> Result<Self> {
        let mut problems = Problems::default();
        let parsed = Connections::parse(&input::read(file)?, &mut problems);
        let Connections { listed, sets, .. } = parsed.map_err(|problem| Problematic::one(&input::name(file), *problem.kind))?;
        for set in &sets {
            problems.push(set.unread(Unread::Unasked));
        }
        let connections = listed.into_iter().map(|connection| elsewhere(connection, &[])).collect();
        Ok(Self { connections, problems: problems.into_vec(), broken: Vec::new() })
    }

    /// Those that should be there.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Listed> {
        self.connections.iter().filter(|listed| listed.connection.state == State::Present)
    }

    /// The one that is meant.
    ///
    /// # Errors
    /// If there is none, or several.
    pub(crate) fn find(&self, wanted: &Wanted) -> Result<&Listed> {
        let found: Vec<&Listed> = self.present().filter(|listed| wanted.means(&listed.connection)).collect();
        match found.as_slice() {
            [one] => Ok(one),
            // Of several in one namespace, which the job refuses, the last is what was added to the others.
            [.., last] if found.iter().all(|listed| listed.connection.namespace == last.connection.namespace) => Ok(last),
            [] => match self.broken(wanted) {
                Some(broken) => Err(Problematic::of(broken.problems.clone()).into()),
                None => Err(self.none(wanted).into()),
            },
            several => {
                let namespaces: Vec<&str> = several.iter().map(|listed| listed.connection.namespace.as_str()).collect();
                let fix = format!("say which by `--kube-namespace`: {}", namespaces.join(", "));
                Err(Fault::invalid(format!("there are {} connections `{}`", several.len(), wanted.name), fix).into())
            }
        }
    }

    /// The one that is meant, if it is no connection as it is written.
    pub(crate) fn broken(&self, wanted: &Wanted) -> Option<&Broken> {
        let is_meant = |broken: &&Broken| {
            let namespace = broken.entry["namespace"].as_str().unwrap_or(Namespace::DEFAULT);
            broken.entry["name"] == wanted.name.as_str() && wanted.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
        };
        self.broken.iter().find(is_meant)
    }

    fn none(&self, wanted: &Wanted) -> Fault {
        let place = wanted.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in namespace `{namespace}`"));
        let named = self.present().filter(|listed| listed.connection.name.as_str() == wanted.name);
        let elsewhere: Vec<&str> = named.map(|listed| listed.connection.namespace.as_str()).collect();
        let fix = if !elsewhere.is_empty() {
            format!("name its namespace by `--kube-namespace`: {}", elsewhere.join(", "))
        } else if self.present().next().is_none() {
            "there are none yet: `sc create` makes one".to_owned()
        } else {
            let known: BTreeSet<&str> = self.present().map(|listed| listed.connection.name.as_str()).collect();
            Choice::of(&wanted.name, known).to_string()
        };
        Fault::refused(format!("there is no connection `{}`{place}", wanted.name), fix)
    }
}

/// The documents of sets, as they are in the cluster.
pub(crate) async fn read_sets(cluster: &Cluster, namespace: &str, sets: &[ConnectionSet]) -> Vec<Result<Vec<u8>, Unread>> {
    let read = read_versions(cluster, namespace, sets).await;
    read.into_iter().map(|read| read.map(|(bytes, _)| bytes)).collect()
}

/// The same, each with the resourceVersion that it was read at.
async fn read_versions(cluster: &Cluster, namespace: &str, sets: &[ConnectionSet]) -> Vec<Result<(Vec<u8>, String), Unread>> {
    futures::future::join_all(sets.iter().map(|set| references::set(cluster, namespace, set))).await
}

/// Which connection is meant.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
}

impl Wanted {
    /// By the arguments.
    ///
    /// # Errors
    /// If they name none.
    pub(crate) fn of(selection: &Selection) -> Result<Self> {
        let namespace = selection.kube_namespace.clone();
        if let Some(id) = &selection.id {
            let (_, of_id, name) = entry::parts_of_id(id)?;
            return Ok(Self { name: name.to_owned(), namespace: namespace.or_else(|| of_id.map(str::to_owned)) });
        }
        let name = selection.positional.clone().or_else(|| selection.connection.clone());
        let name = name.ok_or_else(|| Fault::invalid("it is not said which connection", "give its name; `sc list` has them all"))?;
        Ok(Self { name, namespace })
    }

    /// Whether it is this one.
    pub(crate) fn means(&self, connection: &Connection) -> bool {
        connection.name.as_str() == self.name && self.namespace.as_deref().is_none_or(|namespace| connection.namespace.as_str() == namespace)
    }
}

/// The entries of the list `connections` that none of these is.
fn broken(values: &Value, connections: &[Listed], problems: &[Problem]) -> Vec<Broken> {
    let valid: BTreeSet<usize> = connections.iter().filter_map(|listed| listed.index).collect();
    let entries = values["connections"].as_array().into_iter().flatten().enumerate();
    let others = entries.filter(|(index, _)| !valid.contains(index));
    let of_entry = |index| problems.iter().filter(move |problem| problem.at.is_in("connections", index)).cloned().collect();
    others.map(|(index, entry)| Broken { entry: entry.clone(), index, problems: of_entry(index) }).collect()
}

fn of_values(connection: Connection, values: &Value, document: &[Value]) -> Listed {
    let index = connection.at.index().unwrap_or_default();
    if connection.at.is_in("connections", index) {
        return Listed { entry: values["connections"][index].clone(), connection, index: Some(index), set: None };
    }
    elsewhere(connection, document)
}

fn elsewhere(connection: Connection, entries: &[Value]) -> Listed {
    let entry = connection.at.index().and_then(|index| entries.get(index)).cloned().unwrap_or_default();
    Listed { connection, entry, index: None, set: None }
}

/// The entries of a document that is a list of connections, or a mapping with one.
fn entries(bytes: &[u8]) -> Vec<Value> {
    match sc_core::document::parse(bytes) {
        Ok(Value::Array(items)) => items,
        Ok(Value::Object(mut map)) => map.get_mut("connections").map(Value::take).and_then(|list| list.as_array().cloned()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

impl Listed {
    /// The entry as it is written. Credentials may stand in it.
    pub(crate) fn entry(&self) -> &Value {
        &self.entry
    }

    /// The connection as `az aks connection` shows one, with its variables where they are asked for.
    pub(crate) fn shown(&self, state: proof::State, with_configurations: bool) -> Value {
        let Self { connection, .. } = self;
        let namespace = connection.namespace.as_str();
        let mut shown = json!({
            "id": format!("/namespaces/{namespace}/connections/{}", connection.name.as_str()),
            "name": connection.name.as_str(),
            "scope": namespace,
            "clientType": connection.client_type,
            "authInfo": self.auth_info(),
            "targetService": self.target_service(),
            "provisioningState": state.provisioning_state(),
            "configurationInfo": {
                "customizedKeys": self.map("customizedKeys"),
                "additionalConnectionStringProperties": self.names("additionalConnectionStringProperties"),
                "additionalConfigurations": self.names("additionalConfigurations"),
            },
            "kubernetesResourceName": self.objects(),
        });
        if with_configurations {
            shown["configurations"] = self.configurations();
        }
        shown
    }

    /// What must exist in Azure for it, each with the command that makes it, where the issuer is known.
    pub(crate) fn needs(&self, issuer: Option<&str>) -> Value {
        let need = |need: &Need| match need {
            Need::Trust { client_id, subject } => json!({
                "type": "federatedCredential", "clientId": client_id.as_str(), "issuer": issuer, "subject": subject, "audience": AUDIENCE,
                "command": need.command(issuer),
            }),
            Need::Role { client_id, vault, role } => json!({
                "type": "roleAssignment", "clientId": client_id.as_str(), "role": role, "vault": vault, "command": need.command(issuer),
            }),
        };
        Need::of(&self.connection).iter().map(need).collect()
    }

    /// Its variables, as `az aks connection list-configuration` shows them: of those that hold a credential only the name.
    pub(crate) fn configurations(&self) -> Value {
        let row = |(name, value): (&str, Option<String>)| json!({"name": name, "value": value.unwrap_or_default(), "configType": "Default", "keyVaultReferenceIdentity": null, "description": ""});
        if self.connection.format.env { self.connection.configurations().into_iter().map(row).collect() } else { json!([]) }
    }

    /// The names of the objects that are made for it.
    pub(crate) fn objects(&self) -> Vec<String> {
        objects_of(&self.connection).into_iter().map(|id| id.name.into()).collect()
    }

    fn auth_info(&self) -> Value {
        let client_id = self.open(Credential::ClientId);
        let is_principal = self.connection.vault_login == Some(VaultLogin::ServicePrincipal);
        match self.connection.auth_type {
            AuthType::Csi if is_principal => json!({"authType": "servicePrincipalSecret", "clientId": client_id}),
            AuthType::Secret => json!({"authType": "secret", "name": self.open(Credential::Username), "secretInfo": {"secretType": "rawValue"}}),
            AuthType::ServicePrincipal => json!({"authType": "servicePrincipalSecret", "clientId": client_id}),
            AuthType::WorkloadIdentity | AuthType::Csi => {
                json!({"authType": "userAssignedIdentity", "clientId": client_id, "userName": self.open(Credential::Username)})
            }
        }
    }

    fn target_service(&self) -> Value {
        let target = self.entry["target"].as_object().cloned().unwrap_or_default();
        let name = self.connection.service().name.as_str();
        let (kind, endpoint) = match name {
            entry::CONFLUENT => ("ConfluentBootstrapServer", target.get("bootstrapServer")),
            entry::SCHEMA_REGISTRY => ("ConfluentSchemaRegistry", target.get("schemaRegistry")),
            _ => ("AzureResource", None),
        };
        let mut shown = Map::new();
        shown.insert("type".into(), json!(kind));
        shown.insert("name".into(), json!(name));
        shown.insert("id".into(), target.get("id").cloned().unwrap_or_default());
        shown.extend(endpoint.map(|endpoint| ("endpoint".to_owned(), endpoint.clone())));
        if self.connection.auth_type == AuthType::Csi {
            shown.insert("resourceProperties".into(), json!({"type": "KeyVault", "connectAsKubernetesCsiDriver": true}));
        }
        let parts: Map<String, Value> = target.into_iter().filter(|(part, _)| part != "id").collect();
        shown.insert("target".into(), Value::Object(parts));
        Value::Object(shown)
    }

    /// A credential that may be shown, if it is written out.
    fn open(&self, wanted: Credential) -> Option<String> {
        let mut found = self.connection.credentials().filter(|(credential, _)| *credential == wanted && !credential.is_confidential());
        match found.next()?.1 {
            Source::Literal(_) => self.entry["credentials"][wanted.name()]
                .as_str()
                .map(|text| Guid::parse(text).map_or_else(|| text.to_owned(), |guid| guid.as_str().to_owned())),
            Source::Reference(_) => None,
        }
    }

    fn map(&self, field: &str) -> Value {
        self.entry[field].clone()
    }

    /// The names in a map, whose values may be confidential.
    fn names(&self, field: &str) -> Value {
        match self.entry[field].as_object() {
            Some(map) => map.keys().map(|key| (key.clone(), json!(""))).collect::<Map<_, _>>().into(),
            None => Value::Null,
        }
    }
}
