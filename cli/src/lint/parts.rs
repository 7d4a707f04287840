//! The parts of a workload's pods, wherever its kind has them: in one template, or in several places that Argo Workflows puts together.

use super::manifest::{Manifest, group};
use super::tree::Node;
use crate::workload::{CONTAINERS, Kind};

/// Where kinds that are not known by name have a template of pods: a ReplicationController, an Argo Rollout and a Knative Service among others, a
/// PodTemplate, and a ScaledJob of KEDA; or one for each of its parts: a JobSet, and a Job of Volcano.
const TEMPLATES: [&str; 5] =
    ["/spec/template", "/template", "/spec/jobTargetRef/template", "/spec/replicatedJobs/*/template/spec/template", "/spec/tasks/*/template"];

/// The kinds of Argo Workflows, where each has its specification, and whether whoever uses it says more of its pods (v3, "Field Reference").
const WORKFLOWS: [(&str, &str, bool); 4] = [
    ("Workflow", "/spec", false),
    ("CronWorkflow", "/spec/workflowSpec", false),
    ("WorkflowTemplate", "/spec", true),
    ("ClusterWorkflowTemplate", "/spec", true),
];
const OF_WORKFLOWS: &str = "argoproj.io";
/// Where a template of a workflow has containers: one, or a list.
const OF_STEP: [&str; 5] = ["/container", "/script", "/containerSet/containers", "/initContainers", "/sidecars"];
/// What leaves open what the pods are like, in a specification or a template.
const OPENING: [&str; 2] = ["workflowTemplateRef", "podSpecPatch"];

/// What there is to say of the places of a kind.
pub(crate) struct Places {
    /// Where labels stand that pods do not get.
    pub(crate) misplaced: &'static [&'static str],
    /// Where those of pods are.
    pub(crate) labels: &'static str,
    /// Where the ServiceAccount is.
    pub(crate) account: &'static str,
}

static OF_PODS: Places = Places {
    misplaced: &["/metadata/labels", "/metadata/annotations", "/spec/jobTemplate/metadata/labels"],
    labels: "the labels of the pod template",
    account: "the `spec` of the pod template",
};
static OF_STEPS: Places = Places {
    misplaced: &["/metadata/labels", "/metadata/annotations", "/spec/workflowMetadata/labels", "/spec/workflowSpec/workflowMetadata/labels"],
    labels: "the labels of `podMetadata`, or of the `metadata` of its template",
    account: "the specification of the workflow, or its template",
};

/// What somebody else may still say of pods.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elsewhere {
    Nothing,
    Labels,
    /// As whom they run, too.
    Account,
}

/// The parts of pods that are alike.
pub(crate) struct Parts<'a> {
    /// Their metadata, what goes before first.
    metadata: Vec<&'a Node>,
    /// The name of their ServiceAccount; that of none is not there.
    pub(crate) account: &'a Node,
    pub(crate) containers: Vec<&'a Node>,
    pub(crate) volumes: Vec<&'a Node>,
    pub(crate) mounts: Vec<&'a Node>,
    pub(crate) pull_secrets: &'a [Node],
    pub(crate) places: &'static Places,
    /// Whether the workload has no other pods.
    pub(crate) are_all: bool,
    /// Whether the workload is the pod itself.
    pub(crate) is_itself: bool,
    pub(crate) elsewhere: Elsewhere,
}

impl<'a> Parts<'a> {
    /// Those of all pods of a workload, which is of a known kind, or has a template with containers; nothing if it is none.
    pub(crate) fn all(manifest: &Manifest<'a>) -> Vec<Self> {
        let workflow = WORKFLOWS.into_iter().find(|(kind, ..)| manifest.is_of(kind, OF_WORKFLOWS));
        match workflow {
            Some((_, spec, is_shared)) => Self::of_workflow(manifest.whole.at(spec), is_shared),
            None => Self::of_templates(manifest.whole, &templates(manifest)),
        }
    }

    fn of_templates(whole: &'a Node, templates: &[&'a Node]) -> Vec<Self> {
        let are_all = templates.len() == 1;
        templates.iter().map(|template| Self { are_all, ..Self::of_template(whole, template) }).collect()
    }

    fn of_template(whole: &'a Node, template: &'a Node) -> Self {
        let spec = template.get("spec");
        let containers: Vec<&Node> = CONTAINERS.into_iter().flat_map(|list| spec.get(list).items()).collect();
        Self {
            metadata: vec![template.get("metadata")],
            // The old field goes for the new one.
            account: first(["serviceAccountName", "serviceAccount"].map(|field| spec.get(field))),
            mounts: mounts(&containers).collect(),
            containers,
            volumes: spec.get("volumes").items().iter().collect(),
            pull_secrets: spec.get("imagePullSecrets").items(),
            places: &OF_PODS,
            are_all: true,
            is_itself: std::ptr::eq(whole, template),
            elsewhere: Elsewhere::Nothing,
        }
    }

    /// Those of each template that has containers, also of one that stands where it is used.
    fn of_workflow(spec: &'a Node, is_shared: bool) -> Vec<Self> {
        let steps = |template: &'a Node| template.get("steps").items().iter().flat_map(Node::items);
        let tasks = |template: &'a Node| template.at("/dag/tasks").items();
        let users = move |template: &'a Node| steps(template).chain(tasks(template)).map(|user| user.get("inline"));
        let templates = spec.get("templates").items().iter().flat_map(|template| [template].into_iter().chain(users(template)));
        let all: Vec<Self> =
            templates.map(|template| Self::of_step(spec, template, is_shared)).filter(|parts| !parts.containers.is_empty()).collect();
        let are_all = all.len() == 1;
        all.into_iter().map(|parts| Self { are_all, ..parts }).collect()
    }

    /// What a template says goes before the defaults for templates, and these before what the workflow says.
    fn of_step(spec: &'a Node, template: &'a Node, is_shared: bool) -> Self {
        let defaults = spec.get("templateDefaults");
        let scopes = [template, defaults, spec];
        let accounts = scopes.map(|scope| scope.get("serviceAccountName")).map(|name| if name.text() == Some("") { Node::absent() } else { name });
        let is_open = is_shared || scopes.into_iter().any(|scope| OPENING.iter().any(|field| scope.get(field).is_there()));
        let containers: Vec<&Node> = OF_STEP.into_iter().flat_map(|pointer| template.at(pointer).each()).collect();
        let mounts: Vec<&Node> = mounts(&containers).chain(template.at("/containerSet/volumeMounts").items()).collect();
        Self {
            metadata: vec![template.get("metadata"), defaults.get("metadata"), spec.get("podMetadata")],
            account: first(accounts),
            volumes: volumes(scopes, &mounts),
            mounts,
            containers,
            pull_secrets: spec.get("imagePullSecrets").items(),
            places: &OF_STEPS,
            are_all: false,
            is_itself: false,
            elsewhere: match (is_open, accounts[0].is_there()) {
                (false, _) => Elsewhere::Nothing,
                (true, true) => Elsewhere::Labels,
                (true, false) => Elsewhere::Account,
            },
        }
    }

    /// A label of theirs.
    pub(crate) fn label(&self, name: &str) -> &'a Node {
        first(self.metadata.iter().map(|metadata| metadata.get("labels").get(name)))
    }

    /// An annotation of theirs.
    pub(crate) fn annotation(&self, name: &str) -> &'a Node {
        first(self.metadata.iter().map(|metadata| metadata.get("annotations").get(name)))
    }
}

/// The first that is there.
fn first<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> &'a Node {
    nodes.into_iter().find(|node| node.is_there()).unwrap_or(Node::absent())
}

fn mounts<'a>(containers: &[&'a Node]) -> impl Iterator<Item = &'a Node> {
    containers.iter().flat_map(|container| container.get("volumeMounts").items())
}

/// The volumes that a pod gets: all of its template, and those of others that it mounts.
fn volumes<'a>([template, others @ ..]: [&'a Node; 3], mounts: &[&Node]) -> Vec<&'a Node> {
    let mut volumes: Vec<&Node> = template.get("volumes").items().iter().collect();
    for volume in others.into_iter().flat_map(|scope| scope.get("volumes").items()) {
        let is_its = |node: &&Node| node.get("name").text() == volume.get("name").text();
        if mounts.iter().any(is_its) && !volumes.iter().any(is_its) {
            volumes.push(volume);
        }
    }
    volumes
}

/// The templates of pods: that of a kind which is known, or all where others have them.
fn templates<'a>(manifest: &Manifest<'a>) -> Vec<&'a Node> {
    let is_of = |kind: &Kind| manifest.is_of(kind.name(), group(kind.api_version()));
    let known = Kind::named(manifest.kind).filter(is_of).map(|kind| vec![manifest.whole.at(kind.template())]);
    let has_containers = |template: &&Node| !template.at("/spec/containers").items().is_empty();
    let found = |pointer| manifest.whole.all_at(pointer).into_iter().filter(has_containers).collect();
    known.or_else(|| TEMPLATES.into_iter().map(found).find(|templates: &Vec<&Node>| !templates.is_empty())).unwrap_or_default()
}
