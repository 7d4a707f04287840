//! Looks which objects are as they should be already, by their fingerprints: in namespaces of sets by LIST, and where that is not granted one by one.
//!
//! Rule: it writes nothing and judges nothing. What differs, is not there or could not be looked at is left for `apply` to settle.

use std::cell::RefCell;
use std::collections::BTreeSet;

use sc_core::ledger::{Ledger, Open};
use sc_core::names::{Namespace, Release, has_form};
use sc_core::object::{Live, ObjectId, ObjectKind};
use sc_core::report::Outcome;

use crate::books::Books;
use crate::cluster::{Cluster, Failure, collection, path};
use crate::for_each::for_each;
use crate::stop::Stop;

/// So many pages are asked for at once: while one is compared, the next is made.
const PAGES_AT_ONCE: usize = 2;

/// What one LIST is about: the objects of a namespace that have one path.
type Collection<'a> = (&'a Namespace, ObjectKind);

/// Settles all that is as it should be: what is in these namespaces, and what else the documents of sets want.
pub(crate) async fn survey(cluster: &Cluster, namespaces: &BTreeSet<&str>, release: &Release, stop: &Stop, books: &mut Books<'_>) {
    let ledger = books.ledger;
    let is_listed = |open: &Open<'_>| namespaces.contains(open.id.namespace.as_str());
    let collections: BTreeSet<Collection<'_>> = ledger.open().filter(is_listed).map(|open| collection_of(open.id)).collect();
    let (found, mut unlisted) = (RefCell::new(&mut *books), BTreeSet::new());
    let list = |of| list(cluster, of, release, &found);
    for_each(
        collections.iter().copied(),
        list,
        || PAGES_AT_ONCE,
        stop,
        |of, listed| {
            if let Err(failure) = listed {
                tracing::info!(namespace = %of.0, %failure, "objects are looked at one by one, since they could not be listed");
                unlisted.insert(of);
            }
        },
    )
    .await;
    let is_single = |open: &Open<'_>| open.document > 0 && (!is_listed(open) || unlisted.contains(&collection_of(open.id)));
    for_each(
        ledger.open().filter(is_single),
        |open| get(cluster, open.id),
        || cluster.at_once(),
        stop,
        |open, answer| {
            if let Ok(Some(live)) = answer
                && live.fingerprint(open.id.kind) == Some(open.fingerprint)
            {
                books.settle(open.id, &Outcome::Unchanged);
            }
        },
    )
    .await;
}

/// Compares page by page, as they come.
async fn list(cluster: &Cluster, (namespace, kind): Collection<'_>, release: &Release, books: &RefCell<&mut Books<'_>>) -> Result<(), Failure> {
    let ledger = books.borrow().ledger;
    let (collection, selector, mut next) = (collection(namespace.as_str(), kind), release.selector(), String::new());
    loop {
        let page = cluster.list(&collection, &selector, &next).await?;
        page.next().clone_into(&mut next);
        for live in page.items {
            if let Some(id) = unchanged(ledger, namespace, kind, live) {
                books.borrow_mut().settle(&id, &Outcome::Unchanged);
            }
        }
        if next.is_empty() {
            return Ok(());
        }
    }
}

async fn get(cluster: &Cluster, id: &ObjectId) -> Result<Option<Live>, Failure> {
    cluster.get_as(&path(id)).await
}

/// The object that this is, if it is as it should be.
fn unchanged(ledger: &Ledger, namespace: &Namespace, listed: ObjectKind, live: Live) -> Option<ObjectId> {
    let kind = ObjectKind::ALL.into_iter().find(|kind| kind.plural() == listed.plural() && has_form(*kind, &live.metadata.name))?;
    let found = live.fingerprint(kind)?;
    let id = ObjectId { namespace: namespace.clone(), kind, name: live.metadata.name };
    (ledger.find_open(&id) == Some(found)).then_some(id)
}

/// A Binding is a Secret, too.
fn collection_of(id: &ObjectId) -> Collection<'_> {
    (&id.namespace, if id.kind == ObjectKind::Binding { ObjectKind::Secret } else { id.kind })
}
