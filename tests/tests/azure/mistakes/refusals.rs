//! Refusals: what a node, Entra or a vault has against a connection, each with a pod that waits for it. The doctor's commands call `az`, for which a
//! script stands here: it notes what it is asked, and the test does in the stand-in what that does in Azure.

use std::fs;

use sc_tests::canary;
use serde_json::{Value, json};

use super::key_vault::anew;
use super::{PATIENCE, assert_sound, deployment, findings};
use crate::bed::Bed;
use crate::kube;
use crate::part::Part;
use crate::session::Session;
use crate::stand_in::{self, CLIENT, Guard, Identity, Vault};

/// What is wrong with a connection to a vault of its own.
struct Case {
    name: &'static str,
    code: &'static str,
    /// As whom the provider logs in.
    login: &'static str,
    identity: Identity,
    vault: Vault,
    /// What az must have been asked for, among other words.
    asked: fn(&Case) -> String,
    /// What that does.
    done: fn(&Case),
}

#[test]
fn what_is_refused_has_a_command_that_mends_it() {
    stand_in::listen_on_node();
    Part::Driver.with("refusals", 1, |bed| {
        let mut cases = cases();
        let session = Session::of(bed);
        let metadata = json!({"namespace": bed.system, "name": "vault-admin"});
        let secrets = json!({"expired": canary::of("expired"), "right": canary::of("renewed")});
        kube::apply(&[json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": secrets})]);
        let connections: Vec<Value> = cases.iter().map(|case| case.connection(bed)).collect();
        bed.upgraded(&connections, &[]);
        assert_sound(&session);
        for case in &cases {
            case.start(bed, &session);
        }
        let all = kube::wait_for("a finding for each", PATIENCE, || Some(findings(&session)).filter(|found| found.len() == cases.len()));
        let is_waiting = |pod: &Value| pod["status"]["phase"] == "Pending";
        assert!(kube::list(bed.shop(), "pods").iter().all(is_waiting), "nothing is mounted");
        for case in &cases {
            let of_case = |finding: &&Value| finding["object"].as_str().unwrap().starts_with(&format!("pod {}/{}-", bed.shop(), case.name));
            let finding = all.iter().find(of_case).unwrap_or_else(|| panic!("{} has no finding: {all:?}", case.name));
            assert_eq!(finding["code"], case.code, "{finding}");
            case.mend(bed, &session, finding["fix"].as_str().unwrap());
        }
        cases.retain(|case| !case.is_told_only());
        anew(bed);
        for case in &cases {
            kube::kubectl(&["-n", bed.shop(), "rollout", "status", &format!("deployment/{}", case.name), "--timeout=240s"]);
        }
        assert_sound(&session);
    });
}

fn cases() -> Vec<Case> {
    vec![
        Case::new(("nodes", "SC1516", "managed-identity"), |_| "vmss identity assign --resource-group".to_owned(), |case| case.identity.assign()),
        Case::new(("principal", "SC1517", "service-principal"), |case| format!("ad app credential reset --id {}", case.identity.client), |_| {}),
        Case::new(
            ("object", "SC1518", "workload-identity"),
            |case| format!("keyvault secret set --file FILE --vault-name {} --name db-password", case.vault.name),
            |case| case.vault.keep("db-password", &canary::of("kept")),
        ),
        Case::new(("tenant", "SC1519", "workload-identity"), |case| format!("identity list --query [?clientId=='{}']", case.identity.client), |_| {}),
        Case::new(
            ("nowhere", "SC1519", "workload-identity"),
            |case| format!("identity list --query [?clientId=='{}']", case.identity.client),
            |_| {},
        ),
        Case::new(
            ("policies", "SC1520", "workload-identity"),
            |case| format!("keyvault set-policy --name {} --spn {} --secret-permissions get", case.vault.name, case.identity.client),
            |case| case.vault.let_read(&case.identity),
        ),
        Case::new(
            ("firewall", "SC1521", "workload-identity"),
            |case| format!("keyvault network-rule add --name {} --ip-address {CLIENT}", case.vault.name),
            |case| case.vault.guard_by(Guard::Roles),
        ),
        Case::new(("nologin", "SC1522", "service-principal"), |_| String::new(), |_| {}),
        Case::new(("disabled", "SC1523", "workload-identity"), |_| String::new(), |case| case.vault.guard_by(Guard::Roles)),
    ]
}

impl Case {
    fn new((name, code, login): (&'static str, &'static str, &'static str), asked: fn(&Self) -> String, done: fn(&Self)) -> Self {
        let identity = Identity::new();
        let vault = Vault::beside(&identity);
        if code != "SC1518" {
            vault.keep("db-password", &canary::of("kept"));
        }
        match code {
            "SC1520" => vault.guard_by(Guard::Policies),
            "SC1521" => vault.guard_by(Guard::Firewall),
            "SC1523" => vault.guard_by(Guard::Disabled),
            _ => {}
        }
        if code != "SC1520" {
            vault.let_read(&identity);
        }
        identity.set_secret(&canary::of("renewed"));
        Self { name, code, login, identity, vault, asked, done }
    }

    fn connection(&self, bed: &Bed) -> Value {
        let tenant = match self.name {
            // That of somebody else, and none.
            "tenant" => Identity::new().tenant,
            "nowhere" => "00000000-1111-2222-3333-444444444444".to_owned(),
            _ => self.identity.tenant.clone(),
        };
        let mut credentials = json!({"clientId": self.identity.client, "tenantId": tenant});
        match self.login {
            "service-principal" => {
                let key = if self.code == "SC1517" { "expired" } else { "right" };
                credentials["clientSecret"] = json!({"secretKeyRef": {"name": "vault-admin", "key": key}});
            }
            "workload-identity" => self.identity.trust(bed.shop(), &format!("sc-account-{}", self.identity.client)),
            _ => {}
        }
        json!({
            "name": self.name, "namespace": bed.shop(), "targetService": "keyvault", "authType": "csi", "login": self.login,
            "target": {"vault": self.vault.name}, "secrets": [{"name": "db-password"}], "credentials": credentials,
        })
    }

    fn start(&self, bed: &Bed, session: &Session<'_>) {
        let mut deployment = deployment(bed, session, self.name);
        if self.code == "SC1522" {
            deployment.pointer_mut("/spec/template/spec/volumes/0/csi").unwrap().as_object_mut().unwrap().remove("nodePublishSecretRef").unwrap();
        }
        kube::apply(&[deployment]);
    }

    /// Whether only the words of its command are looked at: each change of the release takes seconds, and one of this kind is made.
    fn is_told_only(&self) -> bool {
        self.name == "nowhere"
    }

    /// Runs the command, and does what it asks Azure for.
    fn mend(&self, bed: &Bed, session: &Session<'_>, command: &str) {
        if self.is_told_only() {
            assert!(command.replace('"', "").contains(&(self.asked)(self)), "{command}");
            kube::kubectl(&["-n", bed.shop(), "delete", "deployment", self.name]);
            return;
        }
        if self.code == "SC1523" {
            // The command is for when that is done.
            (self.done)(self);
        }
        let asked = bed.folder().join("asked");
        let (tenant, secret) = (&self.identity.tenant, canary::of("renewed"));
        // It knows of a managed identity what Entra has no owner of.
        let answers = format!("case \"$*\" in *'identity list'*) echo {tenant} ;; *'credential reset'*) echo {secret} ;; esac");
        session.put_on_path("az", &format!("echo \"$@\" >> {}\n{answers}", asked.display()));
        let mended = session.shell(command);
        assert!(mended.is_ok, "{}: `{command}` failed: {mended:?}", self.name);
        let asked = fs::read_to_string(asked).unwrap_or_default();
        assert!(asked.contains(&(self.asked)(self)), "{}: `{command}` asked for {asked}", self.name);
        (self.done)(self);
    }
}
