//! The commands as a person sees them: whole outputs in golden files, and what no output may ever do.

#![expect(clippy::unwrap_used, reason = "that is how a test fails, also outside of its own function")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use sc_tests::planning::Planned;
use sc_tests::{files, golden, stem, tree};
use serde_json::{Value, json};

/// Name, arguments, and the file that is standard input.
const TRANSCRIPTS: [(&str, &str, &str); 82] = [
    ("bind-fixed", "bind job/report orders", ""),
    ("bind-kind", "bind service/web orders", ""),
    ("bind-no-kind", "bind web orders", ""),
    ("create-appconfig-id", "create storage-blob --account media --secret --vault-id x --appconfig-id x", ""),
    ("create-new", "create keyvault --enable-csi --new", ""),
    ("create-service-endpoint", "create sql --server s --database d --secret --service-endpoint --subscription x", ""),
    ("help", "--help", ""),
    ("help-bind", "bind --help", ""),
    ("help-lint", "lint --help", ""),
    ("help-list-support-types", "list-support-types --help", ""),
    ("help-render", "render --help", ""),
    ("help-snippet", "snippet --help", ""),
    ("lint-alone", "lint -f elsewhere-workload.yaml --values connections.yaml -o tsv", ""),
    ("lint-beside", "lint -f elsewhere-workload.yaml -f elsewhere-secret.yaml --values connections.yaml -o tsv", ""),
    ("lint-file-absent", "lint -f absent.yaml --values connections.yaml", ""),
    ("lint-folder", "lint -f lint --values connections.yaml", ""),
    ("lint-hostile", "lint -f lint-hostile.yaml --values connections.yaml -o yaml", ""),
    ("lint-json", "lint -f lint/SC2020.yaml -f lint/SC2012.yaml --values connections.yaml -o json", ""),
    ("lint-kustomization-stated", "lint -f lint/kustomization.yaml --values connections.yaml --kube-namespace books -o table", ""),
    ("lint-kustomization-twice", "lint -f lint/SC2020.yaml -f lint/kustomization.yaml -f kustomization.yaml --values connections.yaml -o tsv", ""),
    ("lint-namespace", "lint -f lint/SC2020.yaml --values connections.yaml --kube-namespace shop -o table", ""),
    ("lint-namespace-empty-shop", "lint -f lint/namespace-empty.yaml --values connections.yaml --kube-namespace shop -o table", ""),
    ("lint-namespace-other", "lint -f lint/SC2020.yaml --values connections.yaml --kube-namespace books -o table", ""),
    ("lint-sets", "lint -f lint/clean.yaml --values sets.yaml -o tsv", ""),
    ("lint-sets-mistake", "lint -f lint/SC2011.yaml --values sets.yaml -o tsv", ""),
    ("lint-sets-others", "lint -f elsewhere-secret.yaml --values sets.yaml -o tsv", ""),
    ("lint-standard-input", "lint -f - --values connections.yaml -o tsv", "lint/SC2007.yaml"),
    ("lint-standard-input-twice", "lint -f - --values -", "lint/SC2007.yaml"),
    ("lint-unreadable", "lint -f lint/SC2011.yaml -f secrets-broken.yaml -f lint-hostile.yaml --values connections.yaml -o tsv", ""),
    ("lint-values-broken", "lint -f broken.yaml --values wrong.yaml -o tsv", ""),
    ("lint-values-mapping", "lint -f broken.yaml --values mapping.yaml -o tsv", ""),
    ("lint-values-unreadable", "lint -f lint/clean.yaml --values secrets-broken.yaml", ""),
    ("lint-values-wrong", "lint -f elsewhere-secret.yaml --values wrong.yaml -o tsv", ""),
    ("list", "list-support-types -o table", ""),
    ("list-auth-type", "list-support-types --auth-type csi -o table", ""),
    ("list-client-type", "list-support-types --client-type kafka-springBoot -o table", ""),
    ("list-json", "list-support-types --target-type appconfig -o json", ""),
    ("list-nothing", "list-support-types -t keyvault --client-type ruby -o table", ""),
    ("list-nothing-json", "list-support-types -t keyvault --client-type ruby -o json", ""),
    ("list-own", "list-support-types -f own.yaml -t ledger -o yaml", ""),
    ("list-own-unreadable", "list-support-types -f secrets-broken.yaml", ""),
    ("list-own-wrong", "list-support-types -f own-wrong.yaml", ""),
    ("list-tsv", "list-support-types -t appconfig -o tsv", ""),
    ("list-az-words", "list-support-types -t AppConfig -o TSV --only-show-errors --debug --verbose --subscription x", ""),
    ("list-none", "list-support-types -o none", ""),
    ("list-query", "list-support-types --query [].target", ""),
    ("list-unknown-form", "list-support-types -o xml", ""),
    ("list-unknown-words", "list-support-types -t redis-enterprize --auth-type workloadidentity --client-type pyhton", ""),
    ("list-yaml", "list-support-types -t appconfig -o yaml", ""),
    ("no-command", "", ""),
    ("render-empty", "render -f -", "empty"),
    ("render-hostile", "render -f hostile.yaml", ""),
    ("render-inline", "render -f inline.yaml", ""),
    ("render-inline-redacted", "render -f inline.yaml --redact", ""),
    ("render-no-file", "render -f absent.yaml", ""),
    ("render-other-release", "render -f inline.yaml --redact --release mine --release-namespace ours", ""),
    ("render-references", "render -f references.yaml", ""),
    ("render-references-redacted", "render -f references.yaml --redact", ""),
    ("render-references-with-secrets", "render -f references.yaml --secrets secrets.yaml", ""),
    ("render-references-with-wrong-secrets", "render -f references.yaml --secrets secrets-elsewhere.yaml", ""),
    ("render-secrets-from-standard-input", "render -f references.yaml --secrets -", "secrets.yaml"),
    ("render-secrets-unreadable", "render -f references.yaml --secrets secrets-broken.yaml", ""),
    ("render-standard-input", "render -f -", "inline.yaml"),
    ("render-standard-input-twice", "render -f - --secrets -", "inline.yaml"),
    ("render-unreadable", "render -f secrets-broken.yaml", ""),
    ("render-wrong", "render -f wrong.yaml", ""),
    ("snippet", "snippet orders -f connections.yaml", ""),
    ("snippet-binding", "snippet ledger --workload books --image registry.example/books:1 -f connections.yaml", ""),
    ("snippet-csi", "snippet vault --kind daemonset --container reader -f connections.yaml", ""),
    ("snippet-identity", "snippet media --kind job -f connections.yaml", ""),
    ("snippet-identity-cronjob", "snippet media --kind CronJob -f connections.yaml", ""),
    ("snippet-name-elsewhere", "snippet ledger --kube-namespace shop -f connections.yaml", ""),
    ("snippet-name-wrong", "snippet order -f connections.yaml", ""),
    ("snippet-pod", "snippet media --kind pod -f -", "connections.yaml"),
    ("snippet-statefulset", "snippet stock.copy --kind sts -f connections.yaml", ""),
    ("snippet-values-wrong", "snippet orders -f wrong.yaml", ""),
    ("snippet-workload-wrong", "snippet orders --workload Web_1 -f connections.yaml", ""),
    ("status-kubeconfig-absent", "status --kubeconfig absent.yaml", ""),
    ("status-kubeconfig-folder", "status --kubeconfig lint", ""),
    ("status-kubeconfig-wrong", "status --kubeconfig secrets-broken.yaml", ""),
    ("update-private-endpoint", "update --connection orders --client-type go --private-endpoint --yes", ""),
    ("wait-custom", "wait orders --custom x", ""),
];

#[test]
fn each_command_says_exactly_this() {
    let transcript = |(name, arguments, input): (String, String, String)| (name, transcript(&arguments, &input));
    let transcripts: BTreeMap<String, String> = transcripts().map(transcript).collect();
    assert!(transcripts.values().all(|text| !text.contains('\x1b')), "a control sequence");
    golden::compare(&tree("tests/golden/cli"), "txt", &transcripts);
}

#[test]
fn no_credential_stands_where_none_belongs() {
    // As text and in base64, whatever stands before it.
    let credential = ["hunter2", "aHVudGVyM", "h1bnRlcj", "odW50ZXIy"];
    let mut seen = 0;
    for (name, arguments, input) in transcripts() {
        let output = run(&arguments, &read(&input));
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!credential.iter().any(|part| stderr.contains(part)), "{name}: {stderr}");
        let is_open = credential.iter().any(|part| stdout.contains(part));
        assert!(!is_open || !arguments.contains("--redact"), "{name}: {stdout}");
        assert_eq!(is_open, stderr.starts_with("warning: this output holds credentials"), "{name}: {stderr}{stdout}");
        seen += usize::from(is_open);
    }
    assert!(seen > 3, "the test looks for the wrong text");
}

#[test]
fn what_is_rendered_is_what_is_planned() {
    let mut documents = files("values", "yaml");
    documents.extend(["hostile.yaml", "inline.yaml", "references.yaml", "wrong.yaml"].map(|file| folder().join(file)));
    for file in documents {
        let text = fs::read(&file).unwrap();
        let output = run(&format!("render -f {} --secrets -", file.display()), &secrets(&text));
        let planned = Planned::of(&text);
        let expected = if planned.problems.is_empty() { 0 } else { 2 };
        assert_eq!(output.status.code(), Some(expected), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
        assert!(!planned.manifests().is_empty());
        assert_eq!(parsed(&output.stdout), planned.manifests(), "{}", file.display());
    }
}

#[test]
fn what_a_snippet_shows_has_no_mistake() {
    for connection in ["orders", "media", "search", "vault", "stock.copy", "ledger"] {
        for kind in ["deployment", "statefulset", "daemonset", "job", "cronjob", "pod"] {
            let snippet = run(&format!("snippet {connection} --kind {kind} -f connections.yaml"), b"");
            let linted = run("lint -f - --values connections.yaml -o tsv", &snippet.stdout);
            let said = String::from_utf8_lossy(&linted.stderr);
            assert_eq!((said.as_ref(), linted.stdout.as_slice()), ("found no mistake; workloads: 1\n", &b""[..]), "{connection} {kind}");
        }
    }
}

#[test]
fn redaction_hides_values_and_nothing_else() {
    for file in files("values", "yaml") {
        let mut expected = Planned::of(&fs::read(&file).unwrap()).manifests();
        for data in expected.iter_mut().filter_map(|manifest| manifest.get_mut("data")?.as_object_mut()) {
            data.values_mut().for_each(|value| *value = json!("<redacted>"));
        }
        let output = run(&format!("render --redact -f {}", file.display()), b"");
        assert_eq!(output.status.code(), Some(0), "{}", file.display());
        assert_eq!(parsed(&output.stdout), expected, "{}", file.display());
    }
}

#[test]
fn a_kubeconfig_is_found_fault_with_alike_however_it_is_named() {
    for file in ["absent.yaml", "lint", "secrets-broken.yaml"] {
        let named = run(&format!("status --kubeconfig {file}"), b"");
        let of_environment = command("status").env("KUBECONFIG", file).output().unwrap();
        assert_eq!((named.status.code(), of_environment.status.code()), (Some(1), Some(1)));
        let said = |output: Output| {
            String::from_utf8(output.stderr).unwrap().replace(&format!(" `{file}`"), "").replace(" (KUBECONFIG, ~/.kube/config)", "")
        };
        let (named, of_environment) = (said(named), said(of_environment));
        assert_eq!(named, of_environment);
        assert!(named.contains("\n  fix: "), "{named}");
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    for arguments in ["list-support-types", "list-support-types -o json", "render -f inline.yaml --redact", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(arguments).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command("list-support-types").stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: failed to write to standard output\n  why: "));
}

/// All transcripts: one of each mistake is among them.
fn transcripts() -> impl Iterator<Item = (String, String, String)> {
    let mistake = |file: PathBuf| {
        let name = stem(&file);
        (format!("lint-{name}"), format!("lint -f lint/{name}.yaml --values connections.yaml -o table"), String::new())
    };
    let named = TRANSCRIPTS.into_iter().map(|(name, arguments, input)| (name.to_owned(), arguments.to_owned(), input.to_owned()));
    named.chain(files("cli/tests/input/lint", "yaml").into_iter().map(mistake))
}

fn transcript(arguments: &str, input: &str) -> String {
    let output = run(arguments, &read(input));
    let from = if input.is_empty() { String::new() } else { format!(" < {input}") };
    let blank = if arguments.is_empty() { "" } else { " " };
    format!(
        "$ sc{blank}{arguments}{from}\n[standard output]\n{}[standard error]\n{}[exit code]\n{}\n",
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code().unwrap()
    )
}

fn run(arguments: &str, input: &[u8]) -> Output {
    let mut child = command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn command(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sc"));
    command.args(arguments.split_whitespace()).current_dir(folder()).env_remove("COLUMNS");
    command
}

fn folder() -> PathBuf {
    tree("cli/tests/input")
}

fn read(input: &str) -> Vec<u8> {
    if input.is_empty() || input == "empty" { Vec::new() } else { fs::read(folder().join(input)).unwrap() }
}

fn parsed(yaml: &[u8]) -> Vec<Value> {
    serde_yaml::from_slice_multiple(yaml).unwrap()
}

/// Manifests of the Secrets that a document refers to, with the credentials that [`Planned`] makes up.
fn secrets(document: &[u8]) -> Vec<u8> {
    let mut found = BTreeMap::new();
    collect(&sc_core::document::parse(document).unwrap(), &mut found);
    let manifest = |(name, data): (&String, &Value)| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
    let manifests: Vec<String> = found.iter().map(|secret| manifest(secret).to_string()).collect();
    manifests.join("\n---\n").into_bytes()
}

fn collect(tree: &Value, found: &mut BTreeMap<String, Value>) {
    let reference = &tree["secretKeyRef"];
    if let (Some(name), Some(key)) = (reference["name"].as_str(), reference["key"].as_str()) {
        found.entry(name.to_owned()).or_insert_with(|| json!({}))[key] = json!(format!("Pw0rd-{name}-{key}"));
    }
    match tree {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}
