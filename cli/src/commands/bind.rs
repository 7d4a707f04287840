//! `sc bind`: what a connection adds to a workload in the cluster, and adding it.
//!
//! Rule: nothing is written that was not shown before.

use std::time::Duration;

use anyhow::{Context, Result};
use sc_core::problem::Choice;
use sc_job::cluster::{Cluster, Failure};
use sc_job::exit;
use serde_json::Value;
use tokio::time::timeout;

use crate::args::workload::{BindArgs, Workload};
use crate::fault::Fault;
use crate::listing::{Listing, Wanted};
use crate::manifest::{Ordered, yaml};
use crate::place::Place;
use crate::store::Store;
use crate::workload::{Needs, items, merged, nested};
use crate::{input, output};

/// So often a workload is read and written anew when others, such as its controller, write it at the same time.
const TRIES: usize = 5;
/// So long the look for a workload of that name elsewhere may take.
const LOOK: Duration = Duration::from_secs(2);

/// Shows what is added, and adds it if that is agreed to.
pub(crate) async fn run(args: &BindArgs, place: &Place) -> Result<u8> {
    let wanted = Wanted::of(&args.selection, place)?;
    refuse_fixed(&args.workload, &wanted.name, place)?;
    let store = Store::at(place).await?;
    let listing = Listing::of_release(&store).await?;
    let connection = &listing.find(&wanted)?.connection;
    let (namespace, kubectl) = (connection.namespace.as_str(), place.command("kubectl"));
    let target = Target { args, cluster: &store.cluster, namespace, needs: Needs::of(connection), kubectl };
    let mut agreed = None;
    for _ in 0..TRIES {
        let live = target.read().await?;
        let Some(patch) = target.patch(&live)? else {
            output::say(&format!("{target} has all that connection `{}` needs: nothing to add", wanted.name));
            return Ok(0);
        };
        if agreed.as_ref() != Some(&patch) && !target.is_agreed(&patch)? {
            output::say("nothing was changed");
            return Ok(exit::REFUSED);
        }
        if target.write(merged(live, &patch)).await? {
            output::say(&format!("{target} uses connection `{}`: write the same into its manifest, or the next deployment may undo it", wanted.name));
            return Ok(0);
        }
        agreed = Some(patch);
    }
    Err(Fault::failed(format!("{target} is changed by others all the time"), "try again when its rollout is over").into())
}

fn refuse_fixed(workload: &Workload, connection: &str, place: &Place) -> Result<()> {
    if workload.kind.may_change() {
        return Ok(());
    }
    let (kind, word) = (workload.kind.name(), workload.kind.singular());
    let fix = format!("make a new one: `{} snippet {connection} --kind {word}` prints one", place.command("sc"));
    Err(Fault::invalid(format!("what a {kind} runs cannot be changed while it is there"), fix).into())
}

/// A workload in the cluster, and what a connection asks of it.
struct Target<'a> {
    args: &'a BindArgs,
    cluster: &'a Cluster,
    namespace: &'a str,
    needs: Needs,
    /// The program, as it finds the same cluster.
    kubectl: String,
}

impl Target<'_> {
    fn path(&self) -> String {
        format!("{}/{}", self.args.workload.kind.collection(Some(self.namespace)), self.args.workload.name)
    }

    /// What is to be added to the live workload; nothing if all is there.
    fn patch(&self, live: &Value) -> Result<Option<Value>> {
        let pointer = self.args.workload.kind.template();
        let template = live.pointer(pointer).with_context(|| format!("{self} has no pod template"))?;
        let container = self.container(template)?;
        if !self.args.force {
            self.refuse_other_account(template)?;
        }
        Ok(self.needs.missing(template, container).map(|patch| nested(pointer, patch)))
    }

    fn container<'v>(&self, template: &'v Value) -> Result<&'v Value> {
        let containers = &template["spec"]["containers"];
        let names: Vec<&str> = items(containers).filter_map(|container| container["name"].as_str()).collect();
        match (&self.args.container, names.as_slice()) {
            (None, [_]) => Ok(&containers[0]),
            (None, several) => {
                let fix = format!("say which by `--container`: {}", several.join(", "));
                Err(Fault::invalid(format!("{self} has {} containers", several.len()), fix).into())
            }
            (Some(wanted), _) => items(containers).find(|container| container["name"] == wanted.as_str()).ok_or_else(|| {
                let fix = Choice::of(wanted, names.iter().copied()).to_string();
                Fault::invalid(format!("{self} has no container `{wanted}`"), fix).into()
            }),
        }
    }

    fn refuse_other_account(&self, template: &Value) -> Result<()> {
        let found = template["spec"]["serviceAccountName"].as_str().filter(|name| !["", "default"].contains(name));
        match (found, self.needs.account.as_deref()) {
            (Some(found), Some(account)) if found != account => {
                let what = format!("the pods of {self} run as ServiceAccount `{found}`, and the connection needs `{account}`");
                let fix = "a pod has one ServiceAccount: use another workload for this connection, or replace what is there by `--force`";
                Err(Fault::refused(what, fix).into())
            }
            _ => Ok(()),
        }
    }

    /// Shows what is added; returns whether it may be.
    fn is_agreed(&self, patch: &Value) -> Result<bool> {
        output::print(&format!("# added to {self}; lists keep what they have\n{}", yaml(&Ordered(patch))?))?;
        if self.args.yes {
            return Ok(true);
        }
        if !input::is_terminal() {
            let fix = "say so by `--yes`, since nobody can be asked here";
            return Err(Fault::refused(format!("nothing was changed: adding it to {self} was not confirmed"), fix).into());
        }
        input::agrees(&format!("add it to {self}? its pods are replaced by new ones"))
    }

    async fn read(&self) -> Result<Value> {
        match self.cluster.get(&self.path()).await.map_err(|failure| self.refusal(failure, "get"))? {
            Some(live) => Ok(live),
            None => Err(self.absent().await.into()),
        }
    }

    /// Writes it; not if somebody has changed it since it was read.
    async fn write(&self, changed: Value) -> Result<bool> {
        match self.cluster.replace(&self.path(), changed.to_string().into()).await {
            Ok(_) => Ok(true),
            Err(Failure::Conflict) => Ok(false),
            Err(failure) => Err(self.refusal(failure, "update")),
        }
    }

    /// Says what the API server has against it: rights are here those of a person.
    fn refusal(&self, failure: Failure, verb: &str) -> anyhow::Error {
        let what = format!("failed to {verb} {self}");
        match failure {
            Failure::Forbidden { .. } => {
                let plural = self.args.workload.kind.plural();
                let fix = format!(
                    "ask for that right: `{} auth can-i {verb} {plural} --namespace {}` says whether you have it",
                    self.kubectl, self.namespace
                );
                Fault::failed(format!("{what}: it is forbidden"), fix).into()
            }
            other => anyhow::Error::new(other).context(what),
        }
    }

    /// Says that it is not there, and where one of its name is. Who may not list them all is not told.
    async fn absent(&self) -> Fault {
        let Workload { kind, name } = &self.args.workload;
        let everywhere = format!("{}?fieldSelector=metadata.name%3D{name}", kind.collection(None));
        let found = timeout(LOOK, self.cluster.get(&everywhere)).await.ok().and_then(Result::ok).flatten().unwrap_or_default();
        let namespaces: Vec<&str> = items(&found["items"]).filter_map(|item| item["metadata"]["namespace"].as_str()).collect();
        let what = format!("there is no {self}, where the Secret of the connection is");
        let list = format!("see `{} -n {} get {}`", self.kubectl, self.namespace, kind.plural());
        if namespaces.is_empty() {
            return Fault::invalid(what, list);
        }
        let fix = format!("it is in {}, and a Secret is of use only in its own namespace: make a connection there, too", namespaces.join(", "));
        Fault::invalid(what, fix)
    }
}

impl std::fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}/{}`", self.args.workload.kind.name(), self.namespace, self.args.workload.name)
    }
}
