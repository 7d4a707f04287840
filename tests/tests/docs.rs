//! The documents are true: links lead somewhere, files that they name exist, examples are valid, and the README is what a newcomer has time for.

use std::path::{Path, PathBuf};
use std::{env, fs};

use sc_tests::commands::{self, Use};
use sc_tests::planning::Planned;
use sc_tests::{files, stem, tree};

const LONGEST_README: usize = 150;
/// How many blocks of commands are run on a cluster.
const RUN: usize = 39;
/// How many are not.
const NOT_RUN: usize = 8;

/// How a path of the tree begins. `job/` alone is not here: kubectl says `job/sc-job`.
const FOLDERS: [&str; 10] = ["bench/", "chart/", "core/", "docs/", "job/src/", "scripts/", "templates/", "tests/", "values/", ".ci/"];

#[test]
fn each_relative_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for file in documents() {
        let text = prose(&fs::read_to_string(&file).unwrap());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let path = link.split('#').next().unwrap_or_default();
            if !link.contains("://") && !path.is_empty() && !file.with_file_name(path).exists() {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        missing.extend(paths(&text).filter(|path| !tree(path).exists()).map(|path| format!("{}: {path}", file.display())));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn no_document_names_a_path_of_the_machine_that_it_was_written_on() {
    let home = env::var("HOME").unwrap_or_default();
    let folders = [tree("").display().to_string(), format!("{}/", home.trim_end_matches('/'))];
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        for folder in folders.iter().filter(|folder| folder.len() > 1) {
            assert!(!text.contains(folder.as_str()), "{} names {folder}", file.display());
        }
    }
}

#[test]
fn each_example_of_connections_is_valid() {
    let mut seen = 0;
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        for block in blocks(&text, "yaml").filter(|block| block.lines().any(|line| line.starts_with("connections:"))) {
            let planned = Planned::of(block.as_bytes());
            assert!(planned.problems.is_empty() && !planned.objects().is_empty(), "{}: {block}{}", file.display(), planned.report());
            seen += usize::from(file == tree("README.md"));
        }
    }
    assert!(seen > 0, "the README has no example");
}

#[test]
fn the_readme_is_short_and_begins_with_the_two_commands() {
    let text = fs::read_to_string(tree("README.md")).unwrap();
    let lines = text.lines().count();
    assert!(lines <= LONGEST_README, "README.md has {lines} lines");
    assert_eq!(blocks(&text, "sh").next(), Some("scripts/demo\nscripts/test\n"));
    let first_screen: Vec<&str> = text.lines().take(20).collect();
    assert_eq!(blocks(&first_screen.join("\n"), "").count(), 1, "the two commands stand alone");
}

/// Those that are not are few, and each says why. `cargo test -p sc-tests --test docs -- --nocapture` lists them.
#[test]
fn the_commands_of_the_readme_and_the_guides_are_run_but_for_these() {
    let (mut run, mut not_run) = (0, 0);
    for (document, block) in commands::documents().iter().flat_map(|(name, blocks)| blocks.iter().map(move |block| (name, block))) {
        match &block.used {
            Use::Run(_) => run += 1,
            Use::NotRun(why) => {
                not_run += 1;
                println!("{document}, line {}: {why}", block.line);
            }
            Use::File(_) | Use::Shown => {}
        }
    }
    assert_eq!((run, not_run), (RUN, NOT_RUN), "blocks of commands that are run, and that are not: say so here if that is meant");
}

#[test]
fn each_decision_has_its_number_and_its_three_parts() {
    for (index, file) in files("docs/decisions", "md").iter().enumerate() {
        let text = fs::read_to_string(file).unwrap();
        let number = format!("{:04}", index + 1);
        assert!(stem(file).starts_with(&format!("{number}-")), "{} should be number {number}", file.display());
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert!(headings[0].starts_with(&format!("# {number}: ")), "{}: {}", file.display(), headings[0]);
        assert_eq!(headings[1..], ["## Context", "## Decision", "## Consequence"], "{}", file.display());
    }
}

#[test]
fn each_threat_names_tests_that_there_are() {
    let text = fs::read_to_string(tree("SECURITY.md")).unwrap();
    let section = text.split("## Threats\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 10, "the table is read wrongly: {rows:?}");
    let tests = tests_in_rust();
    let mut wrong = Vec::new();
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        let is_test = |name: &str| tests.contains(&format!("fn {name}(")) || (name.contains('/') && tree(name).is_file());
        if names.is_empty() != shown_by.starts_with("none") || !names.iter().all(|name| is_test(name)) {
            wrong.push(shown_by);
        }
    }
    assert!(wrong.is_empty(), "no such tests: {wrong:#?}");
}

/// The first lines of all tests: what follows an attribute that ends in `test`, with arguments or not.
fn tests_in_rust() -> String {
    let mut files = Vec::new();
    for folder in ["cli", "core", "job", "tests"] {
        collect(&tree(folder), "rs", &mut files);
    }
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines().map(str::trim).zip(text.lines().skip(1)));
    let is_attribute = |line: &str| ["#[test", "#[tokio::test"].iter().any(|start| line.starts_with(start));
    lines.filter(|(line, _)| is_attribute(line)).flat_map(|(_, next)| [next, "\n"]).collect()
}

/// All Markdown files of the tree, in order.
fn documents() -> Vec<PathBuf> {
    let mut documents = Vec::new();
    collect(&tree(""), "md", &mut documents);
    documents.sort();
    assert!(documents.contains(&tree("README.md")), "{documents:?}");
    documents
}

fn collect(folder: &Path, end: &str, documents: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            collect(&path, end, documents);
        } else if path.extension().is_some_and(|extension| extension == end) {
            documents.push(path);
        }
    }
}

/// The fenced blocks whose language begins so.
fn blocks<'t>(text: &'t str, language: &'t str) -> impl Iterator<Item = &'t str> {
    text.split("```").skip(1).step_by(2).filter_map(move |block| block.strip_prefix(language)?.split_once('\n').map(|(_, block)| block))
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The paths of the tree that a text names; what follows a placeholder, as in `values/<name>.yaml`, is not part of one.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let words = text.split(move |c: char| !is_part(c)).map(|word| word.trim_end_matches('.'));
    words.map(|word| word.trim_start_matches("../")).filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
}
