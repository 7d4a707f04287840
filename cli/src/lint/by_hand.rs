//! Whether an object that the job writes is written by hand, too.

use sc_core::names::{MANAGED_BY, MANAGER};
use sc_core::object::ObjectKind;
use sc_core::problem::Word;

use super::Findings;
use super::manifest::Manifest;
use super::mistake::Mistake;
use super::objects::Objects;

/// Looks at one manifest. Those of `sc render` have the job's mark, and one that its connection takes over is no mistake.
pub(crate) fn check(manifest: &Manifest<'_>, objects: &Objects<'_>, findings: &mut Findings) {
    let metadata = manifest.whole.get("metadata");
    let kind = ObjectKind::ALL.into_iter().find(|kind| manifest.kind == kind.name());
    let (Some(kind), Some(name)) = (kind, metadata.get("name").text()) else { return };
    let is_marked = metadata.get("labels").get(MANAGED_BY).text() == Some(MANAGER);
    let is_refused = objects.find(kind, manifest.namespace, name).is_some_and(|object| !object.connection.adopt);
    if is_refused && !is_marked {
        let what = format!("{} {} has a name that the job gives, and is written by hand", kind.name(), Word::new(name));
        findings.about(Mistake::ObjectByHand, metadata.get("name"), what, Mistake::ObjectByHand.entry().fix);
    }
}
