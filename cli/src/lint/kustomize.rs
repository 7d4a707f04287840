//! What a kustomization says of the objects in its files: where they are, and which it generates.
//!
//! Rule: where workloads are in the end is for the kustomization to say, so what it makes is not looked for by namespace.

use super::manifest::group;
use super::tree::Node;

const OF_KUSTOMIZE: &str = "kustomize.config.k8s.io";
/// The lists by which a kustomization is known that does not say what it is.
const LISTS: [&str; 5] = ["resources", "components", "patches", "secretGenerator", "configMapGenerator"];

/// The kinds that are generated, and the field that lists them (kustomize 5, "Kustomization File").
const GENERATORS: [(&str, &str); 2] = [("Secret", "secretGenerator"), ("ConfigMap", "configMapGenerator")];
/// What changes all names.
const AFFIXES: [&str; 2] = ["namePrefix", "nameSuffix"];

/// An object that is generated.
pub(crate) struct Generated<'a> {
    /// The name by which workloads of the kustomization call it.
    pub(crate) name: &'a Node,
    /// The namespace that is stated for it.
    pub(crate) namespace: Option<&'a str>,
    /// Whether it gets another name, which is then written wherever a workload has this one.
    pub(crate) is_renamed: bool,
    /// Whether it changes an object that is made elsewhere.
    pub(crate) is_change: bool,
}

/// The namespace into which the only kustomization of these documents puts all objects, whatever they say; of several, it is open which does.
pub(crate) fn namespace<'a>(documents: impl IntoIterator<Item = &'a Node>) -> Option<&'a str> {
    let mut kustomizations = documents.into_iter().filter(|document| is_kustomization(document));
    let (Some(only), None) = (kustomizations.next(), kustomizations.next()) else { return None };
    only.get("namespace").text().filter(|namespace| !namespace.is_empty())
}

/// Its kind may be left away. Flux has a kind of this name, too.
fn is_kustomization(document: &Node) -> bool {
    let is_of_group = || document.get("apiVersion").text().is_none_or(|version| group(version) == OF_KUSTOMIZE);
    match document.get("kind").text() {
        Some(kind) => kind == "Kustomization" && is_of_group(),
        None => LISTS.into_iter().any(|list| !document.get(list).items().is_empty()),
    }
}

/// The objects of a kind that a kustomization generates; none if a document is something else.
pub(crate) fn generated<'a>(whole: &'a Node, kind: &str) -> impl Iterator<Item = Generated<'a>> {
    let lists = GENERATORS.into_iter().filter(move |(generated, _)| *generated == kind);
    lists.flat_map(|(_, list)| whole.get(list).items()).map(|item| one(whole, item))
}

/// The hash at the end of the name is left away if either says so (`MergeGlobalOptionsIntoLocal` in kustomize's `api/types`).
fn one<'a>(whole: &'a Node, item: &'a Node) -> Generated<'a> {
    let options = [item.get("options"), whole.get("generatorOptions")];
    let is_hashed = !options.iter().any(|options| options.get("disableNameSuffixHash").is_true());
    let has_affix = AFFIXES.into_iter().any(|affix| whole.get(affix).text().is_some_and(|affix| !affix.is_empty()));
    Generated {
        name: item.get("name"),
        namespace: [whole, item].into_iter().find_map(|node| node.get("namespace").text()).filter(|namespace| !namespace.is_empty()),
        is_renamed: has_affix || is_hashed,
        is_change: item.get("behavior").text().is_some_and(|behavior| behavior != "create"),
    }
}
