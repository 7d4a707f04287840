//! Whether an object that the job writes is written by hand, too, or generated.

use sc_core::names::{MANAGED_BY, MANAGER};
use sc_core::object::ObjectKind;
use sc_core::problem::Word;

use super::Findings;
use super::kustomize::generated;
use super::manifest::Manifest;
use super::mistake::Mistake;
use super::objects::Objects;

/// Looks at one manifest, and at what kustomize makes of it.
pub(crate) fn check(manifest: &Manifest<'_>, objects: &Objects<'_>, findings: &mut Findings) {
    itself(manifest, objects, findings);
    for generated in generated(manifest.whole, ObjectKind::Secret.name()).filter(|generated| !generated.is_change) {
        let namespace = manifest.moved_to.or(generated.namespace).or(manifest.namespace);
        let Some(object) = generated.name.text().and_then(|name| objects.find(ObjectKind::Secret, namespace, name)) else { continue };
        if generated.is_renamed {
            let (connection, name) = (object.connection.name.as_str(), &object.id.name);
            let what = format!("connection `{connection}` gives Secret `{name}`, and kustomize generates one under that name");
            findings.about(Mistake::SecretGenerated, generated.name, what, Mistake::SecretGenerated.entry().fix);
        } else if !object.connection.adopt {
            let what = format!("Secret {} has a name that the job gives, and is generated", Word::new(&*object.id.name));
            findings.about(Mistake::ObjectByHand, generated.name, what, Mistake::ObjectByHand.entry().fix);
        }
    }
}

/// Looks at the object itself, and at the Secrets that are made of it. Those of `sc render` have the job's mark, and one that its connection takes over
/// is no mistake.
fn itself(manifest: &Manifest<'_>, objects: &Objects<'_>, findings: &mut Findings) {
    if manifest.is_change() || manifest.whole.at("/metadata/labels").get(MANAGED_BY).text() == Some(MANAGER) {
        return;
    }
    for (made, node) in manifest.makes() {
        let kind = ObjectKind::ALL.into_iter().find(|kind| made == kind.name());
        let (Some(kind), Some(name)) = (kind, node.text()) else { continue };
        if objects.find(kind, manifest.namespace, name).is_some_and(|object| !object.connection.adopt) {
            let how = if made == manifest.kind { "is written by hand".to_owned() } else { format!("is made by this {}", manifest.kind) };
            let what = format!("{made} {} has a name that the job gives, and {how}", Word::new(name));
            findings.about(Mistake::ObjectByHand, node, what, Mistake::ObjectByHand.entry().fix);
        }
    }
}
