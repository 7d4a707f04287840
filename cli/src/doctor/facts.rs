//! What is in the cluster, as far as it may be read: the one part of the doctor that asks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Error, Result};
use futures::future::join_all;
use jiff::Timestamp;
use sc_core::connections::Unread;
use sc_core::object::ObjectId;
use sc_core::problem::{Kind, Problem};
use sc_job::cluster::{Cluster, Failure};
use sc_job::output::Outcomes;
use serde_json::{Value, json};

use crate::dry_run::dry_run;
use crate::helm::{Revision, Stored, last_whole};
use crate::listed::Listed;
use crate::listing::Listing;
use crate::output::for_person;
use crate::place::Place;
use crate::proof::Proof;
use crate::store::{Store, values_of};
pub(super) use crate::workload::name_of;

/// The kinds that are read in the namespace of the release.
const OF_RELEASE: [&str; 11] = [
    "api/v1/pods",
    "api/v1/events",
    "api/v1/serviceaccounts",
    "api/v1/secrets",
    "api/v1/resourcequotas",
    "api/v1/limitranges",
    "apis/batch/v1/jobs",
    "apis/batch/v1/cronjobs",
    "apis/coordination.k8s.io/v1/leases",
    "apis/rbac.authorization.k8s.io/v1/roles",
    "apis/rbac.authorization.k8s.io/v1/rolebindings",
];
/// The kinds that are read in the namespace of a connection.
const OF_CONNECTION: [&str; 13] = [
    "api/v1/pods",
    "api/v1/events",
    "api/v1/serviceaccounts",
    "api/v1/secrets",
    "api/v1/resourcequotas",
    "apis/apps/v1/deployments",
    "apis/apps/v1/statefulsets",
    "apis/apps/v1/daemonsets",
    "apis/apps/v1/replicasets",
    "apis/batch/v1/jobs",
    "apis/batch/v1/cronjobs",
    "apis/rbac.authorization.k8s.io/v1/roles",
    "apis/rbac.authorization.k8s.io/v1/rolebindings",
];
/// What is read of the cluster.
const OF_CLUSTER: [&str; 4] = [
    "api/v1/nodes",
    "apis/storage.k8s.io/v1/csidrivers",
    "apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
];
/// What is read of the rights of the job, wherever they are.
const RIGHTS: [&str; 2] = ["apis/rbac.authorization.k8s.io/v1/roles", "apis/rbac.authorization.k8s.io/v1/rolebindings"];

/// Objects, by the last word of the path of their kind.
pub(crate) type Objects = BTreeMap<&'static str, Vec<Value>>;

/// What is in the cluster.
#[cfg_attr(test, derive(Default))]
pub(crate) struct Facts {
    /// The last revision of the release, and all that Helm keeps.
    pub(crate) stored: Option<Stored>,
    pub(crate) history: Vec<Revision>,
    pub(crate) values: Value,
    pub(crate) listing: Option<Listing>,
    pub(crate) proof: Option<Proof>,
    /// In the namespace of the release.
    pub(crate) release: Objects,
    /// In each namespace of a connection, or of what one left; nothing where there is none of that name.
    pub(crate) namespaces: BTreeMap<String, Option<Namespace>>,
    pub(crate) cluster: Objects,
    /// Whether the API server knows SecretProviderClasses, if it has said so.
    pub(crate) has_classes: Option<bool>,
    /// The Roles and RoleBindings of this release, wherever they are.
    pub(crate) rights: Objects,
    /// What a run of the job would do, and what it has against the values.
    pub(crate) dry_run: Outcomes,
    pub(crate) problems: Vec<Problem>,
    /// What stayed when its connection was taken out and is still there, with the command that deletes it.
    pub(crate) kept: Vec<(ObjectId, String)>,
    /// What could not be looked at.
    pub(crate) unread: Vec<String>,
}

/// A namespace of connections.
#[derive(Default)]
pub(crate) struct Namespace {
    pub(crate) is_terminating: bool,
    objects: Objects,
}

impl Facts {
    /// Reads all of it. What may not be read is noted, and not looked at.
    ///
    /// # Errors
    /// If the cluster or Helm cannot be asked at all.
    pub(crate) async fn gather(store: &Store<'_>) -> Result<Self> {
        let place = store.place;
        let stored = store.helm.status().await?;
        let history = if stored.is_some() { store.helm.history().await? } else { Vec::new() };
        let values = stored.as_ref().map(values_of).unwrap_or_default();
        let cluster = &store.cluster;
        let listing = match &stored {
            Some(stored) => Some(Listing::read(store, stored).await?),
            None => None,
        };
        let mut reading = Reading { cluster, unread: Vec::new() };
        let proof = reading.noted("what the last run has proved", Proof::read(cluster, &place.release_namespace).await);
        let kept = kept(store, proof.as_ref()).await;
        let served = listing.iter().flat_map(Listing::present).map(|listed| listed.connection.namespace.to_string());
        let wanted: BTreeSet<String> = served.chain(kept.iter().map(|(id, _)| id.namespace.to_string())).collect();
        let release = reading.namespace(&place.release_namespace, &OF_RELEASE).await;
        let mut namespaces = BTreeMap::new();
        for name in wanted {
            let found = reading.connections(&name).await;
            namespaces.insert(name, found);
        }
        let of_cluster = reading.all(OF_CLUSTER.map(|kind| (kind, format!("/{kind}"))).to_vec()).await;
        let rights = reading.rights(place).await;
        let (dry_run, problems) = if stored.is_some() { reading.tried(store, &values).await } else { <_>::default() };
        let has_classes = match cluster.get_at_once("/apis/secrets-store.csi.x-k8s.io/v1").await {
            Ok(found) => Some(found.is_some()),
            Err(Failure::UnknownKind) => Some(false),
            Err(failure) => reading.noted("whether SecretProviderClasses are known", Err(failure.into())),
        };
        Ok(Self {
            kept,
            proof,
            has_classes,
            unread: reading.unread,
            stored,
            history,
            values,
            listing,
            release,
            namespaces,
            cluster: of_cluster,
            rights,
            dry_run,
            problems,
        })
    }

    /// The command that goes back to the last revision that was there as a whole; without one, only better values help.
    pub(crate) fn way_back(&self, place: &Place) -> String {
        let Place { release, release_namespace: namespace, .. } = place;
        match self.last() {
            Some(last) => format!("{} rollback {release} {last} --namespace {namespace}", place.command("helm")),
            None => format!("{} upgrade --values VALUES.yaml", place.command("sc")),
        }
    }

    /// The same for a run that cannot start; but if one has succeeded since this revision was deployed, the revision is not to blame, and it is run again.
    pub(crate) fn way_on(&self, place: &Place) -> String {
        let deployed = self.stored.as_ref().filter(|stored| stored.info.status == "deployed").and_then(|stored| time(&stored.info.last_deployed));
        if deployed.is_some_and(|deployed| self.last_success() > Some(deployed)) {
            return format!("{} rerun", place.command("sc"));
        }
        self.way_back(place)
    }

    /// When a run has last succeeded.
    pub(crate) fn last_success(&self) -> Option<Timestamp> {
        time(&self.proof.as_ref()?.last_success_at)
    }

    /// The last revision that was there as a whole, before the present one.
    pub(crate) fn last(&self) -> Option<u64> {
        last_whole(&self.history, self.stored.as_ref()?.revision)
    }

    /// The objects of a kind in the namespace of the release.
    pub(crate) fn of_release(&self, kind: &str) -> &[Value] {
        self.release.get(kind).map_or(&[], Vec::as_slice)
    }

    /// An object in the namespace of the release.
    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.of_release(kind).iter().find(|object| name_of(object) == name)
    }

    /// The connections of a namespace.
    pub(crate) fn connections_in<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a Listed> {
        self.listing.iter().flat_map(Listing::present).filter(move |listed| listed.connection.namespace.as_str() == place)
    }

    /// The namespaces of connections that are there.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&str, &Namespace)> {
        self.namespaces.iter().filter_map(|(name, namespace)| Some((name.as_str(), namespace.as_ref()?)))
    }
}

impl Namespace {
    /// One that is there, with these objects.
    #[cfg(test)]
    pub(crate) fn with(objects: Objects) -> Self {
        Self { is_terminating: false, objects }
    }

    /// The same on its way out.
    #[cfg(test)]
    pub(crate) fn terminating() -> Self {
        Self { is_terminating: true, ..Self::default() }
    }

    /// The objects of a kind; none, too, if they could not be read.
    pub(crate) fn of(&self, kind: &str) -> &[Value] {
        self.read(kind).unwrap_or_default()
    }

    /// An object of a kind, if it is there and could be read.
    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.of(kind).iter().find(|object| name_of(object) == name)
    }

    /// The objects of a kind, if they could be read.
    pub(crate) fn read(&self, kind: &str) -> Option<&[Value]> {
        self.objects.get(kind).map(Vec::as_slice)
    }
}

/// A time as Kubernetes and Helm write it.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Whether a problem of the values is but that something could not be read here and now.
fn is_unread(problem: &Problem) -> bool {
    matches!(
        &*problem.kind,
        Kind::SecretUnread { .. }
            | Kind::SecretForbidden { .. }
            | Kind::SetUnread { why: Unread::Forbidden | Unread::Unanswered | Unread::Changed, .. }
    )
}

/// Reads, and notes what may not be read.
struct Reading<'a> {
    cluster: &'a Cluster,
    unread: Vec<String>,
}

impl Reading<'_> {
    async fn namespace(&mut self, namespace: &str, kinds: &[&'static str]) -> Objects {
        let path = |kind: &str| kind.rsplit_once('/').map_or_else(String::new, |(group, plural)| format!("/{group}/namespaces/{namespace}/{plural}"));
        self.all(kinds.iter().map(|kind| (*kind, path(kind))).collect()).await
    }

    /// A namespace of connections, if it is there.
    async fn connections(&mut self, name: &str) -> Option<Namespace> {
        let found = self.cluster.get_at_once(&format!("/api/v1/namespaces/{name}")).await;
        let is_terminating = match found {
            Ok(Some(namespace)) => namespace["metadata"]["deletionTimestamp"].is_string(),
            Ok(None) | Err(Failure::NoNamespace) => return None,
            // Whoever may not read it may still read what is in it.
            Err(_) => false,
        };
        Some(Namespace { is_terminating, objects: self.namespace(name, &OF_CONNECTION).await })
    }

    /// Those of this release, by the labels of its chart.
    async fn rights(&mut self, place: &Place) -> Objects {
        let selector = format!("app.kubernetes.io/name%3D{},app.kubernetes.io/instance%3D{}", crate::chart::NAME, place.release);
        self.all(RIGHTS.map(|kind| (kind, format!("/{kind}?labelSelector={selector}"))).to_vec()).await
    }

    async fn all(&mut self, kinds: Vec<(&'static str, String)>) -> Objects {
        let lists = join_all(kinds.iter().map(|(_, path)| self.cluster.get_at_once(path))).await;
        let (mut objects, mut refused) = (Objects::new(), BTreeMap::<_, Vec<&str>>::new());
        for ((kind, path), list) in kinds.into_iter().zip(lists) {
            let plural = kind.rsplit('/').next().unwrap_or_default();
            match list.map(Option::unwrap_or_default) {
                Ok(mut list) => drop(objects.insert(plural, list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())),
                Err(failure) => {
                    let place = path.split('/').skip_while(|segment| *segment != "namespaces").nth(1).map(str::to_owned);
                    refused.entry((place, for_person(&failure))).or_default().push(plural);
                }
            }
        }
        self.unread.extend(refused.into_iter().map(|((place, why), plurals)| {
            let place = place.map_or_else(|| "of the cluster".to_owned(), |place| format!("in namespace {place}"));
            format!("{} {place}: {why}", plurals.join(", "))
        }));
        objects
    }

    /// What a run would do, and what it has against the values.
    async fn tried(&mut self, store: &Store<'_>, values: &Value) -> (Outcomes, Vec<Problem>) {
        let document = if values.is_null() { json!({}) } else { values.clone() };
        let (done, outcomes) = dry_run(store, document.to_string().as_bytes(), Some(&store.place.release_namespace)).await;
        self.noted("what a run would do", done.cut_short.map_or(Ok(()), Err));
        let (unread, problems): (Vec<_>, Vec<_>) = done.report.problems.into_iter().partition(is_unread);
        self.unread.extend(unread.iter().map(|problem| format!("{problem} (at {})", problem.at)));
        (outcomes, problems)
    }

    /// What was read; or a note that it could not be.
    fn noted<T>(&mut self, what: &str, read: Result<T>) -> Option<T> {
        let told = |error: &Error| error.chain().map(for_person).collect::<Vec<_>>().join(": ");
        read.inspect_err(|error| self.unread.push(format!("{what}: {}", told(error)))).ok()
    }
}

/// What earlier runs have kept, as far as it is still there, with the command that deletes it in this cluster.
async fn kept(Store { cluster, place, .. }: &Store<'_>, proof: Option<&Proof>) -> Vec<(ObjectId, String)> {
    let mut there = Vec::new();
    for id in proof.iter().flat_map(|proof| proof.kept.lines()).filter_map(ObjectId::of_deletion) {
        if cluster.get_at_once(&sc_job::cluster::path(&id)).await.is_ok_and(|found| found.is_some()) {
            let deletion = id.deletion(&place.release()).replacen("kubectl", &place.command("kubectl"), 1);
            there.push((id, deletion));
        }
    }
    there
}

#[cfg(test)]
mod tests {
    use sc_core::problem::{At, Word};

    use super::*;

    #[test]
    fn a_failed_read_is_nothing_that_is_wrong_with_the_values() {
        let is_unread = |kind| is_unread(&Problem { at: At::default(), kind: Box::new(kind) });
        let (name, credential) = (Word::new("orders-admin"), "password".to_owned());
        let set = |why| is_unread(Kind::SetUnread { name: name.clone(), why });
        assert!([Unread::Forbidden, Unread::Unanswered, Unread::Changed].into_iter().all(set));
        assert!(![Unread::Absent, Unread::Keyless].into_iter().any(set));
        assert!(is_unread(Kind::SecretForbidden { name: name.clone(), credential: credential.clone() }));
        assert!(is_unread(Kind::SecretUnread { name: name.clone(), credential: credential.clone() }));
        assert!(!is_unread(Kind::SecretAbsent { name, credential }));
    }
}
