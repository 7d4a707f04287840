//! Documents that must be refused, in `tests/rejects/`: by whom, and in which words.
//!
//! The first line of each says who refuses it: `helm` (it is no YAML mapping), `schema` (values.schema.json) and `core`. `# stays:` names an object that is
//! applied none the less. Every credential in them begins with `hunter2`, and no message may show even a part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sc_core::document::LARGEST;
use sc_tests::helm::{Helm, for_each};
use sc_tests::planning::Planned;
use sc_tests::{canary, files, golden, stem, tree};

const CREDENTIAL: &str = "hunter";

#[test]
fn each_document_is_refused_in_these_words() {
    let rejects = files("tests/rejects", "yaml");
    let failures: Vec<String> = rejects.iter().flat_map(|file| wrong_with(file).into_iter().map(|what| format!("{}: {what}", stem(file)))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let outputs: BTreeMap<String, String> = rejects.iter().map(|file| (stem(file), Planned::of(&fs::read(file).unwrap()).report())).collect();
    golden::compare(&tree("tests/rejects"), "txt", &outputs);
}

/// What no refusal may lack, whatever its words are.
fn wrong_with(file: &Path) -> Vec<String> {
    let document = fs::read(file).unwrap();
    let planned = Planned::of(&document);
    let objects: BTreeSet<String> = planned.objects().into_iter().collect();
    let stays: BTreeSet<String> = marks(&document, "# stays: ").into_iter().collect();
    let mut wrong = Vec::new();
    if planned.problems.is_empty() {
        wrong.push("is not refused".to_owned());
    }
    if planned.problems.iter().any(|problem| problem.fix().is_empty()) {
        wrong.push("has a problem without a fix".to_owned());
    }
    if objects != stays {
        wrong.push(format!("leaves {objects:?}, not {stays:?}"));
    }
    let report = planned.report();
    canary::keep("rejects", &report);
    if report.contains(CREDENTIAL) {
        wrong.push(format!("shows a credential:\n{report}"));
    }
    wrong
}

#[test]
fn helm_refuses_what_it_can_see_and_nothing_else() {
    let rejects = files("tests/rejects", "yaml");
    for helm in Helm::both() {
        let failures: Vec<String> = for_each(&rejects, |file| surprise(&helm, file)).into_iter().flatten().collect();
        assert!(failures.is_empty(), "{}:\n{}", helm.name, failures.join("\n"));
    }
}

/// What is not as the marks of a document say.
fn surprise(helm: &Helm, file: &Path) -> Option<String> {
    let marked: BTreeSet<String> =
        marks(&fs::read(file).unwrap(), "# refused by: ").iter().flat_map(|mark| mark.split(", ").map(str::to_owned).collect::<Vec<_>>()).collect();
    assert!(marked.contains("core"), "{} has no mark", file.display());
    let answer = helm.template(&[file]);
    let seen = match (answer.is_ok, answer.errors.contains("don't meet the specifications of the schema")) {
        (true, _) => "core",
        (false, true) => "schema",
        (false, false) => "helm",
    };
    let expected = marked.iter().find(|mark| *mark != "core").map_or("core", String::as_str);
    canary::keep("rejects", &answer.errors);
    if answer.errors.contains(CREDENTIAL) {
        return Some(format!("{}: a credential is shown: {}", file.display(), answer.errors));
    }
    (seen != expected).then(|| format!("{}: refused by {seen} first, not by {expected}: {}", file.display(), answer.errors))
}

fn marks(document: &[u8], mark: &str) -> Vec<String> {
    String::from_utf8_lossy(document).lines().filter_map(|line| line.strip_prefix(mark)).map(str::to_owned).collect()
}

#[test]
fn a_credential_written_as_a_name_is_not_shown() {
    let start = "{name: orders, targetService: postgres-flexible, authType: secret, clientType: python, target: {server: s, database: d}";
    for rest in [
        "credentials: {username: app, hunter2: x}",
        "credentials: {username: app, password: {hunter2: x}}",
        "credentials: {username: app, password: {secretKeyRef: {name: 'hunter2;', key: 'hunter2;'}}}",
        "'password=hunter2': x",
        "customizedKeys: {'hunter2;': X}",
        "customizedKeys: {AZURE_POSTGRESQL_CONNECTIONSTRING: 'hunter2;'}",
        "additionalConfigurations: {'hunter2;': 5}",
        "additionalConnectionStringProperties: {'password=hunter2': x}",
    ] {
        let said = said_of(format!("connections: [{start}, {rest}}}]").as_bytes());
        assert!(said.starts_with("error: ") && !said.contains(CREDENTIAL), "{rest}: {said}");
    }
}

#[test]
fn a_document_without_a_byte_is_refused() {
    assert_eq!(said_of(b""), fs::read_to_string(tree("tests/rejects/document-empty.txt")).unwrap());
}

#[test]
fn a_document_of_three_megabytes_is_refused_whole_by_core_and_by_the_chart() {
    let document = large(3 << 20);
    let said = said_of(document.as_bytes());
    assert!(said.starts_with("error: the document has 31"), "{said}");
    assert!(said.contains(&format!("more than the {LARGEST} that")), "{said}");
    assert!(!said.contains(CREDENTIAL), "{said}");
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("three-megabytes.yaml");
    fs::write(&file, document).unwrap();
    for helm in Helm::both() {
        let answer = helm.template(&[&file]);
        assert!(!answer.is_ok && answer.errors.contains("bytes as JSON"), "{}: {}", helm.name, answer.errors);
        assert!(!answer.errors.contains(CREDENTIAL) && !answer.output.contains(CREDENTIAL), "{} shows a credential", helm.name);
    }
}

#[test]
fn a_document_that_nests_without_end_is_refused() {
    for open in ["[", "{a: ", "- ", "{\"a\":"] {
        let said = said_of(open.repeat(100_000).as_bytes());
        assert!(said.starts_with("error: the document is not valid YAML"), "{open}: {said}");
    }
}

#[test]
fn a_document_of_aliases_of_aliases_is_refused() {
    let mut document = String::from("a0: &a0 [hunter2, hunter2, hunter2, hunter2, hunter2, hunter2, hunter2, hunter2, hunter2]\n");
    for level in 1..10 {
        let alias = format!("*a{}, ", level - 1);
        document.push_str(&[format!("a{level}: &a{level} ["), alias.repeat(9), "]\n".to_owned()].concat());
    }
    let said = said_of(document.as_bytes());
    assert!(said.starts_with("error: the document is not valid YAML"), "{said}");
}

/// A document of about so many bytes that would be good if it were smaller.
fn large(size: usize) -> String {
    let fields = "namespace: shop, targetService: storage-blob, authType: secret, target: {account: shoppictures}";
    let connection = |number: usize| format!("  - {{name: c{number}, {fields}, credentials: {{accessKey: hunter2{}}}}}\n", "x".repeat(1000));
    let mut document = String::from("connections:\n");
    let mut number = 0;
    while document.len() < size {
        document += &connection(number);
        number += 1;
    }
    document
}

fn said_of(document: &[u8]) -> String {
    let planned = Planned::of(document);
    assert!(planned.objects().is_empty());
    planned.report()
}
