//! A connection as it is shown: as az shows its own.

use std::sync::Arc;

use sc_core::azure::{AUDIENCE, Need};
use sc_core::catalogue::AuthType;
use sc_core::connection::Connection;
use sc_core::credential::{Credential, Source};
use sc_core::names::Guid;
use sc_core::plan::objects_of;
use sc_core::values::VaultLogin;
use serde_json::{Map, Value, json};

use crate::{entry, proof};

/// A connection of the release.
pub(crate) struct Listed {
    /// What it means.
    pub(crate) connection: Connection,
    /// As it is written. Credentials may stand in it.
    pub(crate) entry: Value,
    /// Its place in the list `connections` of the values; nothing if it stands elsewhere, where `sc` does not change it.
    pub(crate) index: Option<usize>,
    /// The set that it stands in, as it was read: `name=version`.
    pub(crate) set: Option<Arc<str>>,
}

impl Listed {
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
