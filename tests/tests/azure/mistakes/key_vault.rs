//! Vaults: pods that wait for what they mount, since a right, a class or a part is not there.

use serde_json::{Value, json};

use super::{Kept, PATIENCE, assert_found, assert_sound, deployment, find, found, mend, start};
use crate::bed::Bed;
use crate::kube;
use crate::part::Part;
use crate::session::Session;
use crate::stand_in::{Identity, Vault, issuer};

const CLASS: &str = "secretproviderclass.secrets-store.csi.x-k8s.io";
const DRIVER: &str = "secrets-store.csi.k8s.io";

#[test]
fn pods_that_wait_for_a_right() {
    Part::Driver.with("mistakes-rights", 1, |bed| {
        let (identity, vault) = filled();
        bed.upgraded(&[vault_connection(bed, &identity, &vault)], &[]);
        let session = Session::of(bed);
        assert_sound(&session);
        // The usual slip: it runs as `default`.
        let mut slip = deployment(bed, &session, "vault");
        slip["spec"]["template"]["spec"].as_object_mut().unwrap().remove("serviceAccountName");
        kube::apply(&[slip]);
        let command = found(&session, "SC1514")["fix"].as_str().unwrap().to_owned();
        assert!(session.shell(&command).is_ok, "{command}");
        // Who does not know the issuer asks for it, and does not guess.
        kube::kubectl(&["-n", &bed.system, "patch", "configmap", "sc-status", "--type=merge", "-p", r#"{"data": {"issuer": ""}}"#]);
        let finding = found(&session, "SC1512");
        let command = finding["fix"].as_str().unwrap();
        assert!(command.starts_with("sc ") && command.contains(" rerun"), "{command}");
        assert!(session.shell(command).is_ok);
        let finding = kube::wait_for("the command that says the issuer", PATIENCE, || {
            find(&session, "SC1512").filter(|finding| finding["fix"].as_str().unwrap().contains("--issuer"))
        });
        let subject = format!("system:serviceaccount:{}:sc-account-{}", bed.shop(), identity.client);
        let command = finding["fix"].as_str().unwrap();
        let said = format!("--issuer '{}' --subject {subject} --audiences api://AzureADTokenExchange", issuer().name);
        assert!(command.contains("az identity federated-credential create") && command.contains(&said), "{command}");
        identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
        anew(bed);

        let finding = found(&session, "SC1513");
        let command = finding["fix"].as_str().unwrap();
        assert!(command.starts_with("az role assignment create --role 'Key Vault Secrets User'"), "{command}");
        assert!(command.contains(&identity.client) && command.contains(&vault.name), "{command}");
        vault.let_read(&identity);
        anew(bed);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/vault", "--timeout=240s"]);
        assert_sound(&session);

        // Another connection of the identity wants the webhook; the pods that mount the vault do not.
        let media = json!({
            "name": "media", "namespace": bed.shop(), "targetService": "storage-blob", "authType": "workload-identity",
            "target": {"account": "shopmedia"}, "credentials": {"clientId": identity.client, "tenantId": identity.tenant},
        });
        bed.upgraded(&[vault_connection(bed, &identity, &vault), media], &[]);
        assert!(find(&session, "SC1502").is_none());
        std::fs::write(bed.folder().join("vault.json"), deployment(bed, &session, "vault").to_string()).unwrap();
        let lint = session.run("lint -f vault.json", "");
        assert!(lint.is_ok, "{lint:?}");
        // What its pods would want, its template says without any.
        let mut both = deployment(bed, &session, "media");
        both["spec"]["replicas"] = json!(0);
        both["spec"]["template"]["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use").unwrap();
        kube::apply(&[both]);
        mend(&session, &found(&session, "SC1502"));
    });
}

#[test]
fn classes_that_are_not_in_the_namespace_of_the_pod() {
    Part::Driver.with("mistakes-class", 2, |bed| {
        let (identity, vault) = granted(bed);
        let mut elsewhere = vault_connection(bed, &identity, &vault);
        (elsewhere["name"], elsewhere["namespace"]) = (json!("elsewhere"), json!(bed.namespaces[1]));
        bed.upgraded(&[vault_connection(bed, &identity, &vault), elsewhere], &[]);
        let session = Session::of(bed);
        // One is nearly right, and the other is of another namespace.
        for (class, told) in [("sc-vaults-secretprovider", ""), ("sc-elsewhere-secretprovider", bed.namespaces[1].as_str())] {
            kube::run(&["-n", bed.shop(), "delete", "deployment", "vault", "--ignore-not-found", "--wait=true"]);
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
    Part::Driver.alone("mistakes-parts", 1, |bed| {
        let (identity, vault) = granted(bed);
        bed.upgraded(&[vault_connection(bed, &identity, &vault)], &[]);
        let session = Session::of(bed);
        assert_sound(&session);

        let without_tokens = json!({"spec": {"tokenRequests": []}}).to_string();
        kube::kubectl(&["patch", "csidriver", DRIVER, "--type=merge", "-p", &without_tokens]);
        mend(&session, &found(&session, "SC1515"));

        let kept = Kept::take("csidriver", DRIVER);
        assert_found(&session, "SC1311");
        drop(kept);

        // The driver keeps its way to a provider that it has found once: one that it has never found is as absent.
        let absent = json!({"spec": {"provider": "absent"}}).to_string();
        kube::kubectl(&["-n", bed.shop(), "patch", CLASS, "sc-vault-secretprovider", "--type=merge", "-p", &absent]);
        start(bed, &session, "vault");
        assert_found(&session, "SC1511");
        assert!(session.run("rerun", "").is_ok);
        anew(bed);
        kube::kubectl(&["-n", bed.shop(), "rollout", "status", "deployment/vault", "--timeout=240s"]);
        assert_sound(&session);
    });
}

/// An identity without a right, and a vault with a secret.
fn filled() -> (Identity, Vault) {
    let identity = Identity::new();
    let vault = Vault::beside(&identity);
    vault.keep("db-password", "hunter2-vault-hunter2");
    (identity, vault)
}

/// The same, and the identity may read it by its ServiceAccount.
fn granted(bed: &Bed) -> (Identity, Vault) {
    let (identity, vault) = filled();
    vault.let_read(&identity);
    identity.trust(bed.shop(), &format!("sc-account-{}", identity.client));
    (identity, vault)
}

/// Has the pods made anew: the kubelet would ask the driver again in steps of up to two minutes.
pub(super) fn anew(bed: &Bed) {
    kube::kubectl(&["-n", bed.shop(), "delete", "pods", "--all", "--grace-period=0", "--force"]);
}

fn vault_connection(bed: &Bed, identity: &Identity, vault: &Vault) -> Value {
    json!({
        "name": "vault", "namespace": bed.shop(), "targetService": "keyvault", "authType": "csi", "login": "workload-identity",
        "target": {"vault": vault.name}, "secrets": [{"name": "db-password"}],
        "credentials": {"clientId": identity.client, "tenantId": identity.tenant},
    })
}
