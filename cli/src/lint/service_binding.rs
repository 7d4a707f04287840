//! Whether a ServiceBinding (servicebinding.io 1.0, "Direct Secret Reference") leads to a connection's Secret, and takes keys that this has.

use super::Findings;
use super::manifest::Manifest;
use super::pods::Reference;
use super::surroundings::Surroundings;
use super::tree::Node;
use super::variables;

/// What a ServiceBinding puts in the place of the entries of its Secret.
const OWN: [&str; 2] = ["type", "provider"];

/// Looks at one manifest.
pub(crate) fn check(manifest: &Manifest<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let spec = manifest.whole.get("spec");
    let service = spec.get("service");
    let is_secret = service.get("kind").text() == Some("Secret") && service.get("apiVersion").text() == Some("v1");
    if is_secret && manifest.is_of("ServiceBinding", "servicebinding.io") {
        let is_own = |key: &&Node| OWN.into_iter().any(|own| key.text() == Some(own) && spec.get(own).is_there());
        let keys = spec.get("env").items().iter().map(|entry| entry.get("key")).filter(|key| !is_own(key)).collect();
        variables::named(around, &Reference::of(service, "name", keys), findings);
    }
}
