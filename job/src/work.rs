//! The work of a run: from the values, with those of their sets, to what became of each object.
//!
//! Rule: all that can be checked is checked before the first write. Sets are read twice, so that one at a time is in memory: once to see what
//! they ask for and what is wrong with it, and once more, at the same resourceVersion, to apply it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow};
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Connections, Unread};
use sc_core::inventory::Inventory;
use sc_core::names::Release;
use sc_core::object::{ObjectId, ObjectKind};
use sc_core::plan::{Claims, Plan};
use sc_core::problem::Problems;
use sc_core::report::{Outcome, Report, Verdict};
use sc_core::values::{DeletionPolicy, Settings};

use crate::apply::{Mode, apply};
use crate::cluster::inventory::Kept;
use crate::cluster::{Cluster, references};
use crate::remove::{remove, retained};
use crate::stop::Stop;

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
    /// What became of each object, and what is wrong with the values.
    pub report: Report,
    /// The resourceVersions of the Secrets that were read in the namespace of the release, by name.
    pub versions: BTreeMap<String, String>,
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
    versions: BTreeMap<String, String>,
    /// The resourceVersions at which sets were looked at.
    sets: BTreeMap<String, String>,
}

impl Work<'_> {
    /// Does it.
    ///
    /// # Errors
    /// If Secrets or the inventory cannot be read or written.
    pub async fn run(&self, document: &[u8]) -> Result<Done> {
        let mut found = Findings::default();
        let Connections { listed, sets, settings } = match Connections::parse(document, &mut found.problems) {
            Ok(connections) => connections,
            Err(problem) => {
                found.problems.push(problem);
                return Ok(found.done());
            }
        };
        found.claims.add(&listed, &mut found.problems);
        for set in &sets {
            self.look_at(set, &settings, &mut found).await?;
        }
        let plan = self.plan(listed, &mut found).await?;
        plan.note_in(&mut found.planned);
        found.removals.extend(plan.removals().cloned());
        let kept = self.note(&found.planned).await?;
        found.outcomes = apply(self.cluster, &plan, self.mode, self.stop).await;
        drop(plan);
        for set in &sets {
            self.apply_set(set, &settings, &mut found).await?;
        }
        self.clear(kept, found).await
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
        plan.note_in(&mut found.planned);
        found.removals.extend(plan.removals().cloned());
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
    async fn note(&self, planned: &Inventory) -> Result<Option<(Kept, Inventory)>> {
        let Some(namespace) = self.inventory else { return Ok(None) };
        let named = || format!("failed to keep the inventory, ConfigMaps `{namespace}/sc-inventory-…`");
        let read = self.stop.or(Kept::read(self.cluster, namespace)).await.with_context(named)?;
        let Some((mut kept, mut inventory)) = read.with_context(named)? else { return Ok(None) };
        if self.mode.dry_run {
            return Ok(Some((kept, inventory)));
        }
        inventory.merge(planned);
        self.stop.or(kept.write(self.cluster, &inventory)).await.with_context(named)?.with_context(named)?;
        Ok(Some((kept, inventory)))
    }

    /// Deletes what should be gone, says what stays, and forgets both when all went well.
    ///
    /// While something is wrong with the values, what seems to have been taken out may only be written wrongly: of that nothing is deleted.
    async fn clear(&self, kept: Option<(Kept, Inventory)>, mut found: Findings) -> Result<Done> {
        let is_sound = found.problems.is_empty();
        let mut removals = std::mem::take(&mut found.removals);
        removals.retain(|id| !found.planned.contains(id) && (is_sound || id.kind != ObjectKind::ServiceAccount));
        if let Some((_, inventory)) = kept.as_ref().filter(|_| is_sound) {
            let left: Vec<_> = inventory.objects().filter(|(id, _)| !found.planned.contains(id) && !removals.contains(*id)).collect();
            for (id, policy) in left {
                match policy {
                    DeletionPolicy::Delete => drop(removals.insert(id.clone())),
                    DeletionPolicy::Retain => drop(found.outcomes.insert(id.clone(), retained(id))),
                }
            }
        }
        let planned = std::mem::take(&mut found.planned);
        let kept = kept.map(|(kept, inventory)| (kept, inventory, planned));
        self.delete(removals, kept, found).await
    }

    /// Deletes all that the inventory names.
    ///
    /// # Errors
    /// If the inventory cannot be read or written.
    pub async fn clear_all(&self) -> Result<Done> {
        let kept = self.note(&Inventory::default()).await?;
        if kept.is_none() {
            return Err(anyhow!("the inventory is of a newer version: delete by the version that wrote it"));
        }
        let removals = kept.iter().flat_map(|(_, inventory)| inventory.objects()).map(|(id, _)| id.clone()).collect();
        let kept = kept.map(|(kept, inventory)| (kept, inventory, Inventory::default()));
        self.delete(removals, kept, Findings::default()).await
    }

    /// Deletes these objects. When all went well, the inventory is what is planned, and what a later run may have the right to delete.
    async fn delete(&self, removals: BTreeSet<ObjectId>, kept: Option<(Kept, Inventory, Inventory)>, mut found: Findings) -> Result<Done> {
        let removed = remove(self.cluster, &removals, &self.release, self.mode.dry_run, self.stop).await;
        let may_pass = |outcome: &Outcome| matches!(outcome, Outcome::Kept { may_pass: true, .. });
        let left: BTreeSet<ObjectId> =
            removed.iter().filter(|(_, outcome)| !self.has_all_rights && may_pass(outcome)).map(|(id, _)| id.clone()).collect();
        found.outcomes.extend(removed);
        let done = found.done();
        if let Some((mut kept, mut inventory, planned)) = kept.filter(|_| done.report.verdict() == Verdict::Applied && !self.mode.dry_run) {
            inventory.retain(|id, _| planned.contains(id) || left.contains(id));
            let named = || "failed to keep the inventory".to_owned();
            self.stop.or(kept.write(self.cluster, &inventory)).await.with_context(named)?.with_context(named)?;
        }
        Ok(done)
    }
}

impl Findings {
    fn done(self) -> Done {
        let report = Report { outcomes: self.outcomes.into_iter().collect(), problems: self.problems.into_vec() };
        Done { report, versions: self.versions }
    }
}
