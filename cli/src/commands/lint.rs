//! `sc lint`: the usual mistakes in files of manifests.

use std::path::Path;

use anyhow::Result;
use sc_core::problem::{At, Kind, Problem};
use sc_job::exit;
use serde_json::{Value, json};

use crate::args::workload::LintArgs;
use crate::input;
use crate::lint::manifest::{Manifests, Namespaces};
use crate::lint::mistake::{Entry, Level};
use crate::lint::objects::Objects;
use crate::lint::tree::Node;
use crate::lint::{Finding, findings, kustomize, workloads};
use crate::listing::Listing;
use crate::output::{self, Shown};
use crate::place::Place;

/// The columns of a table of findings.
const HEADER: [&str; 5] = ["Where", "Level", "Code", "What", "Fix"];

/// Looks at all files, and shows what it finds; then it says which of them cannot be read.
pub(crate) async fn run(args: &LintArgs, place: &Place) -> Result<u8> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for file in &args.files {
        let (nodes, broken) = Node::parse(&input::read(file)?);
        documents.push((file, nodes));
        problems.extend(broken.into_iter().map(|place| unreadable(file, place)));
    }
    let listing = Listing::of(args.values.as_deref(), place).await?;
    let objects = Objects::of(listing.present().map(|listed| &listed.connection), listing.named_broken().map(|(name, _)| name));
    let all = || documents.iter().flat_map(|(_, nodes)| nodes);
    let unstated = args.kube_namespace.as_deref();
    let namespaces = Namespaces { of_all: if unstated.is_none() { kustomize::namespace(all()) } else { None }, unstated };
    let files = Manifests::of(all(), namespaces);
    let in_file = |(file, nodes)| findings(&Manifests::of(nodes, namespaces), &files, &objects).into_iter().map(move |finding| (file, finding));
    let found = documents.iter().map(|(file, nodes)| (file.as_path(), nodes)).flat_map(in_file);
    // What no connection gives that could be read may be given by one that could not.
    let (open, found): (Vec<_>, Vec<_>) = found.partition(|(_, finding)| !listing.is_whole && finding.mistake.is_of_absence());
    output::show(args.output.form(), &shown(&found))?;
    if found.is_empty() && problems.is_empty() && open.is_empty() {
        output::say(&format!("found no mistake; workloads: {}", workloads(&files)));
    }
    output::problems_beside(&listing.problems);
    if !open.is_empty() {
        output::say(&format!("warning: not all connections could be read; names that may lead to the others: {}", open.len()));
    }
    for problem in &problems {
        output::problem(problem, None);
    }
    Ok(code(&found, problems.is_empty(), open.is_empty()))
}

/// What could not be looked at goes before what was found.
fn code(found: &[(&Path, Finding)], is_read: bool, is_decided: bool) -> u8 {
    let has_errors = found.iter().any(|(_, finding)| finding.mistake.entry().level == Level::Error);
    match (is_read, is_decided, has_errors) {
        (false, ..) => exit::INVALID,
        (true, false, _) => exit::FAILED,
        (true, true, true) => exit::REFUSED,
        (true, true, false) => exit::APPLIED,
    }
}

fn unreadable(file: &Path, place: Option<serde_yaml::Location>) -> Problem {
    let place = place.map_or_else(String::new, |place| format!(" (line {}, column {})", place.line(), place.column()));
    let fix = "look at the indentation, the quotes and double keys around that place; of a chart, lint what `helm template` prints";
    Problem { at: At::top().field(&input::name(file)), kind: Box::new(Kind::Unreadable { expected: "valid YAML", place, fix }) }
}

fn shown(found: &[(&Path, Finding)]) -> Shown<'static> {
    Shown { value: found.iter().map(value).collect(), header: &HEADER, rows: found.iter().map(row).collect() }
}

fn value((file, finding): &(&Path, Finding)) -> Value {
    let Finding { mistake, line, what, fix } = finding;
    let Entry { code, level, cause, .. } = mistake.entry();
    json!({"code": code, "level": level.name(), "file": file.display().to_string(), "line": line, "what": what, "cause": cause, "fix": fix})
}

fn row((file, finding): &(&Path, Finding)) -> Vec<String> {
    let Finding { mistake, line, what, fix } = finding;
    let Entry { code, level, .. } = mistake.entry();
    [&format!("{}:{line}", file.display()), level.name(), code, what, fix].map(str::to_owned).into()
}
