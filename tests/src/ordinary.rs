//! The cells of the catalogue, each with ordinary values: what `tests/ordinary.yaml` and `tests/documented/` give to credentials and target.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use sc_core::catalogue::Catalogue;
use serde_json::{Map, Value, json};

use crate::planning::{Planned, decoded};
use crate::{files, stem, tree};

static FACTS: LazyLock<Value> = LazyLock::new(|| read(&tree("tests/ordinary.yaml")));
static DOCUMENTED: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| files("tests/documented", "yaml").iter().map(|file| (stem(file), read(file))).collect());

fn read(file: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The whole of `tests/ordinary.yaml`.
pub fn facts() -> &'static Value {
    &FACTS
}

/// What is documented for each service, by its name.
pub fn documented() -> &'static BTreeMap<String, Value> {
    &DOCUMENTED
}

/// A target service, an auth type and a client type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The target service.
    pub service: String,
    /// The auth type.
    pub auth_type: String,
    /// The client type.
    pub client_type: String,
}

/// All cells of the catalogue.
pub fn cells() -> Vec<Cell> {
    let cells = Catalogue::services().flat_map(|service| {
        let of_login = |(auth_type, login): (&sc_core::catalogue::AuthType, &sc_core::catalogue::Login)| {
            login.client_types().map(|client_type| Cell::new(&service.name, auth_type.name(), client_type)).collect::<Vec<_>>()
        };
        service.auth_types.iter().flat_map(of_login).collect::<Vec<_>>()
    });
    cells.collect()
}

impl Cell {
    /// Names a cell.
    pub fn new(service: &str, auth_type: &str, client_type: &str) -> Self {
        let [service, auth_type, client_type] = [service, auth_type, client_type].map(str::to_owned);
        Self { service, auth_type, client_type }
    }

    fn documented(&self) -> &'static Value {
        DOCUMENTED.get(&self.service).unwrap_or_else(|| panic!("there is no tests/documented/{}.yaml", self.service))
    }

    /// A connection of this cell with ordinary values.
    pub fn connection(&self) -> Value {
        let entry = self.documented();
        let mut connection = json!({
            "name": "x", "targetService": self.service, "authType": self.auth_type, "clientType": self.client_type,
            "target": entry["target"], "credentials": self.credentials(),
        });
        if self.auth_type == "csi" {
            connection["secrets"] = json!([{"name": "x"}]);
        }
        connection
    }

    /// The ordinary credentials of those that it asks for.
    fn credentials(&self) -> Map<String, Value> {
        let service = Catalogue::builtin().find(&self.service).unwrap_or_else(|| panic!("there is no service {}", self.service));
        let login = service.auth_types.iter().find(|(auth_type, _)| auth_type.name() == self.auth_type).unwrap_or_else(|| panic!("{self:?}")).1;
        let own = &self.documented()["credentials"];
        let value = |name: &str| own.get(name).unwrap_or(&FACTS["credentials"][name]).clone();
        login.credentials.iter().map(|credential| (credential.name().to_owned(), value(credential.name()))).collect()
    }

    /// Its variables, with this `compatibility`.
    pub fn variables(&self, compatibility: &str) -> BTreeMap<String, String> {
        let mut connection = self.connection();
        connection["compatibility"] = json!(compatibility);
        secret("x-secret", &connection)
    }

    /// Its variables in this cloud.
    ///
    /// # Errors
    /// The report, if there is no such connection there.
    pub fn variables_in(&self, cloud: &str) -> Result<BTreeMap<String, String>, String> {
        let document = json!({"cloud": cloud, "connections": [self.connection()]}).to_string();
        let planned = Planned::of(document.as_bytes());
        match planned.manifests().iter().find(|manifest| manifest["metadata"]["name"] == "sc-x-secret") {
            Some(secret) => Ok(decoded(secret)),
            None => Err(planned.report()),
        }
    }

    /// The entries of its servicebinding.io Secret; none if it has no meaning there.
    pub fn binding(&self) -> BTreeMap<String, String> {
        let mut connection = self.connection();
        connection["format"] = json!(["servicebinding"]);
        if Planned::of(document(&connection).as_bytes()).problems.is_empty() { secret("x-binding", &connection) } else { BTreeMap::new() }
    }
}

fn document(connection: &Value) -> String {
    json!({"connections": [connection]}).to_string()
}

fn secret(name: &str, connection: &Value) -> BTreeMap<String, String> {
    let planned = Planned::of(document(connection).as_bytes());
    let secret = planned.manifests().into_iter().find(|manifest| manifest["metadata"]["name"] == format!("sc-{name}"));
    decoded(&secret.unwrap_or_else(|| panic!("{connection}: {}", planned.report())))
}
