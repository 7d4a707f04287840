//! The recorded commands of `az aks connection`, replayed with one word changed: they do the same, and the Secret has the recorded keys.

use std::collections::BTreeSet;
use std::fs;

use sc_tests::parity::{self, Answer, CLIENT_ID, CLUSTER, Command, Parity};
use sc_tests::planning::decoded;
use serde_json::{Value, json};

use super::session::{Session, shown};
use crate::bed::{self, Bed, Helm};
use crate::kube;
use crate::vault::Crd;

#[test]
fn each_recorded_command_of_az_does_the_same() {
    bed::with(Helm::Four, "parity", 1, |bed| {
        let _crd = Crd::install();
        let session = session(bed);
        let parity = Parity::read();
        for (name, commands) in parity.recordings() {
            let connections: BTreeSet<&str> = commands.iter().flat_map(Command::answers).map(|answer| answer.connection).collect();
            for command in &commands {
                replay(bed, &session, command);
            }
            for connection in connections {
                succeeds(&session, &format!("delete --id {} --yes", parity::connection_id(connection)), "");
                assert!(kube::get(bed.shop(), "secret", &secret_of(connection)).is_none(), "{name}: {connection} was deleted");
            }
        }
    });
}

/// A session as beside az: the cluster has a context of its name, which is not the current one, and `az` knows the identity.
fn session(bed: &Bed) -> Session<'_> {
    let mut session = Session::of(bed);
    let mut config: Value = serde_json::from_str(&kube::kubectl(&["config", "view", "--raw", "--flatten", "--minify", "-o", "json"])).unwrap();
    config["contexts"][0]["name"] = json!(CLUSTER);
    config["current-context"] = json!("elsewhere");
    let file = bed.folder().join("kubeconfig");
    fs::write(&file, config.to_string()).unwrap();
    session.use_kubeconfig(file);
    let asked = format!("identity show --ids {} --query clientId --output tsv", parity::identity_id());
    session.put_on_path("az", &format!("[ \"$*\" = \"{asked}\" ] || exit 1\necho {CLIENT_ID}"));
    // Without the corrections of the catalogue, some of which add names.
    fs::write(bed.folder().join("values.yaml"), "compatibility: exact\n").unwrap();
    succeeds(&session, &format!("install --kube-context {CLUSTER} --values FOLDER/values.yaml"), "");
    session
}

fn replay(bed: &Bed, session: &Session<'_>, command: &Command<'_>) {
    let az = shown(&command.az());
    // The recorded ones are in `default`, which all tests would share.
    let place = if az.starts_with("create ") { " --kube-namespace SHOP" } else { "" };
    succeeds(session, &(command.sc() + place), command.stdin());
    for answer in command.answers() {
        let id = parity::connection_id(answer.connection);
        let shown = json(session, &format!("show --id {id}"));
        assert_eq!((&shown["name"], &shown["scope"]), (&json!(answer.connection), &json!(bed.shop())), "{az}");
        assert_eq!(shown["authInfo"]["authType"], command.auth_type(), "{az}");
        assert_eq!(shown["clientType"], command.client_type(), "{az}");
        let listed = json(session, &format!("list-configuration --id {id}"));
        assert_eq!(listed["configurations"], shown["configurations"], "{az}");
        assert_names(bed, &az, &answer, &listed["configurations"]);
        assert_objects(bed, &az, &answer, &shown);
    }
    let all = json(session, &format!("list --source-id {}", parity::cluster_id()));
    assert!(all.as_array().unwrap().iter().any(|one| one["name"] == "testconn"), "{az}: {all}");
}

/// The variables are the recorded ones, in the answer and in the Secret.
fn assert_names(bed: &Bed, az: &str, answer: &Answer<'_>, configurations: &Value) {
    let listed: BTreeSet<String> = configurations.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    let secret = kube::existing(bed.shop(), "secret", &secret_of(answer.connection));
    let keys: BTreeSet<String> = decoded(&secret).into_keys().collect();
    assert_eq!(listed, keys, "{az}: what is listed is what is there");
    if let Some(expected) = &answer.ours {
        assert_eq!(&keys, expected, "{az}: recorded {:?}", answer.recorded);
    }
}

/// The names that az says are among those that are said, and the objects are there.
fn assert_objects(bed: &Bed, az: &str, answer: &Answer<'_>, shown: &Value) {
    let mut wanted = vec![("secret", secret_of(answer.connection))];
    if shown["authInfo"]["authType"] == "userAssignedIdentity" && shown["targetService"]["resourceProperties"].is_null() {
        wanted.push(("serviceaccount", format!("sc-account-{CLIENT_ID}")));
    }
    for (kind, name) in wanted {
        assert!(shown["kubernetesResourceName"].as_array().unwrap().contains(&json!(name)), "{az}: {shown}");
        kube::existing(bed.shop(), kind, &name);
    }
}

fn secret_of(connection: &str) -> String {
    format!("sc-{}-secret", connection.replace('_', ""))
}

fn json(session: &Session<'_>, arguments: &str) -> Value {
    serde_json::from_str(&succeeds(session, arguments, "")).unwrap()
}

fn succeeds(session: &Session<'_>, arguments: &str, input: &str) -> String {
    let answer = session.run(arguments, input);
    assert!(answer.is_ok, "sc {}: {}", shown(arguments), answer.errors);
    answer.output
}
