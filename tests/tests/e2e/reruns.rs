//! The manual rerun, by the very commands of the chart's notes.

use std::process::Command;

use sc_tests::planning::decoded;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Helm, Ran};
use crate::connections::{connection_string, postgres_inline, secret};
use crate::{kube, proof, traces};

#[test]
fn a_manual_rerun_puts_back_what_was_changed_by_hand() {
    bed::with(Helm::Three, "byhand", 1, |bed| {
        let ran = bed.upgraded(&[postgres_inline("orders", bed.shop(), "plain")], &[]);
        let patch = json!({"stringData": {"AZURE_POSTGRESQL_CONNECTIONSTRING": "host=elsewhere", "OTHER": "x"}}).to_string();
        kube::kubectl(&["-n", bed.shop(), "patch", "secret", "sc-orders-secret", "--type=merge", "-p", &patch]);
        rerun(bed, &ran);
        let data = decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"));
        assert_eq!(data, [("AZURE_POSTGRESQL_CONNECTIONSTRING".to_owned(), connection_string("orders", "plain"))].into());
    });
}

#[test]
fn a_manual_rerun_mends_a_failed_release() {
    bed::with(Helm::Four, "afterfail", 1, |bed| {
        let notes = bed.upgraded(&[], &[]);
        kube::apply(&[secret(bed.shop(), "sc-orders-secret", &json!({"mine": "yes"}))]);
        assert!(!bed.upgrade(&[postgres_inline("orders", bed.shop(), "plain")], &[]).answer.is_ok);
        assert_eq!(traces::failure_of_job(bed, "sc-job").as_deref(), Some("PodFailurePolicy"));
        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
        rerun(bed, &notes);
        let data = decoded(&kube::existing(bed.shop(), "secret", "sc-orders-secret"));
        assert_eq!(data["AZURE_POSTGRESQL_CONNECTIONSTRING"], connection_string("orders", "plain"));
    });
}

/// As where an administrator took the right away: the success counts, and the Job is left to whoever cleans up.
#[test]
#[ignore = "takes half a minute: -- --include-ignored"]
fn a_job_that_may_not_set_its_time_to_live_succeeds_and_stays() {
    bed::with(Helm::Four, "stays", 1, |bed| {
        bed.upgraded(&[postgres_inline("orders", bed.shop(), "plain")], &[]);
        let rules = kube::existing(&bed.system, "role", "sc-job")["rules"].clone();
        let at = rules.as_array().unwrap().iter().position(|rule| rule["resources"] == json!(["jobs"])).expect("a rule of Jobs alone");
        let patch = json!([{"op": "replace", "path": format!("/rules/{at}/verbs"), "value": ["get"]}]).to_string();
        kube::kubectl(&["-n", &bed.system, "patch", "role", "sc-job", "--type=json", "-p", &patch]);
        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-orders-secret"]);
        // One that belongs to the CronJob would be swept by it.
        let job = kube::kubectl(&["-n", &bed.system, "create", "job", "sc-job", "--from=cronjob/sc-reconcile", "--dry-run=client", "-o", "json"]);
        let mut job: Value = serde_json::from_str(&job).unwrap();
        job["metadata"].as_object_mut().unwrap().remove("ownerReferences");
        kube::apply(&[job]);
        kube::kubectl(&["-n", &bed.system, "wait", "--for=condition=Complete", "job/sc-job", "--timeout=90s"]);
        proof::assert_proven(bed);
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
        assert!(kube::existing(&bed.system, "job", "sc-job")["spec"]["ttlSecondsAfterFinished"].is_null());
        assert!(traces::logs(bed).contains("no right to patch it"), "{}", traces::logs(bed));
    });
}

/// Does what the notes say, and looks at the proof as they say.
pub(crate) fn rerun(bed: &Bed, notes: &Ran) {
    let (proof_commands, rerun_commands) = notes.answer.output.split_once("To run it again by hand:").expect("the notes say how");
    shell(rerun_commands);
    assert_eq!(proof::status(bed)["trigger"], "cron");
    proof::assert_no_job(bed);
    proof::assert_proven(bed);
    let (_, proof_commands) = proof_commands.split_once("Proof of success").expect("the notes say what proves it");
    let (hash, uid) = proof::config(bed);
    let wanted = format!("{} {}", hash.as_str().unwrap(), uid.as_str().unwrap());
    let shown = shell(proof_commands);
    let (status, config) = shown.split_once('\n').unwrap();
    assert!(status.starts_with(&format!("Succeeded {wanted}")) && config.trim_end() == wanted, "{shown}");
}

/// Runs the lines of a text that are commands.
fn shell(text: &str) -> String {
    let commands: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("kubectl ")).collect();
    assert!(!commands.is_empty(), "no commands in: {text}");
    let answer = kube::answer(&Command::new("sh").args(["-euc", &commands.join("\n")]).output().unwrap());
    assert!(answer.is_ok, "{commands:?}: {}{}", answer.output, answer.errors);
    answer.output
}
