//! A key vault by the CSI driver, whose kind of object a cluster may not know.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::{self, Helm};
use crate::connections::{CLIENT_ID, TENANT_ID, postgres_inline, vault};
use crate::policy::Policy;
use crate::terminal::session::Session;
use crate::{kube, proof, traces};

const CRD: &str = "secretproviderclasses.secrets-store.csi.x-k8s.io";

/// A CRD of our own with the driver's name and group: the tests need no driver, only a cluster that knows the kind.
pub(crate) struct Crd(#[expect(dead_code, reason = "held, so that one test at a time has the kind")] MutexGuard<'static, ()>);

/// The kind is there for the whole cluster: tests that have it, or miss it, take turns.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn a_secret_provider_class_is_made_where_its_kind_is_known() {
    bed::with(Helm::Four, "vault", 1, |bed| {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = Policy::of(bed);
        let connections = [vault(bed.shop()), postgres_inline("orders", bed.shop(), "plain")];
        assert!(kube::get("default", "crd", CRD).is_none(), "the cluster knows `{CRD}`, so that its absence cannot be tried here");
        assert!(!bed.upgrade(&connections, &Policy::ON).answer.is_ok);
        assert_eq!(traces::exit_codes(bed, "sc-job"), [3]);
        proof::assert_failed(bed, "the cluster does not know this kind of object");
        assert!(traces::logs(bed).contains("fix: install the Secrets Store CSI driver"), "{}", traces::logs(bed));
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
        let session = Session::of(bed);
        assert!(session.run("doctor -o tsv", "").output.contains("SC1310\t"), "the doctor sees that the kind is not known");

        let _crd = Crd::install_on(turn);
        policy.is_in_force();
        bed.upgraded(&connections, &Policy::ON);
        proof::assert_no_job(bed);
        proof::assert_proven(bed);
        let class = kube::existing(bed.shop(), CRD, "sc-vault-secretprovider");
        assert_eq!(class["spec"]["provider"], "azure");
        let parameters = &class["spec"]["parameters"];
        assert_eq!((&parameters["keyvaultName"], &parameters["tenantID"]), (&json!("shop-vault"), &json!(TENANT_ID)), "{parameters}");
        assert_eq!(parameters["userAssignedIdentityID"], CLIENT_ID, "{parameters}");
        kube::existing(bed.shop(), "secret", "sc-vault-secret");
        assert!(!session.run("doctor -o tsv", "").output.contains("SC1310\t"));
        assert_logins_change(&session);
    });
}

/// Each login of the provider can be had from any other, and what is fetched from a vault only with it.
fn assert_logins_change(session: &Session<'_>) {
    for (arguments, login) in [
        (format!("--workload-identity {CLIENT_ID}"), json!("workload-identity")),
        (format!("--client-id {CLIENT_ID}"), Value::Null),
        (format!("--service-principal client-id={CLIENT_ID} tenant-id={TENANT_ID} secret=hunter2-login-hunter2"), json!("service-principal")),
        (format!("--client-id {CLIENT_ID}"), Value::Null),
    ] {
        let changed = session.run(&format!("update --connection vault --enable-csi {arguments}"), "");
        assert!(changed.is_ok, "{arguments}: {changed:?}");
        let values = session.helm(&format!("helm get values sc --namespace {} --output json", session.system())).output;
        let values: Value = serde_json::from_str(&values).unwrap();
        let vault = values["connections"].as_array().unwrap().iter().find(|connection| connection["name"] == "vault").unwrap();
        assert_eq!(vault["login"], login, "{arguments}");
        assert_eq!(vault["credentials"].get("clientSecret").is_some(), login == "service-principal", "{arguments}");
    }
    let other = "22222222-2222-3333-4444-555555555555";
    let refused = session.run(&format!("update --connection vault --enable-csi --client-id {CLIENT_ID} --workload-identity {other}"), "");
    assert!(!refused.is_ok && refused.errors.contains("`clientId` is given more than once, and not the same"), "{refused:?}");
    let create = "create keyvault --connection other --kube-namespace SHOP --vault shop-vault";
    let refused = session.run(&format!("{create} --workload-identity {CLIENT_ID} --vault-object db-password"), "");
    assert!(!refused.is_ok && refused.errors.contains("`--vault-object` is for `--enable-csi` alone"), "{refused:?}");
    let refused = session.run(&format!("{create} --enable-csi --client-id {CLIENT_ID} --tenant-id {TENANT_ID}"), "");
    assert!(!refused.is_ok && refused.errors.contains("add `--vault-object`"), "{refused:?}");
}

impl Crd {
    /// Installs it, when it is this test's turn.
    pub(crate) fn install() -> Self {
        Self::install_on(TURN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn install_on(turn: MutexGuard<'static, ()>) -> Self {
        kube::apply(&[manifest()]);
        kube::kubectl(&["wait", "--for=condition=Established", &format!("crd/{CRD}"), "--timeout=30s"]);
        let is_served = || kube::run(&["get", CRD, "-A"]).is_ok.then_some(());
        kube::wait_for("the kind to be served", Duration::from_secs(30), is_served);
        Self(turn)
    }
}

impl Drop for Crd {
    fn drop(&mut self) {
        kube::run(&["delete", "crd", CRD, "--timeout=120s"]);
    }
}

fn manifest() -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD},
        "spec": {
            "group": "secrets-store.csi.x-k8s.io",
            "names": {"kind": "SecretProviderClass", "listKind": "SecretProviderClassList", "plural": "secretproviderclasses", "singular": "secretproviderclass"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": open}}],
        },
    })
}
