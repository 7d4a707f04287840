//! A run of the job that writes nothing, and what it would do.

use std::future::ready;

use sc_core::report::Outcome;
use sc_job::apply::{First, Mode};
use sc_job::output::{Outcomes, Output};
use sc_job::stop::Stop;
use sc_job::work::{Done, Work};

use crate::output::RIGHT;
use crate::store::Store;

/// Runs over a document: the sum, and what would become of each object that is not as it should be, by namespace, kind and name. With the namespace of
/// the inventory that is also what would be deleted, and what would stay.
pub(crate) async fn dry_run(store: &Store<'_>, document: &[u8], inventory: Option<&str>) -> (Done, Outcomes) {
    let (stop, output) = (Stop::new(), Output::kept());
    let work = Work {
        cluster: &store.cluster,
        release: store.place.release(),
        mode: Mode { first: First::Read, dry_run: true },
        inventory,
        has_all_rights: inventory.is_some(),
        stop: &stop,
        output: &output,
    };
    let done = work.run(document, ready(Ok(()))).await;
    let mut outcomes = output.into_outcomes();
    outcomes.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (_, outcome) in &mut outcomes {
        for_person(outcome);
    }
    (done, outcomes)
}

/// What the rights of the job would be in a run are here those of the person.
fn for_person(outcome: &mut Outcome) {
    if let Outcome::Refused { reason, fix, .. } = outcome
        && let Some(what) = reason.strip_prefix("the job has no right to ")
    {
        *reason = format!("you have no right to {what}");
        RIGHT.clone_into(fix);
    }
}
