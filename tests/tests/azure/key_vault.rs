//! Key Vault by the real CSI driver and its real provider: what a vault keeps is in the file of a pod, by each of the logins. What is not
//! without the right is in `mistakes::refusals`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use sc_tests::canary;
use sc_tests::planning::decoded;
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::kube;
use crate::part::Part;
use crate::session::Session;
use crate::stand_in::{self, Identity, Vault, certificate};
use crate::workload::{self, Program, sum};

/// So long the driver may take, which asks again in steps of up to two minutes.
const LONG: Duration = Duration::from_mins(3);

/// As whom the provider logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    Nodes,
    Account,
    Secret,
}

impl Login {
    const ALL: [Self; 3] = [Self::Nodes, Self::Account, Self::Secret];
}

/// A connection to a vault that has the secret `db-password`.
struct Case {
    login: Login,
    name: &'static str,
    identity: Identity,
    vault: Vault,
}

#[test]
fn what_a_vault_keeps_is_mounted_by_each_login() {
    with_cases("vaults", &Login::ALL, &json!({}), |bed, cases| {
        let session = Session::of(bed);
        for case in cases {
            case.grant(bed);
            case.vault.let_read(&case.identity);
            let file = format!("/mnt/{}/db-password", case.name);
            let job = Program::system(case.name, &["sha256sum", &file]).job(bed, &session, (case.name, &[]), &[]);
            let outcome = workload::run(job);
            assert!(outcome.is_complete, "{}", outcome.log);
            assert_eq!(outcome.log, format!("{}  {file}\n", sum(&case.kept())), "{:?}", case.login);
        }
    });
}

#[test]
fn keys_and_certificates_are_mounted_as_pem() {
    let more =
        json!({"secrets": [{"name": "signing", "type": "key"}, {"name": "front", "type": "cert", "as": "front.crt"}, {"name": "db-password"}]});
    with_cases("pem", &[Login::Account], &more, |bed, cases| {
        let case = &cases[0];
        case.grant(bed);
        case.vault.let_read(&case.identity);
        let certificate = certificate("ca.crt");
        let key = Command::new("openssl").args(["x509", "-pubkey", "-noout", "-in"]).arg(&certificate).output().unwrap();
        let (certificate, key) = (fs::read_to_string(certificate).unwrap(), String::from_utf8(key.stdout).unwrap());
        case.vault.keep_certificate("front", &certificate);
        case.vault.keep_key("signing", &key);
        let files = [("front.crt", &certificate), ("signing", &key), ("db-password", &case.kept())]
            .map(|(name, text)| (format!("/mnt/{}/{name}", case.name), sum(text)));
        let command: Vec<&str> = ["sha256sum"].into_iter().chain(files.iter().map(|(file, _)| file.as_str())).collect();
        let outcome = workload::run(Program::system(case.name, &command).job(bed, &Session::of(bed), (case.name, &[]), &[]));
        assert!(outcome.is_complete, "{}", outcome.log);
        assert_eq!(outcome.log, files.map(|(file, sum)| format!("{sum}  {file}\n")).concat());
    });
}

#[test]
fn a_new_value_is_in_the_file_and_in_the_secret() {
    let more = json!({"secrets": [{"name": "db-password", "as": "password"}], "syncSecret": "vault-copy"});
    with_cases("rotation", &[Login::Account], &more, |bed, cases| {
        let case = &cases[0];
        case.grant(bed);
        case.vault.let_read(&case.identity);
        let file = format!("/mnt/{}/password", case.name);
        // A first process ends at SIGTERM only if it says so.
        let wait = ["sh", "-c", "trap exit TERM; sleep infinity & wait"];
        kube::apply(&[Program::system(case.name, &wait).job(bed, &Session::of(bed), (case.name, &[]), &[])]);
        let pod = kube::wait_for("the pod", LONG, || workload::pod(bed.shop(), case.name).filter(|pod| pod["status"]["phase"] == "Running"));
        let [namespace, pod] = workload::names(&pod);
        let mounted = || kube::run(&["-n", &namespace, "exec", &pod, "--", "sha256sum", &file]).output;
        let copied = || kube::get(&namespace, "secret", "vault-copy").map(|secret| decoded(&secret)["password"].clone());
        for value in [case.kept(), canary::of("rotated")] {
            case.vault.keep("db-password", &value);
            kube::wait_for("the file", LONG, || mounted().starts_with(&sum(&value)).then_some(()));
            kube::wait_for("the Secret", LONG, || (copied().as_ref() == Some(&value)).then_some(()));
        }
        let owner = || kube::existing(&namespace, "secret", "vault-copy")["metadata"]["ownerReferences"][0]["kind"].as_str().map(str::to_owned);
        assert_eq!(kube::wait_for("the Secret to have an owner", LONG, owner), "Job");
        kube::kubectl(&["-n", &namespace, "delete", "job", case.name]);
        kube::wait_for("the Secret to go with its owner", LONG, || copied().is_none().then_some(()));
    });
}

/// Does a test with a release that has a connection for each of these logins, whose identities have no right yet.
fn with_cases(name: &str, logins: &[Login], more: &Value, test: impl FnOnce(&Bed, &[Case])) {
    stand_in::listen_on_node();
    Part::Driver.with(name, 1, |bed| {
        let cases: Vec<Case> = logins.iter().map(|login| Case::new(*login)).collect();
        let secret = json!({"secret": canary::of("principal")});
        let metadata = json!({"namespace": bed.system, "name": "vault-admin"});
        kube::apply(&[workload::authority(bed.shop()), json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": secret})]);
        let connections: Vec<Value> = cases.iter().map(|case| case.connection(bed.shop(), more)).collect();
        bed.upgraded(&connections, &[]);
        test(bed, &cases);
    });
}

impl Case {
    fn new(login: Login) -> Self {
        let identity = Identity::new();
        let name = match login {
            Login::Nodes => "bynodes",
            Login::Account => "byaccount",
            Login::Secret => "bysecret",
        };
        let case = Self { login, name, vault: Vault::beside(&identity), identity };
        case.vault.keep("db-password", &case.kept());
        case
    }

    /// What the vault has first.
    fn kept(&self) -> String {
        canary::of(self.name)
    }

    fn connection(&self, namespace: &str, more: &Value) -> Value {
        let mut connection = json!({
            "name": self.name, "namespace": namespace, "targetService": "keyvault", "authType": "csi",
            "target": {"vault": self.vault.name},
            "credentials": {"clientId": self.identity.client, "tenantId": self.identity.tenant},
            "secrets": [{"name": "db-password"}],
        });
        connection["login"] = json!(match self.login {
            Login::Nodes => "managed-identity",
            Login::Account => "workload-identity",
            Login::Secret => "service-principal",
        });
        if self.login == Login::Secret {
            connection["credentials"]["clientSecret"] = json!({"secretKeyRef": {"name": "vault-admin", "key": "secret"}});
        }
        connection.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        connection
    }

    /// Lets the identity log in.
    fn grant(&self, bed: &Bed) {
        match self.login {
            Login::Nodes => self.identity.assign(),
            Login::Account => self.identity.trust(bed.shop(), &format!("sc-account-{}", self.identity.client)),
            Login::Secret => self.identity.set_secret(&canary::of("principal")),
        }
    }
}
