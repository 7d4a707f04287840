//! The work of a run: from the values, with those of their sets, to what became of each object.
//!
//! Rule: all that can be checked is checked before the first write. Sets are read twice, so that one at a time is in memory: once to see what
//! they ask for and what is wrong with it, and once more, at the same resourceVersion, to apply it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::pin::pin;

use anyhow::{Context, Error, Result, anyhow};
use futures::stream::{self, StreamExt};
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Connections, Unread};
use sc_core::ledger::Ledger;
use sc_core::names::Release;
use sc_core::plan::Plan;
use sc_core::problem::Problems;
use sc_core::report::{Report, Verdict};
use sc_core::values::Settings;

use crate::apply::{Applier, First, Mode};
use crate::books::Books;
use crate::cluster::Cluster;
use crate::cluster::inventory::StoredInventory;
use crate::cluster::references::{self, Known};
use crate::output::Output;
use crate::remove::{remove, retained};
use crate::stop::Stop;
use crate::survey::survey;

const STORING: &str = "failed to keep the inventory, ConfigMaps `sc-inventory-…`";

/// So many sets are read at once: the next, while one is planned.
const SETS_AT_ONCE: usize = 2;

/// The document of a set and its resourceVersion, or why it was not to be had.
type Read = Result<(Vec<u8>, String), Unread>;

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
    /// What cut it short: Secrets or the inventory could not be read or written.
    pub cut_short: Option<Error>,
}

/// What is found out on the way.
#[derive(Default)]
struct Findings {
    problems: Problems,
    ledger: Ledger,
    report: Report,
    known: Known,
    /// The resourceVersions at which sets were looked at.
    sets: BTreeMap<String, String>,
}

impl Work<'_> {
    /// Makes and deletes what the document asks for.
    pub async fn run(&self, document: &[u8]) -> Done {
        let mut found = Findings::default();
        let ended = self.steps(document, &mut found).await;
        self.finish(ended, found).await
    }

    /// Deletes all that the inventory names.
    pub async fn clear(&self) -> Done {
        let mut found = Findings::default();
        let ended = self.clearing(&mut found).await;
        self.finish(ended, found).await
    }

    async fn steps(&self, document: &[u8], found: &mut Findings) -> Result<Option<StoredInventory>> {
        if self.mode.dry_run {
            self.output.line("dry run: nothing is written, this is what would become of it");
        }
        let Connections { listed, sets, settings } = match Connections::parse(document, &mut found.problems) {
            Ok(connections) => connections,
            Err(problem) => {
                found.problems.push(problem);
                return Ok(None);
            }
        };
        found.ledger.claim(&listed, &mut found.problems);
        let mut documents = stream::iter(&sets).map(async |set| (set, self.read_set(set).await)).buffered(SETS_AT_ONCE);
        while let Some((set, read)) = documents.next().await {
            self.output.progress(|| format!("looking at connection set {} of {}", set.number(), sets.len()));
            self.look_at(set, read?, &settings, found).await?;
        }
        let plan = self.plan(listed, found).await?;
        found.ledger.expect(&plan, 0);
        let stored = self.note(found).await?;
        if self.mode.first == First::Read && !sets.is_empty() {
            let namespaces = sets.iter().flat_map(|set| &set.namespaces).map(String::as_str).collect();
            survey(self.cluster, &namespaces, &self.release, self.stop, &mut self.books(&found.ledger, &mut found.report)).await;
        }
        self.apply(plan, &sets, &settings, found).await?;
        self.remove_needless(found).await;
        Ok(stored)
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
        let Findings { problems, mut ledger, mut report, known, .. } = found;
        report.problems = problems.into_vec();
        let ended = match ended {
            Ok(Some(mut stored)) if !self.mode.dry_run && ledger.forget(report.verdict() == Verdict::Applied) => {
                self.store(&mut stored, &ledger).await
            }
            other => other.map(drop),
        };
        Done { report, ledger, versions: known.versions, cut_short: ended.err() }
    }

    async fn plan(&self, connections: Vec<Connection>, found: &mut Findings) -> Result<Plan> {
        let read = found.known.read(self.cluster, &self.release.namespace, &connections);
        self.stop.or(read).await.context("failed to read the referenced Secrets")?;
        Ok(Plan::within(&found.ledger, connections, &found.known.references, &self.release, &mut found.problems))
    }

    async fn read_set(&self, set: &ConnectionSet) -> Result<Read> {
        let read = self.stop.or(references::set(self.cluster, &self.release.namespace, set)).await;
        read.with_context(|| format!("failed to read Secret `{}/{}`", self.release.namespace, set.secret))
    }

    /// Sees what a set asks for, and what is wrong with it. Nothing of it is kept but what stands in the ledger.
    async fn look_at(&self, set: &ConnectionSet, read: Read, settings: &Settings, found: &mut Findings) -> Result<()> {
        let (bytes, version) = match read {
            Ok(read) => read,
            Err(why) => {
                found.problems.push(set.unread(why));
                return Ok(());
            }
        };
        found.known.versions.insert(set.secret.clone(), version.clone());
        found.sets.insert(set.secret.clone(), version);
        let connections = set.connections(&bytes, settings, &mut found.problems);
        drop(bytes);
        found.ledger.claim(&connections, &mut found.problems);
        let plan = self.plan(connections, found).await?;
        found.ledger.expect(&plan, set.number());
        Ok(())
    }

    /// Applies the plan of the values, and then the sets of which something is open, each as it was looked at.
    async fn apply(&self, plan: Plan, sets: &[ConnectionSet], settings: &Settings, found: &mut Findings) -> Result<()> {
        let Findings { problems, ledger, report, known, sets: seen } = found;
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
