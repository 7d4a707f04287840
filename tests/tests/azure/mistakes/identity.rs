//! Identities: pods that are older than the webhook, or than what their ServiceAccount says.

use serde_json::{Value, json};

use super::{Kept, assert_found, assert_sound, deployment, find, found, mend, start};
use crate::bed::Bed;
use crate::kube;
use crate::part::Part;
use crate::session::Session;
use crate::stand_in::Identity;

const WEBHOOK: &str = "azure-wi-webhook-mutating-webhook-configuration";
const CLIENT_ID: &str = "azure.workload.identity/client-id";

#[test]
fn pods_that_are_older_than_the_webhook_or_their_identity() {
    Part::Webhook.alone("mistakes-identity", 1, |bed| {
        let identity = Identity::new();
        bed.upgraded(&[media(bed, &identity)], &[]);
        let session = Session::of(bed);
        assert_sound(&session);
        let kept = Kept::take("mutatingwebhookconfiguration", WEBHOOK);
        assert_found(&session, "SC1312");
        start(bed, &session, "media");
        drop(kept);
        // The webhook is there again, and the pod has no token.
        let finding = found(&session, "SC1504");
        assert!(find(&session, "SC1312").is_none());
        mend(&session, &finding);

        let account = format!("sc-account-{}", identity.client);
        let annotations = json!({"metadata": {"annotations": {CLIENT_ID: null}}});
        kube::kubectl(&["-n", bed.shop(), "patch", "serviceaccount", &account, "--type=merge", "-p", &annotations.to_string()]);
        kube::kubectl(&["-n", bed.shop(), "rollout", "restart", "deployment/media"]);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/media", "--timeout=60s"]);
        let finding = found(&session, "SC1503");
        assert!(session.shell(finding["fix"].as_str().unwrap()).is_ok);
        mend(&session, &found(&session, "SC1509"));
    });
}

#[test]
fn what_says_the_identity_by_hand() {
    Part::Webhook.with("mistakes-byhand", 1, |bed| {
        let identity = Identity::new();
        bed.upgraded(&[media(bed, &identity)], &[]);
        let session = Session::of(bed);
        // What the template says by hand a restart would not mend.
        let mut by_hand = deployment(bed, &session, "media");
        by_hand["spec"]["template"]["spec"]["containers"][0]["env"] = another_client();
        kube::apply(&[by_hand]);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/media", "--timeout=60s"]);
        let finding = found(&session, "SC1507");
        assert!(find(&session, "SC1509").is_none());
        mend(&session, &finding);

        // A pod that is over is not run again.
        let mut pod = deployment(bed, &session, "media")["spec"]["template"].clone();
        (pod["apiVersion"], pod["kind"]) = (json!("v1"), json!("Pod"));
        pod["metadata"] = json!({"name": "over", "namespace": bed.shop(), "labels": {"azure.workload.identity/use": "true"}});
        pod["spec"]["containers"][0]["env"] = another_client();
        kube::apply(&[pod]);
        assert_eq!(found(&session, "SC1509")["object"], format!("pod {}/over", bed.shop()));
        kube::kubectl(&["-n", bed.shop(), "patch", "pod", "over", "--type=merge", "-p", r#"{"spec": {"activeDeadlineSeconds": 1}}"#]);
        assert_sound(&session);
    });
}

fn another_client() -> Value {
    json!([{"name": "AZURE_CLIENT_ID", "value": "another"}])
}

fn media(bed: &Bed, identity: &Identity) -> Value {
    json!({
        "name": "media", "namespace": bed.shop(), "targetService": "storage-blob", "authType": "workload-identity",
        "target": {"account": "shopmedia"}, "credentials": {"clientId": identity.client, "tenantId": identity.tenant},
    })
}
