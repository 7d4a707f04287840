//! ServiceAccounts that stand for identities: shared in a namespace, one in each, never taken from another connection; and what Azure needs for them is said.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm};
use crate::connections::{CLIENT_ID, pictures, vault};
use crate::terminal::session::Session;
use crate::{kube, proof};

const OTHER_ID: &str = "22222222-2222-3333-4444-555555555555";
const WEBHOOK_ID: &str = "azure.workload.identity/client-id";

/// A connection of that name and identity, of a kind as [`pictures`].
fn named(name: &str, namespace: &str, client_id: &str) -> Value {
    let mut connection = pictures(namespace);
    (connection["name"], connection["credentials"]["clientId"]) = (json!(name), json!(client_id));
    connection
}

fn account(client_id: &str) -> String {
    format!("sc-account-{client_id}")
}

#[test]
fn an_identity_is_shared_and_moved_and_never_taken_from_another() {
    bed::with_either_helm([Helm::Four, Helm::Three], "identities", 2, |bed| {
        let [shop, books] = [bed.shop(), &bed.namespaces[1]];
        let others = [named("films", shop, CLIENT_ID), named("pictures", books, CLIENT_ID)];
        bed.upgraded(&[&[named("pictures", shop, CLIENT_ID)], others.as_slice()].concat(), &[]);
        let of = |namespace: &str, client_id: &str| kube::get(namespace, "serviceaccount", &account(client_id));
        let uids = [shop, books].map(|namespace| of(namespace, CLIENT_ID).unwrap()["metadata"]["uid"].clone());
        assert_ne!(uids[0], uids[1], "each namespace has its own");
        assert_drift_is_mended(bed);

        // One of three is gone, and takes nothing along.
        let mut absent = named("films", shop, CLIENT_ID);
        absent["state"] = json!("absent");
        bed.upgraded(&[named("pictures", shop, CLIENT_ID), absent, others[1].clone()], &[]);
        assert!(kube::get(shop, "secret", "sc-films-secret").is_none());
        assert_eq!(of(shop, CLIENT_ID).unwrap()["metadata"]["uid"], uids[0], "the other connection keeps its ServiceAccount");

        // Another identity: a new ServiceAccount, and the old one is reported.
        bed.upgraded(&[named("pictures", shop, OTHER_ID), others[1].clone()], &[]);
        proof::assert_proven(bed);
        assert_eq!(of(shop, OTHER_ID).unwrap()["metadata"]["annotations"][WEBHOOK_ID], OTHER_ID);
        let secret = sc_tests::planning::decoded(&kube::existing(shop, "secret", "sc-pictures-secret"));
        assert_eq!(secret["AZURE_STORAGEBLOB_CLIENTID"], OTHER_ID);
        let kept = proof::status(bed)["kept"].as_str().unwrap().to_owned();
        assert!(kept.starts_with(&format!("kubectl -n {shop} delete serviceaccount ")) && kept.contains(&account(CLIENT_ID)), "{kept}");
        assert_eq!(of(books, CLIENT_ID).unwrap()["metadata"]["uid"], uids[1], "that of the other namespace stays");
    });
}

#[test]
fn more_federated_credentials_than_an_identity_may_have_are_told() {
    bed::with(Helm::Four, "overfull", 21, |bed| {
        let connections: Vec<Value> = bed.namespaces.iter().map(|namespace| named("pictures", namespace, CLIENT_ID)).collect();
        bed.upgraded(&connections, &[]);
        let session = Session::of(bed);
        let run = session.run("rerun", "");
        let said = format!("warning: identity {CLIENT_ID} needs 21 federated credentials, and may have 20");
        assert!(run.is_ok && run.output.contains(&said), "{run:?}");
        let validated = session.run("validate pictures --kube-namespace SHOP -o tsv", "");
        assert!(validated.output.contains("the identity needs 21 federated credentials, one for each namespace, and may have 20"), "{validated:?}");
        bed.upgraded(&connections[1..], &[]);
        let run = session.run("rerun", "");
        assert!(run.is_ok && !run.output.contains("federated credentials, and may have"), "{run:?}");
    });
}

#[test]
fn an_issuer_that_differs_by_its_last_slash_is_told() {
    bed::with(Helm::Four, "slash", 1, |bed| {
        bed.upgraded(&[pictures(bed.shop())], &[]);
        let session = Session::of(bed);
        let issuer = proof::status(bed)["issuer"].as_str().unwrap().to_owned();
        let trusted = json!({"data": {"issuer": format!("{issuer}/")}}).to_string();
        kube::kubectl(&["-n", &bed.system, "patch", "configmap", "sc-status", "--type=merge", "-p", &trusted]);
        let validated = session.run("validate pictures -o tsv", "");
        let said = format!("the tokens are issued by {issuer}, and at the last run by {issuer}/: the cluster has changed its issuer");
        assert!(!validated.is_ok && validated.output.contains(&said), "{validated:?}");
        let command = "az identity federated-credential create --resource-group";
        assert!(validated.output.contains(command) && validated.output.contains(&format!("--issuer '{issuer}'")), "{validated:?}");
        assert!(session.run("rerun", "").is_ok);
        let validated = session.run("validate pictures -o tsv", "");
        assert!(!validated.output.contains("has changed its issuer"), "{validated:?}");
    });
}

/// A person's annotation survives, and an identity that was put in the place of ours does not.
fn assert_drift_is_mended(bed: &Bed) {
    let shop = bed.shop();
    let annotations = json!({"metadata": {"annotations": {WEBHOOK_ID: OTHER_ID, "team.example/owner": "pictures"}}});
    kube::kubectl(&["-n", shop, "patch", "serviceaccount", &account(CLIENT_ID), "--type=merge", "-p", &annotations.to_string()]);
    let session = Session::of(bed);
    let diff = session.run("diff", "");
    assert!(diff.output.contains(&format!("ServiceAccount {shop}/{} (~annotations)", account(CLIENT_ID))), "it is drift: {diff:?}");
    assert!(session.run("rerun", "").is_ok);
    let mended = kube::existing(shop, "serviceaccount", &account(CLIENT_ID));
    assert_eq!(mended["metadata"]["annotations"][WEBHOOK_ID], CLIENT_ID);
    assert_eq!(mended["metadata"]["annotations"]["team.example/owner"], "pictures");
}

/// The report of a run, `sc show` and `sc validate` say the same of Azure, to the letter.
#[test]
fn what_azure_needs_is_said_exactly() {
    bed::with_either_helm([Helm::Three, Helm::Four], "needs", 1, |bed| {
        let _crd = crate::vault::Crd::install();
        let session = Session::of(bed);
        let own = vault(bed.shop());
        let mut by_account = vault(bed.shop());
        (by_account["name"], by_account["login"], by_account["target"]) = (json!("keys"), json!("workload-identity"), json!({"vault": "shop-keys"}));
        let installed = bed.upgraded(&[pictures(bed.shop()), own, by_account], &[]);
        let subject = format!("system:serviceaccount:{}:{}", bed.shop(), account(CLIENT_ID));
        assert!(installed.answer.output.contains(&subject), "the notes have the subject: {}", installed.answer.output);

        let token = kube::kubectl(&["-n", bed.shop(), "create", "token", &account(CLIENT_ID), "--audience", "api://AzureADTokenExchange"]);
        let claims = claims(&token);
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!(subject), &json!(["api://AzureADTokenExchange"])));
        let issuer = claims["iss"].as_str().unwrap();
        let report = session.run("rerun", "").output;
        let trust = format!("in Azure: identity {CLIENT_ID} must trust subject {subject}, audience api://AzureADTokenExchange, issuer {issuer}\n");
        assert_eq!(report.matches(&trust).count(), 1, "two connections need it once: {report}");
        assert!(report.contains(&format!("--issuer '{issuer}' --subject {subject} --audiences api://AzureADTokenExchange")), "{report}");
        for vault in ["shop-vault", "shop-keys"] {
            let role = format!("in Azure: identity {CLIENT_ID} must have the role `Key Vault Secrets User` on vault {vault}\n");
            assert!(report.contains(&role), "{report}");
        }

        let shown: Value = serde_json::from_str(&session.run("show keys -o json", "").output).unwrap();
        let [trust, role] = shown["azureNeeds"].as_array().unwrap().as_slice() else { panic!("{shown}") };
        assert_eq!([&trust["issuer"], &trust["subject"], &trust["audience"]], [issuer, &subject, "api://AzureADTokenExchange"]);
        assert_eq!([&role["role"], &role["vault"], &role["clientId"]], ["Key Vault Secrets User", "shop-keys", CLIENT_ID]);
        let validated = session.run("validate keys -o json", "").output;
        let token = check(&validated, "Token of the identity validated.");
        let told = token["description"].as_str().unwrap();
        assert!(token["result"] == "success" && told.contains(&format!("issuer {issuer}, subject {subject}")), "{token}");

        // A driver that does not rotate, and one that does.
        for (arguments, result) in
            [(["--provider-volume=/providers", "--v=2"], "warning"), (["--provider-volume=/providers", "--enable-secret-rotation=true"], "success")]
        {
            kube::apply(&[driver(bed, &arguments)]);
            let rotation = check(&session.run("validate keys -o json", "").output, "Rotation of the vault's secrets validated.");
            assert_eq!(rotation["result"], result, "{rotation}");
        }
    });
}

/// The check of this name among those that were done.
fn check(validated: &str, name: &str) -> Value {
    let checks: Vec<Value> = serde_json::from_str(validated).unwrap();
    checks.into_iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {validated}"))
}

/// The DaemonSet of a CSI driver, which no node runs.
fn driver(bed: &Bed, arguments: &[&str]) -> Value {
    let labels = json!({"app": "driver"});
    let container = json!({"name": "driver", "image": "localhost/pause:1", "args": arguments});
    let template = json!({"metadata": {"labels": labels}, "spec": {"nodeSelector": {"e2e": "nowhere"}, "containers": [container]}});
    let spec = json!({"selector": {"matchLabels": labels}, "template": template});
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"namespace": bed.shop(), "name": "driver"}, "spec": spec})
}

/// What a token claims.
fn claims(token: &str) -> Value {
    let payload = token.trim().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
