//! The chart, rendered by both Helms: golden renders, what Kubernetes takes, and what the Jobs and `sc-config` are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sc_tests::conformity::Schemas;
use sc_tests::helm::{Helm, for_each};
use sc_tests::planning::Planned;
use sc_tests::render::{Render, name_of};
use sc_tests::{files, golden, lines, stem, tree};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// All examples, and the cases that are about the chart alone, each rendered by both Helms.
static CASES: LazyLock<Result<Vec<Case>, String>> = LazyLock::new(|| {
    let files: Vec<PathBuf> = [files("values", "yaml"), files("tests/chart", "yaml")].concat();
    let helms = Helm::both();
    let case = |file: &PathBuf| Ok(Case { file: file.clone(), renders: [rendered(&helms[0], file)?, rendered(&helms[1], file)?] });
    for_each(&files, case).into_iter().collect()
});

const SHOWN: [&str; 4] = ["postgres-flexible.secret", "storage-blob.service-principal", "storage-blob.workload-identity", "keyvault.csi"];

struct Case {
    file: PathBuf,
    renders: [Render; 2],
}

impl Case {
    fn all() -> &'static [Self] {
        CASES.as_ref().unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// Those whose whole text is kept: the cases about the chart, and an example of each auth type.
    fn shown() -> impl Iterator<Item = &'static Self> {
        Self::all().iter().filter(|case| SHOWN.contains(&case.name().as_str()) || case.file.starts_with(tree("tests/chart")))
    }

    fn named(name: &str) -> &'static Self {
        Self::all().iter().find(|case| case.name() == name).unwrap_or_else(|| panic!("there is no case {name}"))
    }

    fn name(&self) -> String {
        stem(&self.file)
    }
}

fn rendered(helm: &Helm, file: &Path) -> Result<Render, String> {
    let answer = helm.template(&[file]);
    if answer.is_ok { Ok(Render::of(&answer.output)) } else { Err(format!("{} refuses {}: {}", helm.name, file.display(), answer.errors)) }
}

fn values(name: &str, text: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.yaml"));
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn both_helms_render_the_same() {
    for case in Case::all() {
        let [three, four] = case.renders.each_ref().map(|render| render.texts().map(|(text, _)| text).collect::<Vec<_>>());
        assert_eq!(three, four, "{}", case.file.display());
    }
}

#[test]
fn each_case_renders_exactly_this() {
    let empty: BTreeMap<String, String> = documents(Case::named("empty")).into_iter().collect();
    let outputs = Case::shown().map(|case| {
        let output = if case.name() == "empty" { whole(&documents(case)) } else { difference(&empty, &documents(case)) };
        (case.name(), output)
    });
    golden::compare(&tree("tests/golden/chart"), "yaml", &outputs.collect());
}

/// The objects of a case: name and text, with a word for the hash, which has a test of its own.
fn documents(case: &Case) -> Vec<(String, String)> {
    let render = &case.renders[1];
    let hash = sha256(render.config());
    render.texts().map(|(text, tree)| (name_of(tree), text.replace(&hash, "<config-hash>"))).collect()
}

fn whole(documents: &[(String, String)]) -> String {
    documents.iter().flat_map(|(_, text)| ["---\n", text]).collect()
}

/// What a case has that the empty one has not, and what it lacks.
fn difference(empty: &BTreeMap<String, String>, documents: &[(String, String)]) -> String {
    let mut output = String::from("# Only what differs from empty.yaml.\n");
    for (name, text) in documents.iter().filter(|(name, text)| empty.get(name) != Some(text)) {
        match empty.get(name) {
            None => write!(output, "---\n{text}").unwrap(),
            Some(before) => write!(output, "---\n# {name}, in which these lines differ\n{}", lines::difference(before, text)).unwrap(),
        }
    }
    let names: BTreeSet<&String> = documents.iter().map(|(name, _)| name).collect();
    for name in empty.keys().filter(|name| !names.contains(name)) {
        writeln!(output, "---\n# without {name}").unwrap();
    }
    output
}

#[test]
fn the_notes_are_exactly_these_and_name_the_planned_secrets() {
    // Helm 3 asks a cluster even for a dry run.
    let [_, four] = Helm::both();
    let cases: Vec<&Case> = Case::shown()
        .filter(|case| {
            SHOWN
                .iter()
                .chain(&["absent", "connection-sets", "empty", "formats", "identity-alone", "sets-alone", "vault-logins"])
                .any(|name| *name == case.name())
        })
        .collect();
    let notes = for_each(&cases, |case| {
        let answer = four.dry_install(&[&case.file]);
        let (_, notes) = answer.output.split_once("NOTES:\n").unwrap_or_else(|| panic!("{}: {}", case.file.display(), answer.errors));
        assert_eq!(secrets_named_in(notes), planned_secrets(case), "{}", case.name());
        (case.name(), notes.to_owned())
    });
    golden::compare(&tree("tests/golden/notes"), "txt", &notes.into_iter().collect());
}

fn secrets_named_in(notes: &str) -> Vec<String> {
    let names = notes.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| line.contains("/sc-") && !line.contains(' '));
    names.map(|name| format!("Secret {name}")).collect()
}

fn planned_secrets(case: &Case) -> Vec<String> {
    let objects = Planned::of(&fs::read(&case.file).unwrap()).objects();
    let mut secrets: Vec<String> = objects.into_iter().filter(|object| object.starts_with("Secret ")).collect();
    secrets.sort();
    secrets
}

#[test]
fn kubernetes_takes_each_object() {
    let schemas = Schemas::new(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chart-schemas"));
    for case in Case::all() {
        let text: String = case.renders[1].texts().flat_map(|(text, _)| ["---\n", text]).collect();
        assert_eq!(schemas.refusal(&text), None, "{}", case.file.display());
    }
    let unknown_field = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}\nautomountToken: false\n";
    assert!(schemas.refusal(unknown_field).is_some_and(|said| said.contains("automountToken")), "the schemas take anything");
}

#[test]
fn the_hash_is_that_of_the_bytes_that_the_job_reads() {
    for case in Case::all() {
        for render in &case.renders {
            let hash = sha256(render.config());
            assert_eq!(render.object("Secret", "sc-config")["metadata"]["annotations"]["sc-extension.dev/config-hash"], hash);
            for job in ["sc-job", "sc-job-rollback"] {
                assert_eq!(render.object("Job", job)["spec"]["template"]["metadata"]["annotations"]["sc-extension.dev/config-hash"], hash);
            }
        }
    }
}

#[test]
fn the_job_reads_what_the_user_wrote() {
    for case in Case::all() {
        let written = sc_core::document::parse(&fs::read(&case.file).unwrap()).unwrap();
        let read: Value = serde_json::from_str(case.renders[0].config()).unwrap();
        let or_default = |field: &str, default: Value| written.get(field).cloned().unwrap_or(default);
        let mut expected = json!({
            "connections": written["connections"], "compatibility": or_default("compatibility", json!("corrected")),
            "cloud": or_default("cloud", json!("AzurePublicCloud")), "targetServices": or_default("targetServices", json!([])),
        });
        for field in ["connectionsDocument", "connectionSets"] {
            written.get(field).into_iter().for_each(|more| expected[field] = more.clone());
        }
        assert_eq!(read, expected, "{}", case.file.display());
        let (from_file, from_cluster) = (Planned::of(&fs::read(&case.file).unwrap()), Planned::of(case.renders[0].config().as_bytes()));
        assert_eq!(from_file.manifests(), from_cluster.manifests(), "{}", case.file.display());
        assert!(from_cluster.problems.is_empty(), "{}", from_cluster.report());
    }
}

#[test]
fn a_credential_in_the_values_is_in_sc_config_alone() {
    for render in &Case::named("credentials-inline").renders {
        let holders: Vec<String> = render.texts().filter(|(text, _)| text.contains("hunter2")).map(|(_, tree)| name_of(tree)).collect();
        assert_eq!(holders, ["Secret sc-system/sc-config"]);
        let mut config = render.object("Secret", "sc-config").clone();
        assert_eq!(config.as_object_mut().unwrap().remove("stringData").unwrap().to_string().matches("hunter2").count(), 4);
        assert!(!config.to_string().contains("hunter2"));
    }
}

#[test]
fn the_hooks_keep_a_failed_job_and_take_a_successful_one_away() {
    for (job, hook) in [("sc-job", "post-install,post-upgrade"), ("sc-job-rollback", "post-rollback")] {
        for case in Case::all() {
            let job = case.renders[0].object("Job", job);
            let annotations = &job["metadata"]["annotations"];
            assert_eq!(annotations["helm.sh/hook"], hook);
            assert_eq!(annotations["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded");
            assert_eq!(job["spec"]["template"]["metadata"]["annotations"]["sc-extension.dev/release-revision"], "1");
            assert_spec_of_job(&job["spec"]);
        }
    }
}

#[test]
fn the_cron_job_is_the_same_pod_without_what_changes_at_each_release() {
    for case in Case::all() {
        let cron = &case.renders[0].object("CronJob", "sc-reconcile")["spec"];
        assert_eq!((&cron["successfulJobsHistoryLimit"], &cron["failedJobsHistoryLimit"]), (&json!(0), &json!(1)));
        assert_eq!(cron["suspend"], json!(case.name() != "drift-repair"), "{}", case.name());
        let mut spec = cron["jobTemplate"]["spec"].clone();
        assert_spec_of_job(&spec);
        let annotations = spec["template"]["metadata"]["annotations"].as_object_mut().unwrap();
        assert!(!annotations.keys().any(|key| key.ends_with("/release-revision") || key.ends_with("/config-hash")));
        let hook = &case.renders[0].object("Job", "sc-job")["spec"];
        annotations.extend(hook["template"]["metadata"]["annotations"].as_object().unwrap().clone());
        set_trigger(&mut spec, "hook");
        assert_eq!(&spec, hook, "{}", case.name());
    }
}

fn set_trigger(spec: &mut Value, trigger: &str) {
    let environment = spec["template"]["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    environment.iter_mut().filter(|variable| variable["name"] == "SC_TRIGGER").for_each(|variable| variable["value"] = json!(trigger));
}

/// What holds for each run, whatever started it.
fn assert_spec_of_job(spec: &Value) {
    assert!(spec.get("ttlSecondsAfterFinished").is_none(), "a failed Job would go with its log");
    assert_eq!(spec["backoffLimit"], 1);
    assert_eq!(spec["podFailurePolicy"]["rules"][0]["onExitCodes"], json!({"containerName": "sc-job", "operator": "In", "values": [2, 3]}));
    let pod = &spec["template"]["spec"];
    assert_eq!((&pod["restartPolicy"], &pod["serviceAccountName"]), (&json!("Never"), &json!("sc-job")));
    assert_eq!(pod["nodeSelector"]["kubernetes.io/os"], "linux");
    assert_eq!(
        (&pod["securityContext"]["runAsNonRoot"], &pod["securityContext"]["seccompProfile"]),
        (&json!(true), &json!({"type": "RuntimeDefault"}))
    );
    let container = &pod["containers"][0]["securityContext"];
    assert_eq!(container, &json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}}));
    assert!(pod["containers"][0]["resources"]["limits"]["memory"].is_string());
    let deadline = spec["activeDeadlineSeconds"].to_string();
    let environment = pod["containers"][0]["env"].as_array().unwrap();
    assert!(environment.contains(&json!({"name": "ACTIVE_DEADLINE_SECONDS", "value": deadline})), "the binary is told another deadline");
}

#[test]
fn a_text_counts_as_the_truth_value_or_number_that_it_spells() {
    for (texts, others) in [
        ("driftRepair: {enabled: \"false\"}", "driftRepair: {enabled: false}"),
        ("driftRepair: {enabled: \"true\"}", "driftRepair: {enabled: true}"),
        ("job: {activeDeadlineSeconds: \"120\"}", "job: {activeDeadlineSeconds: 120}"),
    ] {
        for helm in Helm::both() {
            let [texts, others] = [values("texts", texts), values("others", others)].map(|file| rendered(&helm, &file).unwrap());
            assert_eq!(texts.objects().collect::<Vec<_>>(), others.objects().collect::<Vec<_>>());
        }
    }
}

#[test]
fn an_empty_list_and_none_at_all_are_the_same() {
    for helm in Helm::both() {
        let [none, null] = [values("none", "{}"), values("null", "connections: null")].map(|file| rendered(&helm, &file).unwrap());
        assert_eq!(none.config(), r#"{"cloud":"AzurePublicCloud","compatibility":"corrected","connections":[],"targetServices":[]}"#);
        assert_eq!(null.config(), none.config());
    }
}

#[test]
fn what_would_not_fit_into_a_release_is_refused_with_the_way_out() {
    let connection = |filler: usize| {
        let fields = "name: a, targetService: storage-blob, authType: secret, target: {account: a}";
        format!("connections: [{{{fields}, credentials: {{accessKey: hunter2{}}}}}]", "x".repeat(filler))
    };
    let overhead = 700_000 - rendered(&Helm::both()[0], &values("small", &connection(0))).unwrap().config().len();
    let fitting = values("fitting", &connection(overhead));
    let too_large = values("too-large", &connection(overhead + 1));
    for helm in Helm::both() {
        assert_eq!(rendered(&helm, &fitting).unwrap().config().len(), 700_000);
        let answer = helm.template(&[&too_large]);
        assert!(!answer.is_ok && answer.errors.contains("700001 bytes"), "{}", answer.errors);
        assert!(answer.errors.contains("connectionSets") && !answer.errors.contains("hunter2"), "{}", answer.errors);
    }
}

#[test]
fn namespaces_are_made_once_and_kept() {
    let render = &Case::named("namespaces-to-create").renders[1];
    let made: Vec<&Value> = render.objects().filter(|tree| tree["kind"] == "Namespace").collect();
    let names: BTreeSet<&str> = made.iter().map(|tree| tree["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!((made.len(), names), (2, BTreeSet::from(["office", "shop"])));
    assert!(made.iter().all(|tree| tree["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"));
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}
