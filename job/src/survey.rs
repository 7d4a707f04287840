//! Looks which objects are as they should be already, by their fingerprints: in namespaces of sets by LIST, and where that is not granted one by one.
//!
//! Rule: it writes nothing and judges nothing. What differs, is not there or could not be looked at is left for `apply` to settle.

use std::cell::Cell;
use std::collections::BTreeSet;

use futures::stream::{self, Stream};
use sc_core::ledger::{Ledger, Open};
use sc_core::names::{Namespace, Release, has_form};
use sc_core::object::{Live, ObjectId, ObjectKind};
use sc_core::report::Outcome;

use crate::books::Books;
use crate::cluster::{Cluster, Failure, collection, path};
use crate::for_each::for_each;
use crate::stop::{Reason, Stop};

/// So many pages are asked for at once: while one is compared, others are made.
const PAGES_AT_ONCE: usize = 4;

/// After so many refusals no further LIST is tried: the chart grants it in all of these namespaces, and somebody else's rights perhaps in none.
const REFUSALS: usize = 4;

/// What one LIST is about: the objects of a namespace that have one path.
pub(crate) type Collection = (Namespace, ObjectKind);

/// Shows each live object of these collections to `seen`. Returns those that could not be listed.
///
/// # Errors
/// Why the run must end.
pub(crate) async fn list_all(
    cluster: &Cluster,
    release: &Release,
    collections: impl Stream<Item = Collection>,
    stop: &Stop,
    seen: impl Fn(&Collection, Live),
) -> Result<BTreeSet<Collection>, Reason> {
    let (mut unlisted, refusals) = (BTreeSet::new(), Cell::new(0));
    let list = async |of| {
        let listed = if refusals.get() < REFUSALS { list(cluster, release, &of, &seen).await } else { Err(Failure::Forbidden { verb: "list" }) };
        refusals.set(refusals.get() + usize::from(matches!(listed, Err(Failure::Forbidden { .. }))));
        (of, listed)
    };
    let note = |(of, listed): (Collection, Result<(), Failure>)| {
        if let Err(failure) = listed {
            tracing::debug!(namespace = %of.0, %failure, "objects are looked at one by one, since they could not be listed");
            unlisted.insert(of);
        }
    };
    let ended = for_each(collections, list, || PAGES_AT_ONCE, stop, note).await;
    if !unlisted.is_empty() {
        tracing::info!(lists = unlisted.len(), "objects are looked at one by one where they could not be listed: --verbose says why");
    }
    ended.map_or(Ok(unlisted), Err)
}

/// Looks page by page, as they come.
async fn list(cluster: &Cluster, release: &Release, of: &Collection, seen: impl Fn(&Collection, Live)) -> Result<(), Failure> {
    let (collection, selector, mut next) = (collection(of.0.as_str(), of.1), release.selector(), String::new());
    loop {
        let page = cluster.list(&collection, &selector, &next).await?;
        page.next().clone_into(&mut next);
        page.items.into_iter().for_each(|live| seen(of, live));
        if next.is_empty() {
            return Ok(());
        }
    }
}

/// Settles what is as it should be of these collections, by a GET of each object that sets want.
pub(crate) async fn get_all(cluster: &Cluster, collections: &BTreeSet<Collection>, stop: &Stop, books: &mut Books<'_>) {
    let ledger = books.ledger;
    let is_single = |open: &Open<'_>| open.document > 0 && collections.contains(&collection_of(open.id));
    let note = |unchanged: Option<&ObjectId>| {
        if let Some(id) = unchanged {
            books.settle(id, &Outcome::Unchanged);
        }
    };
    for_each(stream::iter(ledger.open().filter(is_single)), |open| get(cluster, open), || cluster.at_once(), stop, note).await;
}

/// Gives its name if it is as it should be.
async fn get<'a>(cluster: &Cluster, Open { id, fingerprint, .. }: Open<'a>) -> Option<&'a ObjectId> {
    let live: Option<Live> = cluster.get_as(&path(id)).await.ok()?;
    (live?.fingerprint(id.kind) == Some(fingerprint)).then_some(id)
}

/// The object that this is, if it is as it should be.
pub(crate) fn unchanged(ledger: &Ledger, (namespace, listed): &Collection, live: Live) -> Option<ObjectId> {
    let kind = ObjectKind::ALL.into_iter().find(|kind| kind.plural() == listed.plural() && has_form(*kind, &live.metadata.name))?;
    let found = live.fingerprint(kind)?;
    let id = ObjectId { namespace: namespace.clone(), kind, name: live.metadata.name };
    (ledger.find_open(&id) == Some(found)).then_some(id)
}

/// What a LIST gives an object by: of all Secrets there is one.
pub(crate) fn collection_of(id: &ObjectId) -> Collection {
    let is_secret = matches!(id.kind, ObjectKind::Binding | ObjectKind::VaultLogin);
    (id.namespace.clone(), if is_secret { ObjectKind::Secret } else { id.kind })
}
