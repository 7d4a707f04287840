//! The objects that the documents of a file describe, also those in lists.

use super::kustomize::generated;
use super::tree::Node;

/// What makes a Secret beside the Secret itself, and where its name is, first where it is looked for first: Sealed Secrets, External Secrets, cert-manager, and the Secrets Store CSI driver.
const MAKERS: [(&str, &[&str]); 4] = [
    ("SealedSecret", &["/metadata/name"]),
    ("ExternalSecret", &["/spec/target/name", "/metadata/name"]),
    ("Certificate", &["/spec/secretName"]),
    ("SecretProviderClass", &["/spec/secretObjects/*/secretName"]),
];
/// Where an ExternalSecret says that it makes no Secret of its own, and in which words.
const CREATION: (&str, [&str; 2]) = ("/spec/target/creationPolicy", ["Merge", "None"]);

/// The kinds that are in no namespace, and name what is in one.
const OF_CLUSTER: [&str; 2] = ["ClusterWorkflowTemplate", "ClusterTriggerAuthentication"];

/// An object.
pub(crate) struct Manifest<'a> {
    /// All that is written of it.
    pub(crate) whole: &'a Node,
    /// Its kind; empty if none is known.
    pub(crate) kind: &'a str,
    api_version: Option<&'a str>,
    /// Its namespace, if that is known.
    pub(crate) namespace: Option<&'a str>,
    /// The namespace of all, whatever they say.
    pub(crate) moved_to: Option<&'a str>,
    /// Whether it says itself in which it is.
    is_stated: bool,
}

/// Where objects are, beside what they say themselves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Namespaces<'a> {
    /// Where all are, whatever they say.
    pub(crate) of_all: Option<&'a str>,
    /// Where those are that say nothing.
    pub(crate) unstated: Option<&'a str>,
}

/// All of one file, or of several.
pub(crate) struct Manifests<'a> {
    pub(crate) all: Vec<Manifest<'a>>,
    namespaces: Namespaces<'a>,
}

impl<'a> Manifests<'a> {
    /// Those of these documents.
    pub(crate) fn of(documents: impl IntoIterator<Item = &'a Node>, namespaces: Namespaces<'a>) -> Self {
        let mut manifests = Self { all: Vec::new(), namespaces };
        for document in documents {
            manifests.add(document, ("", None));
        }
        manifests
    }

    /// Adds a document, or what is in it if it is a list. Items that say nothing of their kind have that of their list, as kubectl reads them
    /// (apimachinery, `decodeToList`). An empty namespace is none.
    fn add(&mut self, whole: &'a Node, of_list: (&'a str, Option<&'a str>)) {
        let own = whole.get("kind").text().map(|kind| (kind, whole.get("apiVersion").text()));
        let (kind, api_version) = own.unwrap_or(of_list);
        let items = whole.get("items").items();
        if let Some(kind) = kind.strip_suffix("List").filter(|_| !items.is_empty()) {
            for item in items {
                self.add(item, (kind, api_version));
            }
            return;
        }
        let Namespaces { of_all, unstated } = self.namespaces;
        let stated = whole.at("/metadata/namespace").text().filter(|namespace| !namespace.is_empty());
        // One that states another may be none of the kustomization's: then it is open where it is.
        let is_open = of_all.is_some() && stated.is_some() && of_all != stated;
        let namespace = of_all.or(stated).or(unstated).filter(|_| !OF_CLUSTER.contains(&kind) && !is_open);
        self.all.push(Manifest { whole, kind, api_version, namespace, moved_to: of_all, is_stated: stated.is_some() });
    }

    /// All that make such an object by what the files say. What states no namespace may be in any.
    pub(crate) fn makers(&self, kind: &str, namespace: Option<&str>, name: &str) -> impl Iterator<Item = &Manifest<'a>> {
        let is_near = move |other: Option<&str>| namespace.is_none() || other.is_none() || other == namespace;
        self.all.iter().filter(move |manifest| is_near(manifest.namespace) && manifest.is_maker_of(kind, name) || manifest.generates(kind, name))
    }

    /// Whether workloads that call an object by this name get one that is generated, under another name.
    pub(crate) fn is_renamed(&self, kind: &str, name: &str) -> bool {
        let mut generated = self.all.iter().flat_map(|manifest| generated(manifest.whole, kind));
        generated.any(|generated| generated.is_renamed && generated.name.text() == Some(name))
    }
}

impl<'a> Manifest<'a> {
    /// The names of all that there is by it, each with its kind: its own, and those of Secrets that are made of it.
    pub(crate) fn makes(&self) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let pointers = MAKERS.into_iter().find(|(maker, _)| *maker == self.kind).map_or(&[][..], |(_, pointers)| pointers);
        let is_named = |node: &&Node| node.is_there() && node.text() != Some("");
        let named = |pointer: &&str| self.whole.all_at(pointer).into_iter().filter(is_named).collect();
        let secrets = pointers.iter().map(named).find(|names: &Vec<&Node>| !names.is_empty()).unwrap_or_default();
        [(self.kind, self.whole.at("/metadata/name"))].into_iter().chain(secrets.into_iter().map(|name| ("Secret", name)))
    }

    fn is_maker_of(&self, kind: &str, name: &str) -> bool {
        self.makes().any(|(made, node)| made == kind && node.text() == Some(name))
    }

    /// Whether the Secret that it writes into is made elsewhere.
    pub(crate) fn is_change(&self) -> bool {
        let (pointer, words) = CREATION;
        self.whole.at(pointer).text().is_some_and(|policy| words.contains(&policy))
    }

    fn generates(&self, kind: &str, name: &str) -> bool {
        generated(self.whole, kind).any(|generated| generated.name.text() == Some(name))
    }

    /// Whether it should say in which namespace it is, and does not.
    pub(crate) fn lacks_namespace(&self) -> bool {
        self.namespace.is_none() && !self.is_stated && !OF_CLUSTER.contains(&self.kind)
    }

    /// Whether it is of this kind, and of this group or none that is stated.
    pub(crate) fn is_of(&self, kind: &str, of_group: &str) -> bool {
        self.kind == kind && self.api_version.is_none_or(|version| group(version) == of_group)
    }
}

/// The group of an API version; that of the core is empty.
pub(crate) fn group(version: &str) -> &str {
    version.split_once('/').map_or("", |(group, _)| group)
}
