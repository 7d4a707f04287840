//! The chart's admission policy while a test has it on. It is in no namespace, and goes with this.

use std::time::Duration;

use crate::bed::Bed;
use crate::kube;

/// The policy of a release.
pub(crate) struct Policy<'a> {
    bed: &'a Bed,
}

impl<'a> Policy<'a> {
    /// What Helm is told.
    pub(crate) const ON: [&'static str; 2] = ["--set", "admissionPolicy.enabled=true"];

    /// That which Helm will make for this release.
    pub(crate) fn of(bed: &'a Bed) -> Self {
        Self { bed }
    }

    /// Waits until the API server has seen it.
    pub(crate) fn is_in_force(&self) {
        let job = format!("--as=system:serviceaccount:{}:sc-job", self.bed.system);
        let another = ["-n", &self.bed.system, "create", "configmap", "another", "--dry-run=server", &job];
        let is_denied = || kube::run(&another).errors.contains("ValidatingAdmissionPolicy").then_some(());
        kube::wait_for("the policy", Duration::from_secs(30), is_denied);
    }
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        let name = format!("sc-job.{}.sc", self.bed.system);
        kube::run(&["delete", "validatingadmissionpolicies,validatingadmissionpolicybindings", &name, "--ignore-not-found"]);
    }
}
