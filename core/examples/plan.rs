//! Plans many connections of all kinds, as a run does before its first write: what `scripts/bench` times, and `scripts/instructions` counts.
//!
//! `plan COUNT FILE...` takes the connections of these examples in turn. Prints the milliseconds that it took and the process's peak memory in KiB.
#![expect(clippy::print_stdout, reason = "a program for scripts, which read its output")]

use std::alloc::System;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, anyhow, ensure};
use sc_core::connection::Connection;
use sc_core::connections::Connections;
use sc_core::credential::{Referenced, References};
use sc_core::names::Release;
use sc_core::object::{Fingerprint, Live, ObjectKind};
use sc_core::plan::Plan;
use sc_core::problem::Problems;
use serde_json::{Value, json};
use spinning_top::RawSpinlock;
use talc::TalcLock;
use talc::source::GlobalAllocSource;

/// As in the job.
#[global_allocator]
static ALLOCATOR: TalcLock<RawSpinlock, GlobalAllocSource<System>> = TalcLock::new(GlobalAllocSource::new(System));

/// So many connections are in one document, which stays below the limit of a Secret.
const OF_A_DOCUMENT: usize = 1000;

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let count: usize = arguments.next().context("usage: plan COUNT FILE...")?.parse()?;
    let examples = examples(arguments)?;
    ensure!(!examples.is_empty(), "no file has a connection");
    let (mut problems, mut connections, mut elapsed) = (Problems::default(), Vec::new(), Duration::ZERO);
    for first in (0..count).step_by(OF_A_DOCUMENT) {
        let document = document(&examples, first, count.min(first + OF_A_DOCUMENT));
        let begin = Instant::now();
        connections.extend(parse(&document, &mut problems)?);
        elapsed += begin.elapsed();
    }
    let references = references(&connections);
    let begin = Instant::now();
    let plan = plan(connections, &references, &mut problems);
    elapsed += begin.elapsed();
    ensure!(plan.connections().len() == count, "only {} of {count} were planned: {:?}", plan.connections().len(), problems.into_vec().first());
    println!("{:.1} {}", elapsed.as_secs_f64() * 1000.0, peak_memory()?);
    for (id, planned) in plan.objects() {
        let manifest = planned.manifest(id, &references, plan.release()).map_err(|problems| anyhow!("{problems:?}"))?;
        ensure!(compare(&manifest.to_bytes(), id.kind)? == Some(planned.fingerprint), "{id} differs from itself");
    }
    Ok(())
}

// The three steps that are counted stand apart, under their names.

#[inline(never)]
fn parse(document: &[u8], problems: &mut Problems) -> Result<Vec<Connection>> {
    Ok(Connections::parse(document, problems).map_err(|problem| anyhow!("{problem}"))?.listed)
}

#[inline(never)]
fn plan(connections: Vec<Connection>, references: &References, problems: &mut Problems) -> Plan {
    Plan::of(connections, references, &Release { name: "sc".into(), namespace: "sc-system".into() }, problems)
}

#[inline(never)]
fn compare(answer: &[u8], kind: ObjectKind) -> Result<Option<Fingerprint>> {
    Ok(serde_json::from_slice::<Live>(answer)?.fingerprint(kind))
}

fn examples(files: impl Iterator<Item = String>) -> Result<Vec<Value>> {
    let mut examples = Vec::new();
    for file in files {
        let tree = sc_core::document::parse(&fs::read(&file)?).map_err(|problem| anyhow!("{file}: {problem:?}"))?;
        examples.extend(tree["connections"].as_array().into_iter().flatten().cloned());
    }
    Ok(examples)
}

/// Connections `first` to `end`, each with a name of its own; in namespaces by example, so that none shares an identity with another.
fn document(examples: &[Value], first: usize, end: usize) -> Vec<u8> {
    let connection = |number: usize| {
        let mut connection = examples[number % examples.len()].clone();
        connection["name"] = json!(format!("c{number}"));
        connection["namespace"] = json!(format!("n{}", number % examples.len()));
        if let Some(name) = connection.get_mut("syncSecret") {
            *name = json!(format!("copy{number}"));
        }
        connection
    };
    json!({"connections": (first..end).map(connection).collect::<Vec<_>>()}).to_string().into_bytes()
}

/// Every referenced Secret, with all keys that the examples ask for.
fn references(connections: &[Connection]) -> References {
    let live = json!({"data": {"key": "a2V5", "accessKey": "a2V5", "password": "a2V5", "clientSecret": "a2V5", "connectionString": "a2V5"}});
    let mut references = References::default();
    for name in connections.iter().flat_map(Connection::referenced_secrets) {
        references.insert(name.to_owned(), Referenced::of(&live));
    }
    references
}

/// `VmHWM` of this process.
fn peak_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
