//! The values of the release: where connections are kept. They are changed through Helm, and by one `sc` at a time.
//!
//! Rule: a change is checked before anything is written, and whatever ends it early leaves the old values or the new.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use sc_core::connections::Connections;
use sc_core::ledger::Ledger;
use sc_core::problem::{Problem, Problems};
use sc_job::cluster::lease::{Lease, LeaseName};
use sc_job::cluster::{Cluster, Failure};
use sc_job::exit;
use sc_job::stop::Stop;
use serde_json::{Value, json};

use crate::chart;
use crate::credentials::{self, CredentialSecret, reclaim, sweep};
use crate::fault::{Fault, Problematic};
use crate::helm::{Helm, Stored, last_whole};
use crate::interrupt;
use crate::listing;
use crate::output;
use crate::place::Place;
use crate::progress;
use crate::proof::{self, Proof, State};

/// The Lease that one `sc` at a time holds while it changes the release.
const LEASE: &str = "sc-cli";

/// The release, and how to reach it.
pub(crate) struct Store<'a> {
    /// Where it is.
    pub(crate) place: &'a Place,
    /// Its cluster.
    pub(crate) cluster: Cluster,
    /// Its Helm.
    pub(crate) helm: Helm<'a>,
    stop: Stop,
}

/// A change of the values, and what it needs to be possible.
pub(crate) struct Change {
    /// The new values.
    pub(crate) values: Value,
    /// Credentials that the new values refer to.
    pub(crate) secrets: Vec<CredentialSecret>,
    /// What is done, for people: `creating connection …`.
    pub(crate) what: String,
    /// Whether to wait until the job has run.
    pub(crate) wait: bool,
}

impl<'a> Store<'a> {
    /// The release at this place.
    pub(crate) async fn at(place: &'a Place) -> Result<Self> {
        let stop = Stop::new();
        Ok(Self { place, cluster: place.cluster().await?, helm: Helm::of(place, stop.clone()), stop })
    }

    /// The release as it is now.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(crate) async fn stored(&self) -> Result<Stored> {
        let found = progress::during("reading the release", self.helm.status()).await?;
        found.ok_or_else(|| self.no_release().into())
    }

    /// Says that there is none.
    pub(crate) fn no_release(&self) -> Fault {
        let Place { release, release_namespace, .. } = self.place;
        Fault::failed(
            format!("there is no release `{release}` in namespace `{release_namespace}`"),
            format!("install it by `{} install`, or name another by `--release` and `--release-namespace`", self.place.command("sc")),
        )
    }

    /// Installs the release with these values, when there is none.
    ///
    /// # Errors
    /// What is wrong with the values, or why they could not be applied.
    pub(crate) async fn install(&self, values: &Value, create_namespace: bool) -> Result<()> {
        self.check(values, &Value::Null).await?;
        self.refuse_absent_namespaces(values, &Value::Null).await?;
        self.helm.version().await?;
        interrupt::heed(&self.stop, self.place)?;
        let folder = chart::unpack()?;
        let more: &[&str] = if create_namespace { &["--create-namespace"] } else { &[] };
        let what = format!("installing release `{}`", self.place.release);
        let installed = progress::during(&what, self.helm.apply("install", (folder.path(), values), more)).await.context("`helm install` failed");
        match (installed, self.helm.status().await) {
            (Ok(_), _) => Ok(()),
            (Err(error), Ok(Some(now))) => Err(self.kept(error, &now).await),
            (Err(error), _) => Err(error),
        }
    }

    /// Changes the values: reads them, has them changed, checks them, and hands them to Helm, all while no other `sc` does.
    ///
    /// # Errors
    /// What is wrong with the new values, or why they could not be applied; then it is said whether they are kept.
    pub(crate) async fn change(&self, change: impl AsyncFnOnce(&Stored) -> Result<Change>) -> Result<()> {
        let changed = async {
            let mut stored = self.stored().await?;
            self.refuse_pending(&stored)?;
            self.forget_done(&mut stored).await?;
            let change = change(&stored).await?;
            self.refuse_overtaken(&stored).await?;
            self.apply(&stored, change).await
        };
        // On the heap: all of a change is in it.
        Box::pin(self.alone(changed)).await
    }

    /// Uninstalls the release, and deletes the credentials that were kept for it.
    ///
    /// # Errors
    /// Why it could not be uninstalled, or what could not be deleted.
    pub(crate) async fn uninstall(&self) -> Result<()> {
        let uninstalled = async {
            let what = format!("uninstalling release `{}`", self.place.release);
            let values = values_of(&self.stored().await?);
            let said = progress::during(&what, self.helm.uninstall(&values)).await.context("`helm uninstall` failed")?;
            // Helm 4 takes that for a success.
            if let Some((_, kept)) = said.split_once("were not deleted") {
                let kept = kept.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ");
                let fix = "have somebody delete them who has the right to";
                return Err(Fault::failed(format!("Helm has uninstalled the release, and has left what is of it: {kept}"), fix).into());
            }
            credentials::forget(&self.cluster, &self.place.release()).await
        };
        Box::pin(self.alone(uninstalled)).await
    }

    /// Does something while no other `sc` changes the release.
    async fn alone(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        let lease = LeaseName { namespace: &self.place.release_namespace, name: LEASE };
        interrupt::heed(&self.stop, self.place)?;
        let holder = format!("sc-{}-{:08x}", std::process::id(), fastrand::u32(..));
        // First, since without a release there may be no namespace for the Lease.
        self.stored().await?;
        let held = progress::during("waiting for another `sc` to end", self.stop.or(Lease::take(&self.cluster, lease, &holder, &self.stop))).await;
        let held = held?.map_err(|failure| self.no_lease(failure))?;
        let ended = work.await;
        held.release(&self.cluster).await;
        ended
    }

    /// Whoever was asked for something may have taken longer than the Lease lasts, or have been told to end.
    async fn refuse_overtaken(&self, stored: &Stored) -> Result<()> {
        if let Some(reason) = self.stop.reason() {
            return Err(anyhow::Error::new(reason).context("nothing was changed"));
        }
        if self.stored().await?.revision == stored.revision {
            return Ok(());
        }
        Err(Fault::failed("the release was changed meanwhile, and nothing of this", "try again").into())
    }

    fn no_lease(&self, failure: Failure) -> anyhow::Error {
        let what = format!("failed to take Lease `{}/{LEASE}`", self.place.release_namespace);
        match failure {
            Failure::Held => Fault::failed(
                what,
                format!(
                    "another `sc` holds it: wait for it, or look whose it is by `{} -n {} get lease {LEASE} -o yaml`",
                    self.place.command("kubectl"),
                    self.place.release_namespace
                ),
            )
            .into(),
            other => anyhow::Error::new(other).context(what),
        }
    }

    /// Takes out what is proved to be done: the entries of connections that are absent, and that an object of others is to be taken over.
    async fn forget_done(&self, stored: &mut Stored) -> Result<()> {
        let is_absent = |entry: &Value| entry["state"] == "absent";
        let list = stored.values.as_ref().and_then(|values| values["connections"].as_array()).map_or(&[][..], Vec::as_slice);
        if !list.iter().any(|entry| is_absent(entry) || entry["adopt"] == true) {
            return Ok(());
        }
        let proof = Proof::read(&self.cluster, &self.place.release_namespace).await?;
        if proof.state_of(stored) == State::Succeeded
            && let Some(list) = stored.values.as_mut().and_then(|values| values["connections"].as_array_mut())
        {
            list.retain(|entry| !is_absent(entry));
            list.iter_mut().filter_map(Value::as_object_mut).for_each(|entry| drop(entry.remove("adopt")));
        }
        Ok(())
    }

    pub(crate) fn refuse_pending(&self, stored: &Stored) -> Result<()> {
        if !stored.is_pending() {
            return Ok(());
        }
        let what = format!("revision {} of the release is `{}` since {}", stored.revision, stored.info.status, stored.info.last_deployed);
        Err(Fault::failed(what, format!("if Helm is at work on it, wait; if it was killed, {}", self.way_out(stored))).into())
    }

    /// How a release is unlocked that Helm has left pending.
    fn way_out(&self, stored: &Stored) -> String {
        let Place { release, release_namespace, .. } = self.place;
        let helm = self.place.command("helm");
        match stored.info.status.as_str() {
            "pending-install" => format!("take it away by `{helm} uninstall {release} --namespace {release_namespace}`, and install it"),
            _ => format!("go back by `{helm} rollback {release} --namespace {release_namespace}`, and try again"),
        }
    }

    async fn apply(&self, stored: &Stored, change: Change) -> Result<()> {
        let before = values_of(stored);
        self.check(&change.values, &before).await?;
        self.refuse_absent_namespaces(&change.values, &before).await?;
        refuse_newer_chart(stored)?;
        for secret in &change.secrets {
            secret.create(&self.cluster, &self.place.release()).await?;
        }
        reclaim(self, &change.values).await;
        let folder = chart::unpack()?;
        let upgraded = self.upgrade(folder.path(), &change).await;
        // What became of the values is what Helm has now, whatever it said.
        let now = self.helm.status().await;
        if let Ok(Some(now)) = &now {
            sweep(self, stored, now).await;
        }
        match (upgraded, now) {
            (Ok(()), _) => Ok(()),
            (Err(error), Ok(Some(now))) if now.revision > stored.revision => Err(self.kept(error, &now).await),
            (Err(error), Ok(_)) => {
                for secret in &change.secrets {
                    secret.withdraw(&self.cluster, &self.place.release()).await;
                }
                Err(error.context("nothing was changed"))
            }
            (Err(error), Err(_)) => {
                Err(error.context(format!("it is not known whether the values were changed: see `{} status`", self.place.command("sc"))))
            }
        }
    }

    /// Whether the values are as right as those before them, by the same rules that the job goes by. What was wrong before is no fault of the change, and
    /// may be mended by others like it.
    async fn check(&self, values: &Value, before: &Value) -> Result<()> {
        let now = self.problems(values).await;
        let before = if now.is_empty() || before.is_null() { Vec::new() } else { self.problems(before).await };
        let (old, new): (Vec<_>, Vec<_>) = now.into_iter().partition(|problem| before.contains(problem));
        if !new.is_empty() {
            return Err(Problematic { names: names_of(values), ..Problematic::of(new) }.into());
        }
        output::problems_beside(&old);
        Ok(())
    }

    /// Helm would fail half-way at a namespace that is not there, since the job has its rights in each. Those of before are told when Helm does.
    async fn refuse_absent_namespaces(&self, values: &Value, before: &Value) -> Result<()> {
        let before = namespaces_of(before);
        // That of the release may be made by the installation.
        for name in namespaces_of(values).difference(&before).filter(|name| **name != self.place.release_namespace) {
            if !self.has_namespace(name).await? {
                return Err(self.no_namespace(name, "list it under `namespaces.create` of the values").into());
            }
        }
        Ok(())
    }

    /// Whether there is such a namespace.
    ///
    /// # Errors
    /// If the API server does not say.
    pub(crate) async fn has_namespace(&self, name: &str) -> Result<bool> {
        match self.cluster.get(&format!("/api/v1/namespaces/{name}")).await {
            Ok(found) => Ok(found.is_some()),
            Err(Failure::NoNamespace) => Ok(false),
            // Who may not read it may still be allowed to use it: Helm says so if not.
            Err(Failure::Forbidden { .. }) => Ok(true),
            Err(failure) => Err(failure).with_context(|| format!("failed to read namespace `{name}`")),
        }
    }

    /// Says that a namespace is not there, and how to have it made.
    pub(crate) fn no_namespace(&self, name: &str, way: &str) -> Fault {
        let fix = format!("make it by `{} create namespace {name}`, or {way}", self.place.command("kubectl"));
        Fault::invalid(format!("there is no namespace `{name}`"), fix)
    }

    /// What is wrong with values. Of connection sets only that with which the values dispute: the rest is nothing that a change of the values could mend.
    async fn problems(&self, values: &Value) -> Vec<Problem> {
        let mut problems = Problems::default();
        let mut ledger = Ledger::default();
        match Connections::parse(values.to_string().as_bytes(), &mut problems) {
            Err(problem) => problems.push(problem),
            Ok(Connections { listed, sets, settings }) => {
                for (set, read) in sets.iter().zip(listing::read_sets(&self.cluster, &self.place.release_namespace, &sets).await) {
                    let of_sets = &mut Problems::default();
                    let connections = read.map(|bytes| set.connections(&bytes, &settings, of_sets)).unwrap_or_default();
                    ledger.claim(&connections, of_sets);
                }
                ledger.claim(&listed, &mut problems);
            }
        }
        problems.into_vec()
    }

    async fn upgrade(&self, chart: &Path, change: &Change) -> Result<()> {
        let more: &[&str] = if change.wait { &["--reset-values"] } else { &["--reset-values", "--no-hooks"] };
        let upgrade = self.helm.apply("upgrade", (chart, &change.values), more);
        progress::during(&change.what, upgrade).await.context("`helm upgrade` failed")?;
        if !change.wait {
            crate::run::begin(&self.cluster, self.place).await?;
        }
        Ok(())
    }

    /// Says that the new values are kept, and why they were not applied.
    async fn kept(&self, error: anyhow::Error, now: &Stored) -> anyhow::Error {
        let failure = proof::failure(&self.cluster, &self.place.release_namespace).await;
        let but = if failure.is_some() { "not all of that is applied" } else { "is not proved to be applied" };
        let what = format!("the change is kept as revision {} of the release, but {but}", now.revision);
        let Place { release, release_namespace, .. } = self.place;
        let sc = self.place.command("sc");
        let last = last_whole(&self.helm.history().await.unwrap_or_default(), now.revision);
        let way = match last {
            None => format!("give it better values by `{sc} upgrade --values FILE`"),
            Some(last) => format!("go back by `{} rollback {release} {last} --namespace {release_namespace}`", self.place.command("helm")),
        };
        let fix = if now.is_pending() {
            // Asked to end, Helm now and then writes its last word before the one that it was at.
            format!("Helm has left it `{}`: {}", now.info.status, self.way_out(now))
        } else {
            // Without a run, Helm itself has failed, and may not have come to what a rerun stands on.
            let again = if failure.is_some() { "rerun" } else { "upgrade" };
            format!("look by `{sc} status`, mend the cause and run `{sc} {again}`, or {way}")
        };
        let fault = Fault::of(failure.as_ref().map_or(exit::FAILED, |proof| proof.code), what, fix);
        failure.map_or(error, |proof| anyhow::anyhow!(proof.reason)).context(fault)
    }
}

/// A chart that is newer is not put back behind its users' back.
fn refuse_newer_chart(stored: &Stored) -> Result<()> {
    match stored.chart_version() {
        Some(version) if is_newer(version, chart::VERSION) => {
            let what = format!("the release has chart {version}, and this `sc` brings {}", chart::VERSION);
            Err(Fault::failed(what, "use an `sc` of that version or a later one").into())
        }
        _ => Ok(()),
    }
}

/// The namespaces that the job has work in, but for those that the chart makes.
fn namespaces_of(values: &Value) -> BTreeSet<String> {
    let Ok(Connections { listed, sets, .. }) = Connections::parse(values.to_string().as_bytes(), &mut Problems::default()) else {
        return BTreeSet::new();
    };
    let made: BTreeSet<&str> = values["namespaces"]["create"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let present = listed.iter().filter(|connection| connection.state == sc_core::values::State::Present);
    let names = present.map(|connection| connection.namespace.to_string()).chain(sets.into_iter().flat_map(|set| set.namespaces));
    names.filter(|name| !made.contains(name.as_str())).collect()
}

/// The values of a release, as an object with a list of connections.
pub(crate) fn values_of(stored: &Stored) -> Value {
    let mut values = stored.values.clone().filter(Value::is_object).unwrap_or_else(|| json!({}));
    if !values["connections"].is_array() {
        values["connections"] = json!([]);
    }
    values
}

/// The names of the connections in the values, in their order.
fn names_of(values: &Value) -> Vec<String> {
    values["connections"].as_array().into_iter().flatten().map(|entry| entry["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Whether one version is later than another, both as semver writes them.
fn is_newer(one: &str, other: &str) -> bool {
    match (semver::Version::parse(one), semver::Version::parse(other)) {
        (Ok(one), Ok(other)) => one > other,
        _ => false,
    }
}
