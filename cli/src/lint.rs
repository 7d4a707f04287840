//! The usual mistakes in the YAML of workloads that use connections.
//!
//! Rule: nothing here asks a cluster or reads a file, and nothing that is found quotes more of a document than names.

mod by_hand;
mod identity;
mod keda;
pub(crate) mod kustomize;
pub(crate) mod manifest;
pub(crate) mod mistake;
pub(crate) mod objects;
mod parts;
mod pods;
mod service_binding;
mod surroundings;
pub(crate) mod tree;
mod variables;
mod volumes;

use manifest::Manifests;
use mistake::Mistake;
use objects::Objects;
use parts::Parts;
use pods::Pods;
use surroundings::Surroundings;
use tree::Node;

/// What is looked for in the pods of a workload.
const RULES: [fn(&Pods<'_>, &mut Findings); 3] = [identity::check, variables::check, volumes::check];

/// A mistake, and where it was made.
pub(crate) struct Finding {
    /// Which one.
    pub(crate) mistake: Mistake,
    /// The line, counted from 1.
    pub(crate) line: u64,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) fix: String,
}

/// The mistakes that were found so far.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Notes a mistake of which there is no more to say than of all like it.
    fn add(&mut self, mistake: Mistake, node: &Node) {
        let entry = mistake.entry();
        self.about(mistake, node, entry.title, entry.fix);
    }

    /// Notes a mistake with what there is to do about this one.
    fn fixed(&mut self, mistake: Mistake, node: &Node, fix: impl Into<String>) {
        self.about(mistake, node, mistake.entry().title, fix);
    }

    /// Notes a mistake with what there is to say about this one.
    fn about(&mut self, mistake: Mistake, node: &Node, what: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding { mistake, line: node.line, what: what.into(), fix: fix.into() });
    }

    /// Hands them over, by line. What two aliases share is wrong once.
    fn into_vec(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| (finding.line, finding.mistake));
        self.0.dedup_by(|one, other| (one.mistake, one.line, &one.what) == (other.mistake, other.line, &other.what));
        self.0
    }
}

/// All mistakes in a file, by line; what another of the files makes is there.
pub(crate) fn findings(file: &Manifests<'_>, files: &Manifests<'_>, objects: &Objects<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    for manifest in &file.all {
        let around = Surroundings { namespace: manifest.namespace, files, objects };
        by_hand::check(manifest, objects, &mut findings);
        service_binding::check(manifest, &around, &mut findings);
        keda::check(manifest, &around, &mut findings);
        for pods in Pods::all(manifest, around) {
            for rule in RULES {
                rule(&pods, &mut findings);
            }
            if manifest.lacks_namespace() {
                namespace_unstated(&pods, &mut findings);
            }
        }
    }
    findings.into_vec()
}

/// How many workloads there are in the files.
pub(crate) fn workloads(files: &Manifests<'_>) -> usize {
    files.all.iter().filter(|manifest| !Parts::all(manifest).is_empty()).count()
}

/// Notes that it is not said where the workload goes, if it uses a connection at all.
fn namespace_unstated(pods: &Pods<'_>, findings: &mut Findings) {
    let of_connections = pods.named().filter_map(|(kind, name)| pods.around.object(kind, name));
    let mut namespaces: Vec<&str> = of_connections.map(|object| object.id.namespace.as_str()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    if !namespaces.is_empty() {
        let fix = format!("write `namespace: {}` into its metadata, or say by `--kube-namespace` where it goes", namespaces.join("` or `"));
        findings.about(Mistake::NamespaceUnstated, pods.whole.get("metadata"), Mistake::NamespaceUnstated.entry().title, fix);
    }
}
