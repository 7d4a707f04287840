//! The manual rerun, by the very commands of the chart's notes.

use std::process::Command;

use sc_tests::planning::decoded;
use serde_json::json;

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
