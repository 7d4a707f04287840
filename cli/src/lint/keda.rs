//! Whether what KEDA's scalers log in by leads to a connection's Secret, and takes keys that this has (KEDA 2, "Authentication").

use super::Findings;
use super::manifest::Manifest;
use super::pods::Reference;
use super::surroundings::Surroundings;
use super::variables;

/// That of the cluster has its Secrets in the namespace of KEDA, which no file says.
const KINDS: [&str; 2] = ["TriggerAuthentication", "ClusterTriggerAuthentication"];

/// Looks at one manifest.
pub(crate) fn check(manifest: &Manifest<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    if KINDS.into_iter().any(|kind| manifest.is_of(kind, "keda.sh")) {
        for secret in manifest.whole.at("/spec/secretTargetRef").items() {
            variables::named(around, &Reference::of(secret, "name", vec![secret.get("key")]), findings);
        }
    }
}
