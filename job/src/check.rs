//! The task `check`: whether the live values are those that were applied. `helm test` asks it.

use anyhow::{Context, Result};
use sc_core::connections::Connections;
use sc_core::problem::Problems;

use crate::args::Args;
use crate::cluster::status::Status;
use crate::cluster::{Cluster, references};
use crate::document::Document;
use crate::stop::Stop;
use crate::{exit, output};

/// Compares `sc-status` with the live `sc-config` and says what it finds; returns the exit code.
pub(crate) async fn check(cluster: &Cluster, args: &Args, stop: &Stop) -> Result<u8> {
    let namespace = &args.release_namespace;
    let Document { bytes, desired } = Document::read(cluster, args, stop).await?;
    let failed = || format!("failed to read ConfigMap `{namespace}/sc-status`");
    let status = stop.or(Status::read(cluster, namespace)).await.with_context(failed)?.with_context(failed)?;
    let stale = if status.proves(&desired.hash, &desired.uid) { stale_set(cluster, args, &bytes, &status).await } else { None };
    if stale.is_none() && status.proves(&desired.hash, &desired.uid) {
        output::line("proven: the live values were applied");
        return Ok(exit::APPLIED);
    }
    let (result, reason) = status.result();
    let why = match result {
        "" => "no run has begun yet".to_owned(),
        "Succeeded" => {
            stale.map_or_else(|| "the last run applied other values".to_owned(), |name| format!("the set `{name}` changed since the last run"))
        }
        other => format!("the last run is {other}: {reason}"),
    };
    output::line(&format!("not proven: {why}"));
    output::termination(&format!("not proven: {why}"));
    Ok(exit::REFUSED)
}

/// A set that is not as the last run used it.
async fn stale_set(cluster: &Cluster, args: &Args, values: &[u8], status: &Status) -> Option<String> {
    let Ok(Connections { sets, .. }) = Connections::parse(values, &mut Problems::default()) else { return None };
    for set in sets {
        let version = references::set(cluster, &args.release_namespace, &set).await.map(|(_, version)| version);
        if version.ok().as_deref() != status.version_of(&set.secret) {
            return Some(set.secret);
        }
    }
    None
}
