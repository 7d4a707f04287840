//! The work of a run: from the values, with those of their sets, to what became of each object.
//!
//! Rule: all that can be checked is checked before the first write. Sets are read twice, so that no more than two are in memory at a time: once to see what
//! they ask for and what is wrong with it, and once more, at the same resourceVersion, to apply it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::pin::pin;

use anyhow::{Context, Error, Result, anyhow};
use futures::future::join;
use futures::stream::{self, StreamExt};
use sc_core::azure::Need;
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Connections, Unread};
use sc_core::ledger::Ledger;
use sc_core::names::Release;
use sc_core::plan::Plan;
use sc_core::problem::Problems;
use sc_core::report::{Outcome, Report, Verdict};
use sc_core::values::Settings;

use crate::apply::{Applier, First, Mode};
use crate::books::Books;
use crate::cluster::Cluster;
use crate::cluster::inventory::StoredInventory;
use crate::cluster::references::{self, Known};
use crate::output::Output;
use crate::remove::{remove, retained};
use crate::stop::Stop;
use crate::survey::{Collection, collection_of, get_all, list_all, unchanged};

const STORING: &str = "failed to keep the inventory, ConfigMaps `sc-inventory-…`";

/// So many sets are read at once: the next, while one is planned.
const SETS_AT_ONCE: usize = 2;

/// What a run needs for its work.
pub struct Work<'a> {
    /// The API server.
    pub cluster: &'a Cluster,
    /// Whose work it is; its namespace also holds the referenced Secrets and the sets.
    pub release: Release,
    /// How the plan is applied.
    pub mode: Mode,
    /// The namespace of the inventory; none outside of a cluster unless asked. A dry run only reads it.
    pub inventory: Option<&'a str>,
    /// Whether all rights are there that can be had: what may not be deleted now will not be later.
    pub has_all_rights: bool,
    /// What ends it early.
    pub stop: &'a Stop,
    /// Where it is told what becomes of each object.
    pub output: &'a Output,
}

/// What the work came to.
#[derive(Default)]
pub struct Done {
    /// The sum of what became of the objects, and what is wrong with the values, as far as the work came.
    pub report: Report,
    /// Which objects the work was about.
    pub ledger: Ledger,
    /// The resourceVersions of the Secrets that were read in the namespace of the release, by name.
    pub versions: BTreeMap<String, String>,
    /// The resourceVersions of the connection sets that it looked at, by name.
    pub sets: BTreeMap<String, String>,
    /// Whether all that is asked for was looked at, so that the ledger has it.
    pub is_seen: bool,
    /// What must exist in Azure for the connections.
    pub needs: BTreeSet<Need>,
    /// What cut it short: Secrets or the inventory could not be read or written.
    pub cut_short: Option<Error>,
}

impl Done {
    /// How it ended, over all.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.cut_short.is_some() { Verdict::Failed } else { self.report.verdict() }
    }
}

/// What is found out on the way.
#[derive(Default)]
struct Findings {
    problems: Problems,
    ledger: Ledger,
    report: Report,
    known: Known,
    needs: BTreeSet<Need>,
    /// The resourceVersions at which sets were looked at.
    sets: BTreeMap<String, String>,
    /// Whether all documents were looked at.
    is_seen: bool,
}

/// The plan of the values, and what else they ask for.
struct Seen {
    plan: Plan,
    sets: Vec<ConnectionSet>,
    settings: Settings,
}

impl Work<'_> {
    /// Makes and deletes what the document asks for, once it is known that the run has begun; until then it only reads.
    pub async fn run(&self, document: &[u8], begun: impl Future<Output = Result<()>>) -> Done {
        let mut found = Findings::default();
        let ended = self.steps(document, begun, &mut found).await;
        self.finish(ended, found).await
    }

    /// Deletes all that the inventory names, in the same manner.
    pub async fn clear(&self, begun: impl Future<Output = Result<()>>) -> Done {
        let mut found = Findings::default();
        let ended = match begun.await {
            Ok(()) => self.clearing(&mut found).await,
            Err(error) => Err(error),
        };
        self.finish(ended, found).await
    }

    async fn steps(&self, document: &[u8], begun: impl Future<Output = Result<()>>, found: &mut Findings) -> Result<Option<StoredInventory>> {
        if self.mode.dry_run {
            self.output.line("dry run: nothing is written, this is what would become of it");
        }
        let (begun, seen) = join(begun, Box::pin(self.survey(document, found))).await;
        begun?;
        let Some(Seen { plan, sets, settings }) = seen? else { return Ok(None) };
        let stored = self.note(found).await?;
        self.apply(plan, &sets, &settings, found).await?;
        self.remove_needless(found).await;
        Ok(stored)
    }

    /// Reads all that is asked for, and what is there of it; nothing if the document cannot be read.
    async fn survey(&self, document: &[u8], found: &mut Findings) -> Result<Option<Seen>> {
        let Connections { listed, sets, settings } = match Connections::parse(document, &mut found.problems) {
            Ok(connections) => connections,
            Err(problem) => {
                found.problems.push(problem);
                return Ok(None);
            }
        };
        found.ledger.claim(&listed, &mut found.problems);
        let plan = self.look(listed, &sets, &settings, found).await?;
        found.is_seen = true;
        Ok(Some(Seen { plan, sets, settings }))
    }

    async fn clearing(&self, found: &mut Findings) -> Result<Option<StoredInventory>> {
        let stored = self.note(found).await?;
        if stored.is_none() {
            return Err(anyhow!("the inventory is of a newer version: delete by the version that wrote it"));
        }
        let removals = found.ledger.recorded().cloned().collect();
        let mut books = self.books(&found.ledger, &mut found.report);
        remove(self.cluster, &removals, &self.release, self.mode.dry_run, self.stop, &mut books).await;
        Ok(stored)
    }

    /// When all went well, the inventory is what is planned, and what a later run may have the right to delete. What is a stranger's is never in it.
    async fn finish(&self, ended: Result<Option<StoredInventory>>, found: Findings) -> Done {
        let Findings { problems, mut ledger, mut report, known, needs, sets, is_seen } = found;
        report.problems = problems.into_vec();
        let ended = match ended {
            Ok(Some(mut stored)) if !self.mode.dry_run && ledger.forget(report.verdict() == Verdict::Applied) => {
                self.store(&mut stored, &ledger).await
            }
            other => other.map(drop),
        };
        Done { report, ledger, versions: known.versions, sets, is_seen, needs, cut_short: ended.err() }
    }

    /// Looks at the sets and at last at the values, whose plan it returns: what they ask for, and what is wrong with them. What is live in a
    /// namespace of sets is looked at as soon as no later document is about it, and what is as it should be is settled.
    async fn look(&self, listed: Vec<Connection>, sets: &[ConnectionSet], settings: &Settings, found: &mut Findings) -> Result<Plan> {
        let last = last_documents(&listed, sets);
        let (shared, plan) = (RefCell::new(&mut *found), OnceCell::new());
        let read = async |set| (set, references::set(self.cluster, &self.release.namespace, set).await);
        let of_sets = stream::iter(sets).map(read).buffered(SETS_AT_ONCE).then(async |(set, read)| {
            self.output.progress(|| format!("looking at connection set {} of {}", set.number(), sets.len()));
            self.look_at(set, read, settings, &shared).await;
            set.number()
        });
        let of_values = stream::once(async {
            let _ = plan.set(self.expect(0, listed, &shared).await);
            0
        });
        let collections = of_sets.chain(of_values).flat_map(|number| {
            let is_read = self.mode.first == First::Read;
            let ledger = &shared.borrow().ledger;
            let namespaces = last.iter().filter(|(_, last)| is_read && **last == number).map(|(namespace, _)| *namespace);
            let collections: BTreeSet<Collection> = namespaces.flat_map(|name| ledger.open_in(name)).map(|open| collection_of(open.id)).collect();
            stream::iter(collections)
        });
        let seen = |of: &Collection, live| {
            let found = &mut **shared.borrow_mut();
            if let Some(id) = unchanged(&found.ledger, of, live) {
                self.books(&found.ledger, &mut found.report).settle(&id, &Outcome::Unchanged);
            }
        };
        let unlisted = list_all(self.cluster, &self.release, pin!(collections), self.stop, seen).await?;
        get_all(self.cluster, &unlisted, self.stop, &mut self.books(&found.ledger, &mut found.report)).await;
        plan.into_inner().ok_or_else(|| anyhow!("the values were not planned"))
    }

    /// Sees what a set asks for, and what is wrong with it. Nothing of it is kept but what stands in the ledger.
    async fn look_at(&self, set: &ConnectionSet, read: Result<(Vec<u8>, String), Unread>, settings: &Settings, shared: &RefCell<&mut Findings>) {
        let connections = {
            let found = &mut **shared.borrow_mut();
            let (bytes, version) = match read {
                Ok(read) => read,
                Err(why) => return found.problems.push(set.unread(why)),
            };
            found.known.versions.insert(set.secret.clone(), version.clone());
            found.sets.insert(set.secret.clone(), version);
            let connections = set.connections(&bytes, settings, &mut found.problems);
            found.ledger.claim(&connections, &mut found.problems);
            connections
        };
        self.expect(set.number(), connections, shared).await;
    }

    /// Plans the connections of a document, and takes down what the plan wants.
    async fn expect(&self, number: u16, connections: Vec<Connection>, shared: &RefCell<&mut Findings>) -> Plan {
        let missing = shared.borrow().known.missing(&connections);
        let answers = references::read(self.cluster, &self.release.namespace, missing).await;
        let found = &mut **shared.borrow_mut();
        found.known.add(answers);
        let plan = Plan::within(&found.ledger, connections, &found.known.references, &self.release, &mut found.problems);
        found.ledger.expect(&plan, number);
        found.needs.extend(plan.connections().flat_map(Need::of));
        plan
    }

    /// Applies the plan of the values, and then the sets of which something is open, each as it was looked at.
    async fn apply(&self, plan: Plan, sets: &[ConnectionSet], settings: &Settings, found: &mut Findings) -> Result<()> {
        let Findings { problems, ledger, report, known, sets: seen, .. } = found;
        let open: BTreeSet<u16> = ledger.open().map(|open| open.document).collect();
        let again = stream::iter(sets.iter().filter(|set| open.contains(&set.number()))).then(async |set| {
            let (bytes, version) = references::set(self.cluster, &self.release.namespace, set).await.map_err(|why| set.unread(why))?;
            if seen.get(&set.secret) != Some(&version) {
                return Err(set.unread(Unread::Changed));
            }
            // What is wrong with it is known since the first look.
            let connections = set.connections(&bytes, settings, &mut Problems::default());
            Ok(Plan::again(ledger, connections, &self.release))
        });
        let again = again.filter_map(|plan| ready(plan.map_err(|problem| problems.push(problem)).ok()));
        let plans = pin!(stream::iter([plan]).chain(again));
        let applier = Applier { cluster: self.cluster, release: &self.release, references: &known.references, mode: self.mode };
        applier.apply(plans, self.stop, &mut self.books(ledger, report)).await;
        // What was not even begun is told by why the run ended.
        match self.stop.reason() {
            Some(reason) if ledger.open().next().is_some() => Err(reason.into()),
            _ => Ok(()),
        }
    }

    /// Notes in the inventory what will be made, before it is made.
    async fn note(&self, found: &mut Findings) -> Result<Option<StoredInventory>> {
        let Some(namespace) = self.inventory else { return Ok(None) };
        let read = self.stop.or(StoredInventory::read(self.cluster, namespace, &mut found.ledger)).await.context(STORING)?;
        let Some(mut stored) = read.context(STORING)? else { return Ok(None) };
        if !self.mode.dry_run {
            found.ledger.record_expected();
            self.store(&mut stored, &found.ledger).await?;
        }
        Ok(Some(stored))
    }

    async fn store(&self, stored: &mut StoredInventory, ledger: &Ledger) -> Result<()> {
        self.stop.or(stored.write(self.cluster, ledger)).await.context(STORING)?.context(STORING)
    }

    /// Deletes what should be gone. Of what only should not be there, it is said that it stays.
    ///
    /// While something is wrong with the values, what seems to have been taken out may only be written wrongly: of that nothing is deleted.
    async fn remove_needless(&self, found: &mut Findings) {
        let is_sound = found.problems.is_empty();
        let mut books = self.books(&found.ledger, &mut found.report);
        if is_sound {
            found.ledger.retained().for_each(|id| books.settle(id, &retained(id, &self.release)));
        }
        let removals = found.ledger.removals(is_sound);
        remove(self.cluster, &removals, &self.release, self.mode.dry_run, self.stop, &mut books).await;
    }

    fn books<'b>(&'b self, ledger: &'b Ledger, report: &'b mut Report) -> Books<'b> {
        Books { ledger, report, output: self.output, has_all_rights: self.has_all_rights }
    }
}

/// The number of the last document that is about a namespace of sets, as they are looked at: the values after all sets.
fn last_documents<'a>(listed: &[Connection], sets: &'a [ConnectionSet]) -> BTreeMap<&'a str, u16> {
    let mut last: BTreeMap<&str, u16> = sets.iter().flat_map(|set| set.namespaces.iter().map(|name| (name.as_str(), set.number()))).collect();
    for connection in listed {
        last.get_mut(connection.namespace.as_str()).into_iter().for_each(|number| *number = 0);
    }
    last
}
