//! The work of a run: from the values, with those of their sets, to what became of each object.
//!
//! Rule: all that can be checked is checked before the first write. Sets are read twice, so that one at a time is in memory: once to see what
//! they ask for and what is wrong with it, and once more, at the same resourceVersion, to apply it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Error, Result, anyhow};
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Connections, Unread};
use sc_core::inventory::Inventory;
use sc_core::names::Release;
use sc_core::object::{ObjectId, ObjectKind};
use sc_core::plan::{Claims, Plan};
use sc_core::problem::Problems;
use sc_core::report::{Outcome, Report, Staying, Verdict};
use sc_core::values::{DeletionPolicy, Settings};

use crate::apply::{Mode, apply};
use crate::cluster::inventory::StoredInventory;
use crate::cluster::{Cluster, references};
use crate::remove::{remove, retained};
use crate::stop::Stop;

const STORING: &str = "failed to keep the inventory, ConfigMaps `sc-inventory-…`";

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
}

/// What the work came to.
#[derive(Debug, Default)]
pub struct Done {
    /// What became of each object, and what is wrong with the values, as far as the work came.
    pub report: Report,
    /// The resourceVersions of the Secrets that were read in the namespace of the release, by name.
    pub versions: BTreeMap<String, String>,
    /// What cut it short: Secrets or the inventory could not be read or written.
    pub cut_short: Option<Error>,
}

/// What is found out on the way.
#[derive(Default)]
struct Findings {
    problems: Problems,
    claims: Claims,
    /// The objects that should be there.
    planned: Inventory,
    /// The objects that connections which are absent would have.
    removals: BTreeSet<ObjectId>,
    outcomes: BTreeMap<ObjectId, Outcome>,
    /// What should be gone and may be deleted by a later run alone.
    left: BTreeSet<ObjectId>,
    versions: BTreeMap<String, String>,
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
        let Connections { listed, sets, settings } = match Connections::parse(document, &mut found.problems) {
            Ok(connections) => connections,
            Err(problem) => {
                found.problems.push(problem);
                return Ok(None);
            }
        };
        found.claims.add(&listed, &mut found.problems);
        for set in &sets {
            self.look_at(set, &settings, found).await?;
        }
        let plan = self.plan(listed, found).await?;
        found.expect(&plan);
        let stored = self.note(&found.planned).await?;
        found.outcomes = apply(self.cluster, &plan, self.mode, self.stop).await;
        drop(plan);
        for set in &sets {
            self.apply_set(set, &settings, found).await?;
        }
        let removals = found.take_removals(stored.as_ref(), &self.release);
        self.delete(removals, found).await;
        Ok(stored)
    }

    async fn clearing(&self, found: &mut Findings) -> Result<Option<StoredInventory>> {
        let stored = self.note(&Inventory::default()).await?;
        let known = stored.as_ref().ok_or_else(|| anyhow!("the inventory is of a newer version: delete by the version that wrote it"))?;
        let removals = known.inventory.objects().map(|(id, _)| id.clone()).collect();
        self.delete(removals, found).await;
        Ok(stored)
    }

    /// When all went well, the inventory is what is planned, and what a later run may have the right to delete. What is a stranger's is never in it.
    async fn finish(&self, ended: Result<Option<StoredInventory>>, found: Findings) -> Done {
        let Findings { problems, planned, outcomes, left, versions, .. } = found;
        let report = Report { outcomes: outcomes.into_iter().collect(), problems: problems.into_vec() };
        let (is_applied, strangers) = (report.verdict() == Verdict::Applied, report.strangers().collect::<BTreeSet<_>>());
        let ended = match ended {
            Ok(Some(mut stored)) if !self.mode.dry_run && (is_applied || !strangers.is_empty()) => {
                stored.inventory.retain(|id, _| !strangers.contains(id) && (!is_applied || planned.contains(id) || left.contains(id)));
                self.store(&mut stored).await
            }
            other => other.map(drop),
        };
        Done { report, versions, cut_short: ended.err() }
    }

    async fn plan(&self, connections: Vec<Connection>, found: &mut Findings) -> Result<Plan> {
        let read = self.stop.or(references::read(self.cluster, &self.release.namespace, &connections)).await;
        let read = read.context("failed to read the referenced Secrets")?;
        found.versions.extend(read.versions);
        Ok(Plan::within(&found.claims, connections, read.references, self.release.clone(), &mut found.problems))
    }

    async fn read_set(&self, set: &ConnectionSet) -> Result<Result<(Vec<u8>, String), Unread>> {
        let read = self.stop.or(references::set(self.cluster, &self.release.namespace, set)).await;
        read.with_context(|| format!("failed to read Secret `{}/{}`", self.release.namespace, set.secret))
    }

    /// Sees what a set asks for, and what is wrong with it. Nothing of it is kept but names.
    async fn look_at(&self, set: &ConnectionSet, settings: &Settings, found: &mut Findings) -> Result<()> {
        let (bytes, version) = match self.read_set(set).await? {
            Ok(read) => read,
            Err(why) => {
                found.problems.push(set.unread(why));
                return Ok(());
            }
        };
        found.versions.insert(set.secret.clone(), version.clone());
        found.sets.insert(set.secret.clone(), version);
        let connections = set.connections(&bytes, settings, &mut found.problems);
        found.claims.add(&connections, &mut found.problems);
        let plan = self.plan(connections, found).await?;
        found.expect(&plan);
        Ok(())
    }

    /// Applies a set as it was looked at. What an earlier document has asked for, too, is there already.
    async fn apply_set(&self, set: &ConnectionSet, settings: &Settings, found: &mut Findings) -> Result<()> {
        let Some(seen) = found.sets.get(&set.secret).cloned() else { return Ok(()) };
        let bytes = match self.read_set(set).await? {
            Ok((bytes, version)) if version == seen => bytes,
            other => {
                found.problems.push(set.unread(other.err().unwrap_or(Unread::Changed)));
                return Ok(());
            }
        };
        let known = std::mem::take(&mut found.problems);
        let connections = set.connections(&bytes, settings, &mut found.problems);
        let mut plan = self.plan(connections, found).await?;
        let again = std::mem::replace(&mut found.problems, known);
        found.problems.merge(again);
        plan.pass_over(|id| found.outcomes.contains_key(id));
        found.outcomes.extend(apply(self.cluster, &plan, self.mode, self.stop).await);
        Ok(())
    }

    /// Notes in the inventory what will be made, before it is made.
    async fn note(&self, planned: &Inventory) -> Result<Option<StoredInventory>> {
        let Some(namespace) = self.inventory else { return Ok(None) };
        let read = self.stop.or(StoredInventory::read(self.cluster, namespace)).await.context(STORING)?;
        let Some(mut stored) = read.context(STORING)? else { return Ok(None) };
        if !self.mode.dry_run {
            stored.inventory.merge(planned);
            self.store(&mut stored).await?;
        }
        Ok(Some(stored))
    }

    async fn store(&self, stored: &mut StoredInventory) -> Result<()> {
        self.stop.or(stored.write(self.cluster)).await.context(STORING)?.context(STORING)
    }

    async fn delete(&self, removals: BTreeSet<ObjectId>, found: &mut Findings) {
        let removed = remove(self.cluster, &removals, &self.release, self.mode.dry_run, self.stop).await;
        let may_be_had = |outcome: &Outcome| !self.has_all_rights && matches!(outcome, Outcome::Kept { why: Staying::NoRight, .. });
        found.left.extend(removed.iter().filter(|(_, outcome)| may_be_had(outcome)).map(|(id, _)| id.clone()));
        found.outcomes.extend(removed);
    }
}

impl Findings {
    /// Takes down what a plan would make and delete.
    fn expect(&mut self, plan: &Plan) {
        plan.note_in(&mut self.planned);
        self.removals.extend(plan.removals().cloned());
    }

    /// What is to be deleted. Of what only should not be there, it is said that it stays.
    ///
    /// While something is wrong with the values, what seems to have been taken out may only be written wrongly: of that nothing is deleted.
    fn take_removals(&mut self, stored: Option<&StoredInventory>, release: &Release) -> BTreeSet<ObjectId> {
        let is_sound = self.problems.is_empty();
        let mut removals = std::mem::take(&mut self.removals);
        removals.retain(|id| !self.planned.contains(id) && (is_sound || id.kind != ObjectKind::ServiceAccount));
        for (id, policy) in stored.filter(|_| is_sound).into_iter().flat_map(|stored| stored.inventory.objects()) {
            match policy {
                _ if self.planned.contains(id) || removals.contains(id) => {}
                DeletionPolicy::Delete => drop(removals.insert(id.clone())),
                DeletionPolicy::Retain => drop(self.outcomes.insert(id.clone(), retained(id, release))),
            }
        }
        removals
    }
}
