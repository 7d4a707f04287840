//! Credentials that were given to `sc`: each goes into a Secret of its own in the namespace of the release, and the values refer to it.
//!
//! Rule: such a Secret cannot be changed. A new credential is a new Secret with a new name, so that a run that reads the old values finds the old
//! credential, and a run that reads the new ones the new.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow};
use sc_core::connections::Connections;
use sc_core::credential::{self, Credential};
use sc_core::names::{CONNECTION, CONNECTION_NAME, ConnectionName, MANAGED_BY, RELEASE, Release, UNUSED_SINCE};
use sc_core::problem::Problems;
use sc_job::cluster::Cluster;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::helm::Stored;
use crate::listing::read_sets;
use crate::output;
use crate::store::{Store, values_of};
use crate::workload::name_of;

/// Who manages these Secrets: the job never touches them.
const MANAGER: &str = "sc";

/// The credentials of a connection, as a Secret that the values refer to.
pub(crate) struct CredentialSecret {
    /// Its name.
    pub(crate) name: String,
    connection: ConnectionName,
    credentials: BTreeMap<Credential, SecretString>,
}

impl CredentialSecret {
    /// A Secret of a fresh name for these credentials of a connection.
    pub(crate) fn of(connection: &ConnectionName, credentials: BTreeMap<Credential, SecretString>) -> Self {
        let suffix: String = std::iter::repeat_with(|| fastrand::alphanumeric().to_ascii_lowercase()).take(8).collect();
        Self { name: format!("sc-credentials-{}-{suffix}", connection.normalised()), connection: connection.clone(), credentials }
    }

    /// What the values say of each of them.
    pub(crate) fn references(&self) -> impl Iterator<Item = (Credential, Value)> {
        self.credentials.keys().map(|credential| (*credential, json!({"secretKeyRef": {"name": self.name, "key": credential.name()}})))
    }

    /// Makes the Secret.
    ///
    /// # Errors
    /// What the API server has against it.
    pub(crate) async fn create(&self, cluster: &Cluster, release: &Release) -> Result<()> {
        let labels = json!({MANAGED_BY: MANAGER, RELEASE: release.name, CONNECTION: self.connection.normalised()});
        let metadata =
            json!({"name": self.name, "namespace": release.namespace, "labels": labels, "annotations": {CONNECTION_NAME: self.connection.as_str()}});
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "immutable": true, "data": credential::data(&self.credentials)});
        let created = cluster.create(&collection(&release.namespace), secret.to_string().into()).await;
        created.map(drop).with_context(|| format!("failed to create Secret `{}/{}`", release.namespace, self.name))
    }
}

impl CredentialSecret {
    /// Deletes it, when nothing ever referred to it. What stays after a failure is found by the next sweep.
    pub(crate) async fn withdraw(&self, cluster: &Cluster, release: &Release) {
        let path = format!("{}/{}", collection(&release.namespace), self.name);
        let _ = cluster.delete(&path, "{}".into()).await;
    }
}

/// Deletes the Secrets of this kind that no revision which Helm keeps refers to, so that a rollback finds its credentials. Failing in this costs
/// nothing but their room: the next change tries again.
///
/// What was in use until this change, as after a rollback, counts as unused since it, whatever was noted of it earlier.
pub(crate) async fn sweep(store: &Store<'_>, before: &Stored, now: &Stored) {
    if let Err(error) = sweeping(store, before, now).await {
        warn(&error);
    }
}

/// Takes the mark of what is unused from what is used again, as after a rollback. Before the run, which notes the version of each Secret that it has read.
pub(crate) async fn reclaim(store: &Store<'_>, values: &Value) {
    let reclaiming = async {
        let mut marked = all(&store.cluster, &store.place.release()).await?;
        marked.retain(|secret| secret["metadata"]["annotations"][UNUSED_SINCE].is_string());
        if marked.is_empty() {
            return Ok(());
        }
        let documents = documents(store, values.clone()).await?;
        let used: BTreeSet<&str> = documents.iter().flat_map(references).collect();
        for secret in marked.iter().filter(|secret| used.contains(name_of(secret))) {
            mark(&store.cluster, secret, None).await?;
        }
        anyhow::Ok(())
    };
    if let Err(error) = reclaiming.await {
        warn(&error);
    }
}

fn warn(error: &anyhow::Error) {
    let why = error.chain().map(output::for_person).collect::<Vec<_>>().join(": ");
    output::say(&format!("warning: the Secrets with credentials that are not used any more were not tidied up: {why}"));
}

async fn sweeping(store: &Store<'_>, before: &Stored, now: &Stored) -> Result<()> {
    let Store { cluster, helm, place, .. } = store;
    let (documents, earlier) = (documents(store, values_of(now)).await?, documents(store, values_of(before)).await?);
    let used: BTreeSet<&str> = documents.iter().flat_map(references).collect();
    let used_before: BTreeSet<&str> = earlier.iter().flat_map(references).collect();
    let secrets = all(cluster, &place.release()).await?;
    let oldest = helm.history().await?.iter().map(|revision| revision.number).min().unwrap_or_default();
    for secret in &secrets {
        let since = secret["metadata"]["annotations"][UNUSED_SINCE].as_str().and_then(|text| text.parse::<u64>().ok());
        match (used.contains(name_of(secret)), since) {
            (false, None) => mark(cluster, secret, Some(now.revision)).await?,
            (false, Some(_)) if used_before.contains(name_of(secret)) => mark(cluster, secret, Some(now.revision)).await?,
            (false, Some(since)) if since <= oldest => delete(cluster, secret).await?,
            _ => {}
        }
    }
    Ok(())
}

/// All that the release has of connections: its values, the document in them, and its sets.
///
/// # Errors
/// If one of them cannot be read: what it refers to is not known then.
async fn documents(Store { cluster, place, .. }: &Store<'_>, values: Value) -> Result<Vec<Value>> {
    let parsed = |bytes: &[u8]| sc_core::document::parse(bytes).map_err(|kind| anyhow!("a document of connections cannot be read: {kind}"));
    let mut documents: Vec<Value> = values["connectionsDocument"].as_str().map(|text| parsed(text.as_bytes())).transpose()?.into_iter().collect();
    let connections = Connections::parse(values.to_string().as_bytes(), &mut Problems::default());
    let sets = connections.map_err(|problem| anyhow!("the values cannot be read: {problem}"))?.sets;
    for (set, read) in sets.iter().zip(read_sets(cluster, &place.release_namespace, &sets).await) {
        documents.push(parsed(&read.map_err(|why| anyhow!(set.unread(why).to_string()))?)?);
    }
    documents.push(values);
    Ok(documents)
}

/// Deletes all Secrets of this kind, when the release is gone.
///
/// # Errors
/// What the API server has against it.
pub(crate) async fn forget(cluster: &Cluster, release: &Release) -> Result<()> {
    let failed = || format!("failed to delete the Secrets with credentials in namespace `{}`", release.namespace);
    for secret in all(cluster, release).await.with_context(failed)? {
        delete(cluster, &secret).await.with_context(failed)?;
    }
    Ok(())
}

/// All Secrets of this kind.
async fn all(cluster: &Cluster, release: &Release) -> Result<Vec<Value>> {
    let selector = format!("{MANAGED_BY}%3D{MANAGER},{RELEASE}%3D{}", release.name);
    let mut found = cluster.get(&format!("{}?labelSelector={selector}", collection(&release.namespace))).await?.unwrap_or_default();
    Ok(found["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

/// Notes since which revision a Secret is not used, or that it is used again.
async fn mark(cluster: &Cluster, secret: &Value, since: Option<u64>) -> Result<()> {
    let (verb, revision) = if since.is_some() { ("add", since.map(|revision| revision.to_string())) } else { ("remove", None) };
    let field = UNUSED_SINCE.replace('/', "~1");
    let patch = json!([{"op": verb, "path": format!("/metadata/annotations/{field}"), "value": revision}]);
    cluster.patch(&path_of(secret), &patch).await.map(drop).map_err(Into::into)
}

async fn delete(cluster: &Cluster, secret: &Value) -> Result<()> {
    let options = json!({"preconditions": {"uid": secret["metadata"]["uid"]}});
    cluster.delete(&path_of(secret), options.to_string().into()).await.map(drop).map_err(Into::into)
}

/// The names of the Secrets that values refer to, wherever in them.
fn references(values: &Value) -> Vec<&str> {
    match values {
        Value::Object(map) => {
            let own = map.get("secretKeyRef").and_then(|reference| reference["name"].as_str());
            own.into_iter().chain(map.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn path_of(secret: &Value) -> String {
    format!("{}/{}", collection(secret["metadata"]["namespace"].as_str().unwrap_or_default()), name_of(secret))
}

fn collection(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets")
}
