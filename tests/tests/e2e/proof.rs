//! The proof that a run succeeded, as a user would look for it.

use serde_json::Value;

use crate::bed::Bed;
use crate::kube;

/// The data of `sc-status`.
pub(crate) fn status(bed: &Bed) -> Value {
    kube::existing(&bed.system, "configmap", "sc-status")["data"].clone()
}

/// Panics unless `sc-status` proves that the live `sc-config` was applied.
pub(crate) fn assert_proven(bed: &Bed) {
    let status = status(bed);
    let (hash, uid) = config(bed);
    assert_eq!(status["result"], "Succeeded", "{status}");
    assert_eq!((&status["observedHash"], &status["desiredHash"]), (&hash, &hash), "{status}");
    assert_eq!(status["observedUID"], uid, "{status}");
    assert_eq!(status["reason"], "", "{status}");
}

/// Panics unless `sc-status` says that the live `sc-config` was tried in vain.
pub(crate) fn assert_failed(bed: &Bed, reason: &str) {
    let status = status(bed);
    let (hash, _) = config(bed);
    assert_eq!(status["result"], "Failed", "{status}");
    assert_eq!(status["desiredHash"], hash, "{status}");
    assert_ne!(status["observedHash"], hash, "{status}");
    assert!(status["reason"].as_str().unwrap().contains(reason), "{status}");
}

/// Panics if a Job is there.
pub(crate) fn assert_no_job(bed: &Bed) {
    let jobs = kube::list(&bed.system, "jobs");
    assert!(jobs.is_empty(), "a Job is left: {}", jobs[0]["metadata"]["name"]);
}

/// Hash and UID of the live `sc-config`. The hash is taken over what is there, and must be that of the annotation.
pub(crate) fn config(bed: &Bed) -> (Value, Value) {
    let config = kube::existing(&bed.system, "secret", "sc-config");
    let values = sc_tests::planning::decoded(&config).remove("values.json").unwrap();
    let hash = sha256(&values);
    assert_eq!(config["metadata"]["annotations"]["sc-extension.dev/config-hash"], hash);
    (Value::from(hash), config["metadata"]["uid"].clone())
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text);
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}
