//! Events on the own Job, which `kubectl describe` shows.

use jiff::Timestamp;
use serde_json::json;

use super::Cluster;
use crate::args::Identity;

/// The longest message of an Event that the API server takes is 1 KiB.
const LONGEST: usize = 1024;

/// Says on the own Job how the run ended. Failing in this fails nothing.
pub async fn say(cluster: &Cluster, namespace: &str, identity: &Identity, succeeded: bool, message: &str) {
    let now = Timestamp::now();
    let (kind, reason) = if succeeded { ("Normal", "ConnectionsApplied") } else { ("Warning", "ConnectionsFailed") };
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "namespace": namespace, "name": identity.job, "uid": identity.job_uid});
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{}.{:x}", identity.job, now.as_nanosecond()), "namespace": namespace},
        "involvedObject": job,
        "type": kind,
        "reason": reason,
        "message": message[..message.floor_char_boundary(LONGEST)],
        "source": {"component": "sc-job"},
        "firstTimestamp": format!("{now:.0}"),
        "lastTimestamp": format!("{now:.0}"),
        "count": 1,
    });
    let collection = format!("/api/v1/namespaces/{namespace}/events");
    if let Err(failure) = cluster.create(&collection, event.to_string().into()).await {
        tracing::warn!(%failure, "no Event was written");
    }
}
