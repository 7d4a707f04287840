//! The task `check`: whether the live values are those that were applied. `helm test` asks it.

use anyhow::{Context, Result, anyhow};
use sc_core::connections::Connections;
use sc_core::problem::{Problem, Problems};

use crate::args::Args;
use crate::cluster::status::Status;
use crate::cluster::{Cluster, references};
use crate::document::Document;
use crate::exit;
use crate::output::{self, Output};
use crate::stop::Stop;

/// Compares `sc-status` with the live `sc-config` and says what it finds; returns the exit code.
pub(crate) async fn check(cluster: &Cluster, args: &Args, stop: &Stop, output: &Output) -> Result<u8> {
    let namespace = &args.release_namespace;
    let Document { bytes, desired } = Document::read(cluster, args, stop).await?;
    let failed = || format!("failed to read ConfigMap `{namespace}/sc-status`");
    let status = stop.or(Status::read(cluster, namespace)).await.with_context(failed)?.with_context(failed)?;
    let proves = status.proves(&desired.hash, &desired.uid);
    let stale = if proves { stale_set(cluster, args, &bytes, &status).await } else { None };
    let why = match (stale, status.result()) {
        (None, _) if proves => {
            output.line("proven: the live values were applied");
            return Ok(exit::APPLIED);
        }
        (Some(Stale::Unread(problem)), _) if problem.may_pass() => return Err(anyhow!("{problem}").context("failed to look at the connection sets")),
        (Some(Stale::Unread(problem)), _) => problem.to_string(),
        (Some(Stale::Changed(name)), _) => format!("the set `{name}` changed since the last run"),
        (None, ("", _)) => "no run has begun yet".to_owned(),
        (None, ("Succeeded", _)) => "the last run applied other values".to_owned(),
        (None, (other, reason)) => format!("the last run is {other}: {reason}"),
    };
    output.line(&format!("not proven: {why}"));
    output::termination(&format!("not proven: {why}"));
    Ok(exit::REFUSED)
}

/// A set that proves nothing.
enum Stale {
    Changed(String),
    Unread(Problem),
}

/// A set that is not as the last run used it.
async fn stale_set(cluster: &Cluster, args: &Args, values: &[u8], status: &Status) -> Option<Stale> {
    let Ok(Connections { sets, .. }) = Connections::parse(values, &mut Problems::default()) else { return None };
    for set in sets {
        match references::set(cluster, &args.release_namespace, &set).await {
            Err(why) => return Some(Stale::Unread(set.unread(why))),
            Ok((_, version)) if status.version_of(&set.secret) == Some(version.as_str()) => {}
            Ok(_) => return Some(Stale::Changed(set.secret)),
        }
    }
    None
}
