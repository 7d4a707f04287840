//! Workload identity: a program in a pod, with the ServiceAccount and the Secret of a connection, uses a storage account or a key vault.

use std::cell::OnceCell;

use sc_tests::canary;
use serde_json::{Value, json};

use crate::azurite::Azurite;
use crate::bed::Bed;
use crate::part::Part;
use crate::session::Session;
use crate::stand_in::{self, Identity, Vault};
use crate::workload::{self, Program};
use crate::{kube, size};

/// The label that the webhook looks for.
const USE: &str = "azure.workload.identity/use";
/// What the webhook says to a container.
const INJECTED: [&str; 4] = ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];

#[test]
fn programs_store_by_the_identity_of_their_pod() {
    with_connection("identity", media, |bed, identity| {
        let azurite = Azurite::start(&account(identity));
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        let (session, hosts) = (Session::of(bed), [(azurite.host.as_str(), azurite.address.as_str())]);
        for (program, container) in [(Program::python("store"), "from-python"), (Program::go(), "from-go")] {
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
fn a_program_reads_a_vault_by_the_identity_of_its_pod() {
    let (vault, secret) = (OnceCell::new(), canary::of("read"));
    let connection = |identity: &Identity| {
        let vault = vault.get_or_init(|| Vault::beside(identity));
        json!({"name": "vault", "targetService": "keyvault", "clientType": "python", "target": {"vault": vault.name}})
    };
    with_connection("reader", connection, |bed, identity| {
        let vault = vault.get().unwrap();
        vault.keep("db-password", &secret);
        vault.let_read(identity);
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        let hosts = [(&*format!("{}.vault.azure.net", vault.name), &*stand_in::variable("SC_CLUSTER_IP"))];
        let outcome = workload::run(Program::python("read").job(bed, &Session::of(bed), ("vault", &["db-password"]), &hosts));
        assert!(outcome.is_complete, "{}", outcome.log);
        assert_eq!(outcome.log, workload::sum(&secret) + "\n");
    });
}

#[test]
fn another_account_of_the_same_identity_is_refused() {
    with_connection("stranger", media, |bed, identity| {
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        let session = Session::of(bed);
        let annotations = json!({"azure.workload.identity/client-id": identity.client, "azure.workload.identity/tenant-id": identity.tenant});
        let metadata = json!({"namespace": bed.shop(), "name": "other", "annotations": annotations});
        kube::apply(&[json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})]);
        let other = format!("system:serviceaccount:{}:other", bed.shop());
        // Python's client of the storage service tries it again for a minute and a half.
        for program in size::sample(&[Program::go(), Program::python("store")], 1) {
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
    with_connection("label", media, |bed, identity| {
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

/// Does a test with a release that has a connection by an identity that nobody is trusted for yet.
fn with_connection(name: &str, connection: impl FnOnce(&Identity) -> Value, test: impl FnOnce(&Bed, &Identity)) {
    Part::Webhook.with(name, 1, |bed| {
        let identity = Identity::new();
        let mut connection = connection(&identity);
        connection["namespace"] = json!(bed.shop());
        connection["authType"] = json!("workload-identity");
        connection["credentials"] = json!({"clientId": identity.client, "tenantId": identity.tenant});
        bed.upgraded(&[connection], &[]);
        kube::apply(&[workload::authority(bed.shop())]);
        test(bed, &identity);
    });
}

fn media(identity: &Identity) -> Value {
    json!({"name": "media", "targetService": "storage-blob", "clientType": "python", "target": {"account": account(identity)}})
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
