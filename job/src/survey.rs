//! Looks which objects are as they should be already, by their fingerprints: in namespaces of sets by LIST, and where that is not granted one by one.
//!
//! Rule: it writes nothing and judges nothing. What differs, is not there or could not be looked at is left for `apply` to settle.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use futures::stream;
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
    let (found, mut unlisted, is_granted) = (RefCell::new(&mut *books), BTreeSet::new(), Cell::new(true));
    let list = async |of| {
        // The chart grants it in all of these namespaces or, by hand, in none.
        let listed = if is_granted.get() { list(cluster, of, release, &found).await } else { Err(Failure::Forbidden { verb: "list" }) };
        is_granted.set(is_granted.get() && !matches!(listed, Err(Failure::Forbidden { .. })));
        (of, listed)
    };
    let note = |(of, listed): (_, Result<(), Failure>)| {
        if let Err(failure) = listed {
            let (namespace, _): Collection<'_> = of;
            tracing::info!(%namespace, %failure, "objects are looked at one by one, since they could not be listed");
            unlisted.insert(of);
        }
    };
    for_each(stream::iter(collections.iter().copied()), list, || PAGES_AT_ONCE, stop, note).await;
    let is_single = |open: &Open<'_>| open.document > 0 && (!is_listed(open) || unlisted.contains(&collection_of(open.id)));
    let note = |unchanged: Option<&ObjectId>| {
        if let Some(id) = unchanged {
            books.settle(id, &Outcome::Unchanged);
        }
    };
    for_each(stream::iter(ledger.open().filter(is_single)), |open| get(cluster, open), || cluster.at_once(), stop, note).await;
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

/// Gives its name if it is as it should be.
async fn get<'a>(cluster: &Cluster, Open { id, fingerprint, .. }: Open<'a>) -> Option<&'a ObjectId> {
    let live: Option<Live> = cluster.get_as(&path(id)).await.ok()?;
    (live?.fingerprint(id.kind) == Some(fingerprint)).then_some(id)
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
