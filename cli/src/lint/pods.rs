//! The pods that a workload of a document makes, and the names in them that may lead to connections.

use sc_core::catalogue::AuthType;
use sc_core::names::{Guid, WEBHOOK_CLIENT_ID};
use sc_core::object::ObjectKind;
use sc_core::problem::At;

use super::manifest::Manifest;
use super::parts::{Elsewhere, Parts};
use super::surroundings::Surroundings;
use super::tree::Node;

/// Where a volume has what names a Secret of its pod's namespace, and the field for the name (Kubernetes API, "Volume"); a CSI driver's is looked at
/// with the rest of such a volume.
const OF_VOLUME: [(&str, &str); 8] = [
    ("/secret", "secretName"),
    ("/azureFile", "secretName"),
    ("/cephfs/secretRef", "name"),
    ("/flexVolume/secretRef", "name"),
    ("/iscsi/secretRef", "name"),
    ("/rbd/secretRef", "name"),
    ("/scaleIO/secretRef", "name"),
    ("/storageos/secretRef", "name"),
];

/// The pods of a workload.
pub(crate) struct Pods<'a> {
    /// The workload.
    pub(crate) whole: &'a Node,
    /// The parts of these of its pods.
    pub(crate) parts: Parts<'a>,
    /// What is around it.
    pub(crate) around: Surroundings<'a>,
}

/// A place that names a Secret.
pub(crate) struct Reference<'a> {
    /// The name.
    pub(crate) name: &'a Node,
    /// The keys that are taken from it; none where all are.
    pub(crate) keys: Vec<&'a Node>,
    /// Whether it may be absent.
    pub(crate) optional: &'a Node,
}

impl<'a> Pods<'a> {
    /// The pods of a manifest, those that are alike together; nothing if it is no workload.
    pub(crate) fn all(manifest: &Manifest<'a>, around: Surroundings<'a>) -> impl Iterator<Item = Self> {
        let whole = manifest.whole;
        Parts::all(manifest).into_iter().map(move |parts| Self { whole, parts, around })
    }

    /// The containers, all that a pod has.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &'a Node> {
        self.parts.containers.iter().copied()
    }

    /// The volumes.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = &'a Node> {
        self.parts.volumes.iter().copied()
    }

    /// The name of the ServiceAccount; that of none is not there.
    pub(crate) fn account(&self) -> &'a Node {
        self.parts.account
    }

    /// Whether it is known as which ServiceAccount they run.
    pub(crate) fn has_known_account(&self) -> bool {
        self.parts.elsewhere != Elsewhere::Account && !self.account().is_filled_in()
    }

    /// The identity of their ServiceAccount, if the files say one: where none is named, that is `default`.
    pub(crate) fn identity(&self) -> Option<&'a Node> {
        let name = Some(self.account()).filter(|name| !name.is_filled_in())?.text().filter(|name| !name.is_empty()).unwrap_or("default");
        let accounts = self.around.files.makers(ObjectKind::ServiceAccount.name(), self.around.namespace, name);
        accounts.map(|account| account.whole.at("/metadata/annotations").get(WEBHOOK_CLIENT_ID)).find(|identity| identity.is_there())
    }

    /// Whether they run as the ServiceAccount of a connection's identity, or as another that the files say is of that identity.
    pub(crate) fn run_as(&self, wanted: &str) -> bool {
        let client_id = || Guid::parse(self.identity()?.text()?);
        self.account().text() == Some(wanted) || client_id().is_some_and(|id| id.service_account() == wanted)
    }

    /// Whether they want a token from the webhook: by the connections of their ServiceAccount that they use, or if they use none, by all of it, unless
    /// other pods of the workload run as it. What the CSI driver mounts it logs in for by itself.
    pub(crate) fn wants_token(&self) -> bool {
        let objects = self.named().filter(|(kind, _)| *kind != ObjectKind::ServiceAccount).filter_map(|(kind, name)| self.around.object(kind, name));
        let places: Vec<&At> = objects.map(|object| &object.connection.at).collect();
        let of_account = self.around.objects.of_account(self.around.namespace, self.account());
        let (mut used, unused): (Vec<_>, Vec<_>) = of_account.partition(|connection| places.contains(&&connection.at));
        if used.is_empty() && self.parts.are_all {
            used = unused;
        }
        used.iter().any(|connection| connection.auth_type == AuthType::WorkloadIdentity)
    }

    /// All places that name a Secret.
    pub(crate) fn secrets(&self) -> Vec<Reference<'a>> {
        let variables = self.containers().flat_map(secrets_of_variables);
        let volumes = self.volumes().flat_map(secrets_of_volume);
        variables.chain(volumes).chain(self.pull_secrets()).filter(|reference| reference.name.is_there()).collect()
    }

    /// The Secrets for a registry that can only be connections'. These have no login to one, so any other name is somebody else's.
    fn pull_secrets(&self) -> impl Iterator<Item = Reference<'a>> {
        let references = self.parts.pull_secrets.iter().map(|secret| Reference::of(secret, "name", Vec::new()));
        let is_known = |name: &str| self.around.objects.find(ObjectKind::Secret, None, name).is_some();
        references.filter(move |reference| reference.name.text().is_some_and(is_known))
    }

    /// All places that name a Secret of a connection as a ConfigMap, each with what to write instead.
    pub(crate) fn secrets_as_maps(&self) -> impl Iterator<Item = (&'a Node, &'static str)> {
        let of_containers = |list| self.containers().flat_map(|container| container.get(list).items()).collect();
        let projected = || self.volumes().flat_map(|volume| volume.at("/projected/sources").items()).collect();
        let places: [(Vec<&Node>, _, _); 4] = [
            (of_containers("envFrom"), "/configMapRef/name", "write `secretRef` in the place of `configMapRef`"),
            (of_containers("env"), "/valueFrom/configMapKeyRef/name", "write `secretKeyRef` in the place of `configMapKeyRef`"),
            (self.volumes().collect(), "/configMap/name", "write `secret` in the place of `configMap`, and `secretName` in the place of its `name`"),
            (projected(), "/configMap/name", "write `secret` in the place of `configMap`"),
        ];
        let names = places.into_iter().flat_map(|(nodes, pointer, fix)| nodes.into_iter().map(move |node| (node.at(pointer), fix)));
        names.filter(|(name, _)| self.around.is_of_connection(ObjectKind::Secret, name) && !self.around.is_in_files("ConfigMap", name))
    }

    /// All names that may lead to an object of a connection.
    pub(crate) fn named(&self) -> impl Iterator<Item = (ObjectKind, &'a Node)> {
        let secrets = self.secrets().into_iter().map(|reference| (ObjectKind::Secret, reference.name));
        let classes = self.volumes().map(|volume| (ObjectKind::SecretProviderClass, class(volume)));
        let logins = self.volumes().map(|volume| (ObjectKind::Secret, login(volume)));
        secrets.chain(classes).chain(logins).chain([(ObjectKind::ServiceAccount, self.account())])
    }
}

/// The class of what the CSI driver mounts as this volume.
pub(crate) fn class(volume: &Node) -> &Node {
    volume.at("/csi/volumeAttributes/secretProviderClass")
}

/// The Secret by which a CSI driver logs in for this volume.
pub(crate) fn login(volume: &Node) -> &Node {
    volume.at("/csi/nodePublishSecretRef/name")
}

impl<'a> Reference<'a> {
    /// What names a Secret in this field.
    pub(crate) fn of(secret: &'a Node, name: &str, keys: Vec<&'a Node>) -> Self {
        Self { name: secret.get(name), keys, optional: secret.get("optional") }
    }

    /// What a volume, or a source of one, has of a Secret.
    fn of_volume(secret: &'a Node, name: &str) -> Self {
        Self::of(secret, name, secret.get("items").items().iter().map(|item| item.get("key")).collect())
    }
}

fn secrets_of_variables(container: &Node) -> Vec<Reference<'_>> {
    let whole = container.get("envFrom").items().iter().map(|source| source.get("secretRef"));
    let single = container.get("env").items().iter().map(|entry| entry.at("/valueFrom/secretKeyRef"));
    let whole = whole.map(|secret| Reference::of(secret, "name", Vec::new()));
    whole.chain(single.map(|secret| Reference::of(secret, "name", vec![secret.get("key")]))).collect()
}

fn secrets_of_volume(volume: &Node) -> Vec<Reference<'_>> {
    let projected = volume.at("/projected/sources").items().iter().map(|source| Reference::of_volume(source.get("secret"), "name"));
    projected.chain(OF_VOLUME.map(|(secret, name)| Reference::of_volume(volume.at(secret), name))).collect()
}
