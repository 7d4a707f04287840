//! The chart's admission policy, as far as no cluster is needed; what it denies is in the end-to-end tests.

use std::path::PathBuf;

use sc_tests::helm::Helm;
use sc_tests::render::{Render, name_of};
use sc_tests::tree;

#[test]
fn a_kubernetes_that_is_too_old_for_the_policy_is_refused_with_the_way_out() {
    for helm in Helm::both() {
        let refused = helm.template_for("1.29.9-gke.1", &[&policy()]);
        assert!(!refused.is_ok, "{}", helm.name);
        for said in ["needs Kubernetes 1.30", "this is v1.29.9", "admissionPolicy.enabled to false"] {
            assert!(refused.errors.contains(said), "`{said}` is not said in: {}", refused.errors);
        }
        for enough in ["1.30.0", "1.30.0-eks-1", "1.35.0"] {
            let answer = helm.template_for(enough, &[&policy()]);
            assert!(answer.is_ok, "{enough}: {}", answer.errors);
        }
        assert!(helm.template_for("1.29.0", &[&tree("tests/chart/empty.yaml")]).is_ok, "without the policy an older one will do");
    }
}

#[test]
fn the_policy_and_its_binding_are_named_by_the_release_and_belong_together() {
    let render = Render::of(&Helm::both()[1].template(&[&policy()]).output);
    let names: Vec<String> = render.objects().map(name_of).filter(|name| name.starts_with("Validating")).collect();
    assert_eq!(names, ["ValidatingAdmissionPolicy /sc-job.sc-system.sc", "ValidatingAdmissionPolicyBinding /sc-job.sc-system.sc"]);
    let binding = render.objects().find(|tree| tree["kind"] == "ValidatingAdmissionPolicyBinding").unwrap();
    assert_eq!(binding["spec"]["policyName"], "sc-job.sc-system.sc");
    assert_eq!(binding["spec"]["validationActions"], serde_json::json!(["Deny"]));
}

fn policy() -> PathBuf {
    tree("tests/chart/admission-policy.yaml")
}
