//! What the job asked of the API server, by the cluster's audit log.

use std::time::Duration;

use serde_json::Value;

use crate::bed::Bed;
use crate::kube;

/// One request of the job's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The verb, as RBAC knows it.
    pub(crate) verb: String,
    /// The namespace.
    pub(crate) namespace: String,
    /// `group/resource`, and its subresource if there is one; the core group is empty.
    pub(crate) resource: String,
    /// The name of the object; a create may have none.
    pub(crate) name: String,
    /// The pod that asked.
    pub(crate) pod: String,
    /// Whether it was refused for want of a right.
    pub(crate) is_forbidden: bool,
}

/// All requests that the job of this release has made so far, in order; nothing where there is no audit log to read.
pub(crate) fn requests(bed: &Bed) -> Option<Vec<Request>> {
    requests_of(bed, "sc-job")
}

/// The same of another ServiceAccount in the namespace of the release; what was forbidden is left out.
pub(crate) fn allowed_requests_of(bed: &Bed, account: &str) -> Option<Vec<Request>> {
    let mut requests = requests_of(bed, account)?;
    requests.retain(|request| !request.is_forbidden);
    Some(requests)
}

fn requests_of(bed: &Bed, account: &str) -> Option<Vec<Request>> {
    if kube::own_cluster().is_none() {
        eprintln!("not a cluster of scripts/cluster: its audit log is not read");
        return None;
    }
    let user = format!("system:serviceaccount:{}:{account}", bed.system);
    // The log is written in batches: a request that is made now is the mark that all earlier ones are in.
    let mark = format!("/api/v1/namespaces/{}/configmaps/mark-{}", bed.system, uuid());
    kube::run(&["get", "--raw", &mark]);
    let log = kube::wait_for("the audit log", Duration::from_secs(30), || kube::audit_log().filter(|log| log.contains(&mark)));
    Some(log.lines().filter(|line| line.contains(&user)).filter_map(|line| request(line, &user)).collect())
}

/// Those that are outside of the release's namespace.
pub(crate) fn outside(bed: &Bed, requests: &[Request]) -> Vec<Request> {
    requests.iter().filter(|request| request.namespace != bed.system).cloned().collect()
}

fn request(line: &str, user: &str) -> Option<Request> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &entry["objectRef"];
    let mut resource = format!("{}/{}", text(&object["apiGroup"]), text(&object["resource"]));
    if let Some(part) = object["subresource"].as_str() {
        resource = format!("{resource}/{part}");
    }
    let pod = text(&entry["user"]["extra"]["authentication.kubernetes.io/pod-name"][0]);
    let is_forbidden = entry["responseStatus"]["code"] == 403;
    let request =
        Request { verb: text(&entry["verb"]), namespace: text(&object["namespace"]), resource, name: text(&object["name"]), pod, is_forbidden };
    (entry["user"]["username"] == user && entry["stage"] == "ResponseComplete").then_some(request)
}

fn uuid() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap().trim().to_owned()
}
