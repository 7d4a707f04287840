//! Each code of the doctor's on a real cluster: the failure is brought about, the doctor finds it, the very command that it prints is run, and the doctor
//! is content.

mod breakages;
mod kinds;
mod registry;
mod several;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use sc_tests::tree;
use serde_json::{Value, json};

use super::session::Session;
use crate::bed::{self, Bed, Helm};
use crate::connections::{orders_admin, postgres};
use crate::kube;
use breakages::{ALONE, BREAKAGES, Breakage, TAINTS};

/// So long a failure may take to show, and to be gone.
const PATIENCE: Duration = Duration::from_mins(1);
/// So many patients at once.
const AT_ONCE: usize = 4;
/// What only a cluster with the parts of others shows: the tests in `tests/tests/azure` bring these about.
const ELSEWHERE: [&str; 19] = [
    "SC1310", "SC1311", "SC1312", "SC1504", "SC1509", "SC1510", "SC1511", "SC1512", "SC1513", "SC1514", "SC1515", "SC1516", "SC1517", "SC1518",
    "SC1519", "SC1520", "SC1521", "SC1522", "SC1523",
];
/// What only a person decides, so that no command mends it; found in a test of its own.
const NOT_MENDED: [&str; 1] = ["SC1009"];
/// What no cluster shows: what Helm says without leaving a trace, and what the chart's pods cannot bring about.
const SAID_ONLY: [&str; 3] = ["SC1006", "SC1007", "SC1108"];

#[test]
fn every_code_is_brought_about_found_and_mended_by_its_command() {
    at_once(BREAKAGES.iter().enumerate().map(|(number, breakage)| {
        let helm = if number % 2 == 0 { Helm::Four } else { Helm::Three };
        (breakage.code.to_owned(), move || bed::with(helm, &name(breakage, number), 2, |bed| treat(bed, breakage)))
    }));
}

/// Does these, a few at once, and tells of all that fail.
fn at_once<F: FnOnce() + Send>(tests: impl Iterator<Item = (String, F)> + Send) {
    kube::require();
    let (queue, failures) = (Mutex::new(tests), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((what, test)) = next else { break };
                    if let Err(panic) = thread::scope(|scope| scope.spawn(test).join()) {
                        let why = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                        failures.lock().unwrap().push(format!("{what}: {}", why.unwrap_or_default()));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// Those that touch what all share: the nodes.
#[test]
fn every_code_about_nodes_is_brought_about_found_and_mended() {
    kube::require();
    for (number, breakage) in ALONE.iter().enumerate() {
        bed::alone(Helm::Four, &name(breakage, number), 2, |bed| {
            let _untainted = Untainted;
            treat(bed, breakage);
        });
    }
}

/// Takes the taints away again, also after a failure: with them no other test would have a pod.
struct Untainted;

impl Drop for Untainted {
    fn drop(&mut self) {
        for taint in TAINTS {
            kube::run(&["taint", "nodes", "--all", &format!("{taint}-")]);
        }
    }
}

/// Whoever names a wrong release is told of the right one, and what is another release's is never deleted.
#[test]
fn another_release_is_named_and_left_alone() {
    kube::require();
    bed::with(Helm::Four, "named", 1, |bed| {
        let session = Session::of(bed);
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&[postgres("orders", bed.shop(), "orders")], &[]);
        let doctor = session.run("doctor --release cs -o json", "");
        let found: Vec<Value> = serde_json::from_str(&doctor.output).unwrap();
        assert_eq!(found.iter().map(|finding| &finding["code"]).collect::<Vec<_>>(), ["SC1003"]);
        let command = found[0]["fix"].as_str().unwrap();
        assert_eq!(command, format!("sc --release-namespace {} doctor", bed.system));
        assert!(session.shell(command).is_ok, "the release that is there is sound");
        breakages::give_to_another(bed);
        let found = findings(&session).unwrap();
        assert!(found.iter().any(|finding| finding["code"] == "SC1009"), "{found:?}");
        assert!(found.iter().all(|finding| finding["code"] != "SC1203" && !finding["fix"].as_str().unwrap().contains("delete")), "{found:?}");
    });
}

/// What is over and was made up for, and what is none of ours, is no finding, and keeps none from being told.
#[test]
fn what_is_over_or_of_others_is_left_alone() {
    kube::require();
    bed::with(Helm::Four, "over", 1, |bed| {
        let session = Session::of(bed);
        kube::apply(&[orders_admin(&bed.system, "plain")]);
        bed.upgraded(&[postgres("orders", bed.shop(), "orders")], &[]);
        breakages::overdue(bed);
        let finding = kube::wait_for("the Job that is overdue", PATIENCE, || find(&session, "SC1117"));
        let anew = format!("delete job sc-reconcile-late --ignore-not-found && sc --release-namespace {} rerun", bed.system);
        assert!(finding["fix"].as_str().unwrap().ends_with(&anew), "{finding}: no rollback, since the revision was applied");
        assert!(session.run("rerun", "").is_ok);
        breakages::of_others(bed);
        assert_eq!(findings(&session).unwrap(), [Value::Null; 0]);
        kube::existing(&bed.system, "job", "sc-reconcile-late");
        let failed = json!({"data": {"result": "Failed", "reason": "the API server answered 500"}});
        breakages::patch(&bed.system, "configmap", "sc-status", &failed);
        assert!(find(&session, "SC1407").is_some(), "a Job of others is under way, and none of ours");
    });
}

#[test]
fn no_code_is_without_a_test() {
    let text = std::fs::read_to_string(tree("cli/codes.yaml")).unwrap();
    let known: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("- code: ")).collect();
    let tested: BTreeSet<&str> =
        BREAKAGES.iter().chain(ALONE).map(|breakage| breakage.code).chain(ELSEWHERE).chain(NOT_MENDED).chain(SAID_ONLY).collect();
    assert_eq!(known, tested);
    let files = sc_tests::files("tests/tests/azure/mistakes", "rs").into_iter().chain([tree("tests/tests/e2e/vault.rs")]);
    let elsewhere: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for code in ELSEWHERE {
        assert!(elsewhere.contains(&format!("\"{code}")), "{code} is brought about nowhere");
    }
    assert!(BREAKAGES.len() + ALONE.len() >= 40, "{}", BREAKAGES.len() + ALONE.len());
}

/// A name for its bed: a code may be brought about in several ways.
fn name(breakage: &Breakage, number: usize) -> String {
    format!("{}-{number}", breakage.code.to_lowercase())
}

/// Brings a failure about, and has it found and mended.
fn treat(bed: &Bed, breakage: &Breakage) {
    let session = Session::of(bed);
    kube::apply(&[orders_admin(&bed.system, "plain")]);
    if !breakage.is_before_install {
        bed.upgraded(&[postgres("orders", bed.shop(), "orders")], &[]);
        kube::wait_for("the doctor to find a sound release sound", PATIENCE, || session.run("doctor -o json", "").is_ok.then_some(()));
    }
    (breakage.bring_about)(bed, &session);
    let finding = kube::wait_for(&format!("the doctor to find {}", breakage.code), PATIENCE, || find(&session, breakage.code));
    let command = finding["fix"].as_str().unwrap();
    (breakage.meanwhile)(bed);
    let mended = session.shell(command);
    assert!(mended.is_ok, "`{command}` failed: {mended:?}");
    kube::wait_for(&format!("the doctor to be content after `{command}`"), PATIENCE, || is_content(&session).then_some(()));
    (breakage.afterwards)(bed);
}

/// Whether nothing is found but what only the charts of others mend.
fn is_content(session: &Session<'_>) -> bool {
    findings(session).is_some_and(|left| left.iter().all(|finding| ELSEWHERE.contains(&finding["code"].as_str().unwrap())))
}

/// The finding of this code, if the doctor has it.
fn find(session: &Session<'_>, code: &str) -> Option<Value> {
    findings(session)?.into_iter().find(|finding| finding["code"] == code)
}

/// What the doctor finds; nothing if it could not look.
fn findings(session: &Session<'_>) -> Option<Vec<Value>> {
    let doctor = session.run("doctor -o json", "");
    let is_name = |rest: &str| rest.split_once('}').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase()));
    assert!(!doctor.output.split('{').skip(1).any(is_name), "a text has no value for a name: {doctor:?}");
    serde_json::from_str(&doctor.output).inspect_err(|_| eprintln!("the doctor could not look: {doctor:?}")).ok()
}
