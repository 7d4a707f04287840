//! A run of the job that writes nothing, and what it would do.

use std::future::ready;

use sc_job::apply::{First, Mode};
use sc_job::output::{Outcomes, Output};
use sc_job::stop::Stop;
use sc_job::work::{Done, Work};

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
    (done, outcomes)
}
