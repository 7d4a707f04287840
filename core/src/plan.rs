//! The plan: the objects that the connections ask for, in order, each of one name, and those that should be gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalogue::AuthType;
use crate::connection::{Connection, Identity};
use crate::credential::References;
use crate::ledger::Ledger;
use crate::names::{CONNECTION_NAME, CSI_USED, Guid, Release, WEBHOOK_CLIENT_ID, WEBHOOK_TENANT_ID};
use crate::object::{Content, Fingerprint, Manifest, ObjectId, ObjectKind, Texts};
use crate::problem::{Problem, Problems};
use crate::rendering;
use crate::values::{DeletionPolicy, State, VaultLogin, VaultObject};

/// What should be, by the connections of one document.
pub struct Plan {
    release: Release,
    connections: Vec<Arc<Connection>>,
    objects: BTreeMap<ObjectId, Planned>,
    removals: BTreeSet<ObjectId>,
}

/// One object of the plan, and where its content comes from.
#[derive(Clone)]
pub struct Planned {
    /// The connection that asks for it; of several, the first by name.
    connection: Arc<Connection>,
    /// Whether a stranger's object of this name is taken over.
    pub adopt: bool,
    /// What becomes of it when it is no longer asked for.
    pub deletion_policy: DeletionPolicy,
    /// How it should be.
    pub fingerprint: Fingerprint,
}

impl Plan {
    /// Plans the objects of all connections that can be had with these references.
    ///
    /// What cannot be had, and what two connections would both write, becomes a problem, and none of it is planned: everything that can be
    /// checked is checked here, before the first write.
    pub fn of(connections: Vec<Connection>, references: &References, release: &Release, problems: &mut Problems) -> Self {
        let mut ledger = Ledger::default();
        ledger.claim(&connections, problems);
        Self::within(&ledger, connections, references, release, problems)
    }

    /// The same for the connections of one document of several, when all their claims are in the ledger.
    pub fn within(ledger: &Ledger, connections: Vec<Connection>, references: &References, release: &Release, problems: &mut Problems) -> Self {
        let mut plan = Self::empty(release);
        let rendered = |id: &ObjectId, connection: &Connection| Ok(render(id, connection, references, release)?.fingerprint());
        for problem in plan.fill(ledger, connections, rendered) {
            problems.push(problem);
        }
        plan
    }

    /// The same once more, when the ledger has what was planned: nothing is rendered, and what could not be had is not planned again.
    #[must_use]
    pub fn again(ledger: &Ledger, connections: Vec<Connection>, release: &Release) -> Self {
        let mut plan = Self::empty(release);
        plan.fill(ledger, connections, |id, _| ledger.fingerprint(id).ok_or_else(Vec::new));
        plan
    }

    fn empty(release: &Release) -> Self {
        Self { release: release.clone(), connections: Vec::new(), objects: BTreeMap::new(), removals: BTreeSet::new() }
    }

    /// Adds the objects of these connections; returns what is wrong with those that cannot be had.
    fn fill(
        &mut self,
        ledger: &Ledger,
        mut connections: Vec<Connection>,
        fingerprint: impl Fn(&ObjectId, &Connection) -> Result<Fingerprint, Vec<Problem>>,
    ) -> Vec<Problem> {
        connections.retain(|connection| ledger.allows(connection));
        connections.sort_unstable_by(|a, b| (&a.namespace, a.name.as_str()).cmp(&(&b.namespace, b.name.as_str())));
        let mut problems = Vec::new();
        for connection in connections {
            problems.extend(self.add(connection, &fingerprint).err().into_iter().flatten());
        }
        let Self { objects, removals, .. } = self;
        removals.retain(|id| !objects.contains_key(id));
        problems
    }

    /// Adds the objects of one more connection, if all of them can be had. One that is absent wants nothing but that they are gone.
    fn add(
        &mut self,
        connection: Connection,
        fingerprint: impl Fn(&ObjectId, &Connection) -> Result<Fingerprint, Vec<Problem>>,
    ) -> Result<(), Vec<Problem>> {
        let ids = objects_of(&connection);
        let connection = Arc::new(connection);
        if connection.state == State::Absent {
            self.removals.extend(ids);
        } else {
            let fingerprints: Vec<_> = ids.iter().map(|id| fingerprint(id, &connection)).collect::<Result<_, _>>()?;
            for (id, fingerprint) in ids.into_iter().zip(fingerprints) {
                let first = Planned { connection: Arc::clone(&connection), adopt: false, deletion_policy: DeletionPolicy::Delete, fingerprint };
                let planned = self.objects.entry(id).or_insert(first);
                planned.adopt |= connection.adopt;
                // What several share stays unless all of them want it deleted.
                planned.deletion_policy = planned.deletion_policy.min(connection.deletion_policy);
            }
        }
        self.connections.push(connection);
        Ok(())
    }

    /// The objects that connections which are absent would have.
    pub fn removals(&self) -> impl Iterator<Item = &ObjectId> {
        self.removals.iter()
    }

    /// The objects, in order of namespace, kind (ServiceAccounts before Secrets) and name.
    #[must_use]
    pub fn objects(&self) -> impl ExactSizeIterator<Item = (&ObjectId, &Planned)> {
        self.objects.iter()
    }

    /// The objects in the same order, each with no more than it takes to make it: of the plan nothing stays.
    #[must_use]
    pub fn into_objects(self) -> impl ExactSizeIterator<Item = (ObjectId, Planned)> {
        self.objects.into_iter()
    }

    /// The release that the objects belong to.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The connections that it serves.
    #[must_use]
    pub fn connections(&self) -> impl ExactSizeIterator<Item = &Connection> {
        self.connections.iter().map(AsRef::as_ref)
    }
}

impl Planned {
    /// The manifest of the object, made anew at each call so that no credential stays in memory for long.
    ///
    /// # Errors
    /// None that planning with the same references has not already found.
    pub fn manifest(&self, id: &ObjectId, references: &References, release: &Release) -> Result<Manifest, Vec<Problem>> {
        render(id, &self.connection, references, release)
    }
}

fn render(id: &ObjectId, connection: &Connection, references: &References, release: &Release) -> Result<Manifest, Vec<Problem>> {
    let mut content = Content::default();
    match id.kind {
        ObjectKind::ServiceAccount => {}
        ObjectKind::Secret => {
            content.r#type = "Opaque".into();
            content.data = rendering::data(connection, references)?.into();
        }
        ObjectKind::Binding => {
            let kind = connection.binding_type().map_or("", |binding| binding.kind.as_str());
            content.r#type = format!("servicebinding.io/{kind}").into();
            content.data = rendering::binding(connection, references)?.into();
        }
        ObjectKind::VaultLogin => {
            content.r#type = "Opaque".into();
            content.data = rendering::vault_login(connection, references)?.into();
        }
        ObjectKind::SecretProviderClass => content.spec = provider_spec(connection),
    }
    let name = (id.kind != ObjectKind::ServiceAccount).then_some(&connection.name);
    let mut labels = release.labels(name);
    // The driver watches no other Secrets.
    labels.extend((id.kind == ObjectKind::VaultLogin).then(|| (CSI_USED, "true".to_owned())));
    Ok(Manifest::new(id, labels, annotations(id.kind, connection), content))
}

/// The objects that a connection asks for, by its auth type and format.
#[must_use]
pub fn objects_of(connection: &Connection) -> Vec<ObjectId> {
    let object = |kind, name: String| ObjectId { namespace: connection.namespace.clone(), kind, name: name.into() };
    let mut objects = Vec::new();
    if connection.format.env {
        objects.push(object(ObjectKind::Secret, connection.name.secret()));
    }
    if connection.format.servicebinding {
        objects.push(object(ObjectKind::Binding, connection.name.binding()));
    }
    objects.extend(connection.federated().map(|identity| object(ObjectKind::ServiceAccount, identity.client_id.service_account())));
    if connection.vault_login == Some(VaultLogin::ServicePrincipal) {
        objects.push(object(ObjectKind::VaultLogin, connection.name.vault_login()));
    }
    if connection.auth_type == AuthType::Csi {
        objects.push(object(ObjectKind::SecretProviderClass, connection.name.secret_provider_class()));
    }
    objects
}

fn annotations(kind: ObjectKind, connection: &Connection) -> Texts {
    match (kind, &connection.identity) {
        (ObjectKind::ServiceAccount, Some(Identity { client_id, tenant_id })) => {
            let tenant_id = tenant_id.as_ref().map(|id| (WEBHOOK_TENANT_ID, id));
            [(WEBHOOK_CLIENT_ID, client_id)].into_iter().chain(tenant_id).map(|(key, id)| (key, id.as_str().to_owned())).collect()
        }
        (ObjectKind::ServiceAccount, None) => Texts::new(),
        (ObjectKind::Secret | ObjectKind::Binding | ObjectKind::VaultLogin | ObjectKind::SecretProviderClass, _) => {
            Texts::from([(CONNECTION_NAME, connection.name.as_str().to_owned())])
        }
    }
}

/// The `spec` for the Azure provider, logging in as the connection says; by default as Service Connector's sample class does.
///
/// All parameters are texts: the API server refuses others. `tenantID` is the spelling that the provider (v1.8.2, `pkg/provider`) reads first.
fn provider_spec(connection: &Connection) -> Value {
    let identity = connection.identity.as_ref();
    let client_id = identity.map(|identity| identity.client_id.as_str()).unwrap_or_default();
    let login = connection.vault_login.unwrap_or_default();
    let tenant_id = identity.and_then(|identity| identity.tenant_id.as_ref()).map(Guid::as_str);
    let mut spec = json!({
        "provider": "azure",
        "parameters": {
            "usePodIdentity": "false",
            "useVMManagedIdentity": (login == VaultLogin::ManagedIdentity).to_string(),
            "tenantID": tenant_id.unwrap_or_default(),
            "cloudName": connection.vault_cloud.as_deref().unwrap_or_default(),
            "keyvaultName": connection.facts.get("vault").cloned().unwrap_or_default(),
            "objects": objects_parameter(connection),
        },
    });
    match login {
        VaultLogin::ManagedIdentity => spec["parameters"]["userAssignedIdentityID"] = json!(client_id),
        VaultLogin::WorkloadIdentity => spec["parameters"]["clientID"] = json!(client_id),
        // The pod's volume names the Secret that it logs in by.
        VaultLogin::ServicePrincipal => {}
    }
    if let Some(name) = &connection.sync_secret {
        let data: Vec<Value> = connection.vault_objects.iter().map(|object| json!({"objectName": object.file(), "key": object.file()})).collect();
        spec["secretObjects"] = json!([{"secretName": name, "type": "Opaque", "data": data}]);
    }
    spec
}

/// The provider wants a YAML text with a list of YAML texts. The names in it have been checked to need no quoting.
fn objects_parameter(connection: &Connection) -> String {
    let entry = |object: &VaultObject| {
        let alias = object.alias.as_ref().map_or_else(String::new, |alias| format!("    objectAlias: \"{alias}\"\n"));
        format!("  - |\n    objectName: \"{}\"\n    objectType: {}\n{alias}", object.name, object.kind)
    };
    let entries: String = connection.vault_objects.iter().map(entry).collect();
    format!("array:\n{entries}")
}
