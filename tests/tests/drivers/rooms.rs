//! Connections of every kind that the catalogue has, with made-up targets and credentials, as core renders them.

use std::collections::{BTreeMap, BTreeSet};

use sc_core::catalogue::grammar::Grammar;
use sc_core::catalogue::template::Template;
use sc_core::catalogue::{AuthType, Compatibility, Configuration, Login, TargetService};
use sc_core::cloud::Cloud;
use sc_core::credential::Credential;
use sc_tests::planning::{Planned, decoded};
use serde_json::{Value, json};

use crate::values::{ORDINARY, ORDINARY_KEY};

const GUID: &str = "00000000-0000-0000-0000-00000000000a";

/// One configuration of the catalogue: a service, a way to log in, and a client type; without a client type the servicebinding.io Secret.
pub(crate) struct Room<'s> {
    pub(crate) service: &'s TargetService,
    pub(crate) auth_type: AuthType,
    pub(crate) client_type: Option<&'s str>,
    login: &'s Login,
}

/// A variable of a room.
pub(crate) struct Variable<'s> {
    pub(crate) name: &'s str,
    pub(crate) grammar: Grammar,
    pub(crate) template: &'s Template,
}

/// What is put in: a credential, a part of the target or a property, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) slot: &'static str,
    pub(crate) value: String,
}

/// The variables of a Secret, or nothing if core refused to make it.
pub(crate) type Rendered = Option<BTreeMap<String, String>>;

impl<'s> Room<'s> {
    /// All rooms of a service. Client types of one configuration have the same variables, so the first stands for them.
    pub(crate) fn of(service: &'s TargetService) -> Vec<Self> {
        let mut rooms = Vec::new();
        for (auth_type, login) in service.auth_types.iter().filter(|(auth_type, _)| **auth_type != AuthType::Csi) {
            let room = |client_type| Self { service, auth_type: *auth_type, client_type, login };
            let firsts = login.configurations.iter().filter_map(|configuration| configuration.client_types.keys().next());
            rooms.extend(firsts.map(|client_type| room(Some(client_type.as_str()))));
            if !login.binding.is_empty() {
                rooms.push(room(None));
            }
        }
        rooms
    }

    /// The configuration of a client type.
    pub(crate) fn configuration(&self, client_type: &str) -> &'s Configuration {
        self.login.configuration(client_type).unwrap()
    }

    /// Its variables.
    pub(crate) fn variables(&self) -> Vec<Variable<'s>> {
        let found = |(name, variable): (&'s String, &'s sc_core::catalogue::Variable)| {
            Some(Variable { name, grammar: variable.grammar, template: variable.template(Compatibility::Corrected)? })
        };
        let variables = match self.client_type {
            Some(client_type) => &self.configuration(client_type).variables,
            None => &self.login.binding,
        };
        variables.iter().filter_map(found).collect()
    }

    /// Whether its variables are Spring's properties.
    pub(crate) fn is_spring(&self) -> bool {
        self.client_type.is_some_and(|client_type| client_type.ends_with("springBoot"))
    }

    /// What is put in where nothing else is said: the values of a template's names.
    pub(crate) fn ordinary(&self, name: &str) -> String {
        if let Some(credential) = Credential::named(name) {
            return ordinary_credential(credential).to_owned();
        }
        match (self.given(name), self.service.facts.get(name)) {
            (Some(part), _) => part,
            (None, Some(fact)) => fact.fill(|inner| Ok::<_, ()>(self.ordinary(&inner.name))).unwrap(),
            (None, None) => {
                Cloud::default().suffix(name.strip_prefix("cloud.").unwrap_or(name)).unwrap_or_else(|| panic!("{name} is unknown")).to_owned()
            }
        }
    }

    /// A made-up part of the target.
    fn given(&self, name: &str) -> Option<String> {
        let text = match name {
            _ if !self.service.given_parts().any(|part| part == name) => return None,
            "subscription" | "instrumentationKey" | "fabric_workspace_uuid" | "fabric_sql_db_uuid" => GUID,
            "server" if self.service.name == "neon-postgres" => "orders.example.net",
            "database" if self.service.name.starts_with("redis") => "0",
            "host" => "orders.example.net",
            "bootstrapServer" => "orders.example.net:9092",
            "schemaRegistry" => "https://orders.example.net",
            _ => "orders",
        };
        Some(text.to_owned())
    }

    /// Renders one connection for each of these, all in one document; what is not put in is ordinary.
    pub(crate) fn rendered(&self, puts: &[Vec<Put>], property: Option<&str>) -> Vec<Rendered> {
        let connections: Vec<Value> = puts.iter().enumerate().map(|(index, puts)| self.connection(index, puts, property)).collect();
        let planned = Planned::of(json!({"connections": connections}).to_string().as_bytes());
        let place = |problem: &sc_core::problem::Problem| problem.at.to_string();
        let refused: BTreeSet<String> = planned.problems.iter().map(|problem| place(problem).split(']').next().unwrap().to_owned()).collect();
        let secret = |manifest: Value| Some((manifest["metadata"]["name"].as_str()?.to_owned(), decoded(&manifest)));
        let made = planned.manifests().into_iter().filter(|manifest| manifest["kind"] == "Secret");
        let mut made: BTreeMap<String, BTreeMap<String, String>> = made.filter_map(secret).collect();
        let suffix = if self.client_type.is_some() { "secret" } else { "binding" };
        let mut take = |index: usize| {
            let found = made.remove(&format!("sc-c{index}-{suffix}"));
            assert_eq!(
                found.is_none(),
                refused.contains(&format!("connections[{index}")),
                "{self}: {:?} {:?}",
                puts[index],
                planned.problems.first().map(ToString::to_string)
            );
            found
        };
        (0..puts.len()).map(&mut take).collect()
    }

    fn connection(&self, index: usize, puts: &[Put], property: Option<&str>) -> Value {
        let mut target: BTreeMap<&str, String> = self.service.given_parts().map(|part| (part, self.ordinary(part))).collect();
        let credentials = self.login.credentials.iter().map(|credential| credential.name());
        let mut credentials: BTreeMap<&str, String> = credentials.map(|name| (name, self.ordinary(name))).collect();
        let mut properties = BTreeMap::new();
        for Put { slot, value } in puts {
            match (target.get_mut(slot), credentials.get_mut(slot), property) {
                (Some(part), ..) => part.clone_from(value),
                (_, Some(credential), _) => credential.clone_from(value),
                (.., Some(name)) if *slot == "property" => drop(properties.insert(name, value.clone())),
                _ => panic!("{self}: nothing takes {slot}"),
            }
        }
        let format = if self.client_type.is_some() { "env" } else { "servicebinding" };
        let mut connection = json!({
            "name": format!("c{index}"), "namespace": "shop", "targetService": self.service.name, "authType": self.auth_type.name(),
            "target": target, "credentials": credentials, "format": [format], "additionalConnectionStringProperties": properties,
        });
        if let Some(client_type) = self.client_type {
            connection["clientType"] = json!(client_type);
        }
        connection
    }
}

fn ordinary_credential(credential: Credential) -> &'static str {
    match credential {
        Credential::Username => "app",
        Credential::Password | Credential::ClientSecret => ORDINARY,
        Credential::AccessKey => ORDINARY_KEY,
        Credential::ClientId | Credential::TenantId => GUID,
        Credential::ConnectionString => "InstrumentationKey=00000000-0000-0000-0000-00000000000a",
    }
}

impl std::fmt::Display for Room<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.service.name, self.auth_type.name(), self.client_type.unwrap_or("binding"))
    }
}
