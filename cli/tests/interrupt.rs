//! What a second Ctrl-C does where Helm does not end after the first.

#![expect(clippy::unwrap_used, reason = "that is how a test fails, also outside of its own function")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// Helm that has no release, and does not let itself be ended while it installs one. It says by `began` that it does.
const HELM: &str = r"#!/bin/sh
case $1 in
  version) echo v4.0.0 ;;
  install) trap '' TERM; echo $$ > began; exec sleep 30 ;;
  *) echo 'Error: release: not found' >&2; exit 1 ;;
esac
";

const KUBECONFIG: &str = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "none", "contexts": [{"name": "none", "context": {"cluster": "none", "user": ""}}],
"clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}]}"#;

#[test]
fn who_asks_twice_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("helm"), HELM).unwrap();
    fs::set_permissions(file("helm"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(file("kubeconfig"), KUBECONFIG).unwrap();
    assert!(Command::new("mkfifo").arg(file("began")).status().unwrap().success());
    let path = format!("{}:{}", folder.path().display(), env::var("PATH").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_sc"));
    command.arg("install").current_dir(&folder).env("PATH", path).env("KUBECONFIG", file("kubeconfig"));
    let mut sc = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(sc.stderr.take().unwrap()).lines().map(Result::unwrap);
    let helm = line_of(&file("began"));
    signal("INT", &sc.id().to_string());
    assert!(said.any(|line| line == "asked to end: waiting for Helm to leave the release in order"));
    signal("INT", &sc.id().to_string());
    let last = said.last();
    let code = sc.wait().unwrap().code();
    // It has heard no other signal.
    signal("KILL", &helm);
    assert_eq!(last.as_deref(), Some("asked again: what was begun is left as it is, and `sc status` says how that is"));
    assert_eq!(code, Some(130));
}

/// The first line that somebody writes into a pipe.
fn line_of(pipe: &Path) -> String {
    let mut line = String::new();
    BufReader::new(fs::File::open(pipe).unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args(["-s", name, process]).status().unwrap().success(), "{process} has ended");
}
