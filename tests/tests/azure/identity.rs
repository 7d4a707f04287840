//! Workload identity: a program in a pod, with the ServiceAccount and the Secret of a connection, stores something in a storage account.

use serde_json::{Value, json};

use crate::azurite::Azurite;
use crate::bed::{self, Bed, Helm};
use crate::session::Session;
use crate::stand_in::{self, Identity};
use crate::workload::{self, Program};
use crate::{kube, size};

/// The label that the webhook looks for.
const USE: &str = "azure.workload.identity/use";
/// What the webhook says to a container.
const INJECTED: [&str; 4] = ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];

#[test]
fn programs_store_by_the_identity_of_their_pod() {
    with_connection("identity", |bed, identity| {
        let azurite = Azurite::start(&account(identity));
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        let (session, hosts) = (Session::of(bed), [(azurite.host.as_str(), azurite.address.as_str())]);
        for (program, container) in [(Program::python(), "from-python"), (Program::go(), "from-go")] {
            let text = format!("stored {container}");
            let job = program.job(bed, &session, ("media", &[container, &text]), &hosts);
            let outcome = workload::run(job);
            assert!(outcome.is_complete, "{}", outcome.log);
            assert_eq!(outcome.log, text + "\n");
            assert_eq!(injected(&outcome.pod), INJECTED);
        }
    });
}

#[test]
fn another_account_of_the_same_identity_is_refused() {
    with_connection("stranger", |bed, identity| {
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        let session = Session::of(bed);
        let annotations = json!({"azure.workload.identity/client-id": identity.client, "azure.workload.identity/tenant-id": identity.tenant});
        let metadata = json!({"namespace": bed.shop(), "name": "other", "annotations": annotations});
        kube::apply(&[json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})]);
        let other = format!("system:serviceaccount:{}:other", bed.shop());
        // Python's client of the storage service tries it again for a minute and a half.
        for program in size::sample(&[Program::go(), Program::python()], 1) {
            let mut job = program.job(bed, &session, ("media", &["from-other", "text"]), &[]);
            job["spec"]["template"]["spec"]["serviceAccountName"] = json!("other");
            let outcome = workload::run(job);
            assert!(!outcome.is_complete, "{}", outcome.log);
            let said = format!("AADSTS700213: No matching federated identity record found for presented assertion subject '{other}'");
            assert!(outcome.log.contains(&said), "{}", outcome.log);
        }
    });
}

#[test]
fn a_label_on_the_job_itself_gives_no_token() {
    with_connection("label", |bed, identity| {
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        let mut job = Program::go().job(bed, &Session::of(bed), ("media", &["from-label", "text"]), &[]);
        let labels = job["spec"]["template"]["metadata"]["labels"].take();
        assert_eq!(labels, json!({USE: "true"}), "`sc snippet` puts it on the template");
        job["metadata"]["labels"] = labels;
        let outcome = workload::run(job);
        assert!(!outcome.is_complete, "{}", outcome.log);
        assert!(outcome.log.contains("DefaultAzureCredential: failed to acquire a token."), "{}", outcome.log);
        assert_eq!(injected(&outcome.pod), [""; 0]);
    });
}

/// Does a test with a release that has the connection `media` to a storage account, by an identity that nobody is trusted for yet.
fn with_connection(name: &str, test: impl FnOnce(&Bed, &Identity)) {
    stand_in::listen();
    bed::with(Helm::Four, name, 1, |bed| {
        let identity = Identity::new();
        bed.upgraded(&[media(bed.shop(), &identity)], &[]);
        kube::apply(&[workload::authority(bed.shop())]);
        test(bed, &identity);
    });
}

fn media(namespace: &str, identity: &Identity) -> Value {
    json!({
        "name": "media", "namespace": namespace, "targetService": "storage-blob", "authType": "workload-identity", "clientType": "python",
        "target": {"account": account(identity)},
        "credentials": {"clientId": identity.client, "tenantId": identity.tenant},
    })
}

/// The name of a storage account of the identity's own.
fn account(identity: &Identity) -> String {
    format!("shop{}", &identity.client[..8])
}

/// Which of the variables of the webhook the container of a pod has.
fn injected(pod: &Value) -> Vec<&str> {
    let has = |name: &&str| pod["spec"]["containers"][0]["env"].as_array().unwrap().iter().any(|variable| variable["name"] == *name);
    INJECTED.into_iter().filter(has).collect()
}
