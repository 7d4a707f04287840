//! Whether the CSI driver of the cluster fetches again what changes in a vault.

use std::time::Instant;

use sc_core::catalogue::AuthType;
use sc_job::cluster::Cluster;
use serde_json::Value;

use crate::listed::Listed;
use crate::validation::{Checks, ROTATION};
use crate::workload::items;

/// The argument of the driver that turns rotation on; it is off by default (secrets-store-csi-driver v1.6.0, `cmd`).
const ROTATES: &str = "--enable-secret-rotation";

/// Looks at the arguments of the driver, wherever its DaemonSet is. Where that may not be seen, it is said so.
pub(crate) async fn check(cluster: &Cluster, listed: &Listed, checks: &mut Checks) {
    if listed.connection.auth_type != AuthType::Csi {
        return;
    }
    let begun = Instant::now();
    let sets = cluster.get_at_once("/apis/apps/v1/daemonsets").await.ok().flatten().unwrap_or_default();
    let Some(arguments) = items(&sets["items"]).find_map(arguments) else {
        return checks.skip(&[ROTATION], "the DaemonSet of the driver is not there, or may not be seen");
    };
    if is_on(&arguments) {
        checks.success(ROTATION, "the driver fetches again what changes", begun.elapsed());
    } else {
        let fix = "turn it on, with AKS by `az aks addon update --resource-group GROUP --name CLUSTER --addon azure-keyvault-secrets-provider --enable-secret-rotation`, else by `enableSecretRotation` of its chart; or restart the pods after a change";
        checks.warning(ROTATION, "the driver does not rotate: a pod keeps what was in the vault when it was started", fix, begun.elapsed());
    }
}

/// The arguments of the container that is the driver, if this is its DaemonSet.
fn arguments(set: &Value) -> Option<Vec<&str>> {
    let containers = items(&set["spec"]["template"]["spec"]["containers"]);
    let mut lists =
        containers.map(|container| items(&container["args"]).chain(items(&container["command"])).filter_map(Value::as_str).collect::<Vec<_>>());
    lists.find(|list| list.iter().any(|argument| argument.starts_with("--provider-volume")))
}

/// Whether rotation is on.
fn is_on(arguments: &[&str]) -> bool {
    arguments.iter().any(|argument| *argument == ROTATES || argument.strip_prefix(ROTATES).is_some_and(|value| value == "=true"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_driver_is_known_by_its_arguments_and_rotates_if_one_says_so() {
        let set = |more: &str| {
            let driver = json!({"args": ["--endpoint=unix:///csi/csi.sock", "--provider-volume=/provider", more]});
            json!({"spec": {"template": {"spec": {"containers": [{"args": ["--v=5", "--csi-address=/csi/csi.sock"]}, driver]}}}})
        };
        for (more, rotates) in
            [("--enable-secret-rotation=true", true), ("--enable-secret-rotation", true), ("--enable-secret-rotation=false", false), ("--v=5", false)]
        {
            assert_eq!(arguments(&set(more)).map(|found| is_on(&found)), Some(rotates), "{more}");
        }
        assert!(arguments(&json!({"spec": {"template": {"spec": {"containers": [{"args": ["--v=5"]}]}}}})).is_none());
    }
}
