//! Breaks each request of a run in each way, and kills the process before and after it, on a real API server; a run and its rerun must always
//! end where they would have without. Beside that, sequences of operations and runs are held against a model of what the documents say.
//!
//! `scripts/image && scripts/cluster up`, then `scripts/cluster run cargo test -p sc-tests --features faults --test faults`. That is a sample of
//! fixed seed; `-- --include-ignored` runs all cases, which takes half an hour, and `SC_SEQUENCE=7 … sequence` the seventh sequence alone, step by step.
//! Each room has four namespaces of its own, which are deleted at the end.

mod api;
mod case;
mod fault;
mod matrix;
mod model;
mod operations;
mod pool;
mod process;
mod proxy;
mod random;
mod room;
mod scenarios;
mod script;
mod sequences;
mod state;

use std::process::Command;

use room::Names;

/// Deletes the namespaces at the end. That they are gone, some seconds later, is not waited for.
struct Namespaces(Vec<String>);

#[test]
fn every_fault_is_survived_or_mended_by_the_next_run() {
    let names: Vec<Names> = (0..matrix::rooms()).map(Names::of).collect();
    let _namespaces = Namespaces(names.iter().flat_map(Names::all).cloned().collect());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tally = runtime.block_on(matrix::run(names));
    assert!(tally.failures.is_empty(), "{} of {} cases failed", tally.failures.len(), tally.cases);
    assert!(tally.cases >= if sc_tests::is_whole() { 1000 } else { 40 }, "only {} cases", tally.cases);
}

#[test]
fn any_sequence_of_operations_comes_to_what_the_documents_say() {
    let begin = matrix::rooms();
    let names: Vec<Names> = (begin..begin + sequences::rooms()).map(Names::of).collect();
    let _namespaces = Namespaces(names.iter().flat_map(Names::all).cloned().collect());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tally = runtime.block_on(sequences::run(names));
    assert!(tally.failures.is_empty(), "{} of {} sequences failed", tally.failures.len(), tally.sequences);
    let unseen: Vec<&str> = sequences::THINGS.into_iter().filter(|thing| !tally.seen.contains_key(*thing)).collect();
    assert!(unseen.is_empty() || sequences::seeds().len() == 1, "no sequence had {unseen:?}");
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let mut command = Command::new("kubectl");
        let _ = command.args(["delete", "namespace", "--ignore-not-found", "--wait=false", "--output=name"]).args(&self.0).output();
    }
}
