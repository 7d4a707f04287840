//! The boundaries of design and style: what depends on what, who reads the environment, who opens a credential, and how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sc_tests::tree;

const LONGEST_FILE: usize = 500;
/// What a test writes.
const GENERATED: [&str; 3] = ["docs/catalogue.md", "docs/cli.md", "docs/troubleshooting.md"];
/// What package managers write.
const LOCK_FILES: [&str; 2] = ["package-lock.json", "requirements.txt"];

/// Crates of clients, of async and of networks.
const EDGES: [&str; 12] = ["kube", "k8s-openapi", "tokio", "futures", "hyper", "http", "tower", "reqwest", "rustls", "native-tls", "tracing", "clap"];

#[test]
fn core_depends_on_nothing_that_does_io() {
    let arguments = ["tree", "--package", "sc-core", "--edges", "normal", "--prefix", "none", "--offline", "--locked"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(tree("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"handlebars"), "the list is read wrongly: {text}");
    let is_edge = |name: &&&str| EDGES.iter().any(|edge| **name == *edge || name.starts_with(&format!("{edge}-")));
    let edges: Vec<&&str> = names.iter().filter(is_edge).collect();
    assert!(edges.is_empty(), "core depends on {edges:?}");
}

#[test]
fn nothing_brings_a_tls_of_its_own_in_c() {
    let lock = fs::read_to_string(tree("Cargo.lock")).unwrap();
    let names: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(names.contains(&"rustls") && names.contains(&"ring"), "the lock is read wrongly");
    for foreign in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "boring"] {
        assert!(!names.contains(&foreign), "{foreign} is in Cargo.lock");
    }
}

#[test]
fn one_file_opens_credentials() {
    assert_eq!(users_of("expose_secret", &["cli", "core", "job"]), ["core/src/rendering.rs"]);
}

#[test]
fn one_file_of_each_binary_reads_the_environment() {
    let everywhere = ["cli/src", "core/src", "job/src"];
    let mut users = users_of("std::env", &everywhere);
    users.extend(users_of("env::var", &everywhere));
    users.retain(|file| !["job/src/args.rs", "cli/src/args.rs"].contains(&file.as_str()));
    assert!(users.is_empty(), "{users:?}");
}

#[test]
fn one_file_spells_labels_and_annotations() {
    assert_eq!(users_of("\"sc-extension.dev/", &["cli/src", "core/src", "job/src"]), ["core/src/names.rs"]);
}

#[test]
fn one_file_of_each_binary_prints() {
    assert_eq!(users_of("stdout()", &["cli/src", "core/src", "job/src"]), ["cli/src/output.rs", "job/src/output.rs"]);
}

/// Without the flags of the place, a command that is told to a person acts on another release or cluster.
#[test]
fn commands_that_sc_tells_name_the_place() {
    // What is about arguments, files or codes has no place.
    let is_placeless =
        |file: &String| ["cli/src/args", "cli/src/lint", "cli/src/codes.rs", "cli/src/reference.rs"].iter().any(|start| file.starts_with(start));
    let told = |file: &String| {
        let text = read(file);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_bare = |line: &&str| !line.trim_start().starts_with("//") && line.replace("`sc explain`", "").contains("`sc ");
        code.lines().filter(is_bare).map(|line| format!("{file}: {}", line.trim())).collect::<Vec<_>>()
    };
    let bare: Vec<String> = sources(&["cli/src"]).iter().filter(|file| !is_placeless(file)).flat_map(told).collect();
    assert!(bare.is_empty(), "take `Place::command(\"sc\")`: {bare:#?}");
}

#[test]
fn no_lint_is_switched_off_in_the_code() {
    let needle = ["#[", "allow("].concat();
    let inner = ["#![", "allow("].concat();
    let everywhere = ["bench", "cli", "core", "job", "tests"];
    assert_eq!([users_of(&needle, &everywhere), users_of(&inner, &everywhere)].concat(), Vec::<String>::new());
}

#[test]
fn every_source_says_what_it_holds() {
    let silent: Vec<String> = sources(&["bench", "cli", "core", "job", "tests"]).into_iter().filter(|file| !read(file).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "no `//!` at the top of {silent:?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    let files: Vec<String> = walk(&tree("")).iter().filter(|file| is_written_by_hand(file)).map(|file| relative(file)).collect();
    assert!(files.iter().any(|file| file == "scripts/cluster"), "scripts are left out");
    let long: Vec<&String> = files.iter().filter(|file| length(file) > LONGEST_FILE).collect();
    assert!(long.is_empty(), "more than {LONGEST_FILE} lines: {long:?}");
}

fn is_written_by_hand(file: &Path) -> bool {
    let ends = ["rs", "sh", "tpl", "yaml", "json", "toml", "md", "in", "txt"];
    let is_text = file.extension().map_or(file.starts_with(tree("scripts")), |end| ends.iter().any(|known| end == *known));
    let is_lock = file.file_name().is_some_and(|name| LOCK_FILES.iter().any(|lock| name == *lock));
    is_text && !is_lock && !file.starts_with(tree("tests/golden")) && !GENERATED.iter().any(|page| file == tree(page))
}

fn length(file: &str) -> usize {
    String::from_utf8_lossy(&fs::read(tree(file)).unwrap()).lines().count()
}

/// The sources with this text in them.
fn users_of(text: &str, folders: &[&str]) -> Vec<String> {
    sources(folders).into_iter().filter(|file| read(file).contains(text)).collect()
}

fn sources(folders: &[&str]) -> Vec<String> {
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| walk(&tree(folder))).collect();
    let sources: Vec<String> = files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")).map(|file| relative(file)).collect();
    assert!(!sources.is_empty(), "no source in {folders:?}");
    sources
}

/// All files below a folder, in order; those that are made or kept by tools are left out.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.retain(|entry| !["target", ".git"].iter().any(|name| entry.ends_with(name)));
    entries.into_iter().flat_map(|entry| if entry.is_dir() { walk(&entry) } else { vec![entry] }).collect()
}

fn relative(file: &Path) -> String {
    file.strip_prefix(tree("")).unwrap().display().to_string()
}

fn read(file: &str) -> String {
    fs::read_to_string(tree(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
