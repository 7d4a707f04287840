//! Pages of the documentation that are made of what `sc` says: `UPDATE=1 cargo test -p sc-cli` writes them.

#![expect(clippy::unwrap_used, reason = "that is how a test fails, also outside of its own function")]

use std::fmt::Write as _;
use std::process::Command;

use sc_tests::{golden, tree};
use serde_json::Value;

#[test]
fn the_page_about_troubleshooting_has_every_code() {
    let output = Command::new(env!("CARGO_BIN_EXE_sc")).args(["explain", "--output", "json"]).output().unwrap();
    let codes: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    golden::compare_one(&tree("docs"), "troubleshooting.md", &page(&codes));
}

const HEAD: &str = "# Troubleshooting

`sc doctor` looks at the release, its job, its rights, its connections and the workloads that use them, and says what is wrong, with a code, the cause, and the command that mends it. `sc explain` tells the
same of a code, or of a message of Helm's or Kubernetes', and `sc report` prints what helps others to understand a failure, without values. `sc lint` looks at the YAML of workloads before it is applied.

This page is made of what `sc explain` says, for the usual release `sc` in `sc-system`. What stands in braces the doctor fills in: `{where}` is the namespace of a connection. Where this page says `helm rollback`, it names the last
revision that was there as a whole.
";

fn page(codes: &[Value]) -> String {
    let mut page = HEAD.to_owned();
    for (heading, beginning) in [
        ("The release", "SC10"),
        ("The job", "SC11"),
        ("Its rights", "SC12"),
        ("Connections", "SC13"),
        ("The proof", "SC14"),
        ("Workloads", "SC15"),
        ("Workloads that are not applied yet: `sc lint`", "SC20"),
    ] {
        write!(page, "\n## {heading}\n").unwrap();
        let of_part = codes.iter().filter(|code| code["code"].as_str().unwrap().starts_with(beginning));
        of_part.for_each(|code| entry(&mut page, code));
    }
    page
}

fn entry(page: &mut String, code: &Value) {
    let text = |field: &str| code[field].as_str().unwrap();
    write!(page, "\n### {}: {}\n\n", text("code"), text("title")).unwrap();
    if !text("symptom").is_empty() {
        write!(page, "Says: `{}`\n\n", text("symptom")).unwrap();
    }
    let cause = text("cause");
    writeln!(page, "{}{}", cause[..1].to_uppercase(), &cause[1..]).unwrap();
    if text("code").starts_with("SC1") {
        write!(page, "\n```text\n{}\n```\n", text("fix")).unwrap();
    } else {
        write!(page, "\nFix: {}.\n", text("fix")).unwrap();
    }
}
