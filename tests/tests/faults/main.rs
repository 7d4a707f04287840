//! Breaks each request of a run in each way, and kills the process before and after it, on a real API server; a run and its rerun must always
//! end where they would have without.
//!
//! `scripts/image && scripts/cluster up`, then `scripts/cluster run cargo test -p sc-tests --features faults --test faults`. That is a sample of
//! fixed seed; `SC_FAULTS=all` runs all cases, which takes minutes. Each room has four namespaces of its own, which are deleted at the end.

mod api;
mod case;
mod fault;
mod matrix;
mod process;
mod proxy;
mod room;
mod scenarios;
mod script;
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
    assert!(tally.cases >= if matrix::is_whole() { 1000 } else { 40 }, "only {} cases", tally.cases);
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let mut command = Command::new("kubectl");
        let _ = command.args(["delete", "namespace", "--ignore-not-found", "--wait=false", "--output=name"]).args(&self.0).output();
    }
}
