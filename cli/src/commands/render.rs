//! `sc render`: the objects that the values ask for, as YAML documents.

use anyhow::Result;
use sc_core::connection::Connection;
use sc_core::connections::{Connections, Unread};
use sc_core::object::Manifest;
use sc_core::plan::Plan;
use sc_core::problem::{Kind, Problem, Problems};
use sc_core::report::Report;
use sc_job::exit;
use serde_json::Value;

use crate::args::RenderArgs;
use crate::manifest::{Ordered, yaml};
use crate::output::Advice;
use crate::place::Place;
use crate::secrets::Secrets;
use crate::{input, output};

/// What stands for a hidden value. It is not base64, so that no API server takes such a Secret for a real one.
const HIDDEN: &str = "<redacted>";
const WARNING: &str = "warning: this output holds credentials: encrypt it before you store it; `--redact` hides them";

/// Renders as the arguments say; returns the exit code.
pub(crate) fn run(args: &RenderArgs, place: &Place) -> Result<u8> {
    let document = input::read(&args.values)?;
    let mut problems = Problems::default();
    let secrets = Secrets::read(&args.secrets, &place.release_namespace, &mut problems)?;
    let mut objects = Vec::new();
    // Without the files that were asked for, what is printed would not be what was asked for.
    if problems.is_empty() {
        objects = manifests(&document, secrets, (args, place), &mut problems);
    }
    print(objects, args.redact, problems)
}

fn manifests(document: &[u8], mut secrets: Secrets, (args, place): (&RenderArgs, &Place), problems: &mut Problems) -> Vec<Manifest> {
    let connections = connections(document, &secrets, problems).unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    if args.redact {
        secrets.stand_in(&connections);
    }
    let references = secrets.references();
    let plan = Plan::of(connections, &references, &place.release(), problems);
    let mut manifests = Vec::new();
    for (id, planned) in plan.objects() {
        match planned.manifest(id, &references, plan.release()) {
            Ok(manifest) => manifests.push(manifest),
            Err(found) => found.into_iter().for_each(|problem| problems.push(problem)),
        }
    }
    manifests
}

/// The connections of the document and of its sets.
fn connections(document: &[u8], secrets: &Secrets, problems: &mut Problems) -> Result<Vec<Connection>, Problem> {
    let Connections { mut listed, sets, settings } = Connections::parse(document, problems)?;
    for set in &sets {
        match secrets.document(set) {
            Ok(bytes) => listed.extend(set.connections(&bytes, &settings, problems)),
            Err(why) => problems.push(set.unread(why)),
        }
    }
    Ok(listed)
}

/// Prints the objects, then what is wrong: the end is what a person at a terminal sees first.
fn print(objects: Vec<Manifest>, redact: bool, problems: Problems) -> Result<u8> {
    let count = objects.len();
    let documents: Vec<Value> = objects.into_iter().map(|object| Ok(serde_json::from_slice(&object.to_bytes())?)).collect::<Result<_>>()?;
    if !redact && documents.iter().any(|document| document.get("data").is_some()) {
        output::say(WARNING);
    }
    let texts = documents.into_iter().map(|document| text(document, redact)).collect::<Result<Vec<String>>>()?;
    output::print(&texts.join("---\n"))?;
    let report = Report::of_problems(problems.into_vec());
    for problem in &report.problems {
        output::problem(problem, advice(problem));
    }
    if !report.problems.is_empty() {
        output::say(&format!("objects printed: {count}; what has a problem is left out"));
    }
    Ok(exit::code(report.verdict()))
}

fn text(mut document: Value, redact: bool) -> Result<String> {
    if let Some(data) = document.get_mut("data").and_then(Value::as_object_mut).filter(|_| redact) {
        data.values_mut().for_each(|value| *value = HIDDEN.into());
    }
    yaml(&Ordered(&document))
}

/// Without a cluster a Secret is not absent, it is not at hand.
fn advice(problem: &Problem) -> Option<Advice> {
    let what = match &*problem.kind {
        Kind::SecretAbsent { name, credential } => format!("the Secret {name} that holds `{credential}` is not at hand"),
        Kind::SetUnread { name, why: Unread::Absent } => format!("the Secret {name} with connections is not at hand"),
        _ => return None,
    };
    let fix = "give its manifest by `--secrets FILE`, as `kubectl get secret` prints it with `-o yaml`, or hide all values by `--redact`".to_owned();
    Some(Advice { what, fix })
}
