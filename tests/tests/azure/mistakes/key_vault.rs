//! Vaults: pods that wait for what they mount, since a right, a class or a part is not there.

use std::fs;

use serde_json::{Value, json};

use super::{Kept, PATIENCE, assert_found, assert_sound, deployment, find, found, mend, start};
use crate::bed::{self, Bed, Helm};
use crate::kube;
use crate::session::Session;
use crate::stand_in::{self, Identity, Vault, issuer, variable};

const DRIVER: &str = "secrets-store.csi.k8s.io";

#[test]
fn pods_that_wait_for_a_right() {
    stand_in::listen();
    bed::with(Helm::Four, "mistakes-rights", 1, |bed| {
        let identity = Identity::new();
        let vault = Vault::beside(&identity);
        vault.keep("db-password", "hunter2-vault-hunter2");
        bed.upgraded(&[vault_connection(bed, &identity, &vault)], &[]);
        let session = Session::of(bed);
        assert_sound(&session);
        start(bed, &session, "vault");
        let finding = found(&session, "SC1512");
        let subject = format!("system:serviceaccount:{}:sc-account-{}", bed.shop(), identity.client);
        let command = finding["fix"].as_str().unwrap();
        let said = format!("--issuer '{}' --subject {subject} --audiences api://AzureADTokenExchange", issuer().name);
        assert!(command.contains("az identity federated-credential create") && command.contains(&said), "{command}");
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));

        let finding = found(&session, "SC1513");
        let command = finding["fix"].as_str().unwrap();
        assert!(command.starts_with("az role assignment create --role 'Key Vault Secrets User'"), "{command}");
        assert!(command.contains(&identity.client) && command.contains(&vault.name), "{command}");
        vault.let_read(&identity);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/vault", "--timeout=240s"]);
        assert_sound(&session);
    });
}

#[test]
fn classes_that_are_not_in_the_namespace_of_the_pod() {
    stand_in::listen();
    bed::with(Helm::Four, "mistakes-class", 2, |bed| {
        let identity = Identity::new();
        let vault = Vault::beside(&identity);
        vault.keep("db-password", "hunter2-vault-hunter2");
        vault.let_read(&identity);
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        let mut elsewhere = vault_connection(bed, &identity, &vault);
        (elsewhere["name"], elsewhere["namespace"]) = (json!("elsewhere"), json!(bed.namespaces[1]));
        bed.upgraded(&[vault_connection(bed, &identity, &vault), elsewhere], &[]);
        let session = Session::of(bed);
        // One is nearly right, and the other is of another namespace.
        for (class, told) in [("sc-vaults-secretprovider", ""), ("sc-elsewhere-secretprovider", bed.namespaces[1].as_str())] {
            let mut deployment = deployment(bed, &session, "vault");
            deployment["spec"]["template"]["spec"]["volumes"][0]["csi"]["volumeAttributes"]["secretProviderClass"] = json!(class);
            kube::apply(&[deployment]);
            let finding = kube::wait_for(&format!("the doctor to find {class}"), PATIENCE, || {
                find(&session, "SC1510").filter(|finding| finding["cause"].as_str().unwrap().contains(class))
            });
            assert!(finding["cause"].as_str().unwrap().contains(told), "{finding}");
            mend(&session, &finding);
        }
    });
}

#[test]
fn parts_that_are_not_there() {
    stand_in::listen();
    bed::alone(Helm::Four, "mistakes-parts", 1, |bed| {
        let identity = Identity::new();
        let vault = Vault::beside(&identity);
        vault.keep("db-password", "hunter2-vault-hunter2");
        vault.let_read(&identity);
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        bed.upgraded(&[vault_connection(bed, &identity, &vault)], &[]);
        let session = Session::of(bed);
        assert_sound(&session);

        let without_tokens = json!({"spec": {"tokenRequests": []}}).to_string();
        kube::kubectl(&["patch", "csidriver", DRIVER, "--type=merge", "-p", &without_tokens]);
        mend(&session, &found(&session, "SC1515"));

        let kept = Kept::take("csidriver", DRIVER);
        assert_found(&session, "SC1311");
        drop(kept);

        let absent = Moved::away(&variable("SC_PROVIDER_SOCKET"));
        start(bed, &session, "vault");
        assert_found(&session, "SC1511");
        drop(absent);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/vault", "--timeout=240s"]);
        assert_sound(&session);
    });
}

/// A file that is elsewhere for as long as this lives.
struct Moved(String);

impl Moved {
    fn away(file: &str) -> Self {
        fs::rename(file, format!("{file}.away")).unwrap();
        Self(file.to_owned())
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        fs::rename(format!("{}.away", self.0), &self.0).unwrap();
    }
}

fn vault_connection(bed: &Bed, identity: &Identity, vault: &Vault) -> Value {
    json!({
        "name": "vault", "namespace": bed.shop(), "targetService": "keyvault", "authType": "csi", "login": "workload-identity",
        "target": {"vault": vault.name}, "secrets": [{"name": "db-password"}],
        "credentials": {"clientId": identity.client, "tenantId": identity.tenant},
    })
}
